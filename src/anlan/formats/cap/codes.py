"""Rules over codes, their names and values: eventCode, parameter, geocode (CAP 1.2, 3.2.2 and 3.2.4)."""

from __future__ import annotations

import re

from anlan.formats.cap.blocks import Pair
from anlan.formats.cap.fault import shown
from anlan.formats.cap.findings import Findings
from anlan.formats.cap.rulebook import ACRONYMS

_DOTTED = re.compile(r"\b(?:[A-Za-z]\.){2,}")

#: names of codes that have nothing wrong with them, as far as they have been met
_SOUND_NAMES: set[str | None] = set()
_MOST_NAMES = 4096


def forget() -> None:
    """Lets go of the names that were found sound."""
    _SOUND_NAMES.clear()


def pairs_of(pairs: list[Pair], above: str, element: str, rule: str, findings: Findings) -> None:
    """Codes: the rules of names, and for geocodes those of empty values."""
    old = findings.version == "1.0"
    sound = _SOUND_NAMES
    for number, (name, value) in enumerate(pairs, 1):
        if name in sound and value and value[0] > " ":
            continue
        path = f"{above}/{element}"
        if name is None and old:
            findings.add(f"{path}[{number}]", "V-10-pairs", shown(value or ""), "name=value")
        # the schema tells of a missing element
        elif (name is not None and not name.strip()) or (
            rule == "G-geocode-pair" and value is not None and not value.strip()
        ):
            findings.add(f"{path}[{number}]", rule, shown(f"{name}={value}"), "name and value")
        elif name is not None and name not in sound:
            before = len(findings.faults)
            _acronym(name, f"{path}[{number}]/valueName", findings)
            if len(findings.faults) == before and len(sound) < _MOST_NAMES and len(name) <= 64:
                sound.add(name)


def _acronym(name: str, path: str, findings: Findings) -> None:
    plain = name.strip().upper()
    if plain in ACRONYMS and name.strip() != plain:
        findings.add(path, "I-acronyms", shown(name), plain)
    elif (dotted := _DOTTED.search(name)) is not None:
        capitals = dotted.group().replace(".", "").upper()
        if capitals in ACRONYMS or dotted.group().isupper() or dotted.group() == name.strip():
            findings.add(path, "I-acronyms", shown(name), capitals)
