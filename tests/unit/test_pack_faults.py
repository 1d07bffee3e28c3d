"""Every kind of fault in a pack is reported with its file, its key and its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from anlan.model.errors import Fault, PackFault
from anlan.packs.check import check
from anlan.packs.load import load_pack
from sample_pack import DETECTORS, FILES, OVERLAY, changed, write

RULES = "domains/water/rules.toml"
PLANS = "domains/water/plans.toml"
SOURCES = "domains/water/sources.toml"
INDICATORS = "domains/water/indicators.toml"
PLACES = "places/all.csv"

# what breaks: (file, old text, new text), where the fault must point, words it must hold
CASES: dict[str, tuple[tuple[str, str, str], str, str]] = {
    # reading
    "TOML syntax": ((RULES, 'id = "high-water"', "id = high-water"), "line 3", "not TOML"),
    "an unknown key": ((RULES, "hold =", "holds ="), "rule[0].holds, line 10", "unknown key; found 'holds'"),
    "an unknown key of a band": (
        (RULES, "at_least = 4.0", "at_leest = 4.0"),
        "rule[0].band[0].at_leest, line 21",
        "at_least perhaps",
    ),
    "an unknown table": ((RULES, "[[rule]]", "[[rules]]"), "rules, line 2", "expected [[rule]]"),
    "a table that is no list": (
        ("recipients.toml", "[[recipient]]", "[recipient]"),
        "recipient, line 2",
        "[[",
    ),
    "an area of a recipient that crosses itself": (
        (
            "recipients.toml",
            'places = ["x"]',
            'places = ["x"]\narea = { type = "Polygon", coordinates = '
            "[[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]] }",
        ),
        "recipient[0].area",
        "no simple polygon",
    ),
    "a point of a recipient off the globe": (
        ("recipients.toml", 'places = ["x"]', 'places = ["x"]\npoint = { lon = 200.0, lat = 0.0 }'),
        "recipient[0].point",
        "longitude out of range",
    ),
    "a radius around no point": (
        ("recipients.toml", 'places = ["x"]', 'places = ["x"]\nradius_km = 5.0'),
        "recipient[0]",
        "a radius around no point",
    ),
    "a missing key": ((RULES, 'detector = "threshold"\n', ""), "rule[0].detector, line 2", "missing key"),
    "a missing date of a law": (("laws/act-2010.toml", "from = 2010-01-01\n", ""), "from", "missing key"),
    "a wrong type": ((RULES, "at_least = 4.0", 'at_least = "4"'), "rule[0].band[0].at_least", "found '4'"),
    "a string where a list belongs": (
        (RULES, 'places = ["level:province", "x"]', 'places = "x"'),
        "rule[0].places, line 12",
        "a list",
    ),
    "an integer written as text": ((PLANS, "warn_at = 3", 'warn_at = "3"'), "plan[0].warn_at", "an integer"),
    "true where a number belongs": (
        (PLANS, "warn_at = 3", "warn_at = true"),
        "plan[0].warn_at",
        "expected an integer",
    ),
    "a date in quotes": (
        (RULES, "from = 2010-01-01\nto = 2020-01-01", 'from = "2010-01-01"\nto = 2020-01-01'),
        "rule[0].band[1].from, line 29",
        "a date without quotes",
    ),
    "a validity that ends before it starts": (
        (RULES, "to = 2020-01-01", "to = 2009-01-01"),
        "rule[0].band[1].to, line 30",
        "ends before it starts",
    ),
    "a condition on a number that its detector never states": (
        (RULES, 'when = "alarm && value > 3.0"', 'when = "q_value <= 0.1"'),
        "rule[0].when",
        "threshold states no q-value",
    ),
    "a level without a colour": (
        (RULES, "level = 2", "level = 4"),
        "rule[0].band[0].level",
        "no warning level of that number is in force; found 4, 2010-01-01",
    ),
    "a duration that is none": ((RULES, 'hold = "P1D"', 'hold = "P1M"'), "rule[0].hold", "not a duration"),
    "a duration as a number": ((RULES, 'hold = "P1D"', "hold = 3600"), "rule[0].hold", "ISO 8601"),
    "a number that is none": ((RULES, "at_least = 4.0", "at_least = nan"), "band[0].at_least", "finite"),
    "a parameter that is no number": (
        (RULES, "limit = 3.0", "limit = inf"),
        "rule[0].params.limit",
        "finite",
    ),
    "one language only": (
        (RULES, 'title = { en = "high water", zh = "高水位" }', 'title = { en = "high water" }'),
        "rule[0].title.zh, line 4",
        "missing key",
    ),
    "an empty language": ((RULES, 'zh = "高水位"', 'zh = ""'), "rule[0].title", "both languages"),
    "an unknown unit": ((INDICATORS, 'unit = "m"', 'unit = "ell"'), "indicator[0]", "unknown unit"),
    "a level that is none": ((RULES, "level = 2", "level = 5"), "rule[0].band[0]", "no such level"),
    "an unknown role": (("users.toml", '"duty"', '"boss"'), "user[0].grant[0]", "no such role"),
    "an id used twice": (
        (INDICATORS, "[[indicator]]", FILES[INDICATORS] + "\n[[indicator]]"),
        "indicator[1], line 13",
        "defined twice",
    ),
    "a law in a file of another name": (
        ("laws/old-act.toml", 'id = "old-act"', 'id = "older-act"'),
        "id, line 2",
        "name of the file",
    ),
    "a pack in a folder of another name": (
        ("pack.toml", '"tiny"', '"teeny"'),
        "id, line 2",
        "name of the folder",
    ),
    # CSV
    "CSV columns": ((PLACES, "name_zh,level", "name_zh,rank"), "line 1", "not the columns"),
    "CSV columns that may be there": ((PLACES, "name_zh,level", "name_zh,rank"), "line 1", "radius_km"),
    "CSV cells": ((PLACES, "x/b,Beta,乙,province,x,,,,", "x/b,Beta,乙"), "line 5", "number of cells"),
    "CSV quotes": ((PLACES, "x/b,Beta", 'x/b,"Beta'), "line", "not CSV"),
    "a CSV date": ((PLACES, "2000-01-01,2015", "2000-13-01,2015"), "from, line 3", "not a date"),
    "a CSV integer": ((PLACES, ",1000,2020", ",many,2020"), "population, line 2", "not an integer"),
    "a negative population": ((PLACES, ",1000,2020", ",-1,2020"), "line 2", "below zero"),
    "a place without a name": ((PLACES, "x/b,Beta,乙", "x/b,Beta,"), "name_zh, line 5", "empty cell"),
    "a CSV number": (("grades.csv", "10,30,true", "ten,30,true"), "lower, line 2", "not a number"),
    "a CSV flag": (("grades.csv", "10,30,true", "10,30,yes"), "lower_inclusive, line 2", "true"),
    "a CSV instant": (
        ("domains/water/events.csv", "2016-07-01T00:00:00Z", "2016-07-01T00:00:00"),
        "start, line 2",
        "time zone",
    ),
    "an event that ends before it starts": (
        ("domains/water/events.csv", "2016-07-09", "2016-06-09"),
        "end, line 2",
        "ends before it starts",
    ),
    # places
    "an unknown place level": ((PLACES, "乙,province", "乙,shire"), "level, line 5", "'shire'"),
    "a parent that is missing": (
        (PLACES, "province,x,,,,\nx/c", "province,y,,,,\nx/c"),
        "parent, line 5",
        "'y'",
    ),
    "a parent not in force": (
        (PLACES, "x,Land,国,nation,,,,", "x,Land,国,nation,,2005-01-01,,"),
        "parent, line 3",
        "no x on 2000-01-01",
    ),
    "two versions of a place at once": (
        (PLACES, "province,x,2015-01-01,", "province,x,2014-01-01,"),
        "from, line 4",
        "at the same time",
    ),
    "places in a circle": (
        (PLACES, "x,Land,国,nation,,", "x,Land,国,nation,x/b,"),
        "parent, line 2",
        "circle",
    ),
    "a place under its equal": (
        (PLACES, "乙,province,x,", "乙,province,x/c,"),
        "parent, line 5",
        "higher level",
    ),
    # references
    "a rule of an unknown indicator": (
        (RULES, 'indicator = "stage"', 'indicator = "stages"'),
        "rule[0].indicator, line 5",
        "stage perhaps",
    ),
    "a rule of an unknown hazard": (
        (RULES, 'hazard = "flood"', 'hazard = "fire"'),
        "rule[0].hazard",
        "'fire'",
    ),
    "a rule at an unknown place": ((RULES, '"x"]', '"y"]'), "rule[0].places[1], line 12", "no such place"),
    "a rule at an unknown level": ((RULES, "level:province", "level:shire"), "rule[0].places[0]", "level"),
    "an indicator of an unknown domain": ((INDICATORS, '"water"', '"wine"'), "indicator[0].domain", "domain"),
    "a source of an unknown indicator": (
        (SOURCES, '["stage"]', '["flow"]'),
        "source[0].indicators[0]",
        "flow",
    ),
    "a source without its file": (
        (SOURCES, "data/stage.csv", "data/gone.csv"),
        "source[0].options.file, line 13",
        "no such data file",
    ),
    "a source dead before it is late": ((SOURCES, '"P7D"', '"P1D"'), "source[0].dead_after", "before it is"),
    "a hazard of an unknown category": (
        ("categories.toml", 'category = "natural"', 'category = "social"'),
        "hazard[0].category",
        "'social'",
    ),
    "a CAP category that is none": (
        ("categories.toml", 'cap_category = "Met"', 'cap_category = "Water"'),
        "hazard[0].cap_category",
        "no such word",
    ),
    "a severity that is none": (("levels.toml", '"Extreme"', '"Awful"'), "warning_level[0].severity", "word"),
    "an event of an unknown hazard": (
        ("domains/water/events.csv", "flood-2016,flood", "flood-2016,fire"),
        "hazard, line 2",
        "'fire'",
    ),
    "an event at an unknown place": (
        ("domains/water/events.csv", "flood,x/a", "flood,x/z"),
        "place, line 2",
        "'x/z'",
    ),
    "an event before its place": (
        ("domains/water/events.csv", "2016-07-01", "1999-07-01"),
        "place, line 2",
        "did not exist",
    ),
    "a user of an unknown organ": (("users.toml", '"office"', '"bureau"'), "user[0].organ, line 4", "bureau"),
    "a user at an unknown place": (
        ("users.toml", 'place = "x"', 'place = "y"'),
        "user[0].grant[0].place",
        "'y'",
    ),
    "a user of an unknown language": (("users.toml", '"en"', '"fr"'), "user[0].language", "'fr'"),
    "a recipient at an unknown place": (
        ("recipients.toml", 'places = ["x"]', 'places = ["y"]'),
        "recipient[0].places[0]",
        "'y'",
    ),
    "a recipient of an unknown hazard": (
        ("recipients.toml", '["flood"]', '["fire"]'),
        "recipient[0].hazards[0]",
        "'fire'",
    ),
    "an organ at an unknown place": (("organs.toml", 'place = "x"', 'place = "y"'), "organ[0].place", "'y'"),
    "an organ under an unknown one": (
        ("organs.toml", 'parent = "office"', 'parent = "o"'),
        "organ[1].parent",
        "'o'",
    ),
    "organs in a circle": (
        ("organs.toml", 'place = "x"\n', 'place = "x"\nparent = "office-a"\n'),
        "organ[0].parent",
        "circle",
    ),
    "a blank in an id": (
        (RULES, 'id = "high-water"', 'id = "high water"'),
        "rule[0].id, line 3",
        "without blanks",
    ),
    "a key left empty": (
        (RULES, 'detector = "threshold"', 'detector = ""'),
        "rule[0].detector",
        "not be empty",
    ),
    # law
    "a power of an unknown organ": (
        ("organs.toml", 'organ = "office-a"\nact = "respond"', 'organ = "nobody"\nact = "respond"'),
        "power[2].organ",
        "no such organ",
    ),
    "a power for an unknown hazard": (
        ("organs.toml", '["flood"]', '["fire"]'),
        "power[1].hazards[0]",
        "'fire'",
    ),
    "a power for an unknown act": (
        ("organs.toml", '"respond"', '"command"'),
        "power[2].act",
        "warn, respond",
    ),
    "a power for a level that is none": (
        ("organs.toml", "[1, 2]", "[1, 9]"),
        "power[0].levels[1]",
        "found 9",
    ),
    "a power without a date": (
        ("organs.toml", 'basis = "act-2010#6"\nfrom = 2010-01-01\n', 'basis = "act-2010#6"\n'),
        "power[2].from",
        "no date",
    ),
    "a power on an unknown law": (("organs.toml", "act-2010#6", "act-1#6"), "power[2].basis", "no such law"),
    "a power on an unknown article": (
        ("organs.toml", "act-2010#6", "act-2010#99"),
        "power[2].basis",
        "no such article",
    ),
    "a power on no article": (("organs.toml", "act-2010#6", "custom"), "power[2].basis", "cites no article"),
    "a power on nothing": (("organs.toml", "act-2010#6", " "), "power[2].basis", "no basis"),
    "a power before its law": (
        ("organs.toml", 'basis = "act-2010#6"\nfrom = 2010-01-01', 'basis = "act-2010#6"\nfrom = 2009-01-01'),
        "power[2].basis",
        "not in force throughout",
    ),
    "a power on a repealed law": (
        ("organs.toml", "act-2010#6", "old-act#1"),
        "power[2].basis",
        "not in force",
    ),
    "a power longer than its organ": (
        ("organs.toml", 'place = "x"\n', 'place = "x"\nto = 2020-01-01\n'),
        "power[0].organ",
        "organ does not exist",
    ),
    "a duty at an unknown place": (("duties.toml", '"x/a"', '"x/z"'), "duty[0].places[0]", "'x/z'"),
    "a duty of an unknown kind": (("duties.toml", 'kind = "first"', 'kind = "1st"'), "duty[0].kind", "word"),
    "a duty whose clock never starts": (
        ("duties.toml", '"incident_opened"', '"noon"'),
        "duty[0].clock_starts",
        "incident_opened",
    ),
    "a duty without a date": (("duties.toml", "from = 2010-01-01\n", ""), "duty[0].from", "no date"),
    "a level twice at a time": (
        ("levels.toml", "level = 2\ncolour", "level = 1\ncolour"),
        "warning_level[1].from",
        "two versions",
    ),
    "a level on an unknown article": (
        ("levels.toml", "act-2010#6", "act-2010#8"),
        "response_level[0].basis",
        "8",
    ),
    "a grade that is none": (("grades.csv", "flood,2,", "flood,7,"), "grade, line 2", "no such grade"),
    "a grade upside down": (("grades.csv", "10,30,true", "40,30,true"), "lower, line 2", "above the upper"),
    "a grade of an unknown hazard": (("grades.csv", "flood,2,", "fire,2,"), "hazard, line 2", "'fire'"),
    "an article twice": (
        ("laws/act-2010.toml", 'number = "6"', 'number = "5"'),
        "article[1].number",
        "twice",
    ),
    # rules
    "two bands of a level at once": (
        (RULES, "from = 2010-01-01\nto = 2020-01-01", "from = 2010-01-01\nto = 2021-01-01"),
        "rule[0].band[2].from, line 36",
        "two bands of one level",
    ),
    "a band without a date": (
        (RULES, 'basis = "act-2010#5"\nfrom = 2020-01-01', 'basis = "act-2010#5"'),
        "rule[0].band[2].from",
        "no date",
    ),
    "a band before its law": (
        (RULES, "from = 2010-01-01\nto", "from = 2009-01-01\nto"),
        "rule[0].band[1].basis",
        "not in force throughout",
    ),
    "a band outside its rule": (
        (RULES, "hold =", "to = 2011-01-01\nhold ="),
        "rule[0].band[2].from",
        "never in force together",
    ),
    "CEL syntax": (
        (RULES, "alarm && value", "alarm &&& value"),
        "rule[0].when, line 8",
        "not a CEL expression",
    ),
    "a CEL variable": ((RULES, "value > 3.0", "valu > 3.0"), "rule[0].when", "found valu"),
    "CEL operands": ((RULES, "value > 3.0", "value > 'x'"), "rule[0].when", "operands do not fit"),
    "CEL that is no bool": ((RULES, "alarm && value > 3.0", "value + 1.0"), "rule[0].when", "no yes or no"),
    "an unknown detector": ((RULES, '"threshold"', '"oracle"'), "rule[0].detector", "no such detector"),
    "an unknown parameter": (
        (RULES, "limit = 3.0", "limits = 3.0"),
        "rule[0].params.limits",
        "no such param",
    ),
    "a missing parameter": ((RULES, "limit = 3.0", ""), "rule[0].params.limit", "needs a parameter"),
    "a parameter of a wrong type": (
        (RULES, "limit = 3.0", 'limit = "3"'),
        "rule[0].params.limit",
        "wrong type",
    ),
    "a parameter of no known word": (
        (RULES, "limit = 3.0", 'limit = 3.0\ndirection = "sideways"'),
        "rule[0].params.direction",
        "at_least | at_most",
    ),
    "a placeholder of say": ((RULES, "{place}: {value}", "{place}: {worth}"), "rule[0].say.en", "{worth}"),
    "braces that do not close": ((RULES, "{place}: {value}", "{place: {value}"), "rule[0].say.en", "braces"),
    # plans
    "a placeholder of a template": (
        (PLANS, "in {area}", "in {where}"),
        "plan[0].template.headline.en",
        "{where}",
    ),
    "a plan for an unknown hazard": ((PLANS, '["flood"]', '["fire"]'), "plan[0].hazards[0]", "'fire'"),
    "a plan for no hazard": ((PLANS, '["flood"]', "[]"), "plan[0].hazards", "never applies"),
    "a plan at an unknown place": ((PLANS, 'places = ["x"]', 'places = ["y"]'), "plan[0].places[0]", "'y'"),
    "a plan of an unknown issuer": ((PLANS, 'issuer = "office"', 'issuer = "o"'), "plan[0].issuer", "'o'"),
    "a plan of an unknown recipient": (
        (PLANS, '["desk"]\nbasis', '["d"]\nbasis'),
        "plan[0].recipients[0]",
        "'d'",
    ),
    "a rung of an unknown recipient": (
        (PLANS, '30M"\nrecipients = ["desk"]', '30M"\nrecipients = ["d"]'),
        "rung[0]",
        "d",
    ),
    "a rung without a pause": ((PLANS, "PT30M", "PT0S"), "plan[0].rung[0].after", "waits for no answer"),
    "a task of an unknown owner": (
        (PLANS, 'owner = "office-a"', 'owner = "o"'),
        "plan[0].task[0].owner",
        "'o'",
    ),
    "a task after an unknown one": ((PLANS, '["boats"]', '["tents"]'), "plan[0].task[1].after[0]", "'tents'"),
    "a task after itself": ((PLANS, '["boats"]', '["shelter"]'), "plan[0].task[1].after", "waits for itself"),
    "a task twice": ((PLANS, 'id = "shelter"', 'id = "boats"'), "plan[0].task[1].id", "twice"),
    "a task on an unknown article": (
        (PLANS, 'act-2010#6"\nlevels', 'act-2010#9"\nlevels'),
        "task[0].basis",
        "9",
    ),
    "a response to no level": ((PLANS, "4 = 4", "5 = 4"), "plan[0].response.5", "no such warning level"),
    "a response of no level": ((PLANS, "4 = 4", "4 = 0"), "plan[0].response.4", "no such response level"),
    "a level without a response": ((PLANS, "2 = 2, ", ""), "plan[0].response", "has no response level"),
    # geometry
    "a geometry file that is gone": (
        ("places/geometry.toml", "provinces.json", "gone.json"),
        "layer[0].file, line 3",
        "no such geometry file",
    ),
    "a geometry file that is none": (
        ("places/provinces.json", '"Topology"', '"Poem"'),
        "layer[0].file, line 3",
        "no geometry file",
    ),
    "a geometry file that is broken": (
        ("places/provinces.json", '"transform"', '"arcs_": 1, "transform'),
        "layer[0].file, line 3",
        "neither TopoJSON nor GeoJSON",
    ),
    "a geometry key no feature has": (
        ("places/geometry.toml", 'key = "code"', 'key = "kode"'),
        "layer[0].key, line 5",
        "no feature",
    ),
}


def faults_of(folder: Path) -> list[Fault]:
    return check(folder, [], DETECTORS)[0]


def test_the_sample_has_no_fault(tmp_path: Path) -> None:
    assert faults_of(write(tmp_path / "tiny", FILES)) == []


@pytest.mark.parametrize("name", CASES)
def test_is_reported_with_file_and_key(name: str, tmp_path: Path) -> None:
    (file, old, new), where, words = CASES[name]
    faults = faults_of(write(tmp_path / "tiny", changed(file, old, new)))
    hits = [fault for fault in faults if where in fault.where and words in fault.sentence()]
    assert hits, "\n".join(fault.sentence() for fault in faults) or "no fault at all"
    # a drawing is faulted where the pack names it
    assert {fault.file for fault in hits} == {file.replace("provinces.json", "geometry.toml")}


def test_all_faults_come_at_once(tmp_path: Path) -> None:
    files = changed(RULES, 'hazard = "flood"', 'hazard = "fire"')
    files["users.toml"] = files["users.toml"].replace('"office"', '"bureau"')
    files["duties.toml"] = files["duties.toml"].replace('"PT2H"', '"soon"')
    with pytest.raises(PackFault) as caught:
        load_pack(write(tmp_path / "tiny", files))
    assert {fault.file for fault in caught.value.faults} == {RULES, "users.toml", "duties.toml"}


def test_a_broken_table_is_not_missed_by_those_who_name_it(tmp_path: Path) -> None:
    faults = faults_of(write(tmp_path / "tiny", changed("categories.toml", 'domain = "water"', "domain = 7")))
    assert [fault.where for fault in faults] == ["hazard[0].domain, line 13"]


def test_an_unreadable_file_hides_no_faults_behind_a_flood_of_others(tmp_path: Path) -> None:
    faults = faults_of(write(tmp_path / "tiny", changed("categories.toml", "[[hazard]]", "[[hazard")))
    assert [fault.file for fault in faults] == ["categories.toml"]


#: four names that nothing has, in the plan of the sample
NAMES = (('issuer = "office"', 'issuer = "bureau"'), ('lead = "office"', 'lead = "bureau"'))


def plan_with(*changes: tuple[str, str]) -> dict[str, str]:
    text = FILES[PLANS]
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return {**FILES, PLANS: text}


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('valid = "P1D"', 'valid = "1 day"', "valid"),
        ("warn_at = 3", 'warn_at = "three"', "warn_at"),
        ("warn_at = 3\n", "", "warn_at"),
        ("warn_at = 3", "warn_at = 3\nwarm_at = 3", "warm_at"),
    ],
)
def test_a_fault_of_form_does_not_hide_what_the_table_names(
    old: str, new: str, key: str, tmp_path: Path
) -> None:
    alone = faults_of(write(tmp_path / "one" / "tiny", plan_with((old, new))))
    assert [fault.where.partition(",")[0] for fault in alone] == [f"plan[0].{key}"], "no cascade"
    both = faults_of(write(tmp_path / "two" / "tiny", plan_with((old, new), *NAMES)))
    assert {fault.where.partition(",")[0] for fault in both} == {
        f"plan[0].{key}",
        "plan[0].issuer",
        "plan[0].lead",
    }


def test_what_is_wrong_itself_is_not_reported_twice(tmp_path: Path) -> None:
    faults = faults_of(write(tmp_path / "tiny", plan_with(('issuer = "office"', "issuer = 7"))))
    assert [(fault.where.partition(",")[0], fault.message) for fault in faults] == [
        ("plan[0].issuer", "wrong type")
    ]


def test_a_row_with_a_wrong_cell_is_still_asked_for_its_parent(tmp_path: Path) -> None:
    files = changed(PLACES, "x/b,Beta,乙,province,x,,,,", "x/b,Beta,乙,province,y,,,many,")
    faults = faults_of(write(tmp_path / "tiny", files))
    assert {fault.where.partition(",")[0] for fault in faults} == {"population", "parent"}


def test_an_unreadable_file_hides_no_faults_of_others(tmp_path: Path) -> None:
    files = {**plan_with(*NAMES), RULES: "this is = no TOML ="}
    faults = faults_of(write(tmp_path / "tiny", files))
    assert {(fault.file, fault.where.partition(",")[0]) for fault in faults} == {
        (RULES, "line 1"),
        (PLANS, "plan[0].issuer"),
        (PLANS, "plan[0].lead"),
    }


#: what the linter reads beside the manifest; what lies under data/ is read by sources
READ = sorted(
    name
    for name in FILES
    if name.endswith((".toml", ".csv")) and name != "pack.toml" and not name.startswith("data/")
)


@pytest.mark.parametrize("file", READ)
def test_a_file_that_cannot_be_read_is_one_fault_and_no_flood(file: str, tmp_path: Path) -> None:
    broken = 'a,"b' if file.endswith(".csv") else "[[a"
    faults = faults_of(write(tmp_path / "tiny", {**FILES, file: broken}))
    assert {fault.file for fault in faults} == {file}


@pytest.mark.parametrize(
    "file",
    ["../../secret.json", "/etc/passwd", "../../../../../../etc/passwd", "link.json"],
)
def test_geometry_that_leads_out_of_the_pack_is_refused_and_not_read(file: str, tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_text("secret")
    files = changed("places/geometry.toml", '"provinces.json"', f'"{file}"')
    folder = write(tmp_path / "tiny", files)
    (folder / "places" / "link.json").symlink_to(tmp_path / "secret.json")
    faults = faults_of(folder)
    assert [(fault.where, fault.message, fault.found) for fault in faults] == [
        ("layer[0].file, line 3", "leads out of the pack", file)
    ]
    with pytest.raises(PackFault, match="leads out of the pack"):
        load_pack(folder)


@pytest.mark.parametrize(
    "file", ["../secret.csv", "data/../../secret.csv", "shared:../secret.csv", "shared:/etc/passwd"]
)
def test_a_data_file_that_leads_out_of_its_folder_is_refused(file: str, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("date,stage\n2016-07-01,4.4\n")
    faults = faults_of(write(tmp_path / "tiny", changed(SOURCES, "data/stage.csv", file)))
    assert [(fault.where.partition(",")[0], fault.message, fault.found) for fault in faults] == [
        ("source[0].options.file", "leads out of its folder", file)
    ]


def test_a_recorded_file_that_leads_out_is_refused(tmp_path: Path) -> None:
    files = changed(SOURCES, 'file = "data/stage.csv"', 'file = "data/stage.csv"\nrecorded = ["../a.csv"]')
    faults = faults_of(write(tmp_path / "tiny", files))
    assert [fault.where.partition(",")[0] for fault in faults] == ["source[0].options.recorded[0]"]


def test_a_file_that_nothing_reads_is_reported(tmp_path: Path) -> None:
    faults = faults_of(write(tmp_path / "tiny", {**FILES, "domains/water/rule.toml": ""}))
    assert [fault.file for fault in faults] == ["domains/water/rule.toml"]


def test_text_that_is_not_utf8_is_reported(tmp_path: Path) -> None:
    folder = write(tmp_path / "tiny", FILES)
    (folder / "users.toml").write_bytes(b'[[user]]\nname = "\xff"\n')
    faults = faults_of(folder)
    assert [(fault.file, fault.where) for fault in faults] == [("users.toml", "byte 17")]


def test_a_broken_link_is_reported(tmp_path: Path) -> None:
    folder = write(tmp_path / "tiny", FILES)
    (folder / "data" / "link.csv").symlink_to("nowhere")
    assert [(fault.file, fault.message) for fault in faults_of(folder)] == [
        ("data/link.csv", "cannot be read")
    ]


def test_a_file_name_that_no_file_can_have_is_reported(tmp_path: Path) -> None:
    files = changed(SOURCES, "data/stage.csv", "x" * 5000)
    faults = faults_of(write(tmp_path / "tiny", files))
    assert [fault.message for fault in faults] == ["no such data file"]
    assert len(faults[0].found) < 200


def test_an_empty_table_file_is_reported(tmp_path: Path) -> None:
    faults = faults_of(write(tmp_path / "tiny", {**FILES, "grades.csv": ""}))
    assert [(fault.file, fault.where) for fault in faults] == [("grades.csv", "line 1")]


def test_a_missing_pack_names_those_there_are(tmp_path: Path) -> None:
    write(tmp_path / "tiny", FILES)
    with pytest.raises(PackFault) as caught:
        load_pack("large", [tmp_path])
    assert "tiny" in caught.value.faults[0].expected
    assert str(tmp_path) in caught.value.faults[0].expected


def test_a_missing_base_is_the_only_fault(tmp_path: Path) -> None:
    write(tmp_path / "over", {**OVERLAY, "users.toml": FILES["users.toml"]})
    with pytest.raises(PackFault) as caught:
        load_pack("over", [tmp_path])
    assert [(fault.file, fault.where) for fault in caught.value.faults] == [
        ("pack.toml", "extends[0], line 6")
    ]


def test_packs_that_extend_each_other_are_reported(tmp_path: Path) -> None:
    write(
        tmp_path / "tiny",
        changed("pack.toml", 'licence = "Apache-2.0"', 'licence = "MIT"\nextends = ["over"]'),
    )
    write(tmp_path / "over", OVERLAY)
    with pytest.raises(PackFault, match="over -> tiny -> over"):
        load_pack("over", [tmp_path])


def test_a_fault_in_a_base_names_the_base(tmp_path: Path) -> None:
    write(tmp_path / "tiny", changed(RULES, 'hazard = "flood"', 'hazard = "fire"'))
    write(tmp_path / "over", OVERLAY)
    assert {fault.file for fault in check("over", [tmp_path])[0]} == {f"tiny:{RULES}"}


def test_warnings_name_what_deserves_a_look(tmp_path: Path) -> None:
    files = changed("places/provinces.json", '"code": "b"', '"code": "zz"')
    files[SOURCES] = files[SOURCES].replace("data/stage.csv", str(tmp_path / "stage.csv"))
    files[RULES] = files[RULES].replace("alarm && value > 3.0", "alarm && !alarm")
    write(tmp_path, {"stage.csv": "date,stage\n"})
    faults, warnings = check(write(tmp_path / "tiny", files), [], DETECTORS)
    assert faults == []
    told = {warning.message: warning.found for warning in warnings}
    assert told["features of no place of the pack"] == "1: x/zz"
    assert told["places of this level without an outline"] == "1: x/b"
    assert told["outlines repaired when read"] == "1: x/c"
    assert "no sample makes the condition true" in told
    assert any("digest does not cover" in message for message in told)
