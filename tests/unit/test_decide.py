"""When a risk asks for a warning, and when it must not."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from anlan.model.law import Power
from anlan.model.text import Text
from anlan.model.warning import Warning
from anlan.warn.compose import correction
from anlan.warn.words import clock
from chain_pack import (
    ADA,
    DAY,
    GAUGE,
    HOUR,
    LAW,
    MINUTE,
    PLAN,
    T0,
    Room,
    chain_pack,
    quake,
    stage,
)


def day(room: Room, n: float, *values: float | None, place: str = "x/a") -> None:
    """One value a day from day `n` on, each known the next morning."""
    for i, value in enumerate(values):
        room.learn(stage(n + i, value, place))


def warned(room: Room, value: float = 5.0) -> Warning:
    """A warning of level 2 (or what the value gives) in force from day 1, 12:00."""
    day(room, 0, value)
    return room.publish(T0 + DAY + 12 * HOUR)


def test_the_first_draft_says_what_the_plan_says(room: Room) -> None:
    day(room, 0, 5.0)
    (draft,) = room.pending()
    assert (draft.change, draft.level, draft.places, draft.mode) == ("alert", 2, ("x/a",), "Actual")
    assert (draft.organ, draft.basis, draft.scope) == ("office", f"{LAW}#5", "Public")
    assert draft.headline.en == "Orange: flood in Alpha"
    assert draft.expires == draft.drafted + PLAN.valid
    assert draft.reasons[0].code == "first"


def test_below_the_level_at_which_the_plan_warns_there_is_no_draft(room: Room) -> None:
    day(room, 0, 3.5)
    assert room.pending() == []


def test_without_a_plan_or_a_power_the_risk_says_why_once(tmp_path: Path) -> None:
    for name, changes, code in (
        ("plan", {"plans": {}}, "no_plan"),
        ("power", {"powers": (Power("office", "warn", f"{LAW}#9", levels=(4,)),)}, "no_power"),
    ):
        room = Room(tmp_path / name, chain_pack(**changes))
        day(room, 0, 5.0, 6.0)
        (thread,) = room.state.assessments.values()
        assert room.pending() == []
        assert [r.code for r in thread.reasons] in ([code], [code, code])
        assert code == "no_plan" or thread.reasons[0].basis == f"{LAW}#9"
        room.close()


def test_places_beyond_the_issuers_area_are_left_out_and_named(tmp_path: Path) -> None:
    plan = replace(PLAN, issuer="office-a", lead="office-a", hazards=("flood",))
    powers = (Power("office-a", "warn", f"{LAW}#7"), Power("office-a", "respond", f"{LAW}#7"))
    room = Room(tmp_path, chain_pack(plans={"flood-plan": plan}, powers=powers))
    day(room, 0, 5.0)
    day(room, 1, 5.0, place="x/a/1")
    assert room.pending()[0].places == ("x/a",)
    room.turn(T0 + 3 * DAY, stage(2, 5.0, "x", known=T0 + 3 * DAY - HOUR))
    assert [w for w in room.pending() if "x" in w.places] == []
    (thread,) = room.state.assessments.values()
    assert thread.reasons[-1].code == "no_power"
    assert f"{LAW}#7" in thread.reasons[-1].basis
    room.close()


def test_at_most_one_draft_waits_and_the_one_replaced_stays_visible(room: Room) -> None:
    day(room, 0, 4.0, 5.0, 6.0)
    (draft,) = room.pending()
    assert draft.level == 1
    old = [w for w in room.state.warnings.values() if w.status == "superseded"]
    assert [w.level for w in old] == [3, 2]
    assert {w.reasons[-1].code for w in old} == {"first"}


def test_an_update_refers_to_all_it_follows_and_closes_the_last(room: Room) -> None:
    first = warned(room, 4.0)
    day(room, 1, 5.0)
    second = room.publish(T0 + 2 * DAY + 12 * HOUR)
    assert (second.change, second.references, second.reasons[0].code) == ("update", (first.id,), "raised")
    assert room.state.warnings[first.id].status == "superseded"
    day(room, 2, 4.5, 4.5, 4.5, 4.5)
    third = room.publish(T0 + 6 * DAY + 12 * HOUR)
    assert (third.level, third.reasons[0].code) == (3, "lowered")
    assert third.references == (first.id, second.id)
    day(room, 6, 1.0, 1.0, 1.0, 1.0)
    last = room.publish(T0 + 10 * DAY + 12 * HOUR)
    assert (last.change, last.references) == ("cancel", (first.id, second.id, third.id))
    assert room.state.warnings[third.id].status == "cancelled"


def test_a_grown_area_is_an_update_and_a_part_of_it_is_not(room: Room) -> None:
    day(room, 0, 5.0, place="x")
    room.publish(T0 + DAY + 12 * HOUR)
    day(room, 1, 5.0, place="x/a")
    assert room.pending() == []  # Alpha lies in what is warned already


def test_another_place_of_the_same_risk_is_an_update(room: Room) -> None:
    day(room, 0, 5.0, place="x/a/1")
    room.publish(T0 + DAY + 12 * HOUR)
    room.turn(T0 + 3 * DAY, stage(1, 5.0, "x/a/1"), stage(1, 5.0, "x/a"))
    (draft,) = room.pending()
    assert (draft.change, draft.places, draft.reasons[0].code) == ("update", ("x/a",), "area_grew")


def test_the_mode_never_changes_along_a_chain(room: Room) -> None:
    room.status = "Exercise"
    warned(room, 4.0)
    room.status = "Actual"
    day(room, 1, 6.0)
    assert room.publish(T0 + 2 * DAY + 12 * HOUR).mode == "Exercise"


def test_missing_values_leave_the_warning_as_it_is(room: Room) -> None:
    head = warned(room)
    day(room, 1, None, None, None)
    assert room.pending() == []
    assert room.state.warnings[head.id].status == "approved"


def test_a_draft_that_waits_stays_when_the_data_go_missing(room: Room) -> None:
    day(room, 0, 5.0, None)
    (draft,) = room.pending()
    assert (draft.level, draft.status) == (2, "draft")
    (thread,) = room.state.assessments.values()
    assert thread.state == "unknown"


def test_a_draft_to_lower_stays_when_the_data_go_missing(room: Room) -> None:
    warned(room)
    day(room, 1, 4.0, 4.0, 4.0, 4.0, None)
    (draft,) = room.pending()
    assert (draft.level, draft.reasons[0].code) == (3, "lowered")


def test_what_is_missing_in_one_place_hides_nothing_new_in_another(room: Room) -> None:
    day(room, 0, 5.0, place="x/a/1")
    room.publish(T0 + DAY + 12 * HOUR)
    now = T0 + 2 * DAY + 12 * HOUR
    room.turn(now, stage(1, None, "x/a/1"), stage(1, 4.0, "x/a"))
    (draft,) = room.pending()
    # nothing is lowered: the level of what is unknown now goes on for all of it
    assert (draft.level, draft.places) == (2, ("x/a",))
    room.turn(now + DAY, stage(2, None, "x/a/1"), stage(2, 6.0, "x/a"))
    assert [w.level for w in room.pending()] == [1]


def test_a_draft_whose_level_has_gone_is_withdrawn(room: Room) -> None:
    day(room, 0, 5.0, 1.0, 1.0, 1.0, 1.0)
    assert room.pending() == []
    assert [w.status for w in room.state.warnings.values()] == ["superseded"]


def test_a_cancel_that_waits_is_withdrawn_when_the_level_is_back(room: Room) -> None:
    warned(room)
    day(room, 1, 1.0, 1.0, 1.0, 1.0)
    assert [w.change for w in room.pending()] == ["cancel"]
    soon = T0 + 5 * DAY + 12 * HOUR
    room.turn(soon, stage(4, 5.0, known=soon))
    assert room.pending() == []


def test_when_a_message_runs_out_the_level_asks_for_another(room: Room) -> None:
    head = warned(room)
    day(room, 1, 5.0, 5.0, 5.0, 5.0)
    room.run(T0 + 7 * DAY)
    assert room.state.warnings[head.id].status == "expired"
    (draft,) = room.pending()
    assert (draft.change, draft.references, draft.reasons[0].code) == ("alert", (), "repeat")


def test_when_a_message_runs_out_while_data_are_missing_the_level_still_asks(room: Room) -> None:
    warned(room)
    room.run(T0 + 7 * DAY)
    (thread,) = room.state.assessments.values()
    assert thread.state == "unknown"
    assert [w.reasons[0].code for w in room.pending()] == ["repeat"]


def test_a_draft_that_nobody_approved_in_time_makes_way_for_another(room: Room) -> None:
    day(room, 0, 5.0)
    (old,) = room.pending()
    day(room, 1, 5.0, 5.0, 5.0, 5.0, 5.0)
    room.run(old.expires)
    (fresh,) = room.pending()
    assert fresh.id != old.id
    assert fresh.expires > old.expires
    assert room.state.warnings[old.id].status == "superseded"


def test_a_cancel_for_a_message_that_has_run_out_is_withdrawn(room: Room) -> None:
    head = warned(room)
    day(room, 1, 1.0, 1.0, 1.0, 1.0)
    assert [w.change for w in room.pending()] == ["cancel"]
    room.run(head.expires + DAY)
    assert room.pending() == []


def test_a_level_back_after_a_cancel_begins_a_new_chain(room: Room) -> None:
    warned(room)
    day(room, 1, 1.0, 1.0, 1.0, 1.0)
    room.publish(T0 + 5 * DAY + 12 * HOUR)
    day(room, 5, 5.0)
    (draft,) = room.pending()
    assert (draft.change, draft.references, draft.reasons[0].code) == ("alert", (), "raised")


def test_a_dismissed_risk_takes_its_draft_along(room: Room) -> None:
    day(room, 0, 5.0)
    (thread,) = room.state.assessments
    room.act(T0 + DAY + 12 * HOUR, ADA, "assessment.dismiss", thread, reason="a broken gauge")
    assert room.pending() == []
    # a late source does not bring back what somebody has set aside
    room.run(T0 + 10 * DAY)
    assert len(room.state.assessments) == 1
    assert room.pending() == []


def test_a_dismissed_risk_with_a_message_in_force_asks_for_its_cancel(room: Room) -> None:
    head = warned(room)
    room.act(T0 + 2 * DAY, ADA, "assessment.dismiss", head.risk, reason="a broken gauge")
    (draft,) = room.pending()
    assert (draft.change, draft.references) == ("cancel", (head.id,))


def test_a_merged_risk_asks_for_the_cancel_of_its_message_and_the_other_grows(room: Room) -> None:
    day(room, 0, 5.0, place="x/a")
    one = room.publish(T0 + DAY + 12 * HOUR)
    day(room, 1, 5.0, place="x/b")
    other = room.publish(T0 + 2 * DAY + 12 * HOUR)
    assert one.risk != other.risk
    room.act(T0 + 2 * DAY + 13 * HOUR, ADA, "assessment.merge", other.risk, into=one.risk)
    drafts = {w.risk: w for w in room.pending()}
    assert drafts[other.risk].change == "cancel"
    assert (drafts[one.risk].change, drafts[one.risk].places) == ("update", ("x/a", "x/b"))


def test_single_events_have_their_own_plan_and_end(room: Room) -> None:
    at = T0 + HOUR
    room.turn(T0 + 2 * HOUR, quake(at, 7.5, T0 + 2 * HOUR), source="seismic")
    room.publish(T0 + 3 * HOUR)
    room.turn(T0 + 2 * DAY, quake(at, 7.4, T0 + 2 * DAY), source="seismic")
    room.run(at + 3 * DAY + MINUTE)
    assert [w.change for w in room.pending()] == ["cancel"]


def test_a_silent_seismic_network_lifts_nothing(room: Room) -> None:
    at = T0 + HOUR
    room.turn(T0 + 2 * HOUR, quake(at, 7.5, T0 + 2 * HOUR), source="seismic")
    head = room.publish(T0 + 3 * HOUR)
    room.run(head.expires - HOUR)
    assert room.pending() == []
    (thread,) = room.state.assessments.values()
    assert (thread.level, thread.state) == (2, "unknown")


def test_a_place_that_is_no_more_stops_no_turn(room: Room) -> None:
    day(room, 0, 5.0, place="x/old")
    room.publish(T0 + DAY + 12 * HOUR)
    room.run(T0 + 40 * DAY)
    day(room, 41, 5.0)
    assert [w.places for w in room.pending()] == [("x/a",)]


def test_a_source_that_brings_only_rubbish_is_not_fresh(room: Room) -> None:
    day(room, 0, 5.0)
    for n in (1, 2, 3, 4):
        bad = replace(stage(n, 5.0), indicator="nonsense")
        room.turn(bad.known, bad)
    assert room.state.sources["gauges"].status == "late"
    (thread,) = room.state.assessments.values()
    assert thread.state == "unknown"


def test_a_pack_without_the_rule_any_more_stops_no_turn(room: Room) -> None:
    at = T0 + HOUR
    room.turn(T0 + 2 * HOUR, quake(at, 7.5, T0 + 2 * HOUR), source="seismic")
    room.pack = replace(room.pack, rules={GAUGE.id: GAUGE})
    room.run(T0 + 20 * DAY)
    assert next(iter(room.state.assessments.values())).level == 2


def test_the_hours_in_the_words_are_those_of_the_zone_in_which_messages_are_told(tmp_path: Path) -> None:
    hours = Text("From {starts} to {expires}", "{starts}至{expires}")
    template = replace(PLAN.template, headline=hours, cancel=hours)
    plan = replace(PLAN, template=template, valid=20 * DAY)
    room = Room(tmp_path, chain_pack(plans={"flood-plan": plan}))
    room.zone = ZoneInfo("Asia/Shanghai")
    day(room, 0, 5.0)
    (draft,) = room.pending()

    def told(warning: Warning, starts: datetime) -> tuple[str, str]:
        first, last = (clock(at, room.zone) for at in (starts, warning.expires))
        return f"From {first} to {last}", f"{first}至{last}"

    assert (draft.headline.en, draft.headline.zh) == told(draft, draft.drafted)
    assert "(UTC+08:00)" in draft.headline.zh
    head = room.publish(T0 + DAY + 12 * HOUR)
    # a person's correction begins with them too, and so does a lifting by the system
    begun = correction(
        head, replace(plan, template=replace(template, correct=hours)), room.pack, room.now, room.zone
    )
    assert "(UTC+08:00)" in begun.headline.en
    day(room, 1, 1.0, 1.0, 1.0, 1.0)
    (last,) = [w for w in room.state.warnings.values() if w.change == "cancel"][:1]
    assert (last.headline.en, last.headline.zh) == told(last, last.drafted)
    room.close()
