"""Which recipients an area reaches, by their point, their area or their places."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

import numpy as np
import shapely
from shapely.geometry import MultiPolygon
from shapely.geometry.base import BaseGeometry

from anlan.model.errors import UnknownPlace
from anlan.model.pack import Pack
from anlan.model.warning import Recipient, Warning
from anlan.packs.antimeridian import split
from anlan.packs.drawing import Circle, read_drawing
from anlan.warn.area import area, place_ground
from anlan.warn.ground import around_each, united
from anlan.warn.population import SLIVER, inside_share, line_of
from anlan.warn.target.areas import Areas
from anlan.warn.target.points import Points


class Indexed:
    """Recipients, sorted by what decides whether they are reached: the ground they asked for (a point, a
    circle around it as the polygon that covers it, an area), else their places. InvalidValue where an area is
    broken."""

    def __init__(self, recipients: Iterable[Recipient]) -> None:
        self.recipients = list(recipients)
        self.by_place: dict[str, list[int]] = {}
        points: list[tuple[int, float, float]] = []
        circles: list[tuple[int, Circle]] = []
        areas: list[tuple[int, BaseGeometry]] = []
        for k, one in enumerate(self.recipients):
            if one.area:
                areas.append((k, _area_of(one)))
            elif one.point is not None and one.radius_km > 0:
                circles.append((k, Circle(one.point.lon, one.point.lat, one.radius_km)))
            elif one.point is not None:
                points.append((k, one.point.lon, one.point.lat))
            else:
                for place in one.places:
                    self.by_place.setdefault(place, []).append(k)
        covers = around_each([circle for _, circle in circles])
        areas += [(k, cover) for (k, _), cover in zip(circles, covers, strict=True)]
        self._at_point = np.array([k for k, _, _ in points], dtype=np.int64)
        self._points = Points([x for _, x, _ in points], [y for _, _, y in points])
        self._with_area = np.array([k for k, _ in areas], dtype=np.int64)
        self._areas = Areas([ground for _, ground in areas])
        self.grounded = bool(points or areas)

    def on(self, shape: BaseGeometry) -> set[int]:
        """Those whose own ground meets the shape."""
        found = set(self._at_point[self._points.within(shape)].tolist())
        return found | set(self._with_area[self._areas.within_each([shape]).keys].tolist())


def _area_of(recipient: Recipient) -> BaseGeometry:
    polygons, circles = read_drawing(recipient.area, f"recipient {recipient.id}.area")
    return united([*map(split, polygons), *around_each(circles)])


#: the last few, by the recipients they hold, which stay alive with them
_INDEXED: OrderedDict[tuple[int, ...], Indexed] = OrderedDict()
_KEPT = 4


def indexed(recipients: Iterable[Recipient]) -> Indexed:
    """An index of just these, made once."""
    held = list(recipients)
    key = tuple(map(id, held))
    found = _INDEXED.get(key)
    if found is None:
        found = Indexed(held)
        _INDEXED[key] = found
        while len(_INDEXED) > _KEPT:
            _INDEXED.popitem(last=False)
    return found


def reached(
    shape: BaseGeometry,
    places: Sequence[str],
    recipients: Mapping[str, Recipient],
    pack: Pack,
    now: datetime,
    touched: Sequence[str] = (),
) -> list[str]:
    """Ids of the recipients whose ground meets the shape, a boundary in common included; of those without
    ground of their own, whose places are among `places`, lie in them, hold them, or have a part on the
    shape. Those whose places come to no ground are met by the tree: where they hold one of the places
    `touched` by the shape, or lie in one. In the order given."""
    index = indexed(recipients.values())
    found = index.on(shape) | _by_places(index, places, pack, now)
    if index.by_place:
        groundless = set()
        shapely.prepare(shape)
        for place, told in index.by_place.items():
            if found.issuperset(told):
                continue
            try:
                ground = place_ground(place, pack, now)
            except UnknownPlace:
                continue
            if ground is None:
                groundless.add(place)
            elif _in_common(ground.shape, shape):
                found.update(told)
        if groundless and touched:
            found |= _by_places(index, touched, pack, now, groundless)
    return [id for k, id in enumerate(recipients) if k in found]


def _in_common(ground: BaseGeometry, shape: BaseGeometry) -> bool:
    """The outline of a neighbour touches: only ground in common counts, by the smaller of the two, since a
    small area has but a splinter of a large place."""
    return inside_share(ground, shape) > SLIVER or inside_share(shape, ground) > SLIVER


def _by_places(
    index: Indexed, places: Sequence[str], pack: Pack, now: datetime, only: Collection[str] | None = None
) -> set[int]:
    """Recipients without ground of their own whose places (`only` those, where given) are among those, lie in
    them or hold them."""
    lines = {place: line_of(pack, place, now) for place in places}
    holding = {above for line in lines.values() for above in line}
    found: set[int] = set()
    for place, told in index.by_place.items():
        if only is not None and place not in only:
            continue
        if place in holding or any(above in lines for above in line_of(pack, place, now)):
            found.update(told)
    return found


def recipients_of(
    warning: Warning, pack: Pack, now: datetime, shape: BaseGeometry | None = None
) -> tuple[str, ...]:
    """Ids of the pack's recipients that the warning reaches: of its hazard (or of any), and whose ground or
    places meet its own. A drawn warning (or one given its `shape`) is met by its ground. One of places is met
    by the tree of places, and by their outlines for those who asked for ground of their own; outlines are
    not read where nobody did."""
    if warning.rings or shape is not None:
        ground = warned_ground(warning, pack, now) if shape is None else shape
        named = () if warning.rings else warning.places
        told = reached(ground, named, pack.recipients, pack, now, warning.places)
    else:
        index = indexed(pack.recipients.values())
        found = _by_places(index, warning.places, pack, now)
        if index.grounded:
            found |= index.on(warned_ground(warning, pack, now))
        told = [id for k, id in enumerate(pack.recipients) if k in found]
    return tuple(
        id for id in told if not pack.recipients[id].hazards or warning.hazard in pack.recipients[id].hazards
    )


def warned_ground(warning: Warning, pack: Pack, now: datetime) -> BaseGeometry:
    """The ground of a warning: the area drawn by hand, else its places; empty where nothing has an
    outline."""
    if warning.rings:
        drawn = [[[[lon, lat] for lon, lat in ring]] for ring in warning.rings]
        return area(pack, now, drawing={"type": "MultiPolygon", "coordinates": drawn}).shape
    known = [place for place in warning.places if line_of(pack, place, now)]
    return area(pack, now, places=known).shape if known else MultiPolygon()
