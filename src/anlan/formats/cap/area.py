"""One area as it is put together: its polygons, circles and geocodes as shapes, with a record of everything
that had to be read otherwise than it was written. A hole that cannot be read is not cut out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
    round_pole,
    unrolled,
    why_invalid,
)
from anlan.formats.cap.limits import MAX_POINTS
from anlan.formats.cap.shapes import MAX_RADIUS_KM, Later, circle_shape, encloses, mend

#: geocodes that take ground out of an area: their value is a ring (Deutscher Wetterdienst)
EXCLUSIONS = frozenset(("EXCLUDE_POLYGON",))


@dataclass(frozen=True, slots=True)
class Mending:
    """What was found at `path` and how it is read. `code`: open_ring, self_crossing, swapped, over_180,
    antimeridian, pole, exclusion (told, no repair), empty, point, too_large, unreadable, out_of_range,
    collapsed, unknown_geocodes, geocodes_beside, undefined."""

    path: str
    code: str
    found: str
    read: str


@dataclass(slots=True)
class Allowance:
    """How many rings of one message may still be mended: each takes far longer than reading a sound one."""

    mendings: int = 1000


def _itself(shape: Any) -> Any:
    return shape


class Taken:
    """One area as it is put together: a shape at a time, then its codes, then what it comes to."""

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
        if round_pole(points):
            return self.polar(path, points)
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

    def polar(self, path: str, points: Sequence[Point]) -> Any | None:
        """A ring round a pole, as all ground between it and the pole; None where it lies on both sides of the
        equator, so that nobody knows which pole is meant."""
        lats = [lat for lat, _ in points]
        if min(lats) <= 0 <= max(lats):
            self.told(path, "too_large", "a ring round the earth", "the ring is not known")
            return None
        pole, name = (90.0, "north") if lats[0] > 0 else (-90.0, "south")
        self.told(path, "pole", f"a ring round the {name} pole", "all ground between it and the pole")
        self.repaired = True
        flat = unrolled(points)
        shape = shapely.Polygon([*flat, (flat[-1][0], pole), (flat[0][0], pole)])
        return self.valid(path, shape, why_invalid(shape))

    def whole(self, path: str, build: Callable[[], Any], beyond: bool) -> Any:
        """A ring that does not cross itself."""
        if beyond:
            self.told(path, "antimeridian", "a ring across 180 degrees", "in two parts, one on either side")
        return Later(build, beyond=beyond)

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
            if not encloses(shape):
                shape = mend(shape)
                if shape.area == 0:
                    self.told(path, "collapsed", reason, "the ring encloses no ground")
                    return None
            else:
                shape = Later(partial(_itself, shape), crossing=True)
            self.told(path, "self_crossing", reason, "all ground that any loop of it encloses")
            self.repaired = True
        if isinstance(shape, Later):
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
        if shape is None or any(record.code in ("self_crossing", "pole") for record in self.records[told:]):
            self.records[told:] = [Mending(path, "unreadable", shown(value), "no hole is cut")]
            self.repaired = True
        else:
            self.holes.append(shape.mended() if isinstance(shape, Later) else shape)
            self.told(path, "exclusion", shown(value, 40), "a hole in the area")

    def outcome(self) -> str:
        """How well the area is known."""
        drawn = bool(self.shapes or self.sound or self.circles)
        if drawn and self.holes and self.swallowed():
            self.told(self.path, "collapsed", "holes that take out all of it", "the area has no ground")
            return "unresolved"
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

    def swallowed(self) -> bool:
        """True where the holes leave nothing of the area."""
        west, south, east, north = shapely.total_bounds(self.holes)
        for text in self.sound:
            lats, lons = zip(*ring(text), strict=True)
            if min(lons) < west or max(lons) > east or min(lats) < south or max(lats) > north:
                return False
        return bool(self.build()().is_empty)

    def build(self) -> Callable[[], Any]:
        def geometry() -> Any:
            parts = [shape.mended() if isinstance(shape, Later) else shape for shape in self.shapes]
            parts += [circle_shape(*one) for one in self.circles]
            parts += [shapely.polygons(np.array(ring(text))[:, ::-1]) for text in self.sound]
            parts = parts or self.points
            whole = parts[0] if len(parts) == 1 else shapely.union_all(parts)
            return shapely.difference(whole, shapely.union_all(self.holes)) if self.holes else whole

        return geometry


def on_earth(points: Sequence[Point]) -> bool:
    """True where all (latitude, longitude) pairs are places on the earth."""
    lats, lons = zip(*points, strict=True)
    return bool(min(lats) >= -90 and max(lats) <= 90 and min(lons) >= -180 and max(lons) <= 180)


def swapped(polygons: Sequence[str], looked: Mapping[str, Looked]) -> bool:
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
