"""Who is on duty, where they are reached, and whether anybody is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from anlan.model.checks import one_of, sound
from anlan.model.errors import InvalidValue
from anlan.model.reason import Reason
from anlan.model.text import Text

SHIFT_STATUSES = ("planned", "ended", "removed")
#: manned: somebody whose contact works; untested: somebody whose contact nothing was sent to yet;
#: unreachable: somebody, but the last message to their contact did not get there; gap: nobody
WATCH_STATUSES = ("manned", "untested", "unreachable", "gap")


@dataclass(frozen=True, slots=True)
class Watch:
    """A post that must be manned at all hours. `place`: where it lies, for who may change its roster.
    `ahead`: a gap within this time is shown before it comes. `test_every`: a contact that was not tested for
    so long is shown."""

    id: str
    title: Text
    place: str
    ahead: timedelta = timedelta(hours=24)
    test_every: timedelta = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Shift:
    """`who` (a user) has the watch from `begins` to `ends`, reached at `contact` (a recipient). `by` entered
    it."""

    id: str
    watch: str
    who: str
    contact: str
    begins: datetime
    ends: datetime
    by: str
    status: str = "planned"
    reasons: tuple[Reason, ...] = ()

    def __post_init__(self) -> None:
        sound(self)
        one_of(self.status, SHIFT_STATUSES, "shift.status")
        if self.status == "planned" and not self.begins < self.ends:
            raise InvalidValue(
                "a shift ends after it begins",
                where="shift.ends",
                found=self.ends.isoformat(),
                expected=f"after {self.begins.isoformat()}",
            )

    def covers(self, at: datetime) -> bool:
        """On duty at that instant."""
        return self.status == "planned" and self.begins <= at < self.ends


@dataclass(frozen=True, slots=True)
class WatchState:
    """How a watch stands since `since`: `status`, who is on duty, and why."""

    id: str
    watch: str
    status: str
    since: datetime
    who: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()

    def __post_init__(self) -> None:
        sound(self)
        one_of(self.status, WATCH_STATUSES, "watch.status")
