"""What the detector of a rule says of the last periods, at every place, as it was known at an instant.

For people who look, not for findings: no hysteresis, no levels. A detector that sums over time begins its
sum with the first period shown; elsewhere the numbers are those that a finding of that period rests on. Of
periods whose reports still come, the answer is the one that holds for all counts they may end at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from anlan.assess.detect.panel import Reason
from anlan.assess.detect.registry import spec
from anlan.assess.finding import SILENT, Look
from anlan.assess.graded import Numbers
from anlan.assess.grid import Grid, instant, lay
from anlan.assess.lookback import history
from anlan.assess.screen import Screened, Why, screen
from anlan.assess.settling import Settling, alarm, between, settling
from anlan.assess.summed import Sums, below, children_of, descendants, with_sums
from anlan.assess.tested import detect_at
from anlan.model.indicator import Rule
from anlan.model.pack import Pack
from anlan.model.state import State
from anlan.ports.desk import ComingSeen, MarkSeen, PlaceSeries, Retrospect, SumSeen
from anlan.ports.lake import Lake

#: periods shown before the first tested one
BEFORE = 52


def retrospect(
    rule: Rule,
    pack: Pack,
    lake: Lake,
    known: datetime,
    periods: int,
    places: Sequence[str] | None = None,
) -> Retrospect:
    """The newest `periods` periods of every place that the lake has, as known at `known`; of a series that
    has ended long ago, its last ones. With `places`, of these alone: their numbers are the same, on the axis
    of the whole panel."""
    indicator = pack.indicators[rule.indicator]
    step = indicator.frequency or timedelta(days=1)
    back = history(rule, indicator) + step * (periods + BEFORE)
    slice = lake.read(rule.indicator, known=known, since=known - back, until=known)
    ended = slice if len(slice.at) else lake.read(rule.indicator, known=known, until=known)
    if len(ended.at) and (until := instant(ended.at.max()) + step) < known - step:
        # a series that has ended is shown up to its end, with the history that its last periods need
        slice = lake.read(rule.indicator, known=known, since=until - back, until=until)
    whole = lay(slice, step)
    if places is not None and indicator.settles is None:
        # a sum needs all that lie below it; delays are learnt from every place
        wanted = descendants(pack, places, known) if indicator.sum_to_parent else set(places)
        whole = _some(whole, [n for n, place in enumerate(whole.places) if place in wanted])
    grid, screened, sums = with_sums(
        whole, screen(whole, indicator, pack, step), indicator, rule, pack, known
    )
    everything, checked = grid, screened
    if places is not None:
        chosen = [n for n, place in enumerate(grid.places) if place in set(places)]
        grid, screened = _some(grid, chosen), screened.rows(chosen)
    look = Look(rule, indicator, pack, lake, State(), known, SILENT)
    tests = np.arange(max(0, len(grid.times) - periods), len(grid.times))
    found = detect_at(look, grid, screened, tests, step) if len(tests) else {}
    come = settling(look, everything, checked, sums, step)
    if come is not None:
        come = come.rows([everything.places.index(place) for place in grid.places])
        _judge(look, grid, screened, tests, found, come, step)
    first = max(0, len(grid.times) - periods - BEFORE)
    times = tuple(instant(at) for at in grid.times[first:])
    # of a sum that lacks members the total is no value: it would read as a fall
    partial = screened.why == Why.PARTIAL
    shown = Grid(grid.places, grid.times, np.where(partial, np.nan, grid.values), grid.known)
    series = {place: _series(shown, place, found[place], first) for place in grid.places}
    marks = {place: _marks(screened, n, first) for n, place in enumerate(grid.places)}
    children = children_of(pack, known) if indicator.sum_to_parent else {}
    added = {
        place: _sum(everything, checked, sums, place, first, children.get(place, ())) for place in grid.places
    }
    return Retrospect(
        known,
        times,
        tuple(int(t) - first for t in tests),
        series,
        {place: changes for place, changes in marks.items() if changes},
        {place: one for place, one in added.items() if one is not None},
        {} if come is None or not come.open.any() else _coming(grid, screened, come, first),
    )


def later(seen: Retrospect, rule: Rule, pack: Pack, lake: Lake, place: str, now: datetime) -> PlaceSeries:
    """The values of one place on the axis of `seen`, as known at `now`; NaN where still nothing is, or a
    member of a sum lacks."""
    step = pack.indicators[rule.indicator].frequency or timedelta(days=1)
    own, sums = seen.series[place], seen.sums.get(place)
    parts = sums.children if sums is not None and sums.summed else (place,)
    values = np.full((len(parts), len(seen.times)), np.nan)
    if seen.times:
        until = seen.times[-1] + step
        slice = lake.read(
            rule.indicator, known=now, places=list(parts), since=seen.times[0] - step, until=until
        )
        origin = np.datetime64(seen.times[0].replace(tzinfo=None), "us")
        width = np.timedelta64(step // timedelta(microseconds=1), "us")
        columns = ((slice.at - origin + width // 2) // width).astype(np.int64)
        row = {part: n for n, part in enumerate(parts)}
        rows = np.array([row.get(str(p), -1) for p in slice.place], dtype=np.int64)
        inside = (columns >= 0) & (columns < len(seen.times)) & (rows >= 0)
        values[rows[inside], columns[inside]] = slice.value[inside]
    return replace(own, values=values.sum(axis=0))


def _judge(
    look: Look,
    grid: Grid,
    screened: Screened,
    tests: NDArray[np.int64],
    found: dict[str, list[Numbers]],
    come: Settling,
    step: timedelta,
) -> None:
    """Answer the periods of which reports still come by what both bounds of their counts say, as a finding
    does. A detector that sums over time is run from the first period shown, another on these alone."""
    unsettled = np.flatnonzero(come.open[tests])
    if not len(unsettled) or not grid.places:
        return
    begin = 0 if spec(look.rule.detector).sequential else int(unsettled[0])
    numbers = {place: told[begin:] for place, told in found.items()}
    bounds = between(look, grid, screened, tests[begin:], numbers, come, step, detect_at)
    for place, columns in bounds.items():
        for column, (low, high) in columns.items():
            answer = alarm(low, high)
            # the lower bound's reason is not that of an answer that hangs on the upper one
            reason = low.reason if answer == low.alarm else Reason.OK
            shown = replace(numbers[place][column], alarm=answer, reason=int(reason))
            found[place][begin + column] = shown


def _coming(grid: Grid, screened: Screened, come: Settling, first: int) -> dict[str, ComingSeen]:
    """What is to be expected of the periods on the part of the axis from `first` on."""
    at = np.flatnonzero(come.open)
    at = at[at >= first]
    words = {int(Reason.OK): "", int(Reason.TOO_FEW_HISTORY): "reports"}
    shown = {}
    for n, place in enumerate(grid.places):
        why = [words.get(code, "count") for code in come.why[n, at].tolist()]
        partial = (screened.why[n, at] == Why.PARTIAL).tolist()
        why = ["sum" if one and lacks else one for one, lacks in zip(why, partial, strict=True)]
        known = come.why[n, at] == Reason.OK
        lower, median, upper = (
            np.where(known, bound[n, at], np.nan) for bound in (come.lower, come.median, come.upper)
        )
        shown[place] = ComingSeen(tuple(int(t) - first for t in at), lower, median, upper, tuple(why))
    return shown


def _marks(screened: Screened, row: int, first: int) -> tuple[MarkSeen, ...]:
    """Changes of definition on the part of the axis from `first` on."""
    return tuple(
        MarkSeen(at - first, begins, one.title, words, one.basis)
        for at, begins, one, words in screened.marks.changes(row, first)
    )


def _some(grid: Grid, rows: list[int]) -> Grid:
    """Some places alone, on the same time axis."""
    return Grid(tuple(grid.places[n] for n in rows), grid.times, grid.values[rows], grid.known[rows])


def _sum(
    grid: Grid, screened: Screened, sums: Sums, place: str, first: int, children: Sequence[str]
) -> SumSeen | None:
    if place in sums.children:
        lack = sums.lack[place][:, first:]
        return SumSeen(True, sums.children[place], grid.values[grid.places.index(place), first:], lack)
    parts = below(grid, screened, place, children)
    if parts is None:
        return None
    return SumSeen(False, parts.children, parts.total[first:], parts.lack[:, first:])


def _series(grid: Grid, place: str, numbers: list[Numbers], first: int) -> PlaceSeries:
    row = grid.places.index(place)
    return PlaceSeries(
        grid.values[row, first:],
        np.array([n.expected for n in numbers]),
        np.array([n.threshold for n in numbers]),
        np.array([n.alarm for n in numbers], dtype=np.int8),
        np.array([n.reason for n in numbers], dtype=np.int16),
    )
