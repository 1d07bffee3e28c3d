"""How fresh a source is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from anlan.model.checks import one_of
from anlan.model.reason import Reason
from anlan.model.time import utc


@dataclass(frozen=True, slots=True)
class Heard:
    """The newest period `at` of an indicator that a source has brought, and `since` when: later news of
    the same or an earlier period does not move it."""

    indicator: str
    at: datetime
    since: datetime

    def __post_init__(self) -> None:
        utc(self.at, "heard.at")
        utc(self.since, "heard.since")


@dataclass(frozen=True, slots=True)
class SourceState:
    """`status`: fresh, late, dead, failing, never; ended in a replay whose record is over. `last` is when
    it last brought something, `accepted` and `quarantined` count what it brought since the workspace
    began. `heard`: how far each of its indicators has come; `silent`: those that have come no further for
    too long, whatever the source brings besides."""

    source: str
    status: str
    since: datetime
    last: datetime | None
    accepted: int
    quarantined: int
    failures: int = 0
    reasons: tuple[Reason, ...] = ()
    heard: tuple[Heard, ...] = ()
    silent: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        utc(self.since, "source.since")
        if self.last is not None:
            utc(self.last, "source.last")
        one_of(self.status, ("fresh", "late", "dead", "failing", "never", "ended"), "source.status")
