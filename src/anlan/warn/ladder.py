"""Who is told, when they must have answered, and who is told next (叫应).

Every recipient called from whom answers are required must answer for itself, on every rung: one
recipient's answer does not stand for another's, unless the plan says `answers = "any"`. A call not
answered in time, or that could not be delivered at all, is marked for good and the next rung is told,
each recipient of it once, with the list of those not reached. A late answer stays late in the record, but
it stops what was set off by its silence: a call of a higher rung climbs on only while some call of the
rung below is still without an answer. When the message is followed by another, or is over, its ladder
ends: the one that follows calls everybody anew.

Rung 0 are the recipients of the plan. They have `plan.steps[0].after` to answer, then the recipients of
`plan.steps[0]` are told (rung 1); these have `plan.steps[1].after`, and so on. A call on a rung that the
plan gives no time is not waited for; a rung that tells nobody is the top. Within its time a call is
repeated `plan.tries - 1` times, evenly over `plan.try_span`. An answer that holds only for a while ends
with `plan.answer_holds`, and another round begins: the same recipient is called anew.

Every instant follows from the journal and from what the call was given when it began: a restart between
two rungs finds the same.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta

from anlan.formats.values import short_id
from anlan.model.delivery import LAPSED, TO_SEND, Call, Delivery
from anlan.model.errors import InvalidValue, WrongState
from anlan.model.pack import Pack
from anlan.model.plan import Plan
from anlan.model.reason import Reason
from anlan.model.state import State
from anlan.model.text import Text
from anlan.model.warning import Warning

#: How long after failure n (from 1) the next attempt follows; after the last one, given up. A peer that is
#: away for an hour is found again.
BACKOFF = tuple(timedelta(seconds=s) for s in (30, 120, 600, 1800, 1800))
#: a peer that asks for more patience than this is asked again all the same
LONGEST_WAIT = timedelta(hours=1)

NO_ANSWER = Reason("no_answer", Text("no answer in time: the next rung is told", "未按时应答：转叫下一级"))
UNDELIVERED = Reason(
    "no_answer", Text("it could not be delivered: the next rung is told", "无法送达：转叫下一级")
)
SETTLED = Reason(
    "no_answer",
    Text(
        "no answer in time; those for whom it was called have answered: nobody further is told",
        "未按时应答；其所代叫者已应答：不再上转",
    ),
)
OTHER = Reason(
    "other_answered",
    Text("another of the same rung has answered, which is enough by the plan", "同级已有人应答，按预案即可"),
)
TOP = Reason("ladder_ended", Text("no answer, and no rung is left", "未应答，且已无下一级"))
EXPIRED = Reason(
    "warning_over", Text("the warning is over before it could be handed over", "送达前预警已失效")
)
UNKNOWN = Reason(
    "arrival_unknown",
    Text(
        "nobody knows whether it arrived, or its marked repeat: it does not go again by itself, but a person "
        "may send it",
        "无法确认该份及其标记重发份是否到达：不再自动发送，可由人员再次发送",
    ),
)
LATE = Reason(
    "call_late",
    Text("not handed over within the time that the plan gives the call", "未在预案规定时限内叫出"),
)
CALLED_AGAIN = Reason("called_again", Text("no answer yet: called again", "尚未应答：再次叫应"))
LAPSE = Reason(LAPSED, Text("the answer held only until now: called again", "应答时效已过：再次叫应"))


def first_calls(
    warning: Warning, plan: Plan, pack: Pack, now: datetime, recipients: Collection[str] | None = None
) -> list[Delivery]:
    """Rung 0: every recipient of the plan, or those given, at once."""
    told = plan.recipients if recipients is None else recipients
    return [_delivery(warning, plan, pack, recipient, 0, now) for recipient in told]


def _delivery(
    warning: Warning,
    plan: Plan,
    pack: Pack,
    recipient: str,
    rung: int,
    now: datetime,
    not_reached: tuple[str, ...] = (),
    round: int = 0,
) -> Delivery:
    to = pack.recipients[recipient]
    wait = _wait(plan, rung) if to.answers and warning.change != "cancel" else None
    return Delivery(
        id=short_id("D", warning.id, recipient, str(rung)),
        warning=warning.id,
        risk=warning.risk,
        recipient=recipient,
        channel=to.channel,
        rung=rung,
        status="due",
        due=now,
        answer_by=None if wait is None else now + wait,
        call=_call(plan, wait, now, not_reached, round) if wait is not None or not_reached else None,
    )


def _wait(plan: Plan, rung: int) -> timedelta | None:
    """How long a call on a rung has; None where nobody waits for it."""
    return plan.steps[rung].after if rung < len(plan.steps) else None


def _call(
    plan: Plan, wait: timedelta | None, now: datetime, not_reached: tuple[str, ...], round: int
) -> Call:
    if wait is None:
        return Call(now, not_reached=not_reached, round=round)
    most = max(1, plan.tries)
    every = min(plan.try_span or wait, wait) / most if most > 1 else None
    return Call(
        began=now,
        most=most,
        again_at=None if every is None else now + every,
        every=every,
        call_by=None if plan.call_within is None else now + plan.call_within,
        holds=plan.answer_holds,
        round=round,
        not_reached=not_reached,
    )


def climb(state: State, pack: Pack, now: datetime) -> list[tuple[str, Delivery]]:
    """What the ladder does at `now`, as (what becomes of it, delivery): `due` somebody is told,
    `called_again`, `late` (not handed over in the plan's time), `unanswered` (marked, and the next rung
    told), `lapsed` (the answer held no longer: another round)."""
    moved: list[tuple[str, Delivery]] = []
    called: dict[str, Delivery] = {}
    rungs = _Rungs(state, now)
    for delivery in state.in_order(id for id, at in state.wakes.items() if at <= now):
        warning = state.warnings[delivery.warning]
        plan = pack.plans[warning.plan]
        if delivery.answered is not None:
            moved.append(("lapsed", _anew(delivery, plan, now)))
        elif plan.answers == "any" and rungs.other_answered(delivery):
            moved.append(("unanswered", _because(delivery, OTHER)))
        elif _overdue(delivery, now):
            moved += _mark(delivery, warning, plan, pack, rungs, called)
        elif delivery.call is not None and _late(delivery, now):
            told = replace(delivery, call=replace(delivery.call, call_by=None))
            moved.append(("late", _because(told, LATE)))
        elif delivery.call is not None:
            moved.append(("called_again", _try(delivery, delivery.call, now)))
    return moved


def _mark(
    delivery: Delivery,
    warning: Warning,
    plan: Plan,
    pack: Pack,
    rungs: _Rungs,
    called: dict[str, Delivery],
) -> list[tuple[str, Delivery]]:
    """The missing answer marked; those of the next rung who are called for it, each once a round."""
    now, state = rungs.now, rungs.state
    # rung n of the plan says who is told when rung n - 1 has not answered
    step = plan.steps[delivery.rung] if delivery.rung < len(plan.steps) else None
    settled = delivery.rung > 0 and not rungs.silent_below(delivery)
    tells = step.recipients if step and not settled else ()
    late = UNDELIVERED if delivery.status == "given_up" else NO_ANSWER
    moved = [("unanswered", _because(delivery, SETTLED if settled else late if tells else TOP))]
    round = _round(delivery)
    missing = rungs.not_reached(delivery)
    for recipient in tells:
        call = _delivery(warning, plan, pack, recipient, delivery.rung + 1, now, missing, round)
        before = called.get(call.id) or state.deliveries.get(call.id)
        if before is None:
            called[call.id] = call
            moved.append(("due", call))
        elif _round(before) < round and before.status not in TO_SEND:
            called[call.id] = _anew(before, plan, now, missing, round)
            moved.append(("lapsed", called[call.id]))
    return moved


def _anew(
    delivery: Delivery,
    plan: Plan,
    now: datetime,
    not_reached: tuple[str, ...] = (),
    round: int | None = None,
) -> Delivery:
    """Another round: the same recipient called as if for the first time, marked as a repeat."""
    wait = _wait(plan, delivery.rung) if delivery.answer_by is not None else None
    number = _round(delivery) + 1 if round is None else round
    return replace(
        _because(delivery, LAPSE),
        status="due",
        due=now,
        answer_by=None if wait is None else now + wait,
        answered=None,
        answer="",
        before=delivery.attempts,
        again=True,
        call=_call(plan, wait, now, not_reached, number),
    )


def _try(delivery: Delivery, call: Call, now: datetime) -> Delivery:
    """The next call of the same round."""
    tries = call.tries + 1
    following = now + call.every if call.every is not None and tries < call.most else None
    return replace(
        _because(delivery, CALLED_AGAIN),
        status="due",
        due=now,
        before=delivery.attempts,
        again=True,
        call=replace(call, tries=tries, again_at=following),
    )


def _because(delivery: Delivery, reason: Reason) -> Delivery:
    return replace(delivery, reasons=(*delivery.reasons, reason))


def _round(delivery: Delivery) -> int:
    return delivery.call.round if delivery.call else 0


def _overdue(delivery: Delivery, now: datetime) -> bool:
    """The answer is missing for good: its time is over, or the call was given up."""
    return delivery.answer_by is not None and (delivery.answer_by <= now or delivery.status == "given_up")


def _late(delivery: Delivery, now: datetime) -> bool:
    call = delivery.call
    return call is not None and call.call_by is not None and call.call_by <= now and delivery.accepted is None


class _Rungs:
    """The calls of each rung, as they stand before this climb; each question is worked out once for a
    rung, however many of its calls ask."""

    def __init__(self, state: State, now: datetime) -> None:
        self.state, self.now = state, now
        self._missing: dict[tuple[str, int], tuple[str, ...]] = {}
        self._silent: dict[tuple[str, int], bool] = {}
        self._answered: dict[tuple[str, int], int] = {}

    def not_reached(self, delivery: Delivery) -> tuple[str, ...]:
        """Recipients of its rung whose answer is missing by now: what the next rung is told."""
        key = delivery.warning, delivery.rung
        if key not in self._missing:
            self._missing[key] = tuple(
                other.recipient
                for other in self._calls(*key)
                if other.answer_by is not None
                and other.answered is None
                and (other.marked or _overdue(other, self.now))
            )
        return self._missing[key]

    def silent_below(self, delivery: Delivery) -> bool:
        """Some marked call of the rung below still has no answer."""
        key = delivery.warning, delivery.rung - 1
        if key not in self._silent:
            self._silent[key] = any(below.answered is None and below.marked for below in self._calls(*key))
        return self._silent[key]

    def other_answered(self, delivery: Delivery) -> bool:
        """Another call of its rung is answered, in its round or a later one."""
        key = delivery.warning, delivery.rung
        if key not in self._answered:
            answered = [_round(other) for other in self._calls(*key) if other.answered is not None]
            self._answered[key] = max(answered, default=-1)
        return self._answered[key] >= _round(delivery)

    def _calls(self, warning: str, rung: int) -> list[Delivery]:
        own = (self.state.deliveries[id] for id in self.state.copies.get(warning, ()))
        return [one for one in own if one.rung == rung]


def outdated(warning: Warning, now: datetime) -> bool:
    """No longer to be handed over: its time is over, or another message follows it."""
    return warning.expires <= now or warning.status != "approved"


def as_it_stands(delivery: Delivery, warning: Warning | None, now: datetime) -> Delivery:
    """The copy at `now`: expired where its message is over, or followed, and it only waits: for its next
    attempt, which no longer comes, or behind an earlier message. One that is due may be on its way, and a
    list tells by itself what its messages have become."""
    waits = delivery.status == "held" or (delivery.status == "failed" and delivery.due > now)
    if not waits or delivery.digest or warning is None or not outdated(warning, now):
        return delivery
    return ended(delivery)


def ended(delivery: Delivery) -> Delivery:
    """A copy that does not leave any more."""
    return replace(delivery, status="expired", reasons=(*delivery.reasons, EXPIRED))


def next_due(state: State) -> datetime | None:
    """When the ladder or a retry next has something to do."""
    times = (min(table.values(), default=None) for table in (state.wakes, state.to_send))
    return min((at for at in times if at is not None), default=None)


def answer(delivery: Delivery, by: str, text: str, now: datetime) -> Delivery:
    """The recipient has answered; once is enough."""
    if delivery.answered is not None:
        raise WrongState("already answered", where=delivery.id, found=delivery.answered.isoformat())
    call = delivery.call
    if call is not None and call.holds is not None:
        call = replace(call, holds_until=now + call.holds)
    said = text or f"answered by {by}"
    return replace(delivery, status="answered", answered=now, answer=said, call=call)


def receipt(delivery: Delivery, what: str, now: datetime) -> Delivery:
    """The far end says that it has the message (`delivered`) or that somebody has read it (`read`). What
    was said before stands: the delivery itself where nothing is new."""
    if what not in ("delivered", "read"):
        raise InvalidValue("no such receipt", where="receipt", found=repr(what), expected="delivered, read")
    after = replace(
        delivery,
        delivered=delivery.delivered or now,
        read=(delivery.read or now) if what == "read" else delivery.read,
    )
    return replace(after, status=_reached(after)) if after.status in _TOLD else after


#: told at least once and not beyond it: a receipt moves these on
_TOLD = ("accepted", "delivered", "read", "failed", "given_up", "unknown")


def _reached(delivery: Delivery) -> str:
    """How far a message that left has come."""
    if delivery.answered is not None:
        return "answered"
    return "read" if delivery.read else "delivered" if delivery.delivered else "accepted"


def send_again(delivery: Delivery, warning: Warning, reason: str, now: datetime) -> Delivery:
    """The same message to the same recipient once more, by somebody's decision. InvalidValue without a
    reason; WrongState where it is on its way or its message is over."""
    if not reason.strip():
        raise InvalidValue("a reason is needed", where="reason", expected="why it is sent again")
    if delivery.status in (*TO_SEND, "held"):
        raise WrongState("it is still on its way", where=delivery.id, found=delivery.status)
    if outdated(warning, now):
        raise WrongState(
            "its message is no longer in force", where=delivery.id, found=f"{warning.id} {warning.status}"
        )
    told = _because(delivery, Reason("sent_again", Text(reason, reason)))
    return replace(told, status="due", due=now, before=delivery.attempts, again=True)


def outcome(
    delivery: Delivery,
    accepted: bool,
    transient: bool,
    detail: str,
    now: datetime,
    *,
    retry_after: timedelta | None = None,
    arrived: bool = False,
    doubtful: bool = False,
) -> Delivery:
    """The delivery after one attempt: accepted (or as far as its receipts say), failed with the next
    attempt's time, not before what the peer asked for, or given up. `arrived`: the far end itself has it.
    `doubtful` without `transient`: it may have arrived, and no copy follows: unknown."""
    attempts = delivery.attempts + 1
    if accepted:
        call = delivery.call
        if call is not None and call.every is not None and call.again_at is not None and call.again_at <= now:
            # it left late: the next call does not follow on its heels
            call = replace(call, again_at=now + call.every)
        there = delivery.delivered or (now if arrived else None)
        after = replace(delivery, accepted=now, attempts=attempts, call=call, delivered=there)
        return replace(after, status=_reached(after))
    said = detail.strip()
    text = Text(said or "the other side gave no reason", said or "对方未说明原因")
    reason = Reason("peer_failed" if transient or doubtful else "peer_refused", text)
    told = replace(delivery, attempts=attempts, reasons=(*delivery.reasons, reason))
    if delivery.answered is not None:
        return replace(told, status="answered")
    tried = attempts - delivery.before
    # a call that cannot be delivered climbs the sooner
    waits = BACKOFF if delivery.answer_by is None else BACKOFF[:-1]
    if transient and tried <= len(waits):
        wait = max(waits[tried - 1], min(retry_after or timedelta(0), LONGEST_WAIT))
        return replace(told, status="failed", due=now + wait)
    if doubtful:
        return _because(replace(told, status="unknown"), UNKNOWN)
    return replace(told, status="given_up")
