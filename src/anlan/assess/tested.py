"""What the detector of a rule says of every place at the periods that are tested."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from anlan.assess.calendar import UNKNOWN as NO_KIND
from anlan.assess.calendar import Evened, day_kinds, effects, evened, weekdays
from anlan.assess.detect.panel import Panel
from anlan.assess.detect.registry import detector, spec
from anlan.assess.detect.seasons import DATED
from anlan.assess.finding import Look
from anlan.assess.graded import UNKNOWN, YES, Numbers
from anlan.assess.grid import Grid
from anlan.assess.lookback import baseline, params
from anlan.assess.screen import Screened, Why

#: half a day after its start in UTC a day has its civil date, from UTC-12 to UTC+12
CIVIL = np.timedelta64(12, "h")


def detect_at(
    look: Look, grid: Grid, screened: Screened, tests: NDArray[np.int64], step: timedelta
) -> dict[str, list[Numbers]]:
    """What the detector says of every place at the tested times. Where the definition changes among
    these, those before and those after are tested apart, each over a history counted as they are."""
    if not grid.places:
        return {}
    rule, season = look.rule, look.indicator.season
    # only seasonal detectors read dates, and they count in days
    dated = season in DATED and step >= timedelta(days=1)
    # a series that has just begun has unknown values before its first, which some detectors need
    needed = baseline(rule, look.indicator) if spec(rule.detector).needs_history else 0
    lead = max(0, needed - int(tests.min()))
    dates = grid.times if dated and not lead else None
    found: dict[str, list[Numbers]] = {place: [] for place in grid.places}
    needed_back = baseline(rule, look.indicator)
    for rows, group in screened.marks.alike(tests):
        at = tests[group]
        alike = screened.values[rows] * screened.marks.scale(int(at[0]))[rows]
        even = _evened(look, grid, alike, screened.values[rows], int(tests[0]))
        values = np.pad(even.values, ((0, 0), (lead, 0)), constant_values=np.nan)
        seen = detector(rule.detector)(Panel(values, season or 1, dates=dates), at + lead, **params(rule))
        expected, threshold = even.own(seen.expected, at), even.own(seen.threshold, at)
        cells = np.ix_(rows, at)
        columns = (
            grid.values[cells],
            expected,
            threshold,
            seen.score,
            seen.p_value,
            np.where(screened.why[cells] == Why.USABLE, seen.alarm, UNKNOWN),
            seen.reason,
            *_histories(screened.values[rows], at, needed_back),
        )
        for n, row in enumerate(rows.tolist()):
            told = zip(*(column[n].tolist() for column in columns), strict=True)
            found[grid.places[row]] += [Numbers(*one) for one in told]
    if look.indicator.kind == "count" and look.indicator.direction == "up":
        _lower_bounds(look, grid, screened, tests, lead, dates, found)
    return found


def _lower_bounds(
    look: Look,
    grid: Grid,
    screened: Screened,
    tests: NDArray[np.int64],
    lead: int,
    dates: NDArray[np.datetime64] | None,
    found: dict[str, list[Numbers]],
) -> None:
    """Where the sum of those that are there raises an alarm already, whatever the others will say: the
    tested period as it is, its history without the partial ones."""
    for column in np.flatnonzero((screened.why[:, tests] == Why.PARTIAL).any(axis=0)).tolist():
        test = int(tests[column])
        rows = np.flatnonzero(screened.why[:, test] == Why.PARTIAL)
        alike = screened.values[rows] * screened.marks.scale(test)[rows]
        even = _evened(
            look, grid, alike, screened.values[rows], int(tests[0]), {test: grid.values[rows, test]}
        )
        values = np.pad(even.values, ((0, 0), (lead, 0)), constant_values=np.nan)
        panel = Panel(values, look.indicator.season or 1, dates=dates)
        seen = detector(look.rule.detector)(panel, tests[: column + 1] + lead, **params(look.rule))
        last = tests[column : column + 1]
        expected, threshold = even.own(seen.expected[:, -1:], last), even.own(seen.threshold[:, -1:], last)
        for n, row in enumerate(rows.tolist()):
            if seen.alarm[n, -1] == YES:
                one = found[grid.places[row]][column]
                found[grid.places[row]][column] = replace(
                    one,
                    expected=float(expected[n, 0]),
                    threshold=float(threshold[n, 0]),
                    score=float(seen.score[n, -1]),
                    p_value=float(seen.p_value[n, -1]),
                    alarm=YES,
                    reason=int(seen.reason[n, -1]),
                )


def _evened(
    look: Look,
    grid: Grid,
    values: NDArray[np.float64],
    counted: NDArray[np.float64],
    until: int,
    instead: Mapping[int, NDArray[np.float64]] = MappingProxyType({}),
) -> Evened:
    """The `values` [n_places, n_times] as average days would have had them, by the factors of the days
    before index `until`; as they are without a calendar. `instead`: other values [n_places] of periods.
    The factors come from what was `counted`, same shape, under whatever definition: they are ratios to the
    days around, and a new definition must not make its first holidays look like a fall."""
    given = values.copy()
    for test, row in instead.items():
        given[:, test] = row
    if not look.indicator.calendar:
        return Evened(given, np.ones(given.shape), np.full(given.shape, np.nan))
    days = grid.times + CIVIL
    kinds = day_kinds(days, look.indicator.calendar)
    kinds = np.where(kinds == NO_KIND, weekdays(days), kinds)
    return evened(given, effects(counted[:, :until], kinds[:until]).of(kinds))


def _histories(
    values: NDArray[np.float64], tests: NDArray[np.int64], back: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Of each row and tested period the periods on the axis among the `back` ones before it, and how many of
    them are unknown: both [n_rows, n_tests]."""
    first = np.maximum(0, tests - back)
    unknown = np.zeros((len(values), values.shape[1] + 1), dtype=np.int64)
    np.cumsum(np.isnan(values), axis=1, out=unknown[:, 1:])
    return np.broadcast_to(tests - first, (len(values), len(tests))), unknown[:, tests] - unknown[:, first]
