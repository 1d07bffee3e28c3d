"""What CAP travels in: indexes and feeds, EDXL-DE distributions, WIS2 notification messages."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from anlan.formats.cap.fault import CapFault, shown
from anlan.formats.cap.profiles.asked import broken
from anlan.formats.cap.times import judge_time

_ATOM = "{http://www.w3.org/2005/Atom}"
_TYPES = ("application/cap+xml", "application/common-alerting-protocol+xml")
_HINTS = ("expires", "sent", "effective", "onset")
_EDXL = "urn:oasis:names:tc:emergency:EDXL:DE:1.0"
_HEADER = (
    "distributionID", "senderID", "dateTimeSent", "distributionStatus", "distributionType",
    "combinedConfidentiality",
)  # fmt: skip
_STATUS = ("Actual", "Exercise", "System", "Test")
MAX_NOTIFICATION, MAX_INLINE = 8192, 4096
#: by its registered address too, as version 1 of the standard has it
_WNM = "http://def.wmo.int/def/rel/wnm/-/"
_LINKS = ("canonical", "update", "deletion")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_METHODS = ("sha256", "sha384", "sha512", "sha3-256", "sha3-384", "sha3-512")
_PUBTIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?Z")


def check_feed(root: Any) -> Iterator[CapFault]:
    """An Atom or RSS index as a tree: each entry has a link to one CAP document that says its type; fields
    of the index in another form than CAP's are told."""
    entries = root.findall(f"{_ATOM}entry") or root.findall("channel/item")
    for number, entry in enumerate(entries, 1):
        path = f"entry[{number}]"
        links = [
            link for link in entry.iter(f"{_ATOM}link", "enclosure") if link.get("href") or link.get("url")
        ]
        typed = [
            link for link in links if (link.get("type") or "").partition(";")[0].strip().lower() in _TYPES
        ]
        inside = any(str(node.tag).endswith("}alert") for node in entry.iter() if isinstance(node.tag, str))
        if len(typed) > 1:
            yield broken(f"{path}/link", "FEED-index", f"{len(typed)} links to CAP", "one CAP document")
        elif not typed and not inside:
            found = (
                f"{len(links)} links, none typed as CAP"
                if links or entry.find("link") is not None
                else "no link"
            )
            yield broken(f"{path}/link", "FEED-index", found, f"a link of type {_TYPES[0]}")
        for node in entry:
            tag = node.tag if isinstance(node.tag, str) else ""
            name = tag.rpartition("}")[2]
            if (
                "cap" in tag
                and name in _HINTS
                and judge_time((node.text or "").strip(), True).instant is None
            ):
                found = shown((node.text or "").strip())
                yield broken(f"{path}/{name}", "FEED-first", found, "a date and time; the document decides")


def check_distribution(root: Any) -> Iterator[CapFault]:
    """An EDXL-DE 1.0 distribution as a tree: its header, CAP in its content, and the status of both."""
    prefix = f"{{{_EDXL}}}"
    if root.tag != f"{prefix}EDXLDistribution":
        yield broken("EDXLDistribution", "DE-wrap", shown(str(root.tag)), "EDXLDistribution")
        return
    for name in _HEADER:
        if not (root.findtext(f"{prefix}{name}") or "").strip():
            yield broken(f"EDXLDistribution/{name}", "DE-wrap", "nothing", f"a {name}")
    status = (root.findtext(f"{prefix}distributionStatus") or "").strip()
    if status and status not in _STATUS:
        yield broken("EDXLDistribution/distributionStatus", "DE-status", shown(status), ", ".join(_STATUS))
    inner = f"{prefix}contentObject/{prefix}xmlContent/{prefix}embeddedXMLContent"
    alerts = [node for held in root.iterfind(inner) for node in held if str(node.tag).endswith("}alert")]
    elsewhere = sum(1 for node in root.iter() if isinstance(node.tag, str) and node.tag.endswith("}alert"))
    if elsewhere > len(alerts):
        found = f"{elsewhere - len(alerts)} messages elsewhere"
        yield broken(
            "EDXLDistribution/contentObject", "DE-wrap", found, "contentObject/xmlContent/embeddedXMLContent"
        )
    for number, alert in enumerate(alerts, 1):
        told = next((node.text or "" for node in alert if str(node.tag).endswith("}status")), "").strip()
        if told and status and told != status:
            expected = f"{status}, as in the header"
            yield broken(f"EDXLDistribution/alert[{number}]/status", "DE-status", shown(told), expected)


def check_notification(raw: bytes, topic: str = "") -> Iterator[CapFault]:
    """A WIS2 notification message and the topic that it goes to (WMO-No. 1061)."""
    if len(raw) > MAX_NOTIFICATION:
        yield broken("(message)", "WIS2-size", f"{len(raw)} bytes", f"at most {MAX_NOTIFICATION}")
    if topic and "/weather/advisories-warnings" not in topic:
        yield broken("(topic)", "WIS2-topic", shown(topic), "…/weather/advisories-warnings…")
    try:
        message = json.loads(raw)
    except ValueError as error:
        yield broken("(message)", "WIS2-id", str(error), "a JSON object")
        return
    if not isinstance(message, dict):
        yield broken("(message)", "WIS2-id", type(message).__name__, "a JSON object")
        return
    yield from _identity(message)
    properties = message.get("properties")
    yield from _properties(properties if isinstance(properties, dict) else {})
    links = message.get("links")
    links = links if isinstance(links, list) else []
    told = [str(link.get("rel")).removeprefix(_WNM) for link in links if isinstance(link, dict)]
    kinds = [kind for kind in told if kind in _LINKS]
    if len(kinds) != 1:
        yield broken(
            "links", "WIS2-links", ", ".join(kinds) or "none of them", f"exactly one of {', '.join(_LINKS)}"
        )
    geometry = message.get("geometry", "")
    kind = geometry.get("type") if isinstance(geometry, dict) else geometry
    if kind is not None and kind not in ("Point", "Polygon"):
        yield broken("geometry", "WIS2-geometry", shown(str(kind)), "a Point, a Polygon or null")


def _identity(message: dict[str, Any]) -> Iterator[CapFault]:
    if not _UUID.fullmatch(str(message.get("id"))):
        yield broken("id", "WIS2-id", shown(str(message.get("id"))), "a UUID")


def _properties(properties: dict[str, Any]) -> Iterator[CapFault]:
    pubtime = properties.get("pubtime")
    if not isinstance(pubtime, str) or not _PUBTIME.fullmatch(pubtime) or not _exists(pubtime):
        yield broken("properties.pubtime", "WIS2-pubtime", shown(str(pubtime)), "an RFC 3339 instant in UTC")
    integrity = properties.get("integrity")
    if integrity is not None:
        method = integrity.get("method") if isinstance(integrity, dict) else None
        value = integrity.get("value") if isinstance(integrity, dict) else None
        if method not in _METHODS or not isinstance(value, str) or not _base64(value):
            found = shown(json.dumps(integrity))
            yield broken(
                "properties.integrity", "WIS2-integrity", found, f"{', '.join(_METHODS)} and its value"
            )
    content = properties.get("content")
    if isinstance(content, dict):
        size = len(str(content.get("value", "")).encode("utf-8", "surrogatepass"))
        if size > MAX_INLINE:
            yield broken(
                "properties.content", "WIS2-inline", f"{size} bytes", f"at most {MAX_INLINE}, or none"
            )


def _exists(instant: str) -> bool:
    try:
        datetime.fromisoformat(instant)
    except ValueError:
        return False
    return True


def _base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except ValueError:
        return False
    return bool(text)
