"""What passes between the service and the process that reads documents: frames of a kind, a head in JSON
and a body of bytes. Lengths come first and are bounded; nothing that is read is ever executed."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from anlan.formats.cap.trust import Anchor, Trust

READY, ASK, ITEM, LOOK, OVER = b"R", b"A", b"I", b"L", b"O"
#: magic, kind, length of head, length of body
FORM = struct.Struct(">2scQQ")
MAGIC = b"CF"
MOST_HEAD = 64 * 1024 * 1024
MOST_BODY = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Frame:
    """`kind`: READY, ASK, ITEM, LOOK or OVER."""

    kind: bytes
    head: bytes
    body: bytes


def put(sink: BinaryIO, frame: Frame) -> None:
    """Write a frame and flush."""
    sink.write(FORM.pack(MAGIC, frame.kind, len(frame.head), len(frame.body)))
    sink.write(frame.head)
    sink.write(frame.body)
    sink.flush()


def get(source: BinaryIO) -> Frame | None:
    """The next frame; None where the input ends."""
    start = source.read(FORM.size)
    if len(start) < FORM.size:
        return None
    kind, head, body = lengths(start)
    return Frame(kind, source.read(head), source.read(body))


def lengths(start: bytes) -> tuple[bytes, int, int]:
    """(kind, length of head, length of body); ValueError for what is no frame or too long."""
    magic, kind, head, body = FORM.unpack(start)
    if magic != MAGIC or head > MOST_HEAD or body > MOST_BODY:
        raise ValueError("not a frame")
    return kind, head, body


def trust_to(trust: Trust) -> list[dict[str, Any]]:
    """Anchors as plain data."""
    return [
        {
            "sender": anchor.sender,
            "certificate": anchor.certificate.public_bytes(Encoding.PEM).decode(),
            "subject": anchor.subject,
            "since": anchor.since.isoformat() if anchor.since else "",
            "until": anchor.until.isoformat() if anchor.until else "",
        }
        for anchor in trust.anchors
    ]


def trust_from(told: Sequence[dict[str, Any]]) -> Trust:
    """Anchors from plain data."""
    return Trust(
        tuple(
            Anchor(
                one["sender"],
                x509.load_pem_x509_certificate(one["certificate"].encode()),
                one["subject"],
                datetime.fromisoformat(one["since"]) if one["since"] else None,
                datetime.fromisoformat(one["until"]) if one["until"] else None,
            )
            for one in told
        )
    )
