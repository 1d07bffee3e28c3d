"""The rest of R `surveillance` 1.20.3 (shared/reference/detect): every case through the table of names.

Compared are all columns of the package's output files: alarm and trend exactly, the rest to 1e-9
relative or 1e-12 absolute (a q or a statistic of zero). `LOOSE` names the one transform for which the
fixtures' README says that an exact formula differs (note 11).
"""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anlan.assess.detect import peer_names
from anlan.assess.detect.panel import Panel

CASES = {
    "farrington": 31,
    "bayes": 20,
    "rki": 15,
    "cdc": 3,
    "outbreakP": 3,
    "cusum": 16,
    "glrpois": 12,
    "glrnb": 6,
}
EXACT = ("alarm", "trend")
#: by transform: the package's table of a hypergeometric function holds ten digits
LOOSE = {"anscombeNegBin": 1e-7}

Peer = dict[str, dict[tuple[str, int], dict[str, str]]]


def number(text: str) -> float:
    return float("nan") if text in ("NA", "NaN") else float(text)


@pytest.fixture(scope="module")
def folder(shared: Path) -> Path:
    return shared / "reference" / "detect"


@pytest.fixture(scope="module")
def register(folder: Path) -> list[dict[str, Any]]:
    cases: list[dict[str, Any]] = json.loads((folder / "cases.json").read_text())["cases"]
    return cases


def read(path: Path, series: list[str]) -> tuple[Any, Any]:
    with path.open() as file:
        rows = list(csv.DictReader(file))
    values = np.array([[number(row[s]) for row in rows] for s in series])
    return values, np.array([r["date"] for r in rows], dtype="datetime64[D]") if "date" in rows[0] else None


def panel_of(folder: Path, case: dict[str, Any]) -> Panel:
    series = case["series"] if isinstance(case["series"], list) else [case["series"]]
    counts, dates = read(folder / "inputs" / case["input"], series)
    population = folder / "inputs" / case["input"].replace(".csv", ".population.csv")
    return Panel(
        counts,
        case["freq"],
        read(population, series)[0] if population.exists() else None,
        dates if case["epoch_as_date"] else None,
    )


def peer_rows(folder: Path, outputs: set[str]) -> Peer:
    found: Peer = defaultdict(dict)
    for name in outputs:
        with (folder / name).open() as file:
            for row in csv.DictReader(file):
                found[row["case"]][row["series"], int(row["k"])] = row
    return found


@pytest.mark.parametrize("detector", CASES)
def test_every_number_is_the_packages(folder: Path, register: list[dict[str, Any]], detector: str) -> None:
    cases = [case for case in register if case["detector"] == detector]
    peer = peer_rows(folder, {case["output"] for case in cases})
    agreed = 0
    for case in cases:
        panel = panel_of(folder, case)
        found = peer_names.rows(case, panel, peer_names.tested_rows(case, panel))
        wanted = peer[case["id"]]
        tolerance = LOOSE.get(str(dict(case["control"] or {}).get("trans")), 1e-9)
        assert len(found) == case["rows"] == len(wanted), case["id"]
        for row in found:
            theirs = wanted[row["series"], row["k"]]
            assert list(row) == [column for column in theirs if column != "case"]
            for column in list(row)[2:]:
                ours = float("nan") if row[column] is None else row[column]
                value = number(theirs[column])
                where = f"{case['id']} {row['series']} k={row['k']} {column}: {ours} and {value}"
                assert np.isnan(ours) == np.isnan(value), where
                if column in EXACT:
                    assert np.isnan(value) or ours == value, where
                else:
                    assert np.isnan(value) or abs(ours - value) <= tolerance * abs(value) + 1e-12, where
        agreed += 1
    assert agreed == CASES[detector]


def test_a_case_that_cannot_be_run_says_why() -> None:
    panel = Panel(np.ones((1, 60)), 52)
    case = {"detector": "rki", "series": "a", "control": {"b": 2, "w": 4, "actY": False}}
    with pytest.raises(ValueError, match="too short: 2 year"):
        peer_names.rows(case, panel, [50])
    with pytest.raises(ValueError, match="expected: farringtonFlexible"):
        peer_names.rows({**case, "detector": "rkii"}, panel, [50])
    with pytest.raises(ValueError, match="rki has no parameter alpha"):
        peer_names.rows({**case, "control": {"alpha": 0.1}}, panel, [50])
    with pytest.raises(ValueError, match="contiguous"):
        peer_names.rows({**case, "control": {"b": 0, "actY": True}}, panel, [52, 50])
    with pytest.raises(ValueError, match="needs a range"):
        peer_names.tested_rows(case, panel)
