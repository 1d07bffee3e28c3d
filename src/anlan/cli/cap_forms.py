"""`anlan cap convert` and `anlan cap feed`: messages in another form, and those in force as an index."""

from __future__ import annotations

import json as json_text
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from anlan.cli.cap_options import Paths, Words, Worker, asked_of, messages
from anlan.cli.cap_output import address, put, put_messages, said
from anlan.model.errors import InvalidValue
from anlan.model.time import parse_instant

if TYPE_CHECKING:
    from anlan.formats.cap.feed import FeedEntry
    from anlan.formats.cap.look import Look

FORMS = ("cap", "json", "geojson", "edxl", "wis2")
#: how far the clock of a sender may be ahead, as a source takes it
AHEAD = timedelta(minutes=15)


def convert(
    *paths: Paths,
    to: str,
    out_path: Annotated[Path | None, Parameter(name="--out")] = None,
    original: bool = True,
    content: bool = True,
    id: str = "",
    sender: str = "",
    at: str = "",
    base: str = "",
    centre: str = "",
    metadata_id: str = "",
    gazetteer: Words = [],  # noqa: B006 - read only
    worker: Worker = True,
) -> int:
    """Turn messages into another form. Exit 1 where some could not be read or told in it, or are written as
    CAP 1.2 that nobody should publish (each is named).

    Parameters
    ----------
    paths
        Files, folders, zip archives, feeds, wrappers, or JSON made by this command; - for standard input.
    to
        cap: each message as it was received, byte for byte (out of its wrapper; from JSON without its
        original, written as CAP 1.2). json: one object a line, which comes back by --to cap. geojson: one
        FeatureCollection. edxl: one EDXL-DE wrapper. wis2: one WIS2 notification a line, of each public one.
    out_path
        A file; for cap a folder, one file a message. Standard output where left out.
    original
        json: with the received bytes, so that signatures come back too.
    content
        cap: with --no-content resources lose what they carry in derefUri, as a relay to a two-way network
        has to see to; each such message is named (its signature no longer fits).
    id
        edxl: the distributionID.
    sender
        edxl: the senderID.
    at
        edxl: dateTimeSent; wis2: pubtime. Now where left out.
    base
        wis2: the address under which each message stands as IDENTIFIER.cap.xml.
    centre
        wis2: the centre, as cn-cma.
    metadata_id
        wis2: the discovery metadata record, urn:wmo:md:…
    gazetteer
        geojson, wis2: SCHEME=FILE with the grounds of geocodes.
    worker
        Read in a process of its own; --no-worker reads in place.
    """
    from anlan.formats.cap.edxl import wrap
    from anlan.formats.cap.gazetteer import Gazetteer, read_gazetteer
    from anlan.formats.cap.geojson import to_geojson
    from anlan.formats.cap.json_form import to_json
    from anlan.formats.cap.wis2 import encode, notification, topic

    if to not in FORMS:
        raise InvalidValue("no such form", where="--to", found=to, expected=", ".join(FORMS))
    asked = asked_of((), "", "", gazetteer)
    found, failed = messages(paths, asked, worker=worker)
    now = parse_instant(at, "--at") if at else datetime.now(UTC).replace(microsecond=0)
    alerts = [look.alert for look in found if look.alert is not None]
    known = Gazetteer(
        entry for scheme, path in asked.gazetteers for entry in read_gazetteer(Path(path), scheme)
    )
    if to == "cap":
        broken = [look for look in found if _written_broken(look)]
        failed = failed or bool(broken)
        put_messages(found if content else [_without_content(look) for look in found], out_path)
    elif to == "json":
        put(b"".join(to_json(alert, original=original) + b"\n" for alert in alerts), out_path)
    elif to == "geojson":
        for look in found:
            if look.alert is not None and not any(info.areas for info in look.alert.infos):
                said(look, "no feature: the message has no area")
        document = to_geojson(alerts, known)
        put(json_text.dumps(document, ensure_ascii=False).encode() + b"\n", out_path)
    elif to == "edxl":
        named = id or f"anlan-{now:%Y%m%dT%H%M%SZ}"
        by = sender or (alerts[0].sender if alerts else "")
        put(wrap([look.item.raw for look in found], id=named, sender=by, sent=now), out_path)
    else:
        if not (base and centre and metadata_id):
            raise InvalidValue(
                "a notification needs more", where="--to wis2", expected="--base, --centre and --metadata-id"
            )
        topic(centre)
        lines = []
        for look in found:
            assert look.alert is not None
            if look.alert.scope not in ("Public", ""):
                # everybody reads what is announced there (CAP 1.2, section 3.2.1, scope)
                failed = True
                said(look, f"left out: scope {look.alert.scope}")
                continue
            href = address(base, look.alert.identifier)
            try:
                told = notification(
                    look.alert,
                    href=href,
                    centre=centre,
                    pubtime=now,
                    metadata_id=metadata_id,
                    gazetteer=known,
                )
            except InvalidValue as error:
                failed = True
                said(look, f"left out: {error.sentence()}")
                continue
            lines.append(encode(told) + b"\n")
        put(b"".join(lines), out_path)
    return int(failed)


def _written_broken(look: Look) -> bool:
    """True, and told, where the bytes of a message are not received ones but written here from its fields,
    and break what bars publishing: a producer of CAP emits what conforms (CAP 1.2, section 4.3)."""
    from anlan.formats.cap.writer import serialise

    bars = [finding for finding in look.findings if finding.bars]
    if not bars or look.alert is None:
        return False
    try:
        ours = serialise(look.alert)
    except InvalidValue:
        return False
    if look.item.raw != ours:
        return False
    said(look, f"written as it is, and not to be published: {'; '.join(one.sentence() for one in bars[:5])}")
    return True


def _without_content(look: Look) -> Look:
    from dataclasses import replace

    from anlan.formats.cap.relay import without_content

    done = without_content(look.item.raw)
    if done.taken:
        told = f"{done.taken} contents taken out"
        told += f"; {done.bare} resources have no uri and point at nothing now" if done.bare else ""
        said(look, told + ("; its signatures no longer fit" if done.signed else ""))
    return replace(look, item=replace(look.item, raw=done.raw))


def feed(
    *paths: Paths,
    id: str,
    title: str,
    base: str,
    at: str = "",
    status: Words = [],  # noqa: B006 - read only
    out_file: Annotated[Path | None, Parameter(name="--out")] = None,
    worker: Worker = True,
) -> int:
    """List messages in an Atom index: those in force, updates and cancels too, the newest first; expired
    and superseded ones are gone. Private and restricted messages are never listed, and none that was sent
    more than 15 minutes after the instant; each one left out is named. Exit 1 where some could not be read,
    or another message already has their address.

    Parameters
    ----------
    paths
        Files, folders, zip archives, feeds, wrappers; - for standard input.
    id
        The feed's own identifier, an absolute IRI that never changes.
    title
        Its title.
    base
        The address under which each message stands for good as IDENTIFIER.cap.xml.
    at
        The instant for which the feed is written; now where left out.
    status
        Statuses listed besides Actual, as Exercise; may be given several times.
    out_file
        Where to write; standard output where left out.
    worker
        Read in a process of its own; --no-worker reads in place.
    """
    from anlan.formats.cap.feed import feed_entry, in_force, write_feed
    from anlan.formats.cap.schema import STATUS

    for word in status:
        if word not in STATUS:
            raise InvalidValue("no such status", where="--status", found=word, expected=", ".join(STATUS))
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:\S", id) is None:
        raise InvalidValue("not an absolute IRI", where="--id", found=id, expected="https://… or urn:…")
    now = parse_instant(at, "--at") if at else datetime.now(UTC).replace(microsecond=0)
    found, failed = messages(paths, asked_of((), "", "", ()), worker=worker)
    entries: dict[str, tuple[Look, FeedEntry]] = {}
    for look in found:
        alert = look.alert
        assert alert is not None
        if alert.scope not in ("Public", ""):
            said(look, f"left out: scope {alert.scope}")
        elif alert.status != "Actual" and alert.status not in status:
            said(look, f"left out: status {alert.status}")
        elif alert.msg_type in ("Ack", "Error"):
            said(look, f"left out: {alert.msg_type} is for the sender alone")
        elif alert.sent - now > AHEAD:
            said(look, f"left out: sent {alert.sent.isoformat()}, later than the index")
        else:
            link = address(base, alert.identifier)
            if link not in entries:
                entries[link] = look, feed_entry(alert, link, own=True)
                continue
            first = entries[link][0]
            same = first.item.raw == look.item.raw
            failed = failed or not same
            told = "the same message as" if same else "its address is that of another message, of"
            said(look, f"left out: {told} {first.item.file} {first.item.index}")
    every = [entry for _, entry in entries.values()]
    listed = {entry.link for entry in in_force(every, now)}
    for look, entry in entries.values():
        if entry.link not in listed:
            over = "expired" if entry.expires is not None and entry.expires <= now else "superseded"
            bare = entry.expires is None and entry.msg_type == "Cancel"
            said(look, f"left out: {'over with what it ended' if bare else over}")
    self_link = base.rstrip("/") + "/feed.atom"
    put(write_feed(every, id=id, title=title, updated=now, self_link=self_link), out_file)
    return int(failed)
