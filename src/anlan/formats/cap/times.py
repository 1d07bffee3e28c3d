"""Dates and times as CAP writes them (CAP 1.2, section 3.3.2): whole seconds, a numeric offset, no Z;
UTC is -00:00."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone, tzinfo

from anlan.model.errors import InvalidValue

CAP_FORM = re.compile(r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[-+][0-9]{2}:[0-9]{2}\Z")
# xs:dateTime, as CAP 1.0 and 1.1 allow it
_XSD_FORM = re.compile(
    r"\A([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(\.[0-9]+)?(Z|[-+][0-9]{2}:[0-9]{2})?\Z"
)
_MAX_OFFSET = timedelta(hours=14)


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
