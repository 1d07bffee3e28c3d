"""Files of a pack, read so that a fault can name the line.

`tomllib` gives values without positions, so the line of a key is found afterwards, and only when a
fault needs it, by a light scan over headers and keys that knows strings and brackets.
"""

from __future__ import annotations

import csv
import io
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, TypeAlias, TypeVar

from anlan.model.errors import Fault

Keys: TypeAlias = tuple[str | int, ...]
T = TypeVar("T")

_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(
    r"""^\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*="""
)
_PART = re.compile(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""")
_TOKEN = re.compile(
    r'"""|\'\'\'|"(?:\\.|[^"\\])*"|\'[^\']*\'|[\[\]{}]|#',
)
_AT_LINE = re.compile(r"\(at line (\d+), column (\d+)\)")


def _parts(dotted: str) -> list[str]:
    return [part.strip("\"'") for part in _PART.findall(dotted)]


def key_lines(text: str) -> dict[Keys, int]:
    """Key path -> line (from 1) of every header and key of a TOML text, inline tables excepted."""
    lines: dict[Keys, int] = {}
    counts: dict[Keys, int] = {}
    table: Keys = ()
    depth = 0
    quote = ""
    for number, line in enumerate(text.splitlines(), start=1):
        rest = line
        if not quote and depth == 0:
            if header := _HEADER.match(line):
                table = _open(header[1] == "[[", _parts(header[2]), counts)
                lines.setdefault(table, number)
                continue
            if key := _KEY.match(line):
                lines.setdefault((*table, *_parts(key[1])), number)
                rest = line[key.end() :]
        depth, quote = _follow(rest, depth, quote)
    return lines


def _open(array: bool, names: list[str], counts: dict[Keys, int]) -> Keys:
    """The key path of a header; `counts` holds how many tables each array has so far."""
    path: Keys = ()
    for place, name in enumerate(names):
        path = (*path, name)
        if array and place == len(names) - 1:
            counts[path] = counts.get(path, 0) + 1
        if path in counts:
            path = (*path, counts[path] - 1)
    return path


def _follow(rest: str, depth: int, quote: str) -> tuple[int, str]:
    """Bracket depth and open multi-line quote after one more line."""
    position = 0
    while position < len(rest):
        if quote:
            end = rest.find(quote, position)
            if end < 0:
                return depth, quote
            position, quote = end + 3, ""
            continue
        token = _TOKEN.search(rest, position)
        if token is None or token[0] == "#":
            break
        position = token.end()
        if token[0] in ('"""', "'''"):
            quote = token[0]
        elif token[0] in "[{":
            depth += 1
        elif token[0] in "]}":
            depth = max(0, depth - 1)
    return depth, quote


@dataclass(frozen=True)
class Document:
    """One text file of a pack; `file` is how faults name it."""

    file: str
    text: str

    @cached_property
    def _lines(self) -> dict[Keys, int]:
        return key_lines(self.text)

    def line(self, keys: Keys) -> int | None:
        """The line of a key, or of the nearest table around it; None for the file as a whole."""
        while keys:
            number = self._lines.get(keys) or self._lines.get((*keys, 0))
            if number is not None:
                return number
            keys = keys[:-1]
        return None


def spell(keys: Keys) -> str:
    """`rule[2].band[0].from`"""
    text = ""
    for key in keys:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else str(key)
    return text


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a definition stands: a table of a TOML document (`keys`) or a row of a CSV one (`row`)."""

    document: Document
    keys: Keys = ()
    row: int | None = None

    def fault(self, message: str, *keys: str | int, found: str = "", expected: str = "") -> Fault:
        """A fault at a key below this table, or at a column of this row."""
        path = (*self.keys, *keys)
        line = self.row if self.row is not None else self.document.line(path)
        where = ", ".join(part for part in (spell(path), f"line {line}" if line else "") if part)
        return Fault(self.document.file, where, message, shorten(found), expected)


@dataclass(frozen=True, slots=True)
class Item(Generic[T]):
    """A definition and where it stands."""

    value: T
    origin: Origin


def shorten(text: str, width: int = 160) -> str:
    """`text` cut to `width` characters, so that a fault stays one readable line."""
    return text if len(text) <= width else text[: width - 1] + "…"


def read_text(path: Path, file: str) -> Document | Fault:
    """UTF-8 text (a byte order mark is allowed)."""
    try:
        return Document(file, path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        return Fault(file, f"byte {error.start}", "not UTF-8", repr(error.object[error.start : error.end]))
    except OSError as error:
        return Fault(file, "", "cannot be read", error.strerror or str(error))


def parse_toml(document: Document) -> dict[str, Any] | Fault:
    """The TOML tree, or the syntax fault with its line."""
    try:
        return tomllib.loads(document.text)
    except RecursionError:
        return Fault(document.file, "", "tables nested too deeply", expected="TOML of a few levels")
    except ValueError as error:  # TOMLDecodeError, and integers beyond what Python converts
        message = str(error)
        position = _AT_LINE.search(message)
        where = f"line {position[1]}, column {position[2]}" if position else ""
        return Fault(document.file, where, "not TOML", shorten(_AT_LINE.sub("", message).strip()), "TOML 1.0")


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a CSV file: column -> text."""

    cells: dict[str, str]
    origin: Origin


def read_rows(
    document: Document, columns: Sequence[str], optional: Sequence[str] = ()
) -> tuple[list[Row], list[Fault]]:
    """Rows of a CSV file that must have exactly these columns, in any order; blank lines are skipped. The
    `optional` ones may be there too; where they are not, their cells are empty."""
    rows: list[Row] = []
    faults: list[Fault] = []
    reader = csv.reader(io.StringIO(document.text, newline=""), strict=True)
    header: list[str] | None = None
    try:
        for cells in reader:
            if not any(cells):
                continue
            if header is None:
                header = [cell.strip() for cell in cells]
                lacking = [name for name in optional if name not in header]
                if sorted((*header, *lacking)) != sorted((*columns, *optional)):
                    fault = Fault(
                        document.file,
                        f"line {reader.line_num}",
                        "not the columns of this table",
                        shorten(",".join(header)),
                        ",".join(columns) + (f"; may be left out: {','.join(optional)}" if optional else ""),
                    )
                    return [], [fault]
                continue
            origin = Origin(document, (), reader.line_num)
            if len(cells) != len(header):
                faults.append(
                    origin.fault("wrong number of cells", found=str(len(cells)), expected=str(len(header)))
                )
                continue
            given = dict(zip(header, (cell.strip() for cell in cells), strict=True))
            rows.append(Row(dict.fromkeys(optional, "") | given, origin))
    except csv.Error as error:
        faults.append(Fault(document.file, f"line {reader.line_num}", "not CSV", str(error), "RFC 4180"))
    if header is None and not faults:
        faults.append(Fault(document.file, "line 1", "an empty file", expected=",".join(columns)))
    return rows, faults
