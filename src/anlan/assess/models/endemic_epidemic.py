"""The endemic-epidemic model ("hhh4"): counts of many places driven by their own past, by their
neighbours' past and by an endemic rate.

Held, Höhle, Hofmann (2005), "A statistical framework for the analysis of multivariate infectious disease
surveillance counts", Stat Model 5:187-199; Paul, Held, Toschke (2008), "Multivariate modelling of
infectious disease surveillance data", Stat Med 27:6250-6267; notation of Meyer, Held, Höhle (2017),
J Stat Softw 77(11), eq. 8-10. With Y_it the cases of unit i in period t,

    mu_it = lambda_it Y_i,t-1  +  phi_it sum_j w_ji Y_j,t-1  +  nu_it e_it
    log lambda_it, log phi_it, log nu_it linear in covariates, e_it an offset such as population
    Y_it ~ Poisson(mu_it)   or   negative binomial with variance mu (1 + overdispersion mu)

The weights w_ji may be estimated too (`neighbour_weights`), and an intercept may be random from unit to unit:
Paul, Held (2011), Stat Med 30:1118-1136 (`random_intercepts`).

Estimation is by maximum likelihood with analytical score and observed information: a trust-region Newton
method, then plain Newton steps to the last digits. Standard errors are those of the inverse observed
information; that of an overdispersion is on the scale of its negative logarithm, as the peer prints it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from anlan.assess.models.epidemic_component import Component, Floats
from anlan.assess.models.epidemic_likelihood import Family, Likelihood
from anlan.assess.models.random_intercepts import BOUND, RandomLaw

_MAX_TURNS = 1000
_MEMORY = 5
_NEAR = 0.1  # Newton decrement below which steps of full length converge
_SETTLED = 1e-9  # relative move of coefficients and variances that ends their turns
_WIDE = 100.0  # standard error, on the log scale, of what the data say nothing about


@dataclass(frozen=True, slots=True)
class EndemicEpidemicFit:
    """Estimates of one model.

    `names`, `theta`, `se` [n_parameters]: coefficients on the log scale, parameters of estimated weights,
    overdispersion as minus its logarithm (`n_overdispersion` of them), random effects (`n_random`), in this
    order; `covariance` [n_parameters, n_parameters]. With random effects `loglik` is the penalised one,
    `marginal` the marginal one (each but for a constant), `random_covariance` that of a unit's random
    intercepts and `variance_parameters` their logarithmic standard deviations and correlation parameters;
    all three are None without. `fitted` [n_units, n_subset]: mean, cases, NaN where an input is missing.
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
    n_random: int = 0
    marginal: float | None = None
    random_covariance: Floats | None = None
    variance_parameters: Floats | None = None

    @property
    def aic(self) -> float:
        """Akaike's information criterion; NaN with random effects, whose number of parameters is none."""
        return float("nan") if self.n_random else 2.0 * len(self.theta) - 2.0 * self.loglik

    @property
    def sizes(self) -> slice:
        """Where in `theta` the overdispersions stand."""
        end = len(self.theta) - self.n_random
        return slice(end - self.n_overdispersion, end)

    @property
    def overdispersion(self) -> Floats:
        """[n_overdispersion]: 0 is Poisson."""
        return np.exp(-self.theta[self.sizes])


def fit_endemic_epidemic(
    counts: Floats,
    components: Sequence[Component],
    *,
    family: Family | Sequence[str] = "Poisson",
    subset: npt.NDArray[np.int64] | None = None,
    unit_names: Sequence[str] | None = None,
    start: Floats | Mapping[str, float] | None = None,
    correlated: bool = False,
) -> EndemicEpidemicFit:
    """Fit the model to `counts` [n_units, n_time] (cases, NaN = missing: such a period is left out).
    `family`: a law, or the name of a group for each unit, one overdispersion for each group. `subset`:
    indexes of the periods to fit, by default all but the first. `start`: where the search begins, some
    parameters by name or all but the random effects in order; by default 0 and, for minus log
    overdispersion, 2. `correlated`: the random intercepts of a unit hang together."""
    model = Likelihood(np.asarray(counts, dtype=np.float64), components, family, subset, unit_names)
    theta = _started(model, start)
    mean = model.mean(theta)
    if not (np.isfinite(mean).all() and (mean > 0).all()):
        raise ValueError("some mean is 0 or infinite at the start: add an endemic part or other start values")
    law = RandomLaw(model.effects, correlated) if model.n_random else None
    variance: Floats | None = None
    settled = True
    if law is None:
        theta = _maximise(model, theta)
    else:
        theta, variance, settled = _maximise_in_turn(model, theta, law)
    loglik, score, information = model.derivatives(theta)
    covariance, converged = _invert(information, score)
    if not settled:
        covariance, converged = np.full(covariance.shape, np.nan), False
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
        n_random=model.n_random,
        marginal=None if law is None or variance is None else _marginal(model, theta, law, variance),
        random_covariance=None if law is None or variance is None else law.covariance(variance),
        variance_parameters=variance,
    )


def _started(model: Likelihood, start: Floats | Mapping[str, float] | None) -> Floats:
    theta = model.start()
    if start is None:
        return theta
    if isinstance(start, Mapping):
        if unknown := set(start) - set(model.names):
            raise ValueError(f"start names {sorted(unknown)}, which are no parameters of {model.names}")
        for name, value in start.items():
            theta[model.names.index(name)] = value
        return theta
    given = np.asarray(start, dtype=np.float64)
    n_fixed = theta.size - model.n_random
    if given.shape != (n_fixed,):
        raise ValueError(f"start must hold {n_fixed} values {model.names[:n_fixed]}, found {given.size}")
    theta[:n_fixed] = given
    return theta


def _maximise_in_turn(model: Likelihood, theta: Floats, law: RandomLaw) -> tuple[Floats, Floats, bool]:
    """Coefficients and variance parameters, each the best given the other, and whether they settled.

    The turns close in linearly; each next start is taken from the last few by Anderson's method (1965, J ACM
    12:547-560), which changes the way and not the end."""
    variance = law.start()
    tried: list[Floats] = []
    moves: list[Floats] = []
    for _ in range(_MAX_TURNS):
        model.precision = law.precision(variance)
        last = theta
        theta = _refined(model, theta) if _near(model, theta) else _maximise(model, theta)
        best = law.best(variance, model.effects_of(theta), _unpenalised(model, theta))
        moved = max(np.abs(theta - last).max(), np.abs(best - variance).max())
        if moved < _SETTLED * max(1.0, float(np.abs(theta).max())):
            return theta, variance, True
        tried, moves = [*tried[-_MEMORY:], variance], [*moves[-_MEMORY:], best - variance]
        variance = np.clip(_mixed(tried, moves), -BOUND, BOUND)
    return theta, variance, False


def _mixed(tried: Sequence[Floats], moves: Sequence[Floats]) -> Floats:
    """Where the next turn begins: the combination of the last turns that would have moved least, moved on."""
    plain: Floats = tried[-1] + moves[-1]
    if len(tried) < 2:
        return plain
    by_move, by_place = np.diff(moves, axis=0).T, np.diff(tried, axis=0).T
    share = np.linalg.lstsq(by_move, moves[-1], rcond=1e-10)[0]
    mixed: Floats = plain - (by_place + by_move) @ share
    return mixed if np.abs(mixed - plain).max() < 1.0 else plain


def _unpenalised(model: Likelihood, theta: Floats) -> Floats:
    information = model.derivatives(theta)[2]
    information[-model.n_random :, -model.n_random :] -= model.precision
    return information


def _marginal(model: Likelihood, theta: Floats, law: RandomLaw, variance: Floats) -> float:
    return law.marginal(variance, model.effects_of(theta), _unpenalised(model, theta))


def _maximise(model: Likelihood, theta: Floats) -> Floats:
    """The maximum reached from `theta`."""
    # every coefficient in units of its covariate's greatest value, so that one step length suits all
    unit = np.ones(theta.size)
    largest = model.largest
    unit[model.place] = 1 / np.where(largest > 0, largest, 1.0)
    found = minimize(
        lambda x: -model.loglik(unit * x),
        theta / unit,
        jac=lambda x: -unit * model.derivatives(unit * x)[1],
        hess=lambda x: unit[:, None] * model.derivatives(unit * x)[2] * unit,
        method="trust-exact",
        options={"gtol": 1e-3, "maxiter": 1000, "initial_trust_radius": 1.0, "max_trust_radius": 100.0},
    )
    return _refined(model, unit * found.x)


def _near(model: Likelihood, theta: Floats) -> bool:
    """Whether Newton steps alone lead from `theta` to the maximum."""
    _, score, information = model.derivatives(theta)
    try:
        step = np.linalg.solve(np.linalg.cholesky(information), score)
    except np.linalg.LinAlgError:
        return False
    return float(step @ step) < _NEAR


def _refined(model: Likelihood, theta: Floats) -> Floats:
    """The maximum near `theta` to its last digits."""
    best = theta
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
