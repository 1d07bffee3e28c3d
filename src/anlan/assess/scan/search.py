"""Search every window of every zone for the largest statistic, 128 data sets at once.

A chain is a list of places that join one after another; each position from `first` on that is a `stop`
is a zone. A window is a zone and a span of periods [from, to). The data sets lie side by side in the
last axis (lanes), so that one addition and one comparison serve all of them.

Only windows that can win are worked out. The count a window needs comes from a table (`thresholds`),
and windows that differ little are refused together: if the largest of them does not hold enough cases
for the smallest measure among them, none does. Otherwise they are halved, down to single windows.

`plain.best_window` is the readable twin; the two must agree.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from anlan.assess.scan.statistic import TIE, is_high, is_low, ratio
from anlan.assess.scan.thresholds import BINS, LEVELS, STEP

#: data sets searched together: a fixed number, or the inner loops do not become vector instructions
LANES = 128
#: zones refused together, at most, and by how many standard deviations of the count they may differ
TOGETHER = 16
SPREAD = 2.0


@njit(cache=True, nogil=True, inline="always")
def _any_enough(upper, lower, need):  # type: ignore[no-untyped-def]
    """Whether upper - lower >= need in some lane: the sign bit of the difference is clear there."""
    sign = upper.dtype.type(-1)
    for r in range(LANES):
        sign &= upper.dtype.type(upper[r] - lower[r] - need[r])
    return sign >= 0


@njit(cache=True, nogil=True, inline="always")
def _any_few(upper, lower, most):  # type: ignore[no-untyped-def]
    """Whether upper - lower <= most in some lane."""
    sign = upper.dtype.type(-1)
    for r in range(LANES):
        sign &= upper.dtype.type(most[r] - upper[r] + lower[r])
    return sign >= 0


@njit(cache=True, nogil=True, inline="always")
def _bin(measure, scale):  # type: ignore[no-untyped-def]
    return np.uint64(min(int(math.sqrt(max(measure, 0.0) * scale) * BINS), BINS - 1))


@njit(cache=True, nogil=True)
def _column(best, factor, r, high, low, enough, few, need, most):  # type: ignore[no-untyped-def]
    """Copy the column of the tables for the level that `best` of lane `r` has reached."""
    level = min(int(best / factor / STEP), LEVELS - 1)
    if high:
        for b in range(BINS):
            need[b, r] = enough[level, b]
    if low:
        for b in range(BINS):
            most[b, r] = few[level, b]
    return level


@njit(cache=True, nogil=True)
def search_space(  # type: ignore[no-untyped-def]
    ptr, first, places, stop, bins, factor, cases, measure, totals, kind, high, low, minimum,
    enough, few, best, where,
):  # fmt: skip
    """Purely spatial: `cases` [n_places, LANES], `measure` [n_places], `bins` of every position,
    `factor` of every chain (penalty), `totals` (cases, measure) of one data set. Writes `best` [LANES]
    and `where` [LANES, 3]: position, 0, 1; `enough` and `few` are the tables of `thresholds`."""
    total_cases, total_measure = totals
    cum = np.zeros(LANES, dtype=cases.dtype)
    none = np.zeros(LANES, dtype=cases.dtype)
    need = np.zeros((BINS, LANES), dtype=cases.dtype)
    most = np.zeros((BINS, LANES), dtype=cases.dtype)
    level = np.zeros(LANES, dtype=np.int64)
    last = -1.0
    for k in range(np.uint64(len(ptr) - 1)):
        if factor[k] != last:
            last = factor[k]
            for r in range(LANES):
                level[r] = _column(best[r], last, r, high, low, enough, few, need, most)
        cum[:] = 0
        m = 0.0
        begin = ptr[k] + first[k]
        for i in range(ptr[k], ptr[k + 1]):
            p = np.uint64(places[i])
            m += measure[p]
            for r in range(LANES):
                cum[r] += cases[p, r]
            if i < begin or not stop[i]:
                continue
            b = np.uint64(bins[i])
            if not ((high and _any_enough(cum, none, need[b])) or (low and _any_few(cum, none, most[b]))):
                continue
            for r in range(LANES):
                c = float(cum[r])
                if not (
                    (high and c >= need[b, r] and c >= minimum and is_high(c, m, total_cases, total_measure))
                    or (low and c <= most[b, r] and is_low(c, m, total_cases, total_measure))
                ):
                    continue
                value = last * ratio(kind, c, m, total_cases, total_measure)
                if value > best[r] + TIE:
                    best[r] = value
                    where[r, 0], where[r, 1], where[r, 2] = i, 0, 1
                    if value >= last * STEP * (level[r] + 1):
                        level[r] = _column(value, last, r, high, low, enough, few, need, most)


@njit(cache=True, nogil=True)
def search_spacetime(  # type: ignore[no-untyped-def]
    ptr, first, places, stop, groups, offset, fineness, shortest, longest, whole, factor, cases, measure,
    totals, kind, high, low, minimum, enough, few, best, where,
):  # fmt: skip
    """Zones times spans: `cases` [n_places, n_periods + 1, LANES] and `measure` [n_places, n_periods + 1]
    are running sums over the periods, from 0. `groups` of spans, several sets of them at `offset`, the
    finer ones for zones with more measure than `fineness`, as `Windows.groups` gives them. Writes `best`
    [LANES] and `where` [LANES, 3]: position, from, to."""
    n_periods = cases.shape[1] - 1
    total_cases, total_measure = totals
    scale = 1.0 / total_measure
    kept = np.zeros((TOGETHER + 1, n_periods + 1, LANES), dtype=cases.dtype)
    m = np.zeros((TOGETHER + 1, n_periods + 1))
    need = np.zeros((BINS, LANES), dtype=cases.dtype)
    most = np.zeros((BINS, LANES), dtype=cases.dtype)
    level = np.zeros(LANES, dtype=np.int64)
    todo = np.empty((4 * TOGETHER, 2), dtype=np.int64)
    bins = np.zeros(len(groups), dtype=np.int64)
    flagged = np.empty(len(groups), dtype=np.int64)
    last = -1.0
    for k in range(len(ptr) - 1):
        if factor[k] != last:
            last = factor[k]
            for r in range(LANES):
                level[r] = _column(best[r], last, r, high, low, enough, few, need, most)
        kept[0, :, :] = 0
        m[0, :] = 0.0
        begin = ptr[k]
        for i in range(ptr[k], ptr[k] + first[k]):
            _join(kept[0], kept[0], cases[places[i]])
            _join_measure(m[0], m[0], measure[places[i]])
            begin += 1
        while begin < ptr[k + 1]:
            # kept[j], m[j]: sums of the zone at position begin + j - 1
            size = 0
            limit = 0.0
            while size < TOGETHER and begin + size < ptr[k + 1]:
                p = places[begin + size]
                if size > 0 and m[size, n_periods] + measure[p, n_periods] > limit:
                    break
                _join(kept[size + 1], kept[size], cases[p])
                _join_measure(m[size + 1], m[size], measure[p])
                size += 1
                if size == 1:
                    expected = m[1, n_periods] * scale * total_cases
                    limit = (expected + SPREAD * math.sqrt(expected)) / (scale * total_cases)
            grain = 0
            while grain < len(fineness) and m[1, n_periods] > fineness[grain]:
                grain += 1
            low_g, n_groups = offset[grain], offset[grain + 1] - offset[grain]
            if high:
                for g in range(n_groups):
                    to, start = groups[low_g + g, 2], groups[low_g + g, 1]
                    bins[g] = _bin(m[1, to] - m[1, start] if to > start else 0.0, scale)
            n_flagged = 0
            for g in range(np.uint64(n_groups)):
                at = np.uint64(low_g) + g
                hit = False
                if high:
                    hit = _any_enough(
                        kept[np.uint64(size), np.uint64(groups[at, 3])],
                        kept[np.uint64(size), np.uint64(groups[at, 0])],
                        need[np.uint64(bins[g])],
                    )
                if hit or low:
                    flagged[n_flagged] = at
                    n_flagged += 1
            for f in range(n_flagged):
                g = flagged[f]
                from0, from1 = np.uint64(groups[g, 0]), np.uint64(groups[g, 1])
                to0, to1 = np.uint64(groups[g, 2]), np.uint64(groups[g, 3])
                n_todo = 1
                if high and not low and size > 1:
                    middle = (1 + size) // 2
                    todo[0, 0], todo[0, 1] = middle + 1, size
                    todo[1, 0], todo[1, 1] = 1, middle
                    n_todo = 2
                else:
                    todo[0, 0], todo[0, 1] = 1, size
                while n_todo > 0:
                    n_todo -= 1
                    a, z = todo[n_todo, 0], todo[n_todo, 1]
                    hit = False
                    if high:
                        least = m[a, to0] - m[a, from1] if to0 > from1 else 0.0
                        b = _bin(least, scale)
                        hit = _any_enough(kept[z, to1], kept[z, from0], need[b])
                    if low and not hit:
                        if to0 > from1:
                            b = _bin(m[z, to1] - m[z, from0], scale)
                            hit = _any_few(kept[a, to0], kept[a, from1], most[b])
                        else:
                            hit = True
                    if not hit:
                        continue
                    if z > a:
                        middle = (a + z) // 2
                        todo[n_todo, 0], todo[n_todo, 1] = middle + 1, z
                        todo[n_todo + 1, 0], todo[n_todo + 1, 1] = a, middle
                        n_todo += 2
                        continue
                    i = begin + a - 1
                    if not stop[i]:
                        continue
                    for s in range(groups[g, 0], groups[g, 1] + 1):
                        for t in range(max(groups[g, 2], s + shortest), groups[g, 3] + 1):
                            if t - s > longest and not (whole and s == 0 and t == n_periods):
                                continue
                            inside = m[a, t] - m[a, s]
                            b = _bin(inside, scale)
                            upper, lower = kept[a, np.uint64(t)], kept[a, np.uint64(s)]
                            if not (
                                (high and _any_enough(upper, lower, need[b]))
                                or (low and _any_few(upper, lower, most[b]))
                            ):
                                continue
                            for r in range(LANES):
                                count = upper.dtype.type(upper[r] - lower[r])
                                c = float(count)
                                if not (
                                    (high and count >= need[b, r] and c >= minimum
                                     and is_high(c, inside, total_cases, total_measure))
                                    or (low and count <= most[b, r]
                                        and is_low(c, inside, total_cases, total_measure))
                                ):  # fmt: skip
                                    continue
                                value = last * ratio(kind, c, inside, total_cases, total_measure)
                                if value > best[r] + TIE or (
                                    value > best[r] - TIE
                                    and _earlier(i, s, t, where[r, 0], where[r, 1], where[r, 2])
                                ):
                                    best[r] = max(value, best[r])
                                    where[r, 0], where[r, 1], where[r, 2] = i, s, t
                                    if value >= last * STEP * (level[r] + 1):
                                        level[r] = _column(value, last, r, high, low, enough, few, need, most)
            begin += size
            kept[0, :, :] = kept[size]
            m[0, :] = m[size]


@njit(cache=True, nogil=True, inline="always")
def _join(after, before, place):  # type: ignore[no-untyped-def]
    for t in range(after.shape[0]):
        for r in range(LANES):
            after[t, r] = before[t, r] + place[t, r]


@njit(cache=True, nogil=True, inline="always")
def _join_measure(after, before, place):  # type: ignore[no-untyped-def]
    for t in range(after.shape[0]):
        after[t] = before[t] + place[t]


@njit(cache=True, nogil=True, inline="always")
def _earlier(i, s, t, i0, s0, t0):  # type: ignore[no-untyped-def]
    """Whether window (i, s, t) comes before (i0, s0, t0) in the plain order of the search."""
    return i < i0 or (i == i0 and (s < s0 or (s == s0 and t < t0)))
