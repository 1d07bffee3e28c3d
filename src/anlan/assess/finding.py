"""What every kind of rule shares when it becomes a finding: what is looked at, what has changed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from anlan.assess.explain import level_words, sentence
from anlan.assess.graded import UNKNOWN, Numbers, Standing
from anlan.assess.grounds import SPEAKING, grounds
from anlan.assess.risk import said
from anlan.formats.values import short_id
from anlan.model.domain import LEVELS
from anlan.model.errors import UnknownPlace
from anlan.model.finding import Evidence, Finding
from anlan.model.indicator import Indicator, Rule
from anlan.model.matrix import Matrix
from anlan.model.pack import Pack
from anlan.model.reason import Reason
from anlan.model.state import State
from anlan.model.text import Text
from anlan.ports.lake import Lake, Slice

STALE = Reason(
    "source_stale",
    Text(
        "the source is late: the level is held and unknown",
        "来源迟报：级别保持，状态未知",
    ),
)
SILENT = Reason(
    "indicator_silent",
    Text(
        "the source goes on without this indicator: the level is held and unknown",
        "来源仍在更新但该指标中断：级别保持，状态未知",
    ),
)
GAP = Reason(
    "value_missing",
    Text("a value is missing: the level is held and unknown", "数据缺失：级别保持，状态未知"),
)
RULE_OVER = Reason(
    "rule_over",
    Text("the rule is no longer in force: its level ends", "该规则已失效：其级别终止"),
)
NO_CALENDAR = Reason(
    "calendar_unknown",
    Text(
        "The holidays of this year are not known yet: the day counts as an ordinary weekday.",
        "当年节假日安排尚未载入：该日按普通星期日期处理。",
    ),
)
#: reasons that the sentence itself must give, for its numbers cannot be read without them
SAID = frozenset(
    {
        "definition_changed",
        "definition_rescaled",
        "definition_mixed",
        "calendar_unknown",
        "members_missing",
        "scan_cluster",
        "deadlines_due",
        "storm_approach",
        "rate_change",
        "flood_routed",
        "forecast_probability",
        "reports_coming",
    }
)
NAN = float("nan")
NOTHING = Numbers(NAN, NAN, NAN, NAN, NAN, UNKNOWN)


@dataclass(frozen=True, slots=True)
class Look:
    """One rule looked at once: what every finding of it shares. `old` is the reason of what is unknown
    for want of news."""

    rule: Rule
    indicator: Indicator
    pack: Pack
    lake: Lake
    state: State
    now: datetime
    old: Reason = STALE

    @property
    def matrix(self) -> Matrix | None:
        """The risk matrix by which the rule goes; None where it goes by bands."""
        return self.pack.matrices[self.rule.matrix] if self.rule.matrix else None


def wanted(rule: Rule, pack: Pack, place: str, at: datetime) -> bool:
    """True where the rule looks at that place: everywhere, by id, or `level:<place level>`; never at a
    place that is not in force at `at`."""
    try:
        level = pack.place(place, at).level
        pack.ancestry(place, at)
    except UnknownPlace:
        return False
    return not rule.places or place in rule.places or f"level:{level}" in rule.places


def previous(state: State, rule: Rule, place: str, event: str) -> Finding | None:
    newest = state.latest.get((rule.id, place, event))
    return state.findings[newest] if newest else None


def changed(before: Finding | None, now: Standing) -> str | None:
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


def pick(slice: Slice, mask: NDArray[np.bool_]) -> Slice:
    return Slice(
        slice.place[mask],
        slice.event[mask],
        slice.at[mask],
        slice.known[mask],
        slice.value[mask],
        slice.lon[mask],
        slice.lat[mask],
    )


def why_unknown(look: Look, standing: Standing, stale: bool) -> tuple[Reason, ...]:
    """Why a standing is not known; nothing where it is."""
    return () if standing.known else ((look.old,) if stale else (GAP,))


def make(
    look: Look,
    place: str,
    event: str,
    at: datetime,
    change: str,
    standing: Standing,
    numbers: Numbers,
    reasons: Sequence[Reason],
    evidence: Evidence,
    before: Finding | None,
    downwards: bool | None = None,
) -> Finding:
    """`downwards`: less is worse; None as the indicator says."""
    rule, pack, now = look.rule, look.pack, look.now
    shown = {
        "value": _number(numbers.value),
        "expected": _number(numbers.expected),
        "threshold": _number(numbers.threshold),
        "score": _number(numbers.score),
    }
    hazard = pack.hazards[rule.hazard]
    level = standing.level or (before.level if before else None)
    return Finding(
        id=short_id("F", rule.id, place, event, at.isoformat(), now.isoformat(), change),
        rule=rule.id,
        indicator=look.indicator.id,
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
        unit=look.indicator.unit,
        sentence=_with_remarks(sentence(pack, rule, look.indicator, place, at, now, level, shown), reasons),
        reasons=tuple(reasons),
        evidence=evidence,
        pack=pack.digest,
        event=event,
        grounds=_grounds(look, at, numbers, downwards) if change in SPEAKING else (),
    )


def _grounds(look: Look, at: datetime, numbers: Numbers, downwards: bool | None) -> tuple[Text, ...]:
    """What it rests on, and where a matrix gives the level, the cell first."""
    found = grounds(look.pack, look.rule, look.indicator, numbers)
    if look.matrix is None:
        return found
    falling = look.indicator.direction == "down" if downwards is None else downwards
    colours = [level_words(look.pack, level, look.now) for level in LEVELS]
    cell = said(look.rule, look.matrix, at, numbers, falling, colours)
    return found if cell is None else (cell, *found)


def _with_remarks(text: Text, reasons: Sequence[Reason]) -> Text:
    """The sentence with what must be said beside its numbers."""
    remarks = [reason.text for reason in reasons if reason.code in SAID]
    return Text(" ".join([text.en, *(r.en for r in remarks)]), "".join([text.zh, *(r.zh for r in remarks)]))


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
