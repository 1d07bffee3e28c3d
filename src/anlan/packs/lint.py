"""All checks across a resolved pack, in one list."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from anlan.model.errors import Fault
from anlan.packs.checks import (
    indicators,
    law,
    loosening,
    placeholders,
    places,
    plans,
    records,
    references,
    rules,
    sources,
)
from anlan.packs.checks.rules import Detectors
from anlan.packs.definitions import Resolved

Check: TypeAlias = Callable[[Resolved], Iterable[Fault]]

CHECKS: tuple[Check, ...] = (
    references.blanks,
    references.vocabulary,
    references.simple_references,
    references.organ_circles,
    references.dated_twice,
    places.place_levels,
    places.place_versions,
    places.place_parents,
    places.place_circles,
    places.event_places,
    law.articles,
    law.powers,
    law.organs_in_time,
    law.duties,
    law.levels_and_grades,
    law.other_bases,
    indicators.definitions,
    indicators.bounds,
    indicators.calendars,
    indicators.outlooks,
    rules.rule_references,
    rules.bands,
    rules.conditions,
    records.record_references,
    plans.plan_references,
    plans.plan_tasks,
    plans.plan_levels,
    plans.ladders,
    placeholders.words,
    sources.source_files,
    sources.source_times,
    sources.geometry_files,
    loosening.loosening,
)

DOUBTS: tuple[Check, ...] = (
    rules.doubtful_conditions,
    rules.loose_ends,
    records.unverified,
    sources.files_outside,
)


def lint(resolved: Resolved, detectors: Detectors | None = None) -> list[Fault]:
    """Everything that keeps the pack from service. `detectors` (name -> parameter -> type) comes from
    above; without it detectors and their parameters are not looked at."""
    faults = [fault for check in CHECKS for fault in check(resolved)]
    if detectors is not None:
        faults.extend(rules.detectors(resolved, detectors))
    return faults


def doubts(resolved: Resolved) -> list[Fault]:
    """What is allowed but deserves a look."""
    return [fault for check in DOUBTS for fault in check(resolved)]
