"""XML from strangers: bytes to an element tree that can do no harm.

The bytes are decoded here, looked through for a document type, and handed to the parser as UTF-8, so
that the parser reads the very text that was looked through. No entities, no DTD, no network.
"""

from __future__ import annotations

import re
import threading
from typing import Any, AnyStr

from lxml import etree

from anlan.model.errors import Hostile, Unreadable

MAX_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 64

_BOMS = (
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
# XML 1.0, appendix F: what `<` looks like without a byte order mark
_STARTS = (
    (b"<\x00\x00\x00", "utf-32-le"),
    (b"\x00\x00\x00<", "utf-32-be"),
    (b"<\x00", "utf-16-le"),
    (b"\x00<", "utf-16-be"),
)
_DECLARED = re.compile(rb"\A<\?xml[^>]{0,200}?\sencoding\s*=\s*[\"']([A-Za-z][A-Za-z0-9._-]*)[\"']")
# A closed list: codecs such as UTF-7 hide markup from whoever looks at the bytes. GB2312 and GBK are
# read by their superset, because senders declare the smaller one and use the larger.
_CODECS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "ascii",
    "ascii": "ascii",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "gb18030": "gb18030",
    "big5": "big5hkscs",
    "shift_jis": "cp932",
    "euc-jp": "euc_jp",
    "euc-kr": "euc_kr",
    "tis-620": "cp874",
    "windows-874": "cp874",
    "koi8-r": "koi8_r",
    "koi8-u": "koi8_u",
    "latin1": "iso8859-1",
    **{f"iso-8859-{n}": f"iso8859-{n}" for n in (*range(1, 12), 13, 14, 15, 16)},
    **{f"windows-125{n}": f"cp125{n}" for n in range(9)},
}
_PROLOG = re.compile(r"(?:\s++|<\?.*?\?>|<!--.*?-->)*+", re.DOTALL)
_TOO_DEEP = etree.XPath("boolean(" + "/*" * (MAX_DEPTH + 1) + ")")


def decode(raw: bytes, where: str = "") -> str:
    """XML bytes as text without a byte order mark; Unreadable when the encoding does not hold."""
    for mark, codec in _BOMS:
        if raw.startswith(mark):
            return _decoded(raw[len(mark) :], codec, where)
    for start, codec in _STARTS:
        if raw.startswith(start):
            return _decoded(raw, codec, where)
    declared = _DECLARED.match(raw)
    name = declared.group(1).decode("ascii").lower() if declared else "utf-8"
    if name not in _CODECS:
        raise Unreadable(
            "the declared encoding cannot be used",
            where=where,
            found=name,
            expected="UTF-8 (or UTF-16, GB18030)",
        )
    return _decoded(raw, _CODECS[name], where)


def _decoded(raw: bytes, codec: str, where: str) -> str:
    try:
        return raw.decode(codec)
    except UnicodeDecodeError as error:
        raise Unreadable(
            "bytes do not fit the encoding",
            where=where,
            found=f"{raw[error.start : error.start + 4].hex(' ')} at byte {error.start}",
            expected=codec.upper(),
        ) from error


def plainly_utf8(raw: bytes) -> bool:
    """True where a document begins as one in UTF-8 does, by its first bytes and what it declares."""
    if raw[:1] != b"<" or raw[1:2] == b"\x00":
        return False
    declared = _DECLARED.match(raw)
    return declared is None or declared.group(1).lower() in (b"utf-8", b"utf8")


def follows(text: AnyStr, first: AnyStr, second: AnyStr) -> bool:
    """True where `second` stands right behind `first`. Looks for the second alone: where it is the rarer of
    the two that takes a tenth of the time of looking for both."""
    at = text.find(second, 1)
    while at > 0:
        if text[at - 1 : at] == first:
            return True
        at = text.find(second, at + 1)
    return False


_kept = threading.local()


def _parser(whole: bool, blanks: bool) -> Any:
    """A parser for this thread: making one takes as long as reading a message."""
    kept: dict[Any, Any] = _kept.__dict__
    parser = kept.get((whole, blanks))
    if parser is None:
        parser = kept[whole, blanks] = etree.XMLParser(
            encoding="utf-8",
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            dtd_validation=False,
            attribute_defaults=False,
            huge_tree=False,
            remove_comments=not whole,
            remove_pis=not whole,
            remove_blank_text=not blanks,
        )
    return parser


def parse(
    raw: bytes,
    where: str = "",
    limit: int = MAX_BYTES,
    *,
    whole: bool = False,
    blanks: bool = True,
    deep: bool = False,
) -> Any:
    """The root element, comments and processing instructions left out unless `whole`, blanks between
    elements unless `blanks`. With `deep` the depth is not looked at: `refuse_depth` does it later.

    Hostile: longer than `limit` bytes, a document type, nested deeper than MAX_DEPTH. Unreadable: not
    well-formed XML, or bytes that do not fit their encoding.
    """
    if len(raw) > limit:
        raise Hostile("too large", where=where, found=f"{len(raw)} bytes", expected=f"at most {limit}")
    # the very bytes where they are UTF-8 as they stand, else the text in UTF-8
    given, text = raw, ""
    if not plainly_utf8(raw):
        text = decode(raw, where)
        given = text.encode("utf-8")
    elif not raw.isascii():
        text = _decoded(raw, "utf-8", where)
    # most documents have no declaration at all, and then no document type
    prolog = None
    if follows(given, b"<", b"!"):
        text = text or raw.decode("ascii")
        prolog = _PROLOG.match(text)
    if prolog is not None and text[prolog.end() : prolog.end() + 9].upper() == "<!DOCTYPE":
        raise Hostile(
            "a document type is refused", where=where, found="DOCTYPE", expected="none: CAP needs none"
        )
    try:
        root = etree.fromstring(given, _parser(whole, blanks))
    except etree.XMLSyntaxError as error:
        raise Unreadable("not well-formed XML", where=where, found=" ".join(str(error).split())) from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise Hostile(
            "a document type is refused", where=where, found="DOCTYPE", expected="none: CAP needs none"
        )
    if not deep:
        refuse_depth(root, where)
    return root


def refuse_depth(root: Any, where: str = "") -> None:
    """Hostile for a tree nested deeper than MAX_DEPTH."""
    if _TOO_DEEP(root):
        raise Hostile("nested too deep", where=where, expected=f"at most {MAX_DEPTH} levels")
