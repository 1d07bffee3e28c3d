"""The whole site: console, public pages and whatever routers are mounted beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from litestar import Litestar, Router
from litestar.config.compression import CompressionConfig
from litestar.datastructures import CacheControlHeader, State
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.static_files import create_static_files_router

from anlan.ports.desk import Desk
from anlan.web import (
    account,
    acts,
    analyst,
    answering,
    composer,
    delivering,
    inforce,
    mappages,
    pages,
    public,
)
from anlan.web.access import PUBLIC
from anlan.web.errors import answer
from anlan.web.guards import declared, guard, sees
from anlan.web.headers import add_headers
from anlan.web.render import STATIC
from anlan.web.session import Keys, SessionMiddleware

FORM_LIMIT = 256 * 1024  # bytes; routes that take data set their own

# A page carries the form token: compressing it beside a reader's own words would leak it.
UNCOMPRESSED = [
    r"^/$",
    r"^/(?:sign-in|sign-out|act|prefs|map$|risk|series|warning|incident|quarantine|status|in-force|relayed|silences|group|account|compose|ladder|roster|answer|v1)",
]

CONSOLE: tuple[Any, ...] = (
    pages.home,
    pages.risk,
    pages.series,
    pages.warning,
    pages.cap,
    pages.incident,
    delivering.deliveries_page,
    delivering.ladder_page,
    delivering.roster_page,
    answering.answer_page,
    answering.answer_post,
    pages.quarantine,
    inforce.in_force_page,
    inforce.relayed_page,
    inforce.relayed_cap,
    inforce.silences_page,
    inforce.group_page,
    analyst.series_page,
    analyst.series_data,
    analyst.series_scan,
    mappages.map_page,
    mappages.map_outlines,
    mappages.map_shading,
    acts.sign_in_page,
    acts.sign_in,
    acts.sign_out,
    acts.prefs,
    acts.act,
    account.account,
    account.enrol,
    account.confirm,
    composer.compose_page,
    composer.compose_check,
    public.status,
    public.feed,
    public.cap_file,
)


def _provide_desk(state: State) -> Any:
    return state.desk


def site(
    desk: Desk,
    routers: Sequence[Router] = (),
    *,
    openapi: OpenAPIConfig | None = None,
    keys: Keys | None = None,
    zone: str = "UTC",
    hosts: Sequence[str] = (),
) -> Litestar:
    """The ASGI application over a desk. `routers` are mounted beside the pages (the API's); their
    handlers may ask for `desk` and `sees`. `hosts` are the names the site answers to (empty: any).
    `zone` is the zone in which instants are shown. Raises when a route declares no act."""
    app = Litestar(
        route_handlers=[
            Router("/", route_handlers=CONSOLE, include_in_schema=False),
            create_static_files_router(
                path="/static",
                directories=[STATIC],
                opt={"act": PUBLIC},
                cache_control=CacheControlHeader(public=True, max_age=31_536_000, immutable=True),
                include_in_schema=False,
            ),
            *routers,
        ],
        guards=[guard],
        middleware=[SessionMiddleware],
        before_send=[add_headers],
        dependencies={
            "desk": Provide(_provide_desk, sync_to_thread=False),
            "sees": Provide(sees, sync_to_thread=False),
        },
        exception_handlers={Exception: answer},
        compression_config=CompressionConfig(backend="gzip", exclude=UNCOMPRESSED),
        request_max_body_size=FORM_LIMIT,
        openapi_config=openapi,
        allowed_hosts=list(hosts) or None,
        logging_config=None,
        state=State({"desk": desk, "machine_keys": keys or Keys(), "zone": zone, "live": False}),
    )
    declared(handler for route in app.routes for handler in _handlers(route))
    app.state.live = any(route.path == "/v1/changes" for route in app.routes)
    return app


def _handlers(route: Any) -> list[Any]:
    return list(getattr(route, "route_handlers", None) or [route.route_handler])
