"""People in an area, from what the pack knows of its places; what it does not know stays unknown.

A place that lies wholly inside counts as a whole. Of one that lies inside in part, the places below it are
looked at; where one of those has no count, the share of its area is taken of the place's own count, and the
sum is an estimate: people do not live evenly. Where neither has a count, the place is named as unknown, and
the sum is what is known at least.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import shapely
from shapely.geometry.base import BaseGeometry

from anlan.model.errors import UnknownPlace
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
    `population` in `year` by `source` (None and "": the pack does not say)."""

    place: str
    share: float
    people: int | None
    basis: Basis
    population: int | None = None
    year: int | None = None
    source: str = ""


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
    def sources(self) -> tuple[str, ...]:
        """Where the counts are from, each once."""
        return tuple(dict.fromkeys(part.source for part in self.counted if part.source))

    @property
    def complete(self) -> bool:
        """All of the area lies in places with a count."""
        return self.known is not None and not self.unknown


def people(
    shape: BaseGeometry,
    pack: Pack,
    now: datetime,
    chosen: Collection[str] = (),
    without: Collection[str] = (),
) -> People:
    """The people on that ground, by the counts of the places in force at `now`. Places `chosen` by name are
    inside as a whole, and of their neighbours only what lies on the ground beyond them counts: outlines of
    neighbours overlap by a hair, people do not. Places `without` have no part in it."""
    outlines = grounds(pack)
    below: dict[str, list[Place]] = {}
    roots: list[Place] = []
    day = now.date()
    for versions in pack.places.values():
        for place in versions:
            if place.validity.covers(day):
                (below.setdefault(place.parent, []) if place.parent else roots).append(place)
    own = [outlines[id] for id in chosen if id in outlines]
    beyond = shapely.difference(shape, shapely.union_all(own)) if own else shape
    above = {line for id in chosen for line in line_of(pack, id, now)}
    shapely.prepare([shape, beyond])
    ground = _Ground(shape, beyond, frozenset(chosen), frozenset(above), frozenset(without))
    found = _once([_count(root, ground, outlines, below) for root in roots], shape, outlines)
    known = [part.people for part in found if part.people is not None]
    unknown = tuple(part.place for part in found if part.people is None)
    basis: Basis = "unknown"
    if known:
        basis = "estimated" if any(part.basis == "estimated" for part in found) else "counted"
    return People(sum(known) if known else None, basis, tuple(found), unknown)


def _once(
    trees: list[list[Counted]], shape: BaseGeometry, outlines: Mapping[str, BaseGeometry]
) -> list[Counted]:
    """The parts of several trees of places, those on the same ground by two names once: a nation of one pack
    and its provinces of another. The tree on the least ground says it finest; of what the others have on
    `shape`, the parts that lie on its for the most part are left out."""
    counting = [tree for tree in trees if tree]
    if len(counting) < 2:
        return [part for tree in counting for part in tree]
    ground = {
        id(tree): [
            outlines[part.place] for part in tree if part.people is not None and part.place in outlines
        ]
        for tree in counting
    }
    kept: list[Counted] = []
    taken = shapely.MultiPolygon()
    for tree in sorted(counting, key=lambda tree: float(sum(shapely.area(ground[id(tree)])))):
        for part in tree:
            outline = outlines.get(part.place)
            here = None if outline is None or taken.is_empty else shapely.intersection(outline, shape)
            if here is None or here.is_empty or inside_share(here, taken) <= 0.5:
                kept.append(part)
        taken = shapely.union_all([taken, *ground[id(tree)]])
    return kept


@dataclass(frozen=True, slots=True)
class _Ground:
    """`beyond`: the ground without the outlines of the places chosen by name; `above`: these and the places
    that they lie in."""

    shape: BaseGeometry
    beyond: BaseGeometry
    chosen: frozenset[str]
    above: frozenset[str]
    without: frozenset[str]


def _count(
    place: Place,
    ground: _Ground,
    outlines: Mapping[str, BaseGeometry],
    below: Mapping[str, list[Place]],
    within: bool = False,
) -> list[Counted]:
    """The parts that make the sum for a place; `within` a chosen one all of it is inside."""
    if place.id in ground.without:
        return []
    within = within or place.id in ground.chosen
    outline = outlines.get(place.id)
    share: float | None = None
    if within:
        share = 1.0
    elif outline is not None:
        share = inside_share(outline, ground.shape if place.id in ground.above else ground.beyond)
        if share <= SLIVER:
            if place.id not in ground.above:
                return []
            # a chosen place lies in it by the tree, and its outline elsewhere: the tree decides
            share = None
    if share is not None and share >= 1 - SLIVER and place.population is not None:
        return [_counted(place, 1.0, place.population, "counted")]
    parts: list[Counted] = []
    for child in below.get(place.id, ()):
        parts += _count(child, ground, outlines, below, within)
    if share is None or (parts and all(part.people is not None for part in parts)):
        return parts
    if place.population is not None:
        estimate = round(place.population * share)
        return [_counted(place, share, estimate, "estimated")]
    # the finest places that say they have no count, else this one
    return parts or [Counted(place.id, share, None, "unknown")]


def _counted(place: Place, share: float, number: int, basis: Basis) -> Counted:
    return Counted(
        place.id,
        share,
        number,
        basis,
        place.population,
        place.population_year,
        place.population_source,
    )


def line_of(pack: Pack, place: str, now: datetime) -> tuple[str, ...]:
    """The place and what it lies in; nothing where it is not in force."""
    try:
        return pack.ancestry(place, now)
    except UnknownPlace:
        return ()


def inside_share(outline: BaseGeometry, shape: BaseGeometry) -> float:
    """How much of the outline's area lies inside the shape, 0 to 1."""
    # a prepared shape answers fast where it stands first
    if not shapely.intersects(shape, outline):
        return 0.0
    if shapely.covers(shape, outline):
        return 1.0
    whole = km2(outline)
    return min(1.0, km2(shapely.intersection(outline, shape)) / whole) if whole else 0.0
