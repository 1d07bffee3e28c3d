"""How many cases a window needs to beat a given statistic: the table that spares the logarithms.

A window is worth a logarithm only where its cases reach the count that beats the best statistic so far.
That count depends on the measure and on the best so far; both are binned so that the table is small,
and always to the safe side, so that no window that could win is passed over.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from anlan.assess.scan.statistic import BERNOULLI, ratio

#: bins of the measure, equal in its square root
BINS = 1024
#: levels of the statistic and the step between them
LEVELS = 200
STEP = 0.25
#: rounding in the sums must not push a window over the edge of its bin
_EDGE = 1e-7


@njit(cache=True, nogil=True)
def needed_high(kind, total_cases, total_measure, minimum, beyond, first, table):  # type: ignore[no-untyped-def]
    """Fill `table` [n_levels, BINS], its rows the levels from `first` on, with the fewest cases with which
    any window of the bin reaches the level with a high rate; `beyond` where none can. The least measure of
    the bin asks for the fewest."""
    for row in range(len(table)):
        need = (first + row) * STEP - _EDGE
        low = minimum
        for b in range(BINS):
            measure = total_measure * (b / BINS) ** 2 * (1.0 - _EDGE)
            floor = int(total_cases * measure / total_measure)
            low = max(low, floor)
            high = total_cases
            if not _reaches_high(kind, high, measure, total_cases, total_measure, need):
                table[row, b] = beyond
                continue
            start = low
            width = 1
            while start + width < high and not _reaches_high(
                kind, start + width, measure, total_cases, total_measure, need
            ):
                width *= 2
            high = min(high, start + width)
            while low < high:
                middle = (low + high) // 2
                if _reaches_high(kind, middle, measure, total_cases, total_measure, need):
                    high = middle
                else:
                    low = middle + 1
            table[row, b] = low
    return table


@njit(cache=True, nogil=True)
def needed_low(kind, total_cases, total_measure, first, table):  # type: ignore[no-untyped-def]
    """Fill `table` [n_levels, BINS], its rows the levels from `first` on, with the most cases with which any
    window of the bin reaches the level with a low rate; -1 where none can. The largest measure of the bin
    allows the most."""
    for row in range(len(table)):
        for b in range(BINS):
            measure = min(total_measure * ((b + 1) / BINS) ** 2 * (1.0 + _EDGE), total_measure)
            need = (first + row) * STEP - _EDGE
            if not _reaches_low(kind, 0, measure, total_cases, total_measure, need):
                table[row, b] = -1
                continue
            low, high = 0, int(total_cases * measure / total_measure) + 1
            while low + 1 < high:
                middle = (low + high) // 2
                if _reaches_low(kind, middle, measure, total_cases, total_measure, need):
                    low = middle
                else:
                    high = middle
            table[row, b] = low
    return table


@njit(cache=True, nogil=True)
def _reaches_high(kind, cases, measure, total_cases, total_measure, need):  # type: ignore[no-untyped-def]
    if kind == BERNOULLI:
        measure = max(measure, float(cases))  # nobody is a case twice
    if cases * total_measure <= total_cases * measure:
        return False
    return ratio(kind, float(cases), measure, float(total_cases), total_measure) >= need


@njit(cache=True, nogil=True)
def _reaches_low(kind, cases, measure, total_cases, total_measure, need):  # type: ignore[no-untyped-def]
    if kind == BERNOULLI:
        measure = min(measure, total_measure - (total_cases - cases))
    if cases * total_measure >= total_cases * measure:
        return False
    return ratio(kind, float(cases), measure, float(total_cases), total_measure) >= need


@njit(cache=True, nogil=True)
def position_bins(ptr, places, measure, total_measure):  # type: ignore[no-untyped-def]
    """The bin of the measure of every zone: `measure` [n_places] summed along each chain."""
    bins = np.empty(len(places), dtype=np.int16)
    for k in range(len(ptr) - 1):
        inside = 0.0
        for i in range(ptr[k], ptr[k + 1]):
            inside += measure[places[i]]
            bins[i] = min(int(math.sqrt(max(inside, 0.0) / total_measure) * BINS), BINS - 1)
    return bins
