"""Fewer points for an area, and never less ground: what was chosen stays covered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from anlan.model.errors import InvalidValue
from anlan.model.reason import Reason
from anlan.model.text import Text
from anlan.warn.budgets import Budget
from anlan.warn.ground import WORLD, km2, parts, points, united


@dataclass(frozen=True, slots=True)
class Simplified:
    """`shape` covers what was given (`covers`, looked at afterwards with the exact predicate), within the
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


def simplify(shape: BaseGeometry, budget: Budget) -> Simplified:
    """The area within a channel's budget. Holes are filled, since CAP has none. InvalidValue where the shape
    is empty or not valid."""
    if shape.is_empty or not shape.is_valid:
        raise InvalidValue("no area to simplify", where="area", expected="a valid polygon")
    filled = united([shapely.Polygon(part.exterior) for part in parts(shape)])
    found = _rounded(filled, budget.digits)
    if points(found) > budget.points or len(parts(found)) > (budget.polygons or points(found)):
        found = _rounded(shapely.convex_hull(filled), budget.digits)
    if points(found) > budget.points:
        found = _rounded(shapely.box(*shape.bounds), budget.digits)
    reason = Reason(
        "area_simplified",
        Text(
            f"{points(shape)} points became {points(found)}: {km2(found) - km2(shape):,.1f} km² added",
            f"{points(shape)}个点简化为{points(found)}个,增加{km2(found) - km2(shape):,.1f}平方公里",
        ),
    )
    return Simplified(
        found,
        points(shape),
        points(found),
        len(parts(shape)),
        len(parts(found)),
        km2(shape),
        max(0.0, km2(found) - km2(shape)),
        budget.digits,
        bool(shapely.covers(found, shape)),
        (reason,),
    )


def _rounded(shape: BaseGeometry, digits: int) -> BaseGeometry:
    xy = shapely.get_coordinates(shape)
    if np.array_equal(np.round(xy, digits), xy):
        return shape
    grown = shapely.buffer(shape, 0.75 * 10.0**-digits, join_style="mitre")
    inside = shapely.intersection(grown, WORLD)
    return united([shapely.transform(inside, lambda one: np.round(one, digits))])
