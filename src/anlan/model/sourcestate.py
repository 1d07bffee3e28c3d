"""How fresh a source is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from anlan.model.reason import Reason


@dataclass(frozen=True, slots=True)
class SourceState:
    """`status`: fresh, late, dead, failing, never; ended in a replay whose record is over. `last` is when it last brought something,
    `accepted` and `quarantined` count what it brought since the workspace began."""

    source: str
    status: str
    since: datetime
    last: datetime | None
    accepted: int
    quarantined: int
    failures: int = 0
    reasons: tuple[Reason, ...] = ()
