"""`anlan cap`: check, convert, sign and verify messages of the Common Alerting Protocol, and list them in a
feed. No pack and no workspace are needed."""

from __future__ import annotations

import json as json_text
import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from anlan.cli.output import err, out, say_json
from anlan.model.errors import BadInput, InvalidValue, NotFound
from anlan.model.time import parse_instant

if TYPE_CHECKING:
    from anlan.formats.cap.feed import FeedEntry
    from anlan.formats.cap.look import Asked, Look

app = App(name="cap", help="Messages of the Common Alerting Protocol: check, convert, sign, verify, list.")

Json = Annotated[bool, Parameter(name="--json")]
Words = Annotated[list[str], Parameter(negative=())]
Worker = Annotated[bool, Parameter(name="--worker", negative="--no-worker")]
#: a hyphen alone is standard input
Paths = Annotated[str, Parameter(allow_leading_hyphen=True)]
FORMS = ("cap", "json", "geojson", "edxl", "wis2")


@app.command
def check(
    *paths: Paths,
    json: Json = False,
    profile: Words = [],  # noqa: B006 - read only
    trust: str = "",
    at: str = "",
    gazetteer: Words = [],  # noqa: B006 - read only
    worker: Worker = True,
) -> int:
    """Say what is wrong with each message: schema, every rule of CAP, of the profiles asked for, its
    signatures, and where its target lies. Exit 1 where a document cannot be used, a mandatory rule or a
    signature is broken.

    Parameters
    ----------
    paths
        Files, folders, zip archives, feeds, EDXL-DE, other wrappers; - for standard input.
    json
        Print one JSON object a message, on a line of its own: file, index in the file (from 0; null for
        what holds no message), member, sender, identifier, version, readable, valid (by the schema),
        reason, findings (rule, path, severity …), signature, geometry, seconds.
    profile
        A profile to check besides CAP; may be given several times. declared: those that each message
        says it keeps (ipaws, cap-cp, cap-au). feeds, edxl-de and wis2 look at what messages travel in:
        each wrapper then has a line of its own.
    trust
        A file of anchors: which certificate counts for which sender.
    at
        The instant at which certificates must be in force; now where left out.
    gazetteer
        SCHEME=FILE: grounds of geocodes (JSON lines), for messages that name their area by codes.
    worker
        Read in a process of its own, with limits of memory and time; --no-worker reads in place.
    """
    from anlan.cli import cap_lines

    asked = _asked(profile, trust, at, gazetteer, ground=True)
    began = time.perf_counter()
    counts = {"items": 0, "messages": 0, "readable": 0, "valid": 0, "faultless": 0}
    files: set[str] = set()
    fault = False
    for look in _looks(paths, asked, worker=worker):
        if not json and not files:
            out.print(cap_lines.HEAD, markup=False)
        files.add(look.item.file)
        fault = fault or cap_lines.at_fault(look)
        counts["messages"] += look.item.index is not None
        counts["readable"] += look.readable
        counts["valid"] += look.valid is True
        counts["faultless"] += look.readable and not look.findings
        if json:
            say_json(cap_lines.as_json(look))
        else:
            for line in cap_lines.as_lines(look):
                out.print(line, markup=False)
    if not json:
        out.print(
            f"{counts['messages']} messages in {len(files)} files: {counts['readable']} readable, "
            f"{counts['valid']} valid by their schema, {counts['faultless']} without any finding; "
            f"{time.perf_counter() - began:.1f} s",
            markup=False,
        )
    return int(fault)


@app.command
def verify(
    *paths: Paths,
    trust: str = "",
    at: str = "",
    at_sent: bool = False,
    json: Json = False,
    worker: Worker = True,
) -> int:
    """Say what the signatures of each message prove: authenticated, integrity_only, unsigned or broken, and
    why. Exit 0 where with --trust every message is authenticated, without it every signature is whole.

    Parameters
    ----------
    paths
        Files, folders, zip archives, feeds, wrappers; - for standard input.
    trust
        A file of anchors: [[anchor]] with sender, certificate (a file beside it), for an authority also
        subject (the name that counts), and from and to.
    at
        The instant at which certificates and anchors must be in force; now where left out.
    at_sent
        Ask for the instant at which each message says that it was sent.
    json
        Print one JSON object a message.
    worker
        Read in a process of its own; --no-worker reads in place.
    """
    from dataclasses import replace

    from anlan.cli import cap_lines
    from anlan.formats.cap.fault import shown
    from anlan.formats.cap.signature import AUTHENTICATED, INTEGRITY_ONLY

    asked = replace(_asked((), trust, at, ()), at_sent=at_sent)
    good = (AUTHENTICATED,) if trust else (AUTHENTICATED, INTEGRITY_ONLY)
    failed = False
    for look in _looks(paths, asked, worker=worker):
        if look.item.index is None:
            continue
        verdict = look.verdict
        failed = failed or verdict is None or verdict.verdict not in good
        if json:
            told = cap_lines.as_json(look)
            keys = ("file", "index", "member", "sender", "identifier", "reason", "signature")
            say_json(
                {key: told[key] for key in (*keys, "signature_code", "signature_sentence", "signatures")}
            )
            continue
        place = f"{shown(look.item.file, 300)[1:-1]} {look.item.index}"
        if verdict is None:
            out.print(f"{'unreadable':<15} {place}: {cap_lines.why_not(look)[1]}", markup=False)
        else:
            name = shown(look.identifier, 80)[1:-1]
            out.print(
                f"{verdict.verdict:<15} {place} {name}: {verdict.code}: {verdict.sentence}", markup=False
            )
            for one in verdict.signatures:
                out.print(f"    {_signature_line(one)}", markup=False)
    return int(failed)


def _signature_line(one: object) -> str:
    from anlan.formats.cap.signature import Signature

    assert isinstance(one, Signature)
    parts = [f"{one.outcome}", one.method.rpartition("#")[2], one.form and f"fits {one.form}"]
    if one.signer:
        parts += [f"by {one.signer}", f"issued by {one.issuer}"]
    if one.valid_from and one.valid_to:
        parts.append(f"certificate {one.valid_from:%Y-%m-%d} to {one.valid_to:%Y-%m-%d}")
    if one.weak:
        parts.append(f"weak: {', '.join(one.weak)}")
    return f"{one.number}: " + "; ".join(part for part in parts if part)


@app.command
def sign(
    path: Paths,
    *,
    key: Path,
    certificate: Path,
    name: str = "",
    password_env: str = "",
    out_file: Annotated[Path | None, Parameter(name="--out")] = None,
) -> int:
    """Sign a message: one enveloped XML signature before its end tag, every other byte as it was.

    Parameters
    ----------
    path
        A file with one message in UTF-8; - for standard input.
    key
        The private key, PEM: RSA of 2048 bits or more, or a NIST curve.
    certificate
        Its certificate, PEM, first in the file; after it those that issued it.
    name
        How the signature names its key; the certificate's file name where left out.
    password_env
        The environment variable that holds the key's password.
    out_file
        Where to write; standard output where left out.
    """
    from anlan.formats.cap.signing import load_key
    from anlan.formats.cap.signing import sign as sign_bytes

    password = None
    if password_env:
        if password_env not in os.environ:
            raise NotFound("no such environment variable", where="--password-env", found=password_env)
        password = os.environ[password_env].encode()
    signing = load_key(
        name or certificate.stem, _file(key), _file(certificate), password=password, where=str(certificate)
    )
    raw = sys.stdin.buffer.read() if path == "-" else _file(Path(path))
    try:
        signed = sign_bytes(raw, signing)
    except (BadInput, InvalidValue) as error:
        # signing knows no files
        raise type(error)(error.message, where=path, found=error.found, expected=error.expected) from error
    _put(signed, out_file)
    return 0


@app.command
def convert(
    *paths: Paths,
    to: str,
    out_path: Annotated[Path | None, Parameter(name="--out")] = None,
    original: bool = True,
    id: str = "",
    sender: str = "",
    at: str = "",
    base: str = "",
    centre: str = "",
    metadata_id: str = "",
    gazetteer: Words = [],  # noqa: B006 - read only
    worker: Worker = True,
) -> int:
    """Turn messages into another form. Exit 1 where some could not be read or told in it (each is named).

    Parameters
    ----------
    paths
        Files, folders, zip archives, feeds, wrappers, or JSON made by this command; - for standard input.
    to
        cap: each message as it was received, byte for byte (out of its wrapper; from JSON without its
        original, written as CAP 1.2). json: one object a line, which comes back by --to cap. geojson: one
        FeatureCollection. edxl: one EDXL-DE wrapper. wis2: one WIS2 notification a line.
    out_path
        A file; for cap a folder, one file a message. Standard output where left out.
    original
        json: with the received bytes, so that signatures come back too.
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
    asked = _asked((), "", "", gazetteer)
    found, failed = _messages(paths, asked, worker=worker)
    now = parse_instant(at) if at else datetime.now(UTC).replace(microsecond=0)
    alerts = [look.alert for look in found if look.alert is not None]
    known = Gazetteer(
        entry for scheme, path in asked.gazetteers for entry in read_gazetteer(Path(path), scheme)
    )
    if to == "cap":
        _put_messages(found, out_path)
    elif to == "json":
        _put(b"".join(to_json(alert, original=original) + b"\n" for alert in alerts), out_path)
    elif to == "geojson":
        for look in found:
            if look.alert is not None and not any(info.areas for info in look.alert.infos):
                _said(look, "no feature: the message has no area")
        document = to_geojson(alerts, known)
        _put(json_text.dumps(document, ensure_ascii=False).encode() + b"\n", out_path)
    elif to == "edxl":
        named = id or f"anlan-{now:%Y%m%dT%H%M%SZ}"
        by = sender or (alerts[0].sender if alerts else "")
        _put(wrap([look.item.raw for look in found], id=named, sender=by, sent=now), out_path)
    else:
        if not (base and centre and metadata_id):
            raise InvalidValue(
                "a notification needs more", where="--to wis2", expected="--base, --centre and --metadata-id"
            )
        topic(centre)
        lines = []
        for look in found:
            assert look.alert is not None
            href = _address(base, look.alert.identifier)
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
                _said(look, f"left out: {error.sentence()}")
                continue
            lines.append(encode(told) + b"\n")
        _put(b"".join(lines), out_path)
    return int(failed)


@app.command
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
    and superseded ones are gone. Private and restricted messages are never listed; each one left out is
    named. Exit 1 where some could not be read, or another message already has their address.

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
    now = parse_instant(at) if at else datetime.now(UTC).replace(microsecond=0)
    found, failed = _messages(paths, _asked((), "", "", ()), worker=worker)
    entries: dict[str, tuple[Look, FeedEntry]] = {}
    for look in found:
        alert = look.alert
        assert alert is not None
        if alert.scope not in ("Public", ""):
            _said(look, f"left out: scope {alert.scope}")
        elif alert.status != "Actual" and alert.status not in status:
            _said(look, f"left out: status {alert.status}")
        elif alert.msg_type in ("Ack", "Error"):
            _said(look, f"left out: {alert.msg_type} is for the sender alone")
        else:
            link = _address(base, alert.identifier)
            if link not in entries:
                entries[link] = look, feed_entry(alert, link, own=True)
                continue
            first = entries[link][0]
            same = first.item.raw == look.item.raw
            failed = failed or not same
            told = "the same message as" if same else "its address is that of another message, of"
            _said(look, f"left out: {told} {first.item.file} {first.item.index}")
    every = [entry for _, entry in entries.values()]
    listed = {entry.link for entry in in_force(every, now)}
    for look, entry in entries.values():
        if entry.link not in listed:
            over = entry.expires is not None and entry.expires <= now
            _said(look, f"left out: {'expired' if over else 'superseded'}")
    self_link = base.rstrip("/") + "/feed.atom"
    _put(write_feed(every, id=id, title=title, updated=now, self_link=self_link), out_file)
    return int(failed)


# -- what they share ------------------------------------------------------------------------------------


def _asked(
    profile: Sequence[str], trust: str, at: str, gazetteer: Sequence[str], *, ground: bool = False
) -> Asked:
    from anlan.cli.cap_files import gazetteers_of, profiles_of, trust_of
    from anlan.formats.cap.gazetteer import read_gazetteer
    from anlan.formats.cap.look import Asked

    profiles, documents = profiles_of(profile)
    gazetteers = gazetteers_of(gazetteer)
    if ground:
        # a fault of a gazetteer is told once, here, and is no fault of any message
        for scheme, path in gazetteers:
            read_gazetteer(Path(path), scheme)
    return Asked(
        profiles=profiles,
        documents=documents,
        trust=trust_of(trust),
        at=parse_instant(at) if at else datetime.now(UTC),
        ground=ground,
        gazetteers=gazetteers,
    )


def _looks(paths: Sequence[str], asked: Asked, *, worker: bool) -> Iterator[Look]:
    from anlan.cli.cap_files import looks

    if not paths:
        raise InvalidValue("nothing to read", where="PATH", found="no path", expected="a file, a folder or -")
    return looks(paths, asked, worker=worker)


def _messages(paths: Sequence[str], asked: Asked, *, worker: bool) -> tuple[list[Look], bool]:
    """The messages that can be used, and whether there were others; those are named on standard error."""
    from anlan.cli.cap_lines import why_not

    found, failed = [], False
    for look in _looks(paths, asked, worker=worker):
        if look.readable:
            found.append(look)
            continue
        failed = failed or look.item.index is not None
        _said(look, ": ".join(why_not(look)))
    return found, failed


def _said(look: Look, why: str) -> None:
    from anlan.formats.cap.fault import shown

    place = f"{shown(look.item.file, 300)[1:-1]} {'-' if look.item.index is None else look.item.index}"
    err.print(f"anlan: {place} {shown(why, 500)[1:-1]}", markup=False)


def _address(base: str, identifier: str) -> str:
    from urllib.parse import quote

    if "://" not in base:
        raise InvalidValue("not an absolute address", where="--base", found=base, expected="https://…")
    return f"{base.rstrip('/')}/{quote(identifier, safe='')}.cap.xml"


def _put_messages(found: Sequence[Look], out_path: Path | None) -> None:
    from anlan.channels.durable import file_name

    if out_path is None:
        if len(found) > 1:
            raise InvalidValue(
                "several messages need a folder", where="--out", found=f"{len(found)} messages"
            )
        _put(b"".join(look.item.raw for look in found), None)
        return
    try:
        out_path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NotFound("no folder can be made", where=str(out_path), found=str(error.strerror)) from error
    for number, look in enumerate(found):
        # named by what cannot lead out of the folder; the number keeps equal names apart
        _put(look.item.raw, out_path / f"{number:05d}-{file_name(look.identifier, '.cap.xml')}")
    err.print(f"{len(found)} messages in {out_path}", markup=False)


def _put(content: bytes, path: Path | None) -> None:
    if path is None:
        sys.stdout.buffer.write(content)
        sys.stdout.flush()
        return
    try:
        path.write_bytes(content)
    except OSError as error:
        raise NotFound("cannot be written", where=str(path), found=str(error.strerror)) from error


def _file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise NotFound("cannot be read", where=str(path), found=str(error.strerror)) from error
