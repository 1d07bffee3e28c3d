"""Warnings of others: severity in force at each place, over alert, update and cancel."""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from anlan.formats.cap.signature import verify
from anlan.ports.source import Source
from anlan.sources import registry
from anlan.sources.cap import source as cap_source
from anlan.sources.poll import Poller
from anlan.sources.tools import Tools
from anlan.testing.check_source import check_history
from anlan.testing.drill_pack import drill_pack, drill_source

NOW = datetime(2017, 9, 14, 6, tzinfo=UTC)
SENT = datetime(2017, 9, 14, 2, tzinfo=UTC)
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"


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


def linking(*numbers: int) -> bytes:
    """A feed that only links to its messages."""
    links = b"".join(
        f"<entry><id>{n}</id><title>t</title><updated>2017-09-14T02:00:00Z</updated>"
        f'<link type="application/cap+xml" href="/{n}.xml"/></entry>'.encode()
        for n in numbers
    )
    return feed().replace(b"</feed>", links + b"</feed>")


def test_linked_messages_are_fetched_once_and_asked_for_again_until_they_come(
    server: tuple[str, dict[str, bytes]],
) -> None:
    address, pages = server
    pages["/feed"] = linking(1, 2)
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


def test_links_that_cannot_be_reached_keep_out_no_other(
    server: tuple[str, dict[str, bytes]], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(cap_source, "AT_ONCE", 3)
    address, pages = server
    pages["/feed"] = linking(1, 2, 3, 4)
    pages["/4.xml"] = message(4)
    poller = Poller()
    built = source(Tools(poller=poller), file=None, url=f"{address}/feed")
    assert built.fetch(NOW, drill_pack()).observations == ()
    assert caplog.text.count("a message waits") == 3
    found = built.fetch(NOW + timedelta(minutes=1), drill_pack()).observations
    assert [item.event for item in found] == ["d@x.invalid,m4"]
    # and among themselves they take turns
    pages["/feed"] = linking(1, 2, 5, 3, 4)
    built.fetch(NOW + timedelta(minutes=2), drill_pack())
    pages["/2.xml"] = message(2)
    found = built.fetch(NOW + timedelta(minutes=3), drill_pack()).observations
    assert [item.event for item in found] == ["d@x.invalid,m2"]
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


def from_sender(raw: bytes, sender: str) -> bytes:
    """The message by another sender, whatever it refers to."""
    return raw.replace(b"<sender>d@x.invalid<", f"<sender>{sender}<".encode())


@pytest.mark.parametrize("kind", ["Alert", "Update", "Cancel"])
def test_nobody_changes_or_cancels_the_warning_of_another(kind: str) -> None:
    built = source()
    foreign = from_sender(message(2, kind=kind, severity="Minor", follows=1), "other.invalid")
    batch = built.parse(feed(message(1), foreign), "f", NOW, drill_pack())
    assert [(item.event, item.value) for item in batch.observations] == [("d@x.invalid,m1", 3.0)]
    (held,) = batch.quarantined
    assert held.code == "foreign_reference" and held.raw.endswith(foreign)
    assert "found d@x.invalid; expected other.invalid" in held.sentence
    # the sender itself may
    own = built.parse(feed(message(1), message(3, kind="Cancel", follows=1)), "f", NOW, drill_pack())
    assert [item.value for item in own.observations] == [0.0]


DIGEST = "http://www.w3.org/2001/04/xmlenc#sha256"


def signed(raw: bytes, *, uri: str = "", digest: str = DIGEST, c14n: str = EXCLUSIVE) -> bytes:
    """The message with an enveloped signature, its digest worked out here by way of the element tree of
    the standard library."""
    exact = ElementTree.canonicalize(raw.decode()).encode()
    value = base64.b64encode(hashlib.sha256(exact).digest()).decode()
    signature = (
        '<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo>'
        f'<ds:CanonicalizationMethod Algorithm="{c14n}"/>'
        '<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/>'
        f'<ds:Reference URI="{uri}"><ds:Transforms>'
        '<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>'
        f'<ds:Transform Algorithm="{c14n}"/></ds:Transforms>'
        f'<ds:DigestMethod Algorithm="{digest}"/><ds:DigestValue>{value}</ds:DigestValue>'
        f"</ds:Reference></ds:SignedInfo><ds:SignatureValue>{value}</ds:SignatureValue></ds:Signature>"
    )
    return raw.replace(b"</alert>", f"{signature}</alert>".encode())


def codes(raw: bytes) -> list[str]:
    batch = source().parse(raw, "f", NOW, drill_pack())
    assert len(batch.observations) + len(batch.quarantined) == 1
    return [item.code for item in batch.quarantined]


def test_a_message_as_it_was_signed_is_taken() -> None:
    assert codes(signed(message(1))) == []
    indented = signed(message(1)).replace(b"><ds:Signature", b">\n  <ds:Signature")
    assert codes(indented) == [], "blanks between elements say nothing"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Severe", b"Minor"),
        (b"District 1", b"District 2"),
        (b"<event>Rain", b"<event>Rain "),
        (b"m1<", b"m2<"),
    ],
)
def test_a_message_changed_after_it_was_signed_is_held(old: bytes, new: bytes) -> None:
    raw = signed(message(1))
    assert old in raw
    changed = raw.replace(old, new)
    (held,) = source().parse(changed, "f", NOW, drill_pack()).quarantined
    assert (held.code, held.raw) == ("signature_broken", changed)
    assert "not the one that was signed" in held.sentence


def test_a_signature_of_something_else_or_twice_is_held() -> None:
    assert codes(signed(message(1), uri="#part")) == ["signature_broken"]
    once = signed(message(1))
    start, end = once.index(b"<ds:Signature "), once.index(b"</alert>")
    assert codes(once.replace(b"</alert>", once[start:end] + b"</alert>")) == ["signature_broken"]
    wrapped = once.replace(b"</ds:Signature>", b"<ds:Object>" + once + b"</ds:Object></ds:Signature>")
    assert codes(wrapped.replace(b"Severe", b"Extreme", 1)) == ["signature_broken"]


def test_a_signature_of_an_unknown_kind_counts_as_none() -> None:
    assert codes(signed(message(1), digest="urn:x:digest")) == []
    assert codes(signed(message(1), c14n="urn:x:form")) == []


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (34, "foreign_reference"),
        (42, ""),
        (43, "signature_broken"),
        (44, "signature_broken"),
        (45, "signature_broken"),
    ],
)
def test_forged_messages_of_the_corpus_are_held(number: int, code: str, shared: Path) -> None:
    path = next((shared / "corpus" / "cap" / "hostile").glob(f"{number}-*.xml"))
    batch = source(place="xx").parse(
        path.read_bytes(), path.name, NOW.replace(year=2026, month=12), drill_pack()
    )
    assert [item.code for item in batch.quarantined] == ([code] if code else [])
    assert len(batch.observations) == (0 if code else 1)


@pytest.mark.parametrize(
    "name",
    [
        "usgs/1c2a6287-earthquake_signed.cap",
        "us-ipaws/b23cb4c4-ipaws-5e6dd9de023f1930ef6548d9.xml",
        "ca-eccc/2ddd795d-PelmorexNAADS_WindWarning.xml",
        "tg/6db5138a-valid.xml",
    ],
)
def test_messages_that_authorities_signed_fit_their_signatures(name: str, shared: Path) -> None:
    assert verify((shared / "corpus" / "cap" / name).read_bytes()).verdict == "integrity_only"
