"""Observations as partners push them: JSON (a list, or an object with `observations`), Arrow streams.

Each item is judged by itself: one that cannot be used is refused with its own reason and the rest is
taken. A NaN is no number of JSON (RFC 8259, section 6), but many programs write it, and it must not cost
its neighbours.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from anlan.formats.usgs import strict_json
from anlan.model.errors import AnlanError, BadInput, Hostile, InvalidValue, Unreadable
from anlan.model.observation import Observation
from anlan.model.place import Point
from anlan.model.provenance import Provenance
from anlan.model.time import parse_instant

JSON = "application/json"
ARROW = "application/vnd.apache.arrow.stream"

FIELDS = ("indicator", "place", "at", "known", "value", "unit", "event", "point", "provenance")
_NEEDED = ("indicator", "place", "at", "value", "unit")
_POINT = ("lon", "lat", "depth_km")
_COLUMNS = ("indicator", "place", "at", "known", "value", "unit", "event", "lon", "lat", "depth_km")


class FutureKnown(BadInput):
    """Claims to have been known later than it was received."""

    reason_code = "future_known"


class NaiveTime(BadInput):
    """An instant without a time zone."""

    reason_code = "naive_time"


@dataclass(frozen=True, slots=True)
class Refused:
    """An item that cannot be used: its number from 1, why, and the item."""

    number: int
    error: AnlanError
    raw: bytes


def read_pushed(
    raw: bytes, ref: str, known: datetime, source: str, digest: str, content_type: str = ""
) -> Iterator[Observation | Refused]:
    """One result for each item. `known` is when it was received: it stands for an item that gives no
    `known`, and none may claim a later one. Provenance is ours: source, ref, the item's number.
    `content_type` is what the sender calls it; without one the bytes tell. Unreadable or Hostile for the
    whole."""
    if content_type == ARROW or raw.startswith((b"\xff\xff\xff\xff", b"ARROW1")):
        items: Iterator[Any] = _arrow(raw, ref)
    else:
        items = iter(_listed(raw, ref))
    for number, item in enumerate(items, start=1):
        try:
            yield _observation(item, number, ref, known, source, digest)
        except AnlanError as error:
            yield Refused(number, error, _as_it_came(item))
        except Exception as error:
            yield Refused(number, unforeseen(error), _as_it_came(item))


def unforeseen(error: Exception) -> Unreadable:
    """What to say of input that broke its reader: nobody loses data over a defect of ours."""
    return Unreadable(
        "its reader failed",
        found=f"{type(error).__name__}: {error}"[:200],
        expected="input that can be read, or a reader that says why not",
    )


def _listed(raw: bytes, ref: str) -> list[Any]:
    document = strict_json(raw, ref, by_item=True)
    if isinstance(document, dict) and set(document) == {"observations"}:
        document = document["observations"]
    if not isinstance(document, list):
        raise Unreadable(
            "not a list of observations",
            where=ref,
            found=type(document).__name__
            if not isinstance(document, dict)
            else ", ".join(list(document)[:8]),
            expected='[...] or {"observations": [...]}',
        )
    return document


def _arrow(raw: bytes, ref: str) -> Iterator[dict[str, Any]]:
    import pyarrow as pa

    try:
        with pa.ipc.open_stream(pa.BufferReader(raw)) as reader:
            names = set(reader.schema.names)
            if missing := [name for name in _NEEDED if name not in names]:
                raise Unreadable(
                    "an Arrow stream without needed columns",
                    where=ref,
                    found=", ".join(sorted(names)),
                    expected=", ".join(missing),
                )
            if unknown := sorted(names - set(_COLUMNS)):
                raise Unreadable(
                    "unknown columns", where=ref, found=", ".join(unknown), expected=", ".join(_COLUMNS)
                )
            batches = []
            for batch in reader:
                batch.validate(full=True)  # offsets and text of a broken stream point anywhere
                batches.append(batch.to_pylist())
    except MemoryError as error:
        raise Hostile(
            "claims more than it holds", where=ref, found=str(error), expected="an Arrow stream"
        ) from error
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        raise Unreadable(
            "not an Arrow stream", where=ref, found=str(error), expected=f"an Arrow IPC stream ({ARROW})"
        ) from error
    for batch in batches:
        for row in batch:
            point = {name: row.pop(name, None) for name in _POINT}
            item = {name: value for name, value in row.items() if value is not None or name == "value"}
            if point["lon"] is not None:
                item["point"] = point
            yield item


def _observation(item: Any, number: int, ref: str, known: datetime, source: str, digest: str) -> Observation:
    if not isinstance(item, dict):
        raise Unreadable("not an observation", found=repr(item)[:60], expected="an object")
    if unknown := sorted(set(item) - set(FIELDS)):
        raise Unreadable("unknown field", where=unknown[0], expected=", ".join(FIELDS))
    if missing := [name for name in _NEEDED if name not in item]:
        raise Unreadable("a missing field", where=missing[0], found="nothing", expected=", ".join(_NEEDED))
    told = known if item.get("known") is None else _instant(item["known"], "known")
    if told > known:
        raise FutureKnown(
            "known later than received",
            where="known",
            found=told.isoformat(),
            expected=f"at most {known.isoformat()}",
        )
    return Observation(
        indicator=_text(item["indicator"], "indicator"),
        place=_text(item["place"], "place"),
        at=_instant(item["at"], "at"),
        known=told,
        value=None if item["value"] is None else _number(item["value"], "value"),
        unit=_text(item["unit"], "unit"),
        provenance=Provenance(source, ref, number, digest),
        event="" if item.get("event") is None else _text(item["event"], "event", empty=True),
        point=None if item.get("point") is None else _point(item["point"]),
    )


def _text(value: Any, where: str, *, empty: bool = False) -> str:
    if not isinstance(value, str) or (not value and not empty):
        raise Unreadable("not a text", where=where, found=repr(value)[:60], expected="a string")
    try:
        value.encode()
    except UnicodeEncodeError:
        # an escape may be half of a surrogate pair, which no store takes
        raise Unreadable(
            "half of a character", where=where, found=ascii(value)[:60], expected="whole characters"
        ) from None
    return value


def _number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unreadable("not a number", where=where, found=repr(value)[:60], expected="a number or null")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise InvalidValue(
            "not finite", where=where, found=repr(value)[:60], expected="a finite number or null"
        )
    return number


def _instant(value: Any, where: str) -> datetime:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise NaiveTime(
                "no time zone", where=where, found=value.isoformat(), expected="timestamp[us, UTC]"
            )
        return value.astimezone(UTC)
    try:
        return parse_instant(_text(value, where), where)
    except InvalidValue as error:
        kind = NaiveTime if "time zone" in error.message else Unreadable
        raise kind(error.message, where=where, found=error.found, expected=error.expected) from None
    except OverflowError:
        raise Unreadable("not an instant", where=where, found=repr(value), expected="RFC 3339") from None


def _point(value: Any) -> Point:
    if not isinstance(value, dict) or set(value) - set(_POINT) or not {"lon", "lat"} <= set(value):
        raise Unreadable("not a point", where="point", found=repr(value)[:60], expected=", ".join(_POINT))
    depth = value.get("depth_km")
    return Point(
        _number(value["lon"], "point.lon"),
        _number(value["lat"], "point.lat"),
        None if depth is None else _number(depth, "point.depth_km"),
    )


def _as_it_came(item: Any) -> bytes:
    """An item as JSON: what is no JSON of RFC 8259 in it (NaN, half a character) is kept as it came."""
    text = _written(item, escaped=False)
    try:
        return text.encode()
    except UnicodeEncodeError:
        return _written(item, escaped=True).encode()


def _written(item: Any, *, escaped: bool) -> str:
    return json.dumps(item, ensure_ascii=escaped, sort_keys=True, separators=(",", ":"), default=_as_text)


def _as_text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
