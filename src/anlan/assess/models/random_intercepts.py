"""Random intercepts of an endemic-epidemic model: their variances and correlations.

Paul, Held (2011), "Predictive assessment of a non-linear random effects model for multivariate time series
of infectious disease counts", Stat Med 30:1118-1136, section 3: the coefficients are those of the likelihood
penalised by the law of the random effects, and the variances maximise a Laplace approximation of the marginal
likelihood at these coefficients, in turn until neither moves.

With b the random effects, Sigma their covariance and F the information of the coefficients without penalty,

    penalised  l(theta) - b' Sigma^-1 b / 2
    marginal   -log |Sigma| / 2 - b' Sigma^-1 b / 2 - log |F + Sigma^-1| / 2     (up to a constant)

Sigma is diag(s) R diag(s) for each unit, R = L L' with the rows of L from unconstrained correlation
parameters r (Pinheiro, Bates 1996), s on the log scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from anlan.assess.models.epidemic_component import Floats

BOUND = 5.0  # variance parameters are sought within +-5, as the package does
_START = -0.5


@dataclass(frozen=True, slots=True)
class RandomLaw:
    """Independent groups of random effects of `sizes`, or, `correlated`, groups of one size whose effects of
    the same unit hang together. Parameters: a log standard deviation per group, then the correlations."""

    sizes: tuple[int, ...]
    correlated: bool = False

    def __post_init__(self) -> None:
        if self.correlated and len(set(self.sizes)) > 1:
            raise ValueError("correlated random effects must be of one kind (iid or car)")
        if len(self.sizes) > 3:
            raise ValueError(f"a model has at most 3 random intercepts, found {len(self.sizes)}")

    @property
    def n_correlations(self) -> int:
        n = len(self.sizes)
        return n * (n - 1) // 2 if self.correlated else 0

    def start(self, initial: Sequence[float] = ()) -> Floats:
        given = list(initial) or [_START] * len(self.sizes)
        return np.array([*given, *[0.0] * self.n_correlations])

    def covariance(self, parameters: Floats) -> Floats:
        """Of one unit's effects, [n_groups, n_groups]."""
        precision = self._precision_of_one(parameters)
        return np.asarray(np.linalg.inv(precision), dtype=np.float64)

    def precision(self, parameters: Floats) -> Floats:
        """Sigma^-1 of all effects, group by group, [n_effects, n_effects]."""
        found: Floats = self._precision(parameters)
        return found

    def _precision(self, parameters: npt.NDArray[Any]) -> npt.NDArray[Any]:
        one = self._precision_of_one(parameters)
        if len(set(self.sizes)) == 1:
            return np.kron(one, np.eye(self.sizes[0]))
        return np.diag(np.repeat(np.diag(one), self.sizes))

    def _precision_of_one(self, parameters: npt.NDArray[Any]) -> npt.NDArray[Any]:
        n = len(self.sizes)
        inverse = np.diag(np.exp(-parameters[:n]))
        lower = np.eye(n, dtype=parameters.dtype)  # the inverse of L
        if self.n_correlations:
            r = parameters[n:]
            root = np.sqrt(1 + r**2)
            lower[1, :2] = -r[0], root[0]
            if n == 3:
                lower[2] = r[0] * r[2] - r[1] * root[2], -root[0] * r[2], root[1] * root[2]
        found: npt.NDArray[Any] = inverse @ lower.T @ lower @ inverse
        return found

    def marginal(self, parameters: Floats, effects: Floats, information: Floats) -> float:
        """The marginal log-likelihood but for what no variance changes. `information` is that of all
        coefficients without penalty, those of `effects` last."""
        precision = self.precision(parameters)
        n = len(self.sizes)
        value = -float(np.dot(self.sizes, parameters[:n]))
        if self.n_correlations:
            value += 0.5 * self.sizes[0] * float(np.log1p(parameters[n:] ** 2).sum())
        penalised = information.copy()
        penalised[-len(effects) :, -len(effects) :] += precision
        _, log_determinant = np.linalg.slogdet(penalised)
        return value - 0.5 * float(effects @ precision @ effects) - 0.5 * float(log_determinant)

    def marginal_score(self, parameters: Floats, effects: Floats, information: Floats) -> Floats:
        """Derivative of `marginal` by each parameter; that of the precision by a complex step, which is exact
        to rounding (Squire, Trapp 1998, SIAM Rev 40:110-112)."""
        n, k = len(self.sizes), len(effects)
        penalised = information.copy()
        penalised[-k:, -k:] += self.precision(parameters)
        try:
            inverse = np.linalg.inv(penalised)[-k:, -k:]
        except np.linalg.LinAlgError:  # a coefficient without information, as the package has it
            inverse = np.linalg.pinv(penalised, hermitian=True)[-k:, -k:]
        r = parameters[n:]
        by_determinant = [*(-float(size) for size in self.sizes), *(self.sizes[0] * r / (1 + r**2))]
        score = np.empty(parameters.size)
        for i in range(parameters.size):
            moved = parameters.astype(np.complex128)
            moved[i] += 1e-30j
            change = self._precision(moved).imag / 1e-30
            score[i] = by_determinant[i] - 0.5 * effects @ change @ effects - 0.5 * (inverse * change).sum()
        return score

    def best(self, start: Floats, effects: Floats, information: Floats) -> Floats:
        """The parameters that maximise `marginal`, within +-BOUND."""
        found = minimize(
            lambda x: -self.marginal(x, effects, information),
            start,
            jac=lambda x: -self.marginal_score(x, effects, information),
            method="L-BFGS-B",
            bounds=[(-BOUND, BOUND)] * start.size,
        )
        best: Floats = np.asarray(found.x, dtype=np.float64)
        score = self.marginal_score(best, effects, information)
        for _ in range(10):
            free = np.abs(best) < BOUND
            if not free.any() or np.abs(score[free]).max() < 1e-12:
                break
            hessian = np.array(
                [
                    (
                        self.marginal_score(best + 1e-5 * unit, effects, information)
                        - self.marginal_score(best - 1e-5 * unit, effects, information)
                    )
                    / 2e-5
                    for unit in np.eye(best.size)
                ]
            )[np.ix_(free, free)]
            try:
                step = np.linalg.solve(-hessian, score[free])
            except np.linalg.LinAlgError:
                break
            tried = best.copy()
            tried[free] += step
            if np.abs(tried).max() > BOUND:
                break
            new = self.marginal_score(tried, effects, information)
            if np.abs(new[free]).max() >= np.abs(score[free]).max():
                break
            best, score = tried, new
        return best


def conditional_autoregression(adjacency: Floats) -> Floats:
    """Design [n_units, n_units - 1] of an intrinsic autoregression (Besag, York, Mollié 1991): independent
    effects times it have the structure matrix of `adjacency` (1 = neighbours) as precision."""
    near = (adjacency == 1).astype(np.float64)
    structure = np.diag(near.sum(axis=0)) - near
    if np.linalg.matrix_rank(structure) != len(near) - 1:
        raise ValueError("ri(car) needs one connected map: the neighbourhood has islands")
    u, d, _ = np.linalg.svd(structure)
    root = u[:, :-1] * np.sqrt(d[:-1])
    return np.asarray(root @ np.linalg.inv(root.T @ root), dtype=np.float64)
