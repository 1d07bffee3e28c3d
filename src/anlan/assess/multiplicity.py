"""Thousands of series tested at once: which alarms to believe, how many to expect, which to look at first.

False discovery rate: Benjamini, Hochberg (1995, J R Stat Soc B 57:289-300) under independence or positive
dependence, Benjamini, Yekutieli (2001, Ann Stat 29:1165-1188) under any. Controlled within groups (a domain
at a level of places), since the officer of one domain answers for its alarms and a quiet domain must not
lend its silence to a loud one.

Budget: a declared number of alarms that one officer can look at in a day. The level that keeps it is read
off history, where series depend on each other as they do; a nominal level does not know that. Where it is
kept alarm by alarm (`choose`), what is left out stays in sight with its reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from anlan.assess.detect.panel import Floats

Method: TypeAlias = Literal["bh", "by"]


class Choice(IntEnum):
    """What becomes of an alarm among all the others."""

    #: no alarm, or nobody knows
    NONE = 0
    LOOK = 1
    #: looked at the period before, and still an alarm: it takes no one's place
    GOES_ON = 2
    #: the control of false discoveries does not keep it
    MAY_BE_CHANCE = 3
    #: as many as the budget allows come before it
    OVER_BUDGET = 4


@dataclass(frozen=True, slots=True)
class Chosen:
    """Of every alarm [n_series, n_test] its `choice` (`Choice`), and its `rank` within its group and period,
    1 the first to look at, those left out behind the others; 0 where there is no alarm."""

    choice: npt.NDArray[np.int8]
    rank: npt.NDArray[np.int64]


#: surprise is counted in powers of ten, and none beyond this: smaller p-values are not to be believed
MOST_SURPRISE = 16.0


def q_values(p: Floats, groups: npt.NDArray[np.generic] | None = None, method: Method = "bh") -> Floats:
    """Adjusted p-values, same shape as `p`: rejecting all cells of a group with q <= a keeps the expected
    share of false ones among them at most a. NaN cells (unknown) are not tests: they stay NaN and do not
    count. `groups`, same shape, gives each cell its group; None: one group."""
    if method not in ("bh", "by"):
        raise ValueError(f"method must be bh or by, found {method!r}")
    flat = np.asarray(p, dtype=np.float64).ravel()
    if ((flat < 0) | (flat > 1)).any():
        raise ValueError("p-values must lie between 0 and 1")
    label = np.zeros(flat.size, dtype=np.int64)
    if groups is not None:
        if groups.shape != p.shape:
            raise ValueError(f"groups must have the shape of p {p.shape}, found {groups.shape}")
        label = np.unique(groups.ravel(), return_inverse=True)[1].ravel()
    q = np.full(flat.size, np.nan)
    for group in np.unique(label):
        cells = np.flatnonzero((label == group) & ~np.isnan(flat))
        n = cells.size
        if not n:
            continue
        order = cells[np.argsort(flat[cells], kind="stable")]
        rank = np.arange(1, n + 1)
        dependent = (1 / rank).sum() if method == "by" else 1.0
        raised = flat[order] * (n * dependent / rank)
        q[order] = np.minimum(np.minimum.accumulate(raised[::-1])[::-1], 1.0)
    return q.reshape(np.shape(p))


def budget_level(history: Floats, budget: float, most: float = 0.05) -> float:
    """The largest level a <= `most` at which the p-values of `history` [n_series, n_periods], oldest
    first, would have raised at most `budget` new alarms a period on average over all series together. An
    alarm is new where the period before was none: an officer looks at a beginning, not at every repeat.
    0 where no level keeps the budget. Unknown cells raise nothing."""
    if not budget > 0:
        raise ValueError(f"budget must be above 0 alarms a period, found {budget}")
    if history.ndim != 2 or not history.shape[1]:
        raise ValueError(f"history must be [n_series, n_periods], found shape {history.shape}")
    known = np.nan_to_num(history, nan=1.0)
    before = np.column_stack([np.ones(len(known)), known[:, :-1]])
    allowed = budget * history.shape[1]
    # a cell begins an alarm at every level from its own p up to that of the period before
    begins = np.sort(known[(known < before) & (known <= most)])
    ends = np.sort(before[(known < before) & (before <= most)])
    levels = np.unique(np.concatenate([known[known <= most], [most]]))
    onsets = np.searchsorted(begins, levels, "right") - np.searchsorted(ends, levels, "right")
    over = np.flatnonzero(onsets > allowed)
    if not over.size:
        return float(most)
    first = int(over[0])
    return float(levels[first - 1]) if first else 0.0


def onsets(alarm: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Where an alarm begins, [n_series, n_periods]."""
    started: npt.NDArray[np.bool_] = alarm & ~np.column_stack([np.zeros(len(alarm), bool), alarm[:, :-1]])
    return started


def surprise(p: Floats) -> Floats:
    """Powers of ten by which a value is unlikely, 0 ... `MOST_SURPRISE`; NaN where p is unknown."""
    found: Floats = -np.log10(np.clip(p, 10.0**-MOST_SURPRISE, 1.0))
    return found


def ranking(p: Floats, exposure: Floats) -> npt.NDArray[np.int64]:
    """Indexes of alarms, first to look at first: by surprise times exposure (persons, subscribers, any
    stake). What is unknown is not taken for small: an unknown exposure counts as the largest known one,
    an unknown p-value as the greatest surprise. Ties stay in the order given."""
    if p.shape != exposure.shape or p.ndim != 1:
        raise ValueError(
            f"p and exposure must be one row of the same length, found {p.shape}, {exposure.shape}"
        )
    known = exposure[~np.isnan(exposure)]
    most = float(known.max()) if known.size else 1.0
    weight = np.where(np.isnan(exposure), most, exposure)
    how = np.where(np.isnan(p), MOST_SURPRISE, surprise(p))
    return np.argsort(-how * weight, kind="stable").astype(np.int64)


def checked(fdr: float | None, budget: int | None) -> None:
    """ValueError for a share or a number of alarms that there is none of."""
    if fdr is not None and not 0 < fdr < 1:
        raise ValueError(f"fdr must lie between 0 and 1, found {fdr}")
    if budget is not None and budget < 1:
        raise ValueError(f"budget must be at least 1 alarm a period, found {budget}")


def choose(
    alarm: npt.NDArray[np.bool_],
    p: Floats,
    exposure: Floats | None = None,
    groups: npt.NDArray[np.generic] | None = None,
    *,
    fdr: float | None = None,
    budget: int | None = None,
) -> Chosen:
    """Which alarms [n_series, n_test], oldest period first, are to be looked at. `exposure` and `groups`
    [n_series]: what is at stake, and the domain and level that each belongs to (one officer's).

    `fdr`: of the alarms kept in a group and period an expected share of at most that is false (an alarm
    without a p-value cannot be judged so, and is kept). `budget`: so many new ones are looked at in a group
    and period, by surprise times exposure; one that was left out competes again in the next."""
    if p.shape != alarm.shape or alarm.ndim != 2:
        raise ValueError(f"alarm and p must be [n_series, n_test], found {alarm.shape} and {p.shape}")
    checked(fdr, budget)
    n = len(alarm)
    stake = np.ones(n) if exposure is None else exposure
    label = np.zeros(n, dtype=np.int64)
    if groups is not None:
        label = np.unique(groups, return_inverse=True)[1].ravel()
    choice = np.zeros(alarm.shape, dtype=np.int8)
    rank = np.zeros(alarm.shape, dtype=np.int64)
    looked = np.zeros(n, dtype=bool)
    for t in range(alarm.shape[1]):
        q = q_values(p[:, t], label)
        for group in range(int(label.max()) + 1 if n else 0):
            rows = np.flatnonzero(alarm[:, t] & (label == group))
            rows = rows[ranking(p[rows, t], stake[rows])]
            believed = np.ones(len(rows), dtype=bool) if fdr is None else ~(q[rows] > fdr)
            choice[rows, t] = np.where(believed, np.where(looked[rows], Choice.GOES_ON, Choice.LOOK), 0)
            choice[rows[~believed], t] = Choice.MAY_BE_CHANCE
            if budget is not None:
                new = rows[choice[rows, t] == Choice.LOOK]
                choice[new[budget:], t] = Choice.OVER_BUDGET
            after = np.maximum(choice[rows, t], Choice.GOES_ON)  # what is looked at, then what is left out
            after = np.where(after == Choice.MAY_BE_CHANCE, len(Choice), after)
            rank[rows[np.argsort(after, kind="stable")], t] = np.arange(1, len(rows) + 1)
        looked = (choice[:, t] == Choice.LOOK) | (choice[:, t] == Choice.GOES_ON)
    return Chosen(choice, rank)
