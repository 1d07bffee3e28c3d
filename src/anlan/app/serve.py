"""The service: console, API and public pages over one desk."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn

from anlan.app.desk import RunningDesk
from anlan.model.errors import StoreUnavailable

ENDINGS = (signal.SIGTERM, signal.SIGINT)
#: seconds for requests that have begun when the service is told to stop
GRACE = 3


def listen(application: Any, host: str, port: int, ready: Callable[[str], None] | None = None) -> None:
    """Serve until told to stop (SIGTERM, SIGINT), then return. `ready` is called with the address once it
    is ours and before anything is answered. StoreUnavailable where the address is taken."""
    with _bound(host, port) as bound:
        name = f"[{host}]" if ":" in host else host
        server = uvicorn.Server(
            uvicorn.Config(
                application,
                log_level="warning",
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=False,
                timeout_graceful_shutdown=GRACE,
                ws="none",
            )
        )
        with _ended_by_signal(server):
            if ready is not None:
                ready(f"http://{name}:{bound.getsockname()[1]}/")
            if not server.should_exit:
                server.run(sockets=[bound])


@contextmanager
def _bound(host: str, port: int) -> Iterator[socket.socket]:
    bound = None
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        # the protocol is named: asyncio leaves Nagle's algorithm (40 ms an answer) on where it is not
        bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(2048)
    except OSError as error:
        if bound is not None:
            bound.close()
        raise StoreUnavailable(
            "the console cannot listen there",
            where=f"{host}:{port}",
            found=str(error),
            mend="is the port taken? set `host` and `port` in anlan.toml",
        ) from error
    try:
        yield bound
    finally:
        bound.close()


@contextmanager
def _ended_by_signal(server: uvicorn.Server) -> Iterator[None]:
    """A signal ends the server, not the process: what is open is closed afterwards. (The server raises
    again at its end what it caught; that too must not end the process.)"""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(_number: int, _frame: FrameType | None) -> None:
        server.should_exit = True

    before = {number: signal.signal(number, end) for number in ENDINGS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _worth_a_line(record: logging.LogRecord) -> bool:
    """A stream that is cut off because the service stops is no error."""
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))


def log_plainly() -> None:
    """What happens to standard error, one line each: instant (UTC), weight, where, what."""
    form = logging.Formatter("%(asctime)sZ %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S")
    form.converter = time.gmtime
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(form)
    handler.addFilter(_worth_a_line)
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("anlan").setLevel(logging.INFO)


def key_file(desk: RunningDesk) -> Path | None:
    """Where the keys of machines that push observations stand: ANLAN_PUSH_KEYS, or `keys` in the
    workspace; None where there is neither."""
    named = os.environ.get("ANLAN_PUSH_KEYS")
    path = Path(named) if named else desk.house.workspace / "keys"
    return path if path.is_file() else None
