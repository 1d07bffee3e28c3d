"""An incident: tasks, reports owed, and stand-down."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

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


@dataclass(frozen=True, slots=True)
class Report:
    """A report owed by a ReportingDuty. `status`: owed, filed, late."""

    id: str
    incident: str
    risk: str
    duty: str
    kind: str
    title: Text
    to: str
    due: datetime
    basis: str
    status: str = "owed"
    filed: datetime | None = None
    by: str = ""
    text: str = ""


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
