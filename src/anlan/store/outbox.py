"""Attempts at delivery: written down before the channel is called, so that a kill leaves a trace.

Between `begin` and `finish` the process may be killed with the message already gone out. The next
attempt at that delivery is then flagged `repeat`, and the channel marks the copy as one that may have
arrived before. Each attempt knows how many before it are in doubt (`doubts`), so that whoever hands over can
stop at one repeat.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

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
    bindparam,
    func,
    insert,
    select,
    update,
)

from anlan.model.errors import InvalidValue, NotFound, StoreUnavailable, WrongState
from anlan.model.time import format_instant, parse_instant, utc
from anlan.ports.outbox import Attempt as Begun
from anlan.ports.outbox import Wanted
from anlan.store.departures import MOST, Departures
from anlan.store.journal_database import Database

OUTCOMES = ("accepted", "failed", "refused", "doubtful", "unknown", "not_sent")
_IN_DOUBT = (None, "doubtful", "unknown")
#: the file of what has left, in the workspace
LEFT = "outbox.left"
#: so many ids in one query
_AT_ONCE = 500

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
    ended. `outcome`: accepted, failed (a retry may help), refused, doubtful (failed, and it may have arrived
    all the same), unknown (as doubtful, and no further attempt follows by itself), or not_sent (begun, but
    the channel was never called). `repeat` True when an earlier attempt may already have arrived. `doubts`:
    how many may have, of those since it was last sent on purpose; known only of an attempt that has just
    begun."""

    delivery: str
    number: int
    started: datetime
    finished: datetime | None = None
    outcome: str | None = None
    detail: str = ""
    repeat: bool = False
    doubts: int = field(default=0, compare=False)


class SqlOutbox:
    """The attempts, in the journal's database at `url` but outside its chain; implements
    anlan.ports.outbox.Outbox. `create` False: nothing is made, for those who only read. `departures`: the
    file of what has left (see anlan.store.departures); without one whatever was begun and not finished may
    have."""

    def __init__(
        self, url: str, *, wait: float = 10.0, create: bool = True, departures: Path | None = None
    ) -> None:
        self._database = Database(url, wait=wait, create=create)
        self._departures: Departures | None = None
        self._guard = threading.Lock()
        self._open = 0
        try:
            if create:
                self._database.prepare(_TABLES)
            if departures is not None:
                self._departures = _kept(departures)
        except BaseException:
            self._database.close()
            raise

    def begin(self, delivery: str, now: datetime, before: int = 0) -> Attempt:
        """A new attempt, durable on return: only then may the channel be called. StoreUnavailable: do
        not call it."""
        if not delivery:
            raise InvalidValue("must not be empty", where="attempt.delivery")
        with self._database.writing("outbox") as connection:
            earlier = _attempts(connection, _of(delivery))
            attempt = _next(Wanted(delivery, 0, before), earlier, utc(now, "attempt.started"))
            self._begun([attempt])
            connection.execute(insert(_ATTEMPTS), [_values(attempt)])
        return attempt

    def begin_many(self, wanted: Sequence[Wanted], now: datetime) -> tuple[Attempt, ...]:
        """As Outbox.begin_many: one transaction, so that ten thousand attempts cost one write to the disk."""
        if not all(one.delivery for one in wanted):
            raise InvalidValue("must not be empty", where="attempt.delivery")
        utc(now, "attempt.started")
        with self._database.writing("outbox") as connection:
            earlier = _histories(connection, [one.delivery for one in wanted])
            found = [
                _untold(earlier.get(one.delivery, ()), one.known)
                or _next(one, earlier.get(one.delivery, ()), now)
                for one in wanted
            ]
            fresh = [attempt for attempt in found if attempt.finished is None]
            if fresh:
                self._begun(fresh)
                connection.execute(insert(_ATTEMPTS), [_values(attempt) for attempt in fresh])
        return tuple(found)

    def ended(self, wanted: Sequence[Wanted]) -> tuple[Attempt | None, ...]:
        """As Outbox.ended."""
        with self._database.reading() as connection:
            earlier = _histories(connection, [one.delivery for one in wanted])
        return tuple(_untold(earlier.get(one.delivery, ()), one.known) for one in wanted)

    def leaves(self, attempts: Sequence[Begun]) -> None:
        """As Outbox.leaves."""
        if self._departures is not None:
            self._told(self._departures.left, [one for one in attempts if isinstance(one, Attempt)])

    def taken(self, attempts: Sequence[Begun]) -> None:
        """As Outbox.taken."""
        if self._departures is not None:
            with suppress(StoreUnavailable):
                self._told(self._departures.taken, [one for one in attempts if isinstance(one, Attempt)])

    def settle_known(self, now: datetime) -> int:
        """As Outbox.settle_known."""
        departures = self._departures
        if departures is None:
            return 0
        told: list[tuple[Begun, str, str]] = []
        for attempt in self.unfinished():
            key = attempt.delivery, attempt.number
            if key in departures.were_taken:
                told.append((attempt, "accepted", "taken right before the process was killed"))
            elif key in departures.never_left:
                told.append((attempt, "not_sent", "the process was killed before it left"))
        self.finish_many(told, now)
        with self._guard:
            self._open = 0
            departures.begin_anew()
        return len(told)

    def finish(self, attempt: Begun, outcome: str, detail: str, now: datetime) -> None:
        """Write down how it ended, durable on return. NotFound for an attempt nobody began; WrongState
        when it ended before."""
        self.finish_many([(attempt, outcome, detail)], now)

    def finish_many(self, ends: Sequence[tuple[Begun, str, str]], now: datetime) -> None:
        """The same for several in one transaction: all of them or none."""
        rows = [_end(attempt, outcome, detail) for attempt, outcome, detail in ends]
        at = format_instant(utc(now, "attempt.finished"))
        if not rows:
            return
        values = [
            {"at": at, "outcome": outcome, "detail": detail, "of": attempt.delivery, "nth": attempt.number}
            for attempt, outcome, detail in rows
        ]
        with self._database.writing("outbox") as connection:
            if connection.execute(_FINISH, values).rowcount != len(values):
                _explain(connection, rows)
        with self._guard:
            self._open -= len(values)
            if self._departures is not None and self._open <= 0:
                self._departures.begin_anew(beyond=MOST)

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
        if self._departures is not None:
            self._departures.close()
            self._departures = None

    def _begun(self, attempts: Sequence[Attempt]) -> None:
        with self._guard:
            self._open += len(attempts)
        if self._departures is not None:
            self._told(self._departures.begun, attempts)

    def _told(self, tell: Callable[[Iterable[tuple[str, int]]], None], attempts: Sequence[Attempt]) -> None:
        try:
            tell((one.delivery, one.number) for one in attempts)
        except OSError as error:
            raise StoreUnavailable(f"cannot write down what leaves: {error}", where="outbox") from error


def _kept(path: Path) -> Departures:
    try:
        return Departures(path)
    except OSError as error:
        raise StoreUnavailable(f"cannot write down what leaves: {error}", where=str(path)) from error


_FINISH = (
    update(_ATTEMPTS)
    .where(
        (_ATTEMPTS.c.delivery == bindparam("of"))
        & (_ATTEMPTS.c.number == bindparam("nth"))
        & _ATTEMPTS.c.finished.is_(None)
    )
    .values(finished=bindparam("at"), outcome=bindparam("outcome"), detail=bindparam("detail"))
)


def _explain(connection: Connection, rows: Sequence[tuple[Attempt, str, str]]) -> None:
    """Which of the attempts could not be closed, and why; raised within the transaction, which undoes all."""
    earlier = _histories(connection, [attempt.delivery for attempt, _, _ in rows])
    seen: set[tuple[str, int]] = set()
    for attempt, outcome, detail in rows:
        where = f"attempt {attempt.number} at {attempt.delivery}"
        known = [one for one in earlier.get(attempt.delivery, ()) if one.number == attempt.number]
        if not known:
            raise NotFound("no such attempt was begun", where=where)
        key = attempt.delivery, attempt.number
        if key in seen or (known[0].outcome, known[0].detail) != (outcome, detail):
            raise WrongState("the attempt ended before", where=where, found=str(known[0].outcome))
        seen.add(key)
    raise WrongState(
        "an attempt ended before", where="outbox", found=", ".join(a.delivery for a, _, _ in rows[:3])
    )


def _end(attempt: Begun, outcome: str, detail: str) -> tuple[Attempt, str, str]:
    if outcome not in OUTCOMES:
        raise InvalidValue(
            "no such outcome", where="attempt.outcome", found=outcome, expected=", ".join(OUTCOMES)
        )
    if not isinstance(attempt, Attempt):
        raise NotFound("not an attempt of this outbox", where="attempt", found=type(attempt).__name__)
    # PostgreSQL text cannot hold a NUL, and what a peer says is not ours to trust.
    return attempt, outcome, detail.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


def _next(wanted: Wanted, earlier: Sequence[Attempt], now: datetime) -> Attempt:
    maybe = [number for number, one in enumerate(earlier) if one.outcome in _IN_DOUBT]
    ended = [number for number, one in enumerate(earlier) if one.outcome not in (None, "not_sent")]
    # the last of those before it was sent again on purpose
    first = ended[wanted.before - 1] + 1 if 0 < wanted.before <= len(ended) else 0
    doubts = sum(number >= first for number in maybe)
    return Attempt(wanted.delivery, len(earlier) + 1, now, repeat=bool(maybe), doubts=doubts)


def _untold(earlier: Sequence[Attempt], known: int) -> Attempt | None:
    """The first ended attempt beyond the `known` ones."""
    ended = [one for one in earlier if one.outcome not in (None, "not_sent")]
    return ended[known] if len(ended) > known else None


def _values(attempt: Attempt) -> dict[str, object]:
    return {
        "delivery": attempt.delivery,
        "number": attempt.number,
        "started": format_instant(attempt.started),
        "detail": "",
        "repeat": attempt.repeat,
    }


def _histories(connection: Connection, deliveries: Sequence[str]) -> dict[str, list[Attempt]]:
    found: dict[str, list[Attempt]] = {}
    for first in range(0, len(deliveries), _AT_ONCE):
        some = deliveries[first : first + _AT_ONCE]
        query = select(_ATTEMPTS).where(_ATTEMPTS.c.delivery.in_(some)).order_by(*_KEY)
        for attempt in _attempts(connection, query):
            found.setdefault(attempt.delivery, []).append(attempt)
    return found


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
