"""Every built-in channel passes the battery that plug-ins pass, against real peers."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink

from anlan.channels import registry
from anlan.ports.channel import Channel, Parcel, Receipt
from anlan.testing.check_channel import check_channel

NOBODY = "http://127.0.0.1:9/"


class FixedClock:
    def now(self) -> datetime:
        return datetime(2030, 1, 2, 4, tzinfo=UTC)


@pytest.fixture
def smtp_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    controller = Controller(Sink(), hostname="127.0.0.1", port=port)
    controller.start()
    yield port
    controller.stop()


@pytest.fixture
def http_url() -> Iterator[str]:
    class Accept(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Accept)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/warnings"
    server.shutdown()
    thread.join()
    server.server_close()


def factory(id: str, **options: Any) -> Callable[[], Channel]:
    return lambda: registry.build(id, options, FixedClock())


def test_the_cap_feed_conforms(tmp_path: Path) -> None:
    check_channel(factory("cap_feed", folder=str(tmp_path), feed_id="https://warn.drill.invalid/feed"), "")


def test_the_folder_conforms(tmp_path: Path) -> None:
    check_channel(factory("file", folder=str(tmp_path)), "")


def test_the_console_conforms(capsys: pytest.CaptureFixture[str]) -> None:
    check_channel(factory("console"), "")
    assert "\x1b[2J" not in capsys.readouterr().out


def test_mail_conforms(smtp_port: int) -> None:
    options = {"host": "127.0.0.1", "port": smtp_port, "security": "none", "sender": "warn@drill.invalid"}
    check_channel(factory("smtp", **options), "desk@drill.invalid", "no address")


@pytest.mark.parametrize("public", [True, False])
def test_the_webhook_conforms(http_url: str, public: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANLAN_TEST_KEY", "k")
    options = {"key": {"env": "ANLAN_TEST_KEY"}, "plain_http": True, "public": public}
    check_channel(factory("webhook", **options), http_url, NOBODY)


def test_the_battery_catches_a_channel_that_raises_or_refuses_repeats() -> None:
    class Forgetful:
        id = "forgetful"
        public = False

        def deliver(self, parcel: Parcel) -> Receipt:
            return Receipt(not parcel.repeat, "only once")

    with pytest.raises(AssertionError, match="a repeat is accepted"):
        check_channel(Forgetful, "")

    class Raising(Forgetful):
        def deliver(self, parcel: Parcel) -> Receipt:
            raise RuntimeError("broken")

    with pytest.raises(AssertionError, match="channel_failed: RuntimeError: broken"):
        check_channel(Raising, "")
