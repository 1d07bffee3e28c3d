"""A rule applied to what is known now: findings wherever its level changes.

Pure but for reading the lake: the same pack, the same `known`, the same previous finding give the same
finding, byte for byte; `recompute` in `anlan explain` rests on that.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anlan.assess.calendar import HISTORY_DAYS, Evened, day_kinds, effects, evened, weekdays
from anlan.assess.calendar import UNKNOWN as NO_KIND
from anlan.assess.detect.panel import Panel
from anlan.assess.detect.registry import detector, spec
from anlan.assess.detect.seasons import DATED
from anlan.assess.finding import (
    GAP,
    NO_CALENDAR,
    NOTHING,
    RULE_OVER,
    SILENT,
    STALE,
    Look,
    changed,
    make,
    pick,
    previous,
    wanted,
    why_unknown,
)
from anlan.assess.graded import UNKNOWN, YES, Numbers, Standing, reached, stand
from anlan.assess.grid import Grid, instant, instant64, lay
from anlan.assess.screen import Screened, Why, screen, unusable
from anlan.assess.settling import (
    NOT_SETTLED,
    Between,
    Settling,
    agreed,
    between,
    coming,
    judged,
    learning,
    settling,
)
from anlan.assess.side_by_side import adjusted, controlled
from anlan.assess.single_events import MOMENT, single_events
from anlan.assess.summed import Sums, children_differ, with_sums
from anlan.assess.surveys.conclude import surveyed
from anlan.assess.surveys.registry import is_survey
from anlan.model.finding import Evidence, Finding
from anlan.model.indicator import Indicator, Rule
from anlan.model.pack import Pack
from anlan.model.reason import Reason
from anlan.model.state import State
from anlan.packs.conditions import compile_condition
from anlan.ports.lake import Lake

#: half a day after its start in UTC a day has its civil date, from UTC-12 to UTC+12
CIVIL = np.timedelta64(12, "h")


def evaluate(
    rule: Rule,
    pack: Pack,
    lake: Lake,
    state: State,
    now: datetime,
    *,
    stale: bool = False,
    silent: bool = False,
    only: str | None = None,
) -> list[Finding]:
    """Findings of `rule` at `now`, most comprehensive places first. `stale`: every source of the
    indicator is late, so whatever has a level keeps it and is unknown; `silent`: the same, because the
    sources go on without it. `only`: one place. A rule that is no longer in force ends what it began; it
    looks only at places that are in force."""
    look = Look(rule, pack.indicators[rule.indicator], pack, lake, state, now, SILENT if silent else STALE)
    stale = stale or silent
    if not rule.validity.covers(now.date()):
        found = _over(look, only)
    elif is_survey(rule):
        found = surveyed(look, stale, only)
    elif look.indicator.kind == "event":
        found = single_events(look, stale, only)
    else:
        found = _series(look, stale, only)
    # of what moves (a cluster) the new place is told before the old one ends: the risk goes on
    ends = is_survey(rule)
    return sorted(
        found,
        key=lambda f: (ends and f.change == "ended", len(pack.ancestry(f.place, now)), f.place, f.event),
    )


def history(rule: Rule, indicator: Indicator) -> timedelta:
    """How far back a rule must see: the detector's baseline and the window of its hysteresis, as long as a
    value must stand still to be a stuck one, a year where the calendar is minded, and what late reports are
    learnt from."""
    step = indicator.frequency or timedelta(days=1)
    still = indicator.frozen_after or timedelta(0)
    year = timedelta(days=HISTORY_DAYS if indicator.calendar else 0)
    longest = max(step * _baseline(rule, indicator), year, step * learning(indicator, step))
    return longest + _window(rule, step) + step + still


def _params(rule: Rule) -> dict[str, Any]:
    """The rule's parameters over what its detector takes in service."""
    return {**spec(rule.detector).live, **rule.params}


def _baseline(rule: Rule, indicator: Indicator) -> int:
    """Periods that the detector reads before the first tested one."""
    one = spec(rule.detector)
    return one.history(one.complete(_params(rule)), indicator.season or 1)


def _window(rule: Rule, step: timedelta) -> timedelta:
    """Twice what hysteresis needs, for days without a value (weekends, holidays) do not count."""
    return 2 * (rule.hold + rule.keep) + 3 * step


def _series(look: Look, stale: bool, only: str | None) -> list[Finding]:
    rule, indicator, now = look.rule, look.indicator, look.now
    step = indicator.frequency or timedelta(days=1)
    since = now - history(rule, indicator) - step
    # all places, whichever is asked for: they share one time axis, and it ends with the newest of them
    # what holds from this very instant is there too: it would else wait for the next news
    until = now + MOMENT
    slice = look.lake.read(rule.indicator, known=now, since=since, until=until)
    whole = lay(slice, step)
    grid, screened, sums = with_sums(
        whole, screen(whole, indicator, look.pack, step), indicator, rule, look.pack, now
    )
    everywhere, checked = grid, screened
    together = controlled(rule)
    if only is not None and not together:
        screened = screened.rows([n for n, place in enumerate(grid.places) if place == only])
        grid = grid.row(only)
    tests = np.arange(max(0, len(grid.times) - math.ceil(_window(rule, step) / step)), len(grid.times))
    findings = []
    detect = adjusted(detect_at) if together else detect_at
    numbers = detect(look, grid, screened, tests, step)
    come = settling(look, everywhere, checked, sums, step)
    bounds: dict[str, dict[int, tuple[Numbers, Numbers | None]]] = {}
    if come is not None:
        come = come.rows([everywhere.places.index(place) for place in grid.places])
        bounds = between(look, grid, screened, tests, numbers, come, step, detect)
    for place in sorted({*grid.places, *_with_level(look, only)}):
        if only not in (None, place) or not wanted(rule, look.pack, place, now):
            continue
        before = previous(look.state, rule, place, "")
        standing, newest = Standing(before.level if before else None, known=False), NOTHING
        at = instant(grid.times[-1]) if len(grid.times) else before.at if before else now
        if place in numbers:
            row = grid.row(place)
            newest = numbers[place][-1]
            if not stale:
                partial = screened.why[grid.places.index(place), tests] == Why.PARTIAL
                unsettled = bounds.get(place, {})
                standing, said = _stand(look, row, tests, numbers[place], partial, unsettled, before, step)
                newest, at = numbers[place][said], instant(row.times[tests[said]])
        change = changed(before, standing)
        if change is not None:
            own = pick(slice, np.isin(slice.place, sums.leaves.get(place, (place,))))
            evidence = Evidence(now, since, until, len(own.at), look.lake.digest(own))
            why = _reasons(look, grid, screened, sums, tests, place, at, standing, stale)
            if come is not None and place in numbers and len(tests) and not stale:
                why = _still_coming(why, come, grid, tests, place, at, standing)
            if place not in sums.children and len(grid.times):
                spoken = int(np.clip(np.searchsorted(grid.times, instant64(at)), 0, len(grid.times) - 1))
                differ = children_differ(everywhere, checked, place, spoken, indicator, look.pack, now)
                why = (*why, differ) if differ else why
            findings.append(make(look, place, "", at, change, standing, newest, why, evidence, before))
    return findings


def _still_coming(
    why: tuple[Reason, ...],
    come: Settling,
    grid: Grid,
    tests: NDArray[np.int64],
    place: str,
    at: datetime,
    standing: Standing,
) -> tuple[Reason, ...]:
    """The reasons with what is still to come of the period that the finding is about."""
    row = grid.places.index(place)
    spoken = int(np.clip(np.searchsorted(grid.times, instant64(at)), tests[0], tests[-1]))
    said = coming(come, row, spoken, float(grid.values[row, spoken]))
    if said is None:
        return why
    if not standing.known:
        why = (NOT_SETTLED, *(one for one in why if one != GAP))
    return (*why, said)


def _reasons(
    look: Look,
    grid: Grid,
    screened: Screened,
    sums: Sums,
    tests: NDArray[np.int64],
    place: str,
    at: datetime,
    standing: Standing,
    stale: bool,
) -> tuple[Reason, ...]:
    """Why the standing is unknown, and which changes of definition part what the finding is about from
    what its detector reads."""
    why = why_unknown(look, standing, stale)
    if place not in grid.places or not len(tests):
        return why
    row = grid.places.index(place)
    spoken = int(np.clip(np.searchsorted(grid.times, instant64(at)), tests[0], tests[-1]))
    history = ~np.isnan(grid.values[row])
    history[: max(0, spoken - _baseline(look.rule, look.indicator))] = False
    history[spoken:] = False
    said = screened.marks.said(row, spoken, history)
    lacking = sums.missing(place, spoken, look.pack, look.now)
    said += (lacking,) if lacking else ()
    if not standing.known and not stale:
        named = unusable(screened.why[row, tests])
        why = (named,) if named else () if said else why
    if look.indicator.calendar:
        (kind,) = day_kinds(grid.times[spoken : spoken + 1] + CIVIL, look.indicator.calendar)
        said += (NO_CALENDAR,) if kind == NO_KIND else ()
    return (*why, *said)


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
    needed = _baseline(rule, look.indicator) if spec(rule.detector).needs_history else 0
    lead = max(0, needed - int(tests.min()))
    dates = grid.times if dated and not lead else None
    found: dict[str, list[Numbers]] = {place: [] for place in grid.places}
    needed_back = _baseline(rule, look.indicator)
    for rows, group in screened.marks.alike(tests):
        at = tests[group]
        alike = screened.values[rows] * screened.marks.scale(int(at[0]))[rows]
        even = _evened(look, grid, alike, screened.values[rows], int(tests[0]))
        values = np.pad(even.values, ((0, 0), (lead, 0)), constant_values=np.nan)
        seen = detector(rule.detector)(Panel(values, season or 1, dates=dates), at + lead, **_params(rule))
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
        seen = detector(look.rule.detector)(panel, tests[: column + 1] + lead, **_params(look.rule))
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


def _stand(
    look: Look,
    row: Grid,
    tests: NDArray[np.int64],
    numbers: Sequence[Numbers],
    partial: NDArray[np.bool_],
    unsettled: Between,
    before: Finding | None,
    step: timedelta,
) -> tuple[Standing, int]:
    """How the rule stands at the one place of `row`, and which of the tested periods says so: the
    newest that reached the level, else (no level, or it rests on what is missing) the newest of all. Of a
    `partial` sum only what it reaches is known, of an `unsettled` count what both its bounds say."""
    condition = compile_condition(look.rule.when)
    downwards = look.indicator.direction == "down"

    def answer(test: int, number: Numbers) -> dict[int, int]:
        at = instant(row.times[test])
        return reached(look.rule, condition, row.places[0], at, number, downwards, look.matrix)

    conditions = [answer(test, number) for test, number in zip(tests.tolist(), numbers, strict=True)]
    for column, (low, high) in unsettled.items():
        test = int(tests[column])
        conditions[column] = agreed(answer(test, low), None if high is None else answer(test, high))
    conditions = [
        {level: YES if answer == YES else UNKNOWN for level, answer in one.items()} if lower else one
        for one, lower in zip(conditions, partial.tolist(), strict=True)
    ]
    conditions = conditions[: judged(conditions, unsettled)]
    tests = tests[: len(conditions)]
    level = before.level if before else None
    withdrawn = None
    if level is not None and before is not None:
        blank = np.array([all(v == UNKNOWN for v in c.values()) for c in conditions], dtype=bool)
        withdrawn = blank & _once_known(look, row, before)[tests]
    standing = stand(look.rule, conditions, level, step, withdrawn)
    reaching = [
        n for n, c in enumerate(conditions) if standing.level is not None and c[standing.level] == YES
    ]
    return standing, reaching[-1] if reaching and standing.known else len(conditions) - 1


def _once_known(look: Look, row: Grid, before: Finding) -> NDArray[np.bool_]:
    """Periods that had an answer once, as far as the record shows: those that something came for, up to
    the finding that gave the level, and those for which news came after the news for a later period."""
    known = row.known[0]
    came = ~np.isnat(known)
    given = before
    if before.change in ("unknown", "known"):
        key = (before.rule, before.place, before.event)
        given = next(
            f
            for f in reversed(look.state.findings.values())
            if (f.rule, f.place, f.event) == key and f.change in ("raised", "lowered")
        )
    never = np.iinfo(np.int64).max
    ticks = np.where(came, known.astype("datetime64[us]").astype(np.int64), never)
    later = np.append(np.minimum.accumulate(ticks[::-1])[::-1][1:], never)
    found: NDArray[np.bool_] = came & ((row.times <= instant64(given.at)) | (ticks > later))
    return found


def _over(look: Look, only: str | None) -> list[Finding]:
    """The end of every level of a rule that is no longer in force."""
    empty = look.lake.read(look.rule.indicator, known=look.now, places=[], since=look.now, until=look.now)
    evidence = Evidence(look.now, look.now, look.now, 0, look.lake.digest(empty))
    findings = []
    for (of, place, event), id in sorted(look.state.latest.items()):
        before = look.state.findings[id]
        if of != look.rule.id or before.level is None or only not in (None, place):
            continue
        if wanted(look.rule, look.pack, place, look.now):
            ended = Standing(None, known=True)
            findings.append(
                make(look, place, event, before.at, "ended", ended, NOTHING, (RULE_OVER,), evidence, before)
            )
    return findings


def _with_level(look: Look, only: str | None) -> list[str]:
    """Places where the rule has a level now, whether anything is known of them in the window or not."""
    return [
        place
        for (of, place, event), id in look.state.latest.items()
        if of == look.rule.id
        and not event
        and only in (None, place)
        and look.state.findings[id].level is not None
    ]
