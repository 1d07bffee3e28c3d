"""Running clocks: tasks and reports that are done, late or owed again."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from anlan.model.errors import WrongState
from anlan.model.incident import Report, Task
from anlan.model.pack import Pack
from anlan.model.state import State
from anlan.respond.activate import owed

#: "at once" in a statute gives no figure: a report owed at once is late after this. A working value.
AT_ONCE = timedelta(minutes=15)


def overdue(state: State, now: datetime) -> list[Task | Report]:
    """Everything whose clock has run out and is not marked yet."""
    late: list[Task | Report] = [
        replace(task, status="overdue")
        for task in state.tasks.values()
        if task.status == "open" and task.due < now
    ]
    late += [
        replace(report, status="late")
        for report in state.reports.values()
        if report.status == "owed" and late_after(report, state) < now
    ]
    return late


def next_due(state: State) -> datetime | None:
    """When the next open clock runs out."""
    times = [t.due for t in state.tasks.values() if t.status == "open"]
    times += [late_after(r, state) for r in state.reports.values() if r.status == "owed"]
    return min(times, default=None)


def late_after(report: Report, state: State) -> datetime:
    """When the report is late: its due time, or a little after the opening where it is owed at once."""
    opened = state.incidents[report.incident].opened
    return max(report.due, opened + AT_ONCE)


def complete(task: Task, by: str, note: str, now: datetime) -> Task:
    """Done, in time or late: `done` against `due` tells."""
    if task.status not in ("open", "overdue"):
        raise WrongState("the task is not open", where=task.id, found=task.status)
    return replace(task, status="done", done=now, by=by, note=note)


def file(report: Report, by: str, text: str, pack: Pack, state: State, now: datetime) -> list[Report]:
    """The filed report, and the next one where the duty repeats while the incident is open."""
    if report.filed is not None:
        raise WrongState("already filed", where=report.id, found=report.filed.isoformat())
    filed = replace(
        report, filed=now, by=by, text=text, status="filed" if now <= late_after(report, state) else "late"
    )
    duty = pack.duties[report.duty]
    incident = state.incidents[report.incident]
    if duty.every is None or incident.status != "open":
        return [filed]
    number = sum(1 for r in state.reports.values() if r.incident == incident.id and r.duty == duty.id)
    return [filed, owed(duty, incident, now, number)]
