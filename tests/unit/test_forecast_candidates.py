"""Forecasts with intervals: defined for every series, blind to the future, chosen by their own past."""

from __future__ import annotations

import numpy as np
import pytest

from anlan.assess.forecast.candidates import CANDIDATES, by_statsforecast, persistence
from anlan.assess.forecast.choose import Record, mixed
from anlan.assess.forecast.scores import coverage, weighted_interval_score

LEVELS = np.array([0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975])
QUICK = [name for name in CANDIDATES if name not in ("ets", "theta", "arima")]


def seasons(n_series: int = 12, n_weeks: int = 170, seed: int = 1) -> np.ndarray:
    """Waves of a year with growth that wanders, Poisson counts."""
    rng = np.random.default_rng(seed)
    wave = 1.5 * np.cos(2 * np.pi * np.arange(n_weeks) / 52)
    drift = rng.normal(0, 0.08, (n_series, n_weeks)).cumsum(axis=1)
    return rng.poisson(np.exp(4 + wave + drift - drift.mean(axis=1, keepdims=True))).astype(float)


@pytest.mark.parametrize("name", [*QUICK, "ets", "theta"])
def test_quantiles_ascend_and_are_never_below_zero(name: str) -> None:
    found = CANDIDATES[name](seasons(4), 4, LEVELS, 52)
    assert found.shape == (4, 4, len(LEVELS))
    assert not np.isnan(found).any()
    assert (np.diff(found, axis=2) >= 0).all() and (found >= 0).all()


@pytest.mark.parametrize("name", [*QUICK, "theta"])
def test_odd_series_are_answered_or_unknown_and_never_raise(name: str) -> None:
    odd = seasons(6, 120)
    odd[0] = 0.0  # nothing ever
    odd[1, :-1] = np.nan  # one value
    odd[2, -1] = np.nan  # silent now
    odd[3, 40:60] = np.nan  # a gap
    odd[4] = 1e6  # constant and huge
    found = CANDIDATES[name](odd, 3, LEVELS, 52)
    assert np.isnan(found[2]).all()
    for row in (0, 3, 4, 5):
        assert np.isfinite(found[row]).all()
    short = CANDIDATES[name](seasons(3, 2), 3, LEVELS, 52)
    assert short.shape == (3, 3, len(LEVELS))


def test_the_baseline_is_the_newest_value_and_its_spread_grows() -> None:
    found = persistence(seasons(5), 4, LEVELS, 52)
    middle = found[:, :, 3]
    assert middle == pytest.approx(np.repeat(seasons(5)[:, -1:], 4, axis=1), abs=1e-9)
    width = found[:, :, -1] - found[:, :, 0]
    assert (width[:, 3] > width[:, 0]).all()
    alone = persistence(seasons(5)[2:3], 4, LEVELS, 52)
    assert (alone[0] == found[2]).all()


def test_conformal_intervals_hold_about_what_they_say() -> None:
    data = seasons(40, 200, seed=3)
    hits = []
    for origin in range(150, 196, 5):
        found = CANDIDATES["damped_trend_0.5"](data[:, :origin], 4, LEVELS, 52)
        hits += [coverage(data[:, origin + h], found[:, h], LEVELS, 0.5) for h in range(4)]
    assert 0.4 < np.mean(hits) < 0.6


def test_growth_of_earlier_years_helps_where_years_are_alike() -> None:
    data = seasons(20, 200, seed=4)
    score = {name: [] for name in ("persistence", "seasonal_growth")}  # type: dict[str, list[float]]
    for origin in range(120, 196, 4):
        for name, scores in score.items():
            found = CANDIDATES[name](data[:, :origin], 4, LEVELS, 52)
            log = weighted_interval_score(np.log1p(data[:, origin + 3]), np.log1p(found[:, 3]), LEVELS)
            scores.append(float(log.mean()))
    assert np.mean(score["seasonal_growth"]) < 0.8 * np.mean(score["persistence"])


def test_another_model_is_refused() -> None:
    with pytest.raises(ValueError, match="name must be one of ets, theta, arima, found 'magic'"):
        by_statsforecast("magic")


# -- the choice ---------------------------------------------------------------------------------------


def around(centre: np.ndarray, spread: float) -> np.ndarray:
    return centre[:, :, np.newaxis] * np.exp(spread * np.array([-2, -1.3, -0.7, 0, 0.7, 1.3, 2]))


def test_the_choice_is_by_what_is_known_and_blind_to_what_comes_later() -> None:
    truth = seasons(3, 20) + 1
    record = Record(LEVELS)
    assert record.best(truth) == []
    good, bad = truth[:, 10:14], truth[:, 10:14] * 3
    record.keep("good", 10, around(good, 0.2))
    record.keep("bad", 10, around(bad, 0.2))
    assert record.scores(truth[:, :10]) == {}  # nothing of it is known yet
    assert record.best(truth[:, :10]) == ["bad", "good"]
    assert record.best(truth[:, :12]) == ["good"]
    # what is known later does not change what is said of now
    other = truth.copy()
    other[:, 12:] = 1e6
    assert record.scores(other[:, :12]) == record.scores(truth[:, :12])


def test_methods_are_compared_where_all_have_spoken() -> None:
    truth = seasons(2, 20) + 1
    record = Record(LEVELS)
    first, second = around(truth[:, 5:7], 0.2), around(truth[:, 5:7], 0.3)
    second[0] = np.nan
    record.keep("one", 5, first)
    record.keep("two", 5, second)
    scores = record.scores(truth)
    only = weighted_interval_score(np.log1p(truth[1, 5:7]), np.log1p(first[1]), LEVELS).mean()
    assert scores["one"] == pytest.approx(only)


def test_a_mixture_lies_between_and_leaves_out_who_is_silent() -> None:
    one, two = np.full((1, 1, 3), 1.0), np.full((1, 1, 3), 7.0)
    assert mixed([one, two])[0, 0] == pytest.approx([3.0] * 3)  # sqrt(2 * 8) - 1
    assert mixed([one, np.full((1, 1, 3), np.nan)])[0, 0] == pytest.approx([1.0] * 3)
    assert np.isnan(mixed([np.full((1, 1, 3), np.nan)])).all()
