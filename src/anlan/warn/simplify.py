"""Fewer points for an area, and never less ground: what was chosen stays covered.

First onto the decimal grid, outward; then polygons are joined where a channel takes only so many, and
vertices taken off outward (see `outward`), what adds the least first. Where no step is left, polygons are
joined further, up to one convex hull and at last a box. An area across the antimeridian is handled as one
and cut there at the end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from anlan.model.errors import InvalidValue
from anlan.model.reason import Reason
from anlan.model.text import Text
from anlan.packs.antimeridian import split
from anlan.warn.budgets import LEAST, Budget
from anlan.warn.ground import km2, parts, points, united
from anlan.warn.outward import Rings

#: so many points, or three times the budget, go through the single steps; more are thinned by distance first
MANY = 1500

HOLES = Reason(
    "hole_filled", Text("holes are filled: the channel cannot carry them", "孔洞已填充：该渠道无法表示孔洞")
)
JOINED = Reason(
    "parts_joined",
    Text(
        "separate polygons are joined: the channel carries fewer",
        "分离的多边形已合并：该渠道可容纳的数量有限",
    ),
)


@dataclass(frozen=True, slots=True)
class Simplified:
    """`shape` covers what was given (`covers`: looked at afterwards with the exact predicate), within the
    budget, valid, its coordinates whole multiples of 10^-digits. Points count closing pairs."""

    shape: BaseGeometry
    before: int
    after: int
    polygons_before: int
    polygons_after: int
    area_km2: float
    added_km2: float
    digits: int
    covers: bool
    reasons: tuple[Reason, ...] = ()

    @property
    def added_share(self) -> float:
        """Added ground as a share of the ground chosen."""
        return self.added_km2 / self.area_km2 if self.area_km2 else 0.0


def simplify(shape: BaseGeometry, budget: Budget, *, holes: bool = False) -> Simplified:
    """The area within a channel's budget. Holes are filled unless `holes`, since CAP 1.2 has none.
    InvalidValue where the shape is empty, not valid or not within the globe, or where the budget is too small
    for both sides of the antimeridian."""
    west, south, east, north = shape.bounds if not shape.is_empty else (0.0, 0.0, 0.0, 0.0)
    if shape.is_empty or not shape.is_valid or not parts(shape):
        raise InvalidValue("no area to simplify", where="area", expected="a valid polygon or multipolygon")
    if west < -180 or south < -90 or east > 180 or north > 90:
        raise InvalidValue(
            "off the globe",
            where="area",
            found=f"{west:g} to {east:g}, {south:g} to {north:g}",
            expected="longitudes -180 to 180, cut at the antimeridian; latitudes -90 to 90",
        )
    whole = united([_filled(shape)]) if not holes else shape
    found = _cover(whole, budget)
    if not shapely.covers(found, shape):
        # uniting the filled parts rounds: corners of crossings may lie a hair inside
        wider = shapely.buffer(whole, 10.0**-budget.digits, join_style="mitre")
        found = _cover(_clipped(wider, -180.0, 180.0), budget)
    return _told(shape, found, budget, holes)


def _cover(shape: BaseGeometry, budget: Budget) -> BaseGeometry:
    return _across(shape, budget) if _parted(shape) else _within(shape, budget, -180.0, 180.0)


def _told(shape: BaseGeometry, found: BaseGeometry, budget: Budget, holes: bool) -> Simplified:
    size = km2(shape)
    added = max(0.0, km2(found) - size)
    before, after = points(shape), points(found)
    reasons = []
    if not holes and any(shapely.get_num_interior_rings(part) for part in parts(shape)):
        reasons.append(HOLES)
    if len(parts(found)) < len(parts(shape)):
        reasons.append(JOINED)
    if not shapely.equals(found, shape):
        reasons.append(
            Reason(
                "area_simplified",
                Text(
                    f"{before} points became {after}; all of the area stays covered, {added:,.2f} km² "
                    f"({added / size:.1%}) are added",
                    f"{before}个点变为{after}个；原区域仍全部覆盖，增加{added:,.2f}平方公里"
                    f"({added / size:.1%})",
                ),
            )
        )
    return Simplified(
        found,
        before,
        after,
        len(parts(shape)),
        len(parts(found)),
        size,
        added,
        budget.digits,
        bool(shapely.covers(found, shape)),
        tuple(reasons),
    )


def _filled(shape: BaseGeometry) -> BaseGeometry:
    """Without holes; a polygon in a hole of another goes with it."""
    return shapely.union_all([shapely.Polygon(part.exterior) for part in parts(shape)])


# ── one side of the antimeridian ─────────────────────────────────────────────────────────────────


def _within(shape: BaseGeometry, budget: Budget, west: float, east: float) -> BaseGeometry:
    """The cover of a shape between two longitudes that adds the least of several: of as many polygons as may
    be, of fewer with more points each, of one, and of its hull. The way out where none will do, of a grid
    too coarse or a shape too fine, is a wider margin, and at last a box."""
    target = shape
    limit = min(budget.polygons or budget.points, budget.points // LEAST)
    for attempt in range(4):
        target = on_grid(_thinned(target, budget, west, east), budget.digits, west, east)
        if target.is_valid and _fits(target, budget) and shapely.covers(target, shape):
            return target
        tried = []
        for few in dict.fromkeys((limit, max(1, budget.points // 12), max(1, budget.points // 24), 1)):
            if few <= limit:
                found = _reduced(target, budget, few, west, east)
                if found.is_valid and _fits(found, budget) and shapely.covers(found, shape):
                    tried.append(found)
        hull = _reduced(shapely.convex_hull(target), budget, 1, west, east)
        if hull.is_valid and _fits(hull, budget) and shapely.covers(hull, shape):
            tried.append(hull)
        if tried:
            return min(tried, key=km2)
        unit = 2.0**attempt * 10.0**-budget.digits
        target = _clipped(shapely.buffer(shape, unit, join_style="mitre"), west, east)
    return _box(shape, budget.digits, west, east)


def _fits(shape: BaseGeometry, budget: Budget) -> bool:
    return points(shape) <= budget.points and len(parts(shape)) <= (budget.polygons or budget.points)


def _reduced(shape: BaseGeometry, budget: Budget, limit: int, west: float, east: float) -> BaseGeometry:
    """From a shape on the grid, of `limit` polygons at most."""
    found = on_grid(shape, budget.digits, west, east)
    while True:
        found = _joined(found, limit, budget.digits, west, east)
        if points(found) <= budget.points:
            return found
        rings = Rings(found, budget.digits, west, east)
        rings.reduce(budget.points)
        found = rings.shape()
        count = len(parts(found))
        if points(found) <= budget.points:
            return found
        if count > 1:
            limit = count - max(1, count // 4)
            continue
        hull = shapely.convex_hull(found)
        if points(hull) == points(found):
            return _box(found, budget.digits, west, east)
        found = hull


def _thinned(shape: BaseGeometry, budget: Budget, west: float, east: float) -> BaseGeometry:
    """Drawn out by ever more and then thinned by less than that (Douglas and Peucker 1973), until few enough
    points are left. Thinning by the whole margin may cut a corner all the same (a line can run back along
    itself), so each result is looked at."""
    step = max(2 * 10.0**-budget.digits, 0.02 * shapely.length(shape) / points(shape))
    found = shape
    while points(found) > max(MANY, 3 * budget.points):
        grown = _clipped(shapely.buffer(shape, step, quad_segs=2), west, east)
        for share in (0.9, 0.6, 0.3):
            thinner = shapely.simplify(grown, share * step)
            if thinner.is_valid and shapely.covers(thinner, shape):
                found = thinner
                break
        step *= 2
        if step > 90.0:
            break
    return found


def _clipped(shape: BaseGeometry, west: float, east: float) -> BaseGeometry:
    return united([shapely.intersection(shape, shapely.box(west, -90.0, east, 90.0))])


def on_grid(shape: BaseGeometry, digits: int, west: float = -180.0, east: float = 180.0) -> BaseGeometry:
    """A cover whose coordinates have no more than `digits` decimals; the shape itself where it has none."""
    if _even(shape, digits):
        return shape
    unit = 10.0**-digits
    for far in (0.75, 1.5, 3.0, 6.0):
        # an edge whose ends move by half the diagonal of a cell stays within that of where it was
        grown = _clipped(shapely.buffer(shape, far * unit, join_style="mitre"), west, east)
        snapped = shapely.set_precision(grown, unit)
        found = united([shapely.transform(snapped, lambda xy: np.round(xy, digits))])
        if found.is_valid and shapely.covers(found, shape):
            return found
    return _box(shape, digits, west, east)


def _even(shape: BaseGeometry, digits: int) -> bool:
    xy: NDArray[np.float64] = shapely.get_coordinates(shape)
    return bool(np.array_equal(np.round(xy, digits), xy))


def _box(shape: BaseGeometry, digits: int, west: float, east: float) -> BaseGeometry:
    """The bounding box, its sides on the grid and outward."""
    unit = 10.0**-digits
    a, b, c, d = shape.bounds
    low = [round(float(np.floor(v / unit)) * unit, digits) for v in (a, b)]
    high = [round(float(np.ceil(v / unit)) * unit, digits) for v in (c, d)]
    low = [v if v <= bound else round(v - unit, digits) for v, bound in zip(low, (a, b), strict=True)]
    high = [v if v >= bound else round(v + unit, digits) for v, bound in zip(high, (c, d), strict=True)]
    return shapely.box(max(west, low[0]), max(-90.0, low[1]), min(east, high[0]), min(90.0, high[1]))


# ── fewer polygons ───────────────────────────────────────────────────────────────────────────────


def _joined(shape: BaseGeometry, limit: int, digits: int, west: float, east: float) -> BaseGeometry:
    """At most `limit` polygons, on the grid. Again and again, what would add the least: the smaller of two
    polygons, the edge of the larger that is nearest to it, and all between the two."""
    held = parts(shape)
    if len(held) <= limit:
        return shape
    while len(held) > limit:
        bridges = _bridges(held)
        most = max(1, (len(held) - limit) // 4)
        held = parts(united([*held, *bridges[:most]]))
    return on_grid(united(held), digits, west, east)


def _bridges(held: list[BaseGeometry]) -> list[BaseGeometry]:
    """What would join every polygon to the larger one that is nearest to it, the least ground first."""
    sizes = shapely.area(np.array(held, dtype=object))
    order = np.argsort(-sizes, kind="stable")
    ranked = [held[k] for k in order]
    found = []
    for k in range(1, len(ranked)):
        small, larger = ranked[k], np.array(ranked[:k], dtype=object)
        nearest = larger[int(np.argmin(shapely.distance(larger, small)))]
        ring = shapely.get_exterior_ring(nearest)
        ends = shapely.get_coordinates(ring)
        edges = shapely.linestrings(np.stack([ends[:-1], ends[1:]], axis=1))
        edge = edges[int(np.argmin(shapely.distance(edges, small)))]
        bridge = shapely.convex_hull(shapely.union_all([small, edge]))
        found.append((bridge.area - small.area, k, bridge))
    return [bridge for _, _, bridge in sorted(found, key=lambda one: one[:2])]


# ── both sides of the antimeridian ───────────────────────────────────────────────────────────────


def _parted(shape: BaseGeometry) -> bool:
    """The widest gap between its longitudes does not lie at the ends of the map: it is one area across the
    antimeridian."""
    spans = sorted((part.bounds[0], part.bounds[2]) for part in parts(shape))
    widest, east = 0.0, spans[0][1]
    for begin, end in spans[1:]:
        widest = max(widest, begin - east)
        east = max(east, end)
    return bool(widest > spans[0][0] + 360.0 - east)


def _across(shape: BaseGeometry, budget: Budget) -> BaseGeometry:
    """Of an area at both ends of the map: turned by half the globe it is one, and is cut again at the end."""
    if budget.points < 2 * LEAST or budget.polygons == 1:
        if shape.bounds[0] > -180.0 or shape.bounds[2] < 180.0:
            return _within(shape, budget, -180.0, 180.0)
        raise InvalidValue(
            "the area lies on both sides of the antimeridian",
            where="budget",
            found=f"{budget.points} points, {budget.polygons or 'any number of'} polygon(s)",
            expected=f"two polygons and {2 * LEAST} points or more",
        )
    even = on_grid(shape, budget.digits)
    turned = united([shapely.transform(part, _turned(part, budget.digits)) for part in parts(even)])
    less = 0
    while budget.points - less >= LEAST:
        polygons = None if budget.polygons is None else max(1, budget.polygons - (less + 4) // 5)
        inner = Budget(budget.points - less, polygons, budget.digits)
        found = on_grid(split(_within(turned, inner, 0.0, 360.0)), budget.digits)
        if found.is_valid and _fits(found, budget) and shapely.covers(found, shape):
            return found
        less = 2 * less or 5
    found = split(_box(turned, budget.digits, 0.0, 360.0))
    return united([shapely.transform(found, lambda xy: np.round(xy, budget.digits))])


def _turned(part: BaseGeometry, digits: int) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """Western longitudes run on past 180."""
    turn = 360.0 if part.bounds[0] < 0 else 0.0
    return lambda xy: np.round(xy + np.array([turn, 0.0]), digits)
