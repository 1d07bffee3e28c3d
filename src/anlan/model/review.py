"""A review: what happened when, how good the warning was, what was learnt."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from anlan.model.checks import one_of, sound
from anlan.model.text import Text


@dataclass(frozen=True, slots=True)
class Milestone:
    """One hop of the thread: `since_previous` is the time from the hop before (None for the first)."""

    stage: str
    what: Text
    at: datetime
    subject: str
    since_previous: timedelta | None = None

    def __post_init__(self) -> None:
        sound(self)


@dataclass(frozen=True, slots=True)
class Scores:
    """A two-by-two verification over the rule's record. POD = hits / (hits + misses), FAR = false
    alarms / (hits + false alarms), CSI = hits / (hits + misses + false alarms); None where the
    denominator is 0. `lead` is the median time from first finding to the event's start (negative:
    the finding came after the start)."""

    rule: str
    hits: int
    misses: int
    false_alarms: int
    pod: float | None
    far: float | None
    csi: float | None
    lead: timedelta | None

    def __post_init__(self) -> None:
        sound(self)


@dataclass(frozen=True, slots=True)
class Lesson:
    """A lesson as an item of work. `status`: open, done."""

    id: str
    risk: str
    text: Text
    owner: str
    due: datetime
    status: str = "open"
    done: datetime | None = None

    def __post_init__(self) -> None:
        sound(self)
        one_of(self.status, ("open", "done"), "lesson.status")


@dataclass(frozen=True, slots=True)
class Review:
    """`outcome`: hit (warned, and the event came), false_alarm (warned, and it did not), miss (it came
    unwarned), unknown (nothing was sent and nothing came, or an event may still come). `event` is the
    id of the known event matched, if any; `lead` from the first published warning to the event's start
    or peak."""

    id: str
    risk: str
    incident: str
    made: datetime
    timeline: tuple[Milestone, ...]
    outcome: str
    event: str
    lead: timedelta | None
    scores: tuple[Scores, ...]
    lessons: tuple[str, ...]
    tasks_done: int
    tasks_late: int
    reports_filed: int
    reports_late: int

    def __post_init__(self) -> None:
        sound(self)
        one_of(self.outcome, ("hit", "false_alarm", "miss", "unknown"), "review.outcome")
