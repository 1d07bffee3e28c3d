"""Where an area of a received message lies, as places of the pack: by the source's own tables, by what is
drawn, by the pack's gazetteer. What of it is not known is an area of its own, without places."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import shapely

from anlan.formats.cap import CapArea, CapPair
from anlan.formats.cap.gazetteer import gazetteer_of
from anlan.formats.cap.ground import EXCLUSIONS, area_ground
from anlan.model.errors import UnknownPlace, Unreadable
from anlan.model.indicator import SourceDef
from anlan.model.pack import Pack
from anlan.model.relayed import RelayedArea
from anlan.packs.cover import covered

_MOST_WORDS = 500
#: records of a shape whose ground is not known
_LOST = ("unreadable", "out_of_range", "collapsed", "too_large")


class Where:
    """The places of the areas that one source's messages name."""

    def __init__(self, definition: SourceDef) -> None:
        options = definition.options
        self._place = str(options.get("place", ""))
        self._geocodes: Mapping[str, str] = dict(options.get("geocode_map", {}))
        self._prefixes: Mapping[str, str] = dict(options.get("geocode_prefix", {}))
        self._areas: Mapping[str, str] = dict(options.get("area_map", {}))

    def of(self, area: CapArea, at: datetime, sent: date, pack: Pack) -> tuple[RelayedArea, ...]:
        """Codes that the source's own tables know first: they name places. Then the name, then what is
        drawn, then the pack's gazetteer, then the source's own place."""
        places, unknown = self._by_tables(area, at, pack)
        if places:
            found = RelayedArea(area.description, "geocode", places)
            if not unknown:
                return (found,)
            rest = _by_codes(replace(area, geocodes=unknown), at, sent, pack)
            return (found, *(rest or (_unknown(area, unknown),)))
        named = self._areas.get(area.description.strip(), "")
        if named and in_pack(named, at, pack):
            return (RelayedArea(area.description, "name", (named,)),)
        drawn = _drawn(area, at, pack)
        if len(drawn) == 1:
            return drawn
        by_codes = _by_codes(area, at, sent, pack)
        if by_codes and (len(by_codes) == 1 or not drawn):
            return by_codes
        if drawn:
            return drawn
        if self._place and in_pack(self._place, at, pack):
            return (RelayedArea(area.description, "source", (self._place,)),)
        return (RelayedArea(area.description, "unresolved"),)

    def _by_tables(
        self, area: CapArea, at: datetime, pack: Pack
    ) -> tuple[tuple[str, ...], tuple[CapPair, ...]]:
        """The places of the codes that the source's own tables know, and the codes of the same schemes that
        they do not know. One scheme known whole stands for the area, as in the gazetteer."""
        coded: dict[str, list[str]] = {}
        unknown: dict[str, list[CapPair]] = {}
        for code in area.geocodes:
            whole = self._place_of(code.name, code.value, at, pack)
            for value in (code.value,) if whole else dict.fromkeys(code.value.split()):
                id = whole or self._place_of(code.name, value, at, pack)
                if id:
                    coded.setdefault(code.name, []).append(id)
                elif code.name not in EXCLUSIONS:
                    unknown.setdefault(code.name, []).append(CapPair(code.name, value))
        places = tuple(dict.fromkeys(id for ids in coded.values() for id in ids))
        if any(name not in unknown for name in coded):
            return places, ()
        return places, tuple(code for name in coded for code in unknown[name])

    def _place_of(self, name: str, value: str, at: datetime, pack: Pack) -> str:
        prefixed = self._prefixes[name] + value if name in self._prefixes else ""
        return next(
            (id for id in (self._geocodes.get(value, ""), prefixed) if id and in_pack(id, at, pack)), ""
        )


def _unknown(area: CapArea, codes: Iterable[CapPair]) -> RelayedArea:
    """The part of an area that these codes name and nobody here knows."""
    schemes: dict[str, list[str]] = {}
    for code in codes:
        schemes.setdefault(code.name, []).append(code.value)
    return _part(area, "; ".join(f"{name} {', '.join(values)}" for name, values in schemes.items()))


def _part(area: CapArea, told: str) -> RelayedArea:
    """A part of an area that is not known, `told` which."""
    ending = f" ({told})"[: _MOST_WORDS // 2]
    return RelayedArea(area.description[: _MOST_WORDS - len(ending)] + ending, "unresolved")


def _drawn(area: CapArea, at: datetime, pack: Pack) -> tuple[RelayedArea, ...]:
    """The places under what is drawn, less the holes written as codes. A shape that cannot be read beside
    ones that can is an area of its own, without places."""
    if not (area.polygons or area.circles) or not pack.geometry:
        return ()
    holes = [(code.name, code.value) for code in area.geocodes if code.name in EXCLUSIONS]
    ground = area_ground(area.polygons, area.circles, holes)
    places, part = covered(ground.geometry, pack, at)
    if not places:
        return ()
    found = RelayedArea(area.description, "polygon", places, part)
    lost = [
        record.path.rpartition("/")[2]
        for record in ground.records
        if record.code in _LOST and "/geocode[" not in record.path
    ]
    if not lost:
        return (found,)
    return found, _part(area, ", ".join(lost))


def _by_codes(area: CapArea, at: datetime, sent: date, pack: Pack) -> tuple[RelayedArea, ...]:
    """The places under the ground of the codes, by the pack's gazetteer as of the day of sending; none
    where it knows no code. Several schemes in one area say the same of it: one that is known whole stands
    for the area, else what is not known of it is an area of its own, without places."""
    if not pack.geocodes or not pack.geometry:
        return ()
    try:
        gazetteer = gazetteer_of(pack)
    except Unreadable:
        # as with an outline that cannot be read: the area is shown as unresolved, by its words
        return ()
    schemes: dict[str, list[str]] = {}
    for code in area.geocodes:
        name, value = code.name.strip(), code.value.strip()
        if name not in EXCLUSIONS and value:
            schemes.setdefault(name, []).append(value)
    grounds: dict[str, list[Any]] = {}
    unknown: dict[str, list[str]] = {}
    for name, values in schemes.items():
        for value in dict.fromkeys(values):
            ground = gazetteer.find(name, value, sent)
            # some write several codes into one value
            for each in (value,) if ground is not None else dict.fromkeys(value.split()):
                shape = gazetteer.find(name, each, sent)
                if shape is None:
                    unknown.setdefault(name, []).append(each)
                else:
                    grounds.setdefault(name, []).append(shape)
    whole = [name for name in grounds if name not in unknown]
    shapes = [shape for name in whole or grounds for shape in grounds[name]]
    places, part = covered(shapely.union_all(shapes), pack, at) if shapes else ((), ())
    if not places:
        return ()
    found = RelayedArea(area.description, "geocode", places, part)
    if whole:
        return (found,)
    return found, _unknown(
        area, [CapPair(name, value) for name in grounds for value in unknown.get(name, ())]
    )


def in_pack(id: str, at: datetime, pack: Pack) -> bool:
    """Whether there is such a place at that instant."""
    try:
        pack.place(id, at)
    except UnknownPlace:
        return False
    return True
