"""Hands messages over outside the desk's lock: a peer that is slow holds up nobody but itself.

For each channel one thread at a time. The attempt is written down before the peer is called and closed
after it has spoken (the outbox); only then is the outcome journalled, in a short turn of its own.
"""

from __future__ import annotations

import logging
import threading
import time

from anlan import flow
from anlan.app.desk import RunningDesk
from anlan.model.errors import AnlanError, StoreUnavailable
from anlan.ports.channel import Receipt

_LOG = logging.getLogger("anlan.courier")
#: how long after a store that did not answer the next look follows (seconds)
AGAIN = 5.0


class Courier:
    """Everything due leaves soon after `look`; what failed is due again later, and the desk's clock
    calls `look` then."""

    def __init__(self, desk: RunningDesk) -> None:
        self._desk = desk
        self._look = threading.Event()
        self._stop = threading.Event()
        self._guard = threading.Lock()
        self._busy: dict[str, threading.Thread] = {}
        self._thread = threading.Thread(target=self._run, name="courier", daemon=True)

    def start(self) -> None:
        """What was committed and not handed over leaves now."""
        self._look.set()
        self._thread.start()

    def look(self) -> None:
        """There may be something to hand over."""
        self._look.set()

    def stop(self) -> None:
        """No attempt begins any more; `join` waits for those that have."""
        self._stop.set()
        self._look.set()

    def join(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        with self._guard:
            threads = [self._thread, *self._busy.values()]
        for thread in threads:
            if thread.is_alive():
                thread.join(max(0.0, end - time.monotonic()))

    def _run(self) -> None:
        while not self._stop.is_set():
            self._look.wait()
            self._look.clear()
            due = flow.due_now(self._desk.state(), self._desk.clock.now())
            for channel in dict.fromkeys(delivery.channel for delivery in due):
                self._employ(channel)

    def _employ(self, channel: str) -> None:
        with self._guard:
            if channel in self._busy or self._stop.is_set():
                return
            thread = threading.Thread(
                target=self._carry, args=(channel,), name=f"courier {channel}", daemon=True
            )
            self._busy[channel] = thread
            thread.start()

    def _carry(self, channel: str) -> None:
        """Everything due by one channel, until nothing is."""
        try:
            while not self._stop.is_set() and self._one(channel):
                pass
        except StoreUnavailable as error:
            _LOG.error("deliveries by %s wait: %s", channel, error.sentence())
            self._stop.wait(AGAIN)
        except Exception:
            _LOG.exception("deliveries by %s wait", channel)
            self._stop.wait(AGAIN)
        finally:
            with self._guard:
                del self._busy[channel]
            # something may have come between the last look and now
            self._look.set()

    def _one(self, channel: str) -> bool:
        """One attempt at the first that is due; False where none is."""
        desk = self._desk
        state, now = desk.state(), desk.clock.now()
        delivery = next((d for d in flow.due_now(state, now) if d.channel == channel), None)
        if delivery is None:
            return False
        warning = state.warnings[delivery.warning]
        receipt: Receipt | None = None
        if warning.expires > now:
            try:
                receipt = flow.hand_over(desk.house, delivery, warning, now)
            except StoreUnavailable:
                raise
            except AnlanError as error:
                # a channel that is not configured, or not rightly: it may be by the next attempt
                receipt = Receipt(False, f"no_channel: {error.sentence()}", transient=True)
        if receipt is not None and not receipt.accepted:
            _LOG.warning("delivery %s to %s: %s", delivery.id, delivery.recipient, receipt.detail)
        desk.settle(delivery.id, receipt)
        return True
