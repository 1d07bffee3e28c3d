"""The area of a warning, from a drawing, from places, from codes: one shape, with a record of how it came
to be.

What cannot be resolved is named and never left out in silence: `unresolved` blocks publishing. A ring that
crosses itself is refused, since nobody can tell which ground was meant; nothing is widened here.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import shapely
from shapely.geometry import MultiPolygon, mapping
from shapely.geometry.base import BaseGeometry

from anlan.model.errors import InvalidValue, UnknownPlace
from anlan.model.pack import Pack
from anlan.model.reason import Reason
from anlan.model.text import Text
from anlan.warn.ground import Circle, around, grounds, km2, parts, points, split, united

#: a drawing of more is a data set and no warning area
MAX_POINTS = 200_000

#: (name of the code system, code) -> its outline, None where the system or the code is not known
Gazetteer = Callable[[str, str], BaseGeometry | None]

SPLIT = Reason(
    "area_split",
    Text("the area reaches across the antimeridian and is cut there", "区域跨越180度经线,在该处分开"),
)
UNITED = Reason("area_united", Text("overlapping polygons are one area", "重叠的多边形合为一个区域"))


@dataclass(frozen=True, slots=True)
class Area:
    """`shape`: a valid polygon or multipolygon, WGS 84 degrees, longitudes within -180 to 180; empty
    where nothing could be resolved. `circles` are those drawn, and `shape` covers them. `places` are the
    place ids chosen, `codes` the (system, code) pairs. `unresolved` names places and codes without an
    outline; `reasons` say what was done to come from what was given to the shape."""

    shape: BaseGeometry
    circles: tuple[Circle, ...] = ()
    places: tuple[str, ...] = ()
    codes: tuple[tuple[str, str], ...] = ()
    unresolved: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()

    @property
    def km2(self) -> float:
        """Square kilometres."""
        return km2(self.shape)

    @property
    def points(self) -> int:
        """Coordinate pairs, closing pairs included."""
        return points(self.shape)

    def geojson(self) -> dict[str, Any]:
        """A GeoJSON geometry (RFC 7946), rings wound as it asks."""
        document: dict[str, Any] = mapping(shapely.orient_polygons(self.shape))
        return json.loads(json.dumps(document))  # type: ignore[no-any-return]


def area(
    pack: Pack,
    now: datetime,
    *,
    drawing: Mapping[str, Any] | None = None,
    places: Sequence[str] = (),
    codes: Sequence[tuple[str, str]] = (),
    gazetteer: Gazetteer | None = None,
) -> Area:
    """The union of a drawing, places of the pack as in force at `now`, and codes of a gazetteer.

    `drawing` is GeoJSON (Polygon, MultiPolygon, GeometryCollection, Feature, FeatureCollection) or a
    circle: `{"type": "Circle", "center": [lon, lat], "radius_km": r}`, or a Point feature with the property
    `radius_km`. A place without an outline of its own is what lies directly below it, where all of that has
    one. Without `gazetteer` a code names the place whose id ends with it (`cn/110105` for 110105, or for
    110105000000 as the national feed of China writes it).

    InvalidValue where nothing was given or the drawing is broken, with its path; UnknownPlace for a place
    that the pack does not define at `now`."""
    if drawing is None and not places and not codes:
        raise InvalidValue("no area", where="area", expected="a drawing, places or codes")
    shapes: list[BaseGeometry] = []
    circles: list[Circle] = []
    reasons: list[Reason] = []
    unresolved: list[str] = []
    if drawing is not None:
        polygons, circles = read_drawing(drawing)
        drawn = [(polygon, split(polygon)) for polygon in polygons]
        drawn += [(circle_shape, circle_shape) for circle_shape in map(around, circles)]
        shapes += [after for _, after in drawn]
        if any(after is not before for before, after in drawn):
            reasons.append(SPLIT)
        if len(shapes) > 1 and _overlap(shapes):
            reasons.append(UNITED)
        if circles:
            reasons.append(
                Reason(
                    "circle_as_polygon",
                    Text(
                        f"{len(circles)} circle(s) stand as polygons that cover them",
                        f"{len(circles)}个圆以覆盖它的多边形表示",
                    ),
                )
            )
    outlines = grounds(pack) if places or codes else {}
    for id in dict.fromkeys(places):
        found = _ground_of(id, pack, outlines, now)
        if found is None:
            unresolved.append(id)
        else:
            shapes.append(found)
    for system, code in dict.fromkeys(codes):
        found = gazetteer(system, code) if gazetteer else _place_of_code(code, pack, outlines, now)
        if found is None or found.is_empty:
            unresolved.append(f"{system}={code}")
        else:
            shapes.append(split(found))
    reasons += [
        Reason(
            "no_outline",
            Text(f"there is no outline of {one}: its ground is unknown", f"没有{one}的边界:范围未知"),
        )
        for one in unresolved
    ]
    whole = united(shapes) if shapes else MultiPolygon()
    return Area(
        whole, tuple(circles), tuple(dict.fromkeys(places)), tuple(codes), tuple(unresolved), tuple(reasons)
    )


def _ground_of(
    id: str, pack: Pack, outlines: Mapping[str, BaseGeometry], now: datetime
) -> BaseGeometry | None:
    pack.place(id, now)
    if id in outlines:
        return outlines[id]
    below = [_ground_of(child.id, pack, outlines, now) for child in pack.children(id, now)]
    whole = [one for one in below if one is not None]
    return united(whole) if whole and len(whole) == len(below) else None


def _place_of_code(
    code: str, pack: Pack, outlines: Mapping[str, BaseGeometry], now: datetime
) -> BaseGeometry | None:
    short = code[:6] if len(code) == 12 and code.endswith("000000") else code
    for id in pack.places:
        if id == short or id.endswith(f"/{short}"):
            try:
                return _ground_of(id, pack, outlines, now)
            except UnknownPlace:
                continue
    return None


def _overlap(shapes: Sequence[BaseGeometry]) -> bool:
    tree = shapely.STRtree(shapes)
    left, right = tree.query(shapes, predicate="intersects")
    return bool(np.any(left != right))


# ── reading a drawing ────────────────────────────────────────────────────────────────────────────


def read_drawing(drawing: Mapping[str, Any], where: str = "area") -> tuple[list[BaseGeometry], list[Circle]]:
    """Polygons (valid; longitudes may run past 180 where a ring crosses the antimeridian) and circles of a
    drawing. InvalidValue, naming the path in it, where it is not one."""
    polygons: list[BaseGeometry] = []
    circles: list[Circle] = []
    _read(drawing, where, polygons, circles)
    if not polygons and not circles:
        raise InvalidValue("an empty drawing", where=where, expected="a polygon or a circle")
    if sum(points(polygon) for polygon in polygons) > MAX_POINTS:
        raise InvalidValue("too many points", where=where, expected=f"at most {MAX_POINTS}")
    return polygons, circles


def _read(raw: Any, where: str, polygons: list[BaseGeometry], circles: list[Circle], depth: int = 0) -> None:
    kind = raw.get("type") if isinstance(raw, Mapping) else None
    if depth > 8:
        raise InvalidValue("nested too deeply", where=where, expected="eight levels at most")
    if kind in ("FeatureCollection", "GeometryCollection"):
        key = "features" if kind == "FeatureCollection" else "geometries"
        for place, part in enumerate(_list(raw.get(key), f"{where}.{key}")):
            _read(part, f"{where}.{key}[{place}]", polygons, circles, depth + 1)
    elif kind == "Feature":
        inner, given = raw.get("geometry"), raw.get("properties")
        if isinstance(inner, Mapping) and inner.get("type") == "Point" and isinstance(given, Mapping):
            circles.append(_circle(inner.get("coordinates"), given.get("radius_km"), where))
        else:
            _read(inner, f"{where}.geometry", polygons, circles, depth + 1)
    elif kind == "Circle":
        circles.append(_circle(raw.get("center"), raw.get("radius_km"), where))
    elif kind == "Polygon":
        polygons.append(_polygon(raw.get("coordinates"), f"{where}.coordinates"))
    elif kind == "MultiPolygon":
        for place, part in enumerate(_list(raw.get("coordinates"), f"{where}.coordinates")):
            polygons.append(_polygon(part, f"{where}.coordinates[{place}]"))
    else:
        raise InvalidValue(
            "no area",
            where=where,
            found=str(kind if kind is not None else type(raw).__name__)[:60],
            expected="a GeoJSON Polygon or MultiPolygon, or a Circle with center and radius_km",
        )


def _list(raw: Any, where: str) -> Sequence[Any]:
    if not isinstance(raw, list | tuple):
        raise InvalidValue("not a list", where=where, found=type(raw).__name__, expected="a list")
    return raw


def _number(raw: Any, where: str) -> float:
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not math.isfinite(raw):
        raise InvalidValue("not a number", where=where, found=repr(raw)[:60], expected="degrees")
    return float(raw)


def _circle(center: Any, radius: Any, where: str) -> Circle:
    pair = _list(center, f"{where}.center")
    if len(pair) < 2:
        raise InvalidValue("not a position", where=f"{where}.center", expected="[longitude, latitude]")
    lon, lat = (_number(one, f"{where}.center[{k}]") for k, one in enumerate(pair[:2]))
    return Circle(lon, lat, _number(radius, f"{where}.radius_km"))


def _polygon(raw: Any, where: str) -> BaseGeometry:
    rings = [
        _ring(ring, f"{where}[{k}]", None if k == 0 else raw[0][0])
        for k, ring in enumerate(_list(raw, where))
    ]
    if not rings:
        raise InvalidValue("a polygon without a ring", where=where, expected="an outer ring")
    polygon = shapely.Polygon(rings[0], rings[1:])
    if not polygon.is_valid or polygon.area == 0:
        raise InvalidValue(
            "no simple polygon",
            where=where,
            found=shapely.is_valid_reason(polygon) if not polygon.is_valid else "no area",
            expected="rings that neither cross themselves nor each other",
        )
    return polygon


def _ring(raw: Any, where: str, start: Any) -> list[tuple[float, float]]:
    """The positions of a ring. One whose longitudes jump by more than half the globe crosses the
    antimeridian, and runs on past 180 here; a hole stays within half the globe of its polygon's start."""
    found: list[tuple[float, float]] = []
    turn = 0.0
    before = None if start is None else _position(start, where)[0]
    for k, one in enumerate(_list(raw, where)):
        lon, lat = _position(one, f"{where}[{k}]")
        if before is not None and abs(lon - before) > 180.0 and abs(before) <= 180.0 and abs(lon) <= 180.0:
            turn += 360.0 if lon < before else -360.0
        before = lon
        found.append((lon + turn, lat))
    if len(found) < 4 or _position(raw[0], where) != _position(raw[-1], where):
        raise InvalidValue(
            "not a closed ring",
            where=where,
            found=f"{len(found)} positions",
            expected="four or more, the last equal to the first",
        )
    if found[0] != found[-1]:
        raise InvalidValue(
            "a ring around a pole",
            where=where,
            found="longitudes that go once around the globe",
            expected="a ring that closes on the plane of longitude and latitude",
        )
    return found


def _position(raw: Any, where: str) -> tuple[float, float]:
    pair = _list(raw, where)
    if len(pair) < 2:
        raise InvalidValue("not a position", where=where, expected="[longitude, latitude]")
    lon, lat = _number(pair[0], f"{where}[0]"), _number(pair[1], f"{where}[1]")
    if not (-360.0 <= lon <= 360.0 and -90.0 <= lat <= 90.0):
        raise InvalidValue(
            "not on the globe",
            where=where,
            found=f"[{lon:g}, {lat:g}]",
            expected="longitude, then latitude: -180 to 180, -90 to 90",
        )
    return lon, lat


def rings_lat_lon(shape: BaseGeometry, digits: int) -> Iterable[tuple[tuple[float, float], ...]]:
    """The outer rings as CAP writes them: (latitude, longitude), closed. CAP 1.2 has no holes: ValueError
    where there is one, for the ground in it would be warned; fill it first (`simplify` does)."""
    for part in parts(shape):
        if shapely.get_num_interior_rings(part):
            raise ValueError("a CAP polygon has no hole")
        yield tuple(
            (round(float(y), digits), round(float(x), digits))
            for x, y in shapely.get_coordinates(shapely.get_exterior_ring(part))
        )
