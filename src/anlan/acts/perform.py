"""The table of acts: a name, what it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from anlan.acts import assessments, responses, warnings
from anlan.acts.access import require
from anlan.flow import Turn
from anlan.model.errors import NotFound
from anlan.model.user import User

Act = Callable[[Turn, User, str, Mapping[str, str]], None]

ACTS: dict[str, Act] = {
    "assessment.confirm": assessments.confirm,
    "assessment.watch": assessments.watch,
    "assessment.dismiss": assessments.dismiss,
    "assessment.merge": assessments.merge,
    "assessment.split": assessments.split,
    "assessment.finalise": assessments.finalise,
    "warning.submit": warnings.submit,
    "warning.approve": warnings.approve,
    "warning.return": warnings.send_back,
    "warning.reject": warnings.reject,
    "warning.update": warnings.update,
    "warning.cancel": warnings.lift,
    "delivery.answer": responses.answer,
    "task.done": responses.task_done,
    "report.file": responses.report_file,
    "incident.open": responses.incident_open,
    "incident.stand_down": responses.stand_down,
    "lesson.done": responses.lesson_done,
    "handover": responses.handover,
}


def perform(turn: Turn, user: User, act: str, subject: str, fields: Mapping[str, str]) -> None:
    """One act within a turn; the caller commits. NotAllowed when the user's roles do not reach every
    place it is about. An act that fails leaves the turn and the state as they were."""
    try:
        does = ACTS[act]
    except KeyError:
        raise NotFound("no such act", where="act", found=act, expected=", ".join(sorted(ACTS))) from None
    require(user, act, places_of(turn, act, subject, fields), turn.pack, turn.now)
    drafts, touched = len(turn.drafts), dict(turn.touched)
    try:
        does(turn, user, subject, fields)
    except BaseException:
        turn.take_back(drafts)
        turn.touched = touched
        raise


def places_of(turn: Turn, act: str, subject: str, fields: Mapping[str, str]) -> tuple[str, ...]:
    """The places that an act is about: those a warning warns, the thread's for everything else, both
    threads' for a merge. None where it has none (a handover, or a subject that nobody knows)."""
    state = turn.state
    if subject in state.warnings:
        return state.warnings[subject].places
    risk = subject
    for table in (state.deliveries, state.incidents, state.tasks, state.reports, state.lessons):
        if subject in table:
            risk = table[subject].risk
    risks = [risk, fields.get("into", "")] if act == "assessment.merge" else [risk]
    return tuple(dict.fromkeys(state.assessments[r].place for r in risks if r in state.assessments))
