"""When a thread asks for a warning: a draft, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from anlan.model.assessment import Assessment
from anlan.model.pack import Pack
from anlan.model.plan import Plan
from anlan.model.reason import Reason
from anlan.model.state import State
from anlan.model.text import Text
from anlan.model.warning import Warning
from anlan.warn.draft import cancel, first_or_next, line
from anlan.warn.issuer import issuing

PENDING = ("draft", "submitted", "returned")


@dataclass(frozen=True, slots=True)
class Decision:
    """At most one new draft, the drafts it replaces, and why."""

    draft: Warning | None
    replaced: tuple[Warning, ...]
    reason: Reason


def in_force(risk: str, state: State, now: datetime) -> Warning | None:
    """The approved, unexpired message at the head of the risk's chain, unless it is a cancel."""
    chain = [w for w in state.warnings.values() if w.risk == risk and w.status == "approved"]
    head = max(chain, key=lambda w: (w.sent or w.drafted, len(w.references)), default=None)
    if head is None or head.change == "cancel" or head.expires <= now:
        return None
    return head


def decide(
    thread: Assessment,
    places: tuple[str, ...],
    state: State,
    pack: Pack,
    now: datetime,
    mode: str,
    zone: tzinfo = UTC,
) -> Decision:
    """What the thread as it stands now asks for. `zone`: in which the words of a draft tell instants.

    Missing data (`thread.state` unknown) may add to what is in force or waits for approval, and never
    takes anything away: no lower level, no smaller area, no cancel, no draft withdrawn. A risk that
    somebody dismissed, merged or closed asks for nothing: its drafts go, its message is to be lifted."""
    head = in_force(thread.id, state, now)
    pending = tuple(w for w in state.warnings.values() if w.risk == thread.id and w.status in PENDING)
    plan = pack.plan_for(thread.hazard, thread.place, now) if line(pack, thread.place, now) else None
    plan = plan or (pack.plans.get(head.plan) if head else None)
    if plan is None:
        return Decision(
            None, (), Reason("no_plan", Text("no plan covers this hazard here", "此处无覆盖该灾种的预案"))
        )
    if head is not None and not thread.findings:
        places = head.places  # nothing was found: it is where a person said
    live = thread.verdict in ("open", "confirmed")
    level = thread.level if live else None
    if live and thread.state == "unknown":
        out = [w for w in (head, *pending) if w is not None and w.change != "cancel"]
        level = min((x for x in (level, *(w.level for w in out)) if x is not None), default=None)
        places = _outer({*places, *(place for w in out for place in w.places)}, pack, now)
        if any(w.level == level and covers(w.places, places, pack, now) for w in out):
            return Decision(None, (), _holds())
    if level is None or level > plan.warn_at:
        return _lift(head, pending, plan, pack, now, live, zone)
    found = issuing(plan.issuer, thread.hazard, level, places, pack, now)
    powers, refusal = found.powers, found.refusals[-1] if found.refusals else None
    if not powers:
        return Decision(None, (), refusal or _nothing_new())
    places = tuple(powers)
    if any(w.authors and w.level <= level for w in pending):
        # what a person writes, a cancel too, gives way to a higher level only
        return Decision(None, tuple(w for w in pending if not w.authors), _in_hand())
    for draft in pending:
        if draft.change != "cancel" and (draft.level, draft.places) == (level, places):
            return Decision(None, tuple(w for w in pending if w is not draft), _nothing_new())
    if head is not None and head.level == level and covers(head.places, places, pack, now):
        return Decision(None, pending, _nothing_new())
    reason = _why(head, level, thread.id, state)
    reasons = (reason,) if refusal is None else (reason, refusal)
    draft = first_or_next(thread, level, powers, plan, pack, state, now, mode, head, reasons, zone)
    return Decision(draft, pending, reason)


def covers(area: tuple[str, ...], places: tuple[str, ...], pack: Pack, now: datetime) -> bool:
    """Every place is one of the area or lies in one of them."""
    return all(place in area or not set(area).isdisjoint(line(pack, place, now)) for place in places)


def _outer(places: set[str], pack: Pack, now: datetime) -> tuple[str, ...]:
    """Without the places that lie in another of them."""
    return tuple(sorted(p for p in places if places.isdisjoint(line(pack, p, now)[1:])))


def _lift(
    head: Warning | None,
    pending: tuple[Warning, ...],
    plan: Plan,
    pack: Pack,
    now: datetime,
    live: bool,
    zone: tzinfo,
) -> Decision:
    if head is None:
        return Decision(
            None,
            pending,
            Reason("below_plan", Text("below the level at which the plan warns", "低于预案规定的预警级别")),
        )
    # of a risk that is live a person may know more than the level says
    stale = tuple(w for w in pending if w.change != "cancel" and not (live and w.authors))
    if len(stale) < len(pending):
        return Decision(None, stale, _nothing_new())
    gone = Text("the level is gone: the warning is to be lifted", "级别已解除：应解除预警")
    ended = Text("the risk was set aside: the warning is to be lifted", "该风险已排除：应解除预警")
    reason = Reason("cancelled", gone if live else ended)
    return Decision(cancel(head, plan, pack, now, reason, zone=zone), stale, reason)


def _why(head: Warning | None, level: int, risk: str, state: State) -> Reason:
    if head is None:
        sent = [w for w in state.warnings.values() if w.risk == risk and w.sent is not None]
        last = max(sent, key=lambda w: (w.sent or w.drafted, len(w.references)), default=None)
        if last is None:
            return Reason("first", Text("first warning of this risk", "本风险首次预警"))
        if last.change == "cancel":
            return Reason("raised", Text("the level is back after it was lifted", "解除后级别再次出现"))
        return Reason(
            "repeat", Text("the earlier message has run out, the level stands", "前一预警已到期，级别仍在")
        )
    if level < head.level:
        return Reason("raised", Text("the level has risen", "级别提高"))
    if level > head.level:
        return Reason("lowered", Text("the level has fallen", "级别降低"))
    return Reason("area_grew", Text("the area has grown", "影响范围扩大"))


def _nothing_new() -> Reason:
    return Reason("nothing_new", Text("nothing new to say", "无新内容"))


def _in_hand() -> Reason:
    return Reason("in_hand", Text("a person is writing the message", "已有人员正在起草"))


def _holds() -> Reason:
    return Reason(
        "unknown_holds",
        Text("data are missing: the warning in force stays as it is", "数据缺失：在效预警保持不变"),
    )
