"""Nobody alone: two persons, one organ, its power, and only the transitions there are."""

from __future__ import annotations

from dataclasses import replace

import pytest

from anlan.model.errors import InvalidValue, NotAllowed, WrongState
from anlan.model.law import Power
from anlan.model.reason import Reason
from anlan.model.text import Text
from anlan.model.warning import STATUSES, Warning
from anlan.turn import Turn
from anlan.warn import approve as approval
from chain_pack import ADA, BEN, CAI, DAY, DEE, HOUR, LAW, T0, Room

NOW = T0 + 2 * DAY


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
def test_what_the_table_does_not_name_is_refused(drafted: Room, status: str, to: str) -> None:
    warning = replace(drafted.pending()[0], status=status)
    reason = Reason("expired", Text("over", "完"))
    if to in approval.TRANSITIONS[status]:
        assert approval.close(warning, to, reason).status == to
    else:
        with pytest.raises(WrongState, match=f"cannot become {to}"):
            approval.close(warning, to, reason)


def test_two_persons_publish(drafted: Room) -> None:
    sent = approval.approve(submitted(drafted), BEN, drafted.pack, NOW, "code")
    assert (sent.status, sent.author, sent.approver, sent.sent) == ("approved", "ada", "ben", NOW)


def test_the_author_does_not_approve(drafted: Room) -> None:
    own = approval.submit(drafted.pending()[0], BEN, drafted.pack, NOW)
    with pytest.raises(NotAllowed, match="two persons") as refusal:
        approval.approve(own, BEN, drafted.pack, NOW, "code")
    assert refusal.value.basis == f"{LAW}#5"


def test_whoever_submits_again_after_a_return_is_the_author(drafted: Room) -> None:
    back = approval.send_back(submitted(drafted), BEN, "say where", "returned")
    assert (back.status, back.author, back.approver) == ("returned", "ada", "ben")
    # the approver who sent it back takes it over: from then on somebody else has to approve
    again = approval.submit(back, BEN, drafted.pack, NOW)
    assert (again.author, again.approver) == ("ben", "")
    with pytest.raises(NotAllowed, match="two persons"):
        approval.approve(again, BEN, drafted.pack, NOW, "code")
    assert approval.approve(again, CAI, drafted.pack, NOW, "code").approver == "cai"


def test_no_warning_exists_with_one_person_in_both_places(drafted: Room) -> None:
    with pytest.raises(InvalidValue, match="same person"):
        replace(submitted(drafted), approver="ada")


def test_another_organ_neither_approves_nor_sends_back(drafted: Room) -> None:
    draft = submitted(drafted)
    with pytest.raises(NotAllowed, match="acts for other") as refusal:
        approval.approve(draft, DEE, drafted.pack, NOW, "code")
    assert refusal.value.basis == f"{LAW}#5"
    with pytest.raises(NotAllowed, match="acts for other"):
        approval.send_back(draft, DEE, "no", "rejected")


def test_a_power_that_does_not_reach_is_refused_with_its_article(drafted: Room) -> None:
    for power, lack in (
        (Power("office", "warn", f"{LAW}#8", levels=(3, 4)), "level 2"),
        (Power("office", "warn", f"{LAW}#8", hazards=("drought",)), "hazard flood"),
        (Power("office", "warn", f"{LAW}#8", scope="Restricted"), "scope Public"),
    ):
        pack = replace(drafted.pack, powers=(power,))
        with pytest.raises(NotAllowed, match=lack) as refusal:
            approval.approve(submitted(drafted), BEN, pack, NOW, "code")
        assert refusal.value.basis == f"{LAW}#8"


def test_every_place_warned_must_be_within_the_power(drafted: Room) -> None:
    organs = {**drafted.pack.organs, "office": replace(drafted.pack.organs["office"], place="x/a")}
    wide = replace(submitted(drafted), places=("x/a", "x/b"))
    with pytest.raises(NotAllowed, match="x/b"):
        approval.approve(wide, BEN, replace(drafted.pack, organs=organs), NOW, "code")


def test_a_warning_that_would_be_over_is_not_sent(drafted: Room) -> None:
    draft = submitted(drafted)
    with pytest.raises(WrongState, match="over before"):
        approval.approve(draft, BEN, drafted.pack, draft.expires, "code")


def test_a_return_and_a_rejection_need_words(drafted: Room) -> None:
    for status in ("returned", "rejected"):
        with pytest.raises(WrongState, match="reason in words"):
            approval.send_back(submitted(drafted), BEN, " ", status)
    gone = approval.send_back(submitted(drafted), BEN, "a broken gauge", "rejected")
    assert gone.reasons[-1].text.en == "a broken gauge"
    with pytest.raises(WrongState):
        approval.submit(gone, ADA, drafted.pack, NOW)


def test_an_update_by_hand_says_its_new_level_in_its_own_words(drafted: Room) -> None:
    head = drafted.publish(NOW)
    end = (head.expires + DAY).isoformat()
    drafted.act(NOW + HOUR, ADA, "warning.update", head.id, level="1", expires=end, reason="the dike")
    (draft,) = drafted.pending()
    assert (draft.level, draft.headline.en, draft.author) == (1, "Red: flood in Alpha", "ada")
    assert (draft.references, draft.expires, draft.approver) == ((head.id,), head.expires + DAY, "")
    assert draft.reasons[0].code == "raised"
    with pytest.raises(WrongState, match=rf"{draft.id} \(draft, by ada, since \S+Z\)"):
        drafted.act(NOW + HOUR, ADA, "warning.cancel", head.id)


def test_an_update_by_hand_must_change_something_within_the_power(drafted: Room) -> None:
    head = drafted.publish(NOW)
    for fields, says in (
        ({}, "changes the level"),
        ({"expires": NOW.isoformat()}, "in the past"),
        ({"level": "7"}, "no such level"),
        ({"level": "red"}, "no such level"),
        ({"level": "²"}, "no such level"),
        ({"expires": "tomorrow"}, "not an instant"),
    ):
        with pytest.raises((WrongState, InvalidValue), match=says):
            drafted.act(NOW + HOUR, ADA, "warning.update", head.id, **fields)
    drafted.pack = replace(drafted.pack, powers=(Power("office", "warn", f"{LAW}#5", levels=(2, 3)),))
    with pytest.raises(NotAllowed, match="level 1"):
        drafted.act(NOW + HOUR, ADA, "warning.update", head.id, level="1")
    assert drafted.pending() == []


def test_only_the_message_in_force_is_followed(drafted: Room) -> None:
    (draft,) = drafted.pending()
    with pytest.raises(WrongState, match="in force"):
        drafted.act(NOW, ADA, "warning.cancel", draft.id)


def test_a_message_fixed_at_approval_is_what_is_rendered_later(drafted: Room) -> None:
    sent = drafted.publish(NOW)
    assert sent.digest == drafted.digest(drafted.render(sent))
    turn = Turn(drafted, NOW)  # type: ignore[arg-type]
    assert turn.drafts == []
