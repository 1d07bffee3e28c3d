"""The record of attempts to hand a message over: written before the attempt, closed after it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol


class Attempt(Protocol):
    """`repeat` True when an earlier attempt was begun and never finished: it may have arrived.
    `outcome`: accepted, failed (a retry may help), refused (it will not); None: begun, not ended."""

    @property
    def repeat(self) -> bool: ...

    @property
    def outcome(self) -> str | None: ...

    @property
    def detail(self) -> str: ...


class Outbox(Protocol):
    """Durable: what was begun is known after a kill."""

    def begin(self, delivery: str, now: datetime) -> Attempt:
        """Before the channel is called."""
        ...

    def history(self, delivery: str) -> Sequence[Attempt]:
        """All attempts at a delivery, first to last."""
        ...

    def finish(self, attempt: Attempt, outcome: str, detail: str, now: datetime) -> None:
        """After the peer has spoken, or failed to."""
        ...
