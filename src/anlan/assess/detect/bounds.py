"""Upper bounds and upper-tail probabilities of one new count.

`delta`      Farrington, Andrews, Beale, Catchpole (1996), J R Stat Soc A 159:547-563, equation (8):
             normal quantile of a power-transformed count, with the error of the fitted mean.
`nb_plugin`  Noufaily et al. (2013), section 3.4: quantile of the negative binomial with mean mu and
             variance phi mu (Poisson at phi = 1), the mean taken as known.
`muan`       as `nb_plugin` at the (1 - alpha) quantile of the mean (Salmon, Schumacher, Hoehle
             2016, J Stat Softw 70(10), section 3.2.2).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import betainc, gammainc, gammaincc, ndtr, ndtri

from anlan.assess.detect.count_tail import count_tails
from anlan.assess.detect.panel import Floats

#: the compiled kernel, whose arguments mypy cannot see
_count_tails: Callable[..., int] = count_tails

#: exponent of the power transform, by its name
POWERS = {"2/3": 2 / 3, "1/2": 1 / 2, "none": 1.0}
#: the least mean that R's log link gives
LEAST_MEAN = float(np.finfo(np.float64).eps)


def delta_bound(
    y: Floats, mu: Floats, se_log: Floats, phi: Floats, alpha: float, powertrans: str
) -> tuple[Floats, Floats]:
    """(upper bound, probability of at least y); `se_log` standard error of log mu."""
    mu = np.maximum(mu, LEAST_MEAN)
    power = POWERS[powertrans]
    tau = phi + mu * se_log**2  # (standard error of mu)^2 / mu
    sd = power * np.sqrt(mu ** (2 * power - 1) * tau)
    upper: Floats = (mu**power + ndtri(1 - alpha) * sd) ** (1 / power)
    return upper, ndtr(-(y**power - mu**power) / sd)


def count_bound(y: Floats, mean: Floats, phi: Floats, alpha: float) -> tuple[Floats, Floats]:
    """(smallest u with P(Y <= u) >= 1 - alpha, P(Y >= y)) of a count with this mean and variance
    phi * mean, phi >= 1. NaN where the mean is not finite."""
    shape = mean.shape
    y, mean, phi = (np.ascontiguousarray(values, dtype=np.float64).ravel() for values in (y, mean, phi))
    upper, p_value = np.full(mean.size, np.nan), np.full(mean.size, np.nan)
    if _count_tails(y, mean, phi, 1 - alpha, upper, p_value):
        left = np.flatnonzero(upper == -1)
        upper[left], p_value[left] = by_special_functions(y[left], mean[left], phi[left], alpha)
    return upper.reshape(shape), p_value.reshape(shape)


def by_special_functions(y: Floats, mean: Floats, phi: Floats, alpha: float) -> tuple[Floats, Floats]:
    """`count_bound` by incomplete beta and gamma functions throughout."""
    fine = np.isfinite(mean) & np.isfinite(phi) & (mean > 0)
    upper = np.full(mean.shape, np.nan)
    upper[fine] = _quantile(1 - alpha, mean[fine], phi[fine])
    p_value = np.full(mean.shape, np.nan)
    known = fine & ~np.isnan(y)
    p_value[known] = _at_least(np.ceil(y[known]), mean[known], phi[known])
    return upper, p_value


def _at_least(y: Floats, mean: Floats, phi: Floats) -> Floats:
    """P(Y >= y), y >= 0; accurate deep in the tail, where 1 - P(Y < y) is not."""
    out = np.ones(y.shape)
    poisson = (phi == 1) & (y > 0)
    out[poisson] = gammainc(y[poisson], mean[poisson])
    wide = (phi > 1) & (y > 0)
    out[wide] = betainc(y[wide], mean[wide] / (phi[wide] - 1), 1 - 1 / phi[wide])
    return out


def _at_most(y: Floats, mean: Floats, phi: Floats) -> Floats:
    """P(Y <= y), y >= 0."""
    out = np.empty(y.shape)
    poisson = phi == 1
    out[poisson] = gammaincc(y[poisson] + 1, mean[poisson])
    wide = ~poisson
    out[wide] = betainc(mean[wide] / (phi[wide] - 1), y[wide] + 1, 1 / phi[wide])
    return out


def _quantile(p: float, mean: Floats, phi: Floats) -> Floats:
    """Smallest whole u with P(Y <= u) >= p: bracket about a skewness-corrected normal guess
    (Cornish-Fisher), then halve the bracket."""
    z = float(ndtri(p))
    sd = np.sqrt(phi * mean)
    skew = (2 * phi - 1) / sd
    guess = np.floor(mean + sd * (z + skew * (z * z - 1) / 6) + 0.5)
    low = np.maximum(guess - 2, -1.0)  # P(Y <= low) < p shall hold; -1 always does
    high = np.maximum(guess + 1, 0.0)  # P(Y <= high) >= p shall hold
    # each cell is left alone as soon as its own bracket holds; one of a vast mean takes hundreds of steps
    step, wrong = 2.0, np.flatnonzero(low >= 0)
    while (wrong := wrong[_at_most(low[wrong], mean[wrong], phi[wrong]) >= p]).size:
        high[wrong] = low[wrong]
        low[wrong] = np.maximum(low[wrong] - step, -1.0)
        wrong = wrong[low[wrong] >= 0]
        step *= 2
    step, wrong = 2.0, np.arange(mean.size)
    while (wrong := wrong[_at_most(high[wrong], mean[wrong], phi[wrong]) < p]).size:
        low[wrong] = high[wrong]
        high[wrong] += step
        step *= 2
    while (open_ := high - low > 1).any():
        # beyond 2^53 neighbours are more than 1 apart and the middle is one of the ends
        middle = np.floor(0.5 * (low + high))
        open_ &= (middle > low) & (middle < high)
        if not open_.any():
            break
        enough = np.zeros(mean.shape, dtype=bool)
        enough[open_] = _at_most(middle[open_], mean[open_], phi[open_]) >= p
        high = np.where(open_ & enough, middle, high)
        low = np.where(open_ & ~enough, middle, low)
    found: Floats = high
    return found
