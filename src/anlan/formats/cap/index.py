"""Atom (RFC 4287) and RSS (2.0 and 1.0) indexes of CAP messages: where the messages are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin

from anlan.formats.cap.embedded import Cutter, local, reads_like_cap
from anlan.formats.cap.schema import NAMESPACES
from anlan.formats.cap.secure import MAX_BYTES, decode, parse
from anlan.formats.cap.times import read_time
from anlan.model.errors import Unreadable

CAP_TYPE = "application/cap+xml"

_ATOM = "{http://www.w3.org/2005/Atom}"
#: the form before RFC 4287 (0.3), which some still write
_ATOMS = (_ATOM, "{http://purl.org/atom/ns#}")
_ABOUT = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}about"
_DUBLIN_DATE = "{http://purl.org/dc/elements/1.1/}date"
_ALERTS = tuple(f"{{{namespace}}}alert" for namespace in NAMESPACES)


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """One entry. `links` to the message, the surest first (those typed application/cap+xml, then
    others); `cap` the messages embedded in it, each as a document of its own, with the bytes that it has
    in the index where those mean the same alone; `id` is empty where the index gives none, `updated` None
    where it gives none that can be read."""

    id: str
    title: str
    updated: datetime | None
    links: tuple[str, ...]
    cap: tuple[bytes, ...] = ()


def read_index(raw: bytes, base: str = "", where: str = "", limit: int = MAX_BYTES) -> tuple[IndexEntry, ...]:
    """Every entry, in the order of the index; `base` is the address that relative links start from.
    Unreadable when it is neither Atom nor RSS; Hostile as for a message."""
    root = parse(raw, where, limit)
    entries = _entries(root)
    if entries is None:
        raise Unreadable(
            "not an index", where=where, found=f"element {root.tag[:80]}", expected="an Atom feed or RSS"
        )
    cutter = Cutter(decode(raw, where).encode(), root)
    read, nodes = entries
    return tuple(read(node, base, cutter) for node in nodes)


_Read = Callable[[Any, str, Cutter | None], IndexEntry]


def _entries(root: Any) -> tuple[_Read, list[Any]] | None:
    """How the entries of an index are read, and the entries; None for what is no index. RSS is read by
    local names: version 1.0 (RDF) and some writers of 2.0 have a namespace, and its channel holds the
    items or stands beside them."""
    name = local(root.tag)
    for space in _ATOMS:
        if root.tag == f"{space}feed":
            return _atom, list(root.iterchildren(f"{space}entry"))
    if name in ("rss", "RDF"):
        return _rss, [node for node in root.iterdescendants("{*}item") if _stands_in(node, root)]
    return None


def _stands_in(item: Any, root: Any) -> bool:
    parent = item.getparent()
    return parent is root or (local(parent.tag) == "channel" and parent.getparent() is root)


def links_of(root: Any, base: str = "") -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(the surest address of each entry that holds no message itself, the names of entries with neither a
    message nor an address); none for what is no index."""
    found = _entries(root)
    if found is None:
        return (), ()
    read, nodes = found
    entries = [read(node, base, None) for node in nodes if not _holds(node)]
    linked = tuple(entry.links[0] for entry in entries if entry.links)
    return linked, tuple(entry.id or entry.title for entry in entries if not entry.links)


def _holds(entry: Any) -> bool:
    """A message as elements or as text."""
    if next(entry.iter(*_ALERTS), None) is not None:
        return True
    return any(reads_like_cap(node.text) for node in entry.iter())


def _atom(entry: Any, base: str, cutter: Cutter | None) -> IndexEntry:
    space = entry.tag[: entry.tag.index("}") + 1]
    links: list[tuple[int, str]] = []
    for link in entry.iterchildren(f"{space}link"):
        href = (link.get("href") or "").strip()
        if href:
            links.append((_rank(link.get("type", ""), link.get("rel", "alternate")), joined(base, href)))
    content = entry.find(f"{space}content")
    if content is not None and content.get("src"):
        links.append((_rank(content.get("type", ""), "alternate"), joined(base, content.get("src").strip())))
    updated = "updated" if space == _ATOM else "modified"
    return IndexEntry(
        id=_text(entry, f"{space}id"),
        title=_text(entry, f"{space}title"),
        updated=_instant(_text(entry, f"{space}{updated}")),
        links=tuple(href for _, href in sorted(links, key=lambda link: link[0])),
        cap=_embedded(entry, cutter),
    )


def _rss(item: Any, base: str, cutter: Cutter | None) -> IndexEntry:
    """GDACS names the message in an element `cap` of its own, beside a link to a page for people."""
    space = item.tag[: item.tag.rfind("}") + 1]
    links = [
        (_rank(node.get("type", ""), "alternate"), joined(base, node.get("url").strip()))
        for node in item.iterchildren(f"{space}enclosure")
        if node.get("url")
    ]
    for node in item.iterchildren("{*}cap"):
        address = "".join(node.itertext()).strip()
        if "://" in address:
            links.append((0, joined(base, address)))
    link = _text(item, f"{space}link")
    if link:
        links.append((1, joined(base, link)))
    return IndexEntry(
        id=_text(item, f"{space}guid") or item.get(_ABOUT, "") or link,
        title=_text(item, f"{space}title"),
        updated=_mail_date(_text(item, f"{space}pubDate") or _text(item, _DUBLIN_DATE)),
        links=tuple(href for _, href in sorted(links, key=lambda link: link[0])),
        cap=_embedded(item, cutter),
    )


def joined(base: str, link: str) -> str:
    """An address as seen from the index; the address itself where the two make none."""
    try:
        return urljoin(base, link)
    except ValueError:  # half an IPv6 address, for one
        return link


def _rank(type_: str, rel: str) -> int:
    if type_.partition(";")[0].strip().lower() == CAP_TYPE:
        return 0
    return 1 if rel == "alternate" and "html" not in type_.lower() else 2


def _embedded(entry: Any, cutter: Cutter | None) -> tuple[bytes, ...]:
    return tuple(cutter.bytes_of(alert) for alert in entry.iter(*_ALERTS)) if cutter else ()


def _text(entry: Any, tag: str) -> str:
    node = entry.find(tag)
    return "" if node is None else "".join(node.itertext()).strip()


def _instant(text: str) -> datetime | None:
    try:
        return read_time(text)
    except (ValueError, OverflowError):
        return None


def _mail_date(text: str) -> datetime | None:
    try:
        instant = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return _instant(text)
    return instant if instant.tzinfo is not None else None
