"""Europe: MeteoAlarm (EUMETNET), the German and the Norwegian weather services."""

from __future__ import annotations

import re
from collections.abc import Iterator

from anlan.formats.cap.blocks import Block, coded, first
from anlan.formats.cap.fault import CapFault, shown
from anlan.formats.cap.ground import EXCLUSIONS, area_ground
from anlan.formats.cap.profiles.asked import areas, broken, infos

_LEVEL = re.compile(
    r"\s*([1-4])\s*;\s*(green|yellow|orange|red)\s*;\s*(Minor|Moderate|Severe|Extreme)\s*", re.I
)
LEVELS = {
    "1": ("green", "Minor"),
    "2": ("yellow", "Moderate"),
    "3": ("orange", "Severe"),
    "4": ("red", "Extreme"),
}
_TYPE = re.compile(r"\s*(1[023]|[1-9])\s*;\s*([A-Za-z][A-Za-z /-]*)\s*")
#: what the name of each type has in it, however it is spelt
_KINDS = {
    "1": ("wind",), "2": ("snow", "ice"), "3": ("thunder",), "4": ("fog",), "5": ("high", "heat"),
    "6": ("low", "cold"), "7": ("coast",), "8": ("fire",), "9": ("avalanche",), "10": ("rain",),
    "12": ("flood",), "13": ("rain", "flood"),
}  # fmt: skip
_REGIONS = ("EMMA_ID", "NUTS2", "NUTS3")
_EVENT_CODES = ("II", "GROUP", "AREA_COLOR", "LICENSE", "PROFILE_VERSION")
_RISK = ("riskMatrixColor", "awareness_level", "awareness_type", "consequences", "eventEndingTime")


def meteoalarm(alert: Block) -> Iterator[CapFault]:
    """What MeteoAlarm's members put into their messages."""
    for path, info in infos(alert):
        levels = coded(info, "parameter", "awareness_level")
        match = _LEVEL.fullmatch(levels[0]) if levels else None
        if match is None:
            found = shown(levels[0]) if levels else "nothing"
            yield broken(f"{path}/parameter", "MA-level", found, "awareness_level n; colour; Severity")
        else:
            colour, severity = LEVELS[match[1]]
            if match[2].lower() != colour or match[3].lower() != severity.lower():
                yield broken(
                    f"{path}/parameter", "MA-level", shown(levels[0]), f"{match[1]}; {colour}; {severity}"
                )
            elif first(info, "severity") != severity:
                yield broken(f"{path}/severity", "MA-level", shown(first(info, "severity")), severity)
        kinds = coded(info, "parameter", "awareness_type")
        kind = _TYPE.fullmatch(kinds[0]) if kinds else None
        if kind is None or not any(word in kind[2].lower() for word in _KINDS[kind[1]]):
            found = shown(kinds[0]) if kinds else "nothing"
            expected = (
                "awareness_type n; name" if kind is None else f"{kind[1]}; {'-'.join(_KINDS[kind[1]])}…"
            )
            yield broken(f"{path}/parameter", "MA-type", found, expected)
    for path, area in areas(alert):
        if not any(coded(area, "geocode", name) for name in _REGIONS):
            yield broken(f"{path}/geocode", "MA-geocode", "nothing", "an EMMA_ID or NUTS code")
    languages = [first(info, "language").lower() or "en-us" for _, info in infos(alert)]
    english = [language for language in languages if language.startswith("en")]
    # where English is the national language one block serves
    alone = all(language in ("en-gb", "en-ie", "en-mt", "en") for language in languages)
    if not alone and ("en-gb" not in english or len(english) == len(languages)):
        yield broken("alert/info", "MA-languages", ", ".join(languages), "the national language and en-GB")


def dwd(alert: Block) -> Iterator[CapFault]:
    """The habits of the Deutscher Wetterdienst."""
    for path, area in areas(alert):
        for number, (name, value) in enumerate(area.get("geocode", ()), 1):
            here = f"{path}/geocode[{number}]"
            if name == "WARNCELLID" and not (value or "").strip().isdecimal():
                yield broken(here, "DE-warncell", shown(value or ""), "a number")
            if name in EXCLUSIONS:
                ground = area_ground((), (), ((name, value),))
                unreadable = any(record.code == "unreadable" for record in ground.records)
                found = "a hole that cannot be read" if unreadable else "a hole in the area"
                yield broken(here, "DE-hole", found, "taken out of the area")
    for path, info in infos(alert):
        there = {(name or "").strip() for name, _ in info.get("eventCode", ())}
        missing = [name for name in _EVENT_CODES if name not in there]
        if missing:
            yield broken(f"{path}/eventCode", "DE-eventcodes", f"no {', '.join(missing)}", "all of them")


def met_norway(alert: Block) -> Iterator[CapFault]:
    """The habits of MET Norway."""
    told = list(infos(alert))
    for path, info in told:
        if len(info.get("area", ())) != 1:
            yield broken(f"{path}/area", "NO-one-area", f"{len(info.get('area', ()))} areas", "one area")
        missing = [name for name in _RISK if not coded(info, "parameter", name)]
        if missing:
            yield broken(f"{path}/parameter", "NO-risk", f"no {', '.join(missing)}", "all of them")
    for name in ("effective", "onset", "expires", "urgency", "severity", "certainty"):
        values = {first(info, name) for _, info in told}
        if len(values) > 1:
            yield broken(
                "alert/info", "NO-one-area", f"{name} {', '.join(sorted(values))}", "equal in both languages"
            )
    languages = {first(info, "language").lower()[:2] for _, info in told}
    if told and not ({"no", "nb", "nn"} & languages and "en" in languages):
        yield broken("alert/info", "NO-one-area", ", ".join(sorted(languages)), "Norwegian and English")
