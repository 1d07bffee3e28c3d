"""A CAP message as JSON and back, without loss: CAP's own element names, one object for each block.

    {"cap": "1.2", "alert": {"identifier": ..., "sent": "2026-11-25T08:00:00+08:00",
        "info": [{"language": "zh-CN", "category": ["Met"], ..., "area": [{"areaDesc": ...}]}]}}

What may repeat is a list, absent entries are left out, decimals are texts (a JSON number may lose
digits), instants are written as CAP writes them. `original`, where asked for, holds the received bytes in
base64: then the signature and the last blank come back too.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import replace
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from anlan.formats.cap.fault import shown
from anlan.formats.cap.message import CapAlert, CapArea, CapInfo, CapPair, CapReference, CapResource
from anlan.formats.cap.reader import read
from anlan.formats.cap.secure import MAX_BYTES
from anlan.formats.cap.times import read_time, write_time
from anlan.formats.cap.writer import serialise
from anlan.model.errors import InvalidValue, Unreadable

#: (name in JSON, field of the model, kind); a class as kind is a list of such blocks
Table = tuple[tuple[str, str, Any], ...]

REFERENCE: Table = (
    ("sender", "sender", "text"),
    ("identifier", "identifier", "text"),
    ("sent", "sent", "text"),
)
PAIR: Table = (("valueName", "name", "text"), ("value", "value", "text"))
RESOURCE: Table = (
    ("resourceDesc", "description", "text"),
    ("mimeType", "mime_type", "text"),
    ("size", "size", "integer"),
    ("uri", "uri", "text"),
    ("derefUri", "deref_uri", "text"),
    ("digest", "digest", "text"),
)
AREA: Table = (
    ("areaDesc", "description", "text"),
    ("polygon", "polygons", "texts"),
    ("circle", "circles", "texts"),
    ("geocode", "geocodes", CapPair),
    ("altitude", "altitude", "decimal"),
    ("ceiling", "ceiling", "decimal"),
)
INFO: Table = (
    ("language", "language", "text"),
    ("category", "categories", "texts"),
    ("event", "event", "text"),
    ("responseType", "response_types", "texts"),
    ("urgency", "urgency", "text"),
    ("severity", "severity", "text"),
    ("certainty", "certainty", "text"),
    ("audience", "audience", "text"),
    ("eventCode", "event_codes", CapPair),
    ("effective", "effective", "time"),
    ("onset", "onset", "time"),
    ("expires", "expires", "time"),
    ("senderName", "sender_name", "text"),
    ("headline", "headline", "text"),
    ("description", "description", "text"),
    ("instruction", "instruction", "text"),
    ("web", "web", "text"),
    ("contact", "contact", "text"),
    ("parameter", "parameters", CapPair),
    ("resource", "resources", CapResource),
    ("area", "areas", CapArea),
)
ALERT: Table = (
    ("identifier", "identifier", "text"),
    ("sender", "sender", "text"),
    ("sent", "sent", "time"),
    ("status", "status", "text"),
    ("msgType", "msg_type", "text"),
    ("source", "source", "text"),
    ("scope", "scope", "text"),
    ("restriction", "restriction", "text"),
    ("addresses", "addresses", "texts"),
    ("code", "codes", "texts"),
    ("note", "note", "text"),
    ("references", "references", CapReference),
    ("incidents", "incidents", "texts"),
    ("info", "infos", CapInfo),
)
TABLES: dict[type, Table] = {
    CapAlert: ALERT,
    CapInfo: INFO,
    CapArea: AREA,
    CapResource: RESOURCE,
    CapPair: PAIR,
    CapReference: REFERENCE,
}
# a text under one of these names is a message as archives of other people hold it
_OURS = re.compile(
    rb'(?:\xef\xbb\xbf)?\s*\{\s*"(?:cap"\s*+:\s*+(?!"\s*(?:\\[nrtu]|<))|alert"\s*:\s*\{|original"\s*:)'
)
#: entries that are there even when empty
_ALWAYS: dict[type, frozenset[str]] = {
    CapAlert: frozenset({"identifier", "sender", "sent", "status", "msgType", "scope"}),
    CapInfo: frozenset({"language", "category", "event", "urgency", "severity", "certainty"}),
    CapArea: frozenset({"areaDesc"}),
    CapResource: frozenset({"resourceDesc", "mimeType"}),
    CapPair: frozenset({"valueName", "value"}),
    CapReference: frozenset({"sender", "identifier", "sent"}),
}


def to_plain(alert: CapAlert, *, original: bool = False) -> dict[str, Any]:
    """The message as dicts, lists and strings; `original` adds the received bytes where it has them."""
    document: dict[str, Any] = {"cap": alert.version, "alert": _write(alert)}
    if original and alert.raw:
        document["original"] = base64.b64encode(alert.raw).decode()
    return document


def to_json(alert: CapAlert, *, original: bool = False) -> bytes:
    """The message as JSON: one message, one sequence of bytes."""
    plain = to_plain(alert, original=original)
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def is_json(raw: bytes) -> bool:
    """True for what may be a message in this form."""
    return _OURS.match(raw) is not None


def read_json(raw: bytes, where: str = "") -> CapAlert:
    """The message of a JSON document. Unreadable names the key that does not fit, and says where
    `original` is not the message that the rest tells."""
    if len(raw) > 2 * MAX_BYTES:
        raise Unreadable("too large", where=where, found=f"{len(raw)} bytes", expected=f"{2 * MAX_BYTES}")
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise Unreadable("not JSON", where=where, found=str(error)[:200]) from error
    if not isinstance(document, dict) or not set(document) <= {"cap", "alert", "original"}:
        raise _wrong(where, "(whole)", document, "an object with cap, alert and perhaps original")
    version = document.get("cap")
    if version not in ("1.0", "1.1", "1.2"):
        raise _wrong(where, "cap", version, "1.0, 1.1 or 1.2")
    alert: CapAlert = replace(_read(CapAlert, document.get("alert"), "alert", where), version=version)
    if "original" not in document:
        return alert
    try:
        held = base64.b64decode(document["original"], validate=True)
    except (binascii.Error, ValueError, TypeError) as error:
        raise _wrong(where, "original", document["original"], "base64") from error
    received = read(held, where)
    if received != alert:
        raise Unreadable("the original is another message", where=where, found=shown(received.identifier))
    return received


def from_json(raw: bytes, where: str = "") -> bytes:
    """The message of a JSON document as CAP: its original bytes where it holds them, else written as
    CAP 1.2 without looking whether it is valid. Unreadable as `read_json`."""
    alert = read_json(raw, where)
    if alert.raw:
        return alert.raw
    try:
        return serialise(alert)
    except InvalidValue as error:
        raise Unreadable(error.message, where=where, found=error.found, expected=error.expected) from error


def _write(value: Any) -> dict[str, Any]:
    always = _ALWAYS[type(value)]
    found: dict[str, Any] = {}
    for name, field, kind in TABLES[type(value)]:
        held = getattr(value, field)
        if held is None or (held in ("", ()) and name not in always):
            continue
        if isinstance(kind, type):
            found[name] = [_write(one) for one in held]
        elif kind == "time":
            found[name] = time_text(held)
        elif kind == "texts":
            found[name] = list(held)
        elif kind == "decimal":
            found[name] = f"{held:f}"
        else:
            found[name] = held
    return found


def time_text(instant: datetime) -> str:
    """An instant in CAP's form, or with the fractions and offsets that CAP does not have."""
    try:
        return write_time(instant)
    except InvalidValue:
        return instant.isoformat()


def _read(kind: type, given: Any, path: str, where: str) -> Any:
    if not isinstance(given, dict):
        raise _wrong(where, path, given, "an object")
    table = TABLES[kind]
    unknown = set(given) - {name for name, _, _ in table}
    if unknown:
        raise _wrong(where, path, sorted(unknown)[0], "one of " + ", ".join(name for name, _, _ in table))
    missing = _ALWAYS[kind] - set(given)
    if missing:
        raise _wrong(where, f"{path}.{sorted(missing)[0]}", None, "a value")
    fields = {
        field: _value(form, given[name], f"{path}.{name}", where)
        for name, field, form in table
        if name in given
    }
    return kind(**fields)


def _value(form: Any, given: Any, path: str, where: str) -> Any:
    if isinstance(form, type):
        if not isinstance(given, list):
            raise _wrong(where, path, given, "a list of objects")
        return tuple(_read(form, one, f"{path}[{number}]", where) for number, one in enumerate(given))
    if form == "texts":
        if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
            raise _wrong(where, path, given, "a list of texts")
        return tuple(given)
    if form == "integer":
        if not isinstance(given, int) or isinstance(given, bool):
            raise _wrong(where, path, given, "a whole number")
        return given
    if not isinstance(given, str):
        raise _wrong(where, path, given, "a text")
    try:
        if form == "time":
            return read_time(given)
        if form == "decimal":
            number = Decimal(given)
            if not number.is_finite() or abs(number.adjusted()) > 100:
                raise ValueError(given)
            return number
    except (ValueError, OverflowError, InvalidOperation) as error:
        raise _wrong(where, path, given, "an instant" if form == "time" else "a decimal number") from error
    return given


def _wrong(where: str, path: str, found: Any, expected: str) -> Unreadable:
    told = shown(found) if isinstance(found, str) else shown(json.dumps(found, default=str)[:200])
    return Unreadable("not CAP as JSON", where=f"{where} {path}".strip(), found=told, expected=expected)
