"""Ground on the globe: lengths and areas of shapes in degrees, circles, the antimeridian.

Shapes are polygons and multipolygons of WGS 84 longitudes and latitudes, their edges straight on the
plane of the two, as CAP 1.2 (section 3.2.4) and RFC 7946 (section 3.1.1) have them. A circle is a great-
circle distance around a point. Lengths and areas are those of the sphere of mean (authalic) radius: off by
half a percent at most.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import MultiPolygon
from shapely.geometry.base import BaseGeometry

from anlan.model.pack import GeometryLayer, Pack
from anlan.packs.antimeridian import split
from anlan.packs.drawing import Circle
from anlan.packs.geometry import may_have, outlines

EARTH_KM = 6371.0072  # authalic radius of WGS 84
KM_PER_DEGREE = math.radians(EARTH_KM)
WORLD = shapely.box(-180.0, -90.0, 180.0, 90.0)
#: corners of the polygon that stands for a circle
CIRCLE_POINTS = 64

Floats = NDArray[np.float64]
Numbers: TypeAlias = float | Floats
#: so often a layer's file is searched for a place that it does not name; then it is read, which is cheaper
SPARED = 16
#: circles in one go, for memory
_AT_ONCE = 2000


def parts(shape: BaseGeometry) -> list[BaseGeometry]:
    """The polygons of a shape, those of other dimensions left out."""
    return [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon" and not part.is_empty]


def united(shapes: list[BaseGeometry]) -> BaseGeometry:
    """One valid polygon or multipolygon of all of them."""
    whole = shapely.union_all(shapes) if len(shapes) != 1 else shapes[0]
    polygons = parts(whole)
    if len(polygons) == 1:
        return polygons[0]
    return MultiPolygon(polygons)


def points(shape: BaseGeometry) -> int:
    """Coordinate pairs as a message writes them, the closing pair of every ring included."""
    return int(shapely.get_num_coordinates(shape))


def km2(shape: BaseGeometry) -> float:
    """Square kilometres. Along an edge straight on the plane the area down to the equator is
    R² Δλ (cos φ1 - cos φ2) / (φ2 - φ1), exactly."""
    total = 0.0
    for part in parts(shape):
        holes = shapely.get_num_interior_rings(part)
        rings = [shapely.get_interior_ring(part, k) for k in range(holes)]
        outer = abs(_ring_km2(shapely.get_coordinates(shapely.get_exterior_ring(part))))
        inner = sum(abs(_ring_km2(shapely.get_coordinates(ring))) for ring in rings)
        total += outer - inner
    return total


def _ring_km2(xy: Floats) -> float:
    lon, lat = np.radians(xy[:, 0]), np.radians(xy[:, 1])
    turn, middle, half = np.diff(lon), (lat[1:] + lat[:-1]) / 2, np.diff(lat) / 2
    # (cos a - cos b) / (b - a) = sin((a + b) / 2) sin(h) / h, which holds for level edges too
    return float(EARTH_KM**2 * np.sum(turn * np.sin(middle) * np.sinc(half / np.pi)))


def around_each(circles: Sequence[Circle]) -> list[BaseGeometry]:
    """The same as `around` for each of many, most of them at once."""
    found: list[BaseGeometry] = [None] * len(circles)
    turns = np.linspace(0.0, 2 * np.pi, CIRCLE_POINTS, endpoint=False)
    stretch = 1.0 / math.cos(math.pi / CIRCLE_POINTS) + 0.0005
    for begin in range(0, len(circles), _AT_ONCE):
        some = circles[begin : begin + _AT_ONCE]
        lon, lat, km = np.array([(one.lon, one.lat, one.km) for one in some]).T[:, :, None]
        far = km * stretch / EARTH_KM
        inward = (np.abs(lat) + np.degrees(far) < 89.0)[:, 0]
        rings = np.stack(_rim(lon, lat, far, turns), axis=-1)
        clear = inward & _clear(rings, lon, lat, km)
        for k, shape in zip(np.flatnonzero(clear).tolist(), shapely.polygons(rings[clear]), strict=True):
            found[begin + k] = split(shape)
        for k in np.flatnonzero(~clear).tolist():
            found[begin + k] = around(some[k])
    return found


def around(circle: Circle, count: int = CIRCLE_POINTS) -> BaseGeometry:
    """A polygon that covers the circle: its corners lie so far out that the edges between them stay
    outside. The radius is stretched until no edge cuts the circle, so a polar circle becomes a cap."""
    reach = math.degrees(circle.km / EARTH_KM)
    if abs(circle.lat) + reach >= 90.0:
        # around a pole: everything from the lowest latitude up
        low = math.copysign(1.0, circle.lat) * (abs(circle.lat) - reach)
        pole = math.copysign(90.0, circle.lat)
        return shapely.box(-180.0, min(low, pole), 180.0, max(low, pole))
    turns = np.linspace(0.0, 2 * np.pi, count, endpoint=False)
    stretch = 1.0 / math.cos(math.pi / count)
    for _ in range(60):
        far = math.radians(min(reach * stretch, 89.9))
        ring = np.stack(_rim(circle.lon, circle.lat, far, turns), axis=-1)
        if _clear(ring, circle.lon, circle.lat, circle.km).all():
            break
        stretch += 0.002
    else:
        wide = math.degrees(math.asin(min(1.0, math.sin(math.radians(reach)) / _cos(circle.lat))))
        lon, lat = circle.lon, circle.lat
        return split(shapely.box(lon - wide, lat - reach, lon + wide, lat + reach))
    return split(shapely.Polygon(ring))


def _cos(degrees: float) -> float:
    return math.cos(math.radians(degrees))


def _rim(lon: Numbers, lat: Numbers, far: Numbers, turns: Floats) -> tuple[Floats, Floats]:
    """Longitudes and latitudes at `far` radians from the centre (of each centre, along the last axis);
    longitudes run on past 180."""
    phi = np.radians(lat)
    y = np.arcsin(np.sin(phi) * np.cos(far) + np.cos(phi) * np.sin(far) * np.cos(turns))
    x = np.arctan2(np.sin(turns) * np.sin(far) * np.cos(phi), np.cos(far) - np.sin(phi) * np.sin(y))
    return lon + np.degrees(x), np.degrees(y)


def _clear(ring: Floats, lon: Numbers, lat: Numbers, km: Numbers) -> NDArray[np.bool_]:
    """No edge of a ring (of each, along the last two axes) comes nearer to its centre than the radius, looked
    at in eight places each."""
    ends = np.roll(ring, -1, axis=-2)
    held = np.ones(ring.shape[:-2], dtype=np.bool_)
    for step in np.linspace(0.0, 1.0, 8, endpoint=False):
        along = ring * (1 - step) + ends * step
        held &= (distance_km(lon, lat, along[..., 0], along[..., 1]) >= km).all(axis=-1)
    return held


def distance_km(lon: Numbers, lat: Numbers, lons: Numbers, lats: Numbers) -> Floats:
    """Great-circle distances from a point (haversine)."""
    a, b = np.radians(lat), np.radians(lats)
    half = np.sin((b - a) / 2) ** 2 + np.cos(a) * np.cos(b) * np.sin(np.radians(lons - lon) / 2) ** 2
    return np.asarray(2 * EARTH_KM * np.arcsin(np.sqrt(np.minimum(half, 1.0))), dtype=np.float64)


def buffered(shape: BaseGeometry, km: float) -> BaseGeometry:
    """The shape and all ground within `km` of it, and at higher latitudes of the shape somewhat more: a
    degree of longitude counts as short as it is at the latitude farthest from the equator."""
    if km <= 0 or shape.is_empty:
        return shape
    _, south, _, north = shape.bounds
    margin = km / KM_PER_DEGREE
    wide = max(_cos(min(89.9, max(abs(south), abs(north)) + margin)), 0.002)
    flat = shapely.transform(shape, lambda xy: xy * np.array([wide, 1.0]))
    # sixteen corners to a quarter, and the radius so much longer that its chords stay outside
    grown = shapely.buffer(flat, margin / math.cos(math.pi / 64), quad_segs=16)
    back = shapely.transform(grown, lambda xy: xy / np.array([wide, 1.0]))
    # one that goes all round meets itself behind the antimeridian: its parts overlap there
    return united([shapely.intersection(part, WORLD) for part in parts(split(back))])


def grounds(pack: Pack) -> Mapping[str, BaseGeometry]:
    """Place id -> outline, of all layers of the pack; a later layer goes before an earlier one. A layer is
    read, once per version of the files, when a place is asked for that may be on it, or all of them are."""
    stamps = []
    for layer in pack.geometry:
        try:
            stamps.append(Path(layer.path).stat().st_mtime_ns)
        except OSError:
            stamps.append(-1)
    return _grounds(pack.geometry, tuple(stamps))


class _Grounds(Mapping[str, BaseGeometry]):
    """The outlines of some layers. A layer whose file does not name a place is not read for it."""

    def __init__(self, layers: Sequence[GeometryLayer]) -> None:
        self._layers = layers
        self._of: dict[int, Mapping[str, BaseGeometry]] = {}
        self._spared = [0] * len(layers)
        self._all: dict[str, BaseGeometry] | None = None

    def __getitem__(self, id: str) -> BaseGeometry:
        if self._all is not None:
            return self._all[id]
        for number in reversed(range(len(self._layers))):
            shape = self._shapes(number).get(id) if self._may_have(number, id) else None
            if shape is not None:
                return shape
        raise KeyError(id)

    def __iter__(self) -> Iterator[str]:
        return iter(self._whole())

    def __len__(self) -> int:
        return len(self._whole())

    def _may_have(self, number: int, id: str) -> bool:
        if number in self._of or self._spared[number] >= SPARED:
            return True
        if may_have(self._layers[number], id):
            return True
        self._spared[number] += 1
        return False

    def _whole(self) -> dict[str, BaseGeometry]:
        if self._all is None:
            layers = range(len(self._layers))
            self._all = {id: shape for number in layers for id, shape in self._shapes(number).items()}
        return self._all

    def _shapes(self, number: int) -> Mapping[str, BaseGeometry]:
        if number not in self._of:
            self._of[number] = outlines(self._layers[number]).shapes
        return self._of[number]


@lru_cache(maxsize=4)
def _grounds(layers: tuple[GeometryLayer, ...], _stamps: tuple[int, ...]) -> _Grounds:
    return _Grounds(layers)
