"""Files that are there whole or not at all, also after a power cut."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from anlan.formats.values import sha256

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class OtherContent(Exception):
    """A file of that name is there with other bytes."""


def file_name(id: str, ending: str) -> str:
    """A file name for an id from anywhere: the id itself where it is plain, its digest otherwise."""
    return f"{id if _PLAIN.fullmatch(id) else 'x-' + sha256(id.encode())[:32]}{ending}"


def write_whole(path: Path, content: bytes) -> None:
    """Replace `path` by `content` in one step, durable on return: a file beside it, fsync, rename,
    fsync of the folder. OSError when the disk does not take it; then nothing has changed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def write_once(path: Path, content: bytes) -> bool:
    """False when the file is there already with these very bytes; OtherContent when with others."""
    if path.exists():
        if path.read_bytes() != content:
            raise OtherContent(f"{path.name} is there with other content")
        return False
    write_whole(path, content)
    return True


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """The folder to oneself among processes and threads that ask; the lock goes with the process."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
