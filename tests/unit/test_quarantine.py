"""The quarantine keeps what could not be used, whole, and says what became of it."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from anlan.model.errors import NotFound, StoreUnavailable, WrongState
from anlan.model.quarantine import Quarantined
from anlan.store.quarantine import QuarantineTable

T0 = datetime(2020, 1, 1, tzinfo=UTC)


def item(id: str, day: int = 1, source: str = "s") -> Quarantined:
    known = T0.replace(day=day)
    return Quarantined(id, source, "f.csv", 3, known, "bad_time", "no such day", b"\x00\xff,1\n")


def test_what_is_kept_comes_back_byte_for_byte_newest_first(tmp_path: Path) -> None:
    table = QuarantineTable(tmp_path / "q.sqlite")
    assert table.keep([item("Q-1", 1), item("Q-2", 2)]) == 2
    assert table.list() == [item("Q-2", 2), item("Q-1", 1)]
    table.close()
    assert QuarantineTable(tmp_path / "q.sqlite").show("Q-1") == item("Q-1", 1)


def test_keeping_the_same_thing_twice_keeps_it_once_and_does_not_undo_a_release(tmp_path: Path) -> None:
    table = QuarantineTable(tmp_path / "q.sqlite")
    table.keep([item("Q-1")])
    table.released("Q-1")
    assert table.keep([item("Q-1"), item("Q-2")]) == 1
    assert [found.id for found in table.list("held")] == ["Q-2"]
    assert [found.id for found in table.list("released")] == ["Q-1"]
    assert table.list(source="other") == []


def test_an_item_can_be_retried_again_and_again_until_it_is_released(tmp_path: Path) -> None:
    table = QuarantineTable(tmp_path / "q.sqlite")
    table.keep([item("Q-1")])
    assert table.retried("Q-1").status == "retried"
    assert table.retried("Q-1").status == "retried"
    assert table.released("Q-1").status == "released"
    with pytest.raises(WrongState):
        table.retried("Q-1")
    with pytest.raises(NotFound):
        table.show("Q-9")


def test_a_locked_quarantine_says_so(tmp_path: Path) -> None:
    table = QuarantineTable(tmp_path / "q.sqlite", wait_s=0.05)
    other = sqlite3.connect(tmp_path / "q.sqlite", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreUnavailable, match="locked"):
        table.keep([item("Q-1")])
    other.execute("ROLLBACK")
    other.close()
    assert table.keep([item("Q-1")]) == 1


def test_a_file_of_before_media_types_is_brought_up_to_date_by_a_writer_only(tmp_path: Path) -> None:
    path = tmp_path / "q.sqlite"
    table = QuarantineTable(path)
    pushed = Quarantined("Q-2", "s", "push application/json", 1, T0, "unreadable", "no", b"{}")
    table.keep([item("Q-1"), pushed])
    table.close()
    with sqlite3.connect(path) as old:
        old.execute("ALTER TABLE quarantine DROP COLUMN content_type")
    reader = QuarantineTable(path, create=False)
    assert {found.id: found.content_type for found in reader.list()} == {"Q-1": "", "Q-2": ""}
    reader.close()
    writer = QuarantineTable(path)
    assert {found.id: found.content_type for found in writer.list()} == {
        "Q-1": "",
        "Q-2": "application/json",
    }
    writer.close()


def test_a_reader_makes_no_file(tmp_path: Path) -> None:
    table = QuarantineTable(tmp_path / "q.sqlite", create=False)
    assert table.list() == []
    with pytest.raises(NotFound):
        table.show("Q-1")
    assert list(tmp_path.iterdir()) == []
