"""What stands around the elements of a plain message: its beginning up to the start tag, its end, and the
signatures before that. Each takes only what is certainly well-formed; the rest is for the parser."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from lxml import etree

from anlan.formats.cap.enveloped import SIGNATURE
from anlan.formats.cap.schema import NAMESPACES
from anlan.formats.cap.secure import parse
from anlan.formats.cap.tables import VERSIONS
from anlan.model.errors import BadInput

_S = rb"[ \t\r\n]"
_NAME = rb"[A-Za-z_][A-Za-z0-9_.-]*+"
_EQUALS = _S + rb"*+=" + _S + rb"*+"
_ASCII = rb"[\t\n\r\x20-\x7e]"
#: blanks, comments and processing instructions (XML 1.0, sections 2.5 and 2.6), in ASCII
_AROUND = (
    rb"(?:" + _S + rb"++|<!--(?:(?!--)" + _ASCII + rb")*+-->"
    rb"|<\?(?![Xx][Mm][Ll](?![A-Za-z0-9_-]))[A-Za-z_][A-Za-z0-9_-]*+"
    rb"(?:" + _S + rb"(?:(?!\?>)" + _ASCII + rb")*+)?+\?>"
    rb")*+"
)  # fmt: skip
_DECLARATION = (
    rb"<\?xml" + _S + rb"++version" + _EQUALS + rb"(?:\"1\.0\"|'1\.0')"
    rb"(?:" + _S + rb"++encoding" + _EQUALS + rb"(?:\"[Uu][Tt][Ff]-8\"|'[Uu][Tt][Ff]-8'))?+"
    rb"(?:" + _S + rb"++standalone" + _EQUALS + rb"(?:\"(?:yes|no)\"|'(?:yes|no)'))?+" + _S + rb"*+\?>"
)  # fmt: skip
_SPACE = rb"[A-Za-z][A-Za-z0-9+.-]*+:[A-Za-z0-9:/._-]++#?+"
_DECLARED = (
    _S + rb"++xmlns(?::(" + _NAME + rb"))?+" + _EQUALS + rb"(?:\"(" + _SPACE + rb")\"|'(" + _SPACE + rb")')"
)
_START = re.compile(
    rb"(?:\xef\xbb\xbf)?+(?:" + _DECLARATION + rb")?+" + _AROUND + rb"<((?:" + _NAME + rb":)?+)alert"
    rb"((?:" + re.sub(rb"\((?!\?)", rb"(?:", _DECLARED) + rb")++)" + _S + rb"*+>"
)  # fmt: skip
_ONE_DECLARED = re.compile(_DECLARED)
_END = re.compile(rb"</((?:" + _NAME + rb":)?+)alert" + _S + rb"*+>" + _AROUND)
#: bound to themselves (Namespaces in XML 1.0, section 3)
_RESERVED = (b"http://www.w3.org/XML/1998/namespace", b"http://www.w3.org/2000/xmlns/")
_MOST = 2000


def start_of(raw: bytes) -> tuple[int, int, bytes, bytes, int] | None:
    """(offset of the first element inside, offset of the prefix, the prefix with its colon, the declarations,
    the place of the version in VERSIONS) of a message of CAP 1.1 or 1.2 that begins plainly, else None."""
    match = _START.match(raw)
    if match is None:
        return None
    prefix, declared = match.groups()
    if len(prefix) + len(declared) > _MOST:
        return None
    version = _version(prefix, declared)
    return None if version < 0 else (match.end(), match.start(1), prefix, declared, version)


@lru_cache(maxsize=256)
def _version(prefix: bytes, declared: bytes) -> int:
    """The place of the version that the prefix stands for; -1 where there is none, or anything is odd."""
    spaces: dict[bytes, bytes] = {}
    for name, one, other in _ONE_DECLARED.findall(declared):
        space = one or other
        if name in spaces or name[:3].lower() == b"xml" or space in _RESERVED:
            return -1
        spaces[name] = space
    version = NAMESPACES.get(spaces.get(prefix[:-1], b"").decode(), "")
    return VERSIONS.index(version) if version in VERSIONS else -1


def ends(raw: bytes, at: int, prefix: bytes) -> bool:
    """True where the end tag of the message stands there, and nothing behind it."""
    match = _END.fullmatch(raw, at)
    return match is not None and match.group(1) == prefix


_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
_XML = "{http://www.w3.org/XML/1998/namespace}"
_TOO_DEEP = etree.XPath("boolean(" + "/*" * 40 + ")")


def signatures_at(raw: bytes, at: int, prefix: bytes, declared: bytes) -> list[Any] | None:
    """The signatures between there and the end tag, each an element; None where something else stands there,
    or something in them that a schema could know."""
    end = raw.rfind(b"</" + prefix + b"alert", at)
    inside = raw[at:end]
    # a comment in what is signed, or between, is for the parser of the whole
    if end < 0 or not ends(raw, end, prefix) or b"<!" in inside or b"<?" in inside:
        return None
    try:
        # the same declarations hold as in the message
        root = parse(b"<s" + declared + b">" + inside + b"</s>", deep=True)
    except BadInput:
        return None
    if (root.text or "").strip() or not len(root) or _TOO_DEEP(root):
        return None
    found = list(root)
    for signature in found:
        if signature.tag != SIGNATURE or (signature.tail or "").strip():
            return None
        for element in signature.iter():
            space = element.tag.rpartition("}")[0]
            if space[1:] in NAMESPACES:
                return None
            if any(name.startswith((_XSI, _XML)) for name in element.attrib):
                return None
    return found
