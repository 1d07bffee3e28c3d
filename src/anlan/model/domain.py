"""Domains, event types, levels: the vocabulary that a pack sets."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from anlan.model.errors import InvalidValue
from anlan.model.text import Text
from anlan.model.time import Validity

RED, ORANGE, YELLOW, BLUE = 1, 2, 3, 4
LEVELS = (RED, ORANGE, YELLOW, BLUE)


def level(number: int, where: str = "level") -> int:
    """1 (red, highest) to 4 (blue); InvalidValue for anything else."""
    if number not in LEVELS:
        raise InvalidValue("no such level", where=where, found=str(number), expected="1, 2, 3 or 4")
    return number


@dataclass(frozen=True, slots=True)
class Domain:
    """One of the domains a security system names (twenty in packs/cn). `alarms_per_day`: how many new
    levels one officer is to look at in a day, the declared target that rules are held against."""

    id: str
    title: Text
    order: int
    basis: str
    alarms_per_day: float | None = None

    def __post_init__(self) -> None:
        if self.alarms_per_day is not None and not self.alarms_per_day > 0:
            raise InvalidValue(
                "no such target",
                where=f"domain {self.id}.alarms_per_day",
                found=str(self.alarms_per_day),
                expected="a number above 0",
            )


@dataclass(frozen=True, slots=True)
class EventCategory:
    """Natural, accident, health or security (Emergency Response Law 2024, art. 2-3)."""

    id: str
    title: Text
    graded: bool
    warned: bool
    basis: str


@dataclass(frozen=True, slots=True)
class Hazard:
    """A type of event: what a rule looks for and a warning is about. `cap_category` is one of the
    CAP 1.2 categories (Geo, Met, Safety, Security, Rescue, Fire, Health, Env, Transport, Infra,
    CBRNE, Other). `longest`: for how long a warning of it can plausibly be in force; one that would be
    in force for longer is refused (without it: three times the `valid` of the plan)."""

    id: str
    title: Text
    category: str
    domain: str
    cap_category: str
    basis: str = ""
    longest: timedelta | None = None


@dataclass(frozen=True, slots=True)
class WarningLevel:
    """What a level is called and how it maps to CAP severity."""

    level: int
    colour: Text
    severity: str
    basis: str
    validity: Validity = field(default_factory=Validity)

    def __post_init__(self) -> None:
        level(self.level, "warning_level.level")


@dataclass(frozen=True, slots=True)
class ResponseLevel:
    """Response level 1 (highest) to 4 (Emergency Response Law 2024, art. 71)."""

    level: int
    title: Text
    basis: str
    validity: Validity = field(default_factory=Validity)

    def __post_init__(self) -> None:
        level(self.level, "response_level.level")


@dataclass(frozen=True, slots=True)
class PlaceLevel:
    """A rank of the place tree: 1 nation, 2 province, 3 city, 4 county."""

    id: str
    title: Text
    rank: int
    basis: str = ""


@dataclass(frozen=True, slots=True)
class GradeBand:
    """One limit of an event grade: `lower` <= metric < `upper` (None = open) gives `grade`."""

    hazard: str
    grade: int
    metric: str
    unit: str
    basis: str
    lower: float | None = None
    upper: float | None = None
    lower_inclusive: bool = True
    upper_inclusive: bool = False
    note: str = ""
    validity: Validity = field(default_factory=Validity)
