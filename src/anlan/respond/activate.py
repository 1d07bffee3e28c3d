"""Opening an incident: response level from the plan, tasks with clocks, reports owed by law."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from anlan.formats.values import short_id
from anlan.model.assessment import Assessment
from anlan.model.errors import WrongState
from anlan.model.incident import Incident, Report, Task
from anlan.model.law import ReportingDuty
from anlan.model.pack import Pack
from anlan.model.plan import Plan
from anlan.model.reason import Reason
from anlan.model.state import State
from anlan.model.text import Text
from anlan.model.warning import Warning
from anlan.packs.resolve import competent, duties_for


def open_incident(risk: str, state: State) -> Incident | None:
    """The risk's incident that is still open, or None."""
    return next((i for i in state.incidents.values() if i.risk == risk and i.status == "open"), None)


#: "at once" in a statute gives no figure: a report owed at once is due after this. A working value.
AT_ONCE = timedelta(minutes=15)


def response_level(plan: Plan, warning_level: int) -> int:
    """From the plan's map; a level milder than any it names gets its mildest response."""
    return plan.response.get(str(warning_level), max(plan.response.values(), default=warning_level))


def activate(
    thread: Assessment, plan: Plan, warning_level: int, by: str, pack: Pack, state: State, now: datetime
) -> tuple[Incident, list[Task], list[Report]]:
    """The incident, its tasks and the reports owed. NotAllowed, with the article, where the lead has
    no power to activate; WrongState when one is open already."""
    if open_incident(thread.id, state) is not None:
        raise WrongState("an incident of this risk is open", where=thread.id)
    level = response_level(plan, warning_level)
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
    return incident, tasks(incident, plan, state, now), reports(incident, pack, state, now)


def escalate(
    incident: Incident, warning_level: int, by: str, pack: Pack, state: State, now: datetime
) -> tuple[Incident, list[Task], list[Report]] | None:
    """The incident at a more severe response level, with the tasks and reports that this adds; None
    where the level is not more severe (a response is never lowered, it is stood down). NotAllowed as
    for `activate`."""
    plan = pack.plans[incident.plan]
    level = response_level(plan, warning_level)
    if level >= incident.level:
        return None
    power = competent(pack, "respond", incident.lead, incident.hazard, level, incident.place, now)
    text = Text(f"response level {level}, by {by}", f"响应级别调整为 {level}（{by}）")
    reasons = (*incident.reasons, Reason("raised", text, power.basis))
    raised = replace(incident, level=level, basis=power.basis, reasons=reasons)
    return raised, tasks(raised, plan, state, now), reports(raised, pack, state, now)


def tasks(incident: Incident, plan: Plan, state: State, now: datetime) -> list[Task]:
    """The plan's tasks at the incident's level that it does not have yet."""
    found = [
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
        if not item.levels or incident.level in item.levels
    ]
    return [task for task in found if task.id not in state.tasks]


def reports(incident: Incident, pack: Pack, state: State, now: datetime) -> list[Report]:
    """The reports owed because the incident is open at its level, without those it has already."""
    found = [
        owed(duty, incident.id, incident.risk, incident.id, now)
        for duty in duties_for(pack, incident.hazard, incident.level, incident.place, now)
        if duty.clock_starts == "incident_opened"
    ]
    return [report for report in found if report.id not in state.reports]


def reports_of_warning(
    warning: Warning, thread: Assessment, plan: Plan, pack: Pack, state: State, now: datetime
) -> list[Report]:
    """The reports owed because a warning was issued or changed, whether a response runs or not; a cancel
    owes none."""
    if warning.change == "cancel":
        return []
    incident = open_incident(warning.risk, state)
    level = incident.level if incident else response_level(plan, warning.level)
    return [
        owed(duty, incident.id if incident else "", warning.risk, warning.id, now)
        for duty in duties_for(pack, warning.hazard, level, thread.place, now)
        if duty.clock_starts == "warning_issued"
    ]


def owed(
    duty: ReportingDuty, incident: str, risk: str, cause: str, clock: datetime, number: int = 0
) -> Report:
    """The report that a duty asks for because of `cause`, its clock started at `clock`; `number` counts
    follow-ups."""
    wait = duty.limit if number == 0 or duty.every is None else duty.every
    return Report(
        id=short_id("P", cause, duty.id, str(number)),
        incident=incident,
        risk=risk,
        duty=duty.id,
        kind=duty.kind,
        title=duty.title,
        to=duty.to,
        due=clock + max(wait, AT_ONCE),
        basis=duty.basis,
    )
