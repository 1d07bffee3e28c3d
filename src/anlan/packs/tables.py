"""The pack format: which file holds which tables, and which class each table becomes.

TOML keys are the fields of the class, apart from `Validity`, which is written `from` and `to` (`until`
where the class has a `to` of its own, as a reporting duty has), and from the few names in `ALIASES`.
Readers, checks and the JSON Schemas all go by these tables.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, fields
from functools import cache
from pathlib import PurePosixPath
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from anlan.model.domain import (
    LEVELS,
    Domain,
    EventCategory,
    Hazard,
    PlaceLevel,
    ResponseLevel,
    WarningLevel,
)
from anlan.model.indicator import (
    CERTAINTIES,
    Band,
    Definition,
    Indicator,
    Record,
    Rule,
    SeverityBand,
    SourceDef,
)
from anlan.model.law import Law, Organ, Power, ReportingDuty
from anlan.model.matrix import Matrix, MatrixColumn
from anlan.model.pack import GeocodeScheme, GeometryLayer
from anlan.model.plan import ANSWERS, Plan, PlanTask, Words
from anlan.model.roster import Watch
from anlan.model.route import DAYS, INSIDE, SAME, Hours, Inhibit, Route
from anlan.model.text import Text
from anlan.model.time import Validity
from anlan.model.user import ROLES, Grant, User
from anlan.model.warning import Recipient

F = TypeVar("F", bound=Callable[..., object])


def _once(function: F) -> F:
    """Worked out once for each class, with the signature it has: `cache` itself takes no `type[T]`."""
    return cast(F, cache(function))


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a pack is. `extends` names packs that lie below this one, lowest first; `licence` is the
    SPDX identifier of the pack's own content; `note` says where the content comes from."""

    id: str
    version: str
    title: Text
    licence: str
    extends: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """`[[name]]` in a file, or the file as a whole where `name` is empty; `target` is the field of
    `Definitions` that collects it."""

    name: str
    kind: type
    target: str


@dataclass(frozen=True, slots=True)
class TomlFile:
    """A kind of TOML file, by its path in the pack."""

    pattern: str
    tables: tuple[Table, ...]


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A kind of CSV file: its path, its columns, and the field of `Definitions` that collects it.
    `optional` columns may be left out."""

    pattern: str
    columns: tuple[str, ...]
    target: str
    optional: tuple[str, ...] = ()


TOML_FILES = (
    TomlFile("pack.toml", (Table("", Manifest, "manifest"),)),
    TomlFile("places/levels.toml", (Table("level", PlaceLevel, "place_levels"),)),
    TomlFile("places/geometry.toml", (Table("layer", GeometryLayer, "geometry"),)),
    TomlFile("places/geocodes.toml", (Table("scheme", GeocodeScheme, "geocodes"),)),
    TomlFile(
        "levels.toml",
        (
            Table("warning_level", WarningLevel, "warning_levels"),
            Table("response_level", ResponseLevel, "response_levels"),
        ),
    ),
    TomlFile(
        "categories.toml",
        (Table("category", EventCategory, "categories"), Table("hazard", Hazard, "hazards")),
    ),
    TomlFile("laws/*.toml", (Table("", Law, "laws"),)),
    TomlFile("organs.toml", (Table("organ", Organ, "organs"), Table("power", Power, "powers"))),
    TomlFile("duties.toml", (Table("duty", ReportingDuty, "duties"),)),
    TomlFile("domains/*/domain.toml", (Table("", Domain, "domains"),)),
    TomlFile("domains/*/indicators.toml", (Table("indicator", Indicator, "indicators"),)),
    TomlFile("domains/*/sources.toml", (Table("source", SourceDef, "sources"),)),
    TomlFile("domains/*/rules.toml", (Table("rule", Rule, "rules"),)),
    TomlFile("domains/*/records.toml", (Table("record", Record, "records"),)),
    TomlFile("domains/*/plans.toml", (Table("plan", Plan, "plans"),)),
    TomlFile("matrices.toml", (Table("matrix", Matrix, "matrices"),)),
    TomlFile("recipients.toml", (Table("recipient", Recipient, "recipients"),)),
    TomlFile("inhibits.toml", (Table("inhibit", Inhibit, "inhibits"),)),
    TomlFile("routes.toml", (Table("route", Route, "routes"),)),
    TomlFile("roster.toml", (Table("watch", Watch, "watches"),)),
    TomlFile("users.toml", (Table("user", User, "users"),)),
)

CSV_FILES = (
    CsvFile(
        "places/*.csv",
        ("id", "name_en", "name_zh", "level", "parent", "from", "to", "population", "population_year"),
        "places",
        ("lon", "lat", "population_source", "radius_km", "radius_basis", "radius_basis_zh"),
    ),
    CsvFile(
        "grades.csv",
        (
            "hazard",
            "grade",
            "metric",
            "unit",
            "lower",
            "upper",
            "lower_inclusive",
            "upper_inclusive",
            "basis",
            "note",
            "from",
            "to",
        ),
        "grades",
    ),
    CsvFile(
        "domains/*/events.csv",
        ("id", "hazard", "place", "start", "end", "title_en", "title_zh", "source"),
        "events",
    ),
    CsvFile(
        "cap_codes.csv",
        ("element", "value_name", "value"),
        "cap_codes",
        ("hazard", "level", "organ", "place", "from", "to"),
    ),
)

# Folders whose files other rooms read: recorded series, and tests as data.
FREE_FOLDERS = ("data", "scenarios")

ALIASES: dict[type, dict[str, str]] = {
    Indicator: {"definitions": "definition"},
    Rule: {"bands": "band", "severities": "severity"},
    Law: {"articles": "article"},
    Matrix: {"columns": "column", "rows": "row"},
    Plan: {"tasks": "task", "ladder": "rung"},
    User: {"grants": "grant"},
    Route: {"hours": "hours"},
    GeometryLayer: {"path": "file"},
    GeocodeScheme: {"path": "file"},
}

# Words that a field may have. Those the model itself refuses stand here too, for the schemas.
VOCABULARY: dict[tuple[type, str], tuple[str, ...]] = {
    (Plan, "answers"): ANSWERS,
    (Hazard, "cap_category"): (
        "Geo",
        "Met",
        "Safety",
        "Security",
        "Rescue",
        "Fire",
        "Health",
        "Env",
        "Transport",
        "Infra",
        "CBRNE",
        "Other",
    ),
    (WarningLevel, "severity"): ("Extreme", "Severe", "Moderate", "Minor", "Unknown"),
    (MatrixColumn, "severity"): ("Extreme", "Severe", "Moderate", "Minor"),
    (Indicator, "kind"): ("count", "measure", "price", "stock", "event"),
    (Indicator, "direction"): ("up", "down", "both"),
    (Indicator, "calendar"): ("", "cn"),
    (Rule, "measure"): ("value", "score", "excess", "ratio"),
    (Rule, "if_missing"): ("hold", "unknown"),
    (Rule, "outlook"): ("", "aftershocks"),
    (Rule, "certainty"): ("", *CERTAINTIES),
    (Power, "act"): ("warn", "respond"),
    (Power, "scope"): ("Public", "Restricted"),
    (ReportingDuty, "kind"): ("first", "followup", "final"),
    (ReportingDuty, "clock_starts"): ("incident_opened", "warning_issued", "response_ended"),
    (Grant, "role"): ROLES,
    (User, "language"): ("en", "zh"),
    (Recipient, "languages"): ("en", "zh"),
    (Inhibit, "where"): (INSIDE, SAME),
    (Route, "calendar"): ("", "cn"),
    (Route, "languages"): ("en", "zh"),
    (Hours, "days"): DAYS,
}

LEVEL_FIELDS = frozenset(
    {
        (Power, "levels"),
        (ReportingDuty, "levels"),
        (Inhibit, "by_level"),
        (Route, "least"),
        (PlanTask, "levels"),
        (Words, "levels"),
        (Plan, "warn_at"),
        (Plan, "opens_at"),
        (WarningLevel, "level"),
        (ResponseLevel, "level"),
    }
)
LEVEL_NUMBERS = LEVELS

# Where the checks ask for the first date although the class would do without.
MUST_BE_DATED = frozenset(
    {Band, SeverityBand, Definition, Power, ReportingDuty, WarningLevel, ResponseLevel, Law}
)


def matches(pattern: str, file: str) -> bool:
    """True when a path relative to the pack is of that kind; `*` stands for one name."""
    path, shape = PurePosixPath(file), PurePosixPath(pattern)
    return len(path.parts) == len(shape.parts) and path.match(pattern)


_HINTS: dict[type, dict[str, Any]] = {}


def hints(kind: type) -> dict[str, Any]:
    """Field -> resolved type, in order; looked up once per class."""
    if kind not in _HINTS:
        resolved = get_type_hints(kind)
        _HINTS[kind] = {field.name: resolved[field.name] for field in fields(kind)}
    return _HINTS[kind]


@_once
def required(kind: type) -> frozenset[str]:
    """The fields that have no default."""
    return frozenset(field.name for field in fields(kind) if _bare(field))


def _bare(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


@_once
def key_of(kind: type, field: str) -> str:
    """How a field is written in TOML; a validity is written `from` (and `to`)."""
    if hints(kind).get(field) is Validity:
        return "from"
    return ALIASES.get(kind, {}).get(field, field)


@_once
def keys_of(kind: type) -> Mapping[str, str]:
    """TOML key -> field, those of the validity excepted, in the order of the class."""
    return {key_of(kind, name): name for name, hint in hints(kind).items() if hint is not Validity}


@_once
def validity_field(kind: type) -> str | None:
    """The field that holds the validity, if the class has one."""
    return next((name for name, hint in hints(kind).items() if hint is Validity), None)


@_once
def validity_keys(kind: type) -> tuple[str, str] | None:
    """How the two dates of its validity are written, if the class has one."""
    if validity_field(kind) is None:
        return None
    return ("from", "until" if "to" in keys_of(kind) else "to")


@_once
def unwrap(hint: Any) -> tuple[Any, bool]:
    """The type without `None`, and whether it allowed None."""
    if get_origin(hint) in (Union, types.UnionType):
        inner = [part for part in get_args(hint) if part is not type(None)]
        return inner[0], len(inner) < len(get_args(hint))
    return hint, False
