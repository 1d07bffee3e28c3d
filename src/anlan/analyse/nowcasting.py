"""A nowcast from a file: what the last periods' counts will be once all reports are in.

Two forms are read. A line list: one row a case (or a number of cases), with the day it happened and the day
it was reported. Vintages: one row per count as it was published at a time, with the period, the day of the
publication and the count. Series may be told apart by a column of either.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from anlan.analyse.csv_file import separator_of
from anlan.analyse.held import Held, not_a_number, not_a_record, not_a_time, told_twice
from anlan.analyse.table import number
from anlan.assess.detect.panel import Floats, Reason
from anlan.assess.models.nowcast import METHODS, PoissonGamma, nowcast
from anlan.assess.models.nowcast_many import NowcastMany, cumulated, nowcast_many
from anlan.assess.models.reporting_triangle import ReportingTriangle, period_index, period_start
from anlan.formats.days import DATE_FORMS, day_of
from anlan.formats.table import BrokenRecord, gunzip, read_csv
from anlan.model.errors import InvalidValue, NotFound

PERIODS = {"day": "1 day", "week": "1 week", "month": "1 month"}
CHAIN_LADDER = "chain_ladder"
#: delays looked at where nobody says, at most a third of the periods
USUAL_DELAYS = 10


@dataclass(frozen=True, slots=True)
class Columns:
    """Names of columns. `event` the day it happened or the period counted; `report` the day it was reported
    or published; `count` the number (empty: one a row); `series` empty where there is one."""

    event: str
    report: str
    count: str = ""
    series: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """`period` day, week or month; `delays` the longest in periods, None for the usual; `now` the day as of
    which is asked, None for that of the last report; `method` chain_ladder, or one of the peer's;
    `vintages`: the rows are counts as published, not cases; `revisions` growing or both."""

    period: str = "day"
    delays: int | None = None
    now: dt.date | None = None
    alpha: float = 0.05
    method: str = CHAIN_LADDER
    vintages: bool = False
    revisions: str = "growing"


@dataclass(frozen=True, slots=True)
class Nowcasted:
    """`dates` [n_last] the last periods, oldest first; arrays [n_series, n_last], NaN = unknown, with
    `reason`; `held` what of the file was not used; `fell`: published counts that were lower than before."""

    series: tuple[str, ...]
    dates: tuple[dt.date, ...]
    known: Floats
    median: Floats
    lower: Floats
    upper: Floats
    share: Floats
    reason: np.ndarray[Any, np.dtype[np.int16]]
    now: dt.date
    held: tuple[Held, ...]
    fell: int


def nowcasted(path: Path, columns: Columns, asked: Asked, encoding: str = "utf-8") -> Nowcasted:
    """The nowcast of a CSV file. NotFound or Unreadable where it cannot be read, InvalidValue for a column it
    lacks, a setting that does not fit, or too few periods; rows that cannot be used are held back."""
    if asked.period not in PERIODS:
        raise _wrong("period", asked.period, "day, week or month")
    if asked.method not in (CHAIN_LADDER, *METHODS):
        raise _wrong("method", asked.method, ", ".join((CHAIN_LADDER, *METHODS)))
    if asked.revisions not in ("growing", "both"):
        raise _wrong("revisions", asked.revisions, "growing or both")
    rows, held = _rows(path, columns, encoding)
    if not rows:
        raise InvalidValue(
            "no row can be used",
            where=str(path),
            found=f"{_at(held[0])} and {len(held) - 1} more" if held else "no row",
            expected="rows with a day of the event and a day of the report",
        )
    by = PERIODS[asked.period]
    last = asked.now or max(report for _, _, report, _, _ in rows)
    present = _index(last, by)
    used = [r for r in rows if r[2] <= last and _index(r[1], by) <= present]
    if not used:
        raise InvalidValue("nothing was known by then", where="now", found=str(last), expected="a later day")
    first = min(_index(event, by) for _, event, _, _, _ in used)
    periods = present - first + 1
    delays = asked.delays if asked.delays is not None else min(USUAL_DELAYS, (periods - 1) // 3)
    if not 1 <= delays < periods:
        raise InvalidValue(
            "delays that do not fit the periods",
            where="delays",
            found=f"{delays} for {periods} periods",
            expected=f"from 1 to {periods - 1} periods",
        )
    names = sorted({name for name, *_ in used})
    shape = (len(names), periods, delays + 1)
    place = {name: n for n, name in enumerate(names)}
    cells = [
        (place[name], _index(event, by) - first, _index(report, by) - first, report, count, line)
        for name, event, report, count, line in used
    ]
    if asked.vintages:
        known, fell, twice = _published(cells, shape, columns.count)
        held += twice
    else:
        known, fell = _reported(cells, shape), 0
    dates = tuple(_day(period_start(first + p, by)) for p in range(periods - delays, periods))  # type: ignore[arg-type]
    found = _chained(known, asked) if asked.method == CHAIN_LADDER else _each(known, asked)
    ages = np.arange(delays - 1, -1, -1)
    return Nowcasted(
        tuple(names),
        dates,
        *(found.known, found.median, found.lower, found.upper, found.share[:, ages], found.reason),
        last,
        tuple(sorted(held, key=lambda h: h.line)),
        fell,
    )


def _at(held: Held) -> str:
    return f"line {held.line}, column {held.column}: {held.found!r}"


def _wrong(where: str, found: str, expected: str) -> InvalidValue:
    return InvalidValue("no such setting", where=where, found=repr(found), expected=expected)


_Row = tuple[str, dt.date, dt.date, float, int]
"""(series, event, report, count, line)"""


def _rows(path: Path, columns: Columns, encoding: str) -> tuple[list[_Row], list[Held]]:
    try:
        raw = gunzip(path.read_bytes(), str(path))
    except OSError as error:
        raise NotFound("the file cannot be read", where=str(path), found=str(error.strerror)) from error
    file = read_csv(raw, str(path), encoding=encoding, delimiter=separator_of(raw, str(path), encoding))
    at: dict[str, int] = {}
    for role in ("event", "report", "count", "series"):
        name = getattr(columns, role)
        if name and name not in file.columns:
            raise InvalidValue(
                f"no such column for the {role}",
                where=f"{path}: line 1",
                found=repr(name),
                expected="one of: " + ", ".join(file.columns[:20]),
                mend=f"say which column it is: --{role} NAME",
            )
        if name:
            at[role] = file.columns.index(name)
    rows: list[_Row] = []
    held: list[Held] = []
    for record in file.records:
        if isinstance(record, BrokenRecord):
            shown = record.raw.decode(encoding, "replace").strip()[:80]
            held.append(not_a_record(record.line, shown, record.message))
            continue
        cells = {role: str(record.cells[n]).strip() for role, n in at.items()}
        row = _row(record.line, cells, columns)
        held.append(row) if isinstance(row, Held) else rows.append(row)
    return rows, held


def _row(line: int, cells: Mapping[str, str], columns: Columns) -> _Row | Held:
    days = {role: day_of(cells[role]) for role in ("event", "report")}
    for role, day in days.items():
        if day is None:
            return not_a_time(line, getattr(columns, role), cells[role], DATE_FORMS)
    count = number(cells["count"]) if "count" in cells else 1.0
    if count is None or math.isnan(count) or count < 0 or math.isinf(count):
        return not_a_number(line, columns.count, cells["count"])
    event, report = days["event"], days["report"]
    assert event is not None and report is not None
    if report < event:
        return not_a_time(line, columns.report, cells["report"], f"a day not before {event}")
    return cells.get("series", ""), event, report, count, line


def _index(day: dt.date, by: str) -> int:
    return int(period_index(np.array([day], dtype="datetime64[D]"), by)[0])  # type: ignore[arg-type]


def _day(value: Any) -> dt.date:
    day: dt.date = value.astype("datetime64[D]").astype(dt.date)
    return day


def _unseen(shape: tuple[int, int, int]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Periods and delays that lie after the present."""
    return np.asarray(np.arange(shape[1])[:, None] + np.arange(shape[2]) > shape[1] - 1)


_Cell = tuple[int, int, int, dt.date, float, int]


def _reported(cells: Sequence[_Cell], shape: tuple[int, int, int]) -> Floats:
    """Counts known at each delay, of cases one by one; longer delays count as the longest."""
    new = np.zeros(shape)
    for s, event, report, _, count, _ in cells:
        new[s, event, min(report - event, shape[2] - 1)] += count
    known = cumulated(new)
    known[:, _unseen(shape)] = np.nan
    return known


def _published(
    cells: Sequence[_Cell], shape: tuple[int, int, int], column: str
) -> tuple[Floats, int, list[Held]]:
    """Counts as published: one stands until another is published, what is published after the longest delay
    is the final count. How many were lower than before; what was told twice on one day."""
    known, held = np.full(shape, np.nan), []
    told: dict[tuple[int, int, dt.date], tuple[float, int]] = {}
    order = sorted(cells, key=lambda cell: (cell[3], cell[5]))
    for s, event, report, day, count, line in order:
        before = told.setdefault((s, event, day), (count, line))
        if before[0] != count:
            held.append(told_twice(line, column, f"{count:g}", before[1]))
            continue
        known[s, event, min(report - event, shape[2] - 1)] = count
    for late in range(1, shape[2]):
        known[:, :, late] = np.where(np.isnan(known[:, :, late]), known[:, :, late - 1], known[:, :, late])
    known[:, _unseen(shape)] = np.nan
    with np.errstate(invalid="ignore"):
        fell = int((np.diff(known, axis=2) < 0).sum())
    return known, fell, held


def _chained(known: Floats, asked: Asked) -> NowcastMany:
    revisions: Any = asked.revisions
    return nowcast_many(known, alpha=asked.alpha, revisions=revisions)


def _each(known: Floats, asked: Asked) -> NowcastMany:
    """Every series by itself, by a method for the counts newly reported at each delay. The prior, where the
    method takes one, says little: the mean reported a period, and ten times its square about it."""
    empty = nowcast_many(known, alpha=asked.alpha)
    last = int(empty.known.shape[1])
    lasts = [np.full(empty.known.shape, np.nan) for _ in range(3)]
    share = np.full(empty.share.shape, np.nan)
    method: Any = asked.method
    for s, counts in enumerate(known):
        new = np.diff(counts, axis=1, prepend=0.0)
        if (new < 0).any():
            raise InvalidValue(
                "counts that fall have no delays",
                where="method",
                found=asked.method,
                expected=f"{CHAIN_LADDER} with --revisions both",
            )
        triangle = ReportingTriangle(new, 0)
        mean = max(float(triangle.reported().mean()), 0.5)
        prior = (
            PoissonGamma(mean, mean + 10 * mean**2) if method in ("bayes.trunc", "bayes.notrunc") else None
        )
        found = nowcast(triangle, method=method, alpha=asked.alpha, prior=prior)
        for kept, bound in zip(lasts, (found.median, found.lower, found.upper), strict=True):
            kept[s] = bound[-last:]
        share[s] = found.delay_cdf
    unknown = np.isnan(lasts[0]) & (empty.reason == Reason.OK)
    reason = np.where(unknown, np.int16(Reason.TOO_FEW_HISTORY), empty.reason)
    median, lower, upper = lasts
    return replace(empty, mean=median, median=median, lower=lower, upper=upper, share=share, reason=reason)
