"""Areas as people draw them and packs name them: GeoJSON (RFC 7946) polygons, and circles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry

from anlan.model.errors import InvalidValue

#: a drawing of more is a data set and no warning area
MAX_POINTS = 200_000
_LARGE = 1e9
#: from a pole to the equator
QUARTER_KM = 10_007.5


@dataclass(frozen=True, slots=True)
class Circle:
    """All ground within `km` kilometres of a point, along great circles. InvalidValue where it is not on
    the globe or has no area."""

    lon: float
    lat: float
    km: float

    def __post_init__(self) -> None:
        found = f"{self.lon}, {self.lat}, {self.km} km"
        if not (-180 <= self.lon <= 180 and -90 <= self.lat <= 90):
            raise InvalidValue(
                "a centre that is not on the globe",
                where="circle",
                found=found,
                expected="longitude -180 to 180, latitude -90 to 90",
            )
        if not 0 < self.km <= QUARTER_KM:
            raise InvalidValue(
                "no radius", where="circle", found=found, expected="more than 0 km, at most 10,007 km"
            )


def read_drawing(drawing: Mapping[str, Any], where: str = "area") -> tuple[list[BaseGeometry], list[Circle]]:
    """Polygons (valid; longitudes may run past 180 where a ring crosses the antimeridian) and circles of a
    drawing. InvalidValue, naming the path in it, where it is not one."""
    polygons: list[BaseGeometry] = []
    circles: list[Circle] = []
    _read(drawing, where, polygons, circles)
    if not polygons and not circles:
        raise InvalidValue("an empty drawing", where=where, expected="a polygon or a circle")
    if int(sum(shapely.get_num_coordinates(polygon) for polygon in polygons)) > MAX_POINTS:
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
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not abs(raw) < _LARGE:
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
