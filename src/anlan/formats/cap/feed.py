"""An Atom feed (RFC 4287) of the messages in force."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from anlan.formats.cap.index import CAP_TYPE
from anlan.formats.cap.message import CapAlert
from anlan.formats.cap.schema import NAMESPACE
from anlan.formats.cap.times import write_time
from anlan.model.errors import InvalidValue
from anlan.model.time import format_instant

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;"})


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """`link` is absolute, or relative to the feed, and permanent; `follows` are the names (`name_of`) of
    messages that this one supersedes; `expires` None means that it stays until superseded. `hints` are
    what readers sort by without opening the message: (name in the namespace of CAP, text)."""

    identifier: str
    title: str
    summary: str
    author: str
    msg_type: str
    updated: datetime
    expires: datetime | None
    link: str
    follows: tuple[str, ...] = ()
    sender: str = ""
    hints: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """Sender and identifier: what references find it by."""
        return name_of(self.sender, self.identifier)

    @property
    def status(self) -> str:
        """What the hints tell of its status; "" for an entry without."""
        return dict(self.hints).get("status", "")


def name_of(sender: str, identifier: str) -> str:
    """The name of a message. References are matched by it alone: some issuers repeat the new sent time
    where that of the earlier message belongs."""
    return f"{sender},{identifier}"


def feed_entry(alert: CapAlert, link: str, *, own: bool = False) -> FeedEntry:
    """What a feed says of a message: headlines of all its languages, the latest of its expiries. `own`:
    it supersedes messages of its own sender only (a feed of several senders)."""
    headlines = dict.fromkeys(info.headline or info.event for info in alert.infos)
    expiries = [info.expires for info in alert.infos]
    known = [expires for expires in expiries if expires is not None]
    expires = max(known) if known and len(known) == len(expiries) else None
    return FeedEntry(
        identifier=alert.identifier,
        title=" / ".join(headlines) or alert.identifier,
        summary="\n\n".join(dict.fromkeys(info.description for info in alert.infos if info.description)),
        author=" / ".join(dict.fromkeys(i.sender_name for i in alert.infos if i.sender_name)) or alert.sender,
        msg_type=alert.msg_type,
        updated=alert.sent,
        expires=expires,
        link=link,
        follows=tuple(
            name_of(reference.sender, reference.identifier)
            for reference in alert.references
            if alert.msg_type in ("Update", "Cancel") and (not own or reference.sender == alert.sender)
        ),
        sender=alert.sender,
        hints=tuple(_hints(alert, expires)),
    )


def _hints(alert: CapAlert, expires: datetime | None) -> Iterator[tuple[str, str]]:
    yield "identifier", alert.identifier
    yield "sender", alert.sender
    yield "sent", _cap_time(alert.sent)
    yield "status", alert.status
    yield "msgType", alert.msg_type
    yield "scope", alert.scope
    if not alert.infos:
        return
    first = alert.infos[0]
    for category in dict.fromkeys(category for info in alert.infos for category in info.categories):
        yield "category", category
    yield "event", first.event
    yield "urgency", first.urgency
    yield "severity", first.severity
    yield "certainty", first.certainty
    if expires is not None:
        yield "expires", _cap_time(expires)
    places = "; ".join(dict.fromkeys(area.description for area in first.areas if area.description))
    if places:
        yield "areaDesc", places


def in_force(entries: Sequence[FeedEntry], now: datetime) -> list[FeedEntry]:
    """The entries that a feed lists at that instant, the newest first: neither expired nor superseded by
    another of them. Updates and cancels are entries like any other until they expire, a cancel without an
    expiry of its own until all that it ends would have; those of an exercise or a test take no message of
    another status off the list."""
    known = {entry.name: entry for entry in entries}
    superseded: dict[str, set[str]] = {}
    for entry in entries:
        for name in entry.follows:
            if name != entry.name:
                superseded.setdefault(name, set()).add(entry.status)
    current = [
        entry
        for entry in entries
        if ((ends := _ends(entry, known)) is None or now < ends)
        and not any(
            "" in (entry.status, status) or entry.status == status
            for status in superseded.get(entry.name, ())
        )
    ]
    current.sort(key=lambda entry: entry.name)
    current.sort(key=lambda entry: entry.updated, reverse=True)
    return current


def _ends(entry: FeedEntry, known: Mapping[str, FeedEntry]) -> datetime | None:
    if entry.expires is not None or entry.msg_type != "Cancel":
        return entry.expires
    ends = [known[name].expires for name in entry.follows if name in known]
    told = [end for end in ends if end is not None]
    return max(told) if told and len(told) == len(entry.follows) else None


def write_feed(
    entries: Sequence[FeedEntry], *, id: str, title: str, updated: datetime, self_link: str = "feed.atom"
) -> bytes:
    """The feed at the instant `updated`: what `in_force` lists. `id` is an absolute IRI that never
    changes, `self_link` where the feed itself stands."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<feed xmlns="http://www.w3.org/2005/Atom" xmlns:cap="{NAMESPACE}">',
        f"  <id>{_text(id)}</id>",
        f"  <title>{_text(title)}</title>",
        f"  <updated>{_instant(updated)}</updated>",
        f'  <link rel="self" type="application/atom+xml" href="{_text(self_link)}"/>',
    ]
    for entry in in_force(entries, updated):
        lines += [
            "  <entry>",
            f"    <id>{_text(_entry_id(id, entry))}</id>",
            f"    <title>{_text(entry.title)}</title>",
            f"    <updated>{_instant(entry.updated)}</updated>",
            f"    <author><name>{_text(entry.author)}</name></author>",
            f'    <category term="{_text(entry.msg_type)}" scheme="{NAMESPACE}"/>',
            f'    <link rel="alternate" type="{CAP_TYPE}" href="{_text(entry.link)}"/>',
            f"    <summary>{_text(entry.summary)}</summary>",
            *(f"    <cap:{name}>{_text(text)}</cap:{name}>" for name, text in entry.hints),
            "  </entry>",
        ]
    lines.append("</feed>\n")
    return "\n".join(lines).encode()


def _entry_id(feed: str, entry: FeedEntry) -> str:
    """Sender, identifier and instant of sending, which together name a message for good (CAP 1.2, section
    3.2.1, identifier): two senders may use one identifier, and some use one twice."""
    name = f"{entry.sender},{entry.identifier},{_instant(entry.updated)}"
    return f"{feed}{',' if '#' in feed else '#'}{quote(name, safe=',@:')}"


def _text(text: str) -> str:
    return text.translate(_ESCAPES)


def _cap_time(instant: datetime) -> str:
    """As CAP writes it, which is what an element of CAP holds."""
    try:
        return write_time(instant.replace(microsecond=0))
    except InvalidValue:
        return instant.isoformat()


def _instant(instant: datetime) -> str:
    """In UTC; at either end of the calendar, where that leads out of it, in the offset it came with."""
    try:
        return format_instant(instant.astimezone(UTC))
    except OverflowError:
        return instant.isoformat()
