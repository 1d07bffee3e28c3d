"""Kills, full disks, locks, rival writers: nothing acknowledged is lost, nothing is half written.

The same tests on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from sqlalchemy import Engine, event

from anlan.model.entry import Draft, Marker
from anlan.model.errors import AuditBroken, StoreUnavailable
from anlan.store.journal import SqlJournal
from prepared import Command

if TYPE_CHECKING:
    from conftest import Cluster

AT = datetime(2024, 7, 1, 6, 0, tzinfo=UTC)
WRITER = Path(__file__).with_name("journal_writer.py")
KILLS = 12


def marker(name: str, size: int = 1) -> Draft:
    return Draft("marker.set", name, "", "system", Marker(name, "tick", "x" * size))


@dataclass
class Store:
    """Where a journal lives in a test, and what of its server a test may use."""

    url: str
    anchor: Path
    file: Path | None
    connect: Callable[[], Any]

    @contextmanager
    def open(self, **options: Any) -> Iterator[SqlJournal]:
        journal = SqlJournal(self.url, anchor=self.anchor, **options)
        try:
            yield journal
        finally:
            journal.close()

    def writer(self, name: str, batches: int = 0) -> Command:
        return Command([self.url, str(self.anchor), name, str(batches)], WRITER)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    anchor = tmp_path / "journal.anchor"
    if request.param == "sqlite":
        file = tmp_path / "journal.sqlite"
        return Store(f"sqlite:///{file}", anchor, file, lambda: closing(sqlite3.connect(file)))
    cluster: Cluster = request.getfixturevalue("cluster")
    name = request.getfixturevalue("new_database")()
    url = cluster.url(name)
    return Store(
        url,
        anchor,
        None,
        lambda: psycopg.connect(host=str(cluster.folder), user="anlan", dbname=name, autocommit=True),
    )


def whole(journal: SqlJournal) -> None:
    """Every batch is there with all of its rows, together and in order, or not at all."""
    batches: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for entry in journal.read():
        assert isinstance(entry.value, Marker)
        batches[entry.subject].append((entry.seq, entry.value.detail))
    for subject, rows in batches.items():
        size = int(rows[0][1].partition("/")[2])
        first = rows[0][0]
        assert rows == [(first + part, f"{part + 1}/{size}") for part in range(size)], subject


@pytest.mark.slow
def test_what_was_acknowledged_before_a_kill_is_there_after_it(store: Store) -> None:
    dice = random.Random(7)
    acknowledged: dict[int, str] = {}
    during = 0
    for kill in range(KILLS):
        writer = store.writer(f"w{kill}")
        first = writer.stdout.readline()
        time.sleep(dice.uniform(0, 0.15))
        writer.kill()
        lines = [first, *writer.stdout.read().splitlines(keepends=True)]
        writer.wait()
        writer.close()
        for line in lines:
            if line.endswith("\n"):
                seq, digest = line.split()
                acknowledged[int(seq)] = digest
        with store.open() as journal:
            count = journal.verify()
            entries = {entry.seq: entry.digest for entry in journal.read()}
            assert len(entries) == count
            assert acknowledged.items() <= entries.items()
            during += count > max(acknowledged)
            whole(journal)
            # The cursor was moved with the rows: it names the last batch that is there.
            batch = journal.cursor(f"w{kill}")
            assert journal.by_risk(f"w{kill}")[-1].subject == f"w{kill}-{batch}"
    assert len(acknowledged) >= KILLS


def test_two_writers_never_fork_the_chain(store: Store) -> None:
    writers = [store.writer(name, 60) for name in ("a", "b")]
    outputs = [writer.communicate(timeout=120)[0] for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0]
    with store.open() as journal:
        count = journal.verify()
        assert journal.cursor("a") == journal.cursor("b") == "59"
        newest = max(int(output.splitlines()[-1].split()[0]) for output in outputs)
        assert count == newest == journal.head()[0]
        whole(journal)


def test_threads_of_one_process_take_turns(store: Store) -> None:
    with store.open(wait=60) as journal:
        threads = [
            threading.Thread(
                target=lambda name=name: [journal.append([marker(f"{name}-{n}")], AT) for n in range(10)]
            )
            for name in "abcd"
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert journal.verify() == 40


def test_a_locked_database_is_said_and_then_used_again(store: Store) -> None:
    with store.open(wait=0.3) as journal:
        journal.append([marker("mk-1")], AT)
        with store.connect() as other:
            if store.file:
                other.execute("BEGIN IMMEDIATE")
            else:
                other.execute("BEGIN")
                other.execute("LOCK TABLE journal IN ACCESS EXCLUSIVE MODE")
            with pytest.raises(StoreUnavailable, match=r"locked by another process.*try again"):
                journal.append([marker("mk-2")], AT)
            other.execute("ROLLBACK")
        journal.append([marker("mk-2")], AT)
        assert [entry.subject for entry in journal.read()] == ["mk-1", "mk-2"]
        assert journal.verify() == 2


def test_a_read_only_database_is_said(store: Store) -> None:
    with store.open() as journal:
        journal.append([marker("mk-1")], AT)
    if store.file:

        def protect(connection: Any, _record: Any) -> None:
            connection.execute("PRAGMA query_only=ON").close()

        event.listen(Engine, "connect", protect)
        try:
            with store.open() as journal, pytest.raises(StoreUnavailable, match="read-only"):
                journal.append([marker("mk-2")], AT)
        finally:
            event.remove(Engine, "connect", protect)
    else:
        store.url += "&options=-c%20default_transaction_read_only%3Don"
        with store.open() as journal, pytest.raises(StoreUnavailable, match="read-only"):
            journal.append([marker("mk-2")], AT)
    with store.open() as journal:
        assert journal.verify() == 1


def test_a_database_that_is_full_keeps_whole_appends_only(tmp_path: Path) -> None:
    def shrink(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA max_page_count=40").close()

    event.listen(Engine, "connect", shrink)
    try:
        fill(f"sqlite:///{tmp_path}/journal.sqlite", tmp_path / "journal.anchor")
    finally:
        event.remove(Engine, "connect", shrink)


@contextmanager
def small_disk(folder: Path, size: str, owner: str | None = None) -> Iterator[Path]:
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.decode().strip()}")
    try:
        if owner is not None:
            shutil.chown(folder, owner)
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(url: str, anchor: Path) -> int:
    """Append until the store refuses; then what was acknowledged is there, and nothing else."""
    journal = SqlJournal(url, anchor=anchor)
    acknowledged = 0
    with pytest.raises(StoreUnavailable, match=r"full|cannot be written") as refused:
        for number in range(10_000):
            acknowledged = journal.append([marker(f"{number}-{n}", 2_000) for n in range(3)], AT)[-1].seq
    assert "free some space" in str(refused.value)
    assert acknowledged > 0
    assert journal.verify() == acknowledged
    journal.close()
    again = SqlJournal(url, anchor=anchor)
    assert again.verify() == acknowledged
    again.close()
    return acknowledged


def test_a_full_disk_keeps_whole_appends_only(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "700k") as disk:
        fill(f"sqlite:///{disk}/journal.sqlite", disk / "journal.anchor")


def test_a_journal_on_a_full_disk_can_still_be_verified(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "700k") as disk:
        journal = SqlJournal(f"sqlite:///{disk}/journal.sqlite")
        journal.append([marker(f"{n}", 2_000) for n in range(9)], AT)
        journal.close()
        fill_up(disk)
        reader = SqlJournal(f"sqlite:///{disk}/journal.sqlite", create=False)
        assert reader.verify() == 9
        reader.close()


def test_a_journal_killed_on_a_full_disk_can_still_be_verified(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "900k") as disk:
        made = tmp_path / "made"
        made.mkdir()
        journal = SqlJournal(f"sqlite:///{made}/journal.sqlite")
        journal.append([marker(f"{n}", 2_000) for n in range(9)], AT)
        for name in ("journal.sqlite", "journal.sqlite-wal", "journal.anchor"):
            shutil.copy(made / name, disk / name)
        assert (disk / "journal.sqlite-wal").stat().st_size > 0
        journal.close()
        fill_up(disk)
        reader = SqlJournal(f"sqlite:///{disk}/journal.sqlite", create=False)
        assert reader.verify() == 9
        reader.close()


def test_a_full_disk_is_called_full(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "700k") as disk:
        SqlJournal(f"sqlite:///{disk}/journal.sqlite").close()
        fill_up(disk)
        with pytest.raises(StoreUnavailable, match=r"the disk is full.*free some space") as refused:
            SqlJournal(f"sqlite:///{disk}/journal.sqlite").append([marker("1", 2_000)], AT)
        assert "check the disk" not in str(refused.value)


def fill_up(disk: Path) -> None:
    """Not one byte more fits."""
    with (disk / "ballast").open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))


def test_room_made_on_a_full_disk_is_used(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "700k") as disk:
        ballast = disk / "ballast"
        ballast.write_bytes(bytes(200_000))
        url = f"sqlite:///{disk}/journal.sqlite"
        count = fill(url, disk / "journal.anchor")
        ballast.unlink()
        journal = SqlJournal(url, anchor=disk / "journal.anchor")
        journal.append([marker("after")], AT)
        assert journal.verify() == count + 1
        journal.close()


def test_a_full_disk_of_the_server_keeps_whole_appends_only(cluster: Cluster, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("a small disk for the server can only be mounted by root")
    with small_disk(cluster.folder / "small", "16m", "nobody") as disk:
        cluster.execute(f"CREATE TABLESPACE small LOCATION '{disk}'")
        cluster.execute("CREATE DATABASE full_journal TABLESPACE small")
        try:
            fill_server(cluster.url("full_journal"), tmp_path / "journal.anchor")
        finally:
            cluster.execute("DROP DATABASE full_journal WITH (FORCE)")
            cluster.execute("DROP TABLESPACE small")


def fill_server(url: str, anchor: Path) -> None:
    noise = random.Random(1)

    def bulky(name: str) -> Draft:
        return Draft("marker.set", name, "", "system", Marker(name, "tick", noise.randbytes(20_000).hex()))

    journal = SqlJournal(url, anchor=anchor)
    acknowledged = 0
    with pytest.raises(StoreUnavailable, match=r"server's disk is full.*free some space"):
        for number in range(2_000):
            acknowledged = journal.append([bulky(f"{number}-{n}") for n in range(3)], AT)[-1].seq
    assert acknowledged > 0
    assert journal.verify() == acknowledged
    journal.close()


@pytest.mark.slow
def test_a_server_that_crashes_loses_nothing_acknowledged(
    cluster: Cluster, new_database: Callable[[], str], tmp_path: Path
) -> None:
    url = cluster.url(new_database())
    anchor = tmp_path / "journal.anchor"
    journal = SqlJournal(url, anchor=anchor)
    acknowledged: dict[int, str] = {}
    for crash in range(4):
        timer = threading.Timer(0.1 + crash / 20, cluster.crash)
        timer.start()
        with suppress(StoreUnavailable):
            while True:
                for entry in journal.append([marker("a"), marker("b")], AT):
                    acknowledged[entry.seq] = entry.digest
        timer.join()
        with pytest.raises(StoreUnavailable, match="connection to the database was lost"):
            journal.head()
        cluster.start()
        count = journal.verify()
        entries = {entry.seq: entry.digest for entry in journal.read()}
        assert acknowledged.items() <= entries.items()
        assert count % 2 == 0
    journal.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE journal SET actor = 'wang' WHERE seq = 1",
        "DELETE FROM journal WHERE seq = 2",
        "TRUNCATE journal",
        "INSERT INTO journal SELECT 3, at, kind, subject, risk, actor, body, cause, why, previous, 'x' "
        "FROM journal WHERE seq = 1",
    ],
)
def test_the_server_itself_refuses_to_change_a_row(
    cluster: Cluster, new_database: Callable[[], str], statement: str
) -> None:
    name = new_database()
    journal = SqlJournal(cluster.url(name))
    journal.append([marker("mk-1"), marker("mk-2")], AT)
    with pytest.raises(psycopg.errors.RaiseException):
        cluster.execute(statement, name)
    assert journal.verify() == 2
    journal.close()


def test_rows_changed_past_the_triggers_are_found_on_a_server(
    cluster: Cluster, new_database: Callable[[], str], tmp_path: Path
) -> None:
    name = new_database()
    journal = SqlJournal(cluster.url(name), anchor=tmp_path / "journal.anchor")
    journal.append([marker(f"mk-{n}") for n in range(4)], AT)
    cluster.execute("ALTER TABLE journal DISABLE TRIGGER USER", name)
    cluster.execute("UPDATE journal SET actor = 'wang' WHERE seq = 3", name)
    with pytest.raises(AuditBroken, match="journal row 3: the row is altered"):
        journal.verify()
    cluster.execute("DELETE FROM journal WHERE seq > 2", name)
    with pytest.raises(AuditBroken, match="journal row 3: the row is cut off at the end"):
        journal.verify()
    with pytest.raises(AuditBroken, match="journal row 4"):
        journal.append([marker("mk-5")], AT + timedelta(seconds=1))
    journal.close()


def test_an_earlier_instant_is_found_by_its_number_and_what_stood_then_by_subject(store: Store) -> None:
    start = datetime(2024, 7, 1, 6, tzinfo=UTC)

    def mark(name: str, detail: str) -> Draft:
        return Draft("marker.set", name, "", "system", Marker(name, "tick", detail))

    with store.open() as journal:
        assert (journal.upto(start), journal.newest_of(["a"], 0)) == (0, {})
        for n in range(6):
            drafts = [mark("a", f"a{n}"), mark("b", f"b{n}")] if n % 2 == 0 else [mark("c", f"c{n}")]
            journal.append(drafts, start + timedelta(seconds=n))
        every = tuple(journal.read())
        for late in range(-1, 8):
            instant = start + timedelta(seconds=late, microseconds=5)
            until = journal.upto(instant)
            assert until == sum(entry.at <= instant for entry in every)
            plain = {e.subject: e.seq for e in every[:until]}
            newest = {e.subject: e.seq for e in every}
            asked = ["a", "b", "c", "nobody"]
            assert journal.newest_of(asked, until) == {s: (seq, newest[s]) for s, seq in plain.items()}
            assert journal.numbered(list(plain.values())) == tuple(
                every[seq - 1] for seq in sorted(plain.values())
            )
        assert journal.numbered([]) == ()
