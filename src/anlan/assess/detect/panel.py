"""The one shape every detector reads and writes: arrays over (series, time)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Bytes: TypeAlias = npt.NDArray[np.int8]
Shorts: TypeAlias = npt.NDArray[np.int16]
Dates: TypeAlias = npt.NDArray[np.datetime64]
Test: TypeAlias = slice | Sequence[int] | npt.NDArray[np.integer]


class Alarm(IntEnum):
    """What the detector says of one value. Unknown is an answer: never read it as `NO`."""

    UNKNOWN = -1
    NO = 0
    YES = 1


class Known(IntEnum):
    """Whether the answer rests on a value and a bound that could be worked out."""

    UNKNOWN = 0
    KNOWN = 1


class Reason(IntEnum):
    """Why the answer is what it is. The numbers are stable and may be stored."""

    OK = 0
    #: the tested value itself, or one the answer hangs on, is missing
    MISSING_VALUE = 1
    #: no or too few usable reference values
    TOO_FEW_HISTORY = 2
    #: fewer cases in the last periods than the detector needs to raise an alarm (limit54)
    TOO_FEW_CASES = 3
    #: the regression did not converge; by default the answer rests on a pooled rate instead
    NO_CONVERGENCE = 4
    #: no case in any reference window of this season; the answer rests on a half-case prior
    NO_CASES_IN_SEASON = 5
    #: the bound is not a number (variance or quantile out of range)
    NO_BOUND = 6
    #: the tested value is no value of its kind: not finite, or a negative count
    INVALID_VALUE = 7
    #: the denominator is missing, zero or negative where the answer hangs on it
    NO_POPULATION = 8
    #: a statistic that adds up over time was broken off by a missing value and begins anew
    RESTARTED = 9
    #: the series did not vary in the history: any spread is a guess
    NO_SPREAD = 10
    #: too few years for seasons: the answer rests on the last periods alone
    SHORT_MEMORY = 11


class Trend(IntEnum):
    """Whether the fitted model kept a linear trend in time."""

    UNKNOWN = -1
    NOT_KEPT = 0
    KEPT = 1


#: no count and no reading is beyond this, and squares of squares of what is below it are still numbers
LARGEST = 1e75


@dataclass(frozen=True, slots=True)
class Panel:
    """Counts, or readings, of many series on one time axis.

    `counts` [n_series, n_time], cases per period or readings, NaN = missing. `freq` = periods per year
    (52, 12, 365 ...). `population` same shape (persons, or any denominator) or None. `dates` [n_time],
    the day a period begins, strictly increasing, or None for an undated axis.
    """

    counts: Floats
    freq: int
    population: Floats | None = None
    dates: Dates | None = None

    def __post_init__(self) -> None:
        counts = np.ascontiguousarray(self.counts, dtype=np.float64)
        if counts.ndim != 2:
            raise ValueError(f"counts must be [n_series, n_time], found {counts.ndim} dimension(s)")
        object.__setattr__(self, "counts", counts)
        if isinstance(self.freq, bool) or int(self.freq) != self.freq or self.freq < 1:
            raise ValueError(f"freq must be a whole number of periods per year, found {self.freq}")
        object.__setattr__(self, "freq", int(self.freq))
        if self.population is not None:
            population = np.ascontiguousarray(self.population, dtype=np.float64)
            if population.shape != counts.shape:
                raise ValueError(
                    f"population must have the shape of counts {counts.shape}, found {population.shape}"
                )
            object.__setattr__(self, "population", population)
        if self.dates is not None:
            dates = np.asarray(self.dates).astype("datetime64[D]")
            if dates.shape != (counts.shape[1],):
                raise ValueError(f"dates must have shape ({counts.shape[1]},), found {dates.shape}")
            if np.isnat(dates).any() or (np.diff(dates) <= np.timedelta64(0, "D")).any():
                raise ValueError("dates must be known and strictly increasing")
            object.__setattr__(self, "dates", dates)

    def screened(self, values: str) -> tuple[Panel, npt.NDArray[np.bool_] | None]:
        """The panel with what is no value as missing, and where that was [n_series, n_time] (None:
        nowhere): infinite values and those beyond `LARGEST`, and below zero where `values` is "count"."""
        with np.errstate(invalid="ignore"):
            bad = np.abs(self.counts) > LARGEST
            if values == "count":
                bad |= self.counts < 0
        if not bad.any():
            return self, None
        return replace(self, counts=np.where(bad, np.nan, self.counts)), bad

    @property
    def n_series(self) -> int:
        return int(self.counts.shape[0])

    @property
    def n_time(self) -> int:
        return int(self.counts.shape[1])

    def test_indexes(self, test: Test) -> Ints:
        """`test` (slice or indexes into the time axis, negative ones count from the end) as int64
        [n_test], in the order given."""
        axis = np.arange(self.n_time, dtype=np.int64)
        if isinstance(test, slice):
            return axis[test]
        chosen = np.atleast_1d(np.asarray(test))
        if chosen.ndim != 1 or (chosen.size and not np.issubdtype(chosen.dtype, np.integer)):
            raise ValueError(
                f"test must be a slice or whole-number indexes, found {chosen.dtype} "
                f"with {chosen.ndim} dimension(s)"
            )
        if chosen.size and (chosen.max() >= self.n_time or chosen.min() < -self.n_time):
            raise ValueError(
                f"test indexes must lie within {self.n_time} times, found {chosen.min()} to {chosen.max()}"
            )
        return axis[chosen.astype(np.int64)]


@dataclass(frozen=True, slots=True)
class Detection:
    """What a detector found; every array but `test` is [n_series, n_test].

    `expected`   mean under no outbreak, cases; NaN where not worked out
    `threshold`  upper bound, cases: an alarm is a value above it
    `score`      distance from the expected in units of the bound's: above 1 is above the bound
                 (EARS: the statistic itself, in standard deviations)
    `p_value`    probability of a value this high under no outbreak
    `variance`   variance of one value about `expected`
    `phi`        dispersion, variance / mean, at least 1 for the regressions
    `trend_coef` slope per period on the log scale, NaN where no trend is kept
    `alarm`      `Alarm`; `state` `Known`; `reason` `Reason`; `trend` `Trend`
    """

    test: Ints
    expected: Floats
    threshold: Floats
    score: Floats
    p_value: Floats
    variance: Floats
    phi: Floats
    trend_coef: Floats
    alarm: Bytes
    state: Bytes
    reason: Shorts
    trend: Bytes


def detection(
    test: Ints,
    *,
    alarm: Bytes,
    reason: Shorts,
    expected: Floats | None = None,
    threshold: Floats | None = None,
    score: Floats | None = None,
    p_value: Floats | None = None,
    variance: Floats | None = None,
    phi: Floats | None = None,
) -> Detection:
    """A detection of which some quantities are not defined for the method: those are NaN. The state is
    unknown where the alarm is."""
    nothing = np.full(alarm.shape, np.nan)

    def given(values: Floats | None) -> Floats:
        return nothing if values is None else values

    return Detection(
        test=test,
        expected=given(expected),
        threshold=given(threshold),
        score=given(score),
        p_value=given(p_value),
        variance=given(variance),
        phi=given(phi),
        trend_coef=nothing,
        alarm=alarm,
        state=np.where(alarm == Alarm.UNKNOWN, Known.UNKNOWN, Known.KNOWN).astype(np.int8),
        reason=reason,
        trend=np.full(alarm.shape, Trend.NOT_KEPT, dtype=np.int8),
    )


def decide(above: npt.NDArray[np.bool_], reason: Shorts, blind: Sequence[Reason]) -> Bytes:
    """`alarm` [same shape]: yes where `above`, unknown where `reason` is one of `blind`."""
    alarm = np.where(above, Alarm.YES, Alarm.NO).astype(np.int8)
    alarm[np.isin(reason, [int(r) for r in blind])] = Alarm.UNKNOWN
    return alarm
