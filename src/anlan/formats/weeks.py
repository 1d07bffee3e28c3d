"""Weeks by their number in a year: ISO 8601 (Monday to Sunday) or MMWR (Sunday to Saturday).

Both give the first week that has four days or more in the year the number 1, so they differ by the day a
week begins, and in which years have 53 weeks. ISO 8601-1:2019, 3.1.1.23; CDC, MMWR Weeks (of the National
Notifiable Diseases Surveillance System). The epidemiological weeks of WHO are ISO weeks.
"""

from __future__ import annotations

import datetime as dt

from anlan.model.errors import InvalidValue

ISO, MMWR = "iso", "mmwr"
KINDS = (ISO, MMWR)
#: how they are written for people
NAMES = {ISO: "ISO", MMWR: "MMWR"}


def check(kind: str) -> str:
    """`kind` itself, or empty where nothing is said; InvalidValue for another word."""
    if kind and kind not in KINDS:
        raise InvalidValue(
            "no such weeks",
            where="weeks",
            found=repr(kind),
            expected="iso (Monday to Sunday, ISO 8601 and WHO) or mmwr (Sunday to Saturday, CDC)",
        )
    return kind


def first_day(year: int, kind: str = ISO) -> dt.date:
    """The day on which week 1 of `year` begins."""
    fourth = dt.date(year, 1, 4)  # is in week 1 by both
    return fourth - dt.timedelta(days=fourth.weekday() if kind == ISO else fourth.isoweekday() % 7)


def count(year: int, kind: str = ISO) -> int:
    """52 or 53."""
    return (first_day(year + 1, kind) - first_day(year, kind)).days // 7


def begins(year: int, week: int, kind: str = ISO) -> dt.date:
    """The day on which a week begins; ValueError where the year has no such week."""
    if not 1 <= week <= count(year, kind):
        raise ValueError(f"{year} has {count(year, kind)} {NAMES[kind]} weeks")
    return first_day(year, kind) + dt.timedelta(weeks=week - 1)


def week_of(day: dt.date, kind: str = ISO) -> tuple[int, int]:
    """(year, week) of the week that `day` lies in."""
    year = day.year + 1
    while first_day(year, kind) > day:
        year -= 1
    return year, (day - first_day(year, kind)).days // 7 + 1
