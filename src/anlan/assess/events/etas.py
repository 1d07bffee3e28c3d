"""Every earthquake may set off others: the temporal ETAS model.

    lambda(t) = mu + sum over t_i < t of K exp(alpha (m_i - mc)) (t - t_i + c)^-p

Ogata (1988), J Am Stat Assoc 83:9-27, equation 17. Fitted by maximum likelihood over events of magnitude
mc or more in (S, T); events before S set off others but are not themselves explained. Its integral turns
the catalogue into a Poisson process of rate one where the model holds: a stretch of transformed time with
too many events is faster than aftershocks explain (Ogata 1988, section 3.2).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import poisson

from anlan.assess.events.rates import RateChange

Floats = NDArray[np.float64]

FEWEST = 50
#: searched, on the log scale but p: mu, K, c in days, alpha, p
_BOUNDS = (
    (math.log(1e-8), math.log(1e4)),
    (math.log(1e-8), math.log(1e3)),
    (math.log(1e-5), math.log(10.0)),
    (math.log(0.05), math.log(6.0)),
    (0.6, 2.5),
)


@dataclass(frozen=True, slots=True)
class Etas:
    """`mu` background events a day, `k` (events a day to the power of p), `c` days, `alpha` per unit of
    magnitude, `p`; `completeness` mc. `log_likelihood` and `events` of the fit, `converged` whether the
    search ended at a maximum."""

    mu: float
    k: float
    c: float
    alpha: float
    p: float
    completeness: float
    log_likelihood: float = math.nan
    events: int = 0
    converged: bool = True

    def branching_ratio(self, b: float) -> float:
        """Mean direct aftershocks of one event for magnitudes with this b; inf where p <= 1 or
        alpha >= b ln 10, for then the sum has no end. 1 or more is a catalogue that would explode."""
        beta = b * math.log(10.0)
        if self.p <= 1.0 or self.alpha >= beta:
            return math.inf
        return float(self.k * self.c ** (1 - self.p) / (self.p - 1) * beta / (beta - self.alpha))

    def score(self, times: Floats, magnitudes: Floats, since: float, until: float) -> float:
        """Log-likelihood of the events in `since` to `until` (days), given those before."""
        kept = (magnitudes >= self.completeness) & (times <= until)
        t, m = times[kept].astype(np.float64), magnitudes[kept] - self.completeness
        first = int(np.searchsorted(t, since, side="right"))
        return float(_log_likelihood(t, m, first, since, until, self.mu, self.k, self.c, self.alpha, self.p))

    def transformed(self, times: Floats, magnitudes: Floats, at: Floats) -> Floats:
        """Integral of lambda from 0 to each of `at` (days, ascending): expected number of events."""
        weights = self.k * np.exp(self.alpha * (magnitudes - self.completeness))
        return np.asarray(_integral(times, weights, self.mu, self.c, self.p, at))


def fit_etas(times: Floats, magnitudes: Floats, completeness: float, since: float, until: float) -> Etas:
    """The fit to events at `times` (days, ascending) of `magnitudes` in `since` to `until`. ValueError for
    times out of order, or fewer than 50 events in the span."""
    if times.shape != magnitudes.shape or (np.diff(times) < 0).any():
        raise ValueError("times must be ascending with one magnitude each")
    kept = (magnitudes >= completeness) & (times <= until)
    t, m = times[kept].astype(np.float64), magnitudes[kept].astype(np.float64) - completeness
    first = int(np.searchsorted(t, since, side="right"))
    number = len(t) - first
    if number < FEWEST:
        raise ValueError(f"at least {FEWEST} events of magnitude {completeness:g} are needed, found {number}")

    def loss(x: Floats) -> tuple[float, Floats]:
        mu, k, c, alpha = np.exp(x[:4])
        score, slope = _score_and_slope(t, m, first, since, until, mu, k, c, alpha, x[4])
        return -float(score), -slope

    rate = number / (until - since)
    starts = ((0.5 * rate, 0.02, 0.01, 1.5, 1.1), (0.2 * rate, 0.1, 0.05, 0.8, 1.2))
    best = min(
        (
            minimize(
                loss,
                [*np.log(s[:4]), s[4]],
                method="L-BFGS-B",
                jac=True,
                bounds=_BOUNDS,
                options={"maxiter": 300},
            )
            for s in starts
        ),
        key=lambda found: float(found.fun),
    )
    mu, k, c, alpha = (float(v) for v in np.exp(best.x[:4]))
    return Etas(mu, k, c, alpha, float(best.x[4]), completeness, -float(best.fun), number, bool(best.success))


def residual_change(model: Etas, times: Floats, magnitudes: Floats, since: float, until: float) -> RateChange:
    """Whether the events of `since` to `until` (days) are more, or fewer, than the model expects from all
    that went before, its own aftershocks included; a Poisson count in transformed time. The parameters
    are taken as known, so fit them on an earlier stretch."""
    kept = magnitudes >= model.completeness
    t, m = times[kept], magnitudes[kept]
    low, high = model.transformed(t, m, np.array([since, until], dtype=np.float64))
    number, mean = int(((t > since) & (t <= until)).sum()), float(high - low)
    ratio = number / mean if mean > 0 else math.nan
    return RateChange(ratio, float(poisson.sf(number - 1, mean)), float(poisson.cdf(number, mean)))


def simulate(
    model: Etas, b: float, days: float, seed: int, largest: float = math.inf
) -> tuple[Floats, Floats]:
    """(times, magnitudes) of a catalogue of `days`, magnitudes with this b, none above `largest`: the
    background as a Poisson process, then each event's aftershocks, generation by generation."""
    rng = np.random.default_rng(seed)
    beta = b * math.log(10.0)

    def magnitudes(n: int) -> Floats:
        cut = -math.expm1(-beta * (largest - model.completeness))
        return np.asarray(model.completeness - np.log1p(-rng.random(n) * cut) / beta)

    t = rng.uniform(0.0, days, rng.poisson(model.mu * days))
    m = magnitudes(len(t))
    all_t, all_m = [t], [m]
    # share of the decay that falls within u days: 1 - (1 + u / c)^(1 - p), for p > 1
    while len(t):
        whole = (
            model.k
            * np.exp(model.alpha * (m - model.completeness))
            * model.c ** (1 - model.p)
            / (model.p - 1)
        )
        parents = np.repeat(t, rng.poisson(whole))
        later = model.c * ((1 - rng.random(len(parents))) ** (1 / (1 - model.p)) - 1)
        t = parents + later
        t = t[t <= days]
        m = magnitudes(len(t))
        all_t.append(t)
        all_m.append(m)
    t, m = np.concatenate(all_t), np.concatenate(all_m)
    order = np.argsort(t, kind="stable")
    return t[order], m[order]


@njit(cache=True, nogil=True)
def _spread(span, c, p):  # type: ignore[no-untyped-def]
    """Integral of (u + c)^-p from 0 to `span`."""
    ratio = math.log((span + c) / c)
    x = (1.0 - p) * ratio
    return c ** (1.0 - p) * ratio * (math.expm1(x) / x if abs(x) > 1e-12 else 1.0)


@njit(cache=True, nogil=True)
def _log_likelihood(t, m, first, since, until, mu, k, c, alpha, p):  # type: ignore[no-untyped-def]
    """`m` above mc; events from index `first` on are explained."""
    total = -mu * (until - since)
    weight = k * np.exp(alpha * m)
    for i in range(len(t)):
        total -= weight[i] * _spread(until - t[i], c, p)
        if t[i] < since:
            total += weight[i] * _spread(since - t[i], c, p)
    for i in range(first, len(t)):
        rate = mu
        for j in range(i):
            rate += weight[j] * (t[i] - t[j] + c) ** -p
        total += math.log(rate)
    return total


@njit(cache=True, nogil=True)
def _score_and_slope(t, m, first, since, until, mu, k, c, alpha, p):  # type: ignore[no-untyped-def]
    """`_log_likelihood` with its slope in log mu, log k, log c, log alpha and p; one logarithm and one
    exponential for each pair of events."""
    weight = k * np.exp(alpha * m)
    score = -mu * (until - since)
    slope = np.zeros(5)
    slope[0] = score
    step = 1e-6
    for i in range(len(t)):
        for end, sign in ((until, -1.0), (since, 1.0)):
            span = end - t[i]
            if span <= 0.0:
                continue
            area = _spread(span, c, p)
            score += sign * weight[i] * area
            slope[1] += sign * weight[i] * area
            slope[2] += sign * weight[i] * c * ((span + c) ** -p - c**-p)
            slope[3] += sign * weight[i] * area * alpha * m[i]
            rise = _spread(span, c, p + step) - _spread(span, c, p - step)
            slope[4] += sign * weight[i] * rise / (2.0 * step)
    for i in range(first, len(t)):
        rate, by_c, by_alpha, by_p = 0.0, 0.0, 0.0, 0.0
        for j in range(i):
            gap = t[i] - t[j] + c
            log_gap = math.log(gap)
            one = weight[j] * math.exp(-p * log_gap)
            rate += one
            by_c += one / gap
            by_alpha += one * m[j]
            by_p += one * log_gap
        whole = mu + rate
        score += math.log(whole)
        slope[0] += mu / whole
        slope[1] += rate / whole
        slope[2] -= p * c * by_c / whole
        slope[3] += alpha * by_alpha / whole
        slope[4] -= by_p / whole
    return score, slope


@njit(cache=True, nogil=True)
def _integral(t, weight, mu, c, p, at):  # type: ignore[no-untyped-def]
    found = np.empty(len(at))
    for n in range(len(at)):
        total = mu * at[n]
        for i in range(len(t)):
            if t[i] >= at[n]:
                break
            total += weight[i] * _spread(at[n] - t[i], c, p)
        found[n] = total
    return found
