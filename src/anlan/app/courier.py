"""Hands messages over outside the desk's lock: a peer that is slow holds up nobody but itself.

For each channel as many threads at a time as it says (`at_once`), each with a batch. The attempts of a batch
are written down in one durable step before the peer is called and closed after it has spoken (the outbox);
only then are the outcomes journalled, many in one short turn. A batch is as large as the channel takes in
one exchange; where each message is an exchange of its own, as large as the peer is fast, so that what a
kill makes doubtful is a fiftieth of a second's worth of messages: one or two for most peers.
"""

from __future__ import annotations

import functools
import logging
import threading
import time
from collections import deque
from typing import NamedTuple

from anlan import dispatch
from anlan.app.desk import RunningDesk
from anlan.model.delivery import Delivery
from anlan.model.errors import AnlanError, StoreUnavailable
from anlan.ports.channel import Receipt

_LOG = logging.getLogger("anlan.courier")
#: how long after a store that did not answer the next look follows (seconds)
AGAIN = 5.0
#: messages in one exchange with a channel that takes many
MANY = 2000
#: messages in the first batch for a channel that takes one at a time, and at most
FIRST, MOST = 1, 256
#: how long such a batch is to take (seconds)
SPELL = 0.02
#: so long must a process have lived before it sends what the one before it left in doubt (seconds)
STAND = 2.0
#: outcomes are journalled when nothing is on its way, so many wait, or the oldest has waited so long
GATHER, LATEST = 2500, 0.5


class Line(NamedTuple):
    """Those who wait for a channel: in doubt since a kill, or not."""

    channel: str
    doubted: bool


class Courier:
    """Everything due leaves soon after `look`; what failed is due again later, and the desk's clock
    calls `look` then."""

    def __init__(self, desk: RunningDesk) -> None:
        self._desk = desk
        self._look = threading.Event()
        self._stop = threading.Event()
        self._guard = threading.Condition()
        self._queues: dict[Line, deque[Delivery]] = {}
        self._claimed: set[str] = set()
        self._workers: dict[threading.Thread, Line] = {}
        self._sizes: dict[str, int] = {}
        self._doubtful: set[str] = set()
        self._stands = 0.0
        self._outcomes: list[tuple[str, Receipt | None]] = []
        self._oldest = 0.0
        self._thread = threading.Thread(target=self._run, name="courier", daemon=True)
        self._clerk = threading.Thread(target=self._write, name="courier's clerk", daemon=True)

    def start(self) -> None:
        """What was committed and not handed over leaves now. What a kill left in doubt waits a moment, so
        that a process that is killed again at once does not spend the one repeat, and then goes one by one,
        so that a later kill finds only one of them in doubt again; unless its channel need not mind."""
        self._desk.house.outbox.settle_known(self._desk.clock.now())
        state, minds = self._desk.state(), functools.cache(self._minds)
        self._doubtful = {
            attempt.delivery
            for attempt in self._desk.house.outbox.unfinished()
            if attempt.delivery in state.to_send and minds(state.deliveries[attempt.delivery].channel)
        }
        if self._doubtful:
            self._stands = time.monotonic() + STAND
        self._look.set()
        self._thread.start()
        self._clerk.start()

    def look(self) -> None:
        """There may be something to hand over."""
        self._look.set()

    def stop(self) -> None:
        """No attempt begins any more; `join` waits for those that have, and for their outcomes."""
        self._stop.set()
        self._look.set()
        with self._guard:
            self._guard.notify_all()

    def join(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        with self._guard:
            threads = [self._thread, *self._workers, self._clerk]
        for thread in threads:
            if thread.is_alive():
                thread.join(max(0.0, end - time.monotonic()))

    # -- what is due --------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stop.is_set():
            left = self._stands - time.monotonic()
            self._look.wait(left if left > 0 else None)
            self._look.clear()
            due = dispatch.due_now(self._desk.state(), self._desk.clock.now())
            if time.monotonic() < self._stands:
                due = [delivery for delivery in due if delivery.id not in self._doubtful]
            with self._guard:
                for delivery in due:
                    if delivery.id not in self._claimed:
                        self._claimed.add(delivery.id)
                        line = Line(delivery.channel, delivery.id in self._doubtful)
                        self._queues.setdefault(line, deque()).append(delivery)
                waiting = [line for line, queue in self._queues.items() if queue]
            for line in sorted(waiting, key=lambda line: not line.doubted):
                self._employ(line)

    def _employ(self, line: Line) -> None:
        """As many threads as the channel takes at once, and no more than there are messages for; one of them
        for what a kill left in doubt."""
        most = self._at_once(line.channel)
        with self._guard:
            busy = sum(of.channel == line.channel for of in self._workers.values())
            if line.doubted:
                most = min(most, busy + (line not in self._workers.values()))
            for number in range(busy, min(most, busy + len(self._queues[line]))):
                if self._stop.is_set():
                    return
                thread = threading.Thread(
                    target=self._carry, args=(line,), name=f"courier {line.channel} {number}", daemon=True
                )
                self._workers[thread] = line
                thread.start()

    def _at_once(self, channel: str) -> int:
        try:
            return max(1, int(getattr(self._desk.house.channel(channel), "at_once", 1)))
        except AnlanError:
            return 1  # a channel that is not configured: the attempt says so

    def _minds(self, channel: str) -> bool:
        """Whether a copy that arrives twice by it is a repeat: its far end is not asked what it has, and does
        something with each copy that comes."""
        try:
            to = self._desk.house.channel(channel)
        except AnlanError:
            return True
        return not dispatch.asks(to) and getattr(to, "repeats", 1) is not None

    def _batched(self, channel: str) -> bool:
        try:
            return bool(getattr(self._desk.house.channel(channel), "batched", False))
        except AnlanError:
            return False

    # -- handing over -------------------------------------------------------------------------------

    def _carry(self, line: Line) -> None:
        """Everything due by one channel, until nothing is."""
        batch: list[Delivery] = []
        try:
            while not self._stop.is_set() and (batch := self._next(line)):
                self._hand_over(line.channel, batch)
                batch = []
        except StoreUnavailable as error:
            _LOG.error("deliveries by %s wait: %s", line.channel, error.sentence())
            self._stop.wait(AGAIN)
        except Exception:
            _LOG.exception("deliveries by %s wait", line.channel)
            self._stop.wait(AGAIN)
        finally:
            with self._guard:
                # what a store or a defect stopped is looked for anew
                self._claimed.difference_update(delivery.id for delivery in batch)
                del self._workers[threading.current_thread()]
                self._guard.notify_all()
            # something may have come between the last look and now
            self._look.set()

    def _next(self, line: Line) -> list[Delivery]:
        size = MANY if self._batched(line.channel) else self._sizes.get(line.channel, FIRST)
        doubted = Line(line.channel, True)
        with self._guard:
            if line.doubted:
                size = 1
            elif self._queues.get(doubted) and doubted not in self._workers.values():
                # this thread's place is for what is in doubt
                return []
            queue = self._queues[line]
            batch = [queue.popleft() for _ in range(min(size, len(queue)))]
            self._doubtful.difference_update(delivery.id for delivery in batch)
            return batch

    def _hand_over(self, channel: str, batch: list[Delivery]) -> None:
        desk, began = self._desk, time.monotonic()
        state = desk.state()
        # as the state has them now: an answer or an end may have come while they waited here
        fresh = [state.deliveries[delivery.id] for delivery in batch]
        due = [delivery for delivery in fresh if delivery.id in state.to_send]
        outcomes = dispatch.hand_over_many(desk.house, state, due, desk.clock.now, self._stop.is_set)
        for id, receipt in outcomes:
            if receipt is not None and not receipt.accepted:
                _LOG.warning("delivery %s to %s: %s", id, state.deliveries[id].recipient, receipt.detail)
        taken = max(time.monotonic() - began, 1e-6)
        told = {id for id, _ in outcomes}
        with self._guard:
            self._sizes[channel] = max(1, min(MOST, 2 * len(batch), int(len(batch) * SPELL / taken)))
            self._claimed.difference_update(d.id for d in batch if d.id not in told)
            if outcomes and not self._outcomes:
                self._oldest = time.monotonic()
            self._outcomes += outcomes
            self._guard.notify_all()

    # -- writing down -------------------------------------------------------------------------------

    def _write(self) -> None:
        """Journal what came of the attempts, many in one turn."""
        while (outcomes := self._gather()) is not None:
            try:
                self._desk.settle_many(outcomes)
            except StoreUnavailable as error:
                # the outbox knows what came of them: they are found there at the next look
                _LOG.error("outcomes of %d deliveries wait: %s", len(outcomes), error.sentence())
                self._stop.wait(AGAIN)
            except Exception:
                _LOG.exception("outcomes of %d deliveries wait", len(outcomes))
                self._stop.wait(AGAIN)
            with self._guard:
                self._claimed.difference_update(id for id, _ in outcomes)
            self._look.set()

    def _gather(self) -> list[tuple[str, Receipt | None]] | None:
        """What is to be journalled together; None when the service stops and nothing is left."""
        with self._guard:
            while True:
                waited = time.monotonic() - self._oldest
                on_the_way = any(self._queues.values()) or bool(self._workers)
                if self._outcomes and (
                    len(self._outcomes) >= GATHER or waited >= LATEST or not on_the_way or self._stop.is_set()
                ):
                    found, self._outcomes = self._outcomes, []
                    return found
                if self._stop.is_set() and not self._workers:
                    return None
                self._guard.wait(max(0.01, LATEST - waited) if self._outcomes else None)
