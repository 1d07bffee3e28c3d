"""Episodes against what happened: hits, misses, false alarms, lead."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from anlan.review.make import episodes, near, score
from anlan.review.verify import Episode, Table, matches, undecided, verify
from chain_pack import DAY, HOUR, T0, chain_pack, finding, known_event

WEEK = 7 * DAY


def episode(start: float, end: float | None = None, place: str = "x/a") -> Episode:
    return Episode(place, T0 + start * DAY, None if end is None else T0 + end * DAY)


def anywhere(a: str, b: str) -> bool:
    return True


@pytest.mark.parametrize(
    ("start", "end", "hit"),
    [
        (0, 1, True),
        (-4, -3, True),  # the event begins exactly at the horizon: 3 + 4 = 7 days
        (-4.01, -3, False),
        (-60, 3, True),  # it lasts until the event begins
        (-60, 2.9, False),
        (-60, None, True),  # it still lasts
        (5, 6, True),  # begins with the event's last moment
        (5.01, 6, False),
    ],
)
def test_an_event_is_hit_from_the_horizon_before_it_to_its_end(
    start: float, end: float | None, hit: bool
) -> None:
    event = known_event(T0 + 3 * DAY)  # to day 5
    assert matches(episode(start, end), event, WEEK) is hit


def test_counts_shares_and_lead() -> None:
    events = [known_event(T0 + n * DAY, id=f"e{n}") for n in (10, 30, 60)]
    scores = verify(
        "r", [episode(8, 9), episode(9, 11), episode(33, 34), episode(31, 32)], events, WEEK, anywhere
    )
    assert (scores.hits, scores.misses, scores.false_alarms) == (2, 1, 1)
    assert (scores.pod, scores.far, scores.csi) == (2 / 3, 1 / 3, 0.5)
    # two days before the first, one day after the second: lead is earliness, negative is late
    assert scores.lead == timedelta(hours=12)


def test_what_has_no_denominator_has_no_score() -> None:
    nothing = verify("r", [], [], WEEK, anywhere)
    assert (nothing.pod, nothing.far, nothing.csi, nothing.lead) == (None, None, None, None)
    assert Table(0, 3, 0).far is None


def test_places_must_meet() -> None:
    pack = chain_pack()
    event = known_event(T0 + DAY, place="x/a/1")

    def meets(a: str, b: str) -> bool:
        return near(pack, T0, a, b)

    for place, hits in (("x/a/1", 1), ("x/a", 1), ("x", 1), ("x/b", 0), ("nowhere", 0)):
        assert verify("r", [episode(0, 2, place)], [event], WEEK, meets).hits == hits


def test_an_episode_that_may_still_be_right_is_no_false_alarm_yet() -> None:
    episodes_ = [episode(0, 1), episode(20, None)]
    for now, false in ((T0 + 6 * DAY, 0), (T0 + 7 * DAY, 1), (T0 + 99 * DAY, 1)):
        assert verify("r", episodes_, [], WEEK, anywhere, now).false_alarms == false
    assert verify("r", episodes_, [], WEEK, anywhere).false_alarms == 2
    assert undecided(episode(0, 30), WEEK, T0 + 29 * DAY)


def test_episodes_are_the_stretches_with_a_level_by_place_and_event() -> None:
    def at(n: int) -> datetime:
        return T0 + n * HOUR

    found = [
        finding("F-1", 3, known=at(1)),
        finding("F-2", 2, known=at(2)),
        finding("F-3", 3, place="x/b", known=at(3)),
        finding("F-4", 2, "unknown", state="unknown", known=at(4)),
        finding("F-5", None, "ended", known=at(5)),
        finding("F-6", 4, known=at(6)),
        finding("F-7", 4, rule="other", known=at(7)),
    ]
    assert episodes(found, "gauge") == [
        Episode("x/a", at(1), at(5)), Episode("x/b", at(3), None), Episode("x/a", at(6), None),
    ]  # fmt: skip


def test_only_events_of_the_record_count() -> None:
    events = {
        e.id: e
        for e in (
            known_event(T0 - DAY, id="early"),
            known_event(T0 + DAY),
            known_event(T0 + 9 * DAY, id="to come"),
        )
    }
    pack = chain_pack(events=events)
    scores = score("gauge", [finding(known=T0 + DAY)], pack, T0, T0 + 2 * DAY)
    assert (scores.hits, scores.misses) == (1, 0)


def test_a_level_given_during_an_event_that_was_under_way_at_the_start_is_no_false_alarm() -> None:
    before = known_event(T0 - 10 * DAY, hours=30 * 24, id="before")
    found = [episode(2, 5), episode(60, 61)]
    excused = verify("r", found, [], WEEK, anywhere, ongoing=[before])
    assert (excused.hits, excused.misses, excused.false_alarms) == (0, 0, 1)
    assert verify("r", found, [], WEEK, anywhere).false_alarms == 2
