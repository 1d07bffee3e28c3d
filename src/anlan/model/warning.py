"""A warning, its contents, its delivery and the answers to it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from anlan.model.checks import one_of, sound
from anlan.model.delivery import DELIVERY_STATUSES, Delivery
from anlan.model.domain import level
from anlan.model.errors import InvalidValue
from anlan.model.imprint import Imprint
from anlan.model.place import Point
from anlan.model.reason import Reason
from anlan.model.text import Text

__all__ = [
    "CHANGES",
    "DELIVERY_STATUSES",
    "MODES",
    "PROOFS",
    "PURPOSES",
    "SCOPES",
    "STATUSES",
    "Contents",
    "Delivery",
    "Recipient",
    "Warning",
]

CHANGES = ("alert", "update", "cancel")
#: what a message that follows another does to it; "" for those that the system drafted itself
PURPOSES = ("", "update", "raise", "lower", "extend", "correct", "cancel", "all_clear")
#: how the approver showed at the approval who they are; "" in journals of before it was asked
PROOFS = ("", "code", "recovery", "scripted")
MODES = ("Actual", "Exercise", "Test")
SCOPES = ("Public", "Restricted")
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
    """One message of a warning chain. `id` is the message's identity (CAP identifier too, where `imprint`
    gives no other); `risk` the thread. `change`: alert, update, cancel. `mode` is the CAP status: Actual,
    Exercise, Test. `scope`: Public or Restricted. `references` are ids of the messages it follows, oldest
    first. `organ` issues, `basis` cites its power. `author` wrote it, `approver` (another person) approved
    it. `digest` is the SHA-256 of the published bytes. `places` are the place ids warned. `pack` is the
    digest of the pack it was drafted with and, once sent, rendered with; `sender` the CAP sender it was sent
    under: both "" in journals of before they were written down. `authors` are all persons whose words stand
    in it, none of whom approves it; `version` counts the edits. `purpose`: what it does to the message it
    follows. `rings` are the outer rings of an area drawn by hand, closed, each vertex (longitude, latitude)
    in WGS 84 degrees; none means that the places warned are the area. `proof`: how the approver showed who
    they are. `imprint`: what settings gave it when it was approved; None where they gave nothing, and
    before."""

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
    authors: tuple[str, ...] = ()
    version: int = 1
    purpose: str = ""
    rings: tuple[tuple[tuple[float, float], ...], ...] = ()
    proof: str = ""
    imprint: Imprint | None = None

    @property
    def identifier(self) -> str:
        """The CAP identifier under which it is published."""
        return (self.imprint.identifier if self.imprint else "") or self.id

    def __post_init__(self) -> None:
        sound(self)
        level(self.level, "warning.level")
        one_of(self.purpose, PURPOSES, "warning.purpose")
        one_of(self.proof, PROOFS, "warning.proof")
        one_of(self.change, CHANGES, "warning.change")
        one_of(self.status, STATUSES, "warning.status")
        one_of(self.mode, MODES, "warning.mode")
        one_of(self.scope, SCOPES, "warning.scope")
        if not self.places:
            raise InvalidValue("a warning needs a place", where="warning.places")
        if self.approver and self.approver in (self.author, *self.authors):
            raise InvalidValue(
                "author and approver are the same person",
                where="warning.approver",
                found=self.approver,
            )


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody (a duty desk, an office, a partner system) who is told. `languages` in order of
    preference; `answers` True where an answer is required of them. `point` is where they are, `radius_km` how
    far around it they want to know; `area` is the ground they asked for, a GeoJSON Polygon or MultiPolygon.
    With a point or an area the ground decides whether a warning is theirs, else their places do; whom a plan
    names is told of all its messages, wherever they are. `role`: what they are, in a word of the pack's own
    (duty_desk, hospital), by which routes may name them."""

    id: str
    name: Text
    channel: str
    address: str
    places: tuple[str, ...]
    hazards: tuple[str, ...] = ()
    languages: tuple[str, ...] = ("zh", "en")
    answers: bool = False
    point: Point | None = None
    radius_km: float = 0.0
    area: dict[str, Any] = field(default_factory=dict)
    role: str = ""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.radius_km) and self.radius_km >= 0):
            raise InvalidValue(
                "not a radius",
                where=f"recipient {self.id}.radius_km",
                found=str(self.radius_km),
                expected="kilometres, 0 or more",
            )
        if self.point is None and self.radius_km > 0:
            raise InvalidValue(
                "a radius around no point", where=f"recipient {self.id}.radius_km", expected="a point"
            )
        if self.point is not None and self.area:
            raise InvalidValue(
                "both a point and an area", where=f"recipient {self.id}", expected="one of the two"
            )
