"""Documents from anywhere: a document type in any encoding is refused, indexes name their messages."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from anlan.formats import cap
from anlan.formats.cap.secure import parse
from anlan.model.errors import BadInput, Hostile, Unreadable

MESSAGE = (
    '<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>预警</identifier><sender>s</sender>'
    "<sent>2024-01-01T00:00:00-00:00</sent><status>Actual</status><msgType>Alert</msgType>"
    "<scope>Public</scope></alert>"
)
ENTITY = '<!DOCTYPE alert [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be")


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_message_is_read_in_every_unicode_encoding_and_refused_with_a_document_type(encoding: str) -> None:
    marked = encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32")
    assert cap.read(MESSAGE.encode(encoding)).identifier == "预警"
    for before in ("", "\n", "<!-- <alert> -->\n", "<?x ?> <!-- --> "):
        # without a byte order mark only a first "<" tells the encoding: anything else is not XML
        refusal = Hostile if marked or before != "\n" else Unreadable
        with pytest.raises(refusal):
            cap.read((before + ENTITY + MESSAGE).encode(encoding))


@pytest.mark.parametrize(
    ("declared", "codec", "word"),
    [
        ("TIS-620", "cp874", "พายุ"),
        ("windows-874", "cp874", "พายุ"),
        ("KOI8-R", "koi8_r", "шторм"),
        ("KOI8-U", "koi8_u", "буря"),
        ("latin1", "latin1", "Überflutung"),
    ],
)
def test_messages_in_an_encoding_of_their_country_are_read(declared: str, codec: str, word: str) -> None:
    text = f'<?xml version="1.0" encoding="{declared}"?><a>{word}</a>'
    assert parse(text.encode(codec)).text == word


@pytest.mark.parametrize("declared", ["GB2312", "gb18030", "GBK"])
def test_chinese_encodings_are_read(declared: str) -> None:
    raw = (f'<?xml version="1.0" encoding="{declared}"?>' + MESSAGE).encode("gb18030")
    assert cap.read(raw).identifier == "预警"


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        (b'<?xml version="1.0" encoding="UTF-7"?>' + MESSAGE.encode(), "encoding cannot be used"),
        (b'<?xml version="1.0" encoding="UTF-16"?>' + MESSAGE.encode(), "encoding cannot be used"),
        (MESSAGE.encode("gb18030"), "bytes do not fit"),
        (b"", "not well-formed"),
        (b"\x00\x01\x02", "not well-formed"),
        (b"{}", "not well-formed"),
        (b"<html/>", "X-root"),
        (MESSAGE.replace("预警", "&e;").encode(), "not well-formed"),
    ],
)
def test_what_is_no_message_is_refused_in_words(raw: bytes, fault: str) -> None:
    with pytest.raises(Unreadable, match=fault):
        cap.read(raw)
    assert cap.check(raw)[0].blocking


def test_the_limits_on_size_and_depth_are_told() -> None:
    with pytest.raises(Hostile, match="too large; found 4194305 bytes"):
        cap.read(b"<" * (4 * 1024 * 1024 + 1))
    with pytest.raises(Hostile, match="nested too deep"):
        cap.read(MESSAGE.replace("</alert>", "<a>" * 100 + "</a>" * 100 + "</alert>").encode())
    with pytest.raises(Hostile, match="50001 characters"):
        cap.read(MESSAGE.replace("<scope>", "<source>" + "x" * 50_001 + "</source><scope>").encode())


def test_every_fault_of_a_message_is_listed_at_once_with_its_path() -> None:
    bad = MESSAGE.replace("Actual", "actual").replace("-00:00", "Z").replace("<sender>s</sender>", "")
    faults = {(fault.path, fault.rule) for fault in cap.check(bad.encode())}
    assert faults == {
        ("alert", "X-xsd"),
        ("alert/sender", "A-sender-required"),
        ("alert/sent", "D-format"),
        ("alert/sent", "D-no-Z"),
        ("alert/status", "A-status-enum"),
        ("alert/info", "A-info-absent"),
    }
    with pytest.raises(cap.NotCap) as caught:
        cap.read(bad.encode(), "feed 7")
    # a Z for the zone is no reason to refuse: the instant is certain
    blocking = [fault.rule for fault in caught.value.faults if fault.blocking]
    assert blocking == ["A-sender-required", "A-status-enum"]
    assert str(caught.value).startswith("feed 7: ")


def test_a_message_in_no_namespace_is_read_and_the_fault_stands_beside_it() -> None:
    alert = cap.read(MESSAGE.replace(' xmlns="urn:oasis:names:tc:emergency:cap:1.2"', "").encode())
    assert [fault.rule for fault in alert.faults] == ["X-namespace", "A-info-absent"]


RSS = """<rss version="2.0"><channel><title>t</title>
<item><title>Flood</title><link>/page/1</link><guid>g1</guid>
<pubDate>Mon, 01 Jan 2024 08:00:00 +0800</pubDate>
<enclosure url="1.cap" type="application/cap+xml" length="1"/></item>
<item><title>No id</title><link>https://b.invalid/2</link><pubDate>soon</pubDate></item></channel></rss>"""


def test_an_rss_index_gives_links_from_the_surest_ids_and_times() -> None:
    first, second = cap.read_index(RSS.encode(), "https://a.invalid/feeds/all.rss")
    assert first.links == ("https://a.invalid/feeds/1.cap", "https://a.invalid/page/1")
    assert (first.id, first.updated) == ("g1", datetime(2024, 1, 1, tzinfo=UTC))
    assert (second.id, second.updated, second.links) == (
        "https://b.invalid/2",
        None,
        ("https://b.invalid/2",),
    )


def test_an_embedded_message_is_handed_on_as_a_document_of_its_own() -> None:
    index = f"""<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>e</id><title>t</title>
    <updated>2024-01-01T00:00:00Z</updated><content type="text/xml">{MESSAGE}</content></entry></feed>"""
    (entry,) = cap.read_index(index.encode())
    assert [cap.read(raw).identifier for raw in entry.cap] == ["预警"]


@pytest.mark.parametrize("raw", [ENTITY.encode() + RSS.encode(), b"<html/>", b"not xml", b""])
def test_what_is_no_index_is_refused(raw: bytes) -> None:
    with pytest.raises(BadInput):
        cap.read_index(raw)
