"""Whatever the order in which messages come, and however often: the same is in force at the end, but for
what was older than its chain when it came."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from anlan.model.relayed import Relayed
from anlan.warn import hub
from chain_pack import T0
from relayed_messages import HOUR, info, message

NAMES = "abcdef"
SENDERS = ("met@x.invalid", "flood@x.invalid")


@st.composite
def floods(draw: st.DrawFn) -> list[Relayed]:
    """Messages that refer to each other in every way, some by two feeds, some with other content."""
    found: list[Relayed] = []
    for _ in range(draw(st.integers(1, 8))):
        sender = draw(st.sampled_from(SENDERS))
        follows = draw(
            st.lists(st.tuples(st.sampled_from(SENDERS), st.sampled_from(NAMES)), max_size=3, unique=True)
        )
        sent = draw(st.integers(0, 3))
        places = draw(st.sampled_from([(), ("x/a",), ("x/b", "x/a")]))
        found.append(
            message(
                draw(st.sampled_from(NAMES)),
                *follows,
                kind=draw(st.sampled_from(["Alert", "Update", "Cancel", "Ack"])),
                sent=sent,
                sender=sender,
                content=f"{draw(st.integers(0, 1))} at {sent}",
                source=draw(st.sampled_from(["feed-a", "feed-b"])),
                status=draw(st.sampled_from(["Actual", "Actual", "Test"])),
                held=draw(st.sampled_from(["", "", "signature_broken"])),
                infos=(info(T0 + draw(st.integers(1, 6)) * HOUR, places),),
            )
        )
    # one name and content is one message: it says the same whoever brings it
    same: dict[str, Relayed] = {}
    return [
        one
        for one in found
        if same.setdefault(one.id, one).references == one.references
        and (same[one.id].msg_type, same[one.id].status) == (one.msg_type, one.status)
        and same[one.id].infos[0].expires == one.infos[0].expires
    ]


def arrive(messages: list[Relayed], apart: timedelta = HOUR) -> dict[str, Relayed]:
    kept: dict[str, Relayed] = {}
    for number, one in enumerate(messages):
        taken = hub.take(one, kept, T0 + 4 * HOUR + number * apart)
        if taken is not None:
            kept[one.id] = taken[1]
    return kept


def view(messages: list[Relayed], at: int) -> dict[str, object]:
    board = hub.board(hub.chains(arrive(messages, timedelta()).values()), T0 + at * HOUR)
    return {
        one.link.message.id: (
            one.state,
            one.link.message.places,
            one.link.replaced_by,
            one.link.cancelled_by,
            [(reference.outcome, reference.targets) for reference in one.link.references],
        )
        for one in board
    }


@given(floods(), st.integers(0, 7), st.data())
@settings(max_examples=60, deadline=None)
def test_order_and_repetition_of_arrival_change_nothing(
    messages: list[Relayed], at: int, data: st.DataObject
) -> None:
    other = data.draw(
        st.permutations([*messages, *data.draw(st.lists(st.sampled_from(messages), max_size=4))])
    )
    assert view(messages, at) == view(list(other), at)


@given(floods(), st.integers(0, 7))
@settings(max_examples=40, deadline=None)
def test_what_stands_is_ended_only_by_its_own_sender_and_status_or_its_own_end(
    messages: list[Relayed], at: int
) -> None:
    kept = arrive(messages)
    for one in hub.board(hub.chains(kept.values()), T0 + at * HOUR):
        mine = one.link.message
        enders = [kept[id] for id in (*one.link.replaced_by, *one.link.cancelled_by)]
        assert all(other.sender == mine.sender and other.status == mine.status for other in enders)
        assert all(not other.held and other.sent >= mine.sent for other in enders)
        if one.state == "expired":
            assert one.ends is not None and one.ends <= T0 + at * HOUR
        if one.state in ("replaced", "cancelled"):
            assert enders


@given(floods(), st.integers(0, 7))
@settings(max_examples=60, deadline=None)
def test_only_what_came_after_newer_is_refused_and_no_newest_word_of_a_chain(
    messages: list[Relayed], at: int
) -> None:
    links = hub.chains(arrive(messages).values())
    for link in links.values():
        newest = links[link.newer].message if link.newer else None
        assert newest is not None or not link.refused
        if newest is not None:
            assert newest.sent > link.message.sent and newest.known < link.message.known
            assert not links[newest.id].refused
        if link.refused:
            assert all(link.message.id not in (*o.replaced_by, *o.cancelled_by) for o in links.values())


@given(floods())
@settings(max_examples=40, deadline=None)
def test_a_chain_of_announcements_never_ends_itself_altogether(messages: list[Relayed]) -> None:
    """Without a cancel somebody's newest message always stands."""
    plain = [one for one in messages if one.msg_type != "Cancel" and not one.held]
    links = hub.chains(arrive(plain).values())
    for chain in {link.chain for link in links.values()}:
        members = [link for link in links.values() if link.chain == chain]
        announced = [link for link in members if link.message.msg_type in hub.ANNOUNCES]
        if announced:
            assert any(not link.replaced_by for link in announced)
