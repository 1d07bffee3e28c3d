"""What `farrington_stretches` asks of the rows themselves: dispersion, past outbreaks, missing weeks."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from anlan.assess.detect.exponential import exponential
from anlan.assess.detect.farrington_fit import SMALL
from anlan.assess.detect.stretch_steps import BLOCK, LEAF, SUMS
from anlan.assess.detect.stretches import LANES


@njit(**LEAF, fastmath=SUMS)
def dispersions(padded, y, omega, inverse, old):  # type: ignore[no-untyped-def]
    """As `glm.dispersions`, not yet divided by the degrees of freedom."""
    right, wrong = 0.0, 0.0
    for i in range(padded):
        f = y[i] * inverse[i] - 1.0
        f = omega[i] * f * f
        wrong += f
        right += old[i] * f
    return right, wrong


@njit(**LEAF, fastmath=SUMS)
def any_reaches(padded, y, value):  # type: ignore[no-untyped-def]
    """Whether any of `y` is at least `value`."""
    found = 0.0
    for i in range(padded):
        found += 1.0 if y[i] >= value else 0.0
    return found > 0.0


@njit(**LEAF, fastmath=SUMS)
def _exceeds(begin, y, inverse, omega, limit, excess):  # type: ignore[no-untyped-def]
    """Write a number above 0 where y > mu, (y - mu)^2 > limit * mu, for the `BLOCK` rows from `begin`
    on; gives whether there is one."""
    found = 0.0
    for i in range(BLOCK):
        row = begin + np.uint64(i)
        f = y[row] * inverse[row] - 1.0
        more = (f * abs(f) - limit * inverse[row]) * omega[row]
        found += 1.0 if more > 0.0 else 0.0
        excess[i] = more
    return found > 0.0


@njit(**LEAF)
def _suspects(padded, y, inverse, omega, limit, excess, suspects):  # type: ignore[no-untyped-def]
    """Write the numbers of the rows that could be outliers; gives how many."""
    found = 0
    for begin in range(0, padded, BLOCK):
        if not _exceeds(np.uint64(begin), y, inverse, omega, limit, excess):
            continue
        for i in range(BLOCK):
            suspects[found] = begin + i
            found += 1 if excess[i] > 0.0 else 0
    return found


@njit(**LEAF)
def count_outliers(  # type: ignore[no-untyped-def]
    padded, y, omega, inverse, old, time, season, level, x, m0, m1, info, absent, threshold2, phi, small,
    extra_t, extra_c, extra_g, n_extra, bounds, flat, centre, excess, suspects,
):  # fmt: skip
    """Append the past outbreaks of `farrington_fit`'s weights: 1 - weight before scaling. Writes
    their weights to `omega`; gives the new number of entries."""
    for g in range(LANES):
        flat[g] = 1.0 / (m0[g] + absent[g])
        centre[g] = m1[g] * flat[g]
    steep = 1.0 / info if info > 0.0 else 0.0
    highest = 0.0  # leverage, at most
    for g in range(len(bounds) - 1):
        first, last = bounds[g], bounds[g + 1] - np.uint32(1)
        if absent[g] == 0.0:
            away = max(abs(time[first] - centre[g]), abs(time[last] - centre[g]))
            highest = max(highest, max(old[first], old[last]) * (flat[g] + away * away * steep))
    limit = threshold2 * phi * max(1.0 - highest * (1.0 + 1e-9), 0.0) * (1.0 - 1e-9)
    n_suspects = _suspects(padded, y, inverse, omega, limit, excess, suspects)
    for k in range(n_suspects):
        i = suspects[k]
        g = season[i]
        away = time[i] - centre[g]
        free = 1.0 - old[i] * (flat[g] + away * away * steep)
        # a row that alone decides its own fit has no residual to judge it by
        if not free > 1e-14:
            continue
        c = y[i]
        raised = small[np.uint32(c), 0] if c < SMALL and c == math.floor(c) else c ** (2.0 / 3.0)
        sixth = exponential((level[g] + x * time[i]) / -6.0)
        residual = 1.5 * (raised * sixth - math.sqrt(1.0 / inverse[i]))
        s2 = residual * residual / (phi * free)
        if s2 > threshold2:
            omega[i] = 1.0 / s2
            extra_t[n_extra], extra_c[n_extra], extra_g[n_extra] = time[i], 1.0 - 1.0 / s2, g
            n_extra += 1
    return n_extra


@njit(**LEAF)
def blank_out(omega, offset, n, missing, n_missing, now):  # type: ignore[no-untyped-def]
    """Write 0 at the rows that are missing."""
    for m in range(n_missing):
        back = missing[m] - now
        for i in range(n):
            if offset[i] == back:
                omega[i] = 0.0


@njit(**LEAF)
def first_known(time, offset, n, missing, n_missing, now, tall):  # type: ignore[no-untyped-def]
    """Periods from the first row to the first one that is not missing."""
    first = 1.0
    for i in range(n):
        if time[i] < first:
            gone = False
            for m in range(n_missing):
                gone = gone or missing[m] - now == offset[i]
            if not gone:
                first = time[i]
    return (first + 1.0) * tall
