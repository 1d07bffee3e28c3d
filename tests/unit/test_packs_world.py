"""What a user of packs/world may rely on, read straight from its files."""

from __future__ import annotations

import csv
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

PACK = Path(__file__).resolve().parents[2] / "packs" / "world"


@pytest.fixture(scope="module")
def places() -> dict[str, dict[str, str]]:
    found = {}
    for name in ("countries.csv", "globe.csv"):
        with (PACK / "places" / name).open(encoding="utf-8", newline="") as stream:
            found |= {row["id"]: row for row in csv.DictReader(stream)}
    return found


@pytest.fixture(scope="module")
def layer() -> dict[str, Any]:
    layers = tomllib.loads((PACK / "places" / "geometry.toml").read_text(encoding="utf-8"))["layer"]
    assert len(layers) == 1
    return dict(layers[0])


def test_all_countries_of_iso_3166_are_there_once_with_both_names(places: dict[str, dict[str, str]]) -> None:
    assert len(places) == 250 and places["world"]["parent"] == ""
    for id, row in places.items():
        assert id == "world" or re.fullmatch(r"[a-z]{2}", id)
        assert row["name_en"].strip() and re.search(r"[\u4e00-\u9fff]", row["name_zh"])
    assert "xk" not in places


def test_areas_of_china_lie_under_it_and_are_named_with_it(places: dict[str, dict[str, str]]) -> None:
    names = {id: (places[id]["name_en"], places[id]["name_zh"]) for id in ("tw", "hk", "mo")}
    assert names == {
        "tw": ("Taiwan, Province of China", "中国台湾"),
        "hk": ("Hong Kong, China", "中国香港"),
        "mo": ("Macao, China", "中国澳门"),
    }
    assert {row["id"] for row in places.values() if row["parent"] == "cn"} == {"tw", "hk", "mo"}
    others = {row["parent"] for id, row in places.items() if id not in ("world", "tw", "hk", "mo")}
    assert others == {"world"}


def test_a_place_lies_below_one_of_a_higher_level(places: dict[str, dict[str, str]]) -> None:
    levels = tomllib.loads((PACK / "places" / "levels.toml").read_text(encoding="utf-8"))["level"]
    rank = {level["id"]: level["rank"] for level in levels}
    for row in places.values():
        if row["parent"]:
            assert rank[places[row["parent"]]["level"]] < rank[row["level"]], row["id"]


def test_population_is_a_number_or_unknown_and_never_zero(places: dict[str, dict[str, str]]) -> None:
    assert {id for id, row in places.items() if not row["population"]} == {"world", "aq", "bv", "hm", "um"}
    assert all(int(row["population"]) > 0 for row in places.values() if row["population"])
    assert all(row["population_year"] == "" for row in places.values())


def test_each_outline_with_a_code_is_a_place_and_each_code_is_drawn_once(
    places: dict[str, dict[str, str]], layer: dict[str, Any]
) -> None:
    document = json.loads((PACK / "places" / layer["file"]).read_text(encoding="utf-8"))
    features = document["objects"][layer["objects"]]["geometries"]
    codes = [f["properties"]["code"] for f in features if "code" in f["properties"]]
    assert len(codes) == len(set(codes)) == 235 and len(features) == 241
    assert all(layer["prefix"] + code in places for code in codes)
    assert {"cn", "tw", "de", "us", "ml", "au"} <= set(codes)


def test_the_map_is_light_and_tells_its_limits(layer: dict[str, Any]) -> None:
    assert (PACK / "places" / layer["file"]).stat().st_size < 800_000
    assert "no position" in layer["caution"]["en"] and "审图号" in layer["caution"]["zh"]
    notice = (PACK / "NOTICE.md").read_text(encoding="utf-8")
    for source in ("i18n-iso-countries", "GeoNames", "world-atlas", "Attribution 4.0"):
        assert source in notice
