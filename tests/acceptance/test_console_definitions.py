"""Changes of definition and sums of parts on the analyst page: said, marked, and no jump or fall."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from desk import MemoryDesk
from deskpack import LAW, NOW, outlines
from deskserver import application, served, sign_in
from litestar.testing import TestClient
from test_console_series import DATA, DAY, SERIES, WIDTHS, browser, drawn, ready, signed_in

from anlan.model.indicator import Definition
from anlan.model.pack import GeometryLayer
from anlan.model.text import Text
from anlan.model.time import Validity, format_instant

__all__ = ["browser"]  # a fixture
NATION = "/series/covid-cases/cn"
CHANGED = (NOW - 20 * DAY).date()


def defined(layer: GeometryLayer) -> MemoryDesk:
    """Beijing counts otherwise from a date on; the nation is the sum of its provinces."""
    desk = MemoryDesk(layer)
    definition = Definition(
        Text("Without symptoms counted too", "无症状感染者计入"),
        f"{LAW}#64",
        Validity(CHANGED),
        ("cn/110000",),
        timedelta(0),
    )
    indicator = replace(desk.pack.indicators["covid-cases"], sum_to_parent=True, definitions=(definition,))
    rule = replace(desk.pack.rules["covid-restart"], places=("level:province", "cn"))
    desk.pack = replace(desk.pack, indicators={indicator.id: indicator}, rules={rule.id: rule})
    return desk


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient[Any]]:
    with TestClient(application(defined(outlines(tmp_path)))) as client:
        yield client


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(defined(outlines(tmp_path_factory.mktemp("map")))) as address:
        yield address


def test_a_change_of_definition_is_a_mark_with_its_basis(client: TestClient[Any]) -> None:
    sign_in(client, "chen.approver")
    document = client.get(DATA).json()
    (mark,) = document["series"][0]["marks"]
    assert (document["axis"][mark["at"]], mark["label"]) == (str(CHANGED), "1")
    assert all("marks" not in row for row in document["series"][1:])
    page = client.get(SERIES).text
    assert "What is counted changes" in page and "◆1" in page
    assert "Without symptoms counted too" in page
    assert "values on the other side are not compared" in page
    assert "Emergency Response Law" in page


def test_a_mark_is_no_jump_but_unknown_until_there_is_a_history_again(client: TestClient[Any]) -> None:
    sign_in(client, "chen.approver")
    document = client.get(DATA).json()
    (mark,) = document["series"][0]["marks"]
    alarms = dict(zip(document["tested"], document["series"][0]["alarm"], strict=True))
    assert alarms[mark["at"] - 1] == 0
    assert {alarms[mark["at"] + n] for n in range(7)} == {-1}


def test_a_sum_of_parts_is_whole_or_unknown_with_its_missing_members(client: TestClient[Any]) -> None:
    sign_in(client, "chen.approver")
    document = client.get("/series-data/covid-cases/cn").json()
    own, axis = document["series"][0], document["axis"]
    day = {back: axis.index(str((NOW - back * DAY).date())) for back in (5, 6, 7)}
    parts = [
        client.get(f"/series-data/covid-cases/cn/{code}").json() for code in (110000, 120000, 130000, 650000)
    ]
    whole = sum(one["series"][0]["values"][one["axis"].index(axis[day[5]])] for one in parts)
    assert own["values"][day[5]] == whole
    # Tianjin did not report these two: what the others come to would read as a fall
    assert own["values"][day[6]] is None and own["values"][day[7]] is None
    page = client.get(NATION).text
    assert "The sum of its parts" in page and "the sum of the 4 places directly below it" in page
    assert page.count("at least ") >= 2 and "Tianjin" in page


def test_a_sum_is_shown_as_known_then_with_what_its_members_were_revised_to(client: TestClient[Any]) -> None:
    sign_in(client, "chen.approver")
    then = format_instant(NOW - DAY)
    document = client.get("/series-data/covid-cases/cn", params={"known": then}).json()
    own, third = document["series"][0], document["axis"].index(str((NOW - 3 * DAY).date()))
    assert own["later"][third] - own["values"][third] == 16.0  # Beijing: 20, later 36


def test_a_place_with_values_of_its_own_stands_beside_its_parts(tmp_path: Path) -> None:
    desk = defined(outlines(tmp_path))
    start = NOW.replace(hour=0, minute=0)
    for back, value in ((3, 60.0), (2, 41.0)):
        at = start - back * DAY
        desk._lake.rows.append(("cn", at, min(NOW, at + DAY), value))
    for back in range(4, 60):
        at = start - back * DAY
        desk._lake.rows.append(("cn", at, at + DAY, 9.0))
    with TestClient(application(desk)) as client:
        sign_in(client, "chen.approver")
        page = client.get(NATION).text
    parts = sum(v for p, at, _, v in desk._lake.rows if p != "cn" and at == start - 2 * DAY)
    assert "Itself and its parts" in page
    assert f"<b>{41 - parts:+g}</b>".replace("-", "−") in page


def test_parts_that_the_reader_may_not_see_are_not_told(tmp_path: Path) -> None:
    desk = defined(outlines(tmp_path))
    with TestClient(application(desk)) as client:
        sign_in(client, "ma.viewer")  # Xinjiang only, and what lies above it
        assert "下级合计" not in client.get(NATION).text
        sign_in(client, "li.duty")
        assert "下级合计" in client.get(NATION).text


@drawn
@pytest.mark.parametrize(
    ("theme", "name", "width"), [("light", "chen.approver", "wall"), ("dark", "li.duty", "phone")]
)
def test_marks_and_sums_are_drawn(browser: Any, base: str, theme: str, name: str, width: str) -> None:
    one = signed_in(browser, base, name, color_scheme=theme, viewport={"width": WIDTHS[width], "height": 900})
    for address, what in ((SERIES, "marks"), (NATION, "sums")):
        one.page.goto(f"{base}{address}")
        ready(one.page)
        one.fits(f"{what}-{theme}")
    assert one.faults == []
    one.context.close()
