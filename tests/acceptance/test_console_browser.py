"""The console in a real browser: what a duty officer sees, in both languages, on a wall and a phone."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from desk import INCIDENT, PASSWORD, PUBLISHED, RISK, SUBMITTED, MemoryDesk
from deskpack import outlines, real_outlines
from deskserver import served

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUM = os.environ.get("ANLAN_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
]
BUNDLE = Path(__file__).resolve().parents[2] / "src" / "anlan" / "web" / "static" / "bundle" / "stamp"
PAGES = {
    "duty": "/",
    "map": "/map",
    "risk": f"/risk/{RISK}",
    "approve": f"/warning/{SUBMITTED}",
    "published": f"/warning/{PUBLISHED}",
    "incident": f"/incident/{INCIDENT}",
    "quarantine": "/quarantine",
    "status": "/status",
}
WIDTHS = {"wall": 1440, "phone": 390}
#: pixels by which a page is wider than the window
WIDER = "document.documentElement.scrollWidth - window.innerWidth"

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine (apt-get install chromium)"),
    pytest.mark.skipif(
        not BUNDLE.is_file(), reason="the browser bundle is not built (python hatch_build.py)"
    ),
]


@pytest.fixture(scope="module")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = Path(os.environ.get("ANLAN_SHARED", Path(__file__).resolve().parents[3] / "shared"))
    return real_outlines(folder) if folder.is_dir() else outlines(tmp_path_factory.mktemp("map"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


def picture(page: Any, name: str, **options: Any) -> None:
    """A picture of the page for people to look at, where ANLAN_SCREENSHOTS names a folder for them."""
    if folder := os.environ.get("ANLAN_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", **{"full_page": True, **options})


class Visit:
    """One browser session. Collects everything that must not happen."""

    def __init__(self, browser: Any, base: str, **options: Any) -> None:
        self.base, self.faults = base, list[str]()
        self.context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})
        self.page = self.context.new_page()
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.faults.append(f"page error: {error}"))
        self.page.on("request", self._asked)

    def _said(self, message: Any) -> None:
        if message.type in ("error", "warning") and "GL Driver Message" not in message.text:
            self.faults.append(f"{message.type}: {message.text} ({self.page.url})")

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((self.base, "data:", "blob:")):
            self.faults.append(f"request outside: {request.url}")

    def sign_in(self, name: str) -> None:
        self.page.goto(f"{self.base}/sign-in")
        self.page.fill("#name", name)
        self.page.fill("#password", PASSWORD)
        self.page.click("button.primary")
        self.page.wait_for_url(f"{self.base}/")

    def open(self, path: str) -> Any:
        self.page.goto(f"{self.base}{path}")
        for island in ("[data-outlines]", "[data-series]"):
            if self.page.locator(island).count():
                self.page.locator(f"{island}[data-ready=yes]").wait_for(timeout=30_000)
        return self.page

    def fits(self, name: str) -> None:
        """The page is no wider than the window, as it was opened and in the other width, to which the
        window is drawn (a chart follows it in its own time)."""
        opened = self.page.viewport_size
        for width in sorted(WIDTHS.values(), key=lambda width: width != opened["width"]):
            self.page.set_viewport_size({**opened, "width": width})
            end = time.monotonic() + 5
            while (over := self.page.evaluate(WIDER)) > 0 and time.monotonic() < end:
                self.page.wait_for_timeout(50)
            assert over <= 0, f"{name} is {over} px wider than {width} px"
            picture(self.page, f"{name}-{'phone' if width == WIDTHS['phone'] else 'wall'}")
        self.page.set_viewport_size(opened)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("theme", "name", "width"), [("light", "chen.approver", "wall"), ("dark", "li.duty", "phone")]
)
def test_every_page_renders_without_errors_overflow_or_outside_requests(
    browser: Any, layer: Any, theme: str, name: str, width: str
) -> None:
    with served(MemoryDesk(layer)) as base:
        size = {"width": WIDTHS[width], "height": 900}
        visit = Visit(browser, base, color_scheme=theme, viewport=size, locale="en-GB")
        visit.page.goto(f"{base}/sign-in")
        visit.fits(f"sign-in-{theme}")
        visit.sign_in(name)
        for what, path in PAGES.items():
            page = visit.open(path)
            visit.fits(f"{what}-{theme}")
            assert page.locator("h1").count() == 1, what
        assert visit.faults == []
        visit.context.close()


def test_language_and_colours_are_switched_and_kept(browser: Any, layer: Any) -> None:
    with served(MemoryDesk(layer)) as base:
        visit = Visit(browser, base, locale="en-GB", color_scheme="light")
        visit.sign_in("chen.approver")
        page = visit.open(f"/warning/{SUBMITTED}")
        page.click("text=中文 >> nth=0")
        assert page.locator("html").get_attribute("lang") == "zh-CN"
        assert page.url.endswith(SUBMITTED)
        page.click(".switch a:has-text('深色')")
        assert page.locator("html").get_attribute("data-theme") == "dark"
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 23, 28)"
        assert visit.open("/").locator("html").get_attribute("lang") == "zh-CN"
        assert visit.faults == []
        visit.context.close()


def test_an_approver_approves_and_the_author_cannot(browser: Any, layer: Any) -> None:
    with served(MemoryDesk(layer)) as base:
        author = Visit(browser, base, locale="en-GB")
        author.sign_in("li.duty")
        page = author.open(f"/warning/{SUBMITTED}")
        assert page.locator("summary:has-text('批准')").count() == 0
        assert "须由他人批准" in page.locator(".refused").first.inner_text()
        approver = Visit(browser, base, locale="en-GB")
        approver.sign_in("chen.approver")
        page = approver.open(f"/warning/{SUBMITTED}")
        page.click("summary:has-text('Approve and publish')")
        page.fill("details.primary input[name=code]", "123456")
        page.fill("details.primary textarea", "checked with the CDC")
        page.click("details.primary button")
        page.locator(".facts .status-warning-approved").wait_for()
        assert "chen.approver" in page.locator("#decide ~ dl").inner_text()
        assert author.faults == [] and approver.faults == []
        author.context.close()
        approver.context.close()


def test_a_page_follows_the_journal_by_itself(browser: Any, layer: Any) -> None:
    desk = MemoryDesk(layer)
    with served(desk) as base:
        visit = Visit(browser, base, locale="en-GB")
        visit.sign_in("chen.approver")
        page = visit.open("/")
        page.wait_for_timeout(500)
        desk.act(desk.pack.users["li.duty"], "delivery.answer", "D-1", {"answer": "received"})
        page.locator(".log >> text=answered").first.wait_for(timeout=10_000)
        assert visit.faults == []
        visit.context.close()


@pytest.mark.parametrize(
    ("path", "island"), [(f"/risk/{RISK}", "[data-series]"), (f"/warning/{PUBLISHED}", "[data-outlines]")]
)
def test_chart_and_map_are_drawn_again_when_the_journal_grows(
    browser: Any, layer: Any, path: str, island: str
) -> None:
    desk = MemoryDesk(layer)
    with served(desk) as base:
        visit = Visit(browser, base, locale="en-GB")
        visit.sign_in("chen.approver")
        page = visit.open(path)
        page.evaluate("document.querySelector('#live').dataset.old = 'yes'")
        page.wait_for_timeout(500)
        desk.act(desk.pack.users["li.duty"], "delivery.answer", "D-1", {"answer": "received"})
        page.locator("#live:not([data-old])").wait_for(timeout=10_000)
        page.locator(f"{island}[data-ready=yes] canvas").first.wait_for(timeout=30_000)
        assert page.locator(island).count() == 1
        if island == "[data-outlines]":
            # a canvas keeps its colours: the map is drawn anew when the page turns dark
            page.eval_on_selector(island, "map => { delete map.dataset.ready }")
            page.emulate_media(color_scheme="dark")
            page.locator(f"{island}[data-ready=yes] canvas").first.wait_for(timeout=30_000)
        assert visit.faults == []
        visit.context.close()


def test_clocks_run(browser: Any, layer: Any) -> None:
    with served(MemoryDesk(layer)) as base:
        visit = Visit(browser, base, locale="en-GB")
        visit.sign_in("chen.approver")
        page = visit.open("/")
        page.wait_for_timeout(1500)
        first = page.locator(".clock.late").first.inner_text()
        page.wait_for_timeout(2100)
        assert page.locator(".clock.late").first.inner_text() != first
        assert visit.faults == []
        visit.context.close()


def test_everything_but_map_and_chart_works_without_scripts(browser: Any, layer: Any) -> None:
    with served(MemoryDesk(layer)) as base:
        visit = Visit(browser, base, locale="en-GB", java_script_enabled=False)
        visit.sign_in("chen.approver")
        visit.page.goto(f"{base}/warning/{SUBMITTED}")
        visit.page.click("summary:has-text('Return to author')")
        visit.page.fill("details[open] textarea", "the area is too wide")
        visit.page.click("details[open] button")
        assert visit.page.locator(".facts .status-warning-returned").count() == 1
        visit.page.goto(f"{base}/map")
        assert visit.page.locator(".rows .row").count() >= 3
        visit.context.close()


def test_the_keyboard_reaches_the_content_first_and_shows_where_it_is(browser: Any, layer: Any) -> None:
    with served(MemoryDesk(layer)) as base:
        visit = Visit(browser, base, locale="en-GB")
        visit.sign_in("chen.approver")
        page = visit.open("/")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
        page.keyboard.press("Tab")
        assert page.evaluate("document.querySelector('main').contains(document.activeElement)")
        visit.context.close()


@pytest.mark.parametrize("mode", ["replay", "exercise"])
def test_replay_and_exercise_cannot_be_taken_for_the_real_thing(browser: Any, layer: Any, mode: str) -> None:
    with served(MemoryDesk(layer, mode=mode)) as base:
        visit = Visit(browser, base, locale="en-GB")
        visit.sign_in("chen.approver")
        page = visit.open("/")
        assert mode.upper() in page.locator(".mode").inner_text()
        assert page.evaluate("getComputedStyle(document.querySelector('.mode')).backgroundImage") != "none"
        picture(page, f"duty-{mode}", full_page=False)
        page.emulate_media(media="print")
        picture(page, f"duty-{mode}-print")
        assert visit.faults == []
        visit.context.close()
