"""Rules and findings against the reference tables: the same rules, and on real messages the same findings but
for those argued here."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from anlan.formats import cap
from anlan.formats.cap.examine import Examination
from anlan.formats.cap.gazetteer import Gazetteer, read_gazetteer
from anlan.formats.cap.rulebook import profile_rules, rules

#: (beginning of the file's name, rule) -> why the row that is missing in the reference should be there
OURS_ONLY = {
    ("nws/17bffe27", "I-acronyms"): "valueName fips6: an acronym in small letters",
    ("nws/6945c9cc", "I-acronyms"): "valueName same: an acronym in small letters",
    ("nws/7e5d9ab0", "I-acronyms"): "valueName same: an acronym in small letters",
    ("us-dhs/282bcca7", "V-11-map"): "CAP 1.1, a resource without the mimeType that 1.2 asks for",
    ("au-rfs/50e3e3e2", "X-html"): "escaped HTML tags in description",
    ("au-rfs/770a6f8a", "X-html"): "escaped HTML tags in description",
    ("ch-alertswiss/f3488e17", "X-html"): "escaped <br/> and <a> in description and contact",
    (
        "ch-alertswiss/f3488e17",
        "X-order",
    ): "sent before sender, references before status",
    ("mm/480b5b8f", "X-order"): "elements of info out of their order",
    ("nws/d278723f", "X-order"): "elements out of their order",
    ("se-krisinfo/bd4a797a", "X-order"): "senderName behind headline",
}
#: the same for rows of the reference that are not found
THEIRS_ONLY = {
    ("nws/eb0e0816", "X-xsd"): "refused for its document type before anything is parsed, as S-no-dtd asks",
}
#: single messages that are refused, and the rule that refuses them
REFUSED = {
    "nws/eb0e0816": "S-no-dtd",
    "test-vectors/12f5add5": "A-scope-required",
    "test-vectors/b69ebd56": "A-identifier-required",
    "test-vectors/e1dac43c": "A-sender-required",
    "tw-wra/4ac95dd5": "X-namespace",
    "us-dhs/00beff70": "D-format",  # sent is the word "date"
    "us-dhs/5b7ff3f9": "D-format",  # sent ends in the hour
}


def table(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        yield from csv.DictReader(file)


@pytest.fixture(scope="module")
def corpus(shared: Path) -> Path:
    return shared / "corpus" / "cap"


@pytest.fixture(scope="module")
def examined(corpus: Path) -> dict[str, Examination]:
    return {
        row["file"]: cap.examine((corpus / row["file"]).read_bytes())
        for row in table(corpus / "index.csv")
        if row["kind"] == "alert"
    }


def short(file: str) -> str:
    return file.split("-", maxsplit=1)[0] if file.count("/") == 0 else file[: file.index("/") + 9]


def test_the_table_of_rules_has_every_rule_of_the_reference_at_its_level(shared: Path) -> None:
    ours = dict(rules())
    for row in table(shared / "reference" / "cap" / "rules.csv"):
        rule = ours.pop(row["rule_id"])
        assert (rule.level, rule.section) == (row["level"], row["section"])
        assert rule.versions == tuple(row["versions"].split())
        if row["machine_checkable"] == "n":
            # what a reader or a later stage does by itself is said so; the rest is for people
            assert rule.use in ("person", "reading", "signature", "writer") or rule.name == "V-11-map"
        elif row["machine_checkable"] == "y":
            assert rule.use != "person", rule.name
    assert ours == {}


def test_the_table_of_profiles_has_every_rule_of_the_reference(shared: Path) -> None:
    ours = dict(profile_rules())
    for row in table(shared / "reference" / "cap" / "rules_profiles.csv"):
        rule = ours.pop(row["rule_id"])
        assert (rule.level, rule.profile) == (row["level"], row["profile"])
        if row["machine_checkable"] == "y" and rule.use == "person":
            # who publishes, and by which lane a message goes out, no message shows
            assert rule.name in ("WMO-roles", "CN-green-channel")
    assert ours == {}


def test_findings_agree_with_an_independent_checker_but_for_those_argued(
    corpus: Path, examined: dict[str, Examination], capsys: pytest.CaptureFixture[str]
) -> None:
    expected: dict[str, set[str]] = defaultdict(set)
    for row in table(corpus / "expected_violations.csv"):
        expected[row["file"]].add(row["rule_id"])
    both: dict[str, int] = defaultdict(int)
    ours_only: dict[tuple[str, str], str] = {}
    theirs_only: dict[tuple[str, str], str] = {}
    for file, found in examined.items():
        ours = {fault.rule for fault in found.findings}
        for rule in ours & expected[file]:
            both[rule] += 1
        ours_only |= {(short(file), rule): file for rule in ours - expected[file]}
        theirs_only |= {(short(file), rule): file for rule in expected[file] - ours}
    with capsys.disabled():
        wrong = len(ours_only) + len(theirs_only)
        print(f"\n{sum(both.values())} findings agree over {len(both)} rules, {wrong} argued", end="")
    assert set(ours_only) == set(OURS_ONLY)
    assert set(theirs_only) == set(THEIRS_ONLY)


def test_every_real_message_is_read_or_refused_for_a_reason_that_the_standard_gives(
    examined: dict[str, Examination],
) -> None:
    refused = {
        short(file): next(fault.rule for fault in found.findings if fault.blocking)
        for file, found in examined.items()
        if not found.readable
    }
    assert refused == REFUSED
    assert len(examined) == 102


HABITS = {
    "th-tmd/897c245d": ("repaired", {"swapped"}, {"D-implausible-year", "G-range"}),
    "gdacs/a214d6fd": ("repaired", {"over_180", "antimeridian"}, {"G-range"}),
    "test-vectors/1dfd5b6e": ("repaired", {"open_ring"}, {"G-polygon-closed"}),
    "kz/00fde187": ("repaired", {"self_crossing"}, {"G-polygon-simple"}),
    "usgs/fe28c38b": ("unresolved", {"point"}, {"G-circle-zero"}),
    "at/2c29edec": ("geocode", set(), {"G-geocode-only"}),
    "cn-cma/4198747a": ("geocode", set(), {"G-geocode-only"}),
    "tw-wra/1a776f84": ("unresolved", {"unknown_geocodes"}, {"G-geocode-only"}),
    "de-dwd/c17440f6": ("unresolved", {"exclusion", "unknown_geocodes"}, {"G-geocode-only"}),
    # commas only: not one pair can be read, and there is no geocode
    "mm/480b5b8f": ("unresolved", {"unreadable"}, {"G-polygon-syntax"}),
    "is-imo/9c7448a6": ("exact", set(), set()),
    "au-rfs/50e3e3e2": ("circle", set(), set()),
}


def test_habits_of_the_field_come_to_ground_with_their_name(
    shared: Path, examined: dict[str, Examination]
) -> None:
    folder = shared / "reference" / "cap"
    gazetteer = Gazetteer(
        [
            *read_gazetteer(folder / "geocode_EMMA_ID.jsonl.gz", "EMMA_ID"),
            *read_gazetteer(folder / "geocode_CPEAS.jsonl.gz", "CPEAS Geographic Code"),
        ]
    )
    assert len(gazetteer) == 2209 + 3245
    for file, found in examined.items():
        ground = found.ground(gazetteer)
        geometry = ground.geometry
        assert geometry.is_valid, file
        if not geometry.is_empty:
            west, south, east, north = geometry.bounds
            assert -180 <= west <= east <= 180 and -90 <= south <= north <= 90, file
        if short(file) in HABITS:
            outcome, codes, told = HABITS[short(file)]
            assert ground.outcome == outcome, (file, ground.records)
            assert codes <= {record.code for record in ground.records}
            assert told <= {fault.rule for fault in found.findings}
    thailand = next(found for file, found in examined.items() if file.startswith("th-tmd"))
    west, south, east, north = thailand.ground().geometry.bounds
    assert 97 < west < east < 106 and 5 < south < north < 21


def test_a_hole_of_the_german_weather_service_is_cut_out_of_its_area(
    examined: dict[str, Examination],
) -> None:
    found = next(found for file, found in examined.items() if file.startswith("de-dwd/c17440f6"))
    area = next(
        area
        for area in found.blocks["info"][0]["area"]
        if any(name == "EXCLUDE_POLYGON" for name, _ in area.get("geocode", ()))
    )
    from anlan.formats.cap.ground import area_ground

    whole = area_ground(area["polygon"], (), ()).geometry
    holed = area_ground(area["polygon"], (), [p for p in area["geocode"] if p[0] == "EXCLUDE_POLYGON"])
    assert holed.outcome == "exact"
    assert {record.code for record in holed.records} == {"exclusion"}
    assert holed.geometry.area < whole.area


FLAGGED = {
    18: "X-html", 19: "S-bidi", 20: "S-formula", 21: "A-identifier-chars", 23: "S-size", 24: "S-size",
    27: "G-polygon-syntax", 28: "G-circle-syntax", 29: "D-format", 30: "D-calendar",
    31: "D-implausible-year", 41: "S-drill-words",
}  # fmt: skip


@pytest.mark.parametrize("number", FLAGGED)
def test_a_hostile_message_carries_the_flag_that_names_its_trick(number: int, corpus: Path) -> None:
    path = next((corpus / "hostile").glob(f"{number:02d}-*"))
    assert FLAGGED[number] in {fault.rule for fault in cap.examine(path.read_bytes()).findings}


def test_a_circle_round_the_earth_is_not_known_and_the_whole_world_is(corpus: Path) -> None:
    huge = cap.examine(next((corpus / "hostile").glob("26-*")).read_bytes())
    assert huge.readable and huge.ground().outcome == "unresolved"
    assert "S-unresolved" in {fault.rule for fault in huge.hindrances()}
    world = cap.examine(next((corpus / "hostile").glob("25-*")).read_bytes())
    assert world.ground().geometry.bounds == (-180, -90, 180, 90)
