"""A register written by strangers: a wrong parameter is named, in words, and stops no other case."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from anlan.analyse.register import run_register

POINTS: dict[str, Any] = {"radius": 5, "epsilon": 0.5, "threshold": 10}
REPORTS: dict[str, Any] = {"now": "2020-01-03", "when": "2020-01-02", "D": 2, "method": "lawless"}
REPORTS |= {"dEventCol": "begun", "dReportCol": "told"}
FAULTS: dict[str, tuple[str, dict[str, Any], str]] = {
    "points/null": ("stcd", {**POINTS, "radius": None}, "stcd stops where radius is NULL"),
    "points/list": ("stcd", {**POINTS, "epsilon": [1, 2]}, "epsilon must be one number, found [1, 2]"),
    "reports/when": ("nowcast", {**REPORTS, "when": "soon"}, "when must be a date"),
    "reports/column": ("nowcast", {**REPORTS, "dEventCol": [1, 2]}, "dEventCol must be the name of a column"),
    "reports/word": ("nowcast", {**REPORTS, "D": "long"}, "D must be one number, found 'long'"),
    "length/none": ("LRCUSUM.runlength", {}, "needs mu0 and mu1, found neither"),
    "length/list": ("LRCUSUM.runlength", {"mu0": 1, "mu1": 2, "n": [1, 2]}, "n must be one number"),
    "counts/method": ("earsC", {"range": [9], "method": [1, 2]}, "method must be a word, found [1, 2]"),
    "counts/control": ("nowcast", ["D", 2], "control must be a list of parameters by name"),  # type: ignore[dict-item]
}


def test_every_fault_of_a_case_is_told_in_words_and_names_the_parameter(tmp_path: Path) -> None:
    inputs = tmp_path / "inputs"
    inputs.mkdir()
    (inputs / "points.csv").write_text("x,y,t\n1,1,1\n2,2,2\n3,3,3\n")
    (inputs / "reports.csv").write_text("begun,told\n2020-01-01,2020-01-02\n2020-01-02,2020-01-03\n")
    (inputs / "counts.csv").write_text("k,a\n" + "".join(f"{k},{k % 4}\n" for k in range(1, 21)))
    cases: list[dict[str, Any]] = [
        {
            "id": name, "detector": kind, "input": f"{name.partition('/')[0]}.csv", "series": "a", "freq": 52,
            "control": control,
        }
        for name, (kind, control, _) in FAULTS.items()
    ]  # fmt: skip
    cases.append(
        {"id": "good", "detector": "earsC", "input": "counts.csv", "series": "a", "freq": 52,
         "control": {"range": [19, 20], "method": "C1"}}
    )  # fmt: skip
    path = tmp_path / "cases.json"
    path.write_text(json.dumps({"cases": cases}))
    outcomes = {o.case: o for o in run_register(path, tmp_path / "out")}
    for name, (_, _, said) in FAULTS.items():
        assert said in outcomes[name].error, (name, outcomes[name].error)
        assert "cannot be read" not in outcomes[name].error
    assert (outcomes["good"].error, outcomes["good"].rows) == ("", 2)
