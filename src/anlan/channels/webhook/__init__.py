"""Webhook: one signed HTTP POST to a partner system."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from anlan.channels.copy_id import copy_id
from anlan.channels.webhook.asking import ask, has
from anlan.channels.webhook.sender import Sender
from anlan.formats.values import canonical
from anlan.model.time import format_instant
from anlan.ports.channel import Parcel, Receipt
from anlan.ports.clock import Clock

FORMAT = "anlan.webhook/1"


class Webhook:
    """The recipient's address is the URL."""

    id = "webhook"
    at_once = 8

    def __init__(self, options: Mapping[str, Any], clock: Clock) -> None:
        self.public: bool = options["public"]
        self.asks: bool = options["asks"]
        self.repeats: int = options["repeats"]
        self.sender = Sender(options, clock, "channel webhook")

    def deliver(self, parcel: Parcel) -> Receipt:
        """2xx with its whole answer: accepted; otherwise as `Sender.send` says."""
        return self._deliver(parcel, None)

    def deliver_poised(self, parcel: Parcel, leave: Callable[[], None]) -> Receipt:
        """As `deliver`, held back at the last byte of the body."""
        return self._deliver(parcel, leave)

    def _deliver(self, parcel: Parcel, leave: Callable[[], None] | None) -> Receipt:
        marks = {"X-Anlan-Repeat": "yes" if parcel.repeat else "no"}
        body = envelope(parcel)
        told = self.sender.send(parcel.recipient.address, copy_id(parcel.delivery), body, marks, leave)
        return told if isinstance(told, Receipt) else Receipt(True, f"answered {told.status}")

    def misaddressed(self, address: str) -> str:
        """An address that this channel may post to."""
        return self.sender.fault(address)

    def holds(self, parcels: Sequence[Parcel]) -> list[bool | Receipt]:
        """What each peer says it has."""
        by_url: dict[str, list[str]] = {}
        for parcel in parcels:
            by_url.setdefault(parcel.recipient.address, []).append(copy_id(parcel.delivery))
        told = {url: ask(self.sender, url, FORMAT, ids) for url, ids in by_url.items()}
        return [has(told[parcel.recipient.address], copy_id(parcel.delivery)) for parcel in parcels]


def envelope(parcel: Parcel) -> bytes:
    """The body: canonical JSON, the same bytes for the same parcel, whether it is a repeat or not.
    `cap` is the published message; its SHA-256 is the warning's digest. `token` goes with a receipt, and
    `answer_url` is where an answer that is asked for is given: null where this system has no address."""
    return canonical(
        {
            "format": FORMAT,
            "delivery": parcel.delivery.id,
            "recipient": parcel.recipient.id,
            "rung": parcel.delivery.rung,
            "answer_by": format_instant(parcel.delivery.answer_by) if parcel.delivery.answer_by else None,
            "answer_url": parcel.answer_url or None,
            "token": parcel.token or None,
            "warning": parcel.warning.id,
            "risk": parcel.warning.risk,
            "status": parcel.warning.mode,
            "change": parcel.warning.change,
            "level": parcel.warning.level,
            "subject": parcel.subject,
            "body": parcel.body,
            "cap": parcel.cap.decode("utf-8"),
        }
    )


def make(options: Mapping[str, Any], clock: Clock) -> Webhook:
    """The channel from its settled options (see manifest.toml)."""
    return Webhook(options, clock)
