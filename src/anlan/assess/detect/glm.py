"""Quasi-Poisson regression with log link: one level per season and, if wanted, one common slope.

    log mu_i = log P_i + a[g(i)] + slope * t_i        Var(y_i) = phi mu_i / omega_i

Fitted by iteratively reweighted least squares (McCullagh, Nelder 1989, section 2.5). With one level
per group the normal equations fall apart: the levels are eliminated group by group and what is left
is one equation for the slope, so a step needs group sums and no matrix.

The stopping rule is R's `glm.fit`: start at mu = y + 0.1, stop at |dev - dev_old| / (|dev| + 0.1)
< 1e-8, at most 25 steps; working weights and information are those of the last step (before its
update), residuals those of the final mean. It matters only where the fit is degenerate, but there
it decides the numbers.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

MAX_STEPS = 25
TOLERANCE = 1e-8
#: let sums be re-ordered so that they vectorise; NaN and infinity keep their meaning
_SUMS = {"reassoc", "contract"}


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_SUMS)
def fit_levels(y, log_y, v, u, dev0, pop, omega, seg, level, m0, mu, mu_old):  # type: ignore[no-untyped-def]
    """Fit levels without slope. Rows [n] are sorted by group, group g being seg[g] ... seg[g+1];
    `omega` 0 = row not used. What the steps need and do not change is given: `log_y` = log(y / P)
    (0 for y = 0), `v` = y + 0.1, `u` = v log(v / P) - 0.1, `dev0` = half the deviance at mu = v.
    Written: `level` [groups] (NaN where a group has no rows), the information `m0` [groups], `mu`
    and the last step's `mu_old` [n]. Gives (converged, rank)."""
    groups = len(seg) - 1
    dev_old = 0.0
    rank = 0
    sum_y = np.zeros(groups)
    sum_p = np.zeros(groups)
    anchor = np.zeros(groups)
    rest = np.zeros(groups)
    rate = np.zeros(groups)
    old = np.zeros(groups)
    for g in range(groups):
        sy, sp, sv, su, d0 = 0.0, 0.0, 0.0, 0.0, 0.0
        for i in range(seg[g], seg[g + 1]):
            sy += omega[i] * y[i]
            sp += omega[i] * pop[i]
            sv += omega[i] * v[i]
            su += omega[i] * u[i]
            d0 += omega[i] * dev0[i]
        if sv == 0.0:
            level[g] = np.nan
            m0[g] = 0.0
            continue
        rank += 1
        dev_old += d0
        sum_y[g], sum_p[g] = sy, sp
        level[g] = su / sv
        m0[g] = sv
        # deviance measured from the closed-form optimum, or large counts cancel to noise
        if sy > 0.0:
            anchor[g] = math.log(sy / sp)
            r = 0.0
            for i in range(seg[g], seg[g + 1]):
                r += omega[i] * y[i] * (log_y[i] - anchor[g])
            rest[g] = r
    dev_old *= 2.0
    converged = False
    steps = 0
    for step in range(MAX_STEPS):
        steps = step + 1
        if step > 0:
            for g in range(groups):
                if m0[g] > 0.0:
                    m0[g] = rate[g] * sum_p[g]
                    old[g] = rate[g]
                    level[g] += (sum_y[g] - m0[g]) / m0[g]
        dev = 0.0
        for g in range(groups):
            if m0[g] > 0.0:
                rate[g] = math.exp(level[g])
                fitted = rate[g] * sum_p[g]
                dev += rest[g] - (level[g] - anchor[g]) * sum_y[g] + (fitted - sum_y[g])
        dev *= 2.0
        if not math.isfinite(dev):
            break
        if abs(dev - dev_old) / (abs(dev) + 0.1) < TOLERANCE:
            converged = True
            break
        dev_old = dev
    for g in range(groups):
        now, before = rate[g], old[g]
        if not m0[g] > 0.0:  # no rows in use: any finite mean, which weights of 0 leave without effect
            now, before = 1.0, 1.0
        for i in range(seg[g], seg[g + 1]):
            mu[i] = pop[i] * now
            mu_old[i] = v[i] if steps == 1 else pop[i] * before
    return converged, rank


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_SUMS)
def fit_levels_and_slope(  # type: ignore[no-untyped-def]
    y, log_y, v, u, dev0, pop, omega, seg, tick, time, unit, middle, table, level, m0, m1, mu, mu_old
):
    """Fit levels and a slope in `time` = unit * (tick - middle) [n]. As `fit_levels`; `table` is
    room for exp(slope * time) at every tick, or empty where the ticks are too sparse for one;
    `m1` [groups] is the information between level and slope. Gives (converged, rank, slope,
    information about the slope given the levels)."""
    groups = len(seg) - 1
    n = seg[groups]
    dense = len(table) > 0
    new0 = np.zeros(groups)
    new1 = np.zeros(groups)
    res0 = np.zeros(groups)
    was = np.zeros(groups)
    slope, slope_was = 0.0, 0.0

    # first step: weights and working response at mu = y + 0.1
    dev_old, rank = 0.0, 0
    info, rhs, spread = 0.0, 0.0, 0.0
    for g in range(groups):
        s0, s1, s2, u0, u1, d0 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for i in range(seg[g], seg[g + 1]):
            t = time[i]
            m = omega[i] * v[i]
            z = omega[i] * u[i]
            s0 += m
            s1 += m * t
            s2 += m * t * t
            u0 += z
            u1 += z * t
            d0 += omega[i] * dev0[i]
        m0[g], m1[g], res0[g] = s0, s1, u0
        if s0 == 0.0:
            level[g] = np.nan
            continue
        rank += 1
        dev_old += d0
        info += s2 - s1 * s1 / s0
        rhs += u1 - s1 / s0 * u0
        spread += s2
    if not info > 1e-12 * spread:  # one distinct time per group: no slope can be told from levels
        return False, rank, 0.0, 0.0
    slope = rhs / info
    for g in range(groups):
        if m0[g] > 0.0:
            level[g] = (res0[g] - slope * m1[g]) / m0[g]
    for i in range(n):
        mu_old[i] = v[i]
        mu[i] = v[i]  # stays where no rows of a group are in use
    dev_old *= 2.0

    converged = False
    for step in range(MAX_STEPS):
        dev, new_info, new_rhs = 0.0, 0.0, 0.0
        halvings = 0
        while True:
            if dense:
                _powers(table, slope * unit, middle)
            dev, new_info, new_rhs = 0.0, 0.0, 0.0
            for g in range(groups):
                if m0[g] == 0.0:
                    continue
                a = level[g]
                ea = math.exp(a)
                s0, s1, s2, r0, r1, d = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
                if dense:
                    for i in range(seg[g], seg[g + 1]):
                        mu[i] = pop[i] * ea * table[tick[i]]
                else:
                    for i in range(seg[g], seg[g + 1]):
                        mu[i] = pop[i] * math.exp(a + slope * time[i])
                for i in range(seg[g], seg[g + 1]):
                    t = time[i]
                    m = omega[i] * mu[i]
                    r = omega[i] * (y[i] - mu[i])
                    s0 += m
                    s1 += m * t
                    s2 += m * t * t
                    r0 += r
                    r1 += r * t
                    d += omega[i] * y[i] * (log_y[i] - a - slope * t) - r
                new0[g], new1[g], res0[g] = s0, s1, r0
                dev += d
                if s0 > 0.0:
                    new_info += s2 - s1 * s1 / s0
                    new_rhs += r1 - s1 / s0 * r0
            dev *= 2.0
            if math.isfinite(dev) or step == 0 or halvings == MAX_STEPS:
                break
            halvings += 1
            slope = 0.5 * (slope + slope_was)
            for g in range(groups):
                level[g] = 0.5 * (level[g] + was[g])
        if not math.isfinite(dev):
            break
        if abs(dev - dev_old) / (abs(dev) + 0.1) < TOLERANCE:
            converged = True
            break
        dev_old = dev
        if step == MAX_STEPS - 1 or not new_info > 0.0:
            break
        # the next update; its weights become "those of the last step"
        slope_was = slope
        change = new_rhs / new_info
        slope += change
        info = new_info
        for g in range(groups):
            if m0[g] > 0.0:
                was[g] = level[g]
                m0[g], m1[g] = new0[g], new1[g]
                level[g] += (res0[g] - change * m1[g]) / m0[g]
        for i in range(n):
            mu_old[i] = mu[i]
    return converged, rank, slope, info


@njit(cache=True, nogil=True, error_model="numpy")
def _powers(table, rate, middle):  # type: ignore[no-untyped-def]
    """table[k] = exp(rate * (k - middle)), by one product per entry; its length is 16 times a
    whole number."""
    fine = np.empty(16)
    for j in range(16):
        fine[j] = math.exp(rate * j)
    for block in range(len(table) // 16):
        coarse = math.exp(rate * (16 * block - middle))
        for j in range(16):
            table[16 * block + j] = coarse * fine[j]


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_SUMS)
def dispersions(y, omega, mu, mu_old, freedom):  # type: ignore[no-untyped-def]
    """(Pearson dispersion with the weights of the last step, the same with the prior weights in
    place of the working weights). The second is what R reports once `model$weights` has been
    overwritten; it has the wrong unit, see `compat`."""
    right, wrong = 0.0, 0.0
    for i in range(len(y)):
        r = (y[i] - mu[i]) / mu[i]
        right += omega[i] * mu_old[i] * r * r
        wrong += omega[i] * r * r
    return right / freedom, wrong / freedom
