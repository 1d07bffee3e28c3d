"""Likelihood-ratio CUSUM of proportions: binomial, or of several categories.

Höhle (2010), "Online change-point detection in categorical time series", in Statistical Modelling and
Regression Structures, eq. 3-5. With y_t the counts of each category out of n_t,

    S_t = max(0, S_t-1 + log f(y_t; pi1_t) - log f(y_t; pi0_t)),   alarm when S_t > h, then S_t = 0
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.special import xlogy

Floats: TypeAlias = npt.NDArray[np.float64]
Bytes: TypeAlias = npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class CategoricalCusum:
    """`statistic` [n_time]; `alarm` [n_time] 1, 0 or -1 (unknown: a count is missing, the statistic waits);
    `cases` [n_time]: smallest count of the first category that gives an alarm, NaN where no count does or
    there are more than two categories."""

    statistic: Floats
    alarm: Bytes
    cases: Floats


def log_ratio(y: Floats, pi0: Floats, pi1: Floats) -> Floats:
    """Log likelihood ratio of multinomial counts `y` [n_categories, ...] (their coefficients cancel)."""
    return np.asarray((xlogy(y, pi1) - xlogy(y, pi0)).sum(axis=0))


def categorical_cusum(
    y: Floats, pi0: Floats, pi1: Floats, h: float, *, cases: bool = False
) -> CategoricalCusum:
    """Run the CUSUM over `y` [n_categories, n_time] (counts, NaN = missing) against proportions `pi0`,
    `pi1` [n_categories, n_time]. For binomial counts give two rows: positive and not. `cases` asks for the
    count needed."""
    if not (y.shape == pi0.shape == pi1.shape) or y.ndim != 2 or len(y) < 2:
        raise ValueError(
            f"y, pi0, pi1 must be [2 or more, n_time], found {y.shape}, {pi0.shape}, {pi1.shape}"
        )
    for name, pi in (("pi0", pi0), ("pi1", pi1)):
        if (pi < 0).any() or not np.allclose(pi.sum(axis=0), 1.0):
            raise ValueError(f"{name} must be proportions that sum to 1 in each period")
    if h <= 0:
        raise ValueError(f"h must be above 0, found {h}")
    if cases and len(y) != 2:
        raise ValueError(f"the count needed is defined for 2 categories, found {len(y)}")
    n_time = y.shape[1]
    statistic, needed = np.full(n_time, np.nan), np.full(n_time, np.nan)
    alarm = np.full(n_time, -1, dtype=np.int8)
    llr = log_ratio(y, pi0, pi1)
    value = 0.0
    for t in range(n_time):
        if math.isnan(llr[t]):
            continue
        before, value = value, max(0.0, value + float(llr[t]))
        statistic[t] = value
        alarm[t] = value > h
        if cases:
            needed[t] = _cases_needed(y[:, t], pi0[:, t], pi1[:, t], h - before)
        if alarm[t]:
            value = 0.0
    return CategoricalCusum(statistic, alarm, needed)


def _cases_needed(y: Floats, pi0: Floats, pi1: Floats, gap: float) -> float:
    """Smallest count of the first category, out of as many, whose log ratio is above `gap`; where today's
    count is no alarm, it is looked for from that count up."""
    n = float(y.sum())
    above = float(log_ratio(y, pi0, pi1)) > gap
    tried = np.arange(0, y[0] + 1) if above else np.arange(y[0], n + 1)
    enough = log_ratio(np.stack([tried, n - tried]), pi0[:, None], pi1[:, None]) > gap
    return float(tried[int(enough.argmax())]) if enough.any() else math.nan
