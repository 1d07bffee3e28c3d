"""Many series at once: false discoveries, a budget of alarms, an order of looking."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import false_discovery_control

from anlan.assess.multiplicity import Choice, budget_level, choose, onsets, q_values, ranking, surprise

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


def many(seed: int, n: int = 3000, true: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """p-values of one period [n, 1] and where something is going on."""
    rng = np.random.default_rng(seed)
    p = rng.random((n, 1))
    going = np.zeros(n, dtype=bool)
    going[rng.choice(n, true, replace=False)] = True
    p[going, 0] = 10.0 ** -rng.uniform(4, 9, true)
    return p, going


def test_control_leaves_the_outbreaks_and_few_others_of_thousands_of_series() -> None:
    false = []
    for seed in range(40):
        p, going = many(seed)
        alarm = p <= 0.05
        kept = choose(alarm, p, fdr=0.1).choice[:, 0] == Choice.LOOK
        assert alarm[:, 0].sum() > 120 and kept[going].all()
        false.append((kept & ~going).sum() / kept.sum())
        # Benjamini and Hochberg's steps, as they wrote them: the largest k with p(k) <= k / m q
        steps = np.sort(p[:, 0]) <= 0.1 * np.arange(1, 3001) / 3000
        assert kept.sum() == 1 + np.flatnonzero(steps)[-1]
    assert np.mean(false) == pytest.approx(0.1 * 2980 / 3000, abs=0.03)


def test_what_control_or_budget_leave_out_is_named_and_ranked_behind() -> None:
    p = np.array([[1e-9], [1e-6], [0.04], [1e-7], [0.5]])
    people = np.array([1e3, 1e6, 1e7, 1e5, 1e9])
    found = choose(p <= 0.05, p, people, fdr=0.01, budget=2)
    choices = [Choice(int(c)) for c in found.choice[:, 0]]
    assert choices == [Choice.OVER_BUDGET, Choice.LOOK, Choice.MAY_BE_CHANCE, Choice.LOOK, Choice.NONE]
    assert found.rank[:, 0].tolist() == [3, 1, 4, 2, 0]
    assert (choose(p <= 0.05, p, people).choice[:4] == Choice.LOOK).all()


def test_an_alarm_that_goes_on_takes_no_place_and_one_left_out_competes_again() -> None:
    p = np.array([[1e-9, 1e-9, 1e-9], [1e-6, 1e-6, 1.0], [1.0, 1e-3, 1e-3]])
    choices = choose(p <= 0.05, p, budget=1).choice
    assert choices.tolist() == [
        [Choice.LOOK, Choice.GOES_ON, Choice.GOES_ON],
        [Choice.OVER_BUDGET, Choice.LOOK, Choice.NONE],
        [Choice.NONE, Choice.OVER_BUDGET, Choice.LOOK],
    ]


def test_each_group_has_its_own_control_and_budget() -> None:
    p = np.array([[1e-9], [1e-8], [1e-7], [0.02]])
    group = np.array(["flood", "flood", "flood", "grain"])
    assert choose(p <= 0.05, p, None, group, fdr=0.05, budget=2).choice[:, 0].tolist() == [
        Choice.LOOK, Choice.LOOK, Choice.OVER_BUDGET, Choice.LOOK,
    ]  # fmt: skip


def test_an_alarm_without_a_p_value_is_not_taken_for_chance() -> None:
    p = np.array([[np.nan], [0.9], [np.nan]])
    found = choose(np.array([[True], [True], [False]]), p, fdr=0.1)
    assert found.choice[:, 0].tolist() == [Choice.LOOK, Choice.MAY_BE_CHANCE, Choice.NONE]


def test_a_share_or_a_budget_that_there_is_none_of_is_refused() -> None:
    p = np.ones((1, 1))
    with pytest.raises(ValueError, match=r"fdr must lie between 0 and 1, found 2"):
        choose(p < 0, p, fdr=2)
    with pytest.raises(ValueError, match="budget must be at least 1 alarm a period, found 0"):
        choose(p < 0, p, budget=0)
    with pytest.raises(ValueError, match=r"found \(1, 1\) and \(1, 2\)"):
        choose(p < 0, np.ones((1, 2)))
