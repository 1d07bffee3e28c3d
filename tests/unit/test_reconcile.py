"""Reconciled forecasts add up, keep what is unbiased unbiased, and are no worse for it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anlan.assess.forecast.reconcile import (
    METHODS,
    Method,
    constraints,
    error_covariance,
    reconcile,
    shrunk_covariance,
    summing,
)

# nation 0 > provinces 1, 2 > districts 3, 4 | 5, 6, 7
TREE = (-1, 0, 0, 1, 1, 2, 2, 2)


def errors(seed: int = 0, times: int = 60) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(8, times)) * np.array([6, 3, 4, 1, 2, 1, 1, 2])[:, np.newaxis]


def test_the_summing_matrix_is_the_tree() -> None:
    assert summing(TREE).astype(int).tolist() == [
        [1, 1, 1, 1, 1],
        [1, 1, 0, 0, 0],
        [0, 0, 1, 1, 1],
        *np.eye(5, dtype=int).tolist(),
    ]
    assert np.abs(constraints(TREE) @ summing(TREE)).max() == 0


@pytest.mark.parametrize("method", METHODS)
def test_bottom_sums_equal_their_parents(method: Method) -> None:
    base = np.random.default_rng(1).gamma(3.0, 10.0, (8, 4, 2))
    found = reconcile(base, TREE, method, errors())
    bottom = found[3:]
    assert found == pytest.approx(np.tensordot(summing(TREE), bottom, axes=1), rel=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_unbiased_forecasts_stay_unbiased_and_coherent_ones_stay_as_they_are(method: Method) -> None:
    """S G S = S: the identity from which unbiasedness follows (Wickramasuriya et al. 2019, section 2.3)."""
    tree = summing(TREE)
    assert reconcile(tree, TREE, method, errors()) == pytest.approx(tree, abs=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_the_form_by_constraints_is_the_form_by_regression(method: Method) -> None:
    base = np.random.default_rng(2).gamma(3.0, 10.0, (8, 5))
    tree, inverse = summing(TREE), np.linalg.inv(error_covariance(TREE, method, errors()))
    regression = tree @ np.linalg.solve(tree.T @ inverse @ tree, tree.T @ inverse @ base)
    assert reconcile(base, TREE, method, errors()) == pytest.approx(regression, rel=1e-9)


def test_two_children_and_their_parent_share_the_gap_by_their_variances() -> None:
    # 10 against 4 + 4: of the gap of 2 each takes its share of the variance, 4 : 1 : 1
    past = np.array([[2.0, -2.0, 2.0, -2.0], [1.0, 1.0, -1.0, -1.0], [1.0, -1.0, -1.0, 1.0]])
    found = reconcile(np.array([[10.0], [4.0], [4.0]]), (-1, 0, 0), "wls_var", past)
    assert found[:, 0] == pytest.approx([10 - 2 * 4 / 6, 4 + 2 / 6, 4 + 2 / 6])
    ols = reconcile(np.array([[10.0], [4.0], [4.0]]), (-1, 0, 0), "ols")
    assert ols[:, 0] == pytest.approx([10 - 2 / 3, 4 + 2 / 3, 4 + 2 / 3])


def test_reconciliation_by_errors_makes_forecasts_better_on_the_whole() -> None:
    rng = np.random.default_rng(3)
    truth = summing(TREE) @ rng.gamma(4.0, 10.0, (5, 400))
    base = truth + errors(4, 400)
    score = {m: ((reconcile(base, TREE, m, errors(5, 200)) - truth) ** 2).mean() for m in METHODS}
    plain = ((base - truth) ** 2).mean()
    assert max(score.values()) < plain
    assert score["wls_var"] <= min(score["ols"], score["wls_struct"])
    assert score["mint_shrink"] < 1.05 * score["wls_var"]  # these errors are independent


def test_correlated_errors_are_shrunk_less_than_independent_ones() -> None:
    rng = np.random.default_rng(6)
    common = rng.normal(size=(1, 80))
    _, little = shrunk_covariance(common + 0.3 * rng.normal(size=(6, 80)))
    _, much = shrunk_covariance(rng.normal(size=(6, 80)))
    assert 0 <= little < 0.1
    assert 0.5 < much <= 1


def test_a_missing_forecast_makes_its_own_step_unknown_and_no_other() -> None:
    base = np.random.default_rng(7).gamma(3.0, 10.0, (8, 3))
    base[4, 1] = np.nan
    found = reconcile(base, TREE, "ols")
    assert np.isnan(found[:, 1]).all() and not np.isnan(found[:, [0, 2]]).any()


def test_a_node_that_was_never_wrong_is_kept() -> None:
    past = errors()
    past[0] = 0.0
    base = np.random.default_rng(8).gamma(3.0, 10.0, (8, 1))
    assert reconcile(base, TREE, "wls_var", past)[0] == pytest.approx(base[0], rel=1e-4)


@given(st.integers(0, 10_000), st.sampled_from(METHODS))
@settings(max_examples=30, deadline=None)
def test_any_tree_adds_up(seed: int, method: Method) -> None:
    rng = np.random.default_rng(seed)
    parents = [-1, *(int(rng.integers(0, node)) for node in range(1, int(rng.integers(2, 25))))]
    base = rng.normal(size=(len(parents), 3)) * 100
    found = reconcile(base, parents, method, rng.normal(size=(len(parents), 40)))
    assert np.abs(constraints(parents) @ found).max() < 1e-6


@pytest.mark.parametrize(
    ("parents", "words"), [((-1, 2, 1), "circle"), ((-1, 7), "found 7 at 1"), ((0,), "circle")]
)
def test_what_is_no_tree_is_refused(parents: tuple[int, ...], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        constraints(parents)


def test_wrong_shapes_and_missing_errors_are_named() -> None:
    with pytest.raises(ValueError, match="must have 8 rows, found 3"):
        reconcile(np.zeros((3, 1)), TREE, "ols")
    with pytest.raises(ValueError, match="needs errors of 8 nodes, found None"):
        reconcile(np.zeros((8, 1)), TREE, "mint_shrink")
    with pytest.raises(ValueError, match="at least 3 times without a gap are needed, found 2"):
        reconcile(np.zeros((8, 1)), TREE, "mint_shrink", errors(times=2))
    with pytest.raises(ValueError, match="method must be one of"):
        reconcile(np.zeros((8, 1)), TREE, "best")  # type: ignore[arg-type]
