"""Observations pushed over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from litestar import Request, post
from litestar.concurrency import sync_to_thread
from litestar.exceptions import HTTPException
from litestar.params import FromQuery

from anlan.api.reading import AtDesk
from anlan.formats.pushed import ARROW, JSON

LIMIT = 32 * 1024 * 1024  # bytes of one request


@dataclass(frozen=True, slots=True)
class Receipt:
    """`accepted` rows are new and durable, `repeated` were there already, `quarantined` are the ids
    under which the unusable rest is kept with its reasons."""

    accepted: int
    repeated: int
    quarantined: tuple[str, ...]


@post(
    "/observations",
    opt={"act": "observation.push"},
    status_code=202,
    request_max_body_size=LIMIT,
    tags=["observations"],
)
async def observations(request: Request[Any, Any, Any], desk: AtDesk, source: FromQuery[str]) -> Receipt:
    """Push observations under a source of the pack, as JSON or as an Arrow stream. Sending the same
    twice changes nothing. 202: what was accepted is durable, the rest is quarantined."""
    kind = request.content_type[0]
    if kind not in (JSON, ARROW):
        raise HTTPException(status_code=415, detail=f"found {kind or 'no type'}; expected {JSON} or {ARROW}")
    result = await sync_to_thread(desk.ingest, await request.body(), kind, source)
    return Receipt(result.accepted, result.repeated, result.quarantined)
