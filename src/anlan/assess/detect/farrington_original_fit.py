"""The model of the original Farrington algorithm, one tested period after the other.

Farrington, Andrews, Beale, Catchpole (1996), sections 3.3-3.7: one level and, where it holds, one slope
in time; past outbreaks are given less weight (standardised Anscombe residual above 1) and the model is
fitted once more. The regression itself, and its stopping rule, stand in `glm`. The readable twin is in
the tests.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

#: codes of a cell, as `Reason`
OK, TOO_FEW_HISTORY, NO_CONVERGENCE, NO_CASES_IN_SEASON = 0, 2, 4, 5
#: R's `glm.fit`: at most this many steps, stop at |dev - dev_old| / (|dev| + 0.1) below this
MAX_STEPS = 25
TOLERANCE = 1e-8
#: a trend that leaves the log of the mean less sure than this is refused (not under `compat`)
WILD = 1.0
#: standardised Anscombe residual above which a past count gets less weight (section 3.6)
OUTBREAK = 1.0
#: no mean is smaller: the floor of R's inverse log link, which decides where a slope runs away
_FLOOR = 2.0**-52


@njit(cache=True, nogil=True, error_model="numpy")
def fit_level(y, log_y, v, u, dev0, pop, omega, level, m0, mu, mu_old):  # type: ignore[no-untyped-def]
    """Fit a level alone. Rows [n] with weights `omega` > 0; what the steps need and do not change is
    given: `log_y` = log(y / P) (0 for y = 0), `v` = y + 0.1, `u` = v log(v / P) - 0.1, `dev0` half the
    deviance at mu = v. Written: `level` [1], its information `m0` [1], `mu` and the last step's `mu_old`
    [n]. Gives whether it converged."""
    n = len(y)
    sum_y, sum_p, sum_v, sum_u, dev_old = 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(n):
        sum_y += omega[i] * y[i]
        sum_p += omega[i] * pop[i]
        sum_v += omega[i] * v[i]
        sum_u += omega[i] * u[i]
        dev_old += 2.0 * omega[i] * dev0[i]
    # deviance measured from the closed-form optimum, or large counts cancel to noise
    anchor, rest = 0.0, 0.0
    if sum_y > 0.0:
        anchor = math.log(sum_y / sum_p)
        for i in range(n):
            rest += omega[i] * y[i] * (log_y[i] - anchor)
    a = sum_u / sum_v
    m0[0] = sum_v
    rate, before = 0.0, 0.0
    converged = False
    steps = 0
    for step in range(MAX_STEPS):
        steps = step + 1
        if step > 0:
            before = rate
            m0[0] = rate * sum_p
            a += (sum_y - m0[0]) / m0[0]
        rate = math.exp(a)
        dev = 2.0 * (rest - (a - anchor) * sum_y + rate * sum_p - sum_y)
        if not math.isfinite(dev):
            break
        if abs(dev - dev_old) / (abs(dev) + 0.1) < TOLERANCE:
            converged = True
            break
        dev_old = dev
    level[0] = a
    for i in range(n):
        mu[i] = pop[i] * rate
        mu_old[i] = v[i] if steps == 1 else pop[i] * before
    return converged


@njit(cache=True, nogil=True, error_model="numpy")
def _means(y, log_y, pop, omega, time, a, slope, mu):  # type: ignore[no-untyped-def]
    """Write the means of a line; gives the deviance. Within a window the times are one apart and the
    means a geometric series."""
    ratio = math.exp(slope)
    rate, dev = 0.0, 0.0
    for i in range(len(y)):
        if i > 0 and time[i] - time[i - 1] == 1.0:
            rate *= ratio
        else:
            rate = math.exp(a + slope * time[i])
        mean = pop[i] * rate
        log_rate = a + slope * time[i]
        if mean < _FLOOR:
            mean = _FLOOR
            log_rate = math.log(mean / pop[i])
        mu[i] = mean
        dev += omega[i] * (y[i] * (log_y[i] - log_rate) - (y[i] - mean))
    return 2.0 * dev


@njit(cache=True, nogil=True, error_model="numpy")
def fit_line(y, log_y, v, u, dev0, pop, omega, time, level, m0, m1, mu, mu_old):  # type: ignore[no-untyped-def]
    """Fit a level and a slope in `time` [n], ascending. Given and written as by `glm.fit_levels`, for one
    group; gives (converged, slope, information about the slope given the level). Information is summed
    about the weighted mean time, or it cancels to nothing where one row has all the weight."""
    n = len(y)
    s0, s1, dev_old = 0.0, 0.0, 0.0
    for i in range(n):
        m = omega[i] * v[i]
        s0 += m
        s1 += m * time[i]
        dev_old += 2.0 * omega[i] * dev0[i]
        mu_old[i] = v[i]
    centre = s1 / s0
    info, rhs, sum_u = 0.0, 0.0, 0.0
    for i in range(n):
        away = time[i] - centre
        info += omega[i] * v[i] * away * away
        rhs += omega[i] * u[i] * away
        sum_u += omega[i] * u[i]
    m0[0], m1[0] = s0, s1
    if not info > 0.0:  # all rows at one time: no slope can be told from the level
        return False, 0.0, 0.0
    slope = rhs / info
    a = sum_u / s0 - slope * centre
    slope_was, a_was = 0.0, 0.0
    for step in range(MAX_STEPS):
        dev = _means(y, log_y, pop, omega, time, a, slope, mu)
        halvings = 0
        while not math.isfinite(dev) and step > 0 and halvings < MAX_STEPS:
            slope, a = 0.5 * (slope + slope_was), 0.5 * (a + a_was)
            dev = _means(y, log_y, pop, omega, time, a, slope, mu)
            halvings += 1
        level[0] = a
        if not math.isfinite(dev):
            return False, slope, info
        if abs(dev - dev_old) / (abs(dev) + 0.1) < TOLERANCE:
            return True, slope, info
        dev_old = dev
        if step == MAX_STEPS - 1:
            return False, slope, info
        s0, s1, sum_r = 0.0, 0.0, 0.0
        for i in range(n):
            m = omega[i] * mu[i]
            s0 += m
            s1 += m * time[i]
            sum_r += omega[i] * (y[i] - mu[i])
            mu_old[i] = mu[i]
        centre = s1 / s0
        info, rhs = 0.0, 0.0
        for i in range(n):
            away = time[i] - centre
            info += omega[i] * mu[i] * away * away
            rhs += omega[i] * (y[i] - mu[i]) * away
        m0[0], m1[0] = s0, s1
        if not info > 0.0:
            return False, slope, info
        slope_was, a_was = slope, a
        slope += rhs / info
        a += sum_r / s0 - (rhs / info) * centre
    return False, slope, info


@njit(cache=True, nogil=True, error_model="numpy")
def dispersion(y, omega, mu, mu_old, freedom):  # type: ignore[no-untyped-def]
    """Pearson dispersion with the working weights of the last step."""
    total = 0.0
    for i in range(len(y)):
        r = (y[i] - mu[i]) / mu[i]
        total += omega[i] * mu_old[i] * r * r
    return total / freedom


@njit(cache=True, nogil=True, error_model="numpy")
def assign_weights(y, omega, mu, mu_old, time, m0, m1, info, phi):  # type: ignore[no-untyped-def]
    """Write the weights of past counts (section 3.6, equation (5)): gamma where the standardised Anscombe
    residual s (equation (4)) is at most `OUTBREAK`, gamma / s^2 above, gamma so that they sum to the
    number of rows. Gives whether any changed."""
    n = len(y)
    total = 0.0
    changed = False
    for i in range(n):
        omega[i] = 1.0
        if y[i] > mu[i]:
            hat = 1.0 / m0
            if info > 0.0:
                hat += (time[i] - m1 / m0) ** 2 / info
            free = 1.0 - mu_old[i] * hat
            # a row that alone decides its own fit has no residual to judge it by
            if free > 1e-14:
                limit = OUTBREAK * OUTBREAK * phi * free
                gap = y[i] - mu[i]
                # the Anscombe residual is never above the Pearson residual, which is cheaper
                if gap * gap > limit * mu[i] * (1.0 - 1e-9):
                    s2 = (1.5 * (y[i] ** (2.0 / 3.0) * mu[i] ** (-1.0 / 6.0) - math.sqrt(mu[i]))) ** 2
                    s2 /= phi * free
                    if s2 > OUTBREAK * OUTBREAK:
                        omega[i] = 1.0 / s2
                        changed = True
        total += omega[i]
    gamma = n / total
    for i in range(n):
        omega[i] *= gamma
    return changed


@njit(cache=True, nogil=True, error_model="numpy")
def pooled(y, pop, pop_now):  # type: ignore[no-untyped-def]
    """(mean, standard error of its log, dispersion) of a rate with half a case added (Jeffreys' prior
    for a Poisson rate), so that no cases so far is a small expectation and not a blind spot."""
    cases, exposure = y.sum(), pop.sum()
    spread = 1.0
    if cases > 0.0 and len(y) > 1:
        pearson = 0.0
        for i in range(len(y)):
            mean = pop[i] * cases / exposure
            pearson += (y[i] - mean) ** 2 / mean
        spread = max(1.0, pearson / (len(y) - 1.0))
    return pop_now * (cases + 0.5) / exposure, math.sqrt(spread / (cases + 0.5)), spread


@njit(cache=True, nogil=True, error_model="numpy")
def fit_windows(  # type: ignore[no-untyped-def]
    counts,
    population,
    at,
    rows,
    bounds,
    trend,
    critical_t,
    reweight,
    compat,
    go_on,
    mu_now,
    se_log,
    phi,
    slope,
    kept,
    code,
):
    """Fit every (series, test) and write mean, standard error of its log, dispersion, slope, trend kept
    (1 / 0) and code, all [n_series, n_test]. `rows`, `bounds` as of `window_rows`; `population` is
    [0, 0] where there is none. `compat`: a fit that did not converge is used where `go_on` (the
    package's fast form) and gives nothing else, and the trend test takes the dispersion unfloored."""
    n_series, n_time = counts.shape
    with_population = population.size > 0
    most = 0
    for j in range(len(at)):
        most = max(most, bounds[j + 1] - bounds[j])
    y, log_y, v = np.empty(most), np.empty(most), np.empty(most)
    u, dev0, pop = np.empty(most), np.empty(most), np.ones(most)
    omega = np.empty(most)
    mu, mu_old, time = np.empty(most), np.empty(most), np.empty(most)
    level, m0, m1 = np.empty(1), np.empty(1), np.zeros(1)
    series_log, series_u, series_dev0 = np.empty(n_time), np.empty(n_time), np.empty(n_time)
    usable = np.empty(n_time, dtype=np.bool_)

    for s in range(n_series):
        for k in range(n_time):
            here = counts[s, k]
            offset = 0.0
            if with_population:
                p = population[s, k]
                offset = math.log(p) if p > 0.0 else np.nan
            log_v = math.log(here + 0.1)
            log_here = math.log(here) if here > 0.0 else log_v
            series_log[k] = log_here - offset if here > 0.0 else 0.0
            series_u[k] = (here + 0.1) * (log_v - offset) - 0.1
            series_dev0[k] = here * (log_here - log_v) + 0.1
            usable[k] = not math.isnan(series_u[k])
        for j in range(len(at)):
            mu_now[s, j], se_log[s, j] = np.nan, np.nan
            phi[s, j], slope[s, j] = np.nan, np.nan
            kept[s, j], code[s, j] = -1, TOO_FEW_HISTORY
            n = 0
            largest, cases = 0.0, 0.0
            first = 0
            for i in range(bounds[j], bounds[j + 1]):
                k = rows[i]
                if not usable[k]:
                    continue
                if n == 0:
                    first = k
                y[n] = counts[s, k]
                log_y[n], v[n], u[n], dev0[n] = series_log[k], y[n] + 0.1, series_u[k], series_dev0[k]
                if with_population:
                    pop[n] = population[s, k]
                time[n] = k - first
                largest = max(largest, y[n])
                cases += y[n]
                n += 1
            if n < 2:
                continue
            middle = 0.5 * time[n - 1]
            for i in range(n):
                time[i] -= middle
            now = at[j] - first - middle
            pop_now = 1.0
            if with_population:
                pop_now = population[s, at[j]]
                if not pop_now > 0.0:
                    pop_now = np.nan
            cut = slice(0, n)
            y_, log_, v_, u_, d0_ = y[cut], log_y[cut], v[cut], u[cut], dev0[cut]
            om_, mu_, old_, pop_, time_ = omega[cut], mu[cut], mu_old[cut], pop[cut], time[cut]

            keep, lost, too_few = False, False, False
            coefficient, info, right = 0.0, 0.0, 0.0
            for attempt in range(2):
                sloped = attempt == 0
                if sloped and not trend:
                    continue
                for i in range(n):
                    om_[i] = 1.0
                converged = False
                for fit in range(2):
                    if sloped:
                        rank = 2
                        converged_, coefficient, info = fit_line(
                            y_, log_, v_, u_, d0_, pop_, om_, time_, level, m0, m1, mu_, old_
                        )
                    else:
                        rank, coefficient, info, m1[0] = 1, 0.0, 0.0, 0.0
                        converged_ = fit_level(y_, log_, v_, u_, d0_, pop_, om_, level, m0, mu_, old_)
                    if fit == 0:
                        converged = converged_
                        if not converged and (sloped or not (compat and go_on)):
                            break
                    if n <= rank:
                        too_few = True
                        break
                    right = dispersion(y_, om_, mu_, old_, n - rank)
                    if fit == 1 or not reweight:
                        break
                    if not assign_weights(y_, om_, mu_, old_, time_, m0[0], m1[0], info, max(right, 1.0)):
                        break  # all weights 1: the second fit is the first
                if too_few:
                    if compat or not sloped:
                        break
                    too_few = False
                    continue
                if not sloped:
                    lost = not converged and not (compat and go_on)
                    break
                if not converged:
                    continue
                # keep the trend? significant, and no prediction above every past count
                scale = right if compat else max(right, 1.0)
                t = abs(coefficient) / math.sqrt(scale / info)
                keep = (
                    t > critical_t[n - rank] and pop_now * math.exp(level[0] + coefficient * now) <= largest
                )
                if keep and not compat:
                    away = now - m1[0] / m0[0]
                    keep = scale * (1.0 / m0[0] + away * away / info) <= WILD * WILD
                if keep:
                    break
            if too_few:
                continue
            code[s, j] = NO_CONVERGENCE if lost else OK
            if not compat and (lost or cases == 0.0):
                # no case in the windows: the level runs off to minus infinity and stops wherever the
                # steps stop, so half a case stands in
                if not lost:
                    code[s, j] = NO_CASES_IN_SEASON
                mu_now[s, j], se_log[s, j], phi[s, j] = pooled(y_, pop_, pop_now)
                kept[s, j] = 0
                continue
            if lost:
                continue
            phi[s, j] = max(right, 1.0)
            kept[s, j] = 1 if keep else 0
            if keep:
                slope[s, j] = coefficient
            else:
                coefficient = 0.0
            mean = pop_now * math.exp(level[0] + coefficient * now)
            mu_now[s, j] = _FLOOR if mean < _FLOOR else mean
            variance = 1.0 / m0[0]
            if keep:
                variance += (now - m1[0] / m0[0]) ** 2 / info
            se_log[s, j] = math.sqrt(phi[s, j] * variance)
