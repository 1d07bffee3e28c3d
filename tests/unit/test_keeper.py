"""A live desk: what it knows from when, and that no peer holds up another."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from anlan.app.arrival import arrive
from anlan.app.clock import WallClock
from anlan.app.desk import RunningDesk
from anlan.app.house import RunningHouse
from anlan.app.keeper import Keeper
from anlan.model.errors import NotAllowed, WrongState
from anlan.model.observation import Observation
from anlan.model.place import Point
from anlan.model.provenance import Provenance
from anlan.ports.source import Batch
from anlan.store.lake import DeltaLake
from anlan.store.outbox import LEFT, SqlOutbox
from served import approval_codes, pack, quick_workspace, stage, wait

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HANGING = """
[[channel]]
id = "mail"
kind = "smtp"
options = {{ host = "127.0.0.1", port = {port}, security = "none", sender = "a@b.invalid", timeout_s = 60 }}
"""


def value(number: float | None, depth: float | None = None, event: str = "") -> Observation:
    point = Point(100.0, 30.0, depth) if depth is not None else None
    known = NOW - timedelta(days=3)
    origin = Provenance("s", "r", 1, "d")
    return Observation("stage", "x/a", NOW - timedelta(days=4), known, number, "m", origin, event, point)


def batch(*items: Observation) -> Batch:
    return Batch("s", NOW, items)


def test_what_arrives_is_known_from_the_turn_that_takes_it_in_and_once(tmp_path: Path) -> None:
    lake = DeltaLake.open(tmp_path)

    clock = WallClock(NOW)

    def take(*items: Observation) -> tuple[int, int]:
        before = clock.now()
        fresh, repeated = arrive(batch(*items), lake, clock)
        assert all(before < item.known <= fresh.known for item in fresh.observations)
        return lake.append(fresh.observations).new, repeated

    assert take(value(1.0), value(1.0)) == (1, 1)
    assert take(value(1.0)) == (0, 1)
    # a revision, a gap, and back to what it was: three things that were told, in that order
    assert take(value(2.0), value(None), value(1.0)) == (3, 0)
    assert [item.value for item in lake.revisions("stage")] == [1.0, 2.0, None, 1.0]
    assert take(value(1.0)) == (0, 1)
    assert take(value(0.0, 10.0, "e"), value(0.0, 10.0, "e")) == (1, 1)
    assert take(value(-0.0, 10.0, "e")) == (0, 1)
    assert take(value(0.0, 12.0, "e"), value(0.0, 12.0, "e")) == (1, 1)
    assert take(value(0.0, 12.0, "e")) == (0, 1)
    lake.close()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[RunningDesk]:
    # a peer that takes the connection and never says a word
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = HANGING.format(port=silent.getsockname()[1])
        home, _ = quick_workspace(tmp_path, pack(), channels=settings)
        made = RunningDesk(RunningHouse(home, WallClock()))
        yield made
        made.close()


def draft(desk: RunningDesk) -> str:
    """A draft of a warning, from a value that is too high."""
    desk.ingest(json.dumps([stage(4.5)]).encode(), "application/json", "gauges")
    (warning,) = desk.state().warnings
    return warning


def test_a_silent_mail_server_holds_up_neither_the_feed_nor_the_desk(desk: RunningDesk) -> None:
    keeper = Keeper(desk)
    keeper.start()
    users = desk.pack.users
    warning = draft(desk)
    desk.act(users["ada"], "warning.submit", warning, {})
    began = time.monotonic()
    code = approval_codes(desk.accounts, "ben")[0]
    desk.act(users["ben"], "warning.approve", warning, {"code": code})
    assert time.monotonic() - began < 3
    wait(lambda: list((desk.house.workspace / "feed").glob("*.cap.xml")), 5)
    by_channel = {d.channel: d for d in desk.state().deliveries.values()}
    assert by_channel["mail"].status == "due"
    # a channel that nobody configured is an attempt that failed, not the end of the desk's clocks
    wait(lambda: {d.channel: d.status for d in desk.state().deliveries.values()}["hook"] == "failed", 5)
    began = time.monotonic()
    assert desk.ingest(json.dumps([stage(4.6)]).encode(), "application/json", "gauges").accepted == 1
    assert time.monotonic() - began < 3
    # an answer that comes before the mail server's stands
    mail = by_channel["mail"].id
    wait(lambda: desk.house.outbox.history(mail), 5)
    desk.act(users["ada"], "delivery.answer", mail, {"answer": "told by telephone"})
    desk.settle(mail, None)
    began = time.monotonic()
    keeper.stop()
    assert time.monotonic() - began < 9
    # it has begun, and nothing of it has left: the next process knows that nothing is in doubt
    (attempt,) = desk.house.outbox.history(mail)
    assert attempt.outcome is None
    desk.house.outbox.close()
    workspace = desk.house.workspace
    desk.house.outbox = SqlOutbox(f"sqlite:///{workspace / 'journal.sqlite'}", departures=workspace / LEFT)
    assert desk.house.outbox.settle_known(NOW) == 1


def test_an_act_that_is_refused_leaves_the_state_as_the_journal_has_it(desk: RunningDesk) -> None:
    warning = draft(desk)
    users, head = desk.pack.users, desk.house.journal.head()
    before = desk.state()
    with pytest.raises(NotAllowed):
        desk.act(users["ben"], "warning.submit", warning, {})
    with pytest.raises(WrongState):
        desk.act(users["ben"], "warning.approve", warning, {})
    assert desk.house.journal.head() == head
    assert desk.state() == before == desk.house.state
    desk.act(users["ada"], "warning.submit", warning, {})
    assert desk.state().warnings[warning].status == "submitted"
    assert before.warnings[warning].status == "draft"


def test_a_source_that_does_not_answer_is_counted_and_shown_as_failing(desk: RunningDesk) -> None:
    draft(desk)
    for _ in range(3):
        desk.silent("gauges")
    state = desk.state().sources["gauges"]
    assert (state.status, state.failures) == ("failing", 3)
    desk.take((replace(batch(), source="gauges", unchanged=True),))
    assert (desk.state().sources["gauges"].status, desk.state().sources["gauges"].failures) == ("fresh", 0)


def test_rows_that_a_killed_turn_left_in_the_lake_are_counted_after_the_start(tmp_path: Path) -> None:
    home, _ = quick_workspace(tmp_path, pack())
    lake = DeltaLake.open(home)
    lake.append(
        Observation(
            "stage", "x/a", NOW + timedelta(hours=n), NOW, 1.0 + n, "m", Provenance("gauges", "push", n, "d")
        )
        for n in range(3)
    )
    lake.close()
    desk = RunningDesk(RunningHouse(home, WallClock()))
    desk.recover()
    assert desk.state().sources["gauges"].accepted == 3
    written = [e for e in desk.changes(0) if e.kind.startswith("source.")]
    assert [e.why.en for e in written if e.why] == ["the lake holds rows that a killed turn had not counted"]
    desk.recover()
    assert len([e for e in desk.changes(0) if e.kind.startswith("source.")]) == len(written)
    desk.close()
