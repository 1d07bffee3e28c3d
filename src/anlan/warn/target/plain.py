"""Point in polygon and in circle as a textbook has them, one point at a time: what the index answers to.

The rule: a point is inside where a ray from it crosses the rings an odd number of times (even-odd), and a
point on an edge or vertex is inside, as for the predicate `intersects` of the OGC simple features (DE-9IM).
Coordinates are taken as the exact numbers that they are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

from shapely.geometry.base import BaseGeometry

from anlan.packs.drawing import Circle
from anlan.warn.ground import EARTH_KM, parts

Pair = tuple[float, float]


def rings(shape: BaseGeometry) -> list[list[Pair]]:
    """Every ring of the shape, closed."""
    found = []
    for part in parts(shape):
        found.append([(x, y) for x, y, *_ in part.exterior.coords])
        found += [[(x, y) for x, y, *_ in hole.coords] for hole in part.interiors]
    return found


def in_rings(lon: float, lat: float, closed: Sequence[Sequence[Pair]]) -> bool:
    """By the rule above, in rational arithmetic."""
    x, y = Fraction(lon), Fraction(lat)
    inside = False
    for ring in closed:
        for (ax, ay), (bx, by) in pairwise(ring):
            x1, y1, x2, y2 = map(Fraction, (ax, ay, bx, by))
            turn = (x2 - x1) * (y - y1) - (y2 - y1) * (x - x1)
            within = min(x1, x2) <= x <= max(x1, x2) and min(y1, y2) <= y <= max(y1, y2)
            if turn == 0 and within:
                return True
            if (y1 > y) != (y2 > y) and (turn < 0) == (y2 > y1):
                inside = not inside
    return inside


def in_shape(lon: float, lat: float, shape: BaseGeometry | Circle) -> bool:
    """Whether a point lies in a polygon, multipolygon or circle, its boundary included. A circle holds the
    places whose haversine is at most that of its radius, in double precision."""
    if not isinstance(shape, Circle):
        return in_rings(lon, lat, rings(shape))
    a, b = math.radians(lat), math.radians(shape.lat)
    u = math.sin((a - b) / 2.0)
    v = math.sin(math.radians(lon - shape.lon) / 2.0)
    chord = u * u + math.cos(a) * math.cos(b) * (v * v)
    return bool(chord <= math.sin(shape.km / EARTH_KM / 2.0) ** 2)
