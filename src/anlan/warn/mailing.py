"""A message to very many as few rows of the journal: what is alike is said once.

The journal says of every delivery what became of it and when. Of ten thousand that differ only in who they
are to, one row says it for all (`anlan.model.mailing`); whatever is a recipient's own (a call that asks for
an answer, a failure, a receipt, a repeat) is a row of its own, as it is in a message to few.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from anlan.formats.values import short_id
from anlan.model.delivery import Delivery
from anlan.model.mailing import Mailing, plain
from anlan.model.state import State
from anlan.ports.channel import Receipt

#: from so many alike on, one row says it for all
MANY = 50

Outcomes = Sequence[tuple[str, Receipt | None]]


def identity(warning: str, channel: str, rung: int) -> str:
    """The mailing of a message by a channel on a rung."""
    return short_id("M", warning, channel, str(rung))


def gather(deliveries: Sequence[Delivery]) -> tuple[list[Mailing], list[Delivery]]:
    """New deliveries of one message, as mailings where many are alike, and the others, in their order."""
    groups: dict[tuple[str, int], list[Delivery]] = {}
    for delivery in deliveries:
        if plain(delivery):
            groups.setdefault((delivery.channel, delivery.rung), []).append(delivery)
    large = {key: group for key, group in groups.items() if len(group) >= MANY}
    mailings = [
        Mailing(
            identity(group[0].warning, channel, rung),
            group[0].warning,
            group[0].risk,
            channel,
            rung,
            "due",
            group[0].due,
            tuple(delivery.id for delivery in group),
            tuple(delivery.recipient for delivery in group),
        )
        for (channel, rung), group in large.items()
    ]
    others = [d for d in deliveries if not plain(d) or (d.channel, d.rung) not in large]
    return mailings, others


def taken(state: State, outcomes: Outcomes, now: datetime) -> tuple[Outcomes, list[Mailing]]:
    """Outcomes of attempts as mailings where many plain deliveries were accepted, and the rest."""
    if len(outcomes) < MANY:
        return outcomes, []
    groups: dict[tuple[str, str, int], list[Delivery]] = {}
    for id, receipt in outcomes:
        delivery = state.deliveries[id]
        if receipt is not None and receipt.accepted and not receipt.delivered and plain(delivery):
            groups.setdefault((delivery.warning, delivery.channel, delivery.rung), []).append(delivery)
    large = [(key, group) for key, group in groups.items() if len(group) >= MANY]
    told = {delivery.id for _, group in large for delivery in group}
    mailings = [
        Mailing(
            identity(*key), key[0], group[0].risk, key[1], key[2], "accepted", now, tuple(d.id for d in group)
        )
        for key, group in large
    ]
    return [outcome for outcome in outcomes if outcome[0] not in told], mailings
