"""Messages leave, and what came of them is settled.

An attempt is written down before its channel is called and closed after it has spoken (the outbox), so that
a kill between the two is known at the next start. Handing over decides nothing and needs no turn: only what
came of it is journalled.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime
from time import monotonic

from anlan.model.errors import AnlanError, StoreUnavailable
from anlan.model.state import State
from anlan.model.warning import Delivery, Warning
from anlan.ports.channel import Asked, Batched, Channel, Parcel, Poised, Receipt
from anlan.ports.house import House
from anlan.ports.outbox import Attempt, Wanted
from anlan.turn import Turn
from anlan.warn import contact, ladder, mailing, ordering

#: ends of attempts that follow each other faster than this are written down together (seconds)
GROUP = 0.05


def deliver(turn: Turn, doubted: Collection[str] = ()) -> None:
    """After the commit: hand over everything due, and journal what the peers said. Those `doubted` go first
    and one by one, so that another kill finds one of them in doubt again, and not all; they are journalled
    in their turn, so that a kill leaves no trace in the order of the journal."""
    ahead: dict[str, Receipt | None] = {}
    for delivery in due_now(turn.state, turn.now):
        if delivery.id in doubted:
            ahead |= hand_over_many(turn.house, turn.state, [delivery], lambda: turn.now)
    while due := due_now(turn.state, turn.now):
        for channel in dict.fromkeys(delivery.channel for delivery in due):
            batch = [delivery for delivery in due if delivery.channel == channel]
            fresh = [delivery for delivery in batch if delivery.id not in ahead]
            told = dict(hand_over_many(turn.house, turn.state, fresh, lambda: turn.now))
            settle_many(turn, [(d.id, ahead.pop(d.id) if d.id in ahead else told[d.id]) for d in batch])
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
            doubtful=receipt.doubtful,
        )
        if after.status == "failed" and _over(turn, after):
            # it ended while the attempt was made: there is no next one
            after = ladder.ended(after)
        why = ladder.EXPIRED if after.status == "expired" else None
        turn.put(f"delivery.{after.status}", after, delivery.risk, (delivery.warning,), why=why)
    if turn.state.held:
        for freed in ordering.freed(turn.state, turn.now):
            why = freed.reasons[-1] if freed.reasons else None
            turn.put("delivery.due", freed, freed.risk, (freed.behind,), why=why)


def expire(turn: Turn, delivery: Delivery) -> None:
    """A copy that does not leave any more."""
    turn.put("delivery.expired", ladder.ended(delivery), delivery.risk, why=ladder.EXPIRED)


def expire_waiting(turn: Turn, warning: str) -> None:
    """Copies of a message that is over, or followed, which only wait. One that is being handed over is left
    to what comes of it."""
    for copy in turn.state.in_order(turn.state.copies.get(warning, ())):
        if ladder.as_it_stands(copy, turn.state.warnings[warning], turn.now) is not copy:
            expire(turn, copy)


def _over(turn: Turn, delivery: Delivery) -> bool:
    warning = turn.state.warnings.get(delivery.warning)
    return warning is not None and not delivery.digest and ladder.outdated(warning, turn.now)


def hand_over(house: House, delivery: Delivery, warning: Warning, now: datetime) -> Receipt | None:
    """One attempt; none where an attempt that the journal does not know yet has already ended (the
    process was killed between the two). None where the message is over, or another follows it. It
    decides nothing and writes no journal, so it needs no turn. `hand_over_many` does the same for many."""
    (told,) = house.outbox.ended([_wanted(delivery)])
    if told is not None:
        return _receipt(told)
    if not delivery.digest and ladder.outdated(warning, now):
        return None
    attempt = house.outbox.begin(delivery.id, now, delivery.before)
    parcel = house.parcel(delivery, warning, attempt.repeat or delivery.again)
    channel = _channel(house, delivery.channel)
    receipt = resolved(channel, [(attempt, parcel)])[0]
    if receipt is None:
        receipt = last(channel, attempt, _deliver(house, attempt, parcel))
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
    messages = {id: message(house, state, id) for id in {d.warning for d in batch}}
    over = [d for d in batch if not d.digest and ladder.outdated(messages[d.warning], now)]
    gone = {delivery.id for delivery in over}
    known = house.outbox.ended([_wanted(d) for d in over])
    outcomes: list[tuple[str, Receipt | None]] = [
        (delivery.id, _receipt(told) if told else None) for delivery, told in zip(over, known, strict=True)
    ]
    open_ = [delivery for delivery in batch if delivery.id not in gone]
    if not open_:
        return outcomes
    # the words before the attempt: a kill while they are made leaves nothing in doubt
    made = [house.parcel(d, messages[d.warning], d.again) for d in open_]
    attempts = house.outbox.begin_many([_wanted(d) for d in open_], now)
    parcels: list[tuple[Attempt, Parcel]] = []
    for parcel, attempt in zip(made, attempts, strict=True):
        if attempt.outcome is not None:
            outcomes.append((parcel.delivery.id, _receipt(attempt)))
        elif attempt.repeat and not parcel.repeat:
            parcels.append((attempt, house.parcel(parcel.delivery, parcel.warning, True)))
        else:
            parcels.append((attempt, parcel))
    outcomes += _carry(house, parcels, clock, stopped)
    return outcomes


def message(house: House, state: State, id: str) -> Warning:
    """What a delivery carries: a warning, or the test of a contact in the same form."""
    test = state.contact_tests.get(id)
    return contact.message(test, house.pack) if test is not None else state.warnings[id]


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

    def told(attempt: Attempt, parcel: Parcel, receipt: Receipt) -> None:
        ends.append((attempt, _outcome(receipt), receipt.detail))
        outcomes.append((parcel.delivery.id, receipt))

    leave: list[tuple[Attempt, Parcel]] = []
    for (attempt, parcel), receipt in zip(parcels, resolved(channel, parcels), strict=True):
        if receipt is None:
            leave.append((attempt, parcel))
        else:
            told(attempt, parcel, receipt)
    if len(leave) > 1 and isinstance(channel, Batched) and getattr(channel, "batched", True):
        house.outbox.leaves([attempt for attempt, _ in leave])
        receipts = channel.deliver_many([parcel for _, parcel in leave])
        house.outbox.taken([one for (one, _), r in zip(leave, receipts, strict=True) if r.accepted])
        for (attempt, parcel), receipt in zip(leave, receipts, strict=True):
            told(attempt, parcel, last(channel, attempt, receipt))
        house.outbox.finish_many(ends, clock())
        return outcomes
    for attempt, parcel in leave:
        if stopped():
            ends.append((attempt, "not_sent", "the service stopped first"))
            continue
        if not parcel.delivery.digest and ladder.outdated(parcel.warning, clock()):
            ends.append((attempt, "not_sent", "its warning was over first"))
            outcomes.append((parcel.delivery.id, None))
            continue
        told(attempt, parcel, last(channel, attempt, _deliver(house, attempt, parcel)))
        if monotonic() - written > GROUP:
            # a slow peer: what a kill would repeat stays at one message
            house.outbox.finish_many(ends, clock())
            ends.clear()
            written = monotonic()
    house.outbox.finish_many(ends, clock())
    return outcomes


# ── what is in doubt ─────────────────────────────────────────────────────────────────────────────
#
# Of an attempt that a kill cut short, or in which the far end took the message and died, nobody here knows
# whether it arrived. Where the far end can be asked, it is, and what it has does not go again. Where a
# further copy changes nothing there, it goes again as often as it takes. Everywhere else one copy follows,
# marked as a repeat; where that one is in doubt as well, the delivery is unknown: a third copy would break
# the promise of at most one repeat, silence would break that of losing nobody, so a person decides.


def resolved(channel: Channel | None, parcels: Sequence[tuple[Attempt, Parcel]]) -> Sequence[Receipt | None]:
    """For each attempt that has begun, the receipt where its parcel does not leave: the far end has it, or
    does not say now whether it has, or as many copies in doubt have left as may. None for the others."""
    receipts: list[Receipt | None] = [None] * len(parcels)
    doubted = [number for number, (attempt, _) in enumerate(parcels) if attempt.doubts]
    if not doubted:
        return receipts
    unasked = doubted
    if asks(channel) and isinstance(channel, Asked):
        unasked = []
        told = channel.holds([parcels[number][1] for number in doubted])
        for number, has in zip(doubted, told, strict=True):
            if isinstance(has, bool):
                receipts[number] = HELD if has else None
            elif has.transient:
                receipts[number] = has
            else:
                unasked.append(number)
    most: int | None = getattr(channel, "repeats", 1)
    for number in unasked:
        if most is not None and parcels[number][0].doubts > most:
            receipts[number] = IN_DOUBT
    return receipts


def last(channel: Channel | None, attempt: Attempt, receipt: Receipt) -> Receipt:
    """The receipt of an attempt; not to be tried again where it is in doubt and no further copy may go."""
    most: int | None = getattr(channel, "repeats", 1)
    if receipt.transient and receipt.doubtful and most is not None and not asks(channel):
        return replace(receipt, transient=attempt.doubts < most)
    return receipt


def asks(channel: Channel | None) -> bool:
    """Whether the far end of a channel says what it has."""
    return bool(getattr(channel, "asks", False))


HELD = Receipt(True, "held: the far end has had it since an earlier attempt")
IN_DOUBT = Receipt(False, "in_doubt: this copy and its marked repeat were cut short", doubtful=True)


def _channel(house: House, id: str) -> Channel | None:
    try:
        return house.channel(id)
    except AnlanError:
        return None


def _deliver(house: House, attempt: Attempt, parcel: Parcel) -> Receipt:
    """By the channel; that it leaves is written down right before its last byte does, where the channel can
    hold that back, and before the channel is called elsewhere."""
    left: list[Attempt] = []

    def leave() -> None:
        house.outbox.leaves([attempt])
        left.append(attempt)

    try:
        channel = house.channel(parcel.delivery.channel)
        if isinstance(channel, Poised):
            receipt = channel.deliver_poised(parcel, leave)
        else:
            leave()
            receipt = channel.deliver(parcel)
    except StoreUnavailable:
        raise
    except AnlanError as error:
        # a channel that is not configured, or not rightly: it may be by the next attempt
        return Receipt(False, f"no_channel: {error.sentence()}", transient=True)
    if receipt.accepted:
        house.outbox.taken([attempt])
    # what has not left cannot have arrived
    return receipt if left else replace(receipt, doubtful=False)


def _outcome(receipt: Receipt) -> str:
    if receipt.accepted:
        return "accepted"
    if receipt.transient:
        return "doubtful" if receipt.doubtful else "failed"
    return "unknown" if receipt.doubtful else "refused"


def _wanted(delivery: Delivery) -> Wanted:
    return Wanted(delivery.id, delivery.attempts, delivery.before)


def _receipt(told: Attempt) -> Receipt:
    transient = told.outcome in ("failed", "doubtful")
    doubtful = told.outcome in ("doubtful", "unknown")
    return Receipt(told.outcome == "accepted", told.detail, transient=transient, doubtful=doubtful)
