"""叫应: calls within their time, repeated, taken to the next level with the names of those not reached."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from anlan import flow
from anlan.model.state import fold
from anlan.model.warning import Delivery, Warning
from anlan.ports.channel import Receipt
from anlan.warn import proof
from anlan.warn.calling import prefaces
from chain_pack import ADA, DAY, HOUR, MINUTE, PLAN, T0, Room, chain_pack, stage

SENT = T0 + 2 * DAY
FIVE = replace(
    PLAN,
    recipients=("desk", "second"),
    ladder=(),
    call_within=3 * MINUTE,
    tries=3,
    try_span=5 * MINUTE,
    escalate_to=("oncall", "chief"),
)


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    room = Room(tmp_path, chain_pack(plans={"flood-plan": FIVE}))
    yield room
    room.close()


def publish(room: Room) -> Warning:
    room.learn(stage(0, 5.0))
    return room.publish(SENT - flow.INSTANT)


def calls(room: Room) -> dict[tuple[str, int], Delivery]:
    return {(d.recipient, d.rung): d for d in room.state.deliveries.values()}


def told(room: Room) -> list[tuple[str, timedelta, bool]]:
    """Who was told, how long after the message was sent, and whether the copy was marked as a repeat."""
    return [
        (p.recipient.id, at - SENT, p.repeat) for p, at in zip(room.post.got, room.post.when, strict=True)
    ]


@pytest.fixture(autouse=True)
def _clocked(room: Room) -> None:
    """The post notes when each message came."""
    post, deliver = room.post, room.post.deliver
    post.when = []  # type: ignore[attr-defined]

    def timed(parcel: object) -> Receipt:
        post.when.append(room.now)  # type: ignore[attr-defined]
        return deliver(parcel)  # type: ignore[arg-type]

    post.deliver = timed  # type: ignore[method-assign]


def answer(room: Room, now: datetime, recipient: str, rung: int = 0) -> None:
    room.act(now, ADA, "delivery.answer", calls(room)[recipient, rung].id, answer="on it")


def test_three_calls_in_five_minutes_then_the_next_level_with_the_names_of_those_not_reached(
    room: Room,
) -> None:
    publish(room)
    answer(room, SENT + MINUTE, "second")
    room.run(SENT + HOUR)
    of = [(who, round(after.total_seconds()), again) for who, after, again in told(room)]
    assert of == [
        ("desk", 0, False),
        ("second", 0, False),
        ("desk", 100, True),
        ("desk", 200, True),
        ("oncall", 300, False),
        ("chief", 300, False),
        ("oncall", 400, True),
        ("chief", 400, True),
        ("oncall", 500, True),
        ("chief", 500, True),
    ]
    chief = calls(room)["chief", 1]
    assert chief.call is not None
    assert chief.call.not_reached == ("desk",)
    lines = prefaces(chief, room.pack, ("en", "zh"), link="https://x.invalid/answer/t")
    assert "because these have not answered: desk" in lines["en"]
    assert "应答链接：https://x.invalid/answer/t" in lines["zh"]
    # a call that is none says so before it asks for anything
    drill = prefaces(chief, room.pack, ("en", "zh"), mode="Exercise")
    assert drill["en"].splitlines()[0] == "[EXERCISE]" and drill["zh"].splitlines()[0] == "[演练]"
    assert "[" not in lines["en"].splitlines()[0]
    assert [r.code for r in calls(room)["desk", 0].reasons] == ["called_again", "called_again", "no_answer"]
    assert [r.code for r in chief.reasons] == ["called_again", "called_again", "ladder_ended"]


def test_an_answer_ends_the_calls(room: Room) -> None:
    publish(room)
    room.run(SENT + 2 * MINUTE)
    for who in ("desk", "second"):
        answer(room, SENT + 2 * MINUTE, who)
    room.run(SENT + HOUR)
    assert [who for who, _, _ in told(room)] == ["desk", "second", "desk", "second"]


def test_a_call_that_does_not_leave_in_its_time_is_marked_late_once(room: Room) -> None:
    room.post.receipts["desk"] = Receipt(False, "engaged", transient=True)
    publish(room)
    room.run(SENT + 4 * MINUTE)
    late = [e for e in room.journal.read() if e.kind == "delivery.late"]
    assert [(e.value.recipient, e.at - SENT) for e in late] == [("desk", 3 * MINUTE)]  # type: ignore[union-attr]
    assert "call_late" in [r.code for r in calls(room)["desk", 0].reasons]


def test_where_one_answer_is_enough_the_others_are_left_in_peace(room: Room) -> None:
    room.pack = replace(room.pack, plans={"flood-plan": replace(FIVE, answers="any")})
    publish(room)
    answer(room, SENT + MINUTE, "second")
    room.run(SENT + HOUR)
    assert [who for who, _, _ in told(room)] == ["desk", "second"]
    assert [r.code for r in calls(room)["desk", 0].reasons] == ["other_answered"]
    assert calls(room)["desk", 0].answered is None


def test_where_everybody_must_answer_one_answer_is_not_enough(room: Room) -> None:
    publish(room)
    answer(room, SENT + MINUTE, "second")
    room.run(SENT + 6 * MINUTE)
    assert ("oncall", 1) in calls(room)


def test_an_answer_that_holds_for_a_while_lapses_and_they_are_called_again(room: Room) -> None:
    plan = replace(FIVE, recipients=("desk",), answer_holds=2 * HOUR)
    room.pack = replace(room.pack, plans={"flood-plan": plan})
    publish(room)
    answer(room, SENT + MINUTE, "desk")
    room.run(SENT + 2 * HOUR)
    assert len(room.post.got) == 1
    room.run(SENT + 2 * HOUR + MINUTE)
    again = calls(room)["desk", 0]
    assert again.call is not None
    assert (again.status, again.answered, again.call.round) == ("accepted", None, 1)
    assert again.answer_by == SENT + 2 * HOUR + 6 * MINUTE
    # silent this time: the next level is called as if for the first time
    room.run(SENT + 3 * HOUR)
    assert [who for who, _, _ in told(room)][:5] == ["desk", "desk", "desk", "desk", "oncall"]
    # and answers, and lapses too: nobody is called about a message that is over
    before = len(room.post.got)
    room.run(SENT + 30 * DAY)
    assert len(room.post.got) == before


def test_the_ladder_goes_on_at_the_same_instants_after_any_restart(tmp_path: Path) -> None:
    """The state thrown away and folded from the journal between any two turns: nothing moves."""

    def story(folder: Path, restarts: bool) -> list[tuple[str, datetime, str]]:
        room = Room(folder, chain_pack(plans={"flood-plan": FIVE}))
        publish(room)
        for _ in range(100):
            due = flow.next_due(room)  # type: ignore[arg-type]
            if due is None or due > SENT + HOUR:
                break
            if restarts:
                room.state = fold(room.journal.read())
                flow.recover(room, room.now)  # type: ignore[arg-type]
            room.turn(max(due, room.now + flow.INSTANT))
        found = [(e.kind, e.at, e.digest) for e in room.journal.read()]
        room.close()
        return found

    whole, broken = story(tmp_path / "a", False), story(tmp_path / "b", True)
    assert whole == broken
    assert len(whole) > 20


def test_a_reply_by_sms_is_read_as_people_write_it(room: Room) -> None:
    publish(room)
    waiting = [calls(room)["desk", 0], calls(room)["second", 0]]
    numbers = {"desk": "+86 138-0000-0001", "second": "+86 138 0000 0002"}
    key = b"a key of a workspace"
    wanted = proof.code(key, waiting[0].id)
    wide = "".join(chr(ord(sign) + 0xFEE0) for sign in wanted)

    def heard(text: str, sender: str = "008613800000001") -> Delivery | None:
        return proof.replied(key, sender, text, waiting, numbers)

    split = f"{wanted[:3]} {wanted[3:]}"
    for text in (wanted, f"收到，代码{wanted.lower()}。", f"收到{wide}", f"ok {split} thanks", f"{wanted}!"):
        assert heard(text) is waiting[0], text
    for text in ("收到", wanted[:5], ""):
        assert heard(text) is None, text
    for other in ("+86 138 0000 0002", "", "13800000001"):
        assert heard(wanted, other) is None, other
