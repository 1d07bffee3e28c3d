"""EWMA, adaptive regression and their switch: numbers of CDC's pynssp 0.1.0, and what is mended."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from anlan.assess.detect.ewma import colours
from anlan.assess.detect.panel import Alarm, Floats, Panel, Reason
from anlan.assess.detect.registry import detector

#: first days of a made series with season and weekdays, from Wednesday 1 January 2014
DAILY = np.array(
    [
        [
            13,
            10,
            8,
            20,
            13,
            8,
            17,
            13,
            18,
            15,
            13,
            14,
            14,
            6,
            19,
            13,
            12,
            6,
            11,
            15,
            12,
            8,
            16,
            15,
            9,
            12,
            15,
            17,
            26,
            13,
            14,
            9,
            6,
            14,
            15,
            18,
            13,
            14,
            13,
            11,
            23,
        ]
    ],
    dtype=np.float64,
)
DATES = np.datetime64("2014-01-01") + np.arange(DAILY.shape[1])


@pytest.mark.parametrize(
    ("name", "day", "expected", "statistic", "p_value", "colour"),
    [
        ("ewma", 13, 13.454545454545455, -1.187861716928371, 0.8688323932031774, "blue"),
        ("ewma", 29, 12.777777777777779, 1.5301917527132267, 0.06902323790779508, "blue"),
        ("ewma", 40, 13.241379310344827, 2.15020136089785, 0.020160407702502714, "yellow"),
        ("adaptive_regression", 13, 18.999999999999968, -1.5573406338907911, 0.8913689200935719, "blue"),
        ("adaptive_regression", 29, 13.781249999999083, -0.15368581943459259, 0.5602609723448093, "blue"),
        ("adaptive_regression", 40, 15.107142857142858, 1.6946736579758805, 0.052826385977666535, "blue"),
        ("switch", 13, 13.454545454545455, -1.187861716928371, 0.8688323932031774, "blue"),
        ("switch", 29, 12.777777777777779, 1.5301917527132267, 0.06902323790779508, "blue"),
        ("switch", 40, 13.241379310344827, 2.15020136089785, 0.020160407702502714, "yellow"),
    ],
)
def test_the_package_gives_the_same_numbers(
    name: str, day: int, expected: float, statistic: float, p_value: float, colour: str
) -> None:
    found = detector(name)(Panel(DAILY, 365, dates=DATES), [day], compat="pynssp")
    assert_allclose(
        [found.expected[0, 0], found.score[0, 0], found.p_value[0, 0]],
        [expected, statistic, p_value],
        rtol=1e-9,
    )
    assert colours(found)[0, 0] == colour


def plain_ewma(y: Floats, b: int, g: int, w1: float, w2: float) -> list[float]:
    """The larger statistic at each time of one series, as one would write it from the formula."""
    answers = []
    z = [math.nan, math.nan]
    for t, value in enumerate(y):
        past = y[max(0, t - g - b) : max(0, t - g)]
        past = past[~np.isnan(past)]
        best = math.nan
        for j, w in enumerate((w1, w2)):
            if not math.isnan(value):
                z[j] = value if math.isnan(z[j]) else w * value + (1 - w) * z[j]
            if len(past) < min(b, 11) or t - g < 11 or math.isnan(value):
                continue
            n = len(past)
            alert, warning = (round(float(stats.t.ppf(q, n - 1)), 5) for q in (0.99, 0.975))
            spread = math.sqrt(w / (2 - w) + 1 / n - 2 * (1 - w) ** (g + 1) * (1 - (1 - w) ** n) / n)
            rest = (0.1289 - (0.2414 - 0.1826 * (1 - w) ** 4) * math.log(0.5)) * w / warning
            sigma = max(w / warning * (1 + 0.5 * (1 - w) ** 2), np.std(past, ddof=1) * spread + rest)
            statistic = (z[j] - past.mean()) / sigma
            if abs(statistic) > alert:
                z[j] = past.mean() + math.copysign(alert, statistic) * sigma
            best = statistic if math.isnan(best) else max(best, statistic)
        answers.append(best)
    return answers


@pytest.mark.parametrize(("b", "g", "w1", "w2"), [(28, 2, 0.4, 0.9), (7, 0, 0.2, 0.5), (14, 5, 0.3, 0.8)])
def test_the_kernel_is_the_formula_written_plainly_with_gaps_and_spikes(
    b: int, g: int, w1: float, w2: float
) -> None:
    rng = np.random.default_rng(3)
    counts = rng.poisson(5.0, (4, 120)).astype(np.float64)
    counts[1, rng.random(120) < 0.3] = np.nan
    counts[2, 60] = 1e6
    counts[3] = 0.0
    found = detector("ewma")(Panel(counts, 365), slice(None), b=b, g=g, w1=w1, w2=w2)
    assert_allclose(found.score, [plain_ewma(y, b, g, w1, w2) for y in counts], rtol=1e-10, atol=1e-12)


def lines(y: Floats, t: int, b: int, g: int) -> tuple[float, float]:
    """Forecast and statistic of the regression for one series at one time, by least squares."""
    rows = np.arange(t - g - b, t - g)
    rows = rows[~np.isnan(y[rows])]
    design = np.array([[1.0, i, *(i % 7 == d for d in range(6))] for i in [*rows, t]])
    beta, left, _, _ = np.linalg.lstsq(design[:-1], y[rows])
    n = len(rows)
    least = 1.01 / round(float(stats.t.ppf(0.95, n - 8)), 5)
    error = math.sqrt(left[0] / (n - 8)) * math.sqrt((n + 7) * (n - 4) / (n * (n - 7)))
    forecast = max(0.0, float(design[-1] @ beta))
    return forecast, (y[t] - forecast) / max(error, least)


def test_the_regression_is_least_squares_over_the_known_days() -> None:
    rng = np.random.default_rng(4)
    counts = rng.poisson(20.0, (3, 60)).astype(np.float64)
    counts[1, 40:44] = np.nan
    found = detector("adaptive_regression")(Panel(counts, 365), [50, 59])
    for row in range(3):
        for column, t in enumerate((50, 59)):
            forecast, statistic = lines(counts[row], t, 28, 2)
            assert_allclose(found.expected[row, column], forecast, rtol=1e-9)
            assert_allclose(found.score[row, column], statistic, rtol=1e-8)


@pytest.mark.parametrize("name", ["ewma", "adaptive_regression", "switch"])
def test_the_alarm_begins_at_the_threshold(name: str) -> None:
    counts = np.random.default_rng(5).poisson(8.0, (6, 60)).astype(np.float64)
    bound = detector(name)(Panel(counts, 365), [59]).threshold[:, 0]
    for shift, alarm in ((-1e-6, Alarm.NO), (1e-6, Alarm.YES)):
        moved = counts.copy()
        moved[:, 59] = bound + shift
        assert (detector(name)(Panel(moved, 365), [59]).alarm == alarm).all()


def test_the_switch_regresses_where_weekdays_explain_the_baseline_and_smooths_where_they_do_not() -> None:
    rng = np.random.default_rng(6)
    weekly = 50.0 + 30.0 * (np.arange(60) % 7 < 5) + rng.normal(0, 2, 60)
    flat = rng.normal(50, 5, 60)
    panel = Panel(np.array([weekly, flat, np.full(60, 3.0)]), 365)
    found, regression, means = (
        detector(name)(panel, [59]) for name in ("switch", "adaptive_regression", "ewma")
    )
    assert found.trend[:, 0].tolist() == [1, 0, 0]
    assert_allclose(found.score[0], regression.score[0])
    assert_allclose(found.score[1:], means.score[1:])


def test_after_a_missing_day_the_package_is_silent_and_the_mended_one_goes_on() -> None:
    counts = np.random.default_rng(7).poisson(8.0, (1, 80)).astype(np.float64)
    counts[0, 40] = np.nan
    peer = detector("ewma")(Panel(counts, 365), [40, 79], compat="pynssp")
    ours = detector("ewma")(Panel(counts, 365), [40, 79])
    assert peer.alarm[0].tolist() == [-1, -1]
    assert ours.alarm[0].tolist() == [-1, 0]
    assert ours.reason[0].tolist() == [Reason.MISSING_VALUE, Reason.OK]


@pytest.mark.parametrize(
    ("name", "params", "says"),
    [
        ("ewma", {"b": 6}, "b must be at least 7 days, found 6"),
        ("ewma", {"g": -1}, "g must not be negative, found -1"),
        ("ewma", {"w1": 1.0}, "w1 must lie between 0 and 1, found 1.0"),
        ("adaptive_regression", {"b": 15}, "multiple of 7 days and at least 14, found 15"),
        ("switch", {"alpha": 0}, "alpha must lie between 0 and 1, found 0"),
    ],
)
def test_a_parameter_out_of_range_is_refused(name: str, params: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        detector(name)(Panel(DAILY, 365), [40], **params)


def test_a_weekly_axis_has_no_weekdays() -> None:
    weekly = Panel(DAILY, 52, dates=DATES[0] + 7 * np.arange(DAILY.shape[1]))
    with pytest.raises(ValueError, match="must have every day"):
        detector("switch")(weekly, [40])
