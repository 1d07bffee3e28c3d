"""The web application over a running desk: console, API, and the public site before both."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from litestar import Litestar
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from anlan.api.routes import openapi, router
from anlan.app.desk import RunningDesk
from anlan.app.serve import key_file
from anlan.web.bulletin.edition import Settings
from anlan.web.bulletin.press import Press
from anlan.web.bulletin.serving import PREFIX, Serving
from anlan.web.session import Keys
from anlan.web.site import site

if TYPE_CHECKING:
    from anlan.app.config import Config


def application(desk: RunningDesk) -> Any:
    """Everything the service answers."""
    keys, config = key_file(desk), desk.house.config
    whole: Litestar = site(desk, (router(),), openapi=openapi(), keys=Keys.read(keys) if keys else None)
    folder = config.site.folder
    press = Press(
        desk, settings(config), desk.house.workspace / Path(folder).expanduser() if folder else None
    )
    answered = Serving(press, whole)
    return behind_https(answered) if config.secure else answered


def settings(config: Config) -> Settings:
    """How the public site is to be built."""
    return Settings(
        address=config.site.address or (config.url + PREFIX if config.url else ""),
        period=timedelta(seconds=config.site.period_s),
        zone=ZoneInfo(config.site.zone),
        sender=config.sender,
    )


def behind_https(inner: ASGIApp) -> ASGIApp:
    """The same, for readers who come over https through a proxy that does not say so."""

    async def outer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP:
            scope["scheme"] = "https"
        await inner(scope, receive, send)

    return outer
