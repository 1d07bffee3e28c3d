"""China: GB/T 35965.1-2018 (exchange of emergency early-warning messages) and the national CAP feed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

from anlan.formats.cap.blocks import Block, coded, first
from anlan.formats.cap.fault import CapFault, shown
from anlan.formats.cap.profiles.asked import areas, broken, infos
from anlan.formats.cap.schema import STATUS
from anlan.formats.cap.times import judge_time

_IDENTIFIER = re.compile(r"([0-9]{14})_([0-9]{14})(?:_([0-9]))?")
BEIJING = timezone(timedelta(hours=8))
#: how far the time in an identifier may be from that of sending: eight hours are another zone
NEAR = timedelta(hours=1)
AREA_CODE = "CPEAS Geographic Code"
_AREA = re.compile(r"[0-9]{6}0{6}|[0-9]{12}")
#: colours of the four levels, in the words that texts use, and the severity that each stands for
COLOURS = {
    "红": "Extreme", "橙": "Severe", "黄": "Moderate", "蓝": "Minor",
    "red": "Extreme", "orange": "Severe", "yellow": "Moderate", "blue": "Minor",
}  # fmt: skip
_CHINESE = re.compile(r"([红橙黄蓝])色预警")
_ENGLISH = re.compile(r"\b(red|orange|yellow|blue)\s+(?:warning|alert)\b", re.IGNORECASE)
#: provinces, regions, municipalities and special administrative regions (GB/T 2260, first two digits)
_PROVINCES = frozenset(
    [
        "11",
        "12",
        "13",
        "14",
        "15",
        "21",
        "22",
        "23",
        "31",
        "32",
        "33",
        "34",
        "35",
        "36",
        "37",
        "41",
        "42",
        "43",
        "44",
        "45",
        "46",
        "50",
        "51",
        "52",
        "53",
        "54",
        "61",
        "62",
        "63",
        "64",
        "65",
        "71",
        "81",
        "82",
        "10",
    ]
)


def check(alert: Block) -> Iterator[CapFault]:
    """The national standard and the habits of the national feed."""
    identifier = first(alert, "identifier")
    match = _IDENTIFIER.fullmatch(identifier)
    if match is None:
        yield broken("alert/identifier", "CN-identifier", shown(identifier), "14 digits_14 digits_1 digit")
    else:
        yield from _identified(match, alert)
    status = first(alert, "status")
    if status not in STATUS:
        yield broken("alert/status", "CN-status", shown(status), ", ".join(STATUS))
    for path, block, name in [
        ("alert", alert, "sent"),
        *((path, info, name) for path, info in infos(alert) for name in ("effective", "onset", "expires")),
    ]:
        text = first(block, name)
        if text and judge_time(text, True).instant is None:
            yield broken(f"{path}/{name}", "CN-datetime", shown(text), "YYYY-MM-DDThh:mm:ss+08:00")
    for path, info in infos(alert):
        yield from _level(path, info)
    languages = {first(info, "language").lower() or "en-us" for _, info in infos(alert)}
    if not {"zh-cn", "en-us"} <= languages:
        yield broken(
            "alert/info", "CN-cap-feed", ", ".join(sorted(languages)) or "nothing", "zh-CN and en-US"
        )
    for path, area in areas(alert):
        codes = coded(area, "geocode", AREA_CODE)
        if not codes or not all(_AREA.fullmatch(code) for code in codes):
            found = shown(", ".join(codes)) if codes else "nothing"
            yield broken(f"{path}/geocode", "CN-cap-feed", found, f"{AREA_CODE} of twelve digits")


def _identified(match: re.Match[str], alert: Block) -> Iterator[CapFault]:
    """The parts of an identifier: publisher, Beijing time, number in the second."""
    publisher, time, number = match.groups()
    if publisher[:2] not in _PROVINCES:
        expected = "a division of GB/T 2260 in the first six digits"
        yield broken("alert/identifier", "CN-publisher", publisher, expected)
    try:
        stamped = datetime.strptime(time, "%Y%m%d%H%M%S").replace(tzinfo=BEIJING)
    except ValueError:
        yield broken("alert/identifier", "CN-identifier", shown(time), "a Beijing time YYYYMMDDhhmmss")
        return
    if number is None:
        # the national feed leaves the last part off
        yield broken("alert/identifier", "CN-identifier", shown(match[0]), "_ and a digit at the end")
    sent = judge_time(first(alert, "sent"), True).instant
    if sent is not None and abs(sent - stamped) > NEAR:
        yield broken(
            "alert/identifier", "CN-identifier", time, f"the time of sending, {first(alert, 'sent')}"
        )


def _level(path: str, info: Block) -> Iterator[CapFault]:
    """The colour that the texts tell and the severity say the same."""
    text = f"{first(info, 'headline')} {first(info, 'event')} {first(info, 'description')[:200]}"
    told = _CHINESE.search(text) or _ENGLISH.search(text)
    if told is None:
        return
    severity = COLOURS[told[1].lower()]
    if first(info, "severity") != severity:
        found = f"{told[0]} with severity {first(info, 'severity')}"
        yield broken(f"{path}/severity", "CN-levels", found, severity)
