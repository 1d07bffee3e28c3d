"""Hysteresis for surveys whose answer is one number as of now: what they would have answered before.

A survey of deadlines, storms, rates or forecasts says how things are at one instant; how long it has said so
is found by asking it again as of earlier instants, with what was known then: on a grid of periods of the
indicator (a day where it has none), and whenever its level at the place changed. The state machine of
`detect.hysteresis` runs over these answers at their true times. An answer that was unknown moves nothing: it
adds nothing to `hold` or `keep`, so a forecast that did not come never ends a level. Places and events that a
survey did not speak of then had nothing to be found: a no. The grid lies at multiples of the period, so that
the instants of one evaluation are those of the next, and what was answered is `remembered`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from anlan.assess.detect.hysteresis import hysteresis
from anlan.assess.finding import Look
from anlan.assess.graded import NO, UNKNOWN, YES, Standing, reached
from anlan.assess.surveys.remembered import Answer, Answers, Remembered
from anlan.assess.surveys.spec import Key, Surveyed, SurveySpec, step_of
from anlan.model.domain import LEVELS
from anlan.model.finding import Finding
from anlan.model.indicator import Rule
from anlan.packs.conditions import Condition

NOTHING_FOUND: Answer = dict.fromkeys(LEVELS, NO)
NOT_KNOWN: Answer = dict.fromkeys(LEVELS, UNKNOWN)
SECOND = timedelta(seconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Past:
    """The answers of one survey to one rule as of earlier instants; an instant is asked only when somebody
    wants to know, and again only when what was known then has changed."""

    def __init__(self, look: Look, one: SurveySpec, params: Mapping[str, Any], condition: Condition) -> None:
        self._look, self._one, self._params, self._condition = look, one, params, condition
        self._asked: dict[datetime, Answers] = {}
        self._remembered = Remembered(look, one, self._ask)
        self._changes: dict[Key, list[Finding]] | None = None

    def standing(self, key: Key, now: Answer, before: Finding | None) -> Standing:
        """How the rule stands at `key`, whose answer at this instant is `now`."""
        had = before.level if before else None
        level = self._level(key, now, had)
        unsaid = UNKNOWN in now.values() if level is None else now[level] == UNKNOWN
        return Standing(level, known=not unsaid or self._look.rule.if_missing == "hold")

    def _level(self, key: Key, now: Answer, had: int | None) -> int | None:
        rule = self._look.rule
        if not (rule.hold or rule.keep):
            # what is unknown stays as it was
            on = [n for n in LEVELS if now[n] == YES or (now[n] == UNKNOWN and had is not None and n >= had)]
            return min(on, default=None)
        if had is None and YES not in now.values():
            return None  # nothing stands and nothing is to begin: the past need not be asked
        changes = self._of(key)
        instants = self._instants(changes)
        answers = [*(self._answer(key, at) for at in instants), now]
        self._remembered.forget(self._first())
        times = [*instants, self._look.now]
        level: int | None = None
        for candidate in reversed(LEVELS):
            since = _on_since(changes, candidate) if had is not None and candidate >= had else None
            if _on(rule, candidate, answers, times, since):
                level = candidate
        return level

    def _of(self, key: Key) -> list[Finding]:
        """Findings of the rule at `key`, oldest first."""
        if self._changes is None:
            self._changes = {}
            for finding in self._look.state.findings.values():
                if finding.rule == self._look.rule.id:
                    self._changes.setdefault((finding.place, finding.event), []).append(finding)
        return self._changes.get(key, [])

    def _instants(self, changes: Sequence[Finding]) -> list[datetime]:
        """Earlier instants that count, oldest first, a second apart at least."""
        now, step = self._look.now, step_of(self._look)
        first = self._first()
        start = EPOCH + step * ((first - EPOCH) // step + 1)
        grid = [start + n * step for n in range(max(0, -((start - now) // step)))]
        spoken = [change.known for change in changes if first <= change.known]
        instants: list[datetime] = []
        for at in sorted({*grid, *spoken}):
            if now - at >= SECOND and (not instants or at - instants[-1] >= SECOND):
                instants.append(at)
        return instants

    def _first(self) -> datetime:
        """From when on earlier instants count: twice what hysteresis needs, for answers that were unknown do
        not count."""
        rule = self._look.rule
        return self._look.now - 2 * (rule.hold + rule.keep) - 3 * step_of(self._look)

    def _answer(self, key: Key, at: datetime) -> Answer:
        if at not in self._asked:
            self._asked[at] = self._remembered.at(at)
        return self._asked[at].of(key)

    def _ask(self, at: datetime) -> Answers:
        found = self._one.run(replace(self._look, now=at), self._params)
        others = _untold(found)
        told: dict[Key, Answer] = {}
        for key in found.told:
            said = answer(self._look, self._one, self._condition, key, found)
            if said != others:
                told[key] = said
        return Answers(told, others)


def answer(look: Look, one: SurveySpec, condition: Condition, key: Key, found: Surveyed) -> Answer:
    """What a survey says of `key` by its newest numbers, level by level."""
    told = found.told.get(key)
    if told is None:
        return _untold(found)
    downwards = one.downwards if one.downwards is not None else look.indicator.direction == "down"
    said = reached(look.rule, condition, key[0], told.at, told.numbers[-1], downwards, look.matrix)
    if told.most is None:
        return said
    most = reached(look.rule, condition, key[0], told.at, told.most, downwards, look.matrix)
    return {n: UNKNOWN if said[n] == NO and most[n] != NO else said[n] for n in LEVELS}


def _untold(found: Surveyed) -> Answer:
    """What it says of a key that it did not speak of."""
    return NOTHING_FOUND if found.unknown is None else NOT_KNOWN


def _on_since(changes: Sequence[Finding], level: int) -> datetime | None:
    """When `level`, which stands, was last reached: by the newest raise to it or to a more severe one."""
    return next(
        (c.known for c in reversed(changes) if c.change == "raised" and (c.level or 5) <= level), None
    )


def _on(
    rule: Rule, level: int, answers: Sequence[Answer], times: Sequence[datetime], since: datetime | None
) -> bool:
    """Whether `level` is on after the answers; `since`: it was on then, whatever came before."""
    said = [(t, a[level]) for t, a in zip(times, answers, strict=True) if since is None or t >= since]
    if since is not None:
        # on from the first answer on: a run of yes as long as `hold` goes before it
        first = said[0][0]
        said = [(first - rule.hold - SECOND, YES), (first - SECOND, YES), *said]
        if not rule.hold:
            del said[0]
    row = np.array([[a for _, a in said]], dtype=np.int8)
    if not (row == YES).any():
        return False
    at = np.array([t.astimezone(UTC).replace(tzinfo=None) for t, _ in said], dtype="datetime64[s]")
    return bool(hysteresis(row, at, rule.hold, rule.keep).active[0, -1])
