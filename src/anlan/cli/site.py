"""The web application over a running desk: console, public pages and API."""

from __future__ import annotations

from typing import Any

from litestar import Litestar
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from anlan.api.routes import openapi, router
from anlan.app.desk import RunningDesk
from anlan.app.serve import key_file
from anlan.web.session import Keys
from anlan.web.site import site


def application(desk: RunningDesk) -> Any:
    """Everything the service answers."""
    keys = key_file(desk)
    whole: Litestar = site(desk, (router(),), openapi=openapi(), keys=Keys.read(keys) if keys else None)
    return behind_https(whole) if desk.house.config.secure else whole


def behind_https(inner: ASGIApp) -> ASGIApp:
    """The same, for readers who come over https through a proxy that does not say so."""

    async def outer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP:
            scope["scheme"] = "https"
        await inner(scope, receive, send)

    return outer
