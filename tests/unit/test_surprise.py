"""The summed surprise of level and change."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

from anlan.assess.detect.panel import Alarm, Floats, Panel, Reason
from anlan.assess.detect.registry import detector
from anlan.assess.detect.robust import location_scale
from anlan.assess.detect.surprise import of_p_value, tail


def rank(past: list[float], value: float) -> float:
    return -math.log10((1 + sum(p >= value for p in past)) / (1 + len(past)))


def plain(y: Floats, first: int, baseline: int, run_in: int, weight: float) -> list[float]:
    """The sum at each time from `first` on, of one series, written from the definition."""
    begin = first - run_in
    calm = y[None, begin - baseline : begin]
    centre, scale, _ = location_scale(calm)
    steps: list[float] = []
    sums: list[float] = []
    high = low = 0.0
    answers = []
    for t in range(begin - baseline, len(y)):
        change = abs(y[t] - y[t - 2]) if t - 2 >= begin - baseline else math.nan
        step = 0.0
        if not math.isnan(change):
            step = rank(steps, change)
            steps.append(change)
        if t < begin:
            continue
        answer = math.nan
        if not math.isnan(y[t]):
            z = (y[t] - centre[0]) / scale[0]
            high, low = max(0.0, high + z - 0.5), max(0.0, low - z - 0.5)
            level = rank(sums, max(high, low))
            sums.append(max(high, low))
            if len(sums) > 8:
                answer = level + weight * step
            if max(high, low) > 5:
                high = low = 0.0
        if t >= first:
            answers.append(answer)
    return answers


@pytest.mark.parametrize("weight", [0.75, 1.0, 0.0])
def test_the_kernel_is_the_definition_written_plainly(weight: float) -> None:
    rng = np.random.default_rng(1)
    counts = rng.normal(10, 2, (3, 150))
    counts[1, 120:] += 6
    counts[2, rng.random(150) < 0.2] = np.nan
    found = detector("surprise")(Panel(counts, 365), slice(100, 150), baseline=40, run_in=30, weight=weight)
    bound = of_p_value(0.001, weight)
    for row in range(3):
        assert_allclose(found.score[row] * bound, plain(counts[row], 100, 40, 30, weight), rtol=1e-10)


@pytest.mark.parametrize("weight", [0.0, 0.5, 0.75, 1.0, 1.5])
def test_the_p_value_is_the_tail_of_two_exponential_surprises(weight: float) -> None:
    u = -np.log10(np.random.default_rng(2).random((2, 400_000)))
    total = u[0] + weight * u[1]
    for s in (0.5, 1.5, 2.5):
        assert_allclose(tail(np.array(s), weight), (total >= s).mean(), rtol=0.06)
    for alpha in (0.05, 0.001):
        assert_allclose(tail(np.array(of_p_value(alpha, weight)), weight), alpha, rtol=1e-9)


def test_false_alarms_come_about_as_often_as_alpha_says() -> None:
    z = np.random.default_rng(3).normal(0, 1, (60, 2500))
    for alpha in (0.01, 0.001):
        found = detector("surprise")(Panel(z, 365), slice(500, 2500), alpha=alpha, run_in=396)
        rate = (found.alarm == Alarm.YES).mean()
        assert 0.5 * alpha < rate < 2.5 * alpha


def test_a_jump_and_a_change_of_noise_are_found() -> None:
    z = np.random.default_rng(4).normal(0, 1, (2, 600))
    z[0, 550:] += 5
    z[1, 550:] *= 5
    found = detector("surprise")(Panel(z, 365), slice(400, 600), run_in=200)
    assert ((found.alarm == Alarm.YES)[:, 150:].any(axis=1)).all()
    assert not (found.alarm == Alarm.YES)[:, :100].any()


def test_with_too_few_values_to_rank_among_nothing_is_that_surprising() -> None:
    z = np.random.default_rng(5).normal(0, 1, (1, 60))
    z[0, 59] = 1e6
    short = detector("surprise")(Panel(z, 365), [59], baseline=20, run_in=20)
    loose = detector("surprise")(Panel(z, 365), [59], baseline=20, run_in=20, alpha=0.02)
    assert (short.alarm[0, 0], loose.alarm[0, 0]) == (Alarm.NO, Alarm.YES)
    fresh = detector("surprise")(Panel(z, 365), [29], baseline=20, run_in=0)
    assert fresh.reason[0, 0] == Reason.TOO_FEW_HISTORY


def test_a_parameter_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match="alpha must lie between 0 and 1"):
        detector("surprise")(Panel(np.ones((1, 300)), 365), [299], alpha=1.0)
