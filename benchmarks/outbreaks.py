"""How many outbreaks are found at the same rate of false alarms: our default beside Farrington Flexible.

Simulations: the 28 published scenarios (`anlan.testing.outbreaks`). Real series: weekly counts of ten
diseases with the outbreaks that the Robert Koch Institute labelled (../shared/data/outbreaks-de-labelled;
left out where it is not there). Every method is run with its usual settings and, by its p-value, at the
false-alarm rates that Farrington Flexible has with its published settings. Intervals are 95 % percentile
bootstrap over series, within scenarios; the margin is paired, series by series.

The peer is the R package `surveillance` 1.20.3. Its results stand in
../shared/reference/detect/bench/sim280_peer_results.csv (made by `peer_table.R` there); on the same 280
series our Farrington Flexible under compat="surveillance" must count exactly what it counts, and then it
stands for the peer on larger simulations.
"""

from __future__ import annotations

import csv
import json
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from anlan.assess.detect.panel import Alarm, Detection, Panel, Reason
from anlan.assess.detect.registry import detector
from anlan.testing.outbreaks import TESTED, count, read_study, simulate

SHARED = Path(__file__).resolve().parent.parent.parent / "shared"
#: the settings of the comparison (peer_table.R)
FLEXIBLE = {"b": 5, "no_periods": 10, "past_weeks_not_included": 26, "alpha": 0.005}
PEER = {
    "ff_nbPlugin_a005": {**FLEXIBLE, "threshold_method": "nb_plugin"},
    "ff_delta_a005": {**FLEXIBLE, "threshold_method": "delta"},
}
RATES = (0.005, 0.0069, 0.0106, 0.02)


@dataclass(frozen=True)
class Method:
    """A name to print, a detector and its parameters; `gate`: only counts above 0 with five cases in four
    weeks can alarm, as the detector itself demands."""

    name: str
    detector: str
    params: dict[str, Any]

    def run(self, counts: np.ndarray, test: np.ndarray) -> Detection:
        return detector(self.detector)(Panel(counts, 52), test, **self.params)


DEFAULT = Method("farrington_scan (default)", "farrington_scan", {})
FLEXIBLE_NB = Method("farrington_flexible nb_plugin", "farrington_flexible", PEER["ff_nbPlugin_a005"])
FLEXIBLE_DELTA = Method("farrington_flexible delta", "farrington_flexible", PEER["ff_delta_a005"])
TRIED = (
    Method("farrington_scan, one week", "farrington_scan", {"longest": 1}),
    Method("farrington_scan, three weeks", "farrington_scan", {"longest": 3}),
    Method("farrington_scan, five years", "farrington_scan", {"b": 5}),
    Method("farrington_scan, one week, five years", "farrington_scan", {"longest": 1, "b": 5}),
    Method("farrington_scan, short memory only", "farrington_scan", {"b": 12, "least_years": 12}),
    Method("ears_c1", "ears_c1", {}),
    Method("ears_c2", "ears_c2", {}),
)
#: the rest of the family, set as in peer_table.R, and what agencies run beside it
FAMILY = (
    Method("farrington, original", "farrington", {"alpha": 0.01}),
    Method("glrpois", "glrpois", {"c_arl": 5.0, "s": 1, "trend": True, "refit": False, "ret": "value"}),
    Method("bayes 1", "bayes", {"b": 0, "w": 6, "act_y": True, "alpha": 0.05}),
    Method("bayes 2", "bayes", {"b": 1, "w": 6, "act_y": True, "alpha": 0.05}),
    Method("bayes 3", "bayes", {"b": 2, "w": 4, "act_y": False, "alpha": 0.05}),
    Method("rki 1", "rki", {"b": 0, "w": 6, "act_y": True}),
    Method("rki 2", "rki", {"b": 1, "w": 6, "act_y": True}),
    Method("rki 3", "rki", {"b": 2, "w": 4, "act_y": False}),
    Method("cdc", "cdc", {"b": 5, "m": 1, "alpha": 0.01}),
    Method("cusum standard", "cusum", {"trans": "standard"}),
    Method("cusum rossi, seasonal mean", "cusum", {"trans": "rossi", "m": "glm"}),
    Method("ears_c3", "ears_c3", {}),
    Method("cidars, 80th percentile", "cidars", {}),
)


def surprise(found: Detection, counts: np.ndarray) -> np.ndarray:
    """What ranks the cells: minus the p-value, or the score where the method has none; what the detector
    would never call an alarm ranks last."""
    stated = ~np.isnan(found.p_value).all()
    rank = -found.p_value if stated else found.score
    never = np.isin(found.reason, [Reason.TOO_FEW_CASES]) | np.isnan(rank)
    if stated:
        never |= counts <= 0
    return np.where(never, -np.inf, rank)


def parity() -> tuple[bool, str]:
    """Whether ours under compat counts what the peer counted on the 280 published series."""
    folder = SHARED / "reference" / "detect" / "bench"
    if not folder.is_dir():
        return True, "the peer's 280 series are not here; not compared"
    study = read_study(folder / "sim280_baseline.csv.gz", folder / "sim280_outbreaks.csv")
    with (folder / "sim280_peer_results.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["method"] in PEER]
    wrong = 0
    for name, params in PEER.items():
        method = Method(name, "farrington_flexible", {**params, "compat": "surveillance"})
        got = count(
            method.run(study.clean, TESTED - 1).alarm == Alarm.YES,
            method.run(study.hit, TESTED - 1).alarm == Alarm.YES,
            study.current,
        )
        for row in rows:
            if row["method"] != name:
                continue
            mine = study.scenario == int(row["scenario"])
            ours = [got.false[mine].sum(), got.found[mine].sum(), *got.table[mine].sum(axis=0)]
            theirs = [int(row[key]) for key in ("false_alarms", "detected", "tp", "fn", "fp", "tn")]
            wrong += ours != theirs
    return wrong == 0, f"{len(rows) - wrong} of {len(rows)} rows of the peer's table are ours to the count"


def bootstrap(of: Callable[[np.ndarray], float], strata: np.ndarray, draws: int) -> tuple[float, float]:
    """95 % percentile interval of a function of the chosen series, drawn within strata."""
    rng = np.random.default_rng(5)
    groups = [np.flatnonzero(strata == stratum) for stratum in np.unique(strata)]
    values = [of(np.concatenate([rng.choice(group, len(group)) for group in groups])) for _ in range(draws)]
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def simulations(repeats: int, draws: int) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The table of methods, and the margin of the default over Farrington Flexible at its own rates."""
    study = simulate(repeats, seed=20_131_206)
    rows, ranks = [], {}
    print(f"\n28 scenarios x {repeats} series, {study.clean.shape[0] * len(TESTED):,} tested weeks")
    print(f"{'as usually set':40}    FPR    POD  first   sens   spec  delay |  POD at FPR", *RATES)
    for method in (FLEXIBLE_NB, FLEXIBLE_DELTA, DEFAULT, *TRIED, *FAMILY):
        quiet, loud = (method.run(counts, TESTED - 1) for counts in (study.clean, study.hit))
        own = count(quiet.alarm == Alarm.YES, loud.alarm == Alarm.YES, study.current)
        tp, fn, fp, tn = own.table.sum(axis=0)
        ranks[method.name] = (
            surprise(quiet, study.clean[:, TESTED - 1]),
            surprise(loud, study.hit[:, TESTED - 1]),
        )
        row = {
            "method": method.name,
            "fpr": own.false.sum() / quiet.alarm.size,
            "pod": own.found.mean(),
            "first_week": own.first.mean(),
            "sensitivity": tp / (tp + fn),
            "specificity": tn / (tn + fp),
            "delay": own.delay[own.found].mean(),
            "pod_at": {rate: at_rate(*ranks[method.name], study.current, rate)[1].mean() for rate in RATES},
        }
        rows.append(
            {key: value if isinstance(value, (str, dict)) else float(value) for key, value in row.items()}
        )
        shares = "  ".join(f"{row['pod_at'][rate]:.3f}" for rate in RATES)
        print(
            f"{method.name:40} {row['fpr']:.4f}  {row['pod']:.3f}  {row['first_week']:.3f}  "
            f"{row['sensitivity']:.3f}  {row['specificity']:.4f}  {row['delay']:.2f} |  {shares}",
            flush=True,
        )
    peer_table()
    margins = {}
    for peer, rate in ((FLEXIBLE_NB, 0.0069), (FLEXIBLE_DELTA, 0.0106)):
        ours = at_rate(*ranks[DEFAULT.name], study.current, rate)[1]
        theirs = at_rate(*ranks[peer.name], study.current, rate)[1]
        difference = ours.astype(float) - theirs
        low, high = bootstrap(lambda chosen, d=difference: float(d[chosen].mean()), study.scenario, draws)
        margins[peer.name] = {"fpr": rate, "margin": float(difference.mean()), "low": low, "high": high}
        said = f"{difference.mean():+.3f} [{low:+.3f}, {high:+.3f}]"
        print(f"POD of the default minus {peer.name} at FPR {rate}: {said}")
    return rows, margins


def peer_table() -> None:
    """What the peer reached on its 280 series, as its own script counted."""
    file = SHARED / "reference" / "detect" / "bench" / "sim280_peer_results.csv"
    if not file.is_file():
        return
    sums: dict[str, dict[str, int]] = {}
    with file.open() as lines:
        for row in csv.DictReader(lines):
            mine = sums.setdefault(row["method"], {})
            for key in (
                "weeks",
                "false_alarms",
                "outbreaks",
                "detected",
                "detected_first_week",
                "tp",
                "fn",
                "fp",
                "tn",
            ):
                mine[key] = mine.get(key, 0) + int(row[key])
    print("R surveillance 1.20.3 on its 280 series")
    for name, n in sums.items():
        print(
            f"{name:40} {n['false_alarms'] / n['weeks']:.4f}  {n['detected'] / n['outbreaks']:.3f}  "
            f"{n['detected_first_week'] / n['outbreaks']:.3f}  {n['tp'] / (n['tp'] + n['fn']):.3f}  "
            f"{n['tn'] / (n['tn'] + n['fp']):.4f}"
        )


def at_rate(
    quiet: np.ndarray, loud: np.ndarray, current: np.ndarray, rate: float
) -> tuple[float, np.ndarray]:
    """(false alarm rate reached, outbreak found) with the threshold on the rank that gives at most `rate`."""
    bound = np.quantile(quiet, 1 - rate, method="higher")
    inside = (current[:, :1] <= TESTED) & (current[:, 1:] >= TESTED)
    return float((quiet > bound).mean()), ((loud > bound) & inside).any(axis=1)


def real(draws: int) -> dict[str, Any]:
    """The labelled German series: weeks 31 to 209, runs that begin later than week 30 (eight)."""
    file = SHARED / "data" / "outbreaks-de-labelled" / "rki_survstat_2001_2004.csv"
    if not file.is_file():
        print("\nlabelled series: not here")
        return {}
    with file.open() as lines:
        rows = list(csv.DictReader(lines))
    names = sorted({row["series"] for row in rows})
    counts, labelled = np.full((len(names), 209), np.nan), np.zeros((len(names), 209), dtype=bool)
    for row in rows:
        cell = names.index(row["series"]), int(row["week_index"]) - 1
        counts[cell], labelled[cell] = float(row["cases"]), row["outbreak"] == "1"
    test = np.arange(30, 209)
    label, y = labelled[:, test], counts[:, test]
    runs = label.any(axis=1)
    ranks = {
        FLEXIBLE_NB.name: flexible_with_what_there_is(counts, test, "nb_plugin"),
        FLEXIBLE_DELTA.name: flexible_with_what_there_is(counts, test, "delta"),
    }
    for method in (DEFAULT, *TRIED):
        ranks[method.name] = surprise(method.run(counts, test), y)
    print(f"\nlabelled series: {runs.sum()} runs, {label.sum()} labelled weeks, {(~label).sum()} others")
    print(f"{'':40}    at FPR: runs found, share of labelled weeks", *RATES)
    out: dict[str, Any] = {}
    for name, rank in ranks.items():
        alarms = {rate: rank > np.quantile(rank[~label], 1 - rate, method="higher") for rate in RATES}
        out[name] = {
            str(rate): {
                "runs": int((alarm & label).any(axis=1).sum()),
                "weeks": float(alarm[label].mean()),
                "fpr": float(alarm[~label].mean()),
            }
            for rate, alarm in alarms.items()
        }
        print(f"{name:40}", *(f"{cell['runs']} {cell['weeks']:.3f} " for cell in out[name].values()))
    rate = 0.0106
    alarm = {
        name: rank > np.quantile(rank[~label], 1 - rate, method="higher") for name, rank in ranks.items()
    }
    holding = np.flatnonzero(runs)
    for peer in (FLEXIBLE_NB.name, FLEXIBLE_DELTA.name):
        gain = alarm[DEFAULT.name].astype(float) - alarm[peer]

        def margin(chosen: np.ndarray, gain: np.ndarray = gain) -> float:
            series = holding[chosen.astype(int)]
            return float(gain[series][label[series]].mean())

        low, high = bootstrap(margin, np.zeros(len(holding)), draws)
        whole = margin(np.arange(len(holding)))
        out[f"margin over {peer}"] = {"fpr": rate, "margin": whole, "low": low, "high": high}
        said = f"{whole:+.3f} [{low:+.3f}, {high:+.3f}]"
        print(f"share of labelled weeks, default minus {peer} at FPR {rate}: {said}")
    return out


def flexible_with_what_there_is(counts: np.ndarray, test: np.ndarray, bound: str) -> np.ndarray:
    """Farrington Flexible given the most years that lie before each week, one at least (four years of data
    never hold the five that it asks for)."""
    best = np.full((len(counts), len(test)), np.nan)
    few = np.zeros(best.shape, dtype=bool)
    for b in (5, 4, 3, 2, 1):
        params = {**FLEXIBLE, "b": b, "threshold_method": bound, "short_history": "unknown"}
        found = detector("farrington_flexible")(Panel(counts, 52), test, **params)
        fresh = np.isnan(best) & ~np.isnan(found.p_value)
        best = np.where(fresh, found.p_value, best)
        few = np.where(fresh, found.reason == Reason.TOO_FEW_CASES, few)
    return np.where(np.isnan(best) | few | (counts[:, test] <= 0), -np.inf, -best)


def main(small: bool) -> None:
    began = time.process_time()
    agree, said = parity()
    print(said)
    repeats, draws = (10, 200) if small else (200, 2000)
    rows, margins = simulations(repeats, draws)
    result = {
        "name": "outbreaks",
        "work": f"28 scenarios x {repeats} series; ten labelled series",
        "ours": {"study_s": round(time.process_time() - began, 2)},
        "peers": {"surveillance 1.20.3": said},
        "ratio": {},
        "agree": agree,
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "simulations": rows,
        "margin": margins,
        "labelled": real(draws),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main("--small" in sys.argv[1:])
