"""How far back a rule must see."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from anlan.assess.calendar import HISTORY_DAYS
from anlan.assess.detect.registry import spec
from anlan.assess.settling import learning
from anlan.model.indicator import Indicator, Rule


def history(rule: Rule, indicator: Indicator) -> timedelta:
    """How far back a rule must see: the detector's baseline and the window of its hysteresis, as long as a
    value must stand still to be a stuck one, a year where the calendar is minded, and what late reports are
    learnt from."""
    step = indicator.frequency or timedelta(days=1)
    still = indicator.frozen_after or timedelta(0)
    year = timedelta(days=HISTORY_DAYS if indicator.calendar else 0)
    longest = max(step * baseline(rule, indicator), year, step * learning(indicator, step))
    return longest + window(rule, step) + step + still


def params(rule: Rule) -> dict[str, Any]:
    """The rule's parameters over what its detector takes in service."""
    return {**spec(rule.detector).live, **rule.params}


def baseline(rule: Rule, indicator: Indicator) -> int:
    """Periods that the detector reads before the first tested one."""
    one = spec(rule.detector)
    return one.history(one.complete(params(rule)), indicator.season or 1)


def window(rule: Rule, step: timedelta) -> timedelta:
    """Twice what hysteresis needs, for days without a value (weekends, holidays) do not count."""
    return 2 * (rule.hold + rule.keep) + 3 * step
