"""Models that are no panel detectors against R `surveillance` 1.20.3: every case of their kinds in the
register of `shared/reference/detect`, through the same functions that run a register."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from anlan.assess.models.register import RUN

#: relative; whole numbers and flags agree exactly, the peer's simulated nowcasts to one case
TOLERANCE = {
    "hhh4": 1e-6,
    "arlCusum": 1e-6,
    "hValues": 1e-6,
    "LRCUSUM.runlength": 1e-6,
    "backprojNP": 1e-9,
    "categoricalCUSUM": 1e-9,
    "stcd": 1e-9,
    "rogerson": 1e-9,
}
#: hhh4 of an estimate near 0, and tails of a run length that the peer gets as 1 minus a sum
ABSOLUTE = {"hhh4": 1e-9, "LRCUSUM.runlength": 1e-14, "categoricalCUSUM": 1e-12, "hValues": 1e-9}


@pytest.fixture(scope="module")
def folder(shared: Path) -> Path:
    return shared / "reference" / "detect"


@pytest.fixture(scope="module")
def register(folder: Path) -> list[dict[str, Any]]:
    cases: list[dict[str, Any]] = json.loads((folder / "cases.json").read_text())["cases"]
    return cases


@pytest.fixture(scope="module")
def load(folder: Path) -> Callable[[str], Mapping[str, Sequence[str]]]:
    def table(name: str) -> Mapping[str, Sequence[str]]:
        with (folder / "inputs" / name).open() as file:
            rows = list(csv.DictReader(file))
        return {column: [row[column] for row in rows] for column in rows[0]}

    return table


def peer_rows(folder: Path, case: Mapping[str, Any]) -> list[dict[str, str]]:
    with (folder / case["output"]).open() as file:
        rows = [row for row in csv.DictReader(file) if row["case"] == case["id"]]
    return [{column: cell for column, cell in row.items() if column != "case"} for row in rows]


def check(case: Mapping[str, Any], found: Sequence[Mapping[str, Any]], peer: list[dict[str, str]]) -> None:
    assert len(found) == len(peer) == case["rows"], case["id"]
    assert list(found[0]) == list(peer[0]), "same columns in the same order"
    for ours, theirs in zip(found, peer, strict=True):
        for column, cell in theirs.items():
            where = f"{case['id']} {column}: {ours} / {theirs}"
            value = ours[column]
            if cell in ("NA", "NaN"):
                assert value is None, where
            elif isinstance(value, str):
                assert value == cell, where
            elif case["detector"] == "nowcast":
                assert abs(value - float(cell)) <= (0 if column == "reported" else 1), where
            elif column in ("alarm", "k", "t", "event", "idxFA", "idxCC", "nobs", "converged"):
                assert value == float(cell), where
            else:
                assert math.isclose(
                    value,
                    float(cell),
                    rel_tol=TOLERANCE[case["detector"]],
                    abs_tol=ABSOLUTE.get(case["detector"], 0.0),
                ), where


@pytest.mark.parametrize(
    ("detector", "cases"),
    [
        ("hhh4", 4),
        ("nowcast", 6),
        ("backprojNP", 2),
        ("arlCusum", 1),
        ("hValues", 1),
        ("LRCUSUM.runlength", 2),
        ("categoricalCUSUM", 1),
        ("stcd", 1),
        ("rogerson", 2),
    ],
)
def test_every_case_has_the_packages_numbers(
    detector: str, cases: int, register: list[dict[str, Any]], folder: Path, load: Any
) -> None:
    of_kind = [case for case in register if case["detector"] == detector]
    assert len(of_kind) >= cases, "the register has the cases this test speaks of"
    for case in of_kind:
        if case["status"] == "ok":
            check(case, RUN[detector](case, load), peer_rows(folder, case))
        else:
            with pytest.raises(ValueError, match=r"\w"):
                RUN[detector](case, load)


def test_lawless_nowcasts_are_the_packages_to_the_case(
    register: list[dict[str, Any]], folder: Path, load: Any
) -> None:
    """No sampling there: nothing to allow for."""
    for case in register:
        if case["detector"] == "nowcast" and case["control"]["method"] == "lawless":
            found = RUN["nowcast"](case, load)
            for ours, theirs in zip(found, peer_rows(folder, case), strict=True):
                assert [str(ours["date"]), *(float(v) for v in list(ours.values())[1:])] == [
                    theirs["date"],
                    *(float(v) for v in list(theirs.values())[1:]),
                ]
