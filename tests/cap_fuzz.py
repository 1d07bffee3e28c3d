"""Documents made to break readers: mutations of real messages, feeds, wrappers, archives and JSON, and
documents made from nothing. Every input follows from a seed and a number, so each can be made again."""

from __future__ import annotations

import gzip
import io
import json
import random
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from anlan.formats.cap import read
from anlan.formats.cap.container import Limits, open_bytes
from anlan.formats.cap.edxl import wrap
from anlan.formats.cap.index import read_index
from anlan.formats.cap.json_form import read_json, to_json
from anlan.formats.cap.look import Asked, Item, look_at
from anlan.model.errors import BadInput

BASE = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">'
    b"<identifier>a</identifier><sender>s</sender><sent>2026-01-01T00:00:00-00:00</sent>"
    b"<status>Actual</status><msgType>Update</msgType><scope>Private</scope>"
    b'<addresses>a "b c"</addresses><references>s,b,2025-01-01T00:00:00-00:00</references>'
    b"<info><language>zh-CN</language><category>Met</category><event>e</event><urgency>Past</urgency>"
    b"<severity>Minor</severity><certainty>Likely</certainty>"
    b"<eventCode><valueName>n</valueName><value>v</value></eventCode>"
    b"<expires>2026-01-02T00:00:00+08:00</expires><description>d</description>"
    b"<resource><resourceDesc>r</resourceDesc><mimeType>a/b</mimeType><size>1</size></resource>"
    b"<area><areaDesc>x</areaDesc><polygon>30,110 30,111 31,111 31,110 30,110</polygon>"
    b"<circle>30,110 5</circle><geocode><valueName>n</valueName><value>v</value></geocode>"
    b"<altitude>1</altitude><ceiling>2.5</ceiling></area></info></alert>"
)

#: what parsers of markup, numbers, times and archives have tripped over
TOKENS = (
    b"<", b">", b"&", b"&#0;", b"&#x10FFFF;", b"&lt;", b"<![CDATA[", b"]]>", b"<!--", b"-->", b"<?x ?>",
    b"<!DOCTYPE a>", b"<!ENTITY", b"xmlns=''", b"xmlns:cap=\"urn:oasis:names:tc:emergency:cap:1.2\"",
    b"<cap:alert>", b"</alert>", b"<alert>", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80",
    "\u202e".encode(), "９".encode(), b"\r", b"\t", b"-0.0", b"1e309", b"nan", b"99999999999999999999",
    b"9999-12-31T23:59:59-14:00", b"0001-01-01T00:00:00+14:00", b"24:00:00", b"2568-01-01T00:00:00+07:00",
    b",", b" ", b"180,180 -180.005,0", b"PK\x03\x04", b"PK\x01\x02", b"\x1f\x8b", b"{", b"]", b"\\ud800",
    b'"cap"', b"<ds:Signature xmlns:ds='http://www.w3.org/2000/09/xmldsig#'>", b"URI=\"#x\"", b"%", b"=",
    b"encoding='utf-16'", b"encoding='iso-8859-1'", b"a" * 300, b"<a>" * 70,
)  # fmt: skip

#: bounds small enough that hundreds of thousands of bombs can be tried
SMALL = Limits(document=2_000_000, members=50, unpacked=4_000_000, nesting=4, items=500)


RDF = (
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">'
    b'<channel/><item rdf:about="urn:1"><link>https://a.invalid/1</link></item></rdf:RDF>'
)


@dataclass(frozen=True)
class Seeds:
    """Documents to mutate, by the reader that they are for."""

    alert: list[bytes]
    index: list[bytes]
    edxl: list[bytes]
    zip: list[bytes]
    json: list[bytes]


def seeds(corpus: Path | None, most: int = 20_000) -> Seeds:
    """The base documents, and where the corpus is there every real one of at most so many bytes."""
    alerts, indexes, wrappers = [BASE], [_feed(BASE), RDF], [_edxl(BASE)]
    carried = json.dumps({"id": 1, "originalMessage": BASE.decode()}).encode()
    notified = b'{"links":[{"rel":"canonical","href":"https://a.invalid/1"}]}'
    wrappers += [b"[" + carried + b"]", carried + b"\n" + notified + b"\n"]
    if corpus is not None:
        for path in sorted(corpus.glob("*/*")):
            raw = path.read_bytes()
            if len(raw) > most or path.suffix in (".csv", ".zip", ".md"):
                continue
            kind = indexes if b"<feed" in raw[:2000] or b"<rss" in raw[:500] else alerts
            (wrappers if b"EDXLDistribution" in raw[:2000] else kind).append(raw)
    documents = []
    for raw in alerts:
        try:
            documents.append(to_json(read(raw), original=len(raw) % 2 == 0))
        except BadInput:
            continue
    archives = [_zip(alerts[:3]), _zip([_zip(alerts[:1])]), gzip.compress(alerts[0])]
    return Seeds(alerts, indexes, wrappers, archives, documents)


def _feed(raw: bytes) -> bytes:
    body = raw[raw.index(b"<alert") :]
    escaped = body.replace(b"&", b"&amp;").replace(b"<", b"&lt;")
    return (
        b'<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>1</id><title>t</title>'
        b'<updated>2026-01-01T00:00:00Z</updated><link href="a.xml" type="application/cap+xml"/></entry>'
        b"<entry><content>" + body + b"</content></entry><entry><content>" + escaped + b"</content></entry>"
        b"</feed>"
    )


def _edxl(raw: bytes) -> bytes:
    return wrap([raw], id="d", sender="s", sent=read(raw).sent)


def _zip(files: list[bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, raw in enumerate(files):
            archive.writestr(f"{number}.xml", raw)
    return out.getvalue()


def mutated(raw: bytes, choice: random.Random) -> bytes:
    """The document after one to six changes: bytes flipped, pieces cut, doubled, moved, tokens put in."""
    out = bytearray(raw)
    for _ in range(choice.randint(1, 6)):
        at = choice.randrange(len(out) + 1)
        end = min(len(out), at + choice.choice((1, 2, 5, 20, 200)))
        match choice.randrange(7):
            case 0 if out:
                out[min(at, len(out) - 1)] = choice.randrange(256)
            case 1:
                del out[at:end]
            case 2:
                out[at:at] = out[at:end] * choice.choice((1, 2, 40))
            case 3:
                piece = bytes(out[at:end])
                del out[at:end]
                where = choice.randrange(len(out) + 1)
                out[where:where] = piece
            case 4:
                tag = choice.choice((b"<", b">", b" ", b",", b'"'))
                found = out.find(tag, at)
                if found >= 0:
                    out[found : found + 1] = choice.choice(TOKENS)
            case _:
                out[at:at] = choice.choice(TOKENS)
        if len(out) > 200_000:
            del out[200_000:]
    return bytes(out)


def made(choice: random.Random) -> bytes:
    """A document from nothing: tokens, or elements in any order and nesting."""
    if choice.random() < 0.3:
        return b"".join(choice.choices(TOKENS, k=choice.randint(0, 30)))
    names = [
        "alert", "info", "area", "polygon", "circle", "sent", "references", "language", "parameter",
        "valueName", "value", "resource", "size", "altitude", "feed", "entry", "rss", "channel", "item",
        "contentData", "Signature", "Reference",
    ]  # fmt: skip

    def element(depth: int) -> bytes:
        name = choice.choice(names).encode()
        inner = (
            choice.choice(TOKENS)
            if depth > 4 or choice.random() < 0.4
            else b"".join(element(depth + 1) for _ in range(choice.randint(0, 4)))
        )
        space = b' xmlns="urn:oasis:names:tc:emergency:cap:1.2"' if choice.random() < 0.3 else b""
        return b"<" + name + space + b">" + inner + b"</" + name + b">"

    return element(0)


def _examine(raw: bytes) -> None:
    look_at(Item("f", 0, raw=raw), Asked(profiles=("google", "china"), ground=True))


def _open(raw: bytes) -> None:
    items = list(open_bytes(raw, "f", SMALL))
    assert items, "a file without a line"
    for item in items:
        assert item.raw or item.code
    # what was found is examined as well, some of it
    for item in items[:2]:
        look_at(item, Asked())


def _index(raw: bytes) -> None:
    read_index(raw, "https://a.invalid/")


def _json(raw: bytes) -> None:
    alert = read_json(raw)
    assert read_json(to_json(alert)) == alert


READERS: dict[str, Callable[[bytes], None]] = {
    "alert": _examine,
    "index": _index,
    "edxl": _open,
    "zip": _open,
    "json": _json,
}


def one(seed: int, number: int, found: Seeds) -> tuple[str, bytes]:
    """(reader, input) number `number` of a run with that seed."""
    choice = random.Random(f"{seed}:{number}")
    reader = list(READERS)[number % len(READERS)]
    kept = getattr(found, reader)
    if choice.random() < 0.15:
        return reader, made(choice)
    return reader, mutated(choice.choice(kept), choice)


def tried(reader: str, raw: bytes) -> None:
    """Reads one input. An index or JSON may be refused; files and messages are never: what is wrong with
    them is told in what comes back."""
    try:
        READERS[reader](raw)
    except BadInput:
        if reader not in ("index", "json"):
            raise


def described(seed: int, number: int, raw: bytes) -> str:
    """How to make an input again."""
    return json.dumps({"seed": seed, "number": number, "bytes": len(raw), "start": repr(raw[:200])})
