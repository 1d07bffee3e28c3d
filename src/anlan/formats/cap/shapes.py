"""Shapes that are to lie on the earth: rings that cross themselves or the line of 180 degrees, and circles.

Nothing is made narrower to mend it: a ring that crosses itself keeps all ground that any of its loops
encloses."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import shapely

EARTH_KM = 6371.0088
#: a circle further than this reaches round the earth
MAX_RADIUS_KM = math.pi * EARTH_KM / 2
_SIDES = 64
#: of the ground between its bounds: less may be a rounding
_SURELY = 1e-6


def mend(shape: Any) -> Any:
    """A polygon whose ring crosses itself as all ground that any loop of it encloses: by its structure, and
    by its lines, because the first loses loops of a ring that goes back the way it came."""
    by_structure = shapely.make_valid(shape, method="structure", keep_collapsed=False)
    by_lines = shapely.make_valid(shape, method="linework")
    parts = [part for part in shapely.get_parts(by_lines) if part.area > 0]
    lost = [part for part in parts if not by_structure.covers(part)]
    return shapely.union_all([by_structure, *lost]) if lost else by_structure


def split(shape: Any) -> Any:
    """A shape whose longitudes run past ±180 degrees, cut there and laid back onto the earth."""
    low, _, high, _ = shape.bounds
    parts = []
    for turn in range(math.floor((low + 180) / 360), math.floor((high + 180) / 360) + 1):
        window = shapely.box(360 * turn - 180, -90, 360 * turn + 180, 90)
        part = shapely.intersection(shape, window)
        if part.area > 0:
            parts.append(shapely.transform(part, lambda xy, by=360.0 * turn: xy - np.array([by, 0.0])))
    return shapely.union_all(parts)


def encloses(shape: Any) -> bool:
    """True where a polygon whose ring may cross itself encloses ground: surely so where the loops do not
    cancel out in the area by its corners; otherwise it is mended to see."""
    west, south, east, north = shape.bounds
    # what is narrower than numbers tell apart is nothing once it is made valid
    narrow = min(east - west, north - south) < _SURELY**2
    if not narrow and shape.area > _SURELY * (east - west) * (north - south):
        return True
    return bool(mend(shape).area > 0)


def circle_shape(lat: float, lon: float, radius_km: float) -> Any:
    """A circle on the sphere as the polygon of 64 sides round it, longitude first: no ground of the circle
    is left out. One that holds a pole or crosses 180 degrees is cut so that it lies within ±180."""
    angle = radius_km / EARTH_KM / math.cos(math.pi / _SIDES)
    bearings = np.linspace(0, 2 * math.pi, _SIDES, endpoint=False)
    phi, north = math.radians(lat), math.radians(90)
    sines = math.sin(phi) * math.cos(angle) + math.cos(phi) * math.sin(angle) * np.cos(bearings)
    lats = np.arcsin(np.clip(sines, -1, 1))
    turns = np.arctan2(
        np.sin(bearings) * math.sin(angle) * math.cos(phi), math.cos(angle) - math.sin(phi) * np.sin(lats)
    )
    lons = lon + np.degrees(turns)
    lats = np.degrees(lats)
    if abs(phi) + angle < north:
        return split(shapely.Polygon(np.column_stack((lons, lats))))
    # the rim goes once round the pole: the ground is everything between it and the pole
    pole = 90.0 if phi > 0 or (phi == 0 and angle >= north) else -90.0
    wrapped = (lons + 180) % 360 - 180
    order = np.argsort(wrapped)
    rim = np.column_stack((wrapped[order], lats[order]))
    edge = float(rim[0, 1] + rim[-1, 1]) / 2
    corners = np.vstack((rim, [[180, edge], [180, pole], [-180, pole], [-180, edge]]))
    return mend(shapely.Polygon(corners))


class Later:
    """A ring that is mended when its shape is asked for."""

    def __init__(self, build: Callable[[], Any], *, crossing: bool = False, beyond: bool = False) -> None:
        """`build` gives the ring as a polygon; `crossing` where it crosses itself, `beyond` where it crosses
        the line of 180 degrees."""
        self._build = build
        self._crossing = crossing
        self._beyond = beyond

    def mended(self) -> Any:
        shape = self._build()
        if not self._crossing:
            return split(shape) if self._beyond else shape
        shape = mend(shape)
        return split(shape) if shape.bounds[0] < -180 or shape.bounds[2] > 180 else shape
