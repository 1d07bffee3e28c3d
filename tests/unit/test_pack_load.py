"""Packs are found, overlaid and digested so that the same files always mean the same."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from anlan.model.errors import PackFault
from anlan.model.pack import Pack
from anlan.model.text import Text
from anlan.model.time import Validity
from anlan.packs.check import check
from anlan.packs.load import load_pack
from anlan.packs.paths import pack_path
from sample_pack import FILES, OVERLAY, changed, write

RULES = "domains/water/rules.toml"
PLANS = "domains/water/plans.toml"
OLD_RULE = FILES[RULES]
OLD_PLAN = FILES[PLANS]
ORDER = """
id = "order-1"
title = { en = "Standing order", zh = "常令" }
kind = "standing order"
from = 2010-01-01

[[article]]
number = "1"
gist = { en = "Alpha may wait longer.", zh = "甲可以放宽。" }
"""


def over(tmp_path: Path, files: dict[str, str]) -> Pack:
    write(tmp_path / "tiny", FILES)
    write(tmp_path / "over", {**OVERLAY, **files})
    return load_pack("over", [tmp_path])


def test_every_table_becomes_its_value(tmp_path: Path) -> None:
    pack = load_pack(write(tmp_path / "tiny", FILES))
    rule = pack.rules["high-water"]
    assert rule.hold == timedelta(days=1)
    assert [band.at_least for band in rule.bands] == [4.0, 5.0, 4.8]
    assert rule.bands[1].validity == Validity(date(2010, 1, 1), date(2020, 1, 1))
    assert rule.params == {"limit": 3.0}
    assert pack.plans["flood-plan"].ladder[0].after == timedelta(minutes=30)
    assert pack.plans["flood-plan"].response == {"1": 1, "2": 2, "3": 3, "4": 4}
    assert pack.duties["first-report"].to == Text("the government", "政府")
    assert pack.duties["first-report"].validity.until == date(2030, 1, 1)
    assert pack.laws["act-2010"].articles[0].number == "2"
    assert pack.users["ada"].grants[0].role == "duty"
    assert pack.grades[1].upper is None
    assert pack.events["flood-2016"].start == datetime(2016, 7, 1, tzinfo=UTC)
    assert [place.population for place in pack.places["x/a"]] == [400, 450]
    assert pack.places["x/b"][0].population is None


def test_free_options_keep_the_types_of_toml(tmp_path: Path) -> None:
    pack = load_pack(write(tmp_path / "tiny", FILES))
    assert pack.sources["gauges"].options["since"] == date(2011, 1, 1)


def test_paths_in_a_pack_are_relative_to_it(tmp_path: Path) -> None:
    folder = write(tmp_path / "tiny", FILES)
    pack = load_pack(folder)
    assert pack.sources["gauges"].options["file"] == str(folder / "data/stage.csv")
    assert pack.geometry[0].path == str(folder / "places/provinces.json")


def test_a_pack_is_found_by_id_or_by_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write(tmp_path / "tiny", FILES)
    monkeypatch.setenv("ANLAN_PACKS", str(tmp_path))
    assert pack_path()[0] == tmp_path
    assert load_pack("tiny") == load_pack(folder) == load_pack(str(folder)) == load_pack("tiny", [tmp_path])


def test_a_folder_finds_the_packs_beside_it(tmp_path: Path) -> None:
    write(tmp_path / "tiny", FILES)
    pack = load_pack(write(tmp_path / "over", OVERLAY), [])
    assert pack.id == "over"
    assert pack.folders == (str(tmp_path / "tiny"), str(tmp_path / "over"))


def test_a_shared_base_is_laid_down_once(tmp_path: Path) -> None:
    write(tmp_path / "tiny", FILES)
    write(tmp_path / "over", OVERLAY)
    top = OVERLAY["pack.toml"].replace('"over"', '"top"').replace('["tiny"]', '["over", "tiny"]')
    write(tmp_path / "top", {"pack.toml": top})
    pack = load_pack("top", [tmp_path])
    assert [Path(folder).name for folder in pack.folders] == ["tiny", "over", "top"]


def test_an_overlay_adds_and_replaces_by_id(tmp_path: Path) -> None:
    rule = OLD_RULE.replace("at_least = 4.0", "at_least = 3.5")
    pack = over(tmp_path, {RULES: rule + rule.replace('"high-water"', '"higher-water"')})
    assert pack.rules["high-water"].bands[0].at_least == 3.5
    assert set(pack.rules) == {"high-water", "higher-water"}
    assert "flood-plan" in pack.plans


def test_an_overlay_replaces_all_versions_of_a_place(tmp_path: Path) -> None:
    header = FILES["places/all.csv"].splitlines()[0]
    pack = over(tmp_path, {"places/more.csv": f"{header}\nx/a,Alef,甲,province,x,1990-01-01,,,\n"})
    assert [place.name.en for place in pack.places["x/a"]] == ["Alef"]


def test_an_overlay_replaces_a_layer_of_the_same_level_and_prefix(tmp_path: Path) -> None:
    layer = FILES["places/geometry.toml"].replace('"MIT"', '"official map, review number 1"')
    pack = over(
        tmp_path,
        {"places/geometry.toml": layer, "places/provinces.json": FILES["places/provinces.json"]},
    )
    assert [one.licence for one in pack.geometry] == ["official map, review number 1"]


@pytest.mark.parametrize(
    ("file", "text", "lost"),
    [
        (RULES, OLD_RULE.replace("at_least = 4.0", "at_least = 4.5"), "level 2 from 4 to 4.5"),
        (RULES, OLD_RULE.replace('hold = "P1D"', 'hold = "P2D"'), "hold is longer"),
        (RULES, OLD_RULE.replace('keep = "P2D"', 'keep = "P1D"'), "keep is shorter"),
        (RULES, OLD_RULE.replace('["level:province", "x"]', '["x"]'), "places without level:province"),
        (RULES, OLD_RULE.replace("value > 3.0", "value > 9.0"), "when is another"),
        (RULES, OLD_RULE.replace("hold =", "from = 2012-01-01\nhold ="), "is gone on"),
        (PLANS, OLD_PLAN.replace("warn_at = 3", "warn_at = 2"), "warn_at from 3 to 2"),
        (PLANS, OLD_PLAN.replace("opens_at = 2", "opens_at = 1"), "opens_at from 2 to 1"),
        (PLANS, OLD_PLAN.replace("2 = 2", "2 = 3"), "response to warning level 2 from 2 to 3"),
        (PLANS, OLD_PLAN.replace("PT3H", "PT4H"), "task shelter has more time"),
        (PLANS, OLD_PLAN.replace("[1, 2]", "[1]"), "task boats applies at fewer levels"),
        (PLANS, OLD_PLAN.replace("PT30M", "PT1H"), "the ladder begins later"),
        (PLANS, OLD_PLAN.replace('valid = "P1D"', 'valid = "PT1H"'), "valid is shorter"),
    ],
)
def test_an_overlay_loosens_only_on_a_basis_of_its_own(
    file: str, text: str, lost: str, tmp_path: Path
) -> None:
    with pytest.raises(PackFault) as caught:
        over(tmp_path, {file: text})
    fault = next(fault for fault in caught.value.faults if fault.message.startswith("loosens"))
    assert lost in fault.found
    assert fault.file == file
    assert fault.where.startswith("rule[0].basis, line" if file == RULES else "plan[0].basis, line")

    basis = 'basis = "act-2010#5"' if file == RULES else 'basis = "act-2010#6"'
    head, _, tail = text.partition(basis)
    over(tmp_path, {file: f'{head}basis = "order-1#1"{tail}', "laws/order-1.toml": ORDER})


def test_tightening_needs_no_basis_of_its_own(tmp_path: Path) -> None:
    rule = OLD_RULE.replace("at_least = 4.0", "at_least = 3.9").replace('hold = "P1D"', 'hold = "PT1H"')
    plan = OLD_PLAN.replace("warn_at = 3", "warn_at = 4").replace("PT3H", "PT2H")
    assert over(tmp_path, {RULES: rule, PLANS: plan}).plans["flood-plan"].warn_at == 4


def test_for_a_falling_danger_the_lower_limit_is_the_looser(tmp_path: Path) -> None:
    indicators = FILES["domains/water/indicators.toml"].replace('"up"', '"down"')
    falling = OLD_RULE.replace("at_least = 5.0", "at_least = 2.0").replace("at_least = 4.8", "at_least = 2.0")
    write(tmp_path / "tiny", {**FILES, "domains/water/indicators.toml": indicators, RULES: falling})
    write(tmp_path / "over", {**OVERLAY, RULES: falling.replace("at_least = 4.0", "at_least = 3.5")})
    assert [fault.found for fault in check("over", [tmp_path])[0]] == [
        "level 2 from 4 to 3.5 on 2010-01-01; level 2 from 4 to 3.5 on 2020-01-01"
    ]
    write(tmp_path / "over", {RULES: falling.replace("at_least = 4.0", "at_least = 4.5")})
    assert check("over", [tmp_path])[0] == []


def test_the_digest_is_of_every_file_and_of_nothing_else(tmp_path: Path) -> None:
    first = load_pack(write(tmp_path / "one" / "tiny", FILES)).digest
    assert load_pack(write(tmp_path / "two" / "tiny", FILES)).digest == first
    assert load_pack(write(tmp_path / "three" / "tiny", {**FILES, ".hidden": "other"})).digest == first
    assert load_pack(write(tmp_path / "four" / "tiny", {**FILES, "README.md": "other"})).digest != first
    data = {**FILES, "data/stage.csv": "date,stage\n2016-07-01,4.5\n"}
    assert load_pack(write(tmp_path / "five" / "tiny", data)).digest != first


def test_the_digest_covers_the_packs_below(tmp_path: Path) -> None:
    first = over(tmp_path, {}).digest
    write(tmp_path / "tiny", {"README.md": "changed"})
    assert load_pack("over", [tmp_path]).digest != first


def test_unchecked_loading_still_refuses_what_cannot_be_read(tmp_path: Path) -> None:
    folder = write(tmp_path / "tiny", changed(RULES, 'hazard = "flood"', 'hazard = "fire"'))
    assert load_pack(folder, lint=False).rules["high-water"].hazard == "fire"
    write(folder, {RULES: OLD_RULE.replace('hold = "P1D"', "hold = 1")})
    with pytest.raises(PackFault):
        load_pack(folder, lint=False)
