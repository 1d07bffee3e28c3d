"""What could not be used, kept whole with its reason, until someone mends and retries it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import (
    Column,
    ColumnElement,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    String,
    Table,
    create_engine,
    event,
    func,
    inspect,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import OperationalError

from anlan.model.errors import NotFound, StoreUnavailable, WrongState
from anlan.model.quarantine import Quarantined
from anlan.model.time import format_instant

T = TypeVar("T")

STATUSES = ("held", "retried", "released")

_METADATA = MetaData()
_TABLE = Table(
    "quarantine",
    _METADATA,
    Column("id", String, primary_key=True),
    Column("source", String, nullable=False, index=True),
    Column("ref", String, nullable=False),
    Column("line", Integer),
    Column("known", String, nullable=False),
    Column("code", String, nullable=False),
    Column("sentence", String, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("status", String, nullable=False, index=True),
    Column("content_type", String, nullable=False, server_default=""),
)


_LATER = "content_type"
#: a file of before this column: what was pushed says so in its ref
_ADD = f"ALTER TABLE quarantine ADD COLUMN {_LATER} VARCHAR NOT NULL DEFAULT ''"
_FILL = "UPDATE quarantine SET content_type = substr(ref, 6) WHERE ref LIKE 'push application/%'"


class QuarantineTable:
    """A SQLite file. Every method raises StoreUnavailable when the disk is full or the file locked;
    what it returned before is durable. `create` False: nothing is made or brought up to date, and a file
    that is not there is read as an empty one."""

    def __init__(self, path: Path, *, wait_s: float = 10.0, create: bool = True) -> None:
        self.path = path
        if create:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._engine: Engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": wait_s})
        event.listen(self._engine, "connect", _durable)
        if create:
            self._run(self._prepare)

    def _prepare(self) -> None:
        _METADATA.create_all(self._engine)
        if _LATER not in self._there():
            with self._engine.begin() as connection:
                connection.exec_driver_sql(_ADD)
                connection.exec_driver_sql(_FILL)

    def _there(self) -> set[str]:
        """The columns that the file has."""
        return {column["name"] for column in inspect(self._engine).get_columns(_TABLE.name)}

    def _rows(self, *conditions: ColumnElement[bool]) -> list[Quarantined]:
        """What fits, newest first (by `known`, then id)."""
        if not self.path.is_file():
            return []
        there = self._there()
        columns = [column for column in _TABLE.c if column.name != _LATER or _LATER in there]
        query = select(*columns).where(*conditions).order_by(_TABLE.c.known.desc(), _TABLE.c.id)
        with self._engine.connect() as connection:
            return [_item(row) for row in connection.execute(query)]

    def keep(self, items: Iterable[Quarantined]) -> int:
        """Keep items, each id once; the number of new ones."""
        rows = [
            {
                "id": item.id,
                "source": item.source,
                "ref": item.ref,
                "line": item.line,
                "known": format_instant(item.known),
                "code": item.code,
                "sentence": item.sentence,
                "raw": item.raw,
                "status": item.status,
                _LATER: item.content_type,
            }
            for item in items
        ]
        if not rows:
            return 0

        def write() -> int:
            count = select(func.count()).select_from(_TABLE)
            with self._engine.begin() as connection:
                before = connection.execute(count).scalar_one()
                connection.execute(insert(_TABLE).on_conflict_do_nothing(index_elements=["id"]), rows)
                return connection.execute(count).scalar_one() - before

        return self._run(write)

    def list(self, status: str | None = None, source: str | None = None) -> list[Quarantined]:
        """What is kept, newest first (by `known`, then id)."""
        conditions: list[ColumnElement[bool]] = []
        if status is not None:
            conditions.append(_TABLE.c.status == status)
        if source is not None:
            conditions.append(_TABLE.c.source == source)
        return self._run(lambda: self._rows(*conditions))

    def show(self, id: str) -> Quarantined:
        """One item with its raw bytes; NotFound."""
        found = self._run(lambda: self._rows(_TABLE.c.id == id))
        if not found:
            raise NotFound("nothing of that id is in quarantine", where="quarantine", found=id)
        return found[0]

    def retried(self, id: str) -> Quarantined:
        """Mark an item as tried again without success: it stays in quarantine."""
        return self._to(id, "retried")

    def released(self, id: str) -> Quarantined:
        """Mark an item as used after all: what it held is now in the lake."""
        return self._to(id, "released")

    def _to(self, id: str, status: str) -> Quarantined:
        item = self.show(id)
        if item.status == "released":
            raise WrongState("released already", where=f"quarantine {id}", found=item.status, expected="held")

        def write() -> None:
            with self._engine.begin() as connection:
                connection.execute(update(_TABLE).where(_TABLE.c.id == id).values(status=status))

        self._run(write)
        return self.show(id)

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def _run(self, act: Callable[[], T]) -> T:
        try:
            return act()
        except OperationalError as error:
            raise StoreUnavailable(
                "the quarantine cannot be written or read",
                where=str(self.path),
                found=str(error.orig),
                mend="free space, or stop the process that locks the file; nothing acknowledged is lost",
            ) from error


def _durable(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.close()


def _item(row: Row[Any]) -> Quarantined:
    fields = dict(row._mapping)
    known = datetime.fromisoformat(fields.pop("known")).astimezone(UTC)
    return Quarantined(known=known, **fields)
