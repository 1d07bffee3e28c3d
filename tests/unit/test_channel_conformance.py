"""Every built-in channel passes the battery that plug-ins pass, against real peers."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from aiosmtpd.controller import Controller

from anlan.channels import registry
from anlan.ports.channel import Asked, Channel, Parcel, Receipt
from anlan.testing.check_channel import check_channel, sample_parcel
from brokers import Broker, Reader, free_port
from sirens import Device

NOBODY = "http://127.0.0.1:9/"


class FixedClock:
    def now(self) -> datetime:
        return datetime(2030, 1, 2, 4, tzinfo=UTC)


SECRET = "a shared key of thirty-two bytes"


@dataclass
class Mailbox:
    """What the mail server took."""

    port: int = 0
    came: list[str] = field(default_factory=list)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.came.append(envelope.content.decode("ascii"))
        return "250 OK"


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    box = Mailbox(free_port())
    controller = Controller(box, hostname="127.0.0.1", port=box.port)
    controller.start()
    yield box
    controller.stop()


@dataclass
class Receiver:
    """What the HTTP server took: headers and body of each request."""

    url: str = ""
    came: list[str] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    taken = Receiver()

    class Accept(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            if self.headers["X-Anlan-Ask"] == "yes":
                held = [id for id in json.loads(body)["ask"] if id in taken.keys]
                answer = json.dumps({"held": held}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)
                return
            taken.keys.add(self.headers["webhook-id"] or "")
            if "json" in self.headers["Content-Type"]:
                body = json.dumps(json.loads(body), ensure_ascii=False)
            taken.came.append(f"{self.headers}{body}")
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Accept)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    taken.url = f"http://127.0.0.1:{server.server_port}/warnings"
    yield taken
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    running = Broker(tmp_path)
    running.start()
    yield running
    running.stop()


def factory(id: str, **options: Any) -> Callable[[], Channel]:
    return lambda: registry.build(id, options, FixedClock())


def files(folder: Path, pattern: str) -> Callable[[], list[str]]:
    """The files there, oldest first, as an observer of the folder sees them."""
    return lambda: [
        path.read_text(encoding="utf-8")
        for path in sorted(folder.glob(pattern), key=lambda path: (path.stat().st_mtime_ns, path.name))
    ]


def test_the_cap_feed_conforms(tmp_path: Path) -> None:
    options = {"folder": str(tmp_path), "feed_id": "https://warn.drill.invalid/feed"}
    check_channel(factory("cap_feed", **options), "", arrived=files(tmp_path, "*.cap.xml"))


@pytest.mark.parametrize("speech", [True, False])
def test_the_folder_conforms(tmp_path: Path, speech: bool) -> None:
    channel = factory("file", folder=str(tmp_path), speech=speech)
    check_channel(channel, "", arrived=files(tmp_path, "*.json"))


def test_the_console_conforms(capsys: pytest.CaptureFixture[str]) -> None:
    check_channel(factory("console"), "")
    assert "\x1b[2J" not in capsys.readouterr().out


def test_mail_conforms(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANLAN_TEST_KEY", SECRET)
    options = {"host": "127.0.0.1", "security": "none", "sender": "warn@drill.invalid", "timeout_s": 5}
    check_channel(
        factory("smtp", port=mailbox.port, password={"env": "ANLAN_TEST_KEY"}, **options),
        "desk@drill.invalid",
        "no address",
        secrets=[SECRET],
        within=6,
        arrived=lambda: mailbox.came,
    )


@pytest.mark.parametrize("public", [True, False])
@pytest.mark.parametrize("asks", [True, False])
def test_the_webhook_conforms(
    receiver: Receiver, public: bool, asks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANLAN_TEST_KEY", SECRET)
    local = {"plain_http": True, "private_networks": True, "timeout_s": 5}
    options = {"key": {"env": "ANLAN_TEST_KEY"}, "public": public, "asks": asks, **local}
    check_channel(
        factory("webhook", **options),
        receiver.url,
        f"{NOBODY}?token=in-the-address",
        secrets=[SECRET, "in-the-address", "/warnings"],
        within=6,
        arrived=lambda: receiver.came,
    )


@pytest.mark.parametrize("public", [True, False])
def test_wis2_conforms(broker: Broker, public: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANLAN_TEST_KEY", SECRET)
    reader = Reader(broker.port)
    given = {"host": "127.0.0.1", "port": broker.port, "tls": False, "centre_id": "xx-drill", "timeout_s": 5}
    keys = {"user": "anlan", "password": {"env": "ANLAN_TEST_KEY"}}
    check_channel(
        factory("wis2", base_url="https://warn.drill.invalid/{id}", public=public, **given, **keys),
        "",
        "elsewhere/topic",
        secrets=[SECRET],
        within=6,
        arrived=lambda: arrived(reader),
    )
    reader.stop()


@pytest.mark.parametrize("public", [True, False])
def test_sirens_conform(broker: Broker, public: bool) -> None:
    device = Device(broker.port, "roof-1")
    given = {"host": "127.0.0.1", "port": broker.port, "tls": False, "timeout_s": 0.7}
    check_channel(
        factory("siren", public=public, **given),
        "roof-1",
        "roof-2",
        within=3,
        arrived=lambda: [json.dumps(command) for command in device.commands],
    )
    device.stop()


# one of Apprise's own modules still imports it
@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
@pytest.mark.parametrize("public", [True, False])
def test_chat_services_conform(receiver: Receiver, public: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANLAN_TEST_KEY", receiver.url.replace("http://", "json://") + "/a-token")
    monkeypatch.setenv("ANLAN_TEST_NOBODY", "json://127.0.0.1:9/a-token")
    urls = {"duty": {"env": "ANLAN_TEST_KEY"}, "nobody": {"env": "ANLAN_TEST_NOBODY"}}
    check_channel(
        factory("gateway", urls=urls, public=public, timeout_s=5, sms_parts=4),
        "duty",
        "nobody",
        secrets=["a-token", "/warnings"],
        within=6,
        arrived=lambda: receiver.came,
    )


def arrived(reader: Reader) -> list[str]:
    """What came to a reader by now; the broker passes on in a moment what it has acknowledged."""
    time.sleep(0.05)
    return [
        payload.decode() + "".join(f" {name}={value}" for name, value in marks.items())
        for _, payload, marks in list(reader.came)
    ]


def test_the_battery_catches_a_channel_that_raises_or_refuses_repeats() -> None:
    class Forgetful:
        id = "forgetful"
        public = False

        def deliver(self, parcel: Parcel) -> Receipt:
            return Receipt(not parcel.repeat, "only once")

    class Boastful(Forgetful):
        asks = True

        def deliver(self, parcel: Parcel) -> Receipt:
            return Receipt(True, "taken")

        def holds(self, parcels: Sequence[Parcel]) -> list[bool]:
            return [True] * len(parcels)

    with pytest.raises(AssertionError, match=r"tampered|nothing else"):
        check_channel(Boastful, "")

    with pytest.raises(AssertionError, match="a repeat is accepted"):
        check_channel(Forgetful, "")

    class Raising(Forgetful):
        def deliver(self, parcel: Parcel) -> Receipt:
            raise RuntimeError("broken")

    with pytest.raises(AssertionError, match="channel_failed: RuntimeError: broken"):
        check_channel(Raising, "")


def test_the_battery_catches_a_repeat_that_is_not_marked_and_a_secret_that_is_told() -> None:
    class Silent:
        id = "silent"
        public = False
        came: ClassVar[list[str]] = []

        def deliver(self, parcel: Parcel) -> Receipt:
            self.came.append(f"copy {len(self.came)}")
            return Receipt(True, "taken")

    with pytest.raises(AssertionError, match="a repeat is marked"):
        check_channel(Silent, "", arrived=lambda: Silent.came)

    class Talkative:
        id = "talkative"
        public = False

        def deliver(self, parcel: Parcel) -> Receipt:
            return Receipt(True, f"taken with {SECRET}")

    with pytest.raises(AssertionError, match="a receipt tells a secret"):
        check_channel(Talkative, "", secrets=[SECRET])

    class Logging(Talkative):
        def deliver(self, parcel: Parcel) -> Receipt:
            logging.getLogger("anlan.test").warning("with %s", SECRET)
            return Receipt(True, "taken")

    with pytest.raises(AssertionError, match="a log line tells a secret"):
        check_channel(Logging, "", secrets=[SECRET])

    class Slow(Talkative):
        def deliver(self, parcel: Parcel) -> Receipt:
            time.sleep(0.05)
            return Receipt(True, "taken")

    with pytest.raises(AssertionError, match="a call ends in time"):
        check_channel(Slow, "", within=0.01)


def test_a_peer_that_does_not_say_what_it_has_keeps_nobody_from_asking_the_others(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANLAN_TEST_KEY", SECRET)
    local = {"plain_http": True, "private_networks": True, "timeout_s": 5, "asks": True}
    channel = factory("webhook", key={"env": "ANLAN_TEST_KEY"}, **local)()
    assert isinstance(channel, Asked)
    assert channel.deliver(sample_parcel(receiver.url)).accepted
    told = channel.holds(
        [
            sample_parcel(receiver.url),
            sample_parcel(NOBODY),
            sample_parcel("nowhere"),
            sample_parcel(receiver.url, number=2),
        ]
    )
    assert (told[0], told[3]) == (True, False)
    away, none = told[1:3]
    assert isinstance(away, Receipt) and away.transient and not away.doubtful
    assert isinstance(none, Receipt) and not none.transient
