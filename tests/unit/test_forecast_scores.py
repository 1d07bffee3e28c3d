"""Scores, calibration and acting on a probability: published identities, and ensembles of a stated making."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from anlan.assess.forecast.costloss import level, value
from anlan.assess.forecast.emos import fit_emos
from anlan.assess.forecast.scores import (
    coverage,
    crps_ensemble,
    reliability,
    weighted_interval_score,
)

LEVELS = np.array([0.025, 0.25, 0.5, 0.75, 0.975])
FINE = (np.arange(200) + 0.5) / 200


def rain(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Observed rain and eleven members that know half of it: on the square-root scale the truth is a
    signal plus noise, the members a signal half as strong again plus an offset, with a third of the noise."""
    rng = np.random.default_rng(seed)
    signal = rng.normal(1.0, 1.2, n)
    observed = np.maximum(signal + rng.normal(0, 1.2, n), 0) ** 2
    members = np.maximum(1.5 * signal[:, np.newaxis] + 0.8 + rng.normal(0, 0.4, (n, 11)), 0) ** 2
    return observed, members


# -- scores -------------------------------------------------------------------------------------------


def test_the_crps_of_an_ensemble_is_its_definition() -> None:
    rng = np.random.default_rng(1)
    y, x = rng.normal(size=5), rng.normal(size=(5, 7))
    spread = np.abs(x[:, :, None] - x[:, None, :]).sum(axis=(1, 2))
    by_hand = np.abs(x - y[:, None]).mean(axis=1) - spread / (2 * 49)
    assert crps_ensemble(y, x) == pytest.approx(by_hand)
    fair = np.abs(x - y[:, None]).mean(axis=1) - spread / (2 * 7 * 6)
    assert crps_ensemble(y, x, fair=True) == pytest.approx(fair)
    assert np.isnan(crps_ensemble(np.array([np.nan]), x[:1]))[0]


def test_the_interval_score_of_many_quantiles_is_the_crps() -> None:
    """Gneiting and Raftery 2007, equation 21, for the standard normal at 0 and 1."""
    quantiles = np.tile(norm.ppf(FINE), (2, 1))
    found = weighted_interval_score(np.array([0.0, 1.0]), quantiles, FINE)
    exact = [z * (2 * norm.cdf(z) - 1) + 2 * norm.pdf(z) - 1 / np.sqrt(np.pi) for z in (0.0, 1.0)]
    assert found == pytest.approx(exact, abs=0.01)


def test_the_interval_score_is_that_of_bracher_by_hand() -> None:
    # median 10, intervals 8 to 12 (50 %) and 4 to 20 (95 %), observed 13: equation 1 of Bracher et al. 2021
    found = weighted_interval_score(np.array([13.0]), np.array([[4.0, 8.0, 10.0, 12.0, 20.0]]), LEVELS)
    inner = 4 + 2 / 0.5 * 1
    by_hand = (0.5 * 3 + 0.5 / 2 * inner + 0.05 / 2 * 16) / 2.5
    assert found[0] == pytest.approx(by_hand)


def test_coverage_counts_known_observations_only() -> None:
    quantiles = np.tile([0.0, 1.0, 2.0, 3.0, 4.0], (4, 1))
    y = np.array([2.0, 3.5, 5.0, np.nan])
    assert coverage(y, quantiles, LEVELS, 0.5) == pytest.approx(1 / 3)
    assert coverage(y, quantiles, LEVELS, 0.95) == pytest.approx(2 / 3)
    with pytest.raises(ValueError, match=r"needs the levels 0\.1 and 0\.9"):
        coverage(y, quantiles, LEVELS, 0.8)


def test_the_brier_score_is_the_sum_of_its_parts() -> None:
    rng = np.random.default_rng(2)
    probability = rng.integers(0, 10, 4000) / 10 + 0.05  # one value a bin: the parts are exact
    found = reliability(probability, rng.random(4000) < probability**1.5)
    assert found.brier == pytest.approx(found.reliability - found.resolution + found.uncertainty)
    assert found.skill > 0 and found.count.sum() == 4000
    honest = reliability(probability, rng.random(4000) < probability)
    assert honest.reliability < 0.001 < found.reliability
    assert np.isnan(reliability(np.full(3, 0.2), np.zeros(3, dtype=bool)).skill)


# -- calibration --------------------------------------------------------------------------------------


@pytest.mark.parametrize("law", ["normal", "logistic"])
def test_a_raw_ensemble_can_be_worse_than_climatology_and_calibration_mends_it(law: str) -> None:
    past, late = rain(2000, 3), rain(2000, 4)
    climate = np.tile(np.quantile(past[0], FINE), (2000, 1))
    fit = fit_emos(*past, law=law)  # type: ignore[arg-type]
    raw = crps_ensemble(*late).mean()
    mended = crps_ensemble(late[0], fit.quantiles(late[1], FINE)).mean()
    climatology = crps_ensemble(late[0], climate).mean()
    assert mended < 0.9 * climatology < climatology < raw
    for limit in (1.0, 5.0):
        happened = late[0] > limit
        assert reliability((late[1] > limit).mean(axis=1), happened).skill < 0
        assert reliability(fit.exceedance(late[1], limit), happened).skill > 0.1


def test_the_regression_that_made_the_data_is_found_again() -> None:
    fit = fit_emos(*rain(20_000, 5))
    # z = (root mean - 0.8) / 1.5 + noise of 1.2, apart from where the members are cut off at zero
    assert fit.b == pytest.approx(1 / 1.5, abs=0.08)
    assert fit.a == pytest.approx(-0.8 / 1.5, abs=0.12)


def test_quantiles_and_probabilities_of_the_fit_agree() -> None:
    observed, members = rain(500, 6)
    fit = fit_emos(observed, members, law="logistic")
    quantiles = fit.quantiles(members, LEVELS)
    for column, p in enumerate(LEVELS):
        wet = quantiles[:, column] > 0
        at = np.array(
            [fit.exceedance(members[k : k + 1], quantiles[k, column])[0] for k in np.flatnonzero(wet)]
        )
        assert at == pytest.approx(np.full(wet.sum(), 1 - p), abs=1e-9)
    assert (fit.exceedance(members, -1.0) == 1).all()


def test_what_cannot_be_fitted_is_refused() -> None:
    observed, members = rain(40, 7)
    observed[:15] = np.nan
    with pytest.raises(ValueError, match="at least 30 whole pairs are needed, found 25"):
        fit_emos(observed, members)
    with pytest.raises(ValueError, match="must not be negative"):
        fit_emos(-np.ones(40), members)
    with pytest.raises(ValueError, match="members must be"):
        fit_emos(np.ones(40), members[:, :1])


# -- acting -------------------------------------------------------------------------------------------


def test_a_level_is_called_where_its_cost_is_worth_it() -> None:
    ratios = {1: 0.6, 2: 0.4, 3: 0.2, 4: 0.05}
    found = level(np.array([0.0, 0.05, 0.3, 0.59, 0.6, 1.0, np.nan]), ratios)
    assert found.tolist() == [0, 4, 3, 2, 1, 1, -1]
    with pytest.raises(ValueError, match="more severe level must not need less probability"):
        level(np.array([0.5]), {1: 0.1, 4: 0.3})
    with pytest.raises(ValueError, match="between 0 and 1"):
        level(np.array([0.5]), {1: 1.2})


def test_the_value_of_a_forecast_is_one_when_it_knows_and_none_when_it_knows_no_more_than_climate() -> None:
    happened = np.arange(1000) % 5 == 0
    assert value(happened.astype(float), happened, 0.3) == pytest.approx(1.0)
    for ratio in (0.05, 0.2, 0.5):
        assert value(np.full(1000, 0.2), happened, ratio) == pytest.approx(0.0)
    assert value(1.0 - happened, happened, 0.3) < 0
    assert np.isnan(value(np.zeros(10), np.zeros(10, dtype=bool), 0.3))


def test_acting_at_the_ratio_is_best_for_honest_probabilities() -> None:
    rng = np.random.default_rng(8)
    probability = rng.beta(0.5, 2.0, 50_000)
    happened = rng.random(50_000) < probability
    at = value(probability, happened, 0.25)
    for too_soon, too_late in ((0.1, 0.5), (0.15, 0.4)):
        for wrong in (too_soon, too_late):
            acted = (probability >= wrong).astype(float)  # acts at another probability than its ratio
            assert value(acted, happened, 0.25) < at
