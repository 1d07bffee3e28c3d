"""Live operation: sources asked when their time comes, timers durable, the desk ticked when due.

What falls due is computed from the journal; the durable timers (DBOS) make sure that somebody looks at
that instant, whatever was killed in between. A wake-up that finds nothing to do does nothing.
"""

from __future__ import annotations

import logging
import threading
from datetime import datetime, timedelta

from anlan.app.desk import RunningDesk
from anlan.model.errors import AnlanError, BadInput, StoreUnavailable
from anlan.model.indicator import SourceDef
from anlan.model.time import format_instant
from anlan.ports.source import Batch
from anlan.sources.poll import next_poll
from anlan.store.timers import DurableTimers
from anlan.warn.ladder import unanswered

_LOG = logging.getLogger("anlan.keeper")
LONGEST = timedelta(seconds=30)
MANY = 200


class Keeper:
    """One thread that keeps a desk's clocks."""

    def __init__(self, desk: RunningDesk) -> None:
        self.desk = desk
        url = f"sqlite:///{desk.house.workspace / 'jobs.sqlite'}"
        self.timers = DurableTimers(url, self._due, desk.house.clock)
        self._again = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)
        self._asked: dict[str, datetime] = {}
        self._failures: dict[str, int] = {}
        self._armed: set[str] = set()

    def start(self) -> None:
        """Take up what was left: deliveries not handed over, timers that ran out meanwhile."""
        self.desk.recover()
        self.timers.start()
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._again.set()
        self._thread.join(timeout=10)
        self.timers.stop()

    def look(self) -> None:
        """Something changed: look again at what is due."""
        self._again.set()

    def _due(self, key: str, at: datetime) -> None:
        """A durable timer has run out."""
        _LOG.info("timer %s of %s", key, format_instant(at))
        self.desk.tick()
        self._again.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._again.clear()
            try:
                batches = self._ask()
                if batches:
                    self.desk.take(batches)
                due = self.desk.tick()
                self._arm()
            except StoreUnavailable as error:
                _LOG.error("intake stopped: %s", error.sentence())
                due = None
            now = self.desk.house.clock.now()
            times = [t for t in (due, self._next_poll(now)) if t is not None]
            wait = min([LONGEST, *(max(t - now, timedelta(0)) for t in times)])
            self._again.wait(max(wait.total_seconds(), 0.05))

    def _arm(self) -> None:
        """A durable timer for every answer that is waited for and every retry."""
        state = self.desk.state()
        for delivery in state.deliveries.values():
            at = delivery.answer_by if delivery.answer_by and unanswered(delivery) else None
            if delivery.status == "failed":
                at = delivery.due if at is None else min(at, delivery.due)
            key = f"delivery:{delivery.id}:{format_instant(at)}" if at else ""
            if at and key not in self._armed:
                self.timers.wake(key, at)
                self._armed.add(key)

    def _polled(self) -> list[SourceDef]:
        return [s for s in self.desk.pack.sources.values() if s.poll is not None]

    def _next_poll(self, now: datetime) -> datetime | None:
        times = [
            next_poll(s, self._asked.get(s.id), self._failures.get(s.id, 0), now) for s in self._polled()
        ]
        return min(times, default=None)

    def _ask(self) -> list[Batch]:
        """Every source whose time has come, once."""
        batches = []
        for source in self._polled():
            now = self.desk.house.clock.now()
            failures = self._failures.get(source.id, 0)
            if next_poll(source, self._asked.get(source.id), failures, now) > now:
                continue
            self._asked[source.id] = now
            try:
                batch = self.desk.house.source(source.id).fetch(now, self.desk.pack)
            except (BadInput, AnlanError) as error:
                self._failures[source.id] = failures + 1
                _LOG.warning("source %s: %s", source.id, error.sentence())
                continue
            self._failures[source.id] = 0
            if batch.observations or batch.quarantined or batch.unchanged:
                batches.append(batch)
        return batches
