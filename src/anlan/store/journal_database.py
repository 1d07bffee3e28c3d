"""One code path to SQLite and to PostgreSQL: durable commits, one writer at a time, plain errors."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, MetaData, create_engine, event, inspect, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.pool import StaticPool

from anlan.model.errors import AnlanError, AuditBroken, InvalidValue, NotFound, StoreUnavailable

_WRITING = "anlan_writing"
_FULL = "the disk is full"
_FREE_SOME = "free some space and try again; nothing was written"
#: with less than this free, an I/O error of SQLite is a full disk: it needs a page of 32 KiB to read at all
_NO_ROOM = 64 * 1024
# Fragments of SQLite's own messages: (fragment, what it means, what to do).
_SQLITE_FAULTS = (
    ("full", _FULL, _FREE_SOME),
    ("locked", "the database is locked by another process", "try again; close what holds it open"),
    ("busy", "the database is locked by another process", "try again; close what holds it open"),
    ("readonly", "the database is read-only", "give this user the right to write the file and its folder"),
    ("unable to open", "the database cannot be opened", "check that the folder exists and may be written"),
    ("disk i/o", "the disk does not read or write", "check the disk"),
)
_SQLITE_DAMAGE = ("malformed", "not a database", "could not decode", "unsupported file format", "no such")
# SQLSTATE: class or code -> (what it means, what to do).
_POSTGRES_FAULTS = {
    "53100": ("the database server's disk is full", "free some space and try again"),
    "25006": ("the database is read-only", "connect to the primary server"),
    "55P03": ("the database is locked by another process", "try again"),
    "42501": ("the database user may not do this", "grant it the rights on the schema"),
    "08": ("the connection to the database was lost", "check the server and the network"),
    "53": ("the database server has no room", "check its disk, memory and connections"),
    "57": ("the database server is stopping or was stopped", "wait for it and try again"),
    "58": ("the database server's disk does not read or write", "check the server"),
    "40": ("another transaction was in the way", "try again"),
    "XX001": ("the database's pages are damaged", "restore it from a backup"),
}


class Database:
    """An open database. `url` is `sqlite:///FILE` or `postgresql+psycopg://…`; `wait` (seconds) is how
    long a writer waits for its turn before StoreUnavailable. SQLite runs in WAL with synchronous FULL,
    so that a commit that returned survives loss of power."""

    def __init__(self, url: str, *, wait: float = 10.0, create: bool = True) -> None:
        self.url = _url(url)
        self.file = _file(self.url)
        self.where = str(self.file) if self.file else self.url.render_as_string(hide_password=True)
        self._wait = wait
        self._turn = threading.Lock()
        if not create and self.file is not None and not self.file.is_file():
            raise NotFound("there is no such database", where=self.where)
        self._engine = _engine(self.url, wait)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only reads."""
        with self._plainly(), self._engine.connect() as connection, connection.begin():
            yield connection

    def make_do(self) -> None:
        """For a reader: on a disk that is so full that SQLite cannot even make the small file through which
        readers and writers agree, read without it. Only where no other process has the database open."""
        if self.file is None:
            return
        try:
            with self.reading() as connection:
                connection.exec_driver_sql("SELECT count(*) FROM sqlite_master")
        except StoreUnavailable as error:
            if error.message != _FULL:
                raise
            self._engine.dispose()
            self._engine = _engine(self.url, self._wait, alone=True)

    def faults(self, limit: int = 10) -> list[str]:
        """What is wrong with the pages of a SQLite file, indexes included, in SQLite's words; nothing for
        PostgreSQL, whose pages are its own affair."""
        if self.file is None:
            return []
        with self.reading() as connection:
            found = connection.exec_driver_sql(f"PRAGMA integrity_check({limit})").scalars().all()
        return [] if found == ["ok"] else [str(fault) for fault in found]

    @contextmanager
    def writing(self, lock: str) -> Iterator[Connection]:
        """A transaction that may write: committed and durable on leaving, undone when anything is
        raised. All writers that name the same `lock`, in every process, take turns."""
        if not self._turn.acquire(timeout=self._wait):
            raise StoreUnavailable("another writer of this process does not finish", where=self.where)
        try:
            with self._plainly(), self._engine.connect() as plain:
                connection = plain.execution_options(**{_WRITING: True})
                with connection.begin():
                    if connection.dialect.name == "postgresql":
                        _take_turn(connection, lock, self._wait)
                    yield connection
        finally:
            self._turn.release()

    def prepare(self, tables: MetaData, extra: dict[str, tuple[str, ...]] | None = None) -> bool:
        """Make the tables that are missing, with the `extra` statements of the dialect; True when
        anything was made. A database that has them all is not written to."""
        if not self.missing(tables):
            return False
        with self.writing("schema") as connection:
            if not _missing(connection, tables):
                return False
            tables.create_all(connection)
            for statement in (extra or {}).get(connection.dialect.name, ()):
                connection.exec_driver_sql(statement)
        return True

    def missing(self, tables: MetaData) -> bool:
        """True while any of the tables is not there."""
        with self.reading() as connection:
            return _missing(connection, tables)

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @contextmanager
    def _plainly(self) -> Iterator[None]:
        try:
            yield
        except UnicodeDecodeError as error:
            # SQLite's own message quotes bytes of a damaged schema.
            raise _damaged(self.where, str(error)) from error
        except DBAPIError as error:
            plain = _plain(error, self.where, self.file)
            if plain is None:
                raise
            raise plain from error


def _url(url: str) -> URL:
    expected = "sqlite:///FILE or postgresql+psycopg://USER@HOST/DATABASE"
    try:
        parsed = make_url(url)
        parsed.get_dialect()
    except (ArgumentError, NoSuchModuleError) as error:
        raise InvalidValue("not a database address", where="store.url", expected=expected) from error
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise InvalidValue(
            "no such kind of database", where="store.url", found=parsed.drivername, expected=expected
        )
    if parsed.get_backend_name() == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise InvalidValue("a database in memory is not durable", where="store.url", expected=expected)
    return parsed


def _file(url: URL) -> Path | None:
    if url.get_backend_name() != "sqlite" or url.database is None or url.database.startswith("file:"):
        return None
    return Path(url.database).absolute()


def _engine(url: URL, wait: float, *, alone: bool = False) -> Engine:
    """`alone`: nobody else has the file open, and it is read through one connection."""
    if url.get_backend_name() == "postgresql":
        return create_engine(url, pool_pre_ping=True)
    pool = StaticPool if alone else None
    engine = create_engine(url, connect_args={"timeout": wait}, poolclass=pool)

    def connected(connection: Any, _record: Any) -> None:
        # Transactions are begun below, by name: the driver's own would begin too late to be IMMEDIATE.
        connection.isolation_level = None
        if alone:
            # before anything is read: then SQLite keeps its index of the write-ahead log in memory
            connection.execute("PRAGMA locking_mode=EXCLUSIVE").close()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}").close()

    def begun(connection: Connection) -> None:
        writing = connection.get_execution_options().get(_WRITING)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", begun)
    return engine


def _take_turn(connection: Connection, lock: str, wait: float) -> None:
    settings = text(
        "SELECT set_config('synchronous_commit', 'on', true), set_config('lock_timeout', :wait, true)"
    )
    connection.execute(settings, {"wait": f"{int(wait * 1000)}ms"})
    turn = text("SELECT pg_advisory_xact_lock(hashtextextended(:lock, 0))")
    connection.execute(turn, {"lock": f"anlan.{lock}"})


def _missing(connection: Connection, tables: MetaData) -> bool:
    return not set(tables.tables) <= set(inspect(connection).get_table_names())


def _plain(error: DBAPIError, where: str, file: Path | None) -> AnlanError | None:
    """The error in words a duty officer can act on; None when it is a mistake in the program."""
    # The first line says it; a server adds the statement and hints below.
    said = (str(error.orig).strip() or type(error.orig).__name__).splitlines()[0]
    if isinstance(error.orig, sqlite3.Error):
        for fragment in _SQLITE_DAMAGE:
            if fragment in said.lower():
                return _damaged(where, said)
        for fragment, meaning, mend in _SQLITE_FAULTS:
            if fragment in said.lower():
                if fragment == "disk i/o" and file is not None and _no_room(file):
                    return StoreUnavailable(_FULL, where=where, found=said, mend=_FREE_SOME)
                return StoreUnavailable(meaning, where=where, found=said, mend=mend)
        return None
    state = getattr(error.orig, "sqlstate", None) or ("08" if error.connection_invalidated else "")
    if not state and type(error.orig).__name__ in ("OperationalError", "ConnectionTimeout"):
        state = "08"
    fault = _POSTGRES_FAULTS.get(state) or _POSTGRES_FAULTS.get(state[:2])
    if fault is None:
        return None
    return StoreUnavailable(fault[0], where=where, found=said, mend=fault[1])


def _no_room(file: Path) -> bool:
    try:
        return shutil.disk_usage(file.parent).free < _NO_ROOM
    except OSError:
        return False


def _damaged(where: str, found: str) -> AuditBroken:
    return AuditBroken(
        "the database file is damaged", where=where, found=found, mend="restore it from a backup"
    )
