"""Weekday and holiday effects: what a count would have been on a day like the average one.

A clinic that is closed on Sundays, a holiday week, a Sunday worked in exchange for it: the count of the
day says when people were counted, not how many fell ill. Each day has a kind, each kind a factor, and a
count divided by the factor of its kind is comparable with the others:

    y(t) = level(t) f(kind(t)),  f(k) = sum of y over days of kind k / sum of level over them

with the level a centred mean of the adjusted counts, the two worked out in turns until they agree (the
ratio-to-moving-average method, Shiskin, Young, Musgrave 1967, X-11 variant, with a window of fifteen days
so that a holiday week does not carry its own level). The factors of the seven ordinary weekdays average
one. They are estimated on the history only: the days that are tested have no say in how they are adjusted.

A count divided by a small factor scatters more than the others: of a Poisson count y / f has the variance
level / f, and a bound taken from all days would be crossed on holidays some ten times as often as it should.
So what detectors are given (`Evened`) is drawn towards the level as much as that takes,

    v(t) = L(t) + (y(t) / f - L(t)) sqrt(f)

with L the median of y / f over the four weeks before (one absurd count does not carry it away): of the
variance of an average day on every day. A bound U of v is f L + sqrt(f) (U - L) cases of that day.

The Chinese calendar (`cn`): statutory holidays as the State Council announces them each year, and the
weekend days worked in exchange (调休), from the package `chinesecalendar`. The days of a year that it
does not know yet have no kind and no factor; a rule takes them for ordinary weekdays and says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

import numpy as np
from chinese_calendar import constants  # type: ignore[import-untyped]
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Kinds = NDArray[np.int8]

#: kinds of days: 0 to 6 the ordinary weekdays from Monday on, then
HOLIDAY, MAKE_UP = 7, 8
KINDS = 9
#: no calendar of that year
UNKNOWN = -1
#: calendars by name, as an indicator of a pack names them
CALENDARS = ("cn",)
#: days of history that a rule with a calendar reads for its factors
HISTORY_DAYS = 371

_ORDINARY = 7
_HALF = 7
_BACK = 28
_LEAST_DAYS = 4
_ROUNDS = 60


@dataclass(frozen=True, slots=True)
class Effects:
    """`factor` [n_series, KINDS], the mean ordinary day being 1; NaN where every day of the kind was 0
    while others were not (nobody counts on it, so its count says nothing). `days` same shape: how many
    values each rests on. `borrowed` same shape: too few of them, so a holiday counts as a Sunday, a
    make-up workday as the mean of Monday to Friday, an ordinary day as 1."""

    factor: Floats
    days: NDArray[np.int64]
    borrowed: NDArray[np.bool_]

    def of(self, kinds: Kinds) -> Floats:
        """[n_series, n_days]: the factor of each day; NaN on days of no known kind."""
        found = self.factor[:, np.maximum(kinds, 0)]
        found[:, kinds == UNKNOWN] = np.nan
        return found


@dataclass(frozen=True, slots=True)
class Evened:
    """Counts as an average day would have had them, level and scatter: `values` [n_series, n_days], from
    counts with the `factor` of their days and the `level` before them, both of the same shape."""

    values: Floats
    factor: Floats
    level: Floats

    def own(self, bound: Floats, days: NDArray[np.int64]) -> Floats:
        """[n_series, n_tests]: what a `bound` of `values` on those days is in counts of the day itself."""
        f, level = self.factor[:, days], self.level[:, days]
        return np.where(np.isnan(level), f * bound, np.maximum(f * level + np.sqrt(f) * (bound - level), 0.0))


def day_kinds(days: NDArray[np.datetime64], calendar: str = "cn") -> Kinds:
    """The kind of each civil date [n_days]; ValueError for a calendar that there is none of."""
    if calendar not in CALENDARS:
        raise ValueError(f"calendar must be one of {', '.join(CALENDARS)}, found {calendar!r}")
    return np.array([_kind(day) for day in days.astype("datetime64[D]").astype(date)], dtype=np.int8)


def weekdays(days: NDArray[np.datetime64]) -> Kinds:
    """The kinds of the civil dates [n_days] where nothing but the weekday is known."""
    number = days.astype("datetime64[D]").astype(np.int64)  # day 0 was a Thursday
    return ((number + 3) % 7).astype(np.int8)


def kind_of_day(day: date, calendar: str = "") -> str:
    """workday, weekend or holiday, as people keep it: a make-up workday is a workday. By the weekday alone
    without a calendar, and in a year that it does not know."""
    kind = _kind(day) if calendar in CALENDARS else day.weekday()
    if kind == UNKNOWN:
        kind = day.weekday()
    if kind == HOLIDAY:
        return "holiday"
    return "workday" if kind == MAKE_UP or kind < 5 else "weekend"


@cache
def _kind(day: date) -> int:
    if not min(constants.holidays).year <= day.year <= max(constants.holidays).year:
        return UNKNOWN
    if day in constants.holidays:
        return HOLIDAY
    return MAKE_UP if day in constants.workdays else day.weekday()


def effects(values: Floats, kinds: Kinds) -> Effects:
    """The factors of every kind of day in `values` [n_series, n_days], a history without the tested days;
    NaN is missing. A series without a case has factors of 1."""
    values = np.where(kinds == UNKNOWN, np.nan, values)
    here = ~np.isnan(values)
    y = np.where(here, values, 0.0)
    days, cases = _by_kind(here.astype(np.int64), kinds), _by_kind(y, kinds)
    factor = np.ones((len(values), KINDS))
    going = np.arange(len(values))  # a series is done when its own factors stand
    for _ in range(_ROUNDS):
        if not len(going):
            break
        after = _round(y[going], here[going], kinds, days[going], cases[going], factor[going])
        settled = np.isclose(after, factor[going], rtol=1e-9, atol=1e-12).all(axis=1)
        factor[going] = after
        going = going[~settled]
    return Effects(np.where(factor > 0, factor, np.nan), days, days < _LEAST_DAYS)


def _round(
    y: Floats,
    here: NDArray[np.bool_],
    kinds: Kinds,
    days: NDArray[np.int64],
    cases: Floats,
    factor: Floats,
) -> Floats:
    """The factors that follow from the level that follows from `factor`."""
    each = factor[:, np.maximum(kinds, 0)]
    usable = here & (each > 0)
    level = _around(np.where(usable, y / np.where(each > 0, each, 1.0), 0.0), usable)
    share = _by_kind(np.where(here, level, 0.0), kinds)
    enough = (days >= _LEAST_DAYS) & (share > 0)
    found = _borrow(np.where(enough, cases / np.where(share > 0, share, 1.0), 1.0), days)
    mean = found[:, :_ORDINARY].mean(axis=1, keepdims=True)
    scaled: Floats = found / np.where(mean > 0, mean, 1.0)
    return scaled


def _by_kind(values: NDArray[Any], kinds: Kinds) -> NDArray[Any]:
    """[n_series, KINDS]: sums over the days of each kind, each series added up for itself."""
    parts = [np.ascontiguousarray(values[:, kinds == k]).sum(axis=1) for k in range(KINDS)]
    return np.stack(parts, axis=1)


def adjusted(values: Floats, kinds: Kinds, until: int) -> tuple[Floats, Effects]:
    """(`values` [n_series, n_days] over the factors of their days, the factors), estimated on the days
    before index `until`. NaN where a value is missing or its day has no factor."""
    found = effects(values[:, :until], kinds[:until])
    return values / found.of(kinds), found


def evened(values: Floats, factor: Floats) -> Evened:
    """`values` [n_series, n_days] with the `factor` of each, same shape. Without a known day in the four
    weeks before there is no level, and a value is over its factor alone. Counts stay at or above 0."""
    plain = values / factor
    level = _before(plain)
    drawn = np.maximum(level + (plain - level) * np.sqrt(factor), np.minimum(plain, 0.0))
    return Evened(np.where(np.isnan(level), plain, drawn), factor, level)


def _before(values: Floats) -> Floats:
    """The median of the known values of the `_BACK` days before each; NaN where there is none."""
    level = np.full(values.shape, np.nan)
    for row, series in enumerate(values):  # one by one: windows of all of them would not fit in memory
        past = np.concatenate([np.full(_BACK, np.nan), series[:-1]])
        windows = np.sort(np.lib.stride_tricks.sliding_window_view(past, _BACK), axis=1)  # NaN go last
        known = (~np.isnan(windows)).sum(axis=1)
        days = np.arange(len(series))
        low, high = np.maximum(known - 1, 0) // 2, known // 2
        level[row] = np.where(known > 0, (windows[days, low] + windows[days, high]) / 2, np.nan)
    return level


def _around(values: Floats, here: NDArray[np.bool_]) -> Floats:
    """The mean of the values that are there within seven days on either side."""
    n = values.shape[1]
    low = np.maximum(np.arange(n) - _HALF, 0)
    high = np.minimum(np.arange(n) + _HALF + 1, n)
    sums = np.concatenate([np.zeros((len(values), 1)), values.cumsum(axis=1)], axis=1)
    counts = np.concatenate([np.zeros((len(values), 1)), here.cumsum(axis=1)], axis=1)
    number = counts[:, high] - counts[:, low]
    mean: Floats = np.where(number > 0, (sums[:, high] - sums[:, low]) / np.maximum(number, 1), 0.0)
    return mean


def _borrow(factor: Floats, days: NDArray[np.int64]) -> Floats:
    """A holiday with too few days counts as a Sunday, a make-up workday as Monday to Friday."""
    few = days < _LEAST_DAYS
    found = factor.copy()
    found[:, HOLIDAY] = np.where(few[:, HOLIDAY], factor[:, 6], factor[:, HOLIDAY])
    found[:, MAKE_UP] = np.where(few[:, MAKE_UP], factor[:, :5].mean(axis=1), factor[:, MAKE_UP])
    return found
