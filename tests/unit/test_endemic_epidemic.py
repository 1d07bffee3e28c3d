"""The endemic-epidemic model where its answer is known in closed form, and its derivatives."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from scipy.stats import nbinom, poisson

from anlan.assess.models.endemic_epidemic import fit_endemic_epidemic
from anlan.assess.models.epidemic_component import Component, Term, intercept, lagged, neighbours, season
from anlan.assess.models.epidemic_likelihood import Likelihood
from anlan.assess.models.hhh4_control import UnitCounts, fit_control
from anlan.assess.models.neighbour_weights import (
    PowerLaw,
    WeightedNeighbours,
    WeightPerOrder,
    neighbourhood_orders,
)
from anlan.assess.models.random_intercepts import RandomLaw


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


@pytest.mark.parametrize(
    "weights",
    [
        PowerLaw(4),
        PowerLaw(2, normalize=False, log=True),
        PowerLaw(3, from_zero=True),
        WeightPerOrder(4),
        WeightPerOrder(3, normalize=False),
        WeightPerOrder(2, truncate=False, normalize=False),
        WeightPerOrder(2, truncate=False, from_zero=True),
    ],
    ids=lambda w: f"{type(w).__name__} {w.max_order}",
)
def test_derivatives_by_the_weights_and_the_random_effects_are_such(
    weights: PowerLaw | WeightPerOrder,
) -> None:
    y = counts(5)
    orders = np.abs(np.subtract.outer(np.arange(5.0), np.arange(5.0)))
    scale = np.array([1.0, 2.0, 0.5, 1.0, 3.0])
    varying = Term("ri(iid)", np.ones(y.shape), None, np.eye(5))
    model = Likelihood(
        y,
        [
            Component("ar", (intercept(5, 80),), lagged(y, 1)),
            Component(
                "ne",
                (varying, season(5, 80)[0]),
                WeightedNeighbours(weights, y, orders, 1, scale, not weights.normalize, y + 1),
            ),
            Component("end", (varying,), np.ones(y.shape)),
        ],
        "NegBin1",
        None,
        None,
    )
    model.precision = np.kron([[2.0, 0.5], [0.5, 1.0]], np.eye(5))
    theta = model.start() + np.random.default_rng(5).normal(-0.5, 0.3, len(model.names))
    _, score, information = model.derivatives(theta)
    assert np.allclose(score, approx_fprime(theta, model.loglik, 1e-7), rtol=1e-4, atol=2e-3)
    numeric = approx_fprime(theta, lambda x: model.derivatives(x)[1], 1e-7)
    assert np.allclose(information, -numeric, rtol=1e-4, atol=2e-3)


def test_leaving_zeros_out_changes_no_number() -> None:
    y = counts(5)
    near = np.abs(np.subtract.outer(np.arange(5.0), np.arange(5.0)))
    own = intercept(5, 80, units=np.ones(5, dtype=np.bool_))
    varying = Term("ri(iid)", np.ones(y.shape), None, np.eye(5))
    parts = [
        Component("ar", (own,), lagged(y, 1)),
        Component("ne", (intercept(5, 80),), WeightedNeighbours(PowerLaw(3), y, near)),
        Component("end", (varying, *season(5, 80)), np.ones(y.shape)),
    ]
    plain, sparse = (Likelihood(y, parts, "NegBinM", None, None, sparse=s) for s in (False, True))
    theta = plain.start() + np.random.default_rng(5).normal(-0.5, 0.3, len(plain.names))
    for one, other in zip(plain.derivatives(theta), sparse.derivatives(theta), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-9)


@pytest.mark.parametrize("law", [RandomLaw((4,)), RandomLaw((4, 3)), RandomLaw((4, 4, 4), correlated=True)])
def test_variances_of_random_effects_are_where_the_marginal_likelihood_is_greatest(law: RandomLaw) -> None:
    rng = np.random.default_rng(3)
    n = sum(law.sizes)
    half = rng.normal(size=(n + 2, n + 2))
    information, effects = half @ half.T + np.eye(n + 2), rng.normal(size=n)
    at = law.start() + rng.normal(0, 0.4, law.start().size)
    numeric = approx_fprime(at, lambda x: law.marginal(x, effects, information), 1e-7)
    assert np.allclose(law.marginal_score(at, effects, information), numeric, rtol=1e-4, atol=1e-5)
    best = law.best(law.start(), effects, information)
    top = law.marginal(best, effects, information)
    assert all(
        law.marginal(best + d, effects, information) <= top for d in rng.normal(0, 0.1, (20, best.size))
    )
    inverse = np.linalg.inv(law.covariance(best))
    assert np.allclose(law.precision(best)[0, 0], inverse[0, 0])


def test_orders_of_neighbourhood_count_borders() -> None:
    line = np.eye(4, k=1) + np.eye(4, k=-1)
    assert neighbourhood_orders(line, 3).tolist() == [[0, 1, 2, 3], [1, 0, 1, 2], [2, 1, 0, 1], [3, 2, 1, 0]]
    assert neighbourhood_orders(line, 2)[0].tolist() == [0, 1, 2, 0]


def test_an_order_without_limit_is_that_of_the_farthest_units() -> None:
    y = counts(4)
    orders = neighbourhood_orders(np.eye(4, k=1) + np.eye(4, k=-1), 3).astype(np.float64)
    data = UnitCounts(y, list("abcd"), np.arange(80.0), None, orders)
    text = "list(ne = list(f = ~1, weights = W_powerlaw(maxlag = %s)), end = list(f = ~1))"
    without, farthest = fit_control(text % "Inf", data), fit_control(text % "3", data)
    assert without.loglik == farthest.loglik and without.theta.tolist() == farthest.theta.tolist()
    for lag in ("2.5", "c(2, 3)"):
        with pytest.raises(ValueError, match="maxlag must be"):
            fit_control(text % lag, data)
    with pytest.raises(ValueError, match="maxlag must be a whole number"):
        fit_control(text.replace("W_powerlaw", "W_np") % "Inf", data)


def test_weights_cannot_be_estimated_where_all_neighbours_are_alike() -> None:
    y = counts(3)
    text = "list(ne = list(f = ~1, weights = W_powerlaw(maxlag = 2)), end = list(f = ~1))"
    near = np.ones((3, 3)) - np.eye(3)
    with pytest.raises(ValueError, match="need orders of neighbourhood"):
        fit_control(text, UnitCounts(y, list("abc"), np.arange(80.0), None, near))


def test_a_search_begins_where_it_is_told_and_ends_at_the_same_place() -> None:
    y = counts(2)
    data = UnitCounts(y, ["a", "b"], np.arange(80.0), covariates={"size": y.T + 1})
    text = 'list(end = list(f = ~1 + log(size)), family = "NegBin1"%s)'
    plain = fit_control(text % "", data)
    told = fit_control(text % ', start = list(fixed = c("end.1" = 1, "-log(overdisp)" = 3))', data)
    np.testing.assert_allclose(told.theta[:2], plain.theta[:2], rtol=1e-6)
    assert plain.names == ("end.1", "end.log(size)", "overdisp")


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
        ("list(ar = list(f = ~1 + ri()), end = list(f = ~1))", "only one intercept"),
        ("list(ar = list(f = ~-1 + ri(type = 'gp')), end = list(f = ~1))", "types iid and car"),
        ("list(ar = list(f = ~-1 + ri(type = 'car')), end = list(f = ~1))", "needs the neighbourhood"),
        (
            "list(ar = list(f = ~-1 + ri(corr = 'all')), end = list(f = ~-1 + ri()))",
            "corr = all in every part",
        ),
        ("list(ar = list(f = diag(2)), end = list(f = ~1))", "matrix as control.ar.f is not implemented"),
        ("list(ne = list(f = ~1, weights = W_powerlaw(maxlag = 3)), end = list(f = ~1))", "need the orders"),
        ("list(ne = list(f = ~1, weights = W_powerlaw(maxlag = 1)), end = list(f = ~1))", "maxlag must be"),
        ("list(ne = list(f = ~1, weights = W_np(maxlag = 3, initial = 1)), end = list(f = ~1))", "2 values"),
        ("list(ne = list(f = ~1, weights = W_exp(maxlag = 3)), end = list(f = ~1))", "function 'W_exp'"),
        ('list(end = list(f = ~1), family = factor(c("u", "v", "w")))', "a group for each of 2 units"),
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


#: cases of three units in 36 periods
THREE = np.array([
    [
        4, 1, 6, 4, 3, 1, 3, 4, 5, 6, 10, 9, 6, 4, 4, 12, 3, 6,
        5, 3, 5, 13, 7, 9, 2, 2, 1, 3, 1, 3, 4, 7, 0, 1, 2, 4,
    ],
    [
        4, 1, 0, 2, 2, 0, 0, 1, 4, 3, 4, 5, 4, 1, 11, 5, 2, 5,
        2, 6, 7, 7, 13, 9, 14, 3, 2, 7, 3, 4, 8, 4, 3, 1, 3, 1,
    ],
    [
        4, 4, 0, 3, 4, 4, 7, 0, 2, 1, 4, 5, 10, 6, 8, 3, 1, 5,
        8, 5, 5, 5, 3, 6, 8, 4, 8, 2, 3, 3, 4, 11, 1, 1, 3, 3,
    ],
], dtype=np.float64)  # fmt: skip


def weights_in_time() -> np.ndarray:
    """[3, 3, 36]: who is whose neighbour, and how much, changes from period to period."""
    near = np.array([[0, 1, 1], [1, 0, 0], [1, 0, 0]], dtype=np.float64)
    ring = np.eye(3)[[1, 2, 0]]
    each = [near * (1 + 0.5 * ((t % 4) - 1.5) / 1.5) + ring * (t % 3) * 0.2 for t in range(36)]
    return np.stack(each, axis=2)


@pytest.mark.parametrize(
    ("normalize", "estimates", "errors", "loglik"),
    [
        # R 4.2, surveillance 1.20.3: hhh4 with ne$weights = array, ar$offset = matrix
        (
            "FALSE",
            [-1.883561663977999, -1.731871764113580, 0.921071581118024, 1.488420762067173],
            [0.769876249005637, 0.367033197336363, 0.247011159380752, 0.296141704245121],
            -249.725119300932,
        ),
        (
            "TRUE",
            [-1.85597280126833, -1.72173416617948, 1.06760741840059, 1.37488904321991],
            [0.761931680882315, 0.532834550945263, 0.211189342222436, 0.277068526570346],
            -252.200019329995,
        ),
    ],
)
def test_neighbours_weights_that_change_in_time_and_an_offset_of_the_own_past_are_the_packages(
    normalize: str, estimates: list[float], errors: list[float], loglik: float
) -> None:
    weights = ",".join(repr(float(w)) for w in weights_in_time().reshape(-1, order="F"))
    offset = ",".join(repr(float(x)) for x in np.tile(1 + 0.5 * np.cos(np.arange(36) / 5), 3))
    text = (
        f"list(ar = list(f = ~1, offset = matrix(c({offset}), nrow = 36)), ne = list(f = ~1, weights = "
        f"array(c({weights}), dim = c(3, 3, 36)), normalize = {normalize}), end = list(f = ~1), "
        'family = "NegBin1")'
    )
    fit = fit_control(text, UnitCounts(THREE, ["a", "b", "c"], np.arange(36.0)))
    np.testing.assert_allclose(fit.theta, estimates, rtol=1e-6)
    np.testing.assert_allclose(fit.se, errors, rtol=1e-6)
    assert fit.loglik == pytest.approx(loglik, rel=1e-10)


def test_weights_of_one_period_alone_are_those_of_all_where_they_do_not_change() -> None:
    near = np.array([[0, 1, 2], [1, 0, 0.5], [0.25, 1, 0]])
    for scale in (None, np.array([1.0, 2.0, 3.0]), np.array([[1.0, 2, 3], [4, 5, 6], [7, 8, 9]])):
        for normalize in (False, True):
            one = neighbours(THREE, near, scale=scale, normalize=normalize)
            every = np.repeat(near[:, :, None], 36, axis=2)
            np.testing.assert_allclose(neighbours(THREE, every, scale=scale, normalize=normalize), one)
    scaled = neighbours(THREE, near, scale=np.array([[1.0, 2, 3], [4, 5, 6], [7, 8, 9]]))
    # unit 0 takes 4 x 1 of unit 1 and 7 x 0.25 of unit 2
    assert scaled[0, 1] == 4 * 1 * THREE[1, 0] + 7 * 0.25 * THREE[2, 0]
    with pytest.raises(
        ValueError, match=r"weights must have shape \(3, 3\) or \(3, 3, 36\), found \(3, 3, 9\)"
    ):
        neighbours(THREE, np.ones((3, 3, 9)))
