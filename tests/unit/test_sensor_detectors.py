"""Checks of sensors and streams: steps, stuck readings, seasons, sums that build up, new regimes."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from anlan.assess.detect.panel import Alarm, Floats, Panel, Reason
from anlan.assess.detect.registry import detector
from anlan.assess.detect.robust import location_scale

#: Montgomery, Introduction to Statistical Quality Control, table 9.1: 20 readings at mean 10, 10 at mean 11
MONTGOMERY = [
    9.45, 7.99, 9.29, 11.66, 12.16, 10.18, 8.04, 11.46, 9.20, 10.34, 9.03, 11.47, 10.51, 9.40, 10.08,
    9.37, 10.62, 10.31, 8.52, 10.84, 10.90, 9.33, 12.29, 11.50, 10.60, 11.08, 10.38, 11.62, 11.31, 10.52,
]  # fmt: skip


def of_mean_10_and_spread_1(readings: list[float]) -> Panel:
    """The readings after a baseline whose median is 10 and whose 1.4826 MAD is 1."""
    part = [10 - 1 / 1.4826, 10 + 1 / 1.4826]
    return Panel(np.array([part * 10 + readings]), 365)


def run(name: str, values: Any, test: Any, freq: int = 365, **params: Any) -> Any:
    return detector(name)(Panel(np.atleast_2d(np.asarray(values, dtype=np.float64)), freq), test, **params)


def test_robust_location_and_spread_are_median_and_mad_over_the_known_values() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(3, 2, (5, 21))
    values[1, 4:12] = np.nan
    values[2] = np.nan
    values[3, :20] = 7.0
    values[4] = 5.0
    centre, scale, n = location_scale(values)
    for row in range(2):
        known = values[row][~np.isnan(values[row])]
        assert_allclose(centre[row], np.median(known))
        assert_allclose(scale[row], 1.4826 * np.median(np.abs(known - np.median(known))))
    assert n.tolist() == [21, 13, 0, 21, 21]
    assert math.isnan(centre[2])
    assert_allclose(scale[3], 1.2533 * np.abs(values[3] - 7).mean())
    assert scale[4] == 0


def test_cusum_gives_the_textbook_sums_and_its_alarm_at_reading_29() -> None:
    panel = of_mean_10_and_spread_1(MONTGOMERY)
    found = detector("cusum_reset")(panel, slice(20, 50), baseline=20, run_in=0, reset=False)
    # C+ and C- as printed: readings 1, 2, 3, 4, 5, 29, 30
    for reading, largest in ((1, 0.05), (2, 1.56), (3, 1.77), (4, 1.16), (5, 2.82), (29, 5.28), (30, 5.30)):
        assert_allclose(found.score[0, reading - 1] * 5, largest, atol=0.005)
    assert np.flatnonzero(found.alarm[0] == Alarm.YES).tolist() == [28, 29]


def test_cusum_begins_anew_after_an_alarm_with_its_head_start() -> None:
    panel = of_mean_10_and_spread_1([20.0, 10.0, 10.0, 13.0])
    found = detector("cusum_reset")(panel, slice(20, 24), baseline=20, run_in=0, fir=0.5)
    # head start 2.5: 2.5 + 10 - 0.5; reset to 2.5, then down by 0.5 twice and up by 2.5
    assert_allclose(found.score[0] * 5, [12.0, 2.0, 1.5, 4.0])


def plain_cusum(z: list[float], k: float, h: float, head: float, reset: bool) -> list[float]:
    sums, high, low = [], head, head
    for value in z:
        if math.isnan(value):
            sums.append(math.nan)
            continue
        high, low = max(0.0, high + value - k), max(0.0, low - value - k)
        sums.append(max(high, low))
        if reset and max(high, low) > h:
            high = low = head
    return sums


@pytest.mark.parametrize(("fir", "reset"), [(0.0, True), (0.5, True), (0.25, False)])
def test_the_cusum_kernel_is_the_sum_written_plainly(fir: float, reset: bool) -> None:
    rng = np.random.default_rng(2)
    counts = rng.normal(5, 2, (3, 200))
    counts[1, 120:] += 3
    counts[2, rng.random(200) < 0.2] = np.nan
    found = detector("cusum_reset")(Panel(counts, 365), slice(100, 200), baseline=50, run_in=30, fir=fir,
                                    reset=reset)  # fmt: skip
    centre, scale, _ = location_scale(counts[:, 20:70])
    for row in range(3):
        z = ((counts[row, 70:] - centre[row]) / scale[row]).tolist()
        assert_allclose(found.score[row] * 5, plain_cusum(z, 0.5, 5.0, fir * 5, reset)[30:], rtol=1e-10)


def test_cusum_raises_a_false_alarm_about_once_in_465_readings() -> None:
    z = np.random.default_rng(3).normal(0, 1, (200, 2020))
    z[:, :20] = np.array([-1 / 1.4826, 1 / 1.4826] * 10)
    found = detector("cusum_reset")(Panel(z, 365), slice(20, 2020), baseline=20, run_in=0)
    between = 200 * 2000 / (found.alarm == Alarm.YES).sum()
    assert 440 < between < 490


@pytest.mark.parametrize(("fir", "run_length"), [(0.0, 10.4), (0.5, 6.35)])
def test_a_shift_of_one_deviation_is_found_as_soon_as_lucas_and_crosier_say(
    fir: float, run_length: float
) -> None:
    # Technometrics 24, table 1: h 5, k 0.5, both sides
    z = np.random.default_rng(14).normal(1, 1, (20_000, 90))
    z[:, :20] = np.array([-1 / 1.4826, 1 / 1.4826] * 10)
    found = detector("cusum_reset")(Panel(z, 365), slice(20, 90), baseline=20, run_in=0, fir=fir)
    first = (found.alarm == Alarm.YES).argmax(axis=1) + 1
    assert_allclose(first.mean(), run_length, atol=0.12)


def plain_page_hinkley(z: list[float], delta: float, h: float, least: int) -> list[float]:
    """The textbook form: m(T) against its minimum, and the same for falls."""
    answers: list[float] = []
    since: list[float] = []
    rise = fall = worst_rise = worst_fall = 0.0
    for value in z:
        if math.isnan(value):
            answers.append(math.nan)
            continue
        since.append(value)
        mean = sum(since) / len(since)
        rise += value - mean - delta
        fall += mean - value - delta
        worst_rise, worst_fall = min(worst_rise, rise), min(worst_fall, fall)
        ph = max(rise - worst_rise, fall - worst_fall)
        answers.append(ph if len(since) >= least else 0.0)
        if len(since) >= least and ph > h:
            since = []
            rise = fall = worst_rise = worst_fall = 0.0
    return answers


def test_page_hinkley_is_the_sum_above_its_least_value() -> None:
    rng = np.random.default_rng(4)
    counts = rng.normal(50, 5, (3, 300))
    counts[1, 200:] += 10
    counts[2, rng.random(300) < 0.1] = np.nan
    found = detector("page_hinkley")(Panel(counts, 365), slice(180, 300), baseline=60, run_in=60)
    centre, scale, _ = location_scale(counts[:, 60:120])
    for row in range(3):
        z = ((counts[row, 120:] - centre[row]) / scale[row]).tolist()
        plain = plain_page_hinkley(z, 0.25, 12.0, 10)[60:]
        assert_allclose(found.score[row] * 12, plain, rtol=1e-9, atol=1e-9)
    assert (found.alarm[1, 20:40] == Alarm.YES).any()
    assert not (found.alarm[0] == Alarm.YES).any()


def enumerated(z: list[float], hazard: float, lag: int) -> float:
    """P(run of at most `lag` readings) by adding up every way to cut the readings into regimes."""

    def evidence(part: list[float]) -> float:
        total, mu, kappa, alpha, beta = 1.0, 0.0, 1.0, 1.0, 1.0
        for x in part:
            scale = math.sqrt(beta * (kappa + 1) / (alpha * kappa))
            total *= float(stats.t.pdf(x, 2 * alpha, mu, scale))
            beta += kappa * (x - mu) ** 2 / (2 * (kappa + 1))
            mu = (kappa * mu + x) / (kappa + 1)
            kappa, alpha = kappa + 1, alpha + 0.5
        return total

    near = whole = 0.0
    for cuts in product((False, True), repeat=len(z)):  # a change after each reading, or none
        weight, begin = 1.0, 0
        for at, cut in enumerate(cuts, start=1):
            weight *= hazard if cut else 1 - hazard
            if cut:
                weight *= evidence(z[begin:at])
                begin = at
        weight *= evidence(z[begin:])
        whole += weight
        near += weight * (len(z) - begin <= lag)
    return near / whole


def test_the_change_point_posterior_is_the_sum_over_all_partitions() -> None:
    tested = [0.3, -0.5, 0.1, 0.8, -0.2, 0.4, 3.5, 4.1]
    panel = of_mean_10_and_spread_1([10 + x for x in tested])
    found = detector("bocpd")(panel, slice(20, 28), baseline=20, run_in=0, lag=2, mean_run=20.0)
    z = [round(x, 10) for x in tested]
    for t in (5, 6, 7, 8):
        assert_allclose(found.score[0, t - 1] * 0.5, enumerated(z[:t], 1 / 20, 2), rtol=1e-8)
    assert (found.reason[0, :4] == Reason.TOO_FEW_HISTORY).all()


def test_a_new_regime_is_found_and_a_calm_one_is_not() -> None:
    rng = np.random.default_rng(5)
    values = rng.normal(20, 2, (2, 400))
    values[1, 350:] += 8
    found = detector("bocpd")(Panel(values, 365), slice(300, 400))
    assert (found.alarm[0] == Alarm.NO).all()
    assert (found.alarm[1, :50] == Alarm.NO).all()
    assert (found.alarm[1, 50:54] == Alarm.YES).any()


def test_runs_longer_than_the_table_are_taken_together_without_losing_the_change() -> None:
    values = np.random.default_rng(6).normal(0, 1, (1, 600))
    values[0, 580:] += 6
    whole, room, short = (
        run("bocpd", values, slice(560, 600), run_in=500, max_run=n).score[0] for n in (700, 541, 100)
    )
    assert_allclose(whole, room, rtol=1e-12)
    assert short[20:].max() > 1.5 and whole[20:].max() > 1.5
    assert short[20:].argmax() == whole[20:].argmax()


@pytest.mark.parametrize(
    ("values", "params", "alarm"),
    [
        ([1, 2, 3, 3, 3, 3, 3, 3], {}, Alarm.YES),
        ([1, 2, 3, 3, 3, 3, 3, 4], {}, Alarm.NO),
        ([1, 2, 3.0, 3.1, 3.0, 3.1, 3.0, 3.05], {"tolerance": 0.1}, Alarm.YES),
        ([0, 0, 0, 0, 0, 0, 0, 0], {"natural": 0.0}, Alarm.NO),  # a dry gauge
        ([3, 3, 3, np.nan, 3, np.nan, 3, 3], {}, Alarm.YES),  # six known ones in twelve periods
        ([3, 3, 3, 3, 3, np.nan, np.nan, np.nan], {}, Alarm.UNKNOWN),
        ([1, np.nan, np.nan, 3, 3, 3, 3, 4], {}, Alarm.NO),  # it moved, whatever the gap hides
        ([np.nan, np.nan, np.nan, 3, 3, 3, 3, 3], {}, Alarm.UNKNOWN),
    ],
)
def test_a_stuck_sensor_is_told_from_a_moving_one(
    values: list[float], params: dict[str, Any], alarm: Alarm
) -> None:
    assert run("flat_line", values, [7], **params).alarm[0, 0] == alarm


def test_a_change_is_judged_by_the_limit_given() -> None:
    values = [10, 11, 15, np.nan, 15, 11]
    found = run("rate_of_change", values, slice(None), limit=3.0)
    assert found.alarm[0].tolist() == [-1, 0, 1, -1, -1, 1]
    assert found.reason[0].tolist()[:4] == [
        Reason.TOO_FEW_HISTORY, Reason.OK, Reason.OK, Reason.MISSING_VALUE
    ]  # fmt: skip
    assert run("rate_of_change", values, [5], limit=3.0, sides="up").alarm[0, 0] == Alarm.NO
    assert run("rate_of_change", values, [5], limit=3.0, sides="down").threshold[0, 0] == 12.0


def test_without_a_limit_past_changes_say_what_is_too_fast() -> None:
    walk = np.random.default_rng(7).normal(0, 1, 200).cumsum()
    found = run("rate_of_change", walk, [150], times=6.0)
    _, spread, _ = location_scale(np.diff(walk)[None, 150 - 53 : 149])
    assert_allclose(found.threshold[0, 0], walk[149] + 6 * spread[0])


def test_a_value_is_compared_with_its_own_season() -> None:
    season = 20 + 10 * np.sin(2 * np.pi * np.arange(365) / 52)
    values = season + np.random.default_rng(8).normal(0, 1, 365)
    values[330] = season[330] + 9
    found = run("seasonal_z", values, slice(312, 365), freq=52)
    rows = [330 - 52 * back + about for back in range(1, 6) for about in range(-2, 3)]
    centre = np.median(values[rows])
    spread = 1.4826 * np.median(np.abs(values[rows] - centre))
    assert_allclose(found.score[0, 18], (values[330] - centre) / spread)
    assert_allclose(found.p_value[0, 18], stats.norm.sf(found.score[0, 18]))
    assert np.flatnonzero(found.alarm[0] == Alarm.YES).tolist() == [18]


def plain_decomposition(y: Floats, t: int, cycle: int, cycles: int) -> float:
    above = [
        y[t - b * cycle] - np.median(y[t - (b + 1) * cycle : t - b * cycle]) for b in range(1, cycles + 1)
    ]
    return float(np.median(y[t - cycle : t]) + np.median(above))


def test_decomposition_is_level_and_season_of_the_past_alone() -> None:
    time = np.arange(400)
    y = 0.05 * time + 5 * np.sin(2 * np.pi * time / 24) + np.random.default_rng(9).normal(0, 0.5, 400)
    found = run("decomposition", y, slice(300, 400), season=24)
    expected = [plain_decomposition(y, t, 24, 3) for t in range(248, 400)]
    assert_allclose(found.expected[0], expected[52:])
    rests = y[248:400] - expected
    spread = 1.4826 * np.median(np.abs(rests[:52] - np.median(rests[:52])))
    assert_allclose(found.score[0, 0], abs(rests[52]) / spread)


@pytest.mark.parametrize("name", ["seasonal_z", "decomposition", "cusum_reset", "rate_of_change"])
def test_off_a_history_that_never_varied_any_other_value_is_an_alarm(name: str) -> None:
    values = np.full((2, 312), 4.0)
    values[0, 311] = 5.0
    found = detector(name)(Panel(values, 52), [311])
    assert found.alarm[:, 0].tolist() == [Alarm.YES, Alarm.NO]
    assert (found.reason == Reason.NO_SPREAD).all()


@pytest.mark.parametrize(
    ("name", "params", "says"),
    [
        ("cusum_reset", {"h": 0}, "h above 0"),
        ("cusum_reset", {"baseline": 3}, "baseline must be at least 8 periods, found 3"),
        ("page_hinkley", {"sides": "up", "delta": -1}, "delta must not be negative"),
        ("bocpd", {"limit": 1.5}, "limit between 0 and 1"),
        ("flat_line", {"n": 1}, "n must be at least 2 readings, found 1"),
        ("rate_of_change", {"limit": -1}, "limit must be a number above 0, found -1"),
        ("rate_of_change", {"sides": "left"}, "sides must be one of up, down, both; found 'left'"),
        ("seasonal_z", {"cycles": 0}, "cycles must be at least 1"),
        ("decomposition", {"season": 1}, "season must be at least 2"),
    ],
)
def test_a_parameter_out_of_range_is_refused(name: str, params: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        run(name, np.ones(100), [99], **params)
