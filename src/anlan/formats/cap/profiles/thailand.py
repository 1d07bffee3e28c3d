"""Thailand: area codes by ISO 3166-2."""

from __future__ import annotations

import re
from collections.abc import Iterator

from anlan.formats.cap.blocks import Block, coded
from anlan.formats.cap.fault import CapFault, shown
from anlan.formats.cap.profiles.asked import areas, broken

_PROVINCE = re.compile(r"TH-[0-9]{2}|TH-S")


def check(alert: Block) -> Iterator[CapFault]:
    """The habits of the Thai Meteorological Department."""
    for path, area in areas(alert):
        for code in coded(area, "geocode", "ISO3166-2"):
            if not _PROVINCE.fullmatch(code):
                yield broken(f"{path}/geocode", "TH-geocode", shown(code), "TH-nn")
