"""Weights between units that are estimated with the model: a power of the order of neighbourhood, or a
weight for each order.

Meyer, Held (2014), "Power-law models for infectious disease spread", Ann Appl Stat 8:1612-1639, eq. 6
(power law) and section 2.3 (a weight per order). The order o_ji of two units is the least number of
borders between them, 0 for a unit and itself. Cases of unit j act on unit i with the weight

    power law         w_ji = o_ji^-d
    weight per order  w_ji = 1 for order 1, exp(theta_o) for the orders 2, 3, ...

each with first and second derivatives by its parameters, for an estimate by Newton's method.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Protocol

import numpy as np
import numpy.typing as npt

from anlan.assess.models.epidemic_component import Floats, lagged


@dataclass(frozen=True, slots=True)
class Derived:
    """A matrix that hangs on p parameters: `value` [n, m], `first` p of that shape, `second` p (p + 1) / 2 in
    the order (1, 1), (1, 2), ..., (1, p), (2, 2), ..."""

    value: Floats
    first: tuple[Floats, ...]
    second: tuple[Floats, ...]

    def normalised(self) -> Derived:
        """Rows that sum to 1; ValueError where one sums to 0."""
        total = self.value.sum(axis=1, keepdims=True)
        if (total == 0).any():
            unit = int(np.flatnonzero(total == 0)[0])
            raise ValueError(f"weights of unit {unit} sum to 0: they cannot be normalised")
        value = self.value / total
        sums = [d.sum(axis=1, keepdims=True) for d in self.first]
        first = [(d - value * s) / total for d, s in zip(self.first, sums, strict=True)]
        pairs = combinations_with_replacement(range(len(first)), 2)
        second = [
            (d - first[i] * sums[j] - first[j] * sums[i] - value * d.sum(axis=1, keepdims=True)) / total
            for d, (i, j) in zip(self.second, pairs, strict=True)
        ]
        return Derived(value, tuple(first), tuple(second))

    def times(self, factor: Floats) -> Derived:
        """Each entry times that of `factor`, which is broadcast to it."""
        return Derived(
            self.value * factor, tuple(d * factor for d in self.first), tuple(d * factor for d in self.second)
        )


class Weights(Protocol):
    """Weights [n_units, n_units] that hang on parameters: row = where the cases were."""

    @property
    def names(self) -> tuple[str, ...]: ...

    @property
    def initial(self) -> tuple[float, ...]: ...

    def at(self, parameters: Floats, orders: Floats) -> Derived:
        """The weights of units whose orders of neighbourhood are `orders` [n_units, n_units]."""
        ...


def _names(initial: Sequence[float], given: Sequence[str] | None) -> tuple[str, ...]:
    if given is not None:
        return tuple(given)
    return ("d",) if len(initial) == 1 else tuple(f"d{i}" for i in range(1, len(initial) + 1))


def _check_greatest(max_order: float, from_zero: bool) -> int:
    if int(max_order) != max_order or max_order < 2 - from_zero:
        raise ValueError(
            f"maxlag must be a whole number of at least {2 - int(from_zero)}, found {max_order:g}"
        )
    return int(max_order)


@dataclass(frozen=True, slots=True)
class PowerLaw:
    """`o^-d` up to the order `max_order`, 0 beyond. `from_zero`: `(o + 1)^-d`, so that a unit's own cases
    count among its neighbours'. `log`: the parameter is the logarithm of d. `normalize`: each unit shares its
    cases out, rows sum to 1."""

    max_order: int
    normalize: bool = True
    log: bool = False
    initial: tuple[float, ...] = (1.0,)
    from_zero: bool = False
    given_names: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        _check_greatest(self.max_order, self.from_zero)
        if len(self.initial) != 1:
            raise ValueError(f"a power law has one initial value, found {len(self.initial)}")

    @property
    def names(self) -> tuple[str, ...]:
        return _names(self.initial, self.given_names)

    def at(self, parameters: Floats, orders: Floats) -> Derived:
        steps = orders + self.from_zero
        within = (steps >= 1) & (steps <= self.max_order + self.from_zero)
        logs = np.log(np.where(within, steps, 1.0))
        d = float(np.exp(parameters[0])) if self.log else float(parameters[0])
        with np.errstate(over="ignore"):
            value = np.where(within, np.exp(-d * logs), 0.0)
        first, second = -value * logs, value * logs**2
        if self.log:
            first, second = first * d, second * d**2 + first * d
        raw = Derived(value, (first,), (second,))
        return raw.normalised() if self.normalize else raw


@dataclass(frozen=True, slots=True)
class WeightPerOrder:
    """1 for order 1 and a weight of its own, estimated on the log scale, for each order up to `max_order`;
    beyond it 0, or, not `truncate`, the last one. `from_zero`: 1 stands for a unit itself, and order 1 has a
    weight."""

    max_order: int
    truncate: bool = True
    normalize: bool = True
    initial: tuple[float, ...] = ()
    from_zero: bool = False
    given_names: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        n = _check_greatest(self.max_order, self.from_zero) - 1 + self.from_zero
        if not self.initial:
            object.__setattr__(self, "initial", tuple(-float(np.log(o)) for o in range(2, n + 2)))
        if len(self.initial) != n:
            raise ValueError(f"initial must have {n} values for this maxlag, found {len(self.initial)}")

    @property
    def names(self) -> tuple[str, ...]:
        return _names(self.initial, self.given_names)

    def at(self, parameters: Floats, orders: Floats) -> Derived:
        known = 0 if self.from_zero else 1  # the order whose weight is 1
        weights = np.exp(parameters)
        value = (orders == known).astype(np.float64)
        first = []
        for i, weight in enumerate(weights, known + 1):
            last = i == known + len(weights) and not self.truncate
            first.append(weight * ((orders >= i) if last else (orders == i)).astype(np.float64))
            value = value + first[-1]
        second = [
            first[i] if i == j else np.zeros(orders.shape)
            for i, j in combinations_with_replacement(range(len(first)), 2)
        ]
        raw = Derived(value, tuple(first), tuple(second))
        return raw.normalised() if self.normalize else raw


@dataclass(frozen=True, slots=True)
class WeightedNeighbours:
    """Sums of the other units' past cases with weights that are estimated: `offset` of a component. `counts`
    [n_units, n_time], `orders` [n_units, n_units]; `scale` and `normalize` as with fixed weights, after
    those of the law itself; `factor` [n_units, n_time] multiplies the sums."""

    weights: Weights
    counts: Floats
    orders: Floats
    lag: int = 1
    scale: Floats | None = None
    normalize: bool = False
    factor: Floats | None = None

    def __post_init__(self) -> None:
        n = len(self.counts)
        if self.orders.shape != (n, n) or not np.isfinite(self.orders).all():
            raise ValueError(f"orders of neighbourhood must be numbers {(n, n)}, found {self.orders.shape}")

    def at(self, parameters: Floats) -> Derived:
        """The sums [n_units, n_time] and their derivatives; NaN where the past is not known."""
        found = self.weights.at(parameters, self.orders)
        if self.scale is not None:
            scale = np.asarray(self.scale, dtype=np.float64)
            found = found.times(scale[:, None] if scale.ndim == 1 and scale.size > 1 else scale)
        if self.normalize:
            found = found.normalised()
        past = lagged(self.counts, self.lag)
        factor = np.ones(self.counts.shape) if self.factor is None else self.factor
        return Derived(
            factor * (found.value.T @ past),
            tuple(factor * (w.T @ past) for w in found.first),
            tuple(factor * (w.T @ past) for w in found.second),
        )


def neighbourhood_orders(adjacency: Floats, greatest: int) -> npt.NDArray[np.int64]:
    """The least number of borders between each two units, [n_units, n_units], from who borders on whom
    (1 = neighbours); 0 for a unit itself and for what lies more than `greatest` borders away."""
    near = adjacency == 1
    orders = np.zeros(near.shape, dtype=np.int64)
    reached = np.eye(len(near), dtype=np.bool_)
    for order in range(1, greatest + 1):
        new = ((reached.astype(np.int64) @ near.astype(np.int64)) > 0) & ~reached
        orders[new] = order
        reached |= new
    return orders
