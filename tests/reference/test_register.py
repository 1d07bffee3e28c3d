"""The whole register of cases of R `surveillance` 1.20.3, through the command."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import pytest

from anlan.cli import main

#: cells that cannot be held to 1e-9, by the notes of the fixtures' README. Note 7: whether a slope of zero
#: is kept, and its size, is rounding noise in the peer. Note 11: the peer reads a coarse table where ours
#: works the transform out.
NOISE = {
    "ff/hard/single_case/np10_nb": {"trend", "trend_coef"},
    "ff/hard/constant4/np10_nb": {"trend", "trend_coef", "score"},
    "ff/hard/constant4/np10_muan_b3": {"trend", "trend_coef", "score"},
    "cusum/shadar_m/anscombeNegBin": {"cusum"},
}


@pytest.fixture(scope="module")
def ran(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[int, dict[str, Any], Path]:
    folder = shared / "reference" / "detect"
    out = tmp_path_factory.mktemp("register")
    said = io.StringIO()
    register = str(folder / "cases.json")
    with contextlib.redirect_stdout(said):
        code = main(["detect", "--cases", register, "--out", str(out), "--against", str(folder), "--json"])
    return code, json.loads(said.getvalue()), out


def test_every_case_agrees_but_for_the_cells_named(ran: tuple[int, dict[str, Any], Path]) -> None:
    code, document, _ = ran
    agreement = {one["detector"]: one for one in document["agreement"]}
    others = [
        (d["case"], d["column"], d["ours"], d["theirs"])
        for one in agreement.values()
        for d in one["differences"]
        if d["column"] not in NOISE.get(d["case"], set())
    ]
    assert others == []
    assert {name: (one["cases"], one["agreed"]) for name, one in agreement.items()} == {
        "farringtonFlexible": (125, 122),
        "farrington": (31, 31),
        "earsC": (16, 16),
        "bayes": (20, 20),
        "rki": (15, 15),
        "cdc": (3, 3),
        "cusum": (16, 15),
        "glrpois": (12, 12),
        "glrnb": (6, 6),
        "outbreakP": (3, 3),
        "hValues": (1, 1),
        "rogerson": (2, 2),
        "arlCusum": (1, 1),
        "categoricalCUSUM": (1, 1),
        "nowcast": (6, 6),
        "backprojNP": (2, 2),
        "stcd": (1, 1),
        "LRCUSUM.runlength": (2, 2),
        "hhh4": (4, 4),
    }
    assert code == 1, "the four cases of `NOISE` are disagreements to the command"


def test_the_cases_that_the_peer_refuses_fail_with_a_reason(ran: tuple[int, dict[str, Any], Path]) -> None:
    _, document, out = ran
    assert document["otherwise_than_stated"] == []
    assert document["failed"] == 3
    errors = (out / "errors.csv").read_text("utf-8")
    for says in (
        "59 seasons cannot share the 45 periods",
        "some reference times do not exist",
        "needs 7 periods",
    ):
        assert says in errors


def test_the_files_have_the_names_and_columns_of_the_reference(
    ran: tuple[int, dict[str, Any], Path], shared: Path
) -> None:
    _, document, out = ran
    folder = shared / "reference" / "detect"
    theirs = {p.name for p in folder.glob("out_*.csv")} - {"out_pynssp.csv"}
    assert theirs == {name for name in document["files"] if name != "errors.csv"}
    for name in theirs:
        with (out / name).open() as ours, (folder / name).open() as peer:
            assert ours.readline() == peer.readline(), name


def small_register(tmp_path: Path, **changes: Any) -> Path:
    (tmp_path / "inputs").mkdir()
    rows = "".join(f"{k},{(k * 7) % 5}\n" for k in range(1, 41))
    (tmp_path / "inputs" / "a.csv").write_text(f"k,x\n{rows}")
    good = {
        "id": "good",
        "detector": "earsC",
        "input": "a.csv",
        "series": "x",
        "freq": 365,
        "epoch_as_date": False,
        "control": {"range": {"from": 20, "to": 22}, "method": "C1"},
    }
    cases = [
        good,
        {**good, "id": "no input", "input": "b.csv"},
        {**good, "id": "outside", "input": "../a.csv"},
        {**good, "id": "no series", "series": "y"},
        {**good, "id": "no detector", "detector": "farringtonRigid"},
        {**good, "id": "no parameter", "control": {"methud": "C1"}},
        {
            **good,
            "id": "refused",
            "control": {"range": {"from": 3, "to": 9}},
            "status": "error",
            "error": "short",
        },
        {**good, "id": "answered", "status": "error", "error": "should stop"},
        {**good, "id": "last", "control": {"range": "20:22", "method": "C1"}, **changes},
    ]
    path = tmp_path / "cases.json"
    path.write_text(json.dumps({"cases": cases}))
    return path


def test_one_bad_case_stops_no_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    register = small_register(tmp_path)
    assert main(["detect", "--cases", str(register), "--out", str(tmp_path / "o"), "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert (document["cases"], document["answered"], document["failed"]) == (9, 3, 6)
    assert {o["case"] for o in document["otherwise_than_stated"]} == {
        "no input",
        "outside",
        "no series",
        "no detector",
        "no parameter",
        "answered",
    }
    lines = (tmp_path / "o" / "out_earsC.csv").read_text().splitlines()
    assert lines[0] == "case,series,k,upperbound,alarm"
    assert [line.split(",")[0] for line in lines[1:]] == ["good"] * 3 + ["answered"] * 3 + ["last"] * 3
    errors = (tmp_path / "o" / "errors.csv").read_text()
    assert "no detector of a register is called 'farringtonRigid'; expected one of:" in errors
    assert "earsC has no parameter methud" in errors


def test_disagreement_is_named_cell_by_cell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    register = small_register(tmp_path)
    one = json.loads(register.read_text())
    one["cases"] = one["cases"][:1]
    register.write_text(json.dumps(one))
    ours = tmp_path / "ours"
    assert main(["detect", "--cases", str(register), "--out", str(ours)]) == 0
    same = ["detect", "--cases", str(register), "--out", str(tmp_path / "again"), "--against", str(ours)]
    assert main(same) == 0
    text = (ours / "out_earsC.csv").read_text().splitlines()
    cells = text[2].split(",")
    cells[3] = repr(float(cells[3]) * (1 + 1e-6))
    text[2] = ",".join(cells)
    (ours / "out_earsC.csv").write_text("\n".join(text) + "\n")
    capsys.readouterr()
    assert main([*same, "--json"]) == 1
    (found,) = json.loads(capsys.readouterr().out)["agreement"]
    assert (found["cases"], found["agreed"], found["rows"]) == (1, 0, 3)
    (difference,) = found["differences"]
    assert (difference["case"], difference["column"]) == ("good", "upperbound")
    assert difference["relative"] == pytest.approx(1e-6, rel=1e-3)


def test_values_may_be_written_as_r_or_json_would(tmp_path: Path) -> None:
    register = small_register(tmp_path)
    good = json.loads(register.read_text())["cases"][0]
    control = {"range": [20, 21, 22], "method": "C2", "baseline": 7, "alpha": 0.01, "minSigma": 0}
    written: dict[str, dict[str, Any]] = {
        "plain": {},
        "lists": {"method": ["C2"], "baseline": [7]},
        "points": {"baseline": 7.0, "range": [20.0, 21.0, 22.0]},
        "text": {"baseline": "7", "alpha": "0.01", "range": "20..22"},
        "null": {"baseline": None, "minSigma": None},
    }
    cases = [{**good, "id": id_, "control": {**control, **changes}} for id_, changes in written.items()]
    cases[1] |= {"series": ["x"], "freq": "365"}
    register.write_text(json.dumps({"cases": cases}))
    assert main(["detect", "--cases", str(register), "--out", str(tmp_path / "o")]) == 0
    rows = [line.split(",", 1) for line in (tmp_path / "o" / "out_earsC.csv").read_text().splitlines()[1:]]
    found = {id_: [rest for one, rest in rows if one == id_] for id_ in written}
    assert len(found["plain"]) == 3
    assert all(lines == found["plain"] for lines in found.values())


def test_whatever_is_wrong_with_a_case_stops_no_other(tmp_path: Path) -> None:
    register = small_register(tmp_path)
    good = json.loads(register.read_text())["cases"][0]
    (tmp_path / "inputs" / "ragged.csv").write_text("k,x\n1,2\n2\n")
    flexible = {"range": [39], "b": 1, "noPeriods": 10**18}
    cases = [
        {**good, "id": "no freq", "freq": None},
        {**good, "id": "no dates", "epoch_as_date": True},
        {**good, "id": "ragged", "input": "ragged.csv"},
        {**good, "id": "words", "control": "C1"},
        {**good, "id": "huge", "detector": "farringtonFlexible", "freq": 12, "control": flexible},
        {**good, "id": "no table", "detector": "categoricalCUSUM", "control": {"h": 3}},
        {**good, "id": "folder", "output": "/"},
        {**good, "id": "errors", "output": "errors.csv"},
        {**good, "id": "outside", "output": "../evil.csv"},
    ]
    register.write_text(json.dumps({"cases": cases}))
    assert main(["detect", "--cases", str(register), "--out", str(tmp_path / "o")]) == 1
    assert {p.name for p in (tmp_path / "o").iterdir()} == {"out_earsC.csv", "evil.csv", "errors.csv"}
    answered = (tmp_path / "o" / "out_earsC.csv").read_text().splitlines()[1:]
    assert [line.split(",")[0] for line in answered] == ["folder"] * 3 + ["errors"] * 3
    errors = (tmp_path / "o" / "errors.csv").read_text().splitlines()[1:]
    for line, says in zip(
        errors,
        (
            "the case lacks freq",
            "epoch_as_date needs a column `date`; found k, x",
            "ragged.csv: line 3 has 1 cells, expected 2",
            "control must be a list of parameters by name, found 'C1'",
            "Unable to allocate",
            "there is no such input",
        ),
        strict=True,
    ):
        assert says in line


def test_rows_are_told_apart_whatever_their_file_is_called(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "inputs").mkdir()
    control = {"h": "3,4", "k": 1, "theta": 0.8}
    case = {"id": "a", "detector": "arlCusum", "control": control, "output": "mine.csv"}
    register = tmp_path / "cases.json"
    register.write_text(json.dumps({"cases": [case]}))
    ours = tmp_path / "ours"
    assert main(["detect", "--cases", str(register), "--out", str(ours)]) == 0
    header, first, *rest = (ours / "mine.csv").read_text().splitlines()
    (ours / "mine.csv").write_text("\n".join([header, *rest, first]) + "\n")
    again = ["detect", "--cases", str(register), "--out", str(tmp_path / "o"), "--against", str(ours)]
    assert main(again) == 0
    (ours / "mine.csv").write_text("\n".join([header, first.replace("a,3,1,0.8,", "a,3,1,0.8,1"), *rest]))
    capsys.readouterr()
    assert main([*again, "--json"]) == 1
    (found,) = json.loads(capsys.readouterr().out)["agreement"]
    assert (found["rows"], found["differences"][0]["column"]) == (2, "ARL")


def test_an_output_that_the_other_folder_lacks_is_a_disagreement(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    register = small_register(tmp_path)
    one = json.loads(register.read_text())
    one["cases"] = [one["cases"][0], {**one["cases"][0], "id": "other", "output": "other.csv"}]
    register.write_text(json.dumps(one))
    ours = tmp_path / "ours"
    assert main(["detect", "--cases", str(register), "--out", str(ours)]) == 0
    (ours / "other.csv").unlink()
    again = ["detect", "--cases", str(register), "--out", str(tmp_path / "o"), "--against"]
    capsys.readouterr()
    assert main([*again, str(ours), "--json"]) == 1
    (found,) = json.loads(capsys.readouterr().out)["agreement"]
    assert (found["cases"], found["agreed"]) == (2, 1)
    assert [(d["case"], d["theirs"]) for d in found["differences"]] == [("other", "no rows")]
    assert main([*again, str(tmp_path / "nowhere")]) == 2
    assert "no such folder of outputs" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "not a register"),
        ("[]", "expected a list `cases`"),
        ('{"cases": [{"id": "a"}]}', "cases[0]: a case that is not one; found no detector"),
        (
            '{"cases": [{"id": "a", "detector": "rki"}, {"id": "a", "detector": "rki"}]}',
            "found the id 'a' again",
        ),
    ],
)
def test_what_is_no_register_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, says: str
) -> None:
    (tmp_path / "cases.json").write_text(text)
    assert main(["detect", "--cases", str(tmp_path / "cases.json"), "--out", str(tmp_path / "o")]) == 2
    assert says in capsys.readouterr().err
