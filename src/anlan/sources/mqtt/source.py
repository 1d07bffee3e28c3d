"""MQTT messages as a source: a payload by its topic into observations. The broker is in `client`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from anlan.formats.observations import code_of, fit, hold
from anlan.formats.usgs import strict_json
from anlan.formats.values import sha256
from anlan.model.errors import AnlanError, InvalidValue, Unreadable
from anlan.model.indicator import SourceDef
from anlan.model.observation import Observation
from anlan.model.pack import Pack
from anlan.model.provenance import Provenance
from anlan.model.quarantine import Quarantined
from anlan.model.time import parse_instant
from anlan.ports.source import Batch
from anlan.sources.batches import unchanged, whole
from anlan.sources.push.source import PushSource
from anlan.sources.registry import Kind
from anlan.sources.tools import Tools


@dataclass(frozen=True, slots=True)
class Topic:
    """How payloads of the topics that match `filter` are read. `place` is a constant with "=", or the
    number from 1 of the level of the topic that names it, through `place_map` and `place_prefix`.
    `value` and `at` are keys of a JSON object; with `value` empty the payload is the number itself, and
    with `at` empty the value holds when it was received."""

    filter: str
    indicator: str
    place: str
    place_map: dict[str, str]
    place_prefix: str
    unit: str
    value: str
    at: str


class MqttSource:
    """Payloads of topics named in the option `topics` are read by their mapping, all others as pushed
    observations."""

    def __init__(self, definition: SourceDef, tools: Tools) -> None:
        self.definition = definition
        self._pushed = PushSource(definition, tools)
        where = f"source {definition.id}.options.topics"
        self._topics = tuple(
            _topic(entry, f"{where}[{number}]")
            for number, entry in enumerate(definition.options.get("topics", []))
        )

    def parse(self, raw: bytes, ref: str, known: datetime, pack: Pack) -> Batch:
        """As anlan.ports.source.Source.parse; `ref` is `mqtt:` and the topic."""
        name = ref.removeprefix("mqtt:")
        topic = next((topic for topic in self._topics if matches(topic.filter, name)), None)
        if topic is None:
            return self._pushed.parse(raw, ref, known, pack)
        try:
            item = fit(self._read(topic, name, raw, ref, known, pack), pack)
        except (AnlanError, OverflowError) as caught:
            error = caught if isinstance(caught, AnlanError) else Unreadable("not an instant", where=topic.at)
            sentence = f"{ref}: {error.sentence()}"
            held = hold(self.definition.id, ref, None, known, code_of(error), sentence, raw)
            return Batch(self.definition.id, known, (), (held,))
        return Batch(self.definition.id, known, (item,))

    def fetch(self, now: datetime, pack: Pack) -> Batch:
        """Nothing to ask for: the broker sends."""
        del pack
        return unchanged(self.definition, now)

    def history(self, pack: Pack) -> Iterator[Batch]:
        """As anlan.ports.source.Source.history: recorded bodies in the form of pushed observations."""
        return self._pushed.history(pack)

    def whole(self, item: Quarantined) -> bytes:
        """As anlan.sources.push.source.PushSource.whole."""
        return self._pushed.whole(item)

    def oversize(self, raw: bytes, ref: str, known: datetime, error: AnlanError) -> Batch:
        """A message that is refused before it is read."""
        return whole(self.definition, raw, ref, known, error)

    def _read(
        self, topic: Topic, name: str, raw: bytes, ref: str, known: datetime, pack: Pack
    ) -> Observation:
        document = strict_json(raw, ref)
        value = _key(document, topic.value, ref)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise Unreadable("not a number", where=topic.value or "payload", found=repr(value)[:60])
        at = known
        if topic.at:
            text = _key(document, topic.at, ref)
            if not isinstance(text, str):
                raise Unreadable("not an instant", where=topic.at, found=repr(text)[:60], expected="RFC 3339")
            at = parse_instant(text, topic.at)
        return Observation(
            topic.indicator,
            _place(topic, name),
            at,
            known,
            None if value is None else float(value),
            topic.unit or pack.indicators[topic.indicator].unit
            if topic.indicator in pack.indicators
            else topic.unit or "1",
            Provenance(self.definition.id, ref, None, sha256(raw)),
        )


def matches(filter: str, topic: str) -> bool:
    """True where an MQTT topic matches a filter (MQTT 5.0, section 4.7: + one level, # the rest)."""
    wanted, found = filter.split("/"), topic.split("/")
    for number, level in enumerate(wanted):
        if level == "#":
            return True
        if number >= len(found) or level not in ("+", found[number]):
            return False
    return len(wanted) == len(found)


def _key(document: Any, key: str, where: str) -> Any:
    if not key:
        return document
    if not isinstance(document, dict) or key not in document:
        raise Unreadable("a missing key", where=where, found=repr(document)[:60], expected=key)
    return document[key]


def _place(topic: Topic, name: str) -> str:
    if topic.place.startswith("="):
        return topic.place[1:]
    levels = name.split("/")
    number = int(topic.place)
    if number > len(levels):
        raise Unreadable(
            "a topic with too few levels", where="topic", found=name, expected=f"{number} levels"
        )
    found = levels[number - 1]
    return topic.place_map.get(found, topic.place_prefix + found)


def _topic(entry: dict[str, Any], where: str) -> Topic:
    allowed = set(Topic.__dataclass_fields__)
    if unknown := sorted(set(entry) - allowed):
        raise InvalidValue("no such key", where=where, found=unknown[0], expected=", ".join(sorted(allowed)))
    for name in ("filter", "indicator", "place"):
        if not entry.get(name):
            raise InvalidValue("a needed key is missing", where=where, found="nothing", expected=name)
    place = str(entry["place"])
    if not place.startswith("=") and not (place.isdecimal() and int(place)):
        raise InvalidValue(
            "not a place", where=f"{where}.place", found=place, expected='"=ID", or a level from 1'
        )
    return Topic(
        filter=str(entry["filter"]),
        indicator=str(entry["indicator"]),
        place=place,
        place_map=dict(entry.get("place_map", {})),
        place_prefix=str(entry.get("place_prefix", "")),
        unit=str(entry.get("unit", "")),
        value=str(entry.get("value", "")),
        at=str(entry.get("at", "")),
    )


KIND = Kind(Path(__file__).parent, MqttSource)
