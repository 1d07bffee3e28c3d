"""Places that report nothing any more, or the same value for too long, as the duty page tells them: one row
for each indicator and way, however many places there are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from anlan.model.errors import UnknownPlace
from anlan.model.pack import Pack
from anlan.ports.desk import Desk, PlaceReport
from anlan.web.series_rules import rules_for

NAMED = 6  # places of one row


@dataclass(frozen=True, slots=True)
class Stopped:
    """Of one `indicator` `many` of `total` places: silent, or `stuck`. `since` when: of the one longest ago,
    when its newest report came, or its value set in. `named`: the first of them, each true where it has a
    page of its series."""

    indicator: str
    stuck: bool
    many: int
    total: int
    since: datetime
    named: tuple[tuple[PlaceReport, bool], ...]


def stopped(
    desk: Desk, visible: Callable[[str], bool], now: datetime, most: int
) -> tuple[tuple[Stopped, ...], int]:
    """The first `most` of what the caller may see of it, longest ago first, and how many there are in all.
    Places that are no longer in force at `now` are left out."""
    pack, found, known = desk.pack, [], dict[str, bool]()

    def here(place: str) -> bool:
        if place not in known:
            known[place] = visible(place) and _in_force(pack, place, now)
        return known[place]

    for one in desk.unreported():
        for stuck, every in ((False, one.silent), (True, one.stuck)):
            reports = [report for report in every if here(report.place)]
            if reports:
                since = min(report.same if stuck else report.since for report in reports)
                found.append((since, one.indicator, stuck, reports, one.places))
    found.sort(key=lambda row: row[:3])
    shown = tuple(
        Stopped(
            indicator,
            stuck,
            len(reports),
            sum(map(here, places)),
            since,
            tuple((one, bool(rules_for(pack, indicator, one.place, now))) for one in reports[:NAMED]),
        )
        for since, indicator, stuck, reports, places in found[:most]
    )
    return shown, len(found)


def _in_force(pack: Pack, place: str, now: datetime) -> bool:
    try:
        pack.place(place, now)
    except UnknownPlace:
        return False
    return True
