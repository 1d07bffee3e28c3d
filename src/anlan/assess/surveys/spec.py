"""What a survey is: a rule's way of looking that no detector of single series can take.

A survey sees all places, all events, or two indicators together, and says of each place (and event) what it
found as numbers; from there on a finding comes about as for every other rule: condition, dated bands,
hysteresis, sentence, evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from anlan.assess.detect.spec import Param
from anlan.assess.finding import Look
from anlan.assess.graded import Numbers
from anlan.model.finding import Finding
from anlan.model.reason import Reason
from anlan.model.text import Text
from anlan.ports.lake import Slice

#: (place, event)
Key: TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Told:
    """What a survey says of one key: `numbers` of the last periods, oldest first (one alone where the
    survey has no hysteresis); `at` the newest; `rows` what it rests on; `reasons` what is to be said
    besides; `unit` of the value; `most`: the newest numbers if all that is missing counted for the worst,
    where something is missing: between the two a level is unknown."""

    at: datetime
    numbers: tuple[Numbers, ...]
    rows: Slice
    reasons: tuple[Reason, ...] = ()
    unit: str = ""
    most: Numbers | None = None


@dataclass(frozen=True, slots=True)
class Surveyed:
    """What was found, by key, and the span of `at` that was read. A key with a level that is not among
    `told` is over, unless `unknown` says why nothing can be said: then it is held and unknown."""

    told: Mapping[Key, Told]
    since: datetime
    until: datetime
    at: datetime
    rows: Slice
    unknown: Reason | None = None
    reasons: Mapping[Key, tuple[Reason, ...]] = field(default_factory=dict)


def _none(params: Mapping[str, Any]) -> tuple[str, ...]:
    del params
    return ()


@dataclass(frozen=True, slots=True)
class SurveySpec:
    """A survey by name. `run(look, params)` with complete `params`; `kinds` of indicator that it reads;
    `timed`: its answer changes with time alone, so it is asked every day (UTC) as well; `hysteresis`:
    whether it tells the numbers of the last periods for `hold` and `keep` itself; where not, it is asked
    again as of earlier instants (`over_time`); `downwards`: less is worse, None as the indicator says;
    `minds_levels`: what it tells of a key may depend on which keys have a level now (`live`);
    `reads(params)` further indicators; `numbers` what value, expected, threshold and score mean to it;
    `event` what the event of its findings is, empty where they have none."""

    name: str
    run: Callable[[Look, Mapping[str, Any]], Surveyed]
    params: tuple[Param, ...]
    title: str
    source: str
    kinds: tuple[str, ...]
    timed: bool = False
    hysteresis: bool = False
    downwards: bool | None = None
    minds_levels: bool = True
    reads: Callable[[Mapping[str, Any]], tuple[str, ...]] = _none
    numbers: Mapping[str, str] = field(default_factory=dict)
    event: str = ""

    def complete(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """`params` with the defaults of those not given."""
        return {p.name: params.get(p.name, p.default) for p in self.params}


def step_of(look: Look) -> timedelta:
    """The period of the indicator, a day where it has none."""
    return look.indicator.frequency or timedelta(days=1)


def live(look: Look) -> dict[Key, Finding]:
    """What the rule has a level for now."""
    return {
        (place, event): look.state.findings[id]
        for (of, place, event), id in look.state.latest.items()
        if of == look.rule.id and look.state.findings[id].level is not None
    }


def left_out(rows: int, why: Text) -> tuple[Reason, ...]:
    """That so many rows say nothing here, and why; nothing where there are none."""
    if not rows:
        return ()
    return (Reason("rows_left_out", Text(f"{rows} left out: {why.en}.", f"{rows} 条未采用：{why.zh}。")),)
