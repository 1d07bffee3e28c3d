"""The review of a risk: its hops in order, how it came out, what its own record asks to look at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from anlan.model.errors import WrongState
from anlan.model.indicator import KnownEvent
from anlan.model.review import Review
from chain_pack import ADA, BEN, DAY, HOUR, T0, Room, chain_pack, known_event, stage

SENT = T0 + DAY + 12 * HOUR


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def room(folder: Path) -> Iterator[Room]:
    room = Room(folder, chain_pack())
    yield room
    room.close()


def story(room: Room, *, send: bool = True, quiet: int = 20) -> Review:
    """Water rises on day 0 and has gone five days later; the response ends, the risk is closed."""
    room.learn(stage(0, 5.0))
    (risk,) = room.state.assessments
    if send:
        room.publish(SENT)
        (incident,) = room.state.incidents
        room.run(SENT + 3 * HOUR)
        (task,) = room.state.tasks
        room.act(SENT + 4 * HOUR, ADA, "task.done", task)
        room.act(SENT + 5 * HOUR, BEN, "incident.stand_down", incident, reason="the water has gone")
    for n in range(1, quiet):
        quieter = stage(n, 1.0)
        room.turn(quieter.known, quieter)
        if send and any(w.change == "cancel" for w in room.pending()):
            room.publish(quieter.known + HOUR)
    room.act(T0 + (quiet + 1) * DAY, ADA, "assessment.finalise", risk, reason="over")
    (review,) = room.state.reviews.values()
    return review


def with_event(room: Room, *events: KnownEvent) -> None:
    room.pack = replace(room.pack, events={e.id: e for e in events})


def test_the_hops_are_in_order_with_the_time_between_them(room: Room) -> None:
    review = story(room)
    assert [(m.stage, m.what.en) for m in review.timeline] == [
        ("monitor", "finding"),
        ("assess", "assessment opened"),
        ("warn", "warning drafted"),
        ("warn", "warning submitted"),
        ("warn", "warning approved and sent"),
        ("respond", "incident opened"),
        ("warn", "delivered"),
        ("respond", "task done"),
        ("respond", "stood down"),
    ]
    assert review.timeline[0].since_previous is None
    for before, hop in zip(review.timeline, review.timeline[1:], strict=False):
        assert hop.since_previous == hop.at - before.at >= timedelta(0)
    assert review.timeline[3].since_previous == 6 * HOUR


def test_an_event_warned_of_before_it_began_is_a_hit_with_a_positive_lead(room: Room) -> None:
    with_event(room, known_event(SENT + 10 * HOUR))
    review = story(room)
    assert (review.outcome, review.event) == ("hit", "flood-1")
    assert review.lead == 10 * HOUR - timedelta(microseconds=1)
    assert review.scores[0].hits == 1


def test_an_event_warned_of_late_has_a_negative_lead_and_a_lesson(room: Room) -> None:
    with_event(room, known_event(SENT - 10 * HOUR))
    review = story(room)
    assert review.outcome == "hit"
    assert review.lead is not None
    assert review.lead < timedelta(0)
    assert any("after the event began" in lesson.text.en for lesson in room.state.lessons.values())


def test_an_event_that_came_unwarned_is_a_miss(room: Room) -> None:
    with_event(room, known_event(SENT))
    assert story(room, send=False).outcome == "miss"


def test_a_warning_without_an_event_is_a_false_alarm_once_none_can_come(room: Room) -> None:
    review = story(room)
    assert (review.outcome, review.event, review.lead) == ("false_alarm", "", None)
    assert any("look at the rule's threshold" in lesson.text.en for lesson in room.state.lessons.values())


def test_a_risk_closed_before_its_horizon_is_no_false_alarm(room: Room) -> None:
    assert story(room, quiet=8).outcome == "unknown"
    assert not any("threshold" in lesson.text.en for lesson in room.state.lessons.values())


def test_nothing_sent_and_nothing_come_is_unknown(room: Room) -> None:
    assert story(room, send=False).outcome == "unknown"


def test_lessons_are_what_the_record_shows_and_are_done_once(room: Room) -> None:
    review = story(room)
    said = " ".join(room.state.lessons[id].text.en for id in review.lessons)
    assert "3 call(s) went unanswered" in said
    assert "report(s) late" in said
    assert "1 task(s) late" in said
    assert (review.tasks_done, review.tasks_late) == (1, 1)
    assert {room.state.lessons[id].owner for id in review.lessons} == {"office"}
    id = review.lessons[0]
    room.act(T0 + 40 * DAY, BEN, "lesson.done", id)
    assert room.state.lessons[id].done == T0 + 40 * DAY
    with pytest.raises(WrongState, match="done already"):
        room.act(T0 + 41 * DAY, BEN, "lesson.done", id)


def test_a_risk_is_not_closed_while_something_of_it_runs(room: Room) -> None:
    room.learn(stage(0, 5.0))
    (risk,) = room.state.assessments
    room.publish(SENT)
    room.act(SENT + HOUR, ADA, "assessment.dismiss", risk, reason="a broken gauge")
    with pytest.raises(WrongState, match="message in force"):
        room.act(SENT + HOUR, ADA, "assessment.finalise", risk)
    room.publish(SENT + 2 * HOUR)  # the cancel
    with pytest.raises(WrongState, match="response is still open"):
        room.act(SENT + 3 * HOUR, ADA, "assessment.finalise", risk)
    (incident,) = room.state.incidents
    room.act(SENT + 4 * HOUR, BEN, "incident.stand_down", incident, reason="no flood")
    room.act(SENT + 5 * HOUR, ADA, "assessment.finalise", risk)
    assert len(room.state.reviews) == 1
