"""Polygons and circles of a CAP area (CAP 1.2, section 3.2.4): WGS 84 degrees, latitude first."""

from __future__ import annotations

import re
from collections.abc import Iterator

from anlan.formats.cap.fault import shown

MAX_POINTS = 10_000

_NUMBER = r"[-+]?(?:[0-9]{1,17}(?:\.[0-9]{0,17})?|\.[0-9]{1,17})"
_PAIR = re.compile(rf"({_NUMBER}),({_NUMBER})")
_CIRCLE = re.compile(rf"\s*({_NUMBER}),({_NUMBER})\s+({_NUMBER})\s*")

Broken = tuple[str, str, str, bool]


def ring(text: str) -> tuple[tuple[float, float], ...]:
    """The (latitude, longitude) pairs of a polygon as written; ValueError where the syntax is broken."""
    points = []
    for pair in text.split():
        match = _PAIR.fullmatch(pair)
        if match is None:
            raise ValueError(f"not a latitude,longitude pair: {shown(pair)}")
        points.append((float(match.group(1)), float(match.group(2))))
    return tuple(points)


def circle(text: str) -> tuple[float, float, float]:
    """(latitude, longitude, radius in kilometres); ValueError where the syntax is broken."""
    match = _CIRCLE.fullmatch(text)
    if match is None:
        raise ValueError(f"not latitude,longitude radius: {shown(text)}")
    return float(match.group(1)), float(match.group(2)), float(match.group(3))


def polygon_faults(text: str) -> Iterator[Broken]:
    """(rule, found, expected, blocking) of everything wrong with a polygon."""
    if not text.strip():
        yield "G-polygon-empty", "nothing", "no polygon element at all", False
        return
    if text.count(",") > MAX_POINTS:
        yield "S-size", f"{text.count(',')} points", f"at most {MAX_POINTS}", True
        return
    try:
        points = ring(text)
    except ValueError as error:
        yield "G-polygon-syntax", str(error), "latitude,longitude pairs separated by blanks", True
        return
    if len(points) < 4:
        yield "G-polygon-min4", f"{len(points)} pairs", "four or more", False
    if points[0] != points[-1]:
        yield "G-polygon-closed", f"{points[0]} and {points[-1]}", "first and last pair equal", False
    for lat, lon in points:
        if not (-90 <= lat <= 90 and -180 <= lon <= 180):
            yield "G-range", f"{lat},{lon}", "latitude -90 to 90, longitude -180 to 180", False
            return


def circle_faults(text: str) -> Iterator[Broken]:
    """(rule, found, expected, blocking) of everything wrong with a circle."""
    if not text.strip():
        yield "G-circle-empty", "nothing", "no circle element at all", False
        return
    try:
        lat, lon, radius = circle(text)
    except ValueError as error:
        yield "G-circle-syntax", str(error), "latitude,longitude, a blank, the radius in km", True
        return
    if radius < 0:
        yield "G-circle-syntax", f"{radius} km", "a radius of 0 or more", True
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):
        yield "G-range", f"{lat},{lon}", "latitude -90 to 90, longitude -180 to 180", False
