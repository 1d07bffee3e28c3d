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

import numpy as np
from numba import njit

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
from anlan.assess.detect.stretch_rows import any_reaches, blank_out, count_outliers, dispersions, first_known
from anlan.assess.detect.stretch_steps import (
    BLOCK,
    COLUMNS,
    DEV0,
    DONE,
    GIVE_UP,
    UT,
    YLOG,
    YT,
    YTT,
    U,
    Y,
    fit_with_slope,
    fit_without_slope,
    fitted_rates,
    season_sums,
    small_counts,
    weighted_sums,
)
from anlan.assess.detect.stretches import LANES, LENGTH, TERMS

#: rounding of a deviance, relative to the terms that it is the difference of
_NOISE = 1e-15


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
    most_rows, most_runs = np.int64(0), np.int64(0)
    for w in range(len(first_row) - 1):
        most_rows = max(most_rows, np.int64(first_row[w + 1]) - np.int64(first_row[w]))
    for w in range(len(first_run) - 1):
        most_runs = max(most_runs, np.int64(first_run[w + 1]) - np.int64(first_run[w]))
    room = (most_rows // BLOCK + 2) * BLOCK
    runs_room = (most_runs // BLOCK + 1) * BLOCK

    series_y = np.zeros(n_time + LENGTH)
    missing = np.zeros(n_time, dtype=np.int64)
    table = np.zeros((n_time, COLUMNS))
    y, inverse, old, omega = np.zeros(room), np.ones(room), np.ones(room), np.zeros(room)
    excess, suspects = np.zeros(BLOCK), np.zeros(room + 1, dtype=np.uint32)
    flat, centre = np.zeros(LANES), np.zeros(LANES)
    base, sums = np.zeros((COLUMNS, LANES)), np.zeros((COLUMNS, LANES))
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
    small = small_counts()
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
            table[k, Y], table[k, YT], table[k, YTT] = c, c * t, c * t * t
            table[k, U], table[k, UT], table[k, DEV0], table[k, YLOG] = u, u * t, dev0, ylog

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
                padded = (n // BLOCK + 1) * BLOCK
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
            season_sums(table, np.uint64(now), rows_offset, bounds, shift[j], tall, base)
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
                cases += base[Y, g]
                logs += base[YLOG, g]

            middle_now = unit * tick_now[j] - tall
            if compat and dated and lost > 0:
                # the package predicts with time counted from the first row that is not missing,
                # but fits with time counted from the first row
                middle_now -= first_known(rows_time, rows_offset, n, missing, n_missing, now, tall)
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
                    blank_out(omega, rows_offset, n, missing, n_missing, now)
                for fit in range(2):
                    weighted_sums(base, table, np.uint64(now), rows_offset, bounds, omega, gamma, extra_g,
                              lost, n_extra, touched, shift[j], tall, sums)  # fmt: skip
                    noise = _NOISE * (logs + 5.0 * cases + 1.0) * max(gamma, 1.0)
                    if sloped:
                        state, x, x_was, info = fit_with_slope(
                            sums, absent, rows0, rows1, rows2, moments, p, gamma, extra_t, extra_c,
                            extra_g, n_extra, lost, noise, level, was, m0, m1, new0, new1, shape, powers,
                        )  # fmt: skip
                    else:
                        state = fit_without_slope(
                            sums, absent, rows0, gamma, extra_c, extra_g, n_extra, lost, noise,
                            level, was, m0, m1, shape,
                        )  # fmt: skip
                        x, x_was, info = 0.0, 0.0, 0.0
                    if state == GIVE_UP:
                        give_up = True
                        break
                    if fit == 0:
                        converged = state == DONE  # the package does not ask the second fit
                        if not converged:
                            break
                    if used <= columns:
                        too_few = True
                        break
                    fitted_rates(
                        level, was, x, x_was, unit / tall, n_runs, starts, runs_time, runs_season, run_now,
                        run_was, inverse, old,
                    )  # fmt: skip
                    right, wrong = dispersions(padded, y, omega, inverse, old)
                    right /= used - columns
                    wrong /= used - columns
                    if fit == 1 or not reweight:
                        break
                    outliers = count_outliers(
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
                    keep = any_reaches(padded, y, math.exp(level[groups - 1] + x * x_now))
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
            if not converged or (base[Y, groups - 1] == 0.0 and not compat):
                for i in range(n):
                    one_now[i] = 1.0
                if lost > 0:
                    blank_out(one_now, rows_offset, n, missing, n_missing, now)
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
            if base[Y, last] == 0.0 and not compat:
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
