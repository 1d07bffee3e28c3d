"""Outlines of places for the map: TopoJSON or GeoJSON files of a pack as GeoJSON (RFC 7946)."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from anlan.model.errors import Unreadable
from anlan.model.pack import GeometryLayer

Position = list[float]
HALF = 180.0
POLE = 85.0  # degrees of latitude at which a Mercator map ends
_SMALLEST = 4  # positions of the smallest closed ring


@lru_cache(maxsize=8)
def outlines(layer: GeometryLayer) -> dict[str, Any]:
    """A FeatureCollection whose features carry only `place` (the id; "" where the file names none).
    Coordinates are WGS 84, rounded to 4 decimals (about 11 m). Unreadable for another format."""
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
                "geometry": _rounded(feature["geometry"]),
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


def _rounded(geometry: dict[str, Any]) -> dict[str, Any]:
    kind, coordinates = geometry["type"], geometry["coordinates"]
    if kind == "Polygon":
        return {"type": kind, "coordinates": [_unrolled(ring) for ring in coordinates]}
    if kind == "MultiPolygon":
        return {
            "type": kind,
            "coordinates": [[_unrolled(ring) for ring in polygon] for polygon in coordinates],
        }
    return geometry


def _unrolled(ring: list[Position]) -> list[Position]:
    """The ring with continuous longitudes: where it jumps over the antimeridian it goes on beyond 180
    degrees, and around a pole it is closed along the edge of the map, so that no line crosses it."""
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
    if shift and unrolled:
        edge = -POLE if sum(lat for _, lat in unrolled) < 0 else POLE
        unrolled += [[unrolled[-1][0], edge], [unrolled[0][0], edge], unrolled[0]]
    return unrolled
