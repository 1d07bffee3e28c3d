"""`anlan cap verify` and `anlan cap sign`: what the signatures of messages prove, and one more."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from anlan.cli.cap_options import Json, Paths, Worker, asked_of, looks_at
from anlan.cli.cap_output import file_bytes, put
from anlan.cli.output import out, say_json
from anlan.model.errors import BadInput, InvalidValue, NotFound
from anlan.model.time import parse_instant


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

    asked = replace(asked_of((), trust, at, ()), at_sent=at_sent)
    good = (AUTHENTICATED,) if trust else (AUTHENTICATED, INTEGRITY_ONLY)
    failed = False
    for look in looks_at(paths, asked, worker=worker):
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


def sign(
    path: Paths,
    *,
    key: Path,
    certificate: Path,
    name: str = "",
    password_env: str = "",
    at: str = "",
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
    at
        The instant at which the certificate must be in force; now where left out.
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
        name or certificate.stem,
        file_bytes(key),
        file_bytes(certificate),
        password=password,
        where=str(certificate),
    )
    instant = parse_instant(at, "--at") if at else datetime.now(UTC)
    if not signing.holds(instant):
        raise InvalidValue(
            "the certificate is not in force: nobody could trust the signature",
            where=str(certificate),
            found=f"{signing.since:%Y-%m-%d} to {signing.until:%Y-%m-%d}",
            expected=f"one in force at {instant:%Y-%m-%d %H:%M}, or another --at",
        )
    raw = sys.stdin.buffer.read() if path == "-" else file_bytes(Path(path))
    try:
        signed = sign_bytes(raw, signing)
    except (BadInput, InvalidValue) as error:
        # signing knows no files
        raise type(error)(error.message, where=path, found=error.found, expected=error.expected) from error
    put(signed, out_file)
    return 0
