"""Somebody with a working contact is on duty, or it shows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from anlan import flow
from anlan.app.clock import WallClock
from anlan.app.desk import RunningDesk
from anlan.app.house import RunningHouse
from anlan.app.workspace import init
from anlan.cli.main import main
from anlan.model.errors import InvalidValue, NotAllowed, NotFound, WrongState
from anlan.model.roster import Watch
from anlan.model.state import fold
from anlan.model.time import format_instant
from anlan.ports.channel import Receipt
from anlan.turn import Turn
from anlan.warn import roster
from chain_pack import ADA, BEN, DAY, EVA, HOUR, MINUTE, PLAN, T0, Room, both, chain_pack, stage
from sample_pack import FILES, write

SENT = T0 + 2 * DAY
GATE = Watch("gate", both("the gate"), "x/a", timedelta(hours=12))


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    plan = replace(PLAN, recipients=("desk", "second"), ladder=())
    room = Room(tmp_path, chain_pack(watches={"gate": GATE}, plans={"flood-plan": plan}))
    yield room
    room.close()


def enter(room: Room, now: datetime, who: str, contact: str, begins: datetime, ends: datetime) -> str:
    room.act(
        now,
        ADA,
        "shift.add",
        "gate",
        person=who,
        contact=contact,
        begins=format_instant(begins),
        ends=format_instant(ends),
    )
    return list(room.state.shifts)[-1]


def kinds(room: Room) -> list[tuple[str, timedelta]]:
    return [(e.kind, e.at - T0) for e in room.journal.read() if e.kind.startswith("watch.")]


def turns(room: Room, until: datetime) -> None:
    while (due := flow.next_due(room, room.now)) is not None and due <= until:  # type: ignore[arg-type]
        room.turn(max(due, room.now + flow.INSTANT))


def test_a_gap_is_an_alarm_from_its_first_instant_and_ends_with_the_shift_that_closes_it(room: Room) -> None:
    room.turn(T0)
    enter(room, T0 + HOUR, "ada", "desk", T0 + 2 * HOUR, T0 + 6 * HOUR)
    turns(room, T0 + 8 * HOUR)
    assert kinds(room) == [
        ("watch.gap", timedelta(0)),
        # no new post any more: its first shift lies ahead
        ("watch.gap", HOUR),
        ("watch.untested", 2 * HOUR),
        ("watch.gap", 6 * HOUR),
    ]
    assert fold(room.journal.read()).watches == room.state.watches


def test_a_contact_works_when_the_last_message_to_it_was_taken(room: Room) -> None:
    room.turn(T0)
    enter(room, T0, "ada", "desk", T0, T0 + 9 * DAY)
    assert room.state.watches["watch:gate"].status == "untested"
    room.post.receipts["desk"] = Receipt(False, "no such number")
    room.learn(stage(0, 5.0))
    room.publish(SENT)
    room.turn(SENT + MINUTE)
    stands = room.state.watches["watch:gate"]
    assert (stands.status, stands.reasons[0].code) == ("unreachable", "contact_broken")
    # another with a contact that works, beside
    enter(room, SENT + 2 * MINUTE, "ben", "second", SENT, SENT + DAY)
    assert room.state.watches["watch:gate"].status == "manned"
    assert room.state.watches["watch:gate"].who == ("ada", "ben")


def test_a_post_that_never_had_a_shift_says_so_and_one_that_was_left_says_that(room: Room) -> None:
    def reasons() -> list[str]:
        return [reason.code for reason in room.state.watches["watch:gate"].reasons]

    room.turn(T0)
    assert (room.state.watches["watch:gate"].status, reasons()) == ("gap", ["no_shift"])
    enter(room, T0 + HOUR, "ada", "desk", T0 + 2 * HOUR, T0 + 3 * HOUR)
    room.turn(T0 + 1.5 * HOUR)
    # its first shift lies ahead: still nobody, and since when is not forgotten
    assert (room.state.watches["watch:gate"].since, reasons()) == (T0, ["watch_gap"])
    turns(room, T0 + 4 * HOUR)
    assert (room.state.watches["watch:gate"].since, reasons()) == (T0 + 3 * HOUR, ["watch_gap"])


def test_a_gap_ahead_is_known_before_it_comes(room: Room) -> None:
    room.turn(T0)
    assert roster.gap_ahead(GATE, room.state, T0) == T0
    enter(room, T0, "ada", "desk", T0, T0 + 6 * HOUR)
    assert roster.gap_ahead(GATE, room.state, T0) == T0 + 6 * HOUR
    enter(room, T0, "ben", "second", T0 + 5 * HOUR, T0 + 20 * HOUR)
    assert roster.gap_ahead(GATE, room.state, T0) is None
    assert roster.gap_ahead(GATE, room.state, T0 + 9 * HOUR) == T0 + 20 * HOUR


def test_a_shift_is_handed_over_to_somebody_who_can_be_reached(room: Room) -> None:
    room.turn(T0)
    enter(room, T0, "ada", "desk", T0, T0 + 8 * HOUR)
    with pytest.raises(WrongState, match="nobody with a working contact would be on duty"):
        room.act(T0 + HOUR, ADA, "handover", "", to="ben", note="quiet")
    for nobody in ("", "zed"):
        with pytest.raises(NotFound, match="no such user"):
            room.act(T0 + HOUR, ADA, "handover", "", to=nobody, note="quiet")
    assert roster.on_duty("gate", room.state, T0 + HOUR)[0].who == "ada"
    enter(room, T0 + HOUR, "ben", "second", T0 + 8 * HOUR, T0 + 16 * HOUR)
    room.act(T0 + 7 * HOUR, ADA, "handover", "", to="ben", note="quiet")
    (now,) = roster.on_duty("gate", room.state, T0 + 7 * HOUR)
    assert (now.who, now.begins) == ("ben", T0 + 7 * HOUR)
    ada = next(s for s in room.state.shifts.values() if s.who == "ada")
    assert (ada.status, ada.ends) == ("ended", T0 + 7 * HOUR)


def test_with_a_reason_a_shift_is_handed_over_all_the_same_and_the_gap_shows(room: Room) -> None:
    room.turn(T0)
    enter(room, T0, "ada", "desk", T0, T0 + 8 * HOUR)
    room.act(T0 + HOUR, ADA, "handover", "", to="ben", note="quiet", reason="the building is evacuated")
    assert room.state.watches["watch:gate"].status == "gap"


def test_who_may_change_a_roster_and_what_it_takes(room: Room) -> None:
    room.turn(T0)
    later = {"begins": format_instant(T0), "ends": format_instant(T0 + HOUR)}
    with pytest.raises(NotAllowed):
        room.act(T0, EVA, "shift.add", "gate", person="eva", contact="desk", **later)
    with pytest.raises(NotFound, match="no such user"):
        room.act(T0, ADA, "shift.add", "gate", person="nobody", contact="desk", **later)
    with pytest.raises(NotFound, match="no such recipient"):
        room.act(T0, ADA, "shift.add", "gate", person="ada", contact="pigeon", **later)
    with pytest.raises(InvalidValue, match="over already"):
        room.act(T0 + DAY, ADA, "shift.add", "gate", person="ada", contact="desk", **later)
    shift = enter(room, T0, "ada", "desk", T0, T0 + HOUR)
    with pytest.raises(InvalidValue, match="reason"):
        room.act(T0, BEN, "shift.remove", shift)
    room.act(T0, BEN, "shift.remove", shift, reason="ill")
    assert room.state.watches["watch:gate"].status == "gap"


def test_the_command_shows_contacts_that_were_never_or_long_not_tested(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    watch = '[[watch]]\nid = "gate"\ntitle = { en = "gate", zh = "闸" }\nplace = "x"\ntest_every = "P7D"\n'
    write(tmp_path / "tiny", {**FILES, "roster.toml": watch})
    home = tmp_path / "home"
    mail = '[[channel]]\nid = "mail"\nkind = "console"\n[channel.options]\nstderr = true\n'
    init(home, str(tmp_path / "tiny"), sender="a@b.invalid", more=mail)
    clock = WallClock()
    desk = RunningDesk(RunningHouse(home, clock))
    try:
        ada, now = desk.pack.users["ada"], clock.now()

        def roster_says(code: int, *words: str) -> None:
            capsys.readouterr()
            assert main(["roster", str(home)]) == code
            said = " ".join(capsys.readouterr().out.split())
            assert all(word in said for word in words), said

        roster_says(1, "gate nobody is on duty")
        shift = {"begins": format_instant(now), "ends": format_instant(now + 8 * HOUR)}
        (id,) = {
            one
            for one in desk.act(ada, "shift.add", "gate", {"person": "ada", "contact": "desk", **shift})
            if one in desk.state().shifts
        }
        roster_says(1, "on duty ada", "desk untested test: never")
        desk.act(ada, "shift.test", id, {})
        roster_says(0, "desk works test: reached at 20")
        (test,) = desk.state().contact_tests.values()
        old = replace(test, at=now - 8 * DAY, answer_by=now - 8 * DAY + 15 * MINUTE)
        with desk._turn():
            turn = Turn(desk.house, clock.now())
            turn.put("contact.tested", old)
            desk._end(turn)
        roster_says(1, "test: unanswered at 20", "too long ago")
        capsys.readouterr()
        assert main(["roster", str(home), "--json"]) == 1
        (row,) = json.loads(capsys.readouterr().out)
        assert (row["test"], row["test_due"], row["test_age_s"] // 86_400) == ("unanswered", True, 8)
    finally:
        desk.close()
