"""The messages of a chain: first, update, cancel. A chain keeps its issuer and its mode (Actual,
Exercise, Test), and every message names those it follows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from typing import Any

from anlan.formats.values import short_id
from anlan.model.assessment import Assessment
from anlan.model.errors import UnknownPlace, WrongState
from anlan.model.finding import Finding
from anlan.model.law import Power
from anlan.model.pack import Pack
from anlan.model.plan import Plan
from anlan.model.reason import Reason
from anlan.model.state import State
from anlan.model.text import Text
from anlan.model.user import SYSTEM
from anlan.model.warning import Contents, Warning
from anlan.warn.words import clock

_EARLIER = Text("The message before said: {said}", "此前消息称：{said}")


def line(pack: Pack, place: str, now: datetime) -> tuple[str, ...]:
    """The place and what it lies in; nothing when it is not in force."""
    try:
        return pack.ancestry(place, now)
    except UnknownPlace:
        return ()


WITHDRAWN = Text(
    "CANCELLED: the warning of {hazard} for {area} is withdrawn.", "撤销：{area}{hazard}预警已撤回。"
)


def cancel(
    head: Warning,
    plan: Plan,
    pack: Pack,
    now: datetime,
    reason: Reason,
    author: str = "system",
    purpose: str = "",
    zone: tzinfo = UTC,
) -> Warning:
    """The draft that ends `head`: same identity chain, same mode, same issuer. `purpose` all_clear (or "",
    of the system's own) says that the danger is over; cancel withdraws the message and says no such thing.
    In a person's draft what was said of the danger stands as what was said: it is no more what happens."""
    fields = fields_of(pack, head.hazard, head.level, head.places, head.organ, now, head.expires, None, zone)
    said = WITHDRAWN if purpose == "cancel" else plan.template_for(head.hazard, head.level).cancel
    contents = head.contents
    if purpose:
        earlier = Text(
            *(_EARLIER.in_(one).replace("{said}", contents.matters.in_(one)) for one in ("en", "zh"))
        )
        contents = replace(contents, matters=earlier)
    return follow(
        head,
        "cancel",
        pack,
        now,
        author,
        reason,
        headline=filled(said, fields),
        purpose=purpose,
        contents=contents,
    )


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
    purpose: str = "update",
    zone: tzinfo = UTC,
) -> Warning:
    """A person's update of `head` to another level or end, in words that say the new level and the gravest
    of what is found now; where only the end moves, the words stay as they are."""
    if level == head.level:
        return follow(head, "update", pack, now, author, reason, expires=expires, purpose=purpose)
    template = plan.template_for(head.hazard, level)
    cause = gravest(state.assessments[head.risk], state)
    fields = fields_of(pack, head.hazard, level, head.places, head.organ, now, expires, cause, zone)
    matters = filled_or(template.matters, fields, head.contents.matters)
    contents = replace(head.contents, matters=matters, measures=filled(template.measures, fields))
    headline = filled(template.headline, fields)
    return follow(
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
        purpose=purpose,
    )


def follow(
    head: Warning, change: str, pack: Pack, now: datetime, author: str, reason: Reason, **changes: Any
) -> Warning:
    """The draft that follows `head` in its chain, of the same mode. What a person writes is theirs."""
    if "mode" in changes:
        raise WrongState(
            "a chain keeps its mode", where=head.id, found=str(changes["mode"]), expected=head.mode
        )
    id = short_id("W", head.risk, change, str(changes.get("level", head.level)), now.isoformat())
    changes.setdefault("purpose", "")
    changes.setdefault("authors", () if author == SYSTEM.name else (author,))
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
        version=1,
        proof="",
        imprint=None,
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
    zone: tzinfo = UTC,
) -> Warning:
    """The draft of a thread's first message, or of the update that follows `head`. `powers`: place -> the
    issuer's power there. `zone`: in which its words tell instants, that of the messages as a whole."""
    places, change = tuple(powers), "alert" if head is None else "update"
    expires = now + plan.valid
    cause = cause_of(thread, level, state)
    fields = fields_of(pack, thread.hazard, level, places, plan.issuer, now, expires, cause, zone)
    template = plan.template_for(thread.hazard, level)
    title = thread.title
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
            matters=filled_or(template.matters, fields, title),
            measures=filled(template.measures, fields),
            issuer=pack.organs[plan.issuer].name,
        ),
        headline=filled(template.headline, fields),
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


def cause_of(thread: Assessment, level: int, state: State) -> Finding | None:
    """The newest finding that gave the level, else the newest with any."""
    findings = [state.findings[id] for id in reversed(thread.findings)]
    given = [f for f in findings if f.level == level] or [f for f in findings if f.level is not None]
    return given[0] if given else None


def gravest(thread: Assessment, state: State) -> Finding | None:
    """The newest of the findings that stand with the most severe level; where none stands, the newest that
    had any. A level that a person sets changes nothing of what was found."""
    stand = [
        f
        for f in (state.findings[id] for id in thread.findings)
        if f.level is not None and state.latest.get((f.rule, f.place, f.event)) == f.id
    ]
    worst = min((f.level for f in stand if f.level is not None), default=None)
    of_worst = [f for f in stand if f.level == worst]
    return of_worst[-1] if of_worst else cause_of(thread, 0, state)


def filled(template: Text, fields: dict[str, dict[str, str]]) -> Text:
    """The template with its placeholders filled in."""
    return Text(template.en.format(**fields["en"]), template.zh.format(**fields["zh"]))


def filled_or(template: Text, fields: dict[str, dict[str, str]], otherwise: Text) -> Text:
    """The same; `otherwise` where nothing would stand there (no finding says anything)."""
    en, zh = template.en.format(**fields["en"]), template.zh.format(**fields["zh"])
    return Text(en, zh) if en.strip() and zh.strip() else otherwise


def fields_of(
    pack: Pack,
    hazard: str,
    level: int,
    places: tuple[str, ...],
    organ: str,
    now: datetime,
    expires: datetime,
    cause: Finding | None,
    zone: tzinfo,
) -> dict[str, dict[str, str]]:
    """The words that templates may use, in both languages; instants in `zone`, as the message around them
    tells its own."""
    from_level = pack.warning_level(level, now).colour
    names = [pack.place(p, now).name if line(pack, p, now) else pack.places[p][-1].name for p in places]
    joiner = {"en": ", ", "zh": "、"}
    return {
        language: {
            "area": joiner[language].join(name.in_(language) for name in names),
            "level": str(level),
            "colour": from_level.in_(language),
            "hazard": pack.hazards[hazard].title.in_(language),
            "issuer": pack.organs[organ].name.in_(language),
            "starts": clock(now, zone),
            "expires": clock(expires, zone),
            "finding": cause.sentence.in_(language) if cause else "",
            "value": "" if cause is None or cause.value is None else f"{cause.value:g}",
            "unit": cause.unit if cause else "",
        }
        for language in ("en", "zh")
    }
