"""What a user of packs/cn may rely on, read straight from its files."""

from __future__ import annotations

import csv
import gzip
import json
import re
import tomllib
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

PACK = Path(__file__).resolve().parents[2] / "packs" / "cn"
Versions = dict[str, list[dict[str, str]]]
PLACEHOLDERS = re.compile(r"^(市|县|市辖区|.*直辖.*行政(区划|单位))$")


def toml(path: str) -> dict[str, Any]:
    return tomllib.loads((PACK / path).read_text(encoding="utf-8"))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def covers(row: dict[str, str], day: str) -> bool:
    return row["from"] <= day and (not row["to"] or day < row["to"])


@pytest.fixture(scope="module")
def places() -> Versions:
    versions: Versions = {}
    for file in sorted((PACK / "places").glob("*.csv")):
        for row in rows(file):
            versions.setdefault(row["id"], []).append(row)
    return versions


@pytest.fixture(scope="module")
def laws() -> dict[str, dict[str, Any]]:
    return {path.stem: toml(f"laws/{path.name}") for path in (PACK / "laws").glob("*.toml")}


@pytest.fixture(scope="module")
def organs() -> dict[str, Any]:
    return toml("organs.toml")


def bases(laws: dict[str, Any], organs: dict[str, Any]) -> list[tuple[str, str, date | None, date | None]]:
    """(what cites, citation, from, until) of everything in the pack."""
    levels, categories = toml("levels.toml"), toml("categories.toml")
    found = [
        *((f"power of {p['organ']}", p["basis"], p["from"], p.get("to")) for p in organs["power"]),
        *((d["id"], d["basis"], d["from"], d.get("until")) for d in toml("duties.toml")["duty"]),
        *((h["id"], h["basis"], None, None) for h in categories["category"] + categories["hazard"]),
        *((p["id"], p["basis"], None, None) for p in toml("places/levels.toml")["level"]),
        *(
            (f"warning level {e['level']}", e["basis"], e["from"], e.get("to"))
            for e in levels["warning_level"]
        ),
        *(
            (f"response level {e['level']}", e["basis"], e["from"], e.get("to"))
            for e in levels["response_level"]
        ),
    ]
    for path in (PACK / "domains").glob("*/domain.toml"):
        domain = tomllib.loads(path.read_text(encoding="utf-8"))
        found.append((domain["id"], domain["basis"], None, None))
    for row in rows(PACK / "grades.csv"):
        found.append((f"grade of {row['hazard']}", row["basis"], date.fromisoformat(row["from"]), None))
    return found


def test_the_list_of_2024_is_complete(places: Versions) -> None:
    current = [row for versions in places.values() for row in versions if not row["to"]]
    count = {level: sum(row["level"] == level for row in current) for level in ("nation", "province")}
    assert count == {"nation": 1, "province": 34}
    assert sum(row["level"] == "city" for row in current) == 333
    assert sum(row["level"] == "county" for row in current) == 2849


def test_every_division_of_the_reference_list_stands_with_its_official_name(
    places: Versions, shared: Path
) -> None:
    missing = []
    for row in rows(shared / "data" / "geo-china" / "regions_2024.csv"):
        if row["code"] in ("110100", "120100", "310100", "500100") or PLACEHOLDERS.match(row["name"]):
            continue
        newest = places.get(f"cn/{row['code']}", [{"name_zh": "", "to": "x"}])[-1]
        if newest["to"] or newest["name_zh"] != row["name"]:
            missing.append(row)
    assert missing == []


def test_every_name_a_code_ever_had_is_a_version_within_the_lists_that_show_it(
    places: Versions, shared: Path
) -> None:
    wrong = []
    for pair in rows(shared / "data" / "geo-china" / "code_history_2002_2024.csv"):
        municipality = pair["code"][:2] in ("11", "12", "31", "50") and pair["code"][2:] in ("0100", "0200")
        if municipality or PLACEHOLDERS.match(pair["name"]):
            continue
        first = f"{pair['first_revision'][:4]}-{pair['first_revision'][4:]}-01"
        last = f"{pair['last_revision'][:4]}-{pair['last_revision'][4:]}-01"
        versions = [row for row in places.get(f"cn/{pair['code']}", []) if row["name_zh"] == pair["name"]]
        seen = any(covers(row, first) or row["from"] <= last for row in versions)
        if not seen or not any(covers(row, last) for row in versions):
            wrong.append(pair)
    assert wrong == []


def test_versions_of_a_place_follow_each_other_without_overlap(places: Versions) -> None:
    for id, versions in places.items():
        for earlier, later in pairwise(versions):
            assert earlier["to"] and earlier["to"] <= later["from"], id
        for row in versions:
            assert not (row["from"] and row["to"]) or row["from"] < row["to"], row


def test_every_parent_stands_for_all_of_the_time_of_its_child(places: Versions) -> None:
    for id, versions in places.items():
        for row in versions:
            if id == "cn/100000":
                assert row["parent"] == ""
                continue
            above = places[row["parent"]]
            days = [row["from"] or "0001-01-01", *(p["to"] for p in above if p["to"])]
            inside = [day for day in days if covers(row, day)]
            assert all(any(covers(p, day) for p in above) for day in inside), row
            assert row["to"] or any(not p["to"] for p in above), row


def test_places_have_both_names_and_no_placeholder_is_one(places: Versions) -> None:
    for versions in places.values():
        for row in versions:
            assert row["name_en"].strip() and row["name_zh"].strip()
            assert not PLACEHOLDERS.match(row["name_zh"]), row
            assert re.fullmatch(r"cn/\d{6}", row["id"])


def test_districts_of_a_municipality_lie_under_it_and_county_level_cities_under_their_province(
    places: Versions,
) -> None:
    assert places["cn/110105"][-1]["parent"] == "cn/110000"
    assert places["cn/429004"][-1]["parent"] == "cn/420000"
    assert places["cn/130102"][-1]["parent"] == "cn/130100"
    assert "cn/110100" not in places and "cn/419000" not in places


def test_an_abolished_place_ends_and_its_successor_begins_with_the_list_that_shows_it(
    places: Versions,
) -> None:
    assert places["cn/371200"][-1]["to"] == "2019-10-01"  # Laiwu, merged into Jinan
    assert places["cn/540600"][0]["from"] == "2018-10-01"  # Nagqu, a city since
    assert places["cn/110228"][-1]["to"] == places["cn/110118"][0]["from"] == "2016-07-01"  # Miyun


def test_population_is_that_of_the_census_and_otherwise_unknown(places: Versions, shared: Path) -> None:
    census = rows(shared / "data" / "geo-china" / "provinces_population_2020.csv")
    for row in census:
        place = places[f"cn/{row['code']}"][-1]
        assert (place["population"], place["population_year"]) == (
            row["population_2020"],
            "2020" if row["population_2020"] else "",
        )
    assert places["cn/100000"][0]["population"] == "1411778724"
    others = [r for v in places.values() for r in v if r["level"] in ("city", "county")]
    assert all(row["population"] == row["population_year"] == "" for row in others)


def test_a_replay_of_2020_finds_the_places_its_records_name(places: Versions, shared: Path) -> None:
    unknown = set()
    with gzip.open(shared / "data" / "covid-cn-2020" / "cn_daily.csv.gz", "rt", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            if re.fullmatch(r"\d{6}", row["code"]) and row["level"] in ("province", "city"):
                day = row["date"]
                if not any(covers(version, day) for version in places.get(f"cn/{row['code']}", [])):
                    unknown.add(row["code"])
    own_codes = {"136100", "400039", "401147", "715400"}  # the publisher's, for towns and zones
    former = {"542400", "410728"}  # the record still names two divisions abolished before 2020
    late = {"659005", "659007", "659008", "659009"}  # cities older than the first list that has them
    assert unknown == own_codes | former | late


def test_outlines_name_places_of_the_pack_and_warn_their_reader(places: Versions) -> None:
    layers = toml("places/geometry.toml")["layer"]
    assert [layer["level"] for layer in layers] == ["province", "city", "county"]
    for layer in layers:
        document = json.loads((PACK / "places" / layer["file"]).read_text(encoding="utf-8"))
        features = document["objects"][layer["objects"]]["geometries"]
        codes = [f["properties"]["code"] for f in features if "code" in f["properties"]]
        assert all(layer["prefix"] + code in places for code in codes)
        assert len(codes) == len(set(codes)) and len(codes) >= 0.85 * len(features)
        assert "review number" in layer["caution"]["en"] and "审图号" in layer["caution"]["zh"]
        assert layer["licence"] in ("MIT", "Apache-2.0")


def test_all_twenty_domains_are_there_in_order_with_a_basis(shared: Path) -> None:
    domains = [
        tomllib.loads(path.read_text(encoding="utf-8")) for path in (PACK / "domains").glob("*/domain.toml")
    ]
    wanted = rows(shared / "reference" / "china" / "security_domains.csv")
    assert sorted((d["order"], d["id"]) for d in domains) == [(int(r["order"]), r["id"]) for r in wanted]
    for row in wanted:
        domain = next(d for d in domains if d["id"] == row["id"])
        if row["national_security_law_2015_article"]:
            article = row["national_security_law_2015_article"]
            assert domain["basis"] == f"national-security-law-2015#{article}"


def test_every_type_of_event_of_the_reference_is_a_hazard_of_its_category(shared: Path) -> None:
    hazards = {h["id"]: h for h in toml("categories.toml")["hazard"]}
    domains = {path.parent.name for path in (PACK / "domains").glob("*/domain.toml")}
    for row in rows(shared / "reference" / "china" / "event_types.csv"):
        assert hazards[row["id"]]["category"] == row["category"]
    assert all(h["domain"] in domains for h in hazards.values())


def test_every_citation_is_an_article_of_the_pack_in_force_then(
    laws: dict[str, Any], organs: dict[str, Any]
) -> None:
    for what, basis, since, until in bases(laws, organs):
        law, _, article = basis.partition("#")
        assert article in {one["number"] for one in laws[law]["article"]}, (what, basis)
        assert since is None or since >= laws[law]["from"], (what, basis)
        ends = laws[law].get("to")
        assert ends is None or since is None or (until is not None and until <= ends), (what, basis)


def test_every_article_of_the_pack_is_in_the_text_of_the_statute(laws: dict[str, Any], shared: Path) -> None:
    texts = shared / "corpus" / "laws"
    for id, law in laws.items():
        if law["kind"] not in ("law", "regulation"):
            continue
        text = (texts / f"{id}.md").read_text(encoding="utf-8")
        last = len(re.findall(r"^第[零一二三四五六七八九十百]+条", text, re.MULTILINE))
        assert all(1 <= int(one["number"]) <= last for one in law["article"]), id
        assert all(one["gist"]["en"] and one["gist"]["zh"] for one in law["article"]), id


def test_laws_in_force_on_the_date_their_text_states(laws: dict[str, Any], shared: Path) -> None:
    for row in rows(shared / "corpus" / "laws" / "index.csv"):
        if row["id"] in laws and row["effective_date_in_text"]:
            assert laws[row["id"]]["from"] == date.fromisoformat(row["effective_date_in_text"]), row["id"]
    assert laws["emergency-response-law-2007"]["to"] == laws["emergency-response-law-2024"]["from"]
    assert laws["mineral-resources-law-2009"]["to"] == laws["mineral-resources-law-2024"]["from"]


def test_grades_are_those_of_the_reference_table(shared: Path) -> None:
    ours = rows(PACK / "grades.csv")
    theirs = rows(shared / "reference" / "china" / "event_grade_thresholds.csv")
    assert len(ours) == len(theirs)
    for our, their in zip(ours, theirs, strict=True):
        assert (our["grade"], our["lower"], our["upper"]) == (their["grade"], their["lower"], their["upper"])
        assert our["metric"].startswith(their["metric"]) and our["basis"].startswith(their["basis"])


def test_one_number_never_gives_two_grades() -> None:
    groups: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for row in rows(PACK / "grades.csv"):
        bounds = float(row["lower"] or "-inf"), float(row["upper"] or "inf")
        groups.setdefault((row["hazard"], row["metric"]), []).append(bounds)
    for key, bands in groups.items():
        for lower, higher in pairwise(sorted(bands)):
            assert lower[1] <= higher[0], key


def test_levels_are_four_at_any_time_since_the_law_of_2007() -> None:
    levels = toml("levels.toml")
    for kind in ("warning_level", "response_level"):
        for day in (date(2007, 11, 1), date(2024, 10, 31), date(2024, 11, 1), date(2026, 1, 1)):
            there = [e["level"] for e in levels[kind] if e["from"] <= day < e.get("to", date.max)]
            assert sorted(there) == [1, 2, 3, 4]
    severities = {e["level"]: e["severity"] for e in levels["warning_level"]}
    assert severities == {1: "Extreme", 2: "Severe", 3: "Moderate", 4: "Minor"}


def test_powers_belong_to_organs_of_known_places_within_their_time(
    organs: dict[str, Any], places: Versions
) -> None:
    by_id = {organ["id"]: organ for organ in organs["organ"]}
    hazards = {h["id"] for h in toml("categories.toml")["hazard"]}
    assert len(by_id) == len(organs["organ"])
    for organ in by_id.values():
        assert organ["place"] in places
        assert organ.get("parent") in by_id or organ["id"] == "cn/gov/100000"
    for power in organs["power"]:
        organ = by_id[power["organ"]]
        assert power["act"] in ("warn", "respond") and set(power.get("hazards", [])) <= hazards
        assert power["from"] >= organ.get("from", date.min)
        assert "to" not in organ or power["to"] <= organ["to"]


def test_each_mainland_province_and_city_may_warn_and_respond_now_and_in_2020(
    organs: dict[str, Any], places: Versions
) -> None:
    for day in (date(2020, 6, 14), date(2025, 1, 1)):
        able = {
            (power["organ"].removeprefix("cn/gov/"), power["act"])
            for power in organs["power"]
            if power["from"] <= day < power.get("to", date.max)
        }
        for id, versions in places.items():
            code = id.removeprefix("cn/")
            stands = any(covers(row, day.isoformat()) for row in versions)
            if (
                stands
                and versions[-1]["level"] in ("province", "city")
                and code[:2] not in ("71", "81", "82")
            ):
                assert {(code, "warn"), (code, "respond")} <= able, (id, day)


def test_reserved_warnings_are_not_in_the_general_power(organs: dict[str, Any]) -> None:
    reserved = {"nat.weather", "nat.typhoon", "nat.earthquake", "nat.geological", "nat.drought", "hea.food"}
    for power in organs["power"]:
        if power["act"] == "warn" and power["basis"].startswith("emergency-response-law"):
            assert power["hazards"] and not reserved & set(power["hazards"])
    assert not any(p["organ"].startswith(("cn/gov/71", "cn/gov/8")) for p in organs["power"])


def test_duties_state_the_limits_of_the_reference_and_end_with_their_law(shared: Path) -> None:
    duties = toml("duties.toml")["duty"]
    first = [
        d for d in duties if d["kind"] != "final" and not d["basis"].startswith("emergency-response-law-2007")
    ]
    reference = rows(shared / "reference" / "china" / "reporting_deadlines.csv")
    assert len(first) == len(reference)
    spelled = {"": "PT0S", "0": "PT0S", "1": "PT1H", "2": "PT2H", "4": "PT4H", "24": "PT24H", "720": "P30D"}
    for duty, row in zip(first, reference, strict=True):
        assert duty["limit"] == spelled[row["limit_hours"]], duty["id"]
        assert duty["basis"].startswith(row["basis"]) and duty["places"] == ["cn/100000"]
        assert duty["basis"].partition("#")[2] in row["article"].split(";")
    assert all(d["condition"] for d in duties)
    assert {d.get("until") for d in duties if "law-2007#" in d["basis"]} == {date(2024, 11, 1)}
