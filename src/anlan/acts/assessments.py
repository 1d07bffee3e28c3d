"""Acts of the analyst on a thread."""

from __future__ import annotations

from collections.abc import Mapping

from anlan.assess import thread as threads
from anlan.flow import review, warn
from anlan.model.assessment import Assessment
from anlan.model.domain import level as checked
from anlan.model.errors import InvalidValue, NotFound, WrongState
from anlan.model.text import Text
from anlan.model.user import User
from anlan.respond.activate import open_incident
from anlan.turn import Turn
from anlan.warn.decide import in_force


def found(turn: Turn, id: str) -> Assessment:
    """The thread, or NotFound."""
    try:
        return turn.state.assessments[id]
    except KeyError:
        raise NotFound("no such risk", where="risk", found=id) from None


def opened(turn: Turn, user: User, fields: Mapping[str, str]) -> Assessment:
    """A risk opened by a person with their assessment of it, journalled."""
    hazard, place = fields.get("hazard", "").strip(), fields.get("place", "").strip()
    title = fields.get("title", "").strip()
    said = Text(title, title) if title else None
    fresh = threads.open_by(hazard, place, said, user.name, turn.pack, turn.state, turn.now)
    turn.put("assessment.opened", fresh, fresh.id, actor=user.name, why=fresh.reasons[-1])
    level, cell = _judged(turn, fresh, fields)
    note = fields.get("reason", "").strip()
    judged = threads.judge(fresh, level, cell, turn.state, user.name, note, turn.now)
    turn.put("assessment.judged", judged, fresh.id, actor=user.name, why=judged.reasons[-1])
    return judged


def open_risk(turn: Turn, user: User, id: str, fields: Mapping[str, str]) -> None:
    """A risk that a person knows of: nothing was found, somebody rang."""
    if id:
        raise NotFound("no such risk", where="risk", found=id, expected="none: the act opens one")
    thread = opened(turn, user, fields)
    turn.touched[thread.id] = None
    warn(turn)


def judge(turn: Turn, user: User, id: str, fields: Mapping[str, str]) -> None:
    """A person's own level beside those of the findings, set outright or read off the matrix; empty or 0
    takes it back."""
    thread = found(turn, id)
    level, cell = _judged(turn, thread, fields)
    after = threads.judge(thread, level, cell, turn.state, user.name, fields.get("reason", ""), turn.now)
    turn.put("assessment.judged", after, id, actor=user.name, why=after.reasons[-1])
    turn.touched[id] = None
    warn(turn)


def _judged(turn: Turn, thread: Assessment, fields: Mapping[str, str]) -> tuple[int | None, str]:
    """(level, cell): from severity and certainty where both are given, else the level itself."""
    severity, certainty = fields.get("severity", "").strip(), fields.get("certainty", "").strip()
    text = fields.get("level", "").strip()
    if severity or certainty:
        matrix = turn.pack.matrix_for(thread.hazard, thread.place, turn.now)
        if matrix is None:
            raise NotFound("no risk matrix for this hazard here", where=thread.place, found=thread.hazard)
        cell = matrix.cell(certainty, severity)
        if text not in ("", str(cell.level or 0)):
            raise WrongState(
                "the level is not that of the matrix",
                where=f"matrix {matrix.id}",
                found=text,
                expected=str(cell.level or "no level"),
            )
        return cell.level, f"{matrix.id}/{certainty}/{severity}"
    if text in ("", "0"):
        return None, ""
    if not text.isdecimal():
        raise InvalidValue("no such level", where="level", found=repr(text), expected="1 to 4, or 0 for none")
    return checked(int(text)), ""


def confirm(turn: Turn, user: User, id: str, fields: Mapping[str, str]) -> None:
    after = threads.confirm(found(turn, id), user.name, fields.get("reason", ""), turn.now)
    turn.put("assessment.confirmed", after, id, actor=user.name)


def watch(turn: Turn, user: User, id: str, fields: Mapping[str, str]) -> None:
    after = threads.watch(found(turn, id), user.name, fields.get("reason", ""), turn.now)
    turn.put("assessment.watched", after, id, actor=user.name, why=after.reasons[-1])


def dismiss(turn: Turn, user: User, id: str, fields: Mapping[str, str]) -> None:
    after = threads.dismiss(found(turn, id), user.name, fields.get("reason", ""), turn.now)
    turn.put("assessment.dismissed", after, id, actor=user.name, why=after.reasons[-1])
    turn.touched[id] = None
    warn(turn)


def merge(turn: Turn, user: User, id: str, fields: Mapping[str, str]) -> None:
    into = found(turn, fields.get("into", ""))
    gone, kept = threads.merge(
        found(turn, id), into, turn.state, user.name, fields.get("reason", ""), turn.now
    )
    turn.put("assessment.merged", gone, id, (kept.id,), user.name, gone.reasons[-1])
    turn.put("assessment.took_in", kept, kept.id, (gone.id,), user.name, kept.reasons[-1])
    turn.touched.update({kept.id: None, id: None})
    warn(turn)


def split(turn: Turn, user: User, id: str, fields: Mapping[str, str]) -> None:
    named = tuple(fields.get("findings", "").split())
    kept, fresh = threads.split(
        found(turn, id), named, turn.state, turn.pack, user.name, fields.get("reason", ""), turn.now
    )
    turn.put("assessment.split", kept, id, (fresh.id,), user.name, kept.reasons[-1])
    turn.put("assessment.opened", fresh, fresh.id, (id,), user.name)
    turn.touched.update({kept.id: None, fresh.id: None})
    warn(turn)


def finalise(turn: Turn, user: User, id: str, fields: Mapping[str, str]) -> None:
    """The thread's last word, followed by its review. What still runs (a message in force, a response)
    is ended first, each by its own act."""
    thread = found(turn, id)
    head = in_force(id, turn.state, turn.now)
    running = head or open_incident(id, turn.state)
    if running is not None:
        raise WrongState(
            "the risk still has a message in force" if head else "the response is still open",
            where=id,
            found=running.id,
            mend="cancel the warning first" if head else "stand the response down first",
        )
    after = threads.finalise(thread, user.name, fields.get("reason", ""), turn.now)
    turn.put("assessment.finalised", after, id, actor=user.name, why=after.reasons[-1])
    turn.touched[id] = None
    warn(turn)
    review(turn, after, user.name)
