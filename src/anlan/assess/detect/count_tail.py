"""Quantile and upper tail of a count with given mean and dispersion, by adding up its probabilities.

Poisson where phi = 1, else negative binomial with mean mu and variance phi mu, size r = mu / (phi - 1):

    P(0) = exp(-mu)                 P(k + 1) = P(k) mu / (k + 1)
    P(0) = phi^-r                   P(k + 1) = P(k) (k + r) / (k + 1) (1 - 1 / phi)

One pass gives both, and for means up to some hundreds is much cheaper than incomplete beta and gamma
functions. Rounding stays below 1e-12 relative; where it would not, or the sums are long, the cell is
left to `bounds`, which uses those functions.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

#: the logarithm of P(0) may not be below this, or digits of the sum are lost
_LEAST_LOG = -600.0
#: probabilities added up, at most
MOST = 4096
#: 1 - P(Y < y) is used down to here, further out the tail is added up from y
_DEEP = 1e-3


@njit(cache=True, nogil=True, error_model="numpy")
def count_tails(y, mean, phi, level, upper, tail):  # type: ignore[no-untyped-def]
    """For each cell [n]: smallest `upper` with P(Y <= upper) >= `level`, and `tail` = P(Y >= y), which
    is not written where y is NaN. Gives how many cells are left, marked by upper = -1."""
    reciprocal = 1.0 / np.arange(1, MOST + 1)
    left = 0
    for cell in range(len(y)):
        mu, spread = mean[cell], phi[cell]
        upper[cell] = np.nan
        if not (mu > 0.0 and mu < np.inf and spread >= 1.0 and spread < np.inf):
            continue
        if spread > 1.0:
            size, ratio = mu / (spread - 1.0), (spread - 1.0) / spread
            log_none = -size * math.log(spread)
            a, b = ratio, size * ratio  # P(k + 1) = P(k) (a k + b) / (k + 1)
        else:
            log_none, a, b = -mu, 0.0, mu
        if log_none < _LEAST_LOG:
            upper[cell] = -1.0
            left += 1
            continue
        value = y[cell]
        wanted = 0.0 if math.isnan(value) else math.ceil(value)
        p = math.exp(log_none)
        below, k = 0.0, 0  # P(Y < k); p is P(k)
        bound, found = -1.0, 1.0
        over = wanted <= 0.0
        while k < MOST - 1:
            if not over and k >= wanted:
                found, over = _above(p, below, a, b, k, reciprocal), True
            if bound < 0.0 and below + p >= level:
                bound = float(k)
            if over and bound >= 0.0:
                break
            if bound >= 0.0 and not over and 1.0 - (below + p) < _DEEP:
                # both are above: only the probabilities up to y are needed now, not their sum
                while k < wanted and k < MOST - 1:
                    p *= (a * k + b) * reciprocal[k]
                    k += 1
                below = 1.0
                continue
            below += p
            p *= (a * k + b) * reciprocal[k]
            k += 1
        if bound < 0.0 or not over or found < 0.0:
            upper[cell] = -1.0
            left += 1
            continue
        upper[cell] = bound
        if not math.isnan(value):
            tail[cell] = found
    return left


@njit(cache=True, nogil=True, error_model="numpy")
def _above(p, below, a, b, k, reciprocal):  # type: ignore[no-untyped-def]
    """P(Y >= k) from P(k) and P(Y < k); -1 where the sum is too long."""
    if 1.0 - below > _DEEP:
        return 1.0 - below
    total = 0.0
    while k < MOST - 1:
        total += p
        if p <= total * 1e-17:
            return total
        p *= (a * k + b) * reciprocal[k]
        k += 1
    return -1.0
