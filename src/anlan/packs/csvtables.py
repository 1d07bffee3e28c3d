"""CSV rows into model values: places, event grades, known events, codes of CAP."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from anlan.model.domain import LEVELS, GradeBand
from anlan.model.errors import Fault, InvalidValue
from anlan.model.imprint import ELEMENTS, NAMELESS, RESPONSES, CapCode
from anlan.model.indicator import KnownEvent
from anlan.model.place import Place
from anlan.model.text import Text
from anlan.model.time import Validity, parse_instant
from anlan.packs.decode import Decoded
from anlan.packs.documents import Row

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_INTEGER = re.compile(r"-?\d{1,15}")
_ALWAYS = Validity()


class _Cells:
    """Typed access to one row; what cannot be read becomes a fault and a stand-in."""

    def __init__(self, row: Row, faults: list[Fault]) -> None:
        self.row = row
        self.faults = faults
        self.told: set[str] = set()

    def fault(self, column: str, message: str, expected: str) -> None:
        self.told.add(column)
        found = repr(self.row.cells[column])
        self.faults.append(self.row.origin.fault(message, column, found=found, expected=expected))

    def text(self, column: str) -> str:
        value = self.row.cells[column]
        if not value:
            self.fault(column, "an empty cell", "a value")
            return "?"
        return value

    def integer(self, column: str) -> int | None:
        value = self.row.cells[column]
        if not value:
            return None
        if not _INTEGER.fullmatch(value):
            self.fault(column, "not an integer", "digits, or empty where unknown")
            return None
        return int(value)

    def number(self, column: str) -> float | None:
        value = self.row.cells[column]
        if not value:
            return None
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            self.fault(column, "not a number", "a finite number, or empty for an open side")
            return None
        return number

    def flag(self, column: str, default: bool) -> bool:
        value = self.row.cells[column]
        if value not in ("", "true", "false"):
            self.fault(column, "neither true nor false", "true, false, or empty")
        return default if value not in ("true", "false") else value == "true"

    def day(self, column: str) -> date | None:
        value = self.row.cells[column]
        if not value:
            return None
        try:
            if _DATE.fullmatch(value):
                return date.fromisoformat(value)
        except ValueError:
            pass
        self.fault(column, "not a date", "a date such as 2024-11-01, or empty where open")
        return None

    def instant(self, column: str) -> datetime:
        try:
            return parse_instant(self.row.cells[column])
        except InvalidValue as error:
            self.fault(column, error.message, error.expected)
            return datetime(1970, 1, 1, tzinfo=UTC)

    def validity(self) -> Validity:
        since, until = self.day("from"), self.day("to")
        if since is None and until is None:
            return _ALWAYS
        if since and until and until <= since:
            self.fault("to", "ends before it starts", f"a date after {since}")
            return _ALWAYS
        return Validity(since, until)

    def names(self, english: str, chinese: str) -> Text:
        return Text(self.text(english), self.text(chinese))


def _place(cells: _Cells) -> Place:
    return Place(
        id=cells.text("id"),
        name=cells.names("name_en", "name_zh"),
        level=cells.text("level"),
        parent=cells.row.cells["parent"] or None,
        validity=cells.validity(),
        population=cells.integer("population"),
        population_year=cells.integer("population_year"),
        population_source=cells.row.cells["population_source"],
        lon=cells.number("lon"),
        lat=cells.number("lat"),
        radius_km=cells.number("radius_km"),
        radius_basis=cells.row.cells["radius_basis"],
        radius_basis_zh=cells.row.cells["radius_basis_zh"],
    )


def _grade(cells: _Cells) -> GradeBand:
    grade = cells.integer("grade")
    if grade is None:
        cells.fault("grade", "no grade", "1, 2, 3 or 4")
    return GradeBand(
        hazard=cells.text("hazard"),
        grade=grade or 0,
        metric=cells.text("metric"),
        unit=cells.text("unit"),
        basis=cells.text("basis"),
        lower=cells.number("lower"),
        upper=cells.number("upper"),
        lower_inclusive=cells.flag("lower_inclusive", True),
        upper_inclusive=cells.flag("upper_inclusive", False),
        note=cells.row.cells["note"],
        validity=cells.validity(),
    )


def _event(cells: _Cells) -> KnownEvent:
    start, end = cells.instant("start"), cells.instant("end")
    if end < start:
        cells.fault("end", "ends before it starts", f"an instant not before {start.isoformat()}")
        end = start
    return KnownEvent(
        id=cells.text("id"),
        hazard=cells.text("hazard"),
        place=cells.text("place"),
        start=start,
        end=end,
        source=cells.text("source"),
        title=cells.names("title_en", "title_zh"),
    )


def _cap_code(cells: _Cells) -> CapCode:
    element, name, place = cells.text("element"), cells.row.cells["value_name"], cells.row.cells["place"]
    if element not in ELEMENTS:
        cells.fault("element", "no such element", ", ".join(ELEMENTS))
    if bool(name) == (element in NAMELESS):
        cells.fault(
            "value_name",
            f"a {element} has no name" if name else "an empty cell",
            f"a name for all but {' and '.join(NAMELESS)}",
        )
    if element == "responseType" and cells.row.cells["value"] not in RESPONSES:
        cells.fault("value", "no such response", ", ".join(RESPONSES))
    if bool(place) != (element == "geocode"):
        cells.fault("place", "a place for another element" if place else "no place", "for a geocode only")
    level = cells.integer("level")
    if level is not None and level not in LEVELS:
        cells.fault("level", "no such level", "1, 2, 3, 4, or empty for all")
    return CapCode(
        element=element,
        value_name=name,
        value=cells.text("value"),
        hazard=cells.row.cells["hazard"],
        level=level,
        organ=cells.row.cells["organ"],
        place=place,
        validity=cells.validity(),
    )


_MAKERS: dict[str, Callable[[_Cells], Any]] = {
    "places": _place,
    "grades": _grade,
    "events": _event,
    "cap_codes": _cap_code,
}


def from_row(target: str, row: Row, faults: list[Fault]) -> Decoded[Any]:
    """The place, grade, event or code of one row, with what is wrong added to `faults`."""
    before = len(faults)
    cells = _Cells(row, faults)
    try:
        value = _MAKERS[target](cells)
    except InvalidValue as error:
        faults.append(row.origin.fault(error.message, found=error.found, expected=error.expected))
        return Decoded()
    if len(faults) == before:
        return Decoded(value)
    return Decoded(None, value, frozenset((column,) for column in cells.told))
