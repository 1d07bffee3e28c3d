"""A CAP 1.2 message to bytes: one message, one sequence of bytes (UTF-8, schema order, two blanks of
indentation, UTC as -00:00)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from anlan.formats.cap.examine import examine
from anlan.formats.cap.lists import join_list
from anlan.formats.cap.message import CapAlert, CapArea, CapInfo, CapPair, CapResource
from anlan.formats.cap.reader import read
from anlan.formats.cap.schema import NAMESPACE
from anlan.formats.cap.times import write_time
from anlan.model.errors import InvalidValue

#: rules of profiles that a signature meets, and nothing else
SIGNATURE_RULES = frozenset({"US-sign"})
# a carriage return would be read back as a line feed (XML 1.0, section 2.11)
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})


def write(alert: CapAlert, profiles: Sequence[str] = (), *, to_be_signed: bool = False) -> bytes:
    """The message as CAP 1.2. What is written breaks no rule that bars publishing, of CAP or of the profiles
    (names of `anlan.formats.cap.profiles`), and reads back equal; InvalidValue names every fault otherwise (a
    wrong enumeration, broken geometry, a character XML cannot carry). `to_be_signed`: a profile that asks for
    a signature gets it when these bytes are signed."""
    raw = serialise(alert)
    faults = [fault for fault in examine(raw, profiles).findings if fault.bars]
    if to_be_signed:
        faults = [fault for fault in faults if fault.rule not in SIGNATURE_RULES]
    if faults:
        kept = " and ".join(("CAP 1.2", *profiles))
        raise InvalidValue(
            f"the message would not be valid {kept}: " + "; ".join(fault.sentence() for fault in faults[:5]),
            where=f"cap {alert.identifier}",
        )
    if read(raw) != alert:
        raise InvalidValue(
            "the message would not read back as it is",
            where=f"cap {alert.identifier}",
            expected="version 1.2, absent texts empty, no empty entries in lists",
        )
    return raw


def serialise(alert: CapAlert) -> bytes:
    """The bytes without looking whether they are valid."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f'<alert xmlns="{NAMESPACE}">']
    out = _Lines(lines, "  ")
    out.must("identifier", alert.identifier)
    out.must("sender", alert.sender)
    out.time("sent", alert.sent)
    out.must("status", alert.status)
    out.must("msgType", alert.msg_type)
    out.may("source", alert.source)
    out.must("scope", alert.scope)
    out.may("restriction", alert.restriction)
    out.may("addresses", join_list(alert.addresses, "addresses"))
    out.each("code", alert.codes)
    out.may("note", alert.note)
    out.may("references", " ".join(f"{r.sender},{r.identifier},{r.sent}" for r in alert.references))
    out.may("incidents", join_list(alert.incidents, "incidents"))
    for info in alert.infos:
        _info(out, info)
    lines.append("</alert>\n")
    return "\n".join(lines).encode("utf-8", "surrogatepass")


class _Lines:
    """Elements, one a line."""

    def __init__(self, lines: list[str], indent: str) -> None:
        self.lines = lines
        self.indent = indent

    def must(self, name: str, text: str) -> None:
        self.lines.append(f"{self.indent}<{name}>{text.translate(_ESCAPES)}</{name}>")

    def may(self, name: str, text: str) -> None:
        if text:
            self.must(name, text)

    def each(self, name: str, texts: tuple[str, ...]) -> None:
        for text in texts:
            self.must(name, text)

    def time(self, name: str, instant: datetime | None) -> None:
        if instant is not None:
            self.must(name, write_time(instant, name))

    def number(self, name: str, number: Decimal | int | None) -> None:
        if number is not None:
            self.must(name, f"{number:f}" if isinstance(number, Decimal) else str(number))

    def pairs(self, name: str, pairs: tuple[CapPair, ...]) -> None:
        for pair in pairs:
            inner = self.open(name)
            inner.must("valueName", pair.name)
            inner.must("value", pair.value)
            self.close(name)

    def open(self, name: str) -> _Lines:
        self.lines.append(f"{self.indent}<{name}>")
        return _Lines(self.lines, self.indent + "  ")

    def close(self, name: str) -> None:
        self.lines.append(f"{self.indent}</{name}>")


def _info(parent: _Lines, info: CapInfo) -> None:
    out = parent.open("info")
    out.must("language", info.language)
    out.each("category", info.categories)
    out.must("event", info.event)
    out.each("responseType", info.response_types)
    out.must("urgency", info.urgency)
    out.must("severity", info.severity)
    out.must("certainty", info.certainty)
    out.may("audience", info.audience)
    out.pairs("eventCode", info.event_codes)
    out.time("effective", info.effective)
    out.time("onset", info.onset)
    out.time("expires", info.expires)
    out.may("senderName", info.sender_name)
    out.may("headline", info.headline)
    out.may("description", info.description)
    out.may("instruction", info.instruction)
    out.may("web", info.web)
    out.may("contact", info.contact)
    out.pairs("parameter", info.parameters)
    for resource in info.resources:
        _resource(out, resource)
    for area in info.areas:
        _area(out, area)
    parent.close("info")


def _resource(parent: _Lines, resource: CapResource) -> None:
    out = parent.open("resource")
    out.must("resourceDesc", resource.description)
    out.must("mimeType", resource.mime_type)
    out.number("size", resource.size)
    out.may("uri", resource.uri)
    out.may("derefUri", resource.deref_uri)
    out.may("digest", resource.digest)
    parent.close("resource")


def _area(parent: _Lines, area: CapArea) -> None:
    out = parent.open("area")
    out.must("areaDesc", area.description)
    out.each("polygon", area.polygons)
    out.each("circle", area.circles)
    out.pairs("geocode", area.geocodes)
    out.number("altitude", area.altitude)
    out.number("ceiling", area.ceiling)
    parent.close("area")
