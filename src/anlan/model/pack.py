"""A resolved pack: every definition of a country, city or company, with its overlays applied."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import date, datetime

from anlan.model.domain import (
    Domain,
    EventCategory,
    GradeBand,
    Hazard,
    PlaceLevel,
    ResponseLevel,
    WarningLevel,
)
from anlan.model.errors import NotFound, UnknownPlace
from anlan.model.imprint import CapCode
from anlan.model.indicator import Indicator, KnownEvent, Record, Rule, SourceDef
from anlan.model.law import Law, Organ, Power, ReportingDuty
from anlan.model.matrix import Matrix
from anlan.model.place import Place
from anlan.model.plan import Plan
from anlan.model.roster import Watch
from anlan.model.route import Inhibit, Route
from anlan.model.text import Text
from anlan.model.time import Validity
from anlan.model.user import User
from anlan.model.warning import Recipient


@dataclass(frozen=True, slots=True)
class GeometryLayer:
    """A TopoJSON or GeoJSON file with the outlines of one place level. `path` is absolute; `prefix`
    + the feature's `key` property is the place id. `caution` is shown with every map of it."""

    path: str
    level: str
    key: str
    prefix: str
    licence: str
    source: str
    caution: Text | None = None
    objects: str = ""


@dataclass(frozen=True, slots=True)
class GeocodeScheme:
    """What the codes of a scheme mean on the ground, for CAP messages that name areas by code alone.

    `scheme` is the valueName that messages give (`EMMA_ID`), `path` (absolute) a file of JSON lines, plain
    or gzipped, each with `code`, `geometry` (GeoJSON, WGS 84) and where they differ `valid_from` and
    `valid_to`; `validity` holds for the lines without. Two files of a scheme may follow each other."""

    scheme: str
    path: str
    licence: str
    source: str
    validity: Validity = field(default_factory=Validity)


@dataclass(frozen=True, slots=True)
class Pack:
    """`digest` is the SHA-256 over every file of the pack and those it extends: two packs with the
    same digest decide alike. `places` hold every dated version of a place, oldest first."""

    id: str
    version: str
    title: Text
    digest: str
    folders: tuple[str, ...]
    places: dict[str, tuple[Place, ...]] = field(default_factory=dict)
    place_levels: dict[str, PlaceLevel] = field(default_factory=dict)
    geometry: tuple[GeometryLayer, ...] = ()
    geocodes: tuple[GeocodeScheme, ...] = ()
    domains: dict[str, Domain] = field(default_factory=dict)
    categories: dict[str, EventCategory] = field(default_factory=dict)
    hazards: dict[str, Hazard] = field(default_factory=dict)
    warning_levels: tuple[WarningLevel, ...] = ()
    response_levels: tuple[ResponseLevel, ...] = ()
    grades: tuple[GradeBand, ...] = ()
    laws: dict[str, Law] = field(default_factory=dict)
    organs: dict[str, Organ] = field(default_factory=dict)
    powers: tuple[Power, ...] = ()
    duties: dict[str, ReportingDuty] = field(default_factory=dict)
    indicators: dict[str, Indicator] = field(default_factory=dict)
    sources: dict[str, SourceDef] = field(default_factory=dict)
    rules: dict[str, Rule] = field(default_factory=dict)
    records: dict[str, Record] = field(default_factory=dict)
    matrices: dict[str, Matrix] = field(default_factory=dict)
    plans: dict[str, Plan] = field(default_factory=dict)
    recipients: dict[str, Recipient] = field(default_factory=dict)
    inhibits: dict[str, Inhibit] = field(default_factory=dict)
    routes: dict[str, Route] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)
    watches: dict[str, Watch] = field(default_factory=dict)
    events: dict[str, KnownEvent] = field(default_factory=dict)
    cap_codes: tuple[CapCode, ...] = ()

    def place(self, id: str, at: datetime | date) -> Place:
        """The version of a place in force at `at`; UnknownPlace if there is none."""
        for version in reversed(self.places.get(id, ())):
            if version.validity.covers(at if not isinstance(at, datetime) else at.date()):
                return version
        raise UnknownPlace(
            "no such place at that date",
            where="place",
            found=f"{id!r} at {at}",
            expected="an id of places/*.csv, valid then",
        )

    def record_of(self, rule: Rule) -> Record | None:
        """How this version of the rule did on history; None where nobody has run it."""
        record = self.records.get(rule.id)
        return record if record and record.fingerprint == self.fingerprint(rule) else None

    def fingerprint(self, rule: Rule) -> str:
        """What decides when the rule speaks: its own fingerprint, with the cells of the matrix it goes by."""
        matrix = self.matrices.get(rule.matrix)
        if matrix is None:
            return rule.fingerprint
        cells = [(row.at_least, row.levels) for row in matrix.rows]
        deciding = (rule.fingerprint, [column.id for column in matrix.columns], cells)
        return hashlib.sha256(repr(deciding).encode()).hexdigest()[:16]

    def ancestry(self, id: str, at: datetime | date) -> tuple[str, ...]:
        """The place and its parents up to the root, nearest first."""
        chain = [id]
        while (parent := self.place(chain[-1], at).parent) is not None:
            if parent in chain:
                break
            chain.append(parent)
        return tuple(chain)

    def within(self, id: str, area: str, at: datetime | date) -> bool:
        """True when `id` is `area` or lies below it in the tree at that date."""
        return area in self.ancestry(id, at)

    def children(self, id: str, at: datetime | date) -> tuple[Place, ...]:
        """The places directly below `id` at that date, by id."""
        day = at.date() if isinstance(at, datetime) else at
        found = [
            version
            for versions in self.places.values()
            for version in versions
            if version.parent == id and version.validity.covers(day)
        ]
        return tuple(sorted(found, key=lambda place: place.id))

    def codes(
        self, element: str, at: datetime, hazard: str, level: int, organ: str, place: str = ""
    ) -> tuple[CapCode, ...]:
        """The codes of an element of CAP for such a message, in the order of the pack."""
        return tuple(
            one
            for one in self.cap_codes
            if one.element == element
            and one.hazard in ("", hazard)
            and one.level in (None, level)
            and one.organ in ("", organ)
            and one.place == place
            and one.validity.covers(at.date())
        )

    def warning_level(self, level: int, at: datetime | date) -> WarningLevel:
        day = at.date() if isinstance(at, datetime) else at
        for entry in self.warning_levels:
            if entry.level == level and entry.validity.covers(day):
                return entry
        raise NotFound("no warning level in force", where="levels.toml", found=f"{level} at {at}")

    def plan_for(self, hazard: str, place: str, at: datetime | date) -> Plan | None:
        """The plan for a hazard whose area lies nearest above the place, or None."""
        day = at.date() if isinstance(at, datetime) else at
        best: tuple[int, Plan] | None = None
        chain = self.ancestry(place, at)
        for plan in self.plans.values():
            if hazard not in plan.hazards or not plan.validity.covers(day):
                continue
            for area in plan.places:
                if area in chain and (best is None or chain.index(area) < best[0]):
                    best = (chain.index(area), plan)
        return best[1] if best else None

    def matrix_for(self, hazard: str, place: str, at: datetime | date) -> Matrix | None:
        """The risk matrix for a hazard at a place: one that names the hazard before one for all, one whose
        area lies nearest before one for everywhere; None where the pack has none."""
        day = at.date() if isinstance(at, datetime) else at
        chain = self.ancestry(place, at)
        fits = [
            (not matrix.hazards, min(near, default=len(chain)), matrix.id)
            for matrix in self.matrices.values()
            for near in [[chain.index(area) for area in matrix.places if area in chain]]
            if matrix.validity.covers(day)
            and (not matrix.hazards or hazard in matrix.hazards)
            and (not matrix.places or near)
        ]
        return self.matrices[min(fits)[2]] if fits else None
