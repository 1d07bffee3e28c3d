"""A CAP message announced to the information system of the World Meteorological Organization: a WIS2
notification message (WMO-No. 1061, WIS2 Notification Message, version 1), and the topic it goes to."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

import shapely

from anlan.formats.cap.gazetteer import Gazetteer
from anlan.formats.cap.geojson import geometry_of, grounds_of
from anlan.formats.cap.message import CapAlert
from anlan.model.errors import InvalidValue

CONFORMS_TO = "http://wis.wmo.int/spec/wnm/1/conf/core"
#: bytes of a whole message, and of content inside it
MOST, MOST_INLINE = 8192, 4096
#: more corners than this and the geometry is the envelope: the message must stay small
_MOST_CORNERS = 100
#: how what a notification links to is fetched (requirement /req/core/links)
_REACHED = ("https", "http", "ftp", "sftp")
_CENTRE = re.compile(r"[a-z0-9][a-z0-9-]*")


def topic(centre: str, *, channel: str = "origin", policy: str = "core") -> str:
    """Where warnings of a centre (`cn-cma`) are announced; InvalidValue."""
    if not _CENTRE.fullmatch(centre):
        raise InvalidValue(
            "not a centre of WIS2", where="centre", found=centre, expected="lower-case letters and digits"
        )
    if channel not in ("origin", "cache") or policy not in ("core", "recommended"):
        raise InvalidValue("no such topic", where="topic", found=f"{channel}/{policy}")
    return f"{channel}/a/wis2/{centre}/data/{policy}/weather/advisories-warnings"


def notification(
    alert: CapAlert,
    *,
    href: str,
    centre: str,
    pubtime: datetime,
    metadata_id: str,
    gazetteer: Gazetteer | None = None,
) -> dict[str, Any]:
    """The notification of a message that stands at `href` for good, first published at `pubtime`;
    `metadata_id` is that of the record in the discovery catalogue (`urn:wmo:md:…`). The message itself is
    inside where it is small enough. Deterministic: the same message announced at the
    same instant has the same id. InvalidValue: no bytes, an address that is not absolute, a naive time or
    one that UTC does not have, or a message too large to announce."""
    if not alert.raw:
        raise InvalidValue("the message has no bytes", where="raw", expected="a message as it was read")
    if href.partition("://")[0].lower() not in _REACHED:
        raise InvalidValue("not an absolute address", where="href", found=href, expected="https://…")
    if pubtime.tzinfo is None:
        raise InvalidValue("a time without a zone", where="pubtime", found=str(pubtime), expected="UTC")
    told = pubtime.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    data_id = f"{topic(centre)[len('origin/a/') :]}/{quote(alert.sender, safe='@.')}/" + quote(
        alert.identifier, safe=""
    )
    properties: dict[str, Any] = {
        "data_id": data_id,
        "metadata_id": metadata_id,
        "pubtime": told,
        **_when(alert),
        "integrity": {
            "method": "sha512",
            "value": base64.b64encode(hashlib.sha512(alert.raw).digest()).decode(),
        },
    }
    document: dict[str, Any] = {
        "id": str(uuid5(NAMESPACE_URL, f"{data_id}#{hashlib.sha256(alert.raw).hexdigest()}@{told}")),
        "conformsTo": [CONFORMS_TO],
        "type": "Feature",
        "geometry": _geometry(alert, gazetteer),
        "properties": properties,
        # a CAP document is never edited: each is new, an update or a cancel too
        "links": [
            {"href": href, "rel": "canonical", "type": "application/cap+xml", "length": len(alert.raw)}
        ],
    }
    content = _content(alert.raw)
    if content is not None:
        inline = {**document, "properties": {**properties, "content": content}}
        if len(encode(inline)) <= MOST:
            return inline
    if len(encode(document)) > MOST:
        raise InvalidValue(
            "too large to announce", where="notification", found=f"{len(encode(document))} bytes"
        )
    return document


def encode(document: dict[str, Any]) -> bytes:
    """The bytes that go to the broker."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _when(alert: CapAlert) -> dict[str, str]:
    """From when to when it is in force; where that has no end, when it was sent (the form has no open
    ends)."""

    def text(instant: datetime) -> str:
        try:
            instant = instant.astimezone(UTC)
        except OverflowError as error:
            raise InvalidValue(
                "an instant out of range", where="time", found=str(instant), expected="years 1 to 9999 UTC"
            ) from error
        return instant.replace(microsecond=0).isoformat().replace("+00:00", "Z")

    starts = [info.onset or info.effective or alert.sent for info in alert.infos]
    ends = [info.expires for info in alert.infos if info.expires is not None]
    if not starts or len(ends) < len(starts):
        return {"datetime": text(alert.sent)}
    return {"start_datetime": text(min(starts)), "end_datetime": text(max(ends))}


def _geometry(alert: CapAlert, gazetteer: Gazetteer | None) -> dict[str, Any] | None:
    """One polygon as it is; of several, or of one with many corners, the envelope. Null where an area is
    not known, since less than all of it would be wrong; and where the envelope lies across 180 degrees: it
    would be two polygons (RFC 7946, section 3.1.9), a notification has one, and one from end to end would
    go round the earth."""
    shapes = []
    for ground in (ground for grounds in grounds_of(alert, gazetteer) for ground in grounds):
        if ground.geometry.is_empty or ground.outcome == "unresolved":
            return None
        shapes.append(ground.geometry)
    if not shapes:
        return None
    whole = shapely.union_all(shapes)
    if whole.geom_type != "Polygon" or shapely.get_num_coordinates(whole) > _MOST_CORNERS:
        if _across_180(whole):
            return None
        whole = shapely.box(*whole.bounds) if whole.geom_type != "Point" else whole
    return geometry_of(whole)


def _across_180(whole: Any) -> bool:
    """True where all parts of a shape lie closer together across 180 degrees than on this side of it."""
    spans = sorted(part.bounds[::2] for part in shapely.get_parts(whole))
    east, widest = spans[0][1], 0.0
    for west, end in spans[1:]:
        widest = max(widest, west - east)
        east = max(east, end)
    return bool(widest > 360 - (east - spans[0][0]))


def _content(raw: bytes) -> dict[str, Any] | None:
    """The message inside the notification: as text where it is short UTF-8, else packed; None where it is
    too long in every form."""
    if len(raw) <= MOST_INLINE:
        try:
            return {"encoding": "utf-8", "value": raw.decode(), "size": len(raw)}
        except UnicodeDecodeError:
            pass
    for encoding, packed in (("base64", raw), ("gzip", gzip.compress(raw, mtime=0))):
        value = base64.b64encode(packed).decode()
        if len(value) <= MOST_INLINE:
            return {"encoding": encoding, "value": value, "size": len(value)}
    return None
