"""What a relay takes out of a message before it passes it on (CAP 1.2, section 3.2.3, derefUri)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from lxml import etree

from anlan.formats.cap.embedded import local
from anlan.formats.cap.secure import decode, parse

_CONTENT = re.compile(r"(?:\r?\n[ \t]*)?<((?:[\w.-]+:)?derefUri)(?:\s[^<>]*)?(?:/>|>[^<]*</\1\s*>)")
_HEAD = re.compile(r"<\?xml[^>]*\?>")


@dataclass(frozen=True, slots=True)
class Stripped:
    """`raw`: the message without content of its own. `taken`: how many contents were taken out; `bare`: how
    many resources have no uri either, and now point at nothing; `signed`: True where the message has
    signatures, which no longer fit."""

    raw: bytes
    taken: int = 0
    bare: int = 0
    signed: bool = False


def without_content(raw: bytes) -> Stripped:
    """The message as it may go on to a two-way network: without derefUri, whose content the relay keeps and
    offers under a uri. In UTF-8 every other byte is as it was; where there is no such content, in any
    encoding. Raises what `parse` raises."""
    root = parse(raw, whole=True)
    found = _contents(root)
    if not found:
        return Stripped(raw)
    bare = sum(not any(local(one.tag) == "uri" and one.text for one in node.getparent()) for node in found)
    signed = any(local(node.tag) == "Signature" for node in root)
    text = _CONTENT.sub("", decode(raw))
    if (head := _HEAD.match(text)) is not None and "utf-8" not in head[0].lower():
        text = '<?xml version="1.0" encoding="UTF-8"?>' + text[head.end() :]
    cut = text.encode()
    if _contents(parse(cut, whole=True)):
        # written otherwise than as plain text, with a comment in it or as a marked section
        for node in found:
            node.getparent().remove(node)
        cut = etree.tostring(root.getroottree(), xml_declaration=True, encoding="UTF-8")
    return Stripped(cut, len(found), bare, signed)


def _contents(root: Any) -> list[Any]:
    return [node for node in root.iter() if local(node.tag) == "derefUri"]
