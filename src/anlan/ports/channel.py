"""How a warning leaves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol, runtime_checkable

from anlan.model.warning import Delivery, Recipient, Warning


@dataclass(frozen=True, slots=True)
class Parcel:
    """One copy to hand over: the published bytes (CAP XML) and the words in the recipient's language.
    `repeat` True when an earlier attempt may already have arrived: the channel marks it. `answer_url`: where
    its recipient answers, one link for this copy; empty where no answer is asked or the workspace has no
    public address. `token`: what a receipt of this copy is sent with (see /v1/deliveries in the API).
    `prefaces`: what `body` begins with where an answer is asked or there is more to say of the call, by
    language; a channel that says less than the whole body says that of the languages that it keeps."""

    delivery: Delivery
    warning: Warning
    recipient: Recipient
    cap: bytes
    subject: str
    body: str
    repeat: bool = False
    answer_url: str = ""
    token: str = ""
    prefaces: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the peer said. `accepted` False is a refusal or failure; `transient` True when a retry may
    help; `retry_after`: not before so long, as the peer asked (RFC 9110, section 10.2.3). `delivered` True
    where the far end itself, not only a relay, has said that it has the message; `doubtful` True where it
    broke off so that the message may have arrived all the same: the next copy is marked as a repeat.
    `detail` holds no secret, nor an address that is one."""

    accepted: bool
    detail: str
    transient: bool = False
    retry_after: timedelta | None = None
    delivered: bool = False
    doubtful: bool = False


class Channel(Protocol):
    """`public` channels reach the public and refuse every message that is not Actual.

    A channel may also have `at_once` (int, 1 where it is missing): so many threads may call it at the same
    time. It may take several parcels in one call: see `Batched` (where one that can is wrapped in another
    object, `batched` of that object says whether). And it says what comes of a copy of which nobody knows
    whether it arrived: `repeats` (1 where it is missing) is how many marked copies follow it by themselves,
    None for as many as it takes, where a further copy changes nothing at the far end; with `asks` True the
    far end is asked first, see `Asked`. How little of an exchange a kill leaves in doubt: see `Poised`.
    Whether an address is one for it at all it says before anything is sent where it is `Addressed`."""

    id: str
    public: bool

    def deliver(self, parcel: Parcel) -> Receipt:
        """Hand over once. Never raises for a peer's failure: the receipt says it."""
        ...


@runtime_checkable
class Addressed(Protocol):
    """A channel that knows an address that is none for it."""

    def misaddressed(self, address: str) -> str:
        """What is wrong with it, without its secrets; the empty string where nothing is seen. Asks nobody."""
        ...


@runtime_checkable
class Batched(Protocol):
    """A channel that can also take many parcels in one exchange with its peer."""

    def deliver_many(self, parcels: Sequence[Parcel]) -> Sequence[Receipt]:
        """Hand over each once, in order; one receipt for each, in the same order, and each as
        `Channel.deliver` would give it. Never raises for a peer's failure."""
        ...


@runtime_checkable
class Poised(Protocol):
    """A channel that can hold a message back at its last byte until that may leave: only what a kill cuts
    short after it is in doubt, not what was on its way there (where one that can is wrapped in another
    object, `poised` of that object says whether)."""

    def deliver_poised(self, parcel: Parcel, leave: Callable[[], None]) -> Receipt:
        """As `Channel.deliver`; `leave` is called once, right before what makes the message whole at the far
        end leaves. Until then the far end cannot have taken it. It is not called where the message does not
        get so far; what it raises ends the exchange there and goes up to the caller."""
        ...


@runtime_checkable
class Asked(Protocol):
    """A channel whose far end says which copies it has, so that none need go a second time. `asks`: whether
    this one is set up so."""

    asks: bool

    def holds(self, parcels: Sequence[Parcel]) -> Sequence[bool | Receipt]:
        """For each, in order, whether its far end has accepted it; a receipt where that does not say:
        transient, and it may say later; not, and it cannot be asked. Never raises for a peer's failure."""
        ...
