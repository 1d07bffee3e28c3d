"""The bulk gateway: many copies in one signed exchange, every one of them accounted for."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from anlan.channels import registry
from anlan.ports.channel import Parcel, Receipt
from anlan.testing.check_channel import check_channel, sample_parcel

SECRET = "a key of thirty-two characters..."


class FixedClock:
    def now(self) -> datetime:
        return datetime(2030, 1, 1, 12, 0, 45, tzinfo=UTC)


@dataclass
class Gateway:
    """A real HTTP server: checks the signature, refuses what is no number, answers as it is told to."""

    url: str = ""
    came: list[dict[str, Any]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    answer: bytes | None = None
    status: int = 200
    keys: set[str] = field(default_factory=set)

    def texts(self) -> list[str]:
        """Every copy as it arrived."""
        return [
            json.dumps([message | {"texts": text | {"to": to}}], ensure_ascii=False)
            for body in self.came
            for message in body["messages"]
            for text in message["texts"]
            for to in text["to"]
        ]


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    taken = Gateway()

    class Take(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            signed = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode() + raw
            entry = base64.b64encode(hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()).decode()
            assert self.headers["webhook-signature"] == f"v1,{entry}"
            body = json.loads(raw)
            if self.headers["X-Anlan-Ask"] == "yes":
                assert body["format"] == "anlan.bulk/1"
                self._say(json.dumps({"held": [id for id in body["ask"] if id in taken.keys]}).encode())
                return
            copies = [to for message in body["messages"] for text in message["texts"] for to in text["to"]]
            refused = {to["delivery"]: "no number" for to in copies if not to["address"].startswith("+")}
            if taken.status == 200 and taken.answer is None:
                for message in body["messages"]:
                    for text in message["texts"]:
                        text["to"] = [to for to in text["to"] if to["delivery"] not in refused]
                taken.came.append(body)
                taken.keys |= {to["delivery"] for to in copies} - set(refused)
            taken.names.append(self.headers["webhook-id"])
            told = {"accepted": len(copies) - len(refused), "refused": refused}
            self._say(json.dumps(told).encode())

        def _say(self, answer: bytes) -> None:
            answer = answer if taken.answer is None else taken.answer
            self.send_response(taken.status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Take)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    taken.url = f"http://127.0.0.1:{server.server_port}/bulk"
    yield taken
    server.shutdown()
    thread.join()
    server.server_close()


def bulk(gateway: Gateway, monkeypatch: pytest.MonkeyPatch, **options: Any) -> Any:
    monkeypatch.setenv("ANLAN_TEST_KEY", SECRET)
    local = {"plain_http": True, "private_networks": True, "timeout_s": 5}
    given = {"url": gateway.url, "key": {"env": "ANLAN_TEST_KEY"}, **local, **options}
    return registry.build("bulk", given, FixedClock())


def copies(count: int, address: str = "+49{n}") -> list[Parcel]:
    one = sample_parcel("")
    return [
        replace(
            one,
            delivery=replace(one.delivery, id=f"D-{n}"),
            recipient=replace(one.recipient, address=address.format(n=n)),
            body=one.body if n % 2 else f"in other words. {one.body}",
        )
        for n in range(count)
    ]


@pytest.mark.parametrize("public", [True, False])
def test_the_bulk_gateway_conforms(gateway: Gateway, public: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    check_channel(
        lambda: bulk(gateway, monkeypatch, public=public, asks=public),
        "+49301",
        "somebody",
        secrets=[SECRET],
        within=6,
        arrived=gateway.texts,
    )


def test_many_copies_are_few_exchanges_and_words_stand_in_them_once(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipts = bulk(gateway, monkeypatch).deliver_many(copies(2_500))
    assert receipts == [Receipt(True, "answered 200")] * 2_500
    assert [len(body["messages"][0]["texts"]) for body in gateway.came] == [2, 2, 2]
    arrived = [
        to["delivery"] for body in gateway.came for text in body["messages"][0]["texts"] for to in text["to"]
    ]
    assert sorted(arrived) == sorted(f"D-{n}" for n in range(2_500))


def test_a_refused_copy_leaves_the_others_accepted(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = copies(4)
    sent[1] = replace(sent[1], recipient=replace(sent[1].recipient, address="nobody"))
    sent[2] = replace(sent[2], recipient=replace(sent[2].recipient, address=" "))
    told = bulk(gateway, monkeypatch).deliver_many(sent)
    assert [receipt.accepted for receipt in told] == [True, False, False, True]
    assert told[1].detail == "refused_by_gateway: no number" and not told[1].transient
    assert told[2].detail.startswith("bad_address: ") and not told[2].transient


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"OK",
        b'{"accepted": 2}',
        b'{"accepted": true}',
        b'{"accepted": 2, "refused": {"D-9": "?"}}',
        b"[" * 9000,
    ],
)
def test_an_answer_that_does_not_account_for_every_copy_counts_for_none(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    gateway.answer = answer
    told = bulk(gateway, monkeypatch).deliver_many(copies(3))
    assert len(told) == 3
    for receipt in told:
        assert (receipt.accepted, receipt.transient, receipt.doubtful) == (False, True, True)
        assert receipt.detail.startswith("answer_short: ")


def test_the_same_copies_tried_again_are_the_same_exchange(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel, sent = bulk(gateway, monkeypatch), copies(3)
    gateway.status = 503
    assert all(receipt.transient for receipt in channel.deliver_many(sent))
    gateway.status = 200
    assert all(receipt.accepted for receipt in channel.deliver_many(sent[::-1]))
    channel.deliver_many([replace(sent[0], delivery=replace(sent[0].delivery, again=True, before=2))])
    first, second, other = gateway.names
    assert first == second != other


def test_a_gateway_is_asked_for_thousands_in_few_questions_and_one_that_does_not_say_is_not_believed(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel, sent = bulk(gateway, monkeypatch, asks=True), copies(2_500)
    assert all(receipt.accepted for receipt in channel.deliver_many(sent[:1_200]))
    before = len(gateway.names)
    assert channel.holds(sent) == [True] * 1_200 + [False] * 1_300
    assert len(gateway.names) == before
    gateway.status = 503
    for told in channel.holds(sent[:2]):
        assert (told.accepted, told.transient, told.doubtful) == (False, True, False)
    gateway.status = 200
    for said in (b"", b"{}", b'{"held": 3}', b'{"held": [1]}', b'{"accepted": 2}', b"[" * 9_000):
        gateway.answer = said
        for told in channel.holds(sent[:2]):
            assert (told.accepted, told.transient) == (False, False), said
