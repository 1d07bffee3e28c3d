"""The steps of `glm` over the sums of `stretches`: sums of a season, steps with and without a slope."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from anlan.assess.detect.eight import store_multiples
from anlan.assess.detect.exponential import exponential
from anlan.assess.detect.farrington_fit import SMALL
from anlan.assess.detect.glm import MAX_STEPS, TOLERANCE
from anlan.assess.detect.stretches import LANES, LIMITS, MOST_X, TERMS

#: functions that make no arrays do without counting references to them: those atomic instructions took
#: a tenth of the time
LEAF: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "_nrt": False}
SUMS = {"reassoc", "contract"}
#: rows are padded to a multiple of this, so that loops over them have no remainder
BLOCK = 32
#: |x| up to which sums stay exact when missing rows are taken from them
_MOST_X_MISSING = 3.0
DONE, NOT_DONE, GIVE_UP = 1, 0, -1

#: columns of the sums over counts of one row, or of one season
Y, YT, YTT, U, UT, DEV0, YLOG, COLUMNS = 0, 1, 2, 3, 4, 5, 6, 8


@njit(cache=True, nogil=True, error_model="numpy")
def small_counts():  # type: ignore[no-untyped-def]
    """[SMALL + 1, 4]: y^(2/3), and of each count the columns that need logarithms: u, dev0, y log y."""
    table = np.zeros((SMALL + 1, 4))
    for c in range(SMALL + 1):
        log_v = math.log(c + 0.1)
        log_c = math.log(c) if c > 0 else log_v
        table[c, 0] = c ** (2.0 / 3.0)
        table[c, 1] = (c + 0.1) * log_v - 0.1
        table[c, 2] = c * (log_c - log_v) + 0.1
        table[c, 3] = c * log_c
    return table


@njit(**LEAF)
def season_sums(table, now, offset, bounds, shift, tall, base):  # type: ignore[no-untyped-def]
    """Write the sums [columns, LANES] over the rows of each season, time scaled as the pattern's."""
    for g in range(len(bounds) - 1):
        a, b, c, d, e, f, h = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for i in range(bounds[g], bounds[g + 1]):
            k = now + offset[i]
            a += table[k, Y]
            b += table[k, YT]
            c += table[k, YTT]
            d += table[k, U]
            e += table[k, UT]
            f += table[k, DEV0]
            h += table[k, YLOG]
        base[Y, g], base[U, g], base[DEV0, g], base[YLOG, g] = a, d, f, h
        base[YT, g] = (b - shift * a) / tall
        base[YTT, g] = (c - 2.0 * shift * b + shift * shift * a) / (tall * tall)
        base[UT, g] = (e - shift * d) / tall


@njit(**LEAF)
def weighted_sums(  # type: ignore[no-untyped-def]
    base, table, now, offset, bounds, omega, gamma, extra_g, lost, n_extra, touched, shift, tall, sums
):
    """Write the weighted sums; seasons with a down-weighted row are summed again."""
    groups = len(bounds) - 1
    for column in range(COLUMNS):
        for g in range(LANES):
            sums[column, g] = gamma * base[column, g]
    for g in range(groups):
        touched[g] = False
    for i in range(lost, n_extra):
        touched[extra_g[i]] = True
    for g in range(groups):
        if not touched[g]:
            continue
        a, b, c, d, e, f, h = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for i in range(bounds[g], bounds[g + 1]):
            k = now + offset[i]
            weight = omega[i]
            a += weight * table[k, Y]
            b += weight * table[k, YT]
            c += weight * table[k, YTT]
            d += weight * table[k, U]
            e += weight * table[k, UT]
            f += weight * table[k, DEV0]
            h += weight * table[k, YLOG]
        sums[Y, g], sums[U, g], sums[DEV0, g], sums[YLOG, g] = a, d, f, h
        sums[YT, g] = (b - shift * a) / tall
        sums[YTT, g] = (c - 2.0 * shift * b + shift * shift * a) / (tall * tall)
        sums[UT, g] = (e - shift * d) / tall


@njit(**LEAF, fastmath=SUMS)
def _exponential_sums(x, moments, p, powers, shape):  # type: ignore[no-untyped-def]
    """Write shape[l] = sum_m x^m moments[p, m, l]."""
    size = abs(x)
    fours = 1
    while fours < TERMS // 4 and size > LIMITS[fours - 1]:
        fours += 1
    power = 1.0
    for m in range(4 * fours):
        powers[m] = power
        power *= x
    for i in range(3 * LANES):
        shape[i] = 0.0
    for m in range(0, 4 * fours, 4):
        p0, p1, p2, p3 = powers[m], powers[m + 1], powers[m + 2], powers[m + 3]
        for i in range(3 * LANES):
            shape[i] += (p0 * moments[p, m, i] + p1 * moments[p, m + 1, i]) + (
                p2 * moments[p, m + 2, i] + p3 * moments[p, m + 3, i]
            )


@njit(**LEAF, fastmath=SUMS)
def fit_with_slope(  # type: ignore[no-untyped-def]
    sums, absent, rows0, rows1, rows2, moments, p, gamma, extra_t, extra_c, extra_g, n_extra, lost, noise,
    level, was, m0, m1, new0, new1, shape, powers,
):  # fmt: skip
    """The steps of `glm.fit_levels_and_slope`, time scaled. Gives (state, x, x at the last step's
    weights, information about x)."""
    most = _MOST_X_MISSING if lost > 0 else MOST_X
    dev_old, info, rhs, spread = 0.0, 0.0, 0.0, 0.0
    for g in range(LANES):
        m0[g] = gamma * rows0[g]
        m1[g] = gamma * rows1[g]
        new0[g] = gamma * rows2[g]
    for i in range(lost, n_extra):
        g, w, t = extra_g[i], gamma * extra_c[i], extra_t[i]
        m0[g] -= w
        m1[g] -= w * t
        new0[g] -= w * t * t
    for g in range(LANES):
        s0 = sums[Y, g] + 0.1 * m0[g]
        s1 = sums[YT, g] + 0.1 * m1[g]
        s2 = sums[YTT, g] + 0.1 * new0[g]
        inv = 1.0 / (s0 + absent[g])
        m0[g], m1[g] = s0, s1
        new0[g] = inv
        dev_old += sums[DEV0, g]
        info += s2 - s1 * s1 * inv
        rhs += sums[UT, g] - s1 * inv * sums[U, g]
        spread += s2
    if not info > 1e-9 * spread:
        return GIVE_UP, 0.0, 0.0, 0.0
    dev_old *= 2.0
    x, x_was = rhs / info, 0.0
    for g in range(LANES):
        level[g] = (sums[U, g] - x * m1[g]) * new0[g]

    for step in range(MAX_STEPS):
        if not abs(x) <= most:
            return GIVE_UP, 0.0, 0.0, 0.0
        _exponential_sums(x, moments, p, powers, shape)
        for i in range(n_extra):
            weight = extra_c[i] * exponential(x * extra_t[i])
            g = extra_g[i]
            shape[g] -= weight
            shape[LANES + g] -= weight * extra_t[i]
            shape[2 * LANES + g] -= weight * extra_t[i] * extra_t[i]
        dev, new_info, new_rhs = 0.0, 0.0, 0.0
        for g in range(LANES):
            rate = gamma * exponential(level[g])
            s0, s1, s2 = rate * shape[g], rate * shape[LANES + g], rate * shape[2 * LANES + g]
            r0, r1 = sums[Y, g] - s0, sums[YT, g] - s1
            mean = s1 / (s0 + absent[g])
            dev += sums[YLOG, g] - level[g] * sums[Y, g] - x * sums[YT, g] - r0
            new_info += s2 - s1 * mean
            new_rhs += r1 - mean * r0
            new0[g], new1[g] = s0, s1
        dev *= 2.0
        if not abs(dev) < 1e300:
            return GIVE_UP, 0.0, 0.0, 0.0
        change = abs(dev - dev_old)
        limit = TOLERANCE * (abs(dev) + 0.1)
        if abs(change - limit) < noise:
            return GIVE_UP, 0.0, 0.0, 0.0
        if change < limit:
            if step == 0:
                return GIVE_UP, 0.0, 0.0, 0.0
            return DONE, x, x_was, info
        dev_old = dev
        if step == MAX_STEPS - 1:
            break
        if not new_info > 0.0:
            return GIVE_UP, 0.0, 0.0, 0.0
        # the next update; its weights become "those of the last step"
        x_was = x
        move = new_rhs / new_info
        x += move
        info = new_info
        for g in range(LANES):
            was[g] = level[g]
            m0[g], m1[g] = new0[g], new1[g]
            level[g] += (sums[Y, g] - m0[g] - move * m1[g]) / (m0[g] + absent[g])
    return NOT_DONE, x, x_was, info


@njit(**LEAF, fastmath=SUMS)
def fit_without_slope(  # type: ignore[no-untyped-def]
    sums, absent, rows0, gamma, extra_c, extra_g, n_extra, lost, noise, level, was, m0, m1, rows
):
    """The steps of `glm.fit_levels`; gives the state."""
    for g in range(LANES):
        rows[g] = gamma * rows0[g]
    for i in range(lost, n_extra):
        rows[extra_g[i]] -= gamma * extra_c[i]
    dev_old = 0.0
    for g in range(LANES):
        m0[g] = sums[Y, g] + 0.1 * rows[g]
        m1[g] = 0.0
        level[g] = sums[U, g] / (m0[g] + absent[g])
        dev_old += sums[DEV0, g]
    dev_old *= 2.0
    for step in range(MAX_STEPS):
        dev = 0.0
        for g in range(LANES):
            fitted = rows[g] * exponential(level[g])
            dev += sums[YLOG, g] - level[g] * sums[Y, g] + (fitted - sums[Y, g])
            rows[LANES + g] = fitted
        dev *= 2.0
        if not abs(dev) < 1e300:
            return GIVE_UP
        change = abs(dev - dev_old)
        limit = TOLERANCE * (abs(dev) + 0.1)
        if abs(change - limit) < noise:
            return GIVE_UP
        if change < limit:
            return GIVE_UP if step == 0 else DONE
        dev_old = dev
        if step == MAX_STEPS - 1:
            break
        for g in range(LANES):
            was[g] = level[g]
            m0[g] = rows[LANES + g]
            level[g] += (sums[Y, g] - m0[g]) / (m0[g] + absent[g])
    return NOT_DONE


@njit(**LEAF)
def fitted_rates(  # type: ignore[no-untyped-def]
    level, was, x, x_was, tick, n_runs, starts, runs_time, runs_season, run_now, run_was, inverse, old
):
    """Write 1 / mean, and the mean of the last step's weights, of each row; room is left after the
    last row, since every stretch writes `LENGTH` rows and the next overwrites what is too much."""
    for r in range(n_runs):
        g = runs_season[r]
        run_now[r] = -(level[g] + x * runs_time[r])
        run_was[r] = was[g] + x_was * runs_time[r]
    for r in range(len(run_now)):
        run_now[r] = exponential(run_now[r])
    for r in range(len(run_was)):
        run_was[r] = exponential(run_was[r])
    up, up_was = exponential(-x * tick), exponential(x_was * tick)
    _spread(n_runs, starts, run_now, up, inverse)
    _spread(n_runs, starts, run_was, up_was, old)


@njit(**LEAF)
def _spread(n_runs, starts, first, ratio, rows):  # type: ignore[no-untyped-def]
    """Write first, first * ratio, first * ratio^2 ... from the first row of each stretch on."""
    q2 = ratio * ratio
    q4 = q2 * q2
    q3, q5, q6 = q2 * ratio, q4 * ratio, q4 * q2
    powers = (1.0, ratio, q2, q3, q4, q5, q6, q4 * q3)
    for r in range(n_runs):
        store_multiples(rows, starts[r], first[r], powers)  # type: ignore[call-arg]
