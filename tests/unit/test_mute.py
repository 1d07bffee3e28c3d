"""Muting: by the pack's rules and by people; what it does, and what it must never do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from anlan import flow
from anlan.model.errors import InvalidValue, NotAllowed, NotFound, WrongState
from anlan.model.pack import Pack
from anlan.model.route import Inhibit
from anlan.model.state import fold
from anlan.warn import mute
from chain_pack import ADA, BEN, CAI, DAY, EVA, HOUR, PLAN, T0, Room, both, chain_pack, quake, stage

NOW = T0 + 2 * DAY
INSIDE = Inhibit("flood-over-quake", both("flood"), 2, "act-2010#5", by_hazard="flood", hazards=("quake",))


def storm_pack(*inhibits: Inhibit) -> Pack:
    """Here an earthquake stands for what a flood makes unimportant: it is the other hazard there is."""
    template = replace(PLAN.template, matters=both("The ground shook."))
    plans = {
        "flood-plan": PLAN,
        "quake-plan": replace(PLAN, id="quake-plan", hazards=("quake",), template=template),
    }
    return chain_pack(inhibits={one.id: one for one in inhibits}, plans=plans)


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    """A red flood warning in force at x/a, nothing else."""
    room = Room(tmp_path, storm_pack(INSIDE))
    room.learn(stage(0, 6.5))
    room.publish(NOW)
    yield room
    room.close()


def shake(room: Room, at: float, size: float, place: str = "x/a/1", event: str = "q1") -> None:
    when = T0 + at * DAY
    room.turn(when, quake(when, size, when, event, place), source="seismic")


def quakes(room: Room) -> list[Any]:
    return [t for t in room.state.assessments.values() if t.hazard == "quake"]


def test_a_finding_inside_the_warned_area_is_muted_with_a_link_and_keeps_its_level(room: Room) -> None:
    shake(room, 3, 6.0)
    (risk,) = quakes(room)
    (muted,) = room.state.mutes.values()
    assert (muted.status, muted.cause, muted.risk) == ("on", room.only("approved").id, risk.id)
    assert muted.reasons[0].code == "muted_by"
    assert (risk.level, risk.state, risk.verdict) == (3, "known", "open")
    assert room.state.findings[muted.finding].level == 3
    # its first draft waits, and the thread says why
    assert room.pending() == []
    assert [reason.code for reason in risk.reasons] == ["muted_by"]
    assert mute.muted(risk, room.state, mute.quiet(room.state)) == [muted]


def test_it_is_heard_again_and_asks_for_its_warning_when_the_cause_is_lifted(room: Room) -> None:
    shake(room, 3, 6.0)
    head = room.only("approved")
    room.act(T0 + 3.1 * DAY, ADA, "warning.cancel", head.id, reason="the water is gone")
    (draft,) = room.pending()
    room.act(T0 + 3.2 * DAY, ADA, "warning.submit", draft.id)
    room.act(T0 + 3.3 * DAY, BEN, "warning.approve", draft.id)
    (muted,) = room.state.mutes.values()
    assert (muted.status, muted.ended) == ("off", T0 + 3.3 * DAY)
    assert [reason.code for reason in muted.reasons] == ["muted_by", "cause_over"]
    assert [w.hazard for w in room.pending() if w.hazard == "quake"] == ["quake"]
    ended = [e for e in room.journal.read() if e.kind == "mute.ended"]
    assert [(e.subject, e.why.en if e.why else "") for e in ended] == [(muted.id, muted.reasons[-1].text.en)]


def test_it_is_heard_again_when_the_cause_runs_out(room: Room) -> None:
    when = NOW + 4 * DAY
    room.turn(when, quake(when, 6.0, when, "late", "x/a/1"), source="seismic")
    assert [one.status for one in room.state.mutes.values()] == ["on"]
    room.run(NOW + 5 * DAY)
    assert [one.status for one in room.state.mutes.values()] == ["off"]
    assert "quake" in {w.hazard for w in room.pending()}


def test_elsewhere_or_more_severe_than_the_cause_is_never_muted(tmp_path: Path) -> None:
    room = Room(tmp_path, storm_pack(INSIDE))
    item = stage(0, 5.5)  # orange
    room.turn(item.known, item)
    room.publish(NOW)
    shake(room, 3, 6.0, "x/b", "elsewhere")
    shake(room, 3.1, 8.5, "x/a/1", "red")
    assert room.state.mutes == {}
    assert {w.hazard for w in room.pending()} == {"quake"}
    # the same place, no more severe than orange
    shake(room, 3.2, 7.2, "x/a", "orange")
    assert [one.event for one in room.state.mutes.values()] == ["orange"]
    room.close()


def test_a_finding_that_becomes_more_severe_than_its_cause_is_heard_at_once(tmp_path: Path) -> None:
    room = Room(tmp_path, storm_pack(INSIDE))
    room.learn(stage(0, 5.5))
    room.publish(NOW)
    shake(room, 3, 6.0)
    assert [one.status for one in room.state.mutes.values()] == ["on"]
    when = T0 + 3 * DAY
    room.turn(when + HOUR, quake(when, 8.5, when + HOUR, "q1", "x/a/1"), source="seismic")
    assert [one.status for one in room.state.mutes.values()] == ["off"]
    assert [one.reasons[-1].code for one in room.state.mutes.values()] == ["more_severe"]
    assert [w.level for w in room.pending() if w.hazard == "quake"] == [1]
    room.close()


def test_same_place_only_and_within_a_time(tmp_path: Path) -> None:
    rule = replace(INSIDE, where="same", within=12 * HOUR)
    room = Room(tmp_path, storm_pack(rule))
    room.learn(stage(0, 6.5))
    room.publish(NOW)
    shake(room, 2.1, 6.0, "x/a/1", "inside")
    shake(room, 2.2, 6.0, "x/a", "same")
    shake(room, 3.2, 6.0, "x/a", "later")
    assert [one.event for one in room.state.mutes.values()] == ["same"]
    room.close()


def test_a_rule_can_be_the_cause(tmp_path: Path) -> None:
    room = Room(tmp_path, storm_pack(Inhibit("g", both("g"), 3, "", by_rule="gauge", hazards=("quake",))))
    room.learn(stage(0, 6.5))
    shake(room, 2, 6.0)
    (muted,) = room.state.mutes.values()
    assert room.state.findings[muted.cause].rule == "gauge"
    room.close()


def test_a_message_that_is_out_is_kept_right_although_its_risk_is_muted(tmp_path: Path) -> None:
    room = Room(tmp_path, storm_pack(INSIDE))
    when = T0 + 1 * DAY
    room.turn(when, quake(when, 6.0, when, "q1", "x/a/1"), source="seismic")
    room.publish(when + HOUR)
    room.learn(stage(0, 6.5))
    (draft,) = room.pending()
    room.act(NOW, ADA, "warning.submit", draft.id)
    room.act(NOW + flow.INSTANT, BEN, "warning.approve", draft.id)
    assert [one.status for one in room.state.mutes.values()] == ["on"]
    # it grows, still below the cause: the update is drafted all the same
    room.turn(NOW + HOUR, quake(when, 7.2, NOW + HOUR, "q1", "x/a/1"), source="seismic")
    assert [(w.hazard, w.change, w.level) for w in room.pending()] == [("quake", "update", 2)]
    room.close()


# ── silences ─────────────────────────────────────────────────────────────────────────────────────


def silence(room: Room, at: float = 2.5, **fields: str) -> Any:
    given = {"places": "x/a", "hazards": "quake", "reason": "blasting", "ends": "2020-06-04T12:00:00Z"}
    room.act(T0 + at * DAY, BEN, "silence.set", "", **(given | fields))
    return list(room.state.silences.values())[-1]


@pytest.fixture
def calm(tmp_path: Path) -> Iterator[Room]:
    """Nothing has happened yet."""
    room = Room(tmp_path, storm_pack())
    room.turn(T0 + 2 * DAY)
    yield room
    room.close()


def test_a_silence_mutes_until_its_end_and_says_what_it_muted(calm: Room) -> None:
    made = silence(calm)
    shake(calm, 3, 6.0)
    (muted,) = calm.state.mutes.values()
    assert (muted.kind, muted.by, muted.status) == ("silence", made.id, "on")
    assert calm.pending() == []
    assert flow.next_due(calm) == made.ends  # type: ignore[arg-type]
    calm.turn(made.ends)
    assert calm.state.silences[made.id].status == "ended"
    assert [one.status for one in calm.state.mutes.values()] == ["off"]
    assert [w.hazard for w in calm.pending()] == ["quake"]
    kinds = calm.kinds()
    assert kinds.index("silence.ended") < kinds.index("mute.ended") < kinds.index("warning.drafted")


def test_a_silence_can_begin_later_and_be_lifted(calm: Room) -> None:
    made = silence(calm, begins="2020-06-03T18:00:00Z")
    assert made.status == "planned"
    shake(calm, 2.6, 6.0)
    assert calm.state.mutes == {}
    calm.run(made.begins)
    assert [one.status for one in calm.state.mutes.values()] == ["on"]
    assert "silence.began" in calm.kinds()
    with pytest.raises(WrongState, match="reason in words"):
        calm.act(made.begins + HOUR, ADA, "silence.lift", made.id, reason=" ")
    calm.act(made.begins + HOUR, ADA, "silence.lift", made.id, reason="blasting is over")
    assert calm.state.silences[made.id].lifted_by == "ada"
    assert [one.status for one in calm.state.mutes.values()] == ["off"]
    with pytest.raises(WrongState, match="over"):
        calm.act(made.begins + 2 * HOUR, ADA, "silence.lift", made.id, reason="again")


def test_red_of_an_actual_system_is_silenced_only_where_the_act_names_it(calm: Room) -> None:
    silence(calm)
    shake(calm, 3, 8.5, event="red")
    assert calm.state.mutes == {}
    assert [w.level for w in calm.pending()] == [1]
    silence(calm, at=3.1, red="yes")
    assert [one.event for one in calm.state.mutes.values() if one.status == "on"] == ["red"]


def test_in_an_exercise_red_needs_no_name(tmp_path: Path) -> None:
    room = Room(tmp_path, storm_pack())
    room.status = "Exercise"
    room.turn(T0 + 2 * DAY)
    silence(room)
    shake(room, 3, 8.5)
    assert [one.status for one in room.state.mutes.values()] == ["on"]
    room.close()


@pytest.mark.parametrize(
    ("fields", "error", "says"),
    [
        ({"ends": ""}, InvalidValue, "needs an end"),
        ({"ends": "2020-06-20T00:00:00Z"}, WrongState, "at most 3 days"),
        ({"ends": "2020-06-01T00:00:00Z"}, WrongState, "before it begins"),
        ({"begins": "2020-08-01T00:00:00Z", "ends": "2020-08-02T00:00:00Z"}, WrongState, "within 30 days"),
        ({"reason": "  "}, WrongState, "reason in words"),
        ({"places": "", "hazards": ""}, WrongState, "everything"),
        ({"hazards": "flod"}, NotFound, "flod"),
        ({"red": "perhaps"}, InvalidValue, "yes or nothing"),
    ],
)
def test_a_silence_without_bounds_is_refused_and_leaves_nothing(
    calm: Room, fields: dict[str, str], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        silence(calm, **fields)
    assert calm.state.silences == {}
    assert "silence.set" not in calm.kinds()


def test_who_may_silence_what(calm: Room) -> None:
    with pytest.raises(NotAllowed):
        calm.act(
            T0 + 3 * DAY, ADA, "silence.set", "", hazards="quake", reason="r", ends="2020-06-05T00:00:00Z"
        )
    # an approver of x/b cannot reach x/a, nor the whole land by naming no place
    for places in ("x/a", ""):
        with pytest.raises(NotAllowed):
            calm.act(
                T0 + 3 * DAY,
                EVA,
                "silence.set",
                "",
                places=places,
                hazards="quake",
                reason="r",
                ends="2020-06-05T00:00:00Z",
            )
    calm.act(T0 + 3 * DAY, CAI, "silence.set", "", hazards="quake", reason="r", ends="2020-06-05T00:00:00Z")
    (made,) = calm.state.silences.values()
    assert made.places == ("x",)


def test_after_a_restart_the_same_is_quiet(room: Room) -> None:
    shake(room, 3, 6.0)
    silence(room, 3.1, ends="2020-06-05T00:00:00Z")
    again = fold(room.journal.read())
    assert again.mutes == room.state.mutes
    assert again.silences == room.state.silences
    assert len(again.mutes) == 2


def test_while_any_mute_is_on_the_risk_is_quiet(room: Room) -> None:
    shake(room, 3, 6.0)
    made = silence(room, 3.1, ends="2020-06-05T00:00:00Z")
    room.act(T0 + 3.2 * DAY, ADA, "silence.lift", made.id, reason="enough")
    statuses = {one.kind: one.status for one in room.state.mutes.values()}
    assert statuses == {"inhibit": "on", "silence": "off"}
    (risk,) = quakes(room)
    assert len(mute.muted(risk, room.state, mute.quiet(room.state))) == 1
    assert [w.hazard for w in room.pending()] == []


def test_a_level_that_a_person_set_is_not_muted(room: Room) -> None:
    shake(room, 3, 6.0)
    (risk,) = quakes(room)
    judged = replace(risk, judged=3)
    assert mute.muted(judged, room.state, mute.quiet(room.state)) == []


def test_the_plan_used_here_warns_of_yellow(room: Room) -> None:
    # what the tests above rest on: without a mute a yellow earthquake is drafted
    assert PLAN.warn_at == 3
    assert timedelta(0) < PLAN.valid
