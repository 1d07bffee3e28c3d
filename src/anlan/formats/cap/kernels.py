"""The compiled code of this format, and the name that it is kept under.

Numba keeps machine code as long as the file of the function stays as it is, and knows nothing of the files
that it calls into. So what is called from outside stands here, and bears a digest of those files in its name.
"""

# the arguments of compiled functions are Numba's, whose types mypy cannot see
# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"

from __future__ import annotations

import hashlib
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit

from anlan.formats.cap.columns import CODES, COLUMNS, HEAD, MOST, ROWS, TAKEN, UNDECIDED
from anlan.formats.cap.ringscan import verdict_on
from anlan.formats.cap.screen import screen
from anlan.formats.cap.walk import walk

SOURCES = (
    "characters.py", "columns.py", "inner.py", "kernels.py", "limits.py", "literals.py", "ringscan.py",
    "rulebook.py", "schema.py", "screen.py", "tables.py", "walk.py",
)  # fmt: skip


def _digest() -> str:
    found = hashlib.sha256()
    for name in SOURCES:
        found.update(name.encode() + b"\0" + (files(__package__) / name).read_bytes())
    return found.hexdigest()[:12]


def _look_through(data, start, prefix, length, version, events, units, told, room):
    answer = walk(data, start, prefix, length, version, events, units, told)
    return screen(data, events, units, told, room) if answer == TAKEN else answer


def _judge(data, found, room, told):
    start = np.int64(0)
    for place in range(found.size):
        end = start
        while end < data.size and data[end] != 0:
            end += 1
        found[place] = verdict_on(data, start, end, room, told, 0)
        start = end + 1


_DIGEST = _digest()
for _function in (_look_through, _judge):
    _function.__qualname__ += f"_{_DIGEST}"

#: the events and units of a message with what was found in them: see `anlan.formats.cap.walk.walk` and
#: `anlan.formats.cap.screen.screen`
look_through: Any = njit(_look_through, cache=True, nogil=True)
_judged: Any = njit(_judge, cache=True, nogil=True)


def kept() -> bool:
    """True where the machine code of this version is kept from an earlier run."""
    try:
        return any(Path(look_through._cache.cache_path).glob(f"*look_through_{_DIGEST}-*.nbc"))
    except (AttributeError, OSError):
        return False


def prepare() -> None:
    """Has everything compiled, or loaded where it is kept; takes seconds the first time."""
    events, units, told = room_for(1)
    look_through(np.frombuffer(b"<a/>", np.uint8), 0, 0, 0, 0, events, units, told, np.empty((ROWS, MOST)))
    scan([""])


def room_for(size: int) -> tuple[Any, Any, Any]:
    """(events, units, what is told of the whole) for a message of so many elements."""
    return (
        np.empty((size, COLUMNS), np.int64),
        np.empty((size, CODES + 1), np.int64),
        np.zeros(HEAD, np.int64),
    )


def scan(texts: list[str]) -> list[int]:
    """UNDECIDED, SOUND or OUTSIDE (sound but for places that are not on the earth) for each polygon."""
    # no text of XML has the character that stands between them
    joined = "\0".join(texts)
    if not joined.isascii() or joined.count("\0") != len(texts) - 1:
        return [UNDECIDED] * len(texts)
    found = np.zeros(len(texts), np.int64)
    data = np.frombuffer(joined.encode("ascii"), np.uint8)
    _judged(data, found, np.empty((ROWS, MOST)), np.zeros(3, np.int64))
    verdicts: list[int] = found.tolist()
    return verdicts
