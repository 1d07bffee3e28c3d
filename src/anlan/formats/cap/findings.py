"""What rules find in one message, as they find it, with what several of them need to know."""

from __future__ import annotations

import re
from datetime import datetime

from anlan.formats.cap.blocks import Block
from anlan.formats.cap.fault import CapFault, shown
from anlan.formats.cap.geometry import Broken, Looked
from anlan.formats.cap.times import BUDDHIST, judge_time

BLANKS = " \t\r\n"
#: a full URI: of the web one with a host (RFC 9110, section 4.2), of other schemes anything behind the colon
ABSOLUTE = re.compile(r"(?i:https?)://[^\s/?#][^\s]*+|(?!(?i:https?):)[A-Za-z][A-Za-z0-9+.-]*:[^\s]+")
MAX_FINDINGS = 2000
_CAP_TIME = "YYYY-MM-DDThh:mm:ss and a numeric offset such as +08:00"
_EXPECTED = {
    "D-format": _CAP_TIME,
    "D-no-Z": "a numeric offset in place of the letter",
    "D-schema-comma": "+ or - before the offset",
    "D-calendar": "a date and time that exist",
    "D-utc-minus": "-00:00",
    "D-implausible-year": "a year from 2000 to 2100",
}


class Findings:
    """What is found, as it is found, with what several rules need to know. `plain` where nothing in the
    document can be markup or a trick: then no text need be looked into."""

    def __init__(self, version: str, plain: bool = False) -> None:
        self.faults: list[CapFault] = []
        #: nothing in the document can be markup or a trick: no text need be looked into
        self.plain = plain
        #: findings beyond the limit, counted and not kept
        self.untold = 0
        self.version = version
        self.strict = version == "1.2"
        #: polygon as written -> the verdict on it (`sound_rings`)
        self.rings: dict[str, str | None] = {}
        self.checked: dict[str, tuple[Broken, ...]] = {}
        #: polygon as written -> its shape, where that had to be built
        self.looked: dict[str, Looked] = {}

    def add(
        self, path: str, rule: str, found: str, expected: str, *, blocking: bool = False, schema: bool = False
    ) -> None:
        if len(self.faults) < MAX_FINDINGS or blocking:
            self.faults.append(CapFault(path, rule, found, expected, schema, blocking))
        else:
            self.untold += 1

    def finish(self) -> Findings:
        """Tells how many there are beyond the limit."""
        if self.untold:
            told = f"{self.untold} findings more"
            self.faults.append(CapFault("alert", "S-size", told, f"at most {MAX_FINDINGS}", False, False))
        return self

    def time(self, path: str, text: str, *, essential: bool = False) -> datetime | None:
        """The instant, with what is wrong with its form noted."""
        reading = judge_time(text.strip(BLANKS), self.strict)
        if reading.broken:
            self._told(path, text, reading.instant, reading.broken, essential)
        return reading.instant

    def _told(
        self,
        path: str,
        text: str,
        instant: datetime | None,
        broken: tuple[tuple[str, bool], ...],
        essential: bool,
    ) -> None:
        for rule, schema in broken:
            found = shown(text) if text.strip(BLANKS) else "nothing"
            if rule == "D-implausible-year" and instant is not None and instant.year > 2400:
                found += f" (in the Buddhist era the year {instant.year - BUDDHIST})"
            self.add(
                path, rule, found, _EXPECTED[rule], blocking=essential and instant is None, schema=schema
            )
        # what the schema of 1.1 takes, and that of 1.2 does not
        if self.version == "1.1" and ("D-format", False) in broken:
            self.add(path, "V-11-map", shown(text), f"{_CAP_TIME}, as CAP 1.2 asks for")


def first_of(block: Block, name: str) -> str:
    """The text of the first element of that name as written; empty where there is none."""
    found = block.get(name)
    return found[0] if found else ""
