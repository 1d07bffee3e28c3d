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


#: who must answer on a rung: every one for itself, or one for all
ANSWERS = ("all", "any")


@dataclass(frozen=True, slots=True)
class Template:
    """Public words of a warning. Placeholders: {area} {level} {colour} {value} {unit} {hazard} {issuer}
    {starts} {expires} {finding}; the two instants are told in the `cap.zone` of the settings, as the rest of
    the message tells its own. `measures`: what to do. `cancel`: the words that lift the warning.
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
    hazard or a level has its own.

    Calling until somebody answers (叫应): `call_within`: a call that has not been handed over so long after
    it was due is marked as late. `tries`: how often somebody who does not answer is called before the next
    rung is, spread evenly over `try_span`. `try_span`: the time that those tries have; left out, the wait
    of the rung. `escalate_to`: whom to call next with the list of those not reached, a ladder of one rung
    after `try_span`; left out where `rung` says it. `answers`: all, everybody on a rung answers for itself,
    or any, one answer stands for the rung. `answer_holds`: an answer holds for so long, then they are
    called again while the message is in force; left out, it holds to the end."""

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
    call_within: timedelta | None = None
    tries: int = 1
    try_span: timedelta | None = None
    escalate_to: tuple[str, ...] = ()
    answers: str = "all"
    answer_holds: timedelta | None = None
    validity: Validity = field(default_factory=Validity)

    def __post_init__(self) -> None:
        level(self.warn_at, f"plan {self.id}.warn_at")
        level(self.opens_at, f"plan {self.id}.opens_at")

    @property
    def steps(self) -> tuple[Rung, ...]:
        """The ladder as it is climbed: its rungs, or the one that `escalate_to` makes, with an end at which
        those called last are waited for too."""
        if self.ladder or not self.escalate_to or self.try_span is None:
            return self.ladder
        return (Rung(self.try_span, self.escalate_to), Rung(self.try_span, ()))

    def template_for(self, hazard: str, level: int) -> Template:
        """The template with the words of that hazard and level in it."""
        for words in self.words:
            if (not words.hazards or hazard in words.hazards) and (not words.levels or level in words.levels):
                given = {name: getattr(words, name) for name in _WORDS if getattr(words, name) is not None}
                return replace(self.template, **given)
        return self.template


_WORDS = ("headline", "matters", "measures", "cancel", "correct")
