"""Outlines of places for the map: TopoJSON or GeoJSON files of a pack as GeoJSON (RFC 7946)."""

from __future__ import annotations

import json
import math
from functools import lru_cache
from pathlib import Path
from typing import Any

from anlan.model.errors import Unreadable
from anlan.model.pack import GeometryLayer
from anlan.packs.geometry import version_of

Position = list[float]
HALF = 180.0
POLE = 85.0  # degrees of latitude at which a Mercator map ends
_RIM = 89.9  # degrees: a ring beyond it is the pole
_SMALLEST = 4  # positions of the smallest closed ring


def outlines(layer: GeometryLayer) -> dict[str, Any]:
    """A FeatureCollection whose features carry only `place` (the id; "" where the file names none).
    Coordinates are WGS 84, rounded to 4 decimals (about 11 m); longitudes of one polygon are continuous, also
    beyond 180 degrees. Unreadable for another format. Read once per version of the file."""
    return _outlines(layer, version_of(layer))


@lru_cache(maxsize=8)
def _outlines(layer: GeometryLayer, _version: tuple[int, int]) -> dict[str, Any]:
    path = Path(layer.path)
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Unreadable("the outlines cannot be read", where=str(path), found=str(error)) from error
    kind = document.get("type")
    if kind == "Topology":
        features = _features(document, layer)
    elif kind == "FeatureCollection":
        features = document["features"]
    else:
        raise Unreadable(
            "not outlines", where=str(path), found=repr(kind), expected="Topology or FeatureCollection"
        )
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {"place": _id(feature.get("properties") or {}, layer)},
                "geometry": _drawn(feature["geometry"]),
            }
            for feature in features
            if feature.get("geometry")
        ],
    }


def _id(properties: dict[str, Any], layer: GeometryLayer) -> str:
    value = str(properties.get(layer.key) or "")
    return f"{layer.prefix}{value}" if value else ""


def _features(topology: dict[str, Any], layer: GeometryLayer) -> list[dict[str, Any]]:
    objects = topology["objects"]
    name = layer.objects or next(iter(objects))
    if name not in objects:
        raise Unreadable(
            "no such object", where=layer.path, found=repr(name), expected=", ".join(sorted(objects))
        )
    arcs = _arcs(topology)
    return [
        {
            "properties": item.get("properties"),
            "geometry": {
                "type": item["type"],
                "coordinates": [_ring(ring, arcs) for ring in item["arcs"]]
                if item["type"] == "Polygon"
                else [[_ring(ring, arcs) for ring in polygon] for polygon in item["arcs"]],
            },
        }
        for item in objects[name]["geometries"]
        if item["type"] in ("Polygon", "MultiPolygon")
    ]


def _arcs(topology: dict[str, Any]) -> list[list[Position]]:
    transform = topology.get("transform")
    if transform is None:
        return [[list(map(float, position)) for position in arc] for arc in topology["arcs"]]
    (sx, sy), (tx, ty) = transform["scale"], transform["translate"]
    decoded = []
    for arc in topology["arcs"]:
        x = y = 0
        positions = []
        for step in arc:
            x, y = x + step[0], y + step[1]
            positions.append([x * sx + tx, y * sy + ty])
        decoded.append(positions)
    return decoded


def _ring(indices: list[int], arcs: list[list[Position]]) -> list[Position]:
    # A negative index ~i is arc i backwards; the first position repeats the last one's.
    ring: list[Position] = []
    for index in indices:
        arc = arcs[index] if index >= 0 else arcs[~index][::-1]
        ring.extend(arc[1:] if ring else arc)
    while ring and len(ring) < _SMALLEST:
        ring.append(ring[0])
    return ring


def _drawn(geometry: dict[str, Any]) -> dict[str, Any]:
    kind, coordinates = geometry["type"], geometry["coordinates"]
    if kind == "Polygon":
        return {"type": kind, "coordinates": _polygon(coordinates)}
    if kind == "MultiPolygon":
        return {"type": kind, "coordinates": [whole for rings in coordinates if (whole := _polygon(rings))]}
    return geometry


def _polygon(rings: list[list[Position]]) -> list[list[Position]]:
    """The rings with continuous longitudes, holes on the same turn of the globe as the outer ring."""
    # Natural Earth closes Antarctica with a ring along the pole itself, which is a point and no outline
    drawn = [_unrolled(ring) for ring in rings if any(abs(lat) < _RIM for _, lat, *_ in ring)]
    if not drawn:
        return []
    middle = _middle(drawn[0])
    turn = -360.0 * round(middle / 360.0)  # an outline wholly beyond the antimeridian is where it belongs
    moved = [drawn[0]] + [_moved(hole, 360.0 * round((middle - _middle(hole)) / 360.0)) for hole in drawn[1:]]
    return [_moved(ring, turn) for ring in moved]


def _middle(ring: list[Position]) -> float:
    east = [lon for lon, _ in ring]
    return (min(east) + max(east)) / 2


def _moved(ring: list[Position], by: float) -> list[Position]:
    return [[round(lon + by, 4), lat] for lon, lat in ring] if by else ring


def _unrolled(ring: list[Position]) -> list[Position]:
    """The ring with continuous longitudes: where it jumps over the antimeridian it goes on beyond 180
    degrees. One around a pole runs from the one side of the antimeridian to the other and is closed along the
    edge of the map, so that no line crosses it."""
    shift = 0.0
    before = ring[0][0] if ring else 0.0
    unrolled = []
    for lon, lat, *_ in ring:
        if lon - before > HALF:
            shift -= 2 * HALF
        elif lon - before < -HALF:
            shift += 2 * HALF
        before = lon
        unrolled.append([round(lon + shift, 4), round(max(-POLE, min(POLE, lat)), 4)])
    return _closed_at_pole(unrolled, shift) if shift else unrolled


def _closed_at_pole(ring: list[Position], turn: float) -> list[Position]:
    """A ring that ends `turn` degrees from where it began, from -180 to 180 or back."""
    sign = 1.0 if turn > 0 else -1.0
    start = sign * ring[0][0]
    seam = HALF + 2 * HALF * math.ceil((start - HALF) / (2 * HALF))  # the first antimeridian at or after it
    at = next(n for n, (lon, _) in enumerate(ring) if sign * lon >= seam)
    (lon, lat), (past, after) = ring[max(at - 1, 0)], ring[at]
    share = (sign * seam - lon) / (past - lon) if past != lon else 0.0
    crossing = round(lat + (after - lat) * share, 4)
    onward = [[x - sign * (seam + HALF), y] for x, y in ring[at:]]
    onward += [[x + turn - sign * (seam + HALF), y] for x, y in ring[1:at]]
    coast = [[round(x, 4), y] for x, y in onward if abs(x) < HALF]
    edge = -POLE if sum(y for _, y in ring) < 0 else POLE
    west, east = -sign * HALF, sign * HALF
    return [[west, crossing], *coast, [east, crossing], [east, edge], [west, edge], [west, crossing]]
