"""The past of a rule as it was known then: the numbers of its findings, and nothing learnt later."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from anlan.assess import thread as threads
from anlan.assess.evaluate import evaluate
from anlan.assess.retrospect import later, retrospect
from anlan.model.errors import WrongState
from anlan.model.state import State
from chain_pack import DAY, GAUGE, HOUR, T0, MemoryLake, chain_pack, finding, stage

EARS = replace(
    GAUGE,
    detector="ears_c1",
    params={"alpha": 0.001},
    when="alarm",
    measure="value",
    bands=tuple(replace(band, at_least=0.0) for band in GAUGE.bands),
    hold=timedelta(0),
    keep=timedelta(0),
)
PACK = replace(chain_pack(), rules={EARS.id: EARS})
VALUES = [1.0, 2, 1, 3, 2, 1, 2, 2, 1, 3, 2, 9, 2, 1, None, 2]


def filled() -> MemoryLake:
    lake = MemoryLake()
    lake.append([stage(day, value) for day, value in enumerate(VALUES)])
    lake.append([stage(day, 1.0, "x/b") for day in range(12)])
    return lake


def test_it_says_what_the_findings_say() -> None:
    lake, state = filled(), State()
    found = []
    for day in range(len(VALUES)):
        for one in evaluate(EARS, PACK, lake, state, T0 + day * DAY + 30 * HOUR):  # type: ignore[arg-type]
            state.put(one.id, one)
            found.append(one)
    raised = [one for one in found if one.change == "raised"]
    assert raised
    seen = retrospect(EARS, PACK, lake, T0 + 40 * DAY, 6)  # type: ignore[arg-type]
    own = seen.series["x/a"]
    for one in raised:
        if one.at in seen.times[seen.tested[0] :]:
            j = seen.times.index(one.at) - seen.tested[0]
            assert own.alarm[j] == 1
            assert (own.expected[j], own.threshold[j]) == (one.expected, one.threshold)


def test_nothing_learnt_later_is_in_it() -> None:
    lake = filled()
    at = T0 + 11 * DAY
    before = retrospect(EARS, PACK, lake, T0 + 15 * DAY, 8)  # type: ignore[arg-type]
    lake.append([stage(11, 40.0, known=T0 + 15 * DAY + HOUR)])
    again = retrospect(EARS, PACK, lake, T0 + 15 * DAY, 8)  # type: ignore[arg-type]
    assert_array_equal(again.series["x/a"].values, before.series["x/a"].values)
    assert before.series["x/a"].values[before.times.index(at)] == 9.0
    revised = later(before, EARS, PACK, lake, "x/a", T0 + 20 * DAY)  # type: ignore[arg-type]
    assert revised.values[before.times.index(at)] == 40.0
    assert len(revised.values) == len(before.times)


def test_a_gap_is_unknown_and_a_silent_place_too() -> None:
    seen = retrospect(EARS, PACK, filled(), T0 + 40 * DAY, 6)  # type: ignore[arg-type]
    gap = seen.times.index(T0 + 14 * DAY)
    assert np.isnan(seen.series["x/a"].values[gap])
    assert seen.series["x/a"].alarm[gap - seen.tested[0]] == -1
    assert (seen.series["x/b"].alarm[-3:] == -1).all()
    nothing = retrospect(EARS, PACK, MemoryLake(), T0, 6)  # type: ignore[arg-type]
    assert (nothing.times, nothing.series) == ((), {})


def test_a_series_that_has_ended_long_ago_is_shown_up_to_its_end() -> None:
    seen = retrospect(EARS, PACK, filled(), T0 + 4000 * DAY, 6)  # type: ignore[arg-type]
    assert seen.times[-1] == T0 + 15 * DAY
    assert seen.series["x/a"].alarm[-5] == 1


def test_a_series_that_has_just_ended_is_compared_with_all_of_its_history() -> None:
    lake = MemoryLake()
    lake.append([stage(day, float(day % 3)) for day in range(200)])
    at_the_end = retrospect(EARS, PACK, lake, T0 + 202 * DAY, 6)  # type: ignore[arg-type]
    # later on only the last of its rows are among those asked for
    after = retrospect(EARS, PACK, lake, T0 + 262 * DAY, 6)  # type: ignore[arg-type]
    assert after.times[-6:] == at_the_end.times[-6:]
    assert not (after.series["x/a"].alarm == -1).any()
    for one in ("expected", "threshold", "alarm"):
        assert_array_equal(getattr(after.series["x/a"], one), getattr(at_the_end.series["x/a"], one))


def test_some_places_alone_have_the_numbers_and_the_axis_of_the_whole_panel() -> None:
    lake = filled()
    lake.append([stage(day, 3.0, "x/c") for day in range(20)])
    whole = retrospect(EARS, PACK, lake, T0 + 40 * DAY, 9)  # type: ignore[arg-type]
    some = retrospect(EARS, PACK, lake, T0 + 40 * DAY, 9, ("x/a", "x/none"))  # type: ignore[arg-type]
    assert (some.times, some.tested, set(some.series)) == (whole.times, whole.tested, {"x/a"})
    for one in ("values", "expected", "threshold", "alarm", "reason"):
        assert_array_equal(getattr(some.series["x/a"], one), getattr(whole.series["x/a"], one))


def test_watching_a_risk_says_so_and_decides_nothing() -> None:
    state = State()
    one = finding("F-1", 3)
    state.put(one.id, one)
    thread = threads.gather(one, state, PACK, one.known)
    assert thread is not None
    watched = threads.watch(thread, "ada", " waiting for the laboratory ", T0 + DAY)
    assert (watched.verdict, watched.status, watched.by) == (thread.verdict, "reviewed", "ada")
    assert (watched.reasons[-1].code, watched.reasons[-1].text.en) == (
        "watched",
        "waiting for the laboratory",
    )
    assert threads.watch(watched, "ben", "", T0 + DAY).reasons[-1].text.zh == "分析员正在关注"
    dismissed = threads.dismiss(watched, "ada", "a slip of the pen", T0 + DAY)
    with pytest.raises(WrongState):
        threads.watch(dismissed, "ada", "again", T0 + DAY)
