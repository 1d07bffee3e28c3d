"""Many things at once in a real browser: groups, silences, and what is in force by others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from desk import PUBLISHED
from deskpack import NOW
from deskserver import served, sign_in
from stormdesk import GUSTS, MUTED, SILENCE, stormy
from test_console_browser import WIDTHS, Visit, browser, layer, pytestmark

from anlan.model.entry import Draft
from anlan.warn.group import card_id
from anlan.web.duty import CHANGES_READ, duty
from anlan.web.pages import STEP_LINES

__all__ = ["browser", "layer", "pytestmark"]
GALE = card_id("gale", "cn/110000")


def message(desk: Any, name: str, severity: str = "") -> str:
    return next(
        one.id
        for one in desk.state().relayed.values()
        if one.identifier == name and (not severity or one.infos[0].severity == severity)
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("theme", "name", "width"), [("light", "chen.approver", "wall"), ("dark", "li.duty", "phone")]
)
def test_board_silences_and_groups_render_without_errors_or_overflow(
    browser: Any, layer: Any, theme: str, name: str, width: str
) -> None:
    desk = stormy(layer)
    pages = {
        "storm-duty": "/",
        "in-force": "/in-force",
        "in-force-all": "/in-force?show=all",
        "relayed": f"/relayed/{message(desk, 'storm-2')}",
        "relayed-conflict": f"/relayed/{message(desk, 'hail')}",
        "silences": "/silences",
        "group": f"/group/{GALE}",
        "told": f"/warning/{PUBLISHED}",
    }
    with served(desk) as base:
        size = {"width": WIDTHS[width], "height": 900}
        visit = Visit(browser, base, color_scheme=theme, viewport=size, locale="en-GB")
        visit.sign_in(name)
        for what, path in pages.items():
            page = visit.open(path)
            visit.fits(f"{what}-{theme}")
            assert page.locator("h1").count() == 1, what
        assert visit.faults == []
        visit.context.close()


@pytest.fixture
def visit(browser: Any, layer: Any) -> Iterator[Visit]:
    with served(stormy(layer)) as base:
        one = Visit(browser, base, locale="en-GB")
        one.sign_in("chen.approver")
        yield one
        assert one.faults == []
        one.context.close()


def test_a_storm_is_one_card_that_opens_and_every_member_is_reachable(visit: Visit) -> None:
    page = visit.open("/")
    card = page.locator(".card", has_text="Gale · Beijing")
    assert card.count() == 1
    assert f"risks: {GUSTS}" in card.inner_text()
    assert "2" in card.locator(".level").first.inner_text()
    card.locator("summary").click()
    assert card.locator(".members .row").count() == 8
    card.locator(f"text=All {GUSTS} members").click()
    page.wait_for_url(f"**/group/{GALE}")
    links = page.locator("a[href^='/risk/R-gust-']")
    assert links.count() == GUSTS
    links.last.click()
    page.wait_for_url("**/risk/R-gust-*")


def test_more_than_the_day_allows_is_said_and_marked_and_nothing_is_left_out(visit: Visit) -> None:
    page = visit.open("/")
    said = page.get_by_text("a day declared for one officer").inner_text()
    assert "Public health" in said and "30 a day" in said and "Nothing is left out" in said
    marked = page.locator(".row.card", has_text="beyond the day's number")
    assert marked.count() == 1
    marked.locator("summary").click()
    assert marked.get_by_role("link", name=f"All {GUSTS} members").is_visible()


def test_what_is_muted_is_listed_with_a_link_to_the_cause(visit: Visit) -> None:
    page = visit.open("/")
    muted = page.locator("section[aria-label^='Muted']")
    assert f"risks: {MUTED}" in muted.inner_text()
    muted.locator(f"a[href='/warning/{PUBLISHED}']").first.click()
    page.wait_for_url(f"**/warning/{PUBLISHED}")
    told = page.locator("section[aria-labelledby=told]").inner_text()
    assert "outside their hours" in told and "below the level they asked for" in told
    assert "Tianjin duty desk" in told
    # the message counts what it mutes, here and on the board, and what is muted leads back to it
    quiet = page.locator("section[aria-labelledby=mutes]")
    assert quiet.locator("h2 .count").inner_text() == str(MUTED)
    quiet.locator("a[href^='/risk/']").first.click()
    page.wait_for_url("**/risk/**")
    assert page.locator(f".thread a[href='/warning/{PUBLISHED}']").count() == 1
    page = visit.open("/in-force?kind=own")
    assert page.locator(f"a[href='/warning/{PUBLISHED}#mutes']").inner_text() == f"mutes findings: {MUTED}"


def test_what_changed_stands_card_by_card_with_its_rows_behind(visit: Visit) -> None:
    page = visit.open("/")
    storm = page.locator(".p-changed > ul > li", has_text="Gale · Beijing")
    assert storm.count() == 1
    assert f"raised ×{GUSTS}" in " ".join(storm.inner_text().split())
    storm.locator("summary").click()
    assert storm.locator(".members a[href^='/risk/R-gust-']").count() == 40
    assert f"and {2 * GUSTS - 40} more" in storm.inner_text()


def test_the_board_shows_who_says_what_how_sure_and_until_when(visit: Visit) -> None:
    page = visit.open("/in-force")
    board = page.locator("table.board")
    text = board.inner_text()
    assert "Violent storm in Beijing and Hebei" in text
    assert "Strong wind in Beijing" not in text  # replaced
    assert "Exercise: gas leak" not in text
    first = board.locator("tbody tr").first.inner_text()
    assert "Violent storm" in first and "after 1 earlier of its chain" in first
    assert "National hub" in first and "Weather service" in first
    assert board.locator("tr:has-text('High waves')").inner_text().count("area unknown") == 1
    river = board.locator("tr.stale").inner_text()
    assert "currency unknown" in river and "no end given" in river
    assert "has been silent since" in page.locator("[role=alert]").first.inner_text()
    page.select_option("#f-show", "conflicts")
    page.click("form.filters button")
    page.wait_for_url("**show=conflicts**")
    rows = page.locator("table.board tbody tr")
    assert rows.count() == 2 and rows.locator("text=one name, two contents").count() == 2


def test_filters_narrow_by_place_source_and_level(visit: Visit) -> None:
    page = visit.open("/in-force?place=cn/120000")
    text = page.locator("table.board").inner_text()
    assert "Hail in Tianjin" in text and "Violent storm" not in text
    # an area that nobody knows may be anywhere
    assert "High waves" in text
    page = visit.open("/in-force?kind=own")
    assert page.locator("a[href^='/relayed/']").count() == 0
    page = visit.open("/in-force?level=1&kind=relayed")
    assert page.locator("table.board tbody tr").count() == 2


def test_what_differs_between_two_messages_of_one_name_is_shown(visit: Visit) -> None:
    page = visit.open("/in-force?show=conflicts")
    page.click("tr:has-text('Small hail') a")
    page.wait_for_url("**/relayed/*")
    said = page.locator("section[aria-labelledby='differs'] pre").inner_text().splitlines()
    assert said == ["- <note>Small hail in Tianjin</note>", "+ <note>Hail in Tianjin</note>"]


def test_a_forged_cancellation_and_a_late_update_are_shown_and_end_nothing(visit: Visit) -> None:
    page = visit.open("/in-force?show=all&kind=relayed")
    page.click("tr:has-text('forged') a")
    page.wait_for_url("**/relayed/*")
    assert "not the message that was signed" in page.locator("[role=alert]").first.inner_text()
    assert "not applied while this is held" in page.locator("main").inner_text()
    page = visit.open("/in-force")
    assert "second bulletin" not in page.locator("table.board").inner_text()
    page.click("text=refused as late: 1")
    page.wait_for_url("**show=all**")
    late = page.locator("tr:has-text('second bulletin')")
    assert "refused: came late" in late.inner_text() and "older than what its chain has" in late.inner_text()
    late.locator("a").first.click()
    page.wait_for_url("**/relayed/*")
    assert "replayed" in page.locator("[role=alert]").first.inner_text()
    assert "came late, after newer: not applied" in page.locator("main").inner_text()
    page.click("text=storm-2")
    page.wait_for_url("**/relayed/*")
    assert page.locator("[role=alert]").count() == 0


def test_a_silence_is_set_for_a_reason_and_an_end(browser: Any, layer: Any) -> None:
    with served(stormy(layer)) as base:
        visit = Visit(browser, base, locale="zh-CN")
        visit.sign_in("li.duty")
        page = visit.open("/silences")
        # a duty officer may lift, and not set
        assert page.locator("#new").count() == 0
        assert page.locator(f"[aria-labelledby={SILENCE}] summary:has-text('解除')").count() == 1
        visit.context.close()
        visit = Visit(browser, base, locale="en-GB")
        visit.sign_in("chen.approver")
        page = visit.open("/silences")
        page.click("#new summary")
        assert page.locator("#new [required]").count() == 2
        assert page.locator("#n-hazards option").count() > 3
        assert visit.faults == []
        visit.context.close()


def test_what_changed_is_not_hidden_by_what_a_storm_mutes(layer: Any) -> None:
    desk = stormy(layer)
    before = duty(desk, desk.state(), bool, NOW)
    mute = next(iter(desk.state().mutes.values()))
    over = [replace(mute, id=f"{mute.id}-{n}", status="off", ended=NOW) for n in range(CHANGES_READ + 200)]
    desk.write(NOW, *(Draft("mute.ended", one.id, one.risk, "system", one) for one in over))
    after = duty(desk, desk.state(), bool, NOW)
    assert (after.entries, after.changed.total) == (before.entries, before.changed.total)
    assert before.entries and not after.changed.at_least


def test_a_source_that_has_fallen_silent_stands_in_the_queue(visit: Visit) -> None:
    page = visit.open("/")
    silent = page.locator("section[aria-label^='Sources that have fallen silent']")
    assert "River authority, CAP feed" in silent.inner_text()
    silent.locator("a[href='/in-force?source=river-feed']").click()
    assert "currency" in page.locator(".board tr:has-text('River above the bank')").inner_text()


def test_what_one_cause_mutes_at_one_risk_is_one_line(layer: Any) -> None:
    import httpx2 as httpx

    desk = stormy(layer)
    mute = next(iter(desk.state().mutes.values()))
    more = [replace(mute, id=f"{mute.id}-{n}") for n in range(70)]
    desk.write(NOW, *(Draft("mute.began", one.id, one.risk, "system", one) for one in more))
    with served(desk) as base, httpx.Client(base_url=base) as client:
        sign_in(client, "chen.approver")
        page = client.get("/silences").text
    lines = [line for line in page.splitlines() if f'href="/risk/{mute.risk}"' in line]
    assert len(lines) == 1 and '<span class="count">71</span>' in lines[0]


def test_a_risk_with_a_thousand_gusts_opens_with_the_first_and_leads_to_all(layer: Any) -> None:
    import httpx2 as httpx

    desk = stormy(layer)
    one = desk.state().findings["F-gust-0"]
    gusts = [replace(one, id=f"F-more-{n}") for n in range(1000)]
    thread = desk.state().assessments["R-gust-0"]
    for gust in gusts:
        # as a turn writes them: each finding, and what it changes
        desk.write(NOW, Draft("finding.raised", gust.id, "R-gust-0", "system", gust))
        desk.write(NOW, Draft("assessment.updated", "R-gust-0", "R-gust-0", "system", thread, (gust.id,)))
    with served(desk) as base, httpx.Client(base_url=base) as client:
        sign_in(client, "chen.approver")
        first = client.get("/risk/R-gust-0").text
        assert first.count('class="hop-line"') < 50 and f"and {1000 - STEP_LINES} more" in first
        way, _ = re.findall(r'href="(/risk/R-gust-0\?step=\d+)#', first)
        assert client.get(way).text.count('class="hop-line"') >= 1000


def test_the_api_says_the_same_as_the_board(layer: Any) -> None:
    import httpx2 as httpx

    with served(stormy(layer)) as base, httpx.Client(base_url=base) as client:
        sign_in(client, "chen.approver")
        found = client.get("/v1/in-force", params={"kind": "relayed", "place": "cn/110000"}).json()
        assert {line["headline"]["en"] for line in found["lines"] if line["place"]} == {
            "Violent storm in Beijing and Hebei"
        }
        assert (found["conflicts"], found["repeats"], found["unresolved"]) == (1, 1, 1)
        assert [alarm["source"] for alarm in found["alarms"]] == ["river-feed"]
        assert found["references"] == {"applied": 1, "held": 1, "replayed": 1}
        # as it was known before the update came
        then = client.get(
            "/v1/in-force", params={"kind": "relayed", "place": "cn/110000", "known": "2020-06-16T02:00:00Z"}
        ).json()
        assert {line["headline"]["en"] for line in then["lines"]} == {"Strong wind in Beijing"}
        # what is looked back to is told from its own instant, and counts down to nothing
        back = client.get("/in-force", params={"known": "2020-06-16T02:00:00Z"}).text.partition("<tbody>")[2]
        assert "Strong wind in Beijing" in back and "data-due" not in back
        assert "data-due" in client.get("/in-force").text.partition("<tbody>")[2]
        assert client.get("/v1/in-force", params={"level": "7"}).status_code in (400, 422)
        assert client.get("/v1/in-force", params={"place": "xx"}).status_code == 404
