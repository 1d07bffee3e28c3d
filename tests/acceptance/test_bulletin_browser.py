"""The public site as the public meets it: without scripts, on a phone, in the dark, on paper; over HTTP."""

from __future__ import annotations

import gzip
import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn

from anlan.web.bulletin.edition import Settings
from anlan.web.bulletin.press import Press
from anlan.web.bulletin.serving import Serving
from bulletins import NOW, Shown, everything, warning

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
PAGES = {
    "both": "index.html",
    "list": "{l}/index.html",
    "places": "{l}/places.html",
    "place": "{l}/place/xx.html",
    "warning": "{l}/warning/W-orange.html",
    "replaced": "{l}/warning/W-old.html",
    "lifted": "{l}/warning/W-lift.html",
}
# WCAG 2.2, success criterion 1.4.3
CONTRAST = """() => {
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const linear = (v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    const [x, y, z] = [r / 255, g / 255, b / 255].map(linear);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ground = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const colour = rgb(getComputedStyle(at).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const node of document.querySelectorAll("body *")) {
    if (![...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim())) continue;
    const [a, b] = [light(rgb(getComputedStyle(node).color)), light(ground(node))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) poor.push(`${node.tagName}.${node.className} ${ratio.toFixed(2)}: ${node.textContent}`);
  }
  return poor;
}"""


async def nothing(scope: Any, receive: Any, send: Any) -> None:
    """An application that answers nothing itself."""
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return
    await send({"type": "http.response.start", "status": 418, "headers": []})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


@contextmanager
def public(shown: Shown, where: Path | None = None) -> Iterator[str]:
    """The site over a real server; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    press = Press(shown, Settings(address=f"http://127.0.0.1:{port}/public"), where)
    config = uvicorn.Config(Serving(press, nothing), port=port, log_level="error", ws="none", lifespan="on")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    end = time.monotonic() + 20
    while not (server.started and (press.current or press.failing)) and time.monotonic() < end:
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{port}/public/"
    finally:
        server.should_exit = True
        thread.join(10)


def picture(page: Any, name: str) -> None:
    """A picture of the page for people to look at, where ANLAN_SCREENSHOTS names a folder for them."""
    if folder := os.environ.get("ANLAN_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine (apt-get install chromium)")
    driver = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with driver.sync_playwright() as running:
        chromium = running.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with public(Shown.of(everything())) as base:
        yield base


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_every_page_is_readable_without_scripts_at_every_width(
    browser: Any, site: str, width: int, scheme: str
) -> None:
    size = {"width": width, "height": 900}
    context = browser.new_context(viewport=size, color_scheme=scheme, java_script_enabled=False)
    page = context.new_page()
    faults: list[str] = []
    page.on("console", lambda said: faults.append(said.text))
    page.on("request", lambda asked: None if asked.url.startswith(site) else faults.append(asked.url))
    for name, path in PAGES.items():
        for language in ("en", "zh") if "{l}" in path else ("en",):
            there = site + path.format(l=language)
            page.goto(there)
            picture(page, f"public-{name}-{language}-{scheme}")
            assert page.locator("h1").count() == 1
            assert "2030-07-12 14:00:00 UTC" in page.locator("footer").inner_text()
            assert not page.locator(".aged").is_visible()
            over = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            assert over <= 0, f"{there} is {over} px wider than {width}"
            assert page.evaluate(CONTRAST) == [], there
    context.close()
    assert faults == []


def test_with_a_script_an_old_page_says_that_it_is_old_and_a_new_one_does_not(browser: Any) -> None:
    young = Shown.of([warning("W-1", 1)])
    young.clock.at = datetime.now(UTC)
    old = Shown.of([warning("W-1", 1)])
    old.clock.at = datetime.now(UTC) - timedelta(minutes=17)
    ahead = Shown.of([warning("W-1", 1)])
    ahead.clock.at = datetime.now(UTC) + timedelta(minutes=30)
    cases = ((young, ""), (old, "17 minutes old"), (ahead, "minutes behind the time of this page"))
    for shown, said in cases:
        with public(shown) as base:
            page = browser.new_page()
            page.goto(f"{base}en/index.html")
            assert page.locator(".aged").is_visible() is bool(said)
            assert said in page.locator(".aged").inner_text()
            page.close()


def test_a_page_on_paper_shows_its_words_and_its_age(browser: Any, site: str) -> None:
    page = browser.new_page()
    page.goto(f"{site}zh/warning/W-red.html")
    page.emulate_media(media="print")
    assert not page.locator(".switch").is_visible()
    assert page.locator("footer").is_visible() and page.locator(".do").is_visible()
    picture(page, "public-print")
    page.close()


def test_a_reader_gets_from_the_list_to_a_warning_and_its_place_by_keyboard(browser: Any, site: str) -> None:
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(f"{site}en/index.html")
    page.keyboard.press("Tab")
    assert page.locator(".skip").is_visible()
    page.locator("h2 a").first.press("Enter")
    page.wait_for_url("**/warning/W-red.html")
    page.locator("a:has-text('North County')").press("Enter")
    page.wait_for_url("**/place/xx.1.html")
    page.locator(".switch a").press("Enter")
    page.wait_for_url("**/zh/place/xx.1.html")
    page.context.close()


def test_a_copy_is_asked_for_again_only_when_it_has_changed(site: str) -> None:
    with httpx2.Client(base_url=site, headers={"accept-encoding": "identity"}) as client:
        first = client.get("feed.atom")
        assert first.status_code == 200
        assert first.headers["content-type"] == "application/atom+xml"
        assert "max-age" in first.headers["cache-control"]
        assert client.get("feed.atom", headers={"if-none-match": first.headers["etag"]}).status_code == 304
        assert client.get("feed.atom", headers={"if-none-match": '"other"'}).status_code == 200
        packed = client.get("en/index.html", headers={"accept-encoding": "gzip"})
        plain = client.get("en/index.html")
        assert packed.headers["content-encoding"] == "gzip"
        assert packed.text == plain.text
        assert packed.headers["etag"] != plain.headers["etag"]
        head = client.head("en/index.html")
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == str(len(plain.content))
        assert gzip.decompress(gzip.compress(plain.content)) == plain.content


def test_the_path_only_reads_and_says_what_is_not_there(site: str) -> None:
    with httpx2.Client() as client:
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
            assert client.request(method, f"{site}index.html").status_code == 405
        for path in (
            "nowhere.html",
            "../../etc/passwd",
            "..%2f..%2fetc%2fpasswd",
            "en",
            "%00",
            "en//index.html",
        ):
            assert client.get(f"{site}{path}").status_code in (404, 418), path
        moved = client.get(site.rstrip("/"))
        assert moved.status_code == 308
        assert str(moved.next_request.url) == site  # type: ignore[union-attr]
        answer = client.get(site)
        assert "洪水红色预警" in answer.text
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert client.get(site.replace("/public/", "/publicly")).status_code == 418


def test_the_folder_goes_on_when_the_service_is_gone(tmp_path: Path) -> None:
    with public(Shown.of(everything()), tmp_path) as base:
        served = httpx2.get(f"{base}zh/index.html").content
    assert (tmp_path / "current" / "zh" / "index.html").read_bytes() == served
    with pytest.raises(httpx2.HTTPError):
        httpx2.get(base)


def test_before_the_first_edition_the_site_says_that_there_is_none() -> None:
    shown = Shown.of([warning("W-1", 1)])
    shown.warnings["W-1"] = warning("W-1", 1, change="update", references=("W-none",))
    with public(shown) as base:
        answer = httpx2.get(base)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert NOW.year == 2030
