"""The append-only record of every decision."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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

    def head(self) -> tuple[int, str]:
        """Number and digest of the newest entry; (0, "") when empty."""
        ...

    def verify(self) -> int:
        """Check every row and the chain; the number of rows, or AuditBroken naming the first bad one."""
        ...
