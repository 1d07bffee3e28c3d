"""Who is told, when they must have answered, and who is told next (叫应)."""

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
TOP = Reason("ladder_ended", Text("no answer, and no rung is left", "未应答,且已无下一级"))
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
    """What the ladder does at `now`: every overdue answer is marked, and the next rung is told."""
    moved: list[Delivery] = []
    known = set(state.deliveries)
    for delivery in list(state.deliveries.values()):
        if not unanswered(delivery) or delivery.answer_by is None or delivery.answer_by > now:
            continue
        if any(reason.code in ("no_answer", "ladder_ended") for reason in delivery.reasons):
            continue
        warning = state.warnings[delivery.warning]
        plan = pack.plans[warning.plan]
        rung = delivery.rung + 1
        # rung n of the plan says who is told when rung n - 1 has not answered
        next_rung = plan.ladder[delivery.rung] if delivery.rung < len(plan.ladder) else None
        reason = NO_ANSWER if next_rung else TOP
        moved.append(replace(delivery, reasons=(*delivery.reasons, reason)))
        for recipient in next_rung.recipients if next_rung else ():
            call = _delivery(warning, plan, pack, recipient, rung, now)
            if call.id not in known:
                known.add(call.id)
                moved.append(call)
    return moved


def unanswered(delivery: Delivery) -> bool:
    """Handed over (or being tried), with no answer yet."""
    return delivery.answered is None and delivery.status in ("due", "accepted", "failed")


def next_due(state: State) -> datetime | None:
    """When the ladder or a retry next has something to do."""
    times = [
        d.answer_by
        for d in state.deliveries.values()
        if d.answer_by is not None
        and unanswered(d)
        and not any(r.code in ("no_answer", "ladder_ended") for r in d.reasons)
    ]
    times += [d.due for d in state.deliveries.values() if d.status in ("due", "failed")]
    return min(times, default=None)


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
    reason = Reason("peer_failed" if transient else "peer_refused", Text(detail, detail))
    if transient and attempts <= len(BACKOFF):
        return replace(
            delivery,
            status="failed",
            attempts=attempts,
            due=now + BACKOFF[attempts - 1],
            reasons=(*delivery.reasons, reason),
        )
    return replace(delivery, status="given_up", attempts=attempts, reasons=(*delivery.reasons, reason))
