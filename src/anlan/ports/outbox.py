"""The record of attempts to hand a message over: written before the attempt, closed after it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol


class Attempt(Protocol):
    """`repeat` True when an earlier attempt was begun and never finished: it may have arrived.
    `outcome`: accepted, failed (a retry may help), refused (it will not), doubtful (failed, but it may
    have arrived), not_sent (begun, but the channel
    was not called: it counts for nothing); None: begun, not ended."""

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

    def begin_many(self, wanted: Sequence[tuple[str, int]], now: datetime) -> Sequence[Attempt]:
        """Before the channel is called with several: one durable step for all. For each (delivery, how many
        ended attempts the caller knows of) a new attempt; where one more has ended than that, the one that
        the caller does not know of, and nothing begins."""
        ...

    def ended(self, wanted: Sequence[tuple[str, int]]) -> Sequence[Attempt | None]:
        """For each (delivery, how many ended attempts the caller knows of) the ended attempt that the
        caller does not know of, or None."""
        ...

    def history(self, delivery: str) -> Sequence[Attempt]:
        """All attempts at a delivery, first to last."""
        ...

    def finish(self, attempt: Attempt, outcome: str, detail: str, now: datetime) -> None:
        """After the peer has spoken, or failed to."""
        ...

    def finish_many(self, ends: Sequence[tuple[Attempt, str, str]], now: datetime) -> None:
        """The same for several (attempt, outcome, detail) in one durable step."""
        ...
