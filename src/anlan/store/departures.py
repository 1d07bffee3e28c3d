"""Which attempts have left: a line for each before it begins, one right before its last byte goes, and one
when the far end has said that it took it.

The outbox says durably that an attempt has begun and how it ended, which takes the disk. What a kill leaves
there is in doubt only where the message had left and no answer had come, and a line written to a file
outlives the process that wrote it, in microseconds and without the disk. It does not outlive the machine, so
the file is believed only within the same boot of it, and only of attempts that it saw begin: of all others
nothing is known.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterable
from pathlib import Path

#: what the file may grow to before it begins anew, at a moment when nothing is on its way (bytes)
MOST = 4_000_000
_BOOT = Path("/proc/sys/kernel/random/boot_id")


class Departures:
    """The file at `path`, written by one process at a time. Of the attempts, as (delivery,
    number), of a process before this one: `never_left` are those that it began and never let go, `were_taken`
    those that the far end had taken. OSError where it cannot be written."""

    def __init__(self, path: Path) -> None:
        found = _said(path)
        said = found or {}
        self.were_taken = frozenset(said.get("taken", ()))
        self.never_left = frozenset(said.get("begun", set()) - said.get("left", set()))
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        # a kill or a full disk may have cut its last line off: the next one is not to hang on to it
        self._torn = True
        self._guard = threading.Lock()
        if found is None:
            self.begin_anew(beyond=-1)

    def begun(self, attempts: Iterable[tuple[str, int]]) -> None:
        """They are about to begin."""
        self._write(f"begun {number} {delivery}\n" for delivery, number in attempts)

    def left(self, attempts: Iterable[tuple[str, int]]) -> None:
        """They are about to be whole at the far end."""
        self._write(f"left {number} {delivery}\n" for delivery, number in attempts)

    def taken(self, attempts: Iterable[tuple[str, int]]) -> None:
        """The far end has said that it took them."""
        self._write(f"taken {number} {delivery}\n" for delivery, number in attempts)

    def begin_anew(self, beyond: int = 0) -> None:
        """Forget all of them where the file is larger than so much: what is on its way is in doubt if this
        process is killed."""
        if os.fstat(self._file).st_size > beyond:
            os.ftruncate(self._file, 0)
            self._torn = False
            self._write([f"boot {_boot()}\n"])
        self.never_left = self.were_taken = frozenset()

    def close(self) -> None:
        os.close(self._file)

    def _write(self, lines: Iterable[str]) -> None:
        with self._guard:
            raw = (("\n" if self._torn else "") + "".join(lines)).encode()
            self._torn = True
            if os.write(self._file, raw) < len(raw):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self._torn = False


def _boot() -> str:
    """This boot of the machine; "" where it does not say, and then nothing is believed."""
    try:
        return _BOOT.read_text().strip()
    except OSError:
        return ""


def _said(path: Path) -> dict[str, set[tuple[str, int]]] | None:
    """None where the file says nothing of this boot, or what nobody can read."""
    try:
        boot, *lines = path.read_text(encoding="utf-8").split("\n")
    except (FileNotFoundError, UnicodeDecodeError):
        return None
    if not _boot() or boot != f"boot {_boot()}":
        return None
    said: dict[str, set[tuple[str, int]]] = {"begun": set(), "left": set(), "taken": set()}
    # what follows the last end of a line was cut off in writing: its attempt had not begun
    try:
        for line in filter(None, lines[:-1]):
            word, number, delivery = line.split(" ", 2)
            said[word].add((delivery, int(number)))
    except (ValueError, KeyError):
        return None
    return said
