"""The bytes of received messages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol


class Messages(Protocol):
    """Kept under their digest; never changed, never dropped."""

    def keep(self, messages: Mapping[str, bytes], now: datetime) -> int:
        """Durable when it returns; the number that was new. `messages`: SHA-256 -> bytes."""
        ...

    def read(self, digest: str) -> bytes:
        """The bytes as they came; NotFound where they were never kept."""
        ...
