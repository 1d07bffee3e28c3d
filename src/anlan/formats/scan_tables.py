"""Tables of a scan: cases, population, controls and coordinates as CSV text, into plain rows.

Columns are found by name. Dates are YYYY, YYYY-MM or YYYY-MM-DD, with - or / between the parts; what is
left out is told by `precision`. A fault raises Unreadable and names the line, what was found and what was
expected.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, TypeAlias

from anlan.model.errors import Unreadable

Precision: TypeAlias = Literal["none", "year", "month", "day"]
_DATE = re.compile(r"(\d{4})(?:[-/](\d{1,2})(?:[-/](\d{1,2}))?)?")
_MISSING = ("", "NA", "NaN", "nan")


@dataclass(frozen=True, slots=True)
class CountRow:
    """`count` of cases, controls or people at `place`, NaN where the cell is empty or NA; `when` the first
    day of what was given to `precision`, None without a column; `strata` the cells of the stratum columns."""

    place: str
    count: float
    when: date | None
    precision: Precision
    strata: tuple[str, ...]
    line: int


@dataclass(frozen=True, slots=True)
class ValueRow:
    """One measured `value` that stands `count` times."""

    place: str
    count: int
    when: date | None
    value: float
    line: int


@dataclass(frozen=True, slots=True)
class PointRow:
    """Where a place is: latitude and longitude, or x and y."""

    place: str
    first: float
    second: float
    line: int


def read_counts(
    text: str, place: str, count: str, when: str | None = None, strata: Sequence[str] = (), where: str = ""
) -> list[CountRow]:
    """Rows of counts: names of the columns of place, count, date and strata."""
    rows = []
    for line, cells in _records(text, [place, count, *([when] if when else []), *strata], where):
        number = _number(cells[count], line, count, where, missing=True)
        if number < 0:
            raise _fault(where, line, count, cells[count], "0 or more")
        day, precision = _date(cells[when], line, when, where) if when else (None, "none")
        rows.append(
            CountRow(cells[place], number, day, precision, tuple(cells[s] for s in strata), line)  # type: ignore[arg-type]
        )
    return rows


def read_values(
    text: str, place: str, value: str, count: str | None = None, when: str | None = None, where: str = ""
) -> list[ValueRow]:
    """Rows of measured values; `count` names the column that says how often each one stands."""
    wanted = [place, value, *([count] if count else []), *([when] if when else [])]
    rows = []
    for line, cells in _records(text, wanted, where):
        times = _number(cells[count], line, count, where, missing=False) if count else 1.0
        if times < 0 or times != math.floor(times):
            raise _fault(where, line, str(count), cells[str(count)], "a whole number of 0 or more")
        day = _date(cells[when], line, when, where)[0] if when else None
        number = _number(cells[value], line, value, where, missing=True)
        rows.append(ValueRow(cells[place], int(times), day, number, line))
    return rows


def read_points(text: str, place: str, first: str, second: str, where: str = "") -> list[PointRow]:
    """Rows of coordinates; a place given twice is refused."""
    rows: list[PointRow] = []
    seen: dict[str, int] = {}
    for line, cells in _records(text, [place, first, second], where):
        if cells[place] in seen:
            raise _fault(
                where, line, place, cells[place], f"each place once (first on line {seen[cells[place]]})"
            )
        seen[cells[place]] = line
        rows.append(
            PointRow(
                cells[place],
                _number(cells[first], line, first, where, missing=True),
                _number(cells[second], line, second, where, missing=True),
                line,
            )
        )
    return rows


def _records(text: str, wanted: Sequence[str], where: str) -> Iterator[tuple[int, dict[str, str]]]:
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    columns = reader.fieldnames or []
    lacking = [name for name in wanted if name not in columns]
    if lacking:
        raise Unreadable(
            f"columns are missing: {', '.join(lacking)}",
            where=where,
            found=", ".join(columns),
            expected=", ".join(wanted),
        )
    for cells in reader:
        if None in cells or any(cells[name] is None for name in wanted):
            raise Unreadable(
                "a record has another number of cells than the header",
                where=f"{where}:{reader.line_num}",
                found=str(len([c for c in cells.values() if c is not None])),
                expected=str(len(columns)),
            )
        yield reader.line_num, {name: cells[name].strip() for name in wanted}


def _number(cell: str, line: int, column: str, where: str, *, missing: bool) -> float:
    if missing and cell in _MISSING:
        return math.nan
    try:
        number = float(cell)
    except ValueError:
        raise _fault(where, line, column, cell, "a number") from None
    if not math.isfinite(number):
        raise _fault(where, line, column, cell, "a finite number")
    return number


def _date(cell: str, line: int, column: str, where: str) -> tuple[date, Precision]:
    match = _DATE.fullmatch(cell)
    try:
        if match is None:
            raise ValueError
        year, month, day = match.groups()
        precision: Precision = "day" if day else ("month" if month else "year")
        return date(int(year), int(month or 1), int(day or 1)), precision
    except ValueError:
        raise _fault(where, line, column, cell, "a date as YYYY, YYYY-MM or YYYY-MM-DD") from None


def _fault(where: str, line: int, column: str, found: str, expected: str) -> Unreadable:
    return Unreadable(
        f"cannot read {column}", where=f"{where}:{line}" if where else f"line {line}", found=found,
        expected=expected,
    )  # fmt: skip
