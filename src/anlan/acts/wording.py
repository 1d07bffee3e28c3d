"""The fields of a form as the words of a message. Left out is left as it was; empty is a fault."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from anlan.model.domain import level as checked
from anlan.model.errors import InvalidValue
from anlan.model.reason import Reason
from anlan.model.text import LANGUAGES, Text
from anlan.model.time import parse_instant
from anlan.turn import Turn
from anlan.warn.area import area
from anlan.warn.budgets import budget_of
from anlan.warn.compose import Rings, Wording
from anlan.warn.drawn import nearer, once, touching
from anlan.warn.ground import parts
from anlan.warn.reach import reach
from anlan.warn.simplify import simplify

#: the words of a message as they stand in a form: `<name>_<language>`
TEXTS = ("headline", "matters", "measures", "area")
#: every field of a message in a form; `drawing` is GeoJSON, a circle, or one `latitude,longitude` a line
FIELDS = (
    "level",
    "starts",
    "expires",
    "places",
    "drawing",
    *(f"{name}_{language}" for name in TEXTS for language in LANGUAGES),
)


def read_wording(fields: Mapping[str, str], turn: Turn, place: str, before: Wording | None) -> Wording:
    """What the form says; what it leaves out stands as in `before` (a first message: the level, the end, the
    places and every text are needed). An area drawn by hand is simplified to the budget of the CAP message,
    which never cuts the ground drawn, and the places warned are those it touches. It has to touch `place`,
    where the risk is ("" for anywhere), and the places that the form names beside it."""
    named = tuple(dict.fromkeys(fields.get("places", "").replace(",", " ").split()))
    meant = () if before is not None and named == before.places else named
    rings, touched, noted = _drawing(fields, turn, before, [one for one in ((place,), meant) if any(one)])
    places = touched or named or (before.places if before else ())
    if not places:
        raise InvalidValue("no area", where="places", expected="place ids, or a drawing")
    for one in places:
        turn.pack.place(one, turn.now)
    texts = {name: _text(fields, name, getattr(before, name, None)) for name in TEXTS if name != "area"}
    same = before is not None and (before.places, before.rings) == (places, rings)
    names = Text(
        ", ".join(turn.pack.place(place, turn.now).name.en for place in places),
        "、".join(turn.pack.place(place, turn.now).name.zh for place in places),
    )
    return Wording(
        level=_level(fields, before),
        starts=_instant(fields, "starts", before.starts if before else turn.now),
        expires=_instant(fields, "expires", before.expires if before else None),
        places=places,
        area=_text(fields, "area", before.area if same and before else names),
        rings=rings,
        noted=noted,
        **texts,
    )


def instant_of(text: str, where: str) -> datetime:
    """An instant as a form gives it: RFC 3339, or to the minute in UTC as a browser's field writes it."""
    text = text.strip()
    if len(text) in (16, 19) and text[10:11] == "T" and not text.endswith("Z"):
        text = f"{text}:00Z" if len(text) == 16 else f"{text}Z"
    return parse_instant(text, where)


def read_drawing_text(text: str) -> dict[str, Any] | None:
    """A drawing as written into a form: GeoJSON; `circle LAT,LON RADIUS_KM`; or a polygon as one or more
    `LAT,LON` pairs, as CAP writes them, closed for the writer. None where nothing is written."""
    text = text.strip()
    if not text:
        return None
    if text.startswith("{"):
        try:
            found = json.loads(text)
        except ValueError as error:
            raise InvalidValue("no GeoJSON", where="drawing", found=str(error)) from None
        if not isinstance(found, dict):
            raise InvalidValue(
                "no GeoJSON", where="drawing", found=type(found).__name__, expected="an object"
            )
        return found
    words = text.replace(";", " ").split()
    if words[0].lower() in ("circle", "圆"):
        if len(words) != 3:
            raise InvalidValue(
                "no circle", where="drawing", found=text[:80], expected="circle LAT,LON KILOMETRES"
            )
        lat, lon = _pair(words[1])
        return {"type": "Circle", "center": [lon, lat], "radius_km": _number(words[2])}
    ring = [[lon, lat] for lat, lon in map(_pair, words)]
    if len(ring) < 3:
        raise InvalidValue(
            "no polygon", where="drawing", found=text[:80], expected="three or more LAT,LON pairs"
        )
    if ring[0] != ring[-1]:
        ring.append(ring[0])
    return {"type": "Polygon", "coordinates": [ring]}


def _drawing(
    fields: Mapping[str, str], turn: Turn, before: Wording | None, named: Sequence[tuple[str, ...]]
) -> tuple[Rings, tuple[str, ...], tuple[Reason, ...]]:
    """(the rings that are sent, the places they touch, what is to be said of these); those of before where
    the form says nothing of an area at all."""
    drawing = read_drawing_text(fields.get("drawing", ""))
    if drawing is None:
        given = "drawing" in fields or fields.get("places", "").strip()
        if before is None or given:
            return (), (), ()
        return before.rings, before.places if before.rings else (), before.noted
    shape = area(turn.pack, turn.now, drawing=drawing)
    sent = simplify(shape.shape, budget_of("cap"))
    if not sent.covers:
        raise InvalidValue("the simplified area would cut the ground drawn", where="drawing")
    rings = tuple(tuple((float(x), float(y)) for x, y in part.exterior.coords) for part in parts(sent.shape))
    outlined = tuple(share.place for share in reach(shape, turn.pack, {}, turn.now).places)
    meant = [one for places in named for one in places]
    touched, noted = once(
        nearer(outlined, shape.shape, meant, turn.pack, turn.now), meant, turn.pack, turn.now
    )
    if not touched:
        raise InvalidValue(
            "the drawing touches no place of the pack",
            where="drawing",
            expected="an area within places that have an outline, or the circle of the place that is named",
        )
    for places in named:
        touching(shape.shape, places, turn.pack, turn.now)
    return rings, touched, noted


def _text(fields: Mapping[str, str], name: str, before: Text | None) -> Text:
    said = {}
    for language in LANGUAGES:
        key = f"{name}_{language}"
        text = fields[key].strip() if key in fields else before.in_(language) if before else ""
        if not text:
            raise InvalidValue("left empty", where=key, expected="words in both languages")
        said[language] = text
    return Text(said["en"], said["zh"])


def _level(fields: Mapping[str, str], before: Wording | None) -> int:
    text = fields.get("level", "").strip()
    if not text and before is not None:
        return before.level
    if not text.isdecimal():
        raise InvalidValue("no such level", where="level", found=repr(text), expected="1 to 4")
    return checked(int(text))


def _instant(fields: Mapping[str, str], name: str, before: datetime | None) -> datetime:
    text = fields.get(name, "").strip()
    if text:
        given = instant_of(text, name)
        # a form shows instants to the second: what was not touched is not changed
        return before if before is not None and before.replace(microsecond=0) == given else given
    if before is None:
        raise InvalidValue("left empty", where=name, expected="an RFC 3339 instant")
    return before


def _pair(text: str) -> tuple[float, float]:
    parts = text.split(",")
    if len(parts) != 2:
        raise InvalidValue(
            "no position", where="drawing", found=text[:40], expected="LAT,LON such as 39.90,116.40"
        )
    return _number(parts[0]), _number(parts[1])


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InvalidValue("not a number", where="drawing", found=text[:40]) from None


__all__ = ["FIELDS", "TEXTS", "instant_of", "read_drawing_text", "read_wording"]
