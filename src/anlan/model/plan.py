"""Plans: who does what by when, at which response level."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
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
    """Public words of a warning. Placeholders: {area} {level} {colour} {value} {unit} {hazard} {issuer}
    {starts} {expires} {finding}. `measures`: what to do. `cancel`: the words that lift the warning.
    `correct`: the headline of a message that corrects an earlier one, written beforehand because nobody
    writes well in that minute; a pack in service has it for every plan."""

    headline: Text
    matters: Text
    measures: Text
    cancel: Text
    correct: Text | None = None


@dataclass(frozen=True, slots=True)
class Words:
    """Words of a plan's template for some of its `hazards` and `levels` (empty: all): what is given here
    stands in place of the template's. The first that fits is taken."""

    levels: tuple[int, ...] = ()
    hazards: tuple[str, ...] = ()
    headline: Text | None = None
    matters: Text | None = None
    measures: Text | None = None
    cancel: Text | None = None
    correct: Text | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan for hazards at places. `opens_at`: an approved warning of this level or more severe opens
    an incident. `response`: warning level -> response level. `warn_at`: findings of this level or
    more severe draft a warning, issued by `issuer`, valid for `valid`. `stand_down_after`: the risk
    has had no level for so long before stand-down is proposed. `words`: the template's words where a
    hazard or a level has its own."""

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
    words: tuple[Words, ...] = ()
    validity: Validity = field(default_factory=Validity)

    def __post_init__(self) -> None:
        level(self.warn_at, f"plan {self.id}.warn_at")
        level(self.opens_at, f"plan {self.id}.opens_at")

    def template_for(self, hazard: str, level: int) -> Template:
        """The template with the words of that hazard and level in it."""
        for words in self.words:
            if (not words.hazards or hazard in words.hazards) and (not words.levels or level in words.levels):
                given = {name: getattr(words, name) for name in _WORDS if getattr(words, name) is not None}
                return replace(self.template, **given)
        return self.template


_WORDS = ("headline", "matters", "measures", "cancel", "correct")
