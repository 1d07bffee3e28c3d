"""Hours by the calendar: is somebody to be told now, and if not, when next."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeAlias
from zoneinfo import ZoneInfo

from anlan.model.route import Hours, Route

#: (date, calendar) -> workday, weekend or holiday
DayKind: TypeAlias = Callable[[date, str], str]

#: no public holiday lasts so long
LOOKS_AHEAD = 31
_DAY = timedelta(days=1)


def plain_days(day: date, _calendar: str) -> str:
    """The kind of a day by its weekday alone."""
    return "weekend" if day.weekday() >= 5 else "workday"


def opening(route: Route, now: datetime, kind_of: DayKind = plain_days) -> datetime:
    """`now` within the route's hours, else their next beginning; `now` too where they never begin (nobody
    waits for good)."""
    if not route.hours:
        return now
    zone = ZoneInfo(route.zone)
    today = now.astimezone(zone).date()
    starts: list[datetime] = []
    for ahead in range(-1, LOOKS_AHEAD):
        day = today + ahead * _DAY
        for hours in route.hours:
            if kind_of(day, route.calendar) not in hours.days:
                continue
            begin, end = _bounds(hours, day, zone)
            if begin <= now < end:
                return now
            if begin > now:
                starts.append(begin)
        if starts:
            return min(starts)
    return now


def _bounds(hours: Hours, day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    begin, end = _at(day, hours.start, zone), _at(day, hours.end, zone)
    if end <= begin:
        end = _at(day + _DAY, hours.end, zone)
    return begin, end


def _at(day: date, clock: str, zone: ZoneInfo) -> datetime:
    hour, minute = int(clock[:2]), int(clock[3:])
    if hour == 24:
        day, hour = day + _DAY, 0
    return datetime.combine(day, time(hour, minute), zone).astimezone(UTC)
