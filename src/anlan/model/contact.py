"""A test of a contact: a message that only asks whether it arrives."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from anlan.model.checks import sound


@dataclass(frozen=True, slots=True)
class ContactTest:
    """A message to one `recipient`, of status Test, sent at `at` by the person `by`, to be answered by
    `answer_by`. What became of it is its delivery's to say: the one whose `warning` is this id."""

    id: str
    recipient: str
    channel: str
    by: str
    at: datetime
    answer_by: datetime

    def __post_init__(self) -> None:
        sound(self)
