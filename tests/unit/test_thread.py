"""The identity of a risk: which findings are one, and what people may do to it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from anlan.assess import thread as threads
from anlan.model.assessment import Assessment
from anlan.model.errors import InvalidValue, NotFound, WrongState
from anlan.model.finding import Finding
from anlan.model.state import State
from chain_pack import DAY, GAUGE, T0, Room, chain_pack, finding, stage

PACK = chain_pack()
NOW = T0 + DAY


def take(state: State, found: Finding) -> Assessment | None:
    """What the flow does with a finding."""
    state.put(found.id, found)
    thread = threads.gather(found, state, PACK, found.known)
    if thread is not None:
        state.put(thread.id, thread)
    return thread


def opened(state: State, found: Finding) -> Assessment:
    thread = take(state, found)
    assert thread is not None
    return thread


@pytest.mark.parametrize("place", ["x/a", "x/a/1", "x"])
def test_the_same_hazard_on_one_line_of_places_is_one_risk(place: str) -> None:
    state = State()
    first = opened(state, finding("F-1", 3))
    second = opened(state, finding("F-2", 2, place=place, rule="other"))
    assert (second.id, second.level, second.findings) == (first.id, 2, ("F-1", "F-2"))


def test_rules_with_different_detectors_on_one_place_and_hazard_keep_to_one_risk(tmp_path: Path) -> None:
    spoken = {
        "early": ("ears_c1", {}),
        "vote": ("ensemble", {"members": ["ears_c1", "ears_c2"], "quorum": 0.5}),
    }
    rules = {
        id: replace(GAUGE, id=id, detector=detector, params=dict(params))
        for id, (detector, params) in spoken.items()
    }
    room = Room(tmp_path, replace(PACK, rules={**PACK.rules, **rules}))
    for day in range(12):
        room.learn(stage(day, 1.0 + day % 3 / 10))
    # all of them in one turn, and once more when it goes on rising
    room.learn(stage(12, 4.5))
    room.learn(stage(13, 9.0))
    room.close()
    said = Counter(finding.rule for finding in room.state.findings.values())
    assert set(said) == {"gauge", "early", "vote"}
    (thread,) = room.state.assessments.values()
    assert set(thread.findings) == set(room.state.findings)
    assert len({warning.risk for warning in room.state.warnings.values()}) == 1
    assert len(room.pending()) == 1


def test_another_hazard_or_another_line_of_places_is_another_risk() -> None:
    state = State()
    ids = {
        opened(state, finding("F-1")).id,
        opened(state, finding("F-2", place="x/b")).id,
        opened(state, finding("F-3", hazard="drought", rule="dry")).id,
    }
    assert len(ids) == 3


def test_a_risk_that_has_grown_to_the_whole_takes_in_its_other_parts() -> None:
    state = State()
    first = opened(state, finding("F-1", place="x/a"))
    opened(state, finding("F-2", place="x", rule="whole"))
    assert opened(state, finding("F-3", place="x/b")).id == first.id
    grown = state.assessments[first.id]
    assert threads.places(grown, state, PACK, NOW) == ("x",)


def test_the_level_is_the_most_severe_of_all_and_unknown_when_any_is() -> None:
    state = State()
    opened(state, finding("F-1", 2))
    opened(state, finding("F-2", 3, rule="other"))
    thread = opened(state, finding("F-3", 2, "unknown", state="unknown"))
    assert (thread.level, thread.state) == (2, "unknown")
    thread = opened(state, finding("F-4", None, "ended"))
    assert (thread.level, thread.state, thread.highest) == (3, "known", 2)
    assert threads.places(thread, state, PACK, NOW) == ("x/a",)


def test_a_risk_quiet_for_long_is_not_continued() -> None:
    state = State()
    first = opened(state, finding("F-1"))
    opened(state, finding("F-2", None, "ended", known=T0 + 2 * DAY))
    soon = opened(state, finding("F-3", known=T0 + 40 * DAY))
    assert soon.id == first.id
    opened(state, finding("F-4", None, "ended", known=T0 + 41 * DAY))
    late = opened(state, finding("F-5", known=T0 + 41 * DAY + threads.QUIET + DAY))
    assert late.id != first.id


def test_a_level_that_stands_keeps_its_risk_however_long() -> None:
    state = State()
    first = opened(state, finding("F-1"))
    assert opened(state, finding("F-2", 2, known=T0 + 400 * DAY)).id == first.id


@pytest.mark.parametrize("change", ["unknown", "known", "lowered", "ended"])
def test_only_a_level_newly_raised_opens_a_risk(change: str) -> None:
    state = State()
    first = opened(state, finding("F-1"))
    state.put(first.id, threads.dismiss(first, "ada", "a broken gauge", NOW))
    level = None if change == "ended" else 3
    assert take(state, finding("F-2", level, change)) is None
    assert opened(state, finding("F-3", 2)).id != first.id


def test_a_dismissal_needs_words_and_is_for_good() -> None:
    thread = opened(State(), finding())
    with pytest.raises(InvalidValue, match="reason in words"):
        threads.dismiss(thread, "ada", "  ", NOW)
    gone = threads.dismiss(thread, "ada", "a broken gauge", NOW)
    assert (gone.verdict, gone.status, gone.by) == ("dismissed", "reviewed", "ada")
    for again in (threads.confirm, threads.dismiss):
        with pytest.raises(WrongState, match="not open"):
            again(gone, "ada", "no", NOW)


def test_a_merge_keeps_every_finding_once_in_the_order_of_arrival() -> None:
    state = State()
    old = opened(state, finding("F-1", 2, known=T0))
    opened(state, finding("F-2", None, "ended", known=T0 + DAY))
    new = opened(state, finding("F-3", 3, known=T0 + 60 * DAY))
    assert old.id != new.id
    gone, kept = threads.merge(state.assessments[old.id], new, state, "ada", "one flood", T0 + 61 * DAY)
    assert kept.findings == ("F-1", "F-2", "F-3")
    # the old end says nothing about the level that came after it
    assert (kept.level, kept.highest, gone.verdict, gone.merged_into) == (3, 2, "merged", new.id)


def test_a_merge_with_something_unknown_is_unknown() -> None:
    state = State()
    a = opened(state, finding("F-1", 3))
    b = opened(state, finding("F-2", 4, place="x/b"))
    opened(state, finding("F-3", 4, "unknown", place="x/b", state="unknown"))
    _, kept = threads.merge(state.assessments[b.id], a, state, "ada", "", NOW)
    assert (kept.level, kept.state) == (3, "unknown")


def test_only_two_live_risks_of_one_hazard_are_merged() -> None:
    state = State()
    a, b = opened(state, finding("F-1")), opened(state, finding("F-2", hazard="drought", rule="dry"))
    for other in (a, b):
        with pytest.raises(WrongState, match="one hazard"):
            threads.merge(a, other, state, "ada", "", NOW)
    closed = replace(opened(state, finding("F-3", place="x/b")), verdict="closed")
    with pytest.raises(WrongState, match="not open"):
        threads.merge(a, closed, state, "ada", "", NOW)


def test_a_split_keeps_every_finding_once_and_makes_a_new_identity() -> None:
    state = State()
    thread = opened(state, finding("F-1", 2))
    opened(state, finding("F-2", 3, place="x/a/1"))
    thread = opened(state, finding("F-3", 1, place="x/a/1"))
    # the finding that opened the risk moves: the new risk must not take its id
    kept, fresh = threads.split(thread, ("F-1", "F-1"), state, PACK, "ada", "two rivers", NOW)
    assert (kept.findings, fresh.findings) == (("F-2", "F-3"), ("F-1",))
    assert kept.id != fresh.id
    assert (kept.level, fresh.level, fresh.highest, fresh.split_from) == (1, 2, 2, thread.id)


def test_a_split_does_not_tear_one_history_apart() -> None:
    state = State()
    opened(state, finding("F-1", 3))
    opened(state, finding("F-2", 3, rule="other"))
    thread = opened(state, finding("F-3", 2))
    with pytest.raises(WrongState, match="F-1"):
        threads.split(thread, ("F-3",), state, PACK, "ada", "", NOW)
    with pytest.raises(WrongState, match="both sides"):
        threads.split(thread, ("F-1", "F-2", "F-3"), state, PACK, "ada", "", NOW)
    with pytest.raises(NotFound):
        threads.split(thread, ("F-9",), state, PACK, "ada", "", NOW)


def test_the_last_word_waits_for_the_level_to_end() -> None:
    state = State()
    thread = opened(state, finding("F-1"))
    with pytest.raises(WrongState, match="level stands"):
        threads.finalise(thread, "ada", "", NOW)
    ended = opened(state, finding("F-2", None, "ended"))
    final = threads.finalise(ended, "ada", "", NOW)
    assert (final.status, final.verdict) == ("final", "closed")
    with pytest.raises(WrongState, match="already final"):
        threads.finalise(final, "ada", "", NOW)
    dismissed = threads.dismiss(thread, "ada", "a broken gauge", NOW)
    assert threads.finalise(dismissed, "ada", "", NOW + timedelta(hours=1)).verdict == "dismissed"


def test_a_place_that_is_no_more_stops_nobody() -> None:
    state, late = State(), T0 + 20 * DAY
    thread = opened(state, finding("F-1", place="x/old", known=T0))
    assert opened(state, finding("F-2", place="x/b", known=late)).id != thread.id
    assert threads.places(thread, state, PACK, late) == ("x/old",)
