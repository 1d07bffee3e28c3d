"""Earthquake feeds of the United States Geological Survey (GeoJSON summary format 1.x).

Source of the format: earthquake.usgs.gov/earthquakes/feed/v1.0/geojson.php. `time` and `updated` are
milliseconds since 1970 UTC; coordinates are longitude, latitude, depth in kilometres (down); `mag`
may be null or negative; `ids` lists the event's ids in all networks, of which the preferred one (`id`)
can change; `status` is automatic, reviewed or deleted; `type` is not always earthquake.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from anlan.formats.values import canonical
from anlan.model.errors import Hostile, InvalidValue, Unreadable
from anlan.model.place import Point

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Quake:
    """`ids` sorted, of all networks; `at` the origin time, `updated` when the feed changed it last (None
    where it does not say); `magnitude` None where the feed gives none. `raw` is the feature as
    canonical JSON."""

    ids: tuple[str, ...]
    at: datetime
    updated: datetime | None
    magnitude: float | None
    kind: str
    status: str
    point: Point
    title: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class BrokenQuake:
    """A feature that cannot be used, and why. `path` leads to the field."""

    path: str
    message: str
    found: str
    expected: str
    raw: bytes


def read_quakes(raw: bytes, where: str) -> tuple[Quake | BrokenQuake, ...]:
    """All features, in the order of the feed (a detail document is a feed of one). Unreadable where the
    document is not GeoJSON, Hostile where it is nested too deep."""
    document = strict_json(raw, where)
    if isinstance(document, dict) and document.get("type") == "Feature":
        features = [document]
    elif isinstance(document, dict) and isinstance(document.get("features"), list):
        features = document["features"]
    else:
        raise Unreadable(
            "not a GeoJSON feed",
            where=where,
            found=type(document).__name__
            if not isinstance(document, dict)
            else ", ".join(list(document)[:8]),
            expected="a FeatureCollection with features",
        )
    return tuple(_quake(feature, f"features[{number}]") for number, feature in enumerate(features))


def strict_json(raw: bytes, where: str, *, by_item: bool = False) -> Any:
    """JSON (RFC 8259: whole characters in UTF-8, no NaN, no number too large for a double). Unreadable, or
    Hostile where it is nested too deep. `by_item`: numbers that are none and halves of characters come
    through, for a caller that judges each item by itself."""
    read: dict[str, Any] = {} if by_item else {"parse_constant": _no_constant, "parse_float": _finite}
    try:
        document = json.loads(raw.decode("utf-8-sig"), **read)
        if b"\\u" in raw and not by_item:
            # an escape may be half of a surrogate pair, which no store takes
            json.dumps(document, ensure_ascii=False).encode()
    except RecursionError as error:
        raise Hostile(
            "nested too deep", where=where, found="JSON without end", expected="a flat feed"
        ) from error
    except ValueError as error:
        raise Unreadable("not JSON", where=where, found=str(error), expected="JSON (RFC 8259)") from error
    return document


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is too large for a number")
    return number


class _Wrong(Exception):
    def __init__(self, path: str, message: str, found: object, expected: str) -> None:
        super().__init__(message)
        self.path, self.message, self.found, self.expected = path, message, found, expected


def _quake(feature: Any, path: str) -> Quake | BrokenQuake:
    raw = canonical(feature)
    try:
        properties = feature.get("properties") if isinstance(feature, dict) else None
        if not isinstance(properties, dict):
            raise _Wrong(path, "no properties", feature, "an object with properties")
        return Quake(
            ids=_ids(feature, properties, path),
            at=_instant(properties.get("time"), f"{path}.properties.time"),
            updated=None
            if properties.get("updated") is None
            else _instant(properties["updated"], f"{path}.properties.updated"),
            magnitude=_magnitude(properties.get("mag"), f"{path}.properties.mag"),
            kind=str(properties.get("type") or "earthquake"),
            status=str(properties.get("status") or "automatic").lower(),
            point=_point(feature, f"{path}.geometry.coordinates"),
            title=str(properties.get("title") or ""),
            raw=raw,
        )
    except _Wrong as wrong:
        return BrokenQuake(wrong.path, wrong.message, repr(wrong.found)[:80], wrong.expected, raw)


def _ids(feature: dict[str, Any], properties: dict[str, Any], path: str) -> tuple[str, ...]:
    listed = properties.get("ids")
    found = {part.strip() for part in listed.split(",")} if isinstance(listed, str) else set()
    if isinstance(feature.get("id"), str):
        found.add(feature["id"].strip())
    found.discard("")
    if not found:
        raise _Wrong(f"{path}.id", "an event without an id", feature.get("id"), "id or properties.ids")
    return tuple(sorted(found))


def _instant(value: Any, path: str) -> datetime:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _Wrong(path, "not an instant", value, "milliseconds since 1970 UTC")
    try:
        return _EPOCH + timedelta(milliseconds=value)
    except OverflowError:
        raise _Wrong(path, "not an instant", value, "milliseconds since 1970 UTC") from None


def _number(value: Any, path: str, expected: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _Wrong(path, "not a number", value, expected)
    try:
        return float(value)
    except OverflowError:
        raise _Wrong(path, "too large a number", "an integer of many digits", expected) from None


def _magnitude(value: Any, path: str) -> float | None:
    return None if value is None else _number(value, path, "a magnitude or null")


def _point(feature: dict[str, Any], path: str) -> Point:
    geometry = feature.get("geometry")
    found = geometry.get("coordinates") if isinstance(geometry, dict) else None
    if not isinstance(found, list) or len(found) < 2:
        raise _Wrong(path, "no point", found, "longitude, latitude, depth in km")
    lon, lat = (_number(part, path, "degrees") for part in found[:2])
    depth = None if len(found) < 3 or found[2] is None else _number(found[2], path, "kilometres")
    try:
        return Point(lon, lat, depth)
    except InvalidValue as error:
        raise _Wrong(path, error.message, found, error.expected) from None
