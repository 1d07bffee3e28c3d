"""Timers outlive kills: each fires, late rather than never, and once it is recorded never again."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import time
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from anlan.model.errors import InvalidValue, StoreUnavailable, WrongState
from anlan.store.timers import EVERY, KEPT, DurableTimers
from prepared import Command

PROCESS = Path(__file__).with_name("timers_process.py")
KILLED = -signal.SIGKILL


class Machine:
    """A folder with the timers' database and the record of what fired."""

    def __init__(self, folder: Path) -> None:
        self.url = f"sqlite:///{folder}/jobs.sqlite"
        self.record = folder / "fired"

    def start(self, *orders: str, moment: str = "-") -> tuple[Command, list[str]]:
        """A process; the keys of the timers that wait."""
        with Path(os.devnull).open("w") as nowhere:
            words = [self.url, str(self.record), moment, *orders]
            process = Command(words, PROCESS, stderr=nowhere)
        return process, process.stdout.readline().split()[1:]

    def fired(self) -> Counter[str]:
        text = self.record.read_text() if self.record.exists() else ""
        return Counter(line.split()[0] for line in text.splitlines())

    def until(self, *keys: str) -> None:
        """Wait until all of these have fired."""
        limit = time.monotonic() + 20
        while not set(keys) <= set(self.fired()):
            assert time.monotonic() < limit, f"only {dict(self.fired())} fired"
            time.sleep(0.05)

    def settle(self) -> None:
        """Time for anything that would wrongly fire again: more than two looks at the database, and the
        second after which a failed handler is called again."""
        time.sleep(2)


def kill(process: Command) -> None:
    process.kill()
    process.communicate()


def stop(process: Command) -> None:
    process.communicate(timeout=30)
    assert process.returncode == 0


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.slow
def test_timers_waiting_when_killed_fire_after_the_restart(machine: Machine) -> None:
    process, waiting = machine.start("a=1", "b=7", "c=3600", "d=1", "d=cancel")
    assert waiting == ["a", "b", "c"]
    kill(process)
    time.sleep(1.5)
    assert machine.fired() == {}
    process, waiting = machine.start()
    assert "c" in waiting
    machine.until("a", "b")
    machine.settle()
    stop(process)
    assert machine.fired() == {"a": 1, "b": 1}
    process, waiting = machine.start("a=0", "d=0")
    assert waiting == ["c"]
    machine.settle()
    stop(process)
    assert machine.fired() == {"a": 1, "b": 1}


@pytest.mark.slow
@pytest.mark.parametrize(("moment", "calls"), [("before", 1), ("after", 2)])
def test_a_kill_while_firing_calls_the_handler_again_until_it_is_recorded(
    machine: Machine, moment: str, calls: int
) -> None:
    process, _ = machine.start("a=0", moment=f"a:{moment}")
    assert process.wait(timeout=20) == KILLED
    process.communicate()
    assert machine.fired() == ({} if moment == "before" else {"a": 1})
    process, _ = machine.start()
    limit = time.monotonic() + 20
    while machine.fired()["a"] < calls and time.monotonic() < limit:
        time.sleep(0.05)
    machine.settle()
    kill(process)
    process, waiting = machine.start()
    assert waiting == []
    machine.settle()
    stop(process)
    assert machine.fired() == {"a": calls}
    # The instant it was to wake at is handed on unchanged.
    assert len(set(machine.record.read_text().splitlines())) == 1


@pytest.mark.slow
def test_a_handler_that_raises_is_called_again(machine: Machine) -> None:
    process, _ = machine.start("a=0", moment="a:raise")
    machine.until("a")
    machine.settle()
    stop(process)
    assert machine.fired() == {"a": 1}


@pytest.mark.slow
def test_kills_at_random_moments_lose_no_timer(machine: Machine) -> None:
    dice = random.Random(11)
    keys = [f"k{number}" for number in range(12)]
    orders = [f"{key}={dice.uniform(0, 10):.2f}" for key in keys]
    process, _ = machine.start(*orders)
    kills = 3
    for _ in range(kills):
        time.sleep(dice.uniform(0.2, 2.2))
        kill(process)
        process, _ = machine.start(*orders)
    machine.until(*keys)
    machine.settle()
    stop(process)
    fired = machine.fired()
    assert set(fired) == set(keys)
    # A kill can catch only those that were firing; a wake repeated after each restart adds none.
    assert sum(fired.values()) - len(keys) <= kills
    process, waiting = machine.start()
    assert waiting == []
    machine.settle()
    stop(process)
    assert machine.fired() == fired


class Never:
    def now(self) -> None:
        raise AssertionError("not asked")


def test_misuse_is_refused_plainly(tmp_path: Path) -> None:
    first, second = (
        DurableTimers(f"sqlite:///{tmp_path}/{name}.sqlite", lambda key, at: None, Never())
        for name in ("first", "second")
    )
    with pytest.raises(WrongState, match="start them first"):
        first.cancel("a")
    first.start()
    with pytest.raises(WrongState, match="run in this process already"):
        second.start()
    with pytest.raises(InvalidValue, match=r"timer\.key"):
        first.wake("", None)
    first.stop()
    first.stop()
    second.start()
    assert second.waiting() == ()
    second.stop()
    broken = DurableTimers(f"sqlite:///{tmp_path}/nowhere/jobs.sqlite", lambda key, at: None, Never())
    with pytest.raises(StoreUnavailable, match="check that the folder exists"):
        broken.start()
    first.start()
    first.stop()


class Ahead:
    """The wall's clock, so much ahead."""

    def __init__(self) -> None:
        self.by = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.by


def test_what_fired_is_forgotten_in_the_end_and_what_waits_never(tmp_path: Path) -> None:
    file, clock, fired = tmp_path / "jobs.sqlite", Ahead(), []

    def keys() -> set[str]:
        with closing(sqlite3.connect(file)) as database:
            return {key for (key,) in database.execute("SELECT workflow_uuid FROM workflow_status")}

    def rest() -> None:
        """Until what fired is recorded."""
        limit = time.monotonic() + 20
        while set(timers.waiting()) != {"waits"}:
            assert time.monotonic() < limit
            time.sleep(0.05)

    timers = DurableTimers(f"sqlite:///{file}", lambda key, at: fired.append(key), clock)
    timers.start()
    now, later = clock.now(), clock.now() + 2 * KEPT
    timers.wake("waits", later)
    timers.wake("cancelled", later)
    timers.cancel("cancelled")
    timers.wake("fires", now)
    rest()
    assert fired == ["fires"]
    # a restart, and a second wake for each: nothing changes while the rows are kept
    timers.stop()
    timers = DurableTimers(f"sqlite:///{file}", lambda key, at: fired.append(key), clock)
    timers.start()
    clock.by = KEPT - EVERY
    for key in ("fires", "cancelled", "waits"):
        timers.wake(key, now)
    rest()
    assert fired == ["fires"] and keys() == {"waits", "cancelled", "fires"}
    clock.by = KEPT + EVERY
    timers.wake("waits", later)
    assert keys() == {"waits"} and timers.waiting() == ("waits",)
    timers.stop()
