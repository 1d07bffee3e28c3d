"""Cases, places and people at risk as tables with columns of any name, made ready for a scan."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal, TypeAlias

from anlan.analyse.frames import polars_frame
from anlan.assess.scan import Periods, ScanData, one_period, periods
from anlan.assess.scan.tables import from_rows, values_from_rows
from anlan.formats.scan_tables import CountRow, PointRow, Precision, read_counts, read_points, read_values
from anlan.formats.table import gunzip
from anlan.model.errors import InvalidValue, NotFound

Table: TypeAlias = str | Path | Any
"""The path of a CSV file, or a polars or pandas frame."""

#: what columns are called where nobody says otherwise, the first that is there
USUAL: Mapping[str, tuple[str, ...]] = {
    "place": ("place", "location", "id", "地区"),
    "count": ("cases", "count", "病例数"),
    "people": ("population", "people", "expected", "count", "人口"),
    "controls": ("controls", "count"),
    "date": ("date", "month", "year", "日期"),
    "value": ("value", "数值"),
    "latitude": ("lat", "latitude", "y", "纬度"),
    "longitude": ("lon", "lng", "longitude", "x", "经度"),
}
UNITS = ("day", "week", "month", "year")
#: a study without dates has one period; its days mean nothing
TIMELESS = (date(2000, 1, 1), date(2000, 12, 31))


@dataclass(frozen=True, slots=True)
class Columns:
    """Names of columns; empty: one of `USUAL`. `strata` of cases and population (of the categorical
    models: the category); `people` those at risk, in the table of the population or of controls."""

    place: str = ""
    count: str = ""
    date: str = ""
    value: str = ""
    latitude: str = ""
    longitude: str = ""
    strata: tuple[str, ...] = ()
    people: str = ""


def scan_data(
    cases: Table,
    places: Table,
    model: str,
    *,
    population: Table | None = None,
    controls: Table | None = None,
    columns: Columns | None = None,
    start: date | None = None,
    end: date | None = None,
    unit: str = "",
    length: int = 1,
    plane: bool = False,
) -> tuple[ScanData, bool]:
    """(the data, whether it has dates). The study period is that of the cases, whole days, months or
    years, unless `start` and `end` say otherwise; a period is `length` times `unit` long, by default what
    the dates are told to. InvalidValue or Unreadable name the table, the line, what was found and what was
    expected."""
    named = columns or Columns()
    where, text, head = _text(cases, "cases")
    place = _column(head, "place", named.place, where)
    when = _column(head, "date", named.date, where, needed=bool(named.date))
    strata = _strata(head, named.strata, where)
    points_where, points_text, points_head = _text(places, "places")
    points = _points(points_text, points_head, points_where, named, plane)
    kind: Literal["latlon", "plane"] = "plane" if plane else "latlon"
    try:
        if model == "normal":
            value = _column(head, "value", named.value, where)
            count = _column(head, "count", named.count, where, needed=False)
            values = read_values(text, str(place), str(value), count, when, where)
            known = [row.when for row in values if row.when is not None]
            axis = _axis([(day, "day") for day in known], start, end, unit, length)
            return values_from_rows(values, points, axis, kind), bool(known)
        rows = read_counts(
            text, str(place), str(_column(head, "count", named.count, where)), when, strata, where
        )
        people = _counts(population, "population", "people", named) if population is not None else []
        others = _counts(controls, "controls", "controls", named) if controls is not None else []
        dates = [(row.when, row.precision) for row in rows if row.when is not None]
        axis = _axis(dates, start, end, unit, length)
        data = from_rows(
            rows,
            points,
            axis,
            population=people,
            controls=others,
            kind=kind,
            categorical=model in ("ordinal", "multinomial"),
        )
    except ValueError as error:
        if isinstance(error, InvalidValue):
            raise
        raise InvalidValue(str(error), where=where) from error
    return data, bool(dates)


def _counts(table: Table, what: str, role: str, named: Columns) -> list[CountRow]:
    where, text, head = _text(table, what)
    strata = _strata(head, named.strata, where)
    when = _column(head, "date", "", where, needed=False)
    place = _column(head, "place", named.place if named.place in head else "", where)
    return read_counts(text, str(place), str(_column(head, role, named.people, where)), when, strata, where)


def _points(text: str, head: Sequence[str], where: str, named: Columns, plane: bool) -> list[PointRow]:
    place = _column(head, "place", named.place if named.place in head else "", where)
    first, second = ("longitude", "latitude") if plane else ("latitude", "longitude")
    across = _column(head, first, getattr(named, first), where)
    along = _column(head, second, getattr(named, second), where)
    return read_points(text, str(place), str(across), str(along), where)


def _axis(
    dates: Sequence[tuple[date, Precision]], start: date | None, end: date | None, unit: str, length: int
) -> Periods:
    if length < 1:
        raise InvalidValue("no such period", where="length", found=str(length), expected="1 or more")
    if unit and unit not in UNITS:
        raise InvalidValue("no such period", where="unit", found=unit, expected=", ".join(UNITS))
    if not dates:
        return one_period(start or TIMELESS[0], end or TIMELESS[1])
    coarsest = next(p for p in ("year", "month", "day") if any(kept == p for _, kept in dates))
    first = start or min(day for day, _ in dates)
    last = end or _end(max(day for day, _ in dates), coarsest)
    return periods(first, last, unit or coarsest, length)  # type: ignore[arg-type]


def _end(day: date, precision: str) -> date:
    """The last day of what a date names."""
    if precision == "year":
        return date(day.year, 12, 31)
    if precision == "month":
        return date(day.year + day.month // 12, day.month % 12 + 1, 1) - timedelta(days=1)
    return day


def _column(head: Sequence[str], role: str, given: str, where: str, needed: bool = True) -> str | None:
    if given:
        if given not in head:
            raise InvalidValue(
                f"no such column for the {role}", where=where, found=repr(given), expected=_one_of(head)
            )
        return given
    found = next((name for name in USUAL[role] if name in head), None)
    if found is None and needed:
        raise InvalidValue(
            f"no column for the {role}",
            where=where,
            found=", ".join(head),
            expected="one called " + ", ".join(USUAL[role]),
            mend=f"or say which: --{'people' if role == 'controls' else role} NAME",
        )
    return found


def _strata(head: Sequence[str], wanted: Iterable[str], where: str) -> list[str]:
    chosen = list(wanted)
    for name in chosen:
        if name not in head:
            raise InvalidValue("no such stratum", where=where, found=repr(name), expected=_one_of(head))
    return chosen


def _one_of(head: Sequence[str]) -> str:
    return "one of: " + ", ".join(head[:20])


def _text(table: Table, what: str) -> tuple[str, str, list[str]]:
    """(name for errors, the table as CSV, its columns)."""
    if isinstance(table, str | Path):
        where = str(table)
        try:
            text = gunzip(Path(table).read_bytes(), where).decode("utf-8-sig")
        except OSError as error:
            raise NotFound("the file cannot be read", where=where, found=str(error.strerror)) from error
        except UnicodeDecodeError as error:
            raise InvalidValue("not text", where=where, found=str(error), expected="UTF-8") from error
    else:
        where, text = what, polars_frame(table).write_csv()
    return where, text, [name.strip() for name in next(csv.reader(io.StringIO(text)), [])]
