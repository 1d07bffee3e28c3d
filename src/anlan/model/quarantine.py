"""What could not be used, kept whole with the reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Quarantined:
    """`raw` is the input as it came (the record, or the whole document); `code` the reason's stable
    code; `sentence` the error as a person reads it. `status`: held, retried, released."""

    id: str
    source: str
    ref: str
    line: int | None
    known: datetime
    code: str
    sentence: str
    raw: bytes
    status: str = "held"
