"""Which recipients an area reaches, by their point, their area or their places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import shapely
from shapely.geometry import MultiPolygon
from shapely.geometry.base import BaseGeometry

from anlan.model.errors import UnknownPlace
from anlan.model.pack import Pack
from anlan.model.warning import Recipient, Warning
from anlan.warn.area import area, read_drawing
from anlan.warn.ground import Circle, around, grounds, split, united
from anlan.warn.population import SLIVER, inside_share


def ground_of(recipient: Recipient) -> BaseGeometry | None:
    """The ground a recipient asked for by itself: a point, a circle around it, or an area; None where it
    has only places."""
    if recipient.area:
        polygons, circles = read_drawing(recipient.area, f"recipient {recipient.id}.area")
        return united([*map(split, polygons), *map(around, circles)])
    if recipient.point is None:
        return None
    if recipient.radius_km > 0:
        return around(Circle(recipient.point.lon, recipient.point.lat, recipient.radius_km))
    return shapely.Point(recipient.point.lon, recipient.point.lat)


def reached(
    shape: BaseGeometry,
    places: Sequence[str],
    recipients: Mapping[str, Recipient],
    pack: Pack,
    now: datetime,
) -> list[str]:
    """Ids of the recipients whose ground meets the shape, or whose places are among those warned, lie in
    them or hold them; in the order given. A boundary counts as inside."""
    outlines = grounds(pack)
    lines = {place: _line(pack, place, now) for place in places}
    found = []
    for id, recipient in recipients.items():
        ground = ground_of(recipient)
        if ground is not None:
            if shapely.intersects(shape, ground):
                found.append(id)
            continue
        if any(
            place in line or warned in _line(pack, place, now)
            for warned, line in lines.items()
            for place in recipient.places
        ) or any(
            # the outline of a neighbour touches: only ground in common counts
            place in outlines and inside_share(outlines[place], shape) > SLIVER
            for place in recipient.places
        ):
            found.append(id)
    return found


def recipients_of(
    warning: Warning, pack: Pack, now: datetime, shape: BaseGeometry | None = None
) -> tuple[str, ...]:
    """Ids of the pack's recipients that the warning reaches: of its hazard (or of any), and whose ground or
    places meet its own. `shape` is the warned ground where it is not that of the places as a whole."""
    asked = {
        id: one for id, one in pack.recipients.items() if not one.hazards or warning.hazard in one.hazards
    }
    if shape is None:
        known = [place for place in warning.places if _line(pack, place, now)]
        shape = area(pack, now, places=known).shape if known else MultiPolygon()
    return tuple(reached(shape, warning.places, asked, pack, now))


def _line(pack: Pack, place: str, now: datetime) -> tuple[str, ...]:
    try:
        return pack.ancestry(place, now)
    except UnknownPlace:
        return ()
