"""The best window of every chain in one data set: what was observed.

The same search as `search.search_spacetime`, for one data set and with its own best for each chain. Where
two windows of a chain are equal the first wins: the smaller zone, then the earlier start, then the
earlier end.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from anlan.assess.scan.search import SPREAD, TOGETHER, _bin, _earlier, _join_measure
from anlan.assess.scan.statistic import TIE, is_high, is_low, ratio
from anlan.assess.scan.thresholds import LEVELS, STEP


@njit(cache=True, nogil=True)
def search_each(  # type: ignore[no-untyped-def]
    ptr, first, places, stop, groups, offset, fineness, shortest, longest, whole, factor, cases, measure,
    totals, kind, high, low, minimum, enough, few, best, where,
):  # fmt: skip
    """`cases` and `measure` [n_places, n_periods + 1] are running sums over the periods, from 0. Writes
    `best` [n_chains] (0 where no window qualifies) and `where` [n_chains, 3]: position, from, to."""
    n_periods = cases.shape[1] - 1
    total_cases, total_measure = totals
    scale = 1.0 / total_measure
    kept = np.zeros((TOGETHER + 1, n_periods + 1), dtype=np.int64)
    m = np.zeros((TOGETHER + 1, n_periods + 1))
    todo = np.empty((4 * TOGETHER, 2), dtype=np.int64)
    for k in range(len(ptr) - 1):
        top = 0.0
        level = 0
        kept[0, :] = 0
        m[0, :] = 0.0
        begin = ptr[k]
        for i in range(ptr[k], ptr[k] + first[k]):
            _join_measure(kept[0], kept[0], cases[places[i]])
            _join_measure(m[0], m[0], measure[places[i]])
            begin += 1
        while begin < ptr[k + 1]:
            size = 0
            limit = 0.0
            while size < TOGETHER and begin + size < ptr[k + 1]:
                p = places[begin + size]
                if size > 0 and m[size, n_periods] + measure[p, n_periods] > limit:
                    break
                _join_measure(kept[size + 1], kept[size], cases[p])
                _join_measure(m[size + 1], m[size], measure[p])
                size += 1
                if size == 1:
                    expected = m[1, n_periods] * scale * total_cases
                    limit = (expected + SPREAD * math.sqrt(expected)) / (scale * total_cases)
            grain = 0
            while grain < len(fineness) and m[1, n_periods] > fineness[grain]:
                grain += 1
            for g in range(offset[grain], offset[grain + 1]):
                from0, from1, to0, to1 = groups[g]
                todo[0, 0], todo[0, 1] = 1, size
                n_todo = 1
                while n_todo > 0:
                    n_todo -= 1
                    a, z = todo[n_todo, 0], todo[n_todo, 1]
                    hit = False
                    if high:
                        least = m[a, to0] - m[a, from1] if to0 > from1 else 0.0
                        hit = kept[z, to1] - kept[z, from0] >= enough[level, _bin(least, scale)]
                    if low and not hit:
                        hit = True
                        if to0 > from1:
                            b = _bin(m[z, to1] - m[z, from0], scale)
                            hit = kept[a, to0] - kept[a, from1] <= few[level, b]
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
                    for s in range(from0, from1 + 1):
                        for t in range(max(to0, s + shortest), to1 + 1):
                            if t - s > longest and not (whole and s == 0 and t == n_periods):
                                continue
                            count = kept[a, t] - kept[a, s]
                            inside = m[a, t] - m[a, s]
                            b = _bin(inside, scale)
                            c = float(count)
                            if not (
                                (high and count >= enough[level, b] and c >= minimum
                                 and is_high(c, inside, total_cases, total_measure))
                                or (low and count <= few[level, b]
                                    and is_low(c, inside, total_cases, total_measure))
                            ):  # fmt: skip
                                continue
                            value = factor[k] * ratio(kind, c, inside, total_cases, total_measure)
                            if value > top + TIE or (
                                value > top - TIE and _earlier(i, s, t, where[k, 0], where[k, 1], where[k, 2])
                            ):
                                top = max(value, top)
                                where[k, 0], where[k, 1], where[k, 2] = i, s, t
                                level = min(int(top / factor[k] / STEP), LEVELS - 1)
            begin += size
            kept[0, :] = kept[size]
            m[0, :] = m[size]
        best[k] = top


@njit(cache=True, nogil=True)
def search_spans(  # type: ignore[no-untyped-def]
    chain, first, stop, groups, offset, fineness, shortest, longest, whole, factor, cases, measure, totals,
    kind, high, low, minimum, enough, few, floor, value, position,
):  # fmt: skip
    """One chain, the best zone of every span: fills `value` [n_periods + 1, n_periods + 1] (from, to) and
    `position` in the chain, where the statistic is `floor` or more; the others stay as they are."""
    n_periods = cases.shape[1] - 1
    total_cases, total_measure = totals
    scale = 1.0 / total_measure
    kept = np.zeros((TOGETHER + 1, n_periods + 1), dtype=np.int64)
    m = np.zeros((TOGETHER + 1, n_periods + 1))
    todo = np.empty((4 * TOGETHER, 2), dtype=np.int64)
    level = min(int(floor / factor / STEP), LEVELS - 1)
    begin = 0
    for i in range(first):
        _join_measure(kept[0], kept[0], cases[chain[i]])
        _join_measure(m[0], m[0], measure[chain[i]])
        begin += 1
    while begin < len(chain):
        size = 0
        limit = 0.0
        while size < TOGETHER and begin + size < len(chain):
            p = chain[begin + size]
            if size > 0 and m[size, n_periods] + measure[p, n_periods] > limit:
                break
            _join_measure(kept[size + 1], kept[size], cases[p])
            _join_measure(m[size + 1], m[size], measure[p])
            size += 1
            if size == 1:
                expected = m[1, n_periods] * scale * total_cases
                limit = (expected + SPREAD * math.sqrt(expected)) / (scale * total_cases)
        grain = 0
        while grain < len(fineness) and m[1, n_periods] > fineness[grain]:
            grain += 1
        for g in range(offset[grain], offset[grain + 1]):
            from0, from1, to0, to1 = groups[g]
            todo[0, 0], todo[0, 1] = 1, size
            n_todo = 1
            while n_todo > 0:
                n_todo -= 1
                a, z = todo[n_todo, 0], todo[n_todo, 1]
                hit = False
                if high:
                    least = m[a, to0] - m[a, from1] if to0 > from1 else 0.0
                    hit = kept[z, to1] - kept[z, from0] >= enough[level, _bin(least, scale)]
                if low and not hit:
                    hit = True
                    if to0 > from1:
                        b = _bin(m[z, to1] - m[z, from0], scale)
                        hit = kept[a, to0] - kept[a, from1] <= few[level, b]
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
                for s in range(from0, from1 + 1):
                    for t in range(max(to0, s + shortest), to1 + 1):
                        if t - s > longest and not (whole and s == 0 and t == n_periods):
                            continue
                        c = float(kept[a, t] - kept[a, s])
                        inside = m[a, t] - m[a, s]
                        if not (
                            (high and c >= minimum and is_high(c, inside, total_cases, total_measure))
                            or (low and is_low(c, inside, total_cases, total_measure))
                        ):
                            continue
                        found = factor * ratio(kind, c, inside, total_cases, total_measure)
                        if found >= floor and found > value[s, t] + TIE:
                            value[s, t] = found
                            position[s, t] = i
        begin += size
        kept[0, :] = kept[size]
        m[0, :] = m[size]


@njit(cache=True, nogil=True)
def best_by_end(  # type: ignore[no-untyped-def]
    ptr, first, places, stop, groups, offset, fineness, shortest, longest, whole, factor, cases, measure,
    totals, kind, high, low, minimum, enough, few, floor, best, where,
):  # fmt: skip
    """The best window of every chain and end, `floor` or more: fills `best` [n_chains, n_periods + 1] (0
    where there is none) and `where` [n_chains, n_periods + 1, 2]: position in the chain, from. Of equal
    windows the smaller zone, then the earlier start."""
    size = cases.shape[1]
    value = np.zeros((size, size))
    position = np.zeros((size, size), dtype=np.int64)
    for k in range(len(ptr) - 1):
        value[:] = 0.0
        search_spans(
            places[ptr[k] : ptr[k + 1]], first[k], stop[ptr[k] : ptr[k + 1]], groups, offset, fineness,
            shortest, longest, whole, factor[k], cases, measure, totals, kind, high, low, minimum, enough,
            few, floor, value, position,
        )  # fmt: skip
        for end in range(size):
            top = 0.0
            for start in range(end):
                top = max(top, value[start, end])
            if top == 0.0:
                continue
            chosen = -1
            for start in range(end):
                if value[start, end] > top - TIE and (
                    chosen < 0 or position[start, end] < position[chosen, end]
                ):
                    chosen = start
            best[k, end] = value[chosen, end]
            where[k, end, 0], where[k, end, 1] = position[chosen, end], chosen
