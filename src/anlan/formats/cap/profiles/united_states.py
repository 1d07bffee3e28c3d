"""The United States: the IPAWS profile (OASIS CAP v1.2 USA IPAWS Profile v1.0), what the National Weather
Service carries in parameters, and Wireless Emergency Alerts (47 CFR 10.430)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from anlan.formats.cap.blocks import Block, coded, first
from anlan.formats.cap.fault import CapFault, shown
from anlan.formats.cap.profiles.asked import an_area, an_info, areas, broken, filled, infos, referring, same
from anlan.formats.cap.times import judge_time

_EVENT = re.compile(r"[A-Z]{3}")
_SAME = re.compile(r"[0-9]{6}")
_ORIGINATOR = re.compile(r"[A-Z]{3}")
# product class, action, office, phenomenon, significance, event number, begin and end
_VTEC = re.compile(
    r"/?[OTEX]\.(?:NEW|CON|EXT|EXA|EXB|UPG|CAN|EXP|COR|ROU)\.[A-Z]{4}\.[A-Z]{2}\.[WAYSFON]\.[0-9]{4}"
    r"\.[0-9]{6}T[0-9]{4}Z-[0-9]{6}T[0-9]{4}Z/?"
)
_HYDROLOGIC = re.compile(r"/?[A-Z0-9]{5}\.[N0-3U]\.[A-Z]{2}\.(?:[0-9]{6}T[0-9]{4}Z\.){3}[A-Z]{2}/?")
# GSM 03.38, the default alphabet and its extension table
_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà\f^{}\\[~]|€"
)
_LIMITS = {"CMAMlongtext": 360, "CMAMtext": 90}


def ipaws(alert: Block) -> Iterator[CapFault]:
    """The IPAWS profile."""
    if "IPAWSv1.0" not in (text.strip() for text in alert.get("code", ())):
        yield broken("alert/code", "US-code", shown(", ".join(alert.get("code", ()))), "IPAWSv1.0")
    yield from an_info(alert, "US-info")
    yield from filled(alert, "expires", "US-expires")
    for path, block, name in [
        ("alert", alert, "sent"),
        *((path, info, "expires") for path, info in infos(alert)),
    ]:
        if first(block, name)[-6:] in ("+00:00", "-00:00"):
            yield broken(f"{path}/{name}", "US-offset", first(block, name), "the local offset")
    for path, info in infos(alert):
        events = coded(info, "eventCode", "SAME")
        if len(events) != 1 or not _EVENT.fullmatch(events[0]):
            found = shown(", ".join(events)) if events else "nothing"
            yield broken(f"{path}/eventCode", "US-event", found, "one SAME code of three letters")
        originators = coded(info, "parameter", "EAS-ORG")
        if not originators or not _ORIGINATOR.fullmatch(originators[0]):
            found = shown(originators[0]) if originators else "nothing"
            yield broken(f"{path}/parameter", "US-eas-org", found, "EAS-ORG with the SAME originator")
        for name in ("effective", "onset"):
            if name in info:
                yield broken(
                    f"{path}/{name}", "US-effective", first(info, name), "not used: in effect when issued"
                )
    yield from same(alert, ("category", "eventCode"), "US-same-in-all")
    yield from an_area(alert, "US-area")
    for path, area in areas(alert):
        if not any(_SAME.fullmatch(code) for code in coded(area, "geocode", "SAME")):
            yield broken(f"{path}/geocode", "US-geocode", "no SAME code", "a SAME code of six digits")
    yield from referring(alert, "US-references")
    yield from filled(alert, "description", "US-text")
    yield from filled(alert, "instruction", "US-text")
    if not alert.get("Signature"):
        yield broken("alert/Signature", "US-sign", "nothing", "an enveloped signature")


def nws(alert: Block) -> Iterator[CapFault]:
    """What the National Weather Service carries in parameters and geocodes, where it is not as it ought."""
    for path, info in infos(alert):
        for text in coded(info, "parameter", "VTEC"):
            for part in re.split(r"[\s,]+", text.strip()):
                if part and not _VTEC.fullmatch(part) and not _HYDROLOGIC.fullmatch(part):
                    yield broken(f"{path}/parameter", "US-vtec", shown(part), "a VTEC string")
        for text in coded(info, "parameter", "expiredReferences"):
            for item in text.split():
                if item.count(",") != 2:
                    expected = "sender,identifier,sent"
                    yield broken(f"{path}/parameter", "US-expired-refs", shown(item), expected)
        for text in coded(info, "parameter", "eventEndingTime"):
            if judge_time(text, True).instant is None:
                yield broken(f"{path}/parameter", "US-eventEnding", shown(text), "a date and time")
    for path, area in areas(alert):
        for number, (name, value) in enumerate(area.get("geocode", ()), 1):
            if len((value or "").split()) > 1 and name not in ("EXCLUDE_POLYGON",):
                yield broken(f"{path}/geocode[{number}]", "US-fips6-list", shown(value or ""), "one code")


def wea(alert: Block) -> Iterator[CapFault]:
    """The texts for phones."""
    for path, info in infos(alert):
        for name, limit in _LIMITS.items():
            for text in coded(info, "parameter", name):
                if len(text) > limit:
                    found = f"{name} of {len(text)} characters"
                    yield broken(f"{path}/parameter", "WEA-chars", found, f"at most {limit}")
                odd = [character for character in text if character not in _GSM]
                if odd:
                    yield broken(
                        f"{path}/parameter", "WEA-chars", shown("".join(odd)), "characters of GSM 7-bit"
                    )
