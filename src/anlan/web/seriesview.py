"""What the analyst page shows of one series: its rule, its past as known then, the places like it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

import numpy as np

from anlan.analyse.charted import Row, document
from anlan.analyse.words import ALARMS
from anlan.assess.detect.panel import Alarm
from anlan.assess.detect.reason_words import reason_words
from anlan.assess.surveys.registry import is_survey
from anlan.model.assessment import Assessment
from anlan.model.errors import InvalidValue, NotFound, UnknownPlace
from anlan.model.finding import Finding
from anlan.model.indicator import Indicator, Rule
from anlan.model.pack import Pack
from anlan.model.place import Place
from anlan.model.text import Text
from anlan.model.time import parse_instant
from anlan.ports.desk import Desk, MarkSeen, PlaceSeries, Retrospect
from anlan.web.ground import Ground, ground
from anlan.web.periods import period
from anlan.web.screen import Screen, unit_words
from anlan.web.series_rules import rules_for

PERIODS = 104  # tested ones; as many as a chart can show
MOST_ALIKE = 40  # places beside this one
MOST_SMALL = 12  # of them with a chart of their own
MOST_INSTANTS = 400
EARLIEST = 1700  # year: no series is older
MOST_PERIODS = 12  # of a place beside its parts
LIVE = ("open", "confirmed")


@dataclass(frozen=True, slots=True)
class Coming:
    """One period of which reports still come: how many there are so `far` (None: no usable count), and in the
    end, with 95 % from `lower` to `upper`; None where that is not known, and `why` says what lacks (as
    `ComingSeen`)."""

    at: datetime
    far: float | None
    lower: float | None
    median: float | None
    upper: float | None
    why: str


@dataclass(frozen=True, slots=True)
class Value:
    """One tested value in words; `coming` where it is not all there."""

    at: datetime
    value: float | None
    expected: float | None
    threshold: float | None
    alarm: int
    verdict: Text
    why: Text | None
    coming: Coming | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """A change of what is counted: its `number` on the chart, the first period after it."""

    number: int
    at: datetime
    seen: MarkSeen


@dataclass(frozen=True, slots=True)
class Period:
    """One period of a place and those below it: its own `value` (None where it has none), the `total` of
    the children that are there, their `difference` where both are whole, and the children that `lack`."""

    at: datetime
    value: float | None
    total: float | None
    difference: float | None
    lack: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Summed:
    """`summed`: the place is the sum of its `children`; else it has its own values beside theirs.
    `periods` newest first."""

    summed: bool
    children: tuple[str, ...]
    periods: tuple[Period, ...]


@dataclass(frozen=True, slots=True)
class Looked:
    """A series as an analyst looks at it. `known`: as known when; `back`: earlier than `now`, the instant of
    the page; `instants` to choose from, newest first; `values` the tested ones, newest first; `gaps` missing
    spans (first, last time, number of periods); `alike` the other places in order of the charts, `parts` true
    where they are this place's own; `risks` the live ones here; `marks` changes of what is counted; `sums`
    what the places directly below come to, where the indicator adds up; `coming` the periods of which reports
    still come, newest first."""

    indicator: Indicator
    place: str
    rule: Rule
    rules: tuple[Rule, ...]
    known: datetime
    back: bool
    now: datetime
    instants: tuple[datetime, ...]
    seen: Retrospect
    values: tuple[Value, ...]
    gaps: tuple[tuple[datetime, datetime, int], ...]
    alike: tuple[str, ...]
    parts: bool
    risks: tuple[Assessment, ...]
    marks: tuple[Mark, ...] = ()
    sums: Summed | None = None
    coming: tuple[Coming, ...] = ()

    @property
    def tested(self) -> tuple[tuple[str, Value], ...]:
        """Each place of the charts, this one first, with what is said of its newest tested period."""
        newest = len(self.seen.tested) - 1
        if newest < 0:
            return ()
        return tuple(
            (place, _value(self.seen, place, newest, _coming(self.seen, place)))
            for place in (self.place, *self.alike)
        )

    @property
    def expects(self) -> bool:
        """The detector expects something of a place shown, or could answer for none; a fixed threshold
        expects nothing anywhere."""
        every = tuple(self.seen.series.values())
        bounded = any(np.isfinite(one.threshold).any() for one in every)
        return not bounded or any(np.isfinite(one.expected).any() for one in every)


def look(
    desk: Desk, indicator: str, place: str, rule: str, known: str, seen: str, visible: Callable[[str], bool]
) -> Looked:
    """`known`: as known when, empty for now; `seen`: the instant of the page that asks for its charts, which
    is now for them. NotFound for an indicator without a rule that looks at the place, or a place without a
    series; InvalidValue for an instant that cannot be read."""
    now, pack = desk.clock.now(), desk.pack
    now = min(now, instant_of(seen, "seen")) if seen else now
    measured = pack.indicators.get(indicator)
    if measured is not None and measured.kind == "event":
        raise NotFound(
            "single events make no series",
            where="series",
            found=f"{indicator} at {place}",
            mend="the page of the risk shows the events that it rests on",
        )
    rules = rules_for(pack, indicator, place, now)
    if measured is None or not rules:
        raise NotFound("no rule looks at such a series", where="series", found=f"{indicator} at {place}")
    chosen = next((r for r in rules if r.id == rule), None) if rule else rules[0]
    if chosen is None:
        raise NotFound("no such rule for this series", where="rule", found=repr(rule))
    learnt = list(desk.learnt(indicator, place))
    asof = min(now, instant_of(known)) if known else now
    found = desk.retrospect(chosen.id, asof, PERIODS, (place, *_beside(pack, place, now)))
    if (below := found.sums.get(place)) is not None and below.summed:
        # a sum is learnt with its members
        learnt = sorted({at for child in below.children[:MOST_ALIKE] for at in desk.learnt(indicator, child)})
    if place not in found.series:
        if not learnt:
            raise NotFound("nothing is known of this series", where="series", found=f"{indicator} at {place}")
        found = replace(found, series={**found.series, place: _nothing(found)})
    alike, parts = _alike(pack, found, place, now, visible)
    state = desk.state()
    of_here = {f.id for f in state.findings.values() if (f.indicator, f.place) == (indicator, place)}
    return Looked(
        measured,
        place,
        chosen,
        rules,
        asof,
        asof < now,
        now,
        _choices(learnt, asof, now),
        found,
        _values(found, place),
        _gaps(found, place),
        alike,
        parts,
        tuple(
            a
            for a in state.assessments.values()
            if a.verdict in LIVE
            and a.status != "final"
            and of_here.intersection(a.findings)
            and visible(a.place)
        ),
        tuple(Mark(n + 1, found.times[m.at], m) for n, m in enumerate(found.marks.get(place, ()))),
        _summed(found, place, visible),
        tuple(sorted(_coming(found, place).values(), key=lambda one: one.at, reverse=True)),
    )


def analysis(finding: Finding, pack: Pack) -> str:
    """The address at which an analyst looks at what a finding rests on; empty where there is none."""
    rule = pack.rules.get(finding.rule)
    indicator = quote(finding.indicator, safe="")
    if rule is not None and is_survey(rule):
        # a cluster is looked at from its seat
        seat = finding.event if rule.detector == "scan_clusters" else ""
        return f"/series-scan/{indicator}/{quote(seat)}" if seat else ""
    if finding.event:
        return ""
    return f"/series/{indicator}/{quote(finding.place)}?rule={quote(finding.rule, safe='')}"


def charts(found: Looked, desk: Desk, view: Screen) -> dict[str, Any]:
    """The document of the charts: this place first, then those like it."""
    stands = ground_of(found, desk)
    rows = [_row(desk.pack, place, found.seen, found.known, stands) for place in (found.place, *found.alike)]
    rows[0] = replace(rows[0], whole=found.parts)
    if found.back:
        later = desk.later(found.seen, found.rule.id, found.place)
        rows[0] = replace(rows[0], later=later.values)
    axis = [period(at, found.indicator.frequency, view.zone) for at in found.seen.times]
    unit = found.indicator.unit
    return document(
        axis, found.seen.tested, rows, Text(unit_words(unit, "en") or "–", unit_words(unit, "zh") or "–")
    )


def ground_of(found: Looked, desk: Desk) -> Ground | None:
    """What the map of the panel stands on."""
    return ground(desk.pack, (found.place, *found.alike), desk.clock.now())


def instant_of(text: str, where: str = "known") -> datetime:
    """An instant as a page's address names it; InvalidValue for none."""
    try:
        found = parse_instant(text, where)
    except (ValueError, OverflowError) as error:
        raise InvalidValue(
            "no such instant", where=where, found=repr(text[:80]), expected="2012-01-30T12:00:00Z"
        ) from error
    if found.year < EARLIEST:
        raise InvalidValue(
            "nothing was known so early",
            where=where,
            found=repr(text[:80]),
            expected=f"{EARLIEST} or later",
        )
    return found


def _choices(learnt: Sequence[datetime], asof: datetime, now: datetime) -> tuple[datetime, ...]:
    """The last instant of each day on which something was learnt, newest first, and the chosen one. Of a
    long history the newest half of so many, and of the days before them as many, evenly apart: the first
    is among them."""
    days = sorted({at.date(): at for at in learnt}.values(), reverse=True)
    half = MOST_INSTANTS // 2
    if len(days) > MOST_INSTANTS:
        older = days[half:]
        days = days[:half] + [older[round(k * (len(older) - 1) / (half - 1))] for k in range(half)]
    return tuple(sorted({*days, asof, now}, reverse=True))


def _nothing(seen: Retrospect) -> PlaceSeries:
    """A series of which nothing was known then."""
    tested = len(seen.tested)
    blank = np.full(tested, np.nan)
    unknown = np.full(tested, Alarm.UNKNOWN, dtype=np.int8)
    missing = np.ones(tested, dtype=np.int16)  # Reason.MISSING_VALUE
    return PlaceSeries(np.full(len(seen.times), np.nan), blank, blank, unknown, missing)


def _row(pack: Pack, place: str, seen: Retrospect, at: datetime, stands: Ground | None) -> Row:
    own = seen.series[place]
    try:
        name = pack.place(place, at).name
    except UnknownPlace:
        name = Text(place, place)
    return Row(
        name,
        own.values,
        own.expected,
        own.threshold,
        own.alarm,
        own.reason,
        None,
        place,
        _labels(seen, place),
        stands.points.get(place) if stands is not None else None,
        coming=_bounds(seen, place),
    )


def _bounds(seen: Retrospect, place: str) -> tuple[tuple[int, float, float, float], ...]:
    coming = seen.coming.get(place)
    if coming is None:
        return ()
    each = (coming.lower.tolist(), coming.median.tolist(), coming.upper.tolist())
    return tuple(zip(coming.at, *each, strict=True))


def _coming(seen: Retrospect, place: str) -> dict[int, Coming]:
    """By index of the axis."""
    coming = seen.coming.get(place)
    why = coming.why if coming is not None else ()
    far = seen.series[place].values
    return {
        at: Coming(seen.times[at], _number(far[at]), _number(low), _number(middle), _number(high), said)
        for (at, low, middle, high), said in zip(_bounds(seen, place), why, strict=True)
    }


def _labels(seen: Retrospect, place: str) -> tuple[tuple[int, str], ...]:
    return tuple((mark.at, str(n + 1)) for n, mark in enumerate(seen.marks.get(place, ())))


def _summed(seen: Retrospect, place: str, visible: Callable[[str], bool]) -> Summed | None:
    """The newest periods of a place beside those below it; None where nothing adds up, or the reader may
    not see all of its parts."""
    sums = seen.sums.get(place)
    if sums is None or not all(visible(child) for child in sums.children):
        return None
    own = seen.series[place].values
    found = []
    for t in reversed(seen.tested[-MOST_PERIODS:]):
        lack = tuple(c for c, out in zip(sums.children, sums.lack[:, t], strict=True) if out)
        value, total = _number(own[t]), _number(sums.total[t])
        whole = not lack and value is not None and total is not None and not sums.summed
        apart = value - total if whole and value is not None and total is not None else None
        found.append(Period(seen.times[t], value, total, apart, lack))
    return Summed(sums.summed, sums.children, tuple(found))


def _values(seen: Retrospect, place: str) -> tuple[Value, ...]:
    """Newest first."""
    coming = _coming(seen, place)
    return tuple(_value(seen, place, j, coming) for j in range(len(seen.tested) - 1, -1, -1))


def _value(seen: Retrospect, place: str, j: int, coming: Mapping[int, Coming]) -> Value:
    """What is said of the tested period number `j`; `coming` by index of the axis."""
    own, at = seen.series[place], seen.tested[j]
    alarm, reason = int(own.alarm[j]), int(own.reason[j])
    return Value(
        seen.times[at],
        _number(own.values[at]),
        _number(own.expected[j]),
        _number(own.threshold[j]),
        alarm,
        ALARMS[Alarm(alarm)],
        reason_words(reason) if reason else None,
        coming.get(at),
    )


def _gaps(seen: Retrospect, place: str) -> tuple[tuple[datetime, datetime, int], ...]:
    """Missing spans among the shown times, newest first."""
    missing = np.isnan(seen.series[place].values)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], missing.astype(np.int8), [0]])))
    spans = zip(edges[::2].tolist(), (edges[1::2] - 1).tolist(), strict=True)
    return tuple((seen.times[a], seen.times[b], b - a + 1) for a, b in spans)[::-1]


def _beside(pack: Pack, place: str, now: datetime) -> list[str]:
    """The places that a page of `place` may show with it: those of its level in the same place, and its
    parts."""
    try:
        here = pack.place(place, now)
    except UnknownPlace as error:
        raise NotFound("no such place", where="place", found=repr(place)) from error
    day = now.date()
    in_force = (v for versions in pack.places.values() for v in versions if v.validity.covers(day))
    return sorted({v.id for v in in_force if _brothers(v, here) or v.parent == place})


def _alike(
    pack: Pack, seen: Retrospect, place: str, now: datetime, visible: Callable[[str], bool]
) -> tuple[tuple[str, ...], bool]:
    """Places of the same level under the same parent; where there are none, the place's own parts, and
    true. Those with the most alarms first."""
    here = pack.place(place, now)
    brothers, parts = [], []
    for other in seen.series:
        if other == place or not visible(other):
            continue
        try:
            there = pack.place(other, now)
        except UnknownPlace:
            continue
        if _brothers(there, here):
            brothers.append(other)
        elif there.parent == place:
            parts.append(other)
    chosen = brothers or parts
    chosen.sort(key=lambda p: (-int((seen.series[p].alarm == Alarm.YES).sum()), p))
    return tuple(chosen[:MOST_ALIKE]), bool(parts and not brothers)


def _brothers(one: Place, other: Place) -> bool:
    return one.id != other.id and one.parent == other.parent and one.level == other.level


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
