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

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from anlan.assess.models.epidemic_component import Component, Floats
from anlan.assess.models.epidemic_likelihood import Family, Likelihood

_WIDE = 100.0  # standard error, on the log scale, of what the data say nothing about


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
    model = Likelihood(np.asarray(counts, dtype=np.float64), components, family, subset, unit_names)
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


def _maximise(model: Likelihood, theta: Floats) -> Floats:
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
