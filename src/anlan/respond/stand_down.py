"""The end of a response, with its own record."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from anlan.formats.values import short_id
from anlan.model.errors import NotAllowed, WrongState
from anlan.model.incident import Incident, Report, StandDown, Task
from anlan.model.pack import Pack
from anlan.model.reason import Reason
from anlan.model.state import State
from anlan.model.text import Text
from anlan.model.user import User
from anlan.packs.resolve import competent, duties_for
from anlan.respond.activate import owed


def stand_down(
    incident: Incident, user: User, note: str, pack: Pack, state: State, now: datetime
) -> tuple[Incident, StandDown, list[Task], list[Report]]:
    """Incident closed, the record, tasks left open (cancelled, visible), and reports: follow-ups that
    were to come (dropped, visible; what was due already stays owed), then those that the end owes.
    Only the lead organ may, on its power to respond; a reason in words is required."""
    if incident.status != "open":
        raise WrongState("the incident is not open", where=incident.id, found=incident.status)
    if user.organ != incident.lead:
        raise NotAllowed(
            f"{user.name} acts for {user.organ or 'no organ'}; the response is led by {incident.lead}",
            where=incident.id,
            basis=incident.basis,
        )
    if not note.strip():
        raise WrongState("a reason in words is required", where=incident.id, found="an empty note")
    power = competent(pack, "respond", user.organ, incident.hazard, incident.level, incident.place, now)
    reason = Reason("stood_down", Text(note, note), power.basis)
    tasks = [t for t in state.tasks.values() if t.incident == incident.id]
    left = [t for t in tasks if t.status in ("open", "overdue")]
    record = StandDown(
        id=short_id("S", incident.id),
        incident=incident.id,
        risk=incident.risk,
        at=now,
        by=user.name,
        organ=user.organ,
        basis=power.basis,
        reason=reason,
        tasks_done=sum(1 for t in tasks if t.status == "done"),
        tasks_open=len(left),
    )
    closed = replace(
        incident,
        status="stood_down",
        stood_down=now,
        stood_down_by=user.name,
        reasons=(*incident.reasons, reason),
    )
    dropped = [replace(t, status="cancelled", note="left open at stand-down") for t in left]
    reports = [
        replace(report, status="dropped")
        for report in state.reports.values()
        if report.incident == incident.id
        and report.kind == "followup"
        and report.status == "owed"
        and report.due > now
    ]
    reports += [
        owed(duty, incident.id, incident.risk, incident.id, now)
        for duty in duties_for(pack, incident.hazard, incident.level, incident.place, now)
        if duty.clock_starts == "response_ended"
    ]
    return closed, record, dropped, reports
