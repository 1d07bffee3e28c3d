"""What the map shows: the levels of the warnings in force and of open risks, by place."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from anlan.model.errors import UnknownPlace
from anlan.model.pack import Pack
from anlan.model.state import State
from anlan.web.duty import in_force


@dataclass(frozen=True, slots=True)
class Mark:
    """One line of the list beside the map: a warning in force (`warning`) or an open risk."""

    level: int | None
    place: str
    subject: str
    warning: bool


def marks(state: State, visible: Callable[[str], bool], now: datetime, mode: str) -> list[Mark]:
    """Warnings in force by place, then open risks with a level or an unknown one; severest first. On a
    live map no exercise or test is drawn."""
    found = [
        Mark(w.level, place, w.id, True)
        for w in in_force(state.warnings.values(), now)
        for place in w.places
        if visible(place) and (w.mode == "Actual" or mode != "live")
    ]
    found += [
        Mark(a.level, a.place, a.id, False)
        for a in state.assessments.values()
        if a.verdict in ("open", "confirmed")
        and (a.level is not None or a.state == "unknown")
        and visible(a.place)
    ]
    return sorted(found, key=lambda m: (not m.warning, m.level or 5, m.place, m.subject))


def layer_of(pack: Pack, places: Iterable[str], at: datetime) -> int:
    """The number of the layer that shows the first of the places that any shows: one of the place's
    own level, else one whose ids are of the same kind (an area among countries). 0 when there is none."""
    for id in dict.fromkeys(places):
        own = {v.level for v in pack.places.get(id, ()) if v.validity.covers(at.date())}
        alike = [
            (layer.level not in own, -len(layer.prefix), number)
            for number, layer in enumerate(pack.geometry)
            if id.startswith(layer.prefix)
            and (layer.level in own or "/" not in id.removeprefix(layer.prefix))
        ]
        if alike:
            return min(alike)[2]
    return 0


def levels(found: list[Mark]) -> dict[str, int]:
    """Place -> most severe level of the warnings in force there."""
    worst: dict[str, int] = {}
    for mark in found:
        if mark.warning and mark.level is not None:
            worst[mark.place] = min(mark.level, worst.get(mark.place, mark.level))
    return worst


def shading(ids: list[str], worst: dict[str, int], pack: Pack, at: datetime) -> dict[str, int]:
    """Level of each outline of a layer: its own, or that of the nearest warned place above it."""
    shown: dict[str, int] = {}
    if not worst:
        return shown
    for id in ids:
        if id in worst:
            shown[id] = worst[id]
            continue
        try:
            above = [worst[area] for area in pack.ancestry(id, at)[1:] if area in worst]
        except UnknownPlace:
            continue
        if above:
            shown[id] = min(above)
    return shown
