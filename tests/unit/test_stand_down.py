"""The end of a response: by whom, on what, and what it leaves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from anlan.model.errors import NotAllowed, NotFound, WrongState
from anlan.model.law import Power
from chain_pack import ADA, BEN, CAI, DAY, DEE, HOUR, LAW, T0, Room

SENT = T0 + 2 * DAY


def test_the_response_is_ended_by_the_body_that_leads_it_in_words(room: Room) -> None:
    room.warned(SENT)
    id = room.incident().id
    with pytest.raises(WrongState, match="reason in words"):
        room.act(SENT + DAY, BEN, "incident.stand_down", id, reason=" ")
    with pytest.raises(NotAllowed, match="led by office") as refusal:
        room.act(SENT + DAY, DEE, "incident.stand_down", id, reason="over")
    assert refusal.value.basis == f"{LAW}#6"
    with pytest.raises(NotFound):
        room.act(SENT + DAY, BEN, "incident.stand_down", "I-none", reason="over")
    assert room.incident().status == "open"


def test_without_the_power_any_more_nobody_ends_it(room: Room) -> None:
    room.warned(SENT)
    room.pack = replace(room.pack, powers=(Power("office", "respond", f"{LAW}#6", levels=(4,)),))
    with pytest.raises(NotAllowed, match="level 2"):
        room.act(SENT + DAY, BEN, "incident.stand_down", room.incident().id, reason="over")


def test_the_end_leaves_a_record_open_tasks_and_follow_ups_visible_and_the_final_report(room: Room) -> None:
    room.warned(SENT)
    room.act(SENT + HOUR, CAI, "incident.stand_down", room.incident().id, reason="the water has gone")
    ended = room.incident()
    assert (ended.status, ended.stood_down, ended.stood_down_by) == ("stood_down", SENT + HOUR, "cai")
    (record,) = room.state.stand_downs.values()
    assert (record.by, record.organ, record.basis) == ("cai", "office", f"{LAW}#6")
    assert (record.tasks_done, record.tasks_open) == (0, 1)
    assert [t.status for t in room.state.tasks.values()] == ["cancelled"]
    assert {r.duty: r.status for r in room.state.reports.values()} == {
        "first": "owed",  # the law still asks for it
        "issued": "owed",
        "follow": "dropped",
        "final": "owed",
    }
    room.run(SENT + 100 * DAY)
    assert room.report("follow").status == "dropped"
    assert room.report("final").status == "late"
    with pytest.raises(WrongState, match="not owed"):
        room.act(SENT + 100 * DAY, ADA, "report.file", room.report("follow").id)
    with pytest.raises(WrongState, match="not open"):
        room.act(SENT + 100 * DAY, CAI, "incident.stand_down", ended.id, reason="again")


def test_a_follow_up_already_late_at_the_end_stays_owed_and_begets_none(room: Room) -> None:
    room.warned(SENT)
    room.run(SENT + 2 * DAY)
    room.act(SENT + 2 * DAY, BEN, "incident.stand_down", room.incident().id, reason="over")
    late = room.report("follow")
    assert late.status == "late"
    room.act(SENT + 2 * DAY + HOUR, ADA, "report.file", late.id, text="what was missing")
    assert [r.duty for r in room.state.reports.values()].count("follow") == 1
