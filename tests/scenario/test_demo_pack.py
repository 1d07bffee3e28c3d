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
from anlan.sources import registry
from anlan.warn import hub


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


def test_a_newcomer_finds_a_neighbour_in_force_and_watches_to_man(pack: Pack) -> None:
    source = pack.sources["far-harbour"]
    ends = find_scenario(pack, "demo").windows[-1].end
    batches = list(registry.build(source).history(pack))
    assert not any(batch.quarantined for batch in batches)
    sent = [one.message for batch in batches for one in batch.relayed]
    current = [one.link.message for one in hub.board(hub.chains(sent), ends) if one.state == "in_force"]
    assert {
        place for one in current for info in one.infos for area in info.areas for place in area.places
    } == {
        "us/WA",
        "us/WA/SEA",
    }
    assert (len(sent), len(current)) == (3, 2), "an update takes the place of what it follows"
    assert source.indicators[0] not in {rule.indicator for rule in pack.rules.values()}, (
        "nothing is found by it"
    )
    assert {watch.place for watch in pack.watches.values()} == {"de", "us/WA", "world"}


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
