"""The endemic-epidemic model ("hhh4"): counts of many places driven by their own past, by their
neighbours' past and by an endemic rate.

Held, Höhle, Hofmann (2005), "A statistical framework for the analysis of multivariate infectious disease
surveillance counts", Stat Model 5:187-199; Paul, Held, Toschke (2008), "Multivariate modelling of
infectious disease surveillance data", Stat Med 27:6250-6267; notation of Meyer, Held, Höhle (2017),
J Stat Softw 77(11), eq. 8-10. With Y_it the cases of unit i in period t,

    mu_it = lambda_it Y_i,t-1  +  phi_it sum_j w_ji Y_j,t-1  +  nu_it e_it
    log lambda_it, log phi_it, log nu_it linear in covariates, e_it an offset such as population
    Y_it ~ Poisson(mu_it)   or   negative binomial with variance mu (1 + overdispersion mu)

Estimation is by maximum likelihood with analytical score and observed information: a trust-region Newton
method, then plain Newton steps to the last digits. Standard errors are those of the inverse observed
information; that of an overdispersion is on the scale of its negative logarithm, as the peer prints it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import digamma, gammaln, polygamma, xlogy

Floats: TypeAlias = npt.NDArray[np.float64]
Bools: TypeAlias = npt.NDArray[np.bool_]
Family: TypeAlias = Literal["Poisson", "NegBin1", "NegBinM"]

FAMILIES = ("Poisson", "NegBin1", "NegBinM")
_HUGE = 1e300  # stands for a likelihood of zero, so that the optimiser turns back
_TINY = 1e-100  # a mean below it is as good as none, and its square still a number
_FAR = 1e4  # from here on Stirling's series is exact to double precision
_WIDE = 100.0  # standard error, on the log scale, of what the data say nothing about


@dataclass(frozen=True, slots=True)
class Term:
    """One covariate: `values` [n_units, n_time]. `units` [n_units], where given, says which units have a
    coefficient of their own; otherwise all share one."""

    name: str
    values: Floats
    units: Bools | None = None


@dataclass(frozen=True, slots=True)
class Component:
    """A log-linear predictor and what it multiplies: `offset` [n_units, n_time] (NaN = not known)."""

    name: Literal["ar", "ne", "end"]
    terms: tuple[Term, ...]
    offset: Floats


@dataclass(frozen=True, slots=True)
class EndemicEpidemicFit:
    """Estimates of one model.

    `names`, `theta`, `se` [n_parameters]: coefficients on the log scale, overdispersion as minus its
    logarithm; `covariance` [n_parameters, n_parameters]; `n_overdispersion` of them, the last ones, are
    overdispersions. `fitted` [n_units, n_subset]: mean, cases, NaN where an input is missing.
    `converged`: the score vanishes and the information is positive definite; otherwise `se` is NaN.
    `unbounded`: names of coefficients whose likelihood still rises at infinity (a unit without a case has
    no rate, a unit without extra variance no overdispersion): their value means "as far as it went".
    """

    names: tuple[str, ...]
    theta: Floats
    se: Floats
    covariance: Floats
    n_overdispersion: int
    loglik: float
    n_observations: int
    converged: bool
    unbounded: tuple[str, ...]
    fitted: Floats

    @property
    def aic(self) -> float:
        """Akaike's information criterion."""
        return 2.0 * len(self.theta) - 2.0 * self.loglik

    @property
    def overdispersion(self) -> Floats:
        """[n_overdispersion]: 0 is Poisson."""
        return np.exp(-self.theta[len(self.theta) - self.n_overdispersion :])


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
    where the cases were, column = where they act. `scale` multiplies row by row; `normalize` makes each
    row sum to 1, so that a unit shares its cases out among its neighbours."""
    units = len(counts)
    if weights.shape != (units, units):
        raise ValueError(f"weights must have shape {(units, units)}, found {weights.shape}")
    if not np.isfinite(weights).all():
        raise ValueError("weights must be finite, found a missing or infinite one")
    applied = weights if scale is None else (np.asarray(scale, dtype=np.float64) * weights.T).T
    if normalize:
        sums = applied.sum(axis=1, keepdims=True)
        if (sums == 0).any():
            raise ValueError(f"weights of unit {int(np.argmin(sums))} sum to 0: they cannot be normalised")
        applied = applied / sums
    return applied.T @ lagged(counts, lag)


def fit_endemic_epidemic(
    counts: Floats,
    components: Sequence[Component],
    *,
    family: Family = "Poisson",
    subset: npt.NDArray[np.int64] | None = None,
    unit_names: Sequence[str] | None = None,
    start: Floats | None = None,
) -> EndemicEpidemicFit:
    """Fit the model to `counts` [n_units, n_time] (cases, NaN = missing: such a period is left out).
    `subset`: indexes of the periods to fit, by default all but the first. `start`: where the search
    begins, by default 0 and, for minus log overdispersion, 2."""
    model = _Model(np.asarray(counts, dtype=np.float64), components, family, subset, unit_names)
    theta = model.start() if start is None else np.asarray(start, dtype=np.float64)
    if theta.shape != (len(model.names),):
        raise ValueError(f"start must hold {len(model.names)} values {model.names}, found {theta.size}")
    mean = model.mean(theta)
    if not (np.isfinite(mean).all() and (mean > 0).all()):
        raise ValueError("some mean is 0 or infinite at the start: add an endemic part or other start values")
    theta = _maximise(model, theta)
    loglik, score, information = model.derivatives(theta)
    covariance, converged = _invert(information, score)
    fitted = np.full(model.shape, np.nan)
    fitted[model.used] = model.mean(theta)
    return EndemicEpidemicFit(
        names=model.names,
        theta=theta,
        se=np.sqrt(np.diag(covariance)),
        covariance=covariance,
        n_overdispersion=model.n_size,
        loglik=loglik,
        n_observations=int(model.used.sum()),
        converged=converged,
        unbounded=tuple(
            name for name, se in zip(model.names, np.sqrt(np.diag(covariance)), strict=True) if se > _WIDE
        ),
        fitted=fitted,
    )


class _Model:
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


def _maximise(model: _Model, theta: Floats) -> Floats:
    """The maximum reached from `theta`."""
    # every coefficient in units of its covariate's greatest value, so that one step length suits all
    unit = np.ones(theta.size)
    largest = np.abs(model.design).max(axis=1)
    unit[: model.n_coefficients] = 1 / np.where(largest > 0, largest, 1.0)
    found = minimize(
        lambda x: -model.loglik(unit * x),
        theta / unit,
        jac=lambda x: -unit * model.derivatives(unit * x)[1],
        hess=lambda x: unit[:, None] * model.derivatives(unit * x)[2] * unit,
        method="trust-exact",
        options={"gtol": 1e-3, "maxiter": 1000, "initial_trust_radius": 1.0, "max_trust_radius": 100.0},
    )
    best: Floats = unit * found.x
    value, score, information = model.derivatives(best)
    for _ in range(20):  # quadratic convergence: a handful of steps reach rounding error
        try:
            step = np.linalg.solve(information, score)
        except np.linalg.LinAlgError:
            break
        tried = best + step
        if model.loglik(tried) <= value - 1e-9 * (1.0 + abs(value)):
            break
        new_value, new_score, new_information = model.derivatives(tried)
        if not np.isfinite(new_score).all() or np.abs(new_score).max() >= np.abs(score).max():
            break
        best, value, score, information = tried, new_value, new_score, new_information
    return best


def _invert(information: Floats, score: Floats) -> tuple[Floats, bool]:
    """Covariance, and whether this is a maximum; NaN where it is not."""
    unknown = np.full(information.shape, np.nan)
    if not np.isfinite(information).all():
        return unknown, False
    try:
        np.linalg.cholesky(information)
        covariance: Floats = np.asarray(np.linalg.inv(information), dtype=np.float64)
    except np.linalg.LinAlgError:
        return unknown, False
    distance = float(score @ covariance @ score)  # Newton decrement: twice the log-likelihood still to gain
    return (covariance, True) if distance < 1e-6 else (unknown, False)
