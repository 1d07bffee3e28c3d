"""Reads the modules of anlan, then forks a process for each order on its socket: `prepared_process.py FD`.

An order is one line of JSON (`program`: `anlan` or the path of a script, its arguments `words`, `path` to
import from, `environment`, `folder`) with four open files: the program's standard input, output and error
stream, and one to which its id is written when it begins and its exit status when it has ended.
"""

from __future__ import annotations

import gc
import json
import os
import socket
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from runpy import run_path

from anlan.assess.detect.registry import specs
from anlan.channels.registry import modules
from anlan.cli import main

#: what `anlan serve` and the commands about a workspace read only when they are called
LATE = (
    "anlan.app.desk",
    "anlan.app.keeper",
    "anlan.app.serve",
    "anlan.app.workspace",
    "anlan.cli.site",
    "anlan.sources.registry",
)


def read_modules() -> None:
    """What a service needs, from here and from other distributions, and the registers."""
    for name in LATE:
        import_module(name)
    specs()
    modules()
    gc.collect()
    gc.freeze()


def watched(status: int) -> bool:
    """Forks once more. In the new process: True. In this one, which tells of its end: never returns."""
    pid = os.fork()
    if pid == 0:
        os.close(status)
        return True
    for number in (0, 1, 2):
        os.close(number)
    os.write(status, f"{pid}\n".encode())
    ended = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    with suppress(BrokenPipeError):
        os.write(status, f"{ended}\n".encode())
    os._exit(0)


def serve(channel: socket.socket) -> int:
    """Fork until nobody gives orders any more; in each forked process: the exit status of its command."""
    while True:
        line, files, _, _ = socket.recv_fds(channel, 1 << 20, 4)
        if not line:
            return 0
        if os.fork() == 0:
            channel.close()
            for number, file in enumerate(files[:3]):
                os.dup2(file, number)
                os.close(file)
            watched(files[3])
            order = json.loads(line)
            os.environ.clear()
            os.environ.update(order["environment"])
            os.chdir(order["folder"])
            sys.argv = [order["program"], *order["words"]]
            if order["program"] == "anlan":
                return main()
            sys.path[:] = [str(Path(order["program"]).parent), *order["path"]]
            run_path(order["program"], run_name="__main__")
            return 0
        for file in files:
            os.close(file)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


if __name__ == "__main__":
    read_modules()
    sys.exit(serve(socket.socket(fileno=int(sys.argv[1]))))
