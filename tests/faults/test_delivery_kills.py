"""Killed again and again while a message goes to many: nobody is left out, nobody gets more than one repeat,
and that one says so.

Here a few times on the way to a few hundred. The whole, a thousand times on the way to ten thousand, about an
hour: `./run test -m soak -s tests/faults/test_delivery_kills.py`; `./run soak` has it as well."""

from __future__ import annotations

import json
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
    """A webhook receiver: what came, in order, as (delivery, marked as a repeat). Asked what it has, it says
    so."""

    def __init__(self) -> None:
        self.got: list[tuple[str, bool]] = []
        hook = self

        class Receiver(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                body = self.rfile.read(length)
                if len(body) < length:
                    return  # its sender was killed on the way: there is no message
                if self.headers["X-Anlan-Ask"] == "yes":
                    has = {delivery for delivery, _ in hook.got}
                    answer = json.dumps(
                        {"held": [id for id in json.loads(body)["ask"] if id in has]}
                    ).encode()
                    self.send_response(200)
                    self.send_header("Content-Length", str(len(answer)))
                    self.end_headers()
                    self.wfile.write(answer)
                    return
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


def remaining(hook: Hook, recipients: int, lives: int) -> float:
    """Copies that each of so many lives should see, so that all of them have some to deliver."""
    return max(1.0, (recipients - len({delivery for delivery, _ in hook.got})) / lives)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("most", "recipients"), [(5, 120), pytest.param(1_000, 10_000, marks=pytest.mark.soak)]
)
@pytest.mark.parametrize("asks", [True, False], ids=["asked", "not asked"])
def test_random_kills_lose_nobody_and_nobody_gets_more_than_one_marked_repeat(
    tmp_path: Path, hook: Hook, root: Path, most: int, recipients: int, asks: bool
) -> None:
    server = subprocess.Popen(
        [
            sys.executable,
            str(Path(__file__).with_name("delivery_process.py")),
            str(tmp_path),
            str(recipients),
            hook.url,
            "yes" if asks else "no",
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
    while True:
        lives += 1
        before = len(hook.got)
        server.stdin.write("go on\n")
        server.stdin.flush()
        child = int(server.stdout.readline())
        if kills < most:
            # some copies of this life, then any moment: before, during or after the next exchange
            share = remaining(hook, recipients, most - kills + 1)
            wanted, limit = before + int(dice.uniform(0, share)), time.monotonic() + 10
            while len(hook.got) < wanted and time.monotonic() < limit:
                time.sleep(0.0005)
            time.sleep(dice.uniform(0, 0.001 * min(10.0, share)))
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
    copies: dict[str, list[bool]] = defaultdict(list)
    for delivery, repeat in hook.got:
        copies[delivery].append(repeat)
    unknown = {d.id for d in state.deliveries.values() if d.status == "unknown"}
    spread = Counter(len(marks) for marks in copies.values())
    print(
        f"{kills} kills, {recipients} recipients, {lives} lives, asked {asks}: "
        f"copies {dict(sorted(spread.items()))}, unknown {len(unknown)}, "
        f"of whom {len(unknown - set(copies))} have nothing"
    )
    assert kills == most
    # none lost: everybody's copy is accepted, or shown as one of which nobody knows
    assert len(state.deliveries) == recipients
    assert {d.status for d in state.deliveries.values()} <= {"accepted", "unknown"}
    assert set(copies) | unknown == set(state.deliveries)
    # over all kills together: a second copy is marked, and there is no third
    assert all(marks in ([False], [False, True], [True]) for marks in copies.values()), spread
    outbox = SqlOutbox(f"sqlite:///{tmp_path / 'journal.sqlite'}")
    for delivery in {id for id, marks in copies.items() if marks != [False]} | unknown:
        history = outbox.history(delivery)
        cut = sum(attempt.outcome is None for attempt in history)
        # a repeat has its kill; unknown is what has two
        assert cut >= (2 if delivery in unknown else 1), history
        assert len(copies[delivery]) <= 2
        left = [attempt for attempt in history if attempt.outcome != "not_sent"]
        assert asks or len(left) - (delivery in unknown) <= 2
    outbox.close()
    if asks:
        assert not unknown
    else:
        # each of them needs a kill of its own in the midst of its repeat
        assert len(unknown) <= kills / 2
