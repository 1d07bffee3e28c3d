"""The map page and the data behind it."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath, FromQuery

from anlan.model.errors import NotFound
from anlan.model.pack import GeometryLayer
from anlan.ports.desk import Desk
from anlan.web import framed
from anlan.web.access import READ
from anlan.web.geometry import outlines
from anlan.web.guards import sees
from anlan.web.mapview import layer_of, levels, marks, shading
from anlan.web.render import page, screen

Ask = Request[Any, Any, Any]


@get("/map", opt={"act": READ}, sync_to_thread=True)
def map_page(request: Ask, layer: FromQuery[int] = -1) -> Response[str]:
    """The map with its list; without a choice, the first layer on which something is marked."""
    desk: Desk = request.app.state.desk
    layers = desk.pack.geometry
    found = marks(desk.state(), sees(request), desk.clock.now(), desk.mode)
    if layer < 0:
        layer = layer_of(desk.pack, (mark.place for mark in found), desk.clock.now())
    shown = _layer(desk, layer) if layers else None
    nameless = sum(1 for f in outlines(shown)["features"] if not f["properties"]["place"]) if shown else 0
    return page(request, "map.html", marks=found, layers=layers, layer=layer, shown=shown, nameless=nameless)


@get("/map/outlines/{number:int}", opt={"act": READ}, sync_to_thread=True)
def map_outlines(
    request: Ask, number: FromPath[int], within: FromQuery[str] = ""
) -> Response[dict[str, Any]]:
    """The outlines of a layer with the places' names, as GeoJSON (RFC 7946): all of them, or what a map shows
    around the frame `within` (west,south,east,north)."""
    desk: Desk = request.app.state.desk
    view = screen(request, "")
    layer = _layer(desk, number)
    drawn = framed.within(layer, framed.read_frame(within)) if within else outlines(layer)
    named = [
        {
            **feature,
            "id": index,
            "properties": {
                "place": feature["properties"]["place"],
                "name": view.place(feature["properties"]["place"]),
            },
        }
        for index, feature in enumerate(drawn["features"])
    ]
    return Response(
        {**drawn, "features": named},
        media_type="application/geo+json",
        headers={"cache-control": "private, max-age=86400", "vary": "cookie, accept-language"},
    )


@get("/map/shading/{number:int}", opt={"act": READ}, sync_to_thread=True)
def map_shading(request: Ask, number: FromPath[int], warning: FromQuery[str] = "") -> dict[str, Any]:
    """Level of each outline of a layer: of all warnings in force, or of one `warning` alone."""
    desk: Desk = request.app.state.desk
    layer, state, view = _layer(desk, number), desk.state(), screen(request, "")
    visible, now = sees(request), desk.clock.now()
    if warning:
        one = state.warnings.get(warning)
        if one is None or not any(visible(place) for place in one.places):
            raise NotFound("no such warning", where="warning", found=repr(warning))
        worst = dict.fromkeys(one.places, one.level)
    else:
        worst = levels(marks(state, visible, now, desk.mode))
    ids = [feature["properties"]["place"] for feature in outlines(layer)["features"]]
    shaded = shading(ids, worst, desk.pack, now)
    words = {str(number): view.level(number).word for number in (1, 2, 3, 4)}
    return {"levels": shaded, "words": words}


def _layer(desk: Desk, number: int) -> GeometryLayer:
    layers = desk.pack.geometry
    if not 0 <= number < len(layers):
        raise NotFound("no such map layer", where="layer", found=str(number))
    return layers[number]
