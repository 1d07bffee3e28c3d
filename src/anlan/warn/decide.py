"""When a thread asks for a warning: a draft, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from anlan.formats.values import short_id
from anlan.model.assessment import Assessment
from anlan.model.errors import NotAllowed
from anlan.model.finding import Finding
from anlan.model.law import Power
from anlan.model.pack import Pack
from anlan.model.plan import Plan
from anlan.model.reason import Reason
from anlan.model.state import State
from anlan.model.text import Text
from anlan.model.warning import Contents, Warning
from anlan.packs.resolve import competent

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
) -> Decision:
    """What the thread as it stands now asks for. Missing data (`thread.state` unknown) never lowers
    or cancels what is in force."""
    head = in_force(thread.id, state, now)
    pending = tuple(w for w in state.warnings.values() if w.risk == thread.id and w.status in PENDING)
    plan = pack.plan_for(thread.hazard, thread.place, now)
    if plan is None:
        return Decision(
            None, (), Reason("no_plan", Text("no plan covers this hazard here", "此处无覆盖该灾种的预案"))
        )
    calls = thread.level is not None and thread.level <= plan.warn_at
    if thread.state == "unknown" and head is not None and not (calls and thread.level < head.level):
        return Decision(
            None,
            (),
            Reason(
                "unknown_holds",
                Text("data are missing: the warning in force stays as it is", "数据缺失:在效预警保持不变"),
            ),
        )
    if not calls:
        return _lift(head, pending, plan, pack, now)
    assert thread.level is not None
    wanted = (thread.level, places)
    for draft in pending:
        if draft.change != "cancel" and (draft.level, draft.places) == wanted:
            return Decision(None, (), _nothing_new())
    if head is not None and head.level == thread.level and set(places) <= set(head.places):
        return Decision(None, pending, _nothing_new())
    again = any(w.risk == thread.id and w.sent is not None for w in state.warnings.values())
    reason = _why(head, thread.level, again)
    try:
        power = competent(
            pack, "warn", plan.issuer, thread.hazard, thread.level, thread.place, now, "Restricted"
        )
    except NotAllowed as refusal:
        return Decision(
            None,
            pending,
            Reason(
                "no_power",
                Text(f"no competent issuer: {refusal.message}", f"无有权发布机关:{refusal.message}"),
                refusal.basis,
            ),
        )
    change = "alert" if head is None else "update"
    draft = _draft(thread, places, change, plan, power, pack, state, now, mode, head, reason)
    return Decision(draft, pending, reason)


def _lift(
    head: Warning | None,
    pending: tuple[Warning, ...],
    plan: Plan,
    pack: Pack,
    now: datetime,
) -> Decision:
    stale = tuple(w for w in pending if w.change != "cancel")
    if head is None:
        return Decision(
            None,
            stale,
            Reason("below_plan", Text("below the level at which the plan warns", "低于预案规定的预警级别")),
        )
    if any(w.change == "cancel" for w in pending):
        return Decision(None, stale, _nothing_new())
    reason = Reason(
        "cancelled", Text("the level is gone: the warning is to be lifted", "级别已解除:应解除预警")
    )
    return Decision(cancel(head, plan, pack, now, reason), stale, reason)


def cancel(head: Warning, plan: Plan, pack: Pack, now: datetime, reason: Reason) -> Warning:
    """The draft that lifts `head`: same identity chain, same mode, same issuer."""
    fields = _fields(pack, head.hazard, head.level, head.places, plan, now, head.expires, None)
    return replace(
        head,
        id=short_id("W", head.risk, "cancel", now.isoformat()),
        change="cancel",
        status="draft",
        headline=Text(
            plan.template.cancel.en.format(**fields["en"]), plan.template.cancel.zh.format(**fields["zh"])
        ),
        drafted=now,
        author="system",
        approver="",
        submitted=None,
        sent=None,
        references=(*head.references, head.id),
        digest="",
        reasons=(reason,),
    )


def _draft(
    thread: Assessment,
    places: tuple[str, ...],
    change: str,
    plan: Plan,
    power: Power,
    pack: Pack,
    state: State,
    now: datetime,
    mode: str,
    head: Warning | None,
    reason: Reason,
) -> Warning:
    assert thread.level is not None
    findings = [state.findings[id] for id in thread.findings]
    cause = next((f for f in reversed(findings) if f.level == thread.level), findings[-1])
    expires = now + plan.valid
    fields = _fields(pack, thread.hazard, thread.level, places, plan, now, expires, cause)
    text = {
        name: Text(*(getattr(plan.template, name).in_(lang).format(**fields[lang]) for lang in ("en", "zh")))
        for name in ("headline", "matters", "measures")
    }
    return Warning(
        id=short_id("W", thread.id, change, str(thread.level), *places, now.isoformat()),
        risk=thread.id,
        change=change,
        status="draft",
        mode=mode if head is None else head.mode,
        scope=power.scope,
        hazard=thread.hazard,
        level=thread.level,
        places=places,
        contents=Contents(
            category=pack.categories[pack.hazards[thread.hazard].category].title,
            starts=now,
            area=Text(fields["en"]["area"], fields["zh"]["area"]),
            matters=text["matters"],
            measures=text["measures"],
            issuer=pack.organs[plan.issuer].name,
        ),
        headline=text["headline"],
        drafted=now,
        expires=expires,
        organ=plan.issuer,
        basis=power.basis,
        author="system",
        references=() if head is None else (*head.references, head.id),
        plan=plan.id,
        reasons=(reason,),
    )


def _fields(
    pack: Pack,
    hazard: str,
    level: int,
    places: tuple[str, ...],
    plan: Plan,
    now: datetime,
    expires: datetime,
    cause: Finding | None,
) -> dict[str, dict[str, str]]:
    """The words that templates may use, in both languages."""
    from_level = pack.warning_level(level, now).colour
    names = [pack.place(place, now).name for place in places]
    joiner = {"en": ", ", "zh": "、"}
    return {
        language: {
            "area": joiner[language].join(name.in_(language) for name in names),
            "level": str(level),
            "colour": from_level.in_(language),
            "hazard": pack.hazards[hazard].title.in_(language),
            "issuer": pack.organs[plan.issuer].name.in_(language),
            "starts": f"{now:%Y-%m-%d %H:%M} UTC",
            "expires": f"{expires:%Y-%m-%d %H:%M} UTC",
            "finding": cause.sentence.in_(language) if cause else "",
            "value": "" if cause is None or cause.value is None else f"{cause.value:g}",
            "unit": cause.unit if cause else "",
        }
        for language in ("en", "zh")
    }


def _why(head: Warning | None, level: int, again: bool) -> Reason:
    if head is None and again:
        return Reason(
            "repeat", Text("the earlier message has run out, the level stands", "前一预警已到期,级别仍在")
        )
    if head is None:
        return Reason("first", Text("first warning of this risk", "本风险首次预警"))
    if level < head.level:
        return Reason("raised", Text("the level has risen", "级别提高"))
    if level > head.level:
        return Reason("lowered", Text("the level has fallen", "级别降低"))
    return Reason("area_grew", Text("the area has grown", "影响范围扩大"))


def _nothing_new() -> Reason:
    return Reason("nothing_new", Text("nothing new to say", "无新内容"))
