"""The board of what is in force, as the console and the API both show it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anlan.model.state import State
from anlan.ports.desk import Desk
from anlan.warn import hub
from anlan.warn.board_filter import Asked
from anlan.warn.hub import Link
from anlan.warn.in_force import Board, board


def looked_up(desk: Desk, want: Asked, cache: dict[str, Any]) -> tuple[State, Board]:
    """The state that counts and the board of it. `cache` keeps the chains of the newest state."""
    if want.known is not None:
        # entry by entry: a clock that was set back may have written later rows with earlier instants
        state = State()
        for entry in desk.changes(0):
            if entry.at <= want.known:
                state.put(entry.subject, entry.value)
        return state, board(state, desk.pack, want.at, every=want.every)
    state = desk.state()
    if cache.get("head") != state.head:
        cache["links"], cache["head"] = hub.chains(state.relayed.values()), state.head
    links: Mapping[str, Link] = cache["links"]
    return state, board(state, desk.pack, want.at, links, every=want.every)
