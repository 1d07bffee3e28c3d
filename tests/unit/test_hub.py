"""What many received messages come to together."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from anlan.formats.values import sha256
from anlan.model.errors import AuditBroken, NotFound
from anlan.model.relayed import Relayed
from anlan.model.state import State, fold
from anlan.ports.source import Batch, Received
from anlan.store.messages import SqlMessages
from anlan.warn import hub
from anlan.warn.in_force import board
from bulletins import NOW, country, warning
from chain_pack import T0, Room, chain_pack
from relayed_messages import HOUR, cancel, info, message, update


def states(*messages: Relayed, at: float = 3, silent: frozenset[str] = frozenset()) -> dict[str, str]:
    board = hub.board(hub.chains(messages), T0 + at * HOUR, silent)
    return {one.link.message.identifier: one.state for one in board}


def outcomes(*messages: Relayed) -> dict[str, list[str]]:
    links = hub.chains(messages).values()
    return {link.message.identifier: [one.outcome for one in link.references] for link in links}


def test_an_update_replaces_what_it_names_and_a_cancel_ends_it() -> None:
    found = states(message("1"), update("2", "1", sent=1), cancel("3", "2", sent=2))
    assert found == {"1": "replaced", "2": "cancelled", "3": "cancel"}
    links = hub.chains([message("1"), update("2", "1", sent=1), cancel("3", "2", sent=2)])
    assert len({link.chain for link in links.values()}) == 1


def test_the_instant_in_a_reference_is_not_compared() -> None:
    # the tests' references all carry one instant, which is that of no message but the first
    assert outcomes(message("1", sent=1), update("2", "1", sent=2))["2"] == ["applied"]


def test_several_references_each_do_what_they_say() -> None:
    found = states(message("1"), message("2"), message("3"), update("4", "1", "2", sent=1))
    assert found == {"1": "replaced", "2": "replaced", "3": "in_force", "4": "in_force"}


def test_a_cancel_of_a_part_leaves_the_rest() -> None:
    found = states(message("1"), message("2"), update("3", "1", "2", sent=1), cancel("4", "1", sent=2))
    assert found == {"1": "cancelled", "2": "replaced", "3": "in_force", "4": "cancel"}
    links = hub.chains([message("1"), update("3", "1", sent=1), cancel("4", "1", sent=2)])
    (stands,) = [link for link in links.values() if link.message.identifier == "3"]
    assert stands.marks == ("cancel_of_earlier",)


def test_two_updates_of_one_message_both_stand_and_are_marked() -> None:
    messages = [message("1"), update("2", "1", sent=1), update("3", "1", sent=2)]
    assert states(*messages) == {"1": "replaced", "2": "in_force", "3": "in_force"}
    assert {link.message.identifier: link.marks for link in hub.chains(messages).values()} == {
        "1": (),
        "2": ("branched",),
        "3": ("branched",),
    }


def test_what_is_not_here_is_missing_and_takes_effect_when_it_comes() -> None:
    later = update("2", "1", sent=1)
    assert outcomes(later) == {"2": ["missing"]}
    assert outcomes(later, message("1"))["2"] == ["applied"]
    assert states(later, message("1"))["1"] == "replaced"


def test_nobody_ends_the_warnings_of_others() -> None:
    messages = (message("1"), cancel("9", ("met@x.invalid", "1"), sender="mallory@x.invalid", sent=1))
    assert states(*messages)["1"] == "in_force"
    assert outcomes(*messages)["9"] == ["other_sender"]


def test_an_office_under_a_new_name_is_told_apart_from_a_message_nobody_has() -> None:
    messages = (message("1", sender="old@x.invalid"), update("2", "1", sender="new@x.invalid", sent=1))
    assert outcomes(*messages)["2"] == ["other_sender"]
    assert states(*messages) == {"1": "in_force", "2": "in_force"}


def test_a_test_never_ends_the_real_thing() -> None:
    messages = (message("1"), cancel("2", "1", sent=1, status="Test"))
    assert states(*messages) == {"1": "in_force", "2": "not_actual"}
    assert outcomes(*messages)["2"] == ["other_status"]


def test_nothing_is_ended_by_what_was_sent_before_it_or_by_itself() -> None:
    messages = (message("1", sent=2), cancel("2", "1", sent=1), update("3", "3"))
    assert states(*messages)["1"] == "in_force"
    found = outcomes(*messages)
    assert (found["2"], found["3"]) == (["sent_later"], ["itself"])


def test_messages_that_end_each_other_in_one_second_all_stand() -> None:
    ring = (update("1", "2"), update("2", "3"), update("3", "1"))
    assert set(states(*ring).values()) == {"in_force"}
    assert outcomes(*ring) == {"1": ["circular"], "2": ["circular"], "3": ["circular"]}
    # one that only names a member of the circle still counts
    assert states(*ring, update("4", "1"))["1"] == "replaced"


def test_answers_end_nothing_and_stand_by_what_they_answer() -> None:
    messages = (
        message("1"),
        message("a", ("met@x.invalid", "1"), kind="Ack", sender="desk@y.invalid", sent=1),
        message("e", ("met@x.invalid", "1"), kind="Error", sender="desk@y.invalid", sent=1),
    )
    assert states(*messages) == {"1": "in_force", "a": "answer", "e": "answer"}
    (first,) = [link for link in hub.chains(messages).values() if link.message.identifier == "1"]
    assert len(first.answered_by) == 2


def test_a_reference_that_is_no_reference_is_unreadable() -> None:
    assert outcomes(update("2", ("", "reference1"), sent=1))["2"] == ["unreadable"]


def test_a_held_message_counts_for_nothing_and_ends_nothing() -> None:
    forged = cancel("2", "1", sent=1, held="signature_broken", why_held="not as it was signed")
    assert states(message("1"), forged) == {"1": "in_force", "2": "held"}
    assert outcomes(message("1"), forged)["2"] == ["held"]


def test_a_held_message_is_released_when_it_is_read_again_and_nothing_speaks_against_it() -> None:
    early = message("1", held="sent_in_future", why_held="sent later than now")
    taken = hub.take(message("1"), {early.id: early}, T0 + HOUR)
    assert taken is not None
    verb, free = taken
    assert (verb, free.held, free.why_held, len(free.feeds)) == ("released", "", "", 1)
    # a second feed that refuses it does not hold it again
    refused = message("1", source="feed-b", held="sender_not_expected", why_held="not one of ours")
    again = hub.take(refused, {free.id: free}, T0 + HOUR)
    assert again is not None and again[0] == "repeated" and again[1].held == ""


def test_expiry_coming_and_unknown_end() -> None:
    early = message("early", infos=(info(T0 + 9 * HOUR, effective=T0 + 5 * HOUR),))
    unended = message("unended", ends=None)
    assert states(message("1", ends=3), early, unended) == {
        "1": "expired",
        "early": "coming",
        "unended": "in_force",
    }
    # a day later nobody knows whether it is over; it is not cleared
    assert states(unended, at=24)["unended"] == "end_unknown"
    # one block that gives no end is enough not to know
    both = message("both", infos=(info(T0 + HOUR), info(None)))
    assert states(both)["both"] == "in_force"


def test_a_silent_source_leaves_its_messages_on_the_board_as_of_unknown_currency() -> None:
    links = hub.chains([message("1"), message("2", source="feed-b")])
    board = hub.board(links, T0 + HOUR, frozenset(("feed-a",)))
    assert {one.link.message.identifier: (one.state, one.current) for one in board} == {
        "1": ("in_force", False),
        "2": ("in_force", True),
    }
    again = hub.take(message("1", source="feed-b"), {m.message.id: m.message for m in links.values()}, T0)
    assert again is not None
    (one,) = hub.board(hub.chains([again[1]]), T0 + HOUR, frozenset(("feed-a",)))
    assert one.current


def test_the_same_message_by_two_feeds_is_one_and_names_both() -> None:
    first = message("1")
    kept = {first.id: first}
    assert hub.take(first, kept, T0 + HOUR) is None
    taken = hub.take(message("1", source="feed-b"), kept, T0 + HOUR)
    assert taken is not None
    verb, both = taken
    assert verb == "repeated"
    assert [(feed.source, feed.known) for feed in both.feeds] == [
        ("feed-a", T0),
        ("feed-b", T0 + HOUR),
    ]
    assert hub.take(message("1", source="feed-b"), {both.id: both}, T0 + 2 * HOUR) is None


def test_other_content_under_the_same_name_is_a_conflict_and_both_stay() -> None:
    one, other = message("1"), message("1", content="other words", source="feed-b")
    links = hub.chains([one, other])
    assert {link.message.content: link.conflicts for link in links.values()} == {
        "1": (other.id,),
        "other words": (one.id,),
    }
    # an update of the name replaces both
    found = hub.chains([one, other, update("2", "1", sent=1)])
    assert sum(bool(link.replaced_by) for link in found.values()) == 2


def test_bytes_that_differ_at_every_fetch_do_not_fill_the_journal() -> None:
    kept = message("1")
    for number in range(20):
        again = message("1")
        again = replace(again, feeds=(replace(again.feeds[0], digest=f"form {number}"),))
        taken = hub.take(again, {kept.id: kept}, T0)
        kept = taken[1] if taken else kept
    assert len(kept.feeds) == 4


def test_a_board_stays_the_same_until_it_says(room: Room) -> None:
    hear(
        room,
        1,
        message("1", ends=5),
        message("2", ends=None),
        message("3", infos=(info(T0 + 9 * HOUR, effective=T0 + 3 * HOUR),)),
    )
    pack, seen = chain_pack(), []
    at = T0 + HOUR
    while True:
        found = board(room.state, pack, at)
        seen.append((found.until, sorted((line.id, line.state) for line in found.lines)))
        if found.until is None:
            break
        just_before = board(room.state, pack, found.until - HOUR / 3600)
        assert [(x.id, x.state) for x in just_before.lines] == [(x.id, x.state) for x in found.lines]
        at = found.until
    assert [until for until, _ in seen] == [T0 + n * HOUR for n in (3, 5, 9, 24)] + [None]
    assert all(one != other for (_, one), (_, other) in itertools.pairwise(seen))


# ── through the flow ─────────────────────────────────────────────────────────────────────────────


def hear(room: Room, at: float, *messages: Relayed, source: str = "feed-a") -> None:
    from anlan import flow

    received = []
    for one in messages:
        raw = one.content.encode() + source.encode()
        feed = replace(one.feeds[0], source=source, digest=sha256(raw))
        received.append(Received(replace(one, feeds=(feed,)), raw))
    now = T0 + at * HOUR
    room.now = now
    house: Any = room
    flow.end(flow.begin(house, now, [Batch(source, now, relayed=tuple(received))]))


def test_messages_are_journalled_once_with_every_way_and_their_bytes_are_kept(room: Room) -> None:
    hear(room, 1, message("1"), update("2", "1", sent=0.5))
    hear(room, 2, message("1"))
    hear(room, 3, message("1"), source="feed-b")
    kinds = [kind for kind in room.kinds() if kind.startswith("relayed.")]
    assert kinds == ["relayed.received", "relayed.received", "relayed.repeated"]
    again = fold(room.journal.read())
    assert again.relayed == room.state.relayed
    (first,) = [one for one in again.relayed.values() if one.identifier == "1"]
    assert first.known == T0 + HOUR
    assert [room.messages.read(feed.digest) for feed in first.feeds] == [b"1feed-a", b"1feed-b"]


def test_what_was_in_force_can_be_told_as_known_at_any_instant(room: Room) -> None:
    hear(room, 1, message("1"))
    hear(room, 5, update("2", "1", sent=2))
    then = fold(entry for entry in room.journal.read() if entry.at <= T0 + 3 * HOUR)
    known = hub.board(hub.chains(then.relayed.values()), T0 + 3 * HOUR)
    assert [(one.link.message.identifier, one.state) for one in known] == [("1", "in_force")]
    now = hub.board(hub.chains(room.state.relayed.values()), T0 + 3 * HOUR)
    assert {one.link.message.identifier: one.state for one in now} == {"1": "replaced", "2": "in_force"}


def test_bytes_that_were_changed_are_found(tmp_path: Path) -> None:
    import sqlite3

    store = SqlMessages(f"sqlite:///{tmp_path / 'm.sqlite'}")
    raw = b"<alert/>"
    assert store.keep({sha256(raw): raw}, T0) == 1
    assert store.keep({sha256(raw): raw}, T0) == 0
    assert store.read(sha256(raw)) == raw
    with pytest.raises(NotFound):
        store.read("0" * 64)
    with sqlite3.connect(tmp_path / "m.sqlite") as database:
        database.execute("UPDATE messages SET raw = ?", (b"<other/>",))
    with pytest.raises(AuditBroken):
        store.read(sha256(raw))
    store.close()


def test_a_message_of_our_own_is_listed_by_its_event_as_its_cap_message_is() -> None:
    pack, state, one = country(), State(), warning("W-1", 1)
    state.put(one.id, one)
    (line,) = board(state, pack, NOW).lines
    assert (line.event, line.headline) == (pack.hazards["flood"].title, one.headline)
