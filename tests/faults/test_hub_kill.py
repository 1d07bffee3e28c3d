"""A desk killed at any moment while it hears the messages of others loses none and tells none twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hub_process import MESSAGES, feed

from anlan.formats.values import sha256
from anlan.model.state import State, fold
from anlan.store.journal import SqlJournal
from anlan.store.messages import SqlMessages
from anlan.warn import hub

HERE = Path(__file__).resolve().parent


def start(folder: Path) -> subprocess.Popen[str]:
    path = os.pathsep.join((str(HERE), str(HERE.parent)))
    return subprocess.Popen(
        [sys.executable, str(HERE / "hub_process.py"), str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": path},
    )


def state_of(folder: Path) -> State:
    journal = SqlJournal(f"sqlite:///{folder / 'journal.sqlite'}")
    journal.verify()
    state = fold(journal.read())
    journal.close()
    return state


def view(state: State) -> dict[str, object]:
    links = hub.chains(state.relayed.values())
    return {
        id: (link.references, link.replaced_by, link.cancelled_by, link.chain) for id, link in links.items()
    }


@pytest.mark.slow
def test_killed_at_any_moment_the_hub_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    whole, torn = tmp_path / "whole", tmp_path / "torn"
    with start(whole) as process:
        process.communicate()
    assert process.returncode == 0
    roll = random.Random(11)
    for _ in range(3):
        with start(torn) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(roll.random() * 1.5)
            os.kill(process.pid, signal.SIGKILL)
        if (torn / "journal.sqlite").exists():
            names = [one.identifier for one in state_of(torn).relayed.values()]
            # what was heard is heard for good, and in order
            assert names == [f"m-{number}" for number in range(len(names))]
    with start(torn) as process:
        process.communicate()
    assert process.returncode == 0
    one, other = state_of(whole), state_of(torn)
    assert view(one) == view(other)
    assert len(other.relayed) == MESSAGES
    store = SqlMessages(f"sqlite:///{torn / 'journal.sqlite'}")
    for number, message in enumerate(other.relayed.values()):
        (way,) = message.feeds
        assert store.read(way.digest) == feed(number)
        assert way.digest == sha256(feed(number))
    store.close()
