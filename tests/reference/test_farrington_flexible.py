"""Farrington Flexible against R `surveillance` 1.20.3 (shared/reference/detect).

Everything is compared: alarm and trend exactly, the rest to 1e-9 relative (score, which is 0 where
count and expectation meet, to 1e-9 relative or 1e-12 absolute). Left out, each by a note of the
fixtures' README, are only the cells named in `NOISE`. `mu0` is not compared at all (note 4).
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from anlan.assess.detect.farrington_flexible import farrington_flexible
from anlan.assess.detect.panel import Detection, Panel

#: note 7: columns that hold rounding noise in the peer, as {case: (columns, rows k or all)}
NOISE: dict[str, tuple[tuple[str, ...], tuple[int, ...] | None]] = {
    # slope zero up to rounding, p rounds to 1: kept or not is chance
    "ff/hard/single_case/np10_nb": (("trend", "trend_coef"), (290, 295)),
    # perfect fit: residuals, hence dispersion of the test and the slope, are rounding
    "ff/hard/constant4/delta": (("trend", "trend_coef", "score"), None),
    "ff/hard/constant4/np10_nb": (("trend", "trend_coef", "score"), None),
    "ff/hard/constant4/np10_muan_b3": (("trend", "trend_coef", "score"), None),
}
#: a slope of zero up to rounding (note 7, single_case): nothing but its smallness can be compared
SLOPE_FLOOR = {"ff/hard/single_case/np10_nb": 1e-15}

OURS = {
    "weightsThreshold": "weights_threshold",
    "pThresholdTrend": "p_threshold_trend",
    "populationOffset": "population_offset",
    "noPeriods": "no_periods",
    "pastWeeksNotIncluded": "past_weeks_not_included",
    "thresholdMethod": "threshold_method",
    "fitFun": "fit_fun",
}
VALUES = {"nbPlugin": "nb_plugin", "algo.farrington.fitGLM.flexible": "flexible"}

Peer = dict[str, dict[tuple[str, int], dict[str, float]]]


def number(text: str) -> float:
    return float("nan") if text == "NA" else float(text)


@pytest.fixture(scope="module")
def folder(shared: Path) -> Path:
    return shared / "reference" / "detect"


@pytest.fixture(scope="module")
def cases(folder: Path) -> list[dict[str, Any]]:
    register = json.loads((folder / "cases.json").read_text())["cases"]
    return [case for case in register if case["detector"] == "farringtonFlexible"]


@pytest.fixture(scope="module")
def peer(folder: Path) -> Peer:
    out: Peer = {}
    with (folder / "out_farringtonFlexible.csv").open() as file:
        for row in csv.DictReader(file):
            cell = {name: number(row[name]) for name in row if name not in ("case", "series", "k")}
            out.setdefault(row["case"], {})[row["series"], int(row["k"])] = cell
    return out


def read(path: Path, series: list[str]) -> tuple[Any, Any]:
    with path.open() as file:
        rows = list(csv.DictReader(file))
    values = np.array([[number(row[s]) for row in rows] for s in series])
    dated = "date" in rows[0]
    return values, np.array([r["date"] for r in rows], dtype="datetime64[D]") if dated else None


def panel_of(folder: Path, case: dict[str, Any]) -> tuple[list[str], Panel]:
    series = case["series"] if isinstance(case["series"], list) else [case["series"]]
    counts, dates = read(folder / "inputs" / case["input"], series)
    population = None
    if (case["control"] or {}).get("populationOffset"):
        name = case["input"].replace(".csv", ".population.csv")
        population, _ = read(folder / "inputs" / name, series)
    return series, Panel(counts, case["freq"], population, dates if case["epoch_as_date"] else None)


def detect(panel: Panel, case: dict[str, Any], ks: list[int], compat: Any) -> Detection:
    control = {
        OURS.get(name, name): VALUES.get(value, value) if isinstance(value, str) else value
        for name, value in dict(case["control"] or {}).items()
        if name not in ("range", "glmWarnings")
    }
    return farrington_flexible(panel, np.array(ks) - 1, compat=compat, **control)


def ks_of(case: dict[str, Any], peer: Peer) -> list[int]:
    return sorted({k for _, k in peer[case["id"]]})


def test_every_number_is_the_packages(folder: Path, cases: list[dict[str, Any]], peer: Peer) -> None:
    agreed = 0
    for case in cases:
        if case["status"] != "ok":
            continue
        ks = ks_of(case, peer)
        series, panel = panel_of(folder, case)
        found = detect(panel, case, ks, "surveillance")
        ours = {
            "upperbound": found.threshold,
            "alarm": np.where(found.alarm == -1, np.nan, found.alarm),
            "expected": found.expected,
            "score": found.score,
            "pvalue": found.p_value,
            "phi": found.phi,
            "trend": np.where(found.trend == -1, np.nan, found.trend),
            "trend_coef": found.trend_coef,
        }
        columns, rows = NOISE.get(case["id"], ((), None))
        for name, values in ours.items():
            wanted = np.array([[peer[case["id"]][s, k][name] for k in ks] for s in series])
            compared = values
            if name in columns:
                keep = np.array([rows is not None and k not in rows for k in ks])
                wanted, compared = wanted[:, keep], values[:, keep]
            where = f"{case['id']} {name}"
            if name in ("alarm", "trend"):
                assert_array_equal(compared, wanted, err_msg=where)
            else:
                floor = 1e-12 if name == "score" else 0.0
                if name == "trend_coef":
                    floor = SLOPE_FLOOR.get(case["id"], 0.0)
                assert_allclose(compared, wanted, rtol=1e-9, atol=floor, err_msg=where)
        agreed += 1
    assert agreed == 125


def test_the_packages_errors_are_refused_and_named(folder: Path, cases: list[dict[str, Any]]) -> None:
    says = {
        "ff/agona/periods_too_many": "no_periods is too large: 59 seasons cannot share the 45",
        "ff/agona/too_short": "some reference times do not exist: 5 year",
    }
    errors = {case["id"]: case for case in cases if case["status"] == "error"}
    assert errors.keys() == says.keys()
    for name, case in errors.items():
        _, panel = panel_of(folder, case)
        span = case["control"]["range"]
        with pytest.raises(ValueError, match=says[name]):
            detect(panel, case, list(range(span["from"], span["to"] + 1)), "surveillance")


def test_each_step_of_a_fit_is_the_packages(folder: Path) -> None:
    from anlan.assess.detect.farrington_plain import anscombe, glm, weights

    traces = json.loads((folder / "trace_farringtonFlexible.json").read_text())
    assert len(traces) == 6
    for trace in traces:
        y = np.array(trace["response"], dtype=np.float64)
        season = np.array([int(g) for g in trace["season_group"]])
        levels = (season[:, None] == np.unique(season)).astype(np.float64)
        x = np.column_stack([levels, np.array(trace["wtime"], dtype=np.float64)])
        first = glm(x, y, np.zeros(len(y)), np.ones(len(y)))
        freedom = len(y) - x.shape[1]
        phi = max(1.0, float((first.work * ((y - first.mu) / first.mu) ** 2).sum()) / freedom)
        assert_allclose(phi, trace["fit1"]["phi"], rtol=1e-9, err_msg=trace["id"])
        assert_allclose(first.coef[-1], trace["fit1"]["coef"]["wtime"], rtol=1e-9)
        s = anscombe(x, y, first, phi)
        assert_allclose(s, trace["anscombe"], rtol=1e-9, atol=1e-12)
        omega = weights(s, trace["control"]["weightsThreshold"])
        assert_allclose(omega, trace["weights"], rtol=1e-9)
        second = glm(x, y, np.zeros(len(y)), omega)
        assert_allclose(second.coef[-1], trace["fit2"]["coef"]["wtime"], rtol=1e-9)
        wrong = float((omega * ((y - second.mu) / second.mu) ** 2).sum()) / freedom
        assert_allclose(wrong, trace["trend_test"]["dispersion_used"], rtol=1e-9)


def test_by_default_the_blind_spots_of_the_package_see(
    folder: Path, cases: list[dict[str, Any]], peer: Peer
) -> None:
    """Notes 5 and 6: all-zero history, and a season without a case under `muan`."""
    by_id = {case["id"]: case for case in cases}
    case = by_id["ff/hard/zeros_then_cases/np10_nb"]
    ks = ks_of(case, peer)
    _, panel = panel_of(folder, case)
    theirs = detect(panel, case, ks, "surveillance")
    ours = detect(panel, case, ks, "mended")
    cases_seen = panel.counts[:, np.array(ks) - 1] > 0
    assert cases_seen.any()
    assert not (theirs.alarm == 1).any()
    assert_array_equal(ours.alarm == 1, cases_seen)

    case = by_id["ff/newport/muan"]
    ks = ks_of(case, peer)
    _, panel = panel_of(folder, case)
    theirs = detect(panel, case, ks, "surveillance")
    ours = detect(panel, case, ks, "mended")
    y = panel.counts[:, ours.test]
    assert np.nanmax(theirs.threshold) > 1e6
    assert np.isfinite(ours.threshold).all()
    assert ours.threshold.max() < 100 * (1 + y.max())
