"""Bulk gateway: many copies in one signed HTTP POST, to an aggregator of SMS or voice, or a partner system.

One exchange carries up to MOST copies; the words that several read stand in it once. The gateway answers with
how many it took and which it refused; an answer that does not account for every copy counts for none.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from anlan.channels.copy_id import copy_id
from anlan.channels.webhook.asking import ask, has
from anlan.channels.webhook.exchange import Answer
from anlan.channels.webhook.sender import Sender
from anlan.formats.values import canonical, sha256
from anlan.model.time import format_instant
from anlan.ports.channel import Parcel, Receipt
from anlan.ports.clock import Clock

FORMAT = "anlan.bulk/1"
#: copies in one exchange
MOST = 1_000


class Bulk:
    """The recipient's address is a number or name that the gateway knows."""

    id = "bulk"
    at_once = 4

    def __init__(self, options: Mapping[str, Any], clock: Clock) -> None:
        self.public: bool = options["public"]
        self.asks: bool = options["asks"]
        self.repeats: int = options["repeats"]
        self.url: str = options["url"]
        self.sender = Sender(options, clock, "channel bulk")

    def deliver(self, parcel: Parcel) -> Receipt:
        """As one of many."""
        return self.deliver_many([parcel])[0]

    def deliver_poised(self, parcel: Parcel, leave: Callable[[], None]) -> Receipt:
        """As `deliver`, held back at the last byte of the body."""
        return self._exchange([parcel], leave)[0]

    def deliver_many(self, parcels: Sequence[Parcel]) -> list[Receipt]:
        """One receipt for each copy, in the same order."""
        return [
            receipt
            for begin in range(0, len(parcels), MOST)
            for receipt in self._exchange(parcels[begin : begin + MOST])
        ]

    def misaddressed(self, address: str) -> str:
        """Whatever the gateway knows, but not nothing."""
        return "" if address.strip() else "it is empty"

    def holds(self, parcels: Sequence[Parcel]) -> list[bool | Receipt]:
        """What the gateway says it has."""
        ids = [copy_id(parcel.delivery) for parcel in parcels]
        held: list[bool | Receipt] = []
        for begin in range(0, len(ids), MOST):
            some = ids[begin : begin + MOST]
            told = ask(self.sender, self.url, FORMAT, some)
            held += [has(told, id) for id in some]
        return held

    def _exchange(self, parcels: Sequence[Parcel], leave: Callable[[], None] | None = None) -> list[Receipt]:
        unaddressed = [parcel for parcel in parcels if not parcel.recipient.address.strip()]
        if unaddressed:
            # one without an address must not keep the others from leaving
            with_one = [parcel for parcel in parcels if parcel.recipient.address.strip()]
            told = iter(self._exchange(with_one) if with_one else ())
            none = Receipt(False, "bad_address: the recipient has no number or name at the gateway")
            return [next(told) if parcel.recipient.address.strip() else none for parcel in parcels]
        # the same copies are the same exchange, in whatever order they are tried again
        name = "B-" + sha256("\n".join(sorted(copy_id(p.delivery) for p in parcels)).encode())[:32]
        told_all = self.sender.send(self.url, name, envelope(parcels), {}, leave)
        if isinstance(told_all, Receipt):
            return [told_all] * len(parcels)
        return accounted(told_all, parcels)


def envelope(parcels: Sequence[Parcel]) -> bytes:
    """The body: canonical JSON. Messages, in each the words, with the copies that carry them."""
    messages: dict[str, dict[str, Any]] = {}
    words: dict[tuple[str, str, str], dict[str, Any]] = {}
    for parcel in parcels:
        warning, delivery = parcel.warning, parcel.delivery
        if warning.id not in messages:
            messages[warning.id] = {
                "warning": warning.id,
                "risk": warning.risk,
                "status": warning.mode,
                "change": warning.change,
                "level": warning.level,
                "cap": parcel.cap.decode("utf-8"),
                "texts": [],
            }
        key = (warning.id, parcel.subject, parcel.body)
        if key not in words:
            words[key] = {"subject": parcel.subject, "body": parcel.body, "to": []}
            messages[warning.id]["texts"].append(words[key])
        words[key]["to"].append(
            {
                "delivery": copy_id(delivery),
                "address": parcel.recipient.address,
                "rung": delivery.rung,
                "repeat": parcel.repeat,
                "answer_by": format_instant(delivery.answer_by) if delivery.answer_by else None,
                "answer_url": parcel.answer_url or None,
                "token": parcel.token or None,
            }
        )
    return canonical({"format": FORMAT, "messages": list(messages.values())})


def accounted(answer: Answer, parcels: Sequence[Parcel]) -> list[Receipt]:
    """What the gateway says of each copy: `{"accepted": 998, "refused": {"D-1": "why", "D-2": "why"}}`. Where
    it does not add up nobody knows which it has: all are tried again, as copies that may have arrived."""
    ids = [copy_id(parcel.delivery) for parcel in parcels]
    try:
        said = json.loads(answer.body)
        accepted, refused = said["accepted"], said.get("refused") or {}
        if not isinstance(accepted, int) or isinstance(accepted, bool) or not isinstance(refused, dict):
            raise TypeError("accepted is a number, refused an object")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        refused, accepted = {}, -1
    if accepted + len(refused) != len(ids) or not set(refused) <= set(ids):
        counted = f"{accepted} taken and {len(refused)} refused" if accepted >= 0 else "no count"
        detail = f"answer_short: {counted} of {len(ids)} copies"
        return [Receipt(False, detail, transient=True, doubtful=True)] * len(ids)
    return [
        Receipt(False, f"refused_by_gateway: {str(refused[id])[:200]}")
        if id in refused
        else Receipt(True, f"answered {answer.status}")
        for id in ids
    ]


def make(options: Mapping[str, Any], clock: Clock) -> Bulk:
    """The channel from its settled options (see manifest.toml)."""
    return Bulk(options, clock)
