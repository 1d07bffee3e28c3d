"""A copy on its way: retried, held behind an earlier one, sent again, told of by receipts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest

from anlan import dispatch, flow
from anlan.model.errors import InvalidValue, WrongState
from anlan.model.plan import Plan
from anlan.model.state import State, fold
from anlan.model.warning import Delivery, Recipient, Warning
from anlan.ports.channel import Parcel, Receipt
from anlan.store.outbox import SqlOutbox
from anlan.turn import Turn
from anlan.warn import ladder
from anlan.warn.calling import prefaces
from chain_pack import ADA, DAY, HOUR, MINUTE, PLAN, T0, Post, Room, both, chain_pack, stage

SENT = T0 + 2 * DAY
BUSY = Receipt(False, "busy", transient=True)


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    room = Room(tmp_path, chain_pack(plans={"flood-plan": replace(PLAN, ladder=())}))
    yield room
    room.close()


def publish(room: Room) -> Warning:
    room.learn(stage(0, 5.0))
    return room.publish(SENT - flow.INSTANT)


def approving(room: Room) -> Turn:
    """The turn in which the pending draft is approved, with nothing committed yet."""
    (draft,) = room.pending()
    turn = Turn(room, SENT)  # type: ignore[arg-type]
    flow.publish(turn, replace(draft, status="approved", author="a", approver="b", sent=SENT), "b")
    return turn


def committed(room: Room) -> Warning:
    """Approved and committed, and nothing handed over yet."""
    room.learn(stage(0, 5.0))
    (draft,) = room.pending()
    approving(room).commit()
    return room.state.warnings[draft.id]


def of(room: Room, warning: Warning, recipient: str = "desk") -> Delivery:
    (found,) = [
        d for d in room.state.deliveries.values() if (d.warning, d.recipient) == (warning.id, recipient)
    ]
    return found


def test_a_peer_that_asks_for_patience_gets_it_up_to_an_hour(room: Room) -> None:
    room.post.receipts["desk"] = replace(BUSY, retry_after=timedelta(minutes=7))
    warning = publish(room)
    assert of(room, warning).due == SENT + 7 * MINUTE
    room.post.receipts["desk"] = replace(BUSY, retry_after=timedelta(days=7))
    room.run(SENT + 7 * MINUTE)
    assert of(room, warning).due == SENT + 7 * MINUTE + ladder.LONGEST_WAIT


def test_an_update_waits_for_the_copy_that_is_in_the_peers_hands(room: Room) -> None:
    """The earlier copy is with the channel (due, not journalled) when the update is approved."""
    first = publish(room)
    room.act(SENT + MINUTE, ADA, "warning.update", first.id, level="1")
    held = replace(of(room, first), status="due", attempts=0, accepted=None)
    room.state.put(held.id, held)  # as if its attempt had not come back yet
    turn = Turn(room, SENT + 2 * MINUTE)  # type: ignore[arg-type]
    (draft,) = room.pending()
    approved = replace(draft, status="approved", author="ada", approver="ben", sent=turn.now)
    flow.publish(turn, approved, "ben")
    later = of(room, approved)
    assert (later.status, later.behind, later.reasons[-1].code) == ("held", held.id, "waits_for_earlier")
    assert later.id not in room.state.to_send
    dispatch.settle(turn, held.id, Receipt(True, "taken"))
    after = of(room, approved)
    assert (after.status, after.due) == ("due", turn.now)
    assert "earlier_not_delivered" not in [r.code for r in after.reasons]


def test_an_update_whose_earlier_message_never_arrived_goes_and_says_so(room: Room) -> None:
    room.post.receipts["desk"] = BUSY
    first = publish(room)
    room.act(SENT + flow.INSTANT, ADA, "warning.update", first.id, level="1")
    room.post.receipts.clear()
    second = room.publish(SENT + 10 * flow.INSTANT)
    assert of(room, first).status == "expired"
    after = of(room, second)
    assert (after.status, after.reasons[-1].code) == ("accepted", "earlier_not_delivered")
    assert "did not reach you" in prefaces(after, room.pack, ("en",))["en"]
    assert prefaces(of(room, second, "feed"), room.pack, ("en",)) == {}


def test_no_copy_ever_overtakes_an_earlier_one_of_its_chain(room: Room) -> None:
    """Peers that fail now and then: whatever each recipient gets, it gets in the order of the chain."""
    number = 0
    deliver = room.post.deliver

    def sometimes(parcel: Parcel) -> Receipt:
        nonlocal number
        number += 1
        room.post.receipts = {"desk": BUSY} if number % 3 else {}
        receipt = deliver(parcel)
        if not receipt.accepted:
            room.post.got.pop()
        return receipt

    room.post.deliver = sometimes  # type: ignore[method-assign]
    chain = [publish(room)]
    for step, level in enumerate(("1", "2", "1"), 1):
        room.run(SENT + step * HOUR - MINUTE)
        room.act(SENT + step * HOUR, ADA, "warning.update", chain[-1].id, level=level)
        chain.append(room.publish(SENT + step * HOUR + MINUTE))
    room.run(SENT + DAY)
    order = [warning.id for warning in chain]
    for recipient in ("desk", "feed"):
        got = [order.index(p.warning.id) for p in room.post.got if p.recipient.id == recipient]
        assert got == sorted(got)
        assert got[-1] == len(order) - 1


def test_a_copy_is_sent_again_to_one_with_a_reason_and_marked(room: Room) -> None:
    warning = publish(room)
    desk = of(room, warning)
    with pytest.raises(InvalidValue, match="reason"):
        room.act(SENT + HOUR, ADA, "delivery.send_again", desk.id)
    room.act(SENT + HOUR, ADA, "delivery.send_again", desk.id, reason="they lost the paper")
    assert [(p.recipient.id, p.repeat) for p in room.post.got] == [
        ("desk", False),
        ("feed", False),
        ("desk", True),
    ]
    again = of(room, warning)
    assert (again.status, again.attempts, again.reasons[-1].code) == ("accepted", 2, "sent_again")
    assert [e.kind for e in room.journal.by_subject(desk.id)] == [
        "delivery.due",
        "delivery.accepted",
        "delivery.due",
        "delivery.accepted",
    ]
    room.act(SENT + 2 * HOUR, ADA, "warning.cancel", warning.id)
    room.publish(SENT + 2 * HOUR + MINUTE)
    with pytest.raises(WrongState, match="no longer in force"):
        room.act(SENT + 3 * HOUR, ADA, "delivery.send_again", desk.id, reason="once more")


def test_sending_again_begins_the_waits_between_attempts_anew(room: Room) -> None:
    room.post.receipts["desk"] = Receipt(False, "no such box")
    warning = publish(room)
    assert of(room, warning).status == "given_up"
    room.post.receipts["desk"] = BUSY
    room.act(SENT + HOUR, ADA, "delivery.send_again", of(room, warning).id, reason="the box is there now")
    assert of(room, warning).due == SENT + HOUR + ladder.BACKOFF[0]


def test_receipts_move_a_copy_on_and_never_back(room: Room) -> None:
    desk = of(room, publish(room))
    read = ladder.receipt(desk, "read", SENT + HOUR)
    assert (read.status, read.delivered, read.read) == ("read", SENT + HOUR, SENT + HOUR)
    assert ladder.receipt(read, "delivered", SENT + 2 * HOUR) == read
    answered = ladder.answer(read, "desk", "on it", SENT + 3 * HOUR)
    assert ladder.receipt(answered, "read", SENT + 4 * HOUR).status == "answered"
    with pytest.raises(InvalidValue, match="no such receipt"):
        ladder.receipt(desk, "burnt", SENT)
    # one that overtakes the peer's own answer is kept, and shows when that comes
    early = ladder.receipt(replace(desk, status="due", accepted=None, attempts=0), "delivered", SENT)
    assert early.status == "due"
    assert ladder.outcome(early, True, False, "taken", SENT + MINUTE).status == "delivered"


def test_a_relay_that_says_the_far_end_has_it_counts_as_delivered(room: Room) -> None:
    room.post.receipts["desk"] = Receipt(True, "acknowledged", delivered=True)
    assert of(room, publish(room)).status == "delivered"


def many(count: int) -> tuple[Plan, dict[str, Recipient]]:
    recipients = {
        f"r{n:03d}": Recipient(f"r{n:03d}", both(f"r{n:03d}"), "post", f"r{n}@x.invalid", ("x",))
        for n in range(count)
    }
    return replace(PLAN, recipients=tuple(recipients), ladder=()), recipients


def test_a_message_to_very_many_is_a_few_rows_and_the_same_state(room: Room) -> None:
    plan, recipients = many(200)
    recipients["r000"] = replace(recipients["r000"], channel="fax")
    room.pack = replace(room.pack, plans={"flood-plan": plan}, recipients=recipients)
    room.post.receipts["r007"] = BUSY
    warning = publish(room)
    kinds = [e.kind for e in room.journal.read() if e.kind.startswith(("delivery.", "mailing."))]
    assert sorted(kinds) == [
        "delivery.due",
        "delivery.failed",
        "delivery.failed",
        "mailing.accepted",
        "mailing.due",
    ]
    assert len(room.post.got) == 199
    by_status = {d.recipient: d.status for d in room.state.deliveries.values()}
    assert {who for who, status in by_status.items() if status == "failed"} == {"r000", "r007"}
    assert of(room, warning, "r150").accepted == SENT
    folded = fold(room.journal.read())
    assert folded == room.state
    assert set(folded.to_send) == {of(room, warning, who).id for who in ("r000", "r007")}


def test_taking_decisions_back_takes_them_out_of_every_index(room: Room) -> None:
    plan, recipients = many(60)
    room.pack = replace(room.pack, plans={"flood-plan": plan}, recipients=recipients)
    room.learn(stage(0, 5.0))
    before = room.state.still()
    turn = approving(room)
    assert len(room.state.to_send) == 60
    turn.take_back(0)
    assert room.state == before


def test_the_batch_does_what_one_by_one_does(tmp_path: Path) -> None:
    """`hand_over` is the plain twin: same receipts, same attempts, same copies, whatever happened before."""
    rooms = []
    for name in ("one", "many"):
        room = Room(tmp_path / name, chain_pack(plans={"flood-plan": many(30)[0]}, recipients=many(30)[1]))
        committed(room)
        room.post.receipts |= {"r003": BUSY, "r005": Receipt(False, "no such box")}
        due = dispatch.due_now(room.state, SENT)
        room.outbox.begin(due[1].id, SENT)  # killed with the message gone, or not
        for _ in range(2):
            room.outbox.begin(due[6].id, SENT)  # killed twice
        told = room.outbox.begin(due[2].id, SENT)  # killed after the peer had answered
        room.outbox.finish(told, "accepted", "taken", SENT)
        rooms.append((room, due))
    (one, due), (batch, same) = rooms
    assert [d.id for d in due] == [d.id for d in same]
    states: State = one.state
    plain = [
        (d.id, dispatch.hand_over(one, d, states.warnings[d.warning], SENT))  # type: ignore[arg-type]
        for d in due
    ]
    fast = dispatch.hand_over_many(batch, batch.state, same, lambda: SENT)  # type: ignore[arg-type]
    assert dict(plain) == dict(fast)
    assert {(p.delivery.id, p.repeat) for p in one.post.got} == {
        (p.delivery.id, p.repeat) for p in batch.post.got
    }
    for delivery in due:
        assert one.outbox.history(delivery.id) == batch.outbox.history(delivery.id)
    for room, _ in rooms:
        room.close()


def test_what_is_in_doubt_goes_once_more_marked_and_then_shows_that_nobody_knows(room: Room) -> None:
    """Killed between begin and finish, again and again, as in the dark as a restart can be."""
    warning = committed(room)
    desk = of(room, warning)
    room.outbox.begin(desk.id, SENT)
    room.outbox.begin(desk.id, SENT)  # the marked repeat, cut short as well
    flow.recover(room, SENT + MINUTE)  # type: ignore[arg-type]
    after = of(room, warning)
    assert (after.status, after.attempts) == ("unknown", 1)
    assert [r.code for r in after.reasons] == ["peer_failed", "arrival_unknown"]
    assert "desk" not in [p.recipient.id for p in room.post.got]
    # told once to the log, and to nobody a third time
    room.run(SENT + HOUR)
    assert "desk" not in [p.recipient.id for p in room.post.got]
    # a person sends it: it is a repeat, with a doubt of its own
    room.act(SENT + 2 * HOUR, ADA, "delivery.send_again", desk.id, reason="they have nothing")
    assert of(room, warning).status == "accepted"
    assert [p.repeat for p in room.post.got if p.recipient.id == "desk"] == [True]
    assert fold(room.journal.read()) == room.state


def test_a_receipt_or_an_answer_ends_the_doubt(room: Room) -> None:
    warning = committed(room)
    desk = of(room, warning)
    room.outbox.begin(desk.id, SENT)
    room.outbox.begin(desk.id, SENT)
    flow.recover(room, SENT + MINUTE)  # type: ignore[arg-type]
    after = of(room, warning)
    assert after.unanswered
    assert ladder.receipt(after, "delivered", SENT + HOUR).status == "delivered"
    assert ladder.answer(after, "desk", "on it", SENT + HOUR).status == "answered"


@dataclass
class Told(Post):
    """A channel whose far end says what it has, or does not."""

    asks: bool = True
    has: set[str] = field(default_factory=set)
    silent: Receipt | None = None

    def holds(self, parcels: Sequence[Parcel]) -> list[bool | Receipt]:
        return [self.silent or parcel.delivery.id in self.has for parcel in parcels]


def test_a_far_end_that_says_what_it_has_gets_nothing_twice(room: Room) -> None:
    post = room.post = Told()
    warning = committed(room)
    desk, feed = of(room, warning), of(room, warning, "feed")
    for delivery in (desk, feed):
        for _ in range(5):
            room.outbox.begin(delivery.id, SENT)
    post.has = {desk.id}
    flow.recover(room, SENT + MINUTE)  # type: ignore[arg-type]
    assert of(room, warning).status == of(room, warning, "feed").status == "accepted"
    # what it does not have goes, however often the attempts before were cut short
    assert [(p.recipient.id, p.repeat) for p in post.got] == [("feed", True)]


def test_a_far_end_that_does_not_say_now_is_asked_later_and_one_that_cannot_be_asked_gets_one_repeat(
    room: Room,
) -> None:
    post = room.post = Told()
    post.silent = Receipt(False, "not_told: down", transient=True)
    warning = committed(room)
    desk = of(room, warning)
    room.outbox.begin(desk.id, SENT)
    flow.recover(room, SENT + MINUTE)  # type: ignore[arg-type]
    assert (of(room, warning).status, of(room, warning).reasons[-1].code) == ("failed", "peer_failed")
    assert "desk" not in [p.recipient.id for p in post.got]
    post.silent = Receipt(False, "not_told: what?")
    room.run(SENT + HOUR)
    assert of(room, warning).status == "accepted"
    assert [p.repeat for p in post.got if p.recipient.id == "desk"] == [True]


@dataclass
class Cut(Post):
    """A channel that holds a message back at its last byte, and is killed on the way there so many times."""

    kills: int = 0
    gone: bool = False

    def deliver_poised(self, parcel: Parcel, leave: Callable[[], None]) -> Receipt:
        if self.gone:
            return Receipt(False, "no_connection", transient=True, doubtful=True)
        if self.kills:
            self.kills -= 1
            raise KeyboardInterrupt
        leave()
        return self.deliver(parcel)


def test_what_is_killed_before_its_last_byte_is_not_in_doubt_and_goes_however_often_that_happens(
    room: Room, tmp_path: Path
) -> None:
    post = room.post = Cut(kills=20)
    warning = committed(room)
    desk = of(room, warning)
    room.outbox.begin(desk.id, SENT)
    url, left = f"sqlite:///{tmp_path / 'journal.sqlite'}", tmp_path / "left"
    for _ in range(20):
        room.outbox = SqlOutbox(url, departures=left)
        assert room.outbox.settle_known(SENT) == (20 - post.kills > 0)
        with pytest.raises(KeyboardInterrupt):
            dispatch.hand_over_many(room, room.state, [desk], lambda: SENT)  # type: ignore[arg-type]
        room.outbox.close()
    room.outbox = SqlOutbox(url, departures=left)
    room.outbox.settle_known(SENT)
    ((id, receipt),) = dispatch.hand_over_many(room, room.state, [desk], lambda: SENT)  # type: ignore[arg-type]
    assert (id, receipt) == (desk.id, Receipt(True, "taken"))
    assert [(p.delivery.id, p.repeat) for p in post.got] == [(desk.id, True)]
    assert [a.outcome for a in room.outbox.history(desk.id)] == [None, *["not_sent"] * 20, "accepted"]


def test_what_did_not_get_to_its_last_byte_is_an_attempt_that_leaves_no_doubt(room: Room) -> None:
    room.post = Cut(gone=True)
    warning = committed(room)
    desk = of(room, warning)
    ((_, receipt),) = dispatch.hand_over_many(room, room.state, [desk], lambda: SENT)  # type: ignore[arg-type]
    assert receipt == Receipt(False, "no_connection", transient=True)
    assert [a.outcome for a in room.outbox.history(desk.id)] == ["failed"]
    assert not room.outbox.begin(desk.id, SENT).repeat


def test_a_copy_that_changes_nothing_at_the_far_end_goes_as_often_as_it_takes(room: Room) -> None:
    room.post.repeats = None  # type: ignore[attr-defined]
    warning = committed(room)
    for _ in range(7):
        room.outbox.begin(of(room, warning).id, SENT)
    flow.recover(room, SENT + MINUTE)  # type: ignore[arg-type]
    assert of(room, warning).status == "accepted"


def test_what_ends_while_its_batch_is_on_the_way_does_not_leave(room: Room) -> None:
    plan, recipients = many(10)
    room.pack = replace(room.pack, plans={"flood-plan": plan}, recipients=recipients)
    ends = committed(room).expires
    due = dispatch.due_now(room.state, SENT)
    times = iter([SENT, SENT, SENT, *[ends] * 50])
    outcomes = dict(dispatch.hand_over_many(room, room.state, due, lambda: next(times)))  # type: ignore[arg-type]
    assert len(room.post.got) == 2
    assert [receipt is None for receipt in outcomes.values()] == [False] * 2 + [True] * 8
    # nothing went out: a later attempt is no repeat
    assert {a.outcome for d in due[2:] for a in room.outbox.history(d.id)} == {"not_sent"}
    assert not room.outbox.begin(due[5].id, SENT).repeat
