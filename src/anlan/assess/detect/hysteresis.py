"""A condition over time, made into a state that does not flutter and that silence cannot clear.

        yes for less than hold            yes for hold
    OFF ----------------------> PENDING ----------------> ON
     ^  <---------------------- no                        | no
     |                                                    v
     +------------- no for keep ---------------------- KEEPING ---- yes ----> ON

Unknown input moves none of the arrows: what is on stays on (stale), a run of yes or of no neither
grows nor breaks, and nothing unknown counts towards `hold` or `keep`.

A run's length is the time between readings that agree: each pair of neighbouring known readings
with the same answer adds the time between them, a gap of unknowns in between adds nothing. After
Prometheus' alerting rules (`for`, `keep_firing_for`), where a missing series clears the alert.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from numba import njit

from anlan.assess.detect.panel import Bytes

IfMissing: TypeAlias = Literal["hold", "unknown"]
Duration: TypeAlias = dt.timedelta | np.timedelta64


class State(IntEnum):
    """State of a condition. `UNKNOWN`: it was not on and the input is missing now."""

    UNKNOWN = -1
    OFF = 0
    PENDING = 1
    ON = 2
    KEEPING = 3


#: states in which the condition counts as fulfilled
ACTIVE = (State.ON, State.KEEPING)


@dataclass(frozen=True, slots=True)
class Run:
    """`state` int8 and `stale` bool, both [n_series, n_time]; stale = the input is missing now, so
    the state rests on what was known before."""

    state: Bytes
    stale: npt.NDArray[np.bool_]

    @property
    def active(self) -> npt.NDArray[np.bool_]:
        """True where on or keeping, [n_series, n_time]."""
        held: npt.NDArray[np.bool_] = np.isin(self.state, [int(s) for s in ACTIVE])
        return held


def hysteresis(
    condition: Bytes,
    times: npt.NDArray[np.datetime64],
    hold: Duration,
    keep: Duration,
    if_missing: IfMissing = "unknown",
) -> Run:
    """Run the state machine over `condition` int8 [n_series, n_time] (1 yes, 0 no, -1 unknown) at
    `times` datetime64 [n_time], strictly increasing.

    Turns on once the condition has been yes for `hold` (0 = at once) and off once it has been no
    for `keep` (0 = at once). Where the input is missing and the state is not on, the state is
    `UNKNOWN` with `if_missing="unknown"`, or stays as it was (and stale) with "hold".
    """
    given = np.ascontiguousarray(condition, dtype=np.int8)
    if given.ndim != 2 or times.shape != (given.shape[1],):
        raise ValueError(
            "condition must be [n_series, n_time] with one time per column, "
            f"found {given.shape} and {times.shape}"
        )
    if not np.isin(np.asarray(condition), (-1, 0, 1)).all():
        raise ValueError("condition must hold only 1 (yes), 0 (no), -1 (unknown)")
    if if_missing not in ("hold", "unknown"):
        raise ValueError(f"if_missing must be 'hold' or 'unknown', found {if_missing!r}")
    if np.isnat(times).any():
        raise ValueError("times must be known, found NaT")
    seconds = times.astype("datetime64[s]").astype(np.int64)
    if (np.diff(seconds) <= 0).any():
        raise ValueError("times must be strictly increasing (to the second)")
    state = np.empty(given.shape, dtype=np.int8)
    _run(given, seconds, _seconds("hold", hold), _seconds("keep", keep), if_missing == "unknown", state)
    return Run(state=state, stale=given == -1)


def _seconds(name: str, duration: Duration) -> int:
    """Whole seconds, rounded up, so that a state never turns before its time."""
    if isinstance(duration, dt.timedelta):
        duration = np.timedelta64(duration)
    micro = duration.astype("timedelta64[us]")
    if np.isnat(micro) or micro < np.timedelta64(0, "us"):
        raise ValueError(f"{name} must be a duration of at least 0, found {duration}")
    return -(-int(micro.astype(np.int64)) // 1_000_000)


@njit(cache=True, nogil=True)
def _run(condition, seconds, hold, keep, missing_is_unknown, state):  # type: ignore[no-untyped-def]
    off, pending, on, keeping = 0, 1, 2, 3
    for s in range(condition.shape[0]):
        now = off  # what is known, whatever is shown while the input is missing
        length = 0  # seconds the present run of equal answers has been seen
        for k in range(condition.shape[1]):
            answer = condition[s, k]
            if answer == -1:
                shown = now
                if missing_is_unknown and now not in (on, keeping):
                    shown = -1
                state[s, k] = shown
                continue
            # the step counts only if the reading just before is there and agrees
            step = 0
            if k > 0 and condition[s, k - 1] == answer:
                step = seconds[k] - seconds[k - 1]
            if answer == 1:
                if now == pending:
                    length += step
                elif now == off:
                    now, length = pending, 0
                else:
                    now = on
                if now == pending and length >= hold:
                    now = on
            else:
                if now == pending:
                    now = off
                elif now == keeping:
                    length += step
                elif now == on:
                    now, length = keeping, 0
                if now == keeping and length >= keep:
                    now = off
            state[s, k] = now
