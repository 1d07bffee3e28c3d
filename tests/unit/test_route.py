"""Who is told of a message, who is not, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from anlan import flow
from anlan.assess.calendar import kind_of_day
from anlan.model.roster import Shift
from anlan.model.route import Hours, Route
from anlan.model.warning import Recipient, Warning
from anlan.warn.opening import opening, plain_days
from anlan.warn.route import notice_id
from chain_pack import ADA, BEN, DAY, HOUR, MINUTE, PLAN, T0, Room, both, chain_pack, stage

NOW = T0 + 2 * DAY


def said(room: Room, warning: Warning) -> dict[str, str]:
    """Recipient -> outcome and reason."""
    notice = room.state.notices[notice_id(warning.id)]
    return {
        name: f"{group.outcome} {group.reason.code}" for group in notice.groups for name in group.recipients
    }


def build(folder: Path, *routes: Route, **recipients: Any) -> Room:
    """Recipients desk (must answer), feed, and those given; the plan tells desk and feed."""
    pack = chain_pack()
    people = dict(pack.recipients)
    for id, fields in recipients.items():
        people[id] = replace(Recipient(id, both(id), "post", f"{id}@x.invalid", ("x",)), **fields)
    return Room(folder, replace(pack, recipients=people, routes={one.id: one for one in routes}))


def warn(room: Room, at: float, value: float, place: str = "x/a") -> Warning:
    """A reading, and the message that follows from it, sent an hour later."""
    when = T0 + at * DAY
    item = stage(at - 1, value, place, known=when)
    room.turn(when, item)
    (draft,) = room.pending()
    room.act(when + HOUR, ADA, "warning.submit", draft.id)
    room.act(when + HOUR + flow.INSTANT, BEN, "warning.approve", draft.id)
    return room.state.warnings[draft.id]


def bodies(room: Room, recipient: str) -> list[str]:
    return [parcel.subject for parcel in room.post.got if parcel.recipient.id == recipient]


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[Room]:
    room = build(tmp_path)
    yield room
    room.close()


def test_everybody_of_the_plan_is_told_with_the_reason_through_the_life_of_a_warning(plain: Room) -> None:
    first = warn(plain, 2, 4.2)
    assert said(plain, first) == {
        "desk": "told first",
        "feed": "told first",
        "oncall": "not_told on_ladder",
        "chief": "not_told on_ladder",
    }
    raised = warn(plain, 3, 5.2)
    assert said(plain, raised)["feed"] == "told raised"
    grown = warn(plain, 4, 5.2, "x/b") if len(plain.state.assessments) == 1 else None
    assert grown is None or said(plain, grown)["feed"] == "told first"
    plain.act(T0 + 5 * DAY, ADA, "warning.cancel", raised.id, reason="over")
    lift = next(w for w in plain.pending() if w.change == "cancel")
    plain.act(T0 + 5 * DAY + HOUR, ADA, "warning.submit", lift.id)
    plain.act(T0 + 5 * DAY + 2 * HOUR, BEN, "warning.approve", lift.id)
    assert said(plain, lift)["feed"] == "told cancelled"


def test_an_update_says_what_is_new(plain: Room) -> None:
    first = warn(plain, 2, 5.2)
    plain.act(NOW + 2 * HOUR, ADA, "warning.update", first.id, level="3", reason="it falls")
    (draft,) = plain.pending()
    plain.act(NOW + 3 * HOUR, ADA, "warning.submit", draft.id)
    plain.act(NOW + 4 * HOUR, BEN, "warning.approve", draft.id)
    assert said(plain, draft)["feed"] == "told lowered"
    lowered = plain.state.warnings[draft.id]
    later = (lowered.expires + DAY).isoformat()
    plain.act(NOW + 5 * HOUR, ADA, "warning.update", draft.id, expires=later, reason="it lasts")
    (longer,) = [w for w in plain.pending() if w.expires > lowered.expires]
    plain.act(NOW + 6 * HOUR, ADA, "warning.submit", longer.id)
    plain.act(NOW + 7 * HOUR, BEN, "warning.approve", longer.id)
    assert said(plain, longer)["feed"] == "told extended"


def test_routes_choose_by_level_hazard_place_role_and_language(tmp_path: Path) -> None:
    room = build(
        tmp_path,
        Route("orange", both("o"), ("hospital",), least=2),
        Route("drought", both("d"), ("farm",), hazards=("drought",)),
        Route("beta", both("b"), ("beta",), places=("x/b",)),
        Route("alpha", both("a"), ("village",), places=("x/a/1",)),
        Route("roles", both("r"), roles=("broadcaster",)),
        Route("english", both("e"), ("radio",), languages=("en",)),
        hospital={},
        farm={},
        beta={},
        village={},
        tv={"role": "broadcaster"},
        radio={"languages": ("zh",)},
        bystander={},
    )
    found = said(room, warn(room, 2, 4.2))
    assert {name: found[name] for name in ("hospital", "farm", "beta", "village", "tv", "radio")} == {
        "hospital": "not_told below_level",
        "farm": "not_told other_hazard",
        "beta": "not_told other_place",
        "village": "told first",
        "tv": "told first",
        "radio": "not_told other_language",
    }
    assert found["bystander"] == "not_told not_subscribed"
    assert bodies(room, "tv") and not bodies(room, "hospital")
    room.close()


def test_who_was_told_of_a_level_is_told_when_it_falls_below_what_they_asked_for(tmp_path: Path) -> None:
    room = build(tmp_path, Route("orange", both("o"), ("hospital",), least=2), hospital={})
    first = warn(room, 2, 5.2)
    assert said(room, first)["hospital"] == "told first"
    room.act(NOW + 2 * HOUR, ADA, "warning.update", first.id, level="3", reason="it falls")
    (draft,) = room.pending()
    room.act(NOW + 3 * HOUR, ADA, "warning.submit", draft.id)
    room.act(NOW + 4 * HOUR, BEN, "warning.approve", draft.id)
    assert said(room, draft)["hospital"] == "told lowered"
    room.close()


def test_nobody_is_told_of_the_end_of_what_they_never_heard_of(tmp_path: Path) -> None:
    room = build(tmp_path, Route("orange", both("o"), ("hospital",), least=2), hospital={})
    first = warn(room, 2, 4.2)
    room.act(NOW + 2 * HOUR, ADA, "warning.cancel", first.id, reason="over")
    (lift,) = room.pending()
    room.act(NOW + 3 * HOUR, ADA, "warning.submit", lift.id)
    room.act(NOW + 4 * HOUR, BEN, "warning.approve", lift.id)
    found = said(room, lift)
    assert (found["hospital"], found["feed"]) == ("not_told never_told", "told cancelled")
    room.close()


def test_beyond_a_limit_messages_wait_and_come_as_one_that_lists_them(tmp_path: Path) -> None:
    room = build(tmp_path, Route("few", both("f"), ("feed",), most=1, per=6 * HOUR))
    first = warn(room, 2, 3.5 + 0.7)
    second = warn(room, 2 + 2 / 24, 4.3, "x/b")
    third = warn(room, 2 + 4 / 24, 5.4)
    assert [said(room, one)["feed"] for one in (first, second, third)] == [
        "told first",
        "held throttled",
        "held throttled",
    ]
    (held,) = room.state.digests.values()
    assert held.due == first.sent + 6 * HOUR  # type: ignore[operator]
    assert flow.next_due(room) <= held.due  # type: ignore[arg-type, operator]
    before = len(bodies(room, "feed"))
    room.run(held.due + MINUTE)
    (sent,) = [parcel for parcel in room.post.got if parcel.recipient.id == "feed"][before:]
    assert "2" in sent.subject
    assert second.id in sent.body and third.id in sent.body
    assert room.state.digests[held.id].status == "sent"
    # the answer-required desk was never held
    assert all(said(room, one)["desk"].startswith("told") for one in (first, second, third))
    room.close()


def test_red_is_never_held_and_neither_is_what_changes_it(tmp_path: Path) -> None:
    routes = Route(
        "few", both("f"), ("feed",), most=1, per=30 * DAY, digest=DAY, hours=(Hours("09:00", "09:01"),)
    )
    room = build(tmp_path, routes)
    red = warn(room, 2, 6.5)
    assert said(room, red)["feed"] == "told first"
    room.act(NOW + 2 * HOUR, ADA, "warning.update", red.id, level="2", reason="it falls")
    (draft,) = room.pending()
    room.act(NOW + 3 * HOUR, ADA, "warning.submit", draft.id)
    room.act(NOW + 4 * HOUR, BEN, "warning.approve", draft.id)
    assert said(room, draft)["feed"] == "told lowered"
    room.close()


def test_out_of_hours_a_message_waits_for_the_morning(tmp_path: Path) -> None:
    office = Route("office", both("o"), ("feed",), hours=(Hours("09:00", "17:00"),), zone="Asia/Shanghai")
    room = build(tmp_path, office)
    # 2020-06-03 is a Wednesday; an hour after midnight UTC it is 9 o'clock in Shanghai
    at_nine = warn(room, 2, 4.2)
    assert said(room, at_nine)["feed"] == "told first"
    evening = warn(room, 2.5, 4.3, "x/b")
    assert said(room, evening)["feed"] == "held out_of_hours"
    (held,) = room.state.digests.values()
    assert held.due == datetime(2020, 6, 4, 1, tzinfo=UTC)
    room.run(held.due)
    assert "1" in bodies(room, "feed")[-1]
    room.close()


def test_a_silence_of_a_recipient_holds_messages_until_it_ends_or_is_lifted(tmp_path: Path) -> None:
    room = build(tmp_path)
    room.turn(NOW)
    room.act(
        NOW, BEN, "silence.set", "", recipients="feed", reason="moving house", ends="2020-06-05T00:00:00Z"
    )
    (one,) = room.state.silences.values()
    message = warn(room, 2.2, 4.2)
    assert said(room, message)["feed"] == "held muted_by"
    red = warn(room, 2.4, 6.5)
    assert said(room, red)["feed"] == "told first" or said(room, red)["feed"] == "told raised"
    (held,) = room.state.digests.values()
    assert held.due == one.ends
    room.act(NOW + DAY, ADA, "silence.lift", one.id, reason="moved")
    assert room.state.digests[held.id].due == NOW + DAY
    room.run(NOW + DAY + MINUTE)
    assert room.state.digests[held.id].status == "sent"
    assert message.id in [p.body for p in room.post.got if p.recipient.id == "feed"][-1]
    room.close()


def test_a_digest_tells_what_became_of_each_message(tmp_path: Path) -> None:
    room = build(tmp_path, Route("daily", both("d"), ("feed",), digest=DAY))
    first = warn(room, 2, 4.2)
    second = warn(room, 2.2, 5.2)
    assert said(room, first)["feed"] == "held digested"
    (held,) = room.state.digests.values()
    assert (held.warnings, held.due) == ((first.id, second.id), first.sent + DAY)  # type: ignore[operator]
    room.run(held.due)
    body = [p.body for p in room.post.got if p.recipient.id == "feed"][-1]
    assert body.index(first.id) < body.index(second.id)
    assert "followed by a newer message" in body and "in force until" in body
    assert "已有后续消息" in body
    room.close()


def test_a_digest_leaves_although_all_it_lists_is_over(tmp_path: Path) -> None:
    room = build(tmp_path, Route("weekly", both("w"), ("feed",), digest=30 * DAY))
    first = warn(room, 2, 4.2)
    room.run(first.expires + 30 * DAY)
    assert [d.status for d in room.state.digests.values()] == ["sent"]
    (carried,) = [d for d in room.state.deliveries.values() if d.digest]
    assert carried.status == "accepted"
    sent = [p for p in room.post.got if p.recipient.id == "feed"][-1]
    assert "run out" in sent.body
    assert sent.subject in ("1 warning held for you", "为您汇总的 1 条预警")
    room.close()


def test_a_restart_finds_the_same_digest(tmp_path: Path) -> None:
    from anlan.model.state import fold

    room = build(tmp_path, Route("daily", both("d"), ("feed",), digest=DAY))
    warn(room, 2, 4.2)
    again = fold(room.journal.read())
    assert again.digests == room.state.digests
    assert again.notices == room.state.notices
    room.close()


def test_whoever_has_the_duty_by_the_roster_is_told_and_nobody_else_of_the_post(tmp_path: Path) -> None:
    room = build(tmp_path, Route("post", both("p"), watches=("desk-watch",)), day={}, night={})
    room.turn(NOW)
    for who, contact, begins, hours in (("ada", "day", NOW, 12), ("ben", "night", NOW + 12 * HOUR, 12)):
        shift = Shift(f"SH-{who}", "desk-watch", who, contact, begins, begins + hours * HOUR, "ben")
        room.state.put(shift.id, shift)
    morning, evening = warn(room, 2.1, 4.2), warn(room, 2.6, 4.3, "x/b")
    assert (said(room, morning)["day"], said(room, morning)["night"]) == ("told first", "not_told off_duty")
    assert (said(room, evening)["day"], said(room, evening)["night"]) == ("not_told off_duty", "told first")
    room.close()


# ── hours ────────────────────────────────────────────────────────────────────────────────────────

SHANGHAI = "Asia/Shanghai"


@pytest.mark.parametrize(
    ("hours", "now", "opens"),
    [
        # Wednesday noon, within
        (Hours("09:00", "17:00"), "2020-06-03T04:00:00Z", None),
        # Friday evening: Monday, since the weekend is none
        (Hours("09:00", "17:00"), "2020-06-05T12:00:00Z", "2020-06-08T01:00:00Z"),
        # the night shift runs into Saturday
        (Hours("20:00", "06:00"), "2020-06-05T19:00:00Z", None),
        (Hours("20:00", "06:00"), "2020-06-06T19:00:00Z", "2020-06-08T12:00:00Z"),
        # the dragon boat festival, Thursday 25 June 2020; Sunday 28 June is worked in exchange
        (Hours("09:00", "17:00"), "2020-06-25T04:00:00Z", "2020-06-28T01:00:00Z"),
        (Hours("09:00", "17:00", ("holiday",)), "2020-06-24T12:00:00Z", "2020-06-25T01:00:00Z"),
    ],
)
def test_hours_follow_the_calendar(hours: Hours, now: str, opens: str | None) -> None:
    route = Route("r", both("r"), ("feed",), hours=(hours,), zone=SHANGHAI, calendar="cn")
    at = datetime.fromisoformat(now)
    assert opening(route, at, kind_of_day) == (datetime.fromisoformat(opens) if opens else at)


def test_without_a_calendar_weekdays_decide_and_hours_that_never_come_hold_nothing() -> None:
    assert plain_days(date(2020, 6, 25), "cn") == "workday"
    assert kind_of_day(date(2020, 6, 25), "cn") == "holiday"
    assert kind_of_day(date(2020, 6, 28), "cn") == "workday"
    assert kind_of_day(date(2020, 6, 28), "") == "weekend"
    never = Route("r", both("r"), ("feed",), hours=(Hours(days=("holiday",)),))
    at = datetime(2020, 6, 3, tzinfo=UTC)
    assert opening(never, at) == at


def test_clocks_that_are_put_forward_are_followed() -> None:
    route = Route("r", both("r"), ("feed",), hours=(Hours("08:00", "16:00"),), zone="Europe/Berlin")
    # summer time begins on 29 March 2020: Monday's eight o'clock is six o'clock UTC
    assert opening(route, datetime(2020, 3, 28, tzinfo=UTC)) == datetime(2020, 3, 30, 6, tzinfo=UTC)


def test_the_plan_of_these_tests_warns_of_yellow_for_five_days() -> None:
    assert (PLAN.warn_at, PLAN.valid) == (3, timedelta(days=5))
