"""A map that fits some places: the frame around them, and a layer's outlines cut a little outside of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from anlan.model.errors import InvalidValue
from anlan.model.pack import GeometryLayer
from anlan.packs.geometry import version_of
from anlan.web.geometry import POLE, outlines

Box = tuple[float, float, float, float]  # west, south, east, north in degrees; east may lie beyond 180
TURN = 360.0
BERING = -169.0  # where a map of the whole world is cut: only Antarctica lies across it
WHOLE = 300.0  # degrees of longitude from which a frame is the whole world
MARGIN = 0.06  # of the longer side
LEAST = 0.4  # degrees, the shorter side of the smallest frame
WIDEST, TALLEST = 3.6, 1.6  # width to height, and height to width, of the windows a map is drawn in
_FINE = 2500  # parts of a frame's width that a window can tell apart
_DIGITS = ((60.0, 2), (6.0, 3), (0.0, 4))  # decimals by width of the frame: finer than a pixel


@dataclass(frozen=True, slots=True)
class _Shapes:
    """The polygons of a layer one by one: `place` and `feature` of each, its shape and its box."""

    feature: tuple[int, ...]
    place: tuple[str, ...]
    shapes: tuple[BaseGeometry, ...]
    boxes: tuple[Box, ...]


def placed(layer: GeometryLayer) -> frozenset[str]:
    """The places that have an outline on a layer."""
    return frozenset(_shapes(layer).place) - {""}


def frame(
    layer: GeometryLayer, places: Iterable[str], points: Sequence[tuple[float, float]] = ()
) -> Box | None:
    """The smallest box that holds all parts of the outlines of `places` and the `points` (longitude,
    latitude), with a margin; across the antimeridian where that is shorter. None where there is nothing."""
    wanted, held = set(places) - {""}, _shapes(layer)
    boxes = [box for place, box in zip(held.place, held.boxes, strict=True) if place in wanted]
    boxes += [(lon, lat, lon, lat) for lon, lat in points]
    return around(boxes) if boxes else None


def around(boxes: Sequence[Box]) -> Box:
    """The frame of some boxes."""
    south, north = min(box[1] for box in boxes), max(box[3] for box in boxes)
    west, east = _arc([(box[0], box[2]) for box in boxes])
    narrow = math.cos(math.radians((south + north) / 2))
    margin = MARGIN * max((east - west) * narrow, north - south)
    tall = max(margin, (LEAST - (north - south)) / 2)
    wide = max(margin, (LEAST - (east - west) * narrow) / 2) / max(narrow, 0.1)
    west, east = west - wide, east + wide
    if east - west > WHOLE:
        west, east = BERING, BERING + TURN
    return (
        math.floor(west * 100) / 100,
        math.floor(max(-POLE, south - tall) * 100) / 100,
        math.ceil(east * 100) / 100,
        math.ceil(min(POLE, north + tall) * 100) / 100,
    )


def _arc(spans: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The shortest arc of the globe that holds all spans of longitude."""
    ordered = sorted(((west + 180.0) % TURN - 180.0, east - west) for west, east in spans)
    reach = max(ordered[0][0] + ordered[0][1], max(west + width for west, width in ordered) - TURN)
    best, start = -1.0, ordered[0][0]
    for west, width in ordered[1:]:
        if west - reach > best:
            best, start = west - reach, west
        reach = max(reach, west + width)
    over = ordered[0][0] + TURN - reach
    if over >= best:
        best, start = over, ordered[0][0]
    return start, start + TURN - max(best, 0.0)


def read_frame(text: str) -> Box:
    """A frame as an address names it: west,south,east,north. InvalidValue for anything else."""
    try:
        numbers = [float(part) for part in text.split(",")]
        west, south, east, north = numbers
    except ValueError:
        numbers, west, south, east, north = [], 0.0, 0.0, 0.0, 0.0
    inside = -2 * TURN < west < east <= west + TURN and -90.0 <= south < north <= 90.0
    if len(numbers) != 4 or not inside:
        raise InvalidValue(
            "no such frame",
            where="within",
            found=repr(text[:80]),
            expected="west,south,east,north in degrees, west below east",
        )
    return west, south, east, north


def within(layer: GeometryLayer, box: Box) -> dict[str, Any]:
    """The outlines of a layer as a FeatureCollection like that of `outlines`, cut to what a window of any
    likely shape shows around the frame `box`; its longitudes run on over the antimeridian. `frame` is the
    frame itself. Cut once per version of the file."""
    return _within(layer, version_of(layer), box)


@lru_cache(maxsize=64)
def _within(layer: GeometryLayer, _version: tuple[int, int], box: Box) -> dict[str, Any]:
    west, south, east, north = _window(box)
    held = _shapes(layer)
    digits = next(n for least, n in _DIGITS if east - west >= least)
    window = shapely.box(west, south, east, north)
    shapely.prepare(window)
    fine = (east - west) / _FINE
    parts: dict[int, list[list[Any]]] = {}
    for n, (w, s, e, top) in enumerate(held.boxes):
        if top < south or s > north:
            continue
        for turn in range(math.ceil((west - e) / TURN), math.floor((east - w) / TURN) + 1):
            inside = west <= w + TURN * turn and e + TURN * turn <= east and south <= s and top <= north
            shape = _turned(shapely.simplify(held.shapes[n], fine), turn)
            for one in [shape] if inside else shapely.get_parts(shapely.intersection(shape, window)):
                if one.geom_type == "Polygon" and not one.is_empty:
                    parts.setdefault(held.feature[n], []).append(_rings(one, digits))
    names = dict(zip(held.feature, held.place, strict=True))
    return {
        "type": "FeatureCollection",
        "frame": list(box),
        "features": [
            {
                "type": "Feature",
                "properties": {"place": names[feature]},
                "geometry": {"type": "MultiPolygon", "coordinates": rings},
            }
            for feature, rings in parts.items()
        ],
    }


def _window(box: Box) -> Box:
    """What is drawn around a frame: it stands whole in the middle of a window of any likely shape."""
    west, south, east, north = box
    narrow = max(math.cos(math.radians((south + north) / 2)), 0.1)
    wide, tall = (east - west) * narrow, north - south
    half_x = min(max(wide, WIDEST * tall) * 1.05 / narrow, TURN) / 2
    half_y = max(tall, TALLEST * wide) * 1.05 / 2
    x, y = (west + east) / 2, (south + north) / 2
    return x - half_x, max(-POLE, y - half_y), x + half_x, min(POLE, y + half_y)


def _turned(shape: BaseGeometry, turn: int) -> BaseGeometry:
    return shapely.transform(shape, lambda xy: xy + np.array([TURN * turn, 0.0])) if turn else shape


def _rings(polygon: BaseGeometry, digits: int) -> list[Any]:
    return [
        np.round(shapely.get_coordinates(ring), digits).tolist()
        for ring in (polygon.exterior, *polygon.interiors)
    ]


def _shapes(layer: GeometryLayer) -> _Shapes:
    return _parted(layer, version_of(layer))


@lru_cache(maxsize=8)
def _parted(layer: GeometryLayer, _version: tuple[int, int]) -> _Shapes:
    features, places, shapes = [], [], []
    for n, feature in enumerate(outlines(layer)["features"]):
        kind, coordinates = feature["geometry"]["type"], feature["geometry"]["coordinates"]
        for rings in [coordinates] if kind == "Polygon" else coordinates if kind == "MultiPolygon" else []:
            if not rings or len(rings[0]) < 4:
                continue
            shape = shapely.Polygon(rings[0], [hole for hole in rings[1:] if len(hole) >= 4])
            for part in shapely.get_parts(shape if shape.is_valid else shapely.make_valid(shape)):
                if part.geom_type == "Polygon" and not part.is_empty:
                    features.append(n)
                    places.append(feature["properties"]["place"])
                    shapes.append(part)
    boxes = (
        tuple((float(w), float(s), float(e), float(n)) for w, s, e, n in shapely.bounds(shapes))
        if shapes
        else ()
    )
    return _Shapes(tuple(features), tuple(places), tuple(shapes), boxes)
