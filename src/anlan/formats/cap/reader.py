"""Bytes to a CAP message, and what is wrong with it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from anlan.formats.cap.conform import conform
from anlan.formats.cap.fault import CapFault, NotCap
from anlan.formats.cap.lists import split_list
from anlan.formats.cap.message import (
    DEFAULT_LANGUAGE,
    CapAlert,
    CapArea,
    CapInfo,
    CapPair,
    CapReference,
    CapResource,
)
from anlan.formats.cap.rules import rule_faults
from anlan.formats.cap.schema import XMLDSIG
from anlan.formats.cap.secure import parse
from anlan.formats.cap.times import read_time
from anlan.model.errors import BadInput, Hostile

_BLANKS = " \t\r\n"


def read(raw: bytes, where: str = "") -> CapAlert:
    """A CAP 1.0, 1.1 or 1.2 message, in its namespace or in none.

    Faults that leave a message usable (a sender with a blank in it, an open ring, +00:00 for UTC) are
    in `CapAlert.faults`. Hostile: a document type, too large, too deep, a text or polygon past its
    limit. Unreadable: not well-formed. NotCap: everything else that blocks, all of it listed.
    """
    alert, faults = _examine(parse(raw, where))
    if alert is None or any(fault.blocking for fault in faults):
        for fault in faults:
            if fault.rule == "S-size":
                raise Hostile(
                    "too large",
                    where=f"{where} {fault.path}".strip(),
                    found=fault.found,
                    expected=fault.expected,
                )
        raise NotCap(tuple(faults), where)
    return replace(alert, faults=tuple(faults), raw=raw)


def check_bytes(raw: bytes) -> list[CapFault]:
    """Every fault of a document, schema faults first; a document that cannot be parsed has one."""
    try:
        root = parse(raw)
    except Hostile as error:
        rule = "S-no-dtd" if error.found == "DOCTYPE" else "S-size"
        # the schema knows no size: a document that is too large may well be valid by it
        return [
            CapFault("(document)", rule, error.sentence(), "a plain CAP message", schema=rule == "S-no-dtd")
        ]
    except BadInput as error:
        return [CapFault("(document)", "X-wellformed", error.found or error.message, "well-formed XML")]
    return _examine(root)[1]


def _examine(root: Any) -> tuple[CapAlert | None, list[CapFault]]:
    version, faults = conform(root)
    if any(fault.blocking for fault in faults):
        return None, faults
    alert = _alert(root, version)
    return alert, faults + list(rule_faults(alert))


def _groups(element: Any) -> dict[str, list[Any]]:
    groups: dict[str, list[Any]] = {}
    for child in element:
        groups.setdefault(child.tag.rpartition("}")[2], []).append(child)
    return groups


class _Parts:
    """Children of one element by name, as values."""

    def __init__(self, element: Any) -> None:
        self.groups = _groups(element)

    def text(self, name: str) -> str:
        found = self.groups.get(name)
        return (found[0].text or "") if found else ""

    def texts(self, name: str) -> tuple[str, ...]:
        return tuple(node.text or "" for node in self.groups.get(name, ()))

    def pairs(self, name: str) -> tuple[CapPair, ...]:
        return tuple(_pair(node) for node in self.groups.get(name, ()))

    def decimal(self, name: str) -> Decimal | None:
        text = self.text(name).strip(_BLANKS)
        return Decimal(text) if text.isascii() and text.lstrip("+-").replace(".", "", 1).isdigit() else None


def _pair(node: Any) -> CapPair:
    if not len(node):  # CAP 1.0: name=value in one string
        name, equals, value = (node.text or "").partition("=")
        return CapPair(name, value) if equals else CapPair("", name)
    return CapPair(node[0].text or "", node[1].text or "")


def _alert(root: Any, version: str) -> CapAlert:
    parts = _Parts(root)
    signatures = sum(1 for node in root if node.tag == f"{{{XMLDSIG}}}Signature")
    return CapAlert(
        identifier=parts.text("identifier"),
        sender=parts.text("sender"),
        sent=read_time(parts.text("sent").strip(_BLANKS)),
        status=parts.text("status"),
        msg_type=parts.text("msgType"),
        scope=parts.text("scope"),
        source=parts.text("source"),
        restriction=parts.text("restriction"),
        addresses=split_list(parts.text("addresses")),
        codes=parts.texts("code"),
        note=parts.text("note"),
        references=tuple(_reference(item) for item in parts.text("references").split()),
        incidents=split_list(parts.text("incidents")),
        infos=tuple(_info(node) for node in parts.groups.get("info", ())),
        version=version,
        signatures=signatures,
    )


def _reference(item: str) -> CapReference:
    fields = item.split(",")
    return CapReference(*fields) if len(fields) == 3 else CapReference("", item, "")


def _info(element: Any) -> CapInfo:
    parts = _Parts(element)
    times = {name: parts.text(name).strip(_BLANKS) for name in ("effective", "onset", "expires")}
    return CapInfo(
        language=parts.text("language").strip(_BLANKS) or DEFAULT_LANGUAGE,
        categories=parts.texts("category"),
        event=parts.text("event"),
        response_types=parts.texts("responseType"),
        urgency=parts.text("urgency"),
        severity=parts.text("severity"),
        certainty=parts.text("certainty"),
        audience=parts.text("audience"),
        event_codes=parts.pairs("eventCode"),
        effective=read_time(times["effective"]) if times["effective"] else None,
        onset=read_time(times["onset"]) if times["onset"] else None,
        expires=read_time(times["expires"]) if times["expires"] else None,
        sender_name=parts.text("senderName"),
        headline=parts.text("headline"),
        description=parts.text("description"),
        instruction=parts.text("instruction"),
        web=parts.text("web"),
        contact=parts.text("contact"),
        parameters=parts.pairs("parameter"),
        resources=tuple(_resource(node) for node in parts.groups.get("resource", ())),
        areas=tuple(_area(node) for node in parts.groups.get("area", ())),
    )


def _resource(element: Any) -> CapResource:
    parts = _Parts(element)
    size = parts.text("size").strip(_BLANKS)
    return CapResource(
        description=parts.text("resourceDesc"),
        mime_type=parts.text("mimeType"),
        # thousands of digits are no size of anything, and costly to convert
        size=int(size) if size and len(size) <= 18 else None,
        uri=parts.text("uri"),
        deref_uri=parts.text("derefUri"),
        digest=parts.text("digest"),
    )


def _area(element: Any) -> CapArea:
    parts = _Parts(element)
    return CapArea(
        description=parts.text("areaDesc"),
        polygons=parts.texts("polygon"),
        circles=parts.texts("circle"),
        geocodes=parts.pairs("geocode"),
        altitude=parts.decimal("altitude"),
        ceiling=parts.decimal("ceiling"),
    )
