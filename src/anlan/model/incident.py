"""An incident: tasks, reports owed, and stand-down."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from anlan.model.checks import one_of, sound
from anlan.model.domain import level
from anlan.model.reason import Reason
from anlan.model.text import Text


@dataclass(frozen=True, slots=True)
class Incident:
    """`status`: open, stood_down. `level` is the response level, from the plan. `by` is a warning id
    or a user name: what opened it. `basis` cites the power to activate."""

    id: str
    risk: str
    title: Text
    hazard: str
    place: str
    plan: str
    level: int
    lead: str
    basis: str
    opened: datetime
    by: str
    status: str = "open"
    stood_down: datetime | None = None
    stood_down_by: str = ""
    reasons: tuple[Reason, ...] = ()

    def __post_init__(self) -> None:
        sound(self)
        level(self.level, "incident.level")
        one_of(self.status, ("open", "stood_down"), "incident.status")


@dataclass(frozen=True, slots=True)
class Task:
    """`status`: open, done, overdue, cancelled. `warning` is what led to it."""

    id: str
    incident: str
    risk: str
    plan_task: str
    title: Text
    owner: str
    opened: datetime
    due: datetime
    basis: str = ""
    status: str = "open"
    done: datetime | None = None
    by: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        sound(self)
        one_of(self.status, ("open", "done", "overdue", "cancelled"), "task.status")


@dataclass(frozen=True, slots=True)
class Report:
    """A report owed by a ReportingDuty. `status`: owed, filed, late (not filed when it was due; it stays
    so when it is filed after all), dropped (a follow-up that the end of the response made pointless).
    `incident` is "" where a warning owes it and no incident is open."""

    id: str
    incident: str
    risk: str
    duty: str
    kind: str
    title: Text
    to: Text
    due: datetime
    basis: str
    status: str = "owed"
    filed: datetime | None = None
    by: str = ""
    text: str = ""

    def __post_init__(self) -> None:
        sound(self)
        one_of(self.status, ("owed", "filed", "late", "dropped"), "report.status")


@dataclass(frozen=True, slots=True)
class StandDown:
    """The record of the end of a response: why, by whom, on which power."""

    id: str
    incident: str
    risk: str
    at: datetime
    by: str
    organ: str
    basis: str
    reason: Reason
    tasks_done: int
    tasks_open: int

    def __post_init__(self) -> None:
        sound(self)
