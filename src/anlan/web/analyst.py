"""The analyst page: one series with its bands, its past as known then, and the places like it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal
from urllib.parse import quote

from litestar import Request, Response, get
from litestar.params import FromPath, FromQuery

from anlan.model.errors import InvalidValue, NotFound, UnknownPlace
from anlan.model.time import format_instant
from anlan.ports.desk import Desk
from anlan.web.access import READ
from anlan.web.clustersview import TIMINGS, beside, drawn, neighbourhoods
from anlan.web.ground import ground, shapes_address
from anlan.web.guards import sees
from anlan.web.periods import period
from anlan.web.render import page, screen
from anlan.web.seriesview import MOST_SMALL, Looked, charts, ground_of, instant_of, look

Ask = Request[Any, Any, Any]
TABLE_ROWS = 30
STALE = 4  # periods after which the newest value is called old


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
    view = screen(request, "")
    stands = ground_of(found, desk)
    return page(
        request,
        "series.html",
        x=found,
        rows=found.values[:TABLE_ROWS],
        small=found.alike[:MOST_SMALL],
        newest=found.values[0] if found.values else None,
        ground=stands,
        shapes=shapes_address(stands, desk.pack, view.language) if stands is not None else "",
        period=lambda at: period(at, found.indicator.frequency, view.zone),
        stale=_stale(found, desk),
        ahead=bool(known) and instant_of(known) > found.known,
        scan=_scan_address(found),
    )


@get("/series-data/{indicator:str}/{place:path}", opt={"act": READ, "place": "place"}, sync_to_thread=True)
def series_data(
    request: Ask,
    indicator: FromPath[str],
    place: FromPath[str],
    rule: FromQuery[str] = "",
    known: FromQuery[str] = "",
    seen: FromQuery[str] = "",
) -> dict[str, Any]:
    """The numbers behind the charts of a page that was made at `seen`: those of the page, worked out once."""
    desk: Desk = request.app.state.desk
    found = _looked(request, indicator, place, rule, known, seen)
    return charts(found, desk, screen(request, ""))


@get("/series-scan/{indicator:str}/{place:path}", opt={"act": READ, "place": "place"}, sync_to_thread=True)
def series_scan(
    request: Ask,
    indicator: FromPath[str],
    place: FromPath[str],
    known: FromQuery[str] = "",
    timing: FromQuery[str] = "prospective",
) -> Response[str]:
    """The clusters of a counted indicator among the places like this one: a part of the page for scripts, a
    page of its own without them."""
    desk: Desk = request.app.state.desk
    if timing not in TIMINGS:
        raise InvalidValue(
            "no such timing", where="timing", found=repr(timing), expected=" or ".join(TIMINGS)
        )
    measured, here = desk.pack.indicators.get(indicator), place.strip("/")
    now = desk.clock.now()
    asof = min(now, instant_of(known)) if known else now
    try:
        alike, below = neighbourhoods(desk, here, sees(request))
    except UnknownPlace as error:
        raise NotFound("no such place", where="place", found=repr(here)) from error
    if measured is None or measured.kind != "count":
        raise NotFound("no counts to scan", where="indicator", found=repr(indicator))
    mode: Literal["prospective", "retrospective"] = (
        "prospective" if timing == "prospective" else "retrospective"
    )
    found = desk.clusters(indicator, alike, asof, mode)
    if below and len(found.points) < 2:
        # a country whose neighbours report nothing here is scanned by its own parts
        found = desk.clusters(indicator, below, asof, mode)
    view, part = screen(request, ""), bool(request.headers.get("hx-request"))
    # the page's own map shows this place's brothers, or its parts: all that is scanned, or not
    scanned = [id for id, _, _ in found.points]
    stands = None if part and beside(desk, here, scanned) else ground(desk.pack, scanned, now)
    return page(
        request,
        "_clusters.html" if part else "scan.html",
        found=found,
        drawn=drawn(found, view),
        ground=stands,
        shapes=shapes_address(stands, desk.pack, view.language) if stands is not None else "",
        indicator=measured,
        place=here,
        timing=timing,
        known=asof,
        back=asof < now,
    )


def _stale(found: Looked, desk: Desk) -> bool:
    """The newest value is of long ago: the series has ended, or its source is late."""
    if not found.values or found.back:
        return False
    step = found.indicator.frequency or timedelta(days=1)
    return desk.clock.now() - found.values[0].at > STALE * step


def _scan_address(found: Looked) -> str:
    """Where the clusters are; empty where there is nothing to scan."""
    if found.indicator.kind != "count":
        return ""
    address = f"/series-scan/{quote(found.indicator.id, safe='')}/{quote(found.place)}"
    return f"{address}?known={quote(format_instant(found.known))}" if found.back else address


def _looked(request: Ask, indicator: str, place: str, rule: str, known: str, seen: str = "") -> Looked:
    desk: Desk = request.app.state.desk
    return look(desk, indicator, place.strip("/"), rule, known, seen, sees(request))
