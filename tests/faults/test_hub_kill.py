"""A desk killed at any moment while it hears the messages of others loses none and tells none twice."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
from hub_process import MESSAGES, feed

from anlan.formats.values import sha256
from anlan.model.state import State, fold
from anlan.store.journal import SqlJournal
from anlan.store.messages import SqlMessages
from anlan.warn import hub
from prepared import Command

PROCESS = Path(__file__).with_name("hub_process.py")


def start(folder: Path) -> Command:
    return Command([str(folder)], PROCESS)


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
            process.stdout.readline()
            time.sleep(roll.random() * 1.5)
            process.kill()
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
