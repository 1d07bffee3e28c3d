"""Whatever a message comes in: every message is found with its own bytes, and nothing vanishes."""

from __future__ import annotations

import base64
import gzip
import io
import json
import zipfile
from dataclasses import replace

import pytest

from anlan.formats.cap.container import LIMITS, Item, Limits, open_bytes
from anlan.formats.cap.index import read_index
from anlan.formats.cap.json_form import to_json
from anlan.formats.cap.look import look
from anlan.formats.cap.reader import read

CAP = "urn:oasis:names:tc:emergency:cap:1.2"
BODY = (
    "<identifier>{id}</identifier><sender>s</sender><sent>2026-01-01T00:00:00-00:00</sent>"
    "<status>Actual</status><msgType>Alert</msgType><scope>Public</scope>"
)


def message(id: str = "m1") -> str:
    return f'<alert xmlns="{CAP}">\n  {BODY.format(id=id)}</alert>'


def zipped(**files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "/"), content)
    return out.getvalue()


def opened(raw: bytes, limits: Limits = LIMITS) -> list[Item]:
    return list(open_bytes(raw, "f", limits))


def ids(items: list[Item]) -> list[str]:
    assert not [item for item in items if item.code], items
    return [read(item.raw).identifier for item in items]


def edxl(content: str, space: str = "urn:oasis:names:tc:emergency:EDXL:DE:1.0") -> bytes:
    return (
        f'<EDXLDistribution xmlns="{space}"><distributionID>d</distributionID>'
        f"<contentObject>{content}</contentObject></EDXLDistribution>"
    ).encode()


ATOM = "http://www.w3.org/2005/Atom"
ENCODED = base64.b64encode(message("b64").encode()).decode()
ESCAPED = message("esc").replace("<", "&lt;").replace(">", "&gt;")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (message().encode(), ["m1"]),
        (message().encode("utf-16"), ["m1"]),
        (gzip.compress(message().encode()), ["m1"]),
        (zipped(a=message("1").encode(), d__b=message("2").encode()), ["1", "2"]),
        (zipped(inner=zipped(a=message("1").encode())), ["1"]),
        (f"<alerts>{message('1')}{message('2')}</alerts>".encode(), ["1", "2"]),
        (f'<alerts xmlns="{CAP}"><alert>{BODY.format(id="1")}</alert></alerts>'.encode(), ["1"]),
        (f'<feed xmlns="{ATOM}"><entry><content>{message()}</content></entry></feed>'.encode(), ["m1"]),
        (f'<feed xmlns="{ATOM}"><entry><content>{ESCAPED}</content></entry></feed>'.encode(), ["esc"]),
        (
            f"<rss><channel><item><description>{ESCAPED}</description></item></channel></rss>".encode(),
            ["esc"],
        ),
        (edxl(f"<xmlContent><embeddedXMLContent>{message()}</embeddedXMLContent></xmlContent>"), ["m1"]),
        (edxl(f"<nonXMLContent><contentData>{ENCODED}</contentData></nonXMLContent>"), ["b64"]),
        (edxl(f"<nonXMLContent><contentData>{ESCAPED}</contentData></nonXMLContent>"), ["esc"]),
        (
            edxl(
                f"<contentXML><embeddedXMLContent>{message()}</embeddedXMLContent></contentXML>",
                "urn:oasis:names:tc:emergency:EDXL:DE:2.0",
            ),
            ["m1"],
        ),
        (json.dumps({"cap": message("1")}).encode(), ["1"]),
        (json.dumps({"alert": message("1")}).encode(), ["1"]),
        ("\n".join(json.dumps({"cap": message(id), "at": 1}) for id in "12").encode(), ["1", "2"]),
        (json.dumps({"a": [{"cap": "x"}, {"m": message("1")}], "b": message("2")}).encode(), ["1", "2"]),
        (json.dumps([{"x": '<?xml version="1.0" encoding="UTF-16"?>' + message("j")}]).encode(), ["j"]),
        (f"<a><b><c>{edxl(message('deep')).decode()}</c></b></a>".encode(), ["deep"]),
    ],
)
def test_every_wrapper_gives_its_messages_in_order(raw: bytes, expected: list[str]) -> None:
    items = opened(raw)
    assert ids(items) == expected
    assert [item.index for item in items] == list(range(len(expected)))


def test_a_message_keeps_its_bytes_wherever_it_stands() -> None:
    odd = message().replace("<sender>s", "<sender >s").replace("\n  ", "\r\n\t").encode()
    for raw in (odd, b"<alerts>" + odd + b"</alerts>", zipped(a=odd)):
        (item,) = opened(raw)
        assert item.raw == odd
    (escaped,) = opened(f"<x>{odd.decode().replace('<', '&lt;')}</x>".encode())
    # XML itself turns the line ends of a text round (section 2.11)
    assert escaped.raw == odd.replace(b"\r\n", b"\n")


def test_namespaces_of_the_wrapper_go_with_the_message_and_nothing_else_changes() -> None:
    inner = f"<c:alert >{BODY.format(id='p')}</c:alert>".replace("</", "</c:").replace("<", "<c:")
    inner = inner.replace("<c:/c:", "</c:").replace("c:c:", "c:").replace("<c:c:", "<c:")
    (item,) = opened(f'<w xmlns:c="{CAP}">{inner}</w>'.encode())
    assert item.raw == inner.replace("<c:alert", f'<c:alert xmlns:c="{CAP}"').encode()
    assert read(item.raw).identifier == "p"


def test_a_message_inside_a_signature_or_an_extract_is_none() -> None:
    signed = f'<s:Signature xmlns:s="http://www.w3.org/2000/09/xmldsig#">{message()}</s:Signature>'
    (item,) = opened(f"<a>{signed}</a>".encode())
    assert item.code == "unreadable"
    (note,) = opened(edxl(f"<xmlContent><keyXMLContent>{message()}</keyXMLContent></xmlContent>"))
    assert note.code == "no_message" and note.index is None


def test_an_index_that_only_links_says_how_many_and_where_to() -> None:
    entries = '<entry><link href="http://[bad"/></entry><entry><link href="b"/></entry>'
    raw = f'<feed xmlns="{ATOM}">{entries}</feed>'
    (item,) = opened(raw.encode())
    assert (item.code, item.index, item.links) == ("linked_only", None, ("http://[bad", "b"))


RDF = (
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="https://a.invalid/"><title>all</title>'
    "<items><rdf:Seq><rdf:li resource='https://a.invalid/1.cap'/></rdf:Seq></items></channel>"
    '<item rdf:about="urn:1"><title>first</title><link>https://a.invalid/1.cap</link>'
    "<dc:date>2026-01-01T00:00:00+00:00</dc:date></item>{more}</rdf:RDF>"
)


def test_an_index_in_rss_1_tells_its_links_and_the_messages_it_holds() -> None:
    (item,) = opened(RDF.format(more="").encode())
    assert (item.code, item.links) == ("linked_only", ("https://a.invalid/1.cap",))
    (entry,) = read_index(RDF.format(more="").encode())
    assert (entry.id, entry.title) == ("urn:1", "first")
    assert entry.updated is not None and entry.updated.year == 2026
    held = f'<item rdf:about="urn:2"><description>{ESCAPED}</description></item>'
    found = opened(RDF.format(more=held).encode())
    assert [item.code for item in found] == ["", "linked_only"]
    assert read(found[0].raw).identifier == "esc"


def test_older_and_namespaced_indexes_are_read_like_the_plain_ones() -> None:
    atom = (
        '<feed version="0.3" xmlns="http://purl.org/atom/ns#"><entry><id>urn:a</id><title>t</title>'
        '<modified>2026-01-01T00:00:00+00:00</modified><link rel="alternate" href="https://a.invalid/1"/>'
        "</entry></feed>"
    )
    rss = (
        '<rss version="2.0" xmlns="http://backend.userland.com/rss2"><channel>'
        "<item><link>https://a.invalid/1</link></item></channel></rss>"
    )
    for index in (atom, rss):
        (item,) = opened(index.encode())
        assert item.links == ("https://a.invalid/1",)


def test_the_address_of_the_message_goes_before_that_of_a_page_for_people() -> None:
    rss = (
        '<rss version="2.0" xmlns:gdacs="http://www.gdacs.org"><channel><item><title>t</title>'
        "<link>https://a.invalid/page</link><gdacs:cap>https://a.invalid/1.xml</gdacs:cap></item>"
        "<item><link>https://a.invalid/2</link><gdacs:cap>none</gdacs:cap></item></channel></rss>"
    )
    (item,) = opened(rss.encode())
    assert item.links == ("https://a.invalid/1.xml", "https://a.invalid/2")


@pytest.mark.parametrize("raw", [b"", b" \n", b"\xef\xbb\xbf"])
def test_an_empty_document_breaks_a_rule_like_any_other_that_is_no_xml(raw: bytes) -> None:
    (item,) = opened(raw)
    assert item.code == "unreadable" and "empty" in item.sentence
    (seen,) = look(raw, "f")
    assert (seen.readable, seen.valid) == (False, False)
    assert [finding.rule for finding in seen.findings] == ["X-wellformed"]


def test_an_edxl_wrapper_without_messages_is_no_bad_document_however_its_namespace_is_written() -> None:
    for space in ("urn:oasis:names:tc:emergency:EDXL:DE:2.0", "urn:oasis:names:tc:emergency:edxl:de:2.0"):
        (item,) = opened(f'<edxlDistribution xmlns="{space}"/>'.encode())
        assert item.code == "no_message" and item.index is None


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"hello",
        b"PK\x03\x04junk",
        b"\x1f\x8bjunk",
        b"{}",
        b"[1]",
        b"[" * 100_000,
        b"<html/>",
        b"\x00" * 9,
    ],
)
def test_what_is_no_message_has_one_line_that_says_so(raw: bytes) -> None:
    (item,) = opened(raw)
    assert item.code == "unreadable" and item.index == 0 and item.sentence.startswith("f")


def test_a_bad_member_hides_no_good_one() -> None:
    raw = bytearray(zipped(bad=b"<x" * 3000, good=message().encode()))
    raw[34:42] = b"\xff" * 8
    items = opened(bytes(raw))
    assert [bool(item.code) for item in items] == [True, False]
    assert items[0].member == "bad" and items[1].member == "good"


def test_a_text_beside_the_messages_of_an_archive_is_named_and_no_message() -> None:
    items = opened(
        zipped(README=b"# Messages of an office", a=message().encode(), b=b"HTTP/1.1 200 OK <alert>")
    )
    assert [(item.member, item.index, item.code) for item in items] == [
        ("README", None, "no_message"),
        ("a", 0, ""),
        ("b", 1, "unreadable"),
    ]


def test_what_unpacks_to_too_much_is_told_by_the_rule_of_sizes() -> None:
    for raw in (gzip.compress(b"<alert>" + bytes(70_000_000)), zipped(a=b" " * 70_000_000)):
        (found,) = look(raw, "f")
        assert found.item.code == "hostile" and found.valid is False
        assert [fault.rule for fault in found.findings] == ["S-size"]


def test_a_bad_line_hides_no_good_one() -> None:
    first, second = (to_json(read(message(id).encode())) for id in ("1", "2"))
    for bad in (b"no line of ours", first[:90], first[:3]):
        items = opened(b"\n".join((first, bad, second, bad)))
        assert [item.code for item in items] == ["", "unreadable", "", "unreadable"]
    assert [item.code for item in opened(first[:90] + b"\n" + second)] == ["unreadable", ""]
    (one,) = opened(json.dumps(json.loads(first), indent=1).encode())
    assert not one.code


def test_two_messages_one_behind_the_other_are_no_document() -> None:
    (item,) = opened(f"{message('a')}\n{message('b')}".encode())
    (seen,) = look(item.raw, "f")
    assert not seen.readable and [finding.rule for finding in seen.findings] == ["X-wellformed"]


def test_notifications_one_a_line_give_the_messages_in_them() -> None:
    def line(id: str) -> bytes:
        content = {"encoding": "utf-8", "value": message(id)}
        return json.dumps({"type": "Feature", "properties": {"content": content}}).encode() + b"\n"

    found = opened(line("a") + b"{}\n" + line("b"))
    assert [item.code for item in found] == ["", "unreadable", ""]
    assert [item.member.split()[:2] for item in found] == [["line", "1"], ["line", "2"], ["line", "3"]]
    assert [read(item.raw).identifier for item in (found[0], found[2])] == ["a", "b"]


def test_a_notification_without_its_message_tells_where_that_is() -> None:
    link = {"rel": "canonical", "href": "https://a.invalid/1.xml", "type": "application/cap+xml"}
    (item,) = opened(json.dumps({"type": "Feature", "properties": {}, "links": [link, 3]}).encode())
    assert (item.code, item.links) == ("linked_only", ("https://a.invalid/1.xml",))
    (none,) = opened(json.dumps({"type": "Feature", "links": [{**link, "rel": "license"}]}).encode())
    assert none.code == "unreadable"


def test_an_attachment_is_told_of() -> None:
    picture = base64.b64encode(b"\x89PNG").decode()
    items = opened(
        edxl(
            f"<xmlContent><embeddedXMLContent>{message()}</embeddedXMLContent></xmlContent>"
            f"<nonXMLContent><contentData>{picture}</contentData></nonXMLContent>"
        )
    )
    assert [(item.index, item.code) for item in items] == [(0, ""), (None, "no_message")]


SMALL = replace(LIMITS, members=3, unpacked=4_000_000, nesting=2, items=5)


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (zipped(**{f"f{n}": b"x" for n in range(4)}), "too many members"),
        (zipped(a=b"\x00" * 3_000_000), "a member unpacks to too much"),
        (zipped(a=bytes(range(256)) * 8000, b=bytes(range(256)) * 8000), "unpacks to too much"),
        (zipped(a=zipped(a=zipped(a=zipped(a=b"x")))), "too many documents in each other"),
        (b"<a>" + message().encode() * 6 + b"</a>", "too many messages"),
        (gzip.compress(gzip.compress(gzip.compress(gzip.compress(b"x")))), "too many documents"),
    ],
    ids=["members", "ratio", "sum", "nesting", "items", "gzip"],
)
def test_a_bomb_is_refused_by_name_before_it_goes_off(raw: bytes, told: str) -> None:
    last = opened(raw, SMALL)[-1]
    assert last.code == "hostile" and told in last.sentence


def test_a_member_with_a_password_and_a_path_out_of_the_archive_are_only_names() -> None:
    raw = bytearray(zipped(a=message().encode()))
    for mark in (b"PK\x03\x04", b"PK\x01\x02"):
        raw[raw.index(mark) + (6 if mark[2] == 3 else 8)] |= 1
    (item,) = opened(bytes(raw))
    assert "encrypted" in item.sentence
    (outside,) = opened(zipped(**{"..__..__etc__passwd": message().encode()}))
    assert outside.member == "../../etc/passwd" and not outside.code


@pytest.mark.parametrize("space", ['xmlns:r="a/b"', 'xmlns:r=""', "xmlns:r='urn:x' xmlns='a/b'"])
def test_a_strange_declaration_around_a_message_stops_no_reader(space: str) -> None:
    # a namespace with a relative name has no canonical form; an empty prefix is no namespace at all
    inside = message("near").replace("<alert ", f"<alert {space.replace('xmlns=', 'x=')} ")
    assert opened(edxl(inside)), "a file without a line"
    around = f'<feed xmlns="{ATOM}" {space if "xmlns=" not in space else ""}><entry><content>'
    raw = f"{around}{message('far')}</content></entry></feed>".encode()
    assert opened(raw), "a file without a line"
