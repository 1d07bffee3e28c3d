"""Earthquakes into observations: one event keeps one name, whatever networks call it later."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from anlan.formats.observations import code_of, fit, hold
from anlan.formats.usgs import BrokenQuake, Quake
from anlan.model.errors import BadInput
from anlan.model.indicator import SourceDef
from anlan.model.observation import Observation
from anlan.model.pack import Pack
from anlan.model.provenance import Provenance
from anlan.model.quarantine import Quarantined
from anlan.sources.tools import Earlier, Tools

UNIT = "{magnitude}"


@dataclass(slots=True)
class Seen:
    """What was seen so far: the event that an id belongs to, and each event's last observation."""

    names: dict[str, str] = field(default_factory=dict)
    last: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    told: dict[str, Observation] = field(default_factory=dict)
    earlier: Earlier | None = None

    def name(self, indicator: str, ids: Sequence[str]) -> str:
        """The event that any of the ids belongs to; the first of them when it is new."""
        event = next((self.names[id] for id in ids if id in self.names), "")
        if not event and self.earlier is not None:
            held = self.earlier(indicator, ids)
            if held is not None:
                event = held[0]
                self.last[event] = (held[1], held[2])
        event = event or ids[0]
        self.names.update(dict.fromkeys(ids, event))
        return event


class Events:
    """Turns quakes into observations of one indicator."""

    def __init__(self, definition: SourceDef, tools: Tools) -> None:
        options = definition.options
        self.indicator = str(
            options.get("indicator") or next(iter(definition.indicators), "earthquake_magnitude")
        )
        self._source = definition.id
        self._resolve = tools.resolve_point
        self._near_km = float(options.get("near_km", 0))
        self._outside = str(options.get("outside", ""))
        self._types = tuple(options.get("types", ("earthquake",)))

    def observe(
        self, quake: Quake, number: int, known: datetime, ref: str, digest: str, pack: Pack, seen: Seen
    ) -> list[Observation] | Quarantined:
        """The observation of a quake; with it the withdrawal of an earlier one at another place or
        origin time (value None). Empty when nothing changed. A deleted event has the value None."""
        if quake.kind not in self._types:
            expected = ", ".join(self._types)
            title = quake.title or quake.ids[0]
            sentence = f"{ref}: {title} is of another type; found {quake.kind}; expected {expected}"
            return hold(self._source, ref, number, known, "other_event_type", sentence, quake.raw)
        event = seen.name(self.indicator, quake.ids)
        try:
            found = fit(
                Observation(
                    indicator=self.indicator,
                    place=self._place(quake),
                    at=quake.at,
                    known=known,
                    value=None if quake.status == "deleted" else quake.magnitude,
                    unit=UNIT,
                    provenance=Provenance(self._source, ref, number, digest),
                    event=event,
                    point=quake.point,
                ),
                pack,
            )
        except BadInput as error:
            sentence = f"{ref}: {quake.title or event}: {error.sentence()}"
            return hold(self._source, ref, number, known, code_of(error), sentence, quake.raw)
        before, told = seen.last.get(event), seen.told.get(event)
        seen.last[event], seen.told[event] = (found.place, found.at), found
        if told is not None and _content(told) == _content(found):
            return []
        if before is None or before == (found.place, found.at):
            return [found]
        gone = Observation(
            self.indicator, before[0], before[1], known, None, found.unit, found.provenance, event
        )
        return [gone, found]

    def held(self, broken: BrokenQuake, number: int, known: datetime, ref: str) -> Quarantined:
        """A feature that cannot be used."""
        sentence = f"{ref}: {broken.path}: {broken.message}; found {broken.found}; expected {broken.expected}"
        return hold(self._source, ref, number, known, "unreadable", sentence, broken.raw)

    def superseded(self, quake: Quake, number: int, known: datetime, ref: str) -> Quarantined:
        """An older form of an event that the same document gives again."""
        sentence = f"{ref}: {quake.title or quake.ids[0]} stands twice in the feed; the newer one is used"
        return hold(self._source, ref, number, known, "superseded", sentence, quake.raw)

    def _place(self, quake: Quake) -> str:
        inside = None if self._resolve is None else self._resolve(quake.point, quake.at, self._near_km)
        return inside or self._outside


def newest(quakes: Iterable[tuple[int, Quake]], seen: Seen, indicator: str) -> set[int]:
    """Numbers of the quakes to use of one document: of each event the one updated last."""
    best: dict[str, tuple[datetime, int]] = {}
    for number, quake in quakes:
        event = seen.name(indicator, quake.ids)
        rank = (quake.updated or quake.at, number)
        best[event] = max(best.get(event, rank), rank)
    return {number for _, number in best.values()}


def _content(item: Observation) -> tuple[object, ...]:
    return item.place, item.at, item.value, item.point
