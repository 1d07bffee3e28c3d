"""In force now: our own messages and those of others, place by place, each with how sure we are of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from anlan.model.pack import Pack
from anlan.model.relayed import Relayed
from anlan.model.sourcestate import SourceState
from anlan.model.state import State
from anlan.model.text import Text
from anlan.model.warning import Warning
from anlan.warn import hub
from anlan.warn.hub import Link

OWN, RELAYED = "own", "relayed"
#: sources that tell nothing any more
SILENT = ("late", "dead")
#: what is on the board without being asked for
SHOWN = ("in_force", "coming", "end_unknown")
#: CAP severity -> level, where the pack does not say
LEVEL_OF = {"Extreme": 1, "Severe": 2, "Moderate": 3, "Minor": 4}
UNKNOWN_LAST = 5


@dataclass(frozen=True, slots=True)
class Line:
    """One message at one place. `place` is empty where its area is unresolved; `partial`: the place is
    covered in part. `level` None is an unknown severity. `state` is one of `hub.STATES`; `ends` None where
    no end is given; `current` False where every source it came by is silent. `chain` is the id that all
    messages of a chain share, `follows` how many came before it; `marks`, `conflicts` and `refused` as in
    `hub.Link`. `id` is a warning's or a relayed message's."""

    kind: str
    id: str
    place: str
    area: str
    partial: bool
    level: int | None
    event: Text
    headline: Text
    sender: str
    mode: str
    state: str
    sent: datetime
    known: datetime
    ends: datetime | None
    current: bool
    sources: tuple[str, ...]
    chain: str
    follows: int
    conflicts: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    held: str = ""
    refused: str = ""

    @property
    def order(self) -> tuple[bool, int, int, float, str, str]:
        """What is real before exercises and tests, most severe first (unknown severity before the least),
        in force before the rest, then newest."""
        level = 3 if self.level is None else self.level
        later = 0 if self.state == "in_force" else 1
        return self.mode != "Actual", level, later, -self.sent.timestamp(), self.id, self.place


@dataclass(frozen=True, slots=True)
class Alarm:
    """A source that is silent, since when, and how many of its messages stand on its word alone."""

    source: str
    status: str
    since: datetime
    last: datetime | None
    alone: int


@dataclass(frozen=True, slots=True)
class Board:
    """`lines` by place and message, the gravest first. `messages` counts the relayed ones held, `repeats`
    how many further ways they came by, `conflicts` names that stand for several contents, `unresolved`
    messages on the board with an area that no place is known for, `references` by outcome, `refused` messages
    that came late and stand nowhere. Without news it stays the same until `until` (None: for good)."""

    lines: tuple[Line, ...]
    alarms: tuple[Alarm, ...]
    messages: int
    repeats: int
    conflicts: int
    unresolved: int
    references: Mapping[str, int]
    refused: int = 0
    until: datetime | None = None


def silent_sources(sources: Mapping[str, SourceState]) -> frozenset[str]:
    """Sources that tell nothing any more."""
    return frozenset(id for id, state in sources.items() if state.status in SILENT)


def board(
    state: State,
    pack: Pack,
    at: datetime,
    links: Mapping[str, Link] | None = None,
    *,
    every: bool = False,
) -> Board:
    """What is in force at `at` as `state` knows it. `links`: the chains, where they are worked out already.
    `every`: also what is not on the board by itself (replaced, cancelled, expired, tests, held)."""
    links = hub.chains(state.relayed.values()) if links is None else links
    silent = silent_sources(state.sources)
    lines = list(_own(state, pack, at, every))
    severities = {
        entry.severity: entry.level for entry in pack.warning_levels if entry.validity.covers(at.date())
    }
    severities = {**LEVEL_OF, **severities}
    depth = _depths(links)
    alone: dict[str, int] = {}
    unresolved = 0
    relaying = {feed.source for link in links.values() for feed in link.message.feeds}
    references: dict[str, int] = {}
    for link in links.values():
        for one in link.references:
            references[one.outcome] = references.get(one.outcome, 0) + 1
        standing = hub.standing(link, at, silent)
        if standing.state not in SHOWN and not every:
            continue
        message = link.message
        if standing.state in SHOWN:
            unresolved += message.unresolved
            if not standing.current:
                for source in dict.fromkeys(feed.source for feed in message.feeds):
                    alone[source] = alone.get(source, 0) + 1
        lines += _relayed(standing, severities, depth.get(message.id, 0), at)
    return Board(
        lines=tuple(sorted(lines, key=lambda line: line.order)),
        alarms=tuple(
            Alarm(
                id,
                state.sources[id].status,
                state.sources[id].since,
                state.sources[id].last,
                alone.get(id, 0),
            )
            for id in sorted(silent)
            if id in relaying
        ),
        messages=len(links),
        repeats=sum(len(link.message.feeds) - 1 for link in links.values()),
        conflicts=len({link.message.key for link in links.values() if link.conflicts}),
        unresolved=unresolved,
        references=references,
        refused=sum(bool(link.refused) for link in links.values()),
        until=_until(state, links, at),
    )


def _until(state: State, links: Mapping[str, Link], at: datetime) -> datetime | None:
    """When something on the board next changes by time alone."""
    later = [
        moment
        for link in links.values()
        for info in link.message.infos
        for moment in (info.expires, info.effective)
        if moment is not None and moment > at
    ]
    later += [
        end for link in links.values() if (end := link.message.sent + hub.UNENDED) > at and link.message.infos
    ]
    for warning in state.warnings.values():
        later += [one for one in (warning.sent, warning.expires) if one is not None and one > at]
    return min(later, default=None)


def _own(state: State, pack: Pack, at: datetime, every: bool) -> Iterable[Line]:
    for warning in state.warnings.values():
        if warning.sent is None or warning.sent > at:
            continue
        status = _own_state(warning, at)
        if status != "in_force" and not every:
            continue
        hazard = pack.hazards.get(warning.hazard)
        # what its CAP message calls its event; the category where the pack has the hazard no more
        event = warning.contents.category if hazard is None else hazard.title
        for place in warning.places:
            yield Line(
                kind=OWN,
                id=warning.id,
                place=place,
                area=warning.contents.area.en,
                partial=False,
                level=warning.level,
                event=event,
                headline=warning.headline,
                sender=warning.organ,
                mode=warning.mode,
                state=status,
                sent=warning.sent,
                known=warning.sent,
                ends=warning.expires,
                current=True,
                sources=(),
                chain=warning.risk,
                follows=len(warning.references),
            )


def _own_state(warning: Warning, at: datetime) -> str:
    if warning.change == "cancel":
        return "cancel"
    words = {"superseded": "replaced", "cancelled": "cancelled", "expired": "expired"}
    if warning.status in words:
        return words[warning.status]
    return "in_force" if warning.expires > at else "expired"


def _relayed(
    standing: hub.Standing, severities: Mapping[str, int], follows: int, at: datetime
) -> Iterable[Line]:
    link = standing.link
    message = link.message
    event, headline = _words(message)
    for place, area, partial, level, ends in _spots(message, severities, at):
        yield Line(
            kind=RELAYED,
            id=message.id,
            place=place,
            area=area,
            partial=partial,
            level=level,
            event=event,
            headline=headline,
            sender=message.sender,
            mode=message.status,
            state=standing.state,
            sent=message.sent,
            known=message.known,
            ends=ends,
            current=standing.current,
            sources=tuple(dict.fromkeys(feed.source for feed in message.feeds)),
            chain=link.chain,
            follows=follows,
            conflicts=link.conflicts,
            marks=link.marks,
            held=message.held,
            refused=link.refused,
        )


def _spots(
    message: Relayed, severities: Mapping[str, int], at: datetime
) -> list[tuple[str, str, bool, int | None, datetime | None]]:
    """(place, area in words, covered in part, level, end) once per place: the gravest of its blocks that
    still hold, the last of their ends; blocks in other languages say the same."""
    found: dict[tuple[str, str], tuple[str, str, bool, int | None, datetime | None]] = {}
    for info in message.infos:
        level = severities.get(info.severity)
        for area in info.areas:
            for place in area.places or ("",):
                key = (place, "" if place else area.description)
                before = found.get(key)
                now = (place, area.description, place in area.partial, level, info.expires)
                found[key] = now if before is None else _graver(before, now, at)
    return list(found.values()) or [("", "", False, None, message.ends)]


def _graver(
    one: tuple[str, str, bool, int | None, datetime | None],
    other: tuple[str, str, bool, int | None, datetime | None],
    at: datetime,
) -> tuple[str, str, bool, int | None, datetime | None]:
    holds = [spot for spot in (one, other) if spot[4] is None or spot[4] > at] or [one, other]
    levels = [spot[3] for spot in holds if spot[3] is not None]
    ends = [spot[4] for spot in holds]
    last = None if None in ends else max(end for end in ends if end is not None)
    return one[0], one[1], one[2] and other[2], min(levels, default=None), last


def _words(message: Relayed) -> tuple[Text, Text]:
    """Event and headline in both languages of the product, each from a block in that language where there
    is one; a message that has none is shown by its name."""
    chinese = [info for info in message.infos if info.language.lower().startswith("zh")]
    english = [info for info in message.infos if info.language.lower().startswith("en")]
    zh = next(iter(chinese or english or message.infos), None)
    en = next(iter(english or chinese or message.infos), None)
    name = message.identifier
    event = Text(_said(en.event if en else "", name), _said(zh.event if zh else "", name))
    headline = Text(
        _said(en.headline or en.event if en else "", name), _said(zh.headline or zh.event if zh else "", name)
    )
    return event, headline


def _said(text: str, otherwise: str) -> str:
    return text.strip() or otherwise.strip() or "–"


def _depths(links: Mapping[str, Link]) -> dict[str, int]:
    """How many messages of its chain were sent before each, the chain's order being that of sending; what was
    refused counts for nothing."""
    seen: dict[str, int] = {}
    found: dict[str, int] = {}
    for id, link in links.items():
        found[id] = seen.get(link.chain, 0)
        seen[link.chain] = found[id] + (not link.refused)
    return found
