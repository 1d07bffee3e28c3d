"""On the 280 series of the published scenarios our detectors count what the R package counted.

`sim280_peer_results.csv` (shared/reference/detect/bench) holds, per method and scenario, the false alarms
without outbreaks, the outbreaks found and the weeks right and wrong with them; `peer_table.R` beside it the
settings. Every count must be the same, except where a method's note says why not.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from anlan.assess.detect.panel import Alarm, Panel
from anlan.assess.detect.registry import detector
from anlan.testing.outbreaks import TESTED, Study, count, read_study

FLEXIBLE = {
    "b": 5, "w": 3, "no_periods": 10, "past_weeks_not_included": 26, "alpha": 0.005, "compat": "surveillance",
}  # fmt: skip
PACKAGE = {"compat": "surveillance"}
METHODS: dict[str, tuple[str, dict[str, Any]]] = {
    "ears_C1": ("ears_c1", {}),
    "ears_C2": ("ears_c2", {}),
    "ears_C3": ("ears_c3", {}),
    "bayes1": ("bayes", {"b": 0, "w": 6, "act_y": True, "alpha": 0.05, **PACKAGE}),
    "bayes2": ("bayes", {"b": 1, "w": 6, "act_y": True, "alpha": 0.05, **PACKAGE}),
    "bayes3": ("bayes", {"b": 2, "w": 4, "act_y": False, "alpha": 0.05, **PACKAGE}),
    "rki1": ("rki", {"b": 0, "w": 6, "act_y": True, **PACKAGE}),
    "rki2": ("rki", {"b": 1, "w": 6, "act_y": True, **PACKAGE}),
    "rki3": ("rki", {"b": 2, "w": 4, "act_y": False, **PACKAGE}),
    "cdc": ("cdc", {"b": 5, "m": 1, "alpha": 0.01, **PACKAGE}),
    "cusum_rossi_glm": ("cusum", {"k": 1.04, "h": 2.26, "m": "glm", "trans": "rossi", **PACKAGE}),
    "cusum_standard": ("cusum", {"k": 1.04, "h": 2.26, "trans": "standard", **PACKAGE}),
    "glrpois": ("glrpois", {"c_arl": 5, "s": 1, "trend": True, "refit": False, "ret": "value", **PACKAGE}),
    "farrington_a01": ("farrington", {"b": 5, "w": 3, "alpha": 0.01, **PACKAGE}),
    "ff_nbPlugin_a005": ("farrington_flexible", {**FLEXIBLE, "threshold_method": "nb_plugin"}),
    "ff_delta_a005": ("farrington_flexible", {**FLEXIBLE, "threshold_method": "delta"}),
}
NUMBERS = ("false_alarms", "detected", "detected_first_week", "tp", "fn", "fp", "tn")


@pytest.fixture(scope="module")
def folder(shared: Path) -> Path:
    return shared / "reference" / "detect" / "bench"


@pytest.fixture(scope="module")
def study(folder: Path) -> Study:
    return read_study(folder / "sim280_baseline.csv.gz", folder / "sim280_outbreaks.csv")


@pytest.fixture(scope="module")
def peer(folder: Path) -> dict[str, dict[int, tuple[int, ...]]]:
    found: dict[str, dict[int, tuple[int, ...]]] = {}
    with (folder / "sim280_peer_results.csv").open() as file:
        for row in csv.DictReader(file):
            numbers = tuple(int(row[name]) for name in NUMBERS)
            found.setdefault(row["method"], {})[int(row["scenario"])] = numbers
    assert found.keys() == METHODS.keys()
    return found


@pytest.mark.parametrize("name", METHODS)
def test_each_method_counts_what_the_package_counted(
    name: str, study: Study, peer: dict[str, dict[int, tuple[int, ...]]]
) -> None:
    method, params = METHODS[name]
    quiet, loud = (
        detector(method)(Panel(counts, 52), TESTED - 1, **params).alarm == Alarm.YES
        for counts in (study.clean, study.hit)
    )
    got = count(quiet, loud, study.current)
    for scenario, theirs in peer[name].items():
        mine = study.scenario == scenario
        ours = (
            got.false[mine].sum(), got.found[mine].sum(), got.first[mine].sum(),
            *got.table[mine].sum(axis=0),
        )  # fmt: skip
        assert tuple(int(n) for n in ours) == theirs, scenario
