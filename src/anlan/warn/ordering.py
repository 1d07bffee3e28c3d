"""No message overtakes the one that it refers to, recipient by recipient.

An update or a cancel waits for as long as a copy of an earlier message of its chain is still on its way to
the same recipient, and leaves when that copy has arrived or has ended. It does not wait for good: where the
earlier one never arrived, the later goes all the same and says so, because the newest word is what people
need. (The earlier copy itself does not leave any more once another message follows it: it expires.)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from anlan.model.delivery import TO_SEND, Delivery
from anlan.model.reason import Reason
from anlan.model.state import State
from anlan.model.text import Text
from anlan.model.warning import Warning

#: what arrived, or may have
ARRIVED = ("accepted", "delivered", "read", "answered", "unknown")
WAITED_FOR = (*TO_SEND, "held")
WAITS = Reason(
    "waits_for_earlier",
    Text(
        "an earlier message of this chain is still on its way to this recipient",
        "同一预警的前一条消息仍在送往该接收方",
    ),
)
NEVER_ARRIVED = Reason(
    "earlier_not_delivered",
    Text(
        "the message it refers to never reached this recipient",
        "其所引用的前一条消息未送达该接收方",
    ),
)


def under_way(sent: Warning, state: State) -> dict[str, tuple[Delivery, ...]]:
    """Recipient -> copies of the messages that `sent` refers to, in the order in which they came to be."""
    found: dict[str, tuple[Delivery, ...]] = {}
    for earlier in sent.references:
        for id in state.copies.get(earlier, ()):
            delivery = state.deliveries[id]
            if delivery.digest:
                # a list says what each of its messages has become: nothing waits for it
                continue
            found[delivery.recipient] = (*found.get(delivery.recipient, ()), delivery)
    return found


def place(delivery: Delivery, earlier: Iterable[Delivery], now: datetime) -> Delivery:
    """The delivery as it starts: due, or held behind the newest earlier copy that has not ended."""
    copies = tuple(earlier)
    waiting = [copy for copy in copies if copy.status in WAITED_FOR]
    if waiting:
        return replace(
            delivery, status="held", behind=waiting[-1].id, reasons=(*delivery.reasons, WAITS), due=now
        )
    return _told(delivery, copies)


def freed(state: State, now: datetime) -> list[Delivery]:
    """Held deliveries whose earlier copies have all ended: due now."""
    found = []
    ways: dict[str, dict[str, tuple[Delivery, ...]]] = {}
    for delivery in state.in_order(state.held):
        before = state.deliveries.get(delivery.behind)
        if before is not None and before.status in WAITED_FOR:
            continue
        if delivery.warning not in ways:
            ways[delivery.warning] = under_way(state.warnings[delivery.warning], state)
        copies = ways[delivery.warning].get(delivery.recipient, ())
        if not any(copy.status in WAITED_FOR for copy in copies):
            found.append(_told(replace(delivery, status="due", due=now), copies))
    return found


def _told(delivery: Delivery, copies: Iterable[Delivery]) -> Delivery:
    """With the reason where none of the earlier copies arrived: the recipient knows nothing of them."""
    seen = tuple(copies)
    if seen and not any(copy.status in ARRIVED or copy.accepted for copy in seen):
        return replace(delivery, reasons=(*delivery.reasons, NEVER_ARRIVED))
    return delivery
