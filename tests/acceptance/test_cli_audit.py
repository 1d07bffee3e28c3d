"""The journal's commands when something is wrong with it, and when nobody reads to the end."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from anlan.cli import main
from anlan.model.entry import Draft, Marker
from anlan.model.time import parse_instant
from anlan.store.journal import SqlJournal
from served import environment

AT = parse_instant("2026-03-01T12:00:00Z")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    assert main(["init", str(folder), "--pack", "world"]) == 0
    journal = SqlJournal(f"sqlite:///{folder / 'journal.sqlite'}")
    journal.append([marker(n) for n in range(3)], AT)
    journal.close()
    return folder


def marker(number: int) -> Draft:
    return Draft("marker.set", f"mk-{number}", "", "system", Marker(f"mk-{number}", "tick", "done"))


def lose(home: Path, seq: int) -> None:
    """What restoring yesterday's backup does: the rows after `seq` are gone, the anchor is not."""
    with sqlite3.connect(home / "journal.sqlite") as raw:
        raw.execute("DROP TRIGGER journal_keeps_rows")
        raw.execute("DELETE FROM journal WHERE seq > ?", (seq,))
    raw.close()


def run(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str, str]:
    capsys.readouterr()
    code = main([str(word) for word in words])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_a_restored_journal_is_accepted_in_two_steps_and_says_who_and_why(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lose(home, 2)
    code, _, said = run(capsys, "audit", "verify", home)
    assert code == 1
    assert "cut off at the end" in said and "anlan audit accept" in said
    words = ("audit", "accept", home, "--who", "li.wei", "--why", "backup of the night restored")

    code, printed, _ = run(capsys, *words)
    assert code == 1
    word = printed.strip().split()[-1]
    assert "cut off at the end" in printed and "--confirm" in printed
    assert run(capsys, "audit", "verify", home)[0] == 1, "asking changes nothing"

    code, _, said = run(capsys, *words, "--confirm", "000000000000")
    assert code == 2
    assert word in said
    code, printed, said = run(capsys, *words, "--confirm", word)
    assert code == 0, said
    assert "2 rows accepted by li.wei" in printed
    assert (home / "journal.anchor.rejected").is_file()

    assert run(capsys, "audit", "verify", home)[0] == 0
    journal = SqlJournal(f"sqlite:///{home / 'journal.sqlite'}", create=False)
    newest = list(journal.read())[-1]
    journal.close()
    assert (newest.seq, newest.kind, newest.actor) == (3, "marker.anchor_accepted", "li.wei")
    assert newest.why is not None and newest.why.en == "backup of the night restored"
    assert "cut off at the end" in newest.value.detail  # type: ignore[union-attr]


def test_a_lost_anchor_is_accepted(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "journal.anchor").unlink()
    words = ("audit", "accept", home, "--who", "li.wei", "--why", "the folder was copied without it")
    word = run(capsys, *words)[1].strip().split()[-1]
    assert run(capsys, *words, "--confirm", word)[0] == 0
    assert run(capsys, "audit", "verify", home)[0] == 0


@pytest.mark.parametrize(("who", "why"), [("", "why"), ("li.wei", " ")])
def test_nobody_accepts_without_a_name_and_a_reason(
    home: Path, who: str, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    lose(home, 2)
    assert run(capsys, "audit", "accept", home, "--who", who, "--why", why)[0] == 2


def test_a_sound_journal_needs_no_acceptance(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, said = run(capsys, "audit", "accept", home, "--who", "li.wei", "--why", "why not")
    assert code == 2
    assert "nothing to accept" in said


def test_verify_answers_with_json_also_when_it_fails(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads(run(capsys, "audit", "verify", home, "--json")[1])["sound"] is True
    lose(home, 1)
    code, printed, _ = run(capsys, "audit", "verify", home, "--json")
    found = json.loads(printed)
    assert code == 1
    assert (found["sound"], found["where"], found["found"]) == (False, "journal row 2", "1 rows")
    code, printed, _ = run(capsys, "audit", "verify", home / "nowhere", "--json")
    assert code == 2
    assert json.loads(printed)["sound"] is None


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_reader_that_goes_away_ends_the_command_quietly(home: Path, form: tuple[str, ...]) -> None:
    journal = SqlJournal(f"sqlite:///{home / 'journal.sqlite'}")
    journal.append([marker(n) for n in range(3, 3000)], AT)
    journal.close()
    command = [sys.executable, "-m", "anlan", "audit", "log", str(home), "--limit", "3000", *form]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
        code = process.wait(timeout=60)
    assert b"Traceback" not in said and b"BrokenPipe" not in said, said
    assert code == 141
