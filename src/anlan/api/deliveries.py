"""What the far end says of a message: receipts, answers, replies by SMS. No account is needed: each comes
with what only its sender can have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from litestar import Request, post
from litestar.concurrency import sync_to_thread
from litestar.middleware.rate_limit import RateLimitConfig
from litestar.params import FromPath, JSONBody

from anlan.api.reading import AtDesk
from anlan.formats.values import from_json
from anlan.model.errors import Unreadable

LIMIT = 16 * 1024  # bytes of one request


@dataclass(frozen=True, slots=True)
class Told:
    """`token`: of the message (for `answered` the one of its link). `text`: what is said with an answer."""

    token: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """An SMS that came in: the number it came from, as the gateway has it, and its words."""

    sender: str
    text: str


@dataclass(frozen=True, slots=True)
class Standing:
    """The delivery and where it stands now."""

    id: str
    status: str


@post(
    "/deliveries/{id:str}/{what:str}",
    opt={"act": "public", "proof": "token"},
    status_code=200,
    request_max_body_size=LIMIT,
    tags=["deliveries"],
)
async def receipt(desk: AtDesk, id: FromPath[str], what: FromPath[str], data: JSONBody[Told]) -> Standing:
    """A receipt of a message: `delivered` (the far end has it), `read` (somebody has read it) or `answered`.
    The token is what the message carried (webhooks: `token`; links: what follows `/answer/`). The same said
    twice changes nothing; a second answer is refused."""
    await sync_to_thread(desk.receive, id, what, data.token, data.text[:500])
    return Standing(id, desk.state().deliveries[id].status)


@post(
    "/sms-replies",
    opt={"act": "public", "proof": "token"},
    status_code=200,
    request_max_body_size=LIMIT,
    tags=["deliveries"],
    middleware=[RateLimitConfig(rate_limit=("minute", 600)).middleware],
)
async def sms_reply(request: Request[Any, Any, Any], desk: AtDesk) -> Standing:
    """A reply by SMS, brought by its gateway: JSON with `sender` and `text`. `X-Anlan-Timestamp` (RFC 3339,
    within ten minutes of now) and `X-Anlan-Signature`: `sha256=` and the HMAC-SHA256, hexadecimal, over the
    timestamp, a full stop and the body, by the key that `sms_key` in anlan.toml names. The words must hold
    the message's code and come from its recipient's own number."""
    body = await request.body()
    reply = from_json(Reply, body, "sms-replies")
    stamp, signature = (request.headers.get(f"x-anlan-{name}", "") for name in ("timestamp", "signature"))
    if not stamp or not signature:
        raise Unreadable("no signature", where="sms-replies", expected="X-Anlan-Timestamp, X-Anlan-Signature")
    id = await sync_to_thread(desk.replied, reply.sender, reply.text[:2000], stamp, signature, body)
    return Standing(id, desk.state().deliveries[id].status)
