"""Extreme value laws by maximum likelihood, and return levels with their intervals.

Smith (1985), Biometrika 72:67-90: the usual theory holds for shapes above -1/2; a fit at or below it is none
here. Coles (2001), "An Introduction to Statistical Modeling of Extreme Values": log-likelihoods (3.7, 3.8,
4.10), return levels (3.4, 4.13), intervals by the delta method and by profile likelihood (3.3.3), which is
the better one for long periods, for it is as skew as what the data say. The likelihood of the generalised
Pareto law is searched along xi / sigma (Grimshaw 1993, Technometrics 35:185-191).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numba import njit
from scipy.optimize import brentq, minimize_scalar
from scipy.special import chdtri, ndtri

from anlan.assess.detect.panel import Floats

Law: TypeAlias = Literal["gev", "gpd"]

#: |shape| below this is the exponential (Gumbel) case, by the first terms of its series
_FLAT = 1e-5
#: the usual theory of likelihood ends here
IRREGULAR = -0.5
_STEPS = 100
#: stands for a likelihood of zero in a search
_FAR = 1e12


@dataclass(frozen=True, slots=True)
class ExtremeFit:
    """A law fitted to `values` (yearly maxima; of the generalised Pareto law excesses over `loc`, `rate` of
    them a year). `theta` (gev: location, scale, shape; gpd: scale, shape) and `covariance` by the observed
    information."""

    law: Law
    values: Floats
    theta: Floats
    covariance: Floats
    loglik: float
    loc: float = 0.0
    rate: float = 1.0

    @property
    def se(self) -> Floats:
        """Standard errors of `theta`."""
        return np.asarray(np.sqrt(np.diag(self.covariance)), dtype=np.float64)

    def level(self, years: float) -> float:
        """The level that comes once in so many years."""
        return self._level(self.theta, years)

    def interval(
        self, years: float, alpha: float = 0.05, by: Literal["profile", "delta"] = "profile"
    ) -> tuple[float, float]:
        """Lower and upper bound of the level, 1 - `alpha` sure. The rate of spells counts as known (Coles
        2001, 4.3.3: its part is small). An upper bound that the data do not give is inf."""
        if not 0 < alpha < 1:
            raise ValueError(f"alpha must lie between 0 and 1, found {alpha}")
        best = self.level(years)
        if by == "delta":
            slope = self._slope(years)
            half = float(ndtri(1 - alpha / 2)) * math.sqrt(float(slope @ self.covariance @ slope))
            return best - half, best + half
        drop = float(chdtri(1, alpha)) / 2
        spread = math.sqrt(max(float(self._slope(years) @ self.covariance @ self._slope(years)), 1e-24))

        def gap(level: float) -> float:
            return self._profile(level, years) - (self.loglik - drop)

        return _crossing(gap, best, -spread), _crossing(gap, best, spread)

    def _level(self, theta: Floats, years: float) -> float:
        loc, scale, xi = (self.loc, *theta) if self.law == "gpd" else theta
        times = self.rate * years if self.law == "gpd" else -1 / math.log1p(-1 / years)
        return float(loc + scale * _grown(float(xi), times))

    def _slope(self, years: float) -> Floats:
        """d level / d theta, by central differences."""
        slope = np.empty(len(self.theta))
        for i in range(len(slope)):
            step = 1e-5 * max(1.0, abs(self.theta[i]))
            up, down = self.theta.copy(), self.theta.copy()
            up[i] += step
            down[i] -= step
            slope[i] = (self._level(up, years) - self._level(down, years)) / (2 * step)
        return slope

    def _profile(self, level: float, years: float) -> float:
        """The greatest log-likelihood with that level."""

        def least(xi: float) -> float:
            if self.law == "gpd":
                scale = (level - self.loc) / _grown(xi, self.rate * years)
                return min(-gpd_loglik(self.values, scale, xi), _FAR)
            times = _grown(xi, -1 / math.log1p(-1 / years))

            def given(log_scale: float) -> float:
                scale = math.exp(log_scale)
                return min(-gev_loglik(self.values, level - scale * times, scale, xi), _FAR)

            middle = math.log(self.theta[1])
            return float(minimize_scalar(given, bounds=(middle - 3, middle + 3), method="bounded").fun)

        xi = float(self.theta[-1])
        wide = max(6 * float(self.se[-1]), 0.2)
        low, high = max(-0.99, xi - wide), xi + wide
        return -float(minimize_scalar(least, bounds=(low, high), method="bounded").fun)


def _crossing(gap: Callable[[float], float], best: float, step: float) -> float:
    """Where the profile falls below its bound on that side of the best level."""
    reach = step
    for _ in range(40):
        if gap(best + reach) < 0:
            return float(brentq(gap, best, best + reach, xtol=1e-10 * max(1.0, abs(best))))
        reach *= 1.6
    return math.inf if step > 0 else -math.inf


def fit_gev(maxima: Floats) -> ExtremeFit:
    """The generalised extreme value law of yearly maxima [n], NaN left out. ValueError with fewer than 5, all
    equal, or where the likelihood has no regular maximum."""
    values = _known(maxima)
    theta = np.full(3, np.nan)
    if not _gev_newton(values, *_gev_start(values), theta):
        raise ValueError("the likelihood of the extreme value law has no regular maximum")
    covariance = _covariance(lambda t: _gev_score(values, t[0], t[1], t[2]), theta)
    return ExtremeFit("gev", values, theta, covariance, gev_loglik(values, *theta))


def fit_gpd(excesses: Floats, *, loc: float = 0.0, rate: float = 1.0) -> ExtremeFit:
    """The generalised Pareto law of excesses [n] over `loc`, `rate` of them a year; errors as `fit_gev`."""
    values = _known(excesses)
    if (values < 0).any():
        raise ValueError(f"excesses must not be negative, found {values.min()}")
    scale, xi = _gpd_likeliest(values)
    if math.isnan(xi):
        raise ValueError("the likelihood of the Pareto law has no regular maximum")
    theta = np.array([scale, xi])
    covariance = _covariance(lambda t: _gpd_score(values, t[0], t[1]), theta)
    return ExtremeFit("gpd", values, theta, covariance, gpd_loglik(values, scale, xi), loc, rate)


def _known(values: Floats) -> Floats:
    known = np.asarray(values, dtype=np.float64)
    known = known[~np.isnan(known)]
    if len(known) < 5 or known.min() == known.max():
        raise ValueError(f"a law needs 5 values or more that differ, found {len(known)}")
    return known


def _covariance(score: Callable[[Floats], Floats], theta: Floats) -> Floats:
    information = np.empty((len(theta), len(theta)))
    for i in range(len(theta)):
        step = 1e-5 * max(1e-2, abs(theta[i]))
        up, down = theta.copy(), theta.copy()
        up[i] += step
        down[i] -= step
        information[i] = -(score(up) - score(down)) / (2 * step)
    return np.asarray(np.linalg.inv((information + information.T) / 2), dtype=np.float64)


def _grown(xi: float, times: float) -> float:
    log = math.log(times)
    return log + xi * log * log / 2 if abs(xi) < _FLAT else math.expm1(xi * log) / xi


def _gev_start(values: Floats) -> tuple[float, float, float]:
    """The Gumbel law of the same mean and spread."""
    scale = math.sqrt(6) / math.pi * float(values.std())
    return float(values.mean()) - 0.5772156649015329 * scale, scale, 0.05


@njit(cache=True, nogil=True)
def _gev_log(values, loc, scale, xi):  # type: ignore[no-untyped-def]
    if not scale > 0:
        return -np.inf
    total = -len(values) * np.log(scale)
    for x in values:
        z = (x - loc) / scale
        if abs(xi) < _FLAT:
            log_s = z - xi * z * z / 2
        else:
            if 1 + xi * z <= 0:
                return -np.inf
            log_s = np.log1p(xi * z) / xi
        total += -(1 + xi) * log_s - np.exp(-log_s)
    return total


@njit(cache=True, nogil=True)
def _gev_score(values, loc, scale, xi):  # type: ignore[no-untyped-def]
    """d log-likelihood / d (loc, scale, xi)."""
    score = np.zeros(3)
    for x in values:
        z = (x - loc) / scale
        if abs(xi) < _FLAT:
            s = 1 + xi * z
            log_s, by_xi = z - xi * z * z / 2, -z * z / 2 + 2 * xi * z * z * z / 3
        else:
            s = 1 + xi * z
            log_s = np.log1p(xi * z) / xi
            by_xi = (z / s - log_s) / xi
        t = np.exp(-log_s)
        by_z = (t - 1 - xi) / s
        score[0] -= by_z / scale
        score[1] -= (1 + z * by_z) / scale
        score[2] += -log_s - (1 + xi) * by_xi + t * by_xi
    return score


@njit(cache=True, nogil=True)
def _solved(a, b, ridge):  # type: ignore[no-untyped-def]
    """x with (a + ridge I) x = b by Cholesky's method; NaN where that is not positive definite."""
    low, x = np.zeros((3, 3)), np.empty(3)
    for i in range(3):
        for j in range(i + 1):
            rest = a[i, j] + (ridge if i == j else 0.0)
            for k in range(j):
                rest -= low[i, k] * low[j, k]
            if i == j:
                if not rest > 0:
                    return np.full(3, np.nan)
                low[i, i] = np.sqrt(rest)
            else:
                low[i, j] = rest / low[j, j]
    for i in range(3):
        x[i] = b[i]
        for k in range(i):
            x[i] -= low[i, k] * x[k]
        x[i] /= low[i, i]
    for i in range(2, -1, -1):
        for k in range(i + 1, 3):
            x[i] -= low[k, i] * x[k]
        x[i] /= low[i, i]
    return x


@njit(cache=True, nogil=True)
def _gev_newton(values, loc, scale, xi, theta):  # type: ignore[no-untyped-def]
    """Fisher-like Newton with halving from (loc, scale, xi); whether a regular maximum was reached, which is
    left in `theta`."""
    theta[:] = loc, scale, xi
    best = _gev_log(values, theta[0], theta[1], theta[2])
    if not np.isfinite(best):
        return False
    for _ in range(_STEPS):
        score = _gev_score(values, theta[0], theta[1], theta[2])
        information = np.empty((3, 3))
        for i in range(3):
            step = 1e-5 * (theta[1] if i < 2 else 1.0)
            up, down = theta.copy(), theta.copy()
            up[i] += step
            down[i] -= step
            information[i] = (_gev_score(values, down[0], down[1], down[2])
                              - _gev_score(values, up[0], up[1], up[2])) / (2 * step)  # fmt: skip
        information = (information + information.T) / 2
        # in units of the scale the three are alike: a ridge makes the step go uphill where the surface is not
        unit = np.array([theta[1], theta[1], 1.0])
        lifted = np.empty((3, 3))
        for i in range(3):
            for j in range(3):
                lifted[i, j] = information[i, j] * unit[i] * unit[j]
        ridge = 0.0
        move = _solved(lifted, unit * score, ridge)
        while np.isnan(move[0]):
            ridge = max(4 * ridge, 1e-3 * len(values))
            if not ridge < 1e12:
                return False
            move = _solved(lifted, unit * score, ridge)
        move = unit * move
        gain = (score * move).sum()
        part = 1.0
        while part > 1e-10:
            tried = theta + part * move
            value = _gev_log(values, tried[0], tried[1], tried[2])
            if value > best or (part == 1.0 and gain < 1e-8 and value > best - 1e-9 * (1 + abs(best))):
                break
            part /= 2
        if part <= 1e-10:
            return gain < 1e-6 and theta[2] > IRREGULAR
        theta[:] = tried
        best = value
        if gain < 1e-14 and ridge == 0.0:
            return theta[2] > IRREGULAR
        if theta[2] < -1.0:
            return False
    return False


@njit(cache=True, nogil=True)
def _gpd_log(values, scale, xi):  # type: ignore[no-untyped-def]
    if not scale > 0:
        return -np.inf
    total = -len(values) * np.log(scale)
    for x in values:
        z = x / scale
        if abs(xi) < _FLAT:
            total -= z + xi * (z - z * z / 2)
        else:
            if 1 + xi * z <= 0:
                return -np.inf
            total -= (1 + 1 / xi) * np.log1p(xi * z)
    return total


@njit(cache=True, nogil=True)
def _gpd_score(values, scale, xi):  # type: ignore[no-untyped-def]
    """d log-likelihood / d (scale, xi)."""
    score = np.zeros(2)
    for x in values:
        z = x / scale
        s = 1 + xi * z
        if abs(xi) < _FLAT:
            by_xi = z * z / 2 - z + xi * (z * z - 2 * z * z * z / 3)
        else:
            by_xi = np.log1p(xi * z) / xi**2 - (1 + 1 / xi) * z / s
        score[0] += (-1 + (1 + xi) * z / s) / scale
        score[1] += by_xi
    return score


@njit(cache=True, nogil=True)
def _gpd_profile(values, theta):  # type: ignore[no-untyped-def]
    """(log-likelihood, shape) of the likeliest scale with xi / sigma = `theta`."""
    if abs(theta) * values.max() < _FLAT:
        mean = values.mean()
        return -len(values) * (np.log(mean) + 1), theta * mean
    xi = 0.0
    for x in values:
        xi += np.log1p(theta * x)
    xi /= len(values)
    if xi / theta <= 0:
        return -np.inf, xi
    return -len(values) * (np.log(xi / theta) + xi + 1), xi


@njit(cache=True, nogil=True)
def _gpd_likeliest(values):  # type: ignore[no-untyped-def]
    """(scale, shape); NaN where there is no regular maximum."""
    most, mean = values.max(), values.mean()
    # from the edge of the support (xi / sigma > -1 / max) to the heaviest tails, denser towards the edge
    n = 240
    grid = np.empty(n)
    for i in range(n):
        share = i / (n - 1)
        grid[i] = (-1 + 10.0 ** (-8 + 8.0 * share * 2)) / most if share < 0.5 else 10.0 ** (
            -6 + 10.0 * (share - 0.5) * 2) / mean  # fmt: skip
    k, best = -1, -np.inf
    for i in range(n):
        value, xi = _gpd_profile(values, grid[i])
        if xi > IRREGULAR and value > best:
            k, best = i, value
    if k <= 0 or k == n - 1:
        return np.nan, np.nan
    low, high = grid[k - 1], grid[k + 1]
    golden = (np.sqrt(5.0) - 1) / 2
    for _ in range(90):
        a, b = high - golden * (high - low), low + golden * (high - low)
        if _gpd_profile(values, a)[0] > _gpd_profile(values, b)[0]:
            high = b
        else:
            low = a
    theta = (low + high) / 2
    xi = _gpd_profile(values, theta)[1]
    if xi <= IRREGULAR:
        return np.nan, np.nan
    scale = mean if abs(theta) * most < _FLAT else xi / theta
    # the search above knows the place to half the digits: the rest by Newton
    for _ in range(20):
        score = _gpd_score(values, scale, xi)
        step = 1e-5
        a = (_gpd_score(values, scale * (1 + step), xi) - _gpd_score(values, scale * (1 - step), xi)) / (
            2 * step * scale)  # fmt: skip
        b = (_gpd_score(values, scale, xi + step) - _gpd_score(values, scale, xi - step)) / (2 * step)
        det = a[0] * b[1] - b[0] * a[1]
        if not det > 0 or not a[0] < 0:
            break
        move_scale = -(score[0] * b[1] - b[0] * score[1]) / det
        move_xi = -(a[0] * score[1] - score[0] * a[1]) / det
        scale, xi = scale + move_scale, xi + move_xi
        if abs(move_scale) < 1e-13 * scale and abs(move_xi) < 1e-13:
            break
    return (scale, xi) if xi > IRREGULAR and scale > 0 else (np.nan, np.nan)


#: the compiled kernels, whose arguments mypy cannot see
gev_loglik: Callable[..., float] = _gev_log
gpd_loglik: Callable[..., float] = _gpd_log
gev_newton: Callable[..., bool] = _gev_newton
gpd_likeliest: Callable[..., Any] = _gpd_likeliest
gev_start = _gev_start
