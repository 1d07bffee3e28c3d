"""The analyst page: one series with its bands, its past as known then, and the places like it."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath, FromQuery

from anlan.ports.desk import Desk
from anlan.web.access import READ
from anlan.web.guards import sees
from anlan.web.render import page, screen
from anlan.web.seriesview import MOST_SMALL, Looked, charts, layer_with, look

Ask = Request[Any, Any, Any]
TABLE_ROWS = 30


@get("/series/{indicator:str}/{place:path}", opt={"act": READ, "place": "place"}, sync_to_thread=True)
def series_page(
    request: Ask,
    indicator: FromPath[str],
    place: FromPath[str],
    rule: FromQuery[str] = "",
    known: FromQuery[str] = "",
) -> Response[str]:
    """A series, what its rule's detector says of it, and what can be done."""
    found = _looked(request, indicator, place, rule, known)
    desk: Desk = request.app.state.desk
    layer = layer_with(desk.pack, (*found.alike, found.place), desk.clock.now())
    return page(
        request,
        "series.html",
        x=found,
        rows=found.values[:TABLE_ROWS],
        small=found.alike[:MOST_SMALL],
        newest=found.values[0] if found.values else None,
        layer=layer,
        shown=desk.pack.geometry[layer] if layer is not None else None,
    )


@get("/series-data/{indicator:str}/{place:path}", opt={"act": READ, "place": "place"}, sync_to_thread=True)
def series_data(
    request: Ask,
    indicator: FromPath[str],
    place: FromPath[str],
    rule: FromQuery[str] = "",
    known: FromQuery[str] = "",
) -> dict[str, Any]:
    """The numbers behind the page's charts."""
    desk: Desk = request.app.state.desk
    found = _looked(request, indicator, place, rule, known)
    return charts(found, desk, screen(request, ""))


def _looked(request: Ask, indicator: str, place: str, rule: str, known: str) -> Looked:
    desk: Desk = request.app.state.desk
    return look(desk, indicator, place.strip("/"), rule, known, sees(request))
