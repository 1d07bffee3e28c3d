"""Acts of the analyst on a thread."""

from __future__ import annotations

from collections.abc import Mapping

from anlan.assess import thread as threads
from anlan.flow import Turn, review, warn
from anlan.model.assessment import Assessment
from anlan.model.errors import NotFound, WrongState
from anlan.model.user import User
from anlan.respond.activate import open_incident
from anlan.warn.decide import in_force


def found(turn: Turn, id: str) -> Assessment:
    """The thread, or NotFound."""
    try:
        return turn.state.assessments[id]
    except KeyError:
        raise NotFound("no such risk", where="risk", found=id) from None


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
