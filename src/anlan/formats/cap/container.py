"""Files from anywhere to the messages inside: a message alone, Atom and RSS indexes, EDXL-DE, other
wrappers, messages as escaped text or base64 in any of them, gzip, and zip archives.

Nothing is unpacked to disk, so no name in an archive is ever a path; counts, sizes, ratios and nesting
are bounded. What cannot be read becomes an item with its reason; nothing is left out silently.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from anlan.formats.cap.embedded import CAP_TEXT, Cutter, local, looks_like_cap, namespace, reads_like_cap
from anlan.formats.cap.fault import CapFault, shown
from anlan.formats.cap.index import links_of
from anlan.formats.cap.json_form import from_json, is_json
from anlan.formats.cap.profiles.documents import check_distribution, check_feed, check_notification
from anlan.formats.cap.secure import decode, parse
from anlan.formats.table import gunzip
from anlan.model.errors import AnlanError, BadInput, Hostile, Unreadable

EDXL = ("urn:oasis:names:tc:emergency:EDXL:DE:1.0", "urn:oasis:names:tc:emergency:EDXL:DE:2.0")
_ZIP = b"PK\x03\x04"
_EMPTY_ZIP = b"PK\x05\x06"
_HEAD = re.compile(r"(?:\s++|<\?.*?\?>|<!--.*?-->)*+<(?:[\w.-]+:)?alert[\s>/]", re.DOTALL)
_PARTS = ("entry", "item", "contentObject")
_STEP = 1 << 16


#: what the library raises for archives that are none
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    OSError,
    ValueError,
    OverflowError,
    LookupError,
)


@dataclass(frozen=True, slots=True)
class Limits:
    """`document`: bytes of one XML document; `members`: members of one archive; `unpacked`: bytes of all
    that one file unpacks to; `ratio`: bytes unpacked for each packed one, in members over a mebibyte;
    `nesting`: archives, wrappers and texts in each other; `items`: what one file may hold in all."""

    document: int = 64_000_000
    members: int = 20_000
    unpacked: int = 512 * 1024 * 1024
    ratio: int = 200
    nesting: int = 4
    items: int = 100_000


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Item:
    """One message of a file, or one thing in it that is none.

    `index` counts from 0 the messages of a file and the documents that cannot be read; it is None for what
    holds no message at all (an index that only links, an attachment). `member` says where inside
    (`a.zip` member, `entry 3`). `raw` are the message's own bytes. `code` and `sentence`: why this is no
    message; "" for a message. `links`: addresses of messages that an index names and does not hold.
    `findings`: what is wrong with a wrapper by its own rules, where those were asked for."""

    file: str
    index: int | None
    member: str = ""
    raw: bytes = b""
    code: str = ""
    sentence: str = ""
    links: tuple[str, ...] = ()
    findings: tuple[CapFault, ...] = ()


#: profiles of what CAP travels in, each with its rules over a tree or over bytes
DOCUMENTS = ("feeds", "edxl-de", "wis2")


def open_bytes(
    raw: bytes, file: str, limits: Limits = LIMITS, documents: Sequence[str] = ()
) -> Iterator[Item]:
    """Every item of a file in order, at least one. Never raises for what is in the file. `documents`: of
    DOCUMENTS, whose rules the wrappers are held to; each wrapper then has an item of its own, without an
    index, with the code `document`."""
    opened = _Opened(file, limits, tuple(documents))
    try:
        yield from opened.document(raw, "", 0)
    except _TooMuch as error:
        yield opened.refused(b"", "", error.fault)


class _TooMuch(Exception):
    """A bound of the whole file is passed: what follows in it is not looked at."""

    def __init__(self, fault: AnlanError) -> None:
        self.fault = fault


class _Opened:
    """One file while it is looked through."""

    def __init__(self, file: str, limits: Limits, documents: tuple[str, ...]) -> None:
        self.file = file
        self.limits = limits
        self.documents = documents
        self.number = 0
        self.unpacked = 0

    # -- items --------------------------------------------------------------------------------------

    def _next(self) -> int:
        if self.number >= self.limits.items:
            raise _TooMuch(
                Hostile(
                    "too many messages in one file",
                    where=self.file,
                    found=f"more than {self.limits.items}",
                    expected=f"at most {self.limits.items}",
                )
            )
        self.number += 1
        return self.number - 1

    def message(self, raw: bytes, member: str) -> Item:
        return Item(self.file, self._next(), member, raw)

    def refused(self, raw: bytes, member: str, error: AnlanError) -> Item:
        code = error.reason_code if isinstance(error, BadInput) else "bad_input"
        number, self.number = self.number, self.number + 1
        return Item(self.file, number, member, raw, code, error.sentence())

    def none(self, member: str, sentence: str, links: tuple[str, ...] = (), raw: bytes = b"") -> Item:
        return Item(self.file, None, member, raw, "linked_only" if links else "no_message", sentence, links)

    # -- kinds of document --------------------------------------------------------------------------

    def document(self, raw: bytes, member: str, depth: int) -> Iterator[Item]:
        where = f"{self.file} {member}".strip()
        try:
            if depth > self.limits.nesting:
                raise Hostile(
                    "too many documents in each other",
                    where=where,
                    found=f"more than {self.limits.nesting} levels",
                    expected=f"at most {self.limits.nesting}",
                )
            if raw.startswith((_ZIP, _EMPTY_ZIP)):
                yield from self._archive(raw, member, depth, where)
                return
            plain = gunzip(raw, where, self.limits.document)
            if plain is not raw:
                self._count(len(plain), where)
                yield from self.document(plain, member, depth + 1)
                return
            if is_json(raw):
                yield from self._json(raw, member, where)
                return
            if raw[:200].removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"["):
                yield from self._other_json(raw, member, depth, where)
                return
            text = decode(raw, where)
            if _HEAD.match(text):
                yield self.message(raw, member)
                return
            root = parse(raw, where, self.limits.document)
        except BadInput as error:
            yield self.refused(raw, member, error)
            return
        if looks_like_cap(root.tag):
            yield self.message(raw, member)
            return
        yield from self._judged(member, root, b"")
        yield from self._tree(text.encode(), root, member, depth)

    def _judged(self, member: str, root: Any, raw: bytes) -> Iterator[Item]:
        """The wrapper by its own rules, where those were asked for."""
        found: Iterator[CapFault] | None = None
        if root is None:
            found = check_notification(raw) if "wis2" in self.documents else None
        elif "feeds" in self.documents and local(root.tag) in ("feed", "rss"):
            found = check_feed(root)
        elif "edxl-de" in self.documents and namespace(root.tag) in EDXL:
            found = check_distribution(root)
        if found is not None:
            findings = tuple(found)
            told = f"{self.file}: {len(findings)} findings in the document around the messages"
            yield Item(self.file, None, member, b"", "document", told, findings=findings)

    def _tree(self, text: bytes, root: Any, member: str, depth: int) -> Iterator[Item]:
        """The messages in an index or a wrapper."""
        cutter: Cutter | None = None
        before = self.number
        notes: list[Item] = []
        for node, place in _candidates(root):
            inside = f"{member} {place}".strip()
            if looks_like_cap(node.tag):
                cutter = cutter or Cutter(text, root)
                yield self.message(cutter.bytes_of(node), inside)
                continue
            found = _carried(node)
            if found is None:
                notes.append(self.none(inside, f"{self.file}: {inside}: holds no CAP message"))
                continue
            yield from self.document(found, inside, depth + 1)
        links, bare = links_of(root)
        for name in bare:
            told = f"{self.file}: entry {shown(name)} has neither a message nor a link to one"
            notes.append(self.none(member, told, raw=name.encode("utf-8", "surrogatepass")))
        if links:
            told = f"{self.file}: {len(links)} entries link to their messages; none of them is in the file"
            yield self.none(member, told, links)
        yield from notes
        if self.number == before and not links and not notes:
            name = shown(str(root.tag))
            if local(root.tag) in ("feed", "rss", "RDF") or namespace(root.tag) in EDXL:
                yield self.none(member, f"{self.file}: {name} holds no message", raw=text)
            else:
                fault = Unreadable(
                    "not CAP, and no message in it",
                    where=f"{self.file} {member}".strip(),
                    found=f"element {name}",
                    expected="alert, or a document with alerts inside",
                )
                yield self.refused(text, member, fault)

    def _json(self, raw: bytes, member: str, where: str) -> Iterator[Item]:
        """One message, or one on each line."""
        lines = [line for line in raw.splitlines() if line.strip()]
        many = len(lines) > 1 and (all(is_json(line) for line in lines) or _whole(lines[0]))
        if not many:
            yield self.message(from_json(raw, where), member)
            return
        for number, line in enumerate(lines, 1):
            inside = f"{member} line {number}".strip()
            try:
                found = from_json(line, f"{where} line {number}")
            except BadInput as error:
                yield self.refused(line, inside, error)
                continue
            yield self.message(found, inside)

    def _other_json(self, raw: bytes, member: str, depth: int, where: str) -> Iterator[Item]:
        """Messages as texts in JSON of any form, as archives of alerts hold them."""
        if len(raw) > self.limits.document:
            raise Hostile("too large", where=where, found=f"{len(raw)} bytes")
        try:
            document = json.loads(raw)
        except (ValueError, RecursionError) as error:
            raise Unreadable(
                "neither XML nor JSON", where=where, found=str(error)[:200], expected="CAP"
            ) from error
        yield from self._judged(member, None, raw)
        before = self.number
        for place, text in _texts(document):
            inside = f"{member} {_safe(place)}".strip()
            yield from self.document(_without_declaration(text), inside, depth + 1)
        if self.number == before:
            raise Unreadable("JSON without a CAP message in it", where=where, expected="a text with an alert")

    def _count(self, size: int, where: str) -> None:
        self.unpacked += size
        if self.unpacked > self.limits.unpacked:
            raise _TooMuch(
                Hostile(
                    "unpacks to too much",
                    where=where,
                    found=f"more than {self.limits.unpacked} bytes",
                    expected=f"at most {self.limits.unpacked}",
                )
            )

    def _archive(self, raw: bytes, member: str, depth: int, where: str) -> Iterator[Item]:
        # counted before the library reads its directory: each line of it costs memory
        lines = raw.count(b"PK\x01\x02")
        if lines > self.limits.members:
            raise Hostile(
                "too many members in an archive",
                where=where,
                found=f"about {lines}",
                expected=f"at most {self.limits.members}",
            )
        try:
            archive = zipfile.ZipFile(io.BytesIO(raw))
        except _DAMAGED as error:
            raise Unreadable(
                "a damaged zip archive", where=where, found=str(error), expected="zip"
            ) from error
        with archive:
            names = [info for info in archive.infolist() if not info.filename.endswith("/")]
            if not names:
                yield self.none(member, f"{where}: an archive without files")
            for info in names:
                inside = f"{member} {_safe(info.filename)}".strip()
                try:
                    content = self._member(archive, info, f"{where} {inside}".strip())
                except BadInput as error:
                    yield self.refused(b"", inside, error)
                    continue
                yield from self.document(content, inside, depth + 1)

    def _member(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo, where: str) -> bytes:
        if info.flag_bits & 0x1:
            raise Unreadable("an encrypted member", where=where, expected="a member without password")
        parts: list[bytes] = []
        size = 0
        most = max(1 << 20, info.compress_size * self.limits.ratio)
        try:
            with archive.open(info) as file:
                while part := file.read(_STEP):
                    size += len(part)
                    self._count(len(part), where)
                    if size > self.limits.document or size > most:
                        raise Hostile(
                            "a member unpacks to too much",
                            where=where,
                            found=f"more than {size - len(part)} bytes of {info.compress_size} packed",
                            expected=f"at most {self.limits.document}, and {self.limits.ratio} for one",
                        )
                    parts.append(part)
        except _DAMAGED as error:
            raise Unreadable("a damaged member", where=where, found=str(error), expected="zip") from error
        return b"".join(parts)


def _whole(line: bytes) -> bool:
    """A line that is a JSON document by itself: then each of the others is one too, or is at fault alone."""
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _safe(name: str) -> str:
    """A member's name as a label: nobody opens it."""
    return shown(name, 200)[1:-1]


def _candidates(root: Any) -> Iterator[tuple[Any, str]]:
    """(element, where) of messages, and of elements that carry a document as text, in document order.
    A message inside another one belongs to it."""
    counts: dict[str, int] = {}
    ahead: list[tuple[Any, str]] = [(root, "")]
    while ahead:
        node, place = ahead.pop()
        name = local(node.tag)
        part = name in _PARTS or (name == "content" and namespace(node.tag) in EDXL)
        if part and node is not root:
            counts[name] = counts.get(name, 0) + 1
            place = f"{name} {counts[name]}"
        if looks_like_cap(node.tag):
            yield node, place
        elif name in ("keyXMLContent", "Signature"):
            continue
        elif len(node):
            ahead.extend((child, place) for child in reversed(node))
        elif name == "contentData" or reads_like_cap(node.text):
            yield node, place


def _without_declaration(text: str) -> bytes:
    """A document that is text by now: what it declares as its encoding was that of its bytes."""
    return re.sub(r"\A\s*<\?xml[^>]*\?>", "", text).encode("utf-8", "surrogatepass")


def _texts(document: Any) -> Iterator[tuple[str, str]]:
    """(path, text) of the texts in a JSON document that are documents with a message, in order."""
    ahead: list[tuple[str, Any]] = [("", document)]
    while ahead:
        place, value = ahead.pop()
        if isinstance(value, dict):
            ahead.extend((f"{place}.{key}".lstrip("."), one) for key, one in reversed(value.items()))
        elif isinstance(value, list):
            ahead.extend((f"{place}[{number}]", value[number]) for number in range(len(value) - 1, -1, -1))
        elif isinstance(value, str) and reads_like_cap(value):
            yield place, value


def _carried(node: Any) -> bytes | None:
    """The document that an element carries as text or base64; None where it is no message at all."""
    text = (node.text or "").strip()
    if text.startswith("<"):
        return _without_declaration(text)
    try:
        found = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None
    if found.startswith((_ZIP, b"\x1f\x8b")):
        return found
    return found if any(sign.encode() in found.replace(b"\x00", b"") for sign in CAP_TEXT) else None
