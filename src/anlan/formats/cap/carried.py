"""What a document carries besides its own text: messages as elements, and documents as text or base64 in
elements of it (entries of feeds, contents of EDXL-DE) or in JSON of any form."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any

from anlan.formats.cap.archive import SIGNATURES
from anlan.formats.cap.embedded import CAP_TEXT, local, looks_like_cap, namespace, reads_like_cap

#: OASIS EDXL-DE; in lower case some write what the standard has in upper case
EDXL = ("urn:oasis:names:tc:emergency:EDXL:DE:1.0", "urn:oasis:names:tc:emergency:EDXL:DE:2.0")
#: bytes that stand in no text of one byte a sign: archives, pictures, UTF-16
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_BEGINS = re.compile(rb"<(?:[\w.-]+:)?alert[\s>/]", re.IGNORECASE)
#: how an XML declaration begins in EBCDIC (XML 1.0, appendix F)
_EBCDIC = b"\x4c\x6f\xa7\x94"
_PARTS = ("entry", "item", "contentObject")


def is_other_text(raw: bytes) -> bool:
    """Text that is neither XML nor JSON nor packed, and in which no message begins: one with something
    before its first tag is a message that cannot be read."""
    first = raw[:200].removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if not first or first in b"<{[" or raw.startswith(_EBCDIC):
        return False
    return not _BINARY.search(raw) and not _BEGINS.search(raw)


def is_edxl(tag: Any) -> bool:
    """An element of an EDXL distribution."""
    return isinstance(tag, str) and namespace(tag).lower() in [space.lower() for space in EDXL]


def candidates(root: Any) -> Iterator[tuple[Any, str]]:
    """(element, where) of messages, and of elements that carry a document as text, in document order.
    A message inside another one belongs to it."""
    counts: dict[str, int] = {}
    ahead: list[tuple[Any, str]] = [(root, "")]
    while ahead:
        node, place = ahead.pop()
        name = local(node.tag)
        part = name in _PARTS or (name == "content" and is_edxl(node.tag))
        if part and node is not root:
            counts[name] = counts.get(name, 0) + 1
            place = f"{name} {counts[name]}"
        if looks_like_cap(node.tag):
            yield node, place
        elif name in ("keyXMLContent", "Signature"):
            continue
        elif len(node):
            ahead.extend((child, place) for child in reversed(node))
        elif name == "contentData" or reads_like_cap(node.text):
            yield node, place


def without_declaration(text: str) -> bytes:
    """A document that is text by now: what it declares as its encoding was that of its bytes."""
    return re.sub(r"\A\s*<\?xml[^>]*\?>", "", text).encode("utf-8", "surrogatepass")


def texts(document: Any) -> Iterator[tuple[str, str]]:
    """(path, text) of the texts in a JSON document that are documents with a message, in order."""
    ahead: list[tuple[str, Any]] = [("", document)]
    while ahead:
        place, value = ahead.pop()
        if isinstance(value, dict):
            ahead.extend((f"{place}.{key}".lstrip("."), one) for key, one in reversed(value.items()))
        elif isinstance(value, list):
            ahead.extend((f"{place}[{number}]", value[number]) for number in range(len(value) - 1, -1, -1))
        elif isinstance(value, str) and reads_like_cap(value):
            yield place, value


def carried(node: Any) -> bytes | None:
    """The document that an element carries as text or base64; None where it is no message at all."""
    text = (node.text or "").strip()
    if text.startswith("<"):
        return without_declaration(text)
    try:
        found = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None
    if found.startswith((*SIGNATURES, b"\x1f\x8b")):
        return found
    return found if any(sign.encode() in found.replace(b"\x00", b"") for sign in CAP_TEXT) else None


def notified(document: Any) -> tuple[str, ...]:
    """Where the message of a WIS2 notification stands, by its links; none for what is no notification."""
    links = document.get("links") if isinstance(document, dict) else None
    if not isinstance(links, list):
        return ()
    found = (link for link in links if isinstance(link, dict) and link.get("rel") in ("canonical", "update"))
    return tuple(
        link["href"] for link in found if isinstance(link.get("href"), str) and "://" in link["href"]
    )
