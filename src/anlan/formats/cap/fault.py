"""What is wrong with a CAP message, as data."""

from __future__ import annotations

from typing import NamedTuple

from anlan.formats.cap.rulebook import Rule, rule_of
from anlan.model.errors import Unreadable


class CapFault(NamedTuple):
    """One finding. `path` leads to the element (`alert/info[2]/area[1]/polygon[1]`), `rule` is the broken
    rule (its level, section and words: `CapFault.told`). `schema` True where the OASIS schema of the
    message's version refuses it too; `blocking` True where it keeps a reader from using the message;
    whether a message with it may be published says `bars`."""

    path: str
    rule: str
    found: str
    expected: str
    schema: bool = True
    blocking: bool = True

    @property
    def told(self) -> Rule:
        """The rule as the table of rules has it."""
        return rule_of(self.rule)

    @property
    def severity(self) -> str:
        """must, should, may or info."""
        return self.told.severity

    @property
    def bars(self) -> bool:
        """True where nobody publishes a message with it: everything mandatory, and what the rule says
        never to write."""
        return self.blocking or self.schema or self.told.bars

    def sentence(self) -> str:
        """The fault as one readable line."""
        return f"{self.path}: {self.rule}: found {self.found}; expected {self.expected}"


class NotCap(Unreadable):
    """A document that cannot be used as a CAP message; `faults` lists everything wrong with it."""

    reason_code = "not_cap"

    def __init__(self, faults: tuple[CapFault, ...], where: str = "") -> None:
        self.faults = faults
        blocking = [fault for fault in faults if fault.blocking]
        super().__init__(
            "not a usable CAP message: " + "; ".join(fault.sentence() for fault in blocking[:5]),
            where=where,
            found=f"{len(blocking)} faults in all" if len(blocking) > 5 else "",
        )


def shown(text: str, length: int = 60) -> str:
    """A value as an error shows it: quoted, control characters escaped, cut to `length`."""
    cut = text if len(text) <= length else text[: length - 1] + "…"
    if cut.isprintable():
        return f"'{cut}'"
    # control and direction characters are escaped so that nobody forges a log line
    return "'" + "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut) + "'"
