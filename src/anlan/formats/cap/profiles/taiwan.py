"""Taiwan: the profile CAP-TWP."""

from __future__ import annotations

import re
from collections.abc import Iterator

from anlan.formats.cap.blocks import Block
from anlan.formats.cap.fault import CapFault, shown
from anlan.formats.cap.profiles.asked import areas, broken, infos

EVENT = "profile:CAP-TWP:Event:1.0"
_CODES = re.compile(r"Taiwan_Geocode_[0-9]{3}")


def check(alert: Block) -> Iterator[CapFault]:
    """Event codes of the profile, and area codes that name the year of their list."""
    for path, info in infos(alert):
        if not any((name or "").strip() == EVENT for name, _ in info.get("eventCode", ())):
            yield broken(f"{path}/eventCode", "TW-event", "nothing", EVENT)
    for path, area in areas(alert):
        for number, (name, _) in enumerate(area.get("geocode", ()), 1):
            if (name or "").startswith("Taiwan_Geocode") and not _CODES.fullmatch(name or ""):
                expected = "Taiwan_Geocode_<year of the list>"
                yield broken(f"{path}/geocode[{number}]", "TW-geocode", shown(name or ""), expected)
