"""Profiles of CAP: what a country, a network or an aggregator asks besides the standard.

Each takes the blocks of a message and gives findings; the words of the rules stand in `profiles.csv`.
Profiles of what CAP travels in (feeds, EDXL-DE, WIS2 notifications) are functions over those documents.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from anlan.formats.cap.blocks import Block
from anlan.formats.cap.fault import CapFault
from anlan.formats.cap.profiles import (
    australia,
    canada,
    china,
    europe,
    google,
    taiwan,
    thailand,
    united_states,
    wmo,
)

Check = Callable[[Block], Iterator[CapFault]]

#: name of a profile as a command line takes it -> (its name in the table of rules, its check)
PROFILES: dict[str, tuple[tuple[str, ...], Check]] = {
    "ipaws": (("IPAWS v1.0",), united_states.ipaws),
    "nws": (("NWS use",), united_states.nws),
    "wea": (("WEA",), united_states.wea),
    "cap-cp": (("CAP-CP",), canada.check),
    "cap-au": (("CAP-AU 1.0",), australia.check),
    "google": (("Google public alerts",), google.check),
    "wmo": (("WMO",), wmo.check),
    "meteoalarm": (("MeteoAlarm",), europe.meteoalarm),
    "dwd": (("DWD", "BBK"), europe.dwd),
    "met-norway": (("MET Norway",), europe.met_norway),
    "thailand": (("Thailand",), thailand.check),
    "taiwan": (("Taiwan",), taiwan.check),
    "china": (("China GB/T 35965.1-2018", "China"), china.check),
}


#: stands for the profiles that a message itself declares
DECLARED = "declared"


def check_profile(name: str, alert: Block) -> list[CapFault]:
    """The findings of one profile over the blocks of a message, or of those that it declares; KeyError for
    a profile that is not here."""
    names = declared(alert) if name == DECLARED else (name,)
    return [finding for one in names for finding in PROFILES[one][1](alert)]


def declared(alert: Block) -> tuple[str, ...]:
    """The profiles that a message says it keeps, by its codes."""
    found = []
    for code in (text.strip() for text in alert.get("code", ())):
        if code.startswith("IPAWS"):
            found.append("ipaws")
        elif code.startswith("profile:CAP-CP:"):
            found.append("cap-cp")
        elif ":profile:CAP-AU:" in code:
            found.append("cap-au")
    return tuple(dict.fromkeys(found))
