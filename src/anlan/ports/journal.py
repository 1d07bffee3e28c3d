"""The append-only record of every decision."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from anlan.model.entry import Draft, Entry


class Journal(Protocol):
    """Append-only, hash-chained. One append is one transaction: all of its rows or none."""

    def append(
        self, drafts: Sequence[Draft], at: datetime, cursor: tuple[str, str] | None = None
    ) -> tuple[Entry, ...]:
        """Durable when it returns. StoreUnavailable when the disk is full or the database locked."""
        ...

    def cursor(self, name: str) -> str | None:
        """The value last stored with an append under that name."""
        ...

    def read(self, after: int = 0, until: int | None = None) -> Iterator[Entry]:
        """Entries with `after` < seq <= `until`, in order."""
        ...

    def upto(self, at: datetime) -> int:
        """The number of the newest entry that is not after `at`; 0 where there is none."""
        ...

    def newest_of(self, subjects: Sequence[str], until: int) -> Mapping[str, tuple[int, int]]:
        """Subject -> (number of its newest entry with seq <= `until`, of its newest of all), of those that
        have the first."""
        ...

    def numbered(self, seqs: Sequence[int]) -> tuple[Entry, ...]:
        """The entries with these numbers, in order."""
        ...

    def head(self) -> tuple[int, str]:
        """Number and digest of the newest entry; (0, "") when empty."""
        ...

    def verify(self) -> int:
        """Check every row and the chain; the number of rows, or AuditBroken naming the first bad one."""
        ...
