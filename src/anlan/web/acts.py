"""What the console can change: sign in and out, the reader's choices, and the acts of the desk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from litestar import Request, Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.middleware.rate_limit import RateLimitConfig
from litestar.params import FromQuery
from litestar.response import Redirect

from anlan.model.errors import AnlanError, InvalidValue, NotAllowed, StoreUnavailable
from anlan.model.text import LANGUAGES
from anlan.ports.desk import ACTS, Desk
from anlan.web.access import PUBLIC, READ
from anlan.web.errors import problem
from anlan.web.guards import FORM
from anlan.web.refusals import Tried, refused
from anlan.web.render import page
from anlan.web.session import (
    LANGUAGE,
    SESSION,
    THEME,
    THEMES,
    VISIT,
    Caller,
    cookie,
    expired,
    form_token,
    new_visit,
)

Ask = Request[Any, Any, Any]
FIELD_LIMIT = 20_000  # characters of one form field
#: what an analyst decides of a risk; the form asks why, and blanks are no answer
REASONED = ("assessment.confirm", "assessment.watch", "assessment.dismiss")
#: fields that are never shown again
SECRETS = ("code",)
#: acts on a message in force that make the draft of the next one
FOLLOWING = (
    "warning.update",
    "warning.raise",
    "warning.lower",
    "warning.extend",
    "warning.cancel",
    "warning.all_clear",
)


def local(path: str) -> str:
    """`path` when it leads to our own site, else the duty page."""
    inside = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return path if inside else "/"


def _secure(request: Ask) -> bool:
    return request.url.scheme == "https"


@get("/sign-in", opt={"act": PUBLIC})
async def sign_in_page(request: Ask, next: FromQuery[str] = "/") -> Response[Any]:
    """The sign-in form."""
    if request.user is not None:
        return Redirect(local(next), status_code=303)
    visit = request.cookies.get(VISIT) or new_visit()
    return page(
        request,
        "sign_in.html",
        csrf=form_token(visit),
        cookies=[cookie(VISIT, visit, secure=_secure(request))],
        next=local(next),
        failed="",
        name="",
    )


@post("/sign-in", opt={"act": PUBLIC}, middleware=[RateLimitConfig(rate_limit=("minute", 30)).middleware])
async def sign_in(request: Ask) -> Response[Any]:
    """Begin a session. The form's proof was checked by the guard."""
    form = await request.form()
    name, password = str(form.get("name", "")), str(form.get("password", ""))
    back = local(str(form.get("next", "/")))
    desk: Desk = request.app.state.desk
    try:
        token = await sync_to_thread(desk.sign_in, name, password)
    except NotAllowed as refused:
        return page(request, "sign_in.html", status=403, next=back, failed=refused.message, name=name[:100])
    secure = _secure(request)
    return Redirect(
        back,
        status_code=303,
        cookies=[cookie(SESSION, token, secure=secure), expired(VISIT, secure=secure)],
    )


@post("/sign-out", opt={"act": READ})
async def sign_out(request: Ask) -> Redirect:
    """End the session."""
    caller: Caller = request.auth
    desk: Desk = request.app.state.desk
    await sync_to_thread(desk.sign_out, caller.secret)
    return Redirect("/sign-in", status_code=303, cookies=[expired(SESSION, secure=_secure(request))])


@get("/prefs", opt={"act": PUBLIC})
async def prefs(
    request: Ask, back: FromQuery[str] = "/", lang: FromQuery[str] = "", theme: FromQuery[str] = ""
) -> Redirect:
    """Keep the reader's language or theme."""
    secure = _secure(request)
    kept = []
    if lang in LANGUAGES:
        kept.append(cookie(LANGUAGE, lang, secure=secure, lasting=True))
    if theme in THEMES:
        kept.append(cookie(THEME, theme, secure=secure, lasting=True))
    return Redirect(local(back), status_code=303, cookies=kept)


@post("/act", opt={"act": FORM})
async def act(request: Ask) -> Response[Any]:
    """Do one act of the desk, then go to the draft that it made, or back to the page it came from. Access
    was decided by the guard; the desk checks the powers of law, and what it refuses is told where it was
    asked, with the words that were typed."""
    form = await request.form()
    name, subject = str(form.get("act", "")), str(form.get("subject", ""))
    fields = {field: str(form[field]).strip() for field in (*ACTS[name], "reason") if field in form}
    back = local(str(form.get("back", "/")))
    desk: Desk = request.app.state.desk
    try:
        _whole(fields)
        _reasoned(name, fields)
        written = await sync_to_thread(desk.act, request.user, name, subject, fields)
    except StoreUnavailable:
        raise
    except AnlanError as error:
        typed = {field: text for field, text in fields.items() if text and field not in SECRETS}
        tried = Tried(name, subject, typed, problem(request, error), back)
        return await sync_to_thread(refused, request, tried)
    if name in FOLLOWING:
        warnings = desk.state().warnings
        made = (one for one in written if one in warnings and subject in warnings[one].references)
        back = next((f"/warning/{quote(one, safe='')}" for one in made), back)
    return Redirect(back, status_code=303)


def _reasoned(name: str, fields: Mapping[str, str]) -> None:
    if name in REASONED and not fields.get("reason"):
        raise InvalidValue(
            "a reason in words is needed, and nothing was done",
            where="reason",
            found="nothing",
            expected="why, for the record",
        )


def _whole(fields: Mapping[str, str]) -> None:
    for field, text in fields.items():
        if len(text) > FIELD_LIMIT:
            raise InvalidValue(
                "too long, and nothing of it is cut off",
                where=field,
                found=f"{len(text):,} characters",
                expected=f"at most {FIELD_LIMIT:,}",
            )
