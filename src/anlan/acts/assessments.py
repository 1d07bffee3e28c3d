"""Acts of the analyst on a thread."""

from __future__ import annotations

from collections.abc import Mapping

from anlan.assess import thread as threads
from anlan.flow import Turn, review, warn
from anlan.model.assessment import Assessment
from anlan.model.errors import NotFound
from anlan.model.user import User


def found(turn: Turn, id: str) -> Assessment:
    """The thread, or NotFound."""
    try:
        return turn.state.assessments[id]
    except KeyError:
        raise NotFound("no such risk", where="risk", found=id) from None


def confirm(turn: Turn, user: User, id: str, fields: Mapping[str, str]) -> None:
    after = threads.confirm(found(turn, id), user.name, fields.get("reason", ""), turn.now)
    turn.put("assessment.confirmed", after, id, actor=user.name)


def dismiss(turn: Turn, user: User, id: str, fields: Mapping[str, str]) -> None:
    after = threads.dismiss(found(turn, id), user.name, fields.get("reason", ""), turn.now)
    turn.put("assessment.dismissed", after, id, actor=user.name, why=after.reasons[-1])


def merge(turn: Turn, user: User, id: str, fields: Mapping[str, str]) -> None:
    into = found(turn, fields.get("into", ""))
    gone, kept = threads.merge(found(turn, id), into, user.name, fields.get("reason", ""), turn.now)
    turn.put("assessment.merged", gone, id, (kept.id,), user.name, gone.reasons[-1])
    turn.put("assessment.took_in", kept, kept.id, (gone.id,), user.name, kept.reasons[-1])
    turn.touched[kept.id] = None
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
    """The thread's last word, followed by its review."""
    after = threads.finalise(found(turn, id), user.name, fields.get("reason", ""), turn.now)
    turn.put("assessment.finalised", after, id, actor=user.name, why=after.reasons[-1])
    review(turn, after, user.name)
