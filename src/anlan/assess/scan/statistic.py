"""Log likelihood ratios of one window against the rest, the total being given.

Kulldorff (1997), "A spatial scan statistic", Commun Stat Theory Methods 26(6):1481-1496, equations 2
(Bernoulli) and 3 (Poisson). With c cases inside of C in all:

    Poisson     c ln(c / e) + (C - c) ln((C - c) / (C - e))                    e expected, sum of e = C
    Bernoulli   c ln(c/n) + (n-c) ln(1 - c/n) + (C-c) ln q + (N-n-(C-c)) ln(1 - q)
                - C ln(C/N) - (N-C) ln(1 - C/N),  q = (C-c)/(N-n)              n of N people inside

The space-time permutation statistic (Kulldorff et al. 2005, PLoS Med 2(3):e59) is the Poisson one with
e = (cases of the place) x (cases of the day) / C.

`measure` is e or n. Both ratios rise with c and fall with the measure where the rate inside is above
the rate outside, and the other way round below: the bounds of `thresholds` and `search` rest on it.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

POISSON, BERNOULLI = 0, 1
#: a high window with fewer cases than this is never a cluster
MINIMUM_CASES = 2
#: two statistics nearer than this are one and the same: sums differ in their last digits
TIE = 1e-9


@njit(cache=True, nogil=True)
def ratio(kind, cases, measure, total_cases, total_measure):  # type: ignore[no-untyped-def]
    """The log likelihood ratio, whichever side the rate lies; 0 for an empty or a full window."""
    rest = total_cases - cases
    if kind == POISSON:
        value = 0.0
        if cases > 0.0:
            if measure <= 0.0:
                return np.inf
            value += cases * math.log(cases / measure)
        if rest > 0.0:
            if total_measure - measure <= 0.0:
                return np.inf
            value += rest * math.log(rest / (total_measure - measure))
        return value
    outside = total_measure - measure
    value = 0.0
    if cases > 0.0:
        value += cases * math.log(cases / measure)
    if measure - cases > 0.0:
        value += (measure - cases) * math.log(1.0 - cases / measure)
    if rest > 0.0:
        value += rest * math.log(rest / outside)
    if outside - rest > 0.0:
        value += (outside - rest) * math.log(1.0 - rest / outside)
    share = total_cases / total_measure
    value -= total_cases * math.log(share)
    if share < 1.0:
        value -= (total_measure - total_cases) * math.log(1.0 - share)
    return value


@njit(cache=True, nogil=True, inline="always")
def is_high(cases, measure, total_cases, total_measure):  # type: ignore[no-untyped-def]
    """Whether the rate inside is above the rate of the whole."""
    return cases * total_measure > total_cases * measure


@njit(cache=True, nogil=True, inline="always")
def is_low(cases, measure, total_cases, total_measure):  # type: ignore[no-untyped-def]
    """Whether the rate inside is below the rate of the whole."""
    return cases * total_measure < total_cases * measure
