"""Who was told of a message, who was not, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from anlan.model.checks import one_of, sound
from anlan.model.reason import Reason

OUTCOMES = ("told", "held", "not_told")


@dataclass(frozen=True, slots=True)
class Group:
    """Recipients with the same answer. `outcome`: told at once, held for a digest that leaves at `due`,
    not told; `reason` says why."""

    outcome: str
    reason: Reason
    recipients: tuple[str, ...]
    due: datetime | None = None

    def __post_init__(self) -> None:
        sound(self)
        one_of(self.outcome, OUTCOMES, "notice.outcome")


@dataclass(frozen=True, slots=True)
class Notice:
    """The answer for everybody who comes into question for a published message, each once."""

    id: str
    warning: str
    risk: str
    decided: datetime
    groups: tuple[Group, ...]

    def __post_init__(self) -> None:
        sound(self)

    def of(self, recipient: str) -> Group | None:
        """The group that a recipient is in; None where it did not come into question."""
        return next((group for group in self.groups if recipient in group.recipients), None)


@dataclass(frozen=True, slots=True)
class Digest:
    """Messages held for one recipient, told together at `due`. `warnings` in the order of publication,
    `reasons` why each was held, `places` all places they are about. `status`: open, sent; `delivery` is
    the copy that carries it."""

    id: str
    recipient: str
    due: datetime
    warnings: tuple[str, ...]
    reasons: tuple[Reason, ...]
    places: tuple[str, ...]
    status: str = "open"
    delivery: str = ""

    def __post_init__(self) -> None:
        sound(self)
        one_of(self.status, ("open", "sent"), "digest.status")
