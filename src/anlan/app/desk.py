"""The running system as the console and the HTTP API see it. Implements anlan.ports.desk.Desk."""

from __future__ import annotations

import copy
import math
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from anlan import flow
from anlan.acts import perform
from anlan.app.explain import explain
from anlan.app.house import RunningHouse
from anlan.assess.grid import instant
from anlan.model.entry import Entry
from anlan.model.errors import AnlanError, InvalidValue, NotAllowed, NotFound
from anlan.model.pack import Pack
from anlan.model.quarantine import Quarantined
from anlan.model.state import State
from anlan.model.user import User
from anlan.ports.clock import Clock
from anlan.ports.desk import IngestResult
from anlan.ports.source import Batch
from anlan.sources.registry import build
from anlan.store.accounts import Accounts

CHART = timedelta(days=3 * 366)


class RunningDesk:
    """Every change is one turn under one lock: decide, commit, deliver. Readers get a fold that nobody
    changes any more."""

    def __init__(self, house: RunningHouse) -> None:
        self.house = house
        self.accounts = Accounts(f"sqlite:///{house.workspace / 'accounts.sqlite'}")
        self._lock = threading.RLock()
        self._shown: State = _still(house.state)

    @property
    def pack(self) -> Pack:
        return self.house.pack

    @property
    def clock(self) -> Clock:
        return self.house.clock

    @property
    def mode(self) -> str:
        return self.house.config.mode

    # -- reading ------------------------------------------------------------------------------------

    def state(self) -> State:
        return self._shown

    def entries(self, risk: str) -> Sequence[Entry]:
        thread = self._shown.assessments.get(risk)
        return self.house.thread_entries(thread) if thread else ()

    def changes(self, after: int, limit: int | None = None) -> Sequence[Entry]:
        until = None if limit is None else after + limit
        return tuple(self.house.journal.read(after=after, until=until))

    def last_handover(self) -> Entry | None:
        newest = list(self._shown.handovers)
        if not newest:
            return None
        found = self.house.journal.by_subject(newest[-1])
        return found[-1] if found else None

    def series(self, indicator: str, place: str) -> Sequence[tuple[datetime, float | None]]:
        now = self.house.clock.now()
        slice = self.house.lake.read(indicator, known=now, places=[place])
        return [
            (instant(at), None if math.isnan(value) else float(value))
            for at, value in zip(slice.at, slice.value, strict=True)
        ]

    def cap(self, warning_id: str) -> bytes:
        warning = self._shown.warnings.get(warning_id)
        if warning is None:
            raise NotFound("no such warning", where="warning", found=warning_id)
        if warning.sent is None:
            # as it would be if it were approved now
            warning = replace(
                warning, sent=min(self.house.clock.now(), warning.expires - timedelta(seconds=1))
            )
        with self._lock:
            return self.house.render(warning)

    def quarantined(self) -> Sequence[Quarantined]:
        return self.house.lake.quarantined()

    def explain(self, id: str) -> Mapping[str, Any]:
        with self._lock:
            return explain(self.house, id)

    # -- acting -------------------------------------------------------------------------------------

    def act(self, user: User, act: str, subject: str, fields: Mapping[str, str]) -> tuple[str, ...]:
        with self._lock:
            turn = flow.Turn(self.house, self.house.clock.now())
            try:
                perform(turn, user, act, subject, fields)
                flow.warn(turn)
                written = tuple(dict.fromkeys(draft.subject for draft in turn.drafts))
                flow.end(turn)
            except (AnlanError, KeyError):
                self.house.reload()
                raise
            finally:
                self._show()
            return written

    def ingest(self, raw: bytes, content_type: str, source: str) -> IngestResult:
        if source not in self.house.pack.sources:
            raise NotFound(
                "no such source",
                where="source",
                found=source,
                expected=", ".join(sorted(self.house.pack.sources)),
            )
        with self._lock:
            now = self.house.clock.now()
            push = build(replace(self.house.pack.sources[source], kind="push", options={}))
            batch = push.parse(raw, f"push {content_type}", now, self.house.pack)
            return self.take((batch,), now)

    def take(self, batches: Sequence[Batch], now: datetime | None = None) -> IngestResult:
        """One turn on what sources brought. Nothing is acknowledged before it is durable."""
        with self._lock:
            self.house.check_space()
            at = now or self.house.clock.now()
            held = {item.id for item in self.house.lake.quarantined()}
            rows = sum(self.house.lake.indicators().values())
            sent = sum(len(batch.observations) for batch in batches)
            try:
                flow.end(flow.begin(self.house, at, batches))
            except AnlanError:
                self.house.reload()
                raise
            finally:
                self._show()
            new = sum(self.house.lake.indicators().values()) - rows
            fresh = tuple(i.id for i in self.house.lake.quarantined() if i.id not in held)
            return IngestResult(new, max(0, sent - new - len(fresh)), fresh)

    def tick(self) -> datetime | None:
        """What is due by now; when the next thing is due."""
        with self._lock:
            try:
                flow.end(flow.begin(self.house, self.house.clock.now()))
            except AnlanError:
                self.house.reload()
                raise
            finally:
                self._show()
            return flow.next_due(self.house)

    def recover(self) -> None:
        """After a start: what was committed but not handed over leaves now."""
        with self._lock:
            flow.recover(self.house, self.house.clock.now())
            self._show()

    def _show(self) -> None:
        self._shown = _still(self.house.state)

    # -- people -------------------------------------------------------------------------------------

    def sign_in(self, name: str, password: str) -> str:
        now = self.house.clock.now() if self.mode == "live" else _wall()
        if not self.accounts.verify(name, password, now) or name not in self.house.pack.users:
            raise NotAllowed("name or password do not fit", where="sign-in")
        return self.accounts.open_session(name, now)

    def user(self, token: str) -> User | None:
        now = self.house.clock.now() if self.mode == "live" else _wall()
        name = self.accounts.session(token, now)
        return self.house.pack.users.get(name) if name else None

    def sign_out(self, token: str) -> None:
        self.accounts.close_session(token)

    def set_password(self, name: str, password: str) -> None:
        """Make or change a local account for a user of the pack."""
        if name not in self.house.pack.users:
            raise InvalidValue(
                "the pack has no such user",
                where="account",
                found=name,
                expected=", ".join(sorted(self.house.pack.users)),
            )
        if name in self.accounts.names():
            self.accounts.set_password(name, password)
        else:
            self.accounts.create(name, password)

    def close(self) -> None:
        self.accounts.close()
        self.house.close()


def _wall() -> datetime:
    from anlan.app.clock import WallClock

    return WallClock().now()


def _still(state: State) -> State:
    """A copy whose tables nobody changes; the values in them are frozen."""
    return State(**{name: copy.copy(getattr(state, name)) for name in State.__dataclass_fields__})
