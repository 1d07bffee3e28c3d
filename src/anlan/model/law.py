"""Laws with articles, and the powers and deadlines that rest on them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from anlan.model.text import Text
from anlan.model.time import Validity


@dataclass(frozen=True, slots=True)
class Article:
    """What one article says, restated in our own words."""

    number: str
    gist: Text


@dataclass(frozen=True, slots=True)
class Law:
    """A statute, regulation, agreement or standing order. Cited as `<law id>#<article number>`."""

    id: str
    title: Text
    kind: str
    validity: Validity
    articles: tuple[Article, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Organ:
    """A body that acts: `place` is its area of competence, `parent` the body it reports to."""

    id: str
    name: Text
    place: str
    parent: str | None = None
    validity: Validity = field(default_factory=Validity)


@dataclass(frozen=True, slots=True)
class Power:
    """The right of an organ to do an act. `act`: warn (issue, change, lift), respond (activate, stand
    down). `hazards` and `levels` empty mean all; `scope` is the CAP scope the power reaches (Public,
    Restricted). `basis` cites the article."""

    organ: str
    act: str
    basis: str
    hazards: tuple[str, ...] = ()
    levels: tuple[int, ...] = ()
    scope: str = "Public"
    validity: Validity = field(default_factory=Validity)


@dataclass(frozen=True, slots=True)
class ReportingDuty:
    """A report owed by law. `kind`: first, followup, final. `limit` counts from `clock_starts`
    (incident_opened, warning_issued, response_ended); `every` repeats a follow-up; `levels` empty
    means at every response level; `hazards` empty means every hazard."""

    id: str
    kind: str
    title: Text
    to: Text
    limit: timedelta
    clock_starts: str
    basis: str
    every: timedelta | None = None
    hazards: tuple[str, ...] = ()
    levels: tuple[int, ...] = ()
    places: tuple[str, ...] = ()
    condition: str = ""
    validity: Validity = field(default_factory=Validity)
