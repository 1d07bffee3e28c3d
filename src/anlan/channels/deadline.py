"""One deadline for a whole exchange: a peer that sends a byte at a time does not hold the queue."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Generic, TypeVar

T = TypeVar("T")


class TooLate(OSError):
    """The exchange did not end in time."""


class Deadline:
    """Seconds from now on. As a context it shuts down, at the end of them, the sockets that it was given:
    whoever reads from one gets an error at once, and `expired` says why."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds
        self._guard = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._timer = threading.Timer(seconds, self._shut)
        self._timer.daemon = True

    @property
    def left(self) -> float:
        """Seconds that are left, never under a millisecond (0 would mean: do not wait at all)."""
        return max(0.001, self._end - time.monotonic())

    @property
    def expired(self) -> bool:
        return time.monotonic() >= self._end

    def watch(self, open_socket: socket.socket) -> None:
        """Shut it down at the deadline; at once where that has passed."""
        with self._guard:
            self._sockets.append(open_socket)
        if self.expired:
            self._shut()

    def _shut(self) -> None:
        with self._guard:
            for open_socket in self._sockets:
                with suppress(OSError):
                    # shutdown, not close: a thread that waits in recv wakes by it. The plain socket's own:
                    # on TLS the method would first try to say goodbye, and wait for the answer
                    socket.socket.shutdown(open_socket, socket.SHUT_RDWR)

    def __enter__(self) -> Deadline:
        self._timer.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        with self._guard:
            self._sockets.clear()


class _Work(Generic[T]):
    """One call in a thread of its own, and what came of it."""

    def __init__(self, act: Callable[[], T], name: str) -> None:
        self._act = act
        self._result: list[T] = []
        self._error: BaseException | None = None
        self.thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            self._result.append(self._act())
        except BaseException as error:
            self._error = error

    def result(self) -> T:
        if self._error is not None:
            raise self._error
        return self._result[0]


class Aside:
    """Calls that cannot be given a deadline themselves (a resolver, a library that blocks) run aside and
    are left behind when it passes. At most `most` may be left behind at a time: past that nothing is
    begun, so a peer that never lets go costs a few threads and not all of them."""

    def __init__(self, name: str, most: int = 8) -> None:
        self._name = name
        self._most = most
        self._guard = threading.Lock()
        self._left: list[threading.Thread] = []

    def call(self, act: Callable[[], T], seconds: float) -> T:
        """What `act` returns or raises; TooLate after `seconds`, or at once where too many earlier calls
        have not come back yet."""
        with self._guard:
            self._left = [thread for thread in self._left if thread.is_alive()]
            if len(self._left) >= self._most:
                raise TooLate(f"{len(self._left)} earlier calls have not come back yet")
        work = _Work(act, self._name)
        work.thread.join(seconds)
        if work.thread.is_alive():
            with self._guard:
                self._left.append(work.thread)
            raise TooLate(f"no end within {seconds:.3g} s")
        return work.result()
