"""A day, a week or a month as tables write it: the day on which it begins."""

from __future__ import annotations

import datetime as dt
import re

from anlan.formats.weeks import ISO, KINDS, NAMES, begins, count

DATE_FORMS = "a date as 2012-01-30, a week as 2012-W05, or a month as 2012-01"
_DAY = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ]00:00(?::00(?:\.0+)?)?Z?)?")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")
_WEEK = re.compile(r"(\d{4})[- ]?(?:W|KW|EW)(\d{1,2})(?:-1)?", re.IGNORECASE)
_MONTH = re.compile(r"(\d{4})[-/](\d{1,2})")
#: a month or a week, as it is stated
_SIX = re.compile(r"(\d{4})(\d{2})(?:\.0+)?")
_CHINESE = re.compile(r"(\d{4})年(\d{1,2})月(?:(\d{1,2})日)?")


def by_week(text: str) -> bool:
    """Whether a time is written by the number of a week."""
    return bool(_WEEK.fullmatch(text.strip()))


def six_digits(text: str) -> bool:
    """Whether it may be a year with a month or a week: 202005."""
    found = _SIX.fullmatch(text.strip())
    return found is not None and 1800 <= int(found[1]) < 2200 and 1 <= int(found[2]) <= 53


def week_begins(text: str, kind: str) -> dt.date | None:
    """The first day of a week as 2012-W05, 2012-05 or 201205 of the calendar `kind`, iso or mmwr; None where
    the text is none, or names a week that the year does not have."""
    found = _week(text.strip(), kind)
    try:
        return begins(int(found[1]), int(found[2]), kind) if found else None
    except ValueError:
        return None


def month_begins(text: str) -> dt.date | None:
    """The first day of a month as 2012-01 or 201201; None where the text is none."""
    found = _MONTH.fullmatch(text.strip()) or _SIX.fullmatch(text.strip())
    try:
        return dt.date(int(found[1]), int(found[2]), 1) if found else None
    except ValueError:
        return None


def _week(text: str, kind: str) -> re.Match[str] | None:
    """Year and week in a text; without a `kind` only where it is written as a week."""
    found = _WEEK.fullmatch(text)
    return found or ((_MONTH.fullmatch(text) or _SIX.fullmatch(text)) if kind else None)


def day_of(text: str, weeks: str = "") -> dt.date | None:
    """The day a date, a week or a month (its first day) begins; None where the text is none of them, or names
    a day or week that the calendar does not have. `weeks`: iso or mmwr, and then 2012-05 and 201205 are weeks
    as well; without it 2012-W05 is an ISO week, 2012-05 a month."""
    text = text.strip()
    try:
        if found := _week(text, weeks):
            return begins(int(found[1]), int(found[2]), weeks or ISO)
        for pattern in (_DAY, _CHINESE, _MONTH, _COMPACT):
            if found := pattern.fullmatch(text):
                parts = [int(part) for part in found.groups() if part is not None]
                return dt.date(parts[0], parts[1], parts[2] if len(parts) == 3 else 1)
    except ValueError:
        return None
    return None


def not_in_calendar(text: str, weeks: str = "") -> str:
    """What a time names that the calendar does not have: "2024 has 52 ISO weeks"; empty where it is not
    written as a time at all."""
    text = text.strip()
    if found := _week(text, weeks):
        if not 1 < int(found[1]) < 9999:
            return ""
        year, kind = int(found[1]), weeks or ISO
        other = next(k for k in KINDS if k != kind)
        there = (
            f"; {count(year, other)} {NAMES[other]} weeks"
            if int(found[2]) == count(year, other) == 53
            else ""
        )
        return f"{year} has {count(year, kind)} {NAMES[kind]} weeks{there}"
    if (found := _MONTH.fullmatch(text)) and 12 < int(found[2]) <= 53:
        return "no such month; a week is written 2012-W05, or say --weeks iso or --weeks mmwr"
    written = any(pattern.fullmatch(text) for pattern in (_DAY, _CHINESE, _MONTH, _COMPACT))
    return "no such day in the calendar" if written else ""
