"""Zip archives from strangers: their files one by one, in memory, within bounds of number, size and ratio.

Nothing is unpacked to disk, so no name in an archive is ever a path.
"""

from __future__ import annotations

import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from anlan.model.errors import BadInput, Hostile, Unreadable

SIGNATURES = (b"PK\x03\x04", b"PK\x05\x06")
_ENTRY = b"PK\x01\x02"
_STEP = 1 << 16

#: what the library raises for archives that are none
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    OSError,
    ValueError,
    OverflowError,
    LookupError,
)


@dataclass(frozen=True, slots=True)
class Bounds:
    """`members` of one archive; `document`: bytes of one of them; `ratio`: bytes unpacked for each packed
    one, in members over a mebibyte."""

    members: int
    document: int
    ratio: int


def files_in(
    raw: bytes, where: str, bounds: Bounds, count: Callable[[int, str], None]
) -> Iterator[tuple[str, bytes | BadInput]]:
    """(name, content) of every file, or why it has none. `count` is told of each piece that is unpacked,
    and may raise. Hostile: more members than there may be. Unreadable: no archive."""
    # counted before the library reads its directory: each line of it costs memory
    lines = raw.count(_ENTRY)
    if lines > bounds.members:
        raise Hostile(
            "too many members in an archive",
            where=where,
            found=f"about {lines}",
            expected=f"at most {bounds.members}",
        )
    try:
        archive = zipfile.ZipFile(io.BytesIO(raw))
    except _DAMAGED as error:
        raise Unreadable("a damaged zip archive", where=where, found=str(error), expected="zip") from error
    with archive:
        for info in archive.infolist():
            if info.filename.endswith("/"):
                continue
            try:
                yield info.filename, _content(archive, info, where, bounds, count)
            except BadInput as error:
                yield info.filename, error


def _content(
    archive: zipfile.ZipFile,
    info: zipfile.ZipInfo,
    where: str,
    bounds: Bounds,
    count: Callable[[int, str], None],
) -> bytes:
    where = f"{where} {info.filename}"
    if info.flag_bits & 0x1:
        raise Unreadable("an encrypted member", where=where, expected="a member without password")
    parts: list[bytes] = []
    size = 0
    most = max(1 << 20, info.compress_size * bounds.ratio)
    try:
        with archive.open(info) as file:
            while part := file.read(_STEP):
                size += len(part)
                count(len(part), where)
                if size > bounds.document or size > most:
                    raise Hostile(
                        "a member unpacks to too much",
                        where=where,
                        found=f"more than {size - len(part)} bytes of {info.compress_size} packed",
                        expected=f"at most {bounds.document}, and {bounds.ratio} for one",
                    )
                parts.append(part)
    except _DAMAGED as error:
        raise Unreadable("a damaged member", where=where, found=str(error), expected="zip") from error
    return b"".join(parts)
