"""The fast form of `farrington_fit`: steps that touch no rows.

Without population offset the group sums that a step of `glm` needs split into two: sums over counts
(of y, y t, y log y ...), which do not change from step to step, and sums of exp(slope t) t^k, which do
not depend on the counts: see `stretches`. Rows that are missing or down-weighted are taken from the
sums one by one. Rows are visited only for the dispersion and to look for past outbreaks.

The steps are those of `glm`, with its starting values and stopping rule, so results are the same to
rounding. Where rounding could change a decision, or the course is not an ordinary one (sums that lose
digits, a slope that runs away, no information about the slope), the cell is left `DEFERRED` to
`farrington_fit`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from anlan.assess.detect.eight import store_multiples
from anlan.assess.detect.exponential import exponential
from anlan.assess.detect.farrington_fit import (
    DEFERRED,
    NO_CASES_IN_SEASON,
    NO_CONVERGENCE,
    OK,
    SMALL,
    TOO_FEW_HISTORY,
    WILD,
    pooled,
)
from anlan.assess.detect.glm import MAX_STEPS, TOLERANCE
from anlan.assess.detect.stretches import LANES, LENGTH, LIMITS, MOST_X, TERMS

#: functions that make no arrays do without counting references to them: those atomic instructions took
#: a tenth of the time
_LEAF: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "_nrt": False}
_SUMS = {"reassoc", "contract"}
#: rows are padded to a multiple of this, so that loops over them have no remainder
_BLOCK = 32
#: rounding of a deviance, relative to the terms that it is the difference of
_NOISE = 1e-15
#: |x| up to which sums stay exact when missing rows are taken from them
_MOST_X_MISSING = 3.0
_DONE, _NOT_DONE, _GIVE_UP = 1, 0, -1

#: columns of the sums over counts of one row, or of one season
_Y, _YT, _YTT, _U, _UT, _DEV0, _YLOG, _COLUMNS = 0, 1, 2, 3, 4, 5, 6, 8


@njit(cache=True, nogil=True, error_model="numpy")
def fit_stretches(  # type: ignore[no-untyped-def]
    counts,
    n_test,
    pattern,
    origin,
    shift,
    clock,
    unit,
    first_row,
    first_run,
    seasons,
    reach,
    moments,
    offset,
    time,
    season,
    run_row,
    run_offset,
    run_time,
    run_season,
    tick_now,
    needed,
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
    """As `farrington_fit.fit_panel` without population; the design as in `Stretches`, `needed` the
    rows that any tested period uses. `code` is `DEFERRED` where the cell is left to `fit_panel`."""
    n_series, n_time = counts.shape
    groups = seasons.shape[1] - 1
    most_rows = np.int64(np.diff(first_row.astype(np.int64)).max()) if len(reach) else np.int64(0)
    most_runs = np.int64(np.diff(first_run.astype(np.int64)).max()) if len(reach) else np.int64(0)
    room = (most_rows // _BLOCK + 2) * _BLOCK
    runs_room = (most_runs // _BLOCK + 1) * _BLOCK

    series_y = np.zeros(n_time + LENGTH)
    missing = np.zeros(n_time, dtype=np.int64)
    table = np.zeros((n_time, _COLUMNS))
    y, inverse, old, omega = np.zeros(room), np.ones(room), np.ones(room), np.zeros(room)
    excess, suspects = np.zeros(_BLOCK), np.zeros(room + 1, dtype=np.uint32)
    flat, centre = np.zeros(LANES), np.zeros(LANES)
    base, sums = np.zeros((_COLUMNS, LANES)), np.zeros((_COLUMNS, LANES))
    rows0, rows1, rows2 = np.zeros(LANES), np.zeros(LANES), np.zeros(LANES)
    absent = np.zeros(LANES)  # 1 where a season has no rows: added to what is divided by
    touched = np.zeros(LANES, dtype=np.bool_)
    extra_t, extra_c = np.zeros(most_rows + 8), np.zeros(most_rows + 8)
    extra_g = np.zeros(most_rows + 8, dtype=np.uint32)
    level, was, m0, m1 = np.zeros(LANES), np.zeros(LANES), np.zeros(LANES), np.zeros(LANES)
    new0, new1 = np.zeros(LANES), np.zeros(LANES)
    shape = np.zeros(3 * LANES)
    powers = np.zeros(TERMS)
    run_now, run_was = np.zeros(runs_room), np.zeros(runs_room)
    small = _small_counts()
    ones, one_now = np.ones(room), np.zeros(room)
    # the pattern in use, copied: every view of an array would count its references
    current = np.int64(-1)
    n, n_runs, padded = np.int64(0), np.int64(0), np.int64(0)
    rows_time, rows_season = np.zeros(room), np.zeros(room, dtype=np.uint32)
    rows_offset = np.zeros(room, dtype=np.uint32)
    starts, runs_time = np.zeros(runs_room + 1, dtype=np.uint32), np.zeros(runs_room)
    runs_season, runs_offset = np.zeros(runs_room, dtype=np.uint32), np.zeros(runs_room, dtype=np.uint32)
    bounds = np.zeros(groups + 1, dtype=np.uint32)

    for s in range(n_series):
        n_missing = np.int64(0)
        for k in needed:
            c = counts[s, k]
            series_y[k] = c
            n_cases = np.uint32(c) if 0.0 <= c < SMALL else np.uint32(SMALL)
            if c == n_cases:
                u, dev0, ylog = small[n_cases, 1], small[n_cases, 2], small[n_cases, 3]
            elif math.isnan(c):
                missing[n_missing] = k
                n_missing += 1
                series_y[k] = 0.0
                c, u, dev0, ylog = 0.0, 0.0, 0.0, 0.0
            else:
                v = c + 0.1
                log_v = math.log(v)
                log_c = math.log(c) if c > 0.0 else log_v
                u, dev0, ylog = v * log_v - 0.1, c * (log_c - log_v) + 0.1, c * log_c
            t = clock[k]
            table[k, _Y], table[k, _YT], table[k, _YTT] = c, c * t, c * t * t
            table[k, _U], table[k, _UT], table[k, _DEV0], table[k, _YLOG] = u, u * t, dev0, ylog

        for j in range(n_test):
            mu_now[s, j], se_log[s, j], phi[s, j], slope[s, j] = np.nan, np.nan, np.nan, np.nan
            kept[s, j] = -1
            code[s, j] = TOO_FEW_HISTORY
            p = pattern[j]
            if p < 0:
                continue
            now = np.int64(origin[j])
            tall = reach[p]
            if p != current:
                current = p
                begin, begin_run = np.int64(first_row[p]), np.int64(first_run[p])
                n, n_runs = np.int64(first_row[p + 1]) - begin, np.int64(first_run[p + 1]) - begin_run
                padded = (n // _BLOCK + 1) * _BLOCK
                for i in range(n):
                    rows_time[i], rows_season[i] = time[begin + i], season[begin + i]
                    rows_offset[i] = offset[begin + i]
                for i in range(n_runs):
                    starts[i], runs_time[i] = run_row[begin_run + i], run_time[begin_run + i]
                    runs_season[i], runs_offset[i] = run_season[begin_run + i], run_offset[begin_run + i]
                starts[n_runs] = n
                for g in range(groups + 1):
                    bounds[g] = seasons[p, g]

            for i in range(n_runs):
                row, k = np.int64(starts[i]), now + np.int64(runs_offset[i])
                for more in range(LENGTH):
                    y[row + more] = series_y[k + more]
            for i in range(n, padded):
                y[i] = 0.0
            _season_sums(table, np.uint64(now), rows_offset, bounds, shift[j], tall, base)
            for g in range(LANES):
                rows0[g], rows1[g] = moments[p, 0, g], moments[p, 0, LANES + g]
                rows2[g] = moments[p, 0, 2 * LANES + g]
            n_extra = np.int64(0)
            for i in range(n_missing):
                back = missing[i] - now
                for run in range(n_runs):
                    first, inside = np.int64(starts[run]), back - np.int64(runs_offset[run])
                    if 0 <= inside < np.int64(starts[run + 1]) - first:
                        row = first + inside
                        g = rows_season[row]
                        extra_t[n_extra], extra_c[n_extra], extra_g[n_extra] = rows_time[row], 1.0, g
                        n_extra += 1
                        rows0[g] -= 1.0
                        rows1[g] -= rows_time[row]
                        rows2[g] -= rows_time[row] * rows_time[row]
            lost = n_extra
            used = n - lost
            if rows0[groups - 1] <= 0.0:
                continue  # nothing known about the season of the tested period
            rank = 0
            cases, logs = 0.0, 0.0
            for g in range(LANES):
                absent[g] = 0.0 if rows0[g] > 0.0 else 1.0
            for g in range(groups):
                rank += rows0[g] > 0.0
                cases += base[_Y, g]
                logs += base[_YLOG, g]

            middle_now = unit * tick_now[j] - tall
            if compat and dated and lost > 0:
                # the package predicts with time counted from the first row that is not missing,
                # but fits with time counted from the first row
                middle_now -= _first_known(rows_time, rows_offset, n, missing, n_missing, now, tall)
            x_now = middle_now / tall

            keep, converged, too_few, give_up = False, False, False, False
            x, x_was, info = 0.0, 0.0, 0.0
            right, wrong = 0.0, 0.0
            for attempt in range(2):
                sloped = attempt == 0
                if sloped and not trend:
                    continue
                columns = rank + 1 if sloped else rank
                gamma = 1.0
                n_extra = lost
                for i in range(n):
                    omega[i] = 1.0
                for i in range(n, padded):
                    omega[i] = 0.0
                if lost > 0:
                    _blank(omega, rows_offset, n, missing, n_missing, now)
                for fit in range(2):
                    _weighted(base, table, np.uint64(now), rows_offset, bounds, omega, gamma, extra_g,
                              lost, n_extra, touched, shift[j], tall, sums)  # fmt: skip
                    noise = _NOISE * (logs + 5.0 * cases + 1.0) * max(gamma, 1.0)
                    if sloped:
                        state, x, x_was, info = _steps_with_slope(
                            sums, absent, rows0, rows1, rows2, moments, p, gamma, extra_t, extra_c,
                            extra_g, n_extra, lost, noise, level, was, m0, m1, new0, new1, shape, powers,
                        )  # fmt: skip
                    else:
                        state = _steps(
                            sums, absent, rows0, gamma, extra_c, extra_g, n_extra, lost, noise,
                            level, was, m0, m1, shape,
                        )  # fmt: skip
                        x, x_was, info = 0.0, 0.0, 0.0
                    if state == _GIVE_UP:
                        give_up = True
                        break
                    if fit == 0:
                        converged = state == _DONE  # the package does not ask the second fit
                        if not converged:
                            break
                    if used <= columns:
                        too_few = True
                        break
                    _rates(level, was, x, x_was, unit / tall, n_runs, starts, runs_time, runs_season, run_now,
                           run_was, inverse, old)  # fmt: skip
                    right, wrong = _dispersions(padded, y, omega, inverse, old)
                    right /= used - columns
                    wrong /= used - columns
                    if fit == 1 or not reweight:
                        break
                    outliers = _outliers(
                        padded, y, omega, inverse, old, rows_time, rows_season, level, x, m0, m1, info,
                        absent, weights_threshold * weights_threshold, max(right, 1.0), small,
                        extra_t, extra_c, extra_g, n_extra, bounds, flat, centre, excess, suspects,
                    )  # fmt: skip
                    if outliers == n_extra:
                        break  # all weights 1: the second fit is the first
                    total = float(used)
                    for i in range(n_extra, outliers):
                        total -= extra_c[i]
                    gamma = used / total
                    n_extra = outliers
                    for i in range(padded):
                        omega[i] *= gamma
                if give_up or too_few:
                    break
                if not converged:
                    continue
                if not sloped:
                    break
                # keep the trend? significant, and no prediction above every past count
                scale = max(right, 1.0)
                if compat:
                    scale = wrong if reweight else right
                t = abs(x) / math.sqrt(scale / info)
                keep = t > critical_t[used - columns]
                if keep:
                    keep = _any_reaches(padded, y, math.exp(level[groups - 1] + x * x_now))
                if keep and not compat:
                    away = x_now - m1[groups - 1] / m0[groups - 1]
                    error2 = scale * (1.0 / m0[groups - 1] + away * away / info)
                    keep = error2 <= WILD * WILD
                if keep:
                    break
            if give_up:
                code[s, j] = DEFERRED
                continue
            if too_few:
                continue
            if not converged or (base[_Y, groups - 1] == 0.0 and not compat):
                for i in range(n):
                    one_now[i] = 1.0
                if lost > 0:
                    _blank(one_now, rows_offset, n, missing, n_missing, now)
            if not converged:
                code[s, j] = NO_CONVERGENCE
                if not compat:
                    pooled(y, ones, one_now, np.int64(0), n, 1.0, mu_now[s], se_log[s], phi[s], j)
                    kept[s, j] = 0
                continue
            last = groups - 1
            phi[s, j] = max(right, 1.0)
            kept[s, j] = 1 if keep else 0
            if keep:
                slope[s, j] = x / tall
            code[s, j] = OK
            if base[_Y, last] == 0.0 and not compat:
                # the level runs off to minus infinity and stops wherever the steps stop
                code[s, j] = NO_CASES_IN_SEASON
                keep_phi = phi[s, j]
                pooled(y, ones, one_now, np.int64(bounds[last]), n, 1.0, mu_now[s], se_log[s], phi[s], j)
                se_log[s, j] *= math.sqrt(keep_phi / phi[s, j])
                phi[s, j] = keep_phi
                if cases == 0.0:
                    kept[s, j] = 0
                    slope[s, j] = np.nan
                continue
            mu_now[s, j] = math.exp(level[last] + x * x_now)
            scale = phi[s, j]
            if compat:
                scale = wrong if reweight else right
            variance = 1.0 / m0[last]
            if info > 0.0:
                away = x_now - m1[last] / m0[last]
                variance += away * away / info
            se_log[s, j] = math.sqrt(scale * variance)


@njit(cache=True, nogil=True, error_model="numpy")
def _small_counts():  # type: ignore[no-untyped-def]
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


@njit(**_LEAF)
def _season_sums(table, now, offset, bounds, shift, tall, base):  # type: ignore[no-untyped-def]
    """Write the sums [columns, LANES] over the rows of each season, time scaled as the pattern's."""
    for g in range(len(bounds) - 1):
        a, b, c, d, e, f, h = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for i in range(bounds[g], bounds[g + 1]):
            k = now + offset[i]
            a += table[k, _Y]
            b += table[k, _YT]
            c += table[k, _YTT]
            d += table[k, _U]
            e += table[k, _UT]
            f += table[k, _DEV0]
            h += table[k, _YLOG]
        base[_Y, g], base[_U, g], base[_DEV0, g], base[_YLOG, g] = a, d, f, h
        base[_YT, g] = (b - shift * a) / tall
        base[_YTT, g] = (c - 2.0 * shift * b + shift * shift * a) / (tall * tall)
        base[_UT, g] = (e - shift * d) / tall


@njit(**_LEAF)
def _weighted(  # type: ignore[no-untyped-def]
    base, table, now, offset, bounds, omega, gamma, extra_g, lost, n_extra, touched, shift, tall, sums
):
    """Write the weighted sums; seasons with a down-weighted row are summed again."""
    groups = len(bounds) - 1
    for column in range(_COLUMNS):
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
            a += weight * table[k, _Y]
            b += weight * table[k, _YT]
            c += weight * table[k, _YTT]
            d += weight * table[k, _U]
            e += weight * table[k, _UT]
            f += weight * table[k, _DEV0]
            h += weight * table[k, _YLOG]
        sums[_Y, g], sums[_U, g], sums[_DEV0, g], sums[_YLOG, g] = a, d, f, h
        sums[_YT, g] = (b - shift * a) / tall
        sums[_YTT, g] = (c - 2.0 * shift * b + shift * shift * a) / (tall * tall)
        sums[_UT, g] = (e - shift * d) / tall


@njit(**_LEAF, fastmath=_SUMS)
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


@njit(**_LEAF, fastmath=_SUMS)
def _steps_with_slope(  # type: ignore[no-untyped-def]
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
        s0 = sums[_Y, g] + 0.1 * m0[g]
        s1 = sums[_YT, g] + 0.1 * m1[g]
        s2 = sums[_YTT, g] + 0.1 * new0[g]
        inv = 1.0 / (s0 + absent[g])
        m0[g], m1[g] = s0, s1
        new0[g] = inv
        dev_old += sums[_DEV0, g]
        info += s2 - s1 * s1 * inv
        rhs += sums[_UT, g] - s1 * inv * sums[_U, g]
        spread += s2
    if not info > 1e-9 * spread:
        return _GIVE_UP, 0.0, 0.0, 0.0
    dev_old *= 2.0
    x, x_was = rhs / info, 0.0
    for g in range(LANES):
        level[g] = (sums[_U, g] - x * m1[g]) * new0[g]

    for step in range(MAX_STEPS):
        if not abs(x) <= most:
            return _GIVE_UP, 0.0, 0.0, 0.0
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
            r0, r1 = sums[_Y, g] - s0, sums[_YT, g] - s1
            mean = s1 / (s0 + absent[g])
            dev += sums[_YLOG, g] - level[g] * sums[_Y, g] - x * sums[_YT, g] - r0
            new_info += s2 - s1 * mean
            new_rhs += r1 - mean * r0
            new0[g], new1[g] = s0, s1
        dev *= 2.0
        if not abs(dev) < 1e300:
            return _GIVE_UP, 0.0, 0.0, 0.0
        change = abs(dev - dev_old)
        limit = TOLERANCE * (abs(dev) + 0.1)
        if abs(change - limit) < noise:
            return _GIVE_UP, 0.0, 0.0, 0.0
        if change < limit:
            if step == 0:
                return _GIVE_UP, 0.0, 0.0, 0.0
            return _DONE, x, x_was, info
        dev_old = dev
        if step == MAX_STEPS - 1:
            break
        if not new_info > 0.0:
            return _GIVE_UP, 0.0, 0.0, 0.0
        # the next update; its weights become "those of the last step"
        x_was = x
        move = new_rhs / new_info
        x += move
        info = new_info
        for g in range(LANES):
            was[g] = level[g]
            m0[g], m1[g] = new0[g], new1[g]
            level[g] += (sums[_Y, g] - m0[g] - move * m1[g]) / (m0[g] + absent[g])
    return _NOT_DONE, x, x_was, info


@njit(**_LEAF, fastmath=_SUMS)
def _steps(  # type: ignore[no-untyped-def]
    sums, absent, rows0, gamma, extra_c, extra_g, n_extra, lost, noise, level, was, m0, m1, rows
):
    """The steps of `glm.fit_levels`; gives the state."""
    for g in range(LANES):
        rows[g] = gamma * rows0[g]
    for i in range(lost, n_extra):
        rows[extra_g[i]] -= gamma * extra_c[i]
    dev_old = 0.0
    for g in range(LANES):
        m0[g] = sums[_Y, g] + 0.1 * rows[g]
        m1[g] = 0.0
        level[g] = sums[_U, g] / (m0[g] + absent[g])
        dev_old += sums[_DEV0, g]
    dev_old *= 2.0
    for step in range(MAX_STEPS):
        dev = 0.0
        for g in range(LANES):
            fitted = rows[g] * exponential(level[g])
            dev += sums[_YLOG, g] - level[g] * sums[_Y, g] + (fitted - sums[_Y, g])
            rows[LANES + g] = fitted
        dev *= 2.0
        if not abs(dev) < 1e300:
            return _GIVE_UP
        change = abs(dev - dev_old)
        limit = TOLERANCE * (abs(dev) + 0.1)
        if abs(change - limit) < noise:
            return _GIVE_UP
        if change < limit:
            return _GIVE_UP if step == 0 else _DONE
        dev_old = dev
        if step == MAX_STEPS - 1:
            break
        for g in range(LANES):
            was[g] = level[g]
            m0[g] = rows[LANES + g]
            level[g] += (sums[_Y, g] - m0[g]) / (m0[g] + absent[g])
    return _NOT_DONE


@njit(**_LEAF)
def _rates(  # type: ignore[no-untyped-def]
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


@njit(**_LEAF)
def _spread(n_runs, starts, first, ratio, rows):  # type: ignore[no-untyped-def]
    """Write first, first * ratio, first * ratio^2 ... from the first row of each stretch on."""
    q2 = ratio * ratio
    q4 = q2 * q2
    q3, q5, q6 = q2 * ratio, q4 * ratio, q4 * q2
    powers = (1.0, ratio, q2, q3, q4, q5, q6, q4 * q3)
    for r in range(n_runs):
        store_multiples(rows, starts[r], first[r], powers)  # type: ignore[call-arg]


@njit(**_LEAF, fastmath=_SUMS)
def _dispersions(padded, y, omega, inverse, old):  # type: ignore[no-untyped-def]
    """As `glm.dispersions`, not yet divided by the degrees of freedom."""
    right, wrong = 0.0, 0.0
    for i in range(padded):
        f = y[i] * inverse[i] - 1.0
        f = omega[i] * f * f
        wrong += f
        right += old[i] * f
    return right, wrong


@njit(**_LEAF, fastmath=_SUMS)
def _any_reaches(padded, y, value):  # type: ignore[no-untyped-def]
    """Whether any of `y` is at least `value`."""
    found = 0.0
    for i in range(padded):
        found += 1.0 if y[i] >= value else 0.0
    return found > 0.0


@njit(**_LEAF, fastmath=_SUMS)
def _exceeds(begin, y, inverse, omega, limit, excess):  # type: ignore[no-untyped-def]
    """Write a number above 0 where y > mu, (y - mu)^2 > limit * mu, for the `_BLOCK` rows from `begin`
    on; gives whether there is one."""
    found = 0.0
    for i in range(_BLOCK):
        row = begin + np.uint64(i)
        f = y[row] * inverse[row] - 1.0
        more = (f * abs(f) - limit * inverse[row]) * omega[row]
        found += 1.0 if more > 0.0 else 0.0
        excess[i] = more
    return found > 0.0


@njit(**_LEAF)
def _suspects(padded, y, inverse, omega, limit, excess, suspects):  # type: ignore[no-untyped-def]
    """Write the numbers of the rows that could be outliers; gives how many."""
    found = 0
    for begin in range(0, padded, _BLOCK):
        if not _exceeds(np.uint64(begin), y, inverse, omega, limit, excess):
            continue
        for i in range(_BLOCK):
            suspects[found] = begin + i
            found += 1 if excess[i] > 0.0 else 0
    return found


@njit(**_LEAF)
def _outliers(  # type: ignore[no-untyped-def]
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


@njit(**_LEAF)
def _blank(omega, offset, n, missing, n_missing, now):  # type: ignore[no-untyped-def]
    """Write 0 at the rows that are missing."""
    for m in range(n_missing):
        back = missing[m] - now
        for i in range(n):
            if offset[i] == back:
                omega[i] = 0.0


@njit(**_LEAF)
def _first_known(time, offset, n, missing, n_missing, now, tall):  # type: ignore[no-untyped-def]
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
