"""What a map of some places stands on: a layer of outlines, the frame that fits them, points for the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from anlan.model.errors import UnknownPlace
from anlan.model.pack import GeometryLayer, Pack
from anlan.web.framed import Box, around, frame, placed
from anlan.web.mapview import layer_of

Point = tuple[float, float]  # longitude, latitude


@dataclass(frozen=True, slots=True)
class Ground:
    """`number` of the layer drawn, None where the places are points alone; `frame` that fits the places;
    `points` of those without an outline on it; `under` the place that they lie in, where it alone is
    drawn."""

    number: int | None
    layer: GeometryLayer | None
    frame: Box
    points: Mapping[str, Point]
    under: str = ""

    @property
    def box(self) -> str:
        """The frame as an address names it."""
        return ",".join(f"{degrees:g}" for degrees in self.frame)


def ground(pack: Pack, places: Sequence[str], at: datetime) -> Ground | None:
    """The ground of a map of `places`: the layer on which some of them are drawn, else the one that draws
    what the first lies in, else points alone. None where there is neither outline nor point."""
    number, under = _layer_with(pack, places, at), ""
    if number is None and places:
        number, under = _below(pack, places[0], at)
    layer = pack.geometry[number] if number is not None else None
    drawn = placed(layer) if layer is not None else frozenset[str]()
    points = {id: point for id in places if id not in drawn and (point := _point(pack, id, at)) is not None}
    if under and not points:
        return None
    box = (
        frame(layer, (*places, under), list(points.values()))
        if layer is not None
        else around([(lon, lat, lon, lat) for lon, lat in points.values()])
        if points
        else None
    )
    return Ground(number, layer, box, points, under) if box is not None else None


def shapes_address(found: Ground, pack: Pack, language: str) -> str:
    """Where the outlines of a ground are; empty where there are none. Changes with pack and language, so
    that a browser may keep what it got."""
    if found.number is None:
        return ""
    return f"/map/outlines/{found.number}?within={quote(found.box)}&v={pack.digest[:12]}&l={language}"


def _layer_with(pack: Pack, places: Sequence[str], at: datetime) -> int | None:
    """The number of the layer on which some of the places are drawn; None where there is none."""
    if not pack.geometry:
        return None
    number = layer_of(pack, places, at)
    return number if placed(pack.geometry[number]).intersection(places) else None


def _below(pack: Pack, place: str, at: datetime) -> tuple[int | None, str]:
    """The layer that draws the nearest place above, and that place."""
    try:
        above = pack.ancestry(place, at)[1:]
    except UnknownPlace:
        return None, ""
    for one in above:
        number = _layer_with(pack, (one,), at)
        if number is not None:
            return number, one
    return None, ""


def _point(pack: Pack, place: str, at: datetime) -> Point | None:
    try:
        found = pack.place(place, at)
    except UnknownPlace:
        return None
    return (found.lon, found.lat) if found.lon is not None and found.lat is not None else None
