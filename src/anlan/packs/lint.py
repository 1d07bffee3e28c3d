"""All checks across a resolved pack, in one list."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from anlan.model.errors import Fault
from anlan.packs.checks import (
    indicators,
    law,
    loosening,
    matrices,
    placeholders,
    places,
    plans,
    recipients,
    records,
    references,
    risk,
    routes,
    rules,
    sources,
)
from anlan.packs.checks.rules import Demands, Detectors
from anlan.packs.definitions import Definitions, Part, Resolved

Check: TypeAlias = Callable[[Resolved], Iterable[Fault]]

CHECKS: tuple[Check, ...] = (
    references.blanks,
    references.vocabulary,
    references.simple_references,
    references.organ_circles,
    recipients.recipient_grounds,
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
    indicators.settlings,
    indicators.outlooks,
    rules.rule_references,
    rules.bands,
    risk.risk_rules,
    risk.asked,
    rules.levels_named,
    rules.conditions,
    records.record_references,
    plans.plan_references,
    plans.plan_tasks,
    plans.plan_levels,
    plans.ladders,
    plans.calls,
    plans.public_words,
    matrices.matrices,
    routes.inhibits,
    routes.inhibit_loops,
    routes.routes,
    placeholders.words,
    sources.source_files,
    sources.source_times,
    sources.geometry_files,
    loosening.loosening,
)

#: what a table with faults can still be asked: does the pack define what it names
OF_PARTS: tuple[Check, ...] = (
    references.vocabulary,
    references.simple_references,
    places.place_levels,
    places.place_parents,
    places.event_places,
    law.powers,
    law.duties,
    law.levels_and_grades,
    law.other_bases,
    indicators.definitions,
    rules.rule_references,
    rules.bands,
    risk.risk_rules,
    records.record_references,
    plans.plan_references,
    plans.plan_tasks,
    routes.inhibits,
    routes.routes,
    placeholders.words,
)
#: faults that follow from the dates of a table
BY_DATE = (
    "the law is not in force throughout",
    "the parent does not exist for all of the time of the place",
    "the place did not exist when the event began",
)
DATES = ("from", "to", "until", "start", "end")

DOUBTS: tuple[Check, ...] = (
    rules.doubtful_conditions,
    rules.loose_ends,
    routes.idle_routes,
    records.unverified,
    sources.files_outside,
)


def lint(
    resolved: Resolved, detectors: Detectors | None = None, demands: Demands | None = None
) -> list[Fault]:
    """Everything that keeps the pack from service. `detectors` (name -> parameter -> type) and `demands`
    (name -> kinds of indicator, whether it has hysteresis) come from above; without them detectors and
    their parameters are not looked at."""
    faults = [fault for check in CHECKS for fault in check(resolved)]
    if detectors is not None:
        faults.extend(rules.detectors(resolved, detectors))
    faults.extend(rules.demanded(resolved, demands or {}))
    for part in resolved.items.parts:
        faults.extend(_of_part(resolved, part, detectors))
    return faults


def _of_part(resolved: Resolved, part: Part, detectors: Detectors | None) -> Iterator[Fault]:
    """What is wrong with a table besides the faults that are told, and what follows from them."""
    items = Definitions(broken=resolved.items.broken, lost=resolved.items.lost)
    getattr(items, part.target).append(part.item)
    alone = Resolved(resolved.pack, items, ())
    told = {part.item.origin.fault("", *keys).where.partition(", line ")[0] for keys in part.told}
    dated = any(keys and keys[-1] in DATES for keys in part.told)
    # a task whose id is not known may be the one that another waits for
    unnamed = any(keys[:1] == ("task",) and (keys[-1] == "id" or len(keys) < 3) for keys in part.told)
    found = [fault for check in OF_PARTS for fault in check(alone)]
    if detectors is not None:
        found.extend(rules.detectors(alone, detectors))
    for fault in found:
        path = fault.where.partition(", line ")[0]
        if any(path == one or path.startswith((f"{one}.", f"{one}[")) for one in told):
            continue
        if dated and (path.rpartition(".")[2] in DATES or fault.message in BY_DATE):
            continue
        if unnamed and fault.message == "no such task in this plan":
            continue
        yield fault


def doubts(resolved: Resolved) -> list[Fault]:
    """What is allowed but deserves a look."""
    return [fault for check in DOUBTS for fault in check(resolved)]
