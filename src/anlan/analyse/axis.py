"""The time axis of a table: regular steps from the first to the last time, whatever rows are there.

A dated axis is weekly (52 periods a year, years with 53 weeks included), monthly (12) or daily (365);
the step follows from the dates, or from `freq`. An undated axis counts `k`. Times that no row names
are gaps: they are on the axis, and every value at them is missing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from anlan.assess.detect.panel import Dates, Ints
from anlan.model.errors import InvalidValue

#: periods per year of a dated axis
WEEKLY, MONTHLY, DAILY = 52, 12, 365
DATED = {WEEKLY: "weekly", MONTHLY: "monthly", DAILY: "daily"}
#: a mistyped year must not make an axis of millions: this many times the rows, and some
SPARSE, SPARE = 50, 1000


@dataclass(frozen=True, slots=True)
class Axis:
    """`dates` [n_time] the day each period begins, or None; `k` [n_time] its number: the row number
    from 1 on a dated axis, the number in the column `k` on an undated one. `gaps` indexes of times that
    no row names. `moved` true where months were moved to their first day. `weeks`: which weeks the numbers
    of weeks were (`formats.weeks`), where the times were told by them."""

    freq: int
    dates: Dates | None
    k: Ints
    gaps: Ints
    moved: bool = False
    weeks: str = ""

    @property
    def n_time(self) -> int:
        return len(self.k)

    def label(self, index: int) -> str:
        """How a time is written: its date, or its `k`."""
        return str(self.dates[index]) if self.dates is not None else str(self.k[index])


def dated(days: Dates, freq: int | None, where: Callable[[int], str]) -> tuple[Axis, Ints]:
    """The axis over `days` [n_rows] in any order, and the index of each row on it. `freq` None: deduced.
    InvalidValue, at `where(row)`, for a date that lies between two steps, or an axis far longer than
    its rows; a date twice is the caller's business."""
    if len(days) == 0:
        raise InvalidValue("no rows", where=where(-1), found="none", expected="one row a time")
    freq = _deduced(days, where) if freq is None else freq
    if freq not in DATED:
        raise InvalidValue(
            "a dated table is weekly, monthly or daily",
            where="freq",
            found=str(freq),
            expected="52, 12 or 365",
            mend="number the times in a column k instead of dates",
        )
    if freq == MONTHLY:
        months = days.astype("datetime64[M]")
        steps = (months - months.min()).astype(np.int64)
        moved = bool((months.astype("datetime64[D]") != days).any())
    else:
        width = 7 if freq == WEEKLY else 1
        offset = (days - days.min()).astype(np.int64)
        off = np.flatnonzero(offset % width)
        if off.size:
            _between(days, int(off[0]), where)
        steps, moved = offset // width, False
    n_time = _long_enough(steps, days, where)
    if freq == MONTHLY:
        dates = (days.min().astype("datetime64[M]") + np.arange(n_time)).astype("datetime64[D]")
    else:
        dates = days.min() + np.arange(n_time) * np.timedelta64(7 if freq == WEEKLY else 1, "D")
    return Axis(freq, dates, np.arange(1, n_time + 1), _gaps(steps, n_time), moved), steps


def counted(k: Ints, freq: int | None, where: Callable[[int], str]) -> tuple[Axis, Ints]:
    """The axis over the numbers `k` [n_rows], and the index of each row on it."""
    if len(k) == 0:
        raise InvalidValue("no rows", where=where(-1), found="none", expected="one row a time")
    if freq is None:
        raise InvalidValue(
            "the times have no dates, so the periods per year are not known",
            where="freq",
            found="none",
            expected="52 for weeks, 12 for months, 365 for days",
            mend="give it: --freq 52, or freq=52",
        )
    steps = k - k.min()
    n_time = _long_enough(steps, k, where)
    return Axis(freq, None, k.min() + np.arange(n_time), _gaps(steps, n_time)), steps


def _gaps(steps: Ints, n_time: int) -> Ints:
    return np.setdiff1d(np.arange(n_time), steps)


def _long_enough(steps: Ints, times: Dates | Ints, where: Callable[[int], str]) -> int:
    n_time = int(steps.max()) + 1
    if n_time > SPARSE * len(np.unique(steps)) + SPARE:
        row = int(np.argmax(np.abs(steps - np.median(steps))))
        raise InvalidValue(
            f"this time makes an axis of {n_time} periods for {len(np.unique(steps))} times",
            where=where(row),
            found=str(times[row]),
            expected="times near the others",
        )
    return n_time


def _deduced(days: Dates, where: Callable[[int], str]) -> int:
    """52 where all steps are whole weeks, 12 where every month is named at most once and the shortest
    step is a month, 365 where two days follow each other."""
    one = np.unique(days)
    steps = np.diff(one).astype(np.int64)
    if len(steps) == 0:
        raise InvalidValue(
            "one time alone does not tell the periods per year",
            where=where(0),
            found=str(one[0]),
            expected="two times or more",
            mend="give it: --freq 52, or freq=52",
        )
    if steps.min() == 1:
        return DAILY
    if (steps % 7 == 0).all() and steps.min() <= 28:
        return WEEKLY
    if steps.min() >= 28 and len(np.unique(one.astype("datetime64[M]"))) == len(one):
        return MONTHLY
    weekdays = (one.astype(np.int64) + 3) % 7
    common = int(np.bincount(weekdays).argmax())
    if steps.min() >= 4 and (weekdays == common).mean() > 0.5:
        _between(days, int(np.flatnonzero(((days.astype(np.int64) + 3) % 7) != common)[0]), where)
    raise InvalidValue(
        "the dates are neither days, weeks nor months",
        where=where(0),
        found=f"steps of {', '.join(str(s) for s in np.unique(steps)[:6])} days",
        expected="one step: a day, a week or a month",
        mend="say which: --freq 52, 12 or 365",
    )


def _between(days: Dates, row: int, where: Callable[[int], str]) -> None:
    weekday: dt.date = days[row].item()
    raise InvalidValue(
        "a date off the weekly axis",
        where=where(row),
        found=f"{days[row]} ({weekday:%A})",
        expected="the weekday of the other rows",
    )
