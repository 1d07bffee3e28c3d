"""The rooms that many tests begin in: the chain's pack with a real lake, journal and outbox."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from chain_pack import Room, chain_pack, stage


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    """Nothing has happened yet."""
    room = Room(tmp_path, chain_pack())
    yield room
    room.close()


@pytest.fixture
def drafted(room: Room) -> Room:
    """The river stands high, and the draft of a warning waits."""
    room.learn(stage(0, 5.0))
    return room
