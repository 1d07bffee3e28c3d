"""Attempts at delivery: written down before the channel is called, so that a kill leaves a trace.

Between `begin` and `finish` the process may be killed with the message already gone out. The next
attempt at that delivery is then flagged `repeat`, and the channel marks the copy as one that may have
arrived before: an effect is repeated at most once for each kill, and never silently.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Integer,
    MetaData,
    Row,
    Select,
    Table,
    Text,
    func,
    insert,
    select,
    update,
)

from anlan.model.errors import InvalidValue, NotFound, WrongState
from anlan.model.time import format_instant, parse_instant, utc
from anlan.ports.outbox import Attempt as Begun
from anlan.store.journal_database import Database

OUTCOMES = ("accepted", "failed", "refused")

_TABLES = MetaData()
_ATTEMPTS = Table(
    "attempts",
    _TABLES,
    Column("delivery", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("started", Text, nullable=False),
    Column("finished", Text),
    Column("outcome", Text),
    Column("detail", Text, nullable=False),
    Column("repeat", Boolean, nullable=False),
)
_KEY = (_ATTEMPTS.c.delivery, _ATTEMPTS.c.number)


@dataclass(frozen=True, slots=True)
class Attempt:
    """The `number`th (from 1) attempt at a delivery. `finished` None: begun, and not known how it
    ended. `outcome`: accepted, failed (a retry may help) or refused. `repeat` True when an earlier
    attempt may already have arrived."""

    delivery: str
    number: int
    started: datetime
    finished: datetime | None = None
    outcome: str | None = None
    detail: str = ""
    repeat: bool = False


class SqlOutbox:
    """The attempts, in the journal's database at `url` but outside its chain; implements
    anlan.ports.outbox.Outbox. `create` False: nothing is made, for those who only read."""

    def __init__(self, url: str, *, wait: float = 10.0, create: bool = True) -> None:
        self._database = Database(url, wait=wait, create=create)
        try:
            if create:
                self._database.prepare(_TABLES)
        except BaseException:
            self._database.close()
            raise

    def begin(self, delivery: str, now: datetime) -> Attempt:
        """A new attempt, durable on return: only then may the channel be called. StoreUnavailable: do
        not call it."""
        if not delivery:
            raise InvalidValue("must not be empty", where="attempt.delivery")
        with self._database.writing("outbox") as connection:
            earlier = _attempts(connection, _of(delivery))
            attempt = Attempt(
                delivery=delivery,
                number=len(earlier) + 1,
                started=utc(now, "attempt.started"),
                repeat=any(one.finished is None for one in earlier),
            )
            connection.execute(
                insert(_ATTEMPTS).values(
                    delivery=delivery,
                    number=attempt.number,
                    started=format_instant(now),
                    detail="",
                    repeat=attempt.repeat,
                )
            )
        return attempt

    def finish(self, attempt: Begun, outcome: str, detail: str, now: datetime) -> None:
        """Write down how it ended, durable on return. NotFound for an attempt nobody began; WrongState
        when it ended before."""
        if outcome not in OUTCOMES:
            raise InvalidValue(
                "no such outcome", where="attempt.outcome", found=outcome, expected=", ".join(OUTCOMES)
            )
        if not isinstance(attempt, Attempt):
            raise NotFound("not an attempt of this outbox", where="attempt", found=type(attempt).__name__)
        where = f"attempt {attempt.number} at {attempt.delivery}"
        one = (_ATTEMPTS.c.delivery == attempt.delivery) & (_ATTEMPTS.c.number == attempt.number)
        utc(now, "attempt.finished")
        # PostgreSQL text cannot hold a NUL, and what a peer says is not ours to trust.
        detail = detail.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
        with self._database.writing("outbox") as connection:
            known = _attempts(connection, select(_ATTEMPTS).where(one))
            if not known:
                raise NotFound("no such attempt was begun", where=where)
            if known[0].finished is not None:
                raise WrongState("the attempt ended before", where=where, found=str(known[0].outcome))
            connection.execute(
                update(_ATTEMPTS)
                .where(one)
                .values(finished=format_instant(now), outcome=outcome, detail=detail)
            )

    def history(self, delivery: str) -> tuple[Attempt, ...]:
        """All attempts at a delivery, first to last."""
        with self._database.reading() as connection:
            return _attempts(connection, _of(delivery))

    def unfinished(self) -> tuple[Attempt, ...]:
        """The newest attempt of every delivery where it was begun and never finished: after a restart,
        what was cut short and must be tried again."""
        newest = (
            select(_ATTEMPTS.c.delivery, func.max(_ATTEMPTS.c.number).label("number"))
            .group_by(_ATTEMPTS.c.delivery)
            .subquery()
        )
        query = (
            select(_ATTEMPTS)
            .join(
                newest,
                (newest.c.delivery == _ATTEMPTS.c.delivery) & (newest.c.number == _ATTEMPTS.c.number),
            )
            .where(_ATTEMPTS.c.finished.is_(None))
            .order_by(_ATTEMPTS.c.started, *_KEY)
        )
        with self._database.reading() as connection:
            return _attempts(connection, query)

    def close(self) -> None:
        """Close every connection."""
        self._database.close()


def _of(delivery: str) -> Select[tuple[object, ...]]:
    return select(_ATTEMPTS).where(_ATTEMPTS.c.delivery == delivery).order_by(_ATTEMPTS.c.number)


def _attempts(connection: Connection, query: Select[tuple[object, ...]]) -> tuple[Attempt, ...]:
    return tuple(_attempt(row) for row in connection.execute(query))


def _attempt(row: Row[tuple[object, ...]]) -> Attempt:
    return Attempt(
        delivery=row.delivery,
        number=row.number,
        started=parse_instant(row.started),
        finished=None if row.finished is None else parse_instant(row.finished),
        outcome=row.outcome,
        detail=row.detail,
        repeat=bool(row.repeat),
    )
