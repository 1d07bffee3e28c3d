"""Likelihood, score and observed information of an endemic-epidemic model.

Paul, Held, Toschke (2008), Stat Med 27:6250-6267, section 2; derivatives by the chain rule through the mean,
with the size of the negative binomial (one over its overdispersion) on the log scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.special import digamma, gammaln, polygamma, xlogy

from anlan.assess.models.epidemic_component import Bools, Component, Floats

Family: TypeAlias = Literal["Poisson", "NegBin1", "NegBinM"]

FAMILIES = ("Poisson", "NegBin1", "NegBinM")
_HUGE = 1e300  # stands for a likelihood of zero, so that an optimiser turns back
_TINY = 1e-100  # a mean below it is as good as none, and its square still a number
_FAR = 1e4  # from here on Stirling's series is exact to double precision


class Likelihood:
    """The likelihood over the observations in use, laid out as vectors of length n_used."""

    def __init__(
        self,
        counts: Floats,
        components: Sequence[Component],
        family: Family,
        subset: npt.NDArray[np.int64] | None,
        unit_names: Sequence[str] | None,
    ) -> None:
        if family not in FAMILIES:
            raise ValueError(f"family must be one of {FAMILIES}, found {family!r}")
        if counts.ndim != 2 or counts.shape[1] < 3:
            raise ValueError(f"counts must be [n_units, n_time] with 3 periods or more, found {counts.shape}")
        if not components or not all(component.terms for component in components):
            raise ValueError("each component needs a term, and a model a component")
        units = len(counts)
        at = np.arange(1, counts.shape[1]) if subset is None else np.asarray(subset)
        if at.size == 0 or at.min() < 0 or at.max() >= counts.shape[1]:
            raise ValueError(f"subset must lie within {counts.shape[1]} periods")
        labels = list(unit_names) if unit_names is not None else [str(i) for i in range(units)]
        self.shape = (units, at.size)
        y = counts[:, at]
        offsets = [component.offset[:, at] for component in components]
        self.used: Bools = np.isfinite(y)
        for offset in offsets:
            self.used &= np.isfinite(offset)
        self.y = y[self.used]
        if (self.y < 0).any():
            raise ValueError("counts must not be negative")
        if not self.used.any():
            raise ValueError("no period has its count and all that its mean needs: nothing to fit")
        self.offsets = [offset[self.used] for offset in offsets]
        names: list[str] = []
        rows: list[Floats] = []
        self.parts: list[slice] = []
        for component in components:
            first = len(rows)
            for term in component.terms:
                values = np.broadcast_to(term.values, counts.shape)[:, at]
                if term.units is None:
                    names.append(f"{component.name}.{term.name}")
                    rows.append(values[self.used])
                    continue
                for unit in np.flatnonzero(term.units):
                    own = np.zeros(self.shape)
                    own[unit] = values[unit]
                    names.append(f"{component.name}.{term.name}.{labels[unit]}")
                    rows.append(own[self.used])
            self.parts.append(slice(first, len(rows)))
        self.design = np.array(rows)
        self.n_size = {"Poisson": 0, "NegBin1": 1, "NegBinM": units}[family]
        group = np.zeros(units, dtype=np.int64) if self.n_size == 1 else np.arange(units)
        self.group = np.broadcast_to(group[:, None], self.shape)[self.used]
        own_names = [f"overdisp.{label}" for label in labels] if self.n_size > 1 else ["overdisp"]
        self.names = (*names, *own_names[: self.n_size])
        self.n_coefficients = len(rows)
        self.constant = float(gammaln(self.y + 1).sum())

    def start(self) -> Floats:
        return np.concatenate([np.zeros(self.n_coefficients), np.full(self.n_size, 2.0)])

    def means(self, theta: Floats) -> list[Floats]:
        """Each component's part of the mean, [n_used] each."""
        with np.errstate(over="ignore", invalid="ignore"):
            return [
                offset * np.exp(theta[part] @ self.design[part])
                for part, offset in zip(self.parts, self.offsets, strict=True)
            ]

    def mean(self, theta: Floats) -> Floats:
        total: Floats = np.sum(self.means(theta), axis=0)
        return total

    def loglik(self, theta: Floats) -> float:
        mu = self.mean(theta)
        if not (np.isfinite(mu).all() and (mu > 0).all()):
            return -_HUGE
        if not self.n_size:
            return float((xlogy(self.y, mu) - mu).sum() - self.constant)
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            size = np.exp(theta[self.n_coefficients :])[self.group]
            each = _log_rising(self.y, size) + xlogy(self.y, mu) - (self.y + size) * np.log1p(mu / size)
            value = float(each.sum() - self.constant)
        return value if np.isfinite(value) else -_HUGE

    def derivatives(self, theta: Floats) -> tuple[float, Floats, Floats]:
        """Log-likelihood, score [p], observed information [p, p]."""
        parts = self.means(theta)
        mu = np.maximum(np.sum(parts, axis=0), _TINY)
        y = self.y
        weighted = np.concatenate(
            [m * self.design[part] for m, part in zip(parts, self.parts, strict=True)]
        )  # d mu / d coefficient, [n_coefficients, n_used]
        if self.n_size:
            size = np.exp(theta[self.n_coefficients :])[self.group]
            ratio = (size + y) / (size + mu)
            first = y / mu - ratio
            second = -(y / mu) / mu + ratio / (size + mu)
        else:
            first = y / mu - 1.0
            second = -(y / mu) / mu
        hessian = np.zeros((theta.size, theta.size))
        n = self.n_coefficients
        hessian[:n, :n] = (weighted * second) @ weighted.T
        for part in self.parts:
            hessian[part, part] += (weighted[part] * first) @ self.design[part].T
        score = np.zeros(theta.size)
        score[:n] = weighted @ first
        if self.n_size:
            by_size, twice = _by_log_size(y, mu, size)
            crossed = weighted * (size * (ratio - 1.0) / (size + mu))
            membership = np.arange(self.n_size)[:, None] == self.group
            score[n:] = membership @ by_size
            hessian[range(n, theta.size), range(n, theta.size)] = membership @ twice
            hessian[:n, n:] = crossed @ membership.T
            hessian[n:, :n] = hessian[:n, n:].T
        return self.loglik(theta), score, -hessian


def _log_rising(y: Floats, size: Floats) -> Floats:
    """log Gamma(y + size) - log Gamma(size) - y log size, by Stirling's series where `size` is so great
    that the difference of two logarithms would lose its digits."""
    far = np.maximum(size, _FAR)
    series = (far + y - 0.5) * np.log1p(y / far) - y + (1 / (far + y) - 1 / far) / 12
    near = np.minimum(size, _FAR)
    exact = gammaln(y + near) - gammaln(near) - y * np.log(near)
    return np.where(size > _FAR, series, exact)


def _by_log_size(y: Floats, mu: Floats, size: Floats) -> tuple[Floats, Floats]:
    """First and second derivative of each log-likelihood by log size; like `_log_rising` in two parts."""
    far = np.maximum(size, _FAR)
    one, other = 1 / (far + y), 1 / far
    series = np.log1p(y / far) - (one - other) / 2 - (one**2 - other**2) / 12
    series_2 = (one**2 - other**2) / 2 + (one**3 - other**3) / 6
    near = np.minimum(size, _FAR)
    exact = digamma(y + near) - digamma(near)
    exact_2 = polygamma(1, y + near) - polygamma(1, near) - (1 / (near + y) - 1 / near)
    is_far = size > _FAR
    gap = (mu - y) / (size + mu)
    first = size * (np.where(is_far, series, exact) - np.log1p(mu / size) + gap)
    # 1/(size + y) - 1/(size + mu) - (mu - y)/(size + mu)^2 in one fraction
    second = size**2 * (np.where(is_far, series_2, exact_2) + gap**2 / (size + y)) + first
    return first, second
