"""Surveys by name; a rule names one as its `detector`. Modules are imported when a rule needs them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module

from anlan.assess.detect.registry import described as detectors
from anlan.assess.detect.spec import REQUIRED
from anlan.assess.surveys.spec import SurveySpec
from anlan.model.indicator import Rule

#: name -> module of this folder, each with its `SPEC`
MODULES = {
    "scan_clusters": "scan_clusters",
    "deadlines": "deadlines",
    "storm_zone": "storm_zone",
    "event_rate": "event_rate",
    "river_routing": "river_routing",
    "forecast_probability": "forecast_probability",
}


def is_survey(rule: Rule) -> bool:
    """Whether the rule's detector is a survey."""
    return rule.detector in MODULES


@cache
def survey(name: str) -> SurveySpec:
    """The survey called `name`; KeyError where there is none."""
    found: SurveySpec = import_module(f"anlan.assess.surveys.{MODULES[name]}").SPEC
    return found


def timed(rule: Rule) -> bool:
    """Whether the rule has to be asked again as time goes by, without news."""
    return is_survey(rule) and survey(rule.detector).timed


def reads(rule: Rule) -> tuple[str, ...]:
    """All indicators that the rule rests on, its own first."""
    if not is_survey(rule):
        return (rule.indicator,)
    one = survey(rule.detector)
    return (rule.indicator, *one.reads(one.complete(rule.params)))


def described() -> dict[str, dict[str, str]]:
    """Parameters of all detectors and surveys with their types, as the linter of packs takes them."""
    return detectors() | {
        name: {
            p.name: (" | ".join(p.choices) or p.type) + (" required" if p.default is REQUIRED else "")
            for p in survey(name).params
        }
        for name in MODULES
    }


def demands() -> Mapping[str, tuple[str, ...]]:
    """Survey -> kinds of indicator it reads, for the linter of packs."""
    return {name: survey(name).kinds for name in MODULES}
