"""Outlines drawn across the antimeridian without a cut, cut there (RFC 7946, section 3.1.9).

Map packages stitch such rings together, so that a step of one goes from 180 to -180. Taken as drawn on the
plane, it would run around the whole globe.
"""

from __future__ import annotations

import math

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

Floats = NDArray[np.float64]


def cut(shape: BaseGeometry) -> BaseGeometry:
    """The shape with every ring that steps by more than half the globe cut at the antimeridian; a ring around
    a pole holds the pole. The shape itself where no ring does so."""
    if shape.geom_type not in ("Polygon", "MultiPolygon") or not _steps(shape):
        return shape
    whole: list[BaseGeometry] = []
    for part in shapely.get_parts(shape):
        if not _steps(part):
            whole.append(part)
            continue
        outer = _unwound(shapely.get_coordinates(part.exterior), None)
        holes = [_unwound(shapely.get_coordinates(hole), float(outer[0, 0])) for hole in part.interiors]
        whole.append(split(shapely.make_valid(Polygon(outer, holes))))
    return MultiPolygon([one for piece in whole for one in shapely.get_parts(piece)])


def _steps(shape: BaseGeometry) -> bool:
    return any(
        bool(np.any(np.abs(np.diff(shapely.get_coordinates(ring)[:, 0])) > 180.0))
        for ring in shapely.get_rings(shapely.get_parts(shape))
    )


def _unwound(xy: Floats, near: float | None) -> Floats:
    """The ring with longitudes that run on past 180, closed over the pole where it goes around one, and
    within half the globe of `near`."""
    step = np.diff(xy[:, 0])
    turns = -360.0 * np.cumsum(np.where(step > 180.0, 1.0, np.where(step < -180.0, -1.0, 0.0)))
    lon = xy[:, 0] + np.concatenate([[0.0], turns])
    if near is not None:
        lon += 360.0 * round((near - lon[0]) / 360.0)
    ring = np.column_stack([lon, xy[:, 1]])
    if abs(lon[-1] - lon[0]) > 180.0:
        pole = math.copysign(90.0, float(xy[:, 1].mean()))
        ring = np.vstack([ring, [lon[-1], pole], [lon[0], pole], ring[0]])
    return ring


def split(shape: BaseGeometry) -> BaseGeometry:
    """A shape whose longitudes run past 180, within -180 to 180; the shape itself where they do not."""
    west, _, east, _ = shape.bounds
    if west >= -180.0 and east <= 180.0:
        return shape
    found = []
    for turn in range(math.floor((west + 180.0) / 360.0), math.ceil((east - 180.0) / 360.0) + 1):
        window = shapely.box(-180.0 + 360.0 * turn, -90.0, 180.0 + 360.0 * turn, 90.0)
        piece = shapely.intersection(shape, window)
        found += [
            shapely.transform(one, lambda xy, t=turn: xy - np.array([360.0 * t, 0.0]))
            for one in shapely.get_parts(piece)
            if one.geom_type == "Polygon" and not one.is_empty
        ]
    return found[0] if len(found) == 1 else MultiPolygon(found)
