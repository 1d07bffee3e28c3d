"""What a user of the journal may rely on, on SQLite."""

from __future__ import annotations

import hashlib
import json
import math
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from anlan.model.entry import Draft, Marker
from anlan.model.errors import AuditBroken, InvalidValue, NotFound, StoreUnavailable, WrongState
from anlan.model.finding import Evidence, Finding
from anlan.model.sourcestate import SourceState
from anlan.model.text import Text
from anlan.store.journal import SqlJournal
from anlan.store.journal_anchor import Anchor

START = datetime(2024, 7, 1, 6, 0, tzinfo=UTC)


def at(seconds: float = 0) -> datetime:
    return START + timedelta(seconds=seconds)


def marker(name: str, risk: str = "") -> Draft:
    return Draft("marker.set", name, risk, "system", Marker(name, "tick", "done"))


def late(name: str, risk: str = "rk-1") -> Draft:
    state = SourceState(name, "late", START, None, accepted=3, quarantined=1)
    why = Text("It is late.", "数据迟到。")
    return Draft("source.late", name, risk, "li.wei", state, ("fd-1", "fd-2"), why)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


@pytest.fixture
def journal(file: Path) -> Iterator[SqlJournal]:
    opened = SqlJournal(f"sqlite:///{file}")
    yield opened
    opened.close()


def test_what_was_appended_is_read_back_equal_after_reopening(journal: SqlJournal, file: Path) -> None:
    first = journal.append([marker("mk-1"), late("gauge")], at())
    second = journal.append([late("buoy", "rk-2")], at(0.25))
    assert [entry.seq for entry in first + second] == [1, 2, 3]
    assert second[0].previous == first[1].digest
    journal.close()
    again = SqlJournal(f"sqlite:///{file}")
    assert tuple(again.read()) == first + second
    assert tuple(again.read(after=1, until=2)) == (first[1],)
    assert tuple(again.read(after=3)) == ()
    assert again.head() == (3, second[0].digest)
    assert again.latest() == at(0.25)
    assert again.verify() == 3
    again.close()


def test_an_empty_journal_has_no_head(journal: SqlJournal) -> None:
    assert journal.head() == (0, "")
    assert journal.latest() is None
    assert journal.anchor() == Anchor(0, "")
    assert journal.verify() == 0
    assert tuple(journal.read()) == ()
    assert journal.append([], at()) == ()


def test_the_digest_can_be_computed_from_the_row_by_anyone(journal: SqlJournal, file: Path) -> None:
    journal.append([late("gauge")], at())
    with sqlite3.connect(file) as connection:
        row = connection.execute(
            "SELECT seq, at, kind, subject, risk, actor, body, cause, why, previous, digest FROM journal"
        ).fetchone()
    connection.close()
    canonical = json.dumps(list(row[:-1]), ensure_ascii=False, separators=(",", ":")).encode()
    assert hashlib.sha256(canonical).hexdigest() == row[-1]
    assert row[1] == "2024-07-01T06:00:00Z"
    assert json.loads(row[8]) == {"en": "It is late.", "zh": "数据迟到。"}


def test_a_thread_and_a_subject_are_found(journal: SqlJournal) -> None:
    entries = journal.append([late("gauge"), late("buoy", "rk-2"), late("gauge")], at())
    assert journal.by_risk("rk-1") == (entries[0], entries[2])
    assert journal.by_subject("buoy") == (entries[1],)
    assert journal.by_subject("nobody") == ()


def test_a_cursor_moves_with_the_rows_or_not_at_all(journal: SqlJournal) -> None:
    assert journal.cursor("replay") is None
    journal.append([marker("mk-1")], at(), ("replay", "a"))
    journal.append([], at(), ("replay", "b"))
    assert journal.cursor("replay") == "b"
    with pytest.raises(InvalidValue):
        journal.append([marker("mk-2")], at(-1), ("replay", "c"))
    assert journal.cursor("replay") == "b"
    assert journal.verify() == 1


def test_time_never_runs_backwards(journal: SqlJournal) -> None:
    journal.append([marker("mk-1")], at(0.5))
    journal.append([marker("mk-2")], at(0.5))
    with pytest.raises(InvalidValue, match=r"append\.at.*2024-07-01T06:00:00Z.*or later"):
        journal.append([marker("mk-3")], at(0))
    with pytest.raises(InvalidValue, match="time zone"):
        journal.append([marker("mk-3")], datetime(2025, 1, 1))  # noqa: DTZ001
    assert journal.verify() == 2


def test_a_decision_on_an_old_state_is_refused(journal: SqlJournal) -> None:
    journal.append([marker("mk-1")], at(), after=0)
    with pytest.raises(WrongState, match="found newest row 1; expected newest row 0"):
        journal.append([marker("mk-2")], at(), after=0)


@pytest.mark.parametrize(
    ("draft", "says"),
    [
        (Draft("warning.set", "mk", "", "system", Marker("mk", "a", "b")), "with a Marker.*a Warning"),
        (Draft("marker", "mk", "", "system", Marker("mk", "a", "b")), "no such kind of entry"),
        (Draft("weather.seen", "mk", "", "system", Marker("mk", "a", "b")), "no such kind of entry"),
        (Draft("marker.Set!", "mk", "", "system", Marker("mk", "a", "b")), "no such kind of entry"),
        (Draft("marker.set", "", "", "system", Marker("mk", "a", "b")), r"drafts\[1\]\.subject"),
        (Draft("marker.set", "mk", "", "", Marker("mk", "a", "b")), r"drafts\[1\]\.actor"),
        (Draft("marker.set", "m\x00k", "", "system", Marker("mk", "a", "b")), "printable"),
        (Draft("marker.set", "mk", "", "system", Marker("mk", "a", "\ud800")), r"drafts\[1\]\.value"),
        (
            Draft("source.set", "s", "", "system", SourceState("s", "late", START, None, math.nan, 0)),
            r"drafts\[1\]\.value",
        ),
    ],
)
def test_a_draft_that_does_not_hold_together_is_refused_with_all_its_company(
    journal: SqlJournal, draft: Draft, says: str
) -> None:
    with pytest.raises(InvalidValue, match=says):
        journal.append([marker("mk-1"), draft], at())
    assert journal.head() == (0, "")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE journal SET actor = 'wang' WHERE seq = 1",
        "DELETE FROM journal WHERE seq = 2",
        "INSERT OR REPLACE INTO journal SELECT * FROM journal WHERE seq = 1",
        "INSERT INTO journal SELECT 7, at, kind, subject, risk, actor, body, cause, why, previous, 'x' "
        "FROM journal WHERE seq = 1",
    ],
)
def test_the_database_itself_refuses_to_change_a_row(journal: SqlJournal, file: Path, statement: str) -> None:
    journal.append([marker("mk-1"), marker("mk-2")], at())
    connection = sqlite3.connect(file)
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(statement)
    connection.close()
    assert journal.verify() == 2


def test_a_number_that_is_not_one_is_refused(journal: SqlJournal) -> None:
    evidence = Evidence(START, START, START, 3, "0" * 64)
    finding = Finding(
        *("fd-1", "rule", "rain", "flood", "water", "cn/1", START, START, "raised", "known", 2),
        *(3, None, None, None, None, "mm", Text("It rains.", "下雨。"), (), evidence, "0" * 64),
    )
    (entry,) = journal.append([Draft("finding.raised", "fd-1", "", "system", finding)], at())
    assert tuple(journal.read()) == (entry,)
    with pytest.raises(InvalidValue, match=r"finding\.value: a number must be finite; found nan"):
        replace(finding, value=math.nan)


def cut(file: Path, *statements: str) -> None:
    connection = sqlite3.connect(file)
    for trigger in ("keeps_rows", "keeps_text", "never_forks"):
        connection.execute(f"DROP TRIGGER IF EXISTS journal_{trigger}")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    ("statements", "says"),
    [
        (["UPDATE journal SET risk = 'rk-9' WHERE seq = 3"], "journal row 3: the row is altered"),
        (["UPDATE journal SET why = NULL WHERE seq = 3"], "journal row 3: the row is altered"),
        (
            ["UPDATE journal SET body = CAST(x'ff7b7d' AS TEXT) WHERE seq = 3"],
            "journal row 3: the row is alt",
        ),
        (["DELETE FROM journal WHERE seq = 3"], "journal row 3: the row is removed; found row 4"),
        (["DELETE FROM journal WHERE seq = 1"], "journal row 1: the row is removed"),
        (["DELETE FROM journal WHERE seq = 5"], "journal row 5: the row is cut off at the end; found 4 rows"),
        (["DELETE FROM journal"], "journal row 1: the row is cut off at the end; found 0 rows"),
        (
            [
                "UPDATE journal SET seq = -1 WHERE seq = 2",
                "UPDATE journal SET seq = 2 WHERE seq = 4",
                "UPDATE journal SET seq = 4 WHERE seq = -1",
            ],
            "journal row 2: the row is out of order; found the row written as number 4",
        ),
    ],
)
def test_verify_names_the_first_bad_row_and_what_is_wrong(
    journal: SqlJournal, file: Path, statements: list[str], says: str
) -> None:
    journal.append([late(f"s-{n}") for n in range(5)], at())
    cut(file, *statements)
    with pytest.raises(AuditBroken, match=says):
        journal.verify()


def test_altered_rows_are_never_folded_into_the_state(journal: SqlJournal, file: Path) -> None:
    journal.append([late("s-1"), late("s-2")], at())
    cut(file, "UPDATE journal SET actor = 'wang' WHERE seq = 2")
    with pytest.raises(AuditBroken, match="journal row 2"):
        list(journal.read())
    with pytest.raises(AuditBroken, match="journal row 2"):
        journal.by_subject("s-2")
    with pytest.raises(AuditBroken, match="journal row 2"):
        journal.by_risk("rk-1")


def test_a_cut_tail_is_not_covered_up_by_new_rows(journal: SqlJournal, file: Path) -> None:
    journal.append([marker(f"mk-{n}") for n in range(3)], at())
    cut(file, "DELETE FROM journal WHERE seq = 3")
    with pytest.raises(AuditBroken, match="journal row 3"):
        journal.append([marker("mk-4")], at())
    with pytest.raises(AuditBroken, match=r"cut off at the end.*anlan audit accept"):
        journal.verify()
    accepted = Draft("marker.anchor_accepted", "a", "", "li.wei", Marker("a", "anchor_accepted", "2 rows"))
    aside = journal.accept_head(accepted, at())
    assert aside is not None and json.loads(aside.read_bytes())["seq"] == 3
    journal.append([marker("mk-4")], at())
    assert journal.verify() == 4
    newest = list(journal.read())[2]
    assert (newest.kind, newest.actor) == ("marker.anchor_accepted", "li.wei")


@pytest.mark.parametrize("raw", [None, b"", b"{}"])
def test_a_lost_or_spoilt_anchor_is_accepted_with_a_row_that_says_so(
    journal: SqlJournal, file: Path, raw: bytes | None
) -> None:
    journal.append([marker("mk-1")], at())
    anchor = file.with_suffix(".anchor")
    anchor.unlink()
    if raw is not None:
        anchor.write_bytes(raw)
    aside = journal.accept_head(marker("accepted"), at())
    assert (aside is None) == (raw is None)
    assert journal.verify() == 2


def test_what_is_sound_or_altered_is_not_accepted(journal: SqlJournal, file: Path) -> None:
    journal.append([marker(f"mk-{n}") for n in range(3)], at())
    with pytest.raises(WrongState, match="nothing to accept"):
        journal.accept_head(marker("accepted"), at())
    cut(file, "UPDATE journal SET actor = 'someone' WHERE seq = 2")
    before = file.with_suffix(".anchor").read_bytes()
    with pytest.raises(AuditBroken, match="journal row 2: the row is altered"):
        journal.accept_head(marker("accepted"), at())
    assert file.with_suffix(".anchor").read_bytes() == before


@pytest.mark.parametrize("index", ["sqlite_autoindex_journal_1", "ix_journal_subject"])
def test_a_byte_changed_in_an_index_is_found(journal: SqlJournal, file: Path, index: str) -> None:
    entries = journal.append([marker(f"mk-{n}") for n in range(3)], at())
    journal.close()
    with sqlite3.connect(file) as raw:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (size,) = raw.execute("PRAGMA page_size").fetchone()
        (root,) = raw.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (index,)).fetchone()
    raw.close()
    content = bytearray(file.read_bytes())
    page = content[(root - 1) * size : root * size]
    word = (entries[1].digest if "autoindex" in index else "mk-1").encode()
    place = (root - 1) * size + page.index(word)
    content[place] ^= 1
    file.write_bytes(content)
    again = SqlJournal(f"sqlite:///{file}", create=False)
    with pytest.raises(AuditBroken, match=rf"every row verifies, but.*{index}"):
        again.verify()
    again.close()


def test_a_rewritten_chain_does_not_fit_the_head_a_witness_kept(tmp_path: Path) -> None:
    true, false = (SqlJournal(f"sqlite:///{tmp_path}/{name}.sqlite") for name in ("true", "false"))
    true.append([marker("mk-1"), marker("mk-2")], at())
    witnessed = true.anchor()
    false.append([marker("mk-1"), marker("mk-9"), marker("mk-3")], at())
    assert true.verify(witnessed) == 2
    with pytest.raises(AuditBroken, match="journal row 2: the row is not the row that was anchored"):
        false.verify(witnessed)
    with pytest.raises(AuditBroken, match="journal row 4: the row is cut off"):
        false.verify(Anchor(7, "0" * 64))
    true.close()
    false.close()


@pytest.mark.parametrize("raw", [None, b"", b"{}", b'{"digest":"","seq":"1"}', b"\xff"])
def test_a_missing_or_spoilt_anchor_is_found(journal: SqlJournal, file: Path, raw: bytes | None) -> None:
    journal.append([marker("mk-1")], at())
    anchor = file.with_suffix(".anchor")
    anchor.unlink()
    if raw is not None:
        anchor.write_bytes(raw)
    for act in (journal.verify, lambda: journal.append([marker("mk-2")], at())):
        with pytest.raises(AuditBroken, match=r"anchor"):
            act()


def test_a_journal_whose_file_vanished_is_not_begun_anew(journal: SqlJournal, file: Path) -> None:
    journal.append([marker("mk-1")], at())
    journal.close()
    file.unlink()
    with pytest.raises(AuditBroken, match="found no rows; expected 1 rows"):
        SqlJournal(f"sqlite:///{file}")


def test_a_damaged_file_is_called_damaged(journal: SqlJournal, file: Path) -> None:
    journal.append([marker("mk-1")], at())
    journal.close()
    file.write_bytes(b"not a database at all" * 400)
    with pytest.raises(AuditBroken, match="the database file is damaged"):
        SqlJournal(f"sqlite:///{file}")


@pytest.mark.parametrize("url", ["", "sqlite://", "sqlite:///:memory:", "mysql://h/d", "nonsense"])
def test_an_address_that_cannot_keep_a_journal_is_refused(url: str) -> None:
    with pytest.raises(InvalidValue, match="expected sqlite:///FILE or postgresql"):
        SqlJournal(url)


def test_a_missing_folder_or_file_is_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match=r"nowhere.*cannot be opened.*check that the folder exists"):
        SqlJournal(f"sqlite:///{tmp_path}/nowhere/journal.sqlite")
    with pytest.raises(NotFound, match=r"typo\.sqlite: there is no such database"):
        SqlJournal(f"sqlite:///{tmp_path}/typo.sqlite", create=False)
