"""SMS, voice and chat services: the text fits or gives way to a shorter one, and no key is ever told."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from apprise import Apprise

from anlan.channels import registry
from anlan.channels.gateway import ROWS
from anlan.channels.texts import choose, forms, spoken
from anlan.formats import cap, lengths
from anlan.model.errors import InvalidValue
from anlan.ports.channel import Channel
from anlan.testing.check_channel import sample_parcel

# one of Apprise's own modules still imports it
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

SECRET = "s3cr3t-t0ken-of-the-duty-room"
WHERE = "https://warn.drill.invalid/w/{id}"


class FixedClock:
    def now(self) -> datetime:
        return datetime(2030, 1, 2, 4, tzinfo=UTC)


class Service:
    """What came to the service: (path, headers, body); `status` is what it answers."""

    def __init__(self) -> None:
        self.came: list[tuple[str, dict[str, str], bytes]] = []
        self.status = 200
        self.says = b"{}"
        self.port = 0


@contextmanager
def serving() -> Iterator[Service]:
    service = Service()

    class Take(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            service.came.append((self.path, dict(self.headers), body))
            self.send_response(service.status)
            if service.status == 302:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", str(len(service.says)))
            self.end_headers()
            self.wfile.write(service.says)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Take)
    service.port = server.server_port
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def gateway(monkeypatch: pytest.MonkeyPatch, url: str, **options: Any) -> Channel:
    monkeypatch.setenv("ANLAN_TEST_URL", url)
    given = {"urls": {"duty": {"env": "ANLAN_TEST_URL"}}, "full_text": WHERE, "timeout_s": 3}
    return registry.build("gateway", {**given, **options}, FixedClock())


def test_a_chat_service_gets_the_words_once_and_a_repeat_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as service:
        channel = gateway(monkeypatch, f"json://127.0.0.1:{service.port}/{SECRET}")
        parcel = sample_parcel("duty")
        assert channel.deliver(parcel).detail == "JSON took the full text (zh, en)"
    ((path, _, body),) = service.came
    assert path == f"/{SECRET}"
    said = json.loads(body)
    assert said["title"] == "洪水橙色预警 X-Forged: yes"
    assert "向高处转移" in said["message"]
    assert said["type"] == "warning"


def test_ntfy_takes_4096_bytes_and_a_longer_text_gives_way_to_a_short_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with serving() as service:
        channel = gateway(monkeypatch, f"ntfy://127.0.0.1:{service.port}/{SECRET}")
        receipt = channel.deliver(sample_parcel("duty", long=True))
        assert receipt.detail == "ntfy took the short text (zh, en)"
        assert channel.deliver(sample_parcel("duty", long=True, repeat=True)).accepted
    (_, _, body), (_, _, again) = service.came
    text = json.loads(body)["message"]
    assert "洪水橙色预警" in text and "Move to high ground" in text and "2030-01-02 09:04 UTC" in text
    assert text.endswith("全文：https://warn.drill.invalid/w/W-check-1")
    assert json.loads(again)["message"].startswith("重发 REPEATED")


@pytest.mark.parametrize(
    ("parts", "form", "languages"),
    [(7, "full", "zh, en"), (3, "short", "zh, en"), (2, "short", "zh"), (1, "headline", "zh, en")],
)
def test_an_sms_is_counted_in_parts_and_never_cut(
    parts: int, form: str, languages: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving() as service:
        channel = gateway(monkeypatch, f"json://127.0.0.1:{service.port}/", sms_parts=parts)
        parcel = sample_parcel("duty")
        receipt = channel.deliver(replace(parcel, body=parcel.body * 10))
    assert receipt.detail == f"JSON took the {form} text ({languages})"
    said = json.loads(service.came[0][2])
    assert lengths.sms(said["message"]).parts <= parts
    assert said["title"] == ""


def test_what_does_not_fit_even_as_a_headline_is_refused_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as service:
        far = f"https://warn.drill.invalid/{'x' * 60}/{{id}}"
        channel = gateway(monkeypatch, f"json://127.0.0.1:{service.port}/", sms_parts=1, full_text=far)
        receipt = channel.deliver(sample_parcel("duty", long=True))
    assert (receipt.accepted, receipt.transient, service.came) == (False, False, [])
    assert receipt.detail.startswith("too_long")


def test_the_forms_go_from_the_whole_to_the_headline_and_the_languages_from_all_to_one() -> None:
    parcel = sample_parcel("duty")
    assert [(form.form, form.languages) for form in forms(parcel, "")] == [
        ("full", ("zh", "en")),
        ("short", ("zh", "en")),
        ("short", ("zh",)),
        ("headline", ("zh", "en")),
        ("headline", ("zh",)),
    ]
    shortest = list(forms(parcel, ""))[-1]
    assert shortest.text == "洪水橙色预警\n全文：check.invalid 的消息 W-check-1"
    assert choose(parcel, "", lambda text: len(text) < 5) is None


def test_the_address_of_the_full_text_is_that_of_the_reader_s_language() -> None:
    where = "https://warn.drill.invalid/{language}/{id}.html"
    for languages, page in ((("en", "zh"), "/en/W-check-1.html"), (("zh-CN",), "/zh/W-check-1.html")):
        parcel = sample_parcel("duty")
        parcel = replace(parcel, recipient=replace(parcel.recipient, languages=languages))
        assert all(page in form.text for form in forms(parcel, where) if form.form != "full")


def test_every_form_says_what_is_asked_of_the_reader_in_the_languages_that_it_keeps() -> None:
    asked = {
        "zh": "应答链接：https://warn.drill.invalid/answer/x\n",
        "en": "Answer here: https://warn.drill.invalid/answer/x\n",
    }
    parcel = sample_parcel("duty")
    parcel = replace(parcel, prefaces=asked, body="".join(asked.values()) + parcel.body)
    for form in forms(parcel, ""):
        assert {one for one, words in asked.items() if words.strip() in form.text} == set(form.languages)


def test_a_call_by_sms_in_two_languages_still_goes_in_one_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    link = f"https://warn.drill.invalid/answer/{'x' * 50}"
    asked = {"zh": f"请应答：{link}\n或短信回复代码 MTARFG。\n", "en": f"Answer: {link}\nOr reply MTARFG.\n"}
    parcel = sample_parcel("duty")
    parcel = replace(parcel, prefaces=asked, body="".join(asked.values()) + parcel.body * 9)
    with serving() as service:
        short = gateway(monkeypatch, f"json://127.0.0.1:{service.port}/", sms_parts=3)
        assert short.deliver(parcel).detail == "JSON took the short text (zh)"
        shorter = gateway(monkeypatch, f"json://127.0.0.1:{service.port}/", sms_parts=1)
        refused = shorter.deliver(parcel)
    assert link in json.loads(service.came[0][2])["message"]
    assert refused.detail == "too_long: not even the headline, with what is asked, fits 1 SMS parts"


def test_a_list_of_messages_is_never_told_by_the_words_of_one_of_them() -> None:
    parcel = sample_parcel("duty")
    held = replace(parcel, delivery=replace(parcel.delivery, digest="G-1"), subject="3 messages")
    assert [form.form for form in forms(held, "")] == ["full", "headline"]
    assert "洪水" not in list(forms(held, ""))[-1].text


def test_a_short_form_keeps_the_watermark_of_an_exercise() -> None:
    parcel = sample_parcel("duty", mode="Exercise")
    message = cap.read(parcel.cap)
    marked = tuple(replace(info, headline=f"[EXERCISE — 演练] {info.headline}") for info in message.infos)
    drill = replace(parcel, cap=cap.write(replace(message, infos=marked)))
    assert all("演练" in form.text for form in forms(drill, "") if form.form != "full")


def test_a_voice_gateway_reads_whole_sentences_without_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as service:
        channel = gateway(monkeypatch, f"json://127.0.0.1:{service.port}/", voice=True)
        assert channel.deliver(sample_parcel("duty", repeat=True)).accepted
    text = json.loads(service.came[0][2])["message"]
    assert text.splitlines() == [
        "重发。洪水橙色预警。演示区。向高处转移。",
        "REPEATED. Orange flood warning. Demo district. Move to high ground.",
    ]
    assert spoken(sample_parcel(""), "fr") == ""


FOR_GOOD, AGAIN = (400, 401, 404, 302), (408, 429, 500, 503)


@pytest.mark.parametrize(
    ("status", "accepted", "transient"),
    [
        (200, True, False),
        *((status, False, False) for status in FOR_GOOD),
        *((status, False, True) for status in AGAIN),
    ],
)
def test_the_status_of_a_service_says_whether_to_try_again_and_no_key_is_told(
    status: int,
    accepted: bool,
    transient: bool,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    with serving() as service:
        service.status = status
        url = f"json://user:{SECRET}@127.0.0.1:{service.port}/{SECRET}?+x-key={SECRET}"
        receipt = gateway(monkeypatch, url).deliver(sample_parcel("duty"))
    assert (receipt.accepted, receipt.transient) == (accepted, transient)
    assert SECRET not in receipt.detail
    assert not any(SECRET in record.getMessage() for record in caplog.records)
    assert len(service.came) == 1


@pytest.mark.parametrize(
    ("url", "says", "receipt"),
    [
        (
            "wecombot://botkey",
            b'{"errcode": 0, "errmsg": "ok"}',
            (True, False, "WeCom Bot took the full text"),
        ),
        (
            "wecombot://botkey",
            b'{"errcode": 93000, "errmsg": "invalid"}',
            (False, False, "refused_by_service: WeCom Bot said 93000"),
        ),
        (
            "wecombot://botkey",
            b'{"errcode": 45009, "errmsg": "freq"}',
            (False, True, "refused_by_service: WeCom Bot said 45009"),
        ),
        (
            "dingtalk://token",
            b'{"errcode": 310000, "errmsg": "keywords"}',
            (False, False, "refused_by_service: DingTalk said 310000"),
        ),
        (
            "dingtalk://token",
            b'{"errcode": 130101, "errmsg": "too fast"}',
            (False, True, "refused_by_service: DingTalk said 130101"),
        ),
        (
            "feishu://token",
            b'{"code": 19024, "msg": "key words"}',
            (False, False, "refused_by_service: Feishu said 19024"),
        ),
        (
            "feishu://token",
            b'{"code": 11232, "msg": "frequency"}',
            (False, True, "refused_by_service: Feishu said 11232"),
        ),
        ("feishu://token", b"<html>", (True, False, "Feishu took the full text")),
    ],
)
def test_a_service_that_refuses_with_http_200_is_not_taken_as_having_accepted(
    url: str, says: bytes, receipt: tuple[bool, bool, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving() as service:
        service.says = says
        channel = gateway(monkeypatch, url)
        kind = type(channel.inner._service("duty"))  # type: ignore[attr-defined]
        monkeypatch.setattr(
            kind,
            "notify_url",
            f"http://127.0.0.1:{service.port}/{{key}}{{token}}".format_map({"key": SECRET, "token": SECRET}),
        )
        got = channel.deliver(sample_parcel("duty"))
    assert len(service.came) == 1
    assert (got.accepted, got.transient, got.doubtful) == (*receipt[:2], False)
    assert got.detail.startswith(receipt[2]) and SECRET not in got.detail


@pytest.mark.parametrize("url", ["dingtalk://token", "feishu://token"])
def test_a_service_without_titles_says_the_headline_once(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    parcel = replace(sample_parcel("duty"), subject="Orange flood warning")
    channel = gateway(monkeypatch, url)
    for body, title in ((f"{parcel.subject}\n\nGo.", ""), ("Go.", parcel.subject)):
        words = channel.inner._words(  # type: ignore[attr-defined]
            replace(parcel, body=body),
            channel.inner._service("duty"),  # type: ignore[attr-defined]
        )
        assert words[1] == title


def test_a_service_that_is_away_has_got_nothing_and_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as service:
        gone = service.port
    receipt = gateway(monkeypatch, f"ntfy://127.0.0.1:{gone}/{SECRET}").deliver(sample_parcel("duty"))
    assert (receipt.accepted, receipt.transient, receipt.doubtful) == (False, True, False)


def test_an_unknown_name_and_a_url_that_is_none_are_refused_without_being_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    channel = gateway(monkeypatch, "json://127.0.0.1:9/")
    for address in ("", "other", f"json://127.0.0.1:9/{SECRET}"):
        receipt = channel.deliver(sample_parcel(address))
        assert (receipt.accepted, receipt.transient) == (False, False)
        assert receipt.detail == "unknown_address: no URL of that name is set; there are: duty"
    for wrong in (SECRET, f"nosuch://{SECRET}", "http://"):
        with pytest.raises(InvalidValue, match=r"urls\.duty") as caught:
            gateway(monkeypatch, wrong)
        assert SECRET not in str(caught.value)


def test_every_scheme_with_a_limit_of_its_own_is_one_that_apprise_knows() -> None:
    known: set[str] = set()
    for schema in Apprise().details()["schemas"]:
        known.update(schema["protocols"] or ())
        known.update(schema["secure_protocols"] or ())
    assert set(ROWS) <= known
    assert all(lengths.limit(row).limit > 0 for row in ROWS.values())


def test_the_limits_are_those_that_apprise_has_or_stricter(monkeypatch: pytest.MonkeyPatch) -> None:
    urls = {
        "wecombot": "wecombot://botkey",
        "dingtalk": "dingtalk://token",
        "feishu": "feishu://token",
        "tgram": "tgram://123456789:abcdefghijklmnopqrstuvwxyz123456789/1",
        "ntfys": "ntfys://host/topic",
    }
    for scheme, url in urls.items():
        channel = gateway(monkeypatch, url)
        service = channel.inner._service("duty")  # type: ignore[attr-defined]
        fits = channel.inner._fits(service, "")  # type: ignore[attr-defined]
        row = lengths.limit(ROWS[scheme])
        longest = min(row.limit, service.body_maxlen)
        assert fits("a" * longest) and not fits("a" * (longest + 1)), scheme
