"""The table of acts: a name, what it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from anlan.acts import assessments, responses, silences, warnings
from anlan.acts.access import require
from anlan.model.errors import NotFound
from anlan.model.user import User
from anlan.turn import Turn
from anlan.warn import approve as approval
from anlan.warn.silence import parse_names, roots

Act = Callable[[Turn, User, str, Mapping[str, str]], None]

ACTS: dict[str, Act] = {
    "assessment.confirm": assessments.confirm,
    "assessment.watch": assessments.watch,
    "assessment.dismiss": assessments.dismiss,
    "assessment.merge": assessments.merge,
    "assessment.split": assessments.split,
    "assessment.finalise": assessments.finalise,
    "assessment.open": assessments.open_risk,
    "assessment.judge": assessments.judge,
    "warning.compose": warnings.compose,
    "warning.edit": warnings.edit,
    "warning.submit": warnings.submit,
    "warning.approve": warnings.approve,
    "warning.return": warnings.send_back,
    "warning.reject": warnings.reject,
    "warning.update": warnings.update,
    "warning.raise": warnings.raise_level,
    "warning.lower": warnings.lower_level,
    "warning.extend": warnings.extend,
    "warning.correct": warnings.correct,
    "warning.cancel": warnings.lift,
    "warning.all_clear": warnings.all_clear,
    "delivery.answer": responses.answer,
    "delivery.send_again": responses.send_again,
    "shift.add": responses.shift_add,
    "shift.remove": responses.shift_remove,
    "shift.test": responses.shift_test,
    "task.done": responses.task_done,
    "report.file": responses.report_file,
    "incident.open": responses.incident_open,
    "incident.stand_down": responses.stand_down,
    "lesson.done": responses.lesson_done,
    "handover": responses.handover,
    "silence.set": silences.set_silence,
    "silence.lift": silences.lift,
}


#: acts that name places of their own
WRITING = ("assessment.open", "warning.compose", "warning.edit", "warning.correct")


def perform(turn: Turn, user: User, act: str, subject: str, fields: Mapping[str, str]) -> None:
    """One act within a turn; the caller commits. NotAllowed when the user's roles do not reach every
    place it is about. An act that fails leaves the turn and the state as they were."""
    try:
        does = ACTS[act]
    except KeyError:
        raise NotFound("no such act", where="act", found=act, expected=", ".join(sorted(ACTS))) from None
    about = places_of(turn, act, subject, fields)
    require(user, act, [place for place in about if place in turn.pack.places], turn.pack, turn.now)
    for place in _named(fields) if act in WRITING else ():
        # a slip of the pen is no lack of power
        turn.pack.place(place, turn.now)
    drafts, touched = len(turn.drafts), dict(turn.touched)
    try:
        does(turn, user, subject, fields)
    except BaseException:
        turn.take_back(drafts)
        turn.touched = touched
        raise


def approvable(turn: Turn, user: User, id: str, fields: Mapping[str, str]) -> None:
    """NotAllowed or WrongState where an approval would be refused whatever code is shown; nothing is done."""
    require(user, "warning.approve", places_of(turn, "warning.approve", id, fields), turn.pack, turn.now)
    approval.approve(warnings.found(turn, id), user, turn.pack, turn.now, turn.proof)


def _named(fields: Mapping[str, str]) -> list[str]:
    """The places that a form of words names."""
    listed = fields.get("places", "").replace(",", " ").split()
    return list(filter(None, [*listed, fields.get("place", "").strip()]))


def places_of(turn: Turn, act: str, subject: str, fields: Mapping[str, str]) -> tuple[str, ...]:
    """The places that an act is about: those a warning warns, the thread's for everything else, both
    threads' for a merge. None where it has none (a handover, or a subject that nobody knows)."""
    state = turn.state
    if act == "silence.set":
        return parse_names(fields.get("places", "")) or roots(turn.pack, turn.now)
    if subject in state.silences:
        return state.silences[subject].places
    if act in WRITING:
        own = state.warnings[subject].places if subject in state.warnings else ()
        risk_at = (state.assessments[subject].place,) if subject in state.assessments else ()
        return tuple(dict.fromkeys(place for place in (*own, *risk_at, *_named(fields)) if place))
    if subject in state.warnings:
        return state.warnings[subject].places
    watch = state.shifts[subject].watch if subject in state.shifts else subject
    if watch in turn.pack.watches and act.startswith("shift."):
        return (turn.pack.watches[watch].place,)
    risk = subject
    for table in (state.deliveries, state.incidents, state.tasks, state.reports, state.lessons):
        if subject in table:
            risk = table[subject].risk
    risks = [risk, fields.get("into", "")] if act == "assessment.merge" else [risk]
    return tuple(dict.fromkeys(state.assessments[r].place for r in risks if r in state.assessments))
