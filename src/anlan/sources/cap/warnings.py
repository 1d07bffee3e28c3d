"""Warnings of others into observations: how severe a warning is in force at which place."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from anlan.formats.cap import CapAlert, CapArea
from anlan.formats.cap.signature import Verdict
from anlan.formats.observations import code_of, fit, hold
from anlan.model.errors import AnlanError, BadInput, InvalidValue, UnknownPlace
from anlan.model.indicator import SourceDef
from anlan.model.observation import Observation
from anlan.model.pack import Pack
from anlan.model.provenance import Provenance
from anlan.model.quarantine import Quarantined
from anlan.model.time import parse_instant
from anlan.sources.cap.policy import Policy, Replayed, Seen, contradiction, in_utc, over
from anlan.sources.cap.where import in_pack

#: CAP 1.2 section 3.2.2, severity, as a number that grows with it; Unknown is a gap
SEVERITY: dict[str, float | None] = {
    "Extreme": 4.0,
    "Severe": 3.0,
    "Moderate": 2.0,
    "Minor": 1.0,
    "Unknown": None,
}
OVER = 0.0
UNIT = "1"


@dataclass(slots=True)
class Chains:
    """The chains of messages so far: each chain's start, the places it was in force at, when its last
    message was sent; and every message by name."""

    starts: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    places: dict[str, dict[str, float | None]] = field(default_factory=dict)
    heads: dict[str, datetime] = field(default_factory=dict)
    seen: Seen = field(default_factory=Seen)


class Warnings:
    """Turns CAP messages into observations of one indicator: a value from 0 (over) to 4 (extreme) for
    each place, `at` the sending of the chain's first message, `event` that message."""

    def __init__(self, definition: SourceDef) -> None:
        options = definition.options
        self.indicator = str(
            options.get("indicator") or next(iter(definition.indicators), "official_warnings")
        )
        self._source = definition.id
        self._place = str(options.get("place", ""))
        self._geocodes: dict[str, str] = dict(options.get("geocode_map", {}))
        self._prefixes: dict[str, str] = dict(options.get("geocode_prefix", {}))
        self._areas: dict[str, str] = dict(options.get("area_map", {}))

    def observe(
        self,
        alert: CapAlert,
        known: datetime,
        ref: str,
        digest: str,
        pack: Pack,
        chains: Chains,
        policy: Policy,
        verdict: Verdict | None = None,
    ) -> list[Observation] | Quarantined:
        """What a message changes. Held: what the source's policy does not take, what contradicts messages
        before it, messages that are no actual warning (exercise, test, acknowledgement), and those whose
        places no pack knows. A message that has run out when it comes is taken in as over."""
        try:
            policy.check(alert, verdict, known)
            chains.seen.check(alert, digest)
            if alert.status == "Actual" and not over(alert, known):
                contradiction(alert.faults)
        except BadInput as error:
            return self._held(alert, known, ref, error)
        if alert.status != "Actual" or alert.msg_type not in ("Alert", "Update", "Cancel"):
            found = f"{alert.status} {alert.msg_type}"
            sentence = (
                f"{ref}: {alert.identifier} is no warning in force; found {found}; expected Actual Alert"
            )
            return hold(self._source, ref, None, known, "not_a_warning", sentence, alert.raw)
        event, at = self._chain(alert, chains)
        head = chains.heads.get(event)
        if head is not None and alert.sent < head:
            late = Replayed(
                "older than what its chain has already",
                where="sent",
                found=alert.sent.isoformat(),
                expected=f"after {head.isoformat()}",
            )
            return self._held(alert, known, ref, late)
        before = chains.places.get(event, {})
        ended = alert.msg_type == "Cancel" or over(alert, known)
        try:
            now = {} if ended else self._in_force(alert, at, pack)
            if ended and not before:
                now = dict.fromkeys(self._in_force(alert, at, pack), OVER)
            values = {**dict.fromkeys(before, OVER), **now}
            found_all = [
                fit(
                    Observation(
                        self.indicator,
                        place,
                        at,
                        known,
                        value,
                        UNIT,
                        Provenance(self._source, ref, None, digest),
                        event,
                    ),
                    pack,
                )
                for place, value in sorted(values.items())
                if place not in before or before[place] != value
            ]
        except (BadInput, InvalidValue) as error:
            return self._held(alert, known, ref, error)
        chains.places[event] = values
        chains.heads[event] = alert.sent
        return found_all

    def _held(self, alert: CapAlert, known: datetime, ref: str, error: AnlanError) -> Quarantined:
        sentence = f"{ref}: {alert.identifier}: {error.sentence()}"
        return hold(self._source, ref, None, known, code_of(error), sentence, alert.raw)

    def _chain(self, alert: CapAlert, chains: Chains) -> tuple[str, datetime]:
        """The name and the start of the chain that a message belongs to."""
        own = _name(alert.sender, alert.identifier)
        start: tuple[str, datetime] | None = None
        for reference in alert.references:
            named = _name(reference.sender, reference.identifier)
            start = chains.starts.get(named)
            if start is None and reference.sent:
                try:
                    start = (named, parse_instant(reference.sent))
                except InvalidValue:
                    continue
            if start is not None:
                break
        start = start or (own, in_utc(alert.sent))
        chains.starts[own] = start
        for reference in alert.references:
            chains.starts.setdefault(_name(reference.sender, reference.identifier), start)
        return start

    def _in_force(self, alert: CapAlert, at: datetime, pack: Pack) -> dict[str, float | None]:
        """The severity at each place: the highest over languages and information blocks."""
        found: dict[str, float | None] = {}
        for info in alert.infos:
            value = SEVERITY.get(info.severity)
            for area in info.areas:
                for place in self._places(area, at, pack):
                    held = found.get(place)
                    found[place] = value if held is None else max(held, value or held)
        if not found and self._place:
            found[self._place] = max(
                (v for info in alert.infos if (v := SEVERITY.get(info.severity)) is not None), default=None
            )
        if not found:
            areas = [area.description for info in alert.infos for area in info.areas]
            raise UnknownPlace(
                "no area of the message is a place of the pack",
                where="area",
                found="; ".join(dict.fromkeys(areas))[:200] or "no area",
                expected="a geocode or name that the source's options map, or option place",
            )
        return found

    def _places(self, area: CapArea, at: datetime, pack: Pack) -> set[str]:
        found = set()
        for code in area.geocodes:
            id = self._geocodes.get(code.value) or (
                self._prefixes[code.name] + code.value if code.name in self._prefixes else ""
            )
            if id and in_pack(id, at, pack):
                found.add(id)
        if not found:
            id = self._areas.get(area.description.strip(), "")
            if id and in_pack(id, at, pack):
                found.add(id)
        if not found and self._place:
            found.add(self._place)
        return found


def _name(sender: str, identifier: str) -> str:
    return f"{sender},{identifier}"
