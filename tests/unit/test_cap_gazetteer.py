"""A pack says what the codes of a scheme mean on the ground, and on which days."""

from __future__ import annotations

import gzip
import json
from datetime import date
from pathlib import Path

import pytest

from anlan.formats.cap.examine import examine
from anlan.formats.cap.gazetteer import Gazetteer, gazetteer_of, read_gazetteer
from anlan.model.errors import PackFault, Unreadable
from anlan.packs.load import load_pack

PACK = """id = "codes"
version = "1"
title = { en = "Codes", zh = "编码" }
licence = "CC0"
"""
SCHEMES = """[[scheme]]
scheme = "TEST"
file = "old.jsonl"
licence = "CC0"
source = "made for the test"
to = 2024-01-01

[[scheme]]
scheme = "TEST"
file = "new.jsonl.gz"
licence = "CC0"
source = "made for the test"
from = 2024-01-01
"""
MESSAGE = """<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>1</identifier><sender>s</sender>
<sent>{sent}</sent><status>Actual</status><msgType>Alert</msgType><scope>Public</scope><info><category>Met</category>
<event>wind</event><urgency>Future</urgency><severity>Minor</severity><certainty>Likely</certainty>
<expires>2099-01-01T00:00:00-00:00</expires><area><areaDesc>somewhere</areaDesc>{codes}</area></info></alert>"""


def box(west: float) -> dict[str, object]:
    ring = [[west, 0], [west + 1, 0], [west + 1, 1], [west, 1], [west, 0]]
    return {"type": "Polygon", "coordinates": [ring]}


def line(code: str, west: float, **more: str) -> str:
    return json.dumps({"code": code, "geometry": box(west), **more}) + "\n"


def geocodes(*values: str, scheme: str = "TEST") -> str:
    return "".join(
        f"<geocode><valueName>{scheme}</valueName><value>{value}</value></geocode>" for value in values
    )


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    places = tmp_path / "codes" / "places"
    places.mkdir(parents=True)
    (tmp_path / "codes" / "pack.toml").write_text(PACK, encoding="utf-8")
    (places / "geocodes.toml").write_text(SCHEMES)
    (places / "old.jsonl").write_text(line("A", 10))
    (places / "new.jsonl.gz").write_bytes(gzip.compress((line("A", 20) + line("B", 30)).encode()))
    return tmp_path / "codes"


def test_a_code_means_what_it_meant_on_the_day_of_sending(pack: Path) -> None:
    gazetteer = gazetteer_of(load_pack(pack))
    found = {}
    for year in ("2023", "2024"):
        raw = MESSAGE.format(sent=f"{year}-06-01T00:00:00-00:00", codes=geocodes("A")).encode()
        ground = examine(raw).ground(gazetteer)
        assert ground.outcome == "geocode"
        found[year] = ground.geometry.bounds[0]
    assert found == {"2023": 10, "2024": 20}


def test_several_codes_in_one_value_are_read_apart(pack: Path) -> None:
    raw = MESSAGE.format(sent="2024-06-01T00:00:00-00:00", codes=geocodes("A B")).encode()
    ground = examine(raw).ground(gazetteer_of(load_pack(pack)))
    assert (ground.outcome, ground.geometry.area) == ("geocode", 2)


def test_an_area_with_a_code_that_nobody_knows_is_unresolved_and_not_published(pack: Path) -> None:
    raw = MESSAGE.format(sent="2024-06-01T00:00:00-00:00", codes=geocodes("A", "Z")).encode()
    found = examine(raw)
    gazetteer = gazetteer_of(load_pack(pack))
    ground = found.ground(gazetteer)
    assert found.readable
    assert ground.outcome == "unresolved"
    assert [record.found for record in ground.records] == ["TEST: Z"]
    assert [fault.rule for fault in found.hindrances(gazetteer)] == ["S-unresolved"]
    # one scheme that is known whole is enough
    both = geocodes("A", "Z") + geocodes("B", scheme="OTHER")
    other = Gazetteer(read_gazetteer(pack / "places" / "new.jsonl.gz", "OTHER"))
    raw = MESSAGE.format(sent="2024-06-01T00:00:00-00:00", codes=both).encode()
    assert examine(raw).ground(other).outcome == "geocode"
    assert examine(raw).hindrances(other) == []


def test_days_of_a_line_go_before_those_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "codes.jsonl"
    path.write_text(line("A", 0, valid_to="2019-12-31") + line("A", 5, valid_from="2020-01-01"))
    gazetteer = Gazetteer(read_gazetteer(path, "TEST"))
    assert gazetteer.find("TEST", "A", date(2019, 12, 31)).bounds[0] == 0
    assert gazetteer.find("TEST", "A", date(2020, 1, 1)).bounds[0] == 5
    assert gazetteer.find("TEST", "A").bounds[0] == 5
    assert gazetteer.find("TEST", "B") is None


@pytest.mark.parametrize(
    "text",
    ["[]", "{}", '{"code": "A"}', '{"code": "A", "geometry": {"type": "Point", "coordinates": [1, 2]}}', "x"],
)
def test_a_line_that_is_no_code_is_refused_by_its_number(text: str, tmp_path: Path) -> None:
    path = tmp_path / "codes.jsonl"
    path.write_text(line("A", 0) + text + "\n")
    with pytest.raises(Unreadable, match=r"codes\.jsonl line 2"):
        read_gazetteer(path, "TEST")


def test_a_pack_without_the_file_of_its_scheme_is_refused(pack: Path) -> None:
    (pack / "places" / "old.jsonl").unlink()
    with pytest.raises(PackFault, match="no such geometry file"):
        load_pack(pack)
