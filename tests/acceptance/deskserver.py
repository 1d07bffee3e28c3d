"""Serves a desk on a free local port with the real server, for tests that need real HTTP."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from desk import PASSWORD, MemoryDesk

from anlan.api.routes import openapi, router
from anlan.web.session import Keys
from anlan.web.site import site


def application(desk: MemoryDesk, keys: Keys | None = None) -> Any:
    """Console and API over one desk."""
    return site(desk, [router()], openapi=openapi(), keys=keys)


@contextmanager
def served(desk: MemoryDesk) -> Iterator[str]:
    """The address of a running server."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = uvicorn.Config(
        application(desk),
        host="127.0.0.1",
        port=port,
        log_level="error",
        ws="none",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.05)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


def form_token(page: str) -> str:
    """The proof that the first form of a page carries."""
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', page)
    assert found, "the page has no form of ours"
    return found.group(1)


def sign_in(client: Any, name: str, password: str = PASSWORD) -> Any:
    """Sign in through the form, as a person does."""
    token = form_token(client.get("/sign-in").text)
    return client.post(
        "/sign-in",
        data={"csrf": token, "name": name, "password": password, "next": "/"},
        follow_redirects=False,
    )
