"""Run length of a likelihood-ratio CUSUM, by a Markov chain over intervals of its value.

Höhle (2010), "Online change-point detection in categorical time series", in Statistical Modelling and
Regression Structures, section 3.2 (after Brook, Evans 1972, and Bissell 1984). The value
S_t = max(0, S_t-1 + llr(y_t)) is put into 0 and g - 1 equal intervals up to h; within an interval the value
is taken as uniform, and the integral over it is Simpson's (both ends and the middle).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.stats import binom, nbinom, poisson

Floats: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RunLengthLaw:
    """`pmf`, `cdf` [n_time]: probability of the first signal at, and by, each period. `arl`: mean run
    length, known only where one step repeats for ever (n_time = 1), else NaN."""

    pmf: Floats
    cdf: Floats
    arl: float


def negative_binomial_pmf(y: Floats, mu: float, alpha: float) -> Floats:
    """Density with mean `mu` and variance mu + alpha mu^2; alpha 0 is Poisson."""
    law = poisson(mu) if alpha == 0 else nbinom(1 / alpha, 1 / (1 + alpha * mu))
    return np.asarray(law.pmf(y), dtype=np.float64)


def negative_binomial_llr(y: Floats, mu0: float, mu1: float, alpha: float) -> Floats:
    """Log likelihood ratio of mean `mu1` against `mu0`."""
    if alpha == 0:
        return y * math.log(mu1 / mu0) - (mu1 - mu0)
    shrink = math.log((1 + alpha * mu0) / (1 + alpha * mu1))
    return y * (math.log(mu1 / mu0) + shrink) + shrink / alpha


def step_matrix(llr: Floats, p: Floats, h: float, g: int) -> Floats:
    """Probabilities [g + 1, g + 1] of moving between the states of one step: 0, g - 1 intervals up to `h`,
    signal. `llr`, `p` [n_outcomes]: log likelihood ratio and probability of each outcome."""
    order = np.argsort(llr, kind="stable")
    knots = llr[order]
    total = np.concatenate([[0.0], np.cumsum(p[order])])

    def below(x: Floats) -> Floats:
        return total[np.searchsorted(knots, x, side="right")]

    edge = np.concatenate([[-np.inf], np.linspace(0.0, h, g)])
    to = edge[None, 1:]  # upper ends; row 0 moves from exactly 0
    moves = np.empty((g, g + 1))
    moves[0] = below(edge)
    low, high = edge[1:-1, None], edge[2:, None]
    middle = (low + high) / 2
    ends = np.concatenate([np.full((1, 1), -np.inf), to], axis=1)
    moves[1:] = (below(ends - low) + 4 * below(ends - middle) + below(ends - high)) / 6
    matrix = np.zeros((g + 1, g + 1))
    matrix[:g, :g] = np.diff(moves, axis=1)
    matrix[:g, g] = np.maximum(0.0, 1.0 - matrix[:g, :g].sum(axis=1))
    matrix[g, g] = 1.0
    return matrix


def lr_cusum_run_length(llr: Sequence[Floats], p: Sequence[Floats], h: float, *, g: int = 5) -> RunLengthLaw:
    """Run length of the CUSUM with threshold `h` from 0. `llr`, `p`: for each period the log likelihood
    ratio and the probability of every outcome; one period only stands for a process that never changes."""
    if g < 2:
        raise ValueError(f"g must be at least 2 states, found {g}")
    if h <= 0:
        raise ValueError(f"h must be above 0, found {h}")
    if not llr or len(llr) != len(p):
        raise ValueError(f"llr and p must have the same periods, found {len(llr)} and {len(p)}")
    cdf = np.empty(len(llr))
    reached = np.zeros(g + 1)
    reached[0] = 1.0
    last: tuple[Floats, Floats] | None = None
    for t, step in enumerate(zip(llr, p, strict=True)):
        if last is None or step[0] is not last[0] or step[1] is not last[1]:
            matrix = step_matrix(*step, h, g)
        last = step
        reached = reached @ matrix
        cdf[t] = reached[g]
    arl = math.nan
    if len(llr) == 1:
        try:
            arl = float(np.linalg.solve(np.eye(g) - matrix[:g, :g], np.ones(g))[0])
        except np.linalg.LinAlgError:
            arl = math.inf
    return RunLengthLaw(pmf=np.diff(cdf, prepend=0.0), cdf=cdf, arl=arl)


def count_cusum_run_length(
    mu: Floats,
    mu0: Floats,
    mu1: Floats,
    h: float,
    *,
    alpha: float = 0.0,
    outcomes: int = 100,
    g: int = 5,
) -> RunLengthLaw:
    """For counts that are Poisson (`alpha` 0) or negative binomial: the CUSUM tests `mu1` against `mu0`
    while the truth is `mu` (cases per period, [n_time] each). Counts above `outcomes` are left out."""
    y = np.arange(outcomes + 1, dtype=np.float64)
    made: dict[tuple[float, float, float], tuple[Floats, Floats]] = {}
    steps = []
    for true, null, other in zip(*np.broadcast_arrays(mu, mu0, mu1), strict=True):
        key = (float(true), float(null), float(other))
        if key not in made:
            llr = negative_binomial_llr(y, key[1], key[2], alpha)
            made[key] = (llr, negative_binomial_pmf(y, key[0], alpha))
        steps.append(made[key])
    return lr_cusum_run_length([s[0] for s in steps], [s[1] for s in steps], h, g=g)


def binomial_cusum_run_length(
    pi: Floats, pi0: Floats, pi1: Floats, n: Floats, h: float, *, g: int = 5
) -> RunLengthLaw:
    """For counts out of `n`: tests the probability `pi1` against `pi0` while the truth is `pi`."""
    made: dict[tuple[float, ...], tuple[Floats, Floats]] = {}
    steps = []
    for values in zip(*np.broadcast_arrays(pi, pi0, pi1, n), strict=True):
        key = tuple(float(v) for v in values)
        if key not in made:
            y = np.arange(int(key[3]) + 1, dtype=np.float64)
            llr = y * math.log(key[2] / key[1]) + (key[3] - y) * math.log((1 - key[2]) / (1 - key[1]))
            made[key] = (llr, np.asarray(binom.pmf(y, key[3], key[0]), dtype=np.float64))
        steps.append(made[key])
    return lr_cusum_run_length([s[0] for s in steps], [s[1] for s in steps], h, g=g)
