"""Dates and times as CAP writes them (CAP 1.2, section 3.3.2): whole seconds, a numeric offset, no Z;
UTC is -00:00."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from functools import lru_cache

from anlan.model.errors import InvalidValue

CAP_FORM = re.compile(r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[-+][0-9]{2}:[0-9]{2}\Z")
# xs:dateTime, as CAP 1.0 and 1.1 allow it
_XSD_FORM = re.compile(
    r"\A([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(\.[0-9]+)?(Z|[-+][0-9]{2}:[0-9]{2})?\Z"
)
_MAX_OFFSET = timedelta(hours=14)
_ZULU = re.compile(r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)? ?[A-Za-z]{1,5}\Z")
_COMMA = re.compile(r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2},[0-9]{2}:[0-9]{2}\Z")
#: what leaves no doubt about the instant, although neither CAP nor xs:dateTime writes it so: a blank or a
#: small letter for T, no seconds, an offset without its colon or its minutes
_LOOSE = re.compile(
    r"\A([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2})(:[0-9]{2}(?:\.[0-9]+)?)?"
    r"(?:([Zz])|([-+][0-9]{2}):?([0-9]{2})?)\Z"
)
#: years that an alert can be from, and how far the Buddhist era is ahead
PLAUSIBLE = (2000, 2100)
BUDDHIST = 543


@dataclass(frozen=True, slots=True)
class Reading:
    """What a date and time of a message comes to: `instant` None where there is none, or none that is
    clear; `broken` the rules that its form breaks, each with whether the schema refuses it too."""

    instant: datetime | None
    broken: tuple[tuple[str, bool], ...] = ()


def read_time(text: str) -> datetime:
    """An xs:dateTime with its offset; ValueError when there is no such instant or no offset."""
    match = _XSD_FORM.match(text)
    if match is None:
        raise ValueError("not a date and time")
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    fraction, offset = match.group(7), match.group(8)
    if offset is None:
        raise ValueError("no offset")
    zone = _zone(offset)
    midnight = hour == 24 and minute == 0 and second == 0 and not (fraction or "").strip(".0")
    microsecond = int((fraction or ".0")[1:7].ljust(6, "0"))
    instant = datetime(year, month, day, 0 if midnight else hour, minute, second, microsecond, zone)
    return instant + timedelta(days=1) if midnight else instant


_PLUS_ZERO = (("D-utc-minus", False),)


def judge_time(text: str, strict: bool) -> Reading:
    """A date and time as written, blanks around it taken off. `strict` for CAP 1.2, whose schema asks for
    the form; those of 1.0 and 1.1 take any xs:dateTime."""
    # what is longer is no time, and is not worth remembering
    return remembered(text, strict) if len(text) <= 40 else _judged(text, strict, False)


@lru_cache(maxsize=4096)
def remembered(text: str, strict: bool) -> Reading:
    """`judge_time` for the texts that come again and again."""
    formed = CAP_FORM.match(text) is not None
    # nearly every time is well formed and exists: the clock's own reader takes those as read_time would
    if formed and text[20:22] < "14" and text[23] < "6" and "2000" <= text[:4] <= "2099":
        try:
            instant = datetime.fromisoformat(text)
            return Reading(instant, _PLUS_ZERO if text[19:] == "+00:00" else ())
        except ValueError:
            pass
    return _judged(text, strict, formed)


def _judged(text: str, strict: bool, formed: bool) -> Reading:
    broken: list[tuple[str, bool]] = []
    instant: datetime | None = None
    try:
        instant = read_time(text)
    except (ValueError, OverflowError):
        instant = None
    exists = instant is not None or is_time(text)
    if not formed:
        broken.append(("D-format", strict or not (exists or _XSD_FORM.match(text))))
        if _ZULU.match(text):
            broken.append(("D-no-Z", strict or not exists))
        if _COMMA.match(text):
            broken.append(("D-schema-comma", True))
    if not exists and (formed or _XSD_FORM.match(text)):
        broken.append(("D-calendar", True))
    if formed and text.endswith("+00:00"):
        broken.append(("D-utc-minus", False))
    if not exists and not formed:
        instant = _loosely(text)
    if instant is not None and not PLAUSIBLE[0] <= instant.year <= PLAUSIBLE[1]:
        broken.append(("D-implausible-year", False))
    return Reading(instant, tuple(broken))


def _loosely(text: str) -> datetime | None:
    match = _LOOSE.match(text)
    if match is None:
        return None
    day, clock, seconds, zulu, hours, minutes = match.groups()
    offset = "Z" if zulu else f"{hours}:{minutes or '00'}"
    try:
        return read_time(f"{day}T{clock}{seconds or ':00'}{offset}")
    except (ValueError, OverflowError):
        return None


def _zone(offset: str) -> tzinfo:
    if offset == "Z":
        return timezone(timedelta(0))
    hours, minutes = int(offset[1:3]), int(offset[4:6])
    shift = timedelta(hours=hours, minutes=minutes)
    if minutes > 59 or shift > _MAX_OFFSET:
        raise ValueError("no such offset")
    return timezone(-shift if offset[0] == "-" else shift)


def is_time(text: str) -> bool:
    """True for an xs:dateTime that exists, with or without an offset."""
    try:
        read_time(text)
    except (ValueError, OverflowError) as error:
        return str(error) == "no offset" and is_time(text + "Z")
    return True


def write_time(instant: datetime, where: str = "time") -> str:
    """The CAP form of a zone-aware instant of whole seconds, in its own offset; InvalidValue otherwise."""
    offset = instant.utcoffset()
    if offset is None or instant.microsecond or offset % timedelta(minutes=1) or abs(offset) > _MAX_OFFSET:
        raise InvalidValue(
            "not a CAP date and time",
            where=where,
            found=instant.isoformat(),
            expected="whole seconds, and an offset of whole minutes up to 14 hours",
        )
    clock = instant.strftime("%m-%dT%H:%M:%S")
    minutes = int(offset.total_seconds()) // 60
    sign = "+" if minutes > 0 else "-"
    return f"{instant.year:04d}-{clock}{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
