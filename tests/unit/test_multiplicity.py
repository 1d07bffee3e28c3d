"""Many series at once: false discoveries, a budget of alarms, an order of looking."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import false_discovery_control

from anlan.assess.multiplicity import budget_level, onsets, q_values, ranking, surprise

#: Benjamini, Hochberg (1995), section 4: fifteen p-values of a trial of thrombolysis
PUBLISHED = [
    0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528,
    0.7590, 1.0,
]  # fmt: skip


def test_the_published_trial_keeps_its_four_discoveries_at_five_per_cent() -> None:
    q = q_values(np.array(PUBLISHED))
    assert (q <= 0.05).sum() == 4


@pytest.mark.parametrize("method", ["bh", "by"])
def test_adjusted_values_are_those_of_a_well_kept_library(method: str) -> None:
    p = np.random.default_rng(1).random((7, 30)) ** 2
    expected = false_discovery_control(p.ravel(), method=method).reshape(p.shape)
    assert_allclose(q_values(p, method=method), expected, rtol=1e-12)  # type: ignore[arg-type]


def test_a_loud_domain_does_not_lend_its_alarms_to_a_quiet_one() -> None:
    p = np.array([1e-9, 1e-9, 1e-9, 0.04, 0.04])
    domain = np.array(["flood", "flood", "flood", "flood", "grain"])
    together, apart = q_values(p), q_values(p, domain)
    assert together[4] == pytest.approx(0.04)
    assert apart[4] == pytest.approx(0.04)
    assert q_values(np.array([1e-9, 0.04, 0.9]))[1] < q_values(np.array([0.04, 0.9]))[0]


def test_unknown_cells_are_no_tests() -> None:
    p = np.array([0.01, np.nan, 0.5, np.nan])
    q = q_values(p)
    assert_array_equal(np.isnan(q), np.isnan(p))
    assert_allclose(q[[0, 2]], q_values(p[[0, 2]]))


@settings(max_examples=60, deadline=None)
@given(arrays(np.float64, st.tuples(st.integers(1, 6), st.integers(1, 12)), elements=st.floats(1e-6, 1)))
def test_the_level_read_off_history_is_the_largest_that_keeps_the_budget(p: np.ndarray) -> None:
    budget = 0.3
    level = budget_level(p, budget, most=0.9)
    allowed = budget * p.shape[1]

    def new(at: float) -> int:
        return int(onsets(p <= at).sum())

    candidates = np.unique(np.concatenate([p[p <= 0.9], [0.9]]))
    if level > 0:
        assert new(level) <= allowed
    for lower in candidates[candidates <= level]:
        assert new(lower) <= allowed
    above = candidates[candidates > level]
    if above.size:
        assert new(above[0]) > allowed


def test_two_officers_worth_of_alarms_a_week_are_what_history_gives() -> None:
    p = np.random.default_rng(2).random((500, 400))
    level = budget_level(p, 2.0)
    again = onsets(np.random.default_rng(3).random((500, 400)) <= level).sum() / 400
    assert 1.8 < again < 2.2


def test_ranking_is_surprise_times_exposure_and_the_unknown_is_not_taken_for_small() -> None:
    p = np.array([1e-3, 1e-6, 1e-3, np.nan])
    people = np.array([1e6, 1e5, np.nan, 10.0])
    assert ranking(p, people).tolist() == [0, 2, 1, 3]
    assert surprise(np.array([1e-3, 0.0]))[0] == pytest.approx(3)
    assert surprise(np.array([0.0]))[0] == 16


def test_senseless_input_is_named() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        q_values(np.array([1.2]))
    with pytest.raises(ValueError, match="shape of p"):
        q_values(np.array([0.2, 0.3]), np.array([1]))
    with pytest.raises(ValueError, match="above 0 alarms"):
        budget_level(np.ones((1, 3)), 0)
