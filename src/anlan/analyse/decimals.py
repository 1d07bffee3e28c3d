"""Which sign a table writes before the decimals: a point, or the comma of most of Europe.

`12,5` can only be a decimal comma, `1,250` may as well be a thousand and a quarter of one: a table is read
with the comma only where a cell proves it and no cell with a point speaks against it, or where somebody says
so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from anlan.model.errors import InvalidValue

POINT, COMMA = ".", ","
_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?|[+-]?\d+,([eE][+-]?\d+)?")
#: one to three digits, then groups of three: thousands, unless the first is a zero
_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+")
_POINT = re.compile(r"[+-]?\d*\.\d+([eE][+-]?\d+)?")


def decimal_of(
    columns: Sequence[str],
    rows: Sequence[tuple[int, Sequence[Any]]],
    picked: Sequence[int],
    name: str,
    stated: str,
    separator: str,
) -> str:
    """The decimal sign of the cells in the columns `picked`. `stated`: what was said about it, if anything.
    InvalidValue names file, line and column where both signs stand, or where in a table whose cells are not
    separated by commas a comma may be either."""
    if stated not in ("", POINT, COMMA):
        raise InvalidValue("no such decimal sign", where="decimal", found=repr(stated), expected="`.` or `,`")
    if stated:
        return stated
    proof = doubt = point = None
    for line, cells in rows:
        for column in picked:
            cell = cells[column]
            if not isinstance(cell, str):
                continue
            text = cell.strip()
            if _GROUPED.fullmatch(text):
                doubt = doubt or (line, column, text)
            elif _COMMA.fullmatch(text):
                proof = proof or (line, column, text)
            elif _POINT.fullmatch(text):
                point = point or (line, column, text)
    if proof and point:
        raise InvalidValue(
            "decimals with a comma and with a point in one table",
            where=_at(name, columns, proof),
            found=f"{proof[2]!r}, and {point[2]!r} in line {point[0]}, column {columns[point[1]]}",
            expected="one decimal sign",
            mend="say which counts: --decimal , or --decimal .; cells with the other are then missing",
        )
    if doubt and not proof and not point and separator != COMMA:
        raise InvalidValue(
            "a comma that may part thousands or decimals",
            where=_at(name, columns, doubt),
            found=repr(doubt[2]),
            expected="a cell that tells, as 12,5 does",
            mend="say what it is: --decimal , where it parts decimals; else take the comma out",
        )
    return COMMA if proof else POINT


def _at(name: str, columns: Sequence[str], cell: tuple[int, int, str]) -> str:
    return f"{name}: line {cell[0]}, column {columns[cell[1]]}"
