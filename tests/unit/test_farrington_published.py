"""Farrington Flexible on numbers that stand here: no file is needed.

Source of the series: Salmonella Agona, UK, weekly cases 1990-1995, as shipped with the R package
surveillance (`salmonella.agona`); source of the numbers: `farringtonFlexible` of surveillance
1.20.3 (R 4.2.2), k = 264, 294, 312.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from anlan.assess.detect.bayes import bayes
from anlan.assess.detect.farrington import farrington
from anlan.assess.detect.farrington_fits import critical_t, fit_all
from anlan.assess.detect.farrington_flexible import farrington_flexible
from anlan.assess.detect.farrington_plain import cell
from anlan.assess.detect.panel import Alarm, Panel, Reason
from anlan.assess.detect.seasons import reference_rows

AGONA = np.fromstring(
    """
1 0 5 2 1 2 0 4 0 0 0 3 1 1 0 0 2 2 0 2 6 3 2 1 2 0 1 1 3 5 3 4 3 6 5 8 6 3 6 2 5 2 1 5 7
1 10 3 4 0 0 1 6 0 2 2 0 0 2 2 0 6 7 1 0 0 0 1 1 4 3 1 3 2 6 3 4 4 8 12 9 17 16 8 6 13 4 7
10 3 11 4 6 4 7 6 2 9 2 3 4 1 2 2 0 0 1 2 2 2 5 0 0 4 2 1 3 2 0 1 1 3 0 1 3 2 3 6 2 1 3 3
2 2 2 1 3 3 2 3 0 2 4 6 7 3 1 4 1 2 5 1 3 1 0 1 3 3 0 0 1 1 0 1 4 1 1 0 0 1 1 4 1 0 1 2 1
4 3 3 0 3 5 3 3 4 3 3 3 4 5 7 6 5 3 2 1 3 2 1 2 1 1 0 0 1 1 0 1 4 3 2 0 1 0 3 1 1 4 4 0 1
4 2 0 1 1 0 1 1 2 5 4 0 2 1 1 3 6 1 7 6 2 5 7 5 4 5 6 6 1 2 2 5 4 1 6 2 5 3 4 7 6 10 2 4 0
3 0 1 3 0 1 1 0 1 0 1 0 1 2 2 4 7 6 1 4 6 4 2 4 5 5 9 8 6 3 2 3 4 3 3 4 4 2 1 2 3 2 2 0 4
""",
    sep=" ",
)
AT = np.array([263, 293, 311])
NOUFAILY: dict[str, Any] = {
    "alpha": 0.005,
    "no_periods": 10,
    "past_weeks_not_included": 26,
    "threshold_method": "nb_plugin",
    "p_threshold_trend": 1.0,
}


def agona() -> Panel:
    return Panel(AGONA[None], 52)


def test_default_settings_give_the_packages_numbers() -> None:
    found = farrington_flexible(agona(), AT, compat="surveillance")
    assert_allclose(found.threshold[0], [4.892653117320493, 8.69731549438175, 10.668897617593835], rtol=1e-9)
    assert_allclose(found.expected[0], [1.5428571429485587, 3.8429696454939175, 4.588130069174896], rtol=1e-9)
    assert_allclose(
        found.p_value[0], [0.000219078806851003, 0.0413504524839383, 0.5754840022703464], rtol=1e-9
    )
    assert_allclose(found.phi[0], [1.6906502122265064, 1.6292851047399448, 1.8689912391291421], rtol=1e-9)
    assert found.alarm[0].tolist() == [1, 1, 0]
    assert found.trend[0].tolist() == [0, 1, 1]


def test_more_seasons_than_periods_between_windows_are_the_packages_affair_alone() -> None:
    """45 weeks lie between two windows of 7: the package cuts them into 49 seasons, some empty, and stops
    above 52; by default that is refused at once."""
    many: dict[str, Any] = {
        "no_periods": 50, "past_weeks_not_included": 26, "threshold_method": "nb_plugin", "limit54": (0, 4)
    }  # fmt: skip
    found = farrington_flexible(agona(), AT, compat="surveillance", **many)
    assert found.threshold[0].tolist() == [4, 8, 5]
    assert_allclose(
        found.expected[0], [0.98314638259460285, 3.599932389031034, 1.5394274647546078], rtol=1e-9
    )
    assert_allclose(found.phi[0], [1.6999284329211344, 1.8211084392306065, 1.7644449082723512], rtol=1e-9)
    assert found.alarm[0].tolist() == [1, 1, 0]
    with pytest.raises(ValueError, match="52 seasons cannot share the 45 periods"):
        farrington_flexible(agona(), AT, compat="surveillance", **many | {"no_periods": 53})
    with pytest.raises(ValueError, match="49 seasons cannot share the 45 periods"):
        farrington_flexible(agona(), AT, **many)


@pytest.mark.parametrize(
    ("no_periods", "threshold", "expected", "alarm"),
    [
        (1, [6, 13, 5], [2.8430367115357922, 6.9037441509657125, 2.1004288455737825], [1, 0, 0]),
        (3, [6, 4, 2], [2.6467934103391255, 1.3333333333492925, 0.57570950621599393], [1, 1, 1]),
    ],
)
def test_windows_longer_than_a_year_of_four_quarters_give_the_packages_numbers(
    no_periods: int, threshold: list[float], expected: list[float], alarm: list[int]
) -> None:
    """The same counts read as quarters, with the default window of 7; by default that is refused."""
    quarters = Panel(AGONA[None], 4)
    given: dict[str, Any] = {
        "no_periods": no_periods, "past_weeks_not_included": 2, "limit54": (0, 4),
        "threshold_method": "nb_plugin",
    }  # fmt: skip
    found = farrington_flexible(quarters, AT, compat="surveillance", **given)
    assert found.threshold[0].tolist() == threshold
    assert_allclose(found.expected[0], expected, rtol=1e-9)
    assert found.alarm[0].tolist() == alarm
    with pytest.raises(ValueError, match="no longer than a year"):
        farrington_flexible(quarters, AT, **given)


def test_the_older_rules_take_long_windows_of_quarters_as_the_package_does() -> None:
    quarters = Panel(AGONA[None], 4)
    found = farrington(quarters, AT, w=4, limit54=(0, 4), compat="surveillance")
    assert_allclose(
        found.threshold[0], [8.570229874572604, 13.517092850106836, 5.4283882498606824], rtol=1e-9
    )
    assert found.trend[0].tolist() == [0, 1, 1]
    assert bayes(quarters, AT, b=2, w=6, act_y=True, compat="surveillance").threshold[0].tolist() == [8, 8, 5]
    for refused in (farrington, bayes):
        with pytest.raises(ValueError, match="below a year"):
            refused(quarters, AT, w=4)


def test_settings_of_the_2013_paper_give_the_packages_numbers() -> None:
    found = farrington_flexible(agona(), AT, compat="surveillance", **NOUFAILY)
    assert found.threshold[0].tolist() == [6, 13, 8]
    assert_allclose(
        found.expected[0], [1.0884197273991163, 3.8557313684706553, 1.7367242561851455], rtol=1e-9
    )
    assert_allclose(
        found.p_value[0],
        [0.0003001917746951886, 0.053325711164223855, 0.14027852019846473],
        rtol=1e-9,
    )
    assert_allclose(
        found.trend_coef[0],
        [-0.002156171799420999, -0.0013971840108844302, -0.0014779082878538699],
        rtol=1e-9,
    )
    assert found.alarm[0].tolist() == [1, 0, 0]


def hard_panel() -> Panel:
    """Seasonal, sparse, growing, huge, overdispersed, gappy and empty series with a population."""
    rng = np.random.default_rng(11)
    week = np.arange(330)
    season = 1 + 0.6 * np.sin(2 * np.pi * week / 52)
    means = [4 * season, 0.03 + 0 * week, 0.5 * np.exp(0.012 * week), 2e5 * season, 30 * season, 8 * season]
    counts = np.array([rng.poisson(m) for m in means], dtype=np.float64)
    counts[4] = rng.negative_binomial(2, 2 / (2 + means[4]))
    counts[5, rng.random(330) < 0.2] = np.nan
    counts[0, 180:186] += 60
    population = np.round(1e5 * (1 + 0.3 * week / 330 + 0.1 * season)) * np.ones((6, 1))
    return Panel(counts, 52, population)


@pytest.mark.parametrize("as_package", [False, True])
@pytest.mark.parametrize("no_periods", [1, 10])
@pytest.mark.parametrize("with_population", [False, True])
@pytest.mark.parametrize("reweight", [False, True])
def test_the_fast_form_agrees_with_its_readable_twin(
    as_package: bool, no_periods: int, with_population: bool, reweight: bool
) -> None:
    panel = hard_panel()
    at = np.array([290, 307, 329])
    rows = reference_rows(at, 330, freq=52, dates=None, b=5, w=3, no_periods=no_periods, past_not_included=10)
    fits = fit_all(
        panel,
        at,
        rows,
        trend=True,
        p_threshold_trend=0.05,
        reweight=reweight,
        weights_threshold=2.58,
        population_offset=with_population,
        as_package=as_package,
    )
    assert panel.population is not None
    compared = 0
    for s in range(panel.n_series):
        for j, now in enumerate(at):
            cut = slice(rows.bounds[j, 0], rows.bounds[j, -1])
            k, tick = rows.rows[cut], rows.tick[cut].astype(np.float64)
            season = np.repeat(np.arange(1, no_periods + 1), np.diff(rows.bounds[j]))
            known = ~np.isnan(panel.counts[s, k])
            plain = cell(
                panel.counts[s, k][known],
                tick[known],
                season[known],
                float(rows.tick_now[j]),
                no_periods,
                critical_t(0.05, 400),
                offset=np.log(panel.population[s, k][known]) if with_population else None,
                offset_now=float(np.log(panel.population[s, now])) if with_population else 0.0,
                reweight=reweight,
                as_package=as_package,
            )
            reason = fits.reason[s, j]
            assert plain.converged == (reason != Reason.NO_CONVERGENCE)
            if reason != Reason.OK:
                continue
            compared += 1
            assert (fits.kept[s, j] == 1) == plain.kept
            assert_allclose(fits.mu[s, j], plain.mu, rtol=1e-9)
            assert_allclose(fits.se_log[s, j], plain.se_log, rtol=1e-8)
            assert_allclose(fits.phi[s, j], plain.phi, rtol=1e-8)
            if plain.kept:
                assert_allclose(fits.slope[s, j], plain.slope, rtol=1e-8)
    assert compared >= 14


@pytest.mark.parametrize("mean", [4.6, 43.0])
def test_a_trend_that_is_not_there_is_kept_about_as_often_as_the_level_says(mean: float) -> None:
    """Nominal 5 %. The package keeps 22 % at mean 4.6 and 81 % at 43 (fixtures' README, note 3)."""
    counts = np.random.default_rng(5).negative_binomial(mean / 0.5, 1 / 1.5, (800, 300)).astype(np.float64)
    settings: dict[str, Any] = {"no_periods": 10, "past_weeks_not_included": 26}
    mended = farrington_flexible(Panel(counts, 52), [299], **settings)
    package = farrington_flexible(Panel(counts, 52), [299], compat="surveillance", **settings)
    assert 0.02 < (mended.trend == 1).mean() < 0.09
    assert (package.trend == 1).mean() > 0.15


def test_cases_after_years_of_none_raise_an_alarm_and_the_fallback_is_named() -> None:
    counts = np.zeros((1, 312))
    counts[0, 308:] = [2, 5, 9, 0]
    settings: dict[str, Any] = {"no_periods": 10, "past_weeks_not_included": 26}
    found = farrington_flexible(Panel(counts, 52), slice(308, 312), **settings)
    assert found.alarm[0].tolist() == [0, 1, 1, 0]  # 2 cases are fewer than limit54 asks for
    assert found.reason[0].tolist() == [Reason.TOO_FEW_CASES] + [Reason.NO_CONVERGENCE] * 3
    package = farrington_flexible(Panel(counts, 52), slice(308, 312), compat="surveillance", **settings)
    assert (package.alarm == Alarm.UNKNOWN).all()


@pytest.mark.parametrize("method", ["delta", "nb_plugin", "muan"])
def test_a_season_without_cases_is_no_blind_spot(method: Any) -> None:
    week = np.arange(312)
    counts = np.where((week % 52 >= 20) & (week % 52 < 34), 12.0, 0.0)[None]
    counts[0, 311] = 6
    found = farrington_flexible(Panel(counts, 52), [311], no_periods=10, threshold_method=method, alpha=0.01)
    assert found.alarm.tolist() == [[Alarm.YES]]
    assert found.reason.tolist() == [[Reason.NO_CASES_IN_SEASON]]
    assert found.threshold[0, 0] < 6


def test_a_missing_value_is_unknown_and_recent_gaps_do_not_silence_an_alarm() -> None:
    counts = AGONA.copy()
    counts[309] = np.nan
    counts[311] = 40
    mended = farrington_flexible(Panel(counts[None], 52), [309, 310, 311])
    package = farrington_flexible(Panel(counts[None], 52), [309, 310, 311], compat="surveillance")
    assert mended.alarm[0].tolist() == [Alarm.UNKNOWN, Alarm.NO, Alarm.YES]
    assert package.alarm[0].tolist() == [0, 0, 0]
    assert (mended.reason[0, 0], mended.expected[0, 0] > 0) == (Reason.MISSING_VALUE, True)


@pytest.mark.parametrize("method", ["delta", "nb_plugin", "muan"])
def test_a_score_above_one_is_a_count_above_the_bound(method: Any) -> None:
    panel = hard_panel()
    found = farrington_flexible(
        panel, slice(280, 330), threshold_method=method, no_periods=10, limit54=(0, 4)
    )
    y = panel.counts[:, found.test]
    known = ~np.isnan(y) & ~np.isnan(found.threshold)
    assert known.sum() > 200
    assert_array_equal((found.score > 1)[known], (y > found.threshold)[known])
    assert_array_equal((found.alarm == 1)[known], (y > found.threshold)[known])


def test_one_series_gets_the_same_answer_alone_and_in_a_panel() -> None:
    panel = hard_panel()
    together = farrington_flexible(panel, slice(300, 330), no_periods=10)
    for s in range(panel.n_series):
        alone = farrington_flexible(Panel(panel.counts[s : s + 1], 52), slice(300, 330), no_periods=10)
        assert_array_equal(alone.threshold[0], together.threshold[s])
        assert_array_equal(alone.alarm[0], together.alarm[s])


def test_too_short_a_history_is_refused_or_unknown_as_asked() -> None:
    with pytest.raises(ValueError, match="some reference times do not exist: 5 year"):
        farrington_flexible(agona(), [200, 300])
    found = farrington_flexible(agona(), [200, 300], short_history="unknown")
    assert found.alarm[0].tolist()[0] == Alarm.UNKNOWN
    assert found.reason[0].tolist() == [Reason.TOO_FEW_HISTORY, Reason.OK]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"alpha": 1.5}, "alpha must lie between 0 and 1, found 1.5"),
        ({"w": 40}, "w must be at least 0 and its window no longer than a year"),
        ({"no_periods": 60}, "no_periods is too large"),
        ({"population_offset": True}, "needs a panel with population"),
        ({"threshold_method": "nbPlugin"}, "must be one of delta, nb_plugin, muan"),
        ({"limit54": (5, 0)}, "limit54 must be"),
    ],
)
def test_senseless_settings_are_refused(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        farrington_flexible(agona(), [311], **settings)
