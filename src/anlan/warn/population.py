"""People in an area, from what the pack knows of its places; what it does not know stays unknown.

A place that lies wholly inside counts as a whole. Of one that lies inside in part, the places below it are
looked at; where one of those has no count, the share of its area is taken of the place's own count, and the
sum is an estimate: people do not live evenly. Where neither has a count, the place is named as unknown, and
the sum is what is known at least.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import shapely
from shapely.geometry.base import BaseGeometry

from anlan.model.pack import Pack
from anlan.model.place import Place
from anlan.warn.ground import grounds, km2

Basis = Literal["counted", "estimated", "unknown"]
#: a place counts as touched, or as wholly inside, but for so small a share of it: outlines of neighbours are
#: drawn by different hands
SLIVER = 1e-4


@dataclass(frozen=True, slots=True)
class Counted:
    """One place's part: `share` of its area inside (1 where whole), `people` there (None: unknown), of
    `population` in `year` by `source`."""

    place: str
    share: float
    people: int | None
    basis: Basis
    population: int | None = None
    year: int | None = None


@dataclass(frozen=True, slots=True)
class People:
    """`known`: people in the places with a count, None where there is none with one. `basis`: "counted"
    where every part was a whole place, "estimated" where some was a share of its area, "unknown" where
    nothing is known. `unknown` names the places without a count: with any, `known` is a lower bound.
    `counted` are the parts that make the sum."""

    known: int | None
    basis: Basis
    counted: tuple[Counted, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """All of the area lies in places with a count."""
        return self.known is not None and not self.unknown


def people(shape: BaseGeometry, pack: Pack, now: datetime) -> People:
    """The people on that ground, by the counts of the places in force at `now`."""
    outlines = grounds(pack)
    below: dict[str, list[Place]] = {}
    roots: list[Place] = []
    day = now.date()
    for versions in pack.places.values():
        for place in versions:
            if place.validity.covers(day):
                (below.setdefault(place.parent, []) if place.parent else roots).append(place)
    found: list[Counted] = []
    for root in roots:
        found += _count(root, shape, outlines, below)
    known = [part.people for part in found if part.people is not None]
    unknown = tuple(part.place for part in found if part.people is None)
    basis: Basis = "unknown"
    if known:
        basis = "estimated" if any(part.basis == "estimated" for part in found) else "counted"
    return People(sum(known) if known else None, basis, tuple(found), unknown)


def _count(
    place: Place,
    shape: BaseGeometry,
    outlines: Mapping[str, BaseGeometry],
    below: Mapping[str, list[Place]],
) -> list[Counted]:
    outline = outlines.get(place.id)
    share = None
    if outline is not None:
        share = inside_share(outline, shape)
        if share <= SLIVER:
            return []
        if share >= 1 - SLIVER and place.population is not None:
            return [
                Counted(place.id, 1.0, place.population, "counted", place.population, place.population_year)
            ]
    parts: list[Counted] = []
    for child in below.get(place.id, ()):
        parts += _count(child, shape, outlines, below)
    if share is None or (parts and all(part.people is not None for part in parts)):
        return parts
    if place.population is not None:
        estimate = round(place.population * share)
        return [Counted(place.id, share, estimate, "estimated", place.population, place.population_year)]
    # the finest places that say they have no count, else this one
    return parts or [Counted(place.id, share, None, "unknown")]


def inside_share(outline: BaseGeometry, shape: BaseGeometry) -> float:
    """How much of the outline's area lies inside the shape, 0 to 1."""
    if not shapely.intersects(outline, shape):
        return 0.0
    if shapely.covers(shape, outline):
        return 1.0
    whole = km2(outline)
    return min(1.0, km2(shapely.intersection(outline, shape)) / whole) if whole else 0.0
