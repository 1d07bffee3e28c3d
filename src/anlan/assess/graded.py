"""From a detection to a level: the gate, the dated bands, and hysteresis for each level.

A level is on when the rule's `when` holds and its `measure` has reached the band in force, or the rule's
matrix gives that level or a more severe one (`anlan.assess.risk`). Each level has its own hysteresis, and the
most severe one that is on is the level: a value that drops from red to orange stays red for `keep`, then is
orange, never suddenly nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from anlan.assess.detect.hysteresis import hysteresis
from anlan.assess.risk import read_off
from anlan.model.domain import LEVELS
from anlan.model.errors import InvalidValue
from anlan.model.indicator import Band, Rule
from anlan.model.matrix import Matrix
from anlan.packs.conditions import Condition

YES, NO, UNKNOWN = 1, 0, -1


@dataclass(frozen=True, slots=True)
class Numbers:
    """What a detector says about one value; NaN where it says nothing. `alarm` 1, 0, -1; `reason` the
    detector's `Reason`; `history` of how many periods before the value, `missing` of them unknown.
    `chances`: of a forecast under a matrix, the probability of at least each severity, mildest first.
    `q_value`: p adjusted for the places of the level that were `tested` at the same time."""

    value: float
    expected: float
    threshold: float
    score: float
    p_value: float
    alarm: int
    reason: int = 0
    history: int = 0
    missing: int = 0
    chances: tuple[float, ...] = ()
    q_value: float = float("nan")
    tested: int = 0

    def measure(self, name: str) -> float:
        """value, score, excess (value - expected) or ratio (value / expected)."""
        if name == "excess":
            return self.value - self.expected
        if name == "ratio":
            return self.value / self.expected if self.expected else float("nan")
        found: float = getattr(self, name)
        return found


def band_in_force(rule: Rule, level: int, day: date) -> Band | None:
    """The band of that level valid on that day, or None."""
    for band in rule.bands:
        if band.level == level and band.validity.covers(day):
            return band
    return None


def reached(
    rule: Rule,
    condition: Condition,
    place: str,
    at: datetime,
    numbers: Numbers,
    downwards: bool,
    matrix: Matrix | None = None,
) -> dict[int, int]:
    """For every level YES, NO or UNKNOWN, by the bands in force at `at`. UNKNOWN where the value is
    missing, the detector is undecided, or the condition hangs on a number that is not there (or fails
    on it). `downwards`: less is worse, so a value reaches a band from above; a `score` counts the
    distance past the bound and grows with it either way. `matrix`: the one that the rule names."""
    unknown = dict.fromkeys(LEVELS, UNKNOWN)
    measure = numbers.measure(rule.measure)
    if np.isnan(numbers.value) or np.isnan(measure) or numbers.alarm == UNKNOWN:
        return unknown
    try:
        gate = condition.outcome(
            {
                "value": numbers.value,
                "expected": numbers.expected,
                "threshold": numbers.threshold,
                "score": numbers.score,
                "p_value": numbers.p_value,
                "q_value": numbers.q_value,
                "alarm": numbers.alarm == YES,
                "known": True,
                "place": place,
                "month": at.month,
            }
        )
    except InvalidValue:
        return unknown
    if gate is None:
        return unknown
    if rule.matrix and matrix is None:
        raise InvalidValue("the matrix of the rule is not given", where=f"rule {rule.id}", found=rule.matrix)
    if matrix is not None:
        cell = read_off(rule, matrix, at, numbers, downwards)
        if cell is None:
            return unknown
        return {one: YES if gate and cell.level is not None and one >= cell.level else NO for one in LEVELS}
    below = downwards and rule.measure != "score"
    result, worse = {}, False
    for level in LEVELS:
        band = band_in_force(rule, level, at.date())
        hit = band is not None and (measure <= band.at_least if below else measure >= band.at_least)
        worse = worse or hit  # a more severe level reached includes the milder ones
        result[level] = YES if gate and worse and band is not None else NO
    return result


@dataclass(frozen=True, slots=True)
class Standing:
    """How a rule stands at one place: `level` None when off; `known` False when the newest value (or
    what the level hangs on) is unknown."""

    level: int | None
    known: bool


def stand(
    rule: Rule,
    conditions: Sequence[dict[int, int]],
    before: int | None,
    step: timedelta,
    withdrawn: NDArray[np.bool_] | None = None,
) -> Standing:
    """Fold the conditions of a window, oldest first, into how the rule stands at its end.

    `before` is the level it had. That level and the milder ones start as on, and go off only when as
    many known values as `keep` asks for have said no in a row; a value that is not there says nothing,
    so missing values (weekends, outages) lengthen the wait and never end it. Where a value that had
    been known was `withdrawn` (the source reports a gap instead), it goes on counting as yes for them.
    Each known value stands for one `step`.

    Unknown: the newest value is missing (`if_missing` unknown), or the window holds too few known
    values to say whether the level it had still stands."""
    gone = np.zeros(len(conditions), bool) if withdrawn is None else withdrawn
    here = np.array([any(v != UNKNOWN for v in c.values()) for c in conditions], dtype=bool)
    used = np.flatnonzero(here | gone).tolist()
    level: int | None = None
    fresh: int | None = None
    for candidate in reversed(LEVELS):
        answers = np.array([conditions[i][candidate] for i in used], dtype=np.int8)
        if _on(rule, answers[answers != UNKNOWN], step, on=False):
            fresh = candidate
        held = before is not None and candidate >= before
        if held:
            answers = np.where(answers == UNKNOWN, YES, answers).astype(np.int8)
        if _on(rule, answers[answers != UNKNOWN], step, on=held):
            level = candidate
    enough = int(here.sum()) * step >= rule.hold + rule.keep + step
    newest = rule.if_missing == "hold" or bool(len(here) and here[-1])
    return Standing(level, newest and (level == fresh or enough))


def _on(rule: Rule, answers: NDArray[np.int8], step: timedelta, on: bool) -> bool:
    """Whether the state machine is on after `answers` (YES, NO), which began with it `on` or off."""
    lead = rule.hold // step + 1 + bool(rule.hold % step) if on else 0
    row = np.concatenate([np.full(lead, YES, dtype=np.int8), answers])
    if not (row == YES).any():
        return False
    seconds = np.arange(len(row)) * int(step.total_seconds())
    run = hysteresis(row[np.newaxis, :], seconds.astype("datetime64[s]"), rule.hold, rule.keep)
    return bool(run.active[0, -1])
