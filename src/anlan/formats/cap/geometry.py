"""Polygons and circles of a CAP area as written (CAP 1.2, section 3.2.4): WGS 84 degrees, latitude first.

What they come to on the ground is in `anlan.formats.cap.ground`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import shapely

from anlan.formats.cap import compiled
from anlan.formats.cap.fault import shown
from anlan.formats.cap.limits import MAX_POINTS

# possessive: linear in the length of the text whatever stands in it
_NUMBER = r"[-+]?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)"
_PAIR = re.compile(rf"({_NUMBER}),({_NUMBER})")
_CIRCLE = re.compile(rf"[ \t\r\n]*+({_NUMBER}),({_NUMBER})[ \t\r\n]++({_NUMBER})[ \t\r\n]*+")
_RING = re.compile(rf"[ \t\r\n]*+{_NUMBER},{_NUMBER}(?:[ \t\r\n]++{_NUMBER},{_NUMBER})*+[ \t\r\n]*+")
#: as many pairs as stand at the beginning
_PAIRS = re.compile(rf"[ \t\r\n]*+(?:{_NUMBER},{_NUMBER}(?:[ \t\r\n]++|\Z))*+")
_BLANKS = re.compile(r"[ \t\r\n]")
#: what programs take for a number that is none, or past all bounds: nobody writes it by mistake
_LURE = re.compile(r"(?i)(?<![a-z])(?:nan|inf|infinity)(?![a-z])|[0-9.]e[-+]?[0-9]")
_ODD = re.compile(r"[^0-9.,+\- \t\r\n]")
# "lat,lon lat,lon" as the inside of a WKT ring once blanks are single bars
_AS_WKT = str.maketrans({",": " ", "|": ","})

#: (rule, found, expected, whether a message is refused for it where nothing else of the area says where). A
#: shape written wrong is none, and the ground not known; one made to mislead programs is refused
Broken = tuple[str, str, str, bool]
Point = tuple[float, float]


def ring(text: str) -> tuple[Point, ...]:
    """The (latitude, longitude) pairs of a polygon as written; ValueError where the syntax is broken."""
    if _RING.fullmatch(text) is None:
        raise ValueError(f"not a latitude,longitude pair: {shown(first_odd(text))}")
    return _points(text)


def _points(text: str) -> tuple[Point, ...]:
    numbers = map(float, text.replace(",", " ").split())
    return tuple(zip(numbers, numbers, strict=True))


def first_odd(text: str) -> str:
    """The first item of a polygon that is no pair; empty where all are, or where there is none."""
    return _BLANKS.split(_PAIRS.sub("", text, count=1), maxsplit=1)[0]


def circle(text: str) -> tuple[float, float, float]:
    """(latitude, longitude, radius in kilometres); ValueError where the syntax is broken."""
    match = _CIRCLE.fullmatch(text)
    if match is None:
        raise ValueError(f"not latitude,longitude radius: {shown(text)}")
    return float(match.group(1)), float(match.group(2)), float(match.group(3))


def in_range(lat: float, lon: float) -> bool:
    """True for a place on the earth."""
    return -90 <= lat <= 90 and -180 <= lon <= 180


def unrolled(points: Sequence[Point]) -> list[Point]:
    """(longitude, latitude) with longitudes that run on past 180 degrees where the ring crosses it: no step
    is longer than half the way round."""
    longitudes = [lon for _, lon in points]
    if max(longitudes) - min(longitudes) <= 180:
        return [(lon, lat) for lat, lon in points]
    found: list[Point] = []
    turn = 0.0
    for lat, lon in points:
        if found:
            step = lon + turn - found[-1][0]
            # a side of exactly the whole way round is meant as it stands (a box of the whole world)
            if 180 < abs(step) < 360:
                turn -= 360 * round(step / 360)
        found.append((lon + turn, lat))
    return found


def round_pole(points: Sequence[Point]) -> bool:
    """True for a closed ring that goes round a pole and does not touch it: on a map of degrees, where the
    pole is a line, it has no inside."""
    longitudes = [lon for _, lon in points]
    if max(longitudes) - min(longitudes) <= 180 or any(abs(lat) >= 90 for lat, _ in points):
        return False
    flat = unrolled(points)
    return abs(flat[-1][0] - flat[0][0]) > 180


@dataclass(frozen=True, slots=True)
class Looked:
    """A ring that was looked at: `points` (latitude, longitude) as written; of a closed one `shape`
    unrolled, None where it was not built, and `reason`, why it is no valid polygon, empty where it is one."""

    points: tuple[Point, ...]
    shape: Any = None
    reason: str = ""


_VALID = "Valid Geometry"


def polygon_of(points: Sequence[Point]) -> Any:
    """The polygon of a ring, unrolled; it closes itself."""
    return shapely.polygons(np.array(unrolled(points)))


def why_invalid(shape: Any) -> str:
    """The library's reason; empty for a valid shape."""
    reason = str(shapely.is_valid_reason(shape))
    return "" if reason == _VALID else reason


def polygon_faults(
    text: str, simple: bool = False, looked: dict[str, Looked] | None = None
) -> Iterator[Broken]:
    """Everything wrong with a polygon; `simple` where it is already known to be a ring that does not
    cross itself. What was read of it is put into `looked` under its text."""
    if not text.strip():
        yield "G-polygon-empty", "nothing", "no polygon element at all", False
        return
    if text.count(",") > MAX_POINTS:
        yield "S-size", f"{text.count(',')} points", f"at most {MAX_POINTS}", True
        return
    try:
        points = _points(text) if simple else ring(text)
    except ValueError as error:
        found = f"not a latitude,longitude pair: {shown(first_odd(text))}" if simple else str(error)
        told = "latitude,longitude pairs separated by blanks"
        lured = not any(map(_PAIR.fullmatch, text.split())) and _LURE.search(text) is not None
        yield "G-polygon-syntax", found, told, lured
        return
    if looked is not None:
        looked[text] = Looked(points)
    if len(points) < 4:
        yield "G-polygon-min4", f"{len(points)} pairs", "four or more", False
    if points[0] != points[-1]:
        yield "G-polygon-closed", f"{points[0]} and {points[-1]}", "first and last pair equal", False
    else:
        begins, ends = text.split(None, 1)[0], text.rsplit(None, 1)[-1]
        if begins != ends:
            yield "G-polygon-closed-text", f"{begins} and {ends}", "one way to write a number", False
    outside = [(lat, lon) for lat, lon in points if not (-90 <= lat <= 90 and -180 <= lon <= 180)]
    if outside:
        yield past_bounds(*outside[0], len(outside))
    if not simple and len(points) >= 4 and all(map(math.isfinite, chain.from_iterable(points))):
        shape = polygon_of(points)
        reason = why_invalid(shape)
        if round_pole((*points, points[0])):
            reason = "a ring round a pole"
        if looked is not None and points[0] == points[-1]:
            looked[text] = Looked(points, shape, reason)
        if reason:
            yield "G-polygon-simple", reason, "a ring that does not cross itself", False


def past_bounds(lat: float, lon: float, number: int) -> Broken:
    """So many places, this one first, that are not on the earth."""
    found = f"{lat},{lon}" + (f" and {number - 1} more" if number > 1 else "")
    return "G-range", found, "latitude -90 to 90, longitude -180 to 180", False


def circle_faults(text: str) -> Iterator[Broken]:
    """Everything wrong with a circle."""
    if not text.strip():
        yield "G-circle-empty", "nothing", "no circle element at all", False
        return
    try:
        lat, lon, radius = circle(text)
    except ValueError as error:
        lured = _LURE.search(text) is not None
        yield "G-circle-syntax", str(error), "latitude,longitude, a blank, the radius in km", lured
        return
    if radius < 0:
        yield "G-circle-syntax", f"{radius} km", "a radius of 0 or more", False
    elif radius == 0:
        yield "G-circle-zero", shown(text), "a radius above 0: this is a point", False
    if not in_range(lat, lon):
        yield past_bounds(lat, lon, 1)


#: verdicts on a polygon: nothing is wrong with it; only its places can be (they are not on the earth)
SOUND, ASTRAY = "sound", "astray"
#: characters
_LARGE = 4000


def sound_rings(texts: list[str]) -> list[str | None]:
    """For each polygon SOUND where `polygon_faults` finds nothing and it spans no more than half the earth,
    ASTRAY where only its coordinates can be at fault, else None: `polygon_faults` tells what it is."""
    kernels = compiled.kernels(len(texts))
    if kernels is None:
        return by_library(texts)
    return decided(texts, [(None, SOUND, ASTRAY)[verdict] for verdict in kernels.scan(texts)])


def decided(texts: list[str], found: list[str | None]) -> list[str | None]:
    """The verdicts of the compiled screen, with those that it left open on large rings: what it leaves open
    is nearly always at fault and looked at one by one anyway, but the library reads large rings faster."""
    open_ones = [
        place for place, verdict in enumerate(found) if verdict is None and len(texts[place]) > _LARGE
    ]
    if open_ones:
        for place, verdict in zip(open_ones, by_library([texts[p] for p in open_ones]), strict=True):
            found[place] = verdict
    return found


def by_library(texts: list[str]) -> list[str | None]:
    """The same verdicts by the geometry library, which reads the texts all at once; what it does not take,
    or takes otherwise, is None."""
    rings: list[str] = []
    for text in texts:
        pairs = text.split()
        count = len(pairs)
        if (
            count < 4
            or count > MAX_POINTS
            or pairs[0] != pairs[-1]
            or text.count(",") != count
            or _ODD.search(text)
        ):
            rings.append("")
        else:
            rings.append(f"POLYGON(({'|'.join(pairs).translate(_AS_WKT)}))")
    shapes = shapely.from_wkt(rings, on_invalid="ignore")
    found: list[str | None] = []
    for valid, (south, west, north, east) in zip(
        shapely.is_valid(shapes).tolist(), shapely.bounds(shapes).tolist(), strict=True
    ):
        if not valid or east - west > 180:
            found.append(None)
        elif south >= -90 and west >= -180 and north <= 90 and east <= 180:
            found.append(SOUND)
        else:
            found.append(ASTRAY)
    return found
