"""Observations as rows of the lake, and the key that makes an append idempotent."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from json.encoder import encode_basestring_ascii

import polars as pl

from anlan.model.observation import Observation
from anlan.model.place import Point
from anlan.model.provenance import Provenance

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
INSTANT = pl.Datetime("us", "UTC")

COLUMNS: dict[str, pl.DataType] = {
    "key": pl.Binary(),
    "indicator": pl.String(),
    "year": pl.Int32(),
    "place": pl.String(),
    "event": pl.String(),
    "at": INSTANT,
    "known": INSTANT,
    "value": pl.Float64(),
    "unit": pl.String(),
    "lon": pl.Float64(),
    "lat": pl.Float64(),
    "depth_km": pl.Float64(),
    "source": pl.String(),
    "ref": pl.String(),
    "line": pl.Int64(),
    "digest": pl.String(),
}
PARTITIONS = ("indicator", "year")
# One order everywhere: a series lies together, its revisions in the order they became known. Two
# revisions of one instant of `known` are put in the order of their content, not of their arrival.
ORDER = ("place", "event", "at", "known", "key")


def micros(instant: datetime) -> int:
    """Microseconds since 1970 UTC, exactly."""
    return (instant - EPOCH) // MICROSECOND


def instant(microseconds: int) -> datetime:
    """The reverse of `micros`."""
    return EPOCH + timedelta(microseconds=microseconds)


quoted = lru_cache(maxsize=65_536)(encode_basestring_ascii)


def _number(value: float | None) -> str:
    # `+ 0.0` makes one zero of the two; the shortest decimal reads back to the same double
    return "" if value is None else repr(float(value) + 0.0)


def content_key(
    indicator: str,
    place: str,
    event: str,
    at: int,
    known: int,
    value: float | None,
    unit: str,
    point: Point | None,
) -> bytes:
    """SHA-256 over the content of an observation; where it came from (provenance) is not part of it."""
    where = "" if point is None else f"{_number(point.lon)},{_number(point.lat)},{_number(point.depth_km)}"
    text = (
        f"{quoted(indicator)},{quoted(place)},{quoted(event)},{at},{known},{_number(value)},"
        f"{quoted(unit)},{where}"
    )
    return hashlib.sha256(text.encode()).digest()


def to_frame(observations: Iterable[Observation]) -> pl.DataFrame:
    """Rows in the columns of COLUMNS, as they come."""
    items = list(observations)
    points = [item.point for item in items]
    origins = [item.provenance for item in items]
    at = [(item.at - EPOCH) // MICROSECOND for item in items]
    known = [(item.known - EPOCH) // MICROSECOND for item in items]
    data = {
        "key": [
            content_key(item.indicator, item.place, item.event, held, told, item.value, item.unit, item.point)
            for item, held, told in zip(items, at, known, strict=True)
        ],
        "indicator": [item.indicator for item in items],
        "year": [item.at.year for item in items],
        "place": [item.place for item in items],
        "event": [item.event for item in items],
        "at": at,
        "known": known,
        # one zero, as in the key
        "value": [None if item.value is None else item.value + 0.0 for item in items],
        "unit": [item.unit for item in items],
        "lon": [None if point is None else point.lon for point in points],
        "lat": [None if point is None else point.lat for point in points],
        "depth_km": [None if point is None else point.depth_km for point in points],
        "source": [origin.source for origin in origins],
        "ref": [origin.ref for origin in origins],
        "line": [origin.line for origin in origins],
        "digest": [origin.digest for origin in origins],
    }
    plain = {name: pl.Int64() if kind == INSTANT else kind for name, kind in COLUMNS.items()}
    return pl.DataFrame(data, schema=plain).with_columns(
        pl.col("at", "known").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    )


def to_observations(frame: pl.DataFrame, indicator: str) -> tuple[Observation, ...]:
    """Rows back as observations, with their provenance."""
    found = []
    for row in frame.iter_rows(named=True):
        point = None if row["lon"] is None else Point(row["lon"], row["lat"], row["depth_km"])
        found.append(
            Observation(
                indicator=indicator,
                place=row["place"],
                at=row["at"].astimezone(UTC),
                known=row["known"].astimezone(UTC),
                value=row["value"],
                unit=row["unit"],
                provenance=Provenance(row["source"], row["ref"], row["line"], row["digest"]),
                event=row["event"],
                point=point,
            )
        )
    return tuple(found)
