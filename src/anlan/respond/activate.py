"""Opening an incident: response level from the plan, tasks with clocks, reports owed by law."""

from __future__ import annotations

from datetime import datetime

from anlan.formats.values import short_id
from anlan.model.assessment import Assessment
from anlan.model.errors import WrongState
from anlan.model.incident import Incident, Report, Task
from anlan.model.law import ReportingDuty
from anlan.model.pack import Pack
from anlan.model.plan import Plan
from anlan.model.state import State
from anlan.packs.resolve import competent, duties_for


def open_incident(risk: str, state: State) -> Incident | None:
    """The risk's incident that is still open, or None."""
    return next((i for i in state.incidents.values() if i.risk == risk and i.status == "open"), None)


def activate(
    thread: Assessment, plan: Plan, warning_level: int, by: str, pack: Pack, state: State, now: datetime
) -> tuple[Incident, list[Task], list[Report]]:
    """The incident, its tasks and the reports owed. NotAllowed, with the article, where the lead has
    no power to activate; WrongState when one is open already."""
    if open_incident(thread.id, state) is not None:
        raise WrongState("an incident of this risk is open", where=thread.id)
    level = plan.response[str(warning_level)]
    power = competent(pack, "respond", plan.lead, thread.hazard, level, thread.place, now)
    incident = Incident(
        id=short_id("I", thread.id, now.isoformat()),
        risk=thread.id,
        title=thread.title,
        hazard=thread.hazard,
        place=thread.place,
        plan=plan.id,
        level=level,
        lead=plan.lead,
        basis=power.basis,
        opened=now,
        by=by,
    )
    tasks = [
        Task(
            id=short_id("T", incident.id, item.id),
            incident=incident.id,
            risk=incident.risk,
            plan_task=item.id,
            title=item.title,
            owner=item.owner,
            opened=now,
            due=now + item.within,
            basis=item.basis or plan.basis,
        )
        for item in plan.tasks
        if not item.levels or level in item.levels
    ]
    reports = [
        owed(duty, incident, now, 0)
        for duty in duties_for(pack, thread.hazard, level, thread.place, now)
        if duty.clock_starts == "incident_opened"
    ]
    return incident, tasks, reports


def owed(duty: ReportingDuty, incident: Incident, clock: datetime, number: int) -> Report:
    """The report that a duty asks for, its clock started at `clock`; `number` counts follow-ups."""
    wait = duty.limit if number == 0 or duty.every is None else duty.every
    return Report(
        id=short_id("P", incident.id, duty.id, str(number)),
        incident=incident.id,
        risk=incident.risk,
        duty=duty.id,
        kind=duty.kind,
        title=duty.title,
        to=duty.to,
        due=clock + wait,
        basis=duty.basis,
    )
