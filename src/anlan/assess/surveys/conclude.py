"""From what a survey found to findings wherever a level changes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from anlan.assess.finding import NOTHING, Look, changed, make, pick, previous, why_unknown
from anlan.assess.graded import YES, Numbers, Standing, reached, stand
from anlan.assess.surveys.over_time import Past, answer
from anlan.assess.surveys.registry import survey
from anlan.assess.surveys.spec import Key, Surveyed, SurveySpec, live, step_of
from anlan.model.errors import UnknownPlace
from anlan.model.finding import Evidence, Finding
from anlan.model.reason import Reason
from anlan.packs.conditions import Condition, compile_condition


def surveyed(look: Look, stale: bool, only: str | None) -> list[Finding]:
    """Findings of a rule whose detector is a survey. While the sources are `stale` what has a level keeps
    it, unknown."""
    one = survey(look.rule.detector)
    params = one.complete(look.rule.params)
    found = one.run(look, params)
    condition = compile_condition(look.rule.when)
    past = Past(look, one, params, condition)
    findings = []
    for key in sorted({*found.told, *live(look)}):
        place, event = key
        if only not in (None, place) or not _in_force(look, place):
            continue
        before = previous(look.state, look.rule, place, event)
        told = found.told.get(key)
        standing, said, why = _stand(look, one, condition, key, found, before, stale, past)
        change = changed(before, standing)
        if change is None:
            continue
        at = told.at if told is not None else found.at
        rows = told.rows if told is not None else pick(found.rows, np.zeros(len(found.rows.at), dtype=bool))
        evidence = Evidence(look.now, found.since, found.until, len(rows.at), look.lake.digest(rows))
        more = (*(told.reasons if told is not None else ()), *found.reasons.get(key, ()))
        finding = make(
            look, place, event, at, change, standing, said, (*why, *more), evidence, before, one.downwards
        )
        unit = told.unit if told is not None and told.unit else finding.unit
        findings.append(replace(finding, unit=unit))
    return findings


def _stand(
    look: Look,
    one: SurveySpec,
    condition: Condition,
    key: Key,
    found: Surveyed,
    before: Finding | None,
    stale: bool,
    past: Past,
) -> tuple[Standing, Numbers, tuple[Reason, ...]]:
    had = before.level if before else None
    told = found.told.get(key)
    if stale:
        return Standing(had, known=False), NOTHING, why_unknown(look, Standing(had, known=False), True)
    if not one.hysteresis:
        standing = past.standing(key, answer(look, one, condition, key, found), before)
        why = _why(look, found, standing)
        return standing, told.numbers[-1] if told is not None else NOTHING, why
    if told is None:
        if found.unknown is not None:
            return Standing(had, known=False), NOTHING, (found.unknown,)
        return Standing(None, known=True), NOTHING, ()
    downwards = one.downwards if one.downwards is not None else look.indicator.direction == "down"
    where = key[0]
    answers = [reached(look.rule, condition, where, told.at, n, downwards, look.matrix) for n in told.numbers]
    standing = stand(look.rule, answers, had, step_of(look))
    why = _why(look, found, standing)
    hits = [n for n, a in enumerate(answers) if standing.level is not None and a[standing.level] == YES]
    spoken = hits[-1] if hits and standing.known else len(answers) - 1
    return standing, told.numbers[spoken], why


def _why(look: Look, found: Surveyed, standing: Standing) -> tuple[Reason, ...]:
    if standing.known:
        return ()
    return (found.unknown,) if found.unknown is not None else why_unknown(look, standing, False)


def _in_force(look: Look, place: str) -> bool:
    try:
        look.pack.ancestry(place, look.now)
    except UnknownPlace:
        return False
    return True
