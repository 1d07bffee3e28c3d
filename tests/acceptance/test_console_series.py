"""The analyst page: a series with its bands, its past as known then, the places like it, the acts."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from desk import RISK, MemoryDesk
from deskpack import NOW, outlines, real_outlines
from deskserver import application, served, sign_in
from litestar.testing import TestClient

from anlan.model.time import format_instant

SERIES = "/series/covid-cases/cn/110000"
DATA = "/series-data/covid-cases/cn/110000"
DAY = timedelta(days=1)
CHROMIUM = os.environ.get("ANLAN_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
BUNDLE = Path(__file__).resolve().parents[2] / "src" / "anlan" / "web" / "static" / "bundle" / "bands.js"
WIDTHS = {"wall": 1440, "phone": 390}

drawn = pytest.mark.skipif(
    CHROMIUM is None or not BUNDLE.is_file(), reason="no chromium, or the browser bundle is not built"
)


@pytest.fixture
def desk(tmp_path: Path) -> MemoryDesk:
    return MemoryDesk(outlines(tmp_path))


@pytest.fixture
def client(desk: MemoryDesk) -> Iterator[TestClient[Any]]:
    with TestClient(application(desk)) as client:
        yield client


def test_the_charts_say_what_the_detector_says(client: TestClient[Any], desk: MemoryDesk) -> None:
    import numpy as np

    from anlan.assess.detect.ears import ears
    from anlan.assess.detect.panel import Panel

    sign_in(client, "li.duty")
    found = client.get(DATA).json()
    own = found["series"][0]
    assert own["name"] == {"en": "Beijing", "zh": "北京市"}
    counts = np.array([[np.nan if v is None else v for v in own["values"]]])
    tested = np.array(found["tested"])
    usable = tested[tested >= 10]
    again = ears(Panel(counts, 1), usable)
    offset = len(tested) - len(usable)
    assert own["alarm"][offset:] == again.alarm[0].tolist()
    shown = [v if v is not None else np.nan for v in own["threshold"][offset:]]
    np.testing.assert_allclose(shown, again.threshold[0], rtol=1e-5)
    assert own["alarm"][-4] == 1
    # places of the same level, and what none of them reported is a gap and not a zero
    names = [one["name"]["en"] for one in found["series"]]
    assert sorted(names[1:]) == ["Hebei", "Tianjin", "Xinjiang"]
    tianjin = found["series"][names.index("Tianjin")]
    assert [tianjin["values"][found["axis"].index(str((NOW - n * DAY).date()))] for n in (6, 7)] == [
        None,
        None,
    ]


def test_the_past_is_shown_as_it_was_known_then(client: TestClient[Any]) -> None:
    sign_in(client, "li.duty")
    then = format_instant(NOW - DAY)
    third = str((NOW - 3 * DAY).date())
    before = client.get(DATA, params={"known": then}).json()
    now = client.get(DATA).json()
    at = before["axis"].index(third)
    assert before["series"][0]["values"][at] == 20.0
    assert before["series"][0]["later"][at] == 36.0
    assert now["series"][0]["values"][now["axis"].index(third)] == 36.0
    assert "later" not in now["series"][0]
    assert str(NOW.date()) not in before["axis"]
    page = client.get(SERIES, params={"known": then}).text
    assert "当前显示" in page and "回到现在" in page
    assert client.get(SERIES, params={"known": "yesterday"}).status_code == 422


def test_the_charts_are_those_of_the_instant_of_their_page(client: TestClient[Any], desk: MemoryDesk) -> None:
    import html
    import re

    sign_in(client, "li.duty")
    address = re.search(r'data-bands="([^"]*)"', client.get(SERIES).text)
    assert address is not None and "seen=" in address[1]
    before = client.get(html.unescape(address[1])).json()
    desk.clock.at = NOW + 3 * DAY
    assert client.get(html.unescape(address[1])).json() == before
    assert "later" not in before["series"][0]
    assert client.get(DATA, params={"seen": "soon"}).status_code == 422


@pytest.fixture
def late(tmp_path: Path) -> MemoryDesk:
    """A desk whose counts settle after three days: half is there at once, all a day later."""
    desk = MemoryDesk(outlines(tmp_path))
    desk.pack = late_pack(desk)
    desk._lake.rows = [
        (place, at, known, part)
        for place, at, _, value in desk._lake.rows
        for known, part in ((at, value // 2), (at + DAY, value))
        if known <= NOW
    ]
    return desk


def late_pack(desk: MemoryDesk) -> Any:
    cases = replace(desk.pack.indicators["covid-cases"], settles=3 * DAY)
    return replace(desk.pack, indicators={**desk.pack.indicators, cases.id: cases})


def test_counts_that_still_grow_have_what_they_will_be_in_words_and_on_the_chart(late: MemoryDesk) -> None:
    import re

    with TestClient(application(late)) as client:
        sign_in(client, "chen.approver")
        page, document = client.get(SERIES).text, client.get(DATA).json()
    own = document["series"][0]
    come = {document["axis"][one["at"]]: one for one in own["coming"]}
    assert list(come) == [str((NOW - n * DAY).date()) for n in (3, 2, 1, 0)]
    assert all(one["lower"] <= one["median"] <= one["upper"] for one in come.values())
    assert own["values"][-1] == 13.0 and come[str(NOW.date())]["median"] > 20
    table = page.split('id="coming"')[1].split("</table>")[0]
    lines = re.findall(r"<tr><td>(.*?)</tr>", table)
    assert len(lines) == 4 and f"{come[str(NOW.date())]['median']:g}" in lines[0]
    assert "reports still come:" in page.split('class="facts"')[1].split("</p>")[0]
    assert "From the dashed upright line on" in page
    # where nothing came yet, that is said
    late._lake.rows = [row for row in late._lake.rows if row[:2] != ("cn/110000", NOW.replace(hour=0))]
    with TestClient(application(late)) as client:
        sign_in(client, "li.duty")
        page = client.get(SERIES).text
    assert "无法估计：本期尚无可用的报告。" in page.split('id="coming"')[1].split("</section>")[0]


def test_counts_that_nobody_says_settle_are_said_to_stand_as_reported(client: TestClient[Any]) -> None:
    sign_in(client, "chen.approver")
    assert "the pack does not say for how long" in client.get(SERIES).text
    assert "coming" not in client.get(DATA).json()["series"][0]


def test_a_series_is_read_only_where_the_reader_may(client: TestClient[Any]) -> None:
    sign_in(client, "ma.viewer")  # Xinjiang only
    for address in (SERIES, DATA):
        assert client.get(address).status_code == 403
    found = client.get("/series-data/covid-cases/cn/650000").json()
    assert [one["name"]["en"] for one in found["series"]] == ["Xinjiang"]
    # and where there is nothing to compare with that is said
    page = client.get("/series/covid-cases/cn/650000").text
    assert "没有您可查看的可比地区" in page and "data-heat" not in page


@pytest.mark.parametrize(
    "address", ["/series/nothing/cn/110000", "/series/covid-cases/cn/110106", f"{SERIES}?rule=none"]
)
def test_a_series_that_is_not_there_is_not_found(client: TestClient[Any], address: str) -> None:
    sign_in(client, "li.duty")
    assert client.get(address).status_code == 404


def test_the_risk_page_leads_there_and_the_acts_are_done_there(
    client: TestClient[Any], desk: MemoryDesk
) -> None:
    from deskserver import form_token

    sign_in(client, "li.duty")
    assert f'href="{SERIES}?rule=' in client.get(f"/risk/{RISK}").text
    page = client.get(SERIES).text
    verdict = desk.state().assessments[RISK].verdict
    data = {"csrf": form_token(page), "subject": RISK, "back": SERIES, "reason": "market still closed"}
    answer = client.post("/act", data={**data, "act": "assessment.watch"})
    assert answer.url.path == SERIES
    after = desk.state().assessments[RISK]
    assert (after.verdict, after.status, after.reasons[-1].code) == (verdict, "reviewed", "watched")
    assert "market still closed" in answer.text


def test_a_reason_is_kept_whole_or_refused(client: TestClient[Any], desk: MemoryDesk) -> None:
    from deskserver import form_token

    sign_in(client, "li.duty")
    page = client.get(SERIES).text
    data = {"csrf": form_token(page), "subject": RISK, "back": SERIES}
    before = desk.state().assessments[RISK]
    answer = client.post("/act", data={**data, "act": "assessment.watch", "reason": "x" * 20_001})
    assert answer.status_code == 422
    assert "20,001" in answer.text
    assert desk.state().assessments[RISK] == before
    long = "<b>" + "so " * 2_000 + "</b>"
    assert client.post("/act", data={**data, "act": "assessment.watch", "reason": long}).status_code == 200
    assert desk.state().assessments[RISK].reasons[-1].text.en == long
    shown = client.get(SERIES).text
    assert "&lt;b&gt;so so" in shown and "<b>so" not in shown


def test_a_long_history_can_be_gone_back_to_its_first_day_and_the_newest_choice_is_now(
    client: TestClient[Any], desk: MemoryDesk
) -> None:
    import re

    first = NOW - 900 * DAY
    desk._lake.rows = [("cn/110000", first + n * DAY, first + n * DAY, 1.0) for n in range(900)]
    sign_in(client, "li.duty")
    page = client.get(SERIES).text
    values = re.findall(r'<option value="([^"]*)"', page.split('id="known"')[1].split("</select>")[0])
    assert values[0] == "" and values[-1] == format_instant(first)
    assert len(values) == 401 and values[1:] == sorted(values[1:], reverse=True)
    assert values[1:200] == [format_instant(first + n * DAY) for n in range(899, 700, -1)]
    back = client.get(SERIES, params={"known": values[-1]}).text
    chosen = re.findall(r'<option value="([^"]*)" selected', back.split('id="known"')[1])
    assert chosen == [values[-1]]


@pytest.mark.parametrize("what", ["confirm", "watch", "dismiss"])
def test_blanks_are_no_reason_and_nothing_is_done(
    client: TestClient[Any], desk: MemoryDesk, what: str
) -> None:
    from deskserver import form_token

    sign_in(client, "li.duty")
    data = {"csrf": form_token(client.get(SERIES).text), "subject": RISK, "back": SERIES}
    before = desk.state().assessments[RISK]
    answer = client.post("/act", data={**data, "act": f"assessment.{what}", "reason": " \n "})
    assert answer.status_code == 422 and f'href="{SERIES}"' in answer.text
    assert desk.state().assessments[RISK] == before


@pytest.mark.parametrize("name", ["chen.approver", "ma.viewer"])
def test_who_may_not_decide_sees_the_acts_with_the_reason(client: TestClient[Any], name: str) -> None:
    sign_in(client, name)
    page = client.get(SERIES.replace("110000", "650000") if name == "ma.viewer" else SERIES)
    decide = page.text.split('id="decide"')[1].split("</section>")[0]
    assert 'name="act" value="assessment.dismiss"' not in decide
    if name == "chen.approver":
        assert decide.count("refused") == 3


@pytest.mark.parametrize(
    "known", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00", "2020-06-16", "<b>", "x" * 5000]
)
@pytest.mark.parametrize("address", [SERIES, DATA, "/series-scan/covid-cases/cn/110000"])
def test_an_instant_that_is_none_is_said(client: TestClient[Any], address: str, known: str) -> None:
    sign_in(client, "li.duty")
    answer = client.get(address, params={"known": known})
    assert answer.status_code == 422
    assert "<b>" + "'" not in answer.text


def test_before_anything_was_known_nothing_is_drawn_and_to_come_is_now(client: TestClient[Any]) -> None:
    sign_in(client, "chen.approver")
    before = client.get(SERIES, params={"known": format_instant(NOW - 4000 * DAY)}).text
    assert "Nothing of this series was known at" in before
    assert "Nothing is missing" not in before and "data-bands" not in before
    to_come = client.get(SERIES, params={"known": format_instant(NOW + 4000 * DAY)}).text
    assert "still to come" in to_come and "data-bands" in to_come


def test_the_map_fits_the_places_and_the_table_says_what_it_shows(client: TestClient[Any]) -> None:
    import re

    sign_in(client, "chen.approver")
    page = client.get(SERIES).text
    frame = re.search(r'data-frame="([^"]*)"', page)
    shapes = re.search(r'data-shapes="([^"]*)"', page)
    assert frame is not None and shapes is not None
    drawn = client.get(shapes[1].replace("&amp;", "&")).json()
    assert drawn["frame"] == [float(part) for part in frame[1].split(",")]
    assert {f["properties"]["place"] for f in drawn["features"]} >= {"cn/110000", "cn/120000"}
    assert all(f["properties"]["name"] for f in drawn["features"] if f["properties"]["place"])
    table = page.split('id="period-values"')[1].split("</table>")[0]
    places = re.findall(r'data-place="([^"]*)"', table)
    assert places[0] == "cn/110000" and set(places) == {"cn/110000", "cn/120000", "cn/130000", "cn/650000"}
    assert client.get("/map/outlines/0", params={"within": "1,2,3"}).status_code == 422


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = Path(os.environ.get("ANLAN_SHARED", Path(__file__).resolve().parents[3] / "shared"))
    layer = real_outlines(folder) if folder.is_dir() else outlines(tmp_path_factory.mktemp("map"))
    with served(MemoryDesk(layer)) as address:
        yield address


def signed_in(browser: Any, base: str, name: str = "chen.approver", **options: Any) -> Any:
    from test_console_browser import Visit

    one = Visit(browser, base, **{"locale": "en-GB", **options})
    one.sign_in(name)
    return one


def visit(browser: Any, base: str, **options: Any) -> tuple[Any, list[str]]:
    one = signed_in(browser, base, **options)
    return one.page, one.faults


def ready(page: Any) -> None:
    page.locator("[data-bands][data-row='0'][data-ready=yes] canvas").first.wait_for(timeout=30_000)


@drawn
@pytest.mark.parametrize(
    ("theme", "name", "width"), [("light", "chen.approver", "wall"), ("dark", "li.duty", "phone")]
)
def test_it_is_drawn_without_errors_overflow_or_outside_requests(
    browser: Any, base: str, theme: str, name: str, width: str
) -> None:
    one = signed_in(browser, base, name, color_scheme=theme, viewport={"width": WIDTHS[width], "height": 900})
    page = one.page
    page.goto(f"{base}{SERIES}")
    ready(page)
    for chart in page.query_selector_all("[data-bands], [data-heat], [data-panel-map]"):
        chart.scroll_into_view_if_needed()
        page.wait_for_function("e => e.dataset.ready !== undefined", arg=chart)
    one.fits(f"series-{theme}")
    assert page.locator("h1").count() == 1
    assert one.faults == []
    one.context.close()


@drawn
def test_the_slider_goes_back_in_time_by_keyboard(browser: Any, base: str) -> None:
    page, faults = visit(browser, base)
    page.goto(f"{base}{SERIES}")
    ready(page)
    slider = page.locator("[data-slides]")
    slider.focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_url("**known=**")
    ready(page)
    assert page.locator(".looking-back").is_visible()
    assert page.locator("[data-slides]").input_value() != page.locator("[data-slides]").get_attribute("max")
    page.get_by_role("link", name="Back to now").click()
    ready(page)
    assert page.locator(".looking-back").count() == 0
    assert faults == []
    page.context.close()


@drawn
def test_the_map_goes_through_the_periods_by_keyboard(browser: Any, base: str) -> None:
    page, faults = visit(browser, base)
    page.goto(f"{base}{SERIES}")
    page.locator("[data-panel-map][data-ready] canvas").first.wait_for(timeout=30_000)
    assert page.locator("#period-told").inner_text() == str(NOW.date())
    page.locator("#period").focus()
    page.keyboard.press("ArrowLeft")
    assert page.locator("#period-told").inner_text() == str((NOW - DAY).date())
    assert page.locator("#period").get_attribute("aria-valuetext") == str((NOW - DAY).date())
    # the table says what the map shows, and the chart says its values by the keyboard
    page.locator("#period-values").evaluate("e => { e.closest('details').open = true; }")
    line = page.locator("#period-values [data-place='cn/110000'] [data-cell=value]")
    shown = line.inner_text()
    page.locator("#period").focus()
    page.keyboard.press("Home")
    assert line.inner_text() != shown
    ready(page)
    page.locator("[data-bands][data-row='0']").focus()
    page.keyboard.press("ArrowLeft")
    assert str(NOW.date()) in page.locator("[data-said]").inner_text()
    page.keyboard.press("ArrowLeft")
    assert str((NOW - DAY).date()) in page.locator("[data-said]").inner_text()
    # what a person left in sight stays so when the chart is drawn again in other colours or another size
    chart = page.locator("[data-bands][data-row='0']")
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    right, slide = box["x"] + box["width"] - 33, box["y"] + box["height"] - 13
    page.mouse.move(right, slide)
    page.mouse.down()
    page.mouse.move(right - 150, slide, steps=5)
    page.mouse.up()

    def last_in_sight() -> str:
        chart.focus()
        page.keyboard.press("End")
        return str(page.locator("[data-said]").inner_text())

    kept = last_in_sight()
    assert str(NOW.date()) not in kept
    page.evaluate("document.documentElement.setAttribute('data-theme', 'dark')")
    page.wait_for_timeout(200)
    assert last_in_sight() == kept
    page.set_viewport_size({"width": 1000, "height": 800})
    page.wait_for_timeout(500)
    assert last_in_sight() == kept
    assert faults == []
    page.context.close()


@drawn
def test_the_charts_are_drawn_again_when_the_journal_grows(browser: Any, tmp_path: Path) -> None:
    desk = MemoryDesk(outlines(tmp_path))
    with served(desk) as address:
        page, faults = visit(browser, address)
        page.goto(f"{address}{SERIES}")
        ready(page)
        page.evaluate("document.querySelector('#live').dataset.old = 'yes'")
        page.wait_for_timeout(500)
        desk.act(desk.pack.users["li.duty"], "assessment.watch", RISK, {"reason": "seen on the page"})
        page.locator("#live:not([data-old])").wait_for(timeout=10_000)
        ready(page)
        assert page.get_by_text("seen on the page").count() == 1
        assert page.locator("[data-slides]").is_visible()
        page.locator("[data-panel-map][data-ready] canvas").first.wait_for(timeout=30_000)
        assert faults == []
        page.context.close()


@drawn
def test_without_scripts_the_choice_of_instants_and_the_numbers_are_there(browser: Any, base: str) -> None:
    page, _ = visit(browser, base, java_script_enabled=False)
    page.goto(f"{base}{SERIES}")
    assert not page.locator("[data-slides]").is_visible()
    page.select_option("#known", index=3)
    page.get_by_role("button", name="Show").click()
    assert page.locator(".looking-back").is_visible()
    page.click("details.values summary")
    assert page.locator("details.values td").first.is_visible()
    page.context.close()
