"""From the second person's approval to the public page: on a real workspace, and without its service."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn

from anlan.app.clock import WallClock
from anlan.app.desk import RunningDesk
from anlan.app.house import RunningHouse
from anlan.cli.main import main
from anlan.cli.site import application
from anlan.ports.channel import Receipt
from served import approval_codes, pack, quick_workspace, stage, wait

SITE = """
[[channel]]
id = "mail"
kind = "file"
options = { folder = "post", public = true }

[site]
folder = "published"
zone = "Asia/Shanghai"
"""


@contextmanager
def listening(desk: RunningDesk) -> Iterator[str]:
    """Everything the service answers, over HTTP; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = uvicorn.Config(application(desk), port=port, log_level="error", ws="none")
    config.timeout_graceful_shutdown = 1
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait(lambda: server.started)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


def published(desk: RunningDesk) -> tuple[str, str]:
    """A warning that one person submits and another approves: its id and headline."""
    desk.ingest(json.dumps([stage(4.5)]).encode(), "application/json", "gauges")
    (id,) = desk.state().warnings
    users = desk.pack.users
    desk.act(users["ada"], "warning.submit", id, {})
    code = approval_codes(desk.accounts, "ben")[0]
    desk.act(users["ben"], "warning.approve", id, {"code": code})
    return id, desk.state().warnings[id].headline.en


def test_what_is_approved_is_public_within_a_second_and_stays_so_without_the_service(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home, _ = quick_workspace(tmp_path, pack(), channels=SITE)
    desk = RunningDesk(RunningHouse(home, WallClock()))
    try:
        with listening(desk) as base, httpx2.Client(base_url=base) as client:
            before = wait(
                lambda: found if (found := client.get("/public/en/index.html")).is_success else None
            )
            assert "No public warning is in force" in before.text
            id, headline = published(desk)
            approved = time.monotonic()
            there = "/public/en/index.html"
            page = wait(lambda: shown if headline in (shown := client.get(there).text) else "")
            # half a second until it is noticed, and the machine of the test may be busy
            assert time.monotonic() - approved < 5
            assert "(UTC+08:00)" in page
            raw = client.get(f"/public/cap/{id}.cap.xml")
            assert raw.content == desk.cap(id)
            assert raw.headers["content-type"] == "application/cap+xml"
            assert headline in client.get("/public/feed.atom").text
            # the rest of the application is there as before, and no part of it under this path
            assert client.get("/status").status_code == 200
            assert client.get("/public/sign-in").status_code == 404
            assert "set-cookie" not in client.get("/public/").headers
            wait(lambda: headline in (home / "published/current/en/index.html").read_text(encoding="utf-8"))
        assert not any(thread.name == "bulletin" for thread in threading.enumerate())
    finally:
        desk.close()
    # the service is gone: the folder stays, and another is built from the journal alone
    assert headline in (home / "published/current/en/index.html").read_text(encoding="utf-8")
    elsewhere = tmp_path / "elsewhere"
    assert main(["site", "build", str(home), str(elsewhere), "--json"]) == 0
    built = json.loads(capsys.readouterr().out)
    assert (built["in_force"], built["live"]) == (1, True)
    assert (elsewhere / f"current/cap/{id}.cap.xml").read_bytes() == raw.content


def test_dead_letters_are_listed_with_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home, _ = quick_workspace(tmp_path, pack(), channels=SITE)
    desk = RunningDesk(RunningHouse(home, WallClock()))
    id, _ = published(desk)
    (mail,) = [d.id for d in desk.state().deliveries.values() if d.channel == "mail"]
    desk.settle(mail, Receipt(False, "refused_550: no such mailbox"))
    desk.close()
    assert main(["deliveries", "list", str(home), "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["id"], row["warning"], row["status"]) == (mail, id, "given_up")
    assert row["why"] == "refused_550: no such mailbox" and row["reasons"][-1] == "peer_refused"
    assert main(["deliveries", "list", str(home), "--status", "all"]) == 0
    assert "1 given_up" in capsys.readouterr().out
    assert main(["deliveries", "list", str(home), "--status", "lost"]) == 2
    assert "no such status" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home, _ = quick_workspace(tmp_path, pack())
    RunningHouse(home, WallClock()).close()
    blocked = tmp_path / "blocked"
    blocked.write_text("a file")
    assert main(["site", "build", str(home), str(blocked)]) == 3
    said: Any = capsys.readouterr().err
    assert "the site cannot be written" in said and str(blocked) in said
