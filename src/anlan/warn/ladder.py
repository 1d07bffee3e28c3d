"""Who is told, when they must have answered, and who is told next (叫应).

Every recipient called from whom answers are required must answer for itself, on every rung: one
recipient's answer does not stand for another's. A call not answered in time, or that could not be
delivered at all, is marked for good and the next rung is told, each recipient of it once. A late answer
stays late in the record, but it stops what was set off by its silence: a call of a higher rung climbs on
only while some call of the rung below is still without an answer. When the message is followed by
another, or is over, its ladder ends: the one that follows calls everybody anew.

Rung 0 are the recipients of the plan. They have `plan.ladder[0].after` to answer, then the recipients of
`plan.ladder[0]` are told (rung 1); these have `plan.ladder[1].after`, and so on. A call on a rung that the
plan gives no time is not waited for; a rung that tells nobody is the top.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from anlan.formats.values import short_id
from anlan.model.errors import WrongState
from anlan.model.pack import Pack
from anlan.model.plan import Plan
from anlan.model.reason import Reason
from anlan.model.state import State
from anlan.model.text import Text
from anlan.model.warning import Delivery, Warning

#: How long after failure n (from 1) the next attempt follows; after the last one, given up.
BACKOFF = tuple(timedelta(seconds=s) for s in (30, 120, 600, 1800))

NO_ANSWER = Reason("no_answer", Text("no answer in time: the next rung is told", "未按时应答:转叫下一级"))
UNDELIVERED = Reason(
    "no_answer", Text("it could not be delivered: the next rung is told", "无法送达:转叫下一级")
)
SETTLED = Reason(
    "no_answer",
    Text(
        "no answer in time; those for whom it was called have answered: nobody further is told",
        "未按时应答;其所代叫者已应答:不再上转",
    ),
)
TOP = Reason("ladder_ended", Text("no answer, and no rung is left", "未应答,且已无下一级"))
MARKS = ("no_answer", "ladder_ended")
EXPIRED = Reason(
    "warning_over", Text("the warning is over before it could be handed over", "送达前预警已失效")
)


def first_calls(warning: Warning, plan: Plan, pack: Pack, now: datetime) -> list[Delivery]:
    """Rung 0: every recipient of the plan, at once."""
    return [_delivery(warning, plan, pack, recipient, 0, now) for recipient in plan.recipients]


def _delivery(warning: Warning, plan: Plan, pack: Pack, recipient: str, rung: int, now: datetime) -> Delivery:
    to = pack.recipients[recipient]
    wait = plan.ladder[rung].after if rung < len(plan.ladder) else None
    return Delivery(
        id=short_id("D", warning.id, recipient, str(rung)),
        warning=warning.id,
        risk=warning.risk,
        recipient=recipient,
        channel=to.channel,
        rung=rung,
        status="due",
        due=now,
        answer_by=now + wait if to.answers and wait and warning.change != "cancel" else None,
    )


def climb(state: State, pack: Pack, now: datetime) -> list[Delivery]:
    """What the ladder does at `now`: every overdue call is marked, and the next rung is told."""
    moved: list[Delivery] = []
    called = set(state.deliveries)
    for delivery in list(state.deliveries.values()):
        since = overdue_from(delivery, state)
        if since is None or since > now:
            continue
        warning = state.warnings[delivery.warning]
        plan = pack.plans[warning.plan]
        # rung n of the plan says who is told when rung n - 1 has not answered
        step = plan.ladder[delivery.rung] if delivery.rung < len(plan.ladder) else None
        settled = delivery.rung > 0 and not _silent_below(delivery, state)
        tells = step.recipients if step and not settled else ()
        late = UNDELIVERED if delivery.status == "given_up" else NO_ANSWER
        reason = SETTLED if settled else late if tells else TOP
        moved.append(replace(delivery, reasons=(*delivery.reasons, reason)))
        for recipient in tells:
            call = _delivery(warning, plan, pack, recipient, delivery.rung + 1, now)
            if call.id not in called:
                called.add(call.id)
                moved.append(call)
    return moved


def _silent_below(delivery: Delivery, state: State) -> bool:
    """Some marked call of the rung below still has no answer."""
    return any(
        below.answered is None and _marked(below)
        for below in state.deliveries.values()
        if below.warning == delivery.warning and below.rung == delivery.rung - 1
    )


def _marked(delivery: Delivery) -> bool:
    return any(reason.code in MARKS for reason in delivery.reasons)


def unanswered(delivery: Delivery) -> bool:
    """Told, being told, or beyond reach, with no answer yet."""
    return delivery.answered is None and delivery.status in ("due", "accepted", "failed", "given_up")


def overdue_from(delivery: Delivery, state: State) -> datetime | None:
    """When the missing answer is to be marked: at `answer_by`, at once where the call was given up. None
    where no answer is waited for: not asked, given, marked already, or the message has had its day."""
    if delivery.answer_by is None or not unanswered(delivery) or _marked(delivery):
        return None
    if state.warnings[delivery.warning].status != "approved":
        return None
    return min(delivery.due, delivery.answer_by) if delivery.status == "given_up" else delivery.answer_by


def outdated(warning: Warning, now: datetime) -> bool:
    """No longer to be handed over: its time is over, or another message follows it."""
    return warning.expires <= now or warning.status != "approved"


def next_due(state: State) -> datetime | None:
    """When the ladder or a retry next has something to do."""
    times = [overdue_from(delivery, state) for delivery in state.deliveries.values()]
    times += [d.due for d in state.deliveries.values() if d.status in ("due", "failed")]
    return min((t for t in times if t is not None), default=None)


def answer(delivery: Delivery, by: str, text: str, now: datetime) -> Delivery:
    """The recipient has answered; once is enough."""
    if delivery.answered is not None:
        raise WrongState("already answered", where=delivery.id, found=delivery.answered.isoformat())
    return replace(delivery, status="answered", answered=now, answer=text or f"answered by {by}")


def outcome(delivery: Delivery, accepted: bool, transient: bool, detail: str, now: datetime) -> Delivery:
    """The delivery after one attempt: accepted, failed with the next attempt's time, or given up."""
    attempts = delivery.attempts + 1
    if accepted:
        return replace(delivery, status="accepted", accepted=now, attempts=attempts)
    said = detail.strip()
    text = Text(said or "the other side gave no reason", said or "对方未说明原因")
    reason = Reason("peer_failed" if transient else "peer_refused", text)
    if transient and attempts <= len(BACKOFF):
        return replace(
            delivery,
            status="failed",
            attempts=attempts,
            due=now + BACKOFF[attempts - 1],
            reasons=(*delivery.reasons, reason),
        )
    return replace(delivery, status="given_up", attempts=attempts, reasons=(*delivery.reasons, reason))
