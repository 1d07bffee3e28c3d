"""The stories come out as history has it: on recorded data that lies beside the project."""

from __future__ import annotations

from pathlib import Path

import pytest

from anlan.app.demo import stories
from anlan.app.scenario import all_scenarios, find_scenario
from anlan.app.trial import try_scenario
from anlan.cli.main import main
from anlan.model.errors import PackFault
from anlan.packs.load import load_pack

STORIES = (
    "beijing-air-2015",
    "covid-cn-2020",
    "ehec-2011",
    "floods-niger-2018",
    "gas-grain-2021",
    "tornadoes-iowa-2024",
)
#: seconds each; the others take longer and run in the soak
SHORT = ("ehec-2011", "tornadoes-iowa-2024")


def test_every_story_has_one_scenario_of_its_name(shared: Path) -> None:
    assert stories() == ["demo", *STORIES]
    for story in STORIES:
        assert [scenario.id for scenario in all_scenarios(load_pack(f"story-{story}"))] == [story]


@pytest.mark.slow
@pytest.mark.parametrize(
    "story",
    [story if story in SHORT else pytest.param(story, marks=pytest.mark.soak) for story in STORIES],
)
def test_a_story_comes_out_as_history_has_it(story: str, shared: Path) -> None:
    id = f"story-{story}"
    pack = load_pack(id)
    outcome = try_scenario(id, pack, find_scenario(pack, story))
    assert outcome.expected > 2
    assert outcome.failed == ()


def test_without_the_reference_data_a_story_says_what_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = tmp_path / "nowhere"
    monkeypatch.setenv("ANLAN_SHARED", str(nowhere))
    with pytest.raises(PackFault, match=f"needs the reference data: the folder {nowhere}.*ANLAN_SHARED"):
        load_pack("story-covid-cn-2020")
    workspace = tmp_path / "workspace"
    assert main(["demo", "--story", "covid-cn-2020", "--no-console", "--workspace", str(workspace)]) == 1
    assert "needs the reference data" in capsys.readouterr().err.replace("\n", " ")
    assert not workspace.exists()
