"""Running clocks: tasks and reports that are done, late or owed again."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from anlan.model.errors import WrongState
from anlan.model.incident import Report, Task
from anlan.model.pack import Pack
from anlan.model.state import State
from anlan.respond.activate import owed


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
        if report.status == "owed" and report.due < now
    ]
    return late


def next_due(state: State) -> datetime | None:
    """When the next open clock runs out."""
    times = [t.due for t in state.tasks.values() if t.status == "open"]
    times += [r.due for r in state.reports.values() if r.status == "owed"]
    return min(times, default=None)


def complete(task: Task, by: str, note: str, now: datetime) -> Task:
    """Done, in time or late: `done` against `due` tells."""
    if task.status not in ("open", "overdue"):
        raise WrongState("the task is not open", where=task.id, found=task.status)
    return replace(task, status="done", done=now, by=by, note=note)


def file(report: Report, by: str, text: str, pack: Pack, state: State, now: datetime) -> list[Report]:
    """The filed report, and the next one where the duty repeats while the incident is open."""
    if report.status == "dropped" or report.filed is not None:
        raise WrongState(
            "the report is not owed any more",
            where=report.id,
            found=report.filed.isoformat() if report.filed else report.status,
        )
    filed = replace(report, filed=now, by=by, text=text, status="filed" if now <= report.due else "late")
    duty = pack.duties.get(report.duty)
    incident = state.incidents.get(report.incident)
    if duty is None or duty.every is None or incident is None or incident.status != "open":
        return [filed]
    number = sum(1 for r in state.reports.values() if r.incident == incident.id and r.duty == duty.id)
    return [filed, owed(duty, incident.id, incident.risk, incident.id, now, number)]
