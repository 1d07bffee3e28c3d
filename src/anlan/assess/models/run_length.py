"""Average run length of a CUSUM of counts, exactly, by the chain of its possible values.

Brook, Evans (1972), "An approach to the probability distribution of CUSUM run length", Biometrika
59:539-549; for count data Lucas (1985), "Counted data CUSUM's", Technometrics 27:129-144; Hawkins (1992),
"Evaluation of average run lengths of cumulative sum charts for an arbitrary data distribution".

With S_0 = 0 (or h/2: fast initial response), S_t = max(0, S_t-1 + x_t - k), signal when S_t >= h. Where h
and k are multiples of 1/d, S takes only the values 0, 1/d, 2/d ... below h: a finite Markov chain, and
the run lengths from each value solve (I - R) a = 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.special import bdtr, pdtr

Floats: TypeAlias = npt.NDArray[np.float64]
CountLaw: TypeAlias = Literal["poisson", "binomial"]

LAWS = ("poisson", "binomial")
#: R's distribution functions look up floor(x + 1e-7), so that 2.9999999999 counts as 3
_FUZZ = 1e-7


@dataclass(frozen=True, slots=True)
class RunLength:
    """Average number of periods to a signal from S = 0, and from S = h/2 (`fast_initial_response`)."""

    arl: float
    fast_initial_response: float


def common_denominator(x: float, y: float, digits: int = 1) -> int:
    """Smallest d up to 10**digits such that x, y and x + y, rounded to `digits`, are multiples of 1/d;
    1 where there is none."""
    x, y = round(x, digits), round(y, digits)
    for d in range(1, 10**digits + 1):
        if all(round(value * d, digits) % 1 == 0 for value in (x + y, x, y)):
            return d
    return 1


def count_cdf(x: Floats, theta: float, law: CountLaw, n: float = 1) -> Floats:
    """P(X <= x) for X ~ Poisson(theta) or Binomial(n, theta)."""
    whole = np.floor(np.asarray(x, dtype=np.float64) + _FUZZ)
    inside = np.maximum(whole, 0.0)
    if law == "poisson":
        below = pdtr(inside, theta)
    else:
        below = np.where(inside >= n, 1.0, bdtr(np.minimum(inside, n), int(n), theta))
    return np.where(whole < 0, 0.0, below)


def arl_cusum(
    h: float,
    k: float,
    theta: float,
    *,
    law: CountLaw = "poisson",
    n: float = 1,
    digits: int = 1,
    winsorise: float | None = None,
) -> RunLength:
    """Run lengths of the CUSUM with reference value `k` and decision interval `h` (both in cases, rounded
    to `digits`) when counts follow `law` with parameter `theta` (mean, or probability out of `n`). Counts
    above `winsorise` count as that many. NaN where the chain ends too rarely to tell."""
    if law not in LAWS:
        raise ValueError(f"distribution must be one of {LAWS}, found {law!r}")
    h, k = round(h, digits), round(k, digits)
    if h <= 0:
        raise ValueError(f"nonpositive decision interval: h must be above 0, found {h}")
    cap = math.ceil(h + k + 1) if winsorise is None else winsorise
    if cap <= k:
        raise ValueError(f"Winsorization value less than reference value: must be above {k}, found {cap}")
    d = common_denominator(h, k, digits)
    shift, top, limit = int(k * d + 0.5), int(h * d - 0.5), int(cap * d + 0.5)
    if abs(shift - k * d) + abs(top - h * d + 1) + abs(limit - cap * d) > 0.01:
        raise ValueError(f"h, k or W not a multiple of 1/{d}: found h = {h}, k = {k}, W = {cap}")
    x = np.asarray((shift - top - 1) / d + np.arange(2 * top + 2) * (1 / d), dtype=np.float64)
    below = count_cdf(x, theta, law, n)
    below[x >= cap] = 1.0
    state = np.arange(top + 1)
    to = top + 1 + state[None, :] - state[:, None]  # index of k + (target - source) within x
    chain = below[to] - below[to - 1]
    chain[:, 0] = below[top + 1 - state]
    system = np.eye(top + 1) - chain
    # beyond this condition the run length is longer than the arithmetic can tell
    if not np.linalg.cond(system, 1) < 1 / np.finfo(np.float64).eps:
        return RunLength(math.nan, math.nan)
    lengths = np.linalg.solve(system, np.ones(top + 1))
    return RunLength(float(lengths[0]), float(lengths[(top + 1) // 2]))
