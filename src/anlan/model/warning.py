"""A warning, its contents, its delivery and the answers to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from anlan.model.checks import one_of, sound
from anlan.model.domain import level
from anlan.model.errors import InvalidValue
from anlan.model.reason import Reason
from anlan.model.text import Text

CHANGES = ("alert", "update", "cancel")
MODES = ("Actual", "Exercise", "Test")
SCOPES = ("Public", "Restricted")
DELIVERY_STATUSES = ("due", "accepted", "failed", "given_up", "expired", "answered")
STATUSES = (
    "draft",
    "submitted",
    "returned",
    "rejected",
    "approved",
    "superseded",
    "cancelled",
    "expired",
)


@dataclass(frozen=True, slots=True)
class Contents:
    """The eight contents that art. 64 of the Emergency Response Law (2024) asks for: category,
    level (in Warning.level), start time, affected area, alert matters, measures, issuing body, issue
    time (in Warning.sent once published)."""

    category: Text
    starts: datetime
    area: Text
    matters: Text
    measures: Text
    issuer: Text

    def __post_init__(self) -> None:
        sound(self)


@dataclass(frozen=True, slots=True)
class Warning:
    """One message of a warning chain. `id` is the message's identity (CAP identifier once sent, then
    frozen); `risk` the thread. `change`: alert, update, cancel. `mode` is the CAP status: Actual,
    Exercise, Test. `scope`: Public or Restricted.
    `references` are ids of the messages it follows, oldest first. `organ` issues,
    `basis` cites its power. `author` wrote it, `approver` (another person) approved it. `digest` is
    the SHA-256 of the published bytes. `places` are the place ids warned. `pack` is the digest of the
    pack it was drafted with and, once sent, rendered with; `sender` the CAP sender it was sent under:
    both "" in journals of before they were written down."""

    id: str
    risk: str
    change: str
    status: str
    mode: str
    scope: str
    hazard: str
    level: int
    places: tuple[str, ...]
    contents: Contents
    headline: Text
    drafted: datetime
    expires: datetime
    organ: str
    basis: str
    author: str
    approver: str = ""
    submitted: datetime | None = None
    sent: datetime | None = None
    references: tuple[str, ...] = ()
    plan: str = ""
    digest: str = ""
    reasons: tuple[Reason, ...] = ()
    pack: str = ""
    sender: str = ""

    def __post_init__(self) -> None:
        sound(self)
        level(self.level, "warning.level")
        one_of(self.change, CHANGES, "warning.change")
        one_of(self.status, STATUSES, "warning.status")
        one_of(self.mode, MODES, "warning.mode")
        one_of(self.scope, SCOPES, "warning.scope")
        if not self.places:
            raise InvalidValue("a warning needs a place", where="warning.places")
        if self.approver and self.approver == self.author:
            raise InvalidValue(
                "author and approver are the same person",
                where="warning.approver",
                found=self.approver,
            )


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody (a duty desk, an office, a partner system) who is told. `languages` in order of
    preference; `answers` True where an answer is required of them."""

    id: str
    name: Text
    channel: str
    address: str
    places: tuple[str, ...]
    hazards: tuple[str, ...] = ()
    languages: tuple[str, ...] = ("zh", "en")
    answers: bool = False


@dataclass(frozen=True, slots=True)
class Delivery:
    """One recipient's copy of one warning. `status`: due, accepted, failed, given_up, expired,
    answered. `rung` 0 is the first call; higher rungs are the escalation ladder. `due` is when it is
    to be sent, `answer_by` when the ladder climbs without an answer."""

    id: str
    warning: str
    risk: str
    recipient: str
    channel: str
    rung: int
    status: str
    due: datetime
    answer_by: datetime | None = None
    accepted: datetime | None = None
    answered: datetime | None = None
    answer: str = ""
    attempts: int = 0
    reasons: tuple[Reason, ...] = ()

    def __post_init__(self) -> None:
        sound(self)
        one_of(self.status, DELIVERY_STATUSES, "delivery.status")
