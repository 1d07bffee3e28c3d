"""A drawing and the place it is for: it touches the place, and what of it lies outside is said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import shapely
from shapely.geometry.base import BaseGeometry

from anlan.model.errors import InvalidValue, UnknownPlace
from anlan.model.pack import Pack
from anlan.model.text import Text
from anlan.warn.area import place_ground
from anlan.warn.ground import km2, united
from anlan.warn.population import SLIVER


@dataclass(frozen=True, slots=True)
class Outside:
    """The part of a drawing beyond the named places: `km2` of it, `share` of the whole drawing, 0 to 1."""

    km2: float
    share: float
    places: tuple[str, ...]

    @property
    def text(self) -> Text:
        """In a sentence."""
        return Text(
            f"{self.km2:,.1f} km² of the drawing ({self.share:.0%}) lie outside of {', '.join(self.places)}",
            f"所绘区域有{self.km2:,.1f}平方公里（{self.share:.0%}）在{'、'.join(self.places)}之外",
        )


def outside(drawing: BaseGeometry, places: Sequence[str], pack: Pack, now: datetime) -> Outside | None:
    """What of the drawing lies outside of the named places; None where nothing does, or where nobody can
    tell, since one of them comes to no ground."""
    named = _ground(places, pack, now)
    if named is None:
        return None
    beyond, whole = km2(united([shapely.difference(drawing, named)])), km2(drawing)
    share = beyond / whole if whole else 0.0
    return Outside(beyond, share, tuple(places)) if share > SLIVER else None


def touching(drawing: BaseGeometry, places: Sequence[str], pack: Pack, now: datetime) -> None:
    """InvalidValue (`drawing_elsewhere`) where the drawing does not touch the ground of the named places."""
    named = _ground(places, pack, now)
    if named is None or shapely.intersects(drawing, named):
        return
    raise InvalidValue(
        f"drawing_elsewhere: the drawing does not touch {', '.join(places)}",
        where="drawing",
        found=_box(drawing),
        expected=f"ground of {', '.join(places)}, {_box(named)}; or another place",
    )


def _ground(places: Sequence[str], pack: Pack, now: datetime) -> BaseGeometry | None:
    found = []
    for place in places:
        try:
            ground = place_ground(place, pack, now)
        except UnknownPlace:
            return None
        if ground is None:
            return None
        found.append(ground.shape)
    return united(found) if found else None


def _box(shape: BaseGeometry) -> str:
    west, south, east, north = shapely.bounds(shape).tolist()
    return f"latitudes {south:.2f} to {north:.2f}, longitudes {west:.2f} to {east:.2f}"
