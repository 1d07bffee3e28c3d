"""One recipient's copy of one warning, on its way and after."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from anlan.model.checks import one_of
from anlan.model.reason import Reason
from anlan.model.time import utc

#: held: an earlier message is still on its way to the same recipient. due, failed: to be handed over, for
#: the first time or again. accepted: the next system has it. delivered, read: its receipts say so.
#: answered; given_up: no further attempt; unknown: it may have arrived, and its marked repeat too, and no
#: further copy goes by itself; expired: its warning was over before it could leave.
DELIVERY_STATUSES = (
    "held",
    "due",
    "accepted",
    "delivered",
    "read",
    "failed",
    "given_up",
    "expired",
    "answered",
    "unknown",
)
#: what is still to be handed over
TO_SEND = ("due", "failed")
#: not tried again by itself, and not known to have arrived: dead letters
DEAD = ("given_up", "unknown")
#: told, being told, or beyond reach: an answer may be missing
ASKED = ("held", "due", "accepted", "delivered", "read", "failed", "given_up", "unknown")
#: reasons that mark a missing answer for good, until the next round of calling
MARKS = ("no_answer", "ladder_ended", "other_answered")
#: reasons that say what came of an attempt that went wrong
WENT_WRONG = ("peer_failed", "peer_refused", "arrival_unknown")
#: the reason that begins another round: the answer held only for so long
LAPSED = "answer_lapsed"


@dataclass(frozen=True, slots=True)
class Call:
    """What a call to somebody who must answer goes by (叫应); fixed when the call begins, so that a pack
    that changes does not move a clock that runs.

    `began`: the round's first call. `tries`: calls made in this round, of `most`; the next one at
    `again_at`, `every` after the one before. `call_by`: must have been handed over by then. `holds`: how
    long an answer holds, `holds_until` until when this one does. `round` 0 is the first; each answer that
    lapses begins another. `not_reached`: recipient ids of the rung below who have not answered, as the
    caller is told."""

    began: datetime
    most: int = 1
    tries: int = 1
    again_at: datetime | None = None
    every: timedelta | None = None
    call_by: datetime | None = None
    holds: timedelta | None = None
    holds_until: datetime | None = None
    round: int = 0
    not_reached: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Delivery:
    """One recipient's copy of one warning. `status`: held, due, accepted, delivered, read, failed, given_up,
    expired, answered, unknown. `rung` 0 is the first call; higher rungs are the escalation ladder. `due` is
    when it is to be sent, `answer_by` when the ladder climbs without an answer. `accepted`: the next system
    took it over; `delivered`, `read`: what its receipts said. `attempts`: how many have ended; `before`: how
    many of them belong to earlier calls or were before it was sent again, which the waits between attempts do
    not count. `again`: this copy is sent again on purpose, and is marked as a repeat. `behind`: the earlier
    delivery it waits for. `digest`: the list of held messages that this copy carries, in place of its warning
    alone."""

    id: str
    warning: str
    risk: str
    recipient: str
    channel: str
    rung: int
    status: str
    due: datetime
    answer_by: datetime | None = None
    accepted: datetime | None = None
    answered: datetime | None = None
    answer: str = ""
    attempts: int = 0
    reasons: tuple[Reason, ...] = ()
    delivered: datetime | None = None
    read: datetime | None = None
    before: int = 0
    again: bool = False
    behind: str = ""
    call: Call | None = field(default=None)
    digest: str = ""

    def __post_init__(self) -> None:
        # by name and not by `sound`: a message to ten thousand makes ten thousand of these
        utc(self.due, "delivery.due")
        for name in ("answer_by", "accepted", "answered", "delivered", "read"):
            held = getattr(self, name)
            if held is not None:
                utc(held, f"delivery.{name}")
        one_of(self.status, DELIVERY_STATUSES, "delivery.status")

    @property
    def marked(self) -> bool:
        """The missing answer of this round of calling is marked."""
        for reason in reversed(self.reasons):
            if reason.code in MARKS:
                return True
            if reason.code == LAPSED:
                return False
        return False

    @property
    def trouble(self) -> tuple[Reason, ...]:
        """What its peer said last, where that went wrong, and its last reason: why it stands as it does."""
        last = self.reasons[-1:]
        said = [reason for reason in self.reasons[:-1] if reason.code in WENT_WRONG][-1:]
        return (*said, *last) if last and last[0].code in MARKS else last

    @property
    def unanswered(self) -> bool:
        """Told, being told, or beyond reach, with no answer yet."""
        return self.answered is None and self.status in ASKED

    def wakes(self) -> datetime | None:
        """When its ladder next has something to do; None where nothing is waited for."""
        call = self.call
        if self.answered is not None:
            return call.holds_until if call else None
        if self.answer_by is None or self.status not in ASKED or self.marked:
            return None
        if self.status == "given_up":
            return min(self.due, self.answer_by)
        times = [self.answer_by]
        if call is not None:
            if call.again_at is not None and self.status not in TO_SEND:
                times.append(call.again_at)
            if call.call_by is not None and self.accepted is None:
                times.append(call.call_by)
        return min(times)
