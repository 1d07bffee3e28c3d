"""The board of what is in force, as the console and the API both show it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from anlan.model.state import State
from anlan.ports.desk import Desk
from anlan.warn import hub
from anlan.warn.board_filter import Asked
from anlan.warn.hub import Link
from anlan.warn.in_force import Board, board

#: so many rows of the journal are read at once
PART = 5_000


def looked_up(desk: Desk, want: Asked, cache: dict[Any, Any]) -> tuple[State, Board]:
    """The state that counts and the board of it. `cache` keeps the chains of the newest
    state, and its boards until time alone changes them."""
    if want.known is not None:
        state = as_known(desk, want.known)
        return state, board(state, desk.pack, want.at, every=want.every)
    state = desk.state()
    links = chains_of(state, cache)
    kept = cache.get(want.every)
    if kept is not None:
        head, since, found = kept
        if head == state.head and since <= want.at and (found.until is None or want.at < found.until):
            return state, found
    found = board(state, desk.pack, want.at, links, every=want.every)
    cache[want.every] = (state.head, want.at, found)
    return state, found


def as_known(desk: Desk, known: datetime) -> State:
    """What was the case as known at an instant: the journal until then, read in parts. Its rows never go
    back in time, so the first part that lies behind it is the end."""
    state, after = State(), 0
    while rows := desk.changes(after, PART):
        if rows[0].at > known and rows[-1].at > known:
            break
        for entry in rows:
            if entry.at <= known:
                state.put(entry.subject, entry.value)
        after = rows[-1].seq
    return state


def chains_of(state: State, cache: dict[Any, Any]) -> Mapping[str, Link]:
    """Every received message in its chain, worked out once for each state."""
    kept = cache.get("chains")
    if kept is None or kept[0] != state.head:
        # one value, so that two requests at once cannot mix theirs
        kept = cache["chains"] = (state.head, hub.chains(state.relayed.values()))
    links: Mapping[str, Link] = kept[1]
    return links
