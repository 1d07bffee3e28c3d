"""The report of `anlan detect` in a real browser, from a file, without any network."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import anlan
from anlan.analyse.outputs import write

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUM = os.environ.get("ANLAN_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
BUNDLE = Path(anlan.__file__).parent / "web" / "static" / "bundle" / "bands.js"
WEEKS = np.arange("2019-01-07", "2021-01-04", 7, dtype="datetime64[D]")

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine (apt-get install chromium)"),
    pytest.mark.skipif(
        not BUNDLE.is_file(), reason="the browser bundle is not built (python hatch_build.py)"
    ),
]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from anlan.assess.detect.panel import Panel

    counts = np.random.default_rng(5).poisson(5, (3, len(WEEKS))).astype(float)
    counts[0, -2] = 50
    counts[1, -8:-5] = np.nan
    panel = Panel(counts, 52, dates=WEEKS)
    found = anlan.detect(panel, "ears_c1", test="last 20", series=["north", "<b>south</b></script>", "west"])
    folder = tmp_path_factory.mktemp("report")
    write(found, folder, "cases.csv")
    return folder / "report.html"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        shown = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield shown
        shown.close()


def open_report(browser: Any, report: Path, **more: Any) -> tuple[Any, list[str], list[str]]:
    context = browser.new_context(**{"locale": "en-GB", "offline": True, **more})
    page = context.new_page()
    faults: list[str] = []
    asked: list[str] = []
    page.on("console", lambda m: faults.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(report.as_uri())
    page.wait_for_selector("[data-heat][data-ready=yes]")
    return page, faults, asked


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_it_draws_offline_and_asks_nobody(browser: Any, report: Path, width: int, scheme: str) -> None:
    page, faults, asked = open_report(
        browser, report, viewport={"width": width, "height": 900}, color_scheme=scheme
    )
    for chart in page.query_selector_all("[data-bands]"):
        chart.scroll_into_view_if_needed()
        page.wait_for_function("e => e.dataset.ready === 'yes'", arg=chart)
        assert chart.query_selector("canvas")
    assert faults == []
    assert asked == [report.as_uri()]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.context.close()


def test_language_follows_the_reader_and_a_button_changes_it(browser: Any, report: Path) -> None:
    page, _, _ = open_report(browser, report, locale="zh-CN")
    assert page.locator("h2:visible", has_text="全部序列").count() == 1
    assert not page.get_by_text("All series by time", exact=True).is_visible()
    page.get_by_role("button", name="English").click()
    assert page.get_by_text("All series by time", exact=True).is_visible()
    assert page.get_by_role("button", name="中文").is_visible()
    page.context.close()


def test_names_from_the_file_are_text_and_nothing_else(browser: Any, report: Path) -> None:
    page, faults, _ = open_report(browser, report)
    assert page.locator("h3", has_text="<b>south</b></script>").count() == 1
    assert page.locator("h3 b").count() == 0
    assert faults == []
    page.context.close()


def test_what_stands_in_the_charts_stands_in_the_tables_too(browser: Any, report: Path) -> None:
    page, _, _ = open_report(browser, report)
    text = page.inner_text("main")
    assert "unknown: a value that the answer hangs on is missing" in text
    assert f"alarm(s) in 20 tested time(s): {WEEKS[-2]}" in text
    page.context.close()


def test_without_scripts_the_tables_are_there(browser: Any, report: Path) -> None:
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto(report.as_uri())
    assert page.locator("table").first.is_visible()
    assert "the numbers stand in findings.csv" in page.inner_text("main")
    context.close()
