"""The rows of a table into observations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from anlan.formats.observations import code_of, in_bounds, indicator_of
from anlan.formats.table import Record
from anlan.formats.told_in_two import TwoColumns, written
from anlan.model.errors import BadInput, InvalidValue, UnknownPlace, WrongUnit
from anlan.model.indicator import Indicator
from anlan.model.observation import Observation
from anlan.model.pack import Pack
from anlan.model.place import Point
from anlan.model.provenance import Provenance
from anlan.model.quantity import convert
from anlan.sources.table.cells import InstantReader, Unusable, number
from anlan.sources.table.mapping import PERIODS, Instants, Mapping, Series


@dataclass(frozen=True, slots=True)
class Faulty:
    """What could not be used of a record: the record, the column ("" for all of it), and why. `known`
    is when the record was known, None where it cannot be told."""

    record: Record
    unusable: Unusable
    known: datetime | None


class RowReader:
    """Reads records by a mapping; `known` stands for rows that the mapping gives no `known`."""

    def __init__(
        self, mapping: Mapping, columns: tuple[str, ...], pack: Pack, source: str, ref: str, digest: str
    ) -> None:
        self.mapping, self.pack = mapping, pack
        self._source, self._ref, self.digest = source, ref, digest
        self._index = {name: number for number, name in enumerate(columns)}
        self._at = InstantReader(mapping.at_column, mapping.at)
        self._known = InstantReader(mapping.known_column, mapping.known)
        # a publication has a day, also where what it tells of has a week
        dates = Instants("date", mapping.at.zone) if mapping.at.form in PERIODS else mapping.at
        self._dates = InstantReader(mapping.known_column, dates)
        self._two = None
        if mapping.at_parts:
            year, part = (self._index[name] for name in mapping.at_parts)
            self._two = TwoColumns(year, part, "week" if PERIODS[mapping.at.form] else "month")
        self._series: list[tuple[Series, int | None, Indicator | None, str, Unusable | None]] = []
        for series in mapping.series:
            indicator, unit, fault = self._fits(series.indicator, series.unit, series.column)
            index = None if series.constant else self._index[series.column]
            self._series.append((series, index, indicator, unit, fault))

    def _fits(self, id: str, unit: str, column: str) -> tuple[Indicator | None, str, Unusable | None]:
        try:
            indicator = indicator_of(id, self.pack)
            convert(0.0, unit or indicator.unit, indicator.unit)
        except BadInput as error:
            wanted = error.expected or "an indicator of the pack"
            return None, "", Unusable(code_of(error), column, error.message, error.found, wanted)
        return indicator, unit or indicator.unit, None

    def read(self, record: Record, known: datetime | None) -> Iterator[Observation | Faulty]:
        """The observations of one record, and what of it cannot be used."""
        told: datetime | None = None
        try:
            at = self._at.read(self._when(record.cells)) - self.mapping.at_back
            told = self._told(record.cells, at, known)
            place = self._place(record.cells, at)
            point = self._point(record.cells)
            event = self._cell(record.cells, self.mapping.event)
        except Unusable as unusable:
            yield Faulty(record, unusable, told)
            return
        except OverflowError:
            bad = Unusable("bad_time", self.mapping.at_column, "no such time", record.cells, "an instant")
            yield Faulty(record, bad, told)
            return
        origin = Provenance(self._source, self._ref, record.line, self.digest)
        for series, index, indicator, unit, fault in self._series:
            column = series.column
            try:
                if fault is not None or indicator is None:
                    raise fault or AssertionError(column)
                cell = column[1:] if index is None else record.cells[index]
                value = self._value(cell, column, indicator, unit)
                holds = at + series.ahead
            except Unusable as unusable:
                yield Faulty(record, unusable, told)
            except OverflowError:
                bad = Unusable("bad_time", column, "no such time", str(at), f"{series.ahead} later")
                yield Faulty(record, bad, told)
            else:
                of = series.event or event
                yield Observation(indicator.id, place, holds, told, value, indicator.unit, origin, of, point)

    def _when(self, cells: tuple[Any, ...]) -> Any:
        """The cell that tells the time; of two what they tell together."""
        if self._two is not None:
            return written(cells, self._two)
        return cells[self._index[self.mapping.at_column]]

    def _told(self, cells: tuple[Any, ...], at: datetime, known: datetime | None) -> datetime:
        if self.mapping.known_lag is not None:
            return at + self.mapping.known_lag
        if self.mapping.known_column:
            cell = cells[self._index[self.mapping.known_column]]
            try:
                return self._known.read(cell)
            except Unusable:
                # a publication date is often written as `at` is, without a time of day
                return self._dates.read(cell)
        if known is None:
            raise InvalidValue(
                "a table without known or known_lag has no history",
                where=f"source {self._source}.options",
                found="neither",
                expected="known or known_lag",
            )
        return known

    def _cell(self, cells: tuple[Any, ...], column: str) -> str:
        return "" if not column or (cell := cells[self._index[column]]) is None else str(cell).strip()

    def _place(self, cells: tuple[Any, ...], at: datetime) -> str:
        mapping = self.mapping
        found = mapping.place if mapping.place else self._cell(cells, mapping.place_column)
        id = mapping.place_map.get(found, mapping.place_prefix + found if found else "")
        try:
            return self.pack.place(id, at).id
        except UnknownPlace as error:
            column = mapping.place_column
            raise Unusable("unknown_place", column, error.message, error.found, error.expected) from None

    def _point(self, cells: tuple[Any, ...]) -> Point | None:
        mapping = self.mapping
        if not mapping.lon or self._cell(cells, mapping.lon) in mapping.missing:
            return None
        depth = self._cell(cells, mapping.depth)
        try:
            return Point(
                number(cells[self._index[mapping.lon]], mapping.lon),
                number(cells[self._index[mapping.lat]], mapping.lat),
                None if not mapping.depth or depth in mapping.missing else number(depth, mapping.depth),
            )
        except InvalidValue as error:
            raise Unusable("invalid_point", mapping.lon, error.message, error.found, error.expected) from None

    def _value(self, cell: Any, column: str, indicator: Indicator, unit: str) -> float | None:
        if cell is None or (isinstance(cell, str) and cell.strip() in self.mapping.missing):
            return None
        try:
            return in_bounds(convert(number(cell, column), unit, indicator.unit), indicator)
        except (BadInput, WrongUnit) as error:
            raise Unusable(code_of(error), column, error.message, error.found, error.expected) from None
