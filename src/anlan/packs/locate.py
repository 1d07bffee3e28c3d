"""From a point on the globe to the place it lies in."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from anlan.model.errors import UnknownPlace
from anlan.model.indicator import SourceDef
from anlan.model.pack import Pack
from anlan.model.place import Point
from anlan.packs.geometry import outlines

KM_PER_DEGREE = 111.195  # of a great circle, mean Earth radius 6,371 km


@dataclass(frozen=True, slots=True)
class Locator:
    """All outlines of a pack behind one index. `ids[i]` belongs to `shapes[i]`."""

    pack: Pack
    ids: tuple[str, ...]
    shapes: tuple[BaseGeometry, ...]
    tree: shapely.STRtree

    @classmethod
    def of(cls, pack: Pack, levels: Collection[str] = ()) -> Locator:
        """Reads the layers of the pack (a second or two for all counties of a nation); with `levels`
        only places of those levels are found."""
        found = {
            id: shape
            for layer in pack.geometry
            for id, shape in outlines(layer).shapes.items()
            if not levels or any(place.level in levels for place in pack.places.get(id, ()))
        }
        shapes = tuple(found.values())
        return cls(pack, tuple(found), shapes, shapely.STRtree(shapes))

    def __call__(self, point: Point, at: datetime, near_km: float) -> str | None:
        """The smallest place in force at `at` whose outline contains the point; where none does, the
        nearest one within `near_km` kilometres; else None."""
        where = shapely.Point(point.lon, point.lat)
        inside = [i for i in self.tree.query(where, predicate="intersects") if self._valid(i, at)]
        if inside:
            return self.ids[min(inside, key=lambda i: (self.shapes[i].area, self.ids[i]))]
        if near_km <= 0:
            return None
        # a degree of longitude shrinks with latitude: search wide, then measure
        wide = near_km / KM_PER_DEGREE / max(math.cos(math.radians(point.lat)), 0.01)
        box = shapely.box(
            point.lon - wide,
            point.lat - near_km / KM_PER_DEGREE,
            point.lon + wide,
            point.lat + near_km / KM_PER_DEGREE,
        )
        near = [
            (self._km(where, i), self.shapes[i].area, self.ids[i])
            for i in self.tree.query(box)
            if self._valid(i, at)
        ]
        best = min(near, default=None)
        return best[2] if best is not None and best[0] <= near_km else None

    def _valid(self, i: int, at: datetime) -> bool:
        try:
            self.pack.place(self.ids[i], at)
        except UnknownPlace:
            return False
        return True

    def _km(self, where: shapely.Point, i: int) -> float:
        """Distance to the outline, on a plane true to scale at the point: good to a few per cent for
        the tens of kilometres this is used for."""
        scale = np.array([math.cos(math.radians(where.y)), 1.0]) * KM_PER_DEGREE
        origin = np.array([where.x, where.y])
        local = shapely.transform(self.shapes[i], lambda xy: (xy - origin) * scale)
        return float(local.distance(shapely.Point(0.0, 0.0)))


class Finder:
    """The locator of one source: its option `levels` narrows where it looks. Outlines are read when
    the first point is asked for."""

    def __init__(self, pack: Pack, source: SourceDef) -> None:
        self._pack = pack
        self._levels = tuple(source.options.get("levels", ()))
        self._locator: Locator | None = None

    def __call__(self, point: Point, at: datetime, near_km: float) -> str | None:
        """As Locator."""
        if self._locator is None:
            self._locator = Locator.of(self._pack, self._levels)
        return self._locator(point, at, near_km)
