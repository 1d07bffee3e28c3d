"""Hubei, 12 February 2020: 13,797 cases more in a day, because clinical diagnoses began to count."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from anlan.assess.evaluate import evaluate
from anlan.model.finding import Finding
from anlan.model.pack import Pack
from anlan.model.state import State
from anlan.monitor.intake import admit
from anlan.packs.load import load_pack
from anlan.sources.registry import build
from anlan.sources.tools import Tools
from chain_pack import MemoryLake

HUBEI, GUANGDONG = "cn/420000", "cn/440000"


@pytest.fixture(scope="module")
def pack(shared: Path) -> Pack:
    return load_pack("story-covid-cn-2020")


@pytest.fixture(scope="module")
def lake(pack: Pack) -> MemoryLake:
    made = MemoryLake()
    for batch in build(pack.sources["covid-cn"], Tools()).history(pack):
        if batch.known < datetime(2020, 2, 21, tzinfo=UTC):
            wanted = [o for o in admit(batch, pack)[0] if o.place in (HUBEI, GUANGDONG)]
            made.append([o for o in wanted if o.indicator == "covid_new"])
    return made


def found(pack: Pack, lake: MemoryLake, marked: bool) -> list[Finding]:
    """EARS over daily new cases, levels 4 and 2 at four and ten standard deviations."""
    indicator = pack.indicators["covid_new"]
    rule = pack.rules["covid-back-province"]
    bands = tuple(replace(b, at_least={4: 4.0, 2: 10.0}[b.level]) for b in rule.bands if b.level in (4, 2))
    rule = replace(
        rule, indicator="covid_new", detector="ears_c1", params={"min_sigma": 5.0}, measure="score",
        bands=bands, keep=timedelta(days=1),
    )  # fmt: skip
    indicators = {**pack.indicators}
    if not marked:
        indicators["covid_new"] = replace(indicator, definitions=())
    tested = replace(pack, indicators=indicators, rules={rule.id: rule})
    state, findings = State(), []
    for day in range(20):
        now = datetime(2020, 2, 1, 17, tzinfo=UTC) + timedelta(days=day)
        for one in evaluate(rule, tested, lake, state, now):  # type: ignore[arg-type]
            state.put(one.id, one)
            findings.append(one)
    return [one for one in findings if one.place == HUBEI]


def test_the_jump_is_a_mark_and_no_finding(pack: Pack, lake: MemoryLake) -> None:
    unmarked = found(pack, lake, marked=False)
    (jump,) = [one for one in unmarked if one.change == "raised" and one.value == 13797.0]
    assert jump.level == 2
    assert [one.value for one in found(pack, lake, marked=True) if one.change == "raised"] == [
        one.value for one in unmarked if one.change == "raised" and one is not jump
    ]
