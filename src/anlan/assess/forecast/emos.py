"""A raw ensemble is too sure of itself and off the place: non-homogeneous regression sets it right.

The observation, on the scale of the square root for rain, is a normal (or logistic) variable about a line
in the ensemble mean, with a spread that follows the ensemble's, and nothing below zero:

    z = sqrt(rain)     z* ~ D(a + b mean(sqrt(members)), exp(c + d log sd(sqrt(members))))     z = max(0, z*)

Gneiting, Raftery, Westveld, Goldman (2005), Mon Weather Rev 133:1098-1118; censored at zero after Messner,
Mayr, Wilks, Zeileis (2014), Mon Weather Rev 142:3003-3014. Fitted by maximum likelihood on past pairs of
forecast and observation only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, log_ndtr, ndtr, ndtri

Floats = NDArray[np.float64]
Law: TypeAlias = Literal["normal", "logistic"]

FEWEST = 30
#: floor under the spread of an ensemble whose members are all alike
_LEAST_SPREAD = 1e-3


@dataclass(frozen=True, slots=True)
class Emos:
    """The fitted regression: `a`, `b` of the location, `c`, `d` of the log spread, on the square-root
    scale where `root`, else as measured; censored at zero where `root`. `pairs` it was fitted to."""

    a: float
    b: float
    c: float
    d: float
    law: Law
    root: bool
    pairs: int

    def exceedance(self, members: Floats, threshold: float) -> Floats:
        """[n]: probability of more than `threshold`; 1 below zero where there is nothing below zero."""
        if self.root and threshold < 0:
            return np.ones(len(members))
        location, spread = self._shape(members)
        z = ((np.sqrt(threshold) if self.root else threshold) - location) / spread
        return np.asarray(ndtr(-z) if self.law == "normal" else expit(-z))

    def quantiles(self, members: Floats, levels: Floats) -> Floats:
        """[n, n_levels] in the unit of the observation."""
        location, spread = self._shape(members)
        step = ndtri(levels) if self.law == "normal" else np.log(levels) - np.log1p(-levels)
        z = location[:, np.newaxis] + spread[:, np.newaxis] * step
        return np.asarray(np.maximum(z, 0.0) ** 2 if self.root else z)

    def _shape(self, members: Floats) -> tuple[Floats, Floats]:
        mean, log_spread = _predictors(members, self.root)
        return self.a + self.b * mean, np.exp(self.c + self.d * log_spread)


def fit_emos(observed: Floats, members: Floats, *, law: Law = "normal", root: bool = True) -> Emos:
    """The regression on `observed` [n] and `members` [n, n_members]; pairs with anything missing are left
    out. ValueError for fewer than 30 pairs, negative values where `root`, or two members too few."""
    if members.ndim != 2 or members.shape[0] != len(observed) or members.shape[1] < 2:
        raise ValueError(f"members must be [{len(observed)}, 2 or more], found {members.shape}")
    if law not in ("normal", "logistic"):
        raise ValueError(f"law must be normal or logistic, found {law!r}")
    whole = ~np.isnan(observed) & ~np.isnan(members).any(axis=1)
    y, x = observed[whole], members[whole]
    if len(y) < FEWEST:
        raise ValueError(f"at least {FEWEST} whole pairs are needed, found {len(y)}")
    if root and ((y < 0).any() or (x < 0).any()):
        raise ValueError("amounts must not be negative on the square-root scale")
    z = np.sqrt(y) if root else y
    mean, log_spread = _predictors(x, root)
    zero = z <= 0 if root else np.zeros(len(z), dtype=bool)

    def loss(w: Floats) -> float:
        spread = np.exp(np.clip(w[2] + w[3] * log_spread, -12, 12))
        u = (z - w[0] - w[1] * mean) / spread
        return -float(np.where(zero, _log_below(u, law), _log_density(u, law) - np.log(spread)).mean())

    start = np.array([0.0, 1.0, np.log(max(float(z.std()), _LEAST_SPREAD)), 0.0])
    found = minimize(loss, start, method="BFGS")
    a, b, c, d = (float(v) for v in found.x)
    return Emos(a, b, c, d, law, root, len(y))


def _predictors(members: Floats, root: bool) -> tuple[Floats, Floats]:
    x = np.sqrt(members) if root else members
    return x.mean(axis=1), np.log(np.maximum(x.std(axis=1, ddof=1), _LEAST_SPREAD))


def _log_below(u: Floats, law: Law) -> Floats:
    return np.asarray(log_ndtr(u) if law == "normal" else -np.logaddexp(0.0, -u))


def _log_density(u: Floats, law: Law) -> Floats:
    if law == "normal":
        return np.asarray(-0.5 * u * u - 0.5 * np.log(2 * np.pi))
    return np.asarray(-u - 2 * np.logaddexp(0.0, -u))
