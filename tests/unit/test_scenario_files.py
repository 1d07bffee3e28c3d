"""Scenario files: what they may say, and what is said of a wrong one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from anlan.app.scenario import all_scenarios, find_scenario, read_scenario
from anlan.model.errors import AnlanError, NotFound
from anlan.packs.load import load_pack

SHIPPED = sorted((Path(__file__).resolve().parents[2] / "packs").glob("*/scenarios"))
GOOD = """\
id = "one"
title = { en = "One", zh = "一" }

[[window]]
title = { en = "Window", zh = "时段" }
from = 2011-10-20T00:00:00Z
to = 2012-01-15T00:00:00Z
sources = ["newport"]

[[act]]
on = "warning.drafted"
hazard = "demo.salmonellosis"
after = "PT55M"
by = "ada.health"
do = "warning.submit"

[[expect]]
kind = "warning.approved"
level = 2
by = 2011-11-17T00:00:00Z
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "one.toml"
    path.write_text(text)
    return path


def test_a_scenario_is_read_with_its_instants_and_durations(tmp_path: Path) -> None:
    scenario = read_scenario(written(tmp_path, GOOD))
    assert scenario.windows[0].start == datetime(2011, 10, 20, tzinfo=UTC)
    assert scenario.acts[0].after == timedelta(minutes=55)
    assert scenario.expect[0].level == 2
    assert scenario.expect[0].by == datetime(2011, 11, 17, tzinfo=UTC)


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('id = "one"', "id = ", "one.toml"),
        ('after = "PT55M"', 'after = "an hour"', "after"),
        ("from = 2011-10-20T00:00:00Z\n", "", "start"),
        ("level = 2", 'level = "two"', "level"),
        ('do = "warning.submit"', 'do = "warning.submit"\ncolour = "red"', "colour"),
        ('sources = ["newport"]', 'sources = "newport"', "sources"),
        ("by = 2011-11-17T00:00:00Z", 'by = "someday"', "by"),
    ],
)
def test_a_wrong_scenario_is_refused_with_file_and_field(
    old: str, new: str, named: str, tmp_path: Path
) -> None:
    assert old in GOOD
    with pytest.raises(AnlanError) as refused:
        read_scenario(written(tmp_path, GOOD.replace(old, new)))
    assert "one.toml" in refused.value.sentence()
    assert named in refused.value.sentence()


def test_a_scenario_that_is_not_there_is_answered_with_those_that_are(root: Path) -> None:
    pack = load_pack("demo", (root / "packs",))
    with pytest.raises(NotFound) as refused:
        find_scenario(pack, "atlantis")
    assert "newport-short" in refused.value.sentence()


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.parent.name)
def test_a_shipped_scenario_names_only_what_its_pack_has(
    folder: Path, root: Path, request: pytest.FixtureRequest
) -> None:
    if folder.parent.name.startswith("story-"):
        request.getfixturevalue("shared")  # stories read the reference data
    pack = load_pack(folder.parent.name, (root / "packs",))
    for scenario in all_scenarios(pack):
        assert scenario.expect, f"{scenario.id} expects nothing"
        for window in scenario.windows:
            assert window.start < window.end
            assert set(window.sources) <= set(pack.sources)
        for act in scenario.acts:
            assert act.by in pack.users
            assert not act.hazard or act.hazard in pack.hazards
            assert not act.recipient or act.recipient in pack.recipients
        for expect in scenario.expect:
            assert not expect.hazard or expect.hazard in pack.hazards
            assert not expect.place or expect.place in pack.places
