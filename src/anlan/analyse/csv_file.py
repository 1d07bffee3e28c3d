"""A CSV file as a table: comma, semicolon or tab, plain or gzip, one header line."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from anlan.analyse.held import Held, not_a_record
from anlan.analyse.laid import Laid
from anlan.analyse.table import Manner, Row, table
from anlan.formats.table import BrokenRecord, gunzip, read_csv
from anlan.model.errors import InvalidValue, NotFound, Unreadable

SEPARATORS = (",", ";", "\t")
#: lines that must agree with the header on the number of cells
LOOKED_AT = 20


def read(
    path: Path,
    freq: int | None = None,
    *,
    encoding: str = "utf-8",
    series: Sequence[str] = (),
    roles: Mapping[str, str] | None = None,
    manner: Manner = Manner(),  # noqa: B008 - a frozen value
) -> Laid:
    """The panel in a file; of a wide one only the columns `series`, where any are named; `roles` and `manner`
    as in `table`. NotFound where it cannot be read, Unreadable where it is no CSV file, InvalidValue where
    its times do not make an axis; each names file, line and column. Cells and rows that cannot be used are
    held back one by one."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise NotFound("the file cannot be read", where=str(path), found=str(error.strerror)) from error
    raw = gunzip(raw, str(path))
    separator = separator_of(raw, str(path), encoding, manner.separator)
    try:
        file = read_csv(raw, str(path), encoding=encoding, delimiter=separator)
    except Unreadable as error:
        if "encoding" not in error.mend:
            raise
        raise Unreadable(
            "the header is not in this encoding",
            where=error.where,
            found=error.found,
            expected=error.expected,
            mend="name another: --encoding gb18030",
        ) from error
    rows: list[Row] = []
    broken: list[Held] = []
    for record in file.records:
        if isinstance(record, BrokenRecord):
            shown = record.raw.decode(encoding, "replace").strip()[:80]
            said = f"{record.message} (found {record.found}, expected {record.expected})"
            broken.append(not_a_record(record.line, shown, said))
        else:
            rows.append((record.line, record.cells))
    manner = replace(manner, separator=separator)
    return table(file.columns, rows, str(path), freq, broken=broken, only=series, roles=roles, manner=manner)


def separator_of(raw: bytes, where: str, encoding: str, stated: str = "") -> str:
    """What parts the cells: what is `stated`, else the one of comma, semicolon and tab that parts the first
    lines into as many cells as the header has names. InvalidValue where two of them do, or for another."""
    if stated:
        if stated not in SEPARATORS:
            raise InvalidValue(
                "no such separator", where="separator", found=repr(stated), expected="`,`, `;` or a tab"
            )
        return stated
    text = raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else encoding, "replace")
    lines = [line for line in text.lstrip("\ufeff").splitlines()[: LOOKED_AT + 1] if line.strip()]
    cells = {s: [len(row) for row in csv.reader(lines, delimiter=s)] for s in SEPARATORS}
    able = [s for s in SEPARATORS if cells[s] and cells[s][0] > 1]
    # a row that falls apart is told by its line later: most lines decide
    even = [s for s in able if 2 * sum(n == cells[s][0] for n in cells[s][1:]) > len(cells[s]) - 1]
    if len(even) > 1:
        most = max(cells[s][0] for s in even)
        if sum(cells[s][0] == most for s in even) > 1:
            raise InvalidValue(
                "two signs may part the cells",
                where=f"{where}: line 1",
                found=repr(lines[0][:80]),
                expected="commas, semicolons or tabs",
                mend="say which: --separator ';'",
            )
    left = even or able or [","]
    return max(left, key=lambda s: cells[s][0] if cells[s] else 0)
