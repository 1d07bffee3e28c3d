"""Adaptive regression as the syndromic surveillance system ESSENCE of the US CDC runs it every day.

A straight line with an effect of each weekday is fitted to a baseline of `b` days that ends `g` days before
the tested one, carried on to it, and the difference judged by the t distribution with n - 8 degrees:

    T = (y - max(0, forecast)) / sigma,   sigma = max(least, s sqrt((n + 7)(n - 4) / (n (n - 7))))

Burkom, Murphy, Shmueli (2007), "Automated time series forecasting for biosurveillance", Stat Med
26:4202-4218; constants as computed by CDC's package `pynssp` 0.1.0. `switch` takes this regression where
it explains the baseline (adjusted R squared at least 0.6) and EWMA elsewhere, as that system does.

`compat="pynssp"` gives that package's numbers. By default these are mended:

* the least standard error is that of the regression's own degrees of freedom; the package's belongs to
  one more;
* a missing day is left out of the baseline, which needs eleven known days and every weekday; the package
  expects 0 then and has no statistic;
* p-values in the far tail are computed there, not as 1 minus almost 1.

An undated axis counts every seventh day as the same weekday.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import stdtr, stdtrit

from anlan.assess.detect.ewma import (
    BASELINE,
    LEAST,
    LEVEL,
    WEIGHTS,
    Compat,
    check,
    larger,
    reasons,
    remembered,
    smooth,
)
from anlan.assess.detect.panel import Detection, Floats, Ints, Panel, Reason, Test, Trend, decide, detection
from anlan.assess.detect.spec import Param, Spec

#: coefficients of the regression: level, slope, six weekdays
_TERMS = 8


@dataclass(frozen=True, slots=True)
class Fitted:
    """Forecast, its standard error, adjusted R squared and degrees of freedom, [n_series, n_test]."""

    expected: Floats
    sigma: Floats
    explained: Floats
    degrees: Floats


def adaptive_regression(
    panel: Panel,
    test: Test,
    *,
    b: int = 28,
    g: int = 2,
    alpha: float = 0.01,
    compat: Compat = "mended",
) -> Detection:
    """Test `panel`, daily, at `test`. `score` is the statistic, in standard errors; alarm where the
    p-value is below `alpha`; `threshold` the count that reaches it."""
    _check(panel, b, g, alpha, compat)
    at = panel.test_indexes(test)
    y = panel.counts[:, at]
    fitted = _fit(panel, at, b, g, compat)
    score = (y - fitted.expected) / fitted.sigma
    p_value = _p_value(score, fitted.degrees, compat)
    reason = reasons(y, fitted.expected, score)
    found = detection(
        at,
        expected=fitted.expected,
        threshold=fitted.expected + fitted.sigma * stdtrit(fitted.degrees, 1 - alpha),
        score=score,
        p_value=p_value,
        variance=fitted.sigma**2,
        alarm=decide(p_value < alpha, reason, [Reason.MISSING_VALUE, Reason.TOO_FEW_HISTORY]),
        reason=reason,
    )
    return replace(found, trend=_trend(~np.isnan(fitted.expected)))


def switch(
    panel: Panel,
    test: Test,
    *,
    b: int = 28,
    g: int = 2,
    w1: float = 0.4,
    w2: float = 0.9,
    alpha: float = 0.01,
    least_explained: float = 0.6,
    compat: Compat = "mended",
) -> Detection:
    """Test `panel`, daily, at `test` by the regression where its adjusted R squared reaches
    `least_explained` (`trend` says `KEPT` there), by `ewma` elsewhere."""
    _check(panel, b, g, alpha, compat)
    for name, w in (("w1", w1), ("w2", w2)):
        if not 0 < w < 1:
            raise ValueError(f"{name} must lie between 0 and 1, found {w}")
    at = panel.test_indexes(test)
    y = panel.counts[:, at]
    fitted = _fit(panel, at, b, g, compat)
    means = smooth(panel.counts, at, b, g, w1, w2, alpha, compat)
    days = np.maximum(means.days - 1, 1).astype(np.float64)
    score, p_value = larger(means.slow, means.fast, days, compat)
    regress = fitted.explained >= least_explained
    forecast = (y - fitted.expected) / fitted.sigma
    score = np.where(regress, forecast, score)
    p_value = np.where(regress, _p_value(forecast, fitted.degrees, compat), p_value)
    expected = np.where(regress, fitted.expected, means.expected)
    limit = fitted.expected + fitted.sigma * stdtrit(fitted.degrees, 1 - alpha)
    reason = reasons(y, expected, score)
    found = detection(
        at,
        expected=expected,
        threshold=np.where(regress, limit, means.bound),
        score=score,
        p_value=p_value,
        variance=np.where(regress, fitted.sigma, means.sd) ** 2,
        alarm=decide(p_value < alpha, reason, [Reason.MISSING_VALUE, Reason.TOO_FEW_HISTORY]),
        reason=reason,
    )
    return replace(found, trend=_trend(regress))


def _trend(kept: np.ndarray[Any, np.dtype[np.bool_]]) -> np.ndarray[Any, np.dtype[np.int8]]:
    return np.where(kept, Trend.KEPT, Trend.NOT_KEPT).astype(np.int8)


def _p_value(score: Floats, degrees: Floats, compat: Compat) -> Floats:
    found: Floats = 1 - stdtr(degrees, score) if compat == "pynssp" else stdtr(degrees, -score)
    return found


def _check(panel: Panel, b: int, g: int, alpha: float, compat: str) -> None:
    check(b, g, alpha, compat)
    if b % 7 or b < 14:
        raise ValueError(f"b must be a multiple of 7 days and at least 14, found {b}")
    if panel.dates is not None and (np.diff(panel.dates) != np.timedelta64(1, "D")).any():
        raise ValueError("the regression knows weekdays: a dated axis must have every day, found gaps")


def _fit(panel: Panel, at: Ints, b: int, g: int, compat: Compat) -> Fitted:
    """The regression for every tested time: one projection for all series, as the design is the days'."""
    shape = (panel.n_series, len(at))
    expected, sigma, explained = (np.full(shape, np.nan) for _ in range(3))
    degrees = np.ones(shape)
    weekday = np.arange(panel.n_time) if panel.dates is None else panel.dates.astype(np.int64)
    for j, now in enumerate(at.tolist()):
        last = now - g - 1
        first = max(0, last - b + 1)
        n = last - first + 1
        if n < LEAST:
            continue
        time = np.append(np.arange(first, last + 1), now)
        design = _design(time - first + 1, weekday[time] % 7)
        rows = panel.counts[:, first : last + 1]
        whole = ~np.isnan(rows).any(axis=1)
        if compat == "pynssp":  # which makes nothing of a baseline with a gap, and expects 0
            expected[~whole, j] = 0.0
        for mask, fit in ((whole, _fit_whole), (~whole & (compat != "pynssp"), _fit_holed)):
            if mask.any():
                value, left, total, days = fit(design, rows[mask])
                free = days - _TERMS
                with np.errstate(divide="ignore", invalid="ignore"):
                    error = np.sqrt(left / free) * np.sqrt((days + 7) * (days - 4) / (days * (days - 7)))
                    r2 = 1 - (left / total) * (days - 1) / free
                of = free + 1 if compat == "pynssp" else free
                least = 1.01 / np.round(stdtrit(np.maximum(of, 1), 0.95), 5)
                expected[mask, j] = np.maximum(0.0, value)
                sigma[mask, j] = np.where(np.isnan(error), np.nan, np.maximum(error, least))
                # a flat baseline leaves nothing to explain
                explained[mask, j] = np.where(total > 0, r2, 0.0)
                degrees[mask, j] = np.maximum(free, 1)
    return Fitted(expected, sigma, explained, degrees)


def _design(time: Ints, weekday: Ints) -> Floats:
    """Level, time and six of the seven weekdays, [days, 8]; the last row is the tested day."""
    dummies = weekday[:, None] == np.arange(6)
    return np.column_stack([np.ones(len(time)), time, dummies]).astype(np.float64)


def _fit_whole(design: Floats, rows: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Forecast, residual and total sum of squares, days of rows [n, days] without a gap."""
    x, ahead = design[:-1], design[-1]
    beta = rows @ np.linalg.pinv(x).T
    residual = rows - beta @ x.T
    total = ((rows - rows.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    return beta @ ahead, (residual**2).sum(axis=1), total, np.full(len(rows), float(len(x)))


def _fit_holed(design: Floats, rows: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """As `_fit_whole` for rows with gaps; NaN where too few days or a weekday is wholly missing."""
    x, ahead = design[:-1], design[-1]
    known = ~np.isnan(rows)
    days = known.sum(axis=1).astype(np.float64)
    y = np.where(known, rows, 0.0)
    masked = known[:, :, None] * x
    able = days >= LEAST
    able[able] = np.linalg.matrix_rank(masked[able]) == _TERMS
    value, left, total = (np.full(len(rows), np.nan) for _ in range(3))
    if able.any():
        beta = np.linalg.pinv(masked[able]) @ y[able, :, None]
        residual = np.where(known[able], y[able] - (x @ beta)[..., 0], 0.0)
        mean = y[able].sum(axis=1) / days[able]
        value[able] = (beta[..., 0] * ahead).sum(axis=1)
        left[able] = (residual**2).sum(axis=1)
        total[able] = (np.where(known[able], rows[able] - mean[:, None], 0.0) ** 2).sum(axis=1)
    return value, left, total, np.where(able, days, LEAST)


def _history(params: Mapping[str, Any], freq: int) -> int:
    """Baseline and guard band."""
    del freq
    return int(params["b"]) + int(params["g"])


def _history_of_both(params: Mapping[str, Any], freq: int) -> int:
    """Baseline and guard band of the days that EWMA's slower mean remembers."""
    return _history(params, freq) + 1 + remembered(params["w1"], params["w2"])


SPECS = (
    Spec(
        "adaptive_regression",
        adaptive_regression,
        (*BASELINE, *LEVEL),
        title="line and weekdays over four weeks (NSSP/ESSENCE)",
        source="Burkom, Murphy, Shmueli 2007, Stat Med 26:4202-4218",
        history=_history,
        values="reading",
    ),
    Spec(
        "switch",
        switch,
        (
            *BASELINE,
            *WEIGHTS,
            LEVEL[0],
            Param("least_explained", "float", 0.6, "adjusted R squared from which on the regression answers"),
            LEVEL[1],
        ),
        title="regression where it explains the baseline, else EWMA (NSSP/ESSENCE)",
        source="Burkom et al. 2008, Johns Hopkins APL Tech Dig 27:313-331",
        history=_history_of_both,
        values="reading",
    ),
)
