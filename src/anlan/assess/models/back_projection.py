"""Back-projection: when people were infected, from when they fell ill, without a model of the curve.

Becker, Watson, Carlin (1991), "A method of non-parametric back-projection and its application to AIDS
data", Stat Med 10:1527-1542. Cases Y_t are Poisson with mean sum_s lambda_s f(t - s), f the incubation
time. The EMS algorithm alternates

    E, M (eq. 3a)   phi_t = lambda_t / F(T - t) sum_d Y_t+d f(d) / sum_i lambda_i f(t + d - i)
    S    (eq. 3b)   lambda_t = sum_i w_i phi_t+i-k/2,   w binomial(k, 1/2), renormalised at both ends

until the relative change of lambda is below eps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.special import comb

Floats: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class BackProjection:
    """`infections` [n_time]: expected infections per period; `steps` of the EMS taken; `converged`."""

    infections: Floats
    steps: int
    converged: bool


def back_project(
    cases: Floats,
    incubation: Floats,
    *,
    k: int = 2,
    eps: float = 0.005,
    max_steps: int = 250,
    start: Floats | None = None,
) -> BackProjection:
    """Back-project `cases` [n_time] through `incubation` [n_delays], the probability of each delay from 0.
    `k`: even width of the smoothing window less one, 0 for none. The peer takes one step more than its
    iter.max before it stops; so does `max_steps`."""
    if k < 0 or k % 2:
        raise ValueError(f"k must be even and not negative, found {k}")
    if cases.ndim != 1 or not cases.size:
        raise ValueError(f"cases must be [n_time], found {cases.shape}")
    if not np.isfinite(cases).all() or (cases < 0).any():
        raise ValueError("cases must be known and not negative: fill in or cut missing periods first")
    if incubation.ndim != 1 or not incubation.size or (incubation < 0).any():
        raise ValueError("incubation must be probabilities [n_delays]")
    n = len(cases)
    cumulative = np.cumsum(incubation)
    seen = cumulative[np.minimum(np.arange(n - 1, -1, -1), len(cumulative) - 1)]  # F(T - t)
    weights = comb(k, np.arange(k + 1)) / 2.0**k
    share = np.convolve(np.ones(n), weights, mode="full")[k // 2 : k // 2 + n]
    infections = np.full(n, cases.mean()) if start is None else np.asarray(start, dtype=np.float64)
    step, change = 0, np.inf
    while True:
        step += 1
        before = infections
        infections = _expected_infections(before, cases, incubation, seen)
        if k:
            infections = np.convolve(infections, weights, mode="full")[k // 2 : k // 2 + n] / share
        with np.errstate(divide="ignore", invalid="ignore"):
            change = float(np.sqrt(np.sum((infections - before) ** 2)) / np.sqrt(np.sum(before**2)))
        if change < eps or step > max_steps or np.isnan(change):  # NaN: no case at all
            return BackProjection(infections, step, bool(change < eps) or not cases.any())


def infection_interval(
    cases: Floats,
    incubation: Floats,
    *,
    k: int = 2,
    eps: float = 0.005,
    max_steps: int = 250,
    alpha: float = 0.05,
    draws: int = 200,
    seed: int = 1,
) -> tuple[Floats, Floats]:
    """Lower and upper bound [n_time] of the infections, by parametric bootstrap: case counts are drawn as
    Poisson about those that the unsmoothed back-projection leads to, and back-projected in their turn. The
    bounds hold chance in the counts, not the bias of smoothing nor an incubation time that is wrong."""
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must lie between 0 and 1, found {alpha}")
    if draws < 2:
        raise ValueError(f"draws must be at least 2, found {draws}")
    sharp = back_project(cases, incubation, k=0, eps=eps, max_steps=max_steps).infections
    smooth = back_project(cases, incubation, k=k, eps=eps, max_steps=max_steps).infections
    mean = np.convolve(sharp, incubation)[: len(cases)]
    drawn = np.random.default_rng(seed).poisson(mean, (draws, len(cases))).astype(np.float64)
    found = np.array(
        [
            back_project(counts, incubation, k=k, eps=eps, max_steps=max_steps, start=smooth).infections
            for counts in drawn
        ]
    )
    lower, upper = np.quantile(found, (alpha / 2, 1 - alpha / 2), axis=0)
    return lower, upper


def _expected_infections(infections: Floats, cases: Floats, incubation: Floats, seen: Floats) -> Floats:
    """Eq. 3a; a quotient by zero counts as nothing."""
    n = len(cases)
    mean = np.convolve(infections, incubation)[:n]
    ratio = np.divide(cases, mean, out=np.zeros(n), where=mean > 0)
    back = np.convolve(ratio[::-1], incubation)[:n][::-1]
    phi: Floats = np.divide(infections, seen, out=np.zeros(n), where=seen > 0) * back
    return phi
