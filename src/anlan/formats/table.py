"""Tables as bytes: CSV and Parquet, plain or gzip. One broken record never hides the others."""

from __future__ import annotations

import csv
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from anlan.formats.values import canonical
from anlan.model.errors import Hostile, Unreadable

MAX_BYTES = 1_000_000_000
_GZIP = b"\x1f\x8b"
_STEP = 1 << 20


@dataclass(frozen=True, slots=True)
class Record:
    """`cells` as text in CSV, as Python values in Parquet, in the order of the columns. `line` is the
    line of the file at which the record begins (CSV), or its number from 1 (Parquet)."""

    line: int
    cells: tuple[Any, ...]
    raw: bytes


@dataclass(frozen=True, slots=True)
class BrokenRecord:
    """A record that cannot be taken apart."""

    line: int
    raw: bytes
    message: str
    found: str
    expected: str


@dataclass(frozen=True, slots=True)
class TableFile:
    """`columns` as named in the file, and the records to come. `header` with a record's `raw` behind it
    is a table of that record alone; empty in Parquet."""

    columns: tuple[str, ...]
    records: Iterator[Record | BrokenRecord]
    header: bytes = b""


def gunzip(raw: bytes, where: str, limit: int = MAX_BYTES) -> bytes:
    """The content of a gzip file of one or several members; other bytes unchanged. Hostile beyond
    `limit` bytes (without unpacking more), Unreadable where it is cut short or damaged."""
    if not raw.startswith(_GZIP):
        return _within(raw, where, limit)
    parts: list[bytes] = []
    size = 0
    rest = raw
    while rest.startswith(_GZIP):
        member = zlib.decompressobj(31)
        try:
            while not member.eof:
                part = member.decompress(rest, _STEP)
                rest = member.unconsumed_tail
                size += len(part)
                if size > limit:
                    raise _too_large(where, f"more than {limit} bytes when unpacked", limit)
                parts.append(part)
                if not part and not rest and not member.eof:
                    raise Unreadable(
                        "a gzip file that is cut short",
                        where=where,
                        found=f"{len(raw)} bytes, {size} unpacked",
                        expected="the whole file",
                    )
        except zlib.error as error:
            raise Unreadable(
                "a damaged gzip file", where=where, found=str(error), expected="gzip (RFC 1952)"
            ) from error
        rest = member.unused_data
    return b"".join(parts)


def _within(raw: bytes, where: str, limit: int) -> bytes:
    if len(raw) > limit:
        raise _too_large(where, f"{len(raw)} bytes", limit)
    return raw


def _too_large(where: str, found: str, limit: int) -> Hostile:
    return Hostile(
        "larger than this source may be", where=where, found=found, expected=f"at most {limit} bytes"
    )


def read_csv(
    raw: bytes, where: str, *, encoding: str = "utf-8", delimiter: str = ",", limit: int = MAX_BYTES
) -> TableFile:
    """A CSV file (RFC 4180) with one header line. A byte order mark is honoured. Unreadable where
    there is no header; a record with a broken quote, another number of fields than the header, or
    bytes that are not of the encoding is a BrokenRecord."""
    raw = gunzip(raw, where, limit)
    kept, front = encoding, b""
    for mark, marked in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if raw.startswith(mark):
            encoding, kept, front = marked, "utf-8", b"\xef\xbb\xbf"
    # surrogateescape leaves one bad byte to its own record
    escape = "strict" if encoding == "utf-16" else "surrogateescape"
    try:
        text = raw.decode(encoding, escape)
    except (UnicodeDecodeError, LookupError) as error:
        raise Unreadable("not text", where=where, found=str(error), expected=encoding) from error
    lines = _Lines(text)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        header = next(reader, None)
    except csv.Error as error:
        raise Unreadable(
            "no header line", where=where, found=str(error), expected="names of columns"
        ) from error
    if header is None or not any(header):
        raise Unreadable("no header line", where=where, found="nothing", expected="names of columns")
    if not _clean("".join(header)):
        raise Unreadable(
            "the header is not in the encoding of this source",
            where=f"{where}: line 1",
            found=repr(lines.take().encode(encoding, "surrogateescape")[:80]),
            expected=encoding,
            mend="set the source's option `encoding`",
        )
    columns = tuple(name.strip() for name in header)
    if len(set(columns)) != len(columns):
        twice = sorted({name for name in columns if columns.count(name) > 1})
        raise Unreadable(
            "two columns of one name", where=f"{where}: line 1", found=", ".join(twice), expected="each once"
        )
    first = front + lines.take().encode(kept, "surrogateescape")
    return TableFile(columns, _csv_records(reader, lines, len(columns), kept), first)


class _Lines:
    """The lines of a text, remembering those that the record being read is made of."""

    def __init__(self, text: str) -> None:
        self._lines = io.StringIO(text, newline="")
        self._taken: list[str] = []
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.number += 1
        self._taken.append(line)
        return line

    def take(self) -> str:
        text = self._taken[0] if len(self._taken) == 1 else "".join(self._taken)
        self._taken.clear()
        return text


def _clean(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _csv_records(
    reader: Iterator[list[str]], lines: _Lines, width: int, encoding: str
) -> Iterator[Record | BrokenRecord]:
    while True:
        first = lines.number + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raw = lines.take().encode(encoding, "surrogateescape")
            yield BrokenRecord(first, raw, "not a CSV record", str(error), "quotes in pairs (RFC 4180)")
            continue
        text = lines.take()
        raw = text.encode(encoding, "surrogateescape")
        if not cells:
            continue
        if len(cells) != width:
            yield BrokenRecord(
                first, raw, "another number of fields than the header", str(len(cells)), str(width)
            )
        elif not text.isascii() and not _clean(text):
            yield BrokenRecord(first, raw, "bytes that are not of the encoding", repr(raw[:80]), encoding)
        else:
            yield Record(first, tuple(cells), raw)


def read_parquet(
    raw: bytes, where: str, *, columns: tuple[str, ...] | None = None, limit: int = MAX_BYTES
) -> TableFile:
    """A Parquet file; of `columns` those it has. Unreadable where it is not one, Hostile where its
    rows unpack to more than `limit` bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    raw = gunzip(raw, where, limit)
    try:
        file = pq.ParquetFile(pa.BufferReader(raw))
        groups = range(file.metadata.num_row_groups)
        size = sum(file.metadata.row_group(number).total_byte_size for number in groups)
        if size > limit:
            raise _too_large(where, f"{size} bytes when unpacked", limit)
        names = [name for name in file.schema_arrow.names if columns is None or name in columns]
        table = file.read(columns=names)
        table.validate(full=True)
    except (pa.ArrowException, OSError, MemoryError, ValueError) as error:
        raise Unreadable("not a Parquet file", where=where, found=str(error), expected="Parquet") from error
    return TableFile(tuple(names), _parquet_records(table))


def _parquet_records(table: Any) -> Iterator[Record | BrokenRecord]:
    line = 0
    for batch in table.to_batches(max_chunksize=65_536):
        try:
            cells = [column.to_pylist() for column in batch.columns]
        except (OverflowError, ValueError):  # one that Python has no value for
            for number in range(batch.num_rows):
                line += 1
                yield _one_by_one(line, [column[number] for column in batch.columns])
            continue
        for row in zip(*cells, strict=True):
            line += 1
            yield Record(line, row, canonical([_shown(cell) for cell in row]))


def _one_by_one(line: int, row: list[Any]) -> Record | BrokenRecord:
    """`row` holds Arrow's scalars."""
    cells: list[Any] = []
    faults: list[str] = []
    for cell in row:
        try:
            cells.append(cell.as_py())
        except (OverflowError, ValueError) as error:
            cells.append(f"{cell.type} {getattr(cell, 'value', '')}")
            faults.append(f"{cells[-1]}: {error}")
    raw = canonical([_shown(cell) for cell in cells])
    if faults:
        return BrokenRecord(
            line, raw, "a value out of range", "; ".join(faults), "instants of the years 1-9999"
        )
    return Record(line, tuple(cells), raw)


def _shown(cell: Any) -> Any:
    return cell if isinstance(cell, str | int | None) else str(cell)
