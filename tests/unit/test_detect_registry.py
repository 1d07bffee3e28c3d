"""What a pack author may rely on when naming a detector."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

from anlan.assess.detect.ears import ears
from anlan.assess.detect.farrington_flexible import farrington_flexible
from anlan.assess.detect.panel import Alarm, Known, Panel, Reason
from anlan.assess.detect.registry import REQUIRED, check_params, described, detector, names, spec
from anlan.assess.detect.threshold import threshold

#: what detectors need that have no default for it
NEEDED: dict[str, dict[str, Any]] = {"threshold": {"limit": 10.0}, "ensemble": {"members": ["ears_c1"]}}


def panel(n_time: int = 312) -> Panel:
    return Panel(np.random.default_rng(7).poisson(6.0, (2, n_time)).astype(np.float64), 52)


@pytest.mark.parametrize("name", names())
def test_every_detector_answers_in_the_same_shape(name: str) -> None:
    params = NEEDED.get(name, {})
    found = detector(name)(panel(), slice(300, 312), **params)
    for field in found.__slots__:
        if field != "test":
            assert getattr(found, field).shape == (2, 12), field
    assert found.test.tolist() == list(range(300, 312))
    assert set(np.unique(found.alarm)) <= {-1, 0, 1}
    assert (found.state == Known.KNOWN).all()


@pytest.mark.parametrize("name", names())
def test_a_missing_value_is_unknown_and_never_no_alarm(name: str) -> None:
    counts = panel().counts.copy()
    counts[0, 305] = np.nan
    params = NEEDED.get(name, {})
    found = detector(name)(Panel(counts, 52), [305], **params)
    assert found.alarm[0, 0] == Alarm.UNKNOWN
    assert found.state[0, 0] == Known.UNKNOWN
    assert found.reason[0, 0] == Reason.MISSING_VALUE
    assert found.alarm[1, 0] != Alarm.UNKNOWN


@pytest.mark.parametrize(
    ("name", "function"),
    [("threshold", threshold), ("ears_c3", ears), ("farrington_flexible", farrington_flexible)],
)
def test_described_parameters_are_the_real_ones(name: str, function: Any) -> None:
    real = inspect.signature(function).parameters
    said = {p.name: p for p in spec(name).params}
    assert said.keys() == real.keys() - {"panel", "test", "method", "arrays"}  # the last: numpy or a device
    for p in said.values():
        default = real[p.name].default
        if p.default is REQUIRED:
            assert default is inspect.Parameter.empty
        elif not (name.startswith("ears") and p.name == "alpha"):  # depends on C1, C2, C3
            assert default == p.default, p.name


@pytest.mark.parametrize(
    ("name", "params", "says"),
    [
        ("ears", {}, "no detector is called 'ears'; expected one of: threshold, ears_c1"),
        ("ears_c1", {"base_line": 7}, r"no parameter 'base_line' \(did you mean baseline\?\)"),
        ("ears_c1", {"c3_rule": "published"}, "no parameter 'c3_rule'"),
        ("threshold", {}, "needs the parameter 'limit'"),
        ("threshold", {"limit": 1, "direction": "up"}, "must be one of at_least, at_most; found 'up'"),
        ("farrington_flexible", {"compat": "R"}, "must be one of mended, surveillance; found 'R'"),
    ],
)
def test_a_wrong_name_or_value_is_answered_with_what_was_expected(
    name: str, params: dict[str, Any], says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        check_params(name, params)


def test_the_linter_knows_which_parameters_are_required_and_which_words_are_allowed() -> None:
    assert described()["threshold"] == {"limit": "float required", "direction": "at_least | at_most"}


@pytest.mark.parametrize("bad", [np.inf, -np.inf, -3.0])
def test_a_value_that_is_no_count_is_unknown_in_its_own_series_alone(bad: float) -> None:
    clean = panel()
    counts = clean.counts.copy()
    counts[0, 305] = bad
    found = detector("farrington_flexible")(Panel(counts, 52), [305, 306])
    alone = detector("farrington_flexible")(clean, [305, 306])
    assert found.reason[0, 0] == Reason.INVALID_VALUE
    assert found.alarm[0, 0] == Alarm.UNKNOWN
    assert found.state[0, 0] == Known.UNKNOWN
    np.testing.assert_array_equal(found.threshold[1], alone.threshold[1])


def test_a_reading_may_be_negative_but_not_infinite() -> None:
    found = detector("threshold")(Panel(np.array([[-5.0, np.inf]]), 1), slice(None), limit=-10.0)
    assert found.alarm.tolist() == [[1, -1]]


def test_a_limit_counts_as_reached_when_equalled() -> None:
    values = Panel(np.array([[9.0, 10.0, 11.0, np.nan]]), 12)
    over = detector("threshold")(values, slice(None), limit=10.0)
    under = detector("threshold")(values, slice(None), limit=10.0, direction="at_most")
    assert over.alarm.tolist() == [[0, 1, 1, -1]]
    assert under.alarm.tolist() == [[1, 1, 0, -1]]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"counts": np.zeros(3), "freq": 52}, "found 1 dimension"),
        ({"counts": np.zeros((1, 3)), "freq": 0}, "freq must be a whole number"),
        ({"counts": np.zeros((1, 3)), "freq": 52, "population": np.ones((3, 1))}, "shape of counts"),
        (
            {"counts": np.zeros((1, 2)), "freq": 12, "dates": np.array(["2026-02", "2026-01"], "M8[D]")},
            "strictly increasing",
        ),
    ],
)
def test_a_senseless_panel_is_refused(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Panel(**fields)


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("ears_c1", {"baseline": "seven"}),
        ("ears_c1", {"baseline": 7.5}),
        ("farrington_flexible", {"b": [1, 2]}),
        ("farrington_flexible", {"reweight": "maybe"}),
        ("farrington_flexible", {"limit54": (5, 4, 3)}),
        ("farrington_flexible", {"past_weeks_not_included": "few"}),
    ],
)
def test_a_parameter_of_another_type_is_refused_by_name(name: str, params: dict[str, Any]) -> None:
    (given,) = params
    with pytest.raises(ValueError, match=f"detector {name}: {given} must be"):
        check_params(name, params)


def test_numbers_of_numpy_and_whole_floats_are_numbers() -> None:
    check_params("ears_c1", {"baseline": np.int64(7), "alpha": np.float64(0.01), "min_sigma": 1})
    check_params("farrington_flexible", {"b": 5.0, "reweight": np.True_, "limit54": [5, 4]})
