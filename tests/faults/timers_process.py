"""A process with durable timers, to be killed.

`timers_process.py URL FIRED MOMENT [KEY=SECONDS|KEY=cancel]…`

Sets the timers named, says `ready`, and writes a line `KEY AT` to the file FIRED, on to the disk, whenever
the handler is called. MOMENT: `-`, or kill itself at the first call of a key's handler `KEY:before` or
`KEY:after` the line is written, or `KEY:raise` there; runs until its input ends, then stops in order."""

from __future__ import annotations

import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from anlan.model.time import format_instant
from anlan.store import timers
from anlan.store.timers import DurableTimers


class WallClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


def main(url: str, fired: Path, moment: str, orders: list[str]) -> None:
    victim, _, when = moment.partition(":")
    timers.RETRY, timers.LOOK = timedelta(seconds=1), 0.2
    failed = False

    def handle(key: str, at: datetime) -> None:
        nonlocal failed
        if key == victim and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        if key == victim and when == "raise" and not failed:
            failed = True
            raise OSError("the journal is locked")
        with fired.open("a") as file:
            file.write(f"{key} {format_instant(at)}\n")
            file.flush()
            os.fsync(file.fileno())
        if key == victim and when == "after":
            os.kill(os.getpid(), signal.SIGKILL)

    clock = WallClock()
    durable = DurableTimers(url, handle, clock)
    durable.start()
    now = clock.now()
    for order in orders:
        key, _, what = order.partition("=")
        if what == "cancel":
            durable.cancel(key)
        else:
            durable.wake(key, now + timedelta(seconds=float(what)))
    print("ready", *durable.waiting(), flush=True)
    sys.stdin.read()
    durable.stop()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], sys.argv[4:])
