"""Bytes to a CAP message, and what is wrong with it."""

from __future__ import annotations

from anlan.formats.cap.examine import examine, examine_tree
from anlan.formats.cap.fault import CapFault, NotCap
from anlan.formats.cap.message import CapAlert
from anlan.formats.cap.secure import parse
from anlan.model.errors import Hostile


def read(raw: bytes, where: str = "") -> CapAlert:
    """A CAP 1.0, 1.1 or 1.2 message, in its namespace or in none.

    Faults that leave a message usable (a sender with a blank in it, an open ring, +00:00 for UTC, an
    element out of its place) are in `CapAlert.faults`. Hostile: a document type, too large, too deep, a
    text or polygon past its limit. Unreadable: not well-formed. NotCap: everything else that blocks, all
    of it listed.
    """
    found = examine_tree(parse(raw, where), raw)
    alert = found.alert
    if alert is not None:
        return alert
    for fault in found.findings:
        if fault.rule == "S-size":
            raise Hostile(
                "too large", where=f"{where} {fault.path}".strip(), found=fault.found, expected=fault.expected
            )
    raise NotCap(found.findings, where)


def check_bytes(raw: bytes) -> list[CapFault]:
    """What keeps a document from being published: every fault that blocks reading or that nobody writes."""
    return [fault for fault in examine(raw).findings if fault.bars]
