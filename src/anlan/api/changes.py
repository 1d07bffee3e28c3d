"""What happens, as it happens: server-sent events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

from litestar import Request, get
from litestar.concurrency import sync_to_thread
from litestar.params import QueryParameter
from litestar.response import ServerSentEvent, ServerSentEventMessage

from anlan.acts.access import shown
from anlan.api.reading import AtDesk, Sees
from anlan.model.entry import Entry
from anlan.model.state import State
from anlan.model.time import format_instant
from anlan.ports.desk import Desk

POLL = 1.0  # seconds between looks at the journal
BEAT = 15  # looks between two signs of life
BATCH = 500  # entries sent at one look
LONGEST = 3600  # looks of one stream: then the browser asks again, and its session is looked at again

Visible = Callable[[str], bool]


@get("/changes", opt={"act": "read"}, tags=["system"], media_type="text/event-stream")
async def changes(
    request: Request[Any, Any, Any],
    desk: AtDesk,
    sees: Sees,
    after: Annotated[int | None, QueryParameter(ge=0, description="the journal number to go on from")] = None,
) -> ServerSentEvent:
    """Journal entries the caller may see, from now on or after a number (also Last-Event-ID)."""
    last = request.headers.get("last-event-id", "")
    start = int(last) if last.isdecimal() else after
    if start is None:
        start = (await sync_to_thread(desk.state)).head
    return ServerSentEvent(_stream(desk, sees, start), retry_duration=5000)


async def _stream(desk: Desk, sees: Visible, start: int) -> AsyncIterator[ServerSentEventMessage]:
    yield ServerSentEventMessage(comment="anlan", data=None)
    seq = start
    for look in range(1, LONGEST + 1):
        entries = await sync_to_thread(desk.changes, seq, BATCH)
        state = await sync_to_thread(desk.state) if entries else None
        for entry in entries:
            seq = entry.seq
            if state is not None and shown(entry, state, sees):
                yield ServerSentEventMessage(data=_data(entry, state, sees), event="entry", id=entry.seq)
        if not entries:
            if look % BEAT == 0:
                yield ServerSentEventMessage(comment="", data=None)
            await asyncio.sleep(POLL)


def _data(entry: Entry, state: State, sees: Visible) -> str:
    """A warning for several places may belong to a risk that the caller may not read: it goes unnamed."""
    risk = state.assessments.get(entry.risk)
    return json.dumps(
        {
            "seq": entry.seq,
            "at": format_instant(entry.at),
            "kind": entry.kind,
            "subject": entry.subject,
            "risk": entry.risk if risk is None or sees(risk.place) else "",
            "actor": entry.actor,
        },
        ensure_ascii=False,
    )
