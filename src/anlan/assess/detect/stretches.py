"""What the fits of all series share: the reference rows cut into short stretches, and sums over them.

Reference rows are the same for every series of a panel, and on a regular axis the same for every
tested period but for a shift. In each season they come in stretches of consecutive periods, on which
exp(x t) is one exponential times powers of one number; and sums of exp(x t) t^k over a season are
power series in x whose coefficients, the moments of t, are worked out once:

    sum_i exp(x t_i) t_i^k = sum_m x^m / m! sum_i t_i^(m + k)

Times are scaled to -1 ... 1, so that 48 terms are exact to rounding for every |x| up to `MOST_X`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from anlan.assess.detect.panel import Floats, Ints
from anlan.assess.detect.seasons import ReferenceRows

#: row numbers: unsigned and short, so that kernels know them not to be negative (an index that may
#: be is checked on every access, and nothing vectorises)
Counts: TypeAlias = npt.NDArray[np.uint32]

#: rows of a stretch, at most
LENGTH = 8
#: terms of the power series, at most
TERMS = 48
#: seasons, at most; fewer are padded to this many, so that loops over them have a known length
LANES = 16
#: |x| up to which 4, 8, 12 ... terms leave a remainder below 1e-18
LIMITS: Floats = np.array([(1e-18 * math.factorial(m)) ** (1 / m) for m in range(4, TERMS + 1, 4)])
MOST_X = float(LIMITS[-1])


@dataclass(frozen=True, slots=True)
class Stretches:
    """Patterns of reference rows, one after the other, and which tested period uses which.

    `pattern` [n_test], -1 where there are no rows; `origin` [n_test] the first row in time; `clock`
    [n_time] periods about the middle of the axis; `shift` [n_test] what must be taken from it to get
    reach * scaled time.
    Of each pattern: `first_row`, `first_run` [n_pattern + 1]; `seasons` [n_pattern, no_periods + 1]
    where each season begins among its rows; `reach` [n_pattern] half its length in periods;
    `moments` [n_pattern, TERMS, 3 * LANES] the coefficients of x^m for k = 0, 1, 2 side by side.
    Of each row: `offset` from the first in time, scaled `time`, `season`. Of each run (stretch): its
    first row `run_row` counted from the pattern's, and `run_offset`, `run_time`, `run_season` of
    that row.
    """

    pattern: Ints
    origin: Counts
    shift: Floats
    clock: Floats
    unit: float
    first_row: Counts
    first_run: Counts
    seasons: Counts
    reach: Floats
    moments: Floats
    offset: Counts
    time: Floats
    season: Counts
    run_row: Counts
    run_offset: Counts
    run_time: Floats
    run_season: Counts


def cut(reference: ReferenceRows) -> Stretches:
    """The stretches of the reference rows."""
    groups = reference.bounds.shape[1] - 1
    clock = reference.unit * (reference.axis - 0.5 * reference.axis[-1:].sum())
    n_test = len(reference.bounds)
    pattern, shift = np.full(n_test, -1, dtype=np.int64), np.zeros(n_test)
    origin = np.zeros(n_test, dtype=np.uint32)
    known: dict[tuple[bytes, bytes, bytes], int] = {}
    offsets, times, season_of, seasons, reaches, moments = [], [], [], [], [], []
    run_rows, run_offsets, run_times, run_seasons = [], [], [], []
    rows_so_far, runs_so_far = [0], [0]
    for j in range(len(reference.bounds)):
        begin, end = reference.bounds[j, 0], reference.bounds[j, -1]
        if reference.short[j] or begin == end:
            continue
        rows, tick = reference.rows[begin:end], reference.tick[begin:end]
        origin[j] = rows.min()
        offset = rows - rows.min()
        bounds = reference.bounds[j] - begin
        middle = 0.5 * tick.max()
        shift[j] = clock[rows[0]] - reference.unit * (tick[0] - middle)
        key = (offset.tobytes(), tick.tobytes(), bounds.tobytes())
        if key in known:
            pattern[j] = known[key]
            continue
        known[key] = pattern[j] = len(known)
        reach = max(reference.unit * middle, 1e-300)
        time = reference.unit * (tick - middle) / reach
        season = np.repeat(np.arange(groups), np.diff(bounds))
        starts = _starts(offset, tick, season)
        seasons.append(bounds)
        reaches.append(reach)
        moments.append(_moments(time, season))
        offsets.append(offset)
        times.append(time)
        season_of.append(season)
        run_rows.append(starts)
        run_offsets.append(offset[starts])
        run_times.append(time[starts])
        run_seasons.append(season[starts])
        rows_so_far.append(rows_so_far[-1] + len(offset))
        runs_so_far.append(runs_so_far[-1] + len(starts))
    return Stretches(
        pattern=pattern,
        origin=origin,
        shift=shift,
        clock=clock,
        unit=reference.unit,
        first_row=np.array(rows_so_far, dtype=np.uint32),
        first_run=np.array(runs_so_far, dtype=np.uint32),
        seasons=np.array(seasons, dtype=np.uint32).reshape(-1, groups + 1),
        reach=np.array(reaches),
        moments=np.array(moments).reshape(-1, TERMS, 3 * LANES),
        offset=_joined(offsets),
        time=np.concatenate([np.zeros(0), *times]),
        season=_joined(season_of),
        run_row=_joined(run_rows),
        run_offset=_joined(run_offsets),
        run_time=np.concatenate([np.zeros(0), *run_times]),
        run_season=_joined(run_seasons),
    )


def _joined(parts: list[Ints]) -> Counts:
    return np.concatenate([np.zeros(0, dtype=np.int64), *parts]).astype(np.uint32)


def _starts(offset: Ints, tick: Ints, season: Ints) -> Ints:
    """The first row of each stretch: rows of one season, consecutive on the axis and in ticks."""
    follows = (np.diff(offset) == 1) & (np.diff(tick) == 1) & (np.diff(season) == 0)
    begins = np.flatnonzero(np.concatenate([[True], ~follows]))
    ends = np.append(begins[1:], len(offset))
    parts = [np.arange(a, b, LENGTH) for a, b in zip(begins.tolist(), ends.tolist(), strict=True)]
    return np.concatenate(parts).astype(np.int64)


def _moments(time: Floats, season: Ints) -> Floats:
    """[TERMS, 3 * LANES]: sum of time^(m + k) / m! over each season, k = 0, 1, 2 side by side."""
    raised = np.ones((TERMS + 2, len(time)))
    np.multiply.accumulate(np.broadcast_to(time, (TERMS + 1, len(time))), axis=0, out=raised[1:])
    sums = raised @ (season[:, None] == np.arange(LANES)).astype(np.float64)
    factorial = np.array([float(math.factorial(m)) for m in range(TERMS)])
    table = np.concatenate([sums[k : k + TERMS] / factorial[:, None] for k in range(3)], axis=1)
    return np.ascontiguousarray(table)
