"""Clusters of a scan on the analyst page: table and map, as known then, for those who may see the places."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from desk import MemoryDesk
from deskpack import NOW, outlines, real_outlines
from deskserver import application, served, sign_in
from litestar.testing import TestClient
from test_console_series import DAY, SERIES, WIDTHS, browser, drawn, ready, signed_in, visit

from anlan.assess import cluster_scan
from anlan.model.pack import GeometryLayer
from anlan.model.time import format_instant
from anlan.web.seriesview import analysis

__all__ = ["browser"]  # a fixture
SCAN = "/series-scan/covid-cases/cn/110000"


def scanning(layer: GeometryLayer) -> MemoryDesk:
    """A desk whose pack scans by population: three places are too few for the permutation model, which
    lets no cluster hold more than half of all cases."""
    desk = MemoryDesk(layer)
    rule = replace(
        desk.pack.rules["covid-restart"],
        id="covid-cluster",
        detector="scan_clusters",
        params={"model": "poisson", "periods": 60, "longest": 7},
    )
    desk.pack = replace(desk.pack, rules={**desk.pack.rules, rule.id: rule})
    return desk


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient[Any]]:
    with TestClient(application(scanning(outlines(tmp_path)))) as client:
        yield client


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = Path(os.environ.get("ANLAN_SHARED", Path(__file__).resolve().parents[3] / "shared"))
    layer = real_outlines(folder) if folder.is_dir() else outlines(tmp_path_factory.mktemp("map"))
    with served(scanning(layer)) as address:
        yield address


def shapes(page: str) -> list[dict[str, Any]]:
    """What the map is told."""
    told = re.search(r'data-clusters="([^"]*)"', page)
    assert told is not None
    found: list[dict[str, Any]] = json.loads(unescape(told[1]))["clusters"]
    return found


def test_the_wave_in_beijing_is_a_cluster_in_table_and_map(client: TestClient[Any]) -> None:
    sign_in(client, "chen.approver")
    page = client.get(SCAN, headers={"accept-language": "en"}).text
    (strong,) = [one for one in shapes(page) if one["strong"]]
    assert strong["members"] == ["cn/110000"]
    assert strong["centre"] == [116.0, 40.0]
    assert "p = 0.001" in strong["words"]
    # nobody knows how many live in Xinjiang: it stays out, by name; Tianjin left out two days
    assert "Scanned: 3 places, 60 days" in page and "2 counts missing" in page
    assert "1 place left out (1: population unknown)" in page
    assert "Xinjiang" in page
    assert "999 replications" in page and "As known at" in page


def test_a_place_whose_like_report_nothing_is_scanned_by_its_own_parts(client: TestClient[Any]) -> None:
    sign_in(client, "chen.approver")
    page = client.get(SCAN.replace("cn/110000", "cn"), headers={"accept-language": "en"}).text
    assert [one["members"] for one in shapes(page) if one["strong"]] == [["cn/110000"]]
    assert "Scanned: 3 places, 60 days" in page


def test_an_earlier_instant_is_scanned_as_it_was_known_then(client: TestClient[Any]) -> None:
    sign_in(client, "chen.approver")
    now, then = client.get(SCAN).text, client.get(SCAN, params={"known": format_instant(NOW - 5 * DAY)}).text
    assert [one for one in shapes(now) if one["strong"]]
    assert not [one for one in shapes(then) if one["strong"]]
    assert client.get(SCAN, params={"known": "yesterday"}).status_code == 422


def test_the_same_data_and_instant_are_scanned_once_and_the_page_waits_for_none(
    client: TestClient[Any],
) -> None:
    sign_in(client, "chen.approver")
    client.get(SCAN)
    before = cluster_scan.runs()
    page = client.get(SERIES).text
    assert f'hx-get="{SCAN}"' in page  # asked for after the page is there
    client.get(SCAN)
    client.get(SCAN, headers={"hx-request": "true"})
    assert cluster_scan.runs() == before
    client.get(SCAN, params={"timing": "retrospective"})
    assert cluster_scan.runs() == before + 1


def test_places_that_the_reader_may_not_see_are_not_scanned(client: TestClient[Any]) -> None:
    sign_in(client, "ma.viewer")  # Xinjiang only
    assert client.get(SCAN).status_code == 403
    page = client.get("/series-scan/covid-cases/cn/650000").text
    assert shapes(page) == []
    assert "无结果" in page and "Beijing" not in page and "北京" not in page


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/series-scan/nothing/cn/110000", 404),
        ("/series-scan/covid-cases/cn/999999", 403),  # nobody has a grant where there is nothing
        (f"{SCAN}?timing=sometimes", 422),
    ],
)
def test_what_cannot_be_scanned_is_said(client: TestClient[Any], address: str, status: int) -> None:
    sign_in(client, "chen.approver")
    assert client.get(address).status_code == status


@drawn
@pytest.mark.parametrize(
    ("theme", "name", "width"), [("light", "chen.approver", "wall"), ("dark", "li.duty", "phone")]
)
def test_clusters_are_drawn_on_the_map_and_listed_beside_it(
    browser: Any, base: str, theme: str, name: str, width: str
) -> None:
    one = signed_in(browser, base, name, color_scheme=theme, viewport={"width": WIDTHS[width], "height": 900})
    page = one.page
    page.goto(f"{base}{SERIES}")
    ready(page)
    page.locator("[data-panel-map]").scroll_into_view_if_needed()
    page.locator("[data-panel-map][data-ready] canvas").first.wait_for(timeout=30_000)
    page.locator(".cluster-mark.strong").first.wait_for(timeout=60_000)
    page.wait_for_timeout(300)
    page.locator("[data-scan]").scroll_into_view_if_needed()
    one.fits(f"clusters-{theme}")
    assert one.faults == []
    one.context.close()


@drawn
def test_the_other_timing_is_asked_for_by_keyboard(browser: Any, base: str) -> None:
    page, faults = visit(browser, base)
    page.goto(f"{base}{SERIES}")
    page.locator(".cluster-mark").first.wait_for(timeout=60_000)
    page.get_by_role("link", name="Any time in the study").focus()
    page.keyboard.press("Enter")
    page.locator(".choice a[aria-current=true]", has_text="Any time in the study").wait_for(timeout=60_000)
    assert page.url.endswith(SERIES)
    assert faults == []
    page.context.close()


@drawn
def test_without_scripts_the_clusters_are_a_page_of_their_own(browser: Any, base: str) -> None:
    page, _ = visit(browser, base, java_script_enabled=False)
    page.goto(f"{base}{SERIES}")
    page.get_by_role("link", name="Scan these places for clusters").click()
    page.locator(".cluster-mark.strong").first.wait_for(timeout=60_000)
    page.get_by_role("link", name="Any time in the study").click()
    page.wait_for_url("**timing=retrospective**", timeout=60_000)
    page.locator("h1").wait_for(timeout=60_000)
    assert page.locator("h1").count() == 1
    page.context.close()


def test_the_risk_of_a_cluster_leads_to_its_clusters(tmp_path: Path) -> None:
    desk = scanning(outlines(tmp_path))
    first = desk.state().findings["F-0"]
    cluster = replace(first, rule="covid-cluster", place="cn", event="cn/110000")
    assert analysis(cluster, desk.pack) == SCAN
    assert analysis(first, desk.pack) == f"{SERIES}?rule=covid-restart"
    assert analysis(replace(first, event="quake-1"), desk.pack) == ""


@drawn
@pytest.mark.parametrize(("theme", "width"), [("light", "wall"), ("dark", "phone")])
def test_without_outlines_the_map_has_the_points_alone(
    browser: Any, theme: str, width: str, tmp_path: Path
) -> None:
    desk = scanning(outlines(tmp_path))
    points = {"cn/110000": (116.4, 39.9), "cn/120000": (117.2, 39.1), "cn/130000": (114.5, 38.0)}
    places = {
        id: tuple(replace(v, lon=points[id][0], lat=points[id][1]) if id in points else v for v in versions)
        for id, versions in desk.pack.places.items()
    }
    desk.pack = replace(desk.pack, places=places, geometry=())
    with served(desk) as address:
        one = signed_in(
            browser, address, color_scheme=theme, viewport={"width": WIDTHS[width], "height": 900}
        )
        page = one.page
        # on the map of the panel, and on a page of its own
        for path, kind in ((SERIES, "panel"), (SCAN, "scan")):
            page.goto(f"{address}{path}")
            page.locator(f"[data-{kind}-map][data-ready] canvas").first.wait_for(timeout=60_000)
            one.fits(f"points-{theme}")
        assert one.faults == []
        one.context.close()
