"""Derived indicators: a query in SQL over what a table brought, run by Polars.

A query reads the table `observations` (indicator, place, at, local, known, value, event) and gives rows of
`place`, `value`, `known` and either `at` or `local`. What it may not do is look ahead: what it says to be
known at an instant must follow from what was known then, and that is tried on every run.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import polars as pl

from anlan.formats.observations import code_of, fit, hold
from anlan.formats.values import canonical
from anlan.model.errors import AnlanError, InvalidValue
from anlan.model.indicator import SourceDef
from anlan.model.observation import Observation
from anlan.model.pack import Pack
from anlan.model.provenance import Provenance
from anlan.model.quarantine import Quarantined
from anlan.sources.table.mapping import Derived

TABLE = "observations"
#: at so many instants a query is run again on what was known by then
CUTS = 3
_TYPES: dict[str, Any] = {
    "indicator": pl.String,
    "place": pl.String,
    "at": pl.Datetime("us", "UTC"),
    "local": pl.Datetime("us"),
    "known": pl.Datetime("us", "UTC"),
    "value": pl.Float64,
    "event": pl.String,
}
_READS_FILES = re.compile(r"\bread_\w+\s*\(", re.IGNORECASE)
_SELECTS = re.compile(r"\s*(select|with)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a query's answer."""

    place: str
    at: datetime
    known: datetime
    value: float | None


def derive(
    definition: SourceDef,
    derived: Derived,
    observations: Sequence[Observation],
    ref: str,
    digest: str,
    pack: Pack,
) -> tuple[list[Observation], list[Quarantined]]:
    """The observations of one derived indicator, and its values that do not fit the indicator.
    InvalidValue where the query fails, lacks a column, or looks ahead."""
    frame = _frame(derived, observations)
    if not frame.height:
        return [], []
    rows = _rows(derived, frame)
    _looks_ahead(derived, frame, rows)
    unit = pack.indicators[derived.indicator].unit if derived.indicator in pack.indicators else "1"
    origin = Provenance(definition.id, ref, None, digest)
    kept: list[Observation] = []
    quarantined: list[Quarantined] = []
    for row in rows:
        try:
            kept.append(
                fit(
                    Observation(derived.indicator, row.place, row.at, row.known, row.value, unit, origin),
                    pack,
                )
            )
        except AnlanError as error:
            raw = canonical([row.place, row.at.isoformat(), str(row.value)])
            said = f"{ref}: {derived.indicator} at {row.place} for {row.at.isoformat()}: {error.sentence()}"
            quarantined.append(
                hold(definition.id, ref, None, row.known, code_of(error), said, raw, derived.indicator)
            )
    return kept, quarantined


def _frame(derived: Derived, observations: Sequence[Observation]) -> pl.DataFrame:
    zone = derived.zone
    rows = [
        (
            item.indicator,
            item.place,
            item.at,
            item.at.astimezone(zone).replace(tzinfo=None),
            item.known,
            item.value,
            item.event,
        )
        for item in observations
    ]
    return pl.DataFrame(rows, schema=_TYPES, orient="row").sort("indicator", "place", "at", "known")


def _rows(derived: Derived, frame: pl.DataFrame) -> list[Row]:
    where = derived.where
    if not _SELECTS.match(derived.sql) or _READS_FILES.search(derived.sql):
        raise InvalidValue(
            "not a query over observations",
            where=where,
            found=derived.sql.strip()[:60],
            expected="SELECT ... FROM observations, without reading files",
        )
    try:
        answer = pl.SQLContext({TABLE: frame}, eager=True).execute(derived.sql)
    except (pl.exceptions.PolarsError, TypeError, ValueError) as error:
        raise InvalidValue(
            "the query fails",
            where=where,
            found=str(error).strip()[:300],
            expected="a query that Polars runs",
        ) from error
    wanted = {"place", "known", "value"}
    time = "at" if "at" in answer.columns else "local"
    if lacking := sorted((wanted | {time}) - set(answer.columns)):
        raise InvalidValue(
            "the query gives too few columns",
            where=where,
            found=", ".join(answer.columns),
            expected=f"{', '.join(lacking)} too",
        )
    values = answer["value"].cast(pl.Float64, strict=False).to_list()
    rows = [
        Row(str(place), _instant(derived, at), _instant(derived, known), _number(value))
        for place, at, known, value in zip(
            answer["place"], answer[time], answer["known"], values, strict=True
        )
    ]
    return sorted(rows, key=lambda row: (row.known, row.place, row.at))


def _instant(derived: Derived, value: Any) -> datetime:
    if not isinstance(value, datetime):
        raise InvalidValue(
            "not an instant",
            where=derived.where,
            found=repr(value),
            expected="at, known or local as they came",
        )
    return (value if value.tzinfo else value.replace(tzinfo=derived.zone)).astimezone(UTC)


def _number(value: float | None) -> float | None:
    """None for what cannot be computed (0 / 0): unknown, as a missing value is."""
    return value if value is not None and math.isfinite(value) else None


def _looks_ahead(derived: Derived, frame: pl.DataFrame, rows: Sequence[Row]) -> None:
    """InvalidValue where a row that is said to be known at an instant is another, or is not there, when
    only what was known by that instant is given."""
    instants = frame["known"].unique().sort()
    for part in range(1, CUTS + 1):
        cut = instants[len(instants) * part // (CUTS + 1)]
        then = {
            (r.place, r.at, r.known): r.value for r in _rows(derived, frame.filter(pl.col("known") <= cut))
        }
        for row in rows:
            if row.known > cut:
                break
            key = (row.place, row.at, row.known)
            if key not in then or not _same(then[key], row.value):
                raise InvalidValue(
                    "the query looks ahead",
                    where=derived.where,
                    found=f"{row.value} at {row.place} for {row.at.isoformat()}, "
                    f"but {then.get(key, 'nothing')} from what was known at {cut.isoformat()}",
                    expected="a `known` not before that of all it is made from",
                )


def _same(a: float | None, b: float | None) -> bool:
    if a is None or b is None:
        return a is b
    return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9)
