"""Means of past windows: the last periods of this year and the same time in past years.

The reference values of the detectors that Hoehle (2007), "surveillance: An R package for the monitoring
of infectious diseases", Comput Stat 22:571-582, section 2.1, writes as (w0, w, b).
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from anlan.assess.detect.farrington_windows import window_rows
from anlan.assess.detect.panel import Ints, Panel
from anlan.assess.detect.seasons import DATED


def past_rows(panel: Panel, at: Ints, *, b: int, w: int, act_y: bool, as_package: bool) -> tuple[Ints, Ints]:
    """(rows [total], bounds [n_test + 1]) of the reference values of each tested period: `w` periods to
    either side of the same time in each of `b` past years and, with `act_y`, the last `w` periods. Times
    before the axis are left out. By dates where a weekly, monthly or daily panel has them, but not
    `as_package`: the package goes back by whole `freq` periods, and with `w` 0 and `act_y` takes the
    tested value and the one before it."""
    dates = None if as_package or panel.freq not in DATED else panel.dates
    years, year_bounds = window_rows(
        at, n_time=panel.n_time, freq=panel.freq, dates=dates, b=b, w=w, as_package=False
    )
    last = np.arange(w, 0, -1) if act_y else np.zeros(0, dtype=np.int64)
    if as_package and act_y and w == 0:
        last = np.array([0, 1])
    recent = at[:, None] - last
    there = recent >= 0
    owner = np.repeat(np.arange(len(at)), np.diff(year_bounds))
    rows = np.concatenate([years, recent[there]])
    owner = np.concatenate([owner, np.nonzero(there)[0]])
    order = np.argsort(owner, kind="stable")
    bounds = np.concatenate([[0], np.bincount(owner, minlength=len(at)).cumsum()])
    return rows[order].astype(np.int64), bounds.astype(np.int64)


@njit(cache=True, nogil=True, error_model="numpy")
def window_moments(counts, rows, bounds, known, total, squares):  # type: ignore[no-untyped-def]
    """Write how many reference values are known, their sum, and their sum of squares about the mean, all
    [n_series, n_test]."""
    for s in range(counts.shape[0]):
        for j in range(len(bounds) - 1):
            n, sum_y = 0, 0.0
            for i in range(bounds[j], bounds[j + 1]):
                y = counts[s, rows[i]]
                if not math.isnan(y):
                    n += 1
                    sum_y += y
            mean = sum_y / n
            sum_2 = 0.0
            for i in range(bounds[j], bounds[j + 1]):
                y = counts[s, rows[i]]
                if not math.isnan(y):
                    sum_2 += (y - mean) ** 2
            known[s, j] = n
            total[s, j] = sum_y
            squares[s, j] = sum_2
