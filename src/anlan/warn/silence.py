"""Silences: set by a person for a reason, no longer than allowed; what they keep quiet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from anlan.formats.values import short_id
from anlan.model.errors import InvalidValue, NotFound, UnknownPlace, WrongState
from anlan.model.finding import Finding
from anlan.model.mute import Silence
from anlan.model.pack import Pack
from anlan.model.reason import Reason
from anlan.model.state import State
from anlan.model.text import Text
from anlan.model.user import User
from anlan.model.warning import Warning

#: no silence is longer: who needs more sets it again, and thinks about it again
LONGEST = timedelta(days=3)
#: how far ahead one may be set (works that are planned)
AHEAD = timedelta(days=30)
RED = 1
ACTUAL = "Actual"

OVER = Reason("silence_over", Text("the silence has ended: it is heard again", "静默到期：恢复提示"))


def roots(pack: Pack, now: datetime) -> tuple[str, ...]:
    """The topmost places: what a silence without a place is about."""
    found = [
        version.id
        for versions in pack.places.values()
        for version in versions
        if version.parent is None and version.validity.covers(now.date())
    ]
    return tuple(dict.fromkeys(found))


def make(
    user: User,
    why: str,
    begins: datetime,
    ends: datetime,
    pack: Pack,
    now: datetime,
    *,
    places: Sequence[str] = (),
    hazards: Sequence[str] = (),
    rules: Sequence[str] = (),
    recipients: Sequence[str] = (),
    red: bool = False,
) -> Silence:
    """A new silence; NotFound for a place, hazard, rule or recipient that the pack lacks, WrongState where
    it would end in the past, last longer than LONGEST or begin later than AHEAD, name nothing but
    everything, or has no reason in words."""
    if not why.strip():
        raise WrongState("a silence needs a reason in words", where="silence.reason", found="nothing")
    if not (places or hazards or rules or recipients):
        raise WrongState(
            "a silence of everything is not possible",
            where="silence",
            found="no place, hazard, rule or recipient",
            expected="at least one of them",
        )
    for where, names, known in (
        ("place", places, pack.places),
        ("hazard", hazards, pack.hazards),
        ("rule", rules, pack.rules),
        ("recipient", recipients, pack.recipients),
    ):
        for name in names:
            if name not in known:
                raise NotFound(f"no such {where}", where=f"silence.{where}", found=repr(name))
    begins = max(begins, now)
    if ends <= begins:
        raise WrongState(
            "the silence would end before it begins",
            where="silence.ends",
            found=ends.isoformat(),
            expected=f"after {begins.isoformat()}",
        )
    if ends - begins > LONGEST:
        raise WrongState(
            "a silence may not last so long",
            where="silence.ends",
            found=ends.isoformat(),
            expected=f"at most {LONGEST.days} days: {(begins + LONGEST).isoformat()}",
            mend="set it again when it ends, if it is still needed",
        )
    if begins - now > AHEAD:
        raise WrongState(
            "a silence may not begin so late",
            where="silence.begins",
            found=begins.isoformat(),
            expected=f"within {AHEAD.days} days",
        )
    return Silence(
        id=short_id("S", user.name, now.isoformat(), *places, "/", *hazards, "/", *rules, "/", *recipients),
        author=user.name,
        reason=why.strip(),
        set_at=now,
        begins=begins,
        ends=ends,
        places=tuple(dict.fromkeys(places)) or roots(pack, now),
        hazards=tuple(dict.fromkeys(hazards)),
        rules=tuple(dict.fromkeys(rules)),
        recipients=tuple(dict.fromkeys(recipients)),
        red=red,
        status="set" if begins <= now else "planned",
    )


def lift(silence: Silence, user: User, why: str) -> Silence:
    """Ended before its time, by somebody, for a reason in words."""
    if silence.status not in ("planned", "set"):
        raise WrongState("the silence is over", where=silence.id, found=silence.status)
    if not why.strip():
        raise WrongState("a reason in words is required", where=silence.id, found="an empty note")
    reason = Reason("silence_lifted", Text(why.strip(), why.strip()))
    return replace(silence, status="lifted", lifted_by=user.name, reasons=(*silence.reasons, reason))


def moved(state: State, now: datetime) -> list[tuple[str, Silence]]:
    """(began or ended; the silence's new value) for everything that time alone has changed by `now`."""
    found = []
    for silence in state.silences.values():
        if silence.status in ("planned", "set") and silence.ends <= now:
            found.append(("ended", replace(silence, status="ended", reasons=(*silence.reasons, OVER))))
        elif silence.status == "planned" and silence.begins <= now:
            found.append(("began", replace(silence, status="set")))
    return found


def next_due(state: State) -> datetime | None:
    """When a silence next begins or ends."""
    times = [
        silence.begins if silence.status == "planned" else silence.ends
        for silence in state.silences.values()
        if silence.status in ("planned", "set")
    ]
    return min(times, default=None)


def parse_names(text: str) -> tuple[str, ...]:
    """Ids separated by blanks or commas, each once."""
    return tuple(dict.fromkeys(text.replace(",", " ").split()))


def parse_red(text: str) -> bool:
    """`yes` names red as well, nothing leaves it out; InvalidValue for any other word."""
    word = text.strip().lower()
    if word not in ("", "no", "yes"):
        raise InvalidValue("not an answer", where="silence.red", found=repr(text), expected="yes or nothing")
    return word == "yes"


def quiets(silence: Silence, finding: Finding, line: Iterable[str], mode: str, now: datetime) -> bool:
    """Whether an active silence covers a finding whose place lies in `line`. Red of an Actual system only
    where its author has named it."""
    if not silence.active(now) or silence.recipients or finding.level is None:
        return False
    if finding.level == RED and mode == ACTUAL and not silence.red:
        return False
    return (
        (not silence.hazards or finding.hazard in silence.hazards)
        and (not silence.rules or finding.rule in silence.rules)
        and not set(silence.places).isdisjoint(line)
    )


def holds_back(
    silence: Silence, recipient: str, warning: Warning, red: bool, pack: Pack, now: datetime
) -> bool:
    """Whether an active silence keeps a message from a recipient that it names: the message lies in its
    places as a whole. A silence of rules says nothing about messages. `red`: the message is red or
    changes what is red."""
    if not silence.active(now) or recipient not in silence.recipients or silence.rules:
        return False
    if red and warning.mode == ACTUAL and not silence.red:
        return False
    if silence.hazards and warning.hazard not in silence.hazards:
        return False
    return all(not set(silence.places).isdisjoint(_line(place, pack, now)) for place in warning.places)


def reason(silence: Silence) -> Reason:
    """Why, with author and words."""
    return Reason(
        "muted_by",
        Text(
            f"silenced by {silence.author}: {silence.reason}", f"由 {silence.author} 静默：{silence.reason}"
        ),
    )


def _line(place: str, pack: Pack, now: datetime) -> tuple[str, ...]:
    try:
        return pack.ancestry(place, now)
    except UnknownPlace:
        return (place,)
