"""What may change without changing an answer: units, denominators, the time a panel begins.

Exact (bit for bit): EARS in units that differ by a power of two, and any panel that begins whole periods
later as long as the history in use is there. To rounding: other units, a constant added, denominators
in other units, Farrington Flexible on a longer axis. Counts have no unit, so Farrington Flexible has no
scaling law of its own: twice the cases are more than twice the evidence.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from anlan.assess.detect.panel import Detection, Panel
from anlan.assess.detect.registry import detector

YEAR, WEEKS = 52, 7 * 52
AT = np.arange(WEEKS - 9, WEEKS)
WHOLE = ("alarm", "state", "reason", "trend")
EARS = st.sampled_from(["ears_c1", "ears_c2", "ears_c3"])


def counts_of(seed: int) -> Any:
    rng = np.random.default_rng(seed)
    mean = np.exp(rng.uniform(-1, 5, (6, 1)))
    y = rng.poisson(rng.gamma(3, mean / 3, (6, WEEKS))).astype(np.float64)
    y[rng.random(y.shape) < 0.01] *= 6
    y[5, rng.random(WEEKS) < 0.05] = np.nan
    return y


def run(name: str, counts: Any, at: Any = AT, population: Any = None, **params: Any) -> Detection:
    return detector(name)(Panel(counts, YEAR, population), at, **params)


def assert_same_answers(one: Detection, two: Detection) -> None:
    for field in WHOLE:
        assert_array_equal(getattr(one, field), getattr(two, field), err_msg=field)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), EARS, st.integers(-6, 6))
def test_ears_scales_exactly_with_powers_of_two(seed: int, name: str, power: int) -> None:
    counts, factor = counts_of(seed), 2.0**power
    one, two = run(name, counts), run(name, counts * factor)
    assert_same_answers(one, two)
    assert_array_equal(two.threshold, one.threshold * factor)
    assert_array_equal(two.expected, one.expected * factor)
    assert_array_equal(two.score, one.score)


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 10**6), st.sampled_from(["ears_c1", "ears_c2"]), st.floats(0.01, 100), st.integers(0, 500)
)
def test_ears_follows_other_units_and_a_constant_to_rounding(
    seed: int, name: str, factor: float, constant: int
) -> None:
    counts = counts_of(seed)
    one, two = run(name, counts), run(name, counts * factor + constant)
    clear = ~np.isfinite(one.score) | (np.abs(one.score - 3.09) > 1e-6)  # not on the bound itself
    flat = one.variance == 0  # a flat baseline is flat only to rounding in other units
    assert_array_equal(two.alarm[clear & ~flat], one.alarm[clear & ~flat])
    assert_allclose(two.threshold[~flat], one.threshold[~flat] * factor + constant, rtol=1e-9)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), EARS, st.integers(1, 200))
def test_ears_does_not_mind_when_the_panel_begins(seed: int, name: str, later: int) -> None:
    counts = counts_of(seed)
    one, two = run(name, counts), run(name, counts[:, later:], AT - later)
    assert_same_answers(one, two)
    for field in ("threshold", "expected", "score", "p_value"):
        assert_array_equal(getattr(one, field), getattr(two, field), err_msg=field)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 60), st.sampled_from(["nb_plugin", "delta", "muan"]))
def test_farrington_flexible_does_not_mind_when_the_panel_begins(seed: int, later: int, method: str) -> None:
    params = {"no_periods": 10, "past_weeks_not_included": 26, "threshold_method": method}
    counts = counts_of(seed)
    one = run("farrington_flexible", counts, **params)
    two = run("farrington_flexible", counts[:, later:], AT - later, **params)
    assert_same_answers(one, two)
    for field in ("threshold", "expected", "score", "p_value", "phi", "trend_coef"):
        assert_allclose(getattr(one, field), getattr(two, field), rtol=1e-9, atol=1e-12, err_msg=field)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6), st.floats(1e-3, 1e6))
def test_denominators_may_be_in_any_unit(seed: int, unit: float) -> None:
    rng = np.random.default_rng(seed)
    counts, population = counts_of(seed), rng.uniform(0.8, 1.2, (6, WEEKS))
    params: dict[str, Any] = {"population_offset": True, "no_periods": 5, "past_weeks_not_included": 26}
    one = run("farrington_flexible", counts, population=population, **params)
    two = run("farrington_flexible", counts, population=population * unit, **params)
    assert_same_answers(one, two)
    assert_allclose(two.threshold, one.threshold, rtol=1e-6)
    assert_allclose(two.expected, one.expected, rtol=1e-6)
