"""`anlan nowcast`: a line list or published counts in, the counts in the end out."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from anlan.cli.main import main

EHEC = ("--event", "hospitalised", "--report", "reported", "--count", "n")


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "nowcast.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("method", ["chain_ladder", "bayes.trunc", "lawless"])
def test_the_last_days_of_an_outbreak_are_no_fall(
    shared: Path, tmp_path: Path, method: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = shared / "data/ehec-hus-2011/hosp_by_report.csv"
    command = ["nowcast", str(path), *EHEC, "--delays", "15", "--method", method]
    assert main([*command, "--now", "2011-06-02", "--out", str(tmp_path / "then")]) == 0
    assert "2011-05-30" in capsys.readouterr().out
    then = {row["date"]: row for row in rows(tmp_path / "then") if row["state"] == "known"}
    assert main([*command, "--out", str(tmp_path / "end")]) == 0
    final: dict[str, float] = {}
    with path.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            final[row["hospitalised"]] = final.get(row["hospitalised"], 0) + float(row["n"])
    held = [float(r["lower"]) <= final.get(day, 0) <= float(r["upper"]) for day, r in then.items()]
    assert len(held) >= 12 and sum(held) >= len(held) - 3
    day = then["2011-05-30"]
    assert float(day["known"]) <= 6 and float(day["median"]) >= 12


def test_published_counts_of_many_places_at_once(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = shared / "data/flu-us-vintages/hospital_admissions_vintages.csv.gz"
    command = ["nowcast", str(path), "--vintages", "--event", "week_end", "--report", "as_of"]
    command += ["--count", "admissions", "--by", "location", "--period", "week", "--revisions", "both"]
    assert main([*command, "--delays", "6", "--now", "2024-01-20", "--out", str(tmp_path), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["series"] > 50 and document["now"] == "2024-01-20"
    known = [row for row in document["nowcast"] if row["state"] == "known"]
    assert len(known) > 250
    assert all(row["lower"] <= row["median"] <= row["upper"] for row in known)
    unknown = [row for row in document["nowcast"] if row["state"] == "unknown"]
    assert all(row["median"] is None and row["reason"] != "ok" for row in unknown)


LIST = "event;report;place\n" + "".join(
    f"2024-01-{d:02d};2024-01-{d + late:02d};{place}\n"
    for d in range(1, 20)
    for late in (0, 1, 1, 2)
    for place in "ab"
)


@pytest.mark.parametrize(
    ("text", "more", "says"),
    [
        (LIST, ["--event", "onset"], "line 1: no such column for the event; found 'onset'"),
        (
            LIST,
            ["--method", "guess"],
            "method: no such setting; found 'guess'; expected chain_ladder, lawless",
        ),
        (LIST, ["--period", "year"], "period: no such setting"),
        (LIST, ["--delays", "60"], "delays: delays that do not fit the periods; found 60 for 21 periods"),
        (LIST, ["--now", "soon"], "--now: no such day; found 'soon'"),
        (LIST, ["--now", "2020-01-01"], "now: nothing was known by then"),
        (LIST, ["--vintages"], "--count: a count needs its column"),
        (LIST, ["--alpha", "2"], "alpha must lie between 0 and 1, found 2"),
        ("event,report\nsoon,later\n", [], "no row can be used; found line 2, column event: 'soon'"),
    ],
)
def test_what_does_not_fit_ends_with_2_and_says_what_was_found(
    tmp_path: Path, text: str, more: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "list.csv").write_text(text)
    assert main(["nowcast", str(tmp_path / "list.csv"), *more, "--out", str(tmp_path / "out")]) == 2
    assert says in " ".join(capsys.readouterr().err.split())


def test_rows_that_cannot_be_used_are_listed_and_the_others_count(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = "2024-01-05;2024-01-04;a\nnever;2024-01-06;a\n2024-01-06;2024-01-07\n"
    (tmp_path / "list.csv").write_text(LIST + bad)
    command: list[Any] = ["nowcast", str(tmp_path / "list.csv"), "--by", "place", "--delays", "3"]
    assert main([*command, "--out", str(tmp_path / "out")]) == 0
    with (tmp_path / "out/quarantine.csv").open(encoding="utf-8") as file:
        held = [(row["code"], row["found"][:10]) for row in csv.DictReader(file)]
    assert held == [("not_a_time", "2024-01-04"), ("not_a_time", "never"), ("not_a_record", "2024-01-06")]
    assert "not used" in capsys.readouterr().err
    assert {row["series"] for row in rows(tmp_path / "out")} == {"a", "b"}
