"""A rule applied to what is known now: findings wherever its level changes.

Pure but for reading the lake: the same pack, the same `known`, the same previous finding give the same
finding, byte for byte; `recompute` in `anlan explain` rests on that.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from anlan.assess.calendar import UNKNOWN as NO_KIND
from anlan.assess.calendar import day_kinds
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
from anlan.assess.graded import Numbers, Standing
from anlan.assess.grid import Grid, instant, instant64, lay
from anlan.assess.lookback import baseline, history, window
from anlan.assess.screen import Screened, Why, screen, unusable
from anlan.assess.settling import (
    NOT_SETTLED,
    Settling,
    between,
    coming,
    settling,
)
from anlan.assess.side_by_side import adjusted, controlled
from anlan.assess.single_events import MOMENT, single_events
from anlan.assess.standing import standing_at
from anlan.assess.summed import Sums, children_differ, with_sums
from anlan.assess.surveys.conclude import surveyed
from anlan.assess.surveys.registry import is_survey
from anlan.assess.tested import CIVIL, detect_at
from anlan.model.finding import Evidence, Finding
from anlan.model.indicator import Rule
from anlan.model.pack import Pack
from anlan.model.reason import Reason
from anlan.model.state import State
from anlan.ports.lake import Lake


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
    tests = np.arange(max(0, len(grid.times) - math.ceil(window(rule, step) / step)), len(grid.times))
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
                standing, said = standing_at(
                    look, row, tests, numbers[place], partial, unsettled, before, step
                )
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
    history[: max(0, spoken - baseline(look.rule, look.indicator))] = False
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
