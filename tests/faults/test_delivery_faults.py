"""A delivery through faults of real peers and of the disk: none lost, and a second copy says so."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from test_journal_faults import small_disk

from anlan import dispatch, flow
from anlan.app.clock import VirtualClock
from anlan.channels.registry import build
from anlan.model.errors import StoreUnavailable
from anlan.model.state import fold
from anlan.model.warning import Delivery, Recipient
from anlan.turn import Turn
from brokers import Broker, Reader, wait
from chain_pack import DAY, HOUR, MINUTE, PLAN, T0, Room, both, chain_pack, stage

SENT = T0 + 2 * DAY


def room_for(folder: Path, address: str, count: int = 1) -> Room:
    """A room whose plan tells so many recipients at one address."""
    recipients = {
        f"r{n:02d}": Recipient(f"r{n:02d}", both(f"r{n:02d}"), "post", address, ("x",)) for n in range(count)
    }
    plan = replace(PLAN, recipients=tuple(recipients), ladder=(), opens_at=1)
    return Room(folder, chain_pack(recipients=recipients, plans={"flood-plan": plan}))


def publish(room: Room) -> None:
    room.learn(stage(0, 5.0))
    room.publish(SENT - flow.INSTANT)


def only(room: Room) -> Delivery:
    (found,) = room.state.deliveries.values()
    return found


class DyingMail(threading.Thread):
    """An SMTP server that takes the whole message and dies before it says so, a few times; `early`: it dies
    before it has any of it."""

    def __init__(self, deaths: int) -> None:
        super().__init__(daemon=True)
        self.deaths, self.mails, self.early = deaths, list[str](), False
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.socket.getsockname()[1]

    def run(self) -> None:
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            with peer, peer.makefile("rwb") as line, suppress(OSError, ValueError):
                self._talk(line)

    def _talk(self, line: Any) -> None:
        def say(text: str) -> None:
            line.write(text.encode() + b"\r\n")
            line.flush()

        say("220 here")
        while command := line.readline().decode().strip().upper():
            if command == "DATA":
                if self.early and self.deaths:
                    self.deaths -= 1
                    return
                say("354 go on")
                mail = b"".join(iter(line.readline, b".\r\n")).decode()
                self.mails.append(mail)
                if self.deaths:
                    self.deaths -= 1
                    return
                say("250 kept")
            elif command == "QUIT":
                say("221 bye")
                return
            else:
                say("250 fine")


@pytest.mark.parametrize("deaths", [1, 2, 9])
def test_a_mail_server_that_takes_the_mail_and_dies_gets_it_once_more_marked(
    tmp_path: Path, deaths: int
) -> None:
    server = DyingMail(deaths)
    server.start()
    room = room_for(tmp_path, "desk@x.invalid")
    options = {"host": "127.0.0.1", "port": server.port, "security": "none", "sender": "a@b.invalid"}
    room.post = build("smtp", options, VirtualClock(SENT))  # type: ignore[assignment]
    publish(room)
    assert only(room).status == "failed"
    room.run(SENT + HOUR)
    # however often it dies: one repeat, and then it shows that nobody knows
    assert (only(room).status, only(room).attempts) == ("accepted" if deaths == 1 else "unknown", 2)
    marks = ["X-Anlan-Repeat: yes" in mail for mail in server.mails]
    assert marks == [False, True]
    ids = {line for mail in server.mails for line in mail.splitlines() if line.startswith("Message-ID")}
    assert len(ids) == 1
    if deaths == 2:
        assert only(room).reasons[-1].code == "arrival_unknown"
        ada = room.pack.users["ada"]
        room.act(SENT + 2 * HOUR, ada, "delivery.send_again", only(room).id, reason="they have nothing")
        assert (only(room).status, only(room).attempts) == ("accepted", 3)
        assert "X-Anlan-Repeat: yes" in server.mails[-1]
    assert fold(room.journal.read()) == room.state
    server.socket.close()
    room.close()


def test_a_mail_server_that_dies_before_it_has_the_mail_leaves_no_doubt(tmp_path: Path) -> None:
    server = DyingMail(deaths=3)
    server.early = True
    server.start()
    room = room_for(tmp_path, "desk@x.invalid")
    options = {"host": "127.0.0.1", "port": server.port, "security": "none", "sender": "a@b.invalid"}
    room.post = build("smtp", options, VirtualClock(SENT))  # type: ignore[assignment]
    publish(room)
    room.run(SENT + HOUR)
    assert (only(room).status, only(room).attempts) == ("accepted", 4)
    assert [one.outcome for one in room.outbox.history(only(room).id)] == ["failed"] * 3 + ["accepted"]
    assert ["X-Anlan-Repeat: yes" in mail for mail in server.mails] == [False]
    server.socket.close()
    room.close()


def test_a_mail_server_that_is_not_there_leaves_no_doubt(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    room = room_for(tmp_path, "desk@x.invalid")
    options = {"host": "127.0.0.1", "port": port, "security": "none", "sender": "a@b.invalid"}
    room.post = build("smtp", options, VirtualClock(SENT))  # type: ignore[assignment]
    publish(room)
    (attempt,) = room.outbox.history(only(room).id)
    assert attempt.outcome == "failed"
    room.close()


@pytest.fixture
def hook() -> Iterator[Any]:
    """A webhook receiver that answers what it is told to; it notes marks and instants of the desk."""

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            server: Any = self.server
            server.got.append((server.clock(), self.headers["X-Anlan-Repeat"]))
            answer = server.answer()
            self.send_response(answer)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.got, server.clock, server.answer = [], lambda: None, lambda: 204
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_webhook_that_answers_500_for_an_hour(tmp_path: Path, hook: Any) -> None:
    (tmp_path / "key").write_text("a key of thirty-two characters...")
    room = room_for(tmp_path, f"http://127.0.0.1:{hook.server_address[1]}/")
    hook.clock = lambda: room.now
    hook.answer = lambda: 500 if room.now < SENT + HOUR else 204
    options = {"key": {"file": str(tmp_path / "key")}, "plain_http": True, "private_networks": True}
    room.post = build("webhook", options, VirtualClock(SENT))  # type: ignore[assignment]
    publish(room)
    room.run(SENT + 2 * HOUR)
    waits = [at - SENT for at, _ in hook.got]
    # 30 s, 2 min, 10 min, twice 30 min: the last try finds it back
    assert waits == [timedelta(seconds=s) for s in (0, 30, 150, 750, 2550, 4350)]
    assert only(room).status == "accepted"
    assert [r.code for r in only(room).reasons] == ["peer_failed"] * 5
    # the peer had said no each time, so nothing was doubtful
    assert [mark for _, mark in hook.got] == ["no"] * 6
    room.close()


def test_a_webhook_that_answers_500_for_two_hours_is_a_dead_letter_that_a_person_sends(
    tmp_path: Path, hook: Any
) -> None:
    (tmp_path / "key").write_text("a key of thirty-two characters...")
    room = room_for(tmp_path, f"http://127.0.0.1:{hook.server_address[1]}/")
    hook.clock = lambda: room.now
    hook.answer = lambda: 500 if room.now < SENT + 2 * HOUR else 204
    options = {"key": {"file": str(tmp_path / "key")}, "plain_http": True, "private_networks": True}
    room.post = build("webhook", options, VirtualClock(SENT))  # type: ignore[assignment]
    publish(room)
    room.run(SENT + 2 * HOUR)
    assert only(room).status == "given_up"
    ada = room.pack.users["ada"]
    room.act(SENT + 2 * HOUR, ada, "delivery.send_again", only(room).id, reason="they are back")
    assert only(room).status == "accepted"
    assert [mark for _, mark in hook.got] == ["no"] * 6 + ["yes"]
    room.close()


def test_a_broker_restarted_in_mid_send_gets_every_message(tmp_path: Path) -> None:
    broker = Broker(tmp_path)
    broker.start()
    reader = Reader(broker.port, "origin/a/wis2/#")
    room = room_for(tmp_path / "room", "origin/a/wis2/cn-x/data/core/weather/advisories-warnings", 12)
    options = {
        "host": "127.0.0.1",
        "port": broker.port,
        "tls": False,
        "centre_id": "cn-x",
        "base_url": "https://x.invalid/cap/{id}.xml",
        "timeout_s": 3,
    }
    channel = build("wis2", options, VirtualClock(SENT))
    sent = 0
    deliver = channel.deliver_poised  # type: ignore[attr-defined]

    def cut(parcel: Any, leave: Any) -> Any:
        nonlocal sent
        sent += 1
        if sent == 5:
            # what the broker has taken and not yet handed on would be lost with it
            wait(lambda: len(reader.came) == 4)
            broker.stop()
        return deliver(parcel, leave)

    channel.deliver_poised = cut  # type: ignore[attr-defined]
    room.post = channel  # type: ignore[assignment]
    publish(room)
    statuses = Counter(d.status for d in room.state.deliveries.values())
    assert statuses == {"accepted": 4, "failed": 8}
    reader._ready = False
    broker.start()
    wait(lambda: reader._ready)
    room.run(SENT + HOUR)
    assert {d.status for d in room.state.deliveries.values()} == {"accepted"}
    wait(lambda: len(reader.came) >= 12)
    copies: dict[str, list[str]] = {}
    for _, _, marks in reader.came:
        copies.setdefault(marks["anlan-delivery"], []).append(marks["anlan-repeat"])
    assert set(copies) == set(room.state.deliveries)
    assert all(set(marks[1:]) <= {"yes"} for marks in copies.values())
    reader.stop()
    broker.stop()
    room.close()


def test_a_disk_that_fills_up_during_a_delivery_loses_nobody_and_repeats_only_marked(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "3m") as disk:
        room = room_for(disk, "desk@x.invalid", 60)
        room.learn(stage(0, 5.0))
        got: list[tuple[str, bool]] = []
        deliver, ballast = room.post.deliver, disk / "ballast"

        def fill(parcel: Any) -> Any:
            got.append((parcel.recipient.id, parcel.repeat))
            if len(got) == 20:
                # the disk fills while the peers are being told
                with ballast.open("wb") as file, suppress(OSError):
                    while True:
                        file.write(b"\0" * 65_536)
                        file.flush()
            return deliver(parcel)

        room.post.deliver = fill  # type: ignore[method-assign]
        (draft,) = room.pending()
        turn = Turn(room, SENT)  # type: ignore[arg-type]
        flow.publish(turn, replace(draft, status="approved", author="a", approver="b", sent=SENT), "b")
        turn.commit()
        with pytest.raises(StoreUnavailable):
            dispatch.deliver(turn)
        room.close()
        ballast.unlink()
        room = Room(disk, room.pack)
        room.state = fold(room.journal.read())
        room.post.deliver = fill  # type: ignore[method-assign]
        flow.recover(room, SENT + MINUTE)  # type: ignore[arg-type]
        assert {d.status for d in room.state.deliveries.values()} == {"accepted"}
        copies = Counter(who for who, _ in got)
        assert len(copies) == 60
        assert set(copies.values()) <= {1, 2}
        for who in copies:
            marks = [repeat for id, repeat in got if id == who]
            assert marks in ([False], [False, True], [True])
        assert room.journal.verify() > 0
        room.close()
