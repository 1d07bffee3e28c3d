"""How near nowcasts come to what was known in the end, and how often their intervals hold it.

`nowcast.py [--small]`: two real data sets with every published version, replayed without look-ahead:

- ehec: the 2011 STEC O104:H4 outbreak in Germany, HUS admissions by day of admission and of report; at the
  end of each day from 2 June (as Höhle and an der Heiden 2014; in the two weeks before, since reporting
  began, delays cannot be learnt and every method is far off) the last ten days are nowcast (`--small`:
  every third day);
- flu: weekly influenza hospital admissions of 53 US places, every publication; the last four weeks are
  nowcast (`--small`: every fifth publication).

The peer is the count as known at the time ("naive"). With a speed figure: `nowcast_many` on 10,000 series.
"""

from __future__ import annotations

import csv
import gzip
import json
import os
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from anlan.assess.models.nowcast import PoissonGamma, nowcast
from anlan.assess.models.nowcast_many import NowcastMany, cumulated, nowcast_many
from anlan.assess.models.reporting_triangle import triangle_from_line_list

Floats = npt.NDArray[np.float64]
DATA = Path(os.environ.get("ANLAN_SHARED", Path(__file__).parents[2] / "shared")) / "data"
DAY = np.timedelta64(1, "D")


class Tally:
    """Errors and hits of one method at each age."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, float, float, bool, float]] = []

    def add(self, age: int, truth: float, estimate: float, lower: float, upper: float) -> None:
        self.rows.append((age, truth, abs(estimate - truth), lower <= truth <= upper, upper - lower))

    def summary(self) -> dict[str, float]:
        table = np.array(self.rows, dtype=np.float64)
        return {
            "n": len(table),
            "mae": round(float(table[:, 2].mean()), 3),
            "relative_error": round(float(table[:, 2].sum() / table[:, 1].sum()), 4),
            "coverage": round(float(table[:, 3].mean()), 3),
            "width": round(float(table[:, 4].mean()), 2),
        }


def ehec(small: bool) -> dict[str, dict[str, float]]:
    with (DATA / "ehec-hus-2011" / "hosp_by_report.csv").open() as file:
        rows = list(csv.DictReader(file))
    each = [int(row["n"]) for row in rows]
    event = np.repeat(np.array([row["hospitalised"] for row in rows], dtype="datetime64[D]"), each)
    report = np.repeat(np.array([row["reported"] for row in rows], dtype="datetime64[D]"), each)
    start, longest = np.datetime64("2011-05-07"), 15
    prior = PoissonGamma(mean=50, variance=3000)
    methods = {name: Tally() for name in ("naive", "lawless", "bayes.trunc", "many")}
    for now in np.arange(np.datetime64("2011-06-02"), np.datetime64("2011-06-25"), 3 if small else 1):
        triangle = triangle_from_line_list(event, report, now=now, start=start, max_delay=longest)
        single = {
            "lawless": nowcast(triangle, method="lawless"),
            "bayes.trunc": nowcast(triangle, method="bayes.trunc", prior=prior),
        }
        many = nowcast_many(cumulated(triangle.counts)[None], window=14)
        for age in range(10):
            truth = float((event == now - age * DAY).sum())
            t = triangle.last - age
            so_far = float(triangle.reported()[t])
            methods["naive"].add(age, truth, so_far, so_far, so_far)
            for name, found in single.items():
                methods[name].add(age, truth, found.median[t], found.lower[t], found.upper[t])
            i = longest - 1 - age
            methods["many"].add(age, truth, many.median[0, i], many.lower[0, i], many.upper[0, i])
    return {name: tally.summary() for name, tally in methods.items()}


def vintages() -> tuple[Floats, npt.NDArray[np.datetime64], npt.NDArray[np.datetime64]]:
    """Values [n_places, n_weeks, n_publications] as of each publication, the weeks, the publications."""
    with gzip.open(DATA / "flu-us-vintages" / "hospital_admissions_vintages.csv.gz", "rt") as file:
        rows = list(csv.DictReader(file))
    places = sorted({row["location"] for row in rows})
    first = min(row["week_end"] for row in rows)
    published = np.array(sorted({row["as_of"] for row in rows}), dtype="datetime64[D]")
    weeks = np.arange(np.datetime64(first), published[-1] + DAY, 7)
    values = np.full((len(places), len(weeks), len(published)), np.nan)
    place_at = {place: i for i, place in enumerate(places)}
    as_of_at = {str(day): i for i, day in enumerate(published)}
    for row in rows:
        week = int((np.datetime64(row["week_end"]) - weeks[0]) // np.timedelta64(7, "D"))
        value = float(row["admissions"]) if row["admissions"] else np.nan
        # a later publication keeps the value until it changes it
        values[place_at[row["location"]], week, as_of_at[row["as_of"]] :] = value
    return values, weeks, published


def triangles(
    values: Floats, weeks: npt.NDArray[np.datetime64], published: npt.NDArray[np.datetime64], longest: int
) -> Iterator[tuple[int, Floats]]:
    """For each publication its index and what was known [n_places, n_weeks, longest + 1], this week last."""
    ages = ((published[None, :] - weeks[:, None]) // np.timedelta64(7, "D")).astype(np.int64)
    for p in range(len(published)):
        last = int((published[p] - weeks[0]) // np.timedelta64(7, "D")) + 1
        known = np.full((values.shape[0], last, longest + 1), np.nan)
        for earlier in range(p + 1):
            age = ages[:last, earlier]
            for d in range(longest + 1):
                at = np.flatnonzero(age == d)
                known[:, at, d] = values[:, at, earlier]
        yield p, known


def flu(small: bool) -> dict[str, dict[str, float]]:
    values, weeks, published = vintages()
    longest, asked = 8, 4
    methods = {"naive": Tally(), "many": Tally()}
    final = values[:, :, -1]
    for p, known in triangles(values, weeks, published, longest):
        if p < 12 or (small and p % 5):  # a season's start to learn the delays from
            continue
        found = nowcast_many(known, window=12, revisions="both")
        last = known.shape[1] - 1
        for age in range(asked):
            for s in range(len(values)):
                truth, i = final[s, last - age], longest - 1 - age
                so_far = found.known[s, i]
                if np.isnan(truth) or np.isnan(found.median[s, i]):
                    continue
                methods["naive"].add(age, truth, so_far, so_far, so_far)
                methods["many"].add(age, truth, found.median[s, i], found.lower[s, i], found.upper[s, i])
    return {name: tally.summary() for name, tally in methods.items()}


def speed(small: bool) -> tuple[float, int]:
    rng = np.random.default_rng(1)
    n, periods, longest = (1_000 if small else 10_000), 60, 10
    part = np.array([0.1, 0.2, 0.2, 0.15, 0.1, 0.1, 0.05, 0.04, 0.03, 0.02, 0.01])
    level = np.exp(rng.normal(2, 1.5, (n, 1, 1)))
    known = cumulated(rng.poisson(level * part, (n, periods, longest + 1)).astype(np.float64))
    unseen = np.arange(periods)[:, None] + np.arange(longest + 1) > periods - 1
    known[:, unseen] = np.nan
    best = np.inf
    for _ in range(3):
        begun = time.process_time()
        found: NowcastMany = nowcast_many(known)
        best = min(best, time.process_time() - begun)
    assert np.isfinite(found.median).all()
    return best, n


def main(small: bool) -> None:
    results = {"ehec": ehec(small), "flu": flu(small)}
    for data, methods in results.items():
        for method, figures in methods.items():
            print(data, method, figures)
    seconds, n = speed(small)
    better = all(m["many"]["mae"] < m["naive"]["mae"] for m in results.values())
    print(
        json.dumps(
            {
                "name": "nowcast",
                "work": f"replay of two data sets; {n} series of 60 periods, 10 delays",
                "ours": {"many_s": round(seconds, 4)},
                "peers": {},
                "ratio": {},
                "naive_error_over_ours": {
                    k: round(m["naive"]["mae"] / m["many"]["mae"], 2) for k, m in results.items()
                },
                "agree": better,
                "results": results,
                "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            }
        )
    )


if __name__ == "__main__":
    main("--small" in sys.argv[1:])
