"""What the hub has had of others is had after a restart too, and what came before its time is looked at
again when that has come."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from anlan.app.clock import VirtualClock
from anlan.app.config import Config
from anlan.app.desk import RunningDesk
from anlan.app.house import RunningHouse
from anlan.model.pack import Pack
from anlan.testing.drill_pack import drill_pack, drill_source

T0 = datetime(2017, 9, 14, 6, tzinfo=UTC)
OPTIONS: dict[str, Any] = {"file": "feed.xml", "geocode_prefix": {"code": "xx/"}}


def message(
    number: int, *, kind: str = "Alert", sent: timedelta = timedelta(0), follows: int = 0, area: str = "1"
) -> bytes:
    at = f"{T0 + sent:%Y-%m-%dT%H:%M:%S}-00:00"
    named = f"<references>d@x.invalid,m{follows},{at}</references>" if follows else ""
    ends = f"{T0 + timedelta(days=9):%Y-%m-%dT%H:%M:%S}-00:00"
    return (
        '<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">'
        f"<identifier>m{number}</identifier><sender>d@x.invalid</sender><sent>{at}</sent>"
        f"<status>Actual</status><msgType>{kind}</msgType><scope>Public</scope>{named}"
        "<info><category>Met</category><event>Rain</event><urgency>Immediate</urgency>"
        f"<severity>Severe</severity><certainty>Likely</certainty><expires>{ends}</expires><area>"
        f"<areaDesc>a</areaDesc><geocode><valueName>code</valueName><value>{area}</value></geocode>"
        "</area></info></alert>"
    ).encode()


def feed(*messages: bytes) -> bytes:
    return b"<alerts>" + b"".join(messages) + b"</alerts>"


Open = Callable[..., RunningDesk]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """Opens the desk of one workspace, as after a restart."""
    (tmp_path / "anlan.toml").write_text('pack = "drill"\nsender = "a@b.invalid"\n')
    made: list[RunningDesk] = []

    def open(at: datetime, **options: Any) -> RunningDesk:
        if made:
            made[-1].close()
        source = drill_source("cap", **{**OPTIONS, **options})
        pack: Pack = replace(drill_pack(str(tmp_path)), sources={source.id: source})
        config = Config(pack="drill", sender="a@b.invalid")
        made.append(RunningDesk(RunningHouse(tmp_path, VirtualClock(at), config, pack=pack)))
        return made[-1]

    yield open
    made[-1].close()


def asked(desk: RunningDesk) -> None:
    """The source is asked once."""
    (id,) = desk.pack.sources
    now = desk.house.clock.now()
    desk.take((desk.house.source(id).fetch(now, desk.pack),))


def told(desk: RunningDesk) -> list[tuple[str, str]]:
    return [(one.kind, one.subject) for one in desk.changes(0) if one.kind.startswith("relayed.")]


def values(desk: RunningDesk) -> list[float | None]:
    return [one.value for one in desk.house.lake.revisions("official_warnings")]


def test_a_restart_tells_nothing_twice_although_the_cancel_is_off_the_feed(
    opened: Open, tmp_path: Path
) -> None:
    path = tmp_path / "feed.xml"
    desk = opened(T0 + timedelta(minutes=30))
    path.write_bytes(feed(message(1)))
    asked(desk)
    path.write_bytes(feed(message(1), message(2, kind="Cancel", sent=timedelta(minutes=5), follows=1)))
    asked(desk)
    rows, seen = told(desk), values(desk)
    assert seen == [3.0, 0.0] and [kind for kind, _ in rows] == ["relayed.received"] * 2
    # feeds drop a cancel before what it cancelled
    path.write_bytes(feed(message(1)))
    desk = opened(T0 + timedelta(hours=1))
    asked(desk)
    assert (told(desk), values(desk), len(desk.quarantined())) == (rows, seen, 0)
    # and what is new is told all the same
    path.write_bytes(feed(message(1), message(3, sent=timedelta(minutes=50), area="2")))
    asked(desk)
    assert values(desk) == [*seen, 3.0] and len(told(desk)) == 3


def test_a_message_ahead_of_its_time_is_looked_at_again_when_that_has_come(
    opened: Open, tmp_path: Path
) -> None:
    early = timedelta(hours=2)
    (tmp_path / "feed.xml").write_bytes(feed(message(1, sent=early)))
    desk = opened(T0)
    asked(desk)
    (kept,) = desk.state().relayed.values()
    assert (kept.held, values(desk), [one.status for one in desk.quarantined()]) == (
        "sent_in_future",
        [],
        ["held"],
    )
    assert desk.tick() == T0 + early, "the clock is set for it"
    # a restart in between changes nothing
    desk = opened(T0 + early - timedelta(hours=1))
    asked(desk)
    assert len(told(desk)) == 1 and desk.tick() == T0 + early
    clock = desk.house.clock
    assert isinstance(clock, VirtualClock)
    clock.set(T0 + early)
    desk.tick()
    (kept,) = desk.state().relayed.values()
    assert (kept.held, values(desk)) == ("", [3.0])
    row = [one for one in desk.changes(0) if one.kind.startswith("relayed.")][-1]
    assert row.kind == "relayed.released" and row.why is not None and "has come" in row.why.en
    assert [one.status for one in desk.quarantined()] == ["released"]
    # once
    desk.tick()
    asked(desk)
    assert len(told(desk)) == 2 and values(desk) == [3.0]


def test_what_its_instant_releases_another_reason_may_still_hold(opened: Open, tmp_path: Path) -> None:
    early = timedelta(hours=2)
    (tmp_path / "feed.xml").write_bytes(feed(message(1, sent=early)))
    desk = opened(T0, longest="P3D")
    asked(desk)
    clock = desk.house.clock
    assert isinstance(clock, VirtualClock)
    clock.set(T0 + early)
    desk.tick()
    (kept,) = desk.state().relayed.values()
    assert (kept.held, values(desk)) == ("span_absurd", [])
    rows = told(desk)
    desk.tick()
    assert told(desk) == rows, "it is looked at once"


def test_a_source_that_cannot_judge_it_again_stops_no_clock(
    opened: Open, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    early = timedelta(hours=2)
    (tmp_path / "feed.xml").write_bytes(feed(message(1, sent=early)))
    asked(opened(T0))
    desk = opened(T0 + early, longest="as long as it takes")
    desk.tick()
    assert [one.held for one in desk.state().relayed.values()] == ["sent_in_future"]
    assert "stays held" in caplog.text and "as long as it takes" in caplog.text
    # once the source can, it is judged after all
    desk = opened(T0 + early)
    desk.tick()
    assert [one.held for one in desk.state().relayed.values()] == [""]


def test_a_policy_that_has_changed_since_is_applied_to_what_was_held(opened: Open, tmp_path: Path) -> None:
    (tmp_path / "feed.xml").write_bytes(feed(message(1)))
    desk = opened(T0, senders=["other@x.invalid"])
    asked(desk)
    assert [one.held for one in desk.state().relayed.values()] == ["sender_not_expected"]
    # the message is not in the feed any more; the hub has it
    (tmp_path / "feed.xml").write_bytes(feed())
    desk = opened(T0 + timedelta(hours=1))
    asked(desk)
    assert [one.held for one in desk.state().relayed.values()] == [""]
    assert [kind for kind, _ in told(desk)] == ["relayed.received", "relayed.released"]
    assert values(desk) == [3.0]
