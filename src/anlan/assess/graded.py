"""From a detection to a level: the gate, the dated bands, and hysteresis for each level.

A level is on when the rule's `when` holds and its `measure` has reached the band in force. Each level
has its own hysteresis, and the most severe one that is on is the level: a value that drops from red to
orange stays red for `keep`, then is orange, never suddenly nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from anlan.assess.detect.hysteresis import IfMissing, hysteresis
from anlan.model.domain import LEVELS
from anlan.model.indicator import Band, Rule
from anlan.packs.conditions import Condition

YES, NO, UNKNOWN = 1, 0, -1


@dataclass(frozen=True, slots=True)
class Numbers:
    """What a detector says about one value; NaN where it says nothing. `alarm` 1, 0, -1."""

    value: float
    expected: float
    threshold: float
    score: float
    p_value: float
    alarm: int

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
    rule: Rule, condition: Condition, place: str, at: datetime, numbers: Numbers, downwards: bool
) -> dict[int, int]:
    """For every level YES, NO or UNKNOWN. A missing value or an undecided detector is UNKNOWN."""
    measure = numbers.measure(rule.measure)
    if np.isnan(numbers.value) or np.isnan(measure) or numbers.alarm == UNKNOWN:
        return dict.fromkeys(LEVELS, UNKNOWN)
    gate = condition.evaluate(
        {
            "value": numbers.value,
            "expected": numbers.expected,
            "threshold": numbers.threshold,
            "score": numbers.score,
            "p_value": numbers.p_value,
            "alarm": numbers.alarm == YES,
            "known": True,
            "place": place,
            "month": at.month,
        }
    )
    result = {}
    for level in LEVELS:
        band = band_in_force(rule, level, at.date())
        hit = band is not None and (measure <= band.at_least if downwards else measure >= band.at_least)
        result[level] = YES if gate and hit else NO
    # a more severe level reached includes the milder ones
    for severe, mild in pairwise(LEVELS):
        if result[severe] == YES and band_in_force(rule, mild, at.date()) is not None:
            result[mild] = YES
    return result


@dataclass(frozen=True, slots=True)
class Standing:
    """How a rule stands at one place: `level` None when off; `known` False when the newest value (or
    what the level hangs on) is unknown."""

    level: int | None
    known: bool


def stand(
    rule: Rule,
    times: NDArray[np.datetime64],
    conditions: list[dict[int, int]],
    before: int | None,
    step: timedelta,
) -> Standing:
    """Fold the conditions of a window [n_times] into how the rule stands at its end.

    Only as much of the window is used as holds `hold` + `keep` of known values. Where there is not so
    much, `before`, the level it had, is not lowered: what is missing must not clear a warning."""
    known = np.array([any(v != UNKNOWN for v in condition.values()) for condition in conditions])
    enough = rule.hold + rule.keep + step
    behind = np.cumsum(known[::-1])[::-1] * step.total_seconds()
    whole = np.flatnonzero(behind >= enough.total_seconds())
    first = int(whole[-1]) if len(whole) else 0
    level: int | None = None
    for candidate in LEVELS:
        row = np.array([[c[candidate] for c in conditions[first:]]], dtype=np.int8)
        if not (row == YES).any():
            continue
        seconds = times[first:].astype("datetime64[s]")
        if hysteresis(row, seconds, rule.hold, rule.keep, held(rule)).active[0, -1]:
            level = candidate
            break
    if before is not None and (level is None or level > before) and not len(whole):
        return Standing(before, known=False)
    return Standing(level, bool(known[-1]))


def held(rule: Rule) -> IfMissing:
    """The rule's treatment of missing values, as the state machine names it."""
    return "hold" if rule.if_missing == "hold" else "unknown"
