"""What is in force, over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from litestar import Request, get
from litestar.params import FromQuery, QueryParameter

from anlan.api.reading import READ, AtDesk, Limit, Sees
from anlan.app.board import looked_up
from anlan.warn.board_filter import asked, lines_of
from anlan.warn.in_force import Alarm, Line

Place = Annotated[str, QueryParameter(description="a place with what lies in it and what holds it")]
Kind = Annotated[str, QueryParameter(description="`own` or `relayed`")]
Level = Annotated[str, QueryParameter(description="this level and more severe; unknown severity stays")]
Show = Annotated[
    str,
    QueryParameter(
        description="`all`: also what is over, replaced, held or refused; `conflicts`: one name, two contents"
    ),
]
At = Annotated[str, QueryParameter(description="the instant looked at, RFC 3339; now where left out")]
Known = Annotated[str, QueryParameter(description="as it was known at this instant, RFC 3339")]


@dataclass(frozen=True, slots=True)
class InForce:
    """`lines`: one message at one place each, the gravest first, `total` of them. A line without a place
    has an area that no place is known for. `alarms`: silent sources, whose messages stand with `current`
    false. `references` counts what became of every reference between messages, `refused` messages that came
    late and stand nowhere (`show=all` lists them)."""

    at: datetime
    known: datetime | None
    lines: list[Line]
    total: int
    alarms: tuple[Alarm, ...]
    messages: int
    repeats: int
    conflicts: int
    unresolved: int
    refused: int
    references: dict[str, int]


@get("/in-force", opt={"act": READ}, sync_to_thread=True, tags=["warnings"])
def in_force(
    request: Request[Any, Any, Any],
    desk: AtDesk,
    sees: Sees,
    place: Place = "",
    kind: Kind = "",
    level: Level = "",
    source: FromQuery[str] = "",
    show: Show = "",
    at: At = "",
    known: Known = "",
    limit: Limit = 100,
) -> InForce:
    """What is in force per place: our own messages and those of others, as known now or at an instant."""
    want = asked(desk.clock.now(), place, kind, level, source, show, at, known)
    kept = request.app.state
    if "hub" not in kept:
        kept.hub = {}
    _, found = looked_up(desk, want, kept.hub)
    lines = lines_of(found, want, desk.pack, sees)
    return InForce(
        at=want.at,
        known=want.known,
        lines=lines[:limit],
        total=len(lines),
        alarms=found.alarms,
        messages=found.messages,
        repeats=found.repeats,
        conflicts=found.conflicts,
        unresolved=found.unresolved,
        refused=found.refused,
        references=dict(found.references),
    )
