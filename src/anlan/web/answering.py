"""The page behind the link of a message: answered by two taps and without an account.

Opening it changes nothing, however often a mail scanner does it: only the second of two forms, which is
posted, answers. The link is signed and is for one delivery; used once, it says by whom and when.
"""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.middleware.rate_limit import RateLimitConfig
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from anlan.ports.desk import Desk
from anlan.warn import contact
from anlan.web.access import PUBLIC
from anlan.web.render import page

Ask = Request[Any, Any, Any]
#: characters of what somebody says with an answer
SAID = 500


@get(
    "/answer/{token:str}",
    opt={"act": PUBLIC},
    sync_to_thread=True,
    middleware=[RateLimitConfig(rate_limit=("minute", 60)).middleware],
)
def answer_page(request: Ask, token: FromPath[str], sure: FromQuery[str] = "") -> Response[str]:
    """The message and the button; with `sure`, the form that answers."""
    desk: Desk = request.app.state.desk
    delivery = desk.asked(token)
    state = desk.state()
    test = state.contact_tests.get(delivery.warning)
    return page(
        request,
        "answer.html",
        x=delivery,
        w=contact.message(test, desk.pack) if test else state.warnings[delivery.warning],
        test=test is not None,
        token=token,
        sure=bool(sure),
    )


@post(
    "/answer/{token:str}",
    opt={"act": PUBLIC, "proof": "token"},
    middleware=[RateLimitConfig(rate_limit=("minute", 30)).middleware],
)
async def answer_post(request: Ask, token: FromPath[str]) -> Redirect:
    """The answer. The link itself is the proof that the form is of somebody who has the message."""
    form = await request.form()
    desk: Desk = request.app.state.desk
    delivery = await sync_to_thread(desk.asked, token)
    if delivery.answered is None:
        text = str(form.get("text", "")).strip()[:SAID]
        await sync_to_thread(desk.receive, delivery.id, "answered", token, text)
    return Redirect(f"/answer/{token}", status_code=303)
