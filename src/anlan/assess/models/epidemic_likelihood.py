"""Likelihood, score and observed information of an endemic-epidemic model.

Paul, Held, Toschke (2008), Stat Med 27:6250-6267, section 2; derivatives by the chain rule through the mean,
with the size of the negative binomial (one over its overdispersion) on the log scale. Random effects are
coefficients like others; their `precision` makes the penalised likelihood of Paul, Held (2011), Stat Med
30:1118-1136, eq. 5 (without the constant of the normal law).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations_with_replacement
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array, vstack
from scipy.special import digamma, gammaln, polygamma, xlogy

from anlan.assess.models.epidemic_component import (
    Bools,
    Component,
    EstimatedOffset,
    Floats,
    OffsetDerivatives,
)

Family: TypeAlias = Literal["Poisson", "NegBin1", "NegBinM"]

FAMILIES = ("Poisson", "NegBin1", "NegBinM")
_HUGE = 1e300  # stands for a likelihood of zero, so that an optimiser turns back
_TINY = 1e-100  # a mean below it is as good as none, and its square still a number
_MANY, _FULL = 40, 0.25  # zeros are left out of more covariates than this, fewer of them than this not 0
_FAR = 1e4  # from here on Stirling's series is exact to double precision


class Likelihood:
    """The likelihood over the observations in use, laid out as vectors of length n_used.

    `theta` has the coefficients (`n_coefficients`), the parameters of an estimated offset (`n_offset`), the
    sizes (`n_size`) and the random effects (`n_random`), in this order.
    """

    def __init__(
        self,
        counts: Floats,
        components: Sequence[Component],
        family: Family | Sequence[str],
        subset: npt.NDArray[np.int64] | None,
        unit_names: Sequence[str] | None,
        *,
        sparse: bool | None = None,
    ) -> None:
        """`sparse`: whether covariates of single units are kept without their zeros; by default where there
        are many. It changes no number but for rounding."""
        if isinstance(family, str) and family not in FAMILIES:
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
        self._at = at
        y = counts[:, at]
        self._estimated: EstimatedOffset | None = None
        self._estimated_part = -1
        offset_names: list[str] = []
        self._offset_start: list[float] = []
        offsets = []
        for i, component in enumerate(components):
            if isinstance(component.offset, np.ndarray):
                offsets.append(component.offset[:, at])
                continue
            if self._estimated is not None:
                raise ValueError("only one offset of a model can be estimated")
            self._estimated, self._estimated_part = component.offset, i
            weights = component.offset.weights
            offset_names = [f"{component.name}weights.{name}" for name in weights.names]
            self._offset_start = list(weights.initial)
            offsets.append(component.offset.at(np.array(self._offset_start)).value[:, at])
        self.used: Bools = np.isfinite(y)
        for offset in offsets:
            self.used &= np.isfinite(offset)
        self.y = y[self.used]
        if (self.y < 0).any():
            raise ValueError("counts must not be negative")
        if not self.used.any():
            raise ValueError("no period has its count and all that its mean needs: nothing to fit")
        self._offsets = [offset[self.used] for offset in offsets]
        names: list[str] = []
        rows: list[Floats] = []
        effect_names: list[str] = []
        effect_rows: list[Floats] = []
        #: how many random effects each random intercept has
        self.effects: tuple[int, ...] = ()
        parts: list[tuple[range, range]] = []
        for component in components:
            first, first_effect = len(rows), len(effect_rows)
            for term in component.terms:
                values = np.broadcast_to(term.values, counts.shape)[:, at]
                if term.units is None:
                    names.append(f"{component.name}.{term.name}")
                    rows.append(values[self.used])
                    if term.effects is not None:
                        n_effects = term.effects.shape[1]
                        own = labels if term.name == "ri(iid)" else [str(j + 1) for j in range(n_effects)]
                        effect_names += [f"{component.name}.{term.name}.{name}" for name in own]
                        effect_rows += [(values * z[:, None])[self.used] for z in term.effects.T]
                        self.effects = (*self.effects, n_effects)
                    continue
                for unit in np.flatnonzero(term.units):
                    single = np.zeros(self.shape)
                    single[unit] = values[unit]
                    names.append(f"{component.name}.{term.name}.{labels[unit]}")
                    rows.append(single[self.used])
            parts.append((range(first, len(rows)), range(first_effect, len(effect_rows))))
        self.n_coefficients = n = len(rows)
        self.n_offset, self.n_random = len(offset_names), len(effect_rows)
        #: rows of the design that belong to each component
        self.parts = [np.array([*fixed, *(n + e for e in random)], dtype=np.int64) for fixed, random in parts]
        dense = np.array(rows + effect_rows)
        #: the largest covariate of each row of the design, in absolute value
        self.largest: Floats = np.abs(dense).max(axis=1)
        few = len(dense) > _MANY and np.count_nonzero(dense) < _FULL * dense.size
        design = csr_array(dense) if (few and sparse is None) or sparse else dense
        self._designs = [design[part] for part in self.parts]
        groups, group_names = _groups(family, units, labels)
        self.n_size = len(group_names)
        self.group = np.broadcast_to(groups[:, None], self.shape)[self.used]
        self.names = (*names, *offset_names, *group_names, *effect_names)
        self.n_theta = len(self.names)
        #: where in `theta` each row of the design has its coefficient
        self.place = np.array([*range(n), *range(self.n_theta - self.n_random, self.n_theta)], dtype=np.int64)
        self._offset_place = np.arange(n, n + self.n_offset)
        self._sizes = slice(n + self.n_offset, n + self.n_offset + self.n_size)
        self.precision: Floats = np.zeros((self.n_random, self.n_random))
        self.constant = float(gammaln(self.y + 1).sum())

    def start(self) -> Floats:
        return np.concatenate(
            [
                np.zeros(self.n_coefficients),
                self._offset_start,
                np.full(self.n_size, 2.0),
                np.zeros(self.n_random),
            ]
        )

    def effects_of(self, theta: Floats) -> Floats:
        return theta[self.n_theta - self.n_random :]

    def sizes_of(self, theta: Floats) -> Floats:
        """Logarithms of the sizes."""
        return theta[self._sizes]

    def means(self, theta: Floats) -> list[Floats]:
        """Each component's part of the mean, [n_used] each."""
        return self._means(theta, self._offset_at(theta))

    def _offset_at(self, theta: Floats) -> OffsetDerivatives | None:
        return None if self._estimated is None else self._estimated.at(theta[self._offset_place])

    def _means(self, theta: Floats, estimated: OffsetDerivatives | None) -> list[Floats]:
        found = []
        with np.errstate(over="ignore", invalid="ignore"):
            for i, fixed in enumerate(self._offsets):
                offset = fixed
                if estimated is not None and i == self._estimated_part:
                    offset = self._cut(estimated.value)
                found.append(offset * self._factor(theta, i))
        return found

    def _factor(self, theta: Floats, part: int) -> Floats:
        """What a component's predictor multiplies its offset by."""
        found: Floats = np.exp(theta[self.place[self.parts[part]]] @ self._designs[part])
        return found

    def _cut(self, values: Floats) -> Floats:
        return values[:, self._at][self.used]

    def mean(self, theta: Floats) -> Floats:
        total: Floats = np.sum(self.means(theta), axis=0)
        return total

    def penalty(self, theta: Floats) -> float:
        """What random effects cost: half their squared length in units of their law."""
        effects = self.effects_of(theta)
        return 0.5 * float(effects @ self.precision @ effects)

    def loglik(self, theta: Floats) -> float:
        """The log-likelihood, penalised where there are random effects."""
        mu = self.mean(theta)
        if not (np.isfinite(mu).all() and (mu > 0).all()):
            return -_HUGE
        if not self.n_size:
            return float((xlogy(self.y, mu) - mu).sum() - self.constant) - self.penalty(theta)
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            size = np.exp(self.sizes_of(theta))[self.group]
            each = _log_rising(self.y, size) + xlogy(self.y, mu) - (self.y + size) * np.log1p(mu / size)
            value = float(each.sum() - self.constant) - self.penalty(theta)
        return value if np.isfinite(value) else -_HUGE

    def derivatives(self, theta: Floats) -> tuple[float, Floats, Floats]:
        """Log-likelihood, score [p], observed information [p, p], penalised where there are random
        effects."""
        estimated = self._offset_at(theta)
        parts = self._means(theta, estimated)
        mu = np.maximum(np.sum(parts, axis=0), _TINY)
        y = self.y
        if self.n_size:
            size = np.exp(self.sizes_of(theta))[self.group]
            ratio = (size + y) / (size + mu)
            first = y / mu - ratio
            second = -(y / mu) / mu + ratio / (size + mu)
        else:
            first = y / mu - 1.0
            second = -(y / mu) / mu
        hessian = np.zeros((theta.size, theta.size))
        score = np.zeros(theta.size)
        # d mu / d parameter, part by part
        by_mean = [_scaled(d, mean) for d, mean in zip(self._designs, parts, strict=True)]
        places = [self.place[part] for part in self.parts]
        # the sum of first times the second derivative of mu
        for d, own, weighted in zip(self._designs, places, by_mean, strict=True):
            hessian[np.ix_(own, own)] = _plain(_scaled(weighted, first) @ d.T)
        if estimated is not None:
            d, own = self._designs[self._estimated_part], places[self._estimated_part]
            with np.errstate(over="ignore", invalid="ignore"):
                factor = self._factor(theta, self._estimated_part)
            by_offset = np.array([factor * self._cut(change) for change in estimated.first])
            here = self._offset_place
            hessian[np.ix_(own, here)] = d @ (by_offset * first).T
            hessian[np.ix_(here, own)] = hessian[np.ix_(own, here)].T
            pairs = combinations_with_replacement(here, 2)
            for (i, j), change in zip(pairs, estimated.second, strict=True):
                hessian[i, j] = hessian[j, i] = float((first * factor * self._cut(change)).sum())
            by_mean, places = [*by_mean, by_offset], [*places, here]
        place = np.concatenate(places)
        stacked = _stacked(by_mean)
        hessian[np.ix_(place, place)] += _plain(_scaled(stacked, second) @ stacked.T)
        score[place] = stacked @ first
        if self.n_size:
            by_size, twice = _by_log_size(y, mu, size)
            crossed = _scaled(stacked, size * (ratio - 1.0) / (size + mu))
            membership = np.arange(self.n_size)[:, None] == self.group
            sizes = np.arange(theta.size)[self._sizes]
            score[sizes] = membership @ by_size
            hessian[sizes, sizes] = membership @ twice
            hessian[np.ix_(place, sizes)] = crossed @ membership.T
            hessian[np.ix_(sizes, place)] = hessian[np.ix_(place, sizes)].T
        if self.n_random:
            random = slice(self.n_theta - self.n_random, None)
            score[random] -= self.precision @ self.effects_of(theta)
            hessian[random, random] -= self.precision
        return self.loglik(theta), score, -hessian


def _scaled(matrix: Any, columns: Floats) -> Any:
    """Each column times its number."""
    return matrix * columns if isinstance(matrix, np.ndarray) else matrix.multiply(columns).tocsr()


def _stacked(matrices: Sequence[Any]) -> Any:
    if all(isinstance(matrix, np.ndarray) for matrix in matrices):
        return np.concatenate(matrices)
    return vstack([csr_array(matrix) for matrix in matrices], format="csr")


def _plain(matrix: Any) -> Floats:
    found: Floats = matrix if isinstance(matrix, np.ndarray) else matrix.toarray()
    return found


def _groups(
    family: Family | Sequence[str], units: int, labels: Sequence[str]
) -> tuple[npt.NDArray[np.int64], list[str]]:
    """The group of each unit and the names of the groups' overdispersions."""
    if family == "Poisson":
        return np.zeros(units, dtype=np.int64), []
    if family == "NegBin1" or (family == "NegBinM" and units == 1):
        return np.zeros(units, dtype=np.int64), ["overdisp"]
    if family == "NegBinM":
        return np.arange(units), [f"overdisp.{label}" for label in labels]
    if len(family) != units:
        raise ValueError(f"family must name a group for each of {units} units, found {len(family)}")
    levels = sorted(set(family))
    names = [f"overdisp.{level}" for level in levels] if len(levels) > 1 else ["overdisp"]
    return np.array([levels.index(name) for name in family]), names


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
