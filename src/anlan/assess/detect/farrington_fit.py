"""The model of one tested period: fit, down-weight past outbreaks, keep or drop the trend, predict.

Noufaily et al. (2013), sections 3.2-3.4, in the order of `surveillance::farringtonFlexible`.
`farrington_plain` is the readable twin of this file; the two must agree.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from anlan.assess.detect.glm import dispersions, fit_levels, fit_levels_and_slope

#: codes of a cell, as `Reason`
OK, TOO_FEW_HISTORY, NO_CONVERGENCE, NO_CASES_IN_SEASON = 0, 2, 4, 5
#: not worked out yet
DEFERRED = -1
#: a trend that leaves the log of the mean less sure than this is refused (not under `compat`): on a
#: handful of cases the slope runs wild and bounds that use the error of the mean reach 1e100
WILD = 1.0
#: most counts are small whole numbers: their logarithms are looked up below this
SMALL = 256


@njit(cache=True, nogil=True, error_model="numpy")
def fit_panel(  # type: ignore[no-untyped-def]
    counts,
    population,
    at,
    rows,
    tick,
    unit,
    bounds,
    tick_now,
    short,
    trend,
    critical_t,
    reweight,
    weights_threshold,
    compat,
    dated,
    mu_now,
    se_log,
    phi,
    slope,
    kept,
    code,
):
    """Fit every (series, test) whose code is `DEFERRED` and write mean, standard error of its log,
    dispersion, slope, trend kept (1 / 0) and code, all [n_series, n_test]. `population` is [0, 0]
    where there is none. Row numbers and ticks come unsigned, or every access pays for negative
    indexes and nothing vectorises. `critical_t` [degrees of freedom] is the value |t| must exceed for
    a trend to be kept."""
    n_series, n_time = counts.shape
    with_population = population.size > 0
    most = 0
    for j in range(len(at)):
        most = max(most, bounds[j, -1] - bounds[j, 0])
    groups = bounds.shape[1] - 1

    series_log = np.empty(n_time)
    series_u = np.empty(n_time)
    series_dev0 = np.empty(n_time)
    usable = np.empty(n_time, dtype=np.bool_)
    row_y, row_log = np.empty(most), np.empty(most)
    row_v, row_u, row_dev0 = np.empty(most), np.empty(most), np.empty(most)
    row_pop = np.ones(most)
    ones, omega = np.empty(most), np.empty(most)
    mu, mu_old = np.empty(most), np.empty(most)
    level, m0, m1 = np.empty(groups), np.empty(groups), np.zeros(groups)
    seg = np.empty(groups + 1, dtype=np.uint64)
    spans = np.zeros(len(at), dtype=np.int64)
    time = np.empty(len(tick))
    for j in range(len(at)):
        for i in range(bounds[j, 0], bounds[j, groups]):
            spans[j] = max(spans[j], np.int64(tick[i]))
        for i in range(bounds[j, 0], bounds[j, groups]):
            time[i] = unit * (tick[i] - 0.5 * spans[j])
    powers = np.empty(spans.max() + 16 if len(at) else 0)

    seen = np.zeros(n_time, dtype=np.bool_)
    for k in rows:
        seen[k] = True
    needed = np.flatnonzero(seen)
    small_log_v = np.log(np.arange(SMALL) + 0.1)
    small_log = np.log(np.maximum(np.arange(SMALL), 0.1))

    for s in range(n_series):
        waiting = False
        for j in range(len(at)):
            waiting = waiting or code[s, j] == DEFERRED
        if not waiting:
            continue
        for k in needed:
            y = counts[s, k]
            v = y + 0.1
            if y < SMALL and y == math.floor(y):
                log_v, log_y = small_log_v[int(y)], small_log[int(y)]
            else:
                log_v = math.log(v)
                log_y = math.log(y) if y > 0.0 else log_v
            series_dev0[k] = y * (log_y - log_v) + 0.1
            offset = 0.0
            if with_population:
                p = population[s, k]
                offset = math.log(p) if p > 0.0 else np.nan
            series_log[k] = log_y - offset if y > 0.0 else 0.0
            series_u[k] = v * (log_v - offset) - 0.1
            usable[k] = not math.isnan(series_u[k])

        for j in range(len(at)):
            if code[s, j] != DEFERRED:
                continue
            begin = bounds[j, 0]
            n = bounds[j, groups] - begin
            mu_now[s, j] = np.nan
            se_log[s, j] = np.nan
            phi[s, j] = np.nan
            slope[s, j] = np.nan
            kept[s, j] = -1
            code[s, j] = TOO_FEW_HISTORY
            if short[j] or n == 0:
                continue
            for g in range(groups + 1):
                seg[g] = bounds[j, g] - begin

            used, first_used = 0, np.int64(-1)
            largest = 0.0
            for i in range(n):
                k = rows[begin + i]
                y = counts[s, k]
                if not usable[k]:
                    ones[i] = 0.0
                    row_y[i], row_log[i] = 0.0, 0.0
                    row_v[i], row_u[i], row_dev0[i] = 0.1, 0.0, 0.0
                    row_pop[i] = 1.0
                    continue
                ones[i] = 1.0
                row_y[i], row_log[i] = y, series_log[k]
                row_v[i], row_u[i], row_dev0[i] = y + 0.1, series_u[k], series_dev0[k]
                if with_population:
                    row_pop[i] = population[s, k]
                used += 1
                largest = max(largest, y)
                first = np.int64(tick[begin + i])
                if first_used < 0 or first < first_used:
                    first_used = first
            here = 0.0
            for i in range(seg[groups - 1], seg[groups]):
                here += ones[i]
            if here == 0.0:
                continue  # nothing known about the season of the tested period
            pop_now = 1.0
            if with_population:
                pop_now = population[s, at[j]]
                if not pop_now > 0.0:
                    pop_now = np.nan

            span = spans[j]
            middle = 0.5 * span
            now = unit * (tick_now[j] - middle)
            table = powers[: (span // 16 + 1) * 16 if span < 2 * n else 0]
            if compat and dated and first_used > 0:
                # the package predicts with time counted from the first row that is not missing,
                # but fits with time counted from the first row
                now -= unit * first_used

            cut = slice(0, n)
            y_, log_, v_, u_, d0_ = row_y[cut], row_log[cut], row_v[cut], row_u[cut], row_dev0[cut]
            pop_, one_, om_ = row_pop[cut], ones[cut], omega[cut]
            mu_, old_ = mu[cut], mu_old[cut]
            ticks, times = tick[begin : begin + n], time[begin : begin + n]

            keep, converged = False, False
            coefficient, info = 0.0, 0.0
            right, wrong = 0.0, 0.0
            too_few = False
            for attempt in range(2):
                sloped = attempt == 0
                if sloped and not trend:
                    continue
                for i in range(n):
                    om_[i] = one_[i]
                for fit in range(2):
                    if sloped:
                        done, rank, coefficient, info = fit_levels_and_slope(
                            y_,
                            log_,
                            v_,
                            u_,
                            d0_,
                            pop_,
                            om_,
                            seg,
                            ticks,
                            times,
                            unit,
                            middle,
                            table,
                            level,
                            m0,
                            m1,
                            mu_,
                            old_,
                        )
                        rank += 1
                    else:
                        done, rank = fit_levels(y_, log_, v_, u_, d0_, pop_, om_, seg, level, m0, mu_, old_)
                        coefficient, info = 0.0, 0.0
                        m1[:] = 0.0
                    if fit == 0:
                        converged = done  # the package does not ask the second fit
                        if not done:
                            break
                    if used <= rank:
                        too_few = True
                        break
                    right, wrong = dispersions(y_, om_, mu_, old_, float(used - rank))
                    if fit == 1 or not reweight:
                        break
                    changed = _weights(
                        y_,
                        one_,
                        om_,
                        mu_,
                        old_,
                        seg,
                        times,
                        m0,
                        m1,
                        info,
                        max(right, 1.0),
                        weights_threshold,
                        used,
                    )
                    if not changed:
                        break  # all weights 1: the second fit is the first
                if too_few or not converged:
                    if too_few:
                        break
                    continue
                if not sloped:
                    break
                # keep the trend? significant, and no prediction above every past count
                scale = max(right, 1.0)
                if compat:
                    scale = wrong if reweight else right
                t = abs(coefficient) / math.sqrt(scale / info)
                predicted = pop_now * math.exp(level[groups - 1] + coefficient * now)
                keep = t > critical_t[used - rank] and predicted <= largest
                if not compat:
                    away = now - m1[groups - 1] / m0[groups - 1]
                    error2 = scale * (1.0 / m0[groups - 1] + away * away / info)
                    keep = keep and error2 <= WILD * WILD
                if keep:
                    break
            if too_few:
                continue

            if not converged:
                code[s, j] = NO_CONVERGENCE
                if not compat:
                    pooled(y_, pop_, one_, np.int64(0), n, pop_now, mu_now[s], se_log[s], phi[s], j)
                    kept[s, j] = 0
                continue
            last = groups - 1
            phi[s, j] = max(right, 1.0)
            kept[s, j] = 1 if keep else 0
            if keep:
                slope[s, j] = coefficient
            code[s, j] = OK
            cases_here = 0.0
            for i in range(seg[last], seg[groups]):
                cases_here += y_[i]
            if cases_here == 0.0 and not compat:
                # the level runs off to minus infinity and stops wherever the steps stop
                code[s, j] = NO_CASES_IN_SEASON
                keep_phi = phi[s, j]
                pooled(y_, pop_, one_, np.int64(seg[last]), n, pop_now, mu_now[s], se_log[s], phi[s], j)
                se_log[s, j] *= math.sqrt(keep_phi / phi[s, j])
                phi[s, j] = keep_phi
                if largest == 0.0:
                    kept[s, j] = 0
                    slope[s, j] = np.nan
                continue
            mu_now[s, j] = pop_now * math.exp(level[last] + coefficient * now)
            scale = phi[s, j]
            if compat:
                scale = wrong if reweight else right
            variance = 1.0 / m0[last]
            if info > 0.0:
                variance += (now - m1[last] / m0[last]) ** 2 / info
            se_log[s, j] = math.sqrt(scale * variance)


@njit(cache=True, nogil=True, error_model="numpy")
def _weights(  # type: ignore[no-untyped-def]
    y, ones, omega, mu, mu_old, seg, time, m0, m1, info, phi, threshold, used
):
    """Write the weights of past counts (Farrington et al. 1996, equation (5); threshold after
    Noufaily et al. 2013): gamma where the standardised Anscombe residual s is at most `threshold`,
    gamma / s^2 above, gamma so that they sum to the number of rows. Gives whether any changed."""
    total = 0.0
    changed = False
    for g in range(len(seg) - 1):
        for i in range(seg[g], seg[g + 1]):
            omega[i] = ones[i]
            if ones[i] == 0.0:
                continue
            if y[i] > mu[i]:
                hat = 1.0 / m0[g]
                if info > 0.0:
                    hat += (time[i] - m1[g] / m0[g]) ** 2 / info
                free = 1.0 - mu_old[i] * hat
                # a row that alone decides its own fit has no residual to judge it by
                if free > 1e-14:
                    limit = threshold * threshold * phi * free
                    gap = y[i] - mu[i]
                    # the Anscombe residual is never above the Pearson residual, which is cheaper
                    if gap * gap > limit * mu[i] * (1.0 - 1e-9):
                        s2 = (1.5 * (y[i] ** (2.0 / 3.0) * mu[i] ** (-1.0 / 6.0) - math.sqrt(mu[i]))) ** 2 / (
                            phi * free
                        )
                        if s2 > threshold * threshold:
                            omega[i] = 1.0 / s2
                            changed = True
            total += omega[i]
    gamma = used / total
    for i in range(len(y)):
        omega[i] *= gamma
    return changed


@njit(cache=True, nogil=True, error_model="numpy")
def pooled(y, pop, ones, begin, end, pop_now, mu_now, se_log, phi, j):  # type: ignore[no-untyped-def]
    """A rate from rows begin ... end with half a case added (Jeffreys' prior for a Poisson rate),
    so that no cases so far is a small expectation with a known error and not a blind spot."""
    cases, exposure, rows = 0.0, 0.0, 0.0
    for i in range(begin, end):
        cases += ones[i] * y[i]
        exposure += ones[i] * pop[i]
        rows += ones[i]
    spread = 1.0
    if cases > 0.0 and rows > 1.0:
        pearson = 0.0
        for i in range(begin, end):
            mean = pop[i] * cases / exposure
            pearson += ones[i] * (y[i] - mean) ** 2 / mean
        spread = max(1.0, pearson / (rows - 1.0))
    mu_now[j] = pop_now * (cases + 0.5) / exposure
    phi[j] = spread
    se_log[j] = math.sqrt(spread / (cases + 0.5))
