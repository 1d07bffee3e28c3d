"""The record of attempts to hand a message over: written before the attempt, closed after it."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Attempt(Protocol):
    """`repeat` True when an earlier attempt was begun and never finished: it may have arrived."""

    @property
    def repeat(self) -> bool: ...


class Outbox(Protocol):
    """Durable: what was begun is known after a kill."""

    def begin(self, delivery: str, now: datetime) -> Attempt:
        """Before the channel is called."""
        ...

    def finish(self, attempt: Attempt, outcome: str, detail: str, now: datetime) -> None:
        """After the peer has spoken, or failed to."""
        ...
