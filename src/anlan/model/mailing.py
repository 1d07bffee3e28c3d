"""One row of the journal for a message to very many: the same for all of them but for who they are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from anlan.model.checks import one_of, sound
from anlan.model.delivery import Delivery
from anlan.model.errors import InvalidValue

STATUSES = ("due", "accepted")


@dataclass(frozen=True, slots=True)
class Mailing:
    """The copies of one message that leave by one channel on one rung, nothing asked of their recipients.
    `status` due: these deliveries came to be at `at`; accepted: they were handed over at `at`, each at its
    first attempt. `ids` are those of the deliveries, `recipients` whom they are to (only with due), in the
    same order. Whatever else becomes of one of them is a row of its own."""

    id: str
    warning: str
    risk: str
    channel: str
    rung: int
    status: str
    at: datetime
    ids: tuple[str, ...]
    recipients: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        sound(self)
        one_of(self.status, STATUSES, "mailing.status")
        if self.status == "due" and len(self.ids) != len(self.recipients):
            raise InvalidValue(
                "not one id for each recipient",
                where="mailing.ids",
                found=f"{len(self.ids)} ids, {len(self.recipients)} recipients",
            )

    def begun(self) -> list[Delivery]:
        """The deliveries as they came to be."""
        return [
            Delivery(id, self.warning, self.risk, recipient, self.channel, self.rung, "due", self.at)
            for id, recipient in zip(self.ids, self.recipients, strict=True)
        ]

    def accepted(self, delivery: Delivery) -> Delivery:
        """One of them, handed over."""
        return replace(delivery, status="accepted", accepted=self.at, attempts=delivery.attempts + 1)


def plain(delivery: Delivery) -> bool:
    """Whether it has nothing of its own to say: nothing asked, tried, told or held."""
    return (
        delivery.status == "due"
        and delivery.answer_by is None
        and delivery.call is None
        and not (
            delivery.attempts or delivery.reasons or delivery.again or delivery.behind or delivery.digest
        )
        and delivery.delivered is None
        and delivery.read is None
        and delivery.answered is None
    )
