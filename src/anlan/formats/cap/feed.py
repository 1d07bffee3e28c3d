"""An Atom feed (RFC 4287) of the messages in force."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from anlan.formats.cap.index import CAP_TYPE
from anlan.formats.cap.message import CapAlert
from anlan.model.time import format_instant

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;"})


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """`link` is relative to the feed and permanent; `follows` are identifiers of the messages that this
    one supersedes; `expires` None means that it stays until superseded."""

    identifier: str
    title: str
    summary: str
    author: str
    msg_type: str
    updated: datetime
    expires: datetime | None
    link: str
    follows: tuple[str, ...] = ()


def feed_entry(alert: CapAlert, link: str) -> FeedEntry:
    """What a feed says of a message: headlines of all its languages, the latest of its expiries."""
    headlines = dict.fromkeys(info.headline or info.event for info in alert.infos)
    expiries = [info.expires for info in alert.infos]
    known = [expires for expires in expiries if expires is not None]
    return FeedEntry(
        identifier=alert.identifier,
        title=" / ".join(headlines) or alert.identifier,
        summary="\n\n".join(dict.fromkeys(info.description for info in alert.infos if info.description)),
        author=" / ".join(dict.fromkeys(i.sender_name for i in alert.infos if i.sender_name)) or alert.sender,
        msg_type=alert.msg_type,
        updated=alert.sent,
        expires=max(known) if known and len(known) == len(expiries) else None,
        link=link,
        follows=tuple(reference.identifier for reference in alert.references),
    )


def write_feed(entries: Sequence[FeedEntry], *, id: str, title: str, updated: datetime) -> bytes:
    """The feed at the instant `updated`: the newest message first; those that have expired or that a
    later message of the feed supersedes are gone. `id` is an absolute IRI that never changes."""
    superseded = {identifier for entry in entries for identifier in entry.follows}
    current = [
        entry
        for entry in entries
        if entry.identifier not in superseded and (entry.expires is None or updated < entry.expires)
    ]
    current.sort(key=lambda entry: entry.identifier)
    current.sort(key=lambda entry: entry.updated, reverse=True)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<feed xmlns="http://www.w3.org/2005/Atom">',
        f"  <id>{_text(id)}</id>",
        f"  <title>{_text(title)}</title>",
        f"  <updated>{_instant(updated)}</updated>",
        '  <link rel="self" type="application/atom+xml" href="feed.atom"/>',
    ]
    for entry in current:
        lines += [
            "  <entry>",
            f"    <id>{_text(id)}#{quote(entry.identifier, safe='')}</id>",
            f"    <title>{_text(entry.title)}</title>",
            f"    <updated>{_instant(entry.updated)}</updated>",
            f"    <author><name>{_text(entry.author)}</name></author>",
            f'    <category term="{_text(entry.msg_type)}" scheme="urn:oasis:names:tc:emergency:cap:1.2"/>',
            f'    <link rel="alternate" type="{CAP_TYPE}" href="{_text(entry.link)}"/>',
            f"    <summary>{_text(entry.summary)}</summary>",
            "  </entry>",
        ]
    lines.append("</feed>\n")
    return "\n".join(lines).encode()


def _text(text: str) -> str:
    return text.translate(_ESCAPES)


def _instant(instant: datetime) -> str:
    return format_instant(instant.astimezone(UTC))
