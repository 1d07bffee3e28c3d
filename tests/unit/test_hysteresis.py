"""What a duty officer may rely on when a condition turns on and off."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest

from anlan.assess.detect.hysteresis import State, hysteresis

H = np.timedelta64(1, "h")


def run(answers: str, hold: int, keep: int, if_missing: Any = "unknown") -> str:
    """Hourly answers y n ? -> states o(ff) p(ending) O(n) k(eeping) ?"""
    condition = np.array([[{"y": 1, "n": 0, "?": -1}[a] for a in answers]], dtype=np.int8)
    times = np.datetime64("2026-11-23T00:00:00") + np.arange(len(answers)) * H
    states = hysteresis(condition, times, hold * H, keep * H, if_missing).state[0]
    letter = {State.OFF: "o", State.PENDING: "p", State.ON: "O", State.KEEPING: "k", State.UNKNOWN: "?"}
    return "".join(letter[State(s)] for s in states)


@pytest.mark.parametrize(
    ("answers", "hold", "keep", "states"),
    [
        ("nynyy", 0, 0, "oOoOO"),  # no hold: at once, both ways
        ("nyyyn", 2, 0, "oppOo"),  # on after two hours of yes
        ("yynyyy", 2, 0, "ppoppO"),  # a no starts the hold afresh
        ("ynnnn", 0, 2, "Okkoo"),  # off after two hours of no
        ("ynynnn", 0, 2, "OkOkko"),  # a yes starts the keep afresh
        ("yyynn", 2, 1, "ppOko"),
    ],
)
def test_a_condition_must_hold_to_turn_on_and_stay_away_to_turn_off(
    answers: str, hold: int, keep: int, states: str
) -> None:
    assert run(answers, hold, keep) == states


@pytest.mark.parametrize(
    ("answers", "hold", "keep", "if_missing", "states"),
    [
        ("y???????", 0, 0, "unknown", "OOOOOOOO"),  # silence does not clear
        ("yn????nnn", 0, 2, "unknown", "Okkkkkkko"),  # nor count towards keep
        ("y????y", 2, 0, "unknown", "p????p"),  # nor towards hold
        ("n?n", 0, 0, "unknown", "o?o"),
        ("n?n", 0, 0, "hold", "ooo"),
        ("y?yyy", 2, 0, "hold", "ppppO"),
        ("??y", 0, 0, "unknown", "??O"),
    ],
)
def test_missing_input_moves_nothing(
    answers: str, hold: int, keep: int, if_missing: str, states: str
) -> None:
    assert run(answers, hold, keep, if_missing) == states


def test_what_rests_on_old_readings_is_marked_stale() -> None:
    times = np.array(["2026-01-01", "2026-01-02"], dtype="datetime64[s]")
    found = hysteresis(
        np.array([[1, -1], [0, -1]], dtype=np.int8), times, dt.timedelta(0), dt.timedelta(0), "hold"
    )
    assert found.stale.tolist() == [[False, True], [False, True]]
    assert found.active.tolist() == [[True, True], [False, False]]


def test_uneven_times_are_counted_as_they_are() -> None:
    times = np.array(["2026-01-01T00:00", "2026-01-01T00:10", "2026-01-01T05:00"], dtype="datetime64[s]")
    found = hysteresis(np.ones((1, 3), dtype=np.int8), times, dt.timedelta(hours=1), 0 * H)
    assert found.state.tolist() == [[State.PENDING, State.PENDING, State.ON]]


@pytest.mark.parametrize(
    ("condition", "times", "hold", "message"),
    [
        ([[2]], ["2026-01-01"], 0, "1 .yes., 0 .no., -1"),
        ([[1, 1]], ["2026-01-01"], 0, "one time per column"),
        ([[1, 1]], ["2026-01-02", "2026-01-01"], 0, "strictly increasing"),
        ([[1]], ["2026-01-01"], -1, "hold must be a duration of at least 0"),
    ],
)
def test_senseless_input_is_refused(
    condition: list[list[int]], times: list[str], hold: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        hysteresis(
            np.array(condition, dtype=np.int8), np.array(times, dtype="datetime64[s]"), hold * H, 0 * H
        )
