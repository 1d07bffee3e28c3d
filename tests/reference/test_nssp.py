"""EWMA, adaptive regression and switch against CDC's pynssp 0.1.0 (shared/reference/detect, note 13)."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from anlan.assess.detect.ewma import colours
from anlan.assess.detect.panel import Panel
from anlan.assess.detect.registry import detector

CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "ewma/default": ("ewma", {}),
    "ewma/B14": ("ewma", {"b": 14}),
    "ewma/w02_08_g0_B21": ("ewma", {"b": 21, "g": 0, "w1": 0.2, "w2": 0.8}),
    "regression/default": ("adaptive_regression", {}),
    "regression/B35_g3": ("adaptive_regression", {"b": 35, "g": 3}),
    "switch/default": ("switch", {}),
}


def number(text: str) -> float:
    return float("nan") if text == "NA" else float(text)


@pytest.fixture(scope="module")
def folder(shared: Path) -> Path:
    return shared / "reference" / "detect"


@pytest.fixture(scope="module")
def daily(folder: Path) -> Panel:
    with (folder / "inputs" / "synthetic_daily.csv").open() as file:
        rows = list(csv.DictReader(file))[:500]
    counts = np.array([[number(r["daily"]) for r in rows]])
    return Panel(counts, 365, dates=np.array([r["date"] for r in rows], dtype="datetime64[D]"))


@pytest.fixture(scope="module")
def peer(folder: Path) -> dict[str, list[dict[str, str]]]:
    rows: dict[str, list[dict[str, str]]] = {}
    with (folder / "out_pynssp.csv").open() as file:
        for row in csv.DictReader(file):
            rows.setdefault(row["case"], []).append(row)
    return rows


def test_every_case_of_the_reference_is_run(peer: dict[str, list[dict[str, str]]]) -> None:
    assert set(peer) == set(CASES)


@pytest.mark.parametrize("case", CASES)
def test_every_day_has_the_packages_numbers_and_colour(
    case: str, daily: Panel, peer: dict[str, list[dict[str, str]]]
) -> None:
    name, params = CASES[case]
    found = detector(name)(daily, slice(None), **params, compat="pynssp")
    rows = peer[case]
    assert [int(r["k"]) for r in rows] == list(range(1, 501))
    for column, ours in (
        ("expected", found.expected),
        ("test_statistic", found.score),
        ("p_value", found.p_value),
    ):
        assert_allclose(
            ours[0], [number(r[column]) for r in rows], rtol=1e-9, atol=1e-12, err_msg=f"{case} {column}"
        )
    assert colours(found)[0].tolist() == [r["alert"] for r in rows]
    assert (found.alarm[0] == [{"red": 1, "grey": -1}.get(r["alert"], 0) for r in rows]).all()
