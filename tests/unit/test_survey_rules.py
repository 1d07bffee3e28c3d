"""Rules whose detector is a survey: what their pack may say, and when they are asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from anlan.assess.surveys.registry import MODULES, demands, described, is_survey, survey
from anlan.packs.checks.rules import demanded, detectors
from anlan.packs.definitions import Definitions, Item, Resolved
from anlan.packs.documents import Document, Origin
from chain_pack import DAY, GAUGE, chain_pack


def faults(indicator: str, detector: str, params: dict[str, Any], **changes: Any) -> list[str]:
    """What the linter says of a rule."""
    rule = replace(GAUGE, indicator=indicator, detector=detector, params=params, keep=0 * DAY, **changes)
    pack = chain_pack(rules={rule.id: rule})
    items = Definitions()
    items.rules.append(Item(rule, Origin(Document("rules.toml", ""))))
    resolved = Resolved(pack, items, ())
    found = [*detectors(resolved, described()), *demanded(resolved, demands())]
    return [fault.sentence() for fault in found]


def test_every_survey_describes_itself() -> None:
    for name in MODULES:
        one = survey(name)
        assert one.name == name and one.title and one.source and one.kinds
        assert all(p.meaning for p in one.params)
        assert set(described()[name]) == {p.name for p in one.params}
    assert not is_survey(GAUGE)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"model": "gauss"}, "wrong type of parameter"),
        ({"perods": 52}, "scan_clusters has no such parameter"),
        ({"periods": 52.5}, "wrong type of parameter"),
    ],
)
def test_a_parameter_that_cannot_be_meant_is_a_fault(params: dict[str, Any], words: str) -> None:
    assert any(words in fault for fault in faults("stage", "scan_clusters", params))


def test_a_scan_of_readings_is_a_fault() -> None:
    (fault,) = faults("stage", "scan_clusters", {})
    assert "scan_clusters reads other indicators" in fault and "kind count" in fault
