"""Plans: who does what by when, at which response level."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from anlan.model.domain import level
from anlan.model.text import Text
from anlan.model.time import Validity


@dataclass(frozen=True, slots=True)
class PlanTask:
    """`within`: due so long after activation; `levels`: response levels at which it applies."""

    id: str
    title: Text
    owner: str
    within: timedelta
    basis: str = ""
    levels: tuple[int, ...] = ()
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of the answer-required ladder: `after` without an answer, tell `recipients`."""

    after: timedelta
    recipients: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Template:
    """Public words of a warning by hazard. Placeholders: {area} {level} {colour} {value} {unit}
    {hazard} {issuer} {starts} {expires}. `measures`: what to do."""

    headline: Text
    matters: Text
    measures: Text
    cancel: Text


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan for hazards at places. `opens_at`: an approved warning of this level or more severe opens
    an incident. `response`: warning level -> response level. `warn_at`: findings of this level or
    more severe draft a warning, issued by `issuer`, valid for `valid`. `stand_down_after`: the risk
    has had no level for so long before stand-down is proposed."""

    id: str
    title: Text
    hazards: tuple[str, ...]
    places: tuple[str, ...]
    issuer: str
    warn_at: int
    opens_at: int
    response: dict[str, int]
    lead: str
    valid: timedelta
    template: Template
    tasks: tuple[PlanTask, ...]
    recipients: tuple[str, ...]
    basis: str
    ladder: tuple[Rung, ...] = ()
    stand_down_after: timedelta = timedelta(days=7)
    validity: Validity = field(default_factory=Validity)

    def __post_init__(self) -> None:
        level(self.warn_at, f"plan {self.id}.warn_at")
        level(self.opens_at, f"plan {self.id}.opens_at")
