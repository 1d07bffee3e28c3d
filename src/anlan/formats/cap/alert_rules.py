"""Rules over the elements of the alert itself (CAP 1.2, section 3.2.1)."""

from __future__ import annotations

import re
from datetime import datetime

from anlan.formats.cap.blocks import Block
from anlan.formats.cap.fault import shown
from anlan.formats.cap.findings import BLANKS, Findings, first_of
from anlan.formats.cap.times import CAP_FORM, judge_time
from anlan.formats.cap.tricks import words

_NAME = re.compile(r"[^\s,<&]+")
_QUOTED = re.compile(r'(?:(?<=\s)|\A)"[^"]*"(?=\s|\Z)')
_ABOUT = ("Update", "Cancel", "Ack", "Error")


def check_alert(alert: Block, findings: Findings) -> datetime | None:
    """The rules of the alert's own elements; gives the instant of sending."""
    add = findings.add
    identifier, sender = first_of(alert, "identifier"), first_of(alert, "sender")
    for name, value in (("identifier", identifier), ("sender", sender)):
        if name not in alert:
            continue
        if not value.strip():
            add(f"alert/{name}", f"A-{name}-required", "nothing", "a name", blocking=True)
        elif not _NAME.fullmatch(value):
            # one with a line break in it forges log lines and headers; blanks around it are harmless
            broken = not value.strip(BLANKS).isprintable()
            expected = "no blank, comma, < or &"
            add(f"alert/{name}", f"A-{name}-chars", shown(value), expected, blocking=broken)
    sent = None
    for text in alert.get("sent", ())[:1]:
        sent = findings.time("alert/sent", text, essential=True)
    status, kind = first_of(alert, "status").strip(BLANKS), first_of(alert, "msgType").strip(BLANKS)
    scope, references = first_of(alert, "scope").strip(BLANKS), first_of(alert, "references")
    if status == "Exercise" and not first_of(alert, "note").strip():
        add("alert/note", "A-exercise-note", "nothing", "the name of the exercise")
    if kind == "Error" and not first_of(alert, "note").strip():
        add("alert/note", "A-error-note", "nothing", "why")
    if kind in _ABOUT and not references.strip():
        add("alert/references", "A-references-required", "nothing", f"what the {kind} is about")
    if references and findings.version != "1.0":
        _references(references, sender, identifier, sent, findings)
    restriction = first_of(alert, "restriction").strip()
    if scope == "Restricted" and not restriction:
        add("alert/restriction", "A-restriction-required", "nothing", "the restriction")
    elif restriction and scope in ("Public", "Private"):
        add("alert/restriction", "A-restriction-scope", shown(restriction), f"none: scope is {scope}")
    addresses = first_of(alert, "addresses")
    if addresses.strip():
        _addresses(addresses, findings)
    elif scope == "Private":
        add("alert/addresses", "A-addresses-required", "nothing", "the addresses")
    incidents = first_of(alert, "incidents")
    if '"' in incidents:
        _quotes("alert/incidents", incidents, findings)
    if "password" in alert:
        add("alert/password", "V-10-password", "a password", "none")
    if "info" not in alert and kind in ("Alert", "Update") and status != "System" and scope in ("Public", ""):
        add("alert/info", "A-info-absent", "nothing", "an info")
    for text in alert.get("note", ()):
        words("alert/note", text, findings)
    return sent


def _references(text: str, sender: str, identifier: str, sent: datetime | None, findings: Findings) -> None:
    path, form, add = "alert/references", "sender,identifier,sent", findings.add
    for item in text.split():
        parts = item.split(",")
        if len(parts) != 3 or not parts[0] or not parts[1]:
            add(path, "A-references-format", shown(item), form)
            continue
        then = judge_time(parts[2], findings.strict).instant
        if then is None or (findings.strict and not CAP_FORM.match(parts[2])):
            add(path, "A-references-format", shown(item), form)
            continue
        # an issuer that uses one identifier again for its next message follows an earlier one
        if (parts[0], parts[1]) == (sender.strip(), identifier.strip()) and (sent is None or then >= sent):
            add(path, "A-references-self", shown(item), "an earlier message")
        if sent is not None and then > sent:
            add(path, "A-references-future", parts[2], "an earlier message")


def _addresses(text: str, findings: Findings) -> None:
    if '"' in text:
        _quotes("alert/addresses", text, findings)
    # an item in quotes is whatever stands in them
    for item in _QUOTED.sub(" ", text).split():
        if "," in item or ";" in item:
            findings.add("alert/addresses", "A-addresses-list", shown(item), "addresses separated by blanks")
            return


def _quotes(path: str, text: str, findings: Findings) -> None:
    # an item is quoted as a whole: a quote inside one, or one that is never closed, is neither
    outside = _QUOTED.sub("", text)
    if '"' in outside:
        findings.add(path, "A-quoted-list", shown(text), "items with blanks in double quotes, in pairs")
