"""The record of attempts to hand a message over: written before the attempt, closed after it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol


class Wanted(NamedTuple):
    """An attempt that is to begin: at which delivery, how many ended attempts the caller knows of, and how
    many of them were before it was last sent again on purpose."""

    delivery: str
    known: int = 0
    before: int = 0


class Attempt(Protocol):
    """`repeat` True when an earlier attempt may have arrived: it was begun and never finished, or ended in
    doubt. `doubts`: how many such there are since the delivery was last sent on purpose. `outcome`: accepted,
    failed (a retry may help), refused (it will not), doubtful (failed, but it may have arrived), unknown (it
    may have arrived, and no further copy goes by itself), not_sent (begun, but the channel was not called: it
    counts for nothing); None: begun, not ended."""

    @property
    def delivery(self) -> str: ...

    @property
    def repeat(self) -> bool: ...

    @property
    def doubts(self) -> int: ...

    @property
    def outcome(self) -> str | None: ...

    @property
    def detail(self) -> str: ...


class Outbox(Protocol):
    """Durable: what was begun is known after a kill."""

    def begin(self, delivery: str, now: datetime, before: int = 0) -> Attempt:
        """Before the channel is called. `before` as in `Wanted`."""
        ...

    def begin_many(self, wanted: Sequence[Wanted], now: datetime) -> Sequence[Attempt]:
        """Before the channel is called with several: one durable step for all. For each a new attempt; where
        one more has ended than the caller knows of, that one, and nothing begins."""
        ...

    def ended(self, wanted: Sequence[Wanted]) -> Sequence[Attempt | None]:
        """For each the ended attempt that the caller does not know of, or None."""
        ...

    def leaves(self, attempts: Sequence[Attempt]) -> None:
        """Right before what makes their messages whole at the far end leaves. StoreUnavailable: it may
        not."""
        ...

    def taken(self, attempts: Sequence[Attempt]) -> None:
        """As soon as their far end has said that it took them; `finish` still says how they ended."""
        ...

    def settle_known(self, now: datetime) -> int:
        """After a restart, before anything else is handed over: close the attempts of the process before that
        had certainly not left when it was killed (not_sent), or been taken (accepted); how many they were."""
        ...

    def unfinished(self) -> Sequence[Attempt]:
        """The newest attempt of every delivery where it was begun and never finished: after a restart, what
        was cut short and is in doubt."""
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
