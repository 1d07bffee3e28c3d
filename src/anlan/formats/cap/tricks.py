"""Rules over texts that people read: no markup, nothing that plays tricks on a reader or a program."""

from __future__ import annotations

import re

from anlan.formats.cap.fault import shown
from anlan.formats.cap.findings import Findings
from anlan.formats.cap.secure import follows

_TAG = re.compile(r"</?[A-Za-z][A-Za-z0-9]*(?:\s[^<>]{0,500})?/?>|<!--")
_ENTITY = re.compile(r"&[A-Za-z][A-Za-z0-9]{1,30};")
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
_DRILL = re.compile(r"\bdrill\b|\bexercise exercise\b|演练|演习", re.IGNORECASE)
_FORMULA = ("=", "@")
#: the same controls and words as bytes of UTF-8
_BIDI_UTF8 = re.compile(rb"\xe2(?:\x80[\xaa-\xae]|\x81[\xa6-\xa9])")
_DRILL_UTF8 = "演".encode()
_LIKE_ASCII = tuple(letter.encode() for letter in "\u0130\u0131\u017f")


def may_trick(raw: bytes) -> bool:
    """True where a document may hold what `_words` looks for in its texts: seen at once for all of them.
    What is not UTF-8 may hold anything."""
    if (
        b"\x00" in raw[:8]
        or b"&" in raw
        or follows(raw, b"<", b"!")
        or any(follows(raw, b">", sign) for sign in (b"=", b"@"))
    ):
        return True
    if not raw.isascii():
        head = raw[:200].lower()
        if raw[:1] != b"<" or b"\x00" in head or (b"encoding" in head and b"utf-8" not in head):
            return True
        # dotted and dotless i and the long s are an i and an s to whoever does not mind capitals
        if any(letter in raw for letter in _LIKE_ASCII):
            return True
        # looking for the first byte alone takes a tenth of the time
        if (b"\xe6" in raw and _DRILL_UTF8 in raw) or (b"\xe2" in raw and _BIDI_UTF8.search(raw)):
            return True
    low = raw.lower()
    return b"drill" in low or b"exercise exercise" in low


def words(path: str, text: str, findings: Findings, actual: bool = False) -> None:
    """A text for people; `actual` where the message says that it is meant."""
    if findings.plain:
        return
    if "<" in text and (tag := _TAG.search(text)):
        findings.add(path, "X-html", shown(tag.group()), "plain text")
    if "&" in text and (entity := _ENTITY.search(text)):
        findings.add(path, "X-entities", shown(entity.group()), "the character itself")
    if not text.isascii() and (control := _BIDI.search(text)):
        findings.add(path, "S-bidi", shown(control.group()), "no direction controls")
    if text[:1] in _FORMULA:
        findings.add(path, "S-formula", shown(text), "a text")
    if actual and (word := _DRILL.search(text)):
        findings.add(path, "S-drill-words", shown(word.group()), "status Exercise")
