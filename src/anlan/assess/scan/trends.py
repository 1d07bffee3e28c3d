"""Places whose trend in time differs from the rest (spatial variation in temporal trends).

Inside and outside, cases of a period are Poisson with mean expected x exp(a + b t), t the number of the
period. The log likelihood ratio sets b fitted on either side against b of all places together, a fitted
on either side in both. Under the null, data sets follow the trend of all places. Moraga, Kulldorff (2016),
"Detection of spatial variations in temporal trends with a quadratic function", Stat Methods Med Res
25(4):1422-1437, linear part, as the program of reference has it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from anlan.assess.scan.engine import Best, Floats, Ints
from anlan.assess.scan.sampling import multinomial
from anlan.assess.scan.statistic import TIE
from anlan.assess.scan.windows import Windows
from anlan.assess.scan.zones import Zones


@njit(cache=True, nogil=True)
def fit(cases, expected, tolerance=1e-10):  # type: ignore[no-untyped-def]
    """Slope b of cases ~ Poisson(expected exp(a + b t)), t = 0, 1, ...; nan where it runs away (all
    cases in the first or the last period) or there is no case."""
    n = len(cases)
    total, first, last = 0.0, -1, -1
    moment = 0.0
    for t in range(n):
        total += cases[t]
        moment += cases[t] * t
        if expected[t] > 0.0:
            if first < 0:
                first = t
            last = t
    if total <= 0.0 or first == last or moment <= total * first or moment >= total * last:
        return np.nan
    slope, low, high = 0.0, -np.inf, np.inf
    for _ in range(200):
        weight, mean, square = 0.0, 0.0, 0.0
        for t in range(n):
            w = expected[t] * np.exp(slope * (t - 0.5 * n))
            weight += w
            mean += w * t
            square += w * t * t
        mean /= weight
        score = moment - total * mean
        if score > 0.0:
            low = slope
        else:
            high = slope
        information = total * (square / weight - mean * mean)
        step = score / information if information > 0.0 else np.sign(score)
        step = max(-1.0, min(1.0, step))
        new = slope + step
        if new <= low or new >= high:
            new = 0.5 * (low + high)
        if abs(new - slope) < tolerance:
            return new
        slope = new
    return slope


@njit(cache=True, nogil=True)
def log_likelihood(cases, expected, slope):  # type: ignore[no-untyped-def]
    """Of cases ~ Poisson(expected exp(a + slope t)) with the best a, without what does not depend on it."""
    total, weight, moment = 0.0, 0.0, 0.0
    for t in range(len(cases)):
        total += cases[t]
        weight += expected[t] * np.exp(slope * t)
        moment += cases[t] * t
    if total <= 0.0:
        return 0.0
    return moment * slope + total * np.log(total / weight)


@njit(cache=True, nogil=True)
def _search(ptr, first, places, stop, factor, cases, expected, common, minimum, rates, best, where):  # type: ignore[no-untyped-def]
    n_places, n = cases.shape
    c_in, m_in = np.zeros(n), np.zeros(n)
    c_out, m_out = np.zeros(n), np.zeros(n)
    c_all, m_all = np.zeros(n), np.zeros(n)
    for p in range(n_places):
        c_all += cases[p]
        m_all += expected[p]
    for k in range(len(ptr) - 1):
        c_in[:] = 0.0
        m_in[:] = 0.0
        for i in range(ptr[k], ptr[k + 1]):
            c_in += cases[places[i]]
            m_in += expected[places[i]]
            if i < ptr[k] + first[k] or not stop[i] or c_in.sum() < minimum:
                continue
            for t in range(n):
                c_out[t] = c_all[t] - c_in[t]
                m_out[t] = max(m_all[t] - m_in[t], 0.0)
            inside = fit(c_in, m_in)
            outside = fit(c_out, m_out)
            if np.isnan(inside) or np.isnan(outside):
                continue
            if (rates > 0 and inside <= outside) or (rates < 0 and inside >= outside):
                continue
            value = factor[k] * (
                log_likelihood(c_in, m_in, inside)
                + log_likelihood(c_out, m_out, outside)
                - log_likelihood(c_in, m_in, common)
                - log_likelihood(c_out, m_out, common)
            )
            if value > best[k] + TIE:
                best[k] = value
                where[k] = i


class TrendEngine:
    """`cases` and `expected` [n_places, n_periods], `years` the mean length of a period."""

    block = 4

    def __init__(
        self, cases: Ints, expected: Floats, years: float, seed: int, *, high: bool, low: bool, min_cases: int
    ) -> None:
        self.cases = cases
        self.expected = expected
        self.years = years
        self.at_risk = expected.sum(axis=1)
        self.minimum = float(min_cases)
        self.rates = 0 if high == low else (1 if high else -1)
        self.common = float(fit(cases.sum(axis=0).astype(np.float64), expected.sum(axis=0)))
        slope = 0.0 if np.isnan(self.common) else self.common
        trended = expected * np.exp(slope * np.arange(expected.shape[1]))
        self.fill = multinomial(int(cases.sum()), trended.ravel(), seed)

    def prepare(self, zones: Zones, windows: Windows) -> None:
        """Nothing is shared."""

    def strongest(self, zones: Zones, windows: Windows) -> float:  # noqa: ARG002 - one span
        return float(self._best(self.cases, self.common, zones)[0].max())

    def observed(self, zones: Zones, windows: Windows, floor: float) -> Best:
        value, position = self._best(self.cases, self.common, zones)
        return Best.of_spans(value[:, None], position[:, None], windows.span_array(), floor)

    def maxima(self, zones: Zones, windows: Windows, replications: range) -> Floats:  # noqa: ARG002
        drawn = np.zeros((self.cases.size, len(replications)), dtype=np.int64)
        self.fill(replications, drawn)
        found = np.zeros(len(replications))
        for lane in range(len(replications)):
            cases = drawn[:, lane].reshape(self.cases.shape)
            common = float(fit(cases.sum(axis=0).astype(np.float64), self.expected.sum(axis=0)))
            if not np.isnan(common):
                found[lane] = self._best(cases, common, zones)[0].max()
        return found

    def _best(self, cases: Ints, common: float, zones: Zones) -> tuple[Floats, Ints]:
        best = np.zeros(len(zones.centre))
        where = np.zeros(len(best), dtype=np.int64)
        if np.isnan(common):
            return best, where
        _search(
            zones.ptr, zones.first, zones.places, zones.stop, zones.factor, cases.astype(np.float64),
            self.expected, common, self.minimum, self.rates, best, where,
        )  # fmt: skip
        return best, where

    def describe(self, members: Ints, start: int, end: int) -> dict[str, Any]:  # noqa: ARG002
        inside = np.zeros(len(self.cases), dtype=np.bool_)
        inside[members] = True
        c_in, c_out = (self.cases[side].sum(axis=0).astype(np.float64) for side in (inside, ~inside))
        m_in, m_out = (self.expected[side].sum(axis=0) for side in (inside, ~inside))
        slopes = float(fit(c_in, m_in)), float(fit(c_out, m_out))
        llr = sum(
            log_likelihood(c, m, slope) - log_likelihood(c, m, self.common)
            for c, m, slope in ((c_in, m_in, slopes[0]), (c_out, m_out, slopes[1]))
        )
        cases, expected = float(c_in.sum()), float(m_in.sum())
        rest, thought = float(c_out.sum()), float(m_out.sum())
        risk = (cases / expected) / (rest / thought) if expected > 0 and rest > 0 and thought > 0 else None
        return {
            "observed": cases,
            "expected": expected,
            "ode": cases / expected if expected > 0 else None,
            "relative_risk": risk,
            "high": slopes[0] > slopes[1],
            "llr": float(llr),
            "trend_inside": float(np.expm1(slopes[0] / self.years) * 100),
            "trend_outside": float(np.expm1(slopes[1] / self.years) * 100),
        }
