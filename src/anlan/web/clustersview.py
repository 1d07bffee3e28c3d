"""Which places the analyst's scan looks at, and the clusters as the map draws them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from anlan.analyse.scanned import circle
from anlan.model.errors import UnknownPlace
from anlan.model.pack import Pack
from anlan.ports.desk import ClustersSeen, Desk
from anlan.web.screen import Screen
from anlan.web.seriesview import MOST_ALIKE

TIMINGS = ("prospective", "retrospective")


def neighbourhoods(
    desk: Desk, place: str, visible: Callable[[str], bool]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The visible places of the same level as `place`, whatever they lie in, and those directly below it.
    UnknownPlace for a place that is not in force."""
    pack, now = desk.pack, desk.clock.now()
    level = pack.place(place, now).level
    return (
        tuple(id for id in pack.places if _level(desk, id) == level and visible(id)),
        tuple(id for id in pack.places if _parent(pack, id, desk) == place and visible(id)),
    )


def beside(desk: Desk, place: str, scanned: Sequence[str]) -> bool:
    """All places scanned are among those that the page of `place` shows on its own map: they lie in the same
    place as it does, or in it."""
    within = {place, _parent(desk.pack, place, desk)}
    return len(scanned) <= MOST_ALIKE and all(_parent(desk.pack, id, desk) in within for id in scanned)


def drawn(found: ClustersSeen, view: Screen) -> dict[str, Any]:
    """What the map draws: of each cluster its ring of [longitude, latitude], its members, its number; and
    the points of all places, for a map without outlines."""
    return {
        "points": [{"place": id, "name": view.place(id), "at": [lon, lat]} for id, lon, lat in found.points],
        "clusters": [
            {
                "rank": one.rank,
                "strong": one.strong,
                "members": list(one.members),
                "centre": [one.lon, one.lat],
                "ring": circle(one.lat, one.lon, one.radius) if one.radius > 0 else [],
                "words": view.text(one.words),
            }
            for one in found.clusters
        ],
    }


def _level(desk: Desk, id: str) -> str:
    try:
        return desk.pack.place(id, desk.clock.now()).level
    except UnknownPlace:
        return ""


def _parent(pack: Pack, id: str, desk: Desk) -> str:
    try:
        return pack.place(id, desk.clock.now()).parent or ""
    except UnknownPlace:
        return ""
