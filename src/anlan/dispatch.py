"""Messages leave, and what came of them is settled.

An attempt is written down before its channel is called and closed after it has spoken (the outbox), so that
a kill between the two is known at the next start. Handing over decides nothing and needs no turn: only what
came of it is journalled.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from time import monotonic

from anlan.model.errors import AnlanError, StoreUnavailable
from anlan.model.state import State
from anlan.model.warning import Delivery, Warning
from anlan.ports.channel import Batched, Channel, Parcel, Receipt
from anlan.ports.house import House
from anlan.ports.outbox import Attempt
from anlan.turn import Turn
from anlan.warn import ladder, mailing, ordering

#: ends of attempts that follow each other faster than this are written down together (seconds)
GROUP = 0.05


def deliver(turn: Turn) -> None:
    """After the commit: hand over everything due, and journal what the peers said."""
    while due := due_now(turn.state, turn.now):
        for channel in dict.fromkeys(delivery.channel for delivery in due):
            batch = [delivery for delivery in due if delivery.channel == channel]
            settle_many(turn, hand_over_many(turn.house, turn.state, batch, lambda: turn.now))
    if turn.drafts:
        turn.commit()


def due_now(state: State, now: datetime) -> list[Delivery]:
    """Deliveries to be handed over by `now`, for the first time or again, the oldest first."""
    return state.in_order(id for id, due in state.to_send.items() if due <= now)


def settle(turn: Turn, id: str, receipt: Receipt | None) -> None:
    """What came of one attempt, into the journal; None where the warning was over before it. An answer
    or a receipt that came while the message was still on its way stands."""
    settle_many(turn, [(id, receipt)])


def settle_many(turn: Turn, outcomes: Sequence[tuple[str, Receipt | None]]) -> None:
    """The same for several; what was held behind one that has now ended is due."""
    rest, alike = mailing.taken(turn.state, outcomes, turn.now)
    for many in alike:
        turn.put("mailing.accepted", many, many.risk, (many.warning,))
    for id, receipt in rest:
        delivery = turn.state.deliveries[id]
        if receipt is None:
            expire(turn, delivery)
            continue
        after = ladder.outcome(
            delivery,
            receipt.accepted,
            receipt.transient,
            receipt.detail,
            turn.now,
            retry_after=receipt.retry_after,
            arrived=receipt.delivered,
        )
        turn.put(f"delivery.{after.status}", after, delivery.risk, (delivery.warning,))
    if turn.state.held:
        for freed in ordering.freed(turn.state, turn.now):
            why = freed.reasons[-1] if freed.reasons else None
            turn.put("delivery.due", freed, freed.risk, (freed.behind,), why=why)


def expire(turn: Turn, delivery: Delivery) -> None:
    """A copy that does not leave any more."""
    over = replace(delivery, status="expired", reasons=(*delivery.reasons, ladder.EXPIRED))
    turn.put("delivery.expired", over, delivery.risk, why=ladder.EXPIRED)


def hand_over(house: House, delivery: Delivery, warning: Warning, now: datetime) -> Receipt | None:
    """One attempt; none where an attempt that the journal does not know yet has already ended (the
    process was killed between the two). None where the message is over, or another follows it. It
    decides nothing and writes no journal, so it needs no turn. `hand_over_many` does the same for many."""
    (told,) = house.outbox.ended([(delivery.id, delivery.attempts)])
    if told is not None:
        return _receipt(told)
    if not delivery.digest and ladder.outdated(warning, now):
        return None
    attempt = house.outbox.begin(delivery.id, now)
    receipt = _deliver(house, house.parcel(delivery, warning, attempt.repeat or delivery.again))
    house.outbox.finish(attempt, _outcome(receipt), receipt.detail, now)
    return receipt


def hand_over_many(
    house: House,
    state: State,
    batch: Sequence[Delivery],
    clock: Callable[[], datetime],
    stopped: Callable[[], bool] = lambda: False,
) -> list[tuple[str, Receipt | None]]:
    """One attempt at each delivery of one channel, as `hand_over` makes it, with one durable step before
    all of them; what came of each. A channel that takes many in one exchange gets them so. The end of each
    message is looked at again right before it leaves. `stopped`: no further one is begun; what was not
    handed over is missing in the answer, and is as if nobody had tried."""
    now = clock()
    over = [d for d in batch if not d.digest and ladder.outdated(state.warnings[d.warning], now)]
    gone = {delivery.id for delivery in over}
    known = house.outbox.ended([(d.id, d.attempts) for d in over])
    outcomes: list[tuple[str, Receipt | None]] = [
        (delivery.id, _receipt(told) if told else None) for delivery, told in zip(over, known, strict=True)
    ]
    open_ = [delivery for delivery in batch if delivery.id not in gone]
    if not open_:
        return outcomes
    attempts = house.outbox.begin_many([(d.id, d.attempts) for d in open_], now)
    parcels: list[tuple[Attempt, Parcel]] = []
    for delivery, attempt in zip(open_, attempts, strict=True):
        if attempt.outcome is not None:
            outcomes.append((delivery.id, _receipt(attempt)))
            continue
        repeat = attempt.repeat or delivery.again
        parcels.append((attempt, house.parcel(delivery, state.warnings[delivery.warning], repeat)))
    outcomes += _carry(house, parcels, clock, stopped)
    return outcomes


def _carry(
    house: House,
    parcels: Sequence[tuple[Attempt, Parcel]],
    clock: Callable[[], datetime],
    stopped: Callable[[], bool],
) -> list[tuple[str, Receipt | None]]:
    """Parcels whose attempts have begun to their channel; every attempt is closed when it returns."""
    outcomes: list[tuple[str, Receipt | None]] = []
    ends: list[tuple[Attempt, str, str]] = []
    written = monotonic()
    channel = _channel(house, parcels[0][1].delivery.channel) if parcels else None
    if len(parcels) > 1 and isinstance(channel, Batched) and getattr(channel, "batched", True):
        receipts = channel.deliver_many([parcel for _, parcel in parcels])
        for (attempt, parcel), receipt in zip(parcels, receipts, strict=True):
            ends.append((attempt, _outcome(receipt), receipt.detail))
            outcomes.append((parcel.delivery.id, receipt))
        house.outbox.finish_many(ends, clock())
        return outcomes
    for attempt, parcel in parcels:
        if stopped():
            ends.append((attempt, "not_sent", "the service stopped first"))
            continue
        if not parcel.delivery.digest and ladder.outdated(parcel.warning, clock()):
            ends.append((attempt, "not_sent", "its warning was over first"))
            outcomes.append((parcel.delivery.id, None))
            continue
        receipt = _deliver(house, parcel)
        ends.append((attempt, _outcome(receipt), receipt.detail))
        outcomes.append((parcel.delivery.id, receipt))
        if monotonic() - written > GROUP:
            # a slow peer: what a kill would repeat stays at one message
            house.outbox.finish_many(ends, clock())
            ends, written = [], monotonic()
    house.outbox.finish_many(ends, clock())
    return outcomes


def _channel(house: House, id: str) -> Channel | None:
    try:
        return house.channel(id)
    except AnlanError:
        return None


def _deliver(house: House, parcel: Parcel) -> Receipt:
    try:
        return house.channel(parcel.delivery.channel).deliver(parcel)
    except StoreUnavailable:
        raise
    except AnlanError as error:
        # a channel that is not configured, or not rightly: it may be by the next attempt
        return Receipt(False, f"no_channel: {error.sentence()}", transient=True)


def _outcome(receipt: Receipt) -> str:
    if receipt.accepted:
        return "accepted"
    if receipt.transient:
        return "doubtful" if receipt.doubtful else "failed"
    return "refused"


def _receipt(told: Attempt) -> Receipt:
    transient = told.outcome in ("failed", "doubtful")
    doubtful = told.outcome == "doubtful"
    return Receipt(told.outcome == "accepted", told.detail, transient=transient, doubtful=doubtful)
