"""The error tree. Every error says where it happened, what was found, what was expected.

AnlanError
├── InvalidValue        a value breaks an invariant of the model
├── BadInput            data from outside that cannot be used (it is quarantined)
│   ├── Unreadable      not the format it should be
│   ├── Hostile         a document built to do harm (entity bomb, oversize, too deep)
│   ├── UnknownPlace    a place no pack defines at that date
│   ├── UnknownIndicator
│   └── WrongUnit       a unit that does not fit the indicator
├── PackFault           a pack does not hold together (carries all faults at once)
├── NotAllowed          the law or the access rules do not give this power
├── WrongState          the act does not fit the state of its object
├── NotFound            an identifier nobody issued
├── StoreUnavailable    disk full, database locked: intake stops, nothing acknowledged is lost
└── AuditBroken         the journal's chain does not verify
"""

from __future__ import annotations

from dataclasses import dataclass


class AnlanError(Exception):
    """Any error that anlan raises on purpose.

    `where` names the file, line, key path or field; `found` and `expected` say what was there
    and what should have been; `mend` says what the reader can do about it.
    """

    def __init__(
        self,
        message: str,
        *,
        where: str = "",
        found: str = "",
        expected: str = "",
        mend: str = "",
    ) -> None:
        self.message = message
        self.where = where
        self.found = found
        self.expected = expected
        self.mend = mend
        super().__init__(self.sentence())

    def sentence(self) -> str:
        """The whole error as one readable line."""
        parts = [f"{self.where}: {self.message}" if self.where else self.message]
        if self.found:
            parts.append(f"found {self.found}")
        if self.expected:
            parts.append(f"expected {self.expected}")
        if self.mend:
            parts.append(self.mend)
        return "; ".join(parts)


class InvalidValue(AnlanError, ValueError):
    """A value breaks an invariant of the model."""


class BadInput(AnlanError):
    """Data from outside that cannot be used; the caller quarantines it."""

    reason_code = "bad_input"


class Unreadable(BadInput):
    """The bytes are not the format they should be."""

    reason_code = "unreadable"


class Hostile(BadInput):
    """A document built to do harm: entities, oversize, excessive depth."""

    reason_code = "hostile"


class UnknownPlace(BadInput):
    """A place that no pack defines at that date."""

    reason_code = "unknown_place"


class UnknownIndicator(BadInput):
    """An indicator that no pack defines."""

    reason_code = "unknown_indicator"


class WrongUnit(BadInput):
    """A unit that does not fit the indicator."""

    reason_code = "wrong_unit"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in a pack.

    `file` is relative to the pack, `where` a line (`line 12`) or key path (`rule[2].band[0].from`).
    """

    file: str
    where: str
    message: str
    found: str = ""
    expected: str = ""

    def sentence(self) -> str:
        text = (
            f"{self.file}: {self.where}: {self.message}" if self.where else (f"{self.file}: {self.message}")
        )
        if self.found:
            text += f"; found {self.found}"
        if self.expected:
            text += f"; expected {self.expected}"
        return text


class PackFault(AnlanError):
    """A pack does not hold together; `faults` lists everything that is wrong with it."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        self.faults = faults
        super().__init__(f"{len(faults)} fault(s) in the pack:\n" + "\n".join(f.sentence() for f in faults))


class NotAllowed(AnlanError):
    """The law or the access rules do not give this power; `basis` cites the article."""

    def __init__(self, message: str, *, basis: str = "", where: str = "", mend: str = "") -> None:
        self.basis = basis
        super().__init__(message + (f" [{basis}]" if basis else ""), where=where, mend=mend)


class WrongState(AnlanError):
    """The act does not fit the state of its object."""


class NotFound(AnlanError):
    """An identifier nobody issued."""


class StoreUnavailable(AnlanError):
    """Disk full or database locked: intake stops; nothing acknowledged is lost."""


class AuditBroken(AnlanError):
    """The journal's chain does not verify."""
