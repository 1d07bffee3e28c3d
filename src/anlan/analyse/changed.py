"""Changes of what is counted, on a table: marks that part a series, and no jumps in it.

A value is compared with its history as if that had always been counted the way the value was: rescaled
where a factor is given, else unknown. A week or a month through which the change runs belongs to neither
side. In a pack the indicator says so (`anlan.assess.definitions`); here the caller does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from anlan.analyse.axis import Axis
from anlan.analyse.span import indexes
from anlan.assess.detect.panel import Floats, Ints
from anlan.model.errors import InvalidValue
from anlan.model.text import Text


@dataclass(frozen=True, slots=True)
class Change:
    """From the time with index `at` on it is counted otherwise; a value of before, times `factor`, is what
    would have been counted (NaN: not known). `mixed`: the time before runs through the change."""

    at: int
    factor: float
    mixed: bool
    text: str

    def said(self) -> Text:
        """What follows from it."""
        en = f"what is counted changes at {self.text}: "
        zh = f"统计口径自 {self.text} 变更："
        if np.isnan(self.factor):
            en, zh = en + "values on the other side are not compared", zh + "变更前后的数值不作比较"
        else:
            en += f"values of before are multiplied by {self.factor:g}"
            zh += f"此前数值乘以 {self.factor:g}"
        if self.mixed:
            en, zh = en + "; the time through which it runs is unknown", zh + "；跨越变更的一期视为未知"
        return Text(en, zh)


def changes(words: Sequence[str], axis: Axis) -> tuple[Change, ...]:
    """The changes in `words`, each TIME or TIME=FACTOR, in order of time. InvalidValue for a time that is not
    behind the first and at most the last of the axis, a factor that is no number above 0, or one time
    twice."""
    found = []
    for word in words:
        time, sign, factor = (part.strip() for part in word.partition("="))
        try:
            number = float(factor) if sign else float("nan")
        except ValueError:
            number = -1.0
        if number <= 0 or number == float("inf"):
            raise InvalidValue("no factor", where="changed", found=repr(word), expected="a number above 0")
        span = f"{time}.." if axis.dates is not None else f"{time}:"
        try:
            at = int(indexes(span, axis)[0])
        except InvalidValue as error:
            raise InvalidValue(
                "no time of the table is at or after the change",
                where="changed",
                found=repr(word),
                expected=f"a time as 2019-09-01, or a number k, between {axis.label(0)} and "
                f"{axis.label(axis.n_time - 1)}",
            ) from error
        if at == 0:
            raise InvalidValue(
                "nothing lies before the change",
                where="changed",
                found=repr(word),
                expected=f"a time after {axis.label(0)}",
            )
        found.append(Change(at, number, _mixed(axis, at, time), time))
    ordered = tuple(sorted(found, key=lambda one: one.at))
    for before, after in pairwise(ordered):
        if before.at == after.at:
            raise InvalidValue("two changes at one time", where="changed", found=after.text, expected="one")
    return ordered


def _mixed(axis: Axis, at: int, time: str) -> bool:
    """Whether the change lies within the time before `at`, which is longer than a day."""
    if axis.dates is None:
        return False
    day = str(axis.dates[at])
    return not day.startswith(time) and bool((axis.dates[at] - axis.dates[at - 1]).astype(np.int64) > 1)


def alike(values: Floats, changes: Sequence[Change], side: int) -> Floats:
    """`values` [n_series, n_time] as counted on that side: 0 before the first change, 1 behind it ... NaN
    where nothing is known to be comparable, and of times that belong to no side."""
    scaled = values.astype(np.float64)
    for n, change in enumerate(changes):
        if n < side:  # what lies before it is brought forward
            scaled[:, : change.at] *= change.factor
        else:
            scaled[:, change.at :] /= change.factor
        if change.mixed:
            scaled[:, change.at - 1] = np.nan
    return scaled


def sides(changes: Sequence[Change], tests: Ints) -> Ints:
    """[n_test]: on which side each tested time lies."""
    return np.searchsorted([change.at for change in changes], tests, side="right").astype(np.int64)
