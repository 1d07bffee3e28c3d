"""Acts on a warning: compose, edit, submit, approve, return, reject, and what follows a message in force:
update, raise, lower, extend, correct, cancel, all-clear. Each of the latter is a draft of its own, which
two persons send."""

from __future__ import annotations

from collections.abc import Mapping

from anlan.acts import assessments
from anlan.acts.access import require
from anlan.acts.wording import instant_of, read_wording
from anlan.assess.thread import LIVE, places
from anlan.flow import publish
from anlan.model.domain import level
from anlan.model.errors import InvalidValue, NotAllowed, NotFound, WrongState
from anlan.model.plan import Plan
from anlan.model.reason import Reason
from anlan.model.text import Text
from anlan.model.time import format_instant
from anlan.model.user import User
from anlan.model.warning import Warning
from anlan.turn import Turn
from anlan.warn import approve as approval
from anlan.warn import compose as compositions
from anlan.warn.compose import Wording
from anlan.warn.decide import PENDING, covers, in_force
from anlan.warn.draft import cancel, revise
from anlan.warn.issuer import Issuing, issuing


def found(turn: Turn, id: str) -> Warning:
    """The warning, or NotFound."""
    try:
        return turn.state.warnings[id]
    except KeyError:
        raise NotFound("no such warning", where="warning", found=id) from None


def submit(turn: Turn, user: User, id: str, fields: Mapping[str, str]) -> None:
    after = approval.submit(found(turn, id), user, turn.pack, turn.now)
    turn.put("warning.submitted", after, after.risk, (id,), user.name)


def approve(turn: Turn, user: User, id: str, fields: Mapping[str, str]) -> None:
    """The second person: from here the message leaves."""
    warning = found(turn, id)
    for earlier in warning.references:
        approval.same_mode(warning, turn.state.warnings.get(earlier))
    sent = approval.approve(warning, user, turn.pack, turn.now, turn.proof)
    publish(turn, sent, user.name)
    thread = turn.state.assessments[sent.risk]
    if sent.authors and thread.findings and sent.change != "cancel" and thread.verdict in LIVE:
        area = places(thread, turn.state, turn.pack, turn.now)
        if not covers(sent.places, area, turn.pack, turn.now):
            # what was found meanwhile beyond a person's area asks for its own draft now
            turn.touched[sent.risk] = None


def send_back(turn: Turn, user: User, id: str, fields: Mapping[str, str]) -> None:
    after = approval.send_back(found(turn, id), user, fields.get("reason", ""), "returned")
    turn.put("warning.returned", after, after.risk, (id,), user.name, after.reasons[-1])


def reject(turn: Turn, user: User, id: str, fields: Mapping[str, str]) -> None:
    before = found(turn, id)
    after = approval.send_back(before, user, fields.get("reason", ""), "rejected")
    turn.put("warning.rejected", after, after.risk, (id,), user.name, after.reasons[-1])
    if before.authors:
        # the system held its own draft back while a person was writing
        turn.touched[after.risk] = None


def compose(turn: Turn, user: User, id: str, fields: Mapping[str, str]) -> None:
    """A first message in a person's words: for the risk `id`, or, where that is "", for the hazard at the
    place that the fields name, whose risk is opened with this person's assessment."""
    thread = assessments.found(turn, id) if id else assessments.opened(turn, user, fields)
    if thread.verdict not in LIVE:
        raise WrongState("the risk is not open", where=thread.id, found=thread.verdict)
    head = in_force(thread.id, turn.state, turn.now)
    if head is not None:
        raise WrongState(
            "a message of this risk is in force already",
            where=thread.id,
            found=head.id,
            mend="update or correct that one",
        )
    _alone(turn, thread.id, thread.id)
    plan = plan_of(turn, thread.hazard, thread.place)
    wording = read_wording(fields, turn, thread.place, None)
    require(user, "warning.compose", wording.places, turn.pack, turn.now)
    issuer = issuer_of(turn, user, thread.hazard, wording)
    note = fields.get("reason", "").strip() or "composed by a person"
    mode = turn.house.status
    draft = compositions.compose(thread, wording, issuer, plan, turn.pack, turn.now, mode, user.name, note)
    _drafted(turn, user, draft, thread.id)


def edit(turn: Turn, user: User, id: str, fields: Mapping[str, str]) -> None:
    """The next version of a message that has not been sent, in this person's words too."""
    before = found(turn, id)
    approval.move(before, "draft")
    wording = read_wording(fields, turn, _place_of(turn, before), compositions.wording_of(before))
    require(user, "warning.edit", wording.places, turn.pack, turn.now)
    issuer = issuer_of(turn, user, before.hazard, wording, before.organ)
    note = fields.get("reason", "").strip() or "edited"
    plan = turn.pack.plans[before.plan]
    after = compositions.edit(before, wording, issuer, plan, turn.pack, turn.now, user.name, note)
    after = approval.ground_told(after, turn.pack, turn.now)
    turn.put("warning.edited", after, after.risk, (id,), user.name, after.reasons[-1])


def correct(turn: Turn, user: User, id: str, fields: Mapping[str, str]) -> None:
    """The draft that corrects the message in force."""
    head = _head(turn, id)
    plan = turn.pack.plans[head.plan]
    begin = compositions.correction(head, plan, turn.pack, turn.now, turn.house.zone)
    wording = read_wording(fields, turn, _place_of(turn, head), begin)
    require(user, "warning.correct", wording.places, turn.pack, turn.now)
    issuer = issuer_of(turn, user, head.hazard, wording, head.organ)
    note = fields.get("reason", "").strip()
    if not note:
        raise WrongState("a correction says what was wrong", where=id, found="an empty reason")
    draft = compositions.correct(head, wording, issuer, plan, turn.pack, turn.now, user.name, note)
    _drafted(turn, user, draft, id)


def update(turn: Turn, user: User, id: str, fields: Mapping[str, str]) -> None:
    """A new draft in the chain with another level or end; it goes through both persons again. The
    mode (Actual, Exercise, Test) never changes along a chain."""
    _revise(turn, user, id, fields, "update")


def raise_level(turn: Turn, user: User, id: str, fields: Mapping[str, str]) -> None:
    """To a more severe level, with the end that a first message of now would have where that is later."""
    _revise(turn, user, id, fields, "raise")


def lower_level(turn: Turn, user: User, id: str, fields: Mapping[str, str]) -> None:
    """To a less severe level, with the same end."""
    _revise(turn, user, id, fields, "lower")


def extend(turn: Turn, user: User, id: str, fields: Mapping[str, str]) -> None:
    """The same message with a later end."""
    _revise(turn, user, id, fields, "extend")


def _revise(turn: Turn, user: User, id: str, fields: Mapping[str, str], purpose: str) -> None:
    head = _head(turn, id)
    to = _level(fields.get("level", ""), head.level) if purpose != "extend" else head.level
    wanted = fields.get("expires", "") if purpose in ("update", "extend") else ""
    expires = instant_of(wanted, "expires") if wanted else head.expires
    plan = turn.pack.plans[head.plan]
    if expires <= turn.now:
        raise WrongState(
            "the new end lies in the past",
            where="expires",
            found=expires.isoformat(),
            expected=f"after {turn.now.isoformat()}",
        )
    compositions.plausible(head.contents.starts, expires, head.hazard, plan, turn.pack, turn.now)
    issuer = issuing(head.organ, head.hazard, to, head.places, turn.pack, turn.now)
    if not issuer.whole:
        refusal = issuer.refusals[0]
        raise NotAllowed(refusal.text.en, basis=refusal.basis, where=id)
    _of_organ(user, head)
    if (to, expires) == (head.level, head.expires):
        raise WrongState("an update changes the level or the end", where=id, found=f"level {to}, same end")
    if (purpose, to >= head.level) == ("raise", True) or (purpose, to <= head.level) == ("lower", True):
        wanted = "more severe" if purpose == "raise" else "less severe"
        raise WrongState(
            f"to {purpose} is to go to a {wanted} level",
            where=id,
            found=f"{to}",
            expected=f"from {head.level}",
        )
    if purpose == "extend" and expires <= head.expires:
        raise WrongState(
            "to extend is to end later",
            where=id,
            found=expires.isoformat(),
            expected=f"after {head.expires.isoformat()}",
        )
    code = "raised" if to < head.level else "lowered" if to > head.level else "extended"
    note = fields.get("reason", "").strip() or code
    reason = Reason(code, Text(note, note))
    zone = turn.house.zone
    draft = revise(head, to, expires, plan, turn.state, turn.pack, turn.now, reason, user.name, purpose, zone)
    _drafted(turn, user, draft, id)


def lift(turn: Turn, user: User, id: str, fields: Mapping[str, str]) -> None:
    """The draft that withdraws the message in force: issued in error, or it no longer fits."""
    _end(turn, user, id, fields, "cancel", "withdrawn")


def all_clear(turn: Turn, user: User, id: str, fields: Mapping[str, str]) -> None:
    """The draft that ends the message in force because the danger is over."""
    _end(turn, user, id, fields, "all_clear", "the danger is over")


def _end(turn: Turn, user: User, id: str, fields: Mapping[str, str], purpose: str, otherwise: str) -> None:
    head = _head(turn, id)
    _of_organ(user, head)
    note = fields.get("reason", "").strip() or otherwise
    plan = turn.pack.plans[head.plan]
    reason = Reason("cancelled", Text(note, note))
    draft = cancel(head, plan, turn.pack, turn.now, reason, user.name, purpose, turn.house.zone)
    _drafted(turn, user, draft, id)


def _drafted(turn: Turn, user: User, draft: Warning, cause: str) -> None:
    draft = approval.ground_told(draft, turn.pack, turn.now)
    turn.put("warning.drafted", draft, draft.risk, (cause,), user.name, draft.reasons[-1])


def _place_of(turn: Turn, warning: Warning) -> str:
    thread = turn.state.assessments.get(warning.risk)
    return thread.place if thread is not None else ""


def plan_of(turn: Turn, hazard: str, place: str) -> Plan:
    """The plan that a message of the hazard at the place goes by; WrongState where there is none."""
    plan = turn.pack.plan_for(hazard, place, turn.now)
    if plan is None:
        raise WrongState("no plan covers this hazard here", where=place, found=hazard)
    return plan


def issuer_of(turn: Turn, user: User, hazard: str, wording: Wording, organ: str = "") -> Issuing:
    """The user's organ and its powers for everything the message says; NotAllowed, with the article and
    who could, where one is missing: no competent issuer, no draft. `organ`: the one of the chain."""
    if organ and user.organ != organ:
        raise NotAllowed(
            f"{user.name} acts for {user.organ or 'no organ'}, this warning is issued by {organ}", where=organ
        )
    issuer = issuing(user.organ, hazard, wording.level, wording.places, turn.pack, turn.now)
    if not issuer.whole:
        refusal = issuer.refusals[0]
        raise NotAllowed(refusal.text.en, basis=refusal.basis, where=user.organ or user.name)
    return issuer


def _of_organ(user: User, head: Warning) -> None:
    if user.organ != head.organ:
        raise NotAllowed(
            f"{user.name} acts for {user.organ or 'no organ'}, this warning is issued by {head.organ}",
            where=head.id,
            basis=head.basis,
        )


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
    _alone(turn, head.risk, id)
    return head


def _alone(turn: Turn, risk: str, id: str) -> None:
    """WrongState while another message of the risk is unsent: two drafts of one chain could not both
    follow. The words name it, its stage, whose it is and since when."""
    pending = [w for w in turn.state.warnings.values() if w.risk == risk and w.status in PENDING]
    if pending:
        raise WrongState(
            "another message of this risk is open",
            where=id,
            found=", ".join(map(_open, pending)),
            mend="approve, edit or reject it first",
        )


def _open(warning: Warning) -> str:
    since = (warning.submitted or warning.drafted).replace(microsecond=0)
    return f"{warning.id} ({warning.status}, by {warning.author}, since {format_instant(since)})"


def _level(text: str, default: int) -> int:
    if not text:
        return default
    if not text.isdecimal():
        raise InvalidValue("no such level", where="level", found=repr(text), expected="1 to 4")
    return level(int(text))
