"""A small file beside the journal that remembers its newest row, so that a cut tail is seen.

The chain proves that no row in the middle was touched; it cannot prove that the last ones are still
there. The anchor can. It is written after every commit, so after a kill the journal may be ahead of it
by the last commit and is never behind.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from anlan.formats.values import canonical
from anlan.model.errors import AuditBroken, StoreUnavailable

#: the way on from an anchor that does not fit
ACCEPT = "look into it and then accept the journal as it is: anlan audit accept"


@dataclass(frozen=True, slots=True)
class Anchor:
    """Number and digest of the newest row; (0, "") for an empty journal. What an outside witness
    (a printed page, another authority, a timestamping service) keeps."""

    seq: int
    digest: str


class AnchorFile:
    """The anchor at `path`, with a lock beside it: between two processes it only moves forward."""

    def __init__(self, path: Path, *, wait: float = 10.0) -> None:
        self.path = path
        self._new = path.with_name(path.name + ".new")
        self._lock = path.with_name(path.name + ".lock")
        self._wait = wait
        self._turn = threading.Lock()

    def read(self) -> Anchor | None:
        """The anchor; None when there is no file. AuditBroken when it is not an anchor."""
        try:
            raw = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unavailable(error) from error
        try:
            document = json.loads(raw)
            anchor = Anchor(document["seq"], document["digest"])
            if raw == _bytes(anchor):
                return anchor
        except (ValueError, KeyError, TypeError):
            pass
        raise AuditBroken(
            "the journal's anchor is not readable",
            where=str(self.path),
            found=repr(raw[:80]),
            expected='{"digest":…,"seq":…}',
            mend=f"restore it, or {ACCEPT}",
        )

    def write(self, anchor: Anchor) -> None:
        """Replace the anchor, durably."""
        with self.moving() as move:
            move.ready(anchor)
            move.done()

    @contextmanager
    def moving(self) -> Iterator[Move]:
        """Hold the anchor while a commit is made: `ready` before it, `done` after it."""
        if not self._turn.acquire(timeout=self._wait):
            raise StoreUnavailable("another writer of this process does not finish", where=str(self.path))
        try:
            with self._locked():
                yield Move(self)
        finally:
            self._turn.release()

    def copy_aside(self) -> Path | None:
        """Keep a copy of an anchor that no longer fits, as evidence; its name, None where there is none."""
        aside = self.path.with_name(self.path.name + ".rejected")
        number = 1
        while aside.exists():
            number += 1
            aside = self.path.with_name(f"{self.path.name}.rejected-{number}")
        try:
            aside.write_bytes(self.path.read_bytes())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unavailable(error) from error
        return aside

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            lock = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise self._unavailable(error) from error
        try:
            self._take(lock)
            yield
        finally:
            os.close(lock)

    def _take(self, lock: int) -> None:
        limit = time.monotonic() + self._wait
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError as error:
                if time.monotonic() > limit:
                    raise StoreUnavailable(
                        "the journal's anchor is held by another process",
                        where=str(self._lock),
                        mend="try again; end the process that hangs",
                    ) from error
                time.sleep(0.002)

    def _unavailable(self, error: OSError) -> StoreUnavailable:
        return StoreUnavailable(
            "the journal's anchor cannot be written or read",
            where=str(self.path),
            found=error.strerror or str(error),
            mend="free some space, or give this user the right to write the folder; nothing was written",
        )


class Move:
    """One step forward of an anchor."""

    def __init__(self, file: AnchorFile) -> None:
        self._file = file
        self._ready = False

    def ready(self, anchor: Anchor) -> None:
        """Write the new anchor beside the old one and on to the disk: what can fail, fails here, before
        the commit."""
        try:
            handle = os.open(self._file._new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
            try:
                os.write(handle, _bytes(anchor))
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            raise self._file._unavailable(error) from error
        self._ready = True

    def done(self) -> None:
        """Put it in the old one's place. The rows are committed by now: a failure leaves the anchor
        behind by this commit, as a kill would, and the next commit moves it on."""
        if not self._ready:
            return
        with suppress(OSError):
            self._file._new.replace(self._file.path)
            folder = os.open(self._file.path.parent, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


def _bytes(anchor: Anchor) -> bytes:
    return canonical({"seq": anchor.seq, "digest": anchor.digest}) + b"\n"
