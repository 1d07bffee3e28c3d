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
    "reports/name": ("nowcast", {**REPORTS, "DD": 3}, "nowcast has no parameter 'DD' (did you mean D?)"),
    "reports/by": ("nowcast", {**REPORTS, "aggregate.by": "1 year"}, "aggregate.by must be one of 1 day"),
    "reports/range": ("nowcast", {**REPORTS, "dRange": "2020"}, "dRange must be two dates"),
    "points/name": ("stcd", {**POINTS, "raduis": 5}, "stcd has no parameter 'raduis' (did you mean radius?)"),
    "points/type": ("stcd", {**POINTS, "cusum": "often"}, "cusum must be true or false, found 'often'"),
    "length/name": ("arlCusum", {"h": 4, "theta0": 1}, "arlCusum has no parameter 'theta0'"),
    "length/law": ("arlCusum", {"h": 4, "distr": "normal"}, "distr must be one of poisson, binomial"),
    "length/type": ("arlCusum", {"h": "high"}, "h must be numbers, found 'high'"),
    "length/fun": (
        "LRCUSUM.runlength",
        {"mu0": 1, "outcomeFun": "f"},
        "outcomeFun must be nothing: it is not",
    ),
    "design/name": ("hValues", {"theta0": 1, "ARL0": 500, "relTol": 1}, "hValues has no parameter 'relTol'"),
    "design/null": ("hValues", {"theta0": 1, "ARL0": None}, "hValues stops where ARL0 is NULL"),
    "back/start": ("backprojNP", {"lambda0": [1, 2]}, "lambda0 must be nothing: it is not implemented"),
    "back/name": ("backprojNP", {"epsilon": 0.1}, "backprojNP has no parameter 'epsilon'"),
    "model/name": ("hhh4", {"family": "Poisson"}, "hhh4 has no parameter 'family'"),
    "model/type": ("hhh4", {"control": {"ar": 1}}, "control must be the control list as text in R"),
    "shares/name": ("categoricalCUSUM", {"range": "9:10", "H": 2}, "categoricalCUSUM has no parameter 'H'"),
    "pairs/null": ("pairedbinCUSUM", {"h1": None}, "pairedbinCUSUM stops where h1 is NULL"),
    "rates/range": ("rogerson", {"range": "soon"}, "range must be rows as {from, to}, a list, or 101:171"),
    "reports/column": ("nowcast", {**REPORTS, "dEventCol": [1, 2]}, "dEventCol must be the name of a column"),
    "reports/word": ("nowcast", {**REPORTS, "D": "long"}, "D must be one whole number, found 'long'"),
    "length/none": ("LRCUSUM.runlength", {}, "needs mu0 and mu1, found neither"),
    "length/list": ("LRCUSUM.runlength", {"mu0": 1, "mu1": 2, "n": [1, 2]}, "n must be one number"),
    "counts/method": ("earsC", {"range": [9], "method": [1, 2]}, "method must be a word, found [1, 2]"),
    "counts/control": ("nowcast", ["D", 2], "control must be a list of parameters by name"),  # type: ignore[dict-item]
}

FILES = {"points": "points.csv", "reports": "reports.csv"}


def test_every_fault_of_a_case_is_told_in_words_and_names_the_parameter(tmp_path: Path) -> None:
    inputs = tmp_path / "inputs"
    inputs.mkdir()
    (inputs / "points.csv").write_text("x,y,t\n1,1,1\n2,2,2\n3,3,3\n")
    (inputs / "reports.csv").write_text("begun,told\n2020-01-01,2020-01-02\n2020-01-02,2020-01-03\n")
    (inputs / "counts.csv").write_text("k,a\n" + "".join(f"{k},{k % 4}\n" for k in range(1, 21)))
    cases: list[dict[str, Any]] = [
        {
            "id": name, "detector": kind,
            "input": FILES.get(name.partition("/")[0], "counts.csv"),
            "series": "a", "freq": 52, "control": control,
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
