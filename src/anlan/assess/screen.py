"""Which values of a grid can be used, and why the others cannot.

A value that cannot be used is unknown to the detectors, tested or in their history; it is never put
right. Where the newest values of a series are unknown, the finding says which of these it is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from anlan.assess.definitions import Marks, marks
from anlan.assess.grid import Grid
from anlan.model.indicator import Indicator
from anlan.model.pack import Pack
from anlan.model.reason import Reason
from anlan.model.text import Text


class Why(IntEnum):
    """Why a cell of a grid holds no usable value; of several the highest."""

    USABLE = 0
    #: nothing came for this period
    SILENT = 1
    #: the source itself reported a gap
    GAP = 2
    #: the value holds something of two definitions
    MIXED = 3
    #: the same value for longer than the indicator can stand still
    FROZEN = 4
    #: outside the bounds that the pack now gives
    IMPOSSIBLE = 5
    #: a sum of the places below, of which some have no usable value
    PARTIAL = 6


@dataclass(frozen=True, slots=True)
class Screened:
    """`values` [n_places, n_times], NaN where not usable; `why` same shape, `Why`; `marks` the changes
    of definition on the same axes."""

    values: NDArray[np.float64]
    why: NDArray[np.int8]
    marks: Marks

    def rows(self, chosen: list[int]) -> Screened:
        """Some places alone."""
        marks = replace(self.marks, applies=self.marks.applies[chosen], partly=self.marks.partly[chosen])
        return Screened(self.values[chosen], self.why[chosen], marks)


def screen(grid: Grid, indicator: Indicator, pack: Pack, step: timedelta) -> Screened:
    """The grid with what is no usable value of `indicator` as unknown."""
    found = marks(indicator, pack, grid.places, grid.times, step)
    values = grid.values
    why = np.where(np.isnan(values), Why.SILENT, Why.USABLE).astype(np.int8)
    why[np.isnan(values) & ~np.isnat(grid.known)] = Why.GAP
    here = ~np.isnan(values)
    why[here & found.blur()] = Why.MIXED
    if indicator.frozen_after is not None:
        why[here & frozen(values, step, indicator.frozen_after)] = Why.FROZEN
    lowest = 0.0 if indicator.minimum is None and indicator.kind == "count" else indicator.minimum
    with np.errstate(invalid="ignore"):
        if lowest is not None:
            why[values < lowest] = Why.IMPOSSIBLE
        if indicator.maximum is not None:
            why[values > indicator.maximum] = Why.IMPOSSIBLE
    return Screened(np.where(why == Why.USABLE, values, np.nan), why, found)


def frozen(values: NDArray[np.float64], step: timedelta, limit: timedelta) -> NDArray[np.bool_]:
    """[n_series, n_times]: whether a value ends a run of equal ones that has lasted `limit` or longer,
    its own period included. Missing values neither lengthen a run by being there nor break it. Values
    before the run reached its limit were believed when they came, and are not taken back."""
    run = np.zeros(values.shape, dtype=bool)
    last = np.full(len(values), np.nan)
    began = np.zeros(len(values), dtype=np.int64)
    need = -(-limit // step)
    for t in range(values.shape[1]):
        now = values[:, t]
        here = ~np.isnan(now)
        fresh = here & (now != last)
        began[fresh] = t
        last[here] = now[here]
        run[:, t] = here & (t - began + 1 >= need)
    return run


_WORDS = {
    Why.SILENT: ("value_missing", "a value is missing", "数据缺失"),
    Why.GAP: ("value_missing", "a value is missing", "数据缺失"),
    Why.FROZEN: ("series_frozen", "the value has stood still for too long", "数值长时间不变，疑似卡滞"),
    Why.IMPOSSIBLE: ("value_impossible", "the value is not possible", "数值不可能"),
}


def unusable(why: NDArray[np.int8]) -> Reason | None:
    """The reason of one place's tested periods `why` [n_tests]: that of the newest if it cannot be used,
    else of the newest that cannot. None where all can, or where a change of definition or a member of a
    sum is the reason (which say so themselves)."""
    bad = np.flatnonzero(why != Why.USABLE)
    if not len(bad):
        return None
    newest = Why(int(why[bad[-1]]))
    if newest not in _WORDS:
        return None
    code, en, zh = _WORDS[newest]
    return Reason(code, Text(f"{en}: the level is held and unknown", f"{zh}：级别保持，状态未知"))
