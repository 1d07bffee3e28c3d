"""The sources of a live desk: those that are asked when their time comes, those that speak up.

Each has a thread of its own, so that a peer that is slow or lies holds up neither the others nor the
desk's clocks.
"""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from datetime import datetime, timedelta

from anlan.app.desk import RunningDesk
from anlan.model.errors import AnlanError, StoreUnavailable
from anlan.model.indicator import SourceDef
from anlan.ports.source import Batch
from anlan.sources.mqtt.client import MqttSubscription
from anlan.sources.mqtt.source import MqttSource
from anlan.sources.poll import backoff, next_poll

_LOG = logging.getLogger("anlan.sources")
LONGEST = timedelta(seconds=60)


class Listener(ABC):
    """What the two have in common: a thread that ends when told to."""

    def __init__(self, desk: RunningDesk, definition: SourceDef) -> None:
        self.desk = desk
        self.definition = definition
        self.stopping = threading.Event()
        self._thread = threading.Thread(target=self._guarded, name=f"source {definition.id}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Take nothing more in; `join` waits for what is being taken in."""
        self.stopping.set()

    def join(self, seconds: float) -> None:
        self._thread.join(seconds)

    @abstractmethod
    def run(self) -> None:
        """Until told to stop; begun again when it raises."""

    def _guarded(self) -> None:
        while not self.stopping.is_set():
            try:
                self.run()
            except Exception:
                _LOG.exception("source %s: begun again", self.definition.id)
                self.stopping.wait(LONGEST.total_seconds())

    def silent(self, why: str) -> None:
        """Journal that the source brought no answer."""
        _LOG.warning("source %s: %s", self.definition.id, why)
        try:
            self.desk.silent(self.definition.id)
        except StoreUnavailable as error:
            _LOG.error("source %s: its failure could not be journalled: %s", self.definition.id, error)


class Asker(Listener):
    """Asks a source at its interval, more and more seldom while it fails."""

    def __init__(self, desk: RunningDesk, definition: SourceDef) -> None:
        super().__init__(desk, definition)
        self._asked: datetime | None = None
        self._failures = 0

    def run(self) -> None:
        clock = self.desk.clock
        while not self.stopping.is_set():
            now = clock.now()
            wait = next_poll(self.definition, self._asked, self._failures, now) - now
            if wait > timedelta(0):
                self.stopping.wait(min(wait, LONGEST).total_seconds())
                continue
            self._asked = now
            self._ask(now)

    def _ask(self, now: datetime) -> None:
        try:
            batch = self.desk.house.source(self.definition.id).fetch(now, self.desk.pack)
        except AnlanError as error:
            self._failures += 1
            self.silent(error.sentence())
            return
        except Exception as error:
            _LOG.exception("source %s", self.definition.id)
            self._failures += 1
            self.silent(f"{type(error).__name__}: {error}")
            return
        if not self._worth(batch, now):
            self._failures = 0
            return
        try:
            self.desk.take((batch,))
        except StoreUnavailable as error:
            _LOG.error("intake stopped: %s", error.sentence())
            self._failures += 1
            # it believes to have handed over what was not kept
            self.desk.house.forget_source(self.definition.id)
        else:
            self._failures = 0

    def _worth(self, batch: Batch, now: datetime) -> bool:
        """False for an answer without news from a source that is fresh anyway: it needs no row."""
        if batch.observations or batch.quarantined or batch.relayed:
            return True
        state = self.desk.state().sources.get(self.definition.id)
        if state is None or state.status != "fresh" or state.failures or state.last is None:
            return True
        return now - state.last > min(self.definition.stale_after, self.definition.dead_after) / 4


class Hearer(Listener):
    """Keeps a subscription at a broker; a message is acknowledged once its turn is durable."""

    def run(self) -> None:
        failures = 0
        while not self.stopping.is_set():
            source = self.desk.house.source(self.definition.id)
            if not isinstance(source, MqttSource):
                raise TypeError(f"source {self.definition.id} is no subscription")
            subscription = MqttSubscription(source, lambda: self.desk.pack, self.desk.clock, self._take)
            try:
                subscription.start()
            except AnlanError as error:
                failures += 1
                self.silent(error.sentence())
                wait = backoff(self.definition.id, failures, timedelta(seconds=5))
                self.stopping.wait(min(wait, LONGEST).total_seconds())
                continue
            _LOG.info("source %s: subscribed", self.definition.id)
            self.stopping.wait()
            subscription.stop()

    def _take(self, batch: Batch) -> None:
        if self.stopping.is_set():
            raise StoreUnavailable("the service stops", where=f"source {self.definition.id}")
        try:
            self.desk.take((batch,))
        except StoreUnavailable:
            raise
        except Exception as error:
            # the message stays with the broker, and the source goes late for everybody to see
            _LOG.exception("source %s", self.definition.id)
            raise StoreUnavailable(
                "a message could not be taken in", where=f"source {self.definition.id}", found=str(error)
            ) from error


def listeners(desk: RunningDesk) -> list[Listener]:
    """One for every source of the pack that is asked or speaks up; pushed ones come by the API."""
    found: list[Listener] = []
    for _, definition in sorted(desk.pack.sources.items()):
        if definition.kind == "mqtt":
            found.append(Hearer(desk, definition))
        elif definition.poll is not None:
            found.append(Asker(desk, definition))
    return found
