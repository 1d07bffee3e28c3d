"""What a duty officer may rely on when the last weeks are looked at together."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import multivariate_normal, nbinom, poisson

from anlan.assess.detect.farrington_plain import glm
from anlan.assess.detect.farrington_scan import both_above, farrington_scan, union, window_level
from anlan.assess.detect.panel import Alarm, Known, Panel, Reason
from anlan.assess.detect.recent_fit import recent_fit
from anlan.assess.detect.registry import detector

RATE = 4.0


def counts(series: int = 3, weeks: int = 620) -> np.ndarray:
    return np.random.default_rng(11).poisson(RATE, (series, weeks)).astype(np.float64)


def test_two_raised_weeks_raise_an_alarm_that_neither_raises_alone() -> None:
    one, two = counts(), counts()
    one[:, -2:] = RATE
    two[:, -2:] = RATE
    one[:, -1] = 10
    two[:, -2:] = 10
    single = farrington_scan(Panel(one, 52), [-1])
    both = farrington_scan(Panel(two, 52), [-1])
    alone = farrington_scan(Panel(two, 52), [-1], longest=1)
    assert_array_equal(single.alarm, Alarm.NO)
    assert_array_equal(alone.alarm, Alarm.NO)
    assert_array_equal(both.alarm, Alarm.YES)
    assert (both.p_value < single.p_value).all()
    assert (both.threshold < single.threshold).all()


def test_with_one_window_the_bound_is_the_quantile_of_the_fitted_count() -> None:
    """A plain twin: one level, no trend, no season, so that the model is a weighted mean."""
    y = counts(1)
    found = farrington_scan(
        Panel(y, 52), [619], longest=1, trend=False, no_periods=1, b=10, weights_threshold=99
    )
    window = [619 - 52 * year + shift for year in range(1, 11) for shift in range(-3, 4)]
    history = y[0, window]
    fit = glm(np.ones((len(history), 1)), history, np.zeros(len(history)), np.ones(len(history)))
    mean = float(fit.mu[0])
    phi = max(1.0, float((fit.work * ((history - mean) / mean) ** 2).sum()) / (len(history) - 1))
    error = phi / history.sum()
    spread = phi + mean * error
    assert_allclose(found.expected[0, 0], mean, rtol=1e-9)
    assert_allclose(found.phi[0, 0], phi, rtol=1e-9)
    bound = nbinom.ppf(1 - 0.005, mean / (spread - 1), 1 / spread)
    assert found.threshold[0, 0] == bound
    assert_allclose(found.p_value[0, 0], nbinom.sf(y[0, 619] - 1, mean / (spread - 1), 1 / spread), rtol=1e-6)


def test_an_alarm_is_a_count_above_the_bound_which_is_a_p_value_within_the_level() -> None:
    y = counts(40)
    y[:20, -3:] += np.random.default_rng(2).poisson(6, (20, 3))
    found = farrington_scan(Panel(y, 52), slice(-6, None), alpha=0.02)
    tested = y[:, -6:]
    assert (found.alarm == Alarm.YES).sum() > 20
    assert_array_equal(found.alarm == Alarm.YES, (tested > found.threshold) & (tested > 0))
    inside = found.p_value < 0.02 * 0.999
    assert_array_equal((found.alarm == Alarm.YES)[inside], tested[inside] > 0)
    assert (found.p_value[found.alarm == Alarm.YES] <= 0.02).all()


@pytest.mark.parametrize("windows", [2, 3, 5])
def test_the_level_of_all_windows_together_is_the_one_asked_for(windows: int) -> None:
    """Sums of normal weeks: the bound is exact for two windows and not exceeded for more."""
    alpha = 0.02
    level = window_level(alpha, windows)
    assert alpha / windows < level < alpha
    weeks = np.random.default_rng(3).standard_normal((400_000, windows))
    sums = weeks.cumsum(axis=1) / np.sqrt(np.arange(1, windows + 1))
    from scipy.special import ndtri

    share = (sums > ndtri(1 - level)).any(axis=1).mean()
    assert share < alpha + 4 * np.sqrt(alpha / 400_000)
    if windows == 2:
        assert share > alpha - 4 * np.sqrt(alpha / 400_000)


def test_the_chance_of_two_windows_is_that_of_the_bivariate_normal() -> None:
    for z, correlation in [(1.0, 0.5), (2.3, 0.7071), (0.2, 0.9)]:
        whole = multivariate_normal([0, 0], [[1, correlation], [correlation, 1]]).cdf([-z, -z])
        assert_allclose(both_above(np.array(z), correlation), whole, atol=1e-6)


def test_the_joint_probability_never_falls_as_the_p_value_grows() -> None:
    p = np.linspace(0, 1, 2001)
    for windows in (1, 2, 4):
        joint = union(p, windows)
        assert (np.diff(joint) >= -1e-12).all()
        assert (joint >= p - 1e-12).all()
        assert (joint <= 1).all()


def test_a_missing_week_in_the_window_is_unknown_unless_the_last_week_alone_is_too_high() -> None:
    y = counts(2)
    y[:, -2] = np.nan
    y[0, -1], y[1, -1] = RATE, 40
    found = farrington_scan(Panel(y, 52), [-1])
    assert found.alarm[:, 0].tolist() == [Alarm.UNKNOWN, Alarm.YES]
    assert found.reason[0, 0] == Reason.MISSING_VALUE
    assert found.state[:, 0].tolist() == [Known.UNKNOWN, Known.KNOWN]


def test_it_learns_from_as_many_years_as_there_are_and_says_when_they_are_too_few() -> None:
    y = counts(1)
    panel = Panel(y, 52)
    found = farrington_scan(panel, [100, 165, 300, 619], short_memory=0)
    assert found.alarm[0, 0] == Alarm.UNKNOWN
    assert found.reason[0, 0] == Reason.TOO_FEW_HISTORY
    assert (found.alarm[0, 1:] != Alarm.UNKNOWN).all()
    fixed = farrington_scan(panel, [619], b=5, least_years=5)
    assert fixed.expected[0, 0] != found.expected[0, 3]


def test_without_years_it_answers_from_the_last_periods_and_says_so() -> None:
    y = counts(2, 60)
    y[0, -1] = 40
    found = farrington_scan(Panel(y, 52), [5, 20, 59])
    assert found.reason[:, 0].tolist() == [Reason.TOO_FEW_HISTORY] * 2
    assert found.reason[:, 2].tolist() == [Reason.SHORT_MEMORY] * 2
    assert found.state[:, 2].tolist() == [Known.KNOWN] * 2
    assert found.alarm[:, 2].tolist() == [Alarm.YES, Alarm.NO]


def test_the_short_memory_gives_past_outbreaks_less_weight() -> None:
    """A plain twin of the compiled loop."""
    y = counts(1, 80)
    y[0, 40] = 60
    y[0, 50] = np.nan
    mean, error, spread = recent_fit(y, np.array([79]), 52, 3, 2.58)
    window = y[0, 79 - 3 - 51 : 79 - 3 + 1]
    window = window[~np.isnan(window)]
    weight = np.ones(len(window))
    for round_ in range(3):
        cases = 0.5 + (weight * window).sum()
        mu = cases / len(window)
        phi = max(1.0, float((weight * (window - mu) ** 2).sum()) / mu / (len(window) - 1))
        if round_ < 2:
            residual = 1.5 * (window ** (2 / 3) * mu ** (-1 / 6) - np.sqrt(mu)) / np.sqrt(phi)
            weight = np.where(residual > 2.58, 1 / residual**2, 1.0)
            weight *= len(window) / weight.sum()
    assert_allclose([mean[0, 0], error[0, 0], spread[0, 0]], [mu, np.sqrt(phi / cases), phi], rtol=1e-12)
    assert mu < window.mean()


def test_a_week_without_a_case_raises_no_alarm_whatever_came_before() -> None:
    y = counts(1)
    y[0, -2], y[0, -1] = 60, 0
    found = farrington_scan(Panel(y, 52), [-2, -1])
    assert found.alarm[0].tolist() == [Alarm.YES, Alarm.NO]


def test_history_without_a_case_still_sees_the_first_outbreak() -> None:
    y = np.zeros((1, 620))
    y[0, -1] = 6
    found = detector("farrington_scan")(Panel(y, 52), [-1])
    assert found.alarm[0, 0] == Alarm.YES


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"longest": 0}, "longest must be at least 1"),
        ({"least_years": 11}, "least_years must lie between 1 and b = 10"),
        ({"alpha": 0.7}, "alpha must lie between 0 and 0.5"),
        ({"short_memory": 3}, "short_memory must be 0 or at least 8"),
        ({"population_offset": True}, "needs a panel with population"),
    ],
)
def test_senseless_parameters_are_named(params: dict[str, float], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        detector("farrington_scan")(Panel(counts(), 52), [-1], **params)


def test_poisson_counts_are_bounded_by_the_poisson_quantile_when_nothing_is_uncertain() -> None:
    """With constant history phi is floored at 1: only the error of the mean widens the bound."""
    y = np.full((1, 620), 9.0)
    found = farrington_scan(Panel(y, 52), [-1], longest=1, trend=False)
    assert found.phi[0, 0] == 1
    assert poisson.ppf(0.995, 9) <= found.threshold[0, 0] <= poisson.ppf(0.995, 9) + 1
