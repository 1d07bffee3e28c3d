"""What holds for every channel, in one place: what may not leave by it, and that it never raises."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from anlan.formats.cap import CapAlert, read
from anlan.model.errors import BadInput, StoreUnavailable
from anlan.ports.channel import Addressed, Asked, Batched, Channel, Parcel, Poised, Receipt


class Guarded:
    """A channel that looks at each parcel first. The message's own bytes are read, not only the
    warning beside them: it is the bytes that leave."""

    def __init__(self, channel: Channel) -> None:
        self.inner = channel
        self.id = channel.id
        self.public = channel.public
        self.at_once: int = getattr(channel, "at_once", 1)
        self.repeats: int | None = getattr(channel, "repeats", 1)
        self.asks: bool = isinstance(channel, Asked) and channel.asks
        self._read: tuple[bytes, CapAlert] | None = None

    def deliver(self, parcel: Parcel) -> Receipt:
        """The channel's receipt, or a refusal: message_unreadable, identity_mismatch, exercise_barred,
        scope_barred. A channel that raises all the same yields channel_failed, which may be retried."""
        refusal = self._refusal(parcel)
        if refusal:
            return Receipt(False, refusal)
        try:
            return self.inner.deliver(parcel)
        except Exception as error:
            return _failed(error)

    @property
    def poised(self) -> bool:
        """Whether the channel can hold a message back at its last byte."""
        return isinstance(self.inner, Poised)

    def deliver_poised(self, parcel: Parcel, leave: Callable[[], None]) -> Receipt:
        """As `deliver`. By a channel that cannot hold it back it leaves before that is called. A store that
        does not take that it leaves (StoreUnavailable) goes up."""
        refusal = self._refusal(parcel)
        if refusal:
            return Receipt(False, refusal)
        try:
            if isinstance(self.inner, Poised):
                return self.inner.deliver_poised(parcel, leave)
            leave()
            return self.inner.deliver(parcel)
        except StoreUnavailable:
            raise
        except Exception as error:
            return _failed(error)

    @property
    def batched(self) -> bool:
        """Whether the channel takes many parcels in one exchange."""
        return isinstance(self.inner, Batched)

    def deliver_many(self, parcels: Sequence[Parcel]) -> list[Receipt]:
        """As `deliver` for each, in order; those that may leave in one exchange where the channel can."""
        if not isinstance(self.inner, Batched):
            return [self.deliver(parcel) for parcel in parcels]
        receipts = [Receipt(False, self._refusal(parcel)) for parcel in parcels]
        may = [number for number, receipt in enumerate(receipts) if not receipt.detail]
        try:
            told = self.inner.deliver_many([parcels[number] for number in may]) if may else ()
        except Exception as error:
            told = [_failed(error)] * len(may)
        if len(told) != len(may):
            told = [_failed(ValueError(f"{len(told)} receipts for {len(may)} parcels"))] * len(may)
        for number, receipt in zip(may, told, strict=True):
            receipts[number] = receipt
        return receipts

    def holds(self, parcels: Sequence[Parcel]) -> Sequence[bool | Receipt]:
        """What the channel's far end says it has; a receipt that is not transient where it is not asked."""
        if not isinstance(self.inner, Asked) or not self.asks:
            none = Receipt(False, "not_asked: this channel's far end is not asked what it has")
            return [none] * len(parcels)
        try:
            held = self.inner.holds(parcels)
        except Exception as error:
            return [replace(_failed(error), doubtful=False)] * len(parcels)
        if len(held) != len(parcels):
            short = ValueError(f"{len(held)} answers for {len(parcels)} parcels")
            return [replace(_failed(short), doubtful=False)] * len(parcels)
        return held

    def misaddressed(self, address: str) -> str:
        """What the channel sees to be wrong with an address; the empty string where it does not say."""
        return self.inner.misaddressed(address) if isinstance(self.inner, Addressed) else ""

    def tidy(self, now: datetime) -> None:
        """Let the channel take out what is over (a feed does); nothing for those that keep nothing. OSError
        when the disk does not take it."""
        tidy = getattr(self.inner, "tidy", None)
        if tidy is not None:
            tidy(now)

    def _refusal(self, parcel: Parcel) -> str:
        """Why it may not leave, or the empty string. The bytes of one message are read once, however many
        recipients they go to."""
        known = self._read
        if known is not None and (known[0] is parcel.cap or known[0] == parcel.cap):
            return refused(parcel, known[1], self.public)
        try:
            message = read(parcel.cap, parcel.warning.id)
        except BadInput as error:
            return f"message_unreadable: {error.sentence()}"
        self._read = (parcel.cap, message)
        return refused(parcel, message, self.public)


def _failed(error: Exception) -> Receipt:
    return Receipt(False, f"channel_failed: {type(error).__name__}: {error}", transient=True, doubtful=True)


def refused(parcel: Parcel, message: CapAlert, public: bool) -> str:
    """`code: sentence` of why the parcel may not leave, or the empty string. A message that is not
    Actual never reaches the public; nor does one that is not of public scope (CAP 1.2, section 3.2.1)."""
    warning = parcel.warning
    if message.identifier != warning.identifier or parcel.delivery.warning != warning.id:
        return (
            f"identity_mismatch: the bytes are {message.identifier}, the warning {warning.identifier}, "
            f"the delivery is of {parcel.delivery.warning}"
        )
    if message.status != warning.mode:
        return f"identity_mismatch: the bytes are {message.status}, the warning {warning.mode}"
    if not public:
        return ""
    if message.status != "Actual":
        return f"exercise_barred: a message of status {message.status} does not leave by a public channel"
    if message.scope != "Public":
        return f"scope_barred: a message of scope {message.scope} does not leave by a public channel"
    return ""
