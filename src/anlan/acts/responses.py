"""Acts on deliveries, incidents, tasks, reports and lessons; the handover of a shift."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from anlan.acts import assessments
from anlan.assess.thread import LIVE
from anlan.flow import keep_watch, take_response
from anlan.formats.values import short_id
from anlan.model.entry import Handover
from anlan.model.errors import NotAllowed, NotFound, WrongState
from anlan.model.time import parse_instant
from anlan.model.user import User
from anlan.respond import clocks
from anlan.respond.activate import activate
from anlan.respond.stand_down import stand_down as end_response
from anlan.review.make import lesson_done as done_lesson
from anlan.turn import Turn
from anlan.warn import contact, ladder, roster

T = TypeVar("T")


def _found(table: Mapping[str, T], id: str, noun: str) -> T:
    try:
        return table[id]
    except KeyError:
        raise NotFound(f"no such {noun}", where=noun, found=id) from None


def answer(turn: Turn, user: User, id: str, fields: Mapping[str, str]) -> None:
    delivery = _found(turn.state.deliveries, id, "delivery")
    after = ladder.answer(delivery, user.name, fields.get("answer", ""), turn.now)
    turn.put("delivery.answered", after, after.risk, (after.warning,), user.name)


def send_again(turn: Turn, user: User, id: str, fields: Mapping[str, str]) -> None:
    """The same message to the same recipient once more, marked as a repeat."""
    delivery = _found(turn.state.deliveries, id, "delivery")
    warning = _found(turn.state.warnings, delivery.warning, "warning")
    after = ladder.send_again(delivery, warning, fields.get("reason", ""), turn.now)
    turn.put("delivery.due", after, after.risk, (after.warning,), user.name, after.reasons[-1])


def task_done(turn: Turn, user: User, id: str, fields: Mapping[str, str]) -> None:
    task = _found(turn.state.tasks, id, "task")
    after = clocks.complete(task, user.name, fields.get("note", ""), turn.now)
    turn.put("task.done", after, after.risk, (after.incident,), user.name)


def report_file(turn: Turn, user: User, id: str, fields: Mapping[str, str]) -> None:
    report = _found(turn.state.reports, id, "report")
    filed, *following = clocks.file(
        report, user.name, fields.get("text", ""), turn.pack, turn.state, turn.now
    )
    turn.put("report.filed", filed, filed.risk, (filed.incident,), user.name)
    for owed in following:
        turn.put("report.owed", owed, owed.risk, (filed.id,))


def incident_open(turn: Turn, user: User, id: str, fields: Mapping[str, str]) -> None:
    """A person opens an incident without waiting for a warning; `id` is the risk."""
    thread = assessments.found(turn, id)
    if thread.verdict not in LIVE:
        raise WrongState("the risk is not open", where=id, found=thread.verdict)
    plan = turn.pack.plan_for(thread.hazard, thread.place, turn.now)
    if plan is None:
        raise WrongState("no plan covers this hazard here", where=id, found=thread.hazard)
    level = thread.level or thread.highest or plan.opens_at
    opened = activate(thread, plan, level, user.name, turn.pack, turn.state, turn.now)
    if user.organ != plan.lead:
        raise NotAllowed(
            f"{user.name} acts for {user.organ or 'no organ'}; the plan's response is led by {plan.lead}",
            where=id,
            basis=opened[0].basis,
        )
    take_response(turn, "incident.opened", opened, (id,), user.name)


def stand_down(turn: Turn, user: User, id: str, fields: Mapping[str, str]) -> None:
    incident = _found(turn.state.incidents, id, "incident")
    closed, record, dropped, reports = end_response(
        incident, user, fields.get("reason", ""), turn.pack, turn.state, turn.now
    )
    turn.put("incident.stood_down", closed, closed.risk, (id,), user.name, record.reason)
    turn.put("stand_down.recorded", record, closed.risk, (id,), user.name)
    for task in dropped:
        turn.put("task.cancelled", task, task.risk, (record.id,), user.name)
    for report in reports:
        turn.put(f"report.{report.status}", report, report.risk, (record.id,), user.name)


def lesson_done(turn: Turn, user: User, id: str, fields: Mapping[str, str]) -> None:
    lesson = _found(turn.state.lessons, id, "lesson")
    turn.put("lesson.done", done_lesson(lesson, turn.now), lesson.risk, (id,), user.name)


def handover(turn: Turn, user: User, id: str, fields: Mapping[str, str]) -> None:
    """The shift handed over, with what the next must know; on a watch of the pack, to somebody whose contact
    works, or with a reason why not."""
    to, reason = fields.get("to", "").strip(), fields.get("reason", "")
    moved = roster.hand_over(user.name, to, reason, turn.state, turn.pack, turn.now)
    value = Handover(
        id=short_id("H", user.name, turn.now.isoformat()),
        by=user.name,
        to=fields.get("to", ""),
        note=fields.get("note", ""),
    )
    turn.put("handover.made", value, actor=user.name)
    for shift in moved:
        verb = "ended" if shift.status == "ended" else "begun"
        turn.put(f"shift.{verb}", shift, cause=(value.id,), actor=user.name)
    keep_watch(turn)


def shift_add(turn: Turn, user: User, id: str, fields: Mapping[str, str]) -> None:
    """Somebody on the roster of a watch; `id` is the watch."""
    _found(turn.pack.watches, id, "watch")
    shift = roster.add(
        id,
        fields.get("person", "").strip(),
        fields.get("contact", "").strip(),
        parse_instant(fields.get("begins", "").strip(), "begins"),
        parse_instant(fields.get("ends", "").strip(), "ends"),
        user.name,
        turn.pack,
        turn.now,
    )
    if shift.id in turn.state.shifts and turn.state.shifts[shift.id].status == "planned":
        raise WrongState("the shift is entered already", where=shift.id)
    turn.put("shift.planned", shift, actor=user.name)
    keep_watch(turn)


def shift_remove(turn: Turn, user: User, id: str, fields: Mapping[str, str]) -> None:
    after = roster.remove(_found(turn.state.shifts, id, "shift"), fields.get("reason", ""))
    turn.put("shift.removed", after, actor=user.name, why=after.reasons[-1])
    keep_watch(turn)


def shift_test(turn: Turn, user: User, id: str, _fields: Mapping[str, str]) -> None:
    """A test message to the contact of a shift."""
    shift = _found(turn.state.shifts, id, "shift")
    to = _found(turn.pack.recipients, shift.contact, "recipient")
    public = turn.house.channel(to.channel).public
    test, copy = contact.begin(shift.contact, user.name, public, turn.state, turn.pack, turn.now)
    turn.put("contact.tested", test, actor=user.name)
    turn.put("delivery.due", copy, cause=(test.id,), actor=user.name)
