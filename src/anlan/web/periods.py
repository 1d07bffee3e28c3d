"""The period that a value stands for, in words: a day by its date, a week by its Monday and number, shorter
ones by the clock."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo

from anlan.model.time import MONTH

DAY, WEEK = timedelta(days=1), timedelta(days=7)
MONDAY = 0


def period(at: datetime, step: timedelta | None, zone: tzinfo) -> str:
    """The label of the period of length `step` (None: a day) that begins at `at`. A day is named by the date
    on which its middle falls in `zone`: days that begin at midnight of another zone keep their own date.
    Weeks that begin on a Monday carry their number (ISO 8601); a month is named alone."""
    step = step or DAY
    if step < DAY:
        return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"
    local = (at + DAY / 2 - timedelta(seconds=1)).astimezone(zone)
    if step == WEEK and local.weekday() == MONDAY:
        return f"{local:%Y-%m-%d} ({local:%G-W%V})"
    return f"{local:%Y-%m}" if step == MONTH else f"{local:%Y-%m-%d}"
