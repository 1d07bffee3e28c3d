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
    """One act within a turn; the caller commits. NotAllowed when the user's roles do not reach it."""
    try:
        does = ACTS[act]
    except KeyError:
        raise NotFound("no such act", where="act", found=act, expected=", ".join(sorted(ACTS))) from None
    require(user, act, place_of(turn, subject), turn.pack, turn.now)
    does(turn, user, subject, fields)


def place_of(turn: Turn, subject: str) -> str | None:
    """The place that an act on `subject` is about; None where it has none (a handover)."""
    state = turn.state
    risk = subject
    for table in (
        state.warnings,
        state.deliveries,
        state.incidents,
        state.tasks,
        state.reports,
        state.lessons,
    ):
        if subject in table:
            risk = table[subject].risk
    thread = state.assessments.get(risk)
    return thread.place if thread else None
