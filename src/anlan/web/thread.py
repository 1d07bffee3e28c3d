"""A risk from its first observation to its review, hop by hop, each one timed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from anlan.model.assessment import Assessment
from anlan.model.contact import ContactTest
from anlan.model.entry import Entry, Handover, Marker, Value
from anlan.model.finding import Finding
from anlan.model.incident import Incident, Report, StandDown, Task
from anlan.model.mailing import Mailing
from anlan.model.mute import Mute, Silence
from anlan.model.notice import Digest, Notice
from anlan.model.pack import Pack
from anlan.model.reason import Reason
from anlan.model.relayed import Relayed
from anlan.model.review import Lesson, Review
from anlan.model.roster import Shift, WatchState
from anlan.model.sourcestate import SourceState
from anlan.model.text import Text
from anlan.model.warning import Delivery, Warning

STAGES = {
    "observation": "monitor",
    "finding": "monitor",
    "assessment": "assess",
    "warning": "warn",
    "delivery": "warn",
    "mailing": "warn",
    "notice": "warn",
    "digest": "warn",
    "mute": "warn",
    "silence": "warn",
    "relayed": "monitor",
    "incident": "respond",
    "task": "respond",
    "report": "respond",
    "stand_down": "respond",
    "review": "review",
    "lesson": "review",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened: `what` in words, `status` as (family, value) for the catalogue, `grounds` on
    what a finding rests, `cause` the warning or finding that mutes it."""

    seq: int
    at: datetime
    subject: str
    what: Text
    family: str
    status: str
    level: int | None
    actor: str
    why: Text | None
    reasons: tuple[Reason, ...]
    grounds: tuple[Text, ...] = ()
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Hop:
    """What was written of one noun at one instant. `since` is the time from the hop before."""

    stage: str
    noun: str
    at: datetime
    since: timedelta | None
    lines: tuple[Line, ...]


def hops(entries: Sequence[Entry], pack: Pack) -> list[Hop]:
    """The thread of one risk: a step for each instant and kind of entry, those of an instant in the order in
    which the kinds first came; before the first finding stands the observation it was seen in."""
    found: list[Hop] = []
    previous: datetime | None = None
    for entry in entries:
        if isinstance(entry.value, Finding):
            first = entry.value
            at = first.known
            found.append(Hop("monitor", "observation", at, None, (_observed(first, pack),)))
            previous = at
            break
    for at, turn in groupby(entries, key=lambda entry: entry.at):
        # a finding and what it changes alternate in the journal, by the thousand in a storm
        kinds: dict[str, list[Entry]] = {}
        for entry in turn:
            kinds.setdefault(entry.kind.partition(".")[0], []).append(entry)
        for noun, group in kinds.items():
            since = at - previous if previous is not None else None
            lines = tuple(line(entry, pack) for entry in group)
            found.append(Hop(STAGES.get(noun, "system"), noun, at, since, lines))
            previous = at
    return found


def line(entry: Entry, pack: Pack) -> Line:
    """An entry in words."""
    what, family, status, level = describe(entry.value, pack)
    reasons: tuple[Reason, ...] = getattr(entry.value, "reasons", ())
    if isinstance(entry.value, StandDown):
        reasons = (entry.value.reason,)
    grounds = entry.value.grounds if isinstance(entry.value, Finding) else ()
    return Line(
        entry.seq,
        entry.at,
        entry.subject,
        what,
        family,
        status,
        level,
        entry.actor,
        entry.why,
        reasons,
        grounds,
        entry.value.cause if isinstance(entry.value, Mute) else "",
    )


def describe(value: Value, pack: Pack) -> tuple[Text, str, str, int | None]:
    """(words, catalogue family, status, level or None) of any journalled value."""
    match value:
        case Finding():
            return value.sentence, "finding", value.change, value.level
        case Assessment():
            return value.title, "verdict", value.verdict, value.level
        case Warning():
            return value.headline, "warning", value.status, value.level
        case Mailing():
            words = Text(f"{len(value.ids):,} recipients", f"{len(value.ids):,}个接收方")
            return words, "delivery", value.status, None
        case Shift():
            return _same(f"{value.who} · {value.watch}"), "shift", value.status, None
        case WatchState():
            watch = pack.watches.get(value.watch)
            return watch.title if watch else _same(value.watch), "watch", value.status, None
        case ContactTest():
            tested = pack.recipients.get(value.recipient)
            return tested.name if tested else _same(value.recipient), "noun", "contact", None
        case Delivery():
            recipient = pack.recipients.get(value.recipient)
            return recipient.name if recipient else _same(value.recipient), "delivery", value.status, None
        case Notice():
            told = sum(len(group.recipients) for group in value.groups if group.outcome == "told")
            every = sum(len(group.recipients) for group in value.groups)
            return Text(f"told {told} of {every}", f"已告知 {told}/{every}"), "noun", "notice", None
        case Digest():
            to = pack.recipients.get(value.recipient)
            return to.name if to else _same(value.recipient), "digest", value.status, None
        case Silence():
            return _same(value.reason), "silence", value.status, None
        case Mute():
            place = pack.places.get(value.place)
            return place[-1].name if place else _same(value.place), "mute", value.status, None
        case Relayed():
            first = value.infos[0] if value.infos else None
            said = (first.headline or first.event) if first else value.note
            return _same(said or value.identifier), "cap_type", value.msg_type, None
        case Incident():
            return value.title, "incident", value.status, None
        case Task():
            return value.title, "task", value.status, None
        case Report():
            return value.title, "report", value.status, None
        case StandDown():
            return value.reason.text, "incident", "stood_down", None
        case Review():
            event = pack.events.get(value.event)
            return event.title if event else _same(value.id), "outcome", value.outcome, None
        case Lesson():
            return value.text, "task", value.status, None
        case SourceState():
            source = pack.sources.get(value.source)
            return source.title if source else _same(value.source), "source", value.status, None
        case Handover():
            return _same(f"{value.by} → {value.to}"), "noun", "handover", None
        case Marker():
            return _same(value.detail or value.kind), "noun", "marker", None


def _same(words: str) -> Text:
    shown = words if words.strip() else "–"
    return Text(shown, shown)


def _observed(finding: Finding, pack: Pack) -> Line:
    indicator = pack.indicators.get(finding.indicator)
    what = indicator.title if indicator else _same(finding.indicator)
    return Line(0, finding.known, finding.id, what, "noun", "observation", None, "", None, ())
