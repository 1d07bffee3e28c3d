"""Every command as people and scripts use it: what it prints, how it ends."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from anlan.cli import main
from anlan.store.quarantine import QuarantineTable

PACK = """\
id = "{id}"
version = "1"
title = {{ en = "A pack", zh = "一个包" }}
licence = "none"
extends = ["{extends}"]
"""
ROWS = """\
week_start,place,cases
2012-12-31,de,4
2012-12-31,de/XX,1
2012-12-31,de/BE,-3
2012-12-31,de/BY,many
2012-12-31,de/HH
"""


class Shell:
    """Runs commands in this process: exit code, standard output, error stream."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *words: str | Path) -> tuple[int, str, str]:
        self._capsys.readouterr()
        code = main([str(word) for word in words])
        said = self._capsys.readouterr()
        return code, said.out, said.err

    def json(self, *words: str | Path, code: int = 0) -> Any:
        """The JSON document on the last line."""
        ended, printed, said = self(*words, "--json")
        assert ended == code, said
        return json.loads(printed.splitlines()[-1])


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(capsys)


@pytest.fixture
def own_pack(tmp_path: Path) -> Path:
    """A pack of one's own over the demonstration's."""
    folder = tmp_path / "own"
    (folder / "places").mkdir(parents=True)
    (folder / "pack.toml").write_text(PACK.format(id="own", extends="demo"))
    return folder


@pytest.fixture
def workspace(tmp_path: Path, own_pack: Path, shell: Shell) -> Path:
    folder = tmp_path / "work"
    assert shell("init", folder, "--pack", own_pack, "--mode", "exercise")[0] == 0
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace that no test changes."""
    folder = tmp_path_factory.mktemp("made") / "work"
    assert main(["init", str(folder), "--pack", "demo", "--mode", "exercise"]) == 0
    return folder


def test_help_and_version_end_well(shell: Shell) -> None:
    code, printed, _ = shell("--help")
    assert code == 0
    for command in (
        "demo",
        "init",
        "serve",
        "doctor",
        "ingest",
        "backtest",
        "explain",
        "pack",
        "audit",
        "account",
    ):
        assert command in printed
    assert shell("--version")[0] == 0


@pytest.mark.parametrize(
    "words",
    [
        ("fly",),
        ("init",),
        ("pack", "check"),
        ("backtest", "demo"),
        ("audit", "verify"),
        ("ingest", "newport", "x.csv"),
        ("audit", "log", ".", "--limit", "many"),
        ("init", "x", "--colour", "red"),
    ],
)
def test_wrong_use_ends_with_2(words: tuple[str, ...], shell: Shell) -> None:
    assert shell(*words)[0] == 2


def test_a_workspace_is_made_once(made: Path, shell: Shell) -> None:
    assert (made / "anlan.toml").is_file()
    code, _, said = shell("init", made, "--pack", "demo")
    assert code == 2
    assert str(made) in said


@pytest.mark.parametrize(
    ("words", "found", "expected"),
    [
        (("init", "{new}", "--mode", "holiday"), "holiday", "exercise"),
        (("init", "{new}", "--language", "eo"), "eo", "zh"),
        (("init", "{new}", "--mode", "replay"), "replay", "anlan demo"),
        (("demo", "--story", "atlantis"), "atlantis", "demo"),
        (("backtest", "demo", "no-rule"), "no-rule", "heavy-rain"),
        (("doctor", "{new}"), "", ""),
        (("audit", "verify", "{new}"), "{new}", "anlan.toml"),
        (("explain", "W-1", "--workspace", "{new}"), "{new}", "anlan.toml"),
        (("quarantine", "list", "--workspace", "{new}"), "{new}", "anlan.toml"),
        (("account", "list", "--workspace", "{new}"), "{new}", "anlan.toml"),
        (("ingest", "no-source", "{table}", "--workspace", "{work}"), "no-source", "newport"),
        (("ingest", "newport", "{new}/none.csv", "--workspace", "{work}"), "none.csv", ""),
        (("quarantine", "show", "Q-nothing", "--workspace", "{work}"), "Q-nothing", ""),
        (("quarantine", "retry", "Q-nothing", "--workspace", "{work}"), "Q-nothing", ""),
        (("explain", "W-1", "--workspace", "{work}"), "empty", ""),
        (("account", "set", "nobody", "--workspace", "{work}"), "nobody", "ada.health"),
    ],
)
def test_an_error_says_where_what_was_found_and_what_was_expected(
    words: tuple[str, ...], found: str, expected: str, made: Path, tmp_path: Path, shell: Shell
) -> None:
    table = tmp_path / "table.csv"
    table.write_text(ROWS)
    new = tmp_path / "not-there"
    names = {"new": str(new), "table": str(table), "work": str(made)}
    code, printed, said = shell(*(word.format(**names) for word in words))
    assert code == (1 if words[0] == "doctor" else 2), said
    # doctor tells faults among what it finds; every other error is one line of the error stream
    told = printed if words[0] == "doctor" else said
    assert found.format(**names) in told
    assert expected in told
    assert "Traceback" not in told
    assert not new.exists()


def test_the_rows_that_can_be_used_come_in_and_the_rest_is_kept_with_its_reason(
    workspace: Path, tmp_path: Path, shell: Shell
) -> None:
    table = tmp_path / "weeks.csv"
    table.write_text(ROWS)
    taken = shell.json("ingest", "newport", table, "--workspace", workspace)
    assert (taken["accepted"], taken["repeated"], len(taken["quarantined"])) == (1, 0, 4)
    assert taken["reasons"] == {"not_a_number": 1, "out_of_bounds": 1, "unknown_place": 1, "unreadable": 1}
    code, printed, _ = shell("ingest", "newport", table, "--workspace", workspace)
    assert code == 0
    assert "0 accepted, 1 already there, 4 quarantined" in printed
    assert "1  unknown_place, such as " in printed and "found 'de/XX'" in printed

    held = shell.json("quarantine", "list", "--workspace", workspace)
    assert {(item["line"], item["code"]) for item in held} == {
        (3, "unknown_place"),
        (4, "out_of_bounds"),
        (5, "not_a_number"),
        (6, "unreadable"),
    }
    assert all(item["status"] == "held" and "weeks.csv" in item["sentence"] for item in held)

    odd = next(item for item in held if item["line"] == 5)
    code, printed, _ = shell("quarantine", "show", odd["id"], "--workspace", workspace)
    assert code == 0
    assert "2012-12-31,de/BY,many" in printed
    assert odd["sentence"] in printed


def test_a_held_row_is_used_once_the_pack_knows_its_place(
    workspace: Path, own_pack: Path, tmp_path: Path, shell: Shell
) -> None:
    table = tmp_path / "weeks.csv"
    table.write_text(ROWS)
    shell("ingest", "newport", table, "--workspace", workspace)
    held = shell.json("quarantine", "list", "--workspace", workspace, "--status", "held")
    id = next(item["id"] for item in held if item["line"] == 3)

    code, printed, _ = shell("quarantine", "retry", id, "--workspace", workspace)
    assert code == 1
    assert "de/XX" in printed
    statuses = {i["id"]: i["status"] for i in shell.json("quarantine", "list", "--workspace", workspace)}
    assert statuses[id] == "retried"

    (own_pack / "places" / "new.csv").write_text(
        "id,name_en,name_zh,level,parent,from,to,population,population_year\nde/XX,New,新,state,de,,,,\n"
    )
    code, printed, _ = shell("quarantine", "retry", id, "--workspace", workspace)
    assert code == 0, printed
    assert "1 observation" in printed
    found = shell.json("doctor", workspace, code=1)  # its mail and webhook channels are not set up
    assert found["lake"] == {"salmonella_newport_weekly": 2}
    assert found["quarantined"] == 3
    statuses = {i["id"]: i["status"] for i in shell.json("quarantine", "list", "--workspace", workspace)}
    assert statuses[id] == "released"
    code, _, said = shell("quarantine", "retry", id, "--workspace", workspace)
    assert code == 2, said


def test_doctor_names_what_must_be_mended(made: Path, shell: Shell) -> None:
    found = shell.json("doctor", made, code=1)
    assert found["journal"] == {"entries": 0, "head": ""}
    assert found["channels_missing"] == ["mail", "webhook"]
    assert any("mail" in fault for fault in found["faults"])


def test_an_account_is_opened_and_shown(
    workspace: Path, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("a long enough phrase\n"))
    code, printed, said = shell("account", "set", "ada.health", "--workspace", workspace)
    assert code == 0, said
    assert "ada.health" in printed
    assert "phrase" not in printed + said
    code, printed, _ = shell("account", "list", "--workspace", workspace)
    assert code == 0
    states = {line.split()[0]: line for line in printed.splitlines()}
    assert states["ada.health"].endswith("can sign in")
    assert states["ben.health"].endswith("no password yet")


def test_packs_are_listed_and_shipped_ones_are_without_fault(shell: Shell) -> None:
    assert {"cn", "demo", "world"} <= set(shell.json("pack", "list"))
    for pack in ("world", "demo"):
        assert shell.json("pack", "check", pack)["faults"] == []


def test_a_malformed_pack_tells_all_its_faults_at_once(tmp_path: Path, shell: Shell) -> None:
    folder = tmp_path / "broken"
    (folder / "domains" / "water").mkdir(parents=True)
    (folder / "pack.toml").write_text(PACK.format(id="broken", extends="world"))
    (folder / "domains" / "water" / "domain.toml").write_text("id = \n")
    (folder / "organs.toml").write_text(
        '[[organ]]\nid = "o"\nname = { en = "O", zh = "某" }\nplace = "atlantis"\ncolour = "red"\n'
    )
    (folder / "users.toml").write_text('[[user]]\nname = "u"\norgan = "nobody"\nlanguage = "xx"\n')
    code, printed, _ = shell("pack", "check", folder)
    assert code == 1
    assert "Traceback" not in printed
    lines = printed.splitlines()
    for file in ("domain.toml", "organs.toml", "users.toml"):
        assert any(file in line for line in lines), printed
    found = shell.json("pack", "check", folder, code=1)
    assert len(found["faults"]) == len(lines) - 1 >= 3


def test_a_pack_that_is_not_there_is_named(shell: Shell) -> None:
    code, printed, said = shell("pack", "check", "atlantis")
    assert code in (1, 2)
    assert "atlantis" in printed + said


def test_schemas_are_json(tmp_path: Path, shell: Shell) -> None:
    assert shell("pack", "schema", tmp_path / "schemas")[0] == 0
    written = list((tmp_path / "schemas").glob("*.json"))
    assert written
    for path in written:
        json.loads(path.read_text())


def test_the_organ_with_the_power_is_named_with_its_article(shell: Shell) -> None:
    asked = ("pack", "power", "demo", "--act", "warn", "--hazard", "demo.salmonellosis", "--place", "de")
    found = shell.json(*asked, "--level", "2", "--at", "2011-11-16")
    assert found["organ"] == "de/rki"
    assert "#" in found["basis"]
    code, _, said = shell(*asked[:-1], "us/WA", "--at", "2011-11-16")
    assert code == 2
    assert "us/WA" in said


def test_a_rule_is_scored_on_its_history(shell: Shell) -> None:
    found = shell.json("backtest", "demo", "heavy-rain")
    assert found["hits"] + found["misses"] == 4, "the pack knows four events within the record"
    assert found["hits"] > 0
    assert found["episodes"]
    code, printed, _ = shell("backtest", "demo", "heavy-rain")
    assert code == 0
    assert f"hits {found['hits']}, misses {found['misses']}" in printed


def test_a_store_that_is_locked_ends_with_3(
    workspace: Path, tmp_path: Path, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(QuarantineTable.__init__.__kwdefaults__, "wait_s", 0.5)
    shell("quarantine", "list", "--workspace", workspace)  # makes the stores
    table = tmp_path / "weeks.csv"
    table.write_text(ROWS)
    connection = sqlite3.connect(workspace / "quarantine.sqlite", isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    try:
        code, _, said = shell("ingest", "newport", table, "--workspace", workspace)
    finally:
        connection.close()
    assert code == 3
    assert "quarantine.sqlite" in said


@pytest.mark.skipif(shutil.which("sh") is None, reason="no shell")
def test_an_interrupted_demonstration_ends_with_130_and_goes_on(root: Path, tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    process = subprocess.Popen(
        [sys.executable, "-m", "anlan", "demo", "--no-console", "--workspace", str(folder)],
        env=os.environ | {"PYTHONPATH": str(root / "src")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    began = time.monotonic()
    while time.monotonic() - began < 90 and not entries(folder):
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert entries(folder) > 0


def entries(workspace: Path) -> int:
    """Rows of the journal; none where there is no journal yet."""
    path = workspace / "journal.sqlite"
    if not path.is_file():
        return 0
    connection = sqlite3.connect(path)
    try:
        return int(connection.execute("SELECT count(*) FROM journal").fetchone()[0])
    except sqlite3.OperationalError:
        return 0
    finally:
        connection.close()
