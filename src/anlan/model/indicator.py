"""What is measured, where it comes from, and when it means something."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from anlan.model.domain import level
from anlan.model.errors import InvalidValue
from anlan.model.quantity import unit
from anlan.model.text import Text
from anlan.model.time import Interval, Validity


@dataclass(frozen=True, slots=True)
class Definition:
    """What the indicator counts from a date on (and no longer from `to` on): a mark on its series.

    Values under different definitions are not compared: what a detector reads of the other side is
    unknown. `places`: where it changed, with everything below them; empty = everywhere. `mixed`: for so
    long from either date values hold something of both definitions (a sum of several days, a back-count)
    and are unknown. `factor`: one value without this definition, times it, is what would have been
    counted with it; only then are they compared, rescaled. `factor_basis`: where the factor comes from.
    Dates are those of the place for daily and longer periods, UTC for shorter ones."""

    title: Text
    basis: str
    validity: Validity
    places: tuple[str, ...] = ()
    mixed: timedelta = timedelta(0)
    factor: float | None = None
    factor_basis: str = ""

    def __post_init__(self) -> None:
        if self.mixed < timedelta(0):
            raise InvalidValue(
                "a duration below zero", where="definition.mixed", found=str(self.mixed), expected="0 or more"
            )
        if self.factor is not None and not self.factor > 0:
            raise InvalidValue(
                "no such factor", where="definition.factor", found=str(self.factor), expected="above 0"
            )


@dataclass(frozen=True, slots=True)
class Indicator:
    """`kind`: count (of events in a period), measure (a reading), price, stock, event (single events
    with a magnitude). `frequency`: the period one value covers (P7D, P1D, PT1H, P1M for
    calendar months; None for events).
    `season`: periods per year for seasonal detectors (52, 365), None for none. `direction`: up (more
    is worse), down, both. `sum_to_parent`: children add up to the parent's value (counts); a place that a
    rule names and that reports nothing is then their sum.
    `frozen_after`: the same value for so long is a sensor that is stuck, and unknown from then on; zeros
    too, so leave it out where calm is normal. `calendar`: whose weekdays, holidays and make-up workdays
    daily counts are adjusted for before they are tested (cn), empty for none. `ahead`: how far after the
    instant at which it is known a value may lie (a forecast, a price of a later month); without it one
    period, and a day at least, for days begin earlier in the east. `definitions`: dated changes of what
    is counted. `settles`: for so long after its period a count goes on growing, for reports come late; until
    then a rule goes by what is to be expected in the end."""

    id: str
    title: Text
    domain: str
    unit: str
    kind: str
    direction: str
    basis: str
    frequency: timedelta | None = None
    season: int | None = None
    sum_to_parent: bool = False
    minimum: float | None = None
    maximum: float | None = None
    frozen_after: timedelta | None = None
    calendar: str = ""
    ahead: timedelta | None = None
    definitions: tuple[Definition, ...] = ()
    settles: timedelta | None = None

    def __post_init__(self) -> None:
        unit(self.unit, f"indicator {self.id}.unit")
        if self.kind not in ("count", "measure", "price", "stock", "event"):
            raise InvalidValue(
                "no such kind",
                where=f"indicator {self.id}.kind",
                found=self.kind,
                expected="count, measure, price, stock or event",
            )
        if self.direction not in ("up", "down", "both"):
            raise InvalidValue(
                "no such direction",
                where=f"indicator {self.id}.direction",
                found=self.direction,
                expected="up, down or both",
            )


@dataclass(frozen=True, slots=True)
class SourceDef:
    """One configured source. `kind` names an adapter (table, usgs, cap, push, mqtt); `options` are
    the adapter's own (path or url, mapping of columns ...); `stale_after`: without news for so long
    the source is late (state unknown), `dead_after`: for so long it is dead. `poll`: every how long."""

    id: str
    title: Text
    kind: str
    licence: str
    attribution: Text
    stale_after: timedelta
    dead_after: timedelta
    poll: timedelta | None = None
    indicators: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Band:
    """A dated threshold: from `validity.since`, `measure` at or beyond `at_least` gives `level`."""

    level: int
    at_least: float
    basis: str
    validity: Validity = field(default_factory=Validity)

    def __post_init__(self) -> None:
        level(self.level, "band.level")


#: where a rule that goes by a matrix takes its certainty from
CERTAINTIES = ("probability", "p_value", "votes")


@dataclass(frozen=True, slots=True)
class SeverityBand:
    """How much is how severe: from `validity.since`, `measure` at or beyond `at_least` is of the severity
    `column` of the rule's matrix."""

    column: str
    at_least: float
    basis: str
    validity: Validity = field(default_factory=Validity)


@dataclass(frozen=True, slots=True)
class Rule:
    """When an indicator becomes a finding.

    `detector` names an engine detector, or a survey of several series or of events, with `params`.
    `when` is a CEL condition over the detection: value, expected, threshold, score, p_value, q_value
    (doubles, NaN where unknown), alarm, known (bool), place, month (int). `q_value` is the p-value adjusted
    for the places of the same level that the rule tests at the same time: `q_value <= 0.1` keeps those of
    which a share of at most 0.1 is expected to be false. `measure` (value, score, excess, ratio) is compared
    with the dated `bands`; the most severe band reached gives the level. With `matrix` (the id of one of
    matrices.toml) there are no bands: the dated `severities` say which column of it an amount belongs to,
    `certainty` where the row
    comes from. It is probability (how likely each severity is, by a forecast that says so), p_value (1 - p
    of the detection) or votes (the share of an ensemble's detectors that raise the alarm).
    The condition must hold for `hold` before the rule
    is on and be gone for `keep` before it is off. `if_missing`: hold (stay as it is, flagged stale)
    or unknown. `places`: ids or `*` of a level (`level:province`); empty = wherever observed.
    `say` may use {place} {value} {unit} {expected} {threshold} {score} {at} {level}. `horizon`: how
    long after a finding the event it announces may begin (for verification). `outlook`: what a new level
    of a single event says of the days after it besides: aftershocks, empty for nothing."""

    id: str
    title: Text
    indicator: str
    hazard: str
    detector: str
    when: str
    measure: str
    say: Text
    basis: str
    params: dict[str, Any] = field(default_factory=dict)
    bands: tuple[Band, ...] = ()
    matrix: str = ""
    severities: tuple[SeverityBand, ...] = ()
    certainty: str = ""
    hold: timedelta = timedelta(0)
    keep: timedelta = timedelta(0)
    if_missing: str = "unknown"
    places: tuple[str, ...] = ()
    horizon: timedelta = timedelta(days=14)
    outlook: str = ""
    validity: Validity = field(default_factory=Validity)

    def __post_init__(self) -> None:
        if self.if_missing not in ("hold", "unknown"):
            raise InvalidValue(
                "no such treatment",
                where=f"rule {self.id}.if_missing",
                found=self.if_missing,
                expected="hold or unknown",
            )
        if self.measure not in ("value", "score", "excess", "ratio"):
            raise InvalidValue(
                "no such measure",
                where=f"rule {self.id}.measure",
                found=self.measure,
                expected="value, score, excess or ratio",
            )
        if self.certainty not in ("", *CERTAINTIES):
            raise InvalidValue(
                "no such certainty",
                where=f"rule {self.id}.certainty",
                found=self.certainty,
                expected=", ".join(CERTAINTIES),
            )

    @property
    def fingerprint(self) -> str:
        """What decides when the rule speaks, in sixteen hexadecimal digits: two rules that differ only in
        their words, dates or basis have the same. A record on history belongs to one fingerprint."""
        deciding: tuple[object, ...] = (
            self.indicator,
            self.detector,
            sorted(self.params.items()),
            self.when,
            self.measure,
            [(band.level, band.at_least) for band in self.bands],
            self.hold,
            self.keep,
            self.if_missing,
            self.places,
            self.horizon,
        )
        if self.matrix:
            steps = [(one.column, one.at_least) for one in self.severities]
            deciding = (*deciding, self.matrix, steps, self.certainty)
        return hashlib.sha256(repr(deciding).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Record:
    """How a rule did on recorded history, as `anlan backtest --record` found it: `fingerprint` of the rule
    that was run, the days of history, events hit and missed, false alarms, the median lead in days from
    the first finding to the event's start (negative: after it), new levels `per_day`, and the day on which
    it was `made`."""

    rule: str
    fingerprint: str
    since: date
    until: date
    hits: int
    misses: int
    false_alarms: int
    per_day: float
    made: date
    lead_days: float | None = None

    def __post_init__(self) -> None:
        for name in ("hits", "misses", "false_alarms"):
            if getattr(self, name) < 0:
                raise InvalidValue(
                    "a count below zero", where=f"record {self.rule}.{name}", found=str(getattr(self, name))
                )
        if self.until < self.since:
            raise InvalidValue(
                "ends before it begins",
                where=f"record {self.rule}.until",
                found=str(self.until),
                expected=f"{self.since} or later",
            )


@dataclass(frozen=True, slots=True)
class KnownEvent:
    """Something that did happen, as history records it: what rules are verified against."""

    id: str
    hazard: str
    place: str
    start: datetime
    end: datetime
    source: str
    title: Text

    def __post_init__(self) -> None:
        Interval(self.start, self.end)
