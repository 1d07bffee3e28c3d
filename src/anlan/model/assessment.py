"""An assessment thread: the identity of a risk from here to the closed incident."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from anlan.model.checks import one_of, sound
from anlan.model.domain import level
from anlan.model.errors import InvalidValue
from anlan.model.reason import Reason
from anlan.model.text import Text

STATUSES = ("automatic", "reviewed", "final")
VERDICTS = ("open", "confirmed", "dismissed", "merged", "split", "closed")


@dataclass(frozen=True, slots=True)
class Assessment:
    """`id` is the risk's one identity (`R-…`). `status`: automatic, reviewed, final. `verdict`: open,
    confirmed, dismissed, merged, split, closed. `level` None means no level now; `state`: known,
    unknown. `highest` is the most severe level it ever had. `findings` in order of arrival. `judged`: the
    level that a person set, which stands beside those of the findings until a person changes it;
    `cell` the `matrix/row/column` it was read off, "" where it was set outright."""

    id: str
    hazard: str
    domain: str
    place: str
    title: Text
    opened: datetime
    updated: datetime
    status: str
    verdict: str
    state: str
    level: int | None
    highest: int | None
    findings: tuple[str, ...]
    reasons: tuple[Reason, ...] = ()
    by: str = ""
    merged_into: str = ""
    split_from: str = ""
    judged: int | None = None
    cell: str = ""

    def __post_init__(self) -> None:
        sound(self)
        one_of(self.status, STATUSES, "assessment.status")
        one_of(self.verdict, VERDICTS, "assessment.verdict")
        one_of(self.state, ("known", "unknown"), "assessment.state")
        for number in (self.level, self.highest, self.judged):
            if number is not None:
                level(number, "assessment.level")
        if len(set(self.findings)) < len(self.findings):
            raise InvalidValue("a finding stands twice in a thread", where=f"assessment {self.id}")
