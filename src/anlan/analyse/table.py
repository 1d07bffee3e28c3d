"""From a wide or a long table to a panel.

Wide: one row a time, a column `date` or `k`, and one column per series. Long: columns `date` or `k`,
`series` and `value`, in any order of rows. Instead of `date` there may be a year and a week (or month). The
axis of a wide table belongs to all its series, so a time that cannot be read, or comes twice, is an error; in
a long table it is a fault of one row, which is held back, and the value it would have given is missing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from anlan.analyse.axis import Axis, counted, dated
from anlan.analyse.decimals import COMMA, POINT, decimal_of
from anlan.analyse.held import Held, not_a_number, not_a_time, repeated, told_twice
from anlan.analyse.laid import Laid, lay
from anlan.analyse.read_times import times
from anlan.assess.detect.panel import Ints
from anlan.formats import told_in_two
from anlan.formats.days import DATE_FORMS, not_in_calendar
from anlan.formats.weeks import check
from anlan.model.errors import InvalidValue
from anlan.model.text import Text

DATE = ("date", "日期")
COUNT = ("k",)
SERIES = ("series", "序列")
VALUE = ("value", "数值")
MISSING = frozenset({"", "na", "n/a", "nan", "null", "none"})
_NUMBER = {
    sign: re.compile(
        rf"[+-]?(\d+({re.escape(sign)}\d*)?|{re.escape(sign)}\d+)([eE][+-]?\d+)?|[+-]?inf(inity)?",
        re.IGNORECASE,
    )
    for sign in (POINT, COMMA)
}
WHOLE = "a whole number"
COMMAS = Text("the comma is the decimal sign of this table", "本表以逗号为小数点")

Row = tuple[int, Sequence[Any]]
"""(line, cells)"""


@dataclass(frozen=True, slots=True)
class Manner:
    """How a table writes what can be written in more than one way; empty: as its cells tell, and where they
    do not, it is refused. `weeks` iso or mmwr; `decimal` `.` or `,`; `separator` what parts its cells."""

    weeks: str = ""
    decimal: str = ""
    separator: str = ""


def table(
    columns: Sequence[str],
    rows: Sequence[Row],
    name: str,
    freq: int | None,
    *,
    broken: Sequence[Held] = (),
    only: Sequence[str] = (),
    roles: Mapping[str, str] | None = None,
    manner: Manner = Manner(),
) -> Laid:
    """The table of these columns and rows; `name` says in errors which file or frame it is, `broken` are
    rows that could not be taken apart; `only` these columns of a wide table are series (all by default);
    `roles` says which columns are the `date`, `series` and `value`, where they are called otherwise; the
    date may be two of them, `year,week`."""
    given = {role: column for role, column in (roles or {}).items() if column}
    check(manner.weeks)
    two = told_in_two.named(given.get("date", ""), columns) if given.get("date") not in columns else None
    if two is None and "date" not in given and _named(columns, (*DATE, *COUNT)) is None:
        two = told_in_two.found_in(columns)
    if two is not None:
        manner = replace(manner, weeks=manner.weeks or told_in_two.kind(columns, two))
        columns, rows = told_in_two.joined(columns, rows, two)
        given["date"] = columns[0]
        manner = manner if two.unit == "week" else replace(manner, weeks="")
    for role, column in given.items():
        if column not in columns:
            raise InvalidValue(
                f"no such column for the {role}",
                where=f"{name}: line 1",
                found=repr(column),
                expected="one of: " + ", ".join(columns[:20]),
            )
    found = {
        role: columns.index(given[role]) if role in given else _named(columns, usual)
        for role, usual in (("date", DATE), ("k", COUNT), ("series", SERIES), ("value", VALUE))
    }
    time = found["date"] if found["date"] is not None else found["k"]
    if time is None:
        raise InvalidValue(
            "no column of times",
            where=f"{name}: line 1",
            found=", ".join(columns[:12]) or "no column",
            expected="a column `date`, or `k` with numbers, and one column per series; or the columns "
            "`date`, `series`, `value`; instead of `date` a year and a week, as `year` and `week`",
            mend="say which column it is: --date NAME, or --date YEAR,WEEK",
        )
    where = name, time, found["date"] is None
    if found["series"] is not None and found["value"] is not None:
        manner = _decided(columns, rows, [found["value"]], name, manner)
        return _long(columns, rows, where, freq, broken, found["series"], found["value"], manner)
    out = {c for c in (found["date"], found["k"]) if c is not None}
    beside = () if only else told_in_two.without(columns, found)
    picked = [i for i in range(len(columns)) if i not in (*out, *beside) and (not only or columns[i] in only)]
    manner = _decided(columns, rows, picked, name, manner)
    return _wide(columns, rows, where, freq, broken, picked, only, manner, [columns[i] for i in beside])


def _decided(
    columns: Sequence[str], rows: Sequence[Row], picked: Sequence[int], name: str, manner: Manner
) -> Manner:
    return replace(manner, decimal=decimal_of(columns, rows, picked, name, manner.decimal, manner.separator))


def number(cell: Any, decimal: str = POINT) -> float | None:
    """The number in a cell, NaN where it says missing, None where it says anything else."""
    if cell is None:
        return math.nan
    if isinstance(cell, int | float | np.number):
        return float(cell)
    text = str(cell).strip()
    if _NUMBER[decimal].fullmatch(text):
        return float(text.replace(decimal, POINT))
    return math.nan if text.lower() in MISSING else None


def _wide(
    columns: Sequence[str],
    rows: Sequence[Row],
    at: tuple[str, int, bool],
    freq: int | None,
    broken: Sequence[Held],
    picked: Sequence[int],
    only: Sequence[str],
    manner: Manner,
    beside: Sequence[str],
) -> Laid:
    name, time, numbered = at

    def where(row: int) -> str:
        return _at(name, rows[row][0] if row >= 0 and rows else 1, columns[time])

    keys, bad, weeks = times([row[1][time] for row in rows], manner.weeks, freq, numbered, where)
    if bad:
        none = not_in_calendar(str(rows[bad[0]][1][time]), manner.weeks) if keys.dtype.kind == "M" else ""
        raise InvalidValue(
            "a time that cannot be read",
            where=where(bad[0]),
            found=repr(rows[bad[0]][1][time]) + (f" ({none})" if none else ""),
            expected=DATE_FORMS if keys.dtype.kind == "M" else WHOLE,
        )
    _each_once(keys, rows, where)
    axis, steps = _axis(keys, freq, where, weeks)
    _each_once(steps, rows, where)  # two days of one month
    lacking = [c for c in only if c not in columns]
    if lacking or not picked:
        raise InvalidValue(
            "no such series" if lacking else "no series",
            where=f"{name}: line 1",
            found=repr(lacking[0]) if lacking else ", ".join(columns),
            expected=f"some of: {', '.join(columns[:20])}"
            if lacking
            else "at least one column of values beside the times",
        )
    values = np.full((len(picked), axis.n_time), np.nan)
    held = list(broken)
    for s, column in enumerate(picked):
        before = len(held)
        for (line, cells), step in zip(rows, steps, strict=True):
            value = number(cells[column], manner.decimal)
            if value is None:
                held.append(not_a_number(line, columns[column], str(cells[column]), manner.decimal))
            else:
                values[s, step] = value
        if len(held) - before == len(rows):
            raise InvalidValue(
                "a column without any number",
                where=f"{name}: column {columns[column]}",
                found=repr(str(rows[0][1][column])),
                expected=f"numbers as 1234{manner.decimal}5, and nothing between the thousands",
                mend="name the columns that are series: --series A --series B",
            )
    notes = _notes(manner)
    if beside:
        named = ", ".join(beside)
        notes.append(
            Text(
                f"columns beside the date that tell the time are no series: {named}",
                f"时间列不作为序列：{named}",
            )
        )
    return lay(axis, [columns[i] for i in picked], values, sorted(held, key=lambda h: h.line), notes)


def _notes(manner: Manner) -> list[Text]:
    return [COMMAS] if manner.decimal == COMMA else []


def _long(
    columns: Sequence[str],
    rows: Sequence[Row],
    at: tuple[str, int, bool],
    freq: int | None,
    broken: Sequence[Held],
    series: int,
    value: int,
    manner: Manner,
) -> Laid:
    name, time, numbered = at
    keys, bad, weeks = times(
        [row[1][time] for row in rows],
        manner.weeks,
        freq,
        numbered,
        lambda row: _at(name, rows[row][0], columns[time]),
    )
    expected = DATE_FORMS if keys.dtype.kind == "M" else WHOLE
    held = [*broken, *(not_a_time(rows[i][0], columns[time], str(rows[i][1][time]), expected) for i in bad)]
    out = set(bad)
    used = [row for i, row in enumerate(rows) if i not in out]
    keys = keys[[i for i in range(len(rows)) if i not in out]]
    axis, steps = _axis(
        keys, freq, lambda row: _at(name, used[row][0] if row >= 0 and used else 1, columns[time]), weeks
    )
    names: dict[str, int] = {}
    for _, cells in used:
        names.setdefault(str(cells[series]).strip(), len(names))
    values = np.full((len(names), axis.n_time), np.nan)
    first: dict[tuple[int, int], int] = {}
    for i, (line, cells) in enumerate(used):
        s, step = names[str(cells[series]).strip()], int(steps[i])
        told = number(cells[value], manner.decimal)
        if told is None:
            held.append(not_a_number(line, columns[value], str(cells[value]), manner.decimal))
            told = math.nan
        other = first.setdefault((s, step), i)
        if other == i:
            values[s, step] = told
            continue
        was = number(used[other][1][value], manner.decimal)
        if told == was or (math.isnan(told) and was is not None and math.isnan(was)):
            held.append(repeated(line, columns[value], str(cells[value]), used[other][0]))
        else:
            held.append(told_twice(line, columns[value], str(cells[value]), used[other][0]))
            values[s, step] = math.nan
    return lay(axis, list(names), values, sorted(held, key=lambda h: h.line), _notes(manner))


def _named(columns: Sequence[str], names: Sequence[str]) -> int | None:
    lower = [column.strip().lower() for column in columns]
    return next((lower.index(name) for name in names if name in lower), None)


def _axis(keys: Any, freq: int | None, where: Callable[[int], str], weeks: str) -> tuple[Axis, Ints]:
    if keys.dtype.kind != "M":
        return counted(keys, freq, where)
    axis, steps = dated(keys, freq, where)
    return replace(axis, weeks=weeks), steps


def _each_once(times: Any, rows: Sequence[Row], where: Callable[[int], str]) -> None:
    order = np.argsort(times, kind="stable")
    same = np.flatnonzero(times[order][1:] == times[order][:-1])
    if same.size:
        first, second = int(order[same[0]]), int(order[same[0] + 1])
        raise InvalidValue(
            "a time that comes twice",
            where=where(second),
            found=f"the time of line {rows[first][0]} again",
            expected="each time once",
        )


def _at(name: str, line: int, column: str) -> str:
    return f"{name}: line {line}, column {column}"
