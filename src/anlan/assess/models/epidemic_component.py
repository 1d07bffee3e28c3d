"""The parts of an endemic-epidemic model: covariates, and what a log-linear predictor multiplies.

Notation of Meyer, Held, Höhle (2017), J Stat Softw 77(11), eq. 8-10: `ar` multiplies a unit's own past, `ne`
its neighbours', `end` an offset such as population.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Bools: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Term:
    """One covariate: `values` [n_units, n_time]. `units` [n_units], where given, says which units have a
    coefficient of their own; otherwise all share one. `effects` [n_units, n_effects], where given, are the
    units' parts in random effects that are added to the one shared coefficient."""

    name: str
    values: Floats
    units: Bools | None = None
    effects: Floats | None = None


class OffsetDerivatives(Protocol):
    """An offset [n_units, n_time] and its derivatives by p parameters: `first` p of them, `second` in the
    order (1, 1), (1, 2), ..., (1, p), (2, 2), ..."""

    @property
    def value(self) -> Floats: ...

    @property
    def first(self) -> tuple[Floats, ...]: ...

    @property
    def second(self) -> tuple[Floats, ...]: ...


class OffsetParameters(Protocol):
    """Names and first values of the parameters of an offset."""

    @property
    def names(self) -> tuple[str, ...]: ...

    @property
    def initial(self) -> tuple[float, ...]: ...


class EstimatedOffset(Protocol):
    """What a predictor multiplies where that is estimated as well."""

    @property
    def weights(self) -> OffsetParameters: ...

    def at(self, parameters: Floats) -> OffsetDerivatives: ...


@dataclass(frozen=True, slots=True)
class Component:
    """A log-linear predictor and what it multiplies: `offset` [n_units, n_time] (NaN = not known), or an
    offset with parameters of its own."""

    name: Literal["ar", "ne", "end"]
    terms: tuple[Term, ...]
    offset: Floats | EstimatedOffset


def intercept(n_units: int, n_time: int, *, units: Bools | None = None) -> Term:
    """The constant 1; with `units` one intercept for each of those units."""
    return Term("1", np.ones((n_units, n_time)), units)


def season(n_units: int, n_time: int, *, harmonics: int = 1, period: float = 52.0) -> tuple[Term, ...]:
    """Sine and cosine pairs of a yearly wave, time counted from 0 at the first period."""
    time = np.arange(n_time)
    terms = []
    for h in range(1, harmonics + 1):
        for name, wave in (("sin", np.sin), ("cos", np.cos)):
            values = np.broadcast_to(wave(2 * h * np.pi * time / period), (n_units, n_time))
            terms.append(Term(f"{name}({2 * h} * pi * t/{period:g})", values))
    return tuple(terms)


def lagged(counts: Floats, lag: int) -> Floats:
    """`counts` [n_units, n_time] moved `lag` periods later; the first ones are not known."""
    moved = np.full(counts.shape, np.nan)
    moved[:, lag:] = counts[:, : counts.shape[1] - lag]
    return moved


def neighbours(
    counts: Floats,
    weights: Floats,
    *,
    lag: int = 1,
    scale: Floats | float | None = None,
    normalize: bool = False,
) -> Floats:
    """Weighted sum of the other units' past cases, [n_units, n_time]. `weights` [n_units, n_units]: row =
    where the cases were, column = where they act; or [n_units, n_units, n_time], those of the period in which
    the cases act. `scale` multiplies row by row; `normalize` makes each row sum to 1, so that a unit shares
    its cases out among its neighbours."""
    units, n_time = counts.shape
    if weights.shape not in ((units, units), (units, units, n_time)):
        raise ValueError(
            f"weights must have shape {(units, units)} or {(units, units, n_time)}, found {weights.shape}"
        )
    if not np.isfinite(weights).all():
        raise ValueError("weights must be finite, found a missing or infinite one")
    applied = weights if scale is None else (np.asarray(scale, dtype=np.float64).T * weights.T).T
    if normalize:
        sums = applied.sum(axis=1, keepdims=True)
        if (sums == 0).any():
            unit = int(np.argwhere(sums == 0)[0, 0])
            raise ValueError(f"weights of unit {unit} sum to 0: they cannot be normalised")
        applied = applied / sums
    past = lagged(counts, lag)
    if applied.ndim == 2:
        return applied.T @ past
    found: Floats = np.einsum("jit,jt->it", applied, past)
    return found
