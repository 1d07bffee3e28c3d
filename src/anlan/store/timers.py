"""Durable timers: DBOS workflows that wait in a database, so that a kill loses none of them.

A timer is a delayed workflow whose id is its key: while it waits it is a row, not a thread. When it
falls due a worker takes it and calls the handler in a step. Killed before the step is recorded, it is
taken up again at the next start; once recorded, it is never called again. A handler that raises is
called again RETRY later, by a workflow of its own, until it returns.

What fired or was cancelled stays KEPT longer, and is then deleted, EVERY so often: until then a second wake
for its key changes nothing. That bounds the rows to those that wait and those of KEPT. Nothing that waits is
ever deleted, and a timer taken up after a kill has not fired yet, so a restart needs no older row; a key
woken after KEPT is a new timer, whose handler looks at the state and finds nothing to do.

DBOS is one for each process, so only one DurableTimers can run at a time. It waits by the wall's clock;
what `clock` says is used only to know how long that is. A timer fires within about two seconds of its
instant, the time between two looks at the database.
"""

from __future__ import annotations

import logging
import threading
import time
from datetime import datetime, timedelta

from dbos import (
    DBOS,
    DBOSConfig,
    DBOSPortableJSONSerializer,
    SetEnqueueOptions,
    SetWorkflowID,
    WorkflowSerializationFormat,
)

from anlan.model.errors import InvalidValue, StoreUnavailable, WrongState
from anlan.model.time import format_instant, parse_instant, utc
from anlan.ports.clock import Clock
from anlan.ports.timers import OnDue

RETRY = timedelta(seconds=10)
KEPT = timedelta(days=7)
EVERY = timedelta(hours=1)
#: seconds between two looks for timers to hand to a handler
LOOK = 1.0
#: rows deleted in one statement, and how many such statements at a time
_BATCH, _BATCHES = 500, 20
#: seconds between two looks whether a handler has ended
_GLANCE = 0.05
_QUEUE = "anlan-timers"
_AGAIN = "~again~"
_NAME = "anlan.timer"
_WAITING = ["DELAYED", "ENQUEUED", "PENDING"]
_OVER = ["SUCCESS", "ERROR", "CANCELLED"]
_LOG = logging.getLogger("anlan.timers")


class _Process:
    """What there is one of in a process: whose handler DBOS calls."""

    def __init__(self) -> None:
        self.guard = threading.Lock()
        self.timers: DurableTimers | None = None


_PROCESS = _Process()


class DurableTimers:
    """Timers kept in the database at `url` (`sqlite:///FILE`, or `postgresql+psycopg://…`); `handler` is
    called on a worker's thread with (key, at), several at a time."""

    def __init__(self, url: str, handler: OnDue, clock: Clock) -> None:
        self._url = url
        self._handler = handler
        self._clock = clock
        self._tidied: datetime | None = None

    def start(self) -> None:
        """Take up every timer that waits; those overdue fire at once. WrongState when timers run in
        this process already; StoreUnavailable when the database cannot be opened."""
        with _PROCESS.guard:
            if _PROCESS.timers is not None:
                raise WrongState(
                    "timers run in this process already", where="timers", mend="stop the others first"
                )
            _PROCESS.timers = self
            try:
                self._launch()
            except Exception as error:
                DBOS.destroy()
                _PROCESS.timers = None
                raise StoreUnavailable(
                    "the timers' database cannot be opened",
                    where=self._url,
                    found=str(error),
                    mend="check that the folder exists, may be written, and has room",
                ) from error

    def stop(self, patience: timedelta = timedelta(seconds=5)) -> None:
        """Stop, after waiting `patience` for handlers that are being called. What is not recorded by
        then is taken up at the next start."""
        with _PROCESS.guard:
            if _PROCESS.timers is self:
                # DBOS itself would look once a second, for the first time after one
                end = time.monotonic() + patience.total_seconds()
                while self._calling() and time.monotonic() < end:
                    time.sleep(_GLANCE)
                DBOS.destroy()
                _PROCESS.timers = None

    def wake(self, key: str, at: datetime) -> None:
        """As Timers.wake. WrongState before `start`."""
        self._started()
        if not key or not key.isprintable() or _AGAIN in key:
            raise InvalidValue("not a key for a timer", where="timer.key", found=repr(key))
        wait = (utc(at, "timer.at") - self._clock.now()).total_seconds()
        _enqueue(key, format_instant(at), wait, failures=0)
        self._tidy()

    def cancel(self, key: str) -> None:
        """As Timers.cancel. WrongState before `start`."""
        self._started()
        again = DBOS.list_workflows(
            workflow_id_prefix=key + _AGAIN, status=_WAITING, load_input=False, load_output=False
        )
        DBOS.cancel_workflows([key, *(workflow.workflow_id for workflow in again)])

    def waiting(self) -> tuple[str, ...]:
        """Keys of the timers that have not fired, in order of key."""
        self._started()
        found = DBOS.list_workflows(status=_WAITING, load_input=False, load_output=False)
        return tuple(sorted({workflow.workflow_id.partition(_AGAIN)[0] for workflow in found}))

    def _tidy(self) -> None:
        """Delete what has been over for KEPT. That it fails is told, and is no reason not to wake."""
        now = self._clock.now()
        if self._tidied is not None and now - self._tidied < EVERY:
            return
        self._tidied = now
        try:
            for _ in range(_BATCHES):
                over = DBOS.list_workflows(
                    status=_OVER,
                    name=_NAME,
                    completed_before=(now - KEPT).isoformat(),
                    limit=_BATCH,
                    load_input=False,
                    load_output=False,
                )
                if over:
                    DBOS.delete_workflows([workflow.workflow_id for workflow in over])
                if len(over) < _BATCH:
                    return
        except Exception:
            _LOG.warning("timers that are over could not be deleted", exc_info=True)

    def _calling(self) -> bool:
        """Whether a handler is being called, or what it did not yet recorded."""
        try:
            return bool(DBOS.list_workflows(status="PENDING", limit=1, load_input=False, load_output=False))
        except Exception:
            _LOG.warning("the timers' database does not answer at the stop", exc_info=True)
            return False

    def _started(self) -> None:
        if _PROCESS.timers is not self:
            raise WrongState("the timers are not running", where="timers", mend="start them first")

    def _launch(self) -> None:
        config: DBOSConfig = {
            "name": "anlan",
            "system_database_url": self._url,
            # Constant: a timer made by one version of the program must be taken up by the next.
            "application_version": "timers-1",
            "executor_id": "local",
            "serializer": DBOSPortableJSONSerializer(),
            "log_level": "WARNING",
            "enable_otlp": False,
        }
        DBOS(config=config)
        DBOS.launch()
        DBOS.register_queue(_QUEUE, polling_interval_sec=LOOK)

    def _call(self, key: str, at: str) -> bool:
        try:
            self._handler(key, parse_instant(at, "timer.at"))
        except Exception:
            _LOG.exception("the handler of timer %s failed; it will be called again", key)
            return False
        return True


def _enqueue(key: str, at: str, wait: float, failures: int) -> None:
    identity = f"{key}{_AGAIN}{failures}" if failures else key
    with SetWorkflowID(identity), SetEnqueueOptions(delay_seconds=wait if wait > 0 else None):
        DBOS.enqueue_workflow(_QUEUE, _timer, key, at, failures)


@DBOS.workflow(
    name=_NAME,
    max_recovery_attempts=None,
    serialization_type=WorkflowSerializationFormat.PORTABLE,
)
def _timer(key: str, at: str, failures: int) -> None:
    if not _fire(key, at):
        _enqueue(key, at, RETRY.total_seconds(), failures + 1)


@DBOS.step(name="anlan.timer.fire")
def _fire(key: str, at: str) -> bool:
    running = _PROCESS.timers
    if running is None:
        raise WrongState("the timers are not running", where="timers")
    return running._call(key, at)
