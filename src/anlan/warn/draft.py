"""The messages of a chain: first, update, cancel. A chain keeps its issuer and its mode (Actual,
Exercise, Test), and every message names those it follows."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from anlan.formats.values import short_id
from anlan.model.assessment import Assessment
from anlan.model.errors import UnknownPlace
from anlan.model.finding import Finding
from anlan.model.law import Power
from anlan.model.pack import Pack
from anlan.model.plan import Plan
from anlan.model.reason import Reason
from anlan.model.state import State
from anlan.model.text import Text
from anlan.model.warning import Contents, Warning


def line(pack: Pack, place: str, now: datetime) -> tuple[str, ...]:
    """The place and what it lies in; nothing when it is not in force."""
    try:
        return pack.ancestry(place, now)
    except UnknownPlace:
        return ()


def cancel(
    head: Warning, plan: Plan, pack: Pack, now: datetime, reason: Reason, author: str = "system"
) -> Warning:
    """The draft that lifts `head`: same identity chain, same mode, same issuer."""
    fields = _fields(pack, head.hazard, head.level, head.places, plan, now, head.expires, None)
    return _next(head, "cancel", pack, now, author, reason, headline=_said(plan.template.cancel, fields))


def revise(
    head: Warning,
    level: int,
    expires: datetime,
    plan: Plan,
    state: State,
    pack: Pack,
    now: datetime,
    reason: Reason,
    author: str,
) -> Warning:
    """A person's update of `head` to another level or end, in words that say the new level."""
    cause = _cause(state.assessments[head.risk], level, state)
    fields = _fields(pack, head.hazard, level, head.places, plan, now, expires, cause)
    contents = replace(
        head.contents,
        matters=_said(plan.template.matters, fields),
        measures=_said(plan.template.measures, fields),
    )
    headline = _said(plan.template.headline, fields)
    return _next(
        head,
        "update",
        pack,
        now,
        author,
        reason,
        level=level,
        expires=expires,
        contents=contents,
        headline=headline,
    )


def _next(
    head: Warning, change: str, pack: Pack, now: datetime, author: str, reason: Reason, **changes: Any
) -> Warning:
    """The draft that follows `head` in its chain, of the same mode."""
    id = short_id("W", head.risk, change, str(changes.get("level", head.level)), now.isoformat())
    return replace(
        head,
        id=id,
        change=change,
        status="draft",
        drafted=now,
        author=author,
        approver="",
        submitted=None,
        sent=None,
        references=(*head.references, head.id),
        digest="",
        reasons=(reason,),
        pack=pack.digest,
        sender="",
        **changes,
    )


def first_or_next(
    thread: Assessment,
    level: int,
    powers: dict[str, Power],
    plan: Plan,
    pack: Pack,
    state: State,
    now: datetime,
    mode: str,
    head: Warning | None,
    reasons: tuple[Reason, ...],
) -> Warning:
    """The draft of a thread's first message, or of the update that follows `head`. `powers`: place -> the
    issuer's power there."""
    places, change = tuple(powers), "alert" if head is None else "update"
    expires = now + plan.valid
    cause = _cause(thread, level, state)
    fields = _fields(pack, thread.hazard, level, places, plan, now, expires, cause)
    public = all(power.scope == "Public" for power in powers.values())
    return Warning(
        id=short_id("W", thread.id, change, str(level), *places, now.isoformat()),
        risk=thread.id,
        change=change,
        status="draft",
        mode=mode if head is None else head.mode,
        scope="Public" if public else "Restricted",
        hazard=thread.hazard,
        level=level,
        places=places,
        contents=Contents(
            category=pack.categories[pack.hazards[thread.hazard].category].title,
            starts=now,
            area=Text(fields["en"]["area"], fields["zh"]["area"]),
            matters=_said(plan.template.matters, fields),
            measures=_said(plan.template.measures, fields),
            issuer=pack.organs[plan.issuer].name,
        ),
        headline=_said(plan.template.headline, fields),
        drafted=now,
        expires=expires,
        organ=plan.issuer,
        basis="; ".join(sorted({power.basis for power in powers.values()})),
        author="system",
        references=() if head is None else (*head.references, head.id),
        plan=plan.id,
        reasons=reasons,
        pack=pack.digest,
    )


def _cause(thread: Assessment, level: int, state: State) -> Finding | None:
    """The newest finding that gave the level, else the newest with any."""
    findings = [state.findings[id] for id in reversed(thread.findings)]
    given = [f for f in findings if f.level == level] or [f for f in findings if f.level is not None]
    return given[0] if given else None


def _said(template: Text, fields: dict[str, dict[str, str]]) -> Text:
    return Text(template.en.format(**fields["en"]), template.zh.format(**fields["zh"]))


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
    names = [pack.place(p, now).name if line(pack, p, now) else pack.places[p][-1].name for p in places]
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
