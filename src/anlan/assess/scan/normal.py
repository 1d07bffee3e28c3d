"""Values with one variance and two means (normal model).

Kulldorff, Huang, Konty (2009), "A scan statistic for continuous data based on the normal probability
model", Int J Health Geogr 8:58. With N values, S their sum of squares about their mean and S1 about the
means inside and outside, the log likelihood ratio is N/2 ln(S / S1), and S - S1 = N d^2 / (n (N - n)) with
d the sum inside less n times the mean. Under the null the values are dealt anew.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from anlan.assess.scan.engine import Best, Floats, Ints
from anlan.assess.scan.sampling import shuffled_values
from anlan.assess.scan.statistic import TIE
from anlan.assess.scan.windows import Windows
from anlan.assess.scan.zones import Zones


@njit(cache=True, nogil=True)
def _search(  # type: ignore[no-untyped-def]
    ptr, first, places, stop, factor, spans, count, deviation, squares, high, low, minimum, best, where,
):  # fmt: skip
    """`count` and `deviation` (sums of value less mean) [n_places, n_periods + 1] running sums; `squares`
    of all values about the mean."""
    n_times = count.shape[1]
    n_now, d_now = np.zeros(n_times), np.zeros(n_times)
    total = 0.0
    for p in range(len(count)):
        total += count[p, n_times - 1]
    for k in range(len(ptr) - 1):
        n_now[:] = 0.0
        d_now[:] = 0.0
        for i in range(ptr[k], ptr[k + 1]):
            n_now += count[places[i]]
            d_now += deviation[places[i]]
            if i < ptr[k] + first[k] or not stop[i]:
                continue
            for s in range(len(spans)):
                n = n_now[spans[s, 1]] - n_now[spans[s, 0]]
                d = d_now[spans[s, 1]] - d_now[spans[s, 0]]
                if n < max(minimum, 1.0) or n >= total or not ((high and d > 0.0) or (low and d < 0.0)):
                    continue
                share = min(total * d * d / (n * (total - n)) / squares, 1.0 - 1e-300)
                value = -0.5 * factor[k] * total * np.log1p(-share)
                if value > best[k, s] + TIE:
                    best[k, s] = value
                    where[k, s] = i


class NormalEngine:
    """`place`, `period` and `value` of every observation, in `shape` (n_places, n_periods); the population
    at risk are the observations."""

    block = 16

    def __init__(
        self, place: Ints, period: Ints, value: Floats, shape: tuple[int, int], seed: int, *,
        high: bool, low: bool, min_cases: int,
    ) -> None:  # fmt: skip
        self.cell = place * shape[1] + period
        order = np.lexsort((value, self.cell))  # the order of the rows must not matter to the draws
        self.cell, self.value = self.cell[order], value[order]
        self.shape = shape
        self.seed = seed
        self.options = (high, low, float(min_cases))
        self.mean = float(self.value.mean())
        self.squares = float(((self.value - self.mean) ** 2).sum())
        self.count = np.bincount(self.cell, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float64)
        self.at_risk = self.count.sum(axis=1)

    def prepare(self, zones: Zones, windows: Windows) -> None:
        """Nothing is shared."""

    def strongest(self, zones: Zones, windows: Windows) -> float:
        return float(self._best(self.value, zones, windows)[0].max())

    def observed(self, zones: Zones, windows: Windows, floor: float) -> Best:
        value, position = self._best(self.value, zones, windows)
        return Best.of_spans(value, position, windows.span_array(), floor)

    def maxima(self, zones: Zones, windows: Windows, replications: range) -> Floats:
        mixed = np.empty_like(self.value)
        found = np.zeros(len(replications))
        for number, replication in enumerate(replications):
            shuffled_values(self.seed, replication, self.value, mixed)
            found[number] = self._best(mixed, zones, windows)[0].max()
        return found

    def _best(self, value: Floats, zones: Zones, windows: Windows) -> tuple[Floats, Ints]:
        spans = windows.span_array()
        best = np.zeros((len(zones.centre), len(spans)))
        where = np.zeros(best.shape, dtype=np.int64)
        deviation = np.bincount(self.cell, weights=value - self.mean, minlength=self.count.size)
        running = np.zeros((2, self.shape[0], self.shape[1] + 1))
        running[0, :, 1:] = np.cumsum(self.count, axis=1)
        running[1, :, 1:] = np.cumsum(deviation.reshape(self.shape), axis=1)
        _search(
            zones.ptr, zones.first, zones.places, zones.stop, zones.factor, spans, running[0],
            running[1], self.squares, *self.options, best, where,
        )  # fmt: skip
        return best, where

    def describe(self, members: Ints, start: int, end: int) -> dict[str, Any]:
        chosen = np.zeros(self.shape, dtype=np.bool_)
        chosen[members, start:end] = True
        inside = chosen.ravel()[self.cell]
        within, beyond = self.value[inside], self.value[~inside]
        mean_in, mean_out = float(within.mean()), float(beyond.mean())
        squares = float(((within - mean_in) ** 2).sum() + ((beyond - mean_out) ** 2).sum())
        n = len(self.value)
        return {
            "observed": float(len(within)),
            "expected": None,
            "ode": None,
            "relative_risk": None,
            "population": float(len(within)),
            "high": mean_in > mean_out,
            "mean_inside": mean_in,
            "mean_outside": mean_out,
            "variance": squares / (n - 1),
            "llr": 0.5 * n * float(np.log(self.squares / squares)) if squares > 0 else float("inf"),
        }
