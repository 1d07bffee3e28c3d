"""The web application over a running desk: console, public pages and API."""

from __future__ import annotations

from litestar import Litestar

from anlan.api.routes import openapi, router
from anlan.app.desk import RunningDesk
from anlan.app.serve import key_file
from anlan.web.session import Keys
from anlan.web.site import site


def application(desk: RunningDesk) -> Litestar:
    """Everything the service answers."""
    keys = key_file(desk)
    return site(desk, (router(),), openapi=openapi(), keys=Keys.read(keys) if keys else None)
