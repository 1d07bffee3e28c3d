"""A CSV file as a table: comma, semicolon or tab, plain or gzip, one header line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from anlan.analyse.held import Held, not_a_record
from anlan.analyse.laid import Laid
from anlan.analyse.table import Row, table
from anlan.formats.table import BrokenRecord, gunzip, read_csv
from anlan.model.errors import NotFound, Unreadable

SEPARATORS = (",", ";", "\t")


def read(
    path: Path,
    freq: int | None = None,
    *,
    encoding: str = "utf-8",
    series: Sequence[str] = (),
    roles: Mapping[str, str] | None = None,
) -> Laid:
    """The panel in a file; of a wide one only the columns `series`, where any are named; `roles` as in
    `table`. NotFound where it cannot be read, Unreadable where it is no CSV file, InvalidValue where its
    times do not make an axis; each names file, line and column. Cells and rows that cannot be used are
    held back one by one."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise NotFound("the file cannot be read", where=str(path), found=str(error.strerror)) from error
    raw = gunzip(raw, str(path))
    head = raw.split(b"\n", 1)[0]
    separator = max(SEPARATORS, key=lambda s: head.count(s.encode()))
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
    return table(file.columns, rows, str(path), freq, broken=broken, only=series, roles=roles)
