"""Several detectors give one answer, and one that is blind does not decide it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import norm

from anlan.assess.detect.ensemble import EDGE, cauchy, ensemble, evidence
from anlan.assess.detect.panel import Alarm, Known, Panel, Reason
from anlan.assess.detect.registry import detector
from anlan.assess.stacking import learn, logistic
from anlan.testing.outbreaks import simulate

LIMITS = [
    {"detector": "threshold", "limit": 10.0},
    {"detector": "threshold", "limit": 20.0},
    {"detector": "threshold", "limit": 30.0},
]


def one_row(values: list[float]) -> Panel:
    return Panel(np.array([values]), 52)


@pytest.mark.parametrize(
    ("quorum", "alarms"), [(1 / 3, [0, 1, 1, 1]), (0.5, [0, 0, 1, 1]), (1.0, [0, 0, 0, 1])]
)
def test_an_alarm_needs_its_quorum_of_votes(quorum: float, alarms: list[int]) -> None:
    found = ensemble(one_row([5, 15, 25, 35]), slice(None), members=LIMITS, quorum=quorum)
    assert found.alarm[0].tolist() == alarms
    assert_allclose(found.score[0], [0, 1 / 3, 2 / 3, 1])


def test_votes_weigh_as_they_are_told() -> None:
    found = ensemble(one_row([15]), slice(None), members=LIMITS, weights=[3.0, 1.0, 1.0])
    assert found.alarm[0, 0] == Alarm.YES


def blind_and_seeing(alarm: int, **params: Any) -> Any:
    """One member without history (blind), one that sees."""
    value = 50.0 if alarm else 1.0
    y = np.concatenate([np.full(11, 5.0), [value]])
    members = [{"detector": "threshold", "limit": 10.0}, {"detector": "farrington_scan", "short_memory": 0}]
    return ensemble(Panel(y[None], 52), [-1], members=members, **params)


def test_a_blind_member_leaves_the_answer_open_where_it_would_decide() -> None:
    found = blind_and_seeing(1, quorum=1.0)
    assert found.alarm[0, 0] == Alarm.UNKNOWN
    assert found.state[0, 0] == Known.UNKNOWN
    assert found.reason[0, 0] == Reason.TOO_FEW_HISTORY
    assert blind_and_seeing(0, quorum=0.5).alarm[0, 0] == Alarm.UNKNOWN


def test_a_blind_member_does_not_hide_an_alarm_that_stands_without_it() -> None:
    assert blind_and_seeing(1, quorum=0.5).alarm[0, 0] == Alarm.YES
    assert blind_and_seeing(0, quorum=1.0).alarm[0, 0] == Alarm.NO


def test_a_stack_adds_up_the_evidence_with_its_weights() -> None:
    panel = Panel(simulate(1, 3).hit[20:24], 52)
    at = np.arange(580, 600)
    members = ["farrington_scan", {"detector": "farrington_flexible", "b": 5}]
    found = ensemble(panel, at, members=members, rule="stack", weights=[0.8, 0.3], intercept=-2.0, cut=0.5)
    one = detector("farrington_scan")(panel, at).p_value
    two = detector("farrington_flexible")(panel, at, b=5).p_value
    odds = -2 + 0.8 * np.clip(norm.isf(one), -EDGE, EDGE) + 0.3 * np.clip(norm.isf(two), -EDGE, EDGE)
    assert_allclose(found.score, odds - 0.5, rtol=1e-9, atol=1e-12)
    assert_array_equal(found.alarm == Alarm.YES, odds > 0.5)
    assert 0 < (found.alarm == Alarm.YES).sum() < found.alarm.size


def test_a_stack_with_a_blind_member_is_known_only_where_that_member_cannot_turn_it() -> None:
    sure = blind_and_seeing(1, rule="stack", weights=[1.0, 0.1], cut=0.0)
    assert sure.alarm[0, 0] == Alarm.YES
    open_ = blind_and_seeing(1, rule="stack", weights=[1.0, 5.0], cut=0.0)
    assert open_.alarm[0, 0] == Alarm.UNKNOWN


def test_the_combined_p_value_is_the_published_one() -> None:
    """Cauchy combination of 0.01 and 0.5: mean of tan((1/2 - p) pi) is 15.9 / 1, back through arctan."""
    p = np.array([0.01, 0.5])[:, None, None]
    expected = 0.5 - np.arctan(np.tan(0.49 * np.pi) / 2) / np.pi
    assert_allclose(cauchy(p, np.ones(2)), expected, rtol=1e-12)
    assert_allclose(cauchy(np.array([1e-40, np.nan])[:, None, None], np.ones(2)), 1e-40, rtol=1e-9)
    assert np.isnan(cauchy(np.full((2, 1, 1), np.nan), np.ones(2))).all()


def test_evidence_of_a_method_without_p_value_is_its_score() -> None:
    found = detector("threshold")(one_row([12, np.nan]), slice(None), limit=10.0)
    assert evidence(found)[0, 0] == 2.0
    assert np.isnan(evidence(found)[0, 1])


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"members": []}, "at least one member"),
        ({"members": ["ensemble"]}, "cannot be a member"),
        ({"members": [{"limit": 3}]}, "a table with 'detector'"),
        ({"members": LIMITS, "weights": [1.0]}, "must be 3 finite numbers"),
        ({"members": LIMITS, "weights": [1.0, -1.0, 1.0]}, "must weigh more than 0"),
        ({"members": LIMITS, "quorum": 0}, "quorum must lie above 0"),
        ({"members": ["no_such"]}, "no detector is called 'no_such'"),
        ({"members": [{"detector": "threshold", "limt": 3}]}, "no parameter 'limt'"),
    ],
)
def test_a_senseless_ensemble_is_refused_with_what_was_expected(params: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        detector("ensemble")(one_row([1, 2]), slice(None), **params)


def test_the_weights_are_the_minimum_of_the_penalised_loss() -> None:
    rng = np.random.default_rng(4)
    x = rng.normal(size=(4000, 2))
    y = rng.random(4000) < 1 / (1 + np.exp(-(x @ [1.5, -0.5] - 1)))
    weights, intercept = logistic(x, y, ridge=1.0)
    mean = 1 / (1 + np.exp(-(x @ weights + intercept)))
    assert_allclose(x.T @ (mean - y) + weights, 0, atol=1e-6)
    assert_allclose((mean - y).sum(), 0, atol=1e-6)
    assert_allclose([*weights, intercept], [1.5, -0.5, -1], atol=0.15)


def test_what_is_learnt_ignores_a_member_of_noise_and_is_judged_on_later_blocks_only() -> None:
    study = simulate(2, 8)
    truth = np.zeros(study.hit.shape, dtype=bool)
    for row, (first, last) in enumerate(study.current):
        truth[row, first - 1 : last] = True
    # truth is known for the last outbreak alone: the four before are marked by their added cases
    truth[:, :575] = (study.hit - study.clean)[:, :575] > 0
    panel = Panel(study.hit, 52)
    members = ["farrington_scan", "ears_c1"]
    found = learn(panel, truth, np.arange(400, 624), members, rate=0.02, blocks=4)
    assert found.weights[0] > 5 * abs(found.weights[1])
    assert found.stack.found >= found.members[1].found
    assert found.stack.rate <= 0.02


def test_the_record_counts_only_cells_of_later_blocks() -> None:
    study = simulate(1, 9)
    truth = (study.hit - study.clean) > 0
    panel, at = Panel(study.hit, 52), np.arange(420, 620)
    members = ["farrington_scan", "ears_c2"]
    whole = learn(panel, truth, at, members, rate=0.05, blocks=2, embargo=4)
    later = truth.copy()
    later[:, at[100] :] = False
    later[0, at[100]] = True
    # the only judged block is the second: its labels change the verdict, never the weights behind it
    other = learn(panel, later, at, members, rate=0.05, blocks=2, embargo=4)
    assert other.stack.true == 1
    assert whole.stack.true > 1
    assert whole.trained == other.trained


def test_learning_without_any_event_says_what_is_lacking() -> None:
    y = np.random.default_rng(1).poisson(5, (3, 300)).astype(float)
    with pytest.raises(ValueError, match="holds 0 true cells"):
        learn(Panel(y, 52), np.zeros(y.shape, dtype=bool), np.arange(100, 300), ["ears_c1"])
