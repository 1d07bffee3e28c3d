"""Instants, intervals and periods of validity. Every instant is zone-aware UTC."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from anlan.model.errors import InvalidValue

_DURATION = re.compile(
    r"P(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?",
    re.ASCII,
)


def utc(instant: datetime, where: str = "time") -> datetime:
    """`instant` unchanged if it is zone-aware UTC; InvalidValue otherwise."""
    if instant.tzinfo is None:
        raise InvalidValue(
            "an instant needs a time zone",
            where=where,
            found=instant.isoformat(),
            expected="UTC, such as 2011-11-14T06:00:00Z",
        )
    if instant.utcoffset() != timedelta(0):
        raise InvalidValue(
            "an instant must be UTC",
            where=where,
            found=instant.isoformat(),
            expected="offset +00:00",
        )
    return instant


def parse_instant(text: str, where: str = "time") -> datetime:
    """An RFC 3339 instant with any stated offset, as UTC; InvalidValue without an offset."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidValue(
            "not an instant",
            where=where,
            found=repr(text),
            expected="RFC 3339, such as 2011-11-14T06:00:00Z",
        ) from error
    if instant.tzinfo is None:
        raise InvalidValue(
            "an instant needs a time zone",
            where=where,
            found=repr(text),
            expected="an offset, such as Z or +08:00",
        )
    try:
        return instant.astimezone(UTC)
    except OverflowError as error:
        raise InvalidValue(
            "an instant out of range", where=where, found=repr(text), expected="years 1 to 9999 UTC"
        ) from error


def format_instant(instant: datetime) -> str:
    """RFC 3339 with a trailing Z; fractions of a second only where there are any."""
    return utc(instant).isoformat().replace("+00:00", "Z")


def day_after(instant: datetime) -> datetime:
    """The next midnight (UTC) after an instant."""
    midnight = instant.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(days=1)


#: what stands for a calendar month, "P1M", as the period of an indicator: the mean one of the Gregorian
#: calendar, 365.2425 / 12 days
MONTH = timedelta(seconds=2_629_746)


def parse_duration(text: str, where: str = "duration") -> timedelta:
    """An ISO 8601 duration of weeks, days, hours, minutes, seconds (months have no fixed length)."""
    match = _DURATION.fullmatch(text)
    if match is None or not any(match.groups()):
        raise InvalidValue(
            "not a duration",
            where=where,
            found=repr(text),
            expected="ISO 8601 without months or years, such as P14D or PT2H",
        )
    try:
        return timedelta(**{k: int(v) for k, v in match.groupdict().items() if v})
    except (OverflowError, ValueError) as error:
        raise InvalidValue("a duration out of range", where=where, found=repr(text[:40])) from error


def format_duration(duration: timedelta) -> str:
    """ISO 8601; whole seconds; a negative one with a sign before it; MONTH as P1M."""
    if duration < timedelta(0):
        return "-" + format_duration(-duration)
    if duration == MONTH:
        return "P1M"
    seconds = int(duration.total_seconds())
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, seconds = divmod(rest, 60)
    clock = "".join(f"{n}{u}" for n, u in ((hours, "H"), (minutes, "M"), (seconds, "S")) if n)
    return "P" + (f"{days}D" if days else "") + (f"T{clock}" if clock else "") if (days or clock) else "PT0S"


@dataclass(frozen=True, slots=True)
class Interval:
    """From `start` (inclusive) to `end` (exclusive), both UTC; `end` None means open."""

    start: datetime
    end: datetime | None = None

    def __post_init__(self) -> None:
        utc(self.start, "interval.start")
        if self.end is not None and utc(self.end, "interval.end") < self.start:
            raise InvalidValue(
                "an interval ends before it starts",
                where="interval",
                found=f"{self.start.isoformat()} to {self.end.isoformat()}",
            )

    def contains(self, instant: datetime) -> bool:
        return self.start <= instant and (self.end is None or instant < self.end)


@dataclass(frozen=True, slots=True)
class Validity:
    """Dates between which a definition is in force: from `since` (inclusive) until `until`
    (exclusive). None is open on that side."""

    since: date | None = None
    until: date | None = None

    def __post_init__(self) -> None:
        if self.since and self.until and self.until <= self.since:
            raise InvalidValue(
                "a validity ends before it starts",
                where="validity",
                found=f"{self.since} to {self.until}",
            )

    def covers(self, day: date) -> bool:
        if isinstance(day, datetime):
            day = day.date()
        return (self.since is None or self.since <= day) and (self.until is None or day < self.until)

    def overlaps(self, other: Validity) -> bool:
        return (self.until is None or other.since is None or other.since < self.until) and (
            other.until is None or self.since is None or self.since < other.until
        )
