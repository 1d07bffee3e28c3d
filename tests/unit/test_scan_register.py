"""`anlan scan REGISTER.json`: cases in the form of SaTScan's results, answered and compared."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from anlan.analyse.satscan_names import Given, scan_params
from anlan.cli import main
from anlan.model.errors import InvalidValue

#: a square of 25 places, one case each and nine in a corner of four, 100 people each
PLACES = [(f"p{i:02d}", i % 5, i // 5, 9 if i in (0, 1, 5, 6) else 1) for i in range(25)]
BASE = {
    "AnalysisType": 1,
    "ModelType": 0,
    "ScanAreas": 1,
    "CoordinatesType": 0,
    "TimeAggregationUnits": 0,
    "MonteCarloReps": 19,
}


def register(folder: Path, *cases: dict[str, Any]) -> Path:
    (folder / "inputs").mkdir()
    lines = ["name,cases,people,x,y", *(f"{n},{c},100,{x},{y}" for n, x, y, c in PLACES)]
    (folder / "inputs" / "square.csv").write_text("\n".join(lines) + "\n")
    square = {"cases": "square.csv", "population": "square.csv", "place": "name", "people": "people"}
    document = {
        "datasets": {"square": square, "gone": {"cases": "gone.csv"}, "up": {"cases": "../register.json"}},
        "cases": list(cases),
    }
    path = folder / "register.json"
    path.write_text(json.dumps(document))
    return path


def case(name: str, dataset: str = "square", **parameters: Any) -> dict[str, Any]:
    return {"id": name, "dataset": dataset, "parameters": {**BASE, **parameters}}


def run(path: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any], Any]:
    code = main(["scan", str(path), "--out", str(path.parent / "out"), "--json", *words])
    told = json.loads(capsys.readouterr().out)
    return code, told, json.loads((path.parent / "out" / "scan_results.json").read_text())["cases"]


def test_a_register_is_answered_in_the_form_it_came_in(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, told, written = run(register(tmp_path, case("plain"), case("low", ScanAreas=2)), capsys)
    assert (code, told["cases"], told["failed"], told["differences"]) == (0, 2, [], [])
    first = written[0]["clusters"][0]
    assert sorted(first["members"]) == ["p00", "p01", "p05", "p06"]
    # 57 cases, 36 of them among 4 of 25 equal places: 9.12 expected (Kulldorff 1997, Poisson)
    by_hand = 36 * math.log(36 / 9.12) + 21 * math.log(21 / 47.88)
    assert float(first["LLR"]) == pytest.approx(by_hand, rel=1e-12)
    assert (first["OBSERVED"], first["NUMBER_LOC"], first["P_VALUE"]) == ("36", "4", "0.05")
    assert float(written[1]["clusters"][0]["ODE"]) < 1
    again, _, fewer = run(tmp_path / "register.json", capsys, "--param", "replications=9")
    assert (again, fewer[0]["replications"]) == (0, 9)


def test_what_differs_from_the_clusters_in_a_register_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    theirs = {"CLUSTER": "1", "LLR": "32.122085", "P_VALUE": "0.05", "members": ["p00", "p01"]}
    code, told, _ = run(register(tmp_path, {**case("other"), "clusters": [theirs]}), capsys)
    assert (code, told["compared"]) == (1, 1)
    (found,) = told["differences"]
    assert found["case"] == "other"
    (what,) = found["differences"]
    assert "4 members, theirs 2" in what


def test_one_bad_case_stops_no_other_and_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = {
        "model": (case("model", ModelType=4), "ModelType"),
        "season": (case("season", AnalysisType=7), "parameters: AnalysisType: no such value"),
        "kinds": (case("kinds", AnalysisType=8), "4 (space_time prospective)"),
        "unknown": (case("unknown", MultipleDataSetsPurposeType=1), "MultipleDataSetsPurposeType"),
        "words": (case("words", MonteCarloReps="many"), "MonteCarloReps"),
        "dataset": (case("dataset", "moon"), "'moon'"),
        "file": (case("file", "gone"), "gone.csv"),
        "outside": (case("outside", "up"), "its name alone"),
        "bare": ({"id": "bare", "dataset": "square"}, "parameters"),
        "together": (case("together", ModelType=2), "space_time"),
        "day": (case("day", StartDate="soon"), "StartDate"),
    }
    path = register(tmp_path, *(one for one, _ in bad.values()), case("good"))
    code, told, written = run(path, capsys)
    assert code == 1
    said = {one["case"]: one["error"] for one in told["failed"]}
    assert set(said) == set(bad)
    for name, (_, word) in bad.items():
        assert word in said[name], (name, said[name])
    assert written[-1]["clusters"]
    assert main(["scan", str(path), "--out", str(tmp_path / "o"), "--param", "speed=9"]) == 2
    assert main(["scan", str(tmp_path / "none.json"), "--out", str(tmp_path / "o")]) == 2
    assert main(["scan", str(tmp_path / "inputs" / "square.csv"), "--out", str(tmp_path / "o")]) == 2


def test_parameters_left_out_are_those_of_the_program() -> None:
    plain = scan_params(Given({}, "here"))
    assert (plain.model, plain.analysis, plain.rates, plain.replications) == (
        "poisson",
        "spatial",
        "high",
        999,
    )
    assert (plain.population_share, plain.time_share, plain.stop_after) == (0.5, 0.5, None)
    early = scan_params(Given({"PValueReportType": 2, "EarlyTerminationThreshold": 30}, "here"))
    assert early.stop_after == 30
    weeks = {"MaxTemporalSizeInterpretation": 1, "MaxTemporalSize": 28, "TimeAggregationLength": 7}
    assert scan_params(Given({**weeks, "AnalysisType": 4}, "here")).max_periods == 4
    with pytest.raises(InvalidValue, match="a whole number"):
        scan_params(Given({"MonteCarloReps": 9.5}, "here"))
