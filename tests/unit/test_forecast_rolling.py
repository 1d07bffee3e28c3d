"""A panel forecast by the method that did best on its own past."""

from __future__ import annotations

import numpy as np
import pytest

from anlan.assess.forecast.candidates import CANDIDATES
from anlan.assess.forecast.rolling import QUICK, forecast

LEVELS = np.array([0.025, 0.25, 0.5, 0.75, 0.975])


def yearly(n_series: int = 10, n: int = 170) -> np.ndarray:
    """The same wave every year, Poisson: last year knows best."""
    rng = np.random.default_rng(1)
    return rng.poisson(np.exp(5 + 2 * np.cos(2 * np.pi * np.arange(n) / 52)), (n_series, n)).astype(float)


def swinging(n_series: int = 10, n: int = 170) -> np.ndarray:
    """Waves at no time of the year, each series its own: the newest growth knows best."""
    rng = np.random.default_rng(2)
    growth = np.zeros((n_series, n))
    for t in range(1, n):
        growth[:, t] = 0.9 * growth[:, t - 1] + rng.normal(0, 0.08, n_series)
    return np.round(np.exp(7 + growth.cumsum(axis=1)))


def test_the_method_that_fits_the_past_is_taken_and_its_rivals_scores_are_shown() -> None:
    found = forecast(yearly(), 4, LEVELS, 52)
    assert found.method == "seasonal_growth"
    assert set(found.scores) == set(QUICK)
    assert found.scores["seasonal_growth"] == min(found.scores.values())
    assert (found.quantiles == CANDIDATES["seasonal_growth"](yearly(), 4, LEVELS, 52)).all()
    assert forecast(swinging(), 4, LEVELS, 52).method == "damped_trend_0.8"


def test_the_choice_sees_nothing_after_its_origins() -> None:
    data = yearly()
    before = forecast(data[:, :150], 4, LEVELS, 52)
    data[:, 150:] = 1e6
    after = forecast(data[:, :150], 4, LEVELS, 52)
    assert before.scores == after.scores and (before.quantiles == after.quantiles).all()


def test_with_too_short_a_past_the_first_method_answers_or_says_unknown() -> None:
    found = forecast(yearly(3, 10), 2, LEVELS, 52)
    assert found.method == "persistence" and found.scores == {}
    silent = yearly(3)
    silent[1, -1] = np.nan
    quantiles = forecast(silent, 2, LEVELS, 52).quantiles
    assert np.isnan(quantiles[1]).all() and np.isfinite(quantiles[[0, 2]]).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"methods": ("magic",)}, "methods must be some of"),
        ({"horizon": 0}, "horizon must be 1 or more"),
        ({"levels": np.array([0.1, 0.5])}, "symmetric about 0.5"),
    ],
)
def test_what_cannot_be_asked_is_refused(options: dict[str, object], words: str) -> None:
    given: dict[str, object] = {"horizon": 2, "levels": LEVELS, "season": 52, **options}
    with pytest.raises(ValueError, match=words):
        forecast(yearly(2), **given)  # type: ignore[arg-type]
