"""Nobody alone: two persons, one organ, its power, and only the transitions there are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from anlan.model.errors import InvalidValue, NotAllowed, WrongState
from anlan.model.law import Power
from anlan.model.reason import Reason
from anlan.model.text import Text
from anlan.model.warning import STATUSES, Warning
from anlan.turn import Turn
from anlan.warn import approve as approval
from chain_pack import ADA, BEN, CAI, DAY, DEE, HOUR, LAW, T0, Room, chain_pack, stage

NOW = T0 + 2 * DAY


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    room = Room(tmp_path, chain_pack())
    item = stage(0, 5.0)
    room.turn(item.known, item)
    yield room
    room.close()


def submitted(room: Room) -> Warning:
    return approval.submit(room.pending()[0], ADA, room.pack, NOW)


def test_every_status_has_its_row_in_the_table_and_leads_only_to_statuses() -> None:
    assert set(approval.TRANSITIONS) == set(STATUSES)
    assert {to for row in approval.TRANSITIONS.values() for to in row} <= set(STATUSES)
    # every status can be reached (a draft anew by an edit), and only ends lead nowhere
    assert {to for row in approval.TRANSITIONS.values() for to in row} == set(STATUSES)
    assert {s for s, row in approval.TRANSITIONS.items() if not row} == {
        "rejected", "superseded", "cancelled", "expired",
    }  # fmt: skip


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("to", STATUSES)
def test_what_the_table_does_not_name_is_refused(room: Room, status: str, to: str) -> None:
    warning = replace(room.pending()[0], status=status)
    reason = Reason("expired", Text("over", "完"))
    if to in approval.TRANSITIONS[status]:
        assert approval.close(warning, to, reason).status == to
    else:
        with pytest.raises(WrongState, match=f"cannot become {to}"):
            approval.close(warning, to, reason)


def test_two_persons_publish(room: Room) -> None:
    sent = approval.approve(submitted(room), BEN, room.pack, NOW, "code")
    assert (sent.status, sent.author, sent.approver, sent.sent) == ("approved", "ada", "ben", NOW)


def test_the_author_does_not_approve(room: Room) -> None:
    own = approval.submit(room.pending()[0], BEN, room.pack, NOW)
    with pytest.raises(NotAllowed, match="two persons") as refusal:
        approval.approve(own, BEN, room.pack, NOW, "code")
    assert refusal.value.basis == f"{LAW}#5"


def test_whoever_submits_again_after_a_return_is_the_author(room: Room) -> None:
    back = approval.send_back(submitted(room), BEN, "say where", "returned")
    assert (back.status, back.author, back.approver) == ("returned", "ada", "ben")
    # the approver who sent it back takes it over: from then on somebody else has to approve
    again = approval.submit(back, BEN, room.pack, NOW)
    assert (again.author, again.approver) == ("ben", "")
    with pytest.raises(NotAllowed, match="two persons"):
        approval.approve(again, BEN, room.pack, NOW, "code")
    assert approval.approve(again, CAI, room.pack, NOW, "code").approver == "cai"


def test_no_warning_exists_with_one_person_in_both_places(room: Room) -> None:
    with pytest.raises(InvalidValue, match="same person"):
        replace(submitted(room), approver="ada")


def test_another_organ_neither_approves_nor_sends_back(room: Room) -> None:
    draft = submitted(room)
    with pytest.raises(NotAllowed, match="acts for other") as refusal:
        approval.approve(draft, DEE, room.pack, NOW, "code")
    assert refusal.value.basis == f"{LAW}#5"
    with pytest.raises(NotAllowed, match="acts for other"):
        approval.send_back(draft, DEE, "no", "rejected")


def test_a_power_that_does_not_reach_is_refused_with_its_article(room: Room) -> None:
    for power, lack in (
        (Power("office", "warn", f"{LAW}#8", levels=(3, 4)), "level 2"),
        (Power("office", "warn", f"{LAW}#8", hazards=("drought",)), "hazard flood"),
        (Power("office", "warn", f"{LAW}#8", scope="Restricted"), "scope Public"),
    ):
        pack = replace(room.pack, powers=(power,))
        with pytest.raises(NotAllowed, match=lack) as refusal:
            approval.approve(submitted(room), BEN, pack, NOW, "code")
        assert refusal.value.basis == f"{LAW}#8"


def test_every_place_warned_must_be_within_the_power(room: Room) -> None:
    organs = {**room.pack.organs, "office": replace(room.pack.organs["office"], place="x/a")}
    wide = replace(submitted(room), places=("x/a", "x/b"))
    with pytest.raises(NotAllowed, match="x/b"):
        approval.approve(wide, BEN, replace(room.pack, organs=organs), NOW, "code")


def test_a_warning_that_would_be_over_is_not_sent(room: Room) -> None:
    draft = submitted(room)
    with pytest.raises(WrongState, match="over before"):
        approval.approve(draft, BEN, room.pack, draft.expires, "code")


def test_a_return_and_a_rejection_need_words(room: Room) -> None:
    for status in ("returned", "rejected"):
        with pytest.raises(WrongState, match="reason in words"):
            approval.send_back(submitted(room), BEN, " ", status)
    gone = approval.send_back(submitted(room), BEN, "a broken gauge", "rejected")
    assert gone.reasons[-1].text.en == "a broken gauge"
    with pytest.raises(WrongState):
        approval.submit(gone, ADA, room.pack, NOW)


def test_an_update_by_hand_says_its_new_level_in_its_own_words(room: Room) -> None:
    head = room.publish(NOW)
    end = (head.expires + DAY).isoformat()
    room.act(NOW + HOUR, ADA, "warning.update", head.id, level="1", expires=end, reason="the dike")
    (draft,) = room.pending()
    assert (draft.level, draft.headline.en, draft.author) == (1, "Red: flood in Alpha", "ada")
    assert (draft.references, draft.expires, draft.approver) == ((head.id,), head.expires + DAY, "")
    assert draft.reasons[0].code == "raised"
    with pytest.raises(WrongState, match=rf"{draft.id} \(draft, by ada, since \S+Z\)"):
        room.act(NOW + HOUR, ADA, "warning.cancel", head.id)


def test_an_update_by_hand_must_change_something_within_the_power(room: Room) -> None:
    head = room.publish(NOW)
    for fields, says in (
        ({}, "changes the level"),
        ({"expires": NOW.isoformat()}, "in the past"),
        ({"level": "7"}, "no such level"),
        ({"level": "red"}, "no such level"),
        ({"expires": "tomorrow"}, "not an instant"),
    ):
        with pytest.raises((WrongState, InvalidValue), match=says):
            room.act(NOW + HOUR, ADA, "warning.update", head.id, **fields)
    room.pack = replace(room.pack, powers=(Power("office", "warn", f"{LAW}#5", levels=(2, 3)),))
    with pytest.raises(NotAllowed, match="level 1"):
        room.act(NOW + HOUR, ADA, "warning.update", head.id, level="1")
    assert room.pending() == []


def test_only_the_message_in_force_is_followed(room: Room) -> None:
    (draft,) = room.pending()
    with pytest.raises(WrongState, match="in force"):
        room.act(NOW, ADA, "warning.cancel", draft.id)


def test_a_message_fixed_at_approval_is_what_is_rendered_later(room: Room) -> None:
    sent = room.publish(NOW)
    assert sent.digest == room.digest(room.render(sent))
    turn = Turn(room, NOW)  # type: ignore[arg-type]
    assert turn.drafts == []
