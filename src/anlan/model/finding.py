"""A finding: what a rule says about an indicator at a place, as known then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from anlan.model.checks import one_of, sound
from anlan.model.domain import level
from anlan.model.reason import Reason
from anlan.model.text import Text

CHANGES = ("raised", "lowered", "ended", "unknown", "known")
STATES = ("known", "unknown")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a finding was computed from, enough to compute it again: the newest `known` it may see,
    the window of `at`, how many observations, and the SHA-256 over them in canonical form."""

    known: datetime
    since: datetime
    until: datetime
    observations: int
    digest: str

    def __post_init__(self) -> None:
        sound(self)


@dataclass(frozen=True, slots=True)
class Finding:
    """`change`: raised, lowered, ended, unknown, known. `level` None: no level (ended or unknown).
    Numbers are None where the detector gives none. `pack` is the digest of the pack it was made
    with; `event` the event's id for event streams. `grounds`: how surprising the value is, how sure the
    answer, what is missing from the history it rests on, how this rule did on recorded history."""

    id: str
    rule: str
    indicator: str
    hazard: str
    domain: str
    place: str
    at: datetime
    known: datetime
    change: str
    state: str
    level: int | None
    value: float | None
    expected: float | None
    threshold: float | None
    score: float | None
    p_value: float | None
    unit: str
    sentence: Text
    reasons: tuple[Reason, ...]
    evidence: Evidence
    pack: str
    event: str = ""
    grounds: tuple[Text, ...] = ()

    def __post_init__(self) -> None:
        sound(self)
        one_of(self.change, CHANGES, "finding.change")
        one_of(self.state, STATES, "finding.state")
        if self.level is not None:
            level(self.level, "finding.level")
