"""A mail server and a webhook receiver on this machine, for the demonstration: real SMTP and real HTTP,
so that what is delivered can be looked at."""

from __future__ import annotations

import socket
import threading
from dataclasses import dataclass
from email import policy
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller

LOOPBACK = "127.0.0.1"
LIMIT = 8 * 1024 * 1024


class _Mailbox:
    """Keeps every mail as `<delivery id>.eml` (its Message-ID without the domain)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: ARG002, N802
        raw = bytes(envelope.content)
        message = BytesParser(policy=policy.default).parsebytes(raw)
        name = str(message["Message-ID"] or "mail").strip("<>").partition("@")[0]
        copies = len(list(self.folder.glob(f"{name}*.eml")))
        (self.folder / f"{name}{f'-{copies}' if copies else ''}.eml").write_bytes(raw)
        return "250 kept"


def _receiver(folder: Path) -> type[BaseHTTPRequestHandler]:
    folder.mkdir(parents=True, exist_ok=True)

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            if length > LIMIT:
                self.send_error(413)
                return
            body = self.rfile.read(length)
            name = Path(self.headers.get("Idempotency-Key", "post")).name
            copies = len(list(folder.glob(f"{name}*.json")))
            (folder / f"{name}{f'-{copies}' if copies else ''}.json").write_bytes(body)
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Silent: the folder is the record."""

    return Receiver


def _free_port() -> int:
    """A port that is free now; the controller cannot choose one by itself."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(slots=True)
class Peers:
    """Both servers, each on a free port of the loopback."""

    mail: Controller
    web: ThreadingHTTPServer

    @classmethod
    def start(cls, workspace: Path) -> Peers:
        mail = Controller(_Mailbox(workspace / "mail"), hostname=LOOPBACK, port=_free_port())
        mail.start()
        web = ThreadingHTTPServer((LOOPBACK, 0), _receiver(workspace / "webhook"))
        threading.Thread(target=web.serve_forever, name="webhook receiver", daemon=True).start()
        return cls(mail, web)

    @property
    def mail_port(self) -> int:
        return int(self.mail.port)

    @property
    def web_url(self) -> str:
        return f"http://{LOOPBACK}:{self.web.server_address[1]}/"

    def stop(self) -> None:
        self.mail.stop()
        self.web.shutdown()
        self.web.server_close()
