"""Files from anywhere to the messages inside: a message alone, Atom and RSS indexes, EDXL-DE, other
wrappers, messages as escaped text or base64 in any of them, gzip, and zip archives.

Nothing is unpacked to disk, so no name in an archive is ever a path; counts, sizes, ratios and nesting
are bounded. What cannot be read becomes an item with its reason; nothing is left out silently.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from anlan.formats.cap.archive import SIGNATURES, Bounds, files_in
from anlan.formats.cap.carried import (
    candidates,
    carried,
    is_edxl,
    is_other_text,
    notified,
    texts,
    without_declaration,
)
from anlan.formats.cap.embedded import Cutter, local, looks_like_cap
from anlan.formats.cap.fault import CapFault, shown
from anlan.formats.cap.index import links_of
from anlan.formats.cap.json_form import from_json, is_json
from anlan.formats.cap.profiles.documents import check_distribution, check_feed, check_notification
from anlan.formats.cap.secure import decode, parse
from anlan.formats.table import gunzip
from anlan.model.errors import AnlanError, BadInput, Hostile, Unreadable

_BLANKS = b" \t\r\n\xef\xbb\xbf"
_HEAD = re.compile(r"(?:\s++|<\?.*?\?>|<!--.*?-->)*+<(?:[\w.-]+:)?alert[\s>/]", re.DOTALL)


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
    `findings`: what is wrong with a wrapper by its own rules, where those were asked for, or with a document
    in which there is nothing to look at."""

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

    def refused(
        self, raw: bytes, member: str, error: AnlanError, findings: tuple[CapFault, ...] = ()
    ) -> Item:
        code = error.reason_code if isinstance(error, BadInput) else "bad_input"
        number, self.number = self.number, self.number + 1
        return Item(self.file, number, member, raw, code, error.sentence(), findings=findings)

    def none(self, member: str, sentence: str, links: tuple[str, ...] = (), raw: bytes = b"") -> Item:
        return Item(self.file, None, member, raw, "linked_only" if links else "no_message", sentence, links)

    def _empty(self, raw: bytes, member: str, where: str) -> Item:
        found, expected = f"nothing in {len(raw)} bytes", "well-formed XML"
        finding = CapFault("(document)", "X-wellformed", found, expected)
        return self.refused(
            raw,
            member,
            Unreadable("an empty document", where=where, found=found, expected=expected),
            (finding,),
        )

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
            if not raw.strip(_BLANKS):
                yield self._empty(raw, member, where)
                return
            if raw.startswith(SIGNATURES):
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
        elif "edxl-de" in self.documents and is_edxl(root.tag):
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
        for node, place in candidates(root):
            inside = f"{member} {place}".strip()
            if looks_like_cap(node.tag):
                cutter = cutter or Cutter(text, root)
                yield self.message(cutter.bytes_of(node), inside)
                continue
            found = carried(node)
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
            if local(root.tag) in ("feed", "rss", "RDF") or is_edxl(root.tag):
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
            lines = [line for line in raw.splitlines() if line.strip()]
            if len(lines) > 1 and _whole(lines[0]):
                for number, line in enumerate(lines, 1):
                    yield from self.document(line, f"{member} line {number}".strip(), depth + 1)
                return
            raise Unreadable(
                "neither XML nor JSON", where=where, found=str(error)[:200], expected="CAP"
            ) from error
        yield from self._judged(member, None, raw)
        before = self.number
        for place, text in texts(document):
            inside = f"{member} {_safe(place)}".strip()
            yield from self.document(without_declaration(text), inside, depth + 1)
        links = notified(document) if self.number == before else ()
        if links:
            told = f"{self.file}: {len(links)} links of a notification lead to its message; it is not in it"
            yield self.none(member, told, links)
        elif self.number == before:
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
        bounds = Bounds(self.limits.members, self.limits.document, self.limits.ratio)
        nothing = True
        for name, content in files_in(raw, where, bounds, self._count):
            nothing = False
            inside = f"{member} {_safe(name)}".strip()
            if isinstance(content, BadInput):
                yield self.refused(b"", inside, content)
            elif is_other_text(content):
                yield self.none(inside, f"{self.file}: {inside}: text without a message in it")
            else:
                yield from self.document(content, inside, depth + 1)
        if nothing:
            yield self.none(member, f"{where}: an archive without files")


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
