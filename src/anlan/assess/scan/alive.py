"""Search the windows that are still going on: all of them end with the last period.

A span is then nothing but its start, so each is searched for itself: the counts of one span at all places
lie close together. Zones that differ little stand in a group, the same for all data sets, and are refused
together; only where the largest of a group holds enough cases for the smallest are they looked at by fours
and one by one. `search.search_spacetime` finds the same maxima and is the twin of this.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from numba import njit

from anlan.assess.scan.engine import Floats, Ints
from anlan.assess.scan.search import LANES, TOGETHER, _bin, _column
from anlan.assess.scan.statistic import TIE, is_high, ratio
from anlan.assess.scan.thresholds import BINS, STEP
from anlan.assess.scan.windows import Windows
from anlan.assess.scan.zones import Zones

Array: TypeAlias = npt.NDArray[Any]

#: by how many standard deviations of the count the zones of a group may differ
SPREAD = 0.75
#: places joined at once
FOUR = 4
#: spans times positions for which groups are kept, at most: beyond, they would fill the memory
KEPT = 50_000_000


@dataclass(frozen=True, slots=True)
class Alive:
    """What all data sets share: the first period of each span (the shortest span first), the measure of each
    span and place [n_spans, n_places], and the groups as `group` gives them."""

    starts: Ints
    measure: Floats
    groups: tuple[Array, Array, Array, Array]

    @classmethod
    def of(cls, zones: Zones, windows: Windows, measure: Floats, totals: tuple[float, float]) -> Alive | None:
        """None where not all windows end with the last period, chains differ in their penalty, or there are
        too many of them. `measure` [n_places, n_periods]."""
        starts = np.array(windows.starts(), dtype=np.int64)
        if (
            not windows.alive
            or windows.whole
            or len(starts) * len(zones.places) > KEPT
            or (zones.factor != zones.factor[0]).any()
        ):
            return None
        sums = np.array([measure[:, start:].sum(axis=1) for start in starts])
        offset = np.zeros((len(starts), len(zones.ptr)), dtype=np.int64)
        most = len(starts) * len(zones.places)
        end, inside, bins = np.empty(most, np.int32), np.empty(most), np.empty(most, np.int16)
        found = group(zones.ptr, zones.first, zones.places, sums, totals, offset, end, inside, bins)
        return cls(starts, sums, (offset, end[:found].copy(), inside[:found].copy(), bins[:found].copy()))

    def maxima(
        self, zones: Zones, drawn: Array, kind: int, totals: tuple[float, float], minimum: int, enough: Array
    ) -> Floats:
        """The largest statistic of high rates of each data set [LANES]: `drawn` [n_places, n_periods,
        LANES], `enough` the table of `thresholds`."""
        cases = np.empty((len(self.starts), len(drawn), LANES), dtype=drawn.dtype)
        suffixes(drawn, self.starts, cases)
        best = np.zeros(LANES)
        search_alive(
            zones.ptr, zones.first, zones.places, zones.stop, float(zones.factor[0]), cases, self.measure,
            totals, kind, float(minimum), enough, *self.groups, best,
        )  # fmt: skip
        return best


@njit(cache=True, nogil=True)
def suffixes(cells, starts, out):  # type: ignore[no-untyped-def]
    """`cells` [n_places, n_periods, LANES] summed from each of `starts` [n_spans], falling, to the last
    period: `out` [n_spans, n_places, LANES]."""
    n_periods = cells.shape[1]
    for p in range(cells.shape[0]):
        end = n_periods
        for s in range(len(starts)):
            if s == 0:
                out[s, p, :] = 0
            else:
                out[s, p, :] = out[s - 1, p, :]
            for t in range(starts[s], end):
                for r in range(LANES):
                    out[s, p, r] += cells[p, t, r]
            end = starts[s]


@njit(cache=True, nogil=True)
def group(ptr, first, places, measure, totals, offset, end, inside, bins):  # type: ignore[no-untyped-def]
    """Zones that are refused together, for every span and chain: `end`, the position after the last zone of
    the group, `inside`, the measure before its first, and the bin of the measure with its first. `offset`
    [n_spans, n_chains + 1] says where the groups of a chain stand. Returns how many groups there are."""
    total_cases, total_measure = totals
    scale = 1.0 / total_measure
    found = 0
    for s in range(measure.shape[0]):
        sizes = measure[s]
        for k in range(len(ptr) - 1):
            offset[s, k] = found
            m = 0.0
            at = ptr[k]
            while at < ptr[k] + first[k]:
                m += sizes[places[at]]
                at += 1
            while at < ptr[k + 1]:
                smallest = m + sizes[places[at]]
                expected = smallest * scale * total_cases
                limit = (expected + SPREAD * math.sqrt(expected)) / (scale * total_cases)
                size = 1
                largest = smallest
                while at + size < ptr[k + 1] and size < TOGETHER:
                    largest += sizes[places[at + size]]
                    if largest > limit:
                        break
                    size += 1
                if size > FOUR:
                    size -= size % FOUR
                end[found], inside[found], bins[found] = at + size, m, _bin(smallest, scale)
                for i in range(at, at + size):
                    m += sizes[places[i]]
                at += size
                found += 1
        offset[s, len(ptr) - 1] = found
    return found


@njit(cache=True, nogil=True)
def search_alive(  # type: ignore[no-untyped-def]
    ptr, first, places, stop, factor, cases, measure, totals, kind, minimum, enough, offset, end, inside,
    bins, best,
):  # fmt: skip
    """High rates. `cases` [n_spans, n_places, LANES] and `measure` [n_spans, n_places] as `suffixes` gives
    them; `factor`: the penalty, one for all chains; groups as from `group`. Writes `best` [LANES]."""
    total_cases, total_measure = totals
    scale = 1.0 / total_measure
    held = np.zeros(LANES, dtype=cases.dtype)
    before = np.zeros(LANES, dtype=cases.dtype)
    part = np.zeros(LANES, dtype=cases.dtype)
    need = np.zeros((BINS, LANES), dtype=cases.dtype)
    level = np.zeros(LANES, dtype=np.int64)
    for r in range(LANES):
        level[r] = _column(best[r], factor, r, True, False, enough, enough, need, need)
    for s in range(cases.shape[0]):
        rows, sizes = cases[s], measure[s]
        for k in range(len(ptr) - 1):
            held[:] = 0
            begin = ptr[k] + first[k]
            _join(held, rows, places, ptr[k], begin)
            for g in range(np.uint64(offset[s, k]), np.uint64(offset[s, k + 1])):
                upto = np.int64(end[g])
                for r in range(LANES):
                    before[r] = held[r]
                _join(held, rows, places, begin, upto)
                if not _enough(held, need[np.uint64(bins[g])]):
                    begin = upto
                    continue
                m = inside[g]
                while begin < upto:
                    size = min(FOUR, upto - begin)
                    least = m + sizes[places[begin]]
                    for r in range(LANES):
                        part[r] = before[r]
                    _join(part, rows, places, begin, begin + size)
                    if _enough(part, need[_bin(least, scale)]):
                        for i in range(begin, begin + size):
                            _join(before, rows, places, i, i + 1)
                            m += sizes[places[i]]
                            b = _bin(m, scale)
                            if not stop[i] or not _enough(before, need[b]):
                                continue
                            for r in range(LANES):
                                c = float(before[r])
                                if (
                                    before[r] < need[b, r]
                                    or c < minimum
                                    or not is_high(c, m, total_cases, total_measure)
                                ):
                                    continue
                                value = factor * ratio(kind, c, m, total_cases, total_measure)
                                if value > best[r] + TIE:
                                    best[r] = value
                                    if value >= factor * STEP * (level[r] + 1):
                                        level[r] = _column(
                                            value, factor, r, True, False, enough, enough, need, need
                                        )
                    else:
                        for i in range(begin, begin + size):
                            m += sizes[places[i]]
                        for r in range(LANES):
                            before[r] = part[r]
                    begin += size


@njit(cache=True, nogil=True, inline="always")
def _enough(count, need):  # type: ignore[no-untyped-def]
    """Whether count >= need in some lane."""
    most = count.dtype.type(-1)
    for r in range(LANES):
        most = max(most, count.dtype.type(count[r] - need[r]))
    return most >= 0


@njit(cache=True, nogil=True, inline="always")
def _join(held, rows, places, begin, end):  # type: ignore[no-untyped-def]
    """Add the rows of the places at begin .. end - 1: four at a time, which spares loads and stores."""
    i = begin
    while i + FOUR <= end:
        a, b = rows[np.uint64(places[i])], rows[np.uint64(places[i + 1])]
        c, d = rows[np.uint64(places[i + 2])], rows[np.uint64(places[i + 3])]
        for r in range(LANES):
            held[r] += a[r] + b[r] + c[r] + d[r]
        i += FOUR
    while i < end:
        a = rows[np.uint64(places[i])]
        for r in range(LANES):
            held[r] += a[r]
        i += 1
