"""`anlan cap`: check, convert, sign and verify messages of the Common Alerting Protocol, and list them in a
feed. No pack and no workspace are needed."""

from __future__ import annotations

import time

from cyclopts import App

from anlan.cli.cap_forms import convert, feed
from anlan.cli.cap_options import Json, Paths, Words, Worker, asked_of, looks_at, named_once
from anlan.cli.cap_signatures import sign, verify
from anlan.cli.output import out, say_json

app = App(name="cap", help="Messages of the Common Alerting Protocol: check, convert, sign, verify, list.")


@app.command
def check(
    *paths: Paths,
    json: Json = False,
    profile: Words = [],  # noqa: B006 - read only
    trust: str = "",
    at: str = "",
    gazetteer: Words = [],  # noqa: B006 - read only
    together: bool = False,
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
    together
        Look at all messages as one collection too: a sender gives each identifier to one message only.
    worker
        Read in a process of its own, with limits of memory and time; --no-worker reads in place.
    """
    from anlan.cli import cap_lines

    asked = asked_of(profile, trust, at, gazetteer, ground=True)
    began = time.perf_counter()
    counts = {"items": 0, "messages": 0, "readable": 0, "valid": 0, "faultless": 0}
    files: set[str] = set()
    fault = False
    found = looks_at(paths, asked, worker=worker)
    for look in named_once(found) if together else found:
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


for command in (verify, sign, convert, feed):
    app.command(command)
