"""Which rules look at a series by itself."""

from __future__ import annotations

from datetime import datetime

from anlan.assess.finding import wanted
from anlan.assess.surveys.registry import is_survey
from anlan.model.indicator import Rule
from anlan.model.pack import Pack


def rules_for(pack: Pack, indicator: str, place: str, now: datetime) -> tuple[Rule, ...]:
    """In the order of the pack; a series without one has no page."""
    return tuple(
        rule
        for rule in pack.rules.values()
        if rule.indicator == indicator
        and not is_survey(rule)
        and rule.validity.covers(now.date())
        and wanted(rule, pack, place, now)
    )
