"""Times told in two columns, a year and a week or month: epidemiologists' spreadsheets have them.

The two become one column of times; neither is a series.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

YEAR: tuple[str, ...] = (
    *("year", "yr", "yyyy", "isoyear", "iso_year", "epiyear", "epi_year", "mmwr_year", "mmwryear"),
    *("jahr", "annee", "année", "ano", "año", "anno", "年", "年份", "年度"),
)
WEEK: tuple[str, ...] = (
    *("week", "wk", "weeknumber", "week_number", "isoweek", "iso_week", "epiweek", "epi_week"),
    *(
        "mmwr_week",
        "mmwrweek",
        "kw",
        "woche",
        "meldewoche",
        "semaine",
        "semana",
        "settimana",
        "周",
        "周次",
        "周数",
    ),
)
MONTH = ("month", "mon", "monat", "mois", "mes", "mese", "月", "月份")
_YEAR = re.compile(r"(\d{4})(?:\.0+)?年?")
_PART = re.compile(r"(?:KW|W|EW|第)?\s*(\d{1,2})(?:\.0+)?(?:周|月)?", re.IGNORECASE)

Row: TypeAlias = tuple[int, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class TwoColumns:
    """Indexes of the year and of the other one; `unit` week or month."""

    year: int
    part: int
    unit: str


def found_in(columns: Sequence[str]) -> TwoColumns | None:
    """The two columns by their usual names; None where they are not there, or where both a week and a month
    are (a day's parts)."""
    lower = [column.strip().lower() for column in columns]
    at = {
        role: next((lower.index(name) for name in names if name in lower), None)
        for role, names in (("year", YEAR), ("week", WEEK), ("month", MONTH))
    }
    year, week, month = at["year"], at["week"], at["month"]
    if year is None or (week is None) == (month is None):
        return None
    return TwoColumns(year, week, "week") if week is not None else TwoColumns(year, month or 0, "month")


def kind(columns: Sequence[str], two: TwoColumns) -> str:
    """Which weeks a column's own name says they are; empty where it does not."""
    names = f"{columns[two.year]} {columns[two.part]}".lower()
    return "mmwr" if "mmwr" in names else "iso" if "iso" in names or "meldewoche" in names else ""


def named(text: str, columns: Sequence[str]) -> TwoColumns | None:
    """`Jahr,KW` as two of the columns; None where it is no two of them."""
    year, comma, part = (word.strip() for word in text.partition(","))
    if not comma or year not in columns or part not in columns:
        return None
    unit = "month" if part.lower() in MONTH else "week"
    return TwoColumns(columns.index(year), columns.index(part), unit)


def joined(columns: Sequence[str], rows: Sequence[Row], two: TwoColumns) -> tuple[list[str], list[Row]]:
    """The table with one column of times in front instead of the two."""
    rest = [i for i in range(len(columns)) if i not in (two.year, two.part)]
    name = f"{columns[two.year]},{columns[two.part]}"
    told: list[Row] = [(line, [written(cells, two), *(cells[i] for i in rest)]) for line, cells in rows]
    return [name, *(columns[i] for i in rest)], told


def written(cells: Sequence[Any], two: TwoColumns) -> str:
    """The two cells as one text, 2012-W05 or 2012-05; as they are where they are no numbers of that kind."""
    year, part = (str("" if cells[i] is None else cells[i]).strip() for i in (two.year, two.part))
    y, p = _YEAR.fullmatch(year), _PART.fullmatch(part)
    if y is None or p is None:
        return f"{year!r} and {part!r}"
    return f"{y[1]}-W{int(p[1]):02d}" if two.unit == "week" else f"{y[1]}-{int(p[1]):02d}"


def without(columns: Sequence[str], roles: Mapping[str, int | None]) -> tuple[int, ...]:
    """Columns that tell the time beside a column of dates: they are no series."""
    two = found_in(columns)
    taken = {index for index in roles.values() if index is not None}
    return () if two is None else tuple(i for i in (two.year, two.part) if i not in taken)
