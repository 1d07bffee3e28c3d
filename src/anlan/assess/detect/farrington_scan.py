"""The model of Farrington Flexible, asked about the last weeks together and not only about the last one.

An outbreak rarely fits into one week, and two weeks that are each a little too high are more surprising
than either. As Noufaily et al. (2013, Stat Med 32:1206-1222) the expected count comes from a quasi-Poisson
regression with seasons, a trend where it is plain, and past outbreaks down-weighted; then the counts of the
last 1, 2, ... `longest` periods are each compared with their expected sums (the purely temporal prospective
scan of Kulldorff 2001, J R Stat Soc A 164:61-72, over one regression), and the most surprising window
counts. What differs from Farrington Flexible beside that:

* it learns from as many years as there are, from `least_years` to `b`, and not from a fixed number; with
  fewer it answers from the last `short_memory` periods alone (`recent_fit`), and says so (`SHORT_MEMORY`);
* the error of the expectation is part of the bound: the sum over a window has mean m and variance
  phi m + (m s)^2, s the standard error of log m, as a negative binomial;
* the level holds for the windows together: with windows of l = 1 ... L periods whose sums have correlation
  sqrt(l / (l + 1)) from one to the next, P(any p_l <= a) <= L a - sum P(p_l <= a, p_(l+1) <= a)
  (Hunter 1976, J Appl Probab 13:597-603; Worsley 1982, Biometrika 69:297-302; exact for L = 2), and a is
  chosen so that the right-hand side is `alpha`;
* an alarm needs a case in the tested period itself: what was, is over;
* a dispersion so large that it leaves no bound (a count of a million among tens) is cut, `_credible`.

`threshold` is the count of the tested period above which some window is too high, given the periods before;
it falls when they were high. A period whose window holds a missing count is unknown unless another window
alone raises the alarm.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri, owens_t

from anlan.assess.detect.bounds import count_bound
from anlan.assess.detect.farrington_fits import Fits, fit_all
from anlan.assess.detect.farrington_flexible import check_settings, exceedance, recent_cases
from anlan.assess.detect.panel import Detection, Floats, Ints, Known, Panel, Reason, Test, Trend, decide
from anlan.assess.detect.recent_fit import LEAST, recent_fit
from anlan.assess.detect.seasons import reference_rows
from anlan.assess.detect.spec import Param, Spec

#: periods before the windows that the short memory leaves out
GAP = 1


def farrington_scan(
    panel: Panel,
    test: Test,
    *,
    longest: int = 2,
    b: int = 10,
    least_years: int = 3,
    w: int = 3,
    no_periods: int = 10,
    past_weeks_not_included: int = 26,
    weights_threshold: float = 2.58,
    trend: bool = True,
    p_threshold_trend: float = 0.05,
    alpha: float = 0.005,
    limit54: tuple[int, int] = (5, 4),
    population_offset: bool = False,
    short_memory: int = 52,
) -> Detection:
    """Test `panel` at `test`; what each parameter means stands in `SPECS`. Where fewer than
    `least_years` years lie before a period and too few known counts in the short memory, the answer is
    unknown, `TOO_FEW_HISTORY`."""
    check_settings(panel, b, w, weights_threshold, alpha, limit54, no_periods, past_weeks_not_included)
    _check(longest, b, least_years, alpha, short_memory)
    if population_offset and panel.population is None:
        raise ValueError("population_offset needs a panel with population, found none")
    at = panel.test_indexes(test)
    wanted = np.unique(np.concatenate([at - back for back in range(longest)]))
    fitted_at = wanted[wanted >= 0]
    fits = _fits(
        panel,
        fitted_at,
        range(b, least_years - 1, -1),
        w=w,
        no_periods=no_periods,
        past=past_weeks_not_included,
        trend=trend,
        p_threshold_trend=p_threshold_trend,
        weights_threshold=weights_threshold,
        population_offset=population_offset,
    )
    if short_memory and not population_offset:
        _fill(fits, panel.counts, fitted_at, short_memory, longest + GAP, weights_threshold)
    level = window_level(alpha, longest)
    now = np.searchsorted(fitted_at, at)
    y = panel.counts[:, at]
    mu, phi, se = fits.mu[:, now], fits.phi[:, now], fits.se_log[:, now]

    least_p = np.full(y.shape, np.inf)
    threshold = np.full(y.shape, np.inf)
    hidden = np.zeros(y.shape, dtype=np.bool_)
    cases, mean = np.zeros(y.shape), np.zeros(y.shape)
    before = np.zeros(y.shape)
    for back in range(longest):
        here = at - back
        there = here >= 0
        place = np.searchsorted(fitted_at, np.maximum(here, fitted_at[0] if len(fitted_at) else 0))
        counts = np.where(there, panel.counts[:, np.maximum(here, 0)], np.nan)
        expected = np.where(there, fits.mu[:, place], np.nan)
        # before the first expectation there is no window, which is not the same as a missing count
        begun = ~np.isnan(expected)
        hidden |= begun & np.isnan(counts)
        cases, mean = cases + counts, mean + expected
        if back:
            before = before + counts
        bound, p_value = count_bound(cases, mean, _credible(phi + mean * se**2, mean, level), level)
        with np.errstate(invalid="ignore"):
            threshold = np.fmin(threshold, bound - before)
            least_p = np.fmin(least_p, p_value)
    blank = np.isinf(threshold)
    threshold = np.where(blank, np.nan, np.maximum(threshold, 0.0))
    p_union = np.where(np.isinf(least_p), np.nan, union(np.minimum(least_p, 1.0), longest))

    recent, some_missing = recent_cases(panel.counts, at, limit54[1])
    enough = recent >= limit54[0]
    with np.errstate(invalid="ignore"):
        above = (y > threshold) & (y > 0)
    reason = fits.reason[:, now].copy()
    perhaps = ~enough & some_missing
    reason[~enough & ~(perhaps & above)] = Reason.TOO_FEW_CASES
    reason[(perhaps & above) | (hidden & ~above & (enough | perhaps))] = Reason.MISSING_VALUE
    reason[blank] = Reason.NO_BOUND
    reason[fits.reason[:, now] == Reason.TOO_FEW_HISTORY] = Reason.TOO_FEW_HISTORY
    reason[np.isnan(y)] = Reason.MISSING_VALUE
    unknown = (Reason.MISSING_VALUE, Reason.TOO_FEW_HISTORY, Reason.NO_BOUND)
    blind = np.isin(reason, [int(r) for r in unknown])
    return Detection(
        test=at,
        expected=mu,
        threshold=np.where(enough | perhaps, threshold, np.nan),
        score=exceedance(y, mu, threshold),
        p_value=p_union,
        variance=phi * mu + (mu * se) ** 2,
        phi=phi,
        trend_coef=fits.slope[:, now],
        alarm=decide(above & enough, reason, unknown),
        state=np.where(blind, Known.UNKNOWN, Known.KNOWN).astype(np.int8),
        reason=reason,
        trend=fits.kept[:, now],
    )


def union(p: Floats, windows: int) -> Floats:
    """Probability that the least p-value of 1 ... `windows` periods is at most `p` when there is no
    outbreak (Hunter-Worsley bound), at least `p` and at most 1."""
    if windows == 1:
        return p
    z = ndtri(1 - np.clip(p, 0.0, 1 - 1e-16))
    bound = windows * p
    for length in range(1, windows):
        bound = bound - both_above(z, math.sqrt(length / (length + 1)))
    limited: Floats = np.minimum(np.maximum(p, bound), 1.0)
    return limited


def both_above(z: Floats, correlation: float) -> Floats:
    """P(Z1 > z, Z2 > z) of two standard normals with that correlation (Owen 1956, Ann Math Stat
    27:1075-1090, equation 3.1 with equal limits)."""
    slope = math.sqrt((1 - correlation) / (1 + correlation))
    found: Floats = ndtr(-z) - 2 * owens_t(z, slope)
    return found


def _credible(phi: Floats, mean: Floats, level: float) -> Floats:
    """`phi`, cut where it says that nothing ever happens. With a dispersion of tens of thousands (a slip of
    the pen in the past, 1,000,000 for 10) a negative binomial of mean m is 0 but for P(X > 0) =
    m log(phi) / (phi - 1) < `level`: its bound would be 0, and every case an alarm. Where a case or more is
    expected the chance of any stays at two times the level, which leaves a bound above m."""
    if not (phi > 1 / level).any():
        return phi
    most = np.full(mean.shape, 2.0)
    with np.errstate(invalid="ignore"):
        for _ in range(30):
            most = 1 + np.maximum(mean, 1.0) * np.log(np.maximum(most, 2.0)) / (2 * level)
        return np.where(mean >= 1, np.minimum(phi, most), phi)


def window_level(alpha: float, windows: int) -> float:
    """The level of each window at which `union` is `alpha`."""
    low, high = alpha / windows, alpha
    for _ in range(200):
        middle = 0.5 * (low + high)
        if float(union(np.array([middle]), windows)[0]) > alpha:
            high = middle
        else:
            low = middle
    return 0.5 * (low + high)


def _fits(
    panel: Panel,
    at: Ints,
    years: range,
    *,
    w: int,
    no_periods: int,
    past: int,
    trend: bool,
    p_threshold_trend: float,
    weights_threshold: float,
    population_offset: bool,
) -> Fits:
    """Every series fitted at every index in `at`, from as many of `years` (most first) as lie before it."""
    shape = (panel.n_series, len(at))
    fits = Fits(
        mu=np.full(shape, np.nan),
        se_log=np.full(shape, np.nan),
        phi=np.full(shape, np.nan),
        slope=np.full(shape, np.nan),
        kept=np.full(shape, -1, dtype=np.int8),
        reason=np.full(shape, Reason.TOO_FEW_HISTORY, dtype=np.int16),
    )
    left = np.arange(len(at))
    for b in years:
        if not left.size:
            break
        reference = reference_rows(
            at[left],
            panel.n_time,
            freq=panel.freq,
            dates=panel.dates,
            b=b,
            w=w,
            no_periods=no_periods,
            past_not_included=past,
        )
        there = ~reference.short
        if not there.any():
            continue
        part = fit_all(
            panel,
            at[left],
            reference,
            trend=trend and b >= 3,
            p_threshold_trend=p_threshold_trend,
            reweight=True,
            weights_threshold=weights_threshold,
            population_offset=population_offset,
            as_package=False,
        )
        for name in ("mu", "se_log", "phi", "slope", "kept", "reason"):
            getattr(fits, name)[:, left[there]] = getattr(part, name)[:, there]
        left = left[~there]
    return fits


def _fill(fits: Fits, counts: Floats, at: Ints, periods: int, gap: int, weights_threshold: float) -> None:
    """Put the expectation from the last periods where years are missing."""
    short = fits.reason == Reason.TOO_FEW_HISTORY
    if not short.any():
        return
    columns = np.flatnonzero(short.any(axis=0))
    mean, error, spread = recent_fit(counts, at[columns], periods, gap, weights_threshold)
    found = short[:, columns] & ~np.isnan(mean)
    for field, values in ((fits.mu, mean), (fits.se_log, error), (fits.phi, spread)):
        field[:, columns] = np.where(found, values, field[:, columns])
    fits.reason[:, columns] = np.where(found, np.int16(Reason.SHORT_MEMORY), fits.reason[:, columns])
    fits.kept[:, columns] = np.where(found, np.int8(Trend.NOT_KEPT), fits.kept[:, columns])


def _check(longest: int, b: int, least_years: int, alpha: float, short_memory: int) -> None:
    if short_memory and short_memory < LEAST:
        raise ValueError(f"short_memory must be 0 or at least {LEAST} periods, found {short_memory}")
    if longest < 1:
        raise ValueError(f"longest must be at least 1 period, found {longest}")
    if not 1 <= least_years <= b:
        raise ValueError(f"least_years must lie between 1 and b = {b}, found {least_years}")
    if not 0 < alpha < 0.5:
        raise ValueError(f"alpha must lie between 0 and 0.5, found {alpha}")


def _history(params: Mapping[str, Any], freq: int) -> int:
    """The years asked for and one more for windows about the same date."""
    return math.ceil(freq * (int(params["b"]) + 1) * 366 / 365) + int(params["longest"])


SPECS = (
    Spec(
        "farrington_scan",
        farrington_scan,
        (
            Param("longest", "int", 2, "most periods that are looked at together"),
            Param("b", "int", 10, "most years to go back"),
            Param("least_years", "int", 3, "fewest years that give an answer"),
            Param("w", "int", 3, "half-width of the window about the same date in past years, periods"),
            Param("no_periods", "int", 10, "seasons a year is cut into"),
            Param("past_weeks_not_included", "int", 26, "last periods left out of the history"),
            Param(
                "weights_threshold",
                "float",
                2.58,
                "standardised Anscombe residual above which a past count gets less weight",
            ),
            Param("trend", "bool", True, "fit a linear trend where it is plain"),
            Param("p_threshold_trend", "float", 0.05, "keep a trend only where its p-value is below this"),
            Param("alpha", "float", 0.005, "level of all windows together"),
            Param(
                "limit54",
                "(int, int)",
                (5, 4),
                "no alarm with fewer than this many cases in this many last periods",
            ),
            Param("population_offset", "bool", False, "model rates: log population as offset"),
            Param(
                "short_memory",
                "int",
                52,
                "last periods that an answer rests on where years are missing; 0: such an answer is unknown",
            ),
        ),
        title="Farrington model, scan of the last periods",
        source="Noufaily et al. 2013, Stat Med 32:1206-1222; Kulldorff 2001, J R Stat Soc A 164:61-72",
        history=_history,
    ),
)
