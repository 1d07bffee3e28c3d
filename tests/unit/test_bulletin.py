"""The public site: what is in force and nothing else, whole or not at all, and how old it is."""

from __future__ import annotations

import json
import re
import threading
import time
import tomllib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from icalendar import Calendar
from lxml import etree

from anlan.formats import cap
from anlan.model.errors import BadInput
from anlan.model.sourcestate import SourceState
from anlan.web.bulletin import board as boards
from anlan.web.bulletin import folder
from anlan.web.bulletin.board import board, place_file, standing
from anlan.web.bulletin.edition import Edition, Settings, edition
from anlan.web.bulletin.press import Press
from bulletins import HOUR, NOW, Shown, country, everything, source, warning

SITE = Settings(address="https://warn.drill.invalid/public", sender="warn@drill.invalid")


def words(made: Edition, path: str) -> str:
    return made.files[path].content.decode()


def test_the_lists_hold_what_is_in_force_most_severe_first_and_what_was_lifted() -> None:
    made = edition(Shown.of(everything()), SITE)
    page = words(made, "en/index.html")
    headings = re.findall(r"<h[23]><a href=\"[^\"]+\">([^<]+)<", page)
    assert headings == [
        "Red flood warning",
        "Orange flood warning",
        "Blue heat warning",
        "Flood warning lifted",
    ]
    assert "In force now: 3." in page
    assert "<tonight>" not in words(made, "en/warning/W-red.html")


def test_no_exercise_test_draft_or_restricted_message_is_on_any_file() -> None:
    made = edition(Shown.of(everything()), SITE)
    for path, file in made.files.items():
        for mark in ("DRILL", "TEST", "NAMED", "DRAFT", "演练红色", "测试红色", "限定红色", "草稿红色"):
            assert mark not in file.content.decode(), path
    assert not any(name in path for path in made.files for name in ("drill", "test", "named", "draft"))


def test_a_warning_whose_bytes_are_not_public_stops_the_building() -> None:
    shown = Shown.of([warning("W-1", 1)])
    drill = Shown.of([warning("W-1", 1, mode="Exercise")])
    shown.cap = drill.cap  # type: ignore[method-assign]
    with pytest.raises(BadInput, match="not those of a public warning"):
        edition(shown, SITE)


def test_every_page_is_in_both_languages_and_says_which() -> None:
    made = edition(Shown.of(everything()), SITE)
    pages = {path for path in made.files if path.endswith(".html")}
    for path in sorted(pages - {"index.html"}):
        language, _, rest = path.partition("/")
        other = "zh" if language == "en" else "en"
        assert f"{other}/{rest}" in pages
        html = words(made, path)
        assert f'<html lang="{"zh-CN" if language == "zh" else "en"}"' in html
        up = "../" * path.count("/")
        assert f'<a href="{up}{other}/{rest}"' in html, path
    both = words(made, "index.html")
    assert "Red flood warning" in both and "洪水红色预警" in both and 'lang="zh-CN"' in both


def test_every_link_of_every_page_leads_to_a_file_of_the_site() -> None:
    made = edition(Shown.of(everything()), SITE)
    for path, file in made.files.items():
        if not path.endswith(".html"):
            continue
        tree = etree.fromstring(file.content, etree.HTMLParser())
        for link in tree.xpath("//@href | //@src"):
            if link.startswith("#"):
                continue
            target = (Path("/", path).parent / link).resolve()
            assert str(target)[1:] in made.files, f"{path}: {link}"
        assert not tree.xpath("//*[@style] | //script[not(@src)]"), path


def test_a_message_that_no_longer_holds_says_so_on_its_page_and_leads_to_the_one_that_does() -> None:
    made = edition(Shown.of(everything()), SITE)
    old = words(made, "en/warning/W-old.html")
    assert "no longer holds: a newer one replaces it" in old
    assert 'href="W-orange.html"' in old
    assert "This message replaces an earlier one" in words(made, "en/warning/W-orange.html")
    assert "has been lifted" in words(made, "en/warning/W-gone.html")
    lifted = words(made, "en/warning/W-lift.html")
    assert "The measures it asked for no longer apply" in lifted and "Go to high ground" not in lifted
    assert "This message is over" in words(made, "en/warning/W-over.html")
    assert "en/warning/W-ancient.html" not in made.files


@pytest.mark.parametrize(
    ("purpose", "word", "chinese"),
    [("correct", "CORRECTION", "更正"), ("raise", "Raised", "升级"), ("", "Update", "更新")],
)
def test_a_correction_says_that_it_is_one_in_the_list_and_on_its_page(
    purpose: str, word: str, chinese: str
) -> None:
    old = warning("W-1", 3, status="superseded")
    new = warning("W-2", 2, change="update", references=("W-1",), purpose=purpose)
    made = edition(Shown.of([old, new]), SITE)
    for path in ("en/index.html", "en/warning/W-2.html", "en/place/xx.1.html", "index.html"):
        assert word in words(made, path), path
    assert chinese in words(made, "zh/warning/W-2.html")


def test_a_withdrawal_is_not_called_lifted_and_tells_no_end() -> None:
    old = warning("W-1", 3, status="cancelled")
    for purpose, said in (("cancel", "withdrawn"), ("all_clear", "lifted")):
        new = warning("W-2", 3, change="cancel", references=("W-1",), purpose=purpose)
        made = edition(Shown.of([old, new]), SITE)
        page = words(made, "en/warning/W-2.html")
        assert f"This warning is {said}" in page and "In force until" not in page
        assert f"<span>{said}</span>" in page, "what became of the message before"
        assert f"has been {said}" in words(made, "en/warning/W-1.html")
        for path in ("index.html", "en/index.html", "en/place/xx.1.html"):
            assert (">✕ withdrawn" in words(made, path)) is (said == "withdrawn"), path
        assert ("已撤回" in words(made, "zh/index.html")) is (said == "withdrawn")


def test_a_warning_leaves_at_the_instant_it_expires_and_its_page_says_so_for_a_week() -> None:
    shown = Shown.of([warning("W-1", 1)])
    ends = shown.warnings["W-1"].expires
    for at, listed, page in (
        (ends - timedelta(seconds=1), True, True),
        (ends, False, True),
        (ends + timedelta(days=6), False, True),
        (ends + timedelta(days=9), False, False),
    ):
        shown.clock.at = at
        made = edition(shown, SITE)
        assert ("Red flood warning" in words(made, "en/index.html")) is listed, at
        assert ("en/warning/W-1.html" in made.files) is page, at
        assert (b"W-1" in made.files["feed.atom"].content) is listed, at
        assert (b"W-1" in made.files["warnings.geojson"].content) is listed, at
        assert (b"W-1" in made.files["en/warnings.ics"].content) is listed, at
    assert standing(replace(shown.warnings["W-1"], change="cancel"), ends + HOUR) == "lifted"


def test_a_place_shows_what_holds_there_around_it_and_inside_it() -> None:
    shown = Shown.of(
        [warning("W-1", 1, ("xx/1/a",)), warning("W-all", 4, ("xx",)), warning("W-2", 2, ("xx/2",))]
    )
    found = board(shown.state(), shown.pack, shown.cap, NOW, {}).places
    assert set(found["xx"]) == {"W-1", "W-2", "W-all"}
    assert set(found["xx/1"]) == {"W-1", "W-all"}
    assert set(found["xx/1/a"]) == {"W-1", "W-all"}
    assert set(found["xx/2"]) == {"W-2", "W-all"}
    # below a warned place too: whoever lives in East County finds what holds for the whole province
    assert found["xx/3"] == ("W-all",)
    assert found["xx"] == ("W-1", "W-2", "W-all")
    made = edition(shown, SITE)
    page = words(made, "zh/place/xx.1.html")
    assert "北县" in page and "洪水红色预警" in page and "洪水橙色预警" not in page


def test_places_below_have_pages_level_by_level_as_far_as_there_is_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown = Shown.of([warning("W-all", 4, ("xx",))])

    def pages() -> set[str]:
        return set(board(shown.state(), shown.pack, shown.cap, NOW, {}).places)

    assert pages() == {"xx", "xx/1", "xx/2", "xx/3", "xx/1/a"}
    for most, there in ((4, {"xx", "xx/1", "xx/2", "xx/3"}), (3, {"xx"}), (0, {"xx"})):
        monkeypatch.setattr(boards, "MOST", most)
        assert pages() == there


def test_files_of_two_places_never_have_one_name() -> None:
    ids = ("cn/1/2", "cn/1.2", "cn.1.2", "cn.1/2", "../x", "cn/ä", "cn/1", "cn-1", "/", ".")
    names = {place_file(id) for id in ids}
    assert len(names) == len(ids)
    assert all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name) for name in names)
    assert place_file("cn/110105") == "cn.110105"


def test_the_feeds_say_what_the_pages_say() -> None:
    made = edition(Shown.of(everything()), SITE)
    entries = cap.read_index(made.files["feed.atom"].content, "https://warn.drill.invalid/public/feed.atom")
    links = {entry.links[0] for entry in entries}
    assert b'href="https://warn.drill.invalid/public/feed.atom"' in made.files["feed.atom"].content
    assert (
        b'href="https://warn.drill.invalid/public/cap/W-red.cap.xml"' in made.files["place/xx.atom"].content
    )
    bare = edition(Shown.of(everything()), Settings()).files["place/xx.atom"].content
    assert b'href="../cap/W-red.cap.xml"' in bare and b'href="xx.atom"' in bare
    assert links == {
        f"https://warn.drill.invalid/public/cap/{id}.cap.xml"
        for id in ("W-red", "W-orange", "W-blue", "W-lift")
    }
    shown = Shown.of(everything())
    assert made.files["cap/W-red.cap.xml"].content == shown.cap("W-red")
    features = json.loads(made.files["warnings.geojson"].content)["features"]
    assert [feature["id"] for feature in features] == ["W-red", "W-orange", "W-blue"]
    assert features[0]["geometry"]["coordinates"][0][0][0] == [116.0, 39.0]
    assert features[1]["geometry"] is None
    health = json.loads(made.files["health.json"].content)
    assert (health["in_force"], health["lifted"], health["live"], health["journal"]) == (3, 1, True, 7)
    assert health["built"] == "2030-07-12T14:00:00Z" and health["next"] == "2030-07-12T14:01:00Z"


def test_a_calendar_has_one_event_a_chain_which_an_update_changes_and_a_cancellation_cancels() -> None:
    made = edition(Shown.of(everything()), SITE)
    events = {
        str(event["uid"]): event
        for event in Calendar.from_ical(made.files["zh/warnings.ics"].content).walk("VEVENT")
    }
    assert set(events) == {f"{id}@warn@drill.invalid" for id in ("W-red", "W-old", "W-blue", "W-gone")}
    changed, cancelled = events["W-old@warn@drill.invalid"], events["W-gone@warn@drill.invalid"]
    assert (str(changed["status"]), int(changed["sequence"])) == ("CONFIRMED", 1)
    assert (str(cancelled["status"]), int(cancelled["sequence"])) == ("CANCELLED", 1)
    assert "本预警已解除" in str(cancelled["description"]), "what is over asks for nothing any more"
    assert str(changed["summary"]) == "洪水橙色预警"
    assert changed["dtstart"].dt == datetime(2030, 7, 12, 16, tzinfo=UTC)
    assert str(changed["url"]) == "https://warn.drill.invalid/public/zh/warning/W-orange.html"


def test_a_place_is_told_what_was_lifted_there_and_a_calendar_without_events_is_one() -> None:
    over = warning("W-1", 2, ("xx/2",), status="cancelled")
    lifted = warning("W-2", 2, ("xx/2",), change="cancel", references=("W-1",))
    made = edition(Shown.of([over, lifted]), SITE)
    for inside in ("xx", "xx.2"):
        assert "W-2.cap.xml" in words(made, f"place/{inside}.atom")
        assert "STATUS:CANCELLED" in words(made, f"en/place/{inside}.ics")
        assert "Lifted" in words(made, f"en/place/{inside}.html")
    empty = edition(Shown.of([]), SITE)
    (only,) = Calendar.from_ical(empty.files["en/warnings.ics"].content).subcomponents
    assert only.name == "VTIMEZONE"


def test_a_page_says_when_it_was_built_when_the_next_is_due_and_which_sources_are_silent() -> None:
    pack = country(sources={"gauges": source("gauges"), "radar": source("radar")})
    shown = Shown.of([warning("W-1", 1)], pack=pack)
    shown.sources = {
        "gauges": SourceState("gauges", "fresh", NOW, NOW, 1, 0),
        "radar": SourceState("radar", "dead", NOW, NOW, 1, 0),
    }
    page = words(edition(shown, SITE), "en/index.html")
    assert "built 2030-07-12 14:00:00 UTC; the next is due by 2030-07-12 14:01:00 UTC" in page
    assert "Silent data sources: 1 of 2." in page
    assert 'data-built="2030-07-12T14:00:00Z" data-late="300"' in page
    both = words(edition(shown, SITE), "index.html")
    assert "Silent data sources: 1 of 2." in both and "2 个数据来源中有 1 个无消息" in both


def test_a_system_that_is_not_live_says_so_on_every_page() -> None:
    made = edition(Shown.of([], mode="exercise"), SITE)
    for path in made.files:
        if path.endswith(".html"):
            assert ("nothing here is a real warning" in words(made, path)) or (
                "均非真实预警" in words(made, path)
            ), path


def test_what_has_not_changed_is_neither_fetched_nor_rendered_again_and_has_the_same_validator() -> None:
    shown = Shown.of(everything())
    first = edition(shown, SITE)
    fetched = len(shown.fetched)
    shown.clock.at = NOW + timedelta(minutes=1)
    second = edition(shown, SITE, first)
    assert len(shown.fetched) == fetched
    same = {path for path in first.files if first.files[path].tag == second.files[path].tag}
    assert same == {path for path in first.files if not path.endswith(".html") and path != "health.json"}
    assert "14:01:00" in words(second, "en/warning/W-red.html")
    assert second.rendered == first.rendered
    # and from nothing the same
    shown.clock.at = NOW + timedelta(minutes=1)
    assert {path: f.content for path, f in edition(shown, SITE).files.items()} == {
        path: f.content for path, f in second.files.items()
    }


def test_the_folder_is_swapped_whole_and_a_reader_never_misses_a_file(tmp_path: Path) -> None:
    shown = Shown.of(everything())
    made = edition(shown, SITE)
    folder.write(made, tmp_path)
    faults: list[str] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            try:
                page = (tmp_path / "current" / "en" / "index.html").read_text(encoding="utf-8")
            except OSError as error:
                faults.append(repr(error))
                continue
            if not page.rstrip().endswith("</html>"):
                faults.append("half a page")

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for minute in range(1, 9):
        shown.clock.at = NOW + timedelta(minutes=minute)
        made = edition(shown, SITE, made)
        folder.write(made, tmp_path)
    stop.set()
    for reader in readers:
        reader.join()
    assert faults == []
    assert len(list((tmp_path / "editions").iterdir())) == folder.STAY
    current = (tmp_path / "current").resolve()
    there = {str(path.relative_to(current)) for path in current.rglob("*") if path.is_file()}
    assert there == set(made.files)


def test_a_disk_that_does_not_take_an_edition_keeps_the_one_before(tmp_path: Path) -> None:
    shown = Shown.of(everything())
    made = edition(shown, SITE)
    folder.write(made, tmp_path)
    before = (tmp_path / "current").resolve()
    broken = replace(made, files={**made.files, "en": made.files["health.json"]})
    with pytest.raises(OSError):
        folder.write(broken, tmp_path)
    assert (tmp_path / "current").resolve() == before
    assert not list((tmp_path / "editions").glob(".*"))


def test_the_press_builds_when_something_changes_ends_or_grows_old_and_not_otherwise(tmp_path: Path) -> None:
    shown = Shown.of([warning("W-1", 1)])
    press = Press(shown, SITE, tmp_path)
    assert press.turn() and not press.turn()
    shown.clock.at += timedelta(seconds=30)
    assert not press.turn()
    shown.warnings["W-2"] = warning("W-2", 2)
    shown.head += 1
    assert press.turn()
    assert press.current is not None and b"Orange" in press.current.files["en/index.html"].content
    assert b"Orange" in (tmp_path / "current/en/index.html").read_bytes()
    shown.clock.at += timedelta(seconds=60)
    assert press.turn() and not press.turn()
    shown.clock.at = shown.warnings["W-1"].expires
    assert press.turn()
    assert b"No public warning is in force" in press.current.files["en/index.html"].content


def test_an_edition_that_cannot_be_built_leaves_the_one_before_with_its_age_and_is_told_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    shown = Shown.of([warning("W-1", 1)])
    press = Press(shown, SITE)
    assert press.turn()
    first = press.current

    def broken(_id: str) -> bytes:
        raise OSError("the disk is gone")

    good, shown.cap = shown.cap, broken  # type: ignore[method-assign]
    shown.warnings["W-2"] = warning("W-2", 2)
    shown.head += 1
    assert not press.turn() and not press.turn()
    assert press.current is first
    assert sum("stays as it was" in record.getMessage() for record in caplog.records) == 1
    shown.cap = good  # type: ignore[method-assign]
    assert press.turn()
    assert press.current is not first


def test_a_thread_keeps_the_site_up_until_it_is_told_to_stop() -> None:
    shown = Shown.of([warning("W-1", 1)])
    press = Press(shown, SITE)
    press.start()
    try:
        shown.warnings["W-2"] = warning("W-2", 2)
        shown.head += 1
        end = time.monotonic() + 5
        while press.current is None or b"Orange" not in press.current.files["en/index.html"].content:
            assert time.monotonic() < end
            time.sleep(0.05)
    finally:
        press.stop()
    assert not any(thread.name == "bulletin" for thread in threading.enumerate())


def test_the_words_of_the_site_are_there_in_both_languages(root: Path) -> None:
    def keys(language: str) -> Any:
        text = (root / f"src/anlan/web/messages/{language}.toml").read_text(encoding="utf-8")
        return tomllib.loads(text)["bulletin"]

    assert keys("en").keys() == keys("zh").keys()
