"""The area of a warning, from a drawing, from places, from codes: one shape, with a record of how it came
to be.

What cannot be resolved is named and never left out in silence: a message whose area comes to no ground is
not put forward or approved (`anlan.warn.approve`). A ring that
crosses itself is refused, since nobody can tell which ground was meant; nothing is widened here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import shapely
from shapely.geometry import MultiPolygon, mapping
from shapely.geometry.base import BaseGeometry

from anlan.formats.cap.gazetteer import gazetteer_of
from anlan.model.errors import InvalidValue, UnknownPlace
from anlan.model.pack import Pack
from anlan.model.place import GLOBE_KM
from anlan.model.reason import Reason
from anlan.model.text import Text
from anlan.packs.antimeridian import split
from anlan.packs.drawing import Circle, read_drawing
from anlan.warn.ground import WORLD, around, grounds, km2, parts, points, united

#: (name of the code system, code) -> its outline, None where the system or the code is not known
Gazetteer = Callable[[str, str], BaseGeometry | None]

SPLIT = Reason(
    "area_split",
    Text("the area reaches across the antimeridian and is cut there", "区域跨越180度经线，在该处分开"),
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
    `radius_km`. A place without an outline of its own is the circle that the pack states for it, else what
    lies directly below it, where all of that has an outline. Without `gazetteer` a code means what the pack's
    own gazetteer says it did at `now` (`places/geocodes.toml`), else the place whose id ends with it
    (`cn/110105` for 110105 or, as the national feed of China writes it, 110105000000).

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
            shapes.append(found.shape)
            if found.circle is not None:
                reasons.append(_circled(id, pack, now))
    for system, code in dict.fromkeys(codes):
        found = gazetteer(system, code) if gazetteer else _by_code(system, code, pack, outlines, now)
        if found is None or found.is_empty:
            unresolved.append(f"{system}={code}")
        else:
            shapes.append(split(found))
    reasons += [
        Reason(
            "no_outline",
            Text(f"there is no outline of {one}: its ground is unknown", f"没有{one}的边界：范围未知"),
        )
        for one in unresolved
    ]
    whole = united(shapes) if shapes else MultiPolygon()
    return Area(
        whole, tuple(circles), tuple(dict.fromkeys(places)), tuple(codes), tuple(unresolved), tuple(reasons)
    )


@dataclass(frozen=True, slots=True)
class PlaceGround:
    """The ground of a place. `circle`: the one that the pack states for it, which `shape` covers; None where
    it has an outline, or is the globe."""

    shape: BaseGeometry
    circle: Circle | None = None


def place_ground(id: str, pack: Pack, now: datetime) -> PlaceGround | None:
    """The ground of a place as a warning of it says it: its outline, else the circle that the pack states to
    cover it (`radius_km`), else what lies directly below it, where all of that has an outline; None where
    there is none of these. UnknownPlace for a place that is not in force at `now`."""
    return _ground_of(id, pack, grounds(pack), now)


def without_ground(places: Sequence[str], pack: Pack, now: datetime) -> tuple[str, ...]:
    """Those of the places that come to no ground; a place that is not in force at `now` does not."""
    outlines = grounds(pack)
    missing = []
    for id in dict.fromkeys(places):
        try:
            found = _ground_of(id, pack, outlines, now)
        except UnknownPlace:
            found = None
        if found is None:
            missing.append(id)
    return tuple(missing)


def _ground_of(
    id: str, pack: Pack, outlines: Mapping[str, BaseGeometry], now: datetime
) -> PlaceGround | None:
    place = pack.place(id, now)
    if id not in outlines and place.radius_km is not None:
        if place.radius_km >= GLOBE_KM or place.lon is None or place.lat is None:
            return PlaceGround(WORLD)
        circle = Circle(place.lon, place.lat, place.radius_km)
        return PlaceGround(around(circle), circle)
    found = _outline_of(id, pack, outlines, now)
    return None if found is None else PlaceGround(found)


def _outline_of(
    id: str, pack: Pack, outlines: Mapping[str, BaseGeometry], now: datetime
) -> BaseGeometry | None:
    pack.place(id, now)
    if id in outlines:
        return outlines[id]
    below = [_outline_of(child.id, pack, outlines, now) for child in pack.children(id, now)]
    whole = [one for one in below if one is not None]
    return united(whole) if whole and len(whole) == len(below) else None


def _circled(id: str, pack: Pack, now: datetime) -> Reason:
    place = pack.place(id, now)
    where = f"{place.radius_km:g} km around {place.lat:g},{place.lon:g}"
    where_zh = f"{place.lat:g},{place.lon:g}周围{place.radius_km:g}公里"
    basis_zh = place.radius_basis_zh or place.radius_basis
    return Reason(
        "place_as_circle",
        Text(
            f"there is no outline of {id}: its ground is the circle that covers it, {where} "
            f"({place.radius_basis})",
            f"没有{id}的边界：以覆盖它的圆为范围，{where_zh}（{basis_zh}）",
        ),
    )


def _by_code(
    system: str, code: str, pack: Pack, outlines: Mapping[str, BaseGeometry], now: datetime
) -> BaseGeometry | None:
    known = gazetteer_of(pack).find(system, code, now.date()) if pack.geocodes else None
    return _place_of_code(code, pack, outlines, now) if known is None else known


def _place_of_code(
    code: str, pack: Pack, outlines: Mapping[str, BaseGeometry], now: datetime
) -> BaseGeometry | None:
    short = code[:6] if len(code) == 12 and code.endswith("000000") else code
    for id in pack.places:
        if id == short or id.endswith(f"/{short}"):
            try:
                ground = _ground_of(id, pack, outlines, now)
            except UnknownPlace:
                continue
            return None if ground is None else ground.shape
    return None


def _overlap(shapes: Sequence[BaseGeometry]) -> bool:
    tree = shapely.STRtree(shapes)
    left, right = tree.query(shapes, predicate="intersects")
    return bool(np.any(left != right))


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
