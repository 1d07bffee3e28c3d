"""The board for machines: Atom, GeoJSON, iCalendar, and one small object that says how old all of it is."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from icalendar import Calendar, Event, Timezone, TimezoneStandard

from anlan.formats.cap import feed_entry, write_feed
from anlan.formats.cap.geometry import ring
from anlan.model.text import Text
from anlan.model.time import format_instant
from anlan.warn.words import measures
from anlan.web.bulletin.board import Bulletin

ATOM_TYPE = "application/atom+xml"
GEOJSON_TYPE = "application/geo+json"
CALENDAR_TYPE = "text/calendar; charset=utf-8"
JSON_TYPE = "application/json"
_LEVEL = Text("level {level} of 4", "{level}级")


def atom(
    bulletins: Iterable[Bulletin], *, id: str, title: str, now: datetime, root: str, self_link: str
) -> bytes:
    """The messages in force and those that lift one, each by its permanent address. `id` names the feed for
    good, `root` leads to the site (an address, or the way from the feed), `self_link` to the feed itself."""
    entries = [feed_entry(b.message, f"{root}cap/{b.name}.cap.xml") for b in bulletins]
    return write_feed(entries, id=id, title=title, updated=now, self_link=self_link)


def geojson(bulletins: Iterable[Bulletin], names: Mapping[str, Text], *, now: datetime) -> bytes:
    """A feature for each message in force (RFC 7946): its outlines, longitude first; geometry null where the
    message names places by code alone."""
    features = [
        {
            "type": "Feature",
            "id": b.warning.id,
            "geometry": _geometry(b),
            "properties": {
                "level": b.warning.level,
                "hazard": b.warning.hazard,
                "headline_en": b.warning.headline.en,
                "headline_zh": b.warning.headline.zh,
                "area_en": b.warning.contents.area.en,
                "area_zh": b.warning.contents.area.zh,
                "instruction_en": b.warning.contents.measures.en,
                "instruction_zh": b.warning.contents.measures.zh,
                "places": [
                    {"id": place, "en": names[place].en, "zh": names[place].zh} for place in b.warning.places
                ],
                "sent": utc(b.sent),
                "onset": utc(b.warning.contents.starts),
                "expires": utc(b.warning.expires),
                "cap": f"cap/{b.name}.cap.xml",
            },
        }
        for b in bulletins
    ]
    return _json({"type": "FeatureCollection", "timeStamp": utc(now), "features": features})


def _geometry(bulletin: Bulletin) -> dict[str, Any] | None:
    """The outlines of the message's first information block; the others say the same in other words."""
    areas = bulletin.message.infos[0].areas if bulletin.message.infos else ()
    rings = [_outer([(lon, lat) for lat, lon in ring(text)]) for area in areas for text in area.polygons]
    return {"type": "MultiPolygon", "coordinates": [[one] for one in rings]} if rings else None


def _outer(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The ring counterclockwise, as an outer one is to be (RFC 7946, section 3.1.6)."""
    twice = sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in pairwise(points))
    return points if twice >= 0 else points[::-1]


def calendar(bulletins: Iterable[Bulletin], language: str, *, name: str, link: str, sender: str) -> bytes:
    """The messages as events (RFC 5545): a chain of messages is one event, which an update changes and a
    cancellation cancels. `link` is the whole address of a message's page, with `{name}` for its stem (empty:
    none)."""
    made = Calendar()
    made.add("prodid", "-//anlan//bulletin//EN")
    made.add("version", "2.0")
    made.add("method", "PUBLISH")
    made.add("x-wr-calname", name)
    for b in bulletins:
        event = Event()
        first = (b.warning.references or (b.warning.id,))[0]
        event.add("uid", f"{first}@{sender}")
        event.add("sequence", len(b.warning.references))
        event.add("dtstamp", b.sent.astimezone(UTC).replace(microsecond=0))
        event.add("last-modified", b.sent.astimezone(UTC).replace(microsecond=0))
        starts = min(b.warning.contents.starts, b.warning.expires)
        event.add("dtstart", starts.astimezone(UTC).replace(microsecond=0))
        event.add("dtend", b.warning.expires.astimezone(UTC).replace(microsecond=0))
        event.add("status", "CANCELLED" if b.standing == "lifted" else "CONFIRMED")
        event.add("transp", "TRANSPARENT")
        event.add("categories", [_LEVEL.in_(language).format(level=b.warning.level)])
        event.add("summary", b.warning.headline.in_(language))
        event.add("location", b.warning.contents.area.in_(language))
        event.add("description", _words(b, language))
        if link:
            event.add("url", link.replace("{name}", b.name))
        made.add_component(event)
    if not made.subcomponents:
        made.add_component(_zone())
    raw: bytes = made.to_ical()
    return raw


def _zone() -> Timezone:
    """UTC. A calendar holds one component at least (RFC 5545, section 3.6): one without events has this."""
    zone, standard = Timezone(), TimezoneStandard()
    zone.add("tzid", "UTC")
    standard.add("dtstart", datetime(1970, 1, 1))  # noqa: DTZ001 - local by definition
    standard.add("tzoffsetfrom", timedelta(0))
    standard.add("tzoffsetto", timedelta(0))
    zone.add_component(standard)
    return zone


def _words(bulletin: Bulletin, language: str) -> str:
    warning, contents = bulletin.warning, bulletin.warning.contents
    said = contents.matters.in_(language), measures(warning, language), contents.issuer.in_(language)
    return "\n\n".join(said)


def health(
    *,
    built: datetime,
    due: datetime,
    head: int,
    in_force: int,
    lifted: int,
    live: bool,
    silent: int,
    known: int,
) -> bytes:
    """How old the site is, by when it is to be built anew, and of how many sources nothing is heard."""
    return _json(
        {
            "built": utc(built),
            "next": utc(due),
            "journal": head,
            "live": live,
            "in_force": in_force,
            "lifted": lifted,
            "sources": known,
            "sources_silent": silent,
        }
    )


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def utc(instant: datetime) -> str:
    """An instant for machines, to the second."""
    return format_instant(instant.astimezone(UTC).replace(microsecond=0))
