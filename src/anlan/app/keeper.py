"""Live operation: the desk's clocks kept, its sources listened to, its messages carried.

What falls due is computed from the journal; the durable timers (DBOS) make sure that somebody looks at
that instant, whatever was killed in between. A wake-up that finds nothing to do does nothing.
"""

from __future__ import annotations

import gc
import logging
import threading
import time
from datetime import datetime, timedelta

from anlan.app.acknowledgements import Acknowledgements
from anlan.app.courier import Courier
from anlan.app.desk import RunningDesk
from anlan.app.listeners import Listener, listeners
from anlan.model.errors import StoreUnavailable
from anlan.model.time import format_instant
from anlan.store.timers import DurableTimers

_LOG = logging.getLogger("anlan.keeper")
LONGEST = timedelta(seconds=30)
#: the least time between two looks, also where something due is not yet done (a message on its way)
SHORTEST = timedelta(seconds=0.5)
#: how long after a store that did not answer the next look follows
AGAIN = timedelta(seconds=5)
#: how long a stop waits for turns and attempts that have begun (seconds)
PATIENCE = 4.0


class Keeper:
    """One desk, live, from `start` to `stop`."""

    def __init__(self, desk: RunningDesk) -> None:
        self.desk = desk
        url = f"sqlite:///{desk.house.workspace / 'jobs.sqlite'}"
        self.timers = DurableTimers(url, self._due, desk.house.clock)
        self.courier = Courier(desk)
        self.listeners: list[Listener] = []
        heard = desk.house.config.acknowledgements
        self.acknowledgements = Acknowledgements(desk, heard) if heard.host else None
        self._again = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)
        self._armed: set[str] = set()

    def start(self) -> None:
        """Take up what was left: deliveries not handed over, timers that ran out meanwhile. WrongState,
        StoreUnavailable where that cannot be."""
        self.desk.changed = self.look
        self.desk.recover()
        # the pack and the state so far stay: collecting garbage need not go through them in mid-delivery
        gc.collect()
        gc.freeze()
        self.courier.start()
        self.timers.start()
        self._thread.start()
        self.listeners = listeners(self.desk)
        for listener in self.listeners:
            listener.start()
        if self.acknowledgements is not None:
            self.acknowledgements.start()

    def stop(self) -> None:
        """Turns and attempts that have begun end, as far as they do in a few seconds; what is cut short
        is taken up at the next start."""
        end = time.monotonic() + PATIENCE
        self._stop.set()
        self._again.set()
        self.courier.stop()
        heard: list[Listener | Acknowledgements] = [*self.listeners]
        if self.acknowledgements is not None:
            heard.append(self.acknowledgements)
        for listener in heard:
            listener.stop()
        for listener in heard:
            listener.join(max(0.0, end - time.monotonic()))
        if self._thread.is_alive():
            self._thread.join(max(0.0, end - time.monotonic()))
        self.courier.join(max(0.0, end - time.monotonic()))
        self.timers.stop(timedelta(seconds=1))

    def look(self) -> None:
        """Something changed: there may be messages to carry and times to keep."""
        self.courier.look()
        self._again.set()

    def _due(self, key: str, at: datetime) -> None:
        """A durable timer has run out."""
        _LOG.info("timer %s of %s", key, format_instant(at))
        self.desk.tick()
        self.look()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._again.clear()
            due: datetime | None = self.desk.clock.now() + AGAIN
            try:
                due = self.desk.tick()
                self._arm()
                self.desk.upkeep()
                self.desk.house.tidy(self.desk.clock.now())
            except StoreUnavailable as error:
                _LOG.error("the desk's clocks wait: %s", error.sentence())
            except Exception:
                _LOG.exception("the desk's clocks wait")
            self.courier.look()
            # a busy desk is looked at often enough by its own turns
            self._stop.wait(SHORTEST.total_seconds())
            wait = LONGEST if due is None else due - self.desk.clock.now()
            self._again.wait(min(LONGEST, max(timedelta(0), wait)).total_seconds())

    def _arm(self) -> None:
        """A durable timer for every instant at which a ladder or a retry has something to do: one for all
        that wait for the same instant."""
        state = self.desk.state()
        instants = {*state.wakes.values(), *(state.deliveries[id].due for id in state.to_send)}
        keys = {f"deliveries:{format_instant(at)}": at for at in sorted(instants)}
        for key, at in keys.items():
            if key not in self._armed:
                self.timers.wake(key, at)
        # what nobody waits for any more need not be remembered: a timer of the same key is the same one
        self._armed = set(keys)
