"""CUSUM of two paired binary series, the second one conditional on the first, and its run length.

Steiner, Cook, Farewell (1999), "Monitoring paired binary surgical outcomes using cumulative sum charts",
Stat Med 18:69-86. logit P(x1 = 1) = a, logit P(x2 = 1 | x1) = b + c x1, parameters theta = (a, b, c);
alarm when S1 > h1, or S2 > h2, or both are above their secondary limits h11 and h22; then both restart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Bytes: TypeAlias = npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class PairedCusum:
    """`statistic` [2, n_time]; `alarm` [2, n_time] 1, 0 or -1 (unknown: one of the pair is missing)."""

    statistic: Floats
    alarm: Bytes


def log_ratios(x: Floats, theta0: Floats, theta1: Floats) -> Floats:
    """Log likelihood ratios [2, n_time] of the pairs `x` [2, n_time]: of the first, and of the second given
    the first."""
    a0, b0, c0 = theta0
    a1, b1, c1 = theta1
    first = (a1 - a0) * x[0] + np.log1p(np.exp(a0)) - np.log1p(np.exp(a1))
    null, other = b0 + c0 * x[0], b1 + c1 * x[0]
    # the peer multiplies x2 by b1 - b0 alone: with c0 = c1 (its use) that is the same
    second = (other - null) * x[1] + np.log1p(np.exp(null)) - np.log1p(np.exp(other))
    return np.stack([first, second])


def paired_binary_cusum(
    x: Floats,
    theta0: Floats,
    theta1: Floats,
    *,
    h1: float,
    h2: float,
    h11: float,
    h22: float,
    compat: Literal["mended", "surveillance"] = "mended",
) -> PairedCusum:
    """Run the paired CUSUM over `x` [2, n_time] of 0 and 1. `compat="surveillance"` repeats two slips of
    the peer: it multiplies x2 by b1 - b0 also where c differs, and shows no alarm in the last period."""
    if x.ndim != 2 or len(x) != 2:
        raise ValueError(f"x must be two series [2, n_time], found {x.shape}")
    if np.shape(theta0) != (3,) or np.shape(theta1) != (3,):
        raise ValueError("theta0 and theta1 must have 3 values: intercept, intercept and slope")
    if ((x != 0) & (x != 1) & ~np.isnan(x)).any():
        raise ValueError("paired series must hold 0, 1 or missing")
    llr = log_ratios(x, theta0, theta1)
    if compat == "surveillance":
        llr[1] -= (theta1[2] - theta0[2]) * x[0] * x[1]
    n_time = x.shape[1]
    statistic = np.full((2, n_time), np.nan)
    alarm = np.full((2, n_time), -1, dtype=np.int8)
    value = np.zeros(2)
    for t in range(n_time):
        if np.isnan(llr[:, t]).any():
            continue
        value = np.maximum(0.0, value + llr[:, t])
        statistic[:, t] = value
        above = value > (h1, h2)
        if value[0] > h11 and value[1] > h22:
            above = np.array([True, True])
        alarm[:, t] = above
        if above.any():
            value = np.zeros(2)
    if compat == "surveillance" and n_time:
        alarm[:, -1] = 0
    return PairedCusum(statistic, alarm)


def paired_cusum_arl(p: Floats, w1: Ints, w2: Ints, *, h1: int, h2: int, h11: int, h22: int) -> float:
    """Average run length, in pairs, of the chart with whole-number weights and limits. `p` [4]:
    probabilities of the pairs in the order (x1, x2) = (0, 0), (1, 0), (0, 1), (1, 1) as their weights `w1`
    [4] add to S1; `w2` [2] is what S2 gains by the second index. Signal when S1 >= h1, S2 >= h2, or both
    reach h11 and h22."""
    if len(p) != 4 or len(w1) != 4 or len(w2) != 2:
        raise ValueError(f"p and w1 must have 4 values and w2 two, found {len(p)}, {len(w1)}, {len(w2)}")
    state = {
        pair: i
        for i, pair in enumerate(
            (s1, s2) for s2 in range(h2) for s1 in range(h1) if not (s1 >= h11 and s2 >= h22)
        )
    }
    chain = np.zeros((len(state), len(state)))
    for (s1, s2), i in state.items():
        for k in range(2):
            for j in range(2):
                to = (max(0, s1 + int(w1[j + 2 * k])), max(0, s2 + int(w2[k])))
                if to in state:
                    chain[i, state[to]] += p[2 * k + j]
    lengths = np.linalg.solve(np.eye(len(state)) - chain, np.ones(len(state)))
    return float(lengths[state[0, 0]])
