"""Delivery status, ladder board, roster and answer links in a real browser; receipts, answers
and SMS replies over HTTP."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import paho.mqtt.client as paho
import pytest
from callsdesk import SMS_KEY, WARNING, later, make
from desk import PASSWORD
from deskserver import served, sign_in
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from test_console_browser import WIDTHS, Visit, browser, picture, pytestmark  # noqa: F401

from anlan.app.config import AcknowledgementsConfig
from anlan.app.desk import RunningDesk
from anlan.app.keeper import Keeper
from anlan.channels.guard import refused
from anlan.formats.cap import read
from anlan.model.errors import WrongState
from anlan.model.state import fold
from anlan.model.time import format_instant
from anlan.warn import contact
from anlan.warn.proof import ANSWER, RECEIPT, code, read_token, token
from brokers import LOOPBACK, Broker, wait
from chain_pack import DAY, HOUR, MINUTE

BROWSER = pytestmark
del pytestmark


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[RunningDesk]:
    made = make(tmp_path)
    yield made
    made.close()


def delivery(desk: RunningDesk, recipient: str) -> Any:
    (found,) = [d for d in desk.state().deliveries.values() if d.recipient == recipient]
    return found


def delivery_of(desk: RunningDesk, id: str) -> Any:
    return desk.state().deliveries[id]


def link(desk: RunningDesk, recipient: str) -> str:
    """The path of the link as it stood in the message that was sent."""
    sent = [p for p in desk.house.channel("post").got if p.recipient.id == recipient]  # type: ignore[attr-defined]
    assert sent[-1].answer_url.startswith("https://warn.invalid/answer/")
    assert sent[-1].answer_url in sent[-1].body
    return str(sent[-1].answer_url.removeprefix("https://warn.invalid"))


# -- over HTTP ----------------------------------------------------------------------------------------


def test_receipts_move_a_copy_on_and_a_forged_one_does_not(desk: RunningDesk) -> None:
    one = delivery(desk, "r001")
    good = token(desk.house.key, RECEIPT, one.id)
    with served(desk) as base:  # type: ignore[arg-type]

        def tell(what: str, token: str) -> httpx2.Response:
            return httpx2.post(f"{base}/v1/deliveries/{one.id}/{what}", json={"token": token})

        for bad in (
            "",
            "x",
            good[:-2],
            token(b"k" * 32, RECEIPT, one.id),
            token(desk.house.key, ANSWER, one.id),
        ):
            assert tell("delivered", bad).status_code == 403
        other = delivery(desk, "r002")
        assert tell("delivered", token(desk.house.key, RECEIPT, other.id)).status_code == 403
        assert delivery(desk, "r001") == one
        assert tell("delivered", good).json() == {"id": one.id, "status": "delivered"}
        assert tell("read", good).json()["status"] == "read"
        head = desk.state().head
        assert tell("read", good).status_code == 200
        assert desk.state().head == head
        assert tell("burnt", good).status_code == 422
    assert [e.kind for e in desk.story(one.id)] == [
        "mailing.due",
        "mailing.accepted",
        "delivery.delivered",
        "delivery.read",
    ]


def test_an_answer_over_the_api_is_taken_once(desk: RunningDesk) -> None:
    county = delivery(desk, "county")
    said = {"token": link(desk, "county").rpartition("/")[2], "text": "two teams out"}
    with served(desk) as base:  # type: ignore[arg-type]
        assert httpx2.post(f"{base}/v1/deliveries/{county.id}/answered", json=said).status_code == 200
        assert httpx2.post(f"{base}/v1/deliveries/{county.id}/answered", json=said).status_code == 409
    assert (delivery(desk, "county").answer, delivery(desk, "county").status) == ("two teams out", "answered")


def test_the_ladder_says_when_the_next_call_is_and_which_answer_came_late(desk: RunningDesk) -> None:
    ada = desk.house.pack.users["ada"]
    with served(desk) as base, httpx2.Client(base_url=base) as client:  # type: ignore[arg-type]
        sign_in(client, "ada")
        assert "next call:" in client.get("/ladder").text
        later(desk, 6 * MINUTE)
        assert "no answer in time" in client.get("/ladder").text
        for who in ("county", "town", "dam"):
            desk.act(ada, "delivery.answer", delivery(desk, who).id, {"answer": "by telephone"})
        said = client.get("/ladder").text
        assert said.count("after its time") >= 2 and "by telephone" in said


def test_a_reply_by_sms_answers_from_its_own_number_with_its_code(desk: RunningDesk) -> None:
    town = delivery(desk, "town")
    short = code(desk.house.key, town.id)
    assert short in desk.house.parcel(town, desk.state().warnings[WARNING], False).body
    with served(desk) as base:  # type: ignore[arg-type]

        def reply(sender: str, text: str, key: str = SMS_KEY, old: timedelta = timedelta(0)) -> int:
            body = json.dumps({"sender": sender, "text": text}).encode()
            stamp = format_instant(desk.clock.now() - old)
            sign = hmac.new(key.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
            headers = {"X-Anlan-Timestamp": stamp, "X-Anlan-Signature": f"sha256={sign}"}
            return httpx2.post(f"{base}/v1/sms-replies", content=body, headers=headers).status_code

        assert reply("+8613800000002", f"ok {short}", key="another key") == 403
        assert reply("+8613800000002", f"ok {short}", old=HOUR) == 403
        assert reply("+8613800000003", f"ok {short}") == 404
        assert reply("+8613800000002", "ok AAAAAA") == 404
        assert delivery(desk, "town").answered is None
        assert reply("0086 138 0000 0002", f"ok {short.lower()}") == 200
        # reached here under the name of a service, which is no number: the pack's number is its own
        desk.house.config = replace(desk.house.config, addresses={"dam": "sms-2", "county": "+8613800000099"})
        assert reply("+8613800000003", f"ok {code(desk.house.key, delivery(desk, 'dam').id)}") == 200
        county = f"ok {code(desk.house.key, delivery(desk, 'county').id)}"
        assert reply("+8613800000001", county) == 404
        assert reply("+8613800000099", county) == 200
    assert delivery(desk, "town").status == "answered"


def test_receipts_and_answers_by_mqtt_are_taken_also_after_an_absence_and_bad_ones_stop_nothing(
    desk: RunningDesk, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broker = Broker(tmp_path)
    where = AcknowledgementsConfig(host=LOOPBACK, port=broker.port, tls=False, topic="pagers/ack")
    desk.house.config = replace(desk.house.config, acknowledgements=where)
    caplog.set_level(logging.INFO, "anlan.acknowledgements")
    one, county = delivery(desk, "r001"), delivery(desk, "county")
    receipt, answer = token(desk.house.key, RECEIPT, one.id), link(desk, "county").rpartition("/")[2]

    def tell(*said: tuple[str, bytes]) -> None:
        client = paho.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        client.connect(LOOPBACK, broker.port)
        client.loop_start()
        for topic, payload in said:
            client.publish(f"pagers/ack/{topic}", payload, qos=1).wait_for_publish(10)
        client.disconnect()
        client.loop_stop()

    def lines(words: str) -> int:
        return sum(words in record.getMessage() for record in caplog.records)

    keeper = Keeper(desk)
    keeper.start()
    try:
        # the broker is not there yet
        wait(lambda: lines("cannot be reached") > 0)
        broker.start()
        wait(lambda: lines("acknowledgements: subscribed") > 0, 20)
        bad = json.dumps({"token": answer}).encode()
        tell(
            (f"{one.id}/delivered", b"not json"),
            (f"{one.id}/delivered", bad),
            (f"{one.id}/burnt", json.dumps({"token": receipt}).encode()),
            ("D-none/read", json.dumps({"token": receipt}).encode()),
            (f"{one.id}/read", b"{" * 20_000),
            (f"{one.id}/read", json.dumps({"token": receipt}).encode()),
        )
        wait(lambda: delivery(desk, "r001").status == "read")
        assert lines("an acknowledgement is not used") == 5
        assert not lines(receipt) and not lines(answer)
    finally:
        keeper.stop()
    # said while nobody listens: the broker has kept it
    tell((f"{county.id}/answered", json.dumps({"token": answer, "text": "two teams out"}).encode()))
    assert delivery(desk, "county").answered is None
    keeper = Keeper(desk)
    keeper.start()
    try:
        wait(lambda: delivery(desk, "county").answered is not None, 20)
    finally:
        keeper.stop()
        broker.stop()
    assert (delivery(desk, "county").answer, delivery(desk, "county").status) == ("two teams out", "answered")


def test_opening_a_link_changes_nothing(desk: RunningDesk) -> None:
    head, path = desk.state().head, link(desk, "county")
    with served(desk) as base:  # type: ignore[arg-type]
        for tail in ("", "?sure=1"):
            answer = httpx2.get(f"{base}{path}{tail}")
            assert answer.status_code == 200
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["referrer-policy"] == "no-referrer"
        assert httpx2.head(f"{base}{path}").status_code in (200, 405)
        assert httpx2.get(f"{base}{path[:-3]}").status_code == 404
        assert (
            httpx2.get(
                f"{base}/answer/{token(desk.house.key, RECEIPT, delivery(desk, 'county').id)}"
            ).status_code
            == 404
        )
    assert desk.state().head == head


def test_a_token_is_for_one_delivery_and_one_purpose(desk: RunningDesk) -> None:
    key = desk.house.key
    made = token(key, ANSWER, "D-1")
    assert read_token(key, made) == (ANSWER, "D-1")
    assert all(
        read_token(key, made[:n] + "A" + made[n + 1 :]) in (None, (ANSWER, "D-1")) for n in range(len(made))
    )
    assert read_token(b"o" * 32, made) is None
    assert read_token(key, "") is None
    assert (desk.house.workspace / "links.key").stat().st_mode & 0o077 == 0


def on_duty(desk: RunningDesk, at: str) -> str:
    """The shift of somebody with that contact, who is on duty now."""
    now = desk.clock.now()
    ends = {"begins": format_instant(now), "ends": format_instant(now + 8 * HOUR)}
    ada = desk.pack.users["ada"]
    return desk.act(ada, "shift.add", "gate", {"person": "ada", "contact": at, **ends})[0]


def test_a_contact_is_tested_by_a_message_that_is_no_call(desk: RunningDesk) -> None:
    ada, post = desk.pack.users["ada"], desk.house.channel("post")
    shift = on_duty(desk, "town")
    assert contact.tested("town", desk.state(), desk.clock.now()) == contact.Tested("never", due=True)
    with pytest.raises(WrongState, match="reaches the public"):
        desk.act(ada, "shift.test", shift, {})
    post.public = False
    waiting, calls = dict(desk.state().unanswered), delivery(desk, "town")
    desk.act(ada, "shift.test", shift, {})
    (test,) = desk.state().contact_tests.values()
    copy = next(d for d in desk.state().deliveries.values() if d.warning == test.id)
    sent = post.got[-1]  # type: ignore[attr-defined]
    # the adapter can tell it by its bytes, and a channel to the public bars it
    message = read(sent.cap, test.id)
    assert (message.status, message.scope, sent.warning.mode) == ("Test", "Restricted", "Test")
    assert refused(sent, message, public=True).startswith("exercise_barred")
    assert not refused(sent, message, public=False)
    assert sent.body.splitlines()[0] in ("[TEST]", "[测试]")
    assert "TEST" in sent.subject and "测试" in sent.body and code(desk.house.key, copy.id) in sent.body
    # it is in no list of warnings, nobody is called for it, and the real call is as it was
    assert test.id not in desk.state().warnings
    assert dict(desk.state().unanswered) == waiting
    assert (copy.status, copy.risk, copy.wakes()) == ("accepted", "", None)
    assert contact.tested("town", desk.state(), desk.clock.now()).outcome == "reached"
    with pytest.raises(WrongState, match="waits for its answer"):
        desk.act(ada, "shift.test", shift, {})
    later(desk, 16 * MINUTE)
    assert contact.tested("town", desk.state(), desk.clock.now()).outcome == "unanswered"
    assert all(d.warning == WARNING or d.id == copy.id for d in desk.state().deliveries.values())
    # a late answer by SMS is an answer, to the test and not to the call
    with served(desk) as base:  # type: ignore[arg-type]
        text = f"ok {code(desk.house.key, copy.id)}"
        body = json.dumps({"sender": "+8613800000002", "text": text}).encode()
        stamp = format_instant(desk.clock.now())
        sign = hmac.new(SMS_KEY.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        headers = {"X-Anlan-Timestamp": stamp, "X-Anlan-Signature": f"sha256={sign}"}
        assert httpx2.post(f"{base}/v1/sms-replies", content=body, headers=headers).status_code == 200
    found = contact.tested("town", desk.state(), desk.clock.now())
    assert (found.outcome, found.said, found.due) == ("answered", text, False)
    assert delivery_of(desk, calls.id).answered is None
    assert contact.tested("town", desk.state(), desk.clock.now() + 31 * DAY).due
    # a contact that does not work shows, and a restart knows all of it
    bad = on_duty(desk, "r003")
    desk.act(ada, "shift.test", bad, {})
    found = contact.tested("r003", desk.state(), desk.clock.now())
    assert (found.outcome, found.said) == ("failed", "no such number")
    assert fold(desk.house.journal.read()) == desk.house.state


# -- in a browser -------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(("language", "theme", "width"), [("en", "light", "wall"), ("zh", "dark", "phone")])
def test_pages_of_a_delivery_fit_and_say_what_is_the_case(
    desk: RunningDesk,
    browser: Any,  # noqa: F811
    language: str,
    theme: str,
    width: str,
) -> None:
    later(desk, 4 * MINUTE)
    ada = desk.pack.users["ada"]
    now = desk.clock.now()
    shift = {
        "person": "ada",
        "contact": "county",
        "begins": format_instant(now),
        "ends": format_instant(now + 8 * HOUR),
    }
    desk.act(ada, "shift.add", "gate", shift)
    desk.act(ada, "delivery.answer", delivery(desk, "county").id, {"answer": "two teams are out"})
    desk.house.channel("post").public = False
    (begun,) = desk.state().shifts
    desk.act(ada, "shift.test", begun, {})
    test_link = link(desk, "county")
    later(desk, 2 * MINUTE)
    with served(desk) as base:  # type: ignore[arg-type]
        visit = Visit(browser, base, viewport={"width": WIDTHS[width], "height": 900})
        visit.sign_in("ada")
        for name in ("lang=" + language, "theme=" + theme):
            visit.page.goto(f"{base}/prefs?{name}&back=/")
        one = delivery(desk, "r003").id
        for name, path in (
            ("deliveries", f"/warning/{WARNING}/deliveries?show={one}"),
            ("ladder", "/ladder"),
            ("roster", "/roster"),
            ("answer", link(desk, "town")),
            ("test", test_link),
        ):
            visit.open(path)
            visit.fits(f"calls-{name}-{language}-{theme}")
        page = visit.open(f"/warning/{WARNING}/deliveries?status=given_up")
        assert page.locator(".rows .row").count() == 1
        # one that may have arrived twice goes no third time by itself: the page says so, and offers it
        lost = delivery(desk, "r009").id
        page = visit.open(f"/warning/{WARNING}/deliveries?status=unknown&show={lost}")
        picture(page, f"calls-unknown-{width}-{language}-{theme}")
        assert page.locator(".rows .row").count() == 1
        words = page.locator("#story").inner_text()
        assert ("nobody knows whether it arrived" if language == "en" else "无法确认该份") in words
        assert page.locator("#story form").count() == 1
        # and the duty page says that there is something to look at
        page = visit.open("/")
        visit.fits(f"calls-duty-{language}-{theme}")
        page.click(f"main a[href='/warning/{WARNING}/deliveries?status=unknown']")
        assert page.locator(".rows .row").count() == 1
        page = visit.open(test_link)
        words = page.locator("main").inner_text()
        assert ("There is no emergency" if language == "en" else "没有发生紧急情况") in words
        page = visit.open("/roster")
        words = page.locator("main").inner_text()
        assert ("waits for the answer" if language == "en" else "等待应答") in words
        page = visit.open("/ladder")
        words = page.locator("main").inner_text()
        assert ("call 3 of 3" if language == "en" else "第3次") in words
        assert ("Keeper of the dam" if language == "en" else "水库管护员") in words
        assert visit.faults == []
        visit.context.close()


test_pages_of_a_delivery_fit_and_say_what_is_the_case.pytestmark += BROWSER  # type: ignore[attr-defined]


@pytest.mark.slow
def test_two_taps_answer_and_one_copy_is_sent_again(desk: RunningDesk, browser: Any) -> None:  # noqa: F811
    with served(desk) as base:  # type: ignore[arg-type]
        stranger = Visit(browser, base, viewport={"width": 390, "height": 800})
        page = stranger.open(link(desk, "town"))
        assert delivery(desk, "town").answered is None
        page.click("button.go")
        assert delivery(desk, "town").answered is None
        page.fill("#text", "sandbags are on the way")
        page.click("button.go")
        page.wait_for_selector(".done")
        assert delivery(desk, "town").answer == "sandbags are on the way"
        page.reload()
        assert page.locator("button.go").count() == 0
        stranger.context.close()

        visit = Visit(browser, base)
        visit.sign_in("ada")
        page = visit.open(f"/warning/{WARNING}/deliveries?q=Village 3")
        page.click(".rows a >> text=Village 3 >> nth=0")
        page.click("#story summary")
        page.fill("#story textarea", "the number was wrong, it is right now")
        desk.house.channel("post").receipts.clear()  # type: ignore[attr-defined]
        page.click("#story button")
        page.wait_for_load_state()
        assert delivery(desk, "r003").status == "accepted"
        assert delivery(desk, "r003").reasons[-1].code == "sent_again"
        assert visit.faults == []
        # a shift, from the page; a post that never had one is no alarm above what waits
        main = visit.open("/").locator("main").inner_text()
        assert main.index("Needs me now") < main.index("Posts for which no shift is entered yet")
        assert "Posts without anybody" not in main
        page = visit.open("/roster")
        assert "no shift is entered yet" in page.locator("main").inner_text()
        assert "Nobody is on duty" in page.locator("main").inner_text()
        page.click("article.panel summary")
        now = desk.clock.now()
        for field, value in (
            ("person", "ben"),
            ("contact", "town"),
            ("begins", format_instant(now - MINUTE)),
            ("ends", format_instant(now + HOUR)),
        ):
            page.fill(f"[name={field}]", value)
        page.click("article.panel form button")
        page.wait_for_selector(".contact-works")
        assert desk.state().watches["watch:gate"].status == "manned"
        visit.context.close()
    assert PASSWORD


test_two_taps_answer_and_one_copy_is_sent_again.pytestmark += BROWSER  # type: ignore[attr-defined]


def test_a_copy_of_a_message_to_many_is_explained_like_any_other(desk: RunningDesk) -> None:
    one = delivery(desk, "r010")
    told = desk.explain(one.id)
    assert [line["kind"] for line in told["history"]] == ["mailing.due", "mailing.accepted"]
    assert told["subject"]["recipient"] == "r010"
    assert told["risk"] == one.risk
