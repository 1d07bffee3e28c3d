"""A received message as the hub keeps it: what it says, where, and what of it is to be doubted.

Nothing here depends on the messages before it, so it comes out the same in whatever order they come."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import shapely
from lxml import etree

from anlan.formats.cap import CapAlert, CapArea, CapInfo
from anlan.formats.cap.gazetteer import gazetteer_of
from anlan.formats.cap.ground import EXCLUSIONS, area_ground
from anlan.formats.cap.secure import parse
from anlan.formats.cap.signature import UNSIGNED, Verdict
from anlan.formats.observations import code_of
from anlan.formats.values import sha256, short_id
from anlan.model.errors import BadInput, UnknownPlace, Unreadable
from anlan.model.indicator import SourceDef
from anlan.model.pack import Pack
from anlan.model.relayed import Feed, Relayed, RelayedArea, RelayedInfo, RelayedReference
from anlan.packs.cover import covered
from anlan.ports.source import Received
from anlan.sources.cap.policy import Policy, contradiction, in_utc

#: what a policy says of these concerns observations; a duty room may see them all the same
SHOWN = ("foreign_reference", "not_public")
SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}Signature"
_MOST_WORDS = 500


class Receiver:
    """Turns the messages of one source into what the hub keeps."""

    def __init__(self, definition: SourceDef) -> None:
        options = definition.options
        self._source = definition.id
        self._place = str(options.get("place", ""))
        self._geocodes: Mapping[str, str] = dict(options.get("geocode_map", {}))
        self._prefixes: Mapping[str, str] = dict(options.get("geocode_prefix", {}))
        self._areas: Mapping[str, str] = dict(options.get("area_map", {}))

    def receive(
        self,
        alert: CapAlert,
        known: datetime,
        ref: str,
        pack: Pack,
        policy: Policy,
        verdict: Verdict | None = None,
    ) -> Received:
        """The message with its bytes. What the source's policy does not take is kept with the reason, and
        counts for nothing until a person has looked."""
        held, why = "", ""
        try:
            policy.check(alert, verdict, known)
            if alert.status == "Actual":
                contradiction(alert.faults)
        except BadInput as error:
            if code_of(error) not in SHOWN:
                held, why = code_of(error), error.sentence()
        content = content_digest(alert.raw)
        message = Relayed(
            id=short_id("M", alert.sender, alert.identifier, content),
            sender=alert.sender,
            identifier=alert.identifier,
            sent=in_utc(alert.sent),
            known=known,
            status=alert.status,
            msg_type=alert.msg_type,
            scope=alert.scope,
            references=tuple(
                RelayedReference(one.sender, one.identifier, one.sent) for one in alert.references
            ),
            infos=tuple(self._info(info, known, in_utc(alert.sent).date(), pack) for info in alert.infos),
            content=content,
            feeds=(Feed(self._source, known, sha256(alert.raw), ref),),
            signature=verdict.verdict if verdict is not None else UNSIGNED,
            held=held,
            why_held=why,
            note=alert.note[:_MOST_WORDS],
        )
        return Received(message, alert.raw)

    def _info(self, info: CapInfo, at: datetime, sent: date, pack: Pack) -> RelayedInfo:
        return RelayedInfo(
            language=info.language,
            event=info.event,
            headline=info.headline[:_MOST_WORDS],
            severity=info.severity,
            urgency=info.urgency,
            certainty=info.certainty,
            effective=_utc(info.effective),
            onset=_utc(info.onset),
            expires=_utc(info.expires),
            areas=tuple(found for area in info.areas for found in self._area(area, at, sent, pack)),
        )

    def _area(self, area: CapArea, at: datetime, sent: date, pack: Pack) -> tuple[RelayedArea, ...]:
        """Codes that the source's own tables know first: they name places. Then the name, then what is
        drawn, then the pack's gazetteer, then the source's own place."""
        coded = [
            id
            for code in area.geocodes
            for id in (
                self._geocodes.get(code.value, ""),
                self._prefixes[code.name] + code.value if code.name in self._prefixes else "",
            )
            if id and _in_pack(id, at, pack)
        ]
        if coded:
            return (RelayedArea(area.description, "geocode", tuple(dict.fromkeys(coded))),)
        named = self._areas.get(area.description.strip(), "")
        if named and _in_pack(named, at, pack):
            return (RelayedArea(area.description, "name", (named,)),)
        if (area.polygons or area.circles) and pack.geometry:
            places, part = covered(area_ground(area.polygons, area.circles, ()).geometry, pack, at)
            if places:
                return (RelayedArea(area.description, "polygon", places, part),)
        by_codes = _by_codes(area, at, sent, pack)
        if by_codes:
            return by_codes
        if self._place and _in_pack(self._place, at, pack):
            return (RelayedArea(area.description, "source", (self._place,)),)
        return (RelayedArea(area.description, "unresolved"),)


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
    told = "; ".join(f"{name} {', '.join(values)}" for name, values in unknown.items() if name in grounds)
    return found, RelayedArea(f"{area.description} ({told})"[:_MOST_WORDS], "unresolved")


def content_digest(raw: bytes) -> str:
    """SHA-256 of the message in canonical form (Canonical XML 2.0, W3C 2013; prefixes rewritten, blanks
    around texts and between elements left out) without its signatures: the same message by another feed,
    in another wrapping, has the same."""
    canonical = etree.canonicalize(
        etree.tostring(parse(raw), encoding="unicode"),
        strip_text=True,
        rewrite_prefixes=True,
        exclude_tags=[SIGNATURE],
    )
    return sha256(canonical.encode("utf-8", "surrogatepass"))


def _utc(instant: datetime | None) -> datetime | None:
    return None if instant is None else in_utc(instant)


def _in_pack(id: str, at: datetime, pack: Pack) -> bool:
    try:
        pack.place(id, at)
    except UnknownPlace:
        return False
    return True
