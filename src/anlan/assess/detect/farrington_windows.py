"""Reference rows of the original Farrington algorithm: windows about the same time in past years.

Farrington, Andrews, Beale, Catchpole (1996), J R Stat Soc A 159:547-563, section 3.2. Other than for
the flexible algorithm, times that are not on the axis are left out and the rest is used, and windows
that overlap give a row twice.
"""

from __future__ import annotations

import datetime as dt

import numpy as np

from anlan.assess.detect.panel import Dates, Ints

_DAY = np.timedelta64(1, "D")


def window_rows(
    at: Ints, *, n_time: int, freq: int, dates: Dates | None, b: int, w: int, as_package: bool
) -> tuple[Ints, Ints]:
    """(rows [total], bounds [n_test + 1]): rows bounds[j] ... bounds[j + 1] belong to test j, in order
    of time. `b` years back, `w` periods to either side. A dated axis is weekly (52), monthly (12) or
    daily (365); a row is then the same date in a past year, on a weekly axis the nearest day with the
    same weekday, on a monthly one the same month (`as_package`: by the day arithmetic of R, which leaves
    the month where the axis stands on days after the 28th)."""
    if dates is None:
        side = np.arange(-w, w + 1)
        offsets = (-freq * np.arange(b, 0, -1)[:, None] + side).ravel()
        found = np.sort(at[:, None] + offsets, axis=1)
    elif freq == 12 and not as_package:
        months = dates.astype("datetime64[M]")
        side = np.arange(-w, w + 1).astype("timedelta64[M]")
        years = np.arange(b, 0, -1) * np.timedelta64(12, "M")
        offsets_m = (side - years[:, None]).ravel()
        wanted_m = months[at][:, None] + np.sort(offsets_m)
        place = np.minimum(np.searchsorted(months, wanted_m), len(months) - 1)
        found = np.where(months[place] == wanted_m, place, -1)
    else:
        wanted = np.array([_days(dates[k].item(), b, w, freq) for k in at.tolist()], dtype="datetime64[D]")
        wanted = np.sort(wanted.reshape(len(at), b * (2 * w + 1)), axis=1)
        place = np.minimum(np.searchsorted(dates, wanted), len(dates) - 1)
        found = np.where(dates[place] == wanted, place, -1)
    there = (found >= 0) & (found < n_time)
    bounds = np.concatenate([[0], there.sum(axis=1).cumsum()]).astype(np.int64)
    return found[there].astype(np.int64), bounds


def _days(today: dt.date, b: int, w: int, freq: int) -> list[dt.date]:
    """The dates of all windows of a tested day."""
    found = []
    for year in range(b, 0, -1):
        centre = _moved(today, -12 * year)
        for step in range(-w, w + 1):
            if freq == 12:
                day = _moved(centre, step)
                day -= dt.timedelta(days=day.day - today.day)
            elif freq == 52:
                day = centre + dt.timedelta(weeks=step)
                ahead = (today.weekday() - day.weekday()) % 7
                day += dt.timedelta(days=ahead if ahead <= 3 else ahead - 7)
            else:
                day = centre + dt.timedelta(days=step)
            found.append(day)
    return found


def _moved(day: dt.date, months: int) -> dt.date:
    """`day` moved by whole months; a day that the month does not have runs into the next one."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return dt.date(year, month + 1, 1) + dt.timedelta(days=day.day - 1)
