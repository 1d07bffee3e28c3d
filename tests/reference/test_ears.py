"""EARS against R `surveillance` 1.20.3 (shared/reference/detect, note 10)."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from anlan.assess.detect.panel import Panel
from anlan.assess.detect.registry import detector


def number(text: str) -> float:
    return float("nan") if text == "NA" else float(text)


@pytest.fixture(scope="module")
def folder(shared: Path) -> Path:
    return shared / "reference" / "detect"


@pytest.fixture(scope="module")
def cases(folder: Path) -> list[dict[str, Any]]:
    register = json.loads((folder / "cases.json").read_text())["cases"]
    return [case for case in register if case["detector"] == "earsC"]


@pytest.fixture(scope="module")
def peer(folder: Path) -> dict[tuple[str, str, int], tuple[float, float]]:
    with (folder / "out_earsC.csv").open() as file:
        return {
            (r["case"], r["series"], int(r["k"])): (number(r["upperbound"]), number(r["alarm"]))
            for r in csv.DictReader(file)
        }


def run(folder: Path, case: dict[str, Any]) -> tuple[list[str], Any]:
    series = case["series"] if isinstance(case["series"], list) else [case["series"]]
    with (folder / "inputs" / case["input"]).open() as file:
        rows = list(csv.DictReader(file))
    panel = Panel(np.array([[number(r[s]) for r in rows] for s in series]), case["freq"])
    control = case["control"]
    test = slice(control["range"]["from"] - 1, control["range"]["to"])
    params = {"baseline": control["baseline"]}
    for ours, theirs in (("alpha", "alpha"), ("min_sigma", "minSigma")):
        if theirs in control:
            params[ours] = control[theirs]
    return series, detector(f"ears_{control['method'].lower()}")(panel, test, **params)


def test_every_bound_and_alarm_is_the_packages(
    folder: Path, cases: list[dict[str, Any]], peer: dict[tuple[str, str, int], tuple[float, float]]
) -> None:
    agreed = 0
    for case in cases:
        if case["status"] != "ok":
            continue
        series, found = run(folder, case)
        wanted = np.array([[peer[case["id"], s, k + 1] for k in found.test] for s in series])
        assert_allclose(found.threshold, wanted[..., 0], rtol=1e-9, err_msg=case["id"])
        alarm = np.where(found.alarm == -1, np.nan, found.alarm)
        assert_array_equal(alarm, wanted[..., 1], err_msg=case["id"])
        agreed += 1
    assert agreed == 16


def test_too_short_a_history_is_refused_and_named(folder: Path, cases: list[dict[str, Any]]) -> None:
    errors = [case for case in cases if case["status"] == "error"]
    assert len(errors) == 1
    for case in errors:
        with pytest.raises(ValueError, match="needs 7 periods before the first tested one"):
            run(folder, case)
