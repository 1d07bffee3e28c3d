"""World Meteorological Organization: what is asked of national services (register of alerting authorities,
WMO-No. 1109; Implementation Workshop notes)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from datetime import timedelta

from anlan.formats.cap.blocks import Block, first
from anlan.formats.cap.fault import CapFault, shown
from anlan.formats.cap.geometry import polygon_faults
from anlan.formats.cap.profiles.asked import areas, broken, infos
from anlan.formats.cap.times import judge_time

# 2.49.0.1 published alerts, then the country's ISO 3166 number and the organisation's own arcs
_ALERT = re.compile(r"(?:urn:oid:)?2\.49\.0\.1\.[0-9]{1,3}\.[0-9]+(?:\.[0-9A-Za-z-]+)+")
_AUTHORITY = re.compile(r"(?:urn:oid:)?2\.49\.0\.0\.[0-9]{1,3}\.[0-9]+(?:\.[0-9]+)*")
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
DAY, MONTH = timedelta(hours=24), timedelta(days=31)
#: languages written in one script of their own, and what Unicode calls it
_SCRIPTS = {
    "ar": ("ARABIC",), "fa": ("ARABIC",), "ur": ("ARABIC",), "he": ("HEBREW",), "el": ("GREEK",),
    "ru": ("CYRILLIC",), "uk": ("CYRILLIC",), "bg": ("CYRILLIC",), "be": ("CYRILLIC",),
    "zh": ("CJK",), "ja": ("CJK", "HIRAGANA", "KATAKANA"), "ko": ("HANGUL", "CJK"),
    "th": ("THAI",), "my": ("MYANMAR",), "km": ("KHMER",), "lo": ("LAO",), "ka": ("GEORGIAN",),
    "hy": ("ARMENIAN",), "hi": ("DEVANAGARI",), "ne": ("DEVANAGARI",), "bn": ("BENGALI",),
    "ta": ("TAMIL",), "si": ("SINHALA",), "dv": ("THAANA",), "am": ("ETHIOPIC",),
}  # fmt: skip
_LATIN = frozenset(
    [
        "en",
        "fr",
        "es",
        "pt",
        "de",
        "it",
        "nl",
        "sv",
        "no",
        "nb",
        "nn",
        "da",
        "fi",
        "is",
        "et",
        "lv",
        "lt",
        "pl",
        "cs",
        "sk",
        "sl",
        "hr",
        "ro",
        "hu",
        "tr",
        "vi",
        "id",
        "ms",
    ]
)


def check(alert: Block) -> Iterator[CapFault]:
    """The rules of WMO that one message shows."""
    identifier, sender = first(alert, "identifier"), first(alert, "sender")
    if not _ALERT.fullmatch(identifier):
        expected = "urn:oid:2.49.0.1.<country>.<organisation>.…"
        yield broken("alert/identifier", "WMO-identifier", shown(identifier), expected)
    if not _AUTHORITY.fullmatch(sender) and not _ADDRESS.fullmatch(sender):
        yield broken("alert/sender", "WMO-sender", shown(sender), "the authority's OID or an address of it")
    sent = judge_time(first(alert, "sent"), True).instant
    for path, info in infos(alert):
        times = {
            name: judge_time(first(info, name), True).instant for name in ("effective", "onset", "expires")
        }
        for name, instant in times.items():
            if instant is not None and sent is not None and instant < sent:
                yield broken(
                    f"{path}/{name}", "WMO-dates", first(info, name), f"not before {first(alert, 'sent')}"
                )
        begins, ends = times["onset"] or times["effective"] or sent, times["expires"]
        if begins is not None and ends is not None and ends - begins > DAY:
            longest = "a month at the very most" if ends - begins > MONTH else "24 hours without an update"
            yield broken(f"{path}/expires", "WMO-span", str(ends - begins), longest)
        yield from _language(path, info)
    for path, area in areas(alert):
        for number, text in enumerate(area.get("polygon", ()), 1):
            for rule, found, expected, _ in polygon_faults(text):
                if rule in ("G-polygon-closed", "G-polygon-simple"):
                    yield broken(f"{path}/polygon[{number}]", "WMO-geometry", found, expected)


def _language(path: str, info: Block) -> Iterator[CapFault]:
    """The script of a text tells some languages apart, not all: only what it rules out is told."""
    language = (first(info, "language") or "en-US").lower()
    text = first(info, "description") + first(info, "headline")
    letters = [character for character in text[:2000] if character.isalpha()]
    scripts = _SCRIPTS.get(language[:2], ("LATIN",) if language[:2] in _LATIN else ())
    if not letters or not scripts or "-latn" in language:
        return
    own = sum(unicodedata.name(letter, "").startswith(scripts) for letter in letters)
    if own * 2 < len(letters):
        found = f"{len(letters) - own} of {len(letters)} letters in another script"
        yield broken(f"{path}/language", "WMO-language", found, f"text in {language}")
