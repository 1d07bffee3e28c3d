"""Many risks as few cards: those of one hazard in one part of the country are one.

A card holds the risks of one hazard whose places lie under the same place of the second rank (the province
of a nation), or under a wider risk of that hazard where there is one. A thousand gusts in one province are
one card with a thousand members; each member keeps its own identity, level and page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from anlan.formats.values import short_id
from anlan.model.assessment import Assessment
from anlan.model.errors import UnknownPlace
from anlan.model.pack import Pack
from anlan.model.state import State

#: the rank of the places that cards are made for: the province of a nation
SECOND = 2


@dataclass(frozen=True, slots=True)
class Card:
    """`risks` most severe first; `level` their worst, None where none has one; `unknown` some state is
    unknown. `findings` counts what has a level now, `places` where, each once. `newest`: last change.
    `area` holds all of them. `muted` are those of `risks` that are quiet as a whole."""

    id: str
    hazard: str
    area: str
    level: int | None
    unknown: bool
    risks: tuple[str, ...]
    findings: int
    places: tuple[str, ...]
    newest: datetime
    muted: frozenset[str] = frozenset()

    @property
    def count(self) -> int:
        return len(self.risks)


def card_id(hazard: str, area: str) -> str:
    """The id of the card of a hazard in an area: the same however many risks are in it."""
    return short_id("C", hazard, area)


def cards(
    risks: Iterable[Assessment],
    state: State,
    pack: Pack,
    now: datetime,
    muted: Mapping[str, object] | frozenset[str] = frozenset(),
    order: Mapping[str, int] | None = None,
) -> list[Card]:
    """One card per hazard and area, most severe first. `order`: the rank of risks of one level among each
    other, which is that of their cards too; without it the largest card first, then the newest."""
    lines: dict[str, tuple[str, ...]] = {}
    ranks: dict[str, int | None] = {}
    by_hazard: dict[str, list[Assessment]] = {}
    for risk in risks:
        if risk.place not in lines:
            lines[risk.place] = _line(risk.place, pack, now)
        by_hazard.setdefault(risk.hazard, []).append(risk)
    made = []
    for hazard, members in by_hazard.items():
        occupied = {risk.place for risk in members}
        groups: dict[str, list[Assessment]] = {}
        tops: dict[str, str] = {}
        for risk in members:
            if risk.place not in tops:
                tops[risk.place] = _top(lines[risk.place], occupied, pack, now, ranks)
            groups.setdefault(tops[risk.place], []).append(risk)
        made += [_card(hazard, area, group, state, muted, order) for area, group in groups.items()]

    def rank(card: Card) -> tuple[int, int, int, float, str]:
        pressing = 0 if order is None else order.get(card.risks[0], len(order))
        return card.level or 5, pressing, -card.count, -card.newest.timestamp(), card.id

    return sorted(made, key=rank)


def _card(
    hazard: str,
    area: str,
    group: Sequence[Assessment],
    state: State,
    muted: Mapping[str, object] | frozenset[str],
    order: Mapping[str, int] | None,
) -> Card:
    def rank(risk: Assessment) -> tuple[int, float, str]:
        first = -risk.updated.timestamp() if order is None else float(order.get(risk.id, len(order)))
        return risk.level or 5, first, risk.id

    ranked = sorted(group, key=rank)
    places: dict[str, None] = {}
    findings = 0
    for risk in ranked:
        before = findings
        for id in risk.findings:
            finding = state.findings.get(id)
            if finding is None or finding.level is None:
                continue
            if state.latest.get((finding.rule, finding.place, finding.event)) == id:
                findings += 1
                places[finding.place] = None
        if findings == before:
            places[risk.place] = None
    return Card(
        id=card_id(hazard, area),
        hazard=hazard,
        area=area,
        level=min((risk.level for risk in group if risk.level is not None), default=None),
        unknown=any(risk.state == "unknown" for risk in group),
        risks=tuple(risk.id for risk in ranked),
        findings=findings,
        places=tuple(places),
        newest=max(risk.updated for risk in group),
        muted=frozenset(risk.id for risk in group if risk.id in muted),
    )


def _top(
    line: tuple[str, ...], occupied: set[str], pack: Pack, now: datetime, ranks: dict[str, int | None]
) -> str:
    """The place whose card a place of that line belongs to: the widest one with a risk of the hazard, else
    the one of the second rank; one below the root where the pack gives no ranks."""
    widest = max((step for step, place in enumerate(line) if place in occupied), default=0)
    second = max(len(line) - 2, 0)
    for step, place in enumerate(line):
        if place not in ranks:
            level = pack.place_levels.get(_level(place, pack, now))
            ranks[place] = None if level is None else level.rank
        rank = ranks[place]
        if rank is not None and rank >= SECOND:
            second = step
    return line[max(widest, second)]


def _level(place: str, pack: Pack, now: datetime) -> str:
    try:
        return pack.place(place, now).level
    except UnknownPlace:
        return ""


def _line(place: str, pack: Pack, now: datetime) -> tuple[str, ...]:
    try:
        return pack.ancestry(place, now)
    except UnknownPlace:
        return (place,)
