"""A replay killed again and again, at random, ends as if nobody had touched it.

Here two dozen times; a hundred times: `./run test -m soak tests/faults/test_replay_kills.py`, and `./run
soak` has it as well."""

from __future__ import annotations

import json
import os
import queue
import random
import signal
import sqlite3
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import IO, Any

import pytest
from replay_peers import Arrivals, listening
from replay_process import KEY

from anlan.store.journal import SqlJournal
from anlan.store.lake import DeltaLake

#: kills, and how many of them between a message's arrival and its answer; that is some turns away each time
FEW, MANY, TURNS_TO_MESSAGE = (24, 9), (100, 15), 4
RESERVE = 10
SEED = 20_111_109
ROWS = "SELECT seq, at, kind, subject, risk, actor, body, previous, digest FROM journal ORDER BY seq"


class Replays:
    """The server that forks replays, with its lines in a queue."""

    def __init__(self, root: Path, peers: Arrivals, key: Path) -> None:
        self.peers = peers
        self.key = key
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("replay_process.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(root / "src")},
        )
        assert self._process.stdin
        assert self._process.stdout
        self._in: IO[str] = self._process.stdin
        self._lines: queue.Queue[str] = queue.Queue()
        self._listener = threading.Thread(target=self._listen, args=(self._process.stdout,), daemon=True)
        self._listener.start()
        self.wait("ready", 120)

    def _listen(self, out: IO[str]) -> None:
        with out:
            for line in out:
                self._lines.put(line.strip())
        self._lines.put("gone")

    def wait(self, wanted: str, seconds: float) -> str | None:
        """The next line that begins so; `done` or the end of the server come out as well; None when
        the time is over."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            try:
                line = self._lines.get(timeout=left)
            except queue.Empty:
                return None
            if line.startswith(wanted) or line in ("done", "gone"):
                return line
        return None

    def start(self, workspace: Path) -> int:
        """A new process that goes on with the replay in that workspace; its id."""
        run = {
            "workspace": str(workspace),
            "mail": self.peers.mail,
            "web": self.peers.web,
            "key": str(self.key),
        }
        self._in.write(json.dumps(run) + "\n")
        self._in.flush()
        line = self.wait("pid", 30)
        assert line, "no process was started"
        return int(line.split()[1])

    def reap(self) -> int:
        """The exit status of the process, once it has ended; -9 when it was killed."""
        self._in.write("reap\n")
        self._in.flush()
        while True:
            line = self.wait("ended", 60)
            assert line not in (None, "gone"), "the process does not end"
            if line and line.startswith("ended"):
                return int(line.split()[1])

    def close(self) -> None:
        self._in.close()
        self._process.wait(30)
        self._listener.join(30)


@pytest.fixture
def peers() -> Iterator[Arrivals]:
    with listening() as arrivals:
        yield arrivals


@pytest.fixture
def replays(root: Path, peers: Arrivals, tmp_path: Path) -> Iterator[Replays]:
    key = tmp_path / "webhook.key"
    key.write_text(KEY)
    key.chmod(0o600)
    server = Replays(root, peers, key)
    yield server
    server.close()


def undisturbed(replays: Replays, workspace: Path) -> tuple[list[str], float]:
    """The instants of the turns of a run that nobody kills, and the seconds that most turns take."""
    workspace.mkdir()
    replays.start(workspace)
    assert replays.wait("running", 60)
    turns, ends = [], [time.monotonic()]
    while (line := replays.wait("turn", 120)) and line.startswith("turn"):
        turns.append(line.split()[1])
        ends.append(time.monotonic())
    assert line == "done"
    assert replays.reap() == 0
    return turns, statistics.median(right - left for left, right in pairwise(ends))


def killed(
    replays: Replays,
    peers: Arrivals,
    workspace: Path,
    turns: list[str],
    pace: float,
    kills: int,
    messages: int,
) -> Counter[str]:
    """Kill the replay so many times; by what it was struck: at a moment, or between a message's
    arrival and its answer. Moments are dealt out so that they cover the whole run."""
    chance = random.Random(SEED)
    by_message = set(chance.sample(range(kills), messages))
    struck: Counter[str] = Counter()
    for number in range(kills):
        pid = replays.start(workspace)
        line = replays.wait("running", 60)
        assert line, "the replay does not start"
        # what is left, but for a reserve: the replay must not end before its last kill
        left = sum(turn > line.removeprefix("running").strip() for turn in turns) - RESERVE
        ahead = left - TURNS_TO_MESSAGE * sum(other >= number for other in by_message)
        hit = number in by_message and left > 0 and struck_by_message(peers, pid, 10)
        if not hit:
            for _ in range(round(chance.uniform(0, max(2 * ahead, 0) / (kills - number)))):
                line = replays.wait("turn", 60)
                assert line, "the replay does not go on"
            time.sleep(chance.uniform(0, 2 * pace))
            os.kill(pid, signal.SIGKILL)
        assert replays.reap() == -signal.SIGKILL, "the replay ended before its last kill"
        struck["message" if hit else "moment"] += 1
    return struck


def struck_by_message(peers: Arrivals, pid: int, seconds: float) -> bool:
    """Kill the process when its next message has arrived and before it is answered; False where none
    came in time."""
    hit = threading.Event()

    def strike() -> None:
        peers.strike = None
        os.kill(pid, signal.SIGKILL)
        hit.set()

    peers.strike = strike
    hit.wait(seconds)
    peers.strike = None
    return hit.is_set()


def rows(workspace: Path) -> list[Any]:
    with sqlite3.connect(workspace / "journal.sqlite") as connection:
        found = connection.execute(ROWS).fetchall()
    connection.close()
    return found


def attempts(workspace: Path) -> list[Any]:
    with sqlite3.connect(workspace / "journal.sqlite") as connection:
        found = connection.execute("SELECT delivery, outcome, repeat FROM attempts").fetchall()
    connection.close()
    return found


@pytest.mark.parametrize(
    ("kills", "messages"), [FEW, pytest.param(*MANY, marks=pytest.mark.soak)], ids=["few", "many"]
)
def test_a_replay_killed_again_and_again_ends_as_one_that_was_not(
    replays: Replays, peers: Arrivals, tmp_path: Path, kills: int, messages: int
) -> None:
    turns, pace = undisturbed(replays, tmp_path / "calm")
    expected = Counter(delivery for delivery, _ in peers.came)
    assert expected
    assert set(expected.values()) == {1}
    assert not any(repeat for _, repeat in peers.came)
    peers.came.clear()

    workspace = tmp_path / "killed"
    workspace.mkdir()
    struck = killed(replays, peers, workspace, turns, pace, kills, messages)
    assert struck.total() == kills
    assert struck["message"] >= messages // 3, struck
    replays.start(workspace)
    assert replays.wait("done", 300) == "done"
    assert replays.reap() == 0

    calm = rows(tmp_path / "calm")
    for left, right in zip(rows(workspace), calm, strict=False):
        assert left == right
    assert len(rows(workspace)) == len(calm)
    journal = SqlJournal(f"sqlite:///{workspace}/journal.sqlite", create=False)
    assert journal.verify() == len(calm)
    journal.close()

    arrived = Counter(delivery for delivery, _ in peers.came)
    assert set(arrived) == set(expected), "a delivery was lost, or one came that nobody made"
    seen: set[str] = set()
    for delivery, repeat in peers.came:
        assert repeat or delivery not in seen, f"{delivery} came again and was not marked"
        seen.add(delivery)
    tried = attempts(workspace)
    accepted = {delivery for delivery, outcome, _ in tried if outcome == "accepted"}
    assert accepted == {
        delivery for delivery, outcome, _ in attempts(tmp_path / "calm") if outcome == "accepted"
    }
    assert accepted > set(expected), "the feed's deliveries are accepted too"
    marked = sum(bool(repeat) for _, _, repeat in tried)
    assert arrived.total() - len(arrived) <= marked <= kills, "at most one repeat for each kill"

    assert lake(workspace) == lake(tmp_path / "calm")
    assert feed(workspace) == feed(tmp_path / "calm")


def lake(workspace: Path) -> dict[str, Any]:
    """Every revision of every indicator."""
    opened = DeltaLake.open(workspace)
    try:
        return {indicator: opened.revisions(indicator) for indicator in opened.indicators()}
    finally:
        opened.close()


def feed(workspace: Path) -> dict[str, bytes]:
    """The published files."""
    return {path.name: path.read_bytes() for path in (workspace / "feed").rglob("*.xml")}
