"""The point that stands for a place in distances: its own, else the middle of its outline."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache

from anlan.model.errors import UnknownPlace
from anlan.model.pack import GeometryLayer, Pack
from anlan.packs.geometry import outlines


def points(pack: Pack, places: Iterable[str], at: datetime) -> dict[str, tuple[float, float]]:
    """Place id -> (longitude, latitude), degrees, for those of `places` that have any at `at`. The middle
    is the centroid of the outline in degrees: within a division it is off by less than its size."""
    found: dict[str, tuple[float, float]] = {}
    for id in places:
        try:
            place = pack.place(id, at)
        except UnknownPlace:
            continue
        if place.lon is not None and place.lat is not None:
            found[id] = (place.lon, place.lat)
            continue
        for layer in pack.geometry:
            if id.startswith(layer.prefix) and (middle := _middles(layer).get(id)) is not None:
                found[id] = middle
                break
    return found


@lru_cache(maxsize=16)
def _middles(layer: GeometryLayer) -> dict[str, tuple[float, float]]:
    return {id: (shape.centroid.x, shape.centroid.y) for id, shape in outlines(layer).shapes.items()}
