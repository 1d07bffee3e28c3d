"""Return levels, subsequence methods, forecasts and offline change points."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from scipy.integrate import quad

from anlan.assess.detect.change_points import change_points
from anlan.assess.detect.conformal import conformal
from anlan.assess.detect.extreme_fits import fit_gev, fit_gpd
from anlan.assess.detect.matrix_profile import left_profile
from anlan.assess.detect.panel import Alarm, Floats, Panel, Reason
from anlan.assess.detect.registry import detector
from anlan.assess.detect.return_level import (
    gev_l_moments,
    gev_level,
    gpd_l_moments,
    l_moments,
)
from anlan.assess.detect.sub_pca import reconstruction_errors
from anlan.assess.detect.subsequences import carried

#: highest sea level of each year at Port Pirie, South Australia, 1923-1987, m (Coles 2001, example 1.1)
PORT_PIRIE = np.array([
    4.03, 3.83, 3.65, 3.88, 4.01, 4.08, 4.18, 3.80, 4.36, 3.96, 3.98, 4.69, 3.85, 3.96, 3.85, 3.93, 3.75,
    3.63, 3.57, 4.25, 3.97, 4.05, 4.24, 4.22, 3.73, 4.37, 4.06, 3.71, 3.96, 4.06, 4.55, 3.79, 3.89, 4.11,
    3.85, 3.86, 3.86, 4.21, 4.01, 4.11, 4.24, 3.96, 4.21, 3.74, 3.85, 3.88, 3.66, 4.11, 3.71, 4.18, 3.90,
    3.78, 3.91, 3.72, 4.00, 3.66, 3.62, 4.33, 4.55, 3.75, 4.08, 3.90, 3.88, 3.94, 4.33,
])  # fmt: skip


def run(name: str, values: Any, test: Any, freq: int = 52, **params: Any) -> Any:
    return detector(name)(Panel(np.atleast_2d(np.asarray(values, dtype=np.float64)), freq), test, **params)


def test_port_pirie_has_the_published_return_levels() -> None:
    l1, l2, t3, n = l_moments(PORT_PIRIE[None])
    assert n[0] == 65
    fit = gev_l_moments(l1, l2, t3)
    # Coles 2001, 3.4.1: 3.87, 0.198, -0.050; levels of 10 and 100 years 4.30 (4.19, 4.41), 4.69 (4.38, 5.00)
    assert_allclose([float(p[0]) for p in fit], [3.87, 0.198, -0.050], atol=0.006)
    assert_allclose(gev_level(*fit, 10.0), 4.30, atol=0.01)
    assert_allclose(gev_level(*fit, 100.0), 4.69, atol=0.02)


def test_sample_l_moments_are_scipys() -> None:
    for seed in range(3):
        x = np.random.default_rng(seed).gamma(2.0, 3.0, 40)
        l1, l2, t3, _ = l_moments(x[None])
        assert_allclose([l1[0], l2[0], t3[0]], stats.lmoment(x, order=[1, 2, 3]), rtol=1e-10)


@pytest.mark.parametrize("t3", [-0.1, 0.05, 0.1699250, 0.3, 0.6])
def test_the_fitted_extreme_value_law_has_the_samples_l_moments(t3: float) -> None:
    loc, scale, xi = (float(p[0]) for p in gev_l_moments(np.array([10.0]), np.array([2.0]), np.array([t3])))

    def moment(weight: Any) -> float:
        return float(quad(lambda u: stats.genextreme.ppf(u, -xi, loc, scale) * weight(u), 0, 1, limit=400)[0])

    assert_allclose(moment(lambda u: 1.0), 10.0, rtol=1e-5)
    assert_allclose(moment(lambda u: 2 * u - 1), 2.0, rtol=1e-5)
    assert_allclose(moment(lambda u: 6 * u * u - 6 * u + 1), 2.0 * t3, rtol=1e-4, atol=1e-6)


def test_a_pareto_law_is_found_again_from_its_excesses() -> None:
    for xi in (-0.2, 0.0, 0.2):
        x = stats.genpareto.rvs(xi, 0, 3.0, size=200_000, random_state=1)
        l1, l2, _, _ = l_moments(x[None])
        scale, shape = gpd_l_moments(l1, l2)
        assert_allclose([scale[0], shape[0]], [3.0, xi], atol=0.05)


def plain_peaks_level(past: Floats, q: float, gap: int, freq: int, period: float) -> float:
    u = float(np.quantile(past, q))
    spells: list[list[float]] = []
    calm = gap
    for x in past:
        if x > u:
            if calm >= gap:
                spells.append([])
            spells[-1].append(x)
            calm = 0
        else:
            calm += 1
    excess = np.array([max(spell) - u for spell in spells])
    l1, l2 = stats.lmoment(excess, order=[1, 2])
    k = l1 / l2 - 2
    return float(u + stats.genpareto.ppf(1 - len(past) / (len(excess) * freq * period), -k, 0, (1 + k) * l1))


@pytest.mark.parametrize("gap", [1, 3])
def test_the_peaks_level_is_that_of_the_spells_of_the_past(gap: int) -> None:
    y = stats.gumbel_r.rvs(20, 3, size=1000, random_state=2).round(1)
    found = run("return_level", y, [900, 999], gap=gap, years=10)
    for column, t in enumerate((900, 999)):
        assert_allclose(found.threshold[0, column], plain_peaks_level(y[t - 520 : t], 0.9, gap, 52, 10.0))


def test_low_water_is_high_water_turned_over() -> None:
    y = np.random.default_rng(3).gamma(5, 2, 800)
    y[700] = 0.01
    up, down = run("return_level", -y, slice(600, 800)), run("return_level", y, slice(600, 800), sides="down")
    assert_allclose(down.threshold, -up.threshold)
    assert (down.alarm == up.alarm).all()
    assert down.alarm[0, 100] == Alarm.YES


@pytest.mark.parametrize("method", ["pot", "gev"])
def test_the_ten_year_level_is_passed_in_about_one_year_of_ten(method: str) -> None:
    rng = np.random.default_rng(4)
    y = rng.gumbel(10, 2, (400, 31 * 12))
    found = run("return_level", y, slice(360, 372), freq=12, method=method, years=30)
    passed = (found.alarm == Alarm.YES).any(axis=1).mean()
    assert 0.06 < passed < 0.16


def test_a_conformal_p_value_is_the_rank_among_the_past() -> None:
    stat = np.array([[3.0, 1.0, 4.0, np.nan, 5.0, 9.0, 2.0, 6.0, 4.0, 10.0]])
    bound, p_value = conformal(stat, 8, 8, 0.25)
    assert_allclose(p_value, [[5 / 8, 1 / 8]])  # one of the eight past values is missing
    assert_allclose(bound, [[6.0, 6.0]])


def test_conformal_alarms_come_as_often_as_alpha_says() -> None:
    stat = np.random.default_rng(5).gamma(1, 1, (50, 2000))
    bound, p_value = conformal(stat, 500, 199, 0.02)
    assert ((stat[:, 500:] > bound) == (p_value <= 0.02)).all()
    assert_allclose((stat[:, 500:] > bound).mean(), 0.02, atol=0.002)


def with_a_broken_beat() -> Floats:
    rng = np.random.default_rng(6)
    y = np.sin(np.arange(300) / 4) + rng.normal(0, 0.1, 300)
    y[200:208] += rng.normal(0, 2, 8)
    return y


@pytest.mark.parametrize(("m", "memory"), [(8, 1000), (16, 60)])
def test_the_left_profile_is_the_least_distance_to_the_past(m: int, memory: int) -> None:
    y = with_a_broken_beat()
    ours = left_profile(y[None], m, memory)[0]
    for t in range(100, 300, 7):
        ends = range(max(m - 1, t - memory), t - m // 4)
        now = stats.zscore(y[t - m + 1 : t + 1])
        plain = min(np.linalg.norm(now - stats.zscore(y[e - m + 1 : e + 1])) for e in ends)
        assert_allclose(ours[t], plain, rtol=1e-9)


#: the series from the standard input, the least distance of every stretch to those before it to the output
STUMPY = """
import json, sys
import numpy as np
import stumpy
y, m = np.array(json.load(sys.stdin)), int(sys.argv[1])
told = [stumpy.mass(y[t - m + 1 : t + 1], y[: t - m // 4]).min() for t in range(60, len(y))]
print(json.dumps([float(least) for least in told]))
"""


def test_the_left_profile_is_the_least_of_stumpys_distances() -> None:
    y, m = with_a_broken_beat(), 8
    ours = left_profile(y[None], m, 1000)[0]
    # to compile its functions would take longer than to run them as they are written
    told = subprocess.run(
        [sys.executable, "-c", STUMPY, str(m)],
        input=json.dumps(y.tolist()),
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert_allclose(ours[60:], json.loads(told.stdout), rtol=1e-6)


def test_a_flat_stretch_is_like_a_flat_one_and_unlike_any_other() -> None:
    rng = np.random.default_rng(7)
    y = np.concatenate([np.zeros(30), rng.normal(0, 1, 30), np.full(8, 5.0)])
    profile = left_profile(y[None], 8, 1000)[0]
    assert profile[20] == 0.0
    assert profile[67] == 0.0
    only = left_profile(y[None, 30:], 8, 1000)[0]
    assert_allclose(only[37], np.sqrt(8))


def test_a_stretch_like_none_before_is_an_alarm() -> None:
    rng = np.random.default_rng(8)
    y = np.sin(2 * np.pi * np.arange(600) / 12) + rng.normal(0, 0.1, 600)
    y[520:526] = 0.5  # a beat is lost
    for name in ("matrix_profile", "sub_pca"):
        found = run(name, y, slice(400, 600))
        assert (found.alarm[0, 122:126] == Alarm.YES).any(), name
        assert (found.alarm[0, :110] == Alarm.YES).mean() < 0.06, name


def plain_error(y: Floats, t: int, length: int, window: int, explained: float) -> float:
    past = np.array(
        [y[e - length + 1 : e + 1] for e in range(max(length - 1, t - length - window + 1), t - length + 1)]
    )
    centred = past - past.mean(axis=0)
    _, sizes, directions = np.linalg.svd(centred, full_matrices=True)
    variance = np.zeros(length)
    variance[: len(sizes)] = sizes**2
    rest = 1 - np.cumsum(variance) / variance.sum()
    kept = directions[: int(np.argmax(rest <= 1 - explained)) + 1]
    x = y[t - length + 1 : t + 1] - past.mean(axis=0)
    return float(np.sqrt(((x - kept.T @ (kept @ x)) ** 2).sum() / length))


@pytest.mark.parametrize(("length", "explained"), [(6, 0.9), (10, 0.6)])
def test_the_error_is_what_the_main_directions_leave(length: int, explained: float) -> None:
    y = np.sin(np.arange(160) / 3) + np.random.default_rng(9).normal(0, 0.3, 160)
    errors = reconstruction_errors(y[None], length, 60, explained)[0]
    for t in (100, 130, 159):
        # the window of stretches ends where the tested stretch begins
        assert_allclose(errors[t], plain_error(y, t, length, 60, explained), rtol=1e-6)


def test_small_gaps_are_closed_with_what_was_known_and_large_ones_are_not() -> None:
    y = np.array([[1, 2, np.nan, 4, 5, np.nan, np.nan, 8, 9, 10, 11, 12.0]])
    assert_allclose(carried(y, 4), [[1, 2, 2, 4, 5, *[np.nan] * 4, 10, 11, 12]])


@pytest.mark.parametrize("model", ["seasonal_naive", "auto_ets", "mstl"])
def test_a_spike_is_outside_the_interval_of_the_forecast_and_its_neighbours_are_not(model: str) -> None:
    rng = np.random.default_rng(10)
    y = 30 + 8 * np.sin(2 * np.pi * np.arange(120) / 12) + rng.normal(0, 1, 120)
    y[117] += 15
    found = run("prediction_interval", y, [116, 117], freq=12, model=model, window=96)
    assert found.alarm[0].tolist() == [Alarm.NO, Alarm.YES]
    assert_allclose(found.expected[0, 0], 30 + 8 * np.sin(2 * np.pi * 116 / 12), atol=4)


def test_the_seasonal_naive_forecast_is_the_value_a_season_ago_with_its_spread() -> None:
    y = np.random.default_rng(11).normal(50, 5, 60)
    found = run("prediction_interval", y, [59], freq=12, window=48, coverage=0.95)
    assert_allclose(found.expected[0, 0], y[47])
    steps = y[23:59] - y[11:47]
    assert_allclose(found.threshold[0, 0], y[47] + stats.norm.ppf(0.975) * np.sqrt((steps**2).mean()))


def test_a_conformal_interval_is_made_of_past_errors() -> None:
    y = np.random.default_rng(12).normal(50, 5, 80)
    own = run("prediction_interval", y, [79], freq=12, window=72, coverage=0.9)
    conform = run("prediction_interval", y, [79], freq=12, window=72, coverage=0.9, conformal=20)
    errors = np.abs(y[59:79] - y[47:67])
    assert conform.expected[0, 0] == own.expected[0, 0]
    assert conform.threshold[0, 0] != own.threshold[0, 0]
    width = conform.threshold[0, 0] - conform.expected[0, 0]
    assert np.sort(errors)[15] <= width <= errors.max()


def test_a_series_that_never_varied_is_forecast_as_it_is() -> None:
    y = np.full((2, 60), 3.0)
    y[0, 59] = 4.0
    found = run("prediction_interval", y, [59], freq=12, window=48, model="auto_ets")
    assert found.alarm[:, 0].tolist() == [Alarm.YES, Alarm.NO]
    assert (found.reason == Reason.NO_SPREAD).all()


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="ruptures has no release for Python 3.14")
def test_offline_change_points_are_where_the_level_changed() -> None:
    rng = np.random.default_rng(13)
    y = rng.normal(0, 1, (3, 120))
    y[0, 40:] += 4
    y[0, 80:] -= 6
    y[0, 10:14] = np.nan
    y[2] = 7.0
    found = change_points(y)
    assert found[0].tolist() == [40, 80]
    assert found[1].tolist() == []
    assert found[2].tolist() == []


@pytest.mark.parametrize(
    ("name", "params", "says"),
    [
        ("return_level", {"return_period": 1}, "return_period must be above 1"),
        ("return_level", {"min_peaks": 2}, "min_peaks at least 5"),
        ("return_level", {"bound": "upper"}, "bound 'upper' needs fit 'mle', found 'l_moments'"),
        ("return_level", {"bound": "upper", "fit": "mle", "confidence": 95}, "confidence must lie between"),
        ("matrix_profile", {"length": 2}, "length must be at least 4 periods, found 2"),
        ("matrix_profile", {"calibration": 50}, "calibration must be at least 1 / alpha - 1 = 99"),
        ("sub_pca", {"explained": 1.0}, "explained must lie between 0 and 1, found 1.0"),
        ("sub_pca", {"window": 10}, r"window must be at least two lengths \(16\), found 10"),
        ("prediction_interval", {"model": "arima"}, "model must be one of"),
        ("prediction_interval", {"window": 60}, "window hold two of them"),
        ("prediction_interval", {"coverage": 99}, "coverage and min_known must lie between 0 and 1"),
    ],
)
def test_a_parameter_out_of_range_is_refused(name: str, params: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        run(name, np.ones(300), [299], **params)


# ── extreme value laws by maximum likelihood ─────────────────────────────────────────────────────


def test_port_pirie_has_the_published_likelihood_and_intervals() -> None:
    fit = fit_gev(PORT_PIRIE)
    # Coles 2001, 3.4.1: estimates, standard errors, maximised log-likelihood 4.34
    assert_allclose(fit.theta, [3.87, 0.198, -0.050], atol=0.005)
    assert_allclose(fit.se, [0.028, 0.020, 0.098], atol=0.0006)
    assert_allclose(fit.loglik, 4.34, atol=0.005)
    # levels with 95 % intervals by the delta method, and by the profile for 100 years, read off figure 3.3
    assert_allclose([fit.level(10), *fit.interval(10, by="delta")], [4.30, 4.19, 4.41], atol=0.01)
    assert_allclose([fit.level(100), *fit.interval(100, by="delta")], [4.69, 4.38, 5.00], atol=0.005)
    assert_allclose(fit.interval(100), [4.50, 5.27], atol=0.012)


@pytest.mark.parametrize("seed", range(8))
def test_the_likeliest_laws_are_those_of_scipy(seed: int) -> None:
    xi = (-0.3, -0.1, 0.0, 0.05, 0.2, 0.35, 0.5, 0.8)[seed]
    maxima = stats.genextreme.rvs(-xi, 10, 2, size=60, random_state=seed)
    fit = fit_gev(maxima)
    c, loc, scale = stats.genextreme.fit(maxima, -fit.theta[2], loc=fit.theta[0], scale=fit.theta[1])
    assert_allclose(fit.theta, [loc, scale, -c], rtol=2e-4, atol=2e-4)
    assert fit.loglik >= stats.genextreme.logpdf(maxima, c, loc, scale).sum() - 1e-9
    excesses = stats.genpareto.rvs(xi, 0, 3, size=60, random_state=seed)
    peaks = fit_gpd(excesses)
    c, _, scale = stats.genpareto.fit(excesses, peaks.theta[1], floc=0, scale=peaks.theta[0])
    assert_allclose(peaks.theta, [scale, c], rtol=2e-4, atol=2e-4)
    assert peaks.loglik >= stats.genpareto.logpdf(excesses, c, 0, scale).sum() - 1e-9


@pytest.mark.parametrize("method", ["pot", "gev"])
def test_a_level_by_likelihood_is_that_of_the_fit_to_the_same_past(method: str) -> None:
    y = stats.gumbel_r.rvs(20, 3, size=12 * 41, random_state=9)
    found = run("return_level", y, [480], freq=12, method=method, fit="mle", years=40)
    past = y[:480]
    if method == "gev":
        level = fit_gev(past.reshape(40, 12).max(axis=1)).level(10)
    else:
        u = float(np.quantile(past, 0.9))
        over = past > u
        starts = np.flatnonzero(over & ~np.r_[False, over[:-1]])
        peaks = [past[s : s + int(np.argmin(np.r_[over[s:], False]))].max() for s in starts]
        level = fit_gpd(np.array(peaks) - u, loc=u, rate=len(peaks) / 40).level(10)
    assert_allclose(found.threshold[0, 0], level, rtol=1e-9)
    other = run("return_level", y, [480], freq=12, method=method, years=40)
    assert_allclose(found.threshold, other.threshold, rtol=0.1)


def test_a_rule_may_ask_for_an_end_of_the_interval_of_the_level() -> None:
    y = np.append(PORT_PIRIE, [4.8])
    how: dict[str, Any] = {"method": "gev", "fit": "mle", "years": 65, "return_period": 100.0}
    level, lower, upper = (
        run("return_level", y, [65], freq=1, **how, bound=bound) for bound in ("level", "lower", "upper")
    )
    # Coles 2001, figure 3.3: 4.69 with the interval 4.50 to 5.27
    ends = [float(one.threshold[0, 0]) for one in (lower, level, upper)]
    assert_allclose(ends, [4.50, 4.69, 5.27], atol=0.012)
    # above the level, but not above what it may be
    assert [int(one.alarm[0, 0]) for one in (lower, level, upper)] == [1, 1, 0]
    wider = run("return_level", y, [65], freq=1, **how, bound="upper", confidence=0.99)
    assert wider.threshold[0, 0] > ends[2]
    # of a low level the ends are those of the mirrored series
    low = run("return_level", -y, [65], freq=1, **how, bound="lower", sides="down")
    assert_allclose(low.threshold, -upper.threshold, rtol=1e-12)


def test_the_end_of_a_level_by_peaks_is_that_of_the_fit_and_unknown_where_the_data_give_none() -> None:
    y = stats.gumbel_r.rvs(20, 3, size=12 * 41, random_state=9)
    how: dict[str, Any] = {"freq": 12, "fit": "mle", "years": 40}
    low, level, high = (
        float(run("return_level", y, [480], **how, bound=bound).threshold[0, 0])
        for bound in ("lower", "level", "upper")
    )
    assert low < level < high < 2 * level
    few = run("return_level", y[-170:], [169], **how, bound="upper", min_peaks=5)
    assert few.alarm[0, 0] == Alarm.UNKNOWN and few.reason[0, 0] == Reason.NO_CONVERGENCE
    flat = run("return_level", np.full(120, 3.0), [119], **how, bound="upper")
    assert flat.threshold[0, 0] == 3.0 and flat.alarm[0, 0] == Alarm.NO


def test_profile_intervals_hold_what_they_promise() -> None:
    held = []
    for seed in range(60):
        fit = fit_gpd(stats.genpareto.rvs(0.1, 0, 2, size=60, random_state=seed), rate=3.0)
        low, high = fit.interval(20)
        assert low < fit.level(20) < high
        held.append(low <= stats.genpareto.ppf(1 - 1 / 60, 0.1, 0, 2) <= high)
    assert 0.85 < np.mean(held) <= 1.0  # 95 % promised


def test_where_the_likelihood_has_no_regular_maximum_the_level_is_unknown() -> None:
    # a ceiling: the shape lies beyond -1/2
    y = np.tile(np.r_[np.zeros(40), [9.0, 9.9, 9.99, 10.0, 9.95]], 12) + np.arange(540) * 1e-9
    found = run("return_level", y, [539], freq=45, fit="mle", gap=1, quantile=0.85)
    assert found.reason[0, 0] == Reason.NO_CONVERGENCE and found.alarm[0, 0] == Alarm.UNKNOWN
    with pytest.raises(ValueError, match="no regular maximum"):
        fit_gpd(np.array([1.0, 1.0, 1.0, 1.0, 1.0, 0.999]))
    with pytest.raises(ValueError, match="5 values or more that differ"):
        fit_gev(np.array([1.0, np.nan, 2.0]))
