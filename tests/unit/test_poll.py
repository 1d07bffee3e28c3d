"""Polling: conditional requests, limits, and a backoff that repeats in a replay."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from anlan.model.errors import Hostile
from anlan.sources import registry
from anlan.sources.poll import Poller, SourceUnreachable, backoff, next_poll
from anlan.sources.tools import Tools
from anlan.testing.drill_pack import drill_pack, drill_source

NOW = datetime(2012, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


#: 50 MB of zeros, made once: packing takes longer than the poller waits
BOMB = gzip.compress(bytes(50_000_000))


class Peer(ThreadingHTTPServer):
    """A peer that answers conditional requests, redirects, dawdles, and sends too much."""

    body = b"place,day,n\nxx,2011-05-02,1\n"
    asked: list[dict[str, str]]

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Peer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.asked.append(dict(self.headers))
        getattr(self, "on_" + self.path.strip("/").split("/")[0])()

    def send(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def on_tagged(self) -> None:
        tag = f'"{hash(self.server.body)}"'
        if self.headers.get("If-None-Match") == tag:
            self.send(304)
        else:
            self.send(200, self.server.body, ETag=tag)

    def on_dated(self) -> None:
        date = "Mon, 02 May 2011 00:00:00 GMT"
        if self.headers.get("If-Modified-Since") == date:
            self.send(304)
        else:
            self.send(200, self.server.body, Last_Modified=date)

    def on_loop(self) -> None:
        self.send(302, Location="/loop")

    def on_moved(self) -> None:
        self.send(301, Location="/tagged")

    def on_broken(self) -> None:
        self.send(500)

    def on_claims(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(1_000_000_000))
        self.end_headers()

    def on_endless(self) -> None:
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        try:
            for _ in range(10_000):
                self.wfile.write(bytes(10_000))
        except OSError:
            return

    def on_bomb(self) -> None:
        self.send(200, BOMB, Content_Encoding="gzip")

    def on_slow(self) -> None:
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        try:
            for _ in range(30):
                self.wfile.write(b"x")
                time.sleep(0.05)
        except OSError:
            return

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def peer() -> Iterator[Peer]:
    running = Peer(("127.0.0.1", 0), Handler)
    running.asked = []
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    yield running
    running.shutdown()
    thread.join()
    running.server_close()


@pytest.fixture
def poller() -> Iterator[Poller]:
    made = Poller(limit=1_000_000, seconds=1.0)
    yield made
    made.close()


@pytest.mark.parametrize("page", ["tagged", "dated", "moved"])
def test_what_has_not_changed_is_not_sent_again(peer: Peer, poller: Poller, page: str) -> None:
    url = f"{peer.address}/{page}"
    assert poller.ask(url).body == peer.body
    assert poller.ask(url).unchanged
    poller.forget(url)
    assert poller.ask(url).body == peer.body
    assert poller.ask(url, conditional=False).body == peer.body


@pytest.mark.parametrize("page", ["claims", "endless", "bomb"])
def test_an_answer_over_the_limit_is_refused_before_it_is_held(peer: Peer, poller: Poller, page: str) -> None:
    with pytest.raises(Hostile, match="expected at most 1000000"):
        poller.ask(f"{peer.address}/{page}")


@pytest.mark.parametrize(
    ("page", "said"), [("broken", "HTTP 500"), ("loop", "TooManyRedirects"), ("slow", "too slow")]
)
def test_a_peer_that_fails_is_a_failure_not_data(peer: Peer, poller: Poller, page: str, said: str) -> None:
    with pytest.raises(SourceUnreachable, match=said):
        poller.ask(f"{peer.address}/{page}")


def test_an_address_where_nobody_answers_says_so(poller: Poller) -> None:
    for url in ("http://127.0.0.1:1/x", "gopher://x", "http://"):
        with pytest.raises(SourceUnreachable, match="cannot be reached"):
            poller.ask(url)


def test_a_polled_table_brings_news_once_and_says_when_there_is_none(peer: Peer, poller: Poller) -> None:
    definition = drill_source(
        "table",
        ("cases",),
        url=f"{peer.address}/tagged/t.csv",
        format="csv",
        place="place",
        at="day",
        at_format="date",
        value="n",
    )
    source = registry.build(definition, Tools(poller=poller))
    assert [item.value for item in source.fetch(NOW, drill_pack()).observations] == [1.0]
    assert source.fetch(NOW + DAY, drill_pack()).unchanged
    Peer.body = b"place,day,n\nxx,2011-05-02,2\n"
    try:
        revised = source.fetch(NOW + 2 * DAY, drill_pack()).observations
    finally:
        Peer.body = b"place,day,n\nxx,2011-05-02,1\n"
    assert [(item.value, item.known) for item in revised] == [(2.0, NOW + 2 * DAY)]


@pytest.mark.parametrize("kind", ["usgs", "cap", "table"])
def test_an_oversize_feed_is_quarantined_by_its_source(peer: Peer, poller: Poller, kind: str) -> None:
    options: dict[str, object] = {"url": f"{peer.address}/claims"}
    if kind == "usgs":
        options["outside"] = "xx"
    if kind == "table":
        options |= {"format": "csv", "place": "=xx", "at": "day", "value": "n"}
    source = registry.build(drill_source(kind, ("cases",), **options), Tools(poller=poller))
    (held,) = source.fetch(NOW, drill_pack()).quarantined
    assert held.code == "hostile" and "1000000000 bytes stated" in held.sentence


def test_waiting_grows_to_an_hour_and_is_the_same_in_every_run() -> None:
    waits = [backoff("usgs", failures, timedelta(minutes=1)) for failures in range(12)]
    assert waits[0] == timedelta(minutes=1)
    assert all(15 * 0.75 * 2**n <= wait.total_seconds() <= 15 * 2**n for n, wait in enumerate(waits[1:8]))
    assert max(waits) <= timedelta(hours=1) and min(waits[10:]) >= timedelta(minutes=45)
    assert waits == [backoff("usgs", failures, timedelta(minutes=1)) for failures in range(12)]
    assert backoff("other", 3, timedelta(minutes=1)) != waits[3]
    assert backoff("daily", 1_000_000, DAY) <= DAY


def test_the_next_poll_follows_the_last(tmp_path: Path) -> None:
    definition = drill_source("push")
    assert next_poll(definition, None, 0, NOW) == NOW
    assert next_poll(definition, NOW, 0, NOW) == NOW + DAY
    assert NOW < next_poll(definition, NOW, 2, NOW) < NOW + timedelta(minutes=1)
    # away for a day, and found back long before it would have been late
    minutely = replace(definition, poll=timedelta(minutes=1), stale_after=timedelta(minutes=20))
    assert next_poll(minutely, NOW, 30, NOW) <= NOW + timedelta(minutes=5)
    assert next_poll(replace(minutely, poll=DAY), NOW, 30, NOW) <= NOW + DAY
