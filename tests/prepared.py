"""Processes of anlan that are there at once: each forked from one that has read the modules.

A start of the service costs three seconds of processor time, nearly all of them for reading modules, and
tests kill it dozens of times. What is forked is a process of its own: its memory, its files, its signals and
its death are real; only the modules were read before. The start as its user makes it, from the command line
on, is what tests/acceptance/test_serve.py has.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from functools import cache
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parents[1]


class Prepared:
    """The process that forks, and the socket on which it is told to."""

    def __init__(self) -> None:
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("prepared_process.py")), str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            env=environment(),
        )
        theirs.close()
        self._guard = threading.Lock()

    def start(
        self, program: str, words: list[str], stdin: int, stdout: int, stderr: int, status: int
    ) -> None:
        """Fork, and run the program with the arguments `words`; its id and its end are written to
        `status`."""
        order = {
            "program": program,
            "words": words,
            "path": sys.path,
            "environment": environment(),
            "folder": str(Path.cwd()),
        }
        with self._guard:
            socket.send_fds(self._channel, [json.dumps(order).encode()], [stdin, stdout, stderr, status])

    def close(self) -> None:
        self._channel.close()
        self._process.wait(30)


@cache
def prepared() -> Prepared:
    """One for all tests of this process, made when first needed."""
    made = Prepared()
    atexit.register(made.close)
    return made


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT / "src"), "COLUMNS": "200"}


class Command:
    """One command of anlan as a process, or one of the programs in this folder (the path of a script): what
    tests use of subprocess.Popen. It reads `stdin`, or from a pipe; it prints to `stdout`, or to a pipe; it
    complains to `stderr`, or where the tests do."""

    def __init__(
        self,
        words: list[str],
        program: str | Path = "anlan",
        *,
        stdin: IO[Any] | None = None,
        stdout: IO[Any] | None = None,
        stderr: IO[Any] | None = None,
    ) -> None:
        read, typed = os.pipe()
        out, printed = os.pipe()
        self._status, told = os.pipe()
        prepared().start(
            str(program),
            [str(word) for word in words],
            stdin.fileno() if stdin else read,
            stdout.fileno() if stdout else printed,
            stderr.fileno() if stderr else 2,
            told,
        )
        for handed in (read, printed, told):
            os.close(handed)
        self.stdin: IO[str] = os.fdopen(typed, "w")
        self.stdout: IO[str] = os.fdopen(out)
        self.returncode: int | None = None
        self._said = b""
        self.pid = int(self._line(120.0) or self._never())

    def _never(self) -> int:
        raise AssertionError(f"the process that forks is gone, or makes none: {self._said!r}")

    def _line(self, seconds: float) -> bytes:
        """The next line about the process; nothing when it does not come in time."""
        end = time.monotonic() + seconds
        while b"\n" not in self._said:
            if not select.select([self._status], [], [], max(0.0, end - time.monotonic()))[0]:
                return b""
            if not (more := os.read(self._status, 64)):
                return b""
            self._said += more
        line, _, self._said = self._said.partition(b"\n")
        return line

    def poll(self) -> int | None:
        """The exit status, once it has ended; minus the signal that ended it."""
        return self._ended(0.0)

    def _ended(self, seconds: float) -> int | None:
        if self.returncode is None and (line := self._line(seconds)):
            self.returncode = int(line)
            os.close(self._status)
        return self.returncode

    def wait(self, timeout: float = 60.0) -> int:
        """Its exit status; TimeoutError when it does not end in time."""
        if self._ended(timeout) is None:
            raise TimeoutError(f"process {self.pid} does not end in {timeout} s")
        assert self.returncode is not None
        return self.returncode

    def close(self) -> None:
        """Tell it nothing more, and read nothing more of what it prints."""
        self.stdin.close()
        self.stdout.close()

    def communicate(self, timeout: float = 60.0) -> tuple[str, str]:
        """What it has printed (up to what a pipe holds), once its input and then itself has ended."""
        self.stdin.close()
        self.wait(timeout)
        with self.stdout:
            return self.stdout.read(), ""

    def __enter__(self) -> Command:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self.wait()

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)
