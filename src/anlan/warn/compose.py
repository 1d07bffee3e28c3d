"""What a person writes: a first message, an edit, a correction. Templates give the words to begin with;
the identity of what was sent, the chain and its mode are beyond a pen."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo

from anlan.formats.values import short_id
from anlan.model.assessment import Assessment
from anlan.model.errors import InvalidValue, WrongState
from anlan.model.pack import Pack
from anlan.model.plan import Plan
from anlan.model.reason import Reason
from anlan.model.state import State
from anlan.model.text import Text
from anlan.model.time import format_instant
from anlan.model.warning import Contents, Warning
from anlan.warn.approve import move
from anlan.warn.draft import cause_of, fields_of, filled, filled_or, follow
from anlan.warn.drawn import SAME_GROUND
from anlan.warn.issuer import Issuing

#: where the pack does not say how long a hazard plausibly lasts: so many times the plan's own period
PERIODS = 3
#: a warning is not written for a start further ahead than this
AHEAD = timedelta(days=30)

Rings = tuple[tuple[tuple[float, float], ...], ...]


@dataclass(frozen=True, slots=True)
class Wording:
    """What a person can write or change. `places` are the places warned, or touched by `rings`, the outer
    rings of an area drawn by hand (none: the places are the area), `noted` what is to be said of these;
    `area` names it in words."""

    level: int
    starts: datetime
    expires: datetime
    places: tuple[str, ...]
    area: Text
    headline: Text
    matters: Text
    measures: Text
    rings: Rings = ()
    noted: tuple[Reason, ...] = field(default=(), compare=False)


def longest(hazard: str, plan: Plan, pack: Pack) -> timedelta:
    """For how long a warning of the hazard can plausibly be in force."""
    known = pack.hazards[hazard].longest
    return known if known is not None else PERIODS * plan.valid


def plausible(
    starts: datetime, expires: datetime, hazard: str, plan: Plan, pack: Pack, now: datetime
) -> None:
    """InvalidValue, with the period that is allowed, for a message that ends before it begins or before
    now, starts too far ahead, or would be in force for longer than its hazard plausibly lasts."""
    begins = max(starts, now)
    if expires <= begins:
        raise InvalidValue(
            "the end is not after the start",
            where="expires",
            found=format_instant(expires),
            expected=f"after {format_instant(begins)}",
        )
    if starts - now > AHEAD:
        raise InvalidValue(
            "the start lies too far ahead",
            where="starts",
            found=format_instant(starts),
            expected=f"by {_minute(now + AHEAD)}",
        )
    most = longest(hazard, plan, pack)
    if expires - begins > most:
        by = "the pack" if pack.hazards[hazard].longest is not None else f"{PERIODS} times the plan's period"
        raise InvalidValue(
            "in force for longer than the hazard plausibly lasts",
            where="expires",
            found=f"{format_instant(expires)}: {_whole(expires - begins)} for {hazard}",
            expected=f"at most {_whole(most)} ({by}): by {_minute(begins + most)}",
            mend="choose a nearer end and extend the warning when it is needed",
        )


def _whole(span: timedelta) -> str:
    """A period as people say it, to the hour."""
    hours = span // timedelta(hours=1)
    days, rest = divmod(hours, 24)
    return " ".join([f"{days} days"] * bool(days) + [f"{rest} hours"] * bool(rest or not days))


def _minute(at: datetime) -> str:
    return format_instant(at.replace(second=0, microsecond=0))


def proposed(
    thread: Assessment | None,
    hazard: str,
    level: int,
    places: tuple[str, ...],
    organ: str,
    plan: Plan,
    state: State,
    pack: Pack,
    now: datetime,
    zone: tzinfo = UTC,
) -> Wording:
    """The plan's words for hazard and level, filled in: where a person begins. Without a finding that says
    what is the matter, the hazard and the area stand there, to be written over."""
    expires = now + min(plan.valid, longest(hazard, plan, pack))
    cause = cause_of(thread, level, state) if thread is not None else None
    fields = fields_of(pack, hazard, level, places, organ, now, expires, cause, zone)
    template = plan.template_for(hazard, level)
    bare = Text("{hazard}: {area}.", "{area}：{hazard}。")
    return Wording(
        level=level,
        starts=now,
        expires=expires,
        places=places,
        area=Text(fields["en"]["area"], fields["zh"]["area"]),
        headline=filled(template.headline, fields),
        matters=filled_or(template.matters, fields, filled(bare, fields)),
        measures=filled(template.measures, fields),
    )


def wording_of(warning: Warning) -> Wording:
    """What stands in a warning."""
    contents = warning.contents
    return Wording(
        warning.level,
        contents.starts,
        warning.expires,
        warning.places,
        contents.area,
        warning.headline,
        contents.matters,
        contents.measures,
        warning.rings,
        tuple(reason for reason in warning.reasons if reason.code == SAME_GROUND),
    )


def compose(
    thread: Assessment,
    wording: Wording,
    found: Issuing,
    plan: Plan,
    pack: Pack,
    now: datetime,
    mode: str,
    author: str,
    note: str,
) -> Warning:
    """A first message in a person's words. `found`: the issuer and its powers for the places."""
    plausible(wording.starts, wording.expires, thread.hazard, plan, pack, now)
    return Warning(
        id=short_id("W", thread.id, "alert", str(wording.level), *wording.places, author, now.isoformat()),
        risk=thread.id,
        change="alert",
        status="draft",
        mode=mode,
        scope=found.scope,
        hazard=thread.hazard,
        level=wording.level,
        places=wording.places,
        contents=Contents(
            category=pack.categories[pack.hazards[thread.hazard].category].title,
            starts=wording.starts,
            area=wording.area,
            matters=wording.matters,
            measures=wording.measures,
            issuer=pack.organs[found.organ].name,
        ),
        headline=wording.headline,
        drafted=now,
        expires=wording.expires,
        organ=found.organ,
        basis=found.basis,
        author=author,
        plan=plan.id,
        reasons=(*wording.noted, Reason("composed", Text(note, note))),
        pack=pack.digest,
        authors=(author,),
        rings=wording.rings,
    )


def edit(
    warning: Warning,
    wording: Wording,
    found: Issuing,
    plan: Plan,
    pack: Pack,
    now: datetime,
    author: str,
    note: str,
) -> Warning:
    """The next version of a message that has not been sent: whoever edits becomes one of its authors, and
    it has to be submitted again. WrongState for what was sent or is over, and where nothing changes."""
    move(warning, "draft")
    if warning.change == "cancel" and (wording.level, wording.places, wording.rings) != (
        warning.level,
        warning.places,
        warning.rings,
    ):
        raise WrongState(
            "a cancel keeps the level and the area of what it ends",
            where=warning.id,
            found=f"level {wording.level}, {', '.join(wording.places)}",
        )
    if warning.change == "cancel" and wording.measures != warning.contents.measures:
        raise WrongState(
            "what lifts or withdraws a warning says by itself that its measures no longer apply",
            where=warning.id,
            mend="say it in what happens",
        )
    if wording == wording_of(warning):
        raise WrongState("the edit changes nothing", where=warning.id)
    if warning.change != "cancel":
        plausible(wording.starts, wording.expires, warning.hazard, plan, pack, now)
    kept = [reason for reason in warning.reasons if reason.code != SAME_GROUND]
    return replace(
        worded(warning, wording),
        status="draft",
        scope=found.scope,
        basis=found.basis,
        author=author,
        approver="",
        submitted=None,
        version=warning.version + 1,
        authors=tuple(dict.fromkeys((*warning.authors, author))),
        reasons=(*kept, *wording.noted, Reason("edited", Text(note, note))),
        pack=pack.digest,
    )


def correction(head: Warning, plan: Plan, pack: Pack, now: datetime, zone: tzinfo = UTC) -> Wording:
    """Where a correction begins: the words of the message in force under the headline that the pack has
    ready."""
    template = plan.template_for(head.hazard, head.level)
    fields = fields_of(pack, head.hazard, head.level, head.places, head.organ, now, head.expires, None, zone)
    said = template.correct or Text(
        "CORRECTION: {colour} warning of {hazard} for {area}", "更正：{area}{hazard}{colour}预警"
    )
    return replace(wording_of(head), headline=filled(said, fields))


def correct(
    head: Warning,
    wording: Wording,
    found: Issuing,
    plan: Plan,
    pack: Pack,
    now: datetime,
    author: str,
    note: str,
) -> Warning:
    """The draft that corrects `head` and replaces it. WrongState where it says nothing else."""
    if replace(wording, headline=head.headline) == wording_of(head):
        raise WrongState(
            "the correction says the same as the message in force",
            where=head.id,
            expected="another level, area, time, matter or measure",
        )
    plausible(wording.starts, wording.expires, head.hazard, plan, pack, now)
    reason = Reason("corrected", Text(note, note))
    draft = follow(head, "update", pack, now, author, reason, purpose="correct")
    reasons = (*wording.noted, *draft.reasons)
    return replace(worded(draft, wording), scope=found.scope, basis=found.basis, reasons=reasons)


def worded(warning: Warning, wording: Wording) -> Warning:
    """The warning with these words in place of its own."""
    contents = replace(
        warning.contents,
        starts=wording.starts,
        area=wording.area,
        matters=wording.matters,
        measures=wording.measures,
    )
    return replace(
        warning,
        level=wording.level,
        places=wording.places,
        expires=wording.expires,
        headline=wording.headline,
        contents=contents,
        rings=wording.rings,
    )
