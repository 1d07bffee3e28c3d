"""The one guard that stands before every route. Default deny."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.exceptions import ImproperlyConfiguredException
from litestar.handlers.base import BaseRouteHandler

from anlan.model.errors import NotAllowed, NotFound
from anlan.model.text import Text
from anlan.ports.desk import ACTS, Desk
from anlan.web.access import PUBLIC, READ, may
from anlan.web.session import Caller, check_form
from anlan.web.subjects import places_of

FORM = "form"  # the act and its subject stand in the posted form


class SignInNeeded(NotAllowed):
    """Nobody is signed in: the answer is 401, or the sign-in page."""


class Refused(NotAllowed):
    """Access refused; `reason` in both languages."""

    def __init__(self, reason: Text) -> None:
        self.reason = reason
        super().__init__(reason.en)


def declared(handlers: Iterable[BaseRouteHandler]) -> None:
    """ImproperlyConfiguredException when a route does not say which act it is. The framework's own
    OPTIONS answers declare none: the guard refuses them."""
    for handler in handlers:
        if getattr(handler, "http_methods", None) == {"OPTIONS"}:
            continue
        if not isinstance(handler.opt.get("act"), str):
            raise ImproperlyConfiguredException(f"{sorted(handler.paths)}: the route declares no act")


async def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Refuse unless the route's declared act is allowed to this caller at the record's places."""
    act = handler.opt.get("act")
    if not isinstance(act, str) or not isinstance(connection, Request):
        raise NotAllowed("this route declares no act")
    request: Request[Any, Any, Any] = connection
    desk: Desk = request.app.state.desk
    caller: Caller = request.auth
    if act != PUBLIC and request.user is None:
        raise SignInNeeded("sign in first")
    # what comes with its own proof (a token of a message, a signature) is no form of ours
    if request.method not in ("GET", "HEAD", "OPTIONS") and handler.opt.get("proof") != "token":
        await check_form(request)
    if act == PUBLIC:
        return
    subject = str(request.path_params.get("id", ""))
    if act == FORM:
        form = await request.form()
        act, subject = str(form.get("act", "")), str(form.get("subject", ""))
        if act not in ACTS:
            raise NotFound("no such act", where="act", found=repr(act))
    # a roster lies where its watch does, which the desk looks up in the pack
    placed = handler.opt.get("record", True) and not act.startswith("shift.")
    places = places_of(desk.state(), subject) if subject and placed else ()
    if named := handler.opt.get("place"):
        # the record is a place itself
        places = (str(request.path_params.get(named, "")).strip("/"),)
    now, key = desk.clock.now(), caller.way == "key"
    decision = may(request.user, act, places, pack=desk.pack, at=now, key=key)
    if not decision.allowed:
        raise Refused(decision.reason)


def sees(request: Request[Any, Any, Any]) -> Any:
    """A function place -> bool: whether the caller may read records there. Remembers its answers."""
    desk: Desk = request.app.state.desk
    now = desk.clock.now()
    known: dict[str, bool] = {}

    def visible(place: str) -> bool:
        if place not in known:
            known[place] = may(request.user, READ, (place,), pack=desk.pack, at=now).allowed
        return known[place]

    return visible
