"""CAP messages in an EDXL Distribution Element (OASIS EDXL-DE 1.0), their bytes as they are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from anlan.formats.cap.carried import EDXL
from anlan.formats.cap.reader import read
from anlan.formats.cap.secure import decode
from anlan.formats.cap.times import write_time
from anlan.model.errors import InvalidValue

TYPES = ("Report", "Update", "Cancel", "Request", "Response", "Dispatch", "Ack", "Error")
#: status of CAP -> that of the wrapper; a draft is for nobody
STATUSES = {status: status for status in ("Actual", "Exercise", "System", "Test")}
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_PROLOG = re.compile(r"(?:\s++|<\?.*?\?>|<!--.*?-->)*+", re.DOTALL)


def wrap(
    messages: Sequence[bytes],
    *,
    id: str,
    sender: str,
    sent: datetime,
    type: str = "Report",
    confidentiality: str = "UNCLASSIFIED",
) -> bytes:
    """The wrapper with each message as embedded content; what stands before a message's first tag
    (declaration, comments) is left out, every other byte stays, so signatures hold. `sent` of whole
    seconds. InvalidValue: no message, messages of different status, a draft, no such type; what `read`
    raises for what is no message."""
    if not messages:
        raise InvalidValue("nothing to wrap", where="messages", found="none", expected="one or more")
    if type not in TYPES:
        raise InvalidValue("no such type", where="type", found=type, expected=", ".join(TYPES))
    found = {read(raw).status for raw in messages}
    status = found.pop()
    if found or status not in STATUSES:
        told = ", ".join(sorted({status, *found}))
        raise InvalidValue(
            "a wrapper has one status, that of what is in it",
            where="distributionStatus",
            found=told,
            expected=" or ".join(STATUSES),
        )
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<de:EDXLDistribution xmlns:de="{EDXL[0]}">',
        f"  <de:distributionID>{_text(id)}</de:distributionID>",
        f"  <de:senderID>{_text(sender)}</de:senderID>",
        f"  <de:dateTimeSent>{write_time(sent, 'dateTimeSent')}</de:dateTimeSent>",
        f"  <de:distributionStatus>{STATUSES[status]}</de:distributionStatus>",
        f"  <de:distributionType>{type}</de:distributionType>",
        f"  <de:combinedConfidentiality>{_text(confidentiality)}</de:combinedConfidentiality>",
    ]
    for raw in messages:
        lines += [
            "  <de:contentObject>",
            "    <de:xmlContent><de:embeddedXMLContent>" + _bare(raw),
            "    </de:embeddedXMLContent></de:xmlContent>",
            "  </de:contentObject>",
        ]
    lines.append("</de:EDXLDistribution>\n")
    return "\n".join(lines).encode()


def _bare(raw: bytes) -> str:
    text = decode(raw)
    prolog = _PROLOG.match(text)
    return text[prolog.end() :].rstrip() if prolog else text


def _text(text: str) -> str:
    return text.translate(_ESCAPES)
