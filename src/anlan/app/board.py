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

#: what the board is made of
SHOWN = ("warnings", "relayed", "sources")


def looked_up(desk: Desk, want: Asked, cache: dict[Any, Any]) -> tuple[State, Board]:
    """The state that counts and the board of it. `cache` keeps the chains of the newest
    state, and its boards until time alone changes them."""
    if want.known is not None:
        state = desk.as_known(want.known, SHOWN)
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


def chains_of(state: State, cache: dict[Any, Any]) -> Mapping[str, Link]:
    """Every received message in its chain, worked out once for each state."""
    kept = cache.get("chains")
    if kept is None or kept[0] != state.head:
        # one value, so that two requests at once cannot mix theirs
        kept = cache["chains"] = (state.head, hub.chains(state.relayed.values()))
    links: Mapping[str, Link] = kept[1]
    return links
