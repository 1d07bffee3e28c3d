"""Every story that is shipped comes out as its pack expects, on the reference data."""

from __future__ import annotations

from pathlib import Path

import pytest

from anlan.app.scenario import all_scenarios
from anlan.app.trial import try_scenario
from anlan.packs.load import load_pack

STORIES = sorted(
    path.name for path in (Path(__file__).resolve().parents[2] / "packs").glob("story-*") if path.is_dir()
)


@pytest.mark.slow
@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("name", STORIES)
def test_a_story_comes_out_as_expected(name: str, root: Path) -> None:
    pack = load_pack(name, (root / "packs",))
    scenarios = all_scenarios(pack)
    assert scenarios
    for scenario in scenarios:
        outcome = try_scenario(name, pack, scenario)
        assert outcome.expected > 0
        assert outcome.failed == ()
