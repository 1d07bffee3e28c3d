"""A mail server and a webhook receiver that write down what arrives, and may strike before they answer."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import policy
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller

LOOPBACK = "127.0.0.1"


@dataclass
class Arrivals:
    """What came, in order: (delivery, marked as a repeat). `strike` is called for each message after it
    is written down and before it is answered."""

    came: list[tuple[str, bool]] = field(default_factory=list)
    strike: Callable[[], None] | None = None
    mail: int = 0
    web: str = ""

    def take(self, delivery: str, repeat: bool) -> None:
        self.came.append((delivery, repeat))
        if self.strike is not None:
            self.strike()


def _port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


@contextmanager
def listening() -> Iterator[Arrivals]:
    """Both peers, on free ports of the loopback."""
    arrivals = Arrivals(mail=_port())

    class Mailbox:
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
            mail = BytesParser(policy=policy.default).parsebytes(bytes(envelope.content))
            arrivals.take(
                str(mail["Message-ID"]).strip("<>").partition("@")[0], mail["X-Anlan-Repeat"] == "yes"
            )
            return "250 kept"

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            arrivals.take(self.headers["Idempotency-Key"], self.headers["X-Anlan-Repeat"] == "yes")
            try:
                self.send_response(204)
                self.end_headers()
            except OSError:
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            """Silent: the list is the record."""

    mail = Controller(Mailbox(), hostname=LOOPBACK, port=arrivals.mail)
    web = ThreadingHTTPServer((LOOPBACK, 0), Receiver)
    arrivals.web = f"http://{LOOPBACK}:{web.server_address[1]}/"
    mail.start()
    threading.Thread(target=web.serve_forever, args=(0.1,), daemon=True).start()
    try:
        yield arrivals
    finally:
        mail.stop()
        web.shutdown()
        web.server_close()
