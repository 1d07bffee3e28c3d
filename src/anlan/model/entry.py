"""One row of the journal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from anlan.model.assessment import Assessment
from anlan.model.contact import ContactTest
from anlan.model.finding import Finding
from anlan.model.incident import Incident, Report, StandDown, Task
from anlan.model.mailing import Mailing
from anlan.model.mute import Mute, Silence
from anlan.model.notice import Digest, Notice
from anlan.model.relayed import Relayed
from anlan.model.review import Lesson, Review
from anlan.model.roster import Shift, WatchState
from anlan.model.sourcestate import SourceState
from anlan.model.text import Text
from anlan.model.warning import Delivery, Warning


@dataclass(frozen=True, slots=True)
class Handover:
    """A shift handed over: what the next duty officer has been told."""

    id: str
    by: str
    to: str
    note: str


@dataclass(frozen=True, slots=True)
class Marker:
    """A fact about the system itself: pack loaded, replay begun, mode changed, tick done."""

    id: str
    kind: str
    detail: str


Value: TypeAlias = (
    Finding
    | Assessment
    | Warning
    | Delivery
    | Mailing
    | Notice
    | Digest
    | Silence
    | Mute
    | Relayed
    | Incident
    | Task
    | Report
    | StandDown
    | Review
    | Lesson
    | SourceState
    | Shift
    | WatchState
    | ContactTest
    | Handover
    | Marker
)

NOUNS: dict[str, type] = {
    "finding": Finding,
    "assessment": Assessment,
    "warning": Warning,
    "delivery": Delivery,
    "mailing": Mailing,
    "notice": Notice,
    "digest": Digest,
    "silence": Silence,
    "mute": Mute,
    "relayed": Relayed,
    "incident": Incident,
    "task": Task,
    "report": Report,
    "stand_down": StandDown,
    "review": Review,
    "lesson": Lesson,
    "source": SourceState,
    "shift": Shift,
    "watch": WatchState,
    "contact": ContactTest,
    "handover": Handover,
    "marker": Marker,
}


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be journalled. `kind` is `<noun>.<verb>`, such as `warning.approved`; `value` is the
    whole new value of the subject; `cause` the ids it follows from; `actor` a user name or `system`."""

    kind: str
    subject: str
    risk: str
    actor: str
    value: Value
    cause: tuple[str, ...] = ()
    why: Text | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A journalled draft: `seq` from 1 without gaps, `at` the clock's instant, `digest` the SHA-256
    over the canonical JSON of the row including `previous`, the digest of the row before."""

    seq: int
    at: datetime
    kind: str
    subject: str
    risk: str
    actor: str
    value: Value
    cause: tuple[str, ...]
    why: Text | None
    previous: str
    digest: str
