"""Ground on the globe: lengths and areas of shapes in degrees, circles, the antimeridian.

Shapes are polygons and multipolygons of WGS 84 longitudes and latitudes, their edges straight on the
plane of the two, as CAP 1.2 (section 3.2.4) and RFC 7946 (section 3.1.1) have them. A circle is a great-
circle distance around a point. Lengths and areas are those of the sphere of mean (authalic) radius: off by
half a percent at most.
"""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import MultiPolygon
from shapely.geometry.base import BaseGeometry

from anlan.model.pack import Pack
from anlan.packs.antimeridian import split
from anlan.packs.drawing import Circle
from anlan.packs.geometry import outlines

EARTH_KM = 6371.0072  # authalic radius of WGS 84
KM_PER_DEGREE = math.radians(EARTH_KM)
WORLD = shapely.box(-180.0, -90.0, 180.0, 90.0)
#: corners of the polygon that stands for a circle
CIRCLE_POINTS = 64

Floats = NDArray[np.float64]


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
        ring = _rim(circle, min(reach * stretch, 89.9), turns)
        if _clear(ring, circle):
            break
        stretch += 0.002
    else:
        wide = math.degrees(math.asin(min(1.0, math.sin(math.radians(reach)) / _cos(circle.lat))))
        lon, lat = circle.lon, circle.lat
        return split(shapely.box(lon - wide, lat - reach, lon + wide, lat + reach))
    return split(shapely.Polygon(ring))


def _cos(degrees: float) -> float:
    return math.cos(math.radians(degrees))


def _rim(circle: Circle, reach: float, turns: Floats) -> Floats:
    """Points at `reach` degrees from the centre; longitudes run on past 180."""
    phi, far = math.radians(circle.lat), math.radians(reach)
    lat = np.arcsin(np.sin(phi) * np.cos(far) + np.cos(phi) * np.sin(far) * np.cos(turns))
    lon = np.arctan2(np.sin(turns) * np.sin(far) * np.cos(phi), np.cos(far) - np.sin(phi) * np.sin(lat))
    return np.column_stack([circle.lon + np.degrees(lon), np.degrees(lat)])


def _clear(ring: Floats, circle: Circle) -> bool:
    """No edge of the ring comes nearer to the centre than the radius, looked at in seven places each."""
    ends = np.roll(ring, -1, axis=0)
    steps = np.linspace(0.0, 1.0, 9)[None, :, None]
    along = ring[:, None, :] * (1 - steps) + ends[:, None, :] * steps
    return bool(np.all(distance_km(circle.lon, circle.lat, along[..., 0], along[..., 1]) >= circle.km))


def distance_km(lon: float, lat: float, lons: Floats, lats: Floats) -> Floats:
    """Great-circle distances from a point (haversine)."""
    a, b = math.radians(lat), np.radians(lats)
    half = np.sin((b - a) / 2) ** 2 + math.cos(a) * np.cos(b) * np.sin(np.radians(lons - lon) / 2) ** 2
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
    return united([shapely.intersection(split(back), WORLD)])


def grounds(pack: Pack) -> dict[str, BaseGeometry]:
    """Place id -> outline, of all layers of the pack; a later layer goes before an earlier one. Read once
    per version of the files."""
    stamps = []
    for layer in pack.geometry:
        try:
            stamps.append(Path(layer.path).stat().st_mtime_ns)
        except OSError:
            stamps.append(-1)
    return _grounds(_Layers(pack), tuple(stamps))


class _Layers:
    """A pack by its geometry layers alone, so that its outlines are read once."""

    def __init__(self, pack: Pack) -> None:
        self.layers = pack.geometry

    def __hash__(self) -> int:
        return hash(tuple(layer.path for layer in self.layers))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Layers) and self.layers == other.layers


@lru_cache(maxsize=4)
def _grounds(pack: _Layers, _stamps: tuple[int, ...]) -> dict[str, BaseGeometry]:
    return {id: shape for layer in pack.layers for id, shape in outlines(layer).shapes.items()}
