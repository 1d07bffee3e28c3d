"""What a warning sets off: the response, its tasks, and the reports that the law asks for."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from anlan.model.errors import NotAllowed, WrongState
from anlan.model.law import Power
from anlan.respond.activate import AT_ONCE, response_level
from chain_pack import ADA, BEN, DAY, DEE, HOUR, LAW, MINUTE, PLAN, T0, Room, stage

SENT = T0 + 2 * DAY


def test_a_warning_opens_the_response_that_the_plan_maps_it_to(room: Room) -> None:
    room.warned(SENT)
    opened = room.incident()
    assert (opened.level, opened.lead, opened.basis, opened.plan) == (2, "office", f"{LAW}#6", "flood-plan")
    # tasks of other response levels are not opened
    assert [(t.plan_task, t.due) for t in room.state.tasks.values()] == [("boats", SENT + HOUR)]
    assert {(r.duty, r.due) for r in room.state.reports.values()} == {
        ("first", SENT + 2 * HOUR),
        ("follow", SENT + DAY),
        ("issued", SENT + AT_ONCE),
    }


def test_a_warning_below_the_plans_limit_opens_nothing_and_is_still_reported(room: Room) -> None:
    room.warned(SENT, 4.0)
    assert room.state.incidents == {}
    assert [(r.duty, r.incident) for r in room.state.reports.values()] == [("issued", "")]
    issued = room.report("issued")
    room.run(SENT + DAY)
    assert room.report("issued").status == "late"
    room.act(SENT + 2 * DAY, ADA, "report.file", issued.id, text="warned")
    filed = room.report("issued")
    assert (filed.status, filed.filed) == ("late", SENT + 2 * DAY)  # late stays late


def test_a_report_owed_at_once_is_late_after_a_quarter_of_an_hour(room: Room) -> None:
    room.warned(SENT)
    issued = room.report("issued")
    room.run(SENT + 14 * MINUTE)
    assert room.report("issued").status == "owed"
    room.act(SENT + 15 * MINUTE, ADA, "report.file", issued.id, text="warned")
    assert room.report("issued").status == "filed"


def test_every_issue_is_reported_and_a_cancel_is_not(room: Room) -> None:
    room.warned(SENT)
    head = room.only("approved")
    room.act(SENT + HOUR, ADA, "warning.update", head.id, level="1")
    room.publish(SENT + 2 * HOUR)
    room.act(SENT + 3 * HOUR, ADA, "warning.cancel", room.only("approved").id)
    room.publish(SENT + 4 * HOUR)
    issued = [r for r in room.state.reports.values() if r.duty == "issued"]
    assert len(issued) == 2
    assert {r.incident for r in issued} == {room.incident().id}


def test_a_more_severe_update_raises_the_running_response(room: Room) -> None:
    room.warned(SENT)
    head = room.only("approved")
    room.act(SENT + HOUR, ADA, "warning.update", head.id, level="1")
    room.publish(SENT + 2 * HOUR)
    raised = room.incident()
    assert (raised.level, raised.status, raised.reasons[-1].code) == (1, "open", "raised")
    assert {t.plan_task for t in room.state.tasks.values()} == {"boats", "shelter"}
    assert [r.duty for r in room.state.reports.values()].count("first") == 1
    assert room.report("atonce").due == SENT + 2 * HOUR + timedelta(microseconds=1) + AT_ONCE
    assert "incident.raised" in room.kinds()


def test_a_milder_update_lowers_no_response(room: Room) -> None:
    room.warned(SENT, 6.0)
    room.act(SENT + HOUR, ADA, "warning.update", room.only("approved").id, level="2")
    room.publish(SENT + 2 * HOUR)
    assert room.incident().level == 1


def test_without_the_power_to_respond_the_risk_says_so(room: Room) -> None:
    room.pack = replace(room.pack, powers=(Power("office", "warn", f"{LAW}#5"),))
    risk = room.warned(SENT)
    assert room.state.incidents == {}
    assert [r.code for r in room.state.assessments[risk].reasons] == ["no_power"]
    assert room.only("approved").status == "approved"  # the warning went out all the same


def test_a_level_that_the_plan_does_not_map_gets_its_mildest_response() -> None:
    assert [response_level(PLAN, level) for level in (1, 2, 3, 4)] == [1, 2, 2, 2]
    assert response_level(replace(PLAN, response={}), 3) == 3


def test_tasks_and_reports_are_marked_late_once(room: Room) -> None:
    room.warned(SENT)
    room.run(SENT + 3 * DAY)
    kinds = room.kinds()
    assert kinds.count("task.overdue") == 1
    assert kinds.count("report.late") == 3  # issued, first, follow-up
    (task,) = room.state.tasks.values()
    room.act(SENT + 4 * DAY, ADA, "task.done", task.id, note="boats are out")
    (task,) = room.state.tasks.values()
    assert (task.status, task.by, task.done) == ("done", "ada", SENT + 4 * DAY)
    with pytest.raises(WrongState, match="not open"):
        room.act(SENT + 4 * DAY, ADA, "task.done", task.id)


def test_a_follow_up_that_is_filed_is_owed_again_while_the_response_runs(room: Room) -> None:
    room.warned(SENT)
    for n in range(3):
        filed = SENT + (n + 1) * DAY - HOUR
        room.act(filed, ADA, "report.file", room.report("follow").id, text="as before")
        assert (room.report("follow").status, room.report("follow").due) == ("owed", filed + DAY)
    assert len({r.id for r in room.state.reports.values() if r.duty == "follow"}) == 4
    first = room.report("first")
    room.act(SENT + 3 * DAY, ADA, "report.file", first.id, text="late")
    assert [r.duty for r in room.state.reports.values()].count("first") == 1
    with pytest.raises(WrongState, match="not owed"):
        room.act(SENT + 3 * DAY, ADA, "report.file", first.id, text="again")


def test_a_person_opens_a_response_only_for_the_body_that_leads_it(room: Room) -> None:
    room.learn(stage(0, 3.5))
    (risk,) = room.state.assessments
    with pytest.raises(NotAllowed, match="led by office") as refusal:
        room.act(SENT, DEE, "incident.open", risk)
    assert refusal.value.basis == f"{LAW}#6"
    room.act(SENT, BEN, "incident.open", risk, reason="the dike is soft")
    assert (room.incident().by, room.incident().level) == ("ben", 2)
    with pytest.raises(WrongState, match="is open"):
        room.act(SENT, BEN, "incident.open", risk)
