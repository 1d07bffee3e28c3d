"""Whatever is done to a journal's rows behind its back is found, and reopening changes nothing."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anlan.model.entry import Draft, Handover, Marker
from anlan.model.errors import AnlanError, AuditBroken
from anlan.model.sourcestate import SourceState
from anlan.model.state import fold
from anlan.model.text import Text
from anlan.store.journal import SqlJournal

START = datetime(2024, 7, 1, 6, 0, tzinfo=UTC)
ROWS = 7
COLUMNS = ("at", "kind", "subject", "risk", "actor", "body", "cause", "why", "previous", "digest")

words = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=12).filter(str.strip)
ids = st.text("abcdefghij-0123456789", min_size=1, max_size=8)
values = st.one_of(
    st.builds(Marker, ids, words, words),
    st.builds(Handover, ids, words, words, words),
    st.builds(
        SourceState,
        ids,
        st.sampled_from(("fresh", "late", "dead", "failing", "never")),
        st.datetimes(timezones=st.just(UTC)),
        st.none() | st.datetimes(timezones=st.just(UTC)),
        st.integers(0, 10**12),
        st.integers(0, 10**12),
    ),
)
nouns = {Marker: "marker", Handover: "handover", SourceState: "source"}


@st.composite
def drafts(draw: st.DrawFn) -> Draft:
    value = draw(values)
    why = draw(st.none() | st.builds(Text, words, words))
    cause = tuple(draw(st.lists(ids, max_size=3)))
    return Draft(f"{nouns[type(value)]}.set", draw(ids), draw(ids), draw(ids), value, cause, why)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A journal of seven rows without the triggers that would refuse what is done to it here."""
    file = tmp_path_factory.mktemp("original") / "journal.sqlite"
    journal = SqlJournal(f"sqlite:///{file}")
    for number in range(ROWS):
        state = SourceState(f"s-{number}", "late", START, None, number, 0)
        why = Text("It is late.", "数据迟到。")
        draft = Draft("source.late", f"s-{number}", "rk-1", "li.wei", state, ("fd-1",), why)
        journal.append([draft], START + timedelta(minutes=number))
    journal.close()
    with closing(sqlite3.connect(file)) as connection:
        for trigger in ("keeps_rows", "keeps_text", "never_forks"):
            connection.execute(f"DROP TRIGGER journal_{trigger}")
        connection.commit()
        connection.execute("PRAGMA journal_mode=DELETE")
    return file


@contextmanager
def copied(original: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        for file in (original, original.with_suffix(".anchor")):
            shutil.copy(file, folder)
        yield Path(folder) / original.name


def verify(file: Path) -> int:
    journal = SqlJournal(f"sqlite:///{file}", create=False)
    try:
        return journal.verify()
    finally:
        journal.close()


@settings(max_examples=80, deadline=None)
@given(st.integers(1, ROWS), st.sampled_from(COLUMNS), st.integers(0, 10_000), st.integers(1, 255))
def test_a_changed_byte_in_any_column_is_found(
    original: Path, seq: int, column: str, place: int, change: int
) -> None:
    with copied(original) as file:
        with closing(sqlite3.connect(file)) as connection:
            query = f"SELECT CAST({column} AS BLOB) FROM journal WHERE seq = ?"
            (found,) = connection.execute(query, [seq]).fetchone()
            raw = bytearray(found or b"?")
            raw[place % len(raw)] ^= change
            connection.execute(
                f"UPDATE journal SET {column} = CAST(? AS TEXT) WHERE seq = ?", [bytes(raw), seq]
            )
            connection.commit()
        with pytest.raises(AuditBroken, match=f"journal row {seq}:"):
            verify(file)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, ROWS), st.integers(-(2**62), 2**62).filter(lambda n: not 1 <= n <= ROWS))
def test_a_changed_number_is_found(original: Path, seq: int, other: int) -> None:
    with copied(original) as file:
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("UPDATE journal SET seq = ? WHERE seq = ?", [other, seq])
            connection.commit()
        with pytest.raises(AuditBroken):
            verify(file)


@settings(max_examples=30, deadline=None)
@given(st.sets(st.integers(1, ROWS), min_size=1))
def test_removed_rows_are_found(original: Path, gone: set[int]) -> None:
    with copied(original) as file:
        with closing(sqlite3.connect(file)) as connection:
            connection.executemany("DELETE FROM journal WHERE seq = ?", [(seq,) for seq in gone])
            connection.commit()
        left = set(range(1, ROWS + 1)) - gone
        first = next(n for n in range(1, ROWS + 1) if n not in left)
        with pytest.raises(AuditBroken, match=f"journal row {first}: the row is (removed|cut off)"):
            verify(file)


@settings(max_examples=40, deadline=None)
@given(st.permutations(range(1, ROWS + 1)).filter(lambda order: list(order) != sorted(order)))
def test_reordered_rows_are_found(original: Path, order: list[int]) -> None:
    with copied(original) as file:
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("UPDATE journal SET seq = -seq")
            moves = [(new, -old) for new, old in enumerate(order, start=1)]
            connection.executemany("UPDATE journal SET seq = ? WHERE seq = ?", moves)
            connection.commit()
        first = next(n for n, old in enumerate(order, start=1) if n != old)
        with pytest.raises(AuditBroken, match=f"journal row {first}: the row is out of order"):
            verify(file)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_a_changed_byte_of_the_file_is_found_or_changes_no_row(original: Path, data: st.DataObject) -> None:
    with copied(original) as file:
        raw = bytearray(file.read_bytes())
        raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
        file.write_bytes(raw)
        try:
            assert verify(file) == ROWS
        except AnlanError:
            return


@settings(max_examples=20, deadline=None)
@given(st.lists(st.lists(drafts(), min_size=1, max_size=4), max_size=5))
def test_the_state_folded_after_reopening_is_the_state_before(batches: list[list[Draft]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/journal.sqlite"
        journal = SqlJournal(url)
        entries = [
            entry
            for number, batch in enumerate(batches)
            for entry in journal.append(batch, START + timedelta(seconds=number), ("tick", str(number)))
        ]
        journal.close()
        again = SqlJournal(url, create=False)
        assert list(again.read()) == entries
        assert fold(again.read()) == fold(entries)
        assert again.verify() == len(entries) == sum(map(len, batches))
        assert again.cursor("tick") == (str(len(batches) - 1) if batches else None)
        again.close()
