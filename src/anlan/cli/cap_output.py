"""Where the commands of `anlan cap` write: files, folders, standard output, and what they say beside it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from anlan.cli.output import err
from anlan.model.errors import InvalidValue, NotFound

if TYPE_CHECKING:
    from anlan.formats.cap.look import Look


def said(look: Look, why: str) -> None:
    """Name an item and why it is left out, on standard error."""
    from anlan.formats.cap.fault import shown

    place = f"{shown(look.item.file, 300)[1:-1]} {'-' if look.item.index is None else look.item.index}"
    err.print(f"anlan: {place} {shown(why, 500)[1:-1]}", markup=False)


def address(base: str, identifier: str) -> str:
    """Where a message stands for good; InvalidValue for a base that is not absolute."""
    from urllib.parse import quote

    if "://" not in base:
        raise InvalidValue("not an absolute address", where="--base", found=base, expected="https://…")
    return f"{base.rstrip('/')}/{quote(identifier, safe='')}.cap.xml"


def put_messages(found: Sequence[Look], out_path: Path | None) -> None:
    """Each message into a file of its own in a folder; one alone on standard output."""
    from anlan.channels.durable import file_name

    if out_path is None:
        if len(found) > 1:
            raise InvalidValue(
                "several messages need a folder", where="--out", found=f"{len(found)} messages"
            )
        put(b"".join(look.item.raw for look in found), None)
        return
    try:
        out_path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NotFound("no folder can be made", where=str(out_path), found=str(error.strerror)) from error
    for number, look in enumerate(found):
        # named by what cannot lead out of the folder; the number keeps equal names apart
        put(look.item.raw, out_path / f"{number:05d}-{file_name(look.identifier, '.cap.xml')}")
    err.print(f"{len(found)} messages in {out_path}", markup=False)


def put(content: bytes, path: Path | None) -> None:
    """Into the file, or on standard output; NotFound where it cannot be written."""
    if path is None:
        sys.stdout.buffer.write(content)
        sys.stdout.flush()
        return
    try:
        path.write_bytes(content)
    except OSError as error:
        raise NotFound("cannot be written", where=str(path), found=str(error.strerror)) from error


def file_bytes(path: Path) -> bytes:
    """NotFound where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise NotFound("cannot be read", where=str(path), found=str(error.strerror)) from error
