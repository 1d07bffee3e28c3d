"""The expectation from the last periods alone, for series without years of history.

A weighted mean of the last `periods` counts, those of the last `gap` left out so that a beginning outbreak
is not learnt, past outbreaks down-weighted by their Anscombe residual as in Farrington et al. (1996, J R
Stat Soc A 159:547-563, equation 5). Half a case is added (Jeffreys' prior for a Poisson rate), so that a
history without a case is a small expectation and not a blind spot. There is no season in it: a rise that
comes every year is news to it.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from anlan.assess.detect.panel import Floats, Ints

#: fewest known counts that a mean and a spread are taken from
LEAST = 8
ROUNDS = 2


def recent_fit(
    counts: Floats, at: Ints, periods: int, gap: int, weights_threshold: float
) -> tuple[Floats, Floats, Floats]:
    """(mean, standard error of its log, dispersion of at least 1) of every series [n_series, n_time] at
    every index in `at` [n_series, n_test]; NaN with fewer than `LEAST` known counts in the window."""
    shape = (len(counts), len(at))
    mean, error, spread = (np.full(shape, np.nan) for _ in range(3))
    _fit(counts, at, periods, gap, weights_threshold, mean, error, spread)
    return mean, error, spread


@njit(cache=True, nogil=True)
def _fit(counts, at, periods, gap, weights_threshold, mean, error, spread):  # type: ignore[no-untyped-def]
    value, weight = np.empty(periods), np.empty(periods)
    for s in range(len(counts)):
        for j in range(len(at)):
            last = at[j] - gap
            n = 0
            for k in range(max(0, last - periods + 1), last + 1):
                if not math.isnan(counts[s, k]):
                    value[n], weight[n] = counts[s, k], 1.0
                    n += 1
            if n < LEAST:
                continue
            mu, phi, cases = 0.0, 1.0, 0.0
            for round_ in range(ROUNDS + 1):
                cases, pearson = 0.5, 0.0
                for i in range(n):
                    cases += weight[i] * value[i]
                mu = cases / n
                for i in range(n):
                    pearson += weight[i] * (value[i] - mu) ** 2
                phi = max(1.0, pearson / mu / (n - 1))
                if round_ == ROUNDS:
                    break
                total = 0.0
                for i in range(n):
                    residual = 1.5 * (value[i] ** (2 / 3) * mu ** (-1 / 6) - math.sqrt(mu)) / math.sqrt(phi)
                    weight[i] = 1 / residual**2 if residual > weights_threshold else 1.0
                    total += weight[i]
                for i in range(n):
                    weight[i] *= n / total
            mean[s, j], spread[s, j] = mu, phi
            error[s, j] = math.sqrt(phi / cases)
