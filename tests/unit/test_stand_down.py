"""The end of a response: by whom, on what, and what it leaves."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from anlan.model.errors import NotAllowed, NotFound, WrongState
from anlan.model.incident import Incident, Report
from anlan.model.law import Power
from chain_pack import ADA, BEN, CAI, DAY, DEE, HOUR, LAW, T0, Room, stage

SENT = T0 + 2 * DAY


def warn(room: Room, value: float = 5.0, at: timedelta = timedelta(0)) -> str:
    """The risk, with a warning sent at SENT."""
    room.learn(stage(0, value))
    return room.publish(SENT + at - timedelta(microseconds=1)).risk


def incident(room: Room) -> Incident:
    (found,) = room.state.incidents.values()
    return found


def report(room: Room, duty: str) -> Report:
    return [r for r in room.state.reports.values() if r.duty == duty][-1]


def test_the_response_is_ended_by_the_body_that_leads_it_in_words(room: Room) -> None:
    warn(room)
    id = incident(room).id
    with pytest.raises(WrongState, match="reason in words"):
        room.act(SENT + DAY, BEN, "incident.stand_down", id, reason=" ")
    with pytest.raises(NotAllowed, match="led by office") as refusal:
        room.act(SENT + DAY, DEE, "incident.stand_down", id, reason="over")
    assert refusal.value.basis == f"{LAW}#6"
    with pytest.raises(NotFound):
        room.act(SENT + DAY, BEN, "incident.stand_down", "I-none", reason="over")
    assert incident(room).status == "open"


def test_without_the_power_any_more_nobody_ends_it(room: Room) -> None:
    warn(room)
    room.pack = replace(room.pack, powers=(Power("office", "respond", f"{LAW}#6", levels=(4,)),))
    with pytest.raises(NotAllowed, match="level 2"):
        room.act(SENT + DAY, BEN, "incident.stand_down", incident(room).id, reason="over")


def test_the_end_leaves_a_record_open_tasks_and_follow_ups_visible_and_the_final_report(room: Room) -> None:
    warn(room)
    room.act(SENT + HOUR, CAI, "incident.stand_down", incident(room).id, reason="the water has gone")
    ended = incident(room)
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
    assert report(room, "follow").status == "dropped"
    assert report(room, "final").status == "late"
    with pytest.raises(WrongState, match="not owed"):
        room.act(SENT + 100 * DAY, ADA, "report.file", report(room, "follow").id)
    with pytest.raises(WrongState, match="not open"):
        room.act(SENT + 100 * DAY, CAI, "incident.stand_down", ended.id, reason="again")


def test_a_follow_up_already_late_at_the_end_stays_owed_and_begets_none(room: Room) -> None:
    warn(room)
    room.run(SENT + 2 * DAY)
    room.act(SENT + 2 * DAY, BEN, "incident.stand_down", incident(room).id, reason="over")
    late = report(room, "follow")
    assert late.status == "late"
    room.act(SENT + 2 * DAY + HOUR, ADA, "report.file", late.id, text="what was missing")
    assert [r.duty for r in room.state.reports.values()].count("follow") == 1
