"""How a warning leaves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from anlan.model.warning import Delivery, Recipient, Warning


@dataclass(frozen=True, slots=True)
class Parcel:
    """One copy to hand over: the published bytes (CAP XML) and the words in the recipient's language.
    `repeat` True when an earlier attempt may already have arrived: the channel marks it."""

    delivery: Delivery
    warning: Warning
    recipient: Recipient
    cap: bytes
    subject: str
    body: str
    repeat: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the peer said. `accepted` False is a refusal or failure; `transient` True when a retry may
    help."""

    accepted: bool
    detail: str
    transient: bool = False


class Channel(Protocol):
    """`public` channels reach the public and refuse every message that is not Actual."""

    id: str
    public: bool

    def deliver(self, parcel: Parcel) -> Receipt:
        """Hand over once. Never raises for a peer's failure: the receipt says it."""
        ...
