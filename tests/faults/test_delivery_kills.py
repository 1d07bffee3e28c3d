"""Killed again and again while a message goes to many: nobody is left out, and a second copy says so.

Here a few times on the way to a few hundred; in `./run soak` a thousand times on the way to ten thousand."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from anlan.model.state import fold
from anlan.store.journal import SqlJournal
from anlan.store.outbox import SqlOutbox

SEED = 4


class Hook:
    """A webhook receiver: what came, in order, as (delivery, marked as a repeat)."""

    def __init__(self) -> None:
        self.got: list[tuple[str, bool]] = []
        hook = self

        class Receiver(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                hook.got.append((self.headers["Idempotency-Key"], self.headers["X-Anlan-Repeat"] == "yes"))
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def hook() -> Iterator[Hook]:
    hook = Hook()
    yield hook
    hook.server.shutdown()
    hook.server.server_close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("most", "recipients"), [(15, 400), pytest.param(1_000, 10_000, marks=pytest.mark.soak)]
)
def test_random_kills_lose_nobody_and_repeat_each_copy_at_most_once_a_kill_and_marked(
    tmp_path: Path, hook: Hook, root: Path, most: int, recipients: int
) -> None:
    server = subprocess.Popen(
        [
            sys.executable,
            str(Path(__file__).with_name("delivery_process.py")),
            str(tmp_path),
            str(recipients),
            hook.url,
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(root / "src")},
    )
    assert server.stdin
    assert server.stdout
    assert server.stdout.readline() == "ready\n"
    dice, kills, lives = random.Random(SEED), 0, 0
    each = max(2, recipients // (most + 2))
    while True:
        lives += 1
        before = len(hook.got)
        server.stdin.write("go on\n")
        server.stdin.flush()
        child = int(server.stdout.readline())
        if kills < most:
            # some copies of this life, then any moment: before, during or after the next exchange
            wanted, limit = before + dice.randrange(each), time.monotonic() + 10
            while len(hook.got) < wanted and time.monotonic() < limit:
                time.sleep(0.0005)
            time.sleep(dice.uniform(0, 0.01))
            with suppress(ProcessLookupError):  # it has just ended by itself
                os.kill(child, signal.SIGKILL)
        _, _, status = server.stdout.readline().split()
        if int(status) == signal.SIGKILL:
            kills += 1
            continue
        assert int(status) == 0
        break
    server.stdin.close()
    server.stdout.close()
    assert server.wait(10) == 0

    journal = SqlJournal(f"sqlite:///{tmp_path / 'journal.sqlite'}")
    assert journal.verify() > 0
    state = fold(journal.read())
    journal.close()
    assert len(state.deliveries) == recipients
    assert {d.status for d in state.deliveries.values()} == {"accepted"}
    copies: dict[str, list[bool]] = defaultdict(list)
    for delivery, repeat in hook.got:
        copies[delivery].append(repeat)
    # none lost
    assert set(copies) == set(state.deliveries)
    outbox = SqlOutbox(f"sqlite:///{tmp_path / 'journal.sqlite'}")
    for delivery, marks in copies.items():
        # every copy but the first is marked
        assert marks.count(False) <= 1, (delivery, marks)
        assert all(marks[1:]), (delivery, marks)
        # and each of them has its kill: one that cut an attempt short
        cut = sum(attempt.outcome is None for attempt in outbox.history(delivery))
        assert len(marks) <= 1 + cut, (delivery, marks, cut)
    outbox.close()
    spread = Counter(len(marks) for marks in copies.values())
    print(f"{kills} kills, {recipients} recipients, {lives} lives: copies {dict(sorted(spread.items()))}")
    assert kills == most
    # a kill leaves at most a batch in doubt, and those in doubt go one by one
    assert sum(marks.count(True) for marks in copies.values()) <= 300 * max(kills, 1)
