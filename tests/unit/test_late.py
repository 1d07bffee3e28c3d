"""Old messages that come late or again: the cases of the table in docs/howto/mute-and-route.md."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from test_hub import hear, outcomes, states

from anlan.model.relayed import Relayed
from anlan.warn import hub
from anlan.warn.in_force import board
from anlan.warn.late import came
from chain_pack import T0, Room, chain_pack
from relayed_messages import HOUR, cancel, info, message, update

BOTH = ("x/a", "x/b")


def at(hours: float) -> Any:
    return T0 + hours * HOUR


def over(*places: str, ends: float = 24, **fields: Any) -> tuple[Any, ...]:
    return (info(at(ends), places, **fields),)


def link(name: str, *messages: Relayed) -> hub.Link:
    (found,) = [one for one in hub.chains(messages).values() if one.message.identifier == name]
    return found


FIRST = message("1")
NEWER = update("2", "1", sent=2)
#: sent between the two, and here after both
LATE = update("3", "1", sent=1, known=at(3), source="feed-b")


def test_the_same_content_again_is_one_message_and_what_has_ended_stays_ended() -> None:
    ender = cancel("9", "1", sent=1)
    for again in (message("1", known=at(3)), message("1", known=at(3), source="feed-b")):
        kept = {FIRST.id: FIRST, ender.id: ender}
        taken = hub.take(again, kept, at(3))
        if taken is not None:
            kept[FIRST.id] = taken[1]
        assert states(*kept.values()) == {"1": "cancelled", "9": "cancel"}
        assert len(kept[FIRST.id].feeds) == (1 if again.feeds[0].source == "feed-a" else 2)


@pytest.mark.parametrize(("sent", "state"), [(0.5, "cancelled"), (2, "in_force")])
def test_other_content_under_an_ended_name_is_ended_where_it_was_sent_before_the_end_and_else_in_conflict(
    sent: float, state: str
) -> None:
    other = message("1", content="other", sent=sent, known=at(3))
    links = hub.chains([FIRST, cancel("9", "1", sent=1), other])
    assert hub.standing(links[other.id], at(3)).state == state
    assert links[other.id].conflicts == (FIRST.id,)


@pytest.mark.parametrize("follower", [NEWER, cancel("2", "1", sent=2)])
def test_a_first_message_is_ended_by_what_came_before_it(follower: Relayed) -> None:
    first = message("1", known=at(3))
    assert states(first, follower)["1"] in ("replaced", "cancelled")
    assert link("1", first, follower).refused == ""


def test_an_older_update_that_comes_late_does_not_stand_beside_the_newer() -> None:
    assert states(FIRST, NEWER, LATE) == {"1": "replaced", "2": "in_force", "3": "replayed"}
    late = link("3", FIRST, NEWER, LATE)
    assert (late.refused, late.newer) == ("replayed", NEWER.id)
    assert outcomes(FIRST, NEWER, LATE)["3"] == ["replayed"]
    # it is seen where its chain is, and the newer has nothing to be looked at
    assert late.chain == link("2", FIRST, NEWER, LATE).chain
    assert link("2", FIRST, NEWER, LATE).marks == ()


def test_the_message_that_both_follow_need_not_be_here() -> None:
    assert states(NEWER, LATE) == {"2": "in_force", "3": "replayed"}
    assert states(cancel("9", "1", sent=2), LATE)["3"] == "replayed"


@pytest.mark.parametrize(
    ("late", "newer"),
    [
        (over("x/a", "x/b"), over("x/a")),
        (over(), over("x/a")),
        (over("x/a", effective=at(13)), over("x/a", ends=12)),
    ],
    ids=["another place", "no known place", "a later time"],
)
def test_an_older_update_that_tells_of_more_than_the_newer_stands_and_is_marked(
    late: Any, newer: Any
) -> None:
    messages = (
        FIRST,
        update("2", "1", sent=2, infos=newer),
        update("3", "1", sent=1, known=at(3), infos=late),
    )
    assert states(*messages)["3"] in ("in_force", "coming")
    assert states(*messages)["2"] == "in_force"
    assert link("3", *messages).marks == ("branched", "late")
    assert (link("3", *messages).refused, outcomes(*messages)["3"]) == ("", ["applied"])


def test_a_part_of_a_place_does_not_tell_of_the_whole() -> None:
    def part(one: Relayed) -> Relayed:
        (block,) = one.infos
        return replace(one, infos=(replace(block, areas=(replace(block.areas[0], partial=("x/a",)),)),))

    assert states(FIRST, part(NEWER), LATE)["3"] == "in_force"
    assert states(FIRST, part(NEWER), part(LATE))["3"] == "replayed"
    assert states(FIRST, NEWER, part(LATE))["3"] == "replayed"


@pytest.mark.parametrize(
    "newer",
    [
        (NEWER, cancel("9", "2", sent=2.5)),
        (cancel("9", "1", sent=2),),
        (update("2", "1", sent=2, ends=2.5),),
    ],
    ids=["updated and cancelled", "cancelled", "run out"],
)
def test_an_ended_warning_is_never_brought_back_by_what_is_older_than_its_end(newer: tuple[Any, ...]) -> None:
    # of more ground and for longer than anything before it
    late = update("3", "1", sent=1, known=at(3), infos=over("x/a", "x/b", ends=99))
    found = states(FIRST, *newer, late, at=4)
    assert found["3"] == "replayed"
    assert "in_force" not in found.values()


def test_an_update_of_what_was_cancelled_after_it_is_refused_though_something_newer_stands() -> None:
    messages = (FIRST, update("2", "1", sent=2, infos=over("x/a")), cancel("9", "1", sent=2))
    late = update("3", "1", sent=1, known=at(3), infos=over(*BOTH))
    assert states(*messages, late)["3"] == "replayed"
    assert states(*messages, late)["2"] == "in_force"


def test_what_a_refused_update_names_is_not_ended_by_it() -> None:
    other = message("5", infos=over("x/b"))
    late = update("3", "1", "5", sent=1, known=at(3))
    assert states(FIRST, other, NEWER, late) == {
        "1": "replaced",
        "2": "in_force",
        "3": "replayed",
        "5": "in_force",
    }


def test_an_update_whose_follower_was_here_is_ended_by_that_and_not_refused() -> None:
    follower = update("4", "3", sent=2)
    assert states(FIRST, follower, LATE) == {"1": "replaced", "3": "replaced", "4": "in_force"}


def test_an_older_cancel_that_comes_late_ends_nothing_that_was_ended_already() -> None:
    late = cancel("9", "1", sent=1, known=at(3))
    assert states(FIRST, NEWER, late) == {"1": "replaced", "2": "in_force", "9": "replayed"}
    assert outcomes(FIRST, NEWER, late)["9"] == ["replayed"]
    assert link("2", FIRST, NEWER, late).marks == ()
    # what was sent before the cancel is looked at all the same
    half = update("4", "1", sent=0.5, infos=over("x/b"))
    assert "cancel_of_earlier" in link("4", FIRST, NEWER, half, late).marks


def test_a_late_cancel_of_what_still_stands_cancels_it() -> None:
    half = update("4", "1", sent=0.5, infos=over("x/b"))
    late = cancel("9", "4", sent=1, known=at(3))
    assert states(FIRST, NEWER, half, late)["4"] == "cancelled"


def test_the_newest_word_stands_however_late_it_comes() -> None:
    first = message("1", ends=0.5)
    late = update("3", "1", sent=0.4, known=at(3))
    assert states(first, late, at=4) == {"1": "replaced", "3": "in_force"}


def test_messages_of_one_instant_are_not_late_for_each_other() -> None:
    newer = update("2", "1", sent=2, known=at(3))
    assert states(FIRST, newer, LATE)["3"] == "in_force"
    assert link("3", FIRST, newer, LATE).marks == ("branched",)


def test_an_update_sent_before_what_it_names_is_a_wrong_clock_and_both_stand() -> None:
    early = update("3", "2", sent=1, known=at(3))
    assert states(FIRST, NEWER, early)["3"] == "in_force"
    assert outcomes(FIRST, NEWER, early)["3"] == ["sent_later"]


@pytest.mark.parametrize(
    "newer",
    [
        update("2", "1", sent=2, held="signature_broken", why_held="not as it was signed"),
        update("2", ("met@x.invalid", "1"), sent=2, sender="mallory@x.invalid"),
        update("2", "1", sent=2, status="Test"),
        # it says that it was sent later than it came: it could not count before that
        update("2", "1", sent=4, known=at(2)),
    ],
    ids=["held", "another sender", "another status", "not sent yet"],
)
def test_what_counts_for_nothing_makes_nothing_late(newer: Relayed) -> None:
    assert states(FIRST, newer, LATE)["3"] == "in_force"


def test_what_was_refused_is_not_what_the_next_is_measured_by() -> None:
    again = update("4", "1", sent=0.5, known=at(4), infos=over("x/b"))
    wide = update("3", "1", sent=1, known=at(3), infos=over(*BOTH, ends=2.5))
    ended = (FIRST, update("2", "1", sent=2, infos=over(*BOTH)))
    assert states(*ended, wide, again)["3"] == "replayed"
    assert link("4", *ended, wide, again).newer == ended[1].id


def test_a_long_chain_told_backwards_takes_time_in_line_with_its_length() -> None:
    """Counted in looks at messages, not in seconds."""
    looks = 0

    class Counted(str):
        def __hash__(self) -> int:
            nonlocal looks
            looks += 1
            return str.__hash__(self)

    def chain(length: int) -> int:
        nonlocal looks
        told = [
            update(Counted(f"u{n}"), Counted("1"), sent=1 + n / 1000, known=at(9) - n * timedelta(seconds=1))
            for n in range(length)
        ]
        looks = 0
        found = hub.chains(told)
        assert sum(bool(one.refused) for one in found.values()) == length - 1
        return looks

    assert chain(200) < 5 * chain(50)


def test_the_board_counts_what_was_refused_and_lists_it_on_demand(room: Room) -> None:
    hear(room, 2.5, message("1"), update("2", "1", sent=2))
    hear(room, 3, update("3", "1", sent=1), source="feed-b")
    shown = board(room.state, chain_pack(), at(4))
    assert (shown.refused, [line.state for line in shown.lines]) == (1, ["in_force"])
    every = board(room.state, chain_pack(), at(4), every=True)
    assert [(line.state, line.refused) for line in every.lines if line.refused] == [("replayed", "replayed")]
    (late,) = [one for one in room.state.relayed.values() if one.identifier == "3"]
    assert came(late) == at(3)
