"""Rules over texts that people read: no markup, nothing that plays tricks on a reader or a program."""

from __future__ import annotations

import re

from anlan.formats.cap.fault import shown
from anlan.formats.cap.findings import Findings
from anlan.formats.cap.secure import follows

#: elements of HTML: what stands in angle brackets otherwise is a placeholder or a comparison
MARKUP = frozenset((
    "a", "abbr", "acronym", "address", "applet", "area", "article", "aside", "audio", "b", "base",
    "basefont", "bdi", "bdo", "bgsound", "big", "blink", "blockquote", "body", "br", "button", "canvas",
    "caption", "center", "cite", "code", "col", "colgroup", "data", "datalist", "dd", "del", "details",
    "dfn", "dialog", "dir", "div", "dl", "dt", "em", "embed", "fieldset", "figcaption", "figure",
    "font", "footer", "form", "frame", "frameset", "h1", "h2", "h3", "h4", "h5", "h6", "head", "header",
    "hgroup", "hr", "html", "i", "iframe", "img", "input", "ins", "kbd", "label", "legend", "li",
    "link", "main", "map", "mark", "marquee", "menu", "meta", "meter", "nav", "nobr", "noframes",
    "noscript", "object", "ol", "optgroup", "option", "output", "p", "param", "picture", "pre",
    "progress", "q", "rp", "rt", "ruby", "s", "samp", "script", "section", "select", "slot", "small",
    "source", "span", "strike", "strong", "style", "sub", "summary", "sup", "svg", "table", "tbody",
    "td", "template", "textarea", "tfoot", "th", "thead", "time", "title", "tr", "track", "tt", "u",
    "ul", "var", "video", "wbr",
))  # fmt: skip
_TAG = re.compile(rf"</?(?:{'|'.join(sorted(MARKUP))})(?:\s[^<>]{{0,500}})?/?>|<!--", re.IGNORECASE)
# those that XML defines itself are text that was escaped twice, which is no name of HTML
_ENTITY = re.compile(r"&(?!(?:amp|lt|gt|quot|apos);)[A-Za-z][A-Za-z0-9]{1,30};")
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
# a rig, a ship and what they work with are none
_DRILL = re.compile(
    r"\bdrill\b(?![ -]?(?:rig|ship|site|floor|bit|hole|pipe|string|platform|barge|crew)s?\b)"
    r"|\bexercise exercise\b|演练|演习",
    re.IGNORECASE,
)
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
    marked = text.replace("&lt;", "<").replace("&gt;", ">") if "&" in text else text
    if "<" in marked and (tag := _TAG.search(marked)):
        findings.add(path, "X-html", shown(tag.group()), "plain text")
    if "&" in text and (entity := _ENTITY.search(text)):
        findings.add(path, "X-entities", shown(entity.group()), "the character itself")
    if not text.isascii() and (control := _BIDI.search(text)):
        findings.add(path, "S-bidi", shown(control.group()), "no direction controls")
    if text[:1] in _FORMULA:
        findings.add(path, "S-formula", shown(text), "a text")
    if actual and (word := _DRILL.search(text)):
        findings.add(path, "S-drill-words", shown(word.group()), "status Exercise")
