"""Rules over single events (earthquakes, official warnings): each event has a level of its own."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

import numpy as np

from anlan.assess.finding import NAN, Look, changed, make, pick, wanted, why_unknown
from anlan.assess.graded import UNKNOWN, YES, Numbers, Standing, reached
from anlan.assess.grid import instant
from anlan.assess.surveys.registry import is_survey
from anlan.model.finding import Evidence, Finding
from anlan.model.pack import Pack
from anlan.model.reason import Reason
from anlan.packs.conditions import compile_condition
from anlan.ports.lake import Slice

#: an event is one instant of `at`
MOMENT = timedelta(microseconds=1)


def ends(finding: Finding, pack: Pack, now: datetime) -> datetime | None:
    """When the level of a single event ends by itself: `keep` after the event. None for anything else,
    and where nobody looks any more (rule gone from the pack, place no longer in force)."""
    rule = pack.rules.get(finding.rule)
    if rule is None or not finding.event or finding.level is None or is_survey(rule):
        return None
    return finding.at + rule.keep if wanted(rule, pack, finding.place, now) else None


def single_events(look: Look, stale: bool, only: str | None) -> list[Finding]:
    """Every event counts by itself: no hysteresis, the level stands for `keep` after it and then ends,
    whatever became of the value; while the sources are `stale` it stands as it is, unknown. Of several
    rows of one event at a place (its time was revised) the one known last counts."""
    rule, now = look.rule, look.now
    events = {
        (place, event): look.state.findings[id]
        for (of, place, event), id in look.state.latest.items()
        if of == rule.id and event and only in (None, place)
    }
    standing_at = [f.at for f in events.values() if f.level is not None]
    since = min([now, *standing_at]) - rule.keep - timedelta(days=1)
    places = None if only is None else [only]
    slice = look.lake.read(rule.indicator, known=now, places=places, since=since, until=now + MOMENT)
    rows = newest_rows(slice)
    condition = compile_condition(rule.when)
    findings = []
    for place, event in sorted({*rows, *(key for key, f in events.items() if f.level is not None)}):
        if not wanted(rule, look.pack, place, now):
            continue
        before, row = events.get((place, event)), rows.get((place, event))
        had = before.level if before else None
        at = now if row is None else instant(slice.at[row])
        value = NAN if row is None else float(slice.value[row])
        numbers = Numbers(value, NAN, NAN, NAN, NAN, UNKNOWN if math.isnan(value) else YES)
        hit = reached(rule, condition, place, at, numbers, look.indicator.direction == "down", look.matrix)
        standing = Standing(min((lv for lv in hit if hit[lv] == YES), default=None), known=True)
        if stale or UNKNOWN in hit.values():
            standing = Standing(had, known=False)
        if before is not None and had is not None:
            # a time revised by seconds moves no end: it is counted from the finding that stands
            at = before.at if row is None or standing.level == had else at
        if not stale and at + rule.keep <= now:
            standing = Standing(None, known=True)
        change = changed(before, standing)
        if change is not None:
            own = pick(slice, np.arange(len(slice.at)) == (-1 if row is None else row))
            at_row = at if row is None else instant(slice.at[row])
            evidence = Evidence(now, at_row, at_row + MOMENT, len(own.at), look.lake.digest(own))
            why = (*why_unknown(look, standing, stale), *_outlook(look, change, at_row, numbers.value))
            findings.append(make(look, place, event, at, change, standing, numbers, why, evidence, before))
    return findings


def _outlook(look: Look, change: str, at: datetime, value: float) -> tuple[Reason, ...]:
    """What a newly raised level says of the days after it, where the rule asks for it."""
    if look.rule.outlook != "aftershocks" or change != "raised" or math.isnan(value):
        return ()
    from anlan.assess.events.outlook import aftershock_outlook  # its statistics are slow to import

    limit = look.rule.params.get("limit")
    return (aftershock_outlook(value, at, look.now, None if limit is None else float(limit)),)


def newest_rows(slice: Slice) -> dict[tuple[str, str], int]:
    """Of every (place, event) the row known last; of two known at once the one that holds a value."""
    best: dict[tuple[str, str], int] = {}
    for i in range(len(slice.at)):
        key = (str(slice.place[i]), str(slice.event[i]))
        rank = (slice.known[i], not math.isnan(slice.value[i]), slice.at[i])
        j = best.get(key)
        if j is None or rank > (slice.known[j], not math.isnan(slice.value[j]), slice.at[j]):
            best[key] = i
    return best
