"""The time axis: a study period cut into periods of equal length, counted back from its end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

Unit: TypeAlias = Literal["year", "month", "week", "day"]
UNITS = ("year", "month", "week", "day")
DAYS_IN_YEAR = 365.25
#: February to March is 0.9: a first period shorter than this beside the second is cut off
_CUT_OFF = 0.89


@dataclass(frozen=True, slots=True)
class Periods:
    """`bounds` [n + 1], datetime64[D]: the first day of each period, and the day after the last one."""

    bounds: npt.NDArray[np.datetime64]

    def __post_init__(self) -> None:
        bounds = np.asarray(self.bounds).astype("datetime64[D]")
        if bounds.ndim != 1 or len(bounds) < 2:
            raise ValueError(f"periods need two bounds or more in one dimension, found shape {bounds.shape}")
        if np.isnat(bounds).any() or (np.diff(bounds) <= np.timedelta64(0, "D")).any():
            raise ValueError("bounds of periods must be known and strictly increasing")
        object.__setattr__(self, "bounds", bounds)

    def __len__(self) -> int:
        return len(self.bounds) - 1

    @property
    def days(self) -> npt.NDArray[np.float64]:
        """Length of each period in days."""
        return np.diff(self.bounds).astype(np.float64)

    @property
    def count(self) -> float:
        """How many whole periods they come to: a first one that is cut off counts as the part it is."""
        part = float(self.days[0] / self.days[1]) if len(self) > 1 else 1.0
        return len(self) - 1 + (part if part < _CUT_OFF else 1.0)

    @property
    def mean_days(self) -> float:
        """Mean length of a period in days: of the year 365.25, as calendars have it in the long run."""
        mean = float(self.days[1:].mean() if len(self) > 1 else self.days.mean())
        for months in (1, 3, 6, 12):
            if abs(mean - months * DAYS_IN_YEAR / 12) < 0.02 * mean:
                return months * DAYS_IN_YEAR / 12
        return mean

    @property
    def mean_years(self) -> float:
        """Mean length of a period in years."""
        return self.mean_days / DAYS_IN_YEAR

    def first_day(self, period: int) -> date:
        """The first day of a period."""
        return _day(self.bounds[period])

    def last_day(self, period: int) -> date:
        """The last day of a period."""
        return _day(self.bounds[period + 1] - np.timedelta64(1, "D"))

    def index(self, days: npt.NDArray[np.datetime64]) -> npt.NDArray[np.int64]:
        """The period of each day; -1 outside of the study period."""
        days = np.asarray(days).astype("datetime64[D]")
        found = np.searchsorted(self.bounds, days, side="right") - 1
        found[(days < self.bounds[0]) | (days >= self.bounds[-1])] = -1
        return found.astype(np.int64)


def one_period(start: date, end: date) -> Periods:
    """The whole study period, both days within it, as one period."""
    return Periods(np.array([start, end + (end.resolution)], dtype="datetime64[D]"))


def periods(start: date, end: date, unit: Unit, length: int = 1) -> Periods:
    """Periods of `length` units that end on `end`; the first one is cut off at `start`."""
    if unit not in UNITS:
        raise ValueError(f"unit must be one of {', '.join(UNITS)}, found {unit!r}")
    if length < 1:
        raise ValueError(f"length must be 1 or more, found {length}")
    if end < start:
        raise ValueError(f"the study period must not end before it starts, found {start} to {end}")
    after = np.datetime64(end, "D") + np.timedelta64(1, "D")
    first = np.datetime64(start, "D")
    bounds: list[np.datetime64] = [after]
    step = length
    while bounds[-1] > first:
        before = _back(after, unit, step)
        bounds.append(before if before > first else first)
        step += length
    return Periods(np.array(bounds[::-1], dtype="datetime64[D]"))


def _back(day: np.datetime64, unit: Unit, count: int) -> np.datetime64:
    if unit in ("day", "week"):
        return day - np.timedelta64(count * (7 if unit == "week" else 1), "D")
    month = day.astype("datetime64[M]")
    within = day - month.astype("datetime64[D]")
    months = count * (12 if unit == "year" else 1)
    target = month - np.timedelta64(months, "M")
    last = (target + np.timedelta64(1, "M")).astype("datetime64[D]") - np.timedelta64(1, "D")
    return min(target.astype("datetime64[D]") + within, last)


def _day(day: np.datetime64) -> date:
    found = day.astype("datetime64[D]").item()
    assert isinstance(found, date)
    return found
