"""The endemic-epidemic model where its answer is known in closed form, and its derivatives."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from scipy.stats import nbinom, poisson

from anlan.assess.models.endemic_epidemic import fit_endemic_epidemic
from anlan.assess.models.epidemic_component import Component, intercept, lagged, neighbours, season
from anlan.assess.models.epidemic_likelihood import Likelihood
from anlan.assess.models.hhh4_control import UnitCounts, fit_control


def counts(units: int = 3, periods: int = 80) -> np.ndarray:
    rng = np.random.default_rng(7)
    return rng.poisson(4 + 3 * np.sin(np.arange(periods) / 8)[None] + np.arange(units)[:, None]).astype(float)


def test_an_endemic_rate_alone_is_the_mean() -> None:
    y = counts(1)
    fit = fit_control("list(end = list(f = ~1))", UnitCounts(y, ["a"], np.arange(80.0)))
    assert fit.names == ("end.1",)
    assert np.exp(fit.theta[0]) == pytest.approx(y[0, 1:].mean(), rel=1e-10)
    assert fit.se[0] == pytest.approx(1 / np.sqrt(y[0, 1:].sum()), rel=1e-10)
    assert fit.loglik == pytest.approx(poisson.logpmf(y[0, 1:], y[0, 1:].mean()).sum(), rel=1e-12)
    assert fit.aic == pytest.approx(2 - 2 * fit.loglik)
    assert fit.n_observations == 79


def test_an_autoregression_alone_is_the_quotient_of_sums() -> None:
    y = counts(1) + 1
    fit = fit_control("list(ar = list(f = ~1), end = list(f = ~-1))", UnitCounts(y, ["a"], np.arange(80.0)))
    assert np.exp(fit.theta[0]) == pytest.approx(y[0, 1:].sum() / y[0, :-1].sum(), rel=1e-10)


def test_it_finds_the_parameters_that_made_the_data() -> None:
    rng = np.random.default_rng(11)
    periods, units = 3000, 4
    ring = np.roll(np.eye(units), 1, axis=1) + np.roll(np.eye(units), -1, axis=1)
    y = np.zeros((units, periods))
    for t in range(1, periods):
        mean = 0.3 * y[:, t - 1] + 0.1 * ring.T @ y[:, t - 1] + 5 * np.exp(0.4 * np.sin(2 * np.pi * t / 52))
        y[:, t] = rng.negative_binomial(1 / 0.2, 1 / (1 + 0.2 * mean))
    text = (
        "list(ar = list(f = ~1), ne = list(f = ~1, weights = adjacency), "
        'end = list(f = addSeason2formula(~1, S = 1, period = 52)), family = "NegBin1")'
    )
    fit = fit_control(text, UnitCounts(y, list("abcd"), np.arange(float(periods)), adjacency=ring))
    true = np.array([np.log(0.3), np.log(0.1), np.log(5), 0.4, 0.0, -np.log(0.2)])
    assert fit.converged
    assert not fit.unbounded
    assert np.abs((fit.theta - true) / fit.se).max() < 4


@pytest.mark.parametrize("family", ["Poisson", "NegBin1", "NegBinM"])
def test_score_and_information_are_the_derivatives(family: str) -> None:
    y = counts()
    y[1, 30] = np.nan
    weights = np.ones((3, 3)) - np.eye(3)
    own = intercept(3, 80, units=np.array([True, False, True]))
    model = Likelihood(
        y,
        [
            Component("ar", (intercept(3, 80),), lagged(y, 1)),
            Component("ne", (own,), neighbours(y, weights, normalize=True)),
            Component("end", (intercept(3, 80), *season(3, 80, harmonics=2)), np.ones(y.shape)),
        ],
        family,  # type: ignore[arg-type]
        None,
        None,
    )
    theta = model.start() + np.random.default_rng(5).normal(-0.5, 0.3, len(model.names))
    _, score, information = model.derivatives(theta)
    assert np.allclose(score, approx_fprime(theta, model.loglik, 1e-7), rtol=1e-4, atol=1e-3)
    numeric = approx_fprime(theta, lambda x: model.derivatives(x)[1], 1e-7)
    assert np.allclose(information, -numeric, rtol=1e-4, atol=1e-3)
    assert np.allclose(information, information.T)


def test_the_negative_binomial_likelihood_is_that_of_its_density() -> None:
    y = counts(2)
    fit = fit_control(
        'list(end = list(f = ~1), family = "NegBinM")', UnitCounts(y, ["a", "b"], np.arange(80.0))
    )
    size = 1 / fit.overdispersion[:, None]
    direct = nbinom.logpmf(y[:, 1:], size, size / (size + fit.fitted)).sum()
    assert fit.loglik == pytest.approx(direct, rel=1e-9)
    assert fit.names == ("end.1", "overdisp.a", "overdisp.b")


def test_a_missing_count_costs_its_own_period_and_those_that_need_it() -> None:
    y = counts(1)
    y[0, 40] = np.nan
    text = "list(ar = list(f = ~1), end = list(f = ~1))"
    fit = fit_control(text, UnitCounts(y, ["a"], np.arange(80.0)))
    assert fit.n_observations == 77
    assert np.isnan(fit.fitted[0, [39, 40]]).all()


def test_a_unit_without_cases_is_said_to_have_no_bound() -> None:
    y = counts(2)
    y[1] = 0
    text = "list(end = list(f = ~-1 + fe(1, unitSpecific = TRUE)))"
    fit = fit_control(text, UnitCounts(y, ["a", "b"], np.arange(80.0)))
    assert fit.unbounded == ("end.1.b",)
    assert np.exp(fit.theta[0]) == pytest.approx(y[0, 1:].mean(), rel=1e-8)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("list(ar = list(f = ~1 + ri()), end = list(f = ~1))", "random intercepts"),
        ('list(end = list(f = ~1), family = "Gamma")', "family must be one of"),
        ("list(end = list(f = ~1, lag = 2))", "cannot use"),
        ("list(ende = list(f = ~1))", "unknown entries"),
        ("list(ar = list(f = ~1, lag = 0), end = list(f = ~1))", "lag must be"),
        ("list(ne = list(f = ~1), end = list(f = ~1))", "weights must be a matrix"),
        ("list(end = list(f = ~1 + x))", "nothing is known of 'x'"),
        ("list(end = list(f = ~1 + fe(1)))", "only one intercept"),
        ("list(end = list(f = ~1), subset = 2:81)", "subset must lie within"),
        ("list(end = list(f = ~1", "not an R expression"),
    ],
)
def test_what_cannot_be_fitted_is_named(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        fit_control(text, UnitCounts(counts(2), ["a", "b"], np.arange(80.0)))


def test_a_mean_of_zero_at_the_start_is_refused() -> None:
    with pytest.raises(ValueError, match="mean is 0"):
        fit_endemic_epidemic(np.zeros((1, 9)), [Component("ar", (intercept(1, 9),), np.zeros((1, 9)))])


@pytest.mark.parametrize("family", ["Poisson", "NegBin1"])
@pytest.mark.parametrize(
    "series",
    [
        np.zeros(60),
        np.eye(1, 60, 30)[0],
        np.full(60, 4.0),
        np.round(2 * np.exp(0.1 * np.arange(60))),
        np.random.default_rng(0).poisson(1e6, 60).astype(float),
    ],
    ids=["no case", "one case", "constant", "growing", "a million"],
)
def test_difficult_series_end_in_an_estimate_or_in_no_convergence(series: np.ndarray, family: str) -> None:
    text = f'list(ar = list(f = ~1), end = list(f = ~1 + t), family = "{family}")'
    fit = fit_control(text, UnitCounts(series[None], ["a"], np.arange(60.0)))
    assert fit.loglik <= 1e-9
    assert fit.converged == bool(np.isfinite(fit.se).all())


def test_a_very_great_size_is_the_poisson_law() -> None:
    """No digits are lost where the overdispersion vanishes."""
    y = counts()
    parts = [Component("end", (intercept(3, 80),), np.ones(y.shape))]
    both = [Likelihood(y, parts, family, None, None) for family in ("Poisson", "NegBin1")]  # type: ignore[arg-type]
    poisson_model, other = both
    assert other.loglik(np.array([1.5, 40.0])) == pytest.approx(
        poisson_model.loglik(np.array([1.5])), rel=1e-13
    )
    below, above = (other.loglik(np.array([1.5, np.log(1e4) + d])) for d in (-1e-9, 1e-9))
    assert above == pytest.approx(below, rel=1e-11)
    low, here, high = (np.array([1.5, np.log(3e4) + d]) for d in (-1e-2, 0.0, 1e-2))
    slope = (other.loglik(high) - other.loglik(low)) / 2e-2
    assert other.derivatives(here)[1][1] == pytest.approx(slope, rel=1e-3)
