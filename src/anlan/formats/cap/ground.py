"""Where on the ground an area is meant: polygons, circles and geocodes to WGS 84 shapes, with a record of
everything that had to be read otherwise than it was written.

Nothing is made narrower to mend it: a ring that crosses itself keeps all ground that any of its loops
encloses, and a hole that cannot be read is not cut out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

import numpy as np
import shapely

from anlan.formats.cap.fault import shown
from anlan.formats.cap.gazetteer import Gazetteer
from anlan.formats.cap.geometry import (
    ASTRAY,
    SOUND,
    Looked,
    Point,
    circle,
    in_range,
    polygon_of,
    ring,
    why_invalid,
)
from anlan.formats.cap.limits import MAX_POINTS

#: how well an area is known, the best first
OUTCOMES = ("exact", "circle", "geocode", "repaired", "unresolved")
#: of a message without any area
NO_AREA = "none"
EARTH_KM = 6371.0088
#: a circle further than this reaches round the earth
MAX_RADIUS_KM = math.pi * EARTH_KM / 2
#: geocodes that take ground out of an area: their value is a ring (Deutscher Wetterdienst)
EXCLUSIONS = frozenset(("EXCLUDE_POLYGON",))
_SIDES = 64


@dataclass(frozen=True, slots=True)
class Mending:
    """What was found at `path` and how it is read. `code`: open_ring, self_crossing, swapped, over_180,
    antimeridian, exclusion (told, no repair), empty, point, too_large, unreadable, out_of_range,
    collapsed, unknown_geocodes, geocodes_beside, undefined."""

    path: str
    code: str
    found: str
    read: str


@dataclass(slots=True)
class Allowance:
    """How many rings of one message may still be mended: each takes far longer than reading a sound one."""

    mendings: int = 1000


class Ground:
    """What an area, or all areas of a message, come to.

    `outcome`: exact; circle (the polygon of 64 sides round it stands for it); geocode (by the gazetteer);
    repaired; unresolved (a part of it, or all, is not known: it keeps the message from being published);
    none (no area at all)."""

    __slots__ = ("_build", "_geometry", "_records", "_take", "outcome")

    def __init__(
        self,
        outcome: str,
        records: tuple[Mending, ...] = (),
        build: Callable[[], Any] | None = None,
        take: Callable[[], Ground] | None = None,
    ) -> None:
        """`take`: gives the whole, records and geometry, where so far the outcome alone is known."""
        self.outcome = outcome
        self._records = records
        self._build = build
        self._take = take
        self._geometry: Any = None

    @property
    def records(self) -> tuple[Mending, ...]:
        """What was read otherwise than it was written."""
        self._settle()
        return self._records

    @property
    def geometry(self) -> Any:
        """The ground that is known, WGS 84, longitude first, within ±180 degrees; empty where nothing is.
        Built when first asked for."""
        self._settle()
        if self._geometry is None:
            self._geometry = shapely.GeometryCollection() if self._build is None else self._build()
        return self._geometry

    def _settle(self) -> None:
        if self._take is not None:
            whole = self._take()
            whole._settle()
            self._records, self._build, self._take = whole._records, whole._build, None


def worst(outcomes: Collection[str]) -> str:
    """The outcome of the whole from those of its parts."""
    return max(set(outcomes), key=OUTCOMES.index) if outcomes else NO_AREA


def union(grounds: Sequence[Ground]) -> Ground:
    """Several areas as one target (their union)."""
    return Ground(
        worst([ground.outcome for ground in grounds]),
        take=lambda: Ground(
            "",
            tuple(record for ground in grounds for record in ground.records),
            lambda: shapely.union_all([ground.geometry for ground in grounds]),
        ),
    )


def area_ground(
    polygons: Sequence[str],
    circles: Sequence[str],
    geocodes: Sequence[tuple[str | None, str | None]],
    path: str = "area",
    *,
    sound: Mapping[str, str | None] | None = None,
    gazetteer: Gazetteer | None = None,
    day: date | None = None,
    drawn_only: bool = False,
    allowance: Allowance | None = None,
    looked: Mapping[str, Looked] | None = None,
) -> Ground:
    """One area. `sound` are verdicts on polygons (`sound_rings`) and `looked` their shapes, as far as they
    are known; `day` is that
    of the message, for codes whose ground changed; `drawn_only` where polygon and circle take precedence
    over geocodes (the Canadian profile) in place of the union that CAP describes; `allowance` is shared
    by the areas of a message."""
    if gazetteer is None:
        outcome = plain_outcome(polygons, circles, geocodes, sound)
        if outcome:
            return Ground(
                outcome,
                take=lambda: _taken(
                    _Taken(path, Allowance(), {}), polygons, circles, geocodes, sound, None, day, drawn_only
                ),
            )
    taken = _Taken(path, allowance or Allowance(), looked or {})
    return _taken(taken, polygons, circles, geocodes, sound, gazetteer, day, drawn_only)


def plain_outcome(
    polygons: Sequence[str],
    circles: Sequence[str],
    geocodes: Sequence[tuple[str | None, str | None]],
    sound: Mapping[str, str | None] | None,
) -> str:
    """The outcome without a gazetteer where nothing of the area is odd, else empty."""
    for name, value in geocodes:
        if not name or not value or name in EXCLUSIONS:
            return ""
    for text in polygons:
        if not sound or sound.get(text) != SOUND:
            return ""
    for text in circles:
        try:
            lat, lon, radius = circle(text)
        except ValueError:
            return ""
        if not 0 < radius <= MAX_RADIUS_KM or not in_range(lat, lon):
            return ""
    if circles:
        return "circle"
    return "exact" if polygons else ("unresolved" if geocodes else "")


def _taken(
    taken: _Taken,
    polygons: Sequence[str],
    circles: Sequence[str],
    geocodes: Sequence[tuple[str | None, str | None]],
    sound: Mapping[str, str | None] | None,
    gazetteer: Gazetteer | None,
    day: date | None,
    drawn_only: bool,
) -> Ground:
    path = taken.path
    # only a ring that is at fault can give the order away
    swap = any((sound or {}).get(text) != SOUND for text in polygons) and _swapped(polygons, taken.looked)
    for number, text in enumerate(polygons, 1):
        taken.polygon(f"{path}/polygon[{number}]", text, sound or {}, swap)
    for number, text in enumerate(circles, 1):
        taken.circle(f"{path}/circle[{number}]", text)
    taken.codes([(name or "", value or "") for name, value in geocodes], gazetteer, day, drawn_only)
    return Ground(taken.outcome(), tuple(taken.records), taken.build())


class _Later:
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


def _itself(shape: Any) -> Any:
    return shape


class _Taken:
    """One area as it is put together."""

    def __init__(self, path: str, allowance: Allowance, looked: Mapping[str, Looked]) -> None:
        self.path = path
        self.allowance = allowance
        self.looked = looked
        self.records: list[Mending] = []
        self.shapes: list[Any] = []
        #: those without fault, as written
        self.sound: list[str] = []
        self.holes: list[Any] = []
        self.points: list[Any] = []
        self.circles: list[tuple[float, float, float]] = []
        self.repaired = False
        self.missing = False
        self.coded = False

    def told(self, path: str, code: str, found: str, read: str) -> None:
        self.records.append(Mending(path, code, found, read))

    def polygon(self, path: str, text: str, sound: Mapping[str, str | None], swap: bool) -> None:
        if sound.get(text) == SOUND and not swap:
            self.sound.append(text)
            return
        if not text.strip():
            self.told(path, "empty", "an empty element", "nothing is taken from it")
            return
        shape = self.mended(path, text, swap, simple=sound.get(text) == ASTRAY)
        if shape is None:
            self.missing = True
        else:
            self.shapes.append(shape)

    def mended(self, path: str, text: str, swap: bool, simple: bool = False) -> Any | None:
        """The ring as ground, or None where it has none; what was done is told. `simple`: as written it is
        known to be valid but for places that are not on the earth."""
        looked = self.looked.get(text)
        if looked is None and text.count(",") > MAX_POINTS:
            self.told(path, "too_large", f"{text.count(',')} points", "the ring is not known")
            return None
        try:
            points = ring(text) if looked is None else looked.points
        except ValueError as error:
            self.told(path, "unreadable", str(error), "the ring is not known")
            return None
        if swap:
            points = tuple((lon, lat) for lat, lon in points)
            self.told(path, "swapped", shown(text, 40), "longitude and latitude the other way round")
            self.repaired = True
        if not on_earth(points):
            beyond = next((lat, lon) for lat, lon in points if not in_range(lat, lon))
            if not all(abs(lat) <= 90 and abs(lon) <= 360 for lat, lon in points):
                self.told(path, "out_of_range", f"{beyond[0]},{beyond[1]}", "the ring is not known")
                return None
            self.told(path, "over_180", f"{beyond[0]},{beyond[1]}", "across the line of 180 degrees")
            self.repaired = True
        if points[0] != points[-1]:
            found = f"first {points[0]}, last {points[-1]}"
            self.told(path, "open_ring", found, "closed by a straight side from the last point to the first")
            self.repaired = True
            points = (*points, points[0])
        if len(set(points)) < 3:
            self.told(
                path, "collapsed", f"{len(set(points))} different points", "the ring encloses no ground"
            )
            return None
        if looked is not None and looked.shape is not None and not swap:
            return self.valid(path, looked.shape, looked.reason)
        if simple:
            # with its coordinates changed over it is the same ring, unless it now goes round the earth
            longitudes = [lon for _, lon in points]
            west, east = min(longitudes), max(longitudes)
            if east - west <= 180:
                return self.whole(path, partial(polygon_of, points), west < -180 or east > 180)
        shape = polygon_of(points)
        return self.valid(path, shape, why_invalid(shape))

    def whole(self, path: str, build: Callable[[], Any], beyond: bool) -> Any:
        """A ring that does not cross itself."""
        if beyond:
            self.told(path, "antimeridian", "a ring across 180 degrees", "in two parts, one on either side")
        return _Later(build, beyond=beyond)

    def valid(self, path: str, shape: Any, reason: str) -> Any | None:
        """The shape, to be mended for that reason where there is one, or None where it has no ground."""
        west, _, east, _ = shape.bounds
        beyond = west < -180 or east > 180
        if reason:
            if self.allowance.mendings <= 0:
                self.told(path, "too_large", "too many rings to mend", "the ring is not known")
                return None
            self.allowance.mendings -= 1
            # what encloses ground by its structure does so when mended, which may wait
            if shapely.make_valid(shape, method="structure", keep_collapsed=False).area == 0:
                shape = mend(shape)
                if shape.area == 0:
                    self.told(path, "collapsed", reason, "the ring encloses no ground")
                    return None
            else:
                shape = _Later(partial(_itself, shape), crossing=True)
            self.told(path, "self_crossing", reason, "all ground that any loop of it encloses")
            self.repaired = True
        if isinstance(shape, _Later):
            if beyond:
                self.told(
                    path, "antimeridian", "a ring across 180 degrees", "in two parts, one on either side"
                )
            return shape
        return self.whole(path, partial(_itself, shape), beyond)

    def circle(self, path: str, text: str) -> None:
        if not text.strip():
            self.told(path, "empty", "an empty element", "nothing is taken from it")
            return
        try:
            lat, lon, radius = circle(text)
        except ValueError as error:
            self.told(path, "unreadable", str(error), "the circle is not known")
            self.missing = True
            return
        if abs(lat) > 90 and in_range(lon, lat):
            lat, lon = lon, lat
            self.told(path, "swapped", shown(text, 40), "longitude and latitude the other way round")
            self.repaired = True
        if not in_range(lat, lon) or radius < 0:
            self.told(path, "out_of_range", shown(text, 40), "the circle is not known")
            self.missing = True
        elif radius > MAX_RADIUS_KM:
            self.told(path, "too_large", f"{radius} km", "it reaches round the earth: not known")
            self.missing = True
        elif radius == 0:
            self.told(path, "point", shown(text, 40), "a place, no area")
            self.points.append(shapely.Point(lon, lat))
        else:
            self.circles.append((lat, lon, radius))

    def codes(
        self, pairs: list[tuple[str, str]], gazetteer: Gazetteer | None, day: date | None, drawn_only: bool
    ) -> None:
        schemes: dict[str, list[str]] = {}
        for number, (name, value) in enumerate(pairs, 1):
            if name in EXCLUSIONS:
                self.hole(f"{self.path}/geocode[{number}]", value)
            elif name.strip() and value.strip():
                schemes.setdefault(name, []).append(value.strip())
        if not schemes:
            return
        drawn = bool(self.shapes or self.sound or self.circles)
        if drawn and drawn_only:
            found = f"{sum(map(len, schemes.values()))} geocodes"
            self.told(self.path, "geocodes_beside", found, "the drawn shape takes precedence")
            return
        whole: list[Any] = []
        for scheme, codes in schemes.items():
            shapes, unknown = _look_up(scheme, codes, gazetteer, day)
            if unknown:
                named = ", ".join(unknown[:5]) + (f" and {len(unknown) - 5} more" if len(unknown) > 5 else "")
                read = "the drawn shape alone" if drawn else "not known"
                self.told(self.path, "unknown_geocodes", f"{scheme}: {named}", read)
            else:
                whole += shapes
            if unknown and shapes and not drawn:
                self.points += shapes  # what is known of an area that is not known whole
        if whole:
            self.coded = True
            self.points = [point for point in self.points if point.geom_type == "Point"]
            self.shapes += whole
        elif not drawn:
            self.missing = True

    def hole(self, path: str, value: str) -> None:
        told = len(self.records)
        shape = self.mended(path, value, False)
        # a hole is never cut larger than it is certain to be
        if shape is None or any(record.code == "self_crossing" for record in self.records[told:]):
            self.records[told:] = [Mending(path, "unreadable", shown(value), "no hole is cut")]
            self.repaired = True
        else:
            self.holes.append(shape.mended() if isinstance(shape, _Later) else shape)
            self.told(path, "exclusion", shown(value, 40), "a hole in the area")

    def outcome(self) -> str:
        """How well the area is known."""
        drawn = bool(self.shapes or self.sound or self.circles)
        if not drawn:
            if not any(record.code != "empty" for record in self.records):
                self.told(
                    self.path, "undefined", "no polygon, circle or geocode", "the words alone say where"
                )
            return "unresolved"
        if self.missing:
            # what a broken shape meant may be in the codes; it is told, and the area is not as written
            return "repaired" if self.coded else "unresolved"
        if self.repaired:
            return "repaired"
        if self.coded:
            return "geocode"
        return "circle" if self.circles else "exact"

    def build(self) -> Callable[[], Any]:
        def geometry() -> Any:
            parts = [shape.mended() if isinstance(shape, _Later) else shape for shape in self.shapes]
            parts += [circle_shape(*one) for one in self.circles]
            parts += [shapely.Polygon([(lon, lat) for lat, lon in ring(text)]) for text in self.sound]
            parts = parts or self.points
            whole = parts[0] if len(parts) == 1 else shapely.union_all(parts)
            return shapely.difference(whole, shapely.union_all(self.holes)) if self.holes else whole

        return geometry


def on_earth(points: Sequence[Point]) -> bool:
    """True where all (latitude, longitude) pairs are places on the earth."""
    lats, lons = zip(*points, strict=True)
    return bool(min(lats) >= -90 and max(lats) <= 90 and min(lons) >= -180 and max(lons) <= 180)


def _swapped(polygons: Sequence[str], looked: Mapping[str, Looked]) -> bool:
    """True where latitudes of an area lie past the poles and the other order puts all of it on the earth."""
    past = False
    for text in polygons:
        try:
            known = looked.get(text)
            if known is not None:
                points: tuple[Point, ...] = known.points
            else:
                points = ring(text) if 0 < text.count(",") <= MAX_POINTS else ()
        except ValueError:
            continue
        if not points:
            continue
        lats, lons = zip(*points, strict=True)
        past = past or max(lats) > 90 or min(lats) < -90
        if not (min(lats) >= -180 and max(lats) <= 180 and min(lons) >= -90 and max(lons) <= 90):
            return False
    return past


def _look_up(
    scheme: str, codes: list[str], gazetteer: Gazetteer | None, day: date | None
) -> tuple[list[Any], list[str]]:
    """The ground of the codes, and those that are not known. Several codes in one value are read apart."""
    shapes: list[Any] = []
    unknown: list[str] = []
    for code in codes:
        found = None if gazetteer is None else gazetteer.find(scheme, code, day)
        if found is not None:
            shapes.append(found)
            continue
        parts = code.split()
        apart = [] if gazetteer is None else [gazetteer.find(scheme, part, day) for part in parts]
        if len(parts) > 1 and apart and None not in apart:
            shapes += apart
        else:
            unknown.append(code)
    return shapes, unknown


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
