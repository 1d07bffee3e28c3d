"""From rows of tables to what a scan reads."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Literal

import numpy as np

from anlan.assess.scan.expected import person_time
from anlan.assess.scan.inputs import Floats, ScanData, Values
from anlan.assess.scan.periods import Periods
from anlan.assess.scan.zones import Points
from anlan.formats.scan_tables import CountRow, PointRow, ValueRow

#: a census known to the year is of the middle of the year
CENSUS_MONTH, CENSUS_DAY = 7, 1


def from_rows(
    cases: Sequence[CountRow],
    points: Sequence[PointRow],
    periods: Periods,
    *,
    population: Sequence[CountRow] = (),
    controls: Sequence[CountRow] = (),
    kind: Literal["latlon", "plane"] = "latlon",
    categorical: bool = False,
) -> ScanData:
    """Counts by place, period and stratum.

    Every place of `points` is in the study; a row of another place raises ValueError. Cases outside of
    the study period are left out. A population with dates is a census: it runs in straight lines between
    them. Populations are rounded to single precision, as the program of reference holds them: it decides
    the sixth digit of a ratio where they are not whole numbers. Strata are those of either table;
    `categorical`: they are the categories of the cases, in the order of numbers where they are numbers.
    """
    names = tuple(row.place for row in points)
    index = {name: number for number, name in enumerate(names)}
    strata = sorted({row.strata for row in (*cases, *population)}, key=_in_order)
    column = {stratum: number for number, stratum in enumerate(strata)}
    shape = (len(names), len(periods), max(len(strata), 1))
    counted = _counted(cases, index, column, shape, periods)
    at_risk = None
    if population:
        at_risk = _population(population, index, column, shape, periods)
    people = None
    if controls:
        people = _counted(controls, index, {row.strata: 0 for row in controls}, (*shape[:2], 1), periods)
    if not categorical and at_risk is None and people is not None:
        counted = counted.sum(axis=2, keepdims=True)
    return ScanData(
        names,
        Points(np.array([(row.first, row.second) for row in points], dtype=np.float64), kind),
        periods,
        cases=counted,
        population=at_risk,
        controls=people,
    )


def values_from_rows(
    values: Sequence[ValueRow],
    points: Sequence[PointRow],
    periods: Periods,
    kind: Literal["latlon", "plane"] = "latlon",
) -> ScanData:
    """Measured values by place and period."""
    names = tuple(row.place for row in points)
    index = {name: number for number, name in enumerate(names)}
    place, period, value = [], [], []
    for row in values:
        at = _period(periods, row.when, row.place, row.line)
        if at >= 0:
            place += [_place(index, row.place, row.line)] * row.count
            period += [at] * row.count
            value += [row.value] * row.count
    return ScanData(
        names,
        Points(np.array([(row.first, row.second) for row in points], dtype=np.float64), kind),
        periods,
        values=Values(np.array(place, np.int64), np.array(period, np.int64), np.array(value, np.float64)),
    )


def _counted(
    rows: Sequence[CountRow],
    index: dict[str, int],
    column: dict[tuple[str, ...], int],
    shape: tuple[int, int, int],
    periods: Periods,
) -> Floats:
    found = np.zeros(shape)
    for row in rows:
        at = _period(periods, row.when, row.place, row.line)
        place = _place(index, row.place, row.line)
        if at >= 0:
            found[place, at, column[row.strata]] += row.count
    return found


def _population(
    rows: Sequence[CountRow],
    index: dict[str, int],
    column: dict[tuple[str, ...], int],
    shape: tuple[int, int, int],
    periods: Periods,
) -> Floats:
    days = sorted({_census(row) for row in rows})
    census = {day: number for number, day in enumerate(days)}
    given = np.zeros((shape[0], shape[2], len(days)))
    for row in rows:
        place = _place(index, row.place, row.line)
        given[place, column[row.strata], census[_census(row)]] += float(np.float32(row.count))
    dates = np.array(days, dtype="datetime64[D]")
    return np.moveaxis(person_time(dates, given, periods), 1, 2)


def _census(row: CountRow) -> date:
    if row.when is None:
        return date(2000, CENSUS_MONTH, CENSUS_DAY)  # one population for all time: any day will do
    if row.precision == "year":
        return row.when.replace(month=CENSUS_MONTH, day=CENSUS_DAY)
    return row.when


def _period(periods: Periods, when: date | None, place: str, line: int) -> int:
    if when is None:
        if len(periods) > 1:
            raise ValueError(f"line {line}: {place} has no date, and there are {len(periods)} periods")
        return 0
    return int(periods.index(np.array([when], dtype="datetime64[D]"))[0])


def _place(index: dict[str, int], place: str, line: int) -> int:
    if place not in index:
        raise ValueError(f"line {line}: {place} has no coordinates")
    return index[place]


def _in_order(stratum: tuple[str, ...]) -> tuple[tuple[int, float, str], ...]:
    """Numbers as numbers, then words."""

    def key(cell: str) -> tuple[int, float, str]:
        try:
            return (0, float(cell), cell)
        except ValueError:
            return (1, 0.0, cell)

    return tuple(key(cell) for cell in stratum)
