"""Laws of the state machine, whatever the input."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from anlan.assess.detect.hysteresis import Run, State, hysteresis

answers = st.lists(st.sampled_from([1, 0, -1]), min_size=1, max_size=30)
waits = st.integers(0, 5)
missing = st.sampled_from(["hold", "unknown"])


def run(condition: list[int], hold: int, keep: int, if_missing: Any, hours: Any = None) -> Run:
    at = np.arange(len(condition)) * 2 if hours is None else np.asarray(hours)
    times = np.datetime64("2026-01-01T00:00:00") + at * np.timedelta64(1, "h")
    hour = np.timedelta64(1, "h")
    return hysteresis(np.array([condition], dtype=np.int8), times, hold * hour, keep * hour, if_missing)


@settings(deadline=None)
@given(answers, waits, waits, missing)
def test_a_missing_reading_never_changes_what_is_active(
    condition: list[int], hold: int, keep: int, if_missing: str
) -> None:
    active = run(condition, hold, keep, if_missing).active[0]
    for k, answer in enumerate(condition):
        if answer == -1:
            assert active[k] == (active[k - 1] if k else False)


@settings(deadline=None)
@given(answers, waits, waits, missing, st.data())
def test_losing_a_no_never_clears(
    condition: list[int], hold: int, keep: int, if_missing: str, data: st.DataObject
) -> None:
    lost = [a if a != 0 else data.draw(st.sampled_from([0, -1])) for a in condition]
    before = run(condition, hold, keep, if_missing).active
    after = run(lost, hold, keep, if_missing).active
    assert (after | ~before).all()


@settings(deadline=None)
@given(answers, waits, waits, missing, st.data())
def test_unknown_readings_slipped_in_never_turn_on_to_off(
    condition: list[int], hold: int, keep: int, if_missing: str, data: st.DataObject
) -> None:
    """While the state is on, gaps slipped in from then on keep it on at least as long."""
    whole = run(condition, hold, keep, if_missing).active[0]
    if not whole.any():
        return
    first = int(np.argmax(whole))
    kept, hours, place = [], [], []
    for k, answer in enumerate(condition):
        # only readings of no lose anything by a gap: they stop counting towards keep
        if k > first and answer == 0 and data.draw(st.booleans()):
            kept.append(-1)
            hours.append(2 * k - 1)
        place.append(len(kept))
        kept.append(answer)
        hours.append(2 * k)
    gapped = run(kept, hold, keep, if_missing, hours).active[0][place]
    assert (gapped | ~whole).all()


@settings(deadline=None)
@given(answers, waits, waits)
def test_if_missing_changes_only_what_is_shown_while_missing(
    condition: list[int], hold: int, keep: int
) -> None:
    held = run(condition, hold, keep, "hold").state[0]
    shown = run(condition, hold, keep, "unknown").state[0]
    known = np.array(condition) != -1
    assert_array_equal(held[known], shown[known])
    assert set(shown[~known]) <= {State.UNKNOWN, State.ON, State.KEEPING}


@settings(deadline=None)
@given(answers)
def test_without_waits_the_state_is_the_last_known_answer(condition: list[int]) -> None:
    active = run(condition, 0, 0, "hold").active[0]
    last = 0
    for k, answer in enumerate(condition):
        last = last if answer == -1 else answer
        assert active[k] == (last == 1)


@settings(deadline=None)
@given(answers, waits, waits, missing, st.integers(0, 29))
def test_the_past_does_not_depend_on_the_future(
    condition: list[int], hold: int, keep: int, if_missing: str, cut: int
) -> None:
    some = condition[: cut + 1]
    assert_array_equal(
        run(condition, hold, keep, if_missing).state[0, : len(some)],
        run(some, hold, keep, if_missing).state[0],
    )
