"""The ground of the places warned, as a message writes it."""

from __future__ import annotations

from collections.abc import Iterator

import shapely
from shapely.geometry.base import BaseGeometry

from anlan.model.errors import UnknownPlace
from anlan.model.pack import Pack
from anlan.model.warning import Warning
from anlan.packs.geometry import outlines
from anlan.warn.area import place_ground
from anlan.warn.ground import parts
from anlan.warn.render import TargetArea
from anlan.warn.words import issue_time

Rings = tuple[tuple[tuple[float, float], ...], ...]


def target_areas(warning: Warning, pack: Pack) -> list[TargetArea]:
    """Each place warned with the ground that the pack has of it: rings of its outline, or of those of what
    lies directly below it; the circle that covers it; neither where the pack has none, which is shown so on
    a draft and is never approved."""
    found = []
    for place in warning.places:
        try:
            ground = place_ground(place, pack, issue_time(warning))
        except UnknownPlace:
            ground = None
        if ground is None:
            found.append(TargetArea(place))
        elif ground.circle is not None:
            found.append(TargetArea(place, circle=ground.circle))
        else:
            found.append(TargetArea(place, rings_of(ground.shape)))
    return found


def areas_of_before(warning: Warning, pack: Pack) -> list[TargetArea]:
    """The same as versions wrote it that knew only outlines, and of those only the ones without holes: a
    message that left is written again as it was."""
    return [TargetArea(place, _whole_outline(pack, place)) for place in warning.places]


def rings_of(shape: BaseGeometry) -> Rings:
    """Outer rings of parts without holes that make exactly the shape: CAP 1.2 has no holes, so a part that
    has some is cut through them. To 0.0001 degree (eleven metres), or finer where that would make a ring
    cross itself."""
    return tuple(ring for part in parts(shape) for piece in _whole(part) for ring in _rounded(piece))


def _whole(part: BaseGeometry) -> Iterator[BaseGeometry]:
    """Pieces without holes, cut along the meridian through the middle of a hole."""
    if not shapely.get_num_interior_rings(part):
        yield part
        return
    west, south, east, north = shapely.bounds(part).tolist()
    left, _, right, _ = shapely.bounds(shapely.get_interior_ring(part, 0)).tolist()
    middle = (left + right) / 2
    for half in (shapely.box(west, south, middle, north), shapely.box(middle, south, east, north)):
        for piece in parts(shapely.intersection(part, half)):
            yield from _whole(piece)


def _rounded(piece: BaseGeometry) -> Rings:
    ring = shapely.get_coordinates(shapely.get_exterior_ring(piece)).tolist()
    short = tuple((round(x, 4), round(y, 4)) for x, y in ring)
    if len(set(short)) >= 3 and shapely.Polygon(short).is_valid:
        return (short,)
    fine = tuple((round(x, 5), round(y, 5)) for x, y in ring)
    # a splinter below a metre is no ground
    return (fine,) if len(set(fine)) >= 3 and shapely.Polygon(fine).area > 0 else ()


def _whole_outline(pack: Pack, place: str) -> Rings:
    for layer in pack.geometry:
        shape = outlines(layer).shapes.get(place) if place.startswith(layer.prefix) else None
        if shape is None:
            continue
        pieces = list(getattr(shape, "geoms", [shape]))
        if any(piece.interiors for piece in pieces):
            return ()
        return tuple(tuple((round(x, 4), round(y, 4)) for x, y in piece.exterior.coords) for piece in pieces)
    return ()
