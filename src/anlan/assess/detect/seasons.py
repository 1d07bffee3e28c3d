"""Which past periods a tested period is compared with, and the season each belongs to.

Noufaily, Enki, Farrington, Garthwaite, Andrews, Charlett (2013), "An improved algorithm for
outbreak detection in multiple surveillance systems", Stat Med 32:1206-1222, section 3.2: windows
of half-width `w` about the same date in each of the `b` years before, and, when `no_periods` > 1,
the gaps between them cut into `no_periods` - 1 seasons of nearly equal length (the first ones take
the remainder), so that the whole history can be used with one level per season.

The oldest window may begin one period before the axis and is used without it, as R's `surveillance`
does (its row 0 is no row): the first 53-week year of a dated series asks for that.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from anlan.assess.detect.panel import Dates, Ints

#: periods per year that a dated axis can have
DATED = {52: "week", 12: "month", 365: "day"}


@dataclass(frozen=True, slots=True)
class ReferenceRows:
    """Reference rows of every tested period, one after the other, each sorted by season then time.

    `rows` [total] indexes into the time axis; `tick` [total] whole steps of `unit` periods since
    the first reference row; `bounds` [n_test, no_periods + 1] where each season of a test begins
    and ends in `rows` (the tested period lies in the last season); `tick_now` [n_test];
    `short` [n_test] true where the years asked for are not there (such a test has no rows);
    `axis` [n_time] the tick of every period.
    """

    rows: Ints
    tick: Ints
    unit: float
    bounds: Ints
    tick_now: Ints
    short: npt.NDArray[np.bool_]
    axis: Ints


def reference_rows(
    at: Ints,
    n_time: int,
    *,
    freq: int,
    dates: Dates | None,
    b: int,
    w: int,
    no_periods: int,
    past_not_included: int,
    as_package: bool = False,
) -> ReferenceRows:
    """The reference rows of each tested index in `at`; all counts in periods. More seasons than periods
    between two windows raise ValueError; `as_package` lets some seasons be empty, as R's `surveillance`
    does up to a number that it refuses too."""
    ticks, unit = _ticks(n_time, dates)
    rows, tick, tick_now = [], [], np.zeros(len(at), dtype=np.int64)
    bounds = np.zeros((len(at), no_periods + 1), dtype=np.int64)
    short = np.zeros(len(at), dtype=np.bool_)
    total = 0
    for j, now in enumerate(at.tolist()):
        years = _same_time_in_past_years(now, b, freq, dates)
        if years is None or years[-1] - w < -1:
            short[j] = True
            bounds[j] = total
            continue
        back = tuple(now - year for year in years)
        offset, ends = _pattern(back, w, no_periods, past_not_included, as_package)
        used = now + offset
        if years[-1] < w:
            there = used >= 0
            ends = np.concatenate([[0], there.cumsum()])[ends]
            used = used[there]
        bounds[j] = total + ends
        own = ticks[used]
        first = own.min() if used.size else ticks[now]
        rows.append(used)
        tick.append(own - first)
        tick_now[j] = ticks[now] - first
        total += len(used)
    none = np.zeros(0, dtype=np.int64)
    return ReferenceRows(
        rows=np.concatenate([none, *rows]),
        tick=np.concatenate([none, *tick]),
        unit=unit,
        bounds=bounds,
        tick_now=tick_now,
        short=short,
        axis=ticks,
    )


@lru_cache(maxsize=256)
def _pattern(
    back: tuple[int, ...], w: int, no_periods: int, past_not_included: int, as_package: bool
) -> tuple[Ints, Ints]:
    """(rows counted from the tested period, sorted by season then time; where each season begins
    and the last ends), for years that lie `back` periods before the tested one. Not to be written to."""
    now = back[-1] + w
    season = _seasons(now, [now - year for year in back], w, no_periods, as_package)
    season[max(0, now - past_not_included) : now + 1] = 0  # 0 = not a reference row
    used = np.flatnonzero(season)
    used = used[np.argsort(season[used], kind="stable")]
    return used - now, np.searchsorted(season[used], np.arange(1, no_periods + 2))


def _ticks(n_time: int, dates: Dates | None) -> tuple[Ints, float]:
    """The time axis in whole ticks, and the length of a tick in periods. A dated axis counts days
    in units of its first step, as the package does (a month is 31 days when the first one is)."""
    if dates is None or n_time < 2:
        return np.arange(n_time, dtype=np.int64), 1.0
    days = (dates - dates[0]).astype(np.int64)
    common = int(np.gcd.reduce(np.diff(days)))
    return days // common, common / float(days[1])


def _same_time_in_past_years(now: int, b: int, freq: int, dates: Dates | None) -> list[int] | None:
    """Indexes of `now` itself and of the same time in the `b` years before; None if one of them is
    not on the axis."""
    if dates is None:
        back = [now - freq * year for year in range(b + 1)]
        return back if back[-1] >= 0 else None
    today: dt.date = dates[now].item()
    wanted = np.array(
        [_years_before(today, year, weekly=freq == 52) for year in range(b + 1)],
        dtype="datetime64[D]",
    )
    found = np.searchsorted(dates, wanted)
    if not np.array_equal(dates[np.minimum(found, len(dates) - 1)], wanted):
        return None
    return [int(i) for i in found]


def _years_before(today: dt.date, years: int, *, weekly: bool) -> dt.date:
    """The same date `years` earlier (29 February becomes 1 March); on a weekly axis the nearest
    day with the same weekday, so that it is on the axis."""
    try:
        then = today.replace(year=today.year - years)
    except ValueError:
        then = dt.date(today.year - years, 3, 1)
    if not weekly:
        return then
    ahead = (today.weekday() - then.weekday()) % 7
    return then + dt.timedelta(days=ahead if ahead <= 3 else ahead - 7)


def _seasons(now: int, years: list[int], w: int, no_periods: int, as_package: bool) -> npt.NDArray[np.int64]:
    """Season 1 ... no_periods of each time up to `now`, 0 where it belongs to none."""
    season = np.zeros(now + 1, dtype=np.int64)
    season[max(0, now - w) : now + 1] = no_periods
    for later, earlier in pairwise(years):
        season[earlier - w : earlier + w + 1] = no_periods
        if no_periods == 1:
            continue
        gap = later - earlier - 2 * w - 1
        if gap < (no_periods - 2 * w - 1 if as_package else no_periods - 1):
            raise ValueError(
                f"no_periods is too large: {no_periods - 1} seasons cannot share the {gap} periods "
                f"between two windows of {2 * w + 1}"
            )
        begin = earlier + w + 1
        length, longer = divmod(gap, no_periods - 1)  # the first seasons take the remainder
        for number in range(1, no_periods):
            last = begin + length - (number > longer)
            # an empty season of the package is counted backwards: its end lies before its start
            low, high = min(begin, last), max(begin, last)
            season[max(low, 0) : high + 1] = number
            begin = last + 1
    return season
