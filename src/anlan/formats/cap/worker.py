"""Reading documents from strangers in another process: whatever a document does to the parser, the service
goes on and the document is refused by name.

The process is started once and kept. It is started anew where it died or was stopped; a document at which
it dies is tried once more in a fresh one (what came before, or somebody who ended it, may have been the
cause) and then refused.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from anlan.formats.cap.container import Item
from anlan.formats.cap.frames import ASK, FORM, ITEM, LOOK, OVER, Frame, lengths, trust_to
from anlan.formats.cap.look import Asked, Look
from anlan.formats.values import from_json
from anlan.model.errors import AnlanError, StoreUnavailable

#: what the process needs to find Python and its packages, and nothing that may be secret
_ENVIRONMENT = ("PATH", "PYTHONPATH", "VIRTUAL_ENV", "LANG", "LC_ALL", "TMPDIR", "HOME", "SYSTEMROOT")
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")


@dataclass(frozen=True, slots=True)
class Bounds:
    """`memory`: bytes beyond what the idle process holds; `processor`: seconds of it for one message;
    `wall`: seconds by the clock for one message; `start`: seconds until the process is ready."""

    memory: int = 1024 * 1024 * 1024
    processor: int = 20
    wall: float = 30.0
    start: float = 60.0


class _Died(Exception):
    """The process ended, or was ended: `code` and `why`."""

    def __init__(self, code: str, why: str) -> None:
        self.code = code
        self.why = why
        super().__init__(why)


class Worker:
    """One process for documents; several threads take turns."""

    def __init__(self, bounds: Bounds | None = None) -> None:
        self.bounds = bounds or Bounds()
        self.starts = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = os.getpid()
        self._turn = threading.Lock()

    @property
    def pid(self) -> int | None:
        """The process that would answer next, where there is one."""
        return self._process.pid if self._process else None

    def look(self, raw: bytes, file: str, asked: Asked | None = None) -> Iterator[Look]:
        """As `anlan.formats.cap.look.look`, in the other process. Items at which it dies, or that pass
        their bounds, have the code parser_crashed, parser_timeout or parser_memory. StoreUnavailable where
        no process can be started."""
        with self._turn:
            done = False
            try:
                yield from self._look(raw, file, asked or Asked())
                done = True
            finally:
                if not done:
                    # half an answer stands in the pipe
                    self._stop()

    def close(self) -> None:
        """End the process."""
        with self._turn:
            self._stop()

    # -- one document -------------------------------------------------------------------------------

    def _look(self, raw: bytes, file: str, asked: Asked) -> Iterator[Look]:
        position = asked.skip
        index = 0
        tried = -1
        while True:
            item: Item | None = None
            self._ready()
            try:
                self._ask(raw, file, replace(asked, skip=position))
                while True:
                    frame = self._frame()
                    if frame.kind == ITEM:
                        item = replace(from_json(Item, frame.head), raw=frame.body)
                        continue
                    if frame.kind == LOOK and item is not None:
                        found = _whole(frame.head, item)
                        yield found
                        position += 1
                        index = index if item.index is None else item.index + 1
                        item = None
                        continue
                    if frame.head == b"parser_memory":
                        raise _Died("parser_memory", "it needs more memory than one document may")
                    if frame.head:
                        name = frame.head.decode("ascii", "replace").partition(" ")[2]
                        raise _Died("parser_failed", f"{name} while messages were looked for")
                    return
            except _Died as died:
                self._stop()
                if died.code == "parser_crashed" and tried != position:
                    tried = position
                    continue
                if item is None:
                    # it fails while messages are looked for: no later one can be reached
                    yield Look(Item(file, index, "", raw, died.code, f"{file}: {died.why}"))
                    return
                told = f"{file} {item.member}".strip()
                yield Look(replace(item, code=died.code, sentence=f"{told}: {died.why}"))
                index = index if item.index is None else item.index + 1
                position += 1

    def _ask(self, raw: bytes, file: str, asked: Asked) -> None:
        head = json.dumps(
            {
                "file": file,
                "profiles": list(asked.profiles),
                "documents": list(asked.documents),
                "trust": trust_to(asked.trust),
                "at": asked.at.isoformat() if asked.at else "",
                "at_sent": asked.at_sent,
                "skip": asked.skip,
                "ground": asked.ground,
                "gazetteers": asked.gazetteers,
            }
        ).encode()
        start = FORM.pack(b"CF", ASK, len(head), len(raw))
        self._write(start + head, raw)

    # -- the process --------------------------------------------------------------------------------

    def _ready(self) -> None:
        """A running process, started where there is none."""
        if self._owner == os.getpid() and self._process is not None and self._process.poll() is None:
            return
        self._stop()
        self._owner = os.getpid()
        environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        bounds = self.bounds
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [
                    sys.executable,
                    "-m",
                    "anlan.formats.cap.worker_process",
                    str(bounds.memory),
                    str(bounds.processor),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**environment, **_ONE_THREAD},
                # an interrupt at the terminal is for the service
                start_new_session=True,
                bufsize=0,
            )
            self.starts += 1
            for pipe in (self._process.stdin, self._process.stdout):
                assert pipe is not None
                os.set_blocking(pipe.fileno(), False)
            self._frame(bounds.start)
        except (OSError, _Died) as error:
            self._stop()
            raise StoreUnavailable(
                "the process that reads documents cannot be started", found=str(error)
            ) from error

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if self._owner != os.getpid():
            # this is a fork of the service: the process, and what stands in its pipes, is the other's
            process.returncode = 0
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        process.wait()

    def _over(self) -> _Died:
        """Why there is no answer: the process has closed its end."""
        process = self._process
        assert process is not None
        try:
            code = process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return _Died("parser_crashed", "the process that read it closed its answer")
        if code == -getattr(signal, "SIGXCPU", 0):
            return _Died("parser_timeout", f"it takes more than {self.bounds.processor} s of the processor")
        name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return _Died("parser_crashed", f"the process that read it died ({name})")

    # -- the pipe -----------------------------------------------------------------------------------

    def _frame(self, seconds: float | None = None) -> Frame:
        end = time.monotonic() + (self.bounds.wall if seconds is None else seconds)
        try:
            kind, head, body = lengths(self._read(FORM.size, end))
        except ValueError:
            raise _Died("parser_crashed", "the process that read it answered nonsense") from None
        frame = Frame(kind, self._read(head, end), self._read(body, end))
        if kind not in (ITEM, LOOK, OVER, b"R"):
            raise _Died("parser_crashed", "the process that read it answered nonsense")
        return frame

    def _read(self, size: int, end: float) -> bytes:
        assert self._process is not None and self._process.stdout is not None
        number = self._process.stdout.fileno()
        found = bytearray()
        while len(found) < size:
            self._wait(number, selectors.EVENT_READ, end)
            try:
                part = os.read(number, min(size - len(found), 1 << 20))
            except BlockingIOError:
                continue
            if not part:
                raise self._over()
            found += part
        return bytes(found)

    def _write(self, *parts: bytes) -> None:
        assert self._process is not None and self._process.stdin is not None
        number = self._process.stdin.fileno()
        end = time.monotonic() + self.bounds.wall
        for part in parts:
            view = memoryview(part)
            while view:
                self._wait(number, selectors.EVENT_WRITE, end)
                try:
                    view = view[os.write(number, view[: 1 << 20]) :]
                except BlockingIOError:
                    continue
                except BrokenPipeError:
                    raise self._over() from None

    def _wait(self, number: int, event: int, end: float) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(number, event)
            left = end - time.monotonic()
            if left <= 0 or not selector.select(left):
                raise _Died("parser_timeout", f"it takes more than {self.bounds.wall:g} s")


def _whole(head: bytes, item: Item) -> Look:
    """The answer with the bytes of the message put back."""
    try:
        found = from_json(Look, head)
    except AnlanError:
        raise _Died("parser_crashed", "the process that read it answered nonsense") from None
    alert = found.alert
    if alert is not None:
        alert = replace(alert, raw=item.raw, faults=found.findings)
    return replace(found, item=replace(found.item, raw=item.raw), alert=alert)


@cache
def shared_worker() -> Worker:
    """The worker of this process; it ends with it."""
    worker = Worker()
    atexit.register(worker.close)
    return worker
