"""Warnings of others: severity in force at each place, over alert, update and cancel."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from anlan.ports.source import Source
from anlan.sources import registry
from anlan.sources.poll import Poller
from anlan.sources.tools import Tools
from anlan.testing.check_source import check_history
from anlan.testing.drill_pack import drill_pack, drill_source

NOW = datetime(2017, 9, 14, 6, tzinfo=UTC)
SENT = datetime(2017, 9, 14, 2, tzinfo=UTC)


def message(
    number: int,
    *,
    kind: str = "Alert",
    severity: str = "Severe",
    areas: tuple[str, ...] = ("1",),
    follows: int | None = None,
    status: str = "Actual",
) -> bytes:
    sent = (SENT + timedelta(minutes=number)).strftime("%Y-%m-%dT%H:%M:%S-00:00")
    reference = ""
    if follows is not None:
        first = (SENT + timedelta(minutes=follows)).strftime("%Y-%m-%dT%H:%M:%S-00:00")
        reference = f"<references>d@x.invalid,m{follows},{first}</references>"
    area = "".join(
        f"<area><areaDesc>District {code}</areaDesc><geocode><valueName>code</valueName>"
        f"<value>{code}</value></geocode></area>"
        for code in areas
    )
    return (
        '<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">'
        f"<identifier>m{number}</identifier><sender>d@x.invalid</sender><sent>{sent}</sent>"
        f"<status>{status}</status><msgType>{kind}</msgType><scope>Public</scope>{reference}"
        "<info><category>Met</category><event>Rain</event><urgency>Immediate</urgency>"
        f"<severity>{severity}</severity><certainty>Likely</certainty>{area}</info></alert>"
    ).encode()


def feed(*messages: bytes) -> bytes:
    entries = b"".join(
        b"<entry><id>e</id><title>t</title><updated>2017-09-14T02:00:00Z</updated>"
        b'<content type="text/xml">' + item + b"</content></entry>"
        for item in messages
    )
    return (
        b'<feed xmlns="http://www.w3.org/2005/Atom"><id>f</id><title>t</title>'
        b"<updated>2017-09-14T02:00:00Z</updated>" + entries + b"</feed>"
    )


def source(tools: Tools | None = None, **options: Any) -> Source:
    given = {"file": "feed.xml", "geocode_prefix": {"code": "xx/"}, **options}
    return registry.build(drill_source("cap", **{k: v for k, v in given.items() if v is not None}), tools)


def test_a_message_alone_or_in_a_feed_gives_the_severity_at_each_place() -> None:
    for raw in (message(1, areas=("1", "2")), feed(message(1, areas=("1", "2")))):
        batch = source().parse(raw, "f", NOW, drill_pack())
        assert [(item.place, item.value) for item in batch.observations] == [("xx/1", 3.0), ("xx/2", 3.0)]
        assert batch.observations[0].at == SENT + timedelta(minutes=1)


def test_an_update_revises_its_chain_and_a_dropped_place_is_over(tmp_path: Path) -> None:
    built, pack = source(), drill_pack(str(tmp_path))
    (tmp_path / "feed.xml").write_bytes(feed(message(1, areas=("1", "2"))))
    first = built.fetch(NOW, pack).observations
    update = message(5, kind="Update", severity="Extreme", follows=1)
    (tmp_path / "feed.xml").write_bytes(feed(update, message(1, areas=("1", "2"))))
    second = built.fetch(NOW + timedelta(minutes=1), pack).observations
    assert {item.event for item in (*first, *second)} == {"d@x.invalid,m1"}
    assert [(item.place, item.value) for item in second] == [("xx/1", 4.0), ("xx/2", 0.0)]
    (tmp_path / "feed.xml").write_bytes(feed(message(9, kind="Cancel", follows=5)))
    third = built.fetch(NOW + timedelta(minutes=2), pack).observations
    assert [(item.place, item.value) for item in third] == [("xx/1", 0.0)]
    assert {item.at for item in (*first, *second, *third)} == {SENT + timedelta(minutes=1)}


def test_a_feed_read_again_without_change_is_no_news(tmp_path: Path) -> None:
    built, pack = source(), drill_pack(str(tmp_path))
    (tmp_path / "feed.xml").write_bytes(feed(message(1)))
    assert built.fetch(NOW, pack).observations
    assert not built.fetch(NOW + timedelta(minutes=1), pack).observations


@pytest.mark.parametrize(("status", "kind"), [("Exercise", "Alert"), ("Test", "Alert"), ("Actual", "Ack")])
def test_an_exercise_is_never_taken_for_a_warning(status: str, kind: str) -> None:
    batch = source().parse(message(1, status=status, kind=kind), "f", NOW, drill_pack())
    assert not batch.observations
    assert [item.code for item in batch.quarantined] == ["not_a_warning"]


def test_an_area_that_maps_to_no_place_is_held_or_goes_to_the_sources_place() -> None:
    raw = message(1, areas=("77",))
    (held,) = source().parse(raw, "f", NOW, drill_pack()).quarantined
    assert held.code == "unknown_place" and "District 77" in held.sentence and held.raw == raw
    assert source(place="xx").parse(raw, "f", NOW, drill_pack()).observations[0].place == "xx"
    named = source(area_map={"District 77": "xx/2"}).parse(raw, "f", NOW, drill_pack())
    assert named.observations[0].place == "xx/2"


def test_an_unknown_severity_is_a_gap_not_calm() -> None:
    batch = source().parse(message(1, severity="Unknown"), "f", NOW, drill_pack())
    assert [item.value for item in batch.observations] == [None]


def test_history_is_in_order_of_sending(tmp_path: Path) -> None:
    (tmp_path / "b.xml").write_bytes(feed(message(9, kind="Cancel", follows=1), message(1)))
    batches = check_history(source(file=None, recorded=["b.xml"]), drill_pack(str(tmp_path)))
    assert [[item.value for item in batch.observations] for batch in batches] == [[3.0], [0.0]]


@pytest.fixture
def server() -> Iterator[tuple[str, dict[str, bytes]]]:
    pages: dict[str, bytes] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = pages.get(self.path)
            self.send_response(200 if body is not None else 503)
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *args: object) -> None:
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}", pages
    running.shutdown()
    thread.join()
    running.server_close()


def test_linked_messages_are_fetched_once_and_asked_for_again_until_they_come(
    server: tuple[str, dict[str, bytes]],
) -> None:
    address, pages = server
    links = b"".join(
        f"<entry><id>{n}</id><title>t</title><updated>2017-09-14T02:00:00Z</updated>"
        f'<link type="application/cap+xml" href="/{n}.xml"/></entry>'.encode()
        for n in (1, 2)
    )
    pages["/feed"] = feed().replace(b"</feed>", links + b"</feed>")
    pages["/1.xml"] = message(1)
    poller = Poller()
    built = source(Tools(poller=poller), file=None, url=f"{address}/feed")
    first = built.fetch(NOW, drill_pack())
    assert [item.event for item in first.observations] == ["d@x.invalid,m1"]
    pages["/2.xml"] = message(2)
    second = built.fetch(NOW + timedelta(minutes=1), drill_pack())
    assert [item.event for item in second.observations] == ["d@x.invalid,m2"]
    held = source().parse(pages["/feed"], "f", NOW, drill_pack()).quarantined
    assert [item.code for item in held] == ["linked_only", "linked_only"]
    poller.close()


def test_every_recorded_document_of_the_corpus_is_used_or_held(shared: Path) -> None:
    built = source(place="xx")
    silent = set()
    paths = [path for path in (shared / "corpus" / "cap").glob("*/*") if path.suffix != ".zip"]
    for path in sorted(paths):
        batch = built.parse(path.read_bytes(), path.name, NOW, drill_pack())
        if not batch.observations and not batch.quarantined:
            silent.add(path.name)
    assert len(paths) > 100
    for name in silent:
        (path,) = (path for path in paths if path.name == name)
        raw = path.read_bytes()
        assert b"<entry" not in raw and b"<item" not in raw, f"{name} vanishes without a word"


def test_hostile_documents_are_held_as_hostile(shared: Path) -> None:
    for path in sorted((shared / "corpus" / "cap" / "hostile").glob("0[2-9]-*.xml")):
        (held,) = source(place="xx").parse(path.read_bytes(), path.name, NOW, drill_pack()).quarantined
        assert held.code == "hostile", path.name
