"""Acts on a warning: submit, approve, return, reject, update, cancel."""

from __future__ import annotations

from collections.abc import Mapping

from anlan.flow import Turn, publish
from anlan.model.domain import level
from anlan.model.errors import InvalidValue, NotFound, WrongState
from anlan.model.reason import Reason
from anlan.model.text import Text
from anlan.model.time import parse_instant
from anlan.model.user import User
from anlan.model.warning import Warning
from anlan.packs.resolve import competent
from anlan.warn import approve as approval
from anlan.warn.decide import PENDING, in_force
from anlan.warn.draft import cancel, revise


def found(turn: Turn, id: str) -> Warning:
    """The warning, or NotFound."""
    try:
        return turn.state.warnings[id]
    except KeyError:
        raise NotFound("no such warning", where="warning", found=id) from None


def submit(turn: Turn, user: User, id: str, fields: Mapping[str, str]) -> None:
    after = approval.submit(found(turn, id), user, turn.now)
    turn.put("warning.submitted", after, after.risk, (id,), user.name)


def approve(turn: Turn, user: User, id: str, fields: Mapping[str, str]) -> None:
    """The second person: from here the message leaves."""
    publish(turn, approval.approve(found(turn, id), user, turn.pack, turn.now), user.name)


def send_back(turn: Turn, user: User, id: str, fields: Mapping[str, str]) -> None:
    after = approval.send_back(found(turn, id), user, fields.get("reason", ""), "returned")
    turn.put("warning.returned", after, after.risk, (id,), user.name, after.reasons[-1])


def reject(turn: Turn, user: User, id: str, fields: Mapping[str, str]) -> None:
    after = approval.send_back(found(turn, id), user, fields.get("reason", ""), "rejected")
    turn.put("warning.rejected", after, after.risk, (id,), user.name, after.reasons[-1])


def update(turn: Turn, user: User, id: str, fields: Mapping[str, str]) -> None:
    """A new draft in the chain with another level or end; it goes through both persons again. The
    mode (Actual, Exercise, Test) never changes along a chain."""
    head = _head(turn, id)
    to = _level(fields.get("level", ""), head.level)
    expires = parse_instant(fields["expires"], "expires") if fields.get("expires") else head.expires
    if expires <= turn.now:
        raise WrongState(
            "the new end lies in the past",
            where="expires",
            found=expires.isoformat(),
            expected=f"after {turn.now.isoformat()}",
        )
    for place in head.places:
        competent(turn.pack, "warn", head.organ, head.hazard, to, place, turn.now, head.scope)
    if (to, expires) == (head.level, head.expires):
        raise WrongState("an update changes the level or the end", where=id, found=f"level {to}, same end")
    code = "raised" if to < head.level else "lowered" if to > head.level else "extended"
    note = fields.get("reason", "").strip() or code
    plan = turn.pack.plans[head.plan]
    reason = Reason(code, Text(note, note))
    draft = revise(head, to, expires, plan, turn.state, turn.pack, turn.now, reason, user.name)
    turn.put("warning.drafted", draft, draft.risk, (id,), user.name, draft.reasons[-1])


def lift(turn: Turn, user: User, id: str, fields: Mapping[str, str]) -> None:
    """The draft that cancels the message in force."""
    head = _head(turn, id)
    note = fields.get("reason", "").strip() or "the danger is over"
    plan = turn.pack.plans[head.plan]
    reason = Reason("cancelled", Text(note, note))
    draft = cancel(head, plan, turn.pack, turn.now, reason, user.name)
    turn.put("warning.drafted", draft, draft.risk, (id,), user.name, draft.reasons[-1])


def _head(turn: Turn, id: str) -> Warning:
    warning = found(turn, id)
    head = in_force(warning.risk, turn.state, turn.now)
    if head is None or head.id != id:
        raise WrongState(
            "only the message in force can be followed by another",
            where=id,
            found=warning.status,
            expected=head.id if head else "nothing is in force",
        )
    pending = [w.id for w in turn.state.warnings.values() if w.risk == head.risk and w.status in PENDING]
    if pending:
        raise WrongState(
            "another message of this risk waits for approval",
            where=id,
            found=", ".join(pending),
            mend="approve or reject it first",
        )
    return head


def _level(text: str, default: int) -> int:
    if not text:
        return default
    if not text.isdigit():
        raise InvalidValue("no such level", where="level", found=repr(text), expected="1 to 4")
    return level(int(text))
