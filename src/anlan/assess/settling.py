"""Counts whose reports are still coming: the last periods must not be read as a fall.

An indicator says how long a period's count goes on growing (`settles`). What was known of past periods at
the same age teaches how much is still to come (`models.nowcast_many`, chain ladder with shrinkage); the count
in the end lies between two bounds with 95 %. A level is reached where the lower one reaches it, not reached
where the upper one does not, and unknown in between; the newest period that can be judged is the one that
counts. So a level is raised early where that is sure, and never ends on a count that is not all there. Where
too little is known of the delays, the count so far is the lower bound and there is no upper one. The
unsettled periods before a tested one count in its history as what is expected of them in the end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from anlan.assess.detect.panel import Reason as Unsure
from anlan.assess.finding import Look
from anlan.assess.graded import UNKNOWN, YES, Numbers
from anlan.assess.grid import Grid, instant, lay
from anlan.assess.screen import Screened, Why
from anlan.assess.summed import Sums
from anlan.model.indicator import Indicator
from anlan.model.reason import Reason
from anlan.model.text import Text

MOMENT = timedelta(microseconds=1)
#: periods of reports that delays are learnt from, at least; more where they are long
LEARNT = 12
NOT_SETTLED = Reason(
    "not_settled",
    Text(
        "reports of the last periods still come: the level is held and unknown",
        "最近各期报告仍在陆续到达：级别保持，状态未知",
    ),
)

Floats = NDArray[np.float64]


def learning(indicator: Indicator, step: timedelta) -> int:
    """Periods that must be read for the delays to be learnt; none where the indicator settles at once."""
    if indicator.settles is None:
        return 0
    delays = -(-indicator.settles // step) + 1
    return delays + 1 + max(LEARNT, 2 * delays)


Detect = Callable[[Look, Grid, Screened, NDArray[np.int64], timedelta], dict[str, list[Numbers]]]
#: tested column -> (numbers of the lower bound, of the upper one; None where there is none)
Between = Mapping[int, tuple[Numbers, Numbers | None]]


@dataclass(frozen=True, slots=True)
class Settling:
    """`open` [n_times]: periods that are not settled; `lower`, `median`, `upper` [n_places, n_times] of their
    counts in the end, NaN where nothing can be said, on the axes of a grid, and `why` of it: the detectors'
    `Reason`, OK where there is a median or the period is settled."""

    open: NDArray[np.bool_]
    lower: Floats
    median: Floats
    upper: Floats
    why: NDArray[np.int16]

    def rows(self, chosen: list[int]) -> Settling:
        """Some places alone."""
        return Settling(
            self.open, self.lower[chosen], self.median[chosen], self.upper[chosen], self.why[chosen]
        )


def settling(look: Look, grid: Grid, screened: Screened, sums: Sums, step: timedelta) -> Settling | None:
    """What is to be expected of the last periods of every place; None where the indicator settles at once or
    nothing of it is known. A place of `sums` grows as its members do together; the delays that all share are
    learnt from places with counts of their own, each count once."""
    settles = look.indicator.settles
    if settles is None or not len(grid.times):
        return None
    last = len(grid.times) - 1
    # a period `back` before the newest has ended so long ago
    ended = [look.now - instant(grid.times[last - back]) - step for back in range(last + 1)]
    delays = sum(age < settles for age in ended)
    open_ = np.arange(last + 1) > last - delays
    lower, median, upper = (np.full(grid.values.shape, np.nan) for _ in range(3))
    why = np.full(grid.values.shape, Unsure.OK, dtype=np.int16)
    if delays:
        # their statistics are slow to import
        from anlan.assess.models.nowcast_many import nowcast_many
        from anlan.assess.models.reporting_delays import learn_delays

        usable = np.where(screened.why == Why.USABLE, grid.values, np.nan)
        lower[:, open_] = usable[:, open_]
        why[:, open_] = np.where(np.isnan(usable[:, open_]), Unsure.MISSING_VALUE, Unsure.TOO_FEW_HISTORY)
        known = _vintages(look, grid, sums, step, delays)
        if known.shape[1] > delays:
            own = [n for n, place in enumerate(grid.places) if place not in sums.leaves]
            common = learn_delays(known[own], window=max(LEARNT, 2 * delays))
            found = nowcast_many(known, delays=common)
            reached = min(delays, last + 1)
            sure = ~np.isnan(found.median) & ~np.isnan(usable[:, last + 1 - reached :])
            for kept, bound in ((lower, found.lower), (median, found.median), (upper, found.upper)):
                kept[:, last + 1 - reached :][sure] = bound[:, -reached:][sure]
            told = np.where(sure, found.reason[:, -reached:], why[:, last + 1 - reached :])
            why[:, last + 1 - reached :] = told
    return Settling(open_, lower, median, upper, why)


def _vintages(look: Look, grid: Grid, sums: Sums, step: timedelta, delays: int) -> Floats:
    """[n_places, n_periods, delays + 1]: each period's count as known when the period `d` after it was the
    newest, at the age that the newest has now. A sum was known where all of its members had a count."""
    periods = min(len(grid.times), delays + 1 + max(LEARNT, 2 * delays))
    first = len(grid.times) - periods
    known = np.full((len(grid.places), periods, delays + 1), np.nan)
    row = {place: n for n, place in enumerate(grid.places)}
    begin = grid.times[first]
    width = np.timedelta64(step // timedelta(microseconds=1), "us")
    for ago in range(periods):
        then = look.now - ago * step
        oldest = max(0, periods - 1 - ago - delays)
        slice = look.lake.read(
            look.rule.indicator,
            known=then,
            since=instant(grid.times[first + oldest]) - step / 2,
            until=then + MOMENT,
        )
        seen = lay(slice, step)
        if not len(seen.times):
            continue
        at = np.rint((seen.times - begin) / width).astype(np.int64)
        late = periods - 1 - ago - at
        fits = np.flatnonzero((at >= 0) & (at < periods) & (late >= 0) & (late <= delays))
        mine = [n for n, place in enumerate(seen.places) if place in row]
        rows = [row[seen.places[n]] for n in mine]
        for column in fits.tolist():
            known[rows, at[column], late[column]] = seen.values[mine, column]
    for place, leaves in sums.leaves.items():
        known[row[place]] = known[[row[leaf] for leaf in leaves]].sum(axis=0)
    return known


def between(
    look: Look,
    grid: Grid,
    screened: Screened,
    tests: NDArray[np.int64],
    numbers: dict[str, list[Numbers]],
    come: Settling,
    step: timedelta,
    detect: Detect,
) -> dict[str, dict[int, tuple[Numbers, Numbers | None]]]:
    """Of every place the bounds of what its unsettled tested periods will be found to be. Their `numbers`,
    which are shown, are those of the lower bound beside the count so far."""
    found: dict[str, dict[int, tuple[Numbers, Numbers | None]]] = {place: {} for place in grid.places}
    for column, test in enumerate(tests.tolist()):
        if not come.open[test]:
            continue
        earlier = come.open & (np.arange(len(come.open)) < test)
        told = []
        for bound in (come.lower, come.upper):
            values = np.where(earlier & ~np.isnan(come.median), come.median, screened.values)
            values[:, test] = np.where(np.isnan(bound[:, test]), values[:, test], bound[:, test])
            shown = np.where(np.isnan(values), grid.values, values)
            seen = replace(screened, values=values)
            told.append(detect(look, replace(grid, values=shown), seen, tests[: column + 1], step))
        low, high = told
        for n, place in enumerate(grid.places):
            if screened.why[n, test] != Why.USABLE:
                continue
            sure = not np.isnan(come.upper[n, test])
            found[place][column] = (low[place][-1], high[place][-1] if sure else None)
            numbers[place][column] = replace(low[place][-1], value=float(grid.values[n, test]))
    return found


def alarm(low: Numbers, high: Numbers | None) -> int:
    """The detector's answer that holds wherever between the bounds the count will be found to be; where
    there is no upper one, an alarm that is raised already."""
    if high is not None and low.alarm == high.alarm:
        return low.alarm
    return YES if high is None and low.alarm == YES else UNKNOWN


def agreed(low: dict[int, int], high: dict[int, int] | None) -> dict[int, int]:
    """What both bounds say; where they differ (or there is no upper one) what is reached already, and of
    everything else nothing."""
    if low == high:
        return low
    sure = low if high is None else {n: YES if low[n] == high[n] == YES else UNKNOWN for n in low}
    return {level: YES if answer == YES else UNKNOWN for level, answer in sure.items()}


def judged(conditions: Sequence[Mapping[int, int]], unsettled: Between) -> int:
    """How many of the tested periods are judged: not the newest ones whose count in the end may lie on either
    side of every level. One of which no upper bound is known stays, unknown."""
    end = len(conditions)
    while end > 1:
        _, high = unsettled.get(end - 1, (None, None))
        if high is None or any(answer != UNKNOWN for answer in conditions[end - 1].values()):
            break
        end -= 1
    return end


def coming(come: Settling, row: int, test: int, value: float) -> Reason | None:
    """How many there are so far and will be in the end; None for a period that is settled."""
    if not come.open[test] or np.isnan(value):
        return None
    if np.isnan(come.median[row, test]):
        return Reason(
            "reports_coming",
            Text(
                f"Reports of this period still come: {value:g} so far; how many are missing is not known.",
                f"本期报告仍在陆续到达：目前 {value:g}，尚缺多少未知。",
            ),
        )
    low, middle, high = (float(bound[row, test]) for bound in (come.lower, come.median, come.upper))
    return Reason(
        "reports_coming",
        Text(
            f"Reports of this period still come: {value:g} so far, {middle:.0f} ({low:.0f} to {high:.0f}) "
            "expected in the end.",
            f"本期报告仍在陆续到达：目前 {value:g}，最终预计 {middle:.0f}（{low:.0f}–{high:.0f}）。",
        ),
    )
