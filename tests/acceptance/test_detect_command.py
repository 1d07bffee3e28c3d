"""`anlan detect` as an epidemiologist uses it: a CSV file in; findings, report and quarantine out."""

from __future__ import annotations

import csv
import json
import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anlan.cli import main
from anlan.cli.main import app

WEEKS = np.arange("2018-01-01", "2021-01-04", 7, dtype="datetime64[D]")


def write_table(path: Path, broken: bool = False) -> Path:
    """Two series of three years, an outbreak in the last week of one, one cell that is no number."""
    rng = np.random.default_rng(7)
    counts = rng.poisson(6, (len(WEEKS), 2)).astype(int)
    counts[-1, 0] = 40
    lines = ["date,north,south"]
    for i, (day, (north, south)) in enumerate(zip(WEEKS, counts, strict=True)):
        lines.append(f"{day},{north},{'some' if broken and i == len(WEEKS) - 1 else south}")
    path.write_text("\n".join(lines) + "\n")
    return path


def run(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str, str]:
    capsys.readouterr()
    code = main(["detect", *(str(word) for word in words)])
    said = capsys.readouterr()
    return code, said.out, said.err


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_one_command_gives_findings_a_report_and_what_was_not_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = write_table(tmp_path / "cases.csv", broken=True)
    out = tmp_path / "new" / "folder"
    code, said, complained = run(capsys, table, "--detector", "ears_c1", "--test", "last", "4", "--out", out)
    assert code == 0
    found = rows(out / "findings.csv")
    assert len(found) == 8
    last = {row["series"]: row for row in found if row["date"] == str(WEEKS[-1])}
    assert (last["north"]["alarm"], last["north"]["state"], last["north"]["value"]) == ("1", "known", "40")
    assert float(last["north"]["threshold"]) < 40
    # what is no number is missing, so the answer is unknown and never "no alarm"
    assert (last["south"]["alarm"], last["south"]["state"]) == ("NA", "unknown")
    assert last["south"]["reason"] == "missing_value"
    assert re.search(r"[一-鿿]", last["south"]["reason_zh"])
    assert [(h["line"], h["column"], h["found"]) for h in rows(out / "quarantine.csv")] == [
        (str(len(WEEKS) + 1), "south", "some")
    ]
    assert f"line {len(WEEKS) + 1}, column south" in complained
    assert "1 unknown" in said
    assert "north" in (out / "report.html").read_text("utf-8")


def test_json_is_one_document_that_says_it_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = write_table(tmp_path / "cases.csv", broken=True)
    words = (
        "--detector",
        "ears_c1",
        "--param",
        "baseline=9",
        "--series",
        "north",
        "south",
        "--test",
        "last 2",
    )
    code, said, _ = run(capsys, table, *words, "--out", tmp_path / "o", "--json")
    assert code == 0
    document: dict[str, Any] = json.loads(said)
    assert document["tested"] == [str(WEEKS[-2]), str(WEEKS[-1])]
    assert document["freq"] == 52
    assert document["unknown"] == {"missing_value": 1}
    assert document["not_used"] == 1
    assert [(f["series"], f["date"], f["value"]) for f in document["found"]] == [
        ("north", str(WEEKS[-1]), 40.0)
    ]
    assert all(Path(name).is_file() for name in document["files"])


def test_numbers_read_back_to_the_very_same_double(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import anlan

    table = write_table(tmp_path / "cases.csv")
    assert run(capsys, table, "--detector", "ears_c1", "--out", tmp_path)[0] == 0
    written = np.array([float(row["threshold"]) for row in rows(tmp_path / "findings.csv")])
    assert (written == anlan.detect(table, "ears_c1").threshold.ravel()).all()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--detector", "earz"), "no detector is called 'earz'; expected one of:"),
        (("--param", "bb=3"), "did you mean b?"),
        (("--param", "b"), "expected NAME=VALUE"),
        (("--param", "b=many"), "--param b: "),
        (("--param", "limit54=5"), "--param limit54: "),
        (("--param", "no_periods=-1"), "no_periods must be at least 1, found -1"),
        (("--series", "west"), "found 'west'; expected some of: date, north, south"),
        (("--test", "2030.."), "test: no time of the table is in there"),
        (("--freq", "4"), "expected 52, 12 or 365"),
        (("--date", "day"), "no such column for the date; found 'day'"),
        (("--population", "nowhere.csv"), "nowhere.csv: the file cannot be read"),
    ],
)
def test_what_does_not_fit_ends_with_2_and_says_what_was_found_and_expected(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], says: str
) -> None:
    code, _, complained = run(capsys, write_table(tmp_path / "cases.csv"), *words, "--out", tmp_path / "o")
    assert code == 2
    assert says in complained
    assert not (tmp_path / "o").exists()


def test_a_file_or_a_register_is_needed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, complained = run(capsys, "--out", tmp_path)
    assert code == 2
    assert "a CSV file, or --cases with a register" in complained


def test_many_series_are_all_in_the_findings_and_the_report_says_what_it_leaves_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(3)
    counts = rng.poisson(4, (40, 230))
    names = ",".join(f"s{i}" for i in range(230))
    body = "".join(f"{k},{','.join(map(str, row))}\n" for k, row in enumerate(counts, start=1))
    (tmp_path / "many.csv").write_text(f"k,{names}\n{body}")
    code, said, _ = run(
        capsys,
        tmp_path / "many.csv",
        "--freq",
        "365",
        "--detector",
        "ears_c1",
        "--test",
        "last 2",
        "--out",
        tmp_path,
    )
    assert code == 0
    assert len(rows(tmp_path / "findings.csv")) == 460
    assert "210 more series" in said
    report = (tmp_path / "report.html").read_text("utf-8")
    assert report.count('data-bands="#panel"') == 200
    assert "30 series have no chart here" in report


def blocks(page: Path, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("name", ["detect-from-a-csv.md", "detect-from-a-csv.zh.md"])
def test_the_commands_of_the_tutorial_do_what_it_says(
    name: str, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = root / "docs/tutorial" / name
    (tmp_path / "packs").symlink_to(root / "packs")
    monkeypatch.chdir(tmp_path)
    commands = re.findall(r"^ {4}\./run (detect .*)$", page.read_text("utf-8"), re.MULTILINE)
    assert len(commands) == 2
    for command in commands:
        assert main(shlex.split(command)) == 0
    found = rows(tmp_path / "newport/findings.csv")
    # the outbreak of autumn 2011 in the whole country
    alarms = [row["date"] for row in found if row["series"] == "de" and row["alarm"] == "1"]
    assert any("2011-10-17" <= day <= "2011-11-14" for day in alarms)
    assert {row["series"] for row in rows(tmp_path / "newport-ears/findings.csv")} == {"de", "de/BY"}
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["detector"] == "ears_c2"
    code = "\n".join(blocks(page, "python"))
    exec(compile(code, str(page), "exec"), {})
    printed = capsys.readouterr().out
    assert "2011-10-" in printed or "2011-11-" in printed


def test_both_languages_of_the_tutorial_show_the_same_commands(root: Path) -> None:
    pages = [root / "docs/tutorial" / name for name in ("detect-from-a-csv.md", "detect-from-a-csv.zh.md")]
    shown = [re.findall(r"^ {4}(\./run .*)$|^(anlan .*)$", p.read_text("utf-8"), re.MULTILINE) for p in pages]
    assert shown[0] == shown[1]
    assert blocks(pages[0], "python") == blocks(pages[1], "python")
    assert "detect" in set(app)


def test_of_many_series_the_most_pressing_come_first_and_what_is_left_out_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(11)
    counts = rng.poisson(20, (400, 60))
    counts[[5, 6, 7, 300], -1] = 60
    names = [f"c{n:03}" for n in range(400)]
    table = tmp_path / "many.csv"
    lines = [",".join(["k", *names])]
    lines += [",".join(map(str, [k + 1, *counts[:, k].tolist()])) for k in range(60)]
    lines[-1] = lines[-1].rsplit(",", 1)[0] + ",NA"  # the last series is silent
    table.write_text("\n".join(lines) + "\n")
    stake = tmp_path / "stake.csv"
    people = {5: 1_000, 6: 9_000_000, 7: 50_000}
    rows_ = [
        f"{name},{'north' if n < 200 else 'south'},{people.get(n, 10_000)}" for n, name in enumerate(names)
    ]
    stake.write_text("series,group,exposure\n" + "\n".join(rows_) + "\n")
    words = (
        table,
        "--freq",
        "52",
        "--detector",
        "ears_c1",
        "--param",
        "baseline=30",
        "--param",
        "alpha=0.05",
    )
    words = (*words, "--test", "last 1")
    limits = ("--fdr", "1e-6", "--budget", "2", "--stake", stake)
    code, said, _ = run(capsys, *words, *limits, "--out", tmp_path / "out", "--json")
    assert code == 0
    document = json.loads(said)
    assert document["choice"]["over_budget"] == 1 and document["choice"]["look"] == 3
    assert document["alarms"] == sum(document["choice"].values()) > 15
    listed = rows(tmp_path / "out" / "alarms.csv")
    looked = [(row["group"], row["rank"], row["series"]) for row in listed if row["look"] == "1"]
    # by surprise and by the people behind it, each group for itself
    assert looked == [("north", "1", "c006"), ("north", "2", "c007"), ("south", "1", "c300")]
    (beyond,) = [row for row in listed if row["choice"] == "over_budget"]
    assert beyond["series"] == "c005" and "budget" in beyond["reason_en"] and "限额" in beyond["reason_zh"]
    # nothing is taken out of the findings, and what is unknown is in neither list
    found = {row["series"]: row for row in rows(tmp_path / "out" / "findings.csv")}
    assert sum(row["alarm"] == "1" for row in found.values()) == document["alarms"]
    assert found["c399"]["alarm"] == found["c399"]["q_value"] == "NA"
    assert "c399" not in {row["series"] for row in listed}
    code, said, _ = run(capsys, *words, *limits, "--out", tmp_path / "out")
    assert "3 to be looked at" in said.replace("\n", " ") and "1 beyond the budget" in said.replace("\n", " ")
    code, _, complained = run(capsys, *words, "--stake", table, "--out", tmp_path / "out")
    assert code == 2 and "no column of the series" in complained
