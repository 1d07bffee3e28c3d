"""The demonstration's scenarios on the virtual clock come out as its pack expects."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from anlan.app.scenario import Expectation, all_scenarios, find_scenario
from anlan.app.trial import try_scenario
from anlan.model.pack import Pack
from anlan.packs.load import load_pack


@pytest.fixture(scope="module")
def pack(root: Path) -> Pack:
    return load_pack("demo", (root / "packs",))


@pytest.mark.slow
@pytest.mark.parametrize("id", ["newport-short", "demo"])
def test_a_scenario_comes_out_as_expected(pack: Pack, id: str) -> None:
    outcome = try_scenario("demo", pack, find_scenario(pack, id))
    assert outcome.expected > 0
    assert outcome.failed == ()


def test_no_scenario_of_the_pack_is_left_out(pack: Pack) -> None:
    assert {scenario.id for scenario in all_scenarios(pack)} == {"demo", "newport-short"}


@pytest.mark.slow
def test_what_did_not_come_out_is_said_in_a_sentence(pack: Pack) -> None:
    scenario = find_scenario(pack, "newport-short")
    window = scenario.windows[0]
    hazard = "demo.salmonellosis"
    wrong = replace(
        scenario,
        windows=(replace(window, end=datetime(2011, 11, 10, tzinfo=UTC)),),
        expect=(
            Expectation("warning.approved", hazard, "de", level=1),
            Expectation("warning.approved", hazard, "de", level=4, never=True),
            Expectation("finding.raised", hazard, "de", by=window.start),
            Expectation("finding.raised", hazard, "de", not_before=window.start + timedelta(days=90)),
            Expectation("finding.raised", hazard, "de"),
        ),
    )
    failed = try_scenario("demo", pack, wrong).failed
    assert len(failed) == 4
    for line, words in zip(
        failed, ("level 1: never came", "level 4: came at", "expected by", "expected not before"), strict=True
    ):
        assert hazard in line
        assert words in line
