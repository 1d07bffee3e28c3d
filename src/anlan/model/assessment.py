"""An assessment thread: the identity of a risk from here to the closed incident."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from anlan.model.reason import Reason
from anlan.model.text import Text


@dataclass(frozen=True, slots=True)
class Assessment:
    """`id` is the risk's one identity (`R-…`). `status`: automatic, reviewed, final. `verdict`: open,
    confirmed, dismissed, merged, split, closed. `level` None means no level now; `state`: known,
    unknown. `highest` is the most severe level it ever had. `findings` in order of arrival."""

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
