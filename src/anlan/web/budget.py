"""The day's number of new levels that a domain declares for one officer, held against what came.

Nothing is taken off the page for it: what lies beyond the number is the least pressing of what came, stays
where it is, and is marked so, and the page says how many came against how many are declared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from anlan.model.assessment import Assessment
from anlan.model.pack import Pack

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class OverBudget:
    """A domain of which more came in a day than it declares: `new` risks, `declared` a day, and the ids of
    the waiting ones `beyond`."""

    domain: str
    new: int
    declared: float
    beyond: frozenset[str]


def over_budget(
    risks: Iterable[Assessment], order: Mapping[str, int], pack: Pack, now: datetime
) -> list[OverBudget]:
    """The domains over their `alarms_per_day` at `now`, by their order in the pack. `risks`: all that one may
    see; those opened in the last day count, whatever became of them, and those that somebody has dealt with
    have used up the number first. `order`: how pressing the waiting ones of a level are."""
    came: dict[str, list[Assessment]] = {}
    for risk in risks:
        if now - DAY < risk.opened <= now:
            came.setdefault(risk.domain, []).append(risk)
    found = []
    for id, new in came.items():
        domain = pack.domains.get(id)
        if domain is None or domain.alarms_per_day is None or len(new) <= domain.alarms_per_day:
            continue
        waiting = [risk for risk in new if risk.id in order]
        waiting.sort(key=lambda risk: (risk.level or 5, order[risk.id], risk.id))
        left = max(0, int(domain.alarms_per_day) - (len(new) - len(waiting)))
        beyond = frozenset(risk.id for risk in waiting[left:])
        if beyond:
            found.append(OverBudget(id, len(new), domain.alarms_per_day, beyond))
    return sorted(found, key=lambda one: (pack.domains[one.domain].order, one.domain))
