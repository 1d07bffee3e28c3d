"""Where on the ground an area is meant: polygons, circles and geocodes to WGS 84 shapes, with a record of
everything that had to be read otherwise than it was written (`anlan.formats.cap.area`)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from typing import Any

import shapely

from anlan.formats.cap.area import EXCLUSIONS, Allowance, Mending, Taken, swapped
from anlan.formats.cap.gazetteer import Gazetteer
from anlan.formats.cap.geometry import SOUND, Looked, circle, in_range
from anlan.formats.cap.shapes import MAX_RADIUS_KM

__all__ = [
    "EXCLUSIONS",
    "NO_AREA",
    "OUTCOMES",
    "Allowance",
    "Ground",
    "Mending",
    "area_ground",
    "plain_outcome",
    "union",
    "worst",
]

#: how well an area is known, the best first
OUTCOMES = ("exact", "circle", "geocode", "repaired", "unresolved")
#: of a message without any area
NO_AREA = "none"


class Ground:
    """What an area, or all areas of a message, come to.

    `outcome`: exact; circle (the polygon of 64 sides round it stands for it); geocode (by the gazetteer);
    repaired; unresolved (a part of it, or all, is not known: it keeps the message from being published);
    none (no area at all)."""

    __slots__ = ("_build", "_geometry", "_records", "_take", "outcome")

    def __init__(
        self,
        outcome: str,
        records: tuple[Mending, ...] = (),
        build: Callable[[], Any] | None = None,
        take: Callable[[], Ground] | None = None,
    ) -> None:
        """`take`: gives the whole, records and geometry, where so far the outcome alone is known."""
        self.outcome = outcome
        self._records = records
        self._build = build
        self._take = take
        self._geometry: Any = None

    @property
    def records(self) -> tuple[Mending, ...]:
        """What was read otherwise than it was written."""
        self._settle()
        return self._records

    @property
    def geometry(self) -> Any:
        """The ground that is known, WGS 84, longitude first, within ±180 degrees; empty where nothing is.
        Built when first asked for."""
        self._settle()
        if self._geometry is None:
            self._geometry = shapely.GeometryCollection() if self._build is None else self._build()
        return self._geometry

    def _settle(self) -> None:
        if self._take is not None:
            whole = self._take()
            whole._settle()
            self._records, self._build, self._take = whole._records, whole._build, None


def worst(outcomes: Collection[str]) -> str:
    """The outcome of the whole from those of its parts."""
    return max(set(outcomes), key=OUTCOMES.index) if outcomes else NO_AREA


def union(grounds: Sequence[Ground]) -> Ground:
    """Several areas as one target (their union)."""
    return Ground(
        worst([ground.outcome for ground in grounds]),
        take=lambda: Ground(
            "",
            tuple(record for ground in grounds for record in ground.records),
            lambda: shapely.union_all([ground.geometry for ground in grounds]),
        ),
    )


def area_ground(
    polygons: Sequence[str],
    circles: Sequence[str],
    geocodes: Sequence[tuple[str | None, str | None]],
    path: str = "area",
    *,
    sound: Mapping[str, str | None] | None = None,
    gazetteer: Gazetteer | None = None,
    day: date | None = None,
    drawn_only: bool = False,
    allowance: Allowance | None = None,
    looked: Mapping[str, Looked] | None = None,
) -> Ground:
    """One area. `sound` are verdicts on polygons (`sound_rings`) and `looked` their shapes, as far as they
    are known; `day` is that
    of the message, for codes whose ground changed; `drawn_only` where polygon and circle take precedence
    over geocodes (the Canadian profile) in place of the union that CAP describes; `allowance` is shared
    by the areas of a message."""
    if gazetteer is None:
        outcome = plain_outcome(polygons, circles, geocodes, sound)
        if outcome:
            return Ground(
                outcome,
                take=lambda: _taken(
                    Taken(path, Allowance(), {}), polygons, circles, geocodes, sound, None, day, drawn_only
                ),
            )
    taken = Taken(path, allowance or Allowance(), looked or {})
    return _taken(taken, polygons, circles, geocodes, sound, gazetteer, day, drawn_only)


def plain_outcome(
    polygons: Sequence[str],
    circles: Sequence[str],
    geocodes: Sequence[tuple[str | None, str | None]],
    sound: Mapping[str, str | None] | None,
) -> str:
    """The outcome without a gazetteer where nothing of the area is odd, else empty."""
    for name, value in geocodes:
        if not name or not value or name in EXCLUSIONS:
            return ""
    for text in polygons:
        if not sound or sound.get(text) != SOUND:
            return ""
    for text in circles:
        try:
            lat, lon, radius = circle(text)
        except ValueError:
            return ""
        if not 0 < radius <= MAX_RADIUS_KM or not in_range(lat, lon):
            return ""
    if circles:
        return "circle"
    return "exact" if polygons else ("unresolved" if geocodes else "")


def _taken(
    taken: Taken,
    polygons: Sequence[str],
    circles: Sequence[str],
    geocodes: Sequence[tuple[str | None, str | None]],
    sound: Mapping[str, str | None] | None,
    gazetteer: Gazetteer | None,
    day: date | None,
    drawn_only: bool,
) -> Ground:
    path = taken.path
    # only a ring that is at fault can give the order away
    swap = any((sound or {}).get(text) != SOUND for text in polygons) and swapped(polygons, taken.looked)
    for number, text in enumerate(polygons, 1):
        taken.polygon(f"{path}/polygon[{number}]", text, sound or {}, swap)
    for number, text in enumerate(circles, 1):
        taken.circle(f"{path}/circle[{number}]", text)
    taken.codes([(name or "", value or "") for name, value in geocodes], gazetteer, day, drawn_only)
    return Ground(taken.outcome(), tuple(taken.records), taken.build())
