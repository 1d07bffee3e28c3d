"""Who is called when, and what an answer that comes, comes late or does not come sets off."""

from __future__ import annotations

from dataclasses import replace

import pytest

from anlan import dispatch, flow
from anlan.acts import perform
from anlan.model.errors import WrongState
from anlan.model.plan import Rung
from anlan.model.warning import Delivery, Warning
from anlan.ports.channel import Receipt
from anlan.turn import Turn
from anlan.warn import ladder
from chain_pack import ADA, DAY, HOUR, MINUTE, PLAN, T0, Room, stage

SENT = T0 + 2 * DAY


def publish(room: Room, value: float = 5.0) -> Warning:
    room.learn(stage(0, value))
    warning = room.publish(SENT - flow.INSTANT)
    assert warning.sent == SENT
    return warning


def calls(room: Room) -> dict[tuple[str, int], Delivery]:
    return {(d.recipient, d.rung): d for d in room.state.deliveries.values()}


def codes(delivery: Delivery) -> list[str]:
    return [reason.code for reason in delivery.reasons]


def answer(room: Room, now: object, recipient: str, rung: int = 0) -> None:
    room.act(now, ADA, "delivery.answer", calls(room)[recipient, rung].id, answer="on it")  # type: ignore[arg-type]


def test_everybody_on_the_plan_is_called_at_once_and_rungs_climb_at_their_instants(room: Room) -> None:
    publish(room)
    assert set(calls(room)) == {("desk", 0), ("feed", 0)}
    assert calls(room)["desk", 0].answer_by == SENT + 2 * HOUR
    assert calls(room)["feed", 0].answer_by is None  # nothing is asked of a feed
    room.run(SENT + 2 * HOUR - MINUTE)
    assert len(calls(room)) == 2
    room.run(SENT + 2 * HOUR)
    assert calls(room)["oncall", 1].due == SENT + 2 * HOUR
    assert calls(room)["oncall", 1].answer_by == SENT + 3 * HOUR
    room.run(SENT + 3 * HOUR)
    assert calls(room)["chief", 2].answer_by == SENT + 4 * HOUR
    room.run(SENT + DAY)
    assert {key: codes(d) for key, d in calls(room).items()} == {
        ("desk", 0): ["no_answer"],
        ("feed", 0): [],
        ("oncall", 1): ["no_answer"],
        ("chief", 2): ["ladder_ended"],
    }
    assert [p.recipient.id for p in room.post.got] == ["desk", "feed", "oncall", "chief"]


def test_an_answer_in_time_stops_the_ladder(room: Room) -> None:
    publish(room)
    answer(room, SENT + HOUR, "desk")
    room.run(SENT + DAY)
    assert set(calls(room)) == {("desk", 0), ("feed", 0)}
    with pytest.raises(WrongState, match="already answered"):
        answer(room, SENT + 2 * HOUR, "desk")


def test_a_late_answer_stays_late_and_nothing_climbs_further(room: Room) -> None:
    publish(room)
    room.run(SENT + 2 * HOUR)
    answer(room, SENT + 2 * HOUR + 30 * MINUTE, "desk")
    room.run(SENT + DAY)
    assert ("chief", 2) not in calls(room)
    assert codes(calls(room)["desk", 0]) == ["no_answer"]
    assert calls(room)["desk", 0].status == "answered"
    # the call that its silence set off has still not been answered, and shows it
    assert codes(calls(room)["oncall", 1]) == ["no_answer"]
    assert "have answered" in calls(room)["oncall", 1].reasons[0].text.en


def test_an_answer_higher_up_stops_the_ladder_and_leaves_the_silence_below_visible(room: Room) -> None:
    publish(room)
    room.run(SENT + 2 * HOUR)
    answer(room, SENT + 2 * HOUR + 5 * MINUTE, "oncall", 1)
    room.run(SENT + DAY)
    assert ("chief", 2) not in calls(room)
    assert calls(room)["desk", 0].answered is None
    assert codes(calls(room)["desk", 0]) == ["no_answer"]


def test_one_recipients_answer_does_not_stand_for_anothers(room: Room) -> None:
    plan = replace(PLAN, recipients=("desk", "second"))
    room.pack = replace(room.pack, plans={"flood-plan": plan})
    publish(room)
    answer(room, SENT + HOUR, "desk")
    room.run(SENT + 2 * HOUR)
    assert codes(calls(room)["second", 0]) == ["no_answer"]
    assert ("oncall", 1) in calls(room)


def test_two_who_are_silent_call_the_next_rung_once(room: Room) -> None:
    plan = replace(PLAN, recipients=("desk", "second"))
    room.pack = replace(room.pack, plans={"flood-plan": plan})
    publish(room)
    room.run(SENT + DAY)
    assert [p.recipient.id for p in room.post.got].count("oncall") == 1
    assert [p.recipient.id for p in room.post.got].count("chief") == 1


def test_the_last_rung_may_be_somebody_who_is_not_waited_for(room: Room) -> None:
    room.pack = replace(room.pack, plans={"flood-plan": replace(PLAN, ladder=(Rung(2 * HOUR, ("oncall",)),))})
    publish(room)
    room.run(SENT + DAY)
    assert calls(room)["oncall", 1].answer_by is None
    assert codes(calls(room)["oncall", 1]) == []


def test_a_failing_peer_is_tried_again_after_growing_waits_then_given_up_and_the_ladder_climbs(
    room: Room,
) -> None:
    room.post.receipts["desk"] = Receipt(False, "busy", transient=True)
    publish(room)
    room.run(SENT + HOUR)
    desk = calls(room)["desk", 0]
    waits = ladder.BACKOFF[:-1]
    assert (desk.status, desk.attempts) == ("given_up", len(waits) + 1)
    assert desk.due == SENT + sum(waits, start=0 * HOUR)
    assert codes(desk) == ["peer_failed"] * 5 + ["no_answer"]
    # nobody waits two hours for the answer of somebody who was never reached
    assert calls(room)["oncall", 1].due < SENT + HOUR


def test_a_refusal_is_given_up_at_once(room: Room) -> None:
    room.post.receipts["feed"] = Receipt(False, "no such feed")
    publish(room)
    feed = calls(room)["feed", 0]
    assert (feed.status, feed.attempts, codes(feed)) == ("given_up", 1, ["peer_refused"])
    room.run(SENT + HOUR)
    assert ("oncall", 1) not in calls(room)


def test_a_channel_that_is_not_configured_stops_nobody_else(room: Room) -> None:
    recipients = {**room.pack.recipients, "desk": replace(room.pack.recipients["desk"], channel="fax")}
    room.pack = replace(room.pack, recipients=recipients)
    publish(room)
    assert calls(room)["feed", 0].status == "accepted"
    room.run(SENT + HOUR)
    assert calls(room)["desk", 0].status == "given_up"
    # why it stands as it does: what the peer said, and that the ladder has climbed
    assert [reason.code for reason in calls(room)["desk", 0].trouble] == ["peer_failed", "no_answer"]
    assert "no such channel" in calls(room)["desk", 0].reasons[0].text.en
    assert ("oncall", 1) in calls(room)


def test_an_answer_stops_the_retries(room: Room) -> None:
    room.post.receipts["desk"] = Receipt(False, "busy", transient=True)
    publish(room)
    answer(room, SENT + flow.INSTANT, "desk")
    room.run(SENT + DAY)
    assert [p.recipient.id for p in room.post.got] == ["desk", "feed"]


def test_what_was_not_handed_over_before_its_end_expires(room: Room) -> None:
    room.post.receipts["desk"] = Receipt(False, "busy", transient=True)
    room.learn(stage(0, 5.0))
    (draft,) = room.pending()
    warning = room.publish(draft.expires - MINUTE)
    room.run(warning.expires + DAY)
    desk = calls(room)["desk", 0]
    assert (desk.status, codes(desk)[-1]) == ("expired", "warning_over")


def test_a_copy_that_waits_for_its_next_attempt_expires_with_its_message(room: Room) -> None:
    room.post.receipts["desk"] = Receipt(False, "busy", transient=True)
    room.learn(stage(0, 5.0))
    (draft,) = room.pending()
    warning = room.publish(draft.expires - 20 * MINUTE)
    room.run(warning.expires - MINUTE)
    desk = calls(room)["desk", 0]
    tried = len(room.post.got)
    # the next attempt is due long after the end
    assert desk.status == "failed" and desk.due > warning.expires
    assert ladder.as_it_stands(desk, warning, room.now) is desk
    # so it reads too where nothing has run since, as in a workspace whose service stands still
    assert ladder.as_it_stands(desk, warning, warning.expires).status == "expired"
    room.run(warning.expires)
    desk = calls(room)["desk", 0]
    assert (desk.status, codes(desk)[-2:]) == ("expired", ["peer_failed", "warning_over"])
    assert len(room.post.got) == tried


def test_an_attempt_that_fails_as_its_message_ends_is_the_last_and_one_that_arrives_counts(
    room: Room,
) -> None:
    room.learn(stage(0, 5.0))
    (draft,) = room.pending()
    room.post.receipts["desk"] = Receipt(False, "busy", transient=True)
    warning = room.publish(draft.expires - MINUTE)
    for receipt, status in (
        (Receipt(False, "busy", transient=True), "expired"),
        (Receipt(True, "taken"), "accepted"),
    ):
        turn = Turn(room, warning.expires)  # type: ignore[arg-type]
        dispatch.settle(turn, calls(room)["desk", 0].id, receipt)
        turn.commit()
        assert calls(room)["desk", 0].status == status


def test_a_message_that_is_followed_is_neither_handed_over_nor_climbs_any_more(room: Room) -> None:
    room.post.receipts["desk"] = Receipt(False, "busy", transient=True)
    first = publish(room)
    room.act(SENT + flow.INSTANT, ADA, "warning.update", first.id, level="1")
    second = room.publish(SENT + MINUTE)
    room.run(SENT + DAY)
    of = {(d.warning, d.recipient, d.rung): d for d in room.state.deliveries.values()}
    assert of[first.id, "desk", 0].status == "expired"
    assert (first.id, "oncall", 1) not in of
    assert (second.id, "oncall", 1) in of


def test_a_cancel_asks_for_no_answer(room: Room) -> None:
    first = publish(room)
    room.act(SENT + flow.INSTANT, ADA, "warning.cancel", first.id)
    room.publish(SENT + MINUTE)
    room.run(SENT + DAY)
    assert {d.rung for d in room.state.deliveries.values()} == {0}
    assert [d.answer_by for d in room.state.deliveries.values() if d.warning != first.id] == [None, None]


def test_a_kill_between_the_hand_over_and_its_journal_repeats_nothing(room: Room) -> None:
    room.learn(stage(0, 5.0))
    (draft,) = room.pending()
    room.act(SENT, ADA, "warning.submit", draft.id)
    turn = Turn(room, SENT + MINUTE, proof="code")  # type: ignore[arg-type]
    perform(turn, room.pack.users["ben"], "warning.approve", draft.id, {})
    turn.commit()
    for delivery in dispatch.due_now(room.state, turn.now):  # handed over, and killed before the journal
        dispatch.hand_over(room, delivery, room.state.warnings[draft.id], turn.now)  # type: ignore[arg-type]
    assert len(room.post.got) == 2
    flow.recover(room, SENT + 2 * MINUTE)  # type: ignore[arg-type]
    assert len(room.post.got) == 2
    assert {d.status for d in room.state.deliveries.values()} == {"accepted"}
