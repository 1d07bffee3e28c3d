"""A rule applied to what is known now: findings wherever its level changes.

Pure but for reading the lake: the same pack, the same `known`, the same previous finding give the same
finding, byte for byte; `recompute` in `anlan explain` rests on that.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anlan.assess.detect.farrington_flexible import DATED
from anlan.assess.detect.panel import Panel
from anlan.assess.detect.registry import detector
from anlan.assess.explain import sentence
from anlan.assess.graded import Numbers, Standing, reached, stand
from anlan.assess.grid import instant, lay
from anlan.formats.values import short_id
from anlan.model.errors import UnknownPlace
from anlan.model.finding import Evidence, Finding
from anlan.model.indicator import Indicator, Rule
from anlan.model.pack import Pack
from anlan.model.reason import Reason
from anlan.model.state import State
from anlan.model.text import Text
from anlan.packs.conditions import compile_condition
from anlan.ports.lake import Lake, Slice

#: parameters that a rule gets unless it says otherwise: a short history is unknown, not an error
LIVE: dict[str, dict[str, Any]] = {"farrington_flexible": {"short_history": "unknown"}}

STALE = Reason(
    "source_stale",
    Text(
        "the source is late: the level is held and unknown",
        "来源迟报:级别保持,状态未知",
    ),
)
GAP = Reason(
    "value_missing",
    Text("a value is missing: the level is held and unknown", "数据缺失:级别保持,状态未知"),
)


def evaluate(
    rule: Rule,
    pack: Pack,
    lake: Lake,
    state: State,
    now: datetime,
    *,
    stale: bool = False,
    only: str | None = None,
) -> list[Finding]:
    """Findings of `rule` at `now`, most comprehensive places first. `stale`: the source of the
    indicator is late. `only`: one place. A rule not in force gives none."""
    if not rule.validity.covers(now.date()):
        return []
    indicator = pack.indicators[rule.indicator]
    if indicator.kind == "event":
        found = _events(rule, indicator, pack, lake, state, now, only)
    else:
        found = _series(rule, indicator, pack, lake, state, now, stale, only)
    return sorted(found, key=lambda f: (len(pack.ancestry(f.place, now)), f.place, f.event))


def wanted(rule: Rule, pack: Pack, place: str, at: datetime) -> bool:
    """True where the rule looks at that place: everywhere, by id, or `level:<place level>`."""
    if not rule.places:
        return True
    try:
        level = pack.place(place, at).level
    except UnknownPlace:
        return False
    return place in rule.places or f"level:{level}" in rule.places


def history(rule: Rule, indicator: Indicator) -> timedelta:
    """How far back a rule must see: the detector's baseline and the window of its hysteresis."""
    baseline = {
        "threshold": timedelta(0),
        "farrington_flexible": timedelta(days=366 * (int(rule.params.get("b", 5)) + 1)),
    }.get(rule.detector, timedelta(days=60))
    step = indicator.frequency or timedelta(days=1)
    return baseline + _window(rule, step) + step


def _window(rule: Rule, step: timedelta) -> timedelta:
    """Twice what hysteresis needs, for days without a value (weekends, holidays) do not count."""
    return 2 * (rule.hold + rule.keep) + 3 * step


def _series(
    rule: Rule,
    indicator: Indicator,
    pack: Pack,
    lake: Lake,
    state: State,
    now: datetime,
    stale: bool,
    only: str | None,
) -> list[Finding]:
    step = indicator.frequency or timedelta(days=1)
    since = now - history(rule, indicator) - step
    slice = lake.read(
        rule.indicator, known=now, places=None if only is None else [only], since=since, until=now
    )
    grid = lay(slice, step)
    if not grid.places:
        return []
    tested = max(1, math.ceil(_window(rule, step) / step))
    tests = np.arange(max(0, grid.values.shape[1] - tested), grid.values.shape[1])
    # only seasonal detectors read dates, and they count in days
    dated = indicator.season in DATED and step >= timedelta(days=1)
    panel = Panel(grid.values, indicator.season or 1, dates=grid.times if dated else None)
    detection = detector(rule.detector)(panel, tests, **{**LIVE.get(rule.detector, {}), **rule.params})
    condition = compile_condition(rule.when)
    findings = []
    for row, place in enumerate(grid.places):
        if not wanted(rule, pack, place, now):
            continue
        numbers = [
            Numbers(
                float(grid.values[row, test]),
                float(detection.expected[row, column]),
                float(detection.threshold[row, column]),
                float(detection.score[row, column]),
                float(detection.p_value[row, column]),
                int(detection.alarm[row, column]),
            )
            for column, test in enumerate(tests)
        ]
        conditions = [
            reached(rule, condition, place, instant(grid.times[test]), number, indicator.direction == "down")
            for test, number in zip(tests, numbers, strict=True)
        ]
        before = _previous(state, rule, place, "")
        standing = stand(rule, grid.times[tests], conditions, before.level if before else None, step)
        if stale:
            standing = Standing(before.level if before else standing.level, known=False)
        change = _change(before, standing)
        if change is None:
            continue
        reasons = () if standing.known else ((STALE,) if stale else (GAP,))
        findings.append(
            _finding(
                rule,
                indicator,
                pack,
                place,
                "",
                instant(grid.times[-1]),
                now,
                change,
                standing,
                numbers[-1],
                reasons,
                _evidence(lake, _of_place(slice, place), since, now),
                before,
            )
        )
    return findings


def _events(
    rule: Rule,
    indicator: Indicator,
    pack: Pack,
    lake: Lake,
    state: State,
    now: datetime,
    only: str | None,
) -> list[Finding]:
    """Every event counts by itself: no hysteresis, the level stands for `keep` after it."""
    since = now - rule.keep - timedelta(days=1)
    slice = lake.read(
        rule.indicator, known=now, places=None if only is None else [only], since=since, until=now
    )
    condition = compile_condition(rule.when)
    findings = []
    for i in range(len(slice.at)):
        place, event, at = str(slice.place[i]), str(slice.event[i]), instant(slice.at[i])
        if not wanted(rule, pack, place, now):
            continue
        value = float(slice.value[i])
        nan = float("nan")
        numbers = Numbers(value, nan, nan, nan, nan, -1 if math.isnan(value) else 1)
        levels = reached(rule, condition, place, at, numbers, indicator.direction == "down")
        level = next((lv for lv, hit in sorted(levels.items()) if hit == 1), None)
        over = at + rule.keep <= now
        before = _previous(state, rule, place, event)
        standing = Standing(None if over else level, known=not math.isnan(value))
        if not standing.known and before is not None:
            standing = Standing(before.level, known=False)
        change = _change(before, standing)
        if change is not None:
            evidence = _evidence(lake, _pick(slice, np.arange(len(slice.at)) == i), since, now)
            findings.append(
                _finding(
                    rule,
                    indicator,
                    pack,
                    place,
                    event,
                    at,
                    now,
                    change,
                    standing,
                    numbers,
                    () if standing.known else (GAP,),
                    evidence,
                    before,
                )
            )
    return findings


def _previous(state: State, rule: Rule, place: str, event: str) -> Finding | None:
    newest = state.latest.get((rule.id, place, event))
    return state.findings[newest] if newest else None


def _change(before: Finding | None, now: Standing) -> str | None:
    """raised, lowered, ended, unknown, known; None where nothing changed."""
    was = before.level if before else None
    was_known = before is None or before.state == "known"
    if now.level != was:
        if now.level is None:
            return "ended"
        return "raised" if was is None or now.level < was else "lowered"
    if now.level is not None and now.known != was_known:
        return "known" if now.known else "unknown"
    return None


def _pick(slice: Slice, mask: NDArray[np.bool_]) -> Slice:
    return Slice(
        slice.place[mask],
        slice.event[mask],
        slice.at[mask],
        slice.known[mask],
        slice.value[mask],
        slice.lon[mask],
        slice.lat[mask],
    )


def _of_place(slice: Slice, place: str) -> Slice:
    return _pick(slice, slice.place == place)


def _evidence(lake: Lake, slice: Slice, since: datetime, now: datetime) -> Evidence:
    return Evidence(now, since, now, len(slice.at), lake.digest(slice))


def _finding(
    rule: Rule,
    indicator: Indicator,
    pack: Pack,
    place: str,
    event: str,
    at: datetime,
    now: datetime,
    change: str,
    standing: Standing,
    numbers: Numbers,
    reasons: Sequence[Reason],
    evidence: Evidence,
    before: Finding | None,
) -> Finding:
    shown = {
        "value": _number(numbers.value),
        "expected": _number(numbers.expected),
        "threshold": _number(numbers.threshold),
        "score": _number(numbers.score),
    }
    hazard = pack.hazards[rule.hazard]
    return Finding(
        id=short_id("F", rule.id, place, event, at.isoformat(), now.isoformat(), change),
        rule=rule.id,
        indicator=indicator.id,
        hazard=hazard.id,
        domain=hazard.domain,
        place=place,
        at=at,
        known=now,
        change=change,
        state="known" if standing.known else "unknown",
        level=standing.level,
        **shown,
        p_value=_number(numbers.p_value),
        unit=indicator.unit,
        sentence=sentence(
            pack, rule, indicator, place, at, now, standing.level or (before.level if before else None), shown
        ),
        reasons=tuple(reasons),
        evidence=evidence,
        pack=pack.digest,
        event=event,
    )


def _number(value: float) -> float | None:
    return None if math.isnan(value) or math.isinf(value) else value
