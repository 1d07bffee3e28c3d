"""What could not be used, kept whole with the reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Quarantined:
    """`raw` is the input as it came (the record, or the whole document); `code` the reason's stable
    code; `sentence` the error as a person reads it. `status`: held, retried, released. `content_type` is
    the media type under which a partner pushed it, "" for what a source fetched or read itself."""

    id: str
    source: str
    ref: str
    line: int | None
    known: datetime
    code: str
    sentence: str
    raw: bytes
    status: str = "held"
    content_type: str = ""
