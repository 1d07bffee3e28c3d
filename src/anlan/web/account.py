"""The reader's own account: the authenticator that an approval asks for."""

from __future__ import annotations

from typing import Any

import segno
from litestar import Request, Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.middleware.rate_limit import RateLimitConfig

from anlan.model.errors import NotAllowed
from anlan.ports.desk import Desk
from anlan.web.access import READ
from anlan.web.render import page

Ask = Request[Any, Any, Any]
TRIES = [RateLimitConfig(rate_limit=("minute", 30)).middleware]


@get("/account", opt={"act": READ}, sync_to_thread=True)
def account(request: Ask) -> Response[str]:
    """What the account has of one-time codes, and the way to more."""
    return _page(request)


@post("/account/authenticator", opt={"act": READ}, middleware=TRIES)
async def enrol(request: Ask) -> Response[str]:
    """A new secret, shown once, as a drawing and as text; in force after a code of it."""
    form, desk = await request.form(), _desk(request)
    password, code = str(form.get("password", "")), str(form.get("code", ""))
    try:
        secret, uri = await sync_to_thread(desk.enrol, request.user, password, code)
    except NotAllowed as refused:
        return _page(request, status=403, failed=refused)
    return _page(request, secret=secret, uri=uri)


@post("/account/authenticator/confirm", opt={"act": READ}, middleware=TRIES)
async def confirm(request: Ask) -> Response[str]:
    """The authenticator shows a code; the recovery codes are shown this once."""
    form, desk = await request.form(), _desk(request)
    try:
        codes = await sync_to_thread(desk.confirm_enrolment, request.user, str(form.get("code", "")))
    except NotAllowed as refused:
        return _page(request, status=403, failed=refused)
    return _page(request, codes=codes)


def _page(
    request: Ask,
    status: int = 200,
    failed: NotAllowed | None = None,
    secret: str = "",
    uri: str = "",
    codes: tuple[str, ...] = (),
) -> Response[str]:
    state, left = _desk(request).second_factor(request.user)
    return page(
        request,
        "account.html",
        status=status,
        state=state,
        left=left,
        failed=failed.sentence() if failed else "",
        secret=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        uri=uri,
        drawn=segno.make(uri, error="m").svg_data_uri(scale=5, light="#fff", dark="#000") if uri else "",
        codes=codes,
    )


def _desk(request: Ask) -> Desk:
    desk: Desk = request.app.state.desk
    return desk
