"""Which recipients an area reaches, by their point, their area or their places."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
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
from anlan.warn.area import area
from anlan.warn.ground import around, grounds, united
from anlan.warn.population import SLIVER, inside_share
from anlan.warn.target.areas import Areas
from anlan.warn.target.points import Points


def ground_of(recipient: Recipient) -> BaseGeometry | None:
    """The ground a recipient asked for by itself: a point, a circle around it (as the polygon that covers
    it), or an area; None where it has only places. InvalidValue where the area is broken."""
    if recipient.area:
        polygons, circles = read_drawing(recipient.area, f"recipient {recipient.id}.area")
        return united([*map(split, polygons), *map(around, circles)])
    if recipient.point is None:
        return None
    if recipient.radius_km > 0:
        return around(Circle(recipient.point.lon, recipient.point.lat, recipient.radius_km))
    return shapely.Point(recipient.point.lon, recipient.point.lat)


class Indexed:
    """Recipients, sorted by what decides whether they are reached."""

    def __init__(self, recipients: Iterable[Recipient]) -> None:
        self.recipients = list(recipients)
        self.by_place: dict[str, list[int]] = {}
        points: list[tuple[int, float, float]] = []
        areas: list[tuple[int, BaseGeometry]] = []
        for k, one in enumerate(self.recipients):
            ground = ground_of(one)
            if ground is None:
                for place in one.places:
                    self.by_place.setdefault(place, []).append(k)
            elif ground.geom_type == "Point":
                points.append((k, ground.x, ground.y))
            else:
                areas.append((k, ground))
        self._at_point = np.array([k for k, _, _ in points], dtype=np.int64)
        self._points = Points([x for _, x, _ in points], [y for _, _, y in points])
        self._with_area = np.array([k for k, _ in areas], dtype=np.int64)
        self._areas = Areas([ground for _, ground in areas])

    def on(self, shape: BaseGeometry) -> set[int]:
        """Those whose own ground meets the shape."""
        found = set(self._at_point[self._points.within(shape)].tolist())
        return found | set(self._with_area[self._areas.within_each([shape]).keys].tolist())


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
) -> list[str]:
    """Ids of the recipients whose ground meets the shape, a boundary in common included; of those without
    ground of their own, whose places are among `places`, lie in them, hold them, or have a part on the
    shape. In the order given."""
    index = indexed(recipients.values())
    found = index.on(shape)
    if index.by_place:
        outlines = grounds(pack)
        lines = {place: _line(pack, place, now) for place in places}
        holding = {above for line in lines.values() for above in line}
        shapely.prepare(shape)
        for place, told in index.by_place.items():
            if (
                place in holding
                or any(above in lines for above in _line(pack, place, now))
                # the outline of a neighbour touches: only ground in common counts
                or (place in outlines and inside_share(outlines[place], shape) > SLIVER)
            ):
                found.update(told)
    return [id for k, id in enumerate(recipients) if k in found]


def recipients_of(
    warning: Warning, pack: Pack, now: datetime, shape: BaseGeometry | None = None
) -> tuple[str, ...]:
    """Ids of the pack's recipients that the warning reaches: of its hazard (or of any), and whose ground or
    places meet its own. `shape` is the warned ground where it is neither the area drawn nor that of the
    places as a whole. A place without an outline reaches those who named it, what it lies in or what lies
    in it."""
    told = reached(
        warned_ground(warning, pack, now) if shape is None else shape,
        () if warning.rings else warning.places,
        pack.recipients,
        pack,
        now,
    )
    return tuple(
        id for id in told if not pack.recipients[id].hazards or warning.hazard in pack.recipients[id].hazards
    )


def warned_ground(warning: Warning, pack: Pack, now: datetime) -> BaseGeometry:
    """The ground of a warning: the area drawn by hand, else its places; empty where nothing has an
    outline."""
    if warning.rings:
        drawn = [[[[lon, lat] for lon, lat in ring]] for ring in warning.rings]
        return area(pack, now, drawing={"type": "MultiPolygon", "coordinates": drawn}).shape
    known = [place for place in warning.places if _line(pack, place, now)]
    return area(pack, now, places=known).shape if known else MultiPolygon()


def _line(pack: Pack, place: str, now: datetime) -> tuple[str, ...]:
    try:
        return pack.ancestry(place, now)
    except UnknownPlace:
        return ()
