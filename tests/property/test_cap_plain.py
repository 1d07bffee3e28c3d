"""A message read by its bytes alone comes to the same as one that is parsed: model, findings with their
paths, verdict of the schema, outcome on the ground."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from anlan.formats import cap
from anlan.formats.cap import compiled
from anlan.formats.cap.examine import _parsed, _plainly
from anlan.formats.cap.profiles import PROFILES
from anlan.formats.cap.schema import NAMESPACES
from cap_fuzz import BASE, mutated


@pytest.fixture(autouse=True, scope="module")
def loaded() -> Iterator[None]:
    assert compiled.prepare()
    yield
    compiled.without()


def told(found: cap.Examination) -> dict[str, Any]:
    """Everything that anybody may ask of it; the outcome before and after its blocks were asked for."""
    outcome = found.ground().outcome
    grounds = found.grounds()
    return {
        "version": found.version,
        "valid": found.valid,
        "findings": found.findings,
        "readable": found.readable,
        "signatures": found.signatures,
        "outcome": outcome,
        "outcomes": [[(ground.outcome, ground.records) for ground in row] for row in grounds],
        "again": found.ground().outcome,
        "records": found.ground().records,
        "blocks": found.blocks,
        "alert": found.alert,
        "names": (found.identifier, found.sender),
        "hindrances": found.hindrances(),
    }


def agree(raw: bytes, profiles: tuple[str, ...] = ()) -> bool:
    """True where the message is plain; fails where the two ways differ."""
    quick = _plainly(raw, profiles)
    if quick is None:
        return False
    one, other = told(quick), told(_parsed(raw, profiles))
    for name, value in one.items():
        assert value == other[name], (name, raw)
    return True


SIGNED = (
    b'<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><SignedInfo><Reference URI=""><Transforms>'
    b'<Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/></Transforms></Reference>'
    b"</SignedInfo></Signature>"
)
WHOLE = BASE.replace(b'Private</scope><addresses>a "b c"</addresses>', b"Public</scope>")


def messages(corpus: Path) -> list[bytes]:
    """Every message of the corpus, those inside of others as documents of their own."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
    alerts = [f"{{{namespace}}}alert" for namespace in NAMESPACES]
    found = []
    for path in sorted(corpus.glob("*/*")):
        if path.parent.name == "alerthub-matrix" or path.suffix in (".csv", ".md", ".zip"):
            continue
        raw = path.read_bytes()
        found.append(raw)
        try:
            root = etree.fromstring(raw, parser)
        except etree.XMLSyntaxError:
            continue
        if root.tag.rpartition("}")[2] != "alert":
            for alert in root.iter(*alerts):
                alone = etree.fromstring(etree.tostring(alert, with_tail=False))
                found.append(etree.tostring(alone, xml_declaration=True, encoding="UTF-8"))
    return found


def test_every_real_and_hostile_message_comes_to_the_same_by_its_bytes_and_parsed(shared: Path) -> None:
    found = messages(shared / "corpus" / "cap")
    taken = [agree(raw) for raw in found]
    # the quick way is taken by nearly all of them
    assert len(found) > 669 and sum(taken) > 630
    profiles = tuple(PROFILES)
    for raw in found[::7]:
        agree(raw, profiles)


#: values that are near to being in order
VALUES = (
    b"", b" ", b"\n", b"a", b"=1", b"@a", b"a&amp;b", b"&lt;b&gt;", b"&#13;", b"&#xD;\r\n", b"&#0;",
    b"&nbsp;", b"]]>", b"]] >", b"drill", b"a DRILL b", b"exercise exercise", b"Exercise  exercise",
    "演练".encode(), "dr\u0131ll".encode(), "\u202e".encode(), "\u2067".encode(), "\u3000".encode(),
    "\u00a0".encode(), "\u2003".encode(), "é".encode(), "\ufffe".encode(), "\U0001f32a".encode(),
    b"\xed\xa0\x80", b"\xc3", b"\x01", b"\x7f", b"2024-02-29T00:00:00+08:00", b"2023-02-29T00:00:00+08:00",
    b"2024-01-01T24:00:00-00:00", b"2024-01-01T00:00:00+00:00", b"2024-01-01T00:00:00Z",
    b"2024-01-01T00:00:00.0-01:00", b"2024-01-01T00:00:60-01:00", b"2024-01-01T00:00:00-14:00",
    b"2024-01-01T00:00:00+13:59", b"2568-01-01T00:00:00+07:00", b"1900-02-29T00:00:00-00:00",
    b"2000-02-29T00:00:00-00:00", b"2100-01-01T00:00:00-00:00", b" 2024-01-01T00:00:00-00:00", b"Actual",
    b"Exercise", b"Test", b"Draft", b"Alert", b"Update", b"Cancel", b"Ack", b"Error", b"Public", b"Private",
    b"Restricted", b"Met", b"Other", b"Assess", b"Execute", b"AllClear", b"Likely", b"Very Likely",
    b"Observed", b"Unknown", b"Public ", b"en", b"zh-CN", b"EN-us", b"en_US", b"1", b"-1", b"+1", b"1.5",
    b".5", b"5.", b"1e3", b"9999999999999999", b"0.1234567890123456789", b"90", b"180",
    b"http://a.b/c?d=e&amp;f#g", b"http://a b", b"mailto:a@b", b"//a", b"a:", b"http://[::1]/",
    b"http://a:99999999/", b"http://a%zz", "http://é".encode(), b"s,b,2025-01-01T00:00:00-00:00",
    b"s,a,2020-01-01T00:00:00-00:00", b"s,b,2035-01-01T00:00:00-00:00", b"s,b", b"s,b,x t,u,v", b'"a b" c',
    b'"a', b"same", b"SAME", b"Same", b"FIPS6 ", b"e.a.s.", b"E.A.S", b"EXCLUDE_POLYGON", b"a" * 160,
    b"b" * 161, "é".encode() * 100, b"text/plain", b"text/", b"a/b; c=d", b"QQ==", b"0" * 40,
    b"f" * 39 + b"g", b"30,110 30,111 31,111 31,110 30,110", b"30,110 30,111 31,111 31,110 30,110.0",
    b"30,110 31,111 30,111 31,110 30,110", b"30,190 30,191 31,191 31,190 30,190",
    b"110,30 111,30 111,31 110,31 110,30", b"30,110 30,111 31,111", b"91,10 92,10 92,11 91,10",
    b"95,100 95,101 96,101 95,100", b"30,110 30,111 30,112 30,110", b"0,-180 0,180 1,180 0,-180",
    b"0,-180 0,0.0000000000000001 1,0 0,-180", b"30,110", b"x", b"30,110 5", b"30,110 0", b"30,110 -1",
    b"91,110 5", b"30,110 10008", b"30,110  5 ", b"90,180 1", b"30,110 0.00000000000000001", b"30,110 5 6",
)  # fmt: skip
_LEAF = re.compile(rb"<((?:\w+:)?\w+)>([^<]*)</\1>")
_ELEMENT = re.compile(rb"<((?:\w+:)?(?:info|area|resource|geocode|parameter|eventCode))>.*?</\1>", re.DOTALL)


def varied(raw: bytes, choice: random.Random) -> bytes:
    """The document with one to four values changed, or elements put elsewhere, doubled or taken out."""
    for _ in range(choice.choice((1, 1, 1, 2, 4))):
        leaves = list((_ELEMENT if choice.random() < 0.15 else _LEAF).finditer(raw))
        if not leaves:
            return raw
        one = choice.choice(leaves)
        start, end = one.span()
        whole = one.group()
        match choice.randrange(8):
            case 0:
                raw = raw[:start] + raw[end:]
            case 1:
                raw = raw[:end] + whole + raw[end:]
            case 2:
                place = choice.choice(leaves).start()
                raw = raw[:place] + whole + raw[place:]
            case 3:
                raw = (
                    raw[:end]
                    + choice.choice((b" ", b"\r\n", b"x", b"<!-- x -->", b"<x/>", SIGNED))
                    + raw[end:]
                )
            case 4 if one.lastindex == 2:
                text = one.group(2)
                place = choice.randint(0, len(text))
                raw = (
                    raw[: one.start(2)]
                    + text[:place]
                    + choice.choice(VALUES)
                    + text[place:]
                    + raw[one.end(2) :]
                )
            case 5 if one.lastindex == 2:
                other = choice.choice(leaves)
                raw = raw[: one.start(2)] + other.group(2) + raw[one.end(2) :]
            case _ if one.lastindex == 2:
                raw = raw[: one.start(2)] + choice.choice(VALUES) + raw[one.end(2) :]
    return raw


def seeds(shared: Path) -> list[bytes]:
    corpus = shared / "corpus" / "cap"
    found = [raw for raw in messages(corpus) if len(raw) < 6000]
    return [*found[::5], *[WHOLE, WHOLE.replace(b"</alert>", SIGNED + b"</alert>")] * 20]


def test_thousands_of_varied_messages_come_to_the_same_by_their_bytes_and_parsed(shared: Path) -> None:
    known, choice, taken = seeds(shared), random.Random(20261126), 0
    for _ in range(2_500):
        taken += agree(varied(choice.choice(known), choice))
    assert taken > 500
    for _ in range(1_000):
        agree(mutated(choice.choice(known), choice))


STARTS = (
    b"<?xml version='1.0'?>", b'<?xml version="1.0" encoding="utf-8" standalone="yes"?>\r\n<!-- a - b -->',
    b'<?xml version="1.1"?>', b'<?xml version="1.0" encoding="latin1"?>', b" ", b' <?xml version="1.0"?>',
    b"\xef\xbb\xbf", b"<!-- a -- b -->", b"<!-- \xc3\xa9 -->", b"<?a b?>", b"<?XML b?>",
    b"<?xml-stylesheet x?>", b"<!DOCTYPE alert>", b"\x00", b"<?a?", b"<!---->", b"<!--->",
    b"<?xml version='1.0' standalone='YES'?>", b"<?xml version='1.0'encoding='utf-8'?>",
)  # fmt: skip
_XMLNS = b'xmlns="urn:oasis:names:tc:emergency:cap:1.2"'
TAGS = (
    b"<alert " + _XMLNS + b">", b"<alert " + _XMLNS.replace(b"1.2", b"1.1") + b" >",
    b"<alert " + _XMLNS.replace(b"1.2", b"1.3") + b">",
    b"<alert\nxmlns = 'urn:oasis:names:tc:emergency:cap:1.2'\t>",
    b'<alert xmlns:a="urn:a" xmlns:b="urn:b" ' + _XMLNS + b">", b"<alert " + _XMLNS + b" " + _XMLNS + b">",
    b"<alert " + _XMLNS + b'xmlns:a="urn:a">', b"<alert>", b'<alert xmlns="">', b"<alert " + _XMLNS + b"/>",
    b"<alert " + _XMLNS + b' xmlns:xml="urn:a">', b"<alert " + _XMLNS + b' xmlns:a="">',
    b"<alert " + _XMLNS + b' xmlns:a="http://www.w3.org/2000/xmlns/">', b"<alert " + _XMLNS + b' a="b">',
    b"<alert " + _XMLNS + b' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="a b">',
    b"<cap:alert " + _XMLNS.replace(b"=", b":cap=", 1) + b">",
)  # fmt: skip
ENDS = (b"", b"\n", b"<!-- a -->", b"<?a b?>", b"x", b"<a/>", b"\x00", SIGNED, b"</alert>", b" \r\n\t")


def test_whatever_stands_around_a_message_comes_to_the_same_by_its_bytes_and_parsed() -> None:
    inside = WHOLE[WHOLE.index(b"<identifier>") : WHOLE.index(b"</alert>")]
    taken = 0
    for start in STARTS:
        for tag in TAGS:
            for end in ENDS if start in STARTS[:2] or tag is TAGS[0] else ENDS[:1]:
                taken += agree(start + tag + inside + b"</alert>" + end)
    assert taken > 50
    prefixed = re.sub(rb"<(/?)(\w)", rb"<\1cap:\2", inside)
    assert agree(TAGS[-1] + prefixed + b"</cap:alert>")
    assert not agree(TAGS[-1] + prefixed + b"</alert>")
    for signature in SIGNATURES:
        for tag in (TAGS[0], TAGS[1], TAGS[4]):
            agree(tag + inside + signature + b"</alert>")


def holding(inside: bytes) -> bytes:
    return SIGNED.replace(b"</Signature>", inside + b"</Signature>")


SIGNATURES = (
    SIGNED, SIGNED * 2, SIGNED + b"x", SIGNED.replace(b'""', b'"#a"'), SIGNED[:-12],
    SIGNED + b"<note>a</note>", SIGNED.replace(b"<SignedInfo>", b"<a>"),
    holding(b"<Object><alert " + _XMLNS + b"/></Object>"),
    holding(b"<a xmlns='' xmlns:x='http://www.w3.org/2001/XMLSchema-instance' x:type='b'/>"),
    holding(b"<!-- a -->"), holding(b"<a>" * 60 + b"</a>" * 60), holding(b"</alert>"),
    holding(b"<a xmlns=''/>"), b"<Signature/>", b"<Signature xmlns=''/>",
    b"<x:Signature xmlns:x='http://www.w3.org/2000/09/xmldsig#'/>",
)  # fmt: skip


def test_bounds_are_kept_by_whichever_way_a_message_is_read() -> None:
    info = WHOLE[WHOLE.index(b"<info>") : WHOLE.index(b"</alert>")]
    area = info[info.index(b"<area>") : info.index(b"</info>")]
    short = info.replace(area, b"")
    head = WHOLE[: WHOLE.index(b"<info>")]
    ring = b"30,110 30,111 31,111 31,110 30,110"
    circles = b"<area><areaDesc>a</areaDesc>" + b"<circle>1,1 1</circle>" * 20_001 + b"</area>"
    for raw in (
        head + short * 1_000 + b"</alert>",
        head + short * 1_001 + b"</alert>",
        head + info.replace(area, circles) + b"</alert>",
        WHOLE.replace(b"<description>d", b"<description>" + b"d" * 50_000),
        WHOLE.replace(b"<description>d", b"<description>" + b"d" * 50_001),
        WHOLE.replace(ring, b"30,110 " * 10_001 + ring[7:]),
        WHOLE.replace(ring, b"30,110 " * 9_000 + ring[7:]),
        head + info.replace(area, area.replace(b"<polygon>30", b"<polygon>x") * 2_100) + b"</alert>",
        head + info.replace(area, b"<area><areaDesc>a</areaDesc></area>" * 3_000) + b"</alert>",
    ):  # fmt: skip
        one, other = cap.examine(raw), _parsed(raw)
        assert one.findings == other.findings and one.valid == other.valid
        assert one.ground().outcome == other.ground().outcome


def test_what_was_read_by_its_bytes_is_told_in_full_when_there_is_no_compiled_code_any_more() -> None:
    quick = _plainly(WHOLE, ())
    assert quick is not None
    compiled.without()
    assert quick.blocks == _parsed(WHOLE).blocks and quick.alert == cap.read(WHOLE)
    assert _plainly(WHOLE, ()) is None
    assert compiled.prepare()


def test_compiled_code_is_kept_under_a_digest_of_every_file_that_it_comes_from() -> None:
    from anlan.formats.cap import kernels

    folder = Path(kernels.__file__).parent
    compiled_in = {
        path.name for path in folder.glob("*.py") if re.search(r"^@inner|njit", path.read_text(), re.M)
    }
    imported = {
        f"{name}.py"
        for path in compiled_in
        for name in re.findall(r"^from anlan\.formats\.cap\.(\w+) import", (folder / path).read_text(), re.M)
    }
    assert compiled_in | imported <= set(kernels.SOURCES)
