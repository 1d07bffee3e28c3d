"""Definitions of an indicator in a pack: read as written, and every fault named with its place."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from anlan.packs.check import check
from anlan.packs.load import load_pack
from sample_pack import DETECTORS, FILES, OVERLAY, changed, write

INDICATORS = "domains/water/indicators.toml"
FREQUENCY = 'frequency = "P1D"\n'
WIDER = """
[[indicator.definition]]
title = { en = "new gauge datum", zh = "新基面" }
basis = "act-2010#5"
from = 2015-01-01
to = 2016-01-01
places = ["x/b"]
mixed = "P2D"
factor = 1.5
factor_basis = "gauge handbook, table 3"
"""


def faults(tmp_path: Path, text: str, before: str = "") -> list[str]:
    folder = write(tmp_path / "tiny", changed(INDICATORS, FREQUENCY, FREQUENCY + before + text))
    found, _ = check(str(folder), detectors=DETECTORS)
    return [f"{fault.where}: {fault.message}" for fault in found]


def test_a_definition_is_read_as_it_is_written(tmp_path: Path) -> None:
    folder = write(
        tmp_path / "tiny", changed(INDICATORS, FREQUENCY, FREQUENCY + 'frozen_after = "P3D"\n' + WIDER)
    )
    stage = load_pack(folder).indicators["stage"]
    (one,) = stage.definitions
    assert (one.validity.since, one.validity.until) == (date(2015, 1, 1), date(2016, 1, 1))
    assert (one.places, one.mixed, one.factor) == (("x/b",), timedelta(days=2), 1.5)
    assert stage.frozen_after == timedelta(days=3)


@pytest.mark.parametrize(
    ("old", "new", "where", "message"),
    [
        ("from = 2015-01-01\n", "", "indicator[0].definition[0].from", "no date"),
        ('"act-2010#5"', '"act-2010#99"', "indicator[0].definition[0].basis", "no such article"),
        ('["x/b"]', '["x/zz"]', "indicator[0].definition[0].places[0]", "no such place"),
        ('_basis = "gauge handbook, table 3"', '_basis = ""', "indicator[0].definition[0].factor_basis", ""),
        ("factor = 1.5\n", "", "indicator[0].definition[0].factor_basis", "the basis of no factor"),
        ("factor = 1.5", "factor = 0.0", "indicator[0]", "no such factor"),
        ("mixed", "mixes", "indicator[0].definition[0].mixes", "unknown key"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_definition_is_named(
    tmp_path: Path, old: str, new: str, where: str, message: str
) -> None:
    assert old in WIDER
    found = faults(tmp_path, WIDER.replace(old, new, 1))
    assert any(one.startswith(where) and message in one for one in found), found


def test_bounds_without_a_value_and_a_sensor_always_stuck_are_faults(tmp_path: Path) -> None:
    found = faults(tmp_path, "minimum = 5.0\nmaximum = 5.0\n")
    assert any("no value is possible" in one for one in found)
    found = faults(tmp_path / "two", 'frozen_after = "P1D"\n')
    assert any("every value would be a stuck one" in one for one in found)


@pytest.mark.parametrize(
    ("text", "lost"),
    [
        ("maximum = 9.0\n", "maximum is 9"),
        ('frozen_after = "P3D"\n', "a value counts as stuck sooner"),
        (WIDER, "a change of definition is new, new gauge datum"),
    ],
)
def test_an_overlay_that_lets_fewer_values_count_needs_a_basis_of_its_own(
    tmp_path: Path, text: str, lost: str
) -> None:
    write(tmp_path / "tiny", FILES)
    own = FILES[INDICATORS].replace(FREQUENCY, FREQUENCY + text.replace("act-2010#5", "gauge handbook"))
    write(tmp_path / "over", {**OVERLAY, INDICATORS: own})
    found, _ = check("over", [tmp_path], detectors=DETECTORS)
    assert [fault.found for fault in found if fault.message.startswith("loosens")] == [lost]
    lawful = (
        FILES[INDICATORS].replace(FREQUENCY, FREQUENCY + text).replace('"gauge handbook"', '"act-2010#5"')
    )
    write(tmp_path / "over", {INDICATORS: lawful})
    assert not [fault for fault in check("over", [tmp_path])[0] if fault.message.startswith("loosens")]
