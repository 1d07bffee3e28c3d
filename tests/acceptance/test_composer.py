"""A warning from a telephone call to the public, and its correction: written, checked, approved by two."""

from __future__ import annotations

import html
import os
import re
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from deskserver import form_token
from litestar.testing import TestClient

from anlan.app.clock import WallClock
from anlan.app.desk import RunningDesk
from anlan.app.house import RunningHouse
from anlan.app.workspace import init
from anlan.store.accounts import Accounts
from anlan.web.site import site
from sample_pack import MATRIX, write
from served import PASSWORD, approval_codes, pack

DROPS = "".join(
    f'\n[[channel]]\nid = "{id}"\nkind = "file"\noptions = {{ folder = "{id}" }}\n' for id in ("mail", "hook")
)
CHROMIUM = os.environ.get("ANLAN_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
BUNDLE = Path(__file__).parents[2] / "src/anlan/web/static/bundle/draw.js"


def opened(folder: Path, mode: str = "live") -> RunningDesk:
    write(folder / "tiny", {**pack(), "matrices.toml": MATRIX})
    home = folder / "site"
    init(home, str(folder / "tiny"), mode=mode, sender="office@tiny.invalid", port=0, more=DROPS)
    accounts = Accounts(f"sqlite:///{home / 'accounts.sqlite'}")
    for name in ("ada", "ben"):
        accounts.create(name, PASSWORD)
    accounts.close()
    return RunningDesk(RunningHouse(home, WallClock()))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[RunningDesk]:
    made = opened(tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDesk]:
    """A desk on which nothing is ever kept."""
    made = opened(tmp_path_factory.mktemp("quiet"))
    yield made
    made.close()


class Reader:
    """Somebody at a browser without a script: follows links, sends forms."""

    def __init__(self, client: TestClient[Any], name: str) -> None:
        self.client = client
        token = form_token(client.get("/sign-in").text)
        data = {"csrf": token, "name": name, "password": PASSWORD, "next": "/"}
        assert client.post("/sign-in", data=data, follow_redirects=False).status_code == 303
        client.get("/prefs?lang=en&back=/")

    def get(self, path: str) -> str:
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.text
        return str(answer.text)

    def act(self, act: str, subject: str, **fields: str) -> Any:
        data = {
            "csrf": form_token(self.get("/account")),
            "act": act,
            "subject": subject,
            "back": "/",
            **fields,
        }
        return self.client.post("/act", data=data, follow_redirects=False)

    def send(self, page: str, do: str, **changes: str) -> Any:
        """The composer's form as it stands on the page, with changes, by one of its buttons."""
        return self.client.post("/compose", data={**form(page), **changes, "do": do}, follow_redirects=False)


def form(page: str) -> dict[str, str]:
    """The fields of the composer's form."""
    inside = re.search(r'<form method="post" action="/compose".*?</form>', page, re.S)
    assert inside, "no composer on the page"
    text, found = inside[0], dict[str, str]()
    for name, value in re.findall(r'<textarea[^>]* name="(\w+)"[^>]*>(.*?)</textarea>', text, re.S):
        found[name] = html.unescape(value)
    for tag in re.findall(r"<input[^>]*>", text):
        name, value = re.search(r'name="(\w+)"', tag), re.search(r'value="([^"]*)"', tag)
        if name:
            found[name[1]] = html.unescape(value[1]) if value else ""
    level = re.search(r'<option value="(\d)" selected', text)
    return {**found, "level": level[1] if level else ""}


@contextmanager
def at_browser(desk: RunningDesk, name: str) -> Iterator[Reader]:
    with TestClient(site(desk)) as client:
        yield Reader(client, name)


def composed(ada: Reader) -> str:
    """A kept draft of a flood at Greater Alpha, level by the matrix."""
    page = ada.get("/compose?hazard=flood&place=x/a&severity=bad&certainty=likely")
    kept = ada.send(page, "save", reason="the lock keeper rang", matters_en="The dike leaks at Alpha.")
    assert kept.status_code == 303, kept.text
    return str(kept.headers["location"])


def test_a_warning_is_written_step_by_step_without_a_script(desk: RunningDesk) -> None:
    with at_browser(desk, "ada") as ada:
        assert "Greater Alpha" in ada.get("/compose?find=alpha")
        assessed = ada.get("/compose?hazard=flood&place=x/a")
        link = re.search(r'href="(/compose\?[^"]*severity=bad[^"]*)"', assessed)
        assert link and "act-2010" not in link[1]
        assert 'data-column="bad&#10;homes flooded"' in assessed, "on a phone each cell says its column"
        page = ada.get(html.unescape(link[1]))
        assert form(page)["level"] == "2"
        checked = ada.send(page, "check", reason="the lock keeper rang")
        assert checked.status_code == 200
        for there in ("National Office", "§ 5", "450 people", "eight contents", "Cell broadcast", "of 1395"):
            assert there in checked.text, there
        assert checked.text.count("carries the GSM alphabet only") == 2, "the Chinese of both WEA forms"
        assert desk.state().warnings == {}, "a check keeps nothing"
        assert desk.state().assessments == {}
        kept = ada.send(checked.text, "save", reason="the lock keeper rang")
        assert kept.status_code == 303
    (warning,) = desk.state().warnings.values()
    (risk,) = desk.state().assessments.values()
    assert (warning.status, warning.level, warning.authors) == ("draft", 2, ("ada",))
    assert (risk.judged, risk.cell, risk.findings) == (2, "rivers/likely/bad", ())
    assert kept.headers["location"] == f"/warning/{warning.id}"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"expires": "2099-01-01T00:00:00"}, "plausibly lasts"),
        ({"expires": "2001-01-01T00:00:00"}, "not after the start"),
        ({"drawing": "1,1 3,3 1,3 3,1"}, "simple polygon"),
        ({"drawing": "88,100 88,101 87,100"}, "touches no place"),
        ({"drawing": "34.2,104.2 34.2,104.5 34.5,104.2"}, "drawing_elsewhere"),
        ({"places": "x/zz"}, "no such place"),
        ({"headline_zh": ""}, "left empty"),
        ({"level": "4"}, "not that of the matrix"),
    ],
)  # fmt: skip
def test_what_is_refused_is_refused_with_the_reason_and_keeps_the_words(
    quiet: RunningDesk, changes: dict[str, str], says: str
) -> None:
    with at_browser(quiet, "ada") as ada:
        page = ada.get("/compose?hazard=flood&place=x/a&severity=bad&certainty=likely")
        refused = ada.send(page, "save", reason="so", matters_en="My own words.", **changes)
        assert refused.status_code == 409
        assert says in html.unescape(refused.text)
        assert form(refused.text)["matters_en"] == "My own words."
        ada.get("/prefs?lang=zh&back=/")
        told = ada.send(page, "save", reason="so", **changes).text
        because = re.search(r'role="alert"><b>[^<]*</b>([^<]*)</p>', told)
        assert because and re.search("[一-鿿]{4}", because[1]) and "expected" not in because[1]
    assert quiet.state().warnings == {}


def test_the_page_names_the_recipients_to_whom_a_drawn_message_then_goes(desk: RunningDesk) -> None:
    codes = approval_codes(desk.accounts, "ben")
    with at_browser(desk, "ada") as ada, at_browser(desk, "ben") as ben:
        page = ada.get("/compose?hazard=flood&place=x/a&severity=bad&certainty=likely")
        drawing = {"drawing": "circle 30.5,101.0 30", "reason": "the lock keeper rang"}
        checked = ada.send(page, "check", **drawing)
        assert "drawing_outside" in checked.text and "lie outside of Greater Alpha" in checked.text
        said = re.search(r"recipients: ([^<;]*)", html.unescape(checked.text))
        kept = ada.send(page, "save", **drawing)
        assert kept.status_code == 303, kept.text
        id = str(kept.headers["location"]).removeprefix("/warning/")
        assert ada.act("warning.submit", id, reason="checked").status_code == 303
        assert ben.act("warning.approve", id, code=codes[0], reason="agreed").status_code == 303
    (notice,) = [one for one in desk.state().notices.values() if one.warning == id]
    told = [
        desk.pack.recipients[one].channel
        for group in notice.groups
        for one in group.recipients
        if group.outcome != "not_told"
    ]
    counted = ", ".join(f"{told.count(channel)} by {channel}" for channel in sorted(set(told)))
    assert told and said is not None and said[1] == counted


def test_nobody_approves_alone_and_an_approval_takes_a_code(desk: RunningDesk) -> None:
    codes = approval_codes(desk.accounts, "ben")
    with at_browser(desk, "ada") as ada, at_browser(desk, "ben") as ben:
        path = composed(ada)
        id = path.rpartition("/")[2]
        edited = ben.send(
            ben.get(f"/compose?do=warning.edit&id={id}"), "save", measures_en="Go up now.", reason="clearer"
        )
        assert edited.status_code == 303
        page = ada.get(path)
        assert "<del>" in page and "<ins>" in page and "Version 2" in page
        assert ada.act("warning.submit", id, reason="go").status_code == 303
        own = ben.act("warning.approve", id, code=codes[0], reason="mine")
        assert own.status_code == 403, "an editor does not approve"
        assert "two persons" in own.text
        back = ben.act("warning.return", id, reason="leave it as it was")
        assert back.status_code == 303
        told = ada.get(path)
        told_at = told.index("leave it as it was")
        assert told.index("<h1>") < told_at < told.index('id="words"'), "above everything"
        assert "<dt>Approved by</dt><dd><b>" not in told, "who returns has not approved"
    assert desk.state().warnings[id].status == "returned"
    assert desk.accounts.second_factor("ben").recovery == len(codes), "a refusal costs no code"


def published(desk: RunningDesk) -> str:
    codes = approval_codes(desk.accounts, "ben")
    with at_browser(desk, "ada") as ada, at_browser(desk, "ben") as ben:
        path = composed(ada)
        id = path.rpartition("/")[2]
        assert ada.act("warning.submit", id, reason="go").status_code == 303
        for wrong in ("", "000000"):
            assert ben.act("warning.approve", id, code=wrong, reason="agreed").status_code == 403
        assert "can be published" not in ben.get(path)
        assert ben.act("warning.approve", id, code=codes[0], reason="agreed").status_code == 303
        assert ben.act("warning.approve", id, code=codes[0], reason="again").status_code == 409
    sent = desk.state().warnings[id]
    assert (sent.status, sent.author, sent.approver, sent.proof) == ("approved", "ada", "ben", "recovery")
    assert sent.digest == desk.house.digest(desk.cap(id))
    return id


def test_a_correction_is_two_clicks_away_and_replaces_the_message(desk: RunningDesk) -> None:
    id = published(desk)
    with at_browser(desk, "ada") as ada:
        start = ada.get("/risk/" + desk.state().warnings[id].risk)
        assert f'href="/warning/{id}"' in start
        page = ada.get(f"/warning/{id}")
        link = re.search(r'href="(/compose\?do=warning\.correct[^"]*)"', page)
        assert link, "one click"
        begun = ada.get(html.unescape(link[1]))
        assert "CORRECTION" in form(begun)["headline_en"], "two clicks"
        same = ada.send(begun, "save", reason="nothing")
        assert same.status_code == 409
        assert "says the same" in same.text
        kept = ada.send(begun, "save", matters_en="The dike leaks at Beta, not here.", reason="wrong dike")
        assert kept.status_code == 303
    draft = desk.state().warnings[kept.headers["location"].rpartition("/")[2]]
    assert (draft.change, draft.purpose, draft.references, draft.mode) == (
        "update",
        "correct",
        (id,),
        "Actual",
    )
    codes = approval_codes(desk.accounts, "ben")
    desk.act(desk.pack.users["ada"], "warning.submit", draft.id, {})
    desk.act(desk.pack.users["ben"], "warning.approve", draft.id, {"code": codes[0]})
    assert desk.state().warnings[id].status == "superseded"
    assert "CORRECTION" in desk.cap(draft.id).decode()


def test_a_draft_nobody_wants_is_rejected_on_its_page_and_holds_up_no_all_clear(desk: RunningDesk) -> None:
    id = published(desk)
    desk.act(desk.pack.users["ada"], "warning.raise", id, {"level": "1", "reason": "by mistake"})
    (draft,) = [w for w in desk.state().warnings.values() if w.status == "draft"]
    with at_browser(desk, "ada") as ada, at_browser(desk, "ben") as ben:
        held = ada.act("warning.all_clear", id, reason="the water is gone <1 m>")
        assert held.status_code == 409
        assert f"{draft.id} (draft, by ada, since" in held.text
        assert f'href="/warning/{draft.id}"' in held.text
        assert f'href="/compose?do=warning.edit&amp;id={draft.id}"' in held.text, "the way on"
        assert re.search(r'name="reason"[^>]*>the water is gone &lt;1 m&gt;</textarea>', held.text), "kept"
        assert f'name="back" value="/warning/{id}"' in held.text
        assert 'id="live"' not in held.text, "the answer to a form cannot be fetched again"
        assert 'value="warning.reject"' not in held.text, "who may not reject is not offered it"
        begun = ada.get(f"/compose?do=warning.correct&id={id}")
        assert f'href="/warning/{draft.id}"' in begun, "told before a word of a correction is written"
        for page in (ben.get(f"/warning/{draft.id}"), ben.get(f"/warning/{id}")):
            assert re.search(rf'value="warning.reject">\s*<input[^>]*name="subject" value="{draft.id}"', page)
        assert ben.act("warning.reject", draft.id, reason="not meant").status_code == 303
        assert "open-draft" not in ada.get(f"/warning/{id}")
        assert ada.act("warning.all_clear", id, reason="over").status_code == 303


def test_what_follows_a_message_leads_to_its_new_draft(desk: RunningDesk) -> None:
    id = published(desk)
    with at_browser(desk, "ada") as ada, at_browser(desk, "ben") as ben:
        page = ada.get(f"/warning/{id}")
        for act, levels in (("raise", ["1"]), ("lower", ["3", "4"]), ("update", ["1", "2", "3", "4"])):
            offered = re.search(rf'id="f-warning-{act}-{id}-level".*?</select>', page)
            assert offered and re.findall(r'<option value="(\d)"', offered[0]) == levels, act
            chosen = {"raise": "1", "lower": "3", "update": "2"}[act]
            assert f'<option value="{chosen}" selected' in offered[0], "the nearest level, never red unasked"
        end = desk.state().warnings[id].expires
        assert re.search(rf'id="f-warning-update-{id}-expires"[^>]*value="{end.isoformat()[:19]}"', page)
        assert "Correct" in ben.get(f"/warning/{id}"), "who may not correct is told so"
        later = (end + timedelta(hours=1)).isoformat()
        for act, fields in (
            ("warning.raise", {"level": "1"}),
            ("warning.lower", {"level": "3"}),
            # as the field of a browser writes it
            ("warning.extend", {"expires": later[:19]}),
            ("warning.all_clear", {}),
        ):
            done = ada.act(act, id, reason="so", back=f"/warning/{id}", **fields)
            (draft,) = [w for w in desk.state().warnings.values() if w.status == "draft"]
            assert done.headers["location"] == f"/warning/{draft.id}", act
            said = {"raise": "Raised", "lower": "Lowered", "extend": "Extended", "all_clear": "All-clear"}
            page = ada.get(f"/warning/{draft.id}")
            assert f"<b>{said[act.removeprefix('warning.')]}</b>" in page
            differs = page[page.index('id="against"') : page.index('id="shown"')]
            assert f'href="/warning/{id}"' in differs and "<del>" in differs, "what an approver compares"
            assert ben.act("warning.reject", draft.id, reason="no", back="/").headers["location"] == "/"


def test_a_refused_act_keeps_the_words_and_never_the_code(desk: RunningDesk) -> None:
    codes = approval_codes(desk.accounts, "ben")
    with at_browser(desk, "ada") as ada, at_browser(desk, "ben") as ben:
        path = composed(ada)
        id = path.rpartition("/")[2]
        assert ada.act("warning.submit", id, reason="go").status_code == 303
        wrong = ben.act("warning.approve", id, code="918273", reason="I rang the lock keeper")
        assert wrong.status_code == 403
        assert f"<code>{id}</code>" in wrong.text and "Not done: " in wrong.text
        assert 'rows="2" required>I rang the lock keeper</textarea>' in wrong.text
        assert "918273" not in wrong.text
        assert ben.act("warning.approve", id, code=codes[0], reason="agreed").status_code == 303
        risk = desk.state().warnings[id].risk
        early = ada.act("assessment.finalise", risk, reason="all done", back=f"/risk/{risk}")
        assert early.status_code == 409
        assert f'href="/risk/{risk}"' in early.text and "all done" in early.text


def test_the_first_step_says_that_the_risk_is_open_and_what_follows_its_message(desk: RunningDesk) -> None:
    start = "/compose?hazard=flood&place=x/a"
    with at_browser(desk, "ada") as ada:
        path = composed(ada)
        (risk,) = desk.state().assessments
        told = ada.get(start)
        assert "open already" in told and f'href="/risk/{risk}"' in told and f'href="{path}"' in told
        assert 'action="/compose"' not in told, "no words are written for nothing"
    codes = approval_codes(desk.accounts, "ben")
    id = path.rpartition("/")[2]
    desk.act(desk.pack.users["ada"], "warning.submit", id, {})
    desk.act(desk.pack.users["ben"], "warning.approve", id, {"code": codes[0]})
    with at_browser(desk, "ada") as ada:
        for page in (
            ada.get(start),
            ada.get(f"{start}&severity=bad&certainty=likely"),
            ada.get(f"/compose?id={risk}"),
        ):
            assert f'href="/warning/{id}#decide"' in page
            assert f'href="/compose?do=warning.correct&amp;id={id}"' in page


def test_a_hazard_or_place_that_nobody_knows_is_said(quiet: RunningDesk) -> None:
    with at_browser(quiet, "ada") as ada:
        page = ada.get("/compose?hazard=nope&place=x/zz")
        assert "“nope”" in page and "“x/zz”" in page
        assert 'role="alert"' not in ada.get("/compose")


def test_an_all_clear_and_a_withdrawal_say_different_things(desk: RunningDesk) -> None:
    id = published(desk)
    ada, said = desk.pack.users["ada"], {}
    for act in ("warning.all_clear", "warning.cancel"):
        desk.act(ada, act, id, {"reason": "so"})
        (draft,) = [w for w in desk.state().warnings.values() if w.status == "draft"]
        said[act] = desk.cap(draft.id).decode()
        told = "lifted" if act == "warning.all_clear" else "withdrawn"
        with at_browser(desk, "ada") as reader:
            page = reader.get(f"/warning/{draft.id}")
            assert re.search(rf"<dt[^>]*>What to do</dt><dd>This warning is {told}", page), (
                "as it is published"
            )
            assert "The message before said: The dike leaks at Alpha." in page, "it is no more what happens"
            assert "Until 2" not in page, "no short form tells an end of what is over"
            begun = reader.get(f"/compose?do=warning.edit&id={draft.id}")
            assert 'type="hidden" name="measures_en"' in begun
            refused = reader.send(begun, "save", measures_en="Go home.", reason="so")
            assert refused.status_code == 409 and "says by itself" in refused.text
        desk.act(ada, "warning.submit", draft.id, {})
        desk.act(desk.pack.users["ben"], "warning.reject", draft.id, {"reason": "not yet"})
    assert "<responseType>AllClear</responseType>" in said["warning.all_clear"]
    assert "AllClear" not in said["warning.cancel"]
    assert "withdrawn" in said["warning.cancel"] and "withdrawn" not in said["warning.all_clear"]


def test_an_exercise_says_so_before_and_after_it_is_approved(tmp_path: Path) -> None:
    desk = opened(tmp_path, "exercise")
    try:
        codes = approval_codes(desk.accounts, "ben")
        with at_browser(desk, "ada") as ada, at_browser(desk, "ben") as ben:
            id = composed(ada).rpartition("/")[2]
            assert ada.act("warning.submit", id, reason="go").status_code == 303
            page = ben.get(f"/warning/{id}")
            assert "Approve the exercise message" in page and "no public channel takes it" in page
            assert "Approve and publish to the public" not in page
            assert '<span class="tongue">English</span> [EXERCISE] ' in page, "exactly as it leaves"
            assert ben.act("warning.approve", id, code=codes[0], reason="drill").status_code == 303
        raw = desk.cap(id).decode()
        assert "<status>Exercise</status>" in raw
        assert (raw.count("[演练]"), raw.count("[EXERCISE]")) == (1, 1)
        assert "<note>EXERCISE — 演练</note>" in raw
    finally:
        desk.close()


@contextmanager
def listening(desk: RunningDesk) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = uvicorn.Config(site(desk), host="127.0.0.1", port=port, log_level="error", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.05)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine (apt-get install chromium)")
@pytest.mark.skipif(not BUNDLE.is_file(), reason="the browser bundle is not built (python hatch_build.py)")
def test_an_area_is_drawn_or_typed_and_both_are_the_same(desk: RunningDesk, tmp_path: Path) -> None:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with listening(desk) as base, playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"],
        )
        faults: list[str] = []
        for width, theme in ((1440, "light"), (390, "dark")):
            context = chromium.new_context(
                viewport={"width": width, "height": 900}, color_scheme=theme, locale="en-GB"
            )
            page = context.new_page()
            page.on("pageerror", lambda error: faults.append(str(error)))
            page.goto(f"{base}/sign-in")
            page.fill("#name", "ada")
            page.fill("#password", PASSWORD)
            page.keyboard.press("Enter")
            page.wait_for_url(f"{base}/")
            page.goto(f"{base}/compose?hazard=flood&place=x/a&severity=bad&certainty=likely")
            page.locator("#draw[data-ready=yes]").wait_for(timeout=30_000)
            if width > 1000:
                page.locator("#draw").scroll_into_view_if_needed()
                page.get_by_role("button", name="Draw a circle").click()
                box = page.locator("#draw canvas").bounding_box()
                assert box
                page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
                page.mouse.click(box["x"] + box["width"] / 2 + 15, box["y"] + box["height"] / 2)
                assert re.fullmatch(
                    r"circle -?[\d.]+,-?[\d.]+ [\d.]+", page.locator("#f-drawing").input_value()
                )
            else:
                lat, lon = 30.5, 100.5
                page.fill("#f-drawing", f"circle {lat},{lon} 10")
            page.fill("#f-reason", "the keeper rang")
            page.locator("#keep ~ .act-foot button").first.focus()
            page.keyboard.press("Enter")
            page.locator("#shown").wait_for(timeout=20_000)
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
            assert "area_words" in page.locator("#plain ~ ul").inner_text(), "its words name the whole place"
            typed = page.locator("#f-drawing").input_value()
            assert len(typed.split()) > 3, "the area that is sent, as coordinates"
            page.screenshot(path=str(tmp_path / f"composer-{width}-{theme}.png"), full_page=True)
            context.close()
        assert faults == []
        chromium.close()


def test_the_clock_of_codes_is_the_desks_own(tmp_path: Path) -> None:
    desk = opened(tmp_path)
    try:
        ahead = WallClock(datetime.now(UTC) + timedelta(days=1))
        desk.house.clock = ahead
        secret, _ = desk.enrol(desk.pack.users["ben"], PASSWORD)
        from anlan.store.second_factor import code_at

        with pytest.raises(Exception, match="does not fit"):
            desk.confirm_enrolment(desk.pack.users["ben"], code_at(secret, datetime.now(UTC)))
        assert len(desk.confirm_enrolment(desk.pack.users["ben"], code_at(secret, ahead.now()))) == 10
    finally:
        desk.close()
