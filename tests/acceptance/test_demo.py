"""The autumn outbreak of 2011 in the demonstration: the whole chain, told, explained and audited."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from newport import HAZARD, Told, read, replayed

from anlan.cli import main
from anlan.model.assessment import Assessment
from anlan.model.finding import Finding
from anlan.model.warning import Warning

GUARDS = "SELECT name FROM sqlite_master WHERE type = 'trigger'"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return replayed(tmp_path_factory.mktemp("newport") / "workspace")


def test_the_outbreak_is_one_thread_from_finding_to_review(told: Told) -> None:
    threads = told.of("assessment.opened")
    assert len(threads) == 1
    thread = threads[0].value
    assert isinstance(thread, Assessment)
    assert (thread.hazard, thread.place) == (HAZARD, "de")
    assert {
        e.risk for e in told.entries if e.kind.partition(".")[0] in ("warning", "delivery", "incident")
    } == {thread.id}
    chain = (
        "finding.raised",
        "assessment.opened",
        "warning.drafted",
        "assessment.confirmed",
        "warning.submitted",
        "warning.approved",
        "delivery.accepted",
        "delivery.answered",
        "incident.opened",
        "task.opened",
        "task.done",
        "incident.stood_down",
        "assessment.finalised",
        "review.made",
    )
    first = [next((e.at, e.seq) for e in told.entries if e.kind == kind) for kind in chain]
    assert sorted(set(first)) == first


def test_the_first_finding_comes_when_the_week_could_be_known(told: Told) -> None:
    finding = told.of("finding.raised")[0].value
    assert isinstance(finding, Finding)
    # 9 cases in the week from 31 October, reported on the ninth day after its Monday
    assert (finding.place, finding.value, f"{finding.at:%Y-%m-%d}") == ("de", 9.0, "2011-10-31")
    assert f"{finding.known:%Y-%m-%d}" == "2011-11-09"


def test_nobody_approves_what_they_wrote(told: Told) -> None:
    approved = [e.value for e in told.of("warning.approved")]
    assert approved
    for warning in approved:
        assert isinstance(warning, Warning)
        assert warning.author
        assert warning.approver
        assert warning.author != warning.approver


def test_every_delivery_is_accepted_and_an_overdue_answer_climbs(told: Told) -> None:
    due = {e.subject for e in told.of("delivery.due")}
    assert due == {e.subject for e in told.of("delivery.accepted")}
    assert told.of("delivery.unanswered"), (
        "the offices answer after two hours and a half; the ladder waits two"
    )


def test_the_published_message_is_the_journalled_one(told: Told) -> None:
    feed = {path.name: path for path in (told.workspace / "feed").glob("*.cap.xml")}
    approved = [e.value for e in told.of("warning.approved")]
    assert len(feed) == len(approved)
    for warning in approved:
        assert isinstance(warning, Warning)
        raw = feed[f"{warning.id}.cap.xml"].read_bytes()
        assert hashlib.sha256(raw).hexdigest() == warning.digest


def test_no_message_is_an_actual_one(told: Told) -> None:
    for path in (told.workspace / "feed").glob("*.cap.xml"):
        assert b"<status>Exercise</status>" in path.read_bytes()


def run(*words: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """Exit code, what was printed, what was said on the error stream."""
    capsys.readouterr()
    code = main(list(words))
    said = capsys.readouterr()
    return code, said.out, said.err


def test_a_warning_is_explained_and_comes_out_the_same(
    told: Told, capsys: pytest.CaptureFixture[str]
) -> None:
    warning = told.of("warning.approved")[1]
    where = ("--workspace", str(told.workspace))
    code, printed, _ = run("explain", warning.subject, *where, "--json", capsys=capsys)
    found = json.loads(printed.splitlines()[-1])
    assert code == 0
    assert found["same"]
    assert {check["what"] for check in found["recomputed"]} == {"finding", "warning"}
    assert all(check["same"] for check in found["recomputed"])
    assert [line["kind"] for line in found["chain"]][:2] == ["finding.raised", "assessment.opened"]
    assert found["basis"][0]["gist_en"]

    code, printed, _ = run("explain", warning.subject, *where, capsys=capsys)
    assert code == 0
    assert "the same bytes" in printed
    assert "DIFFERS" not in printed


@pytest.mark.parametrize(
    "kind",
    ["finding.raised", "assessment.opened", "task.opened", "delivery.accepted", "report.owed", "review.made"],
)
def test_anything_with_an_id_is_explained(told: Told, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    id = told.of(kind)[-1].subject
    code, printed, _ = run("explain", id, "--workspace", str(told.workspace), "--json", capsys=capsys)
    found = json.loads(printed.splitlines()[-1])
    assert code == 0
    assert found["id"] == id
    assert found["same"]
    assert found["history"]


def test_an_unknown_id_is_refused_by_name(told: Told, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, said = run("explain", "W-nobody", "--workspace", str(told.workspace), capsys=capsys)
    assert code == 2
    assert "W-nobody" in said


def test_an_untouched_journal_is_sound(told: Told, capsys: pytest.CaptureFixture[str]) -> None:
    code, printed, _ = run("audit", "verify", str(told.workspace), "--json", capsys=capsys)
    assert code == 0
    assert json.loads(printed) == {"rows": len(told.entries), "head": told.head, "sound": True}


def tampered(told: Told, folder: Path, *statements: str) -> Path:
    """A copy of the workspace whose journal somebody changed behind the back of its guards."""
    copy = folder / "copy"
    shutil.copytree(told.workspace, copy, ignore=shutil.ignore_patterns("lake", "packs", "mail"))
    connection = sqlite3.connect(copy / "journal.sqlite")
    for (name,) in connection.execute(GUARDS).fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()
    return copy


@pytest.mark.parametrize(
    ("statements", "row"),
    [
        (("UPDATE journal SET body = replace(body, '41.0', '14.0') WHERE seq = {seq}",), "{seq}"),
        (("UPDATE journal SET actor = 'nobody' WHERE seq = {seq}",), "{seq}"),
        (("DELETE FROM journal WHERE seq = {seq}",), "{seq}"),
        (
            (
                "UPDATE journal SET seq = -1 WHERE seq = {seq}",
                "UPDATE journal SET seq = {seq} WHERE seq = {seq} + 1",
                "UPDATE journal SET seq = {seq} + 1 WHERE seq = -1",
            ),
            "{seq}",
        ),
        (("DELETE FROM journal WHERE seq > {last} - 1",), "{last}"),
    ],
    ids=["a value changed", "a name changed", "a row removed", "two rows swapped", "the end cut off"],
)
def test_a_journal_that_was_tampered_with_is_found_out(
    told: Told, statements: tuple[str, ...], row: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seq = next(e.seq for e in told.entries if isinstance(e.value, Finding) and e.value.value == 41.0)
    last = told.entries[-1].seq
    copy = tampered(told, tmp_path, *(s.format(seq=seq, last=last) for s in statements))
    code, _, said = run("audit", "verify", str(copy), capsys=capsys)
    assert code == 1
    assert row.format(seq=seq, last=last) in said


def test_one_flipped_byte_of_the_file_is_found_out(
    told: Told, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tampered(told, tmp_path)
    connection = sqlite3.connect(copy / "journal.sqlite")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    path = copy / "journal.sqlite"
    raw = bytearray(path.read_bytes())
    place = raw.index(b"cases of Salmonella Newport")
    raw[place] ^= 1
    path.write_bytes(bytes(raw))
    code, _, said = run("audit", "verify", str(copy), capsys=capsys)
    assert code == 1
    assert "altered" in said


def test_a_finished_replay_is_only_read_again(told: Told) -> None:
    assert replayed(told.workspace).head == told.head


def test_two_replays_in_different_folders_end_with_the_same_head(told: Told, tmp_path: Path) -> None:
    again = replayed(tmp_path / "elsewhere")
    assert len(again.entries) == len(told.entries)
    assert [e.digest for e in again.entries] == [e.digest for e in told.entries]
    assert read(told.workspace).head == again.head


def test_what_happened_first_is_what_the_log_says_first(
    told: Told, capsys: pytest.CaptureFixture[str]
) -> None:
    risk = told.of("assessment.opened")[0].subject
    code, printed, _ = run(
        "audit", "log", str(told.workspace), "--risk", risk, "--limit", "5", "--json", capsys=capsys
    )
    lines: list[dict[str, Any]] = json.loads(printed)
    assert code == 0
    assert len(lines) == 5
    assert [line["seq"] for line in lines] == sorted(line["seq"] for line in lines)
    assert {line["risk"] for line in lines} == {risk}
