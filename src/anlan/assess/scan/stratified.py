"""Poisson cases with the periods as strata: each window against the rest of its own periods.

For a window with c cases of the C of its periods, and e expected after every period's expectation is
scaled to its cases, the ratio is c ln(c/e) + (C-c) ln((C-c)/(C-e)). Under the null each period's cases
are dealt to the places anew. The program of reference does so under "stratified randomization".
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from anlan.assess.scan.counts import _relative_risk, _running
from anlan.assess.scan.engine import Best, Floats, Ints
from anlan.assess.scan.expected import nonparametric_time
from anlan.assess.scan.sampling import within_periods
from anlan.assess.scan.statistic import POISSON, TIE, is_high, is_low, ratio
from anlan.assess.scan.windows import Windows
from anlan.assess.scan.zones import Zones


@njit(cache=True, nogil=True)
def _search(ptr, first, places, stop, factor, spans, cases, measure, totals, high, low, minimum, best, where):  # type: ignore[no-untyped-def]
    """`cases`, `measure` [n_places, n_periods + 1] running sums; `totals` [n_periods + 1] of all places;
    `spans` [n_spans, 2]; `best` and `where` (positions) [n_chains, n_spans]."""
    n = cases.shape[1]
    c_now = np.zeros(n)
    m_now = np.zeros(n)
    for k in range(len(ptr) - 1):
        c_now[:] = 0.0
        m_now[:] = 0.0
        for i in range(ptr[k], ptr[k + 1]):
            for t in range(n):
                c_now[t] += cases[places[i], t]
                m_now[t] += measure[places[i], t]
            if i < ptr[k] + first[k] or not stop[i]:
                continue
            for s in range(len(spans)):
                start, end = spans[s, 0], spans[s, 1]
                c = c_now[end] - c_now[start]
                m = m_now[end] - m_now[start]
                total = totals[end] - totals[start]
                if not (
                    (high and c >= minimum and is_high(c, m, total, total))
                    or (low and is_low(c, m, total, total))
                ):
                    continue
                if factor[k] * (c * np.log(max(c, 1.0) / m) if c > m else total) <= best[k, s]:
                    continue  # the part outside is never above 0 where the rate inside is high
                value = factor[k] * ratio(POISSON, c, m, total, total)
                if value > best[k, s] + TIE:
                    best[k, s] = value
                    where[k, s] = i


class StratifiedEngine:
    """`cases` and `expected` [n_places, n_periods]."""

    block = 16

    def __init__(
        self, cases: Ints, expected: Floats, seed: int, *, high: bool, low: bool, min_cases: int
    ) -> None:
        self.cases = cases
        self.expected = nonparametric_time(cases.astype(np.float64), expected)
        self.at_risk = self.expected.sum(axis=1)
        self.totals = np.concatenate([[0.0], np.cumsum(cases.sum(axis=0))])
        self.fill = within_periods(cases.sum(axis=0), self.expected, seed)
        self.options = (high, low, float(min_cases))

    def prepare(self, zones: Zones, windows: Windows) -> None:
        """Nothing is shared."""

    def strongest(self, zones: Zones, windows: Windows) -> float:
        return float(self._best(self.cases, zones, windows)[0].max())

    def observed(self, zones: Zones, windows: Windows, floor: float) -> Best:
        value, position = self._best(self.cases, zones, windows)
        return Best.of_spans(value, position, windows.span_array(), floor)

    def maxima(self, zones: Zones, windows: Windows, replications: range) -> Floats:
        drawn = np.zeros((self.cases.size, len(replications)), dtype=np.int64)
        self.fill(replications, drawn)
        return np.array(
            [
                self._best(drawn[:, lane].reshape(self.cases.shape), zones, windows)[0].max()
                for lane in range(len(replications))
            ]
        )

    def _best(self, cases: Ints, zones: Zones, windows: Windows) -> tuple[Floats, Ints]:
        spans = windows.span_array()
        best = np.zeros((len(zones.centre), len(spans)))
        where = np.zeros(best.shape, dtype=np.int64)
        _search(
            zones.ptr, zones.first, zones.places, zones.stop, zones.factor, spans,
            _running(cases.astype(np.float64)), _running(self.expected), self.totals, *self.options,
            best, where,
        )  # fmt: skip
        return best, where

    def describe(self, members: Ints, start: int, end: int) -> dict[str, Any]:
        cases = float(self.cases[members, start:end].sum())
        expected = float(self.expected[members, start:end].sum())
        total = float(self.totals[end] - self.totals[start])
        return {
            "observed": cases,
            "expected": expected,
            "ode": cases / expected if expected > 0 else None,
            "relative_risk": _relative_risk(cases, expected, total),
            "high": cases > expected,
            "llr": float(ratio(POISSON, cases, expected, total, total)),
        }
