"""What one pack defines, with the place of each definition, and how packs lie over one another."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from anlan.model.domain import (
    Domain,
    EventCategory,
    GradeBand,
    Hazard,
    PlaceLevel,
    ResponseLevel,
    WarningLevel,
)
from anlan.model.errors import Fault
from anlan.model.imprint import CapCode
from anlan.model.indicator import Indicator, KnownEvent, Record, Rule, SourceDef
from anlan.model.law import Law, Organ, Power, ReportingDuty
from anlan.model.matrix import Matrix
from anlan.model.pack import GeocodeScheme, GeometryLayer, Pack
from anlan.model.place import Place
from anlan.model.plan import Plan
from anlan.model.roster import Watch
from anlan.model.route import Inhibit, Route
from anlan.model.user import User
from anlan.model.warning import Recipient
from anlan.packs.documents import Item, Keys
from anlan.packs.tables import Manifest


@dataclass(frozen=True, slots=True)
class Part:
    """A table with faults, whole by stand-ins: what it says besides `told`, the keys of its faults, can
    be looked at, and nothing else is to be made of it."""

    target: str
    item: Item[Any]
    told: frozenset[Keys]


@dataclass(slots=True)
class Definitions:
    """Items in the order of their files. `broken` names, by field, the ids of tables that could not
    be read, `lost` the fields of which a whole file could not be read, and `unreadable` such files of
    any kind: what refers to them is not reported a second time. `parts` are the tables with faults."""

    manifest: list[Item[Manifest]] = field(default_factory=list)
    place_levels: list[Item[PlaceLevel]] = field(default_factory=list)
    places: list[Item[Place]] = field(default_factory=list)
    geometry: list[Item[GeometryLayer]] = field(default_factory=list)
    geocodes: list[Item[GeocodeScheme]] = field(default_factory=list)
    warning_levels: list[Item[WarningLevel]] = field(default_factory=list)
    response_levels: list[Item[ResponseLevel]] = field(default_factory=list)
    categories: list[Item[EventCategory]] = field(default_factory=list)
    hazards: list[Item[Hazard]] = field(default_factory=list)
    grades: list[Item[GradeBand]] = field(default_factory=list)
    laws: list[Item[Law]] = field(default_factory=list)
    organs: list[Item[Organ]] = field(default_factory=list)
    powers: list[Item[Power]] = field(default_factory=list)
    duties: list[Item[ReportingDuty]] = field(default_factory=list)
    domains: list[Item[Domain]] = field(default_factory=list)
    indicators: list[Item[Indicator]] = field(default_factory=list)
    sources: list[Item[SourceDef]] = field(default_factory=list)
    rules: list[Item[Rule]] = field(default_factory=list)
    records: list[Item[Record]] = field(default_factory=list)
    matrices: list[Item[Matrix]] = field(default_factory=list)
    plans: list[Item[Plan]] = field(default_factory=list)
    recipients: list[Item[Recipient]] = field(default_factory=list)
    watches: list[Item[Watch]] = field(default_factory=list)
    inhibits: list[Item[Inhibit]] = field(default_factory=list)
    routes: list[Item[Route]] = field(default_factory=list)
    users: list[Item[User]] = field(default_factory=list)
    events: list[Item[KnownEvent]] = field(default_factory=list)
    cap_codes: list[Item[CapCode]] = field(default_factory=list)
    broken: dict[str, set[str]] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)
    unreadable: set[str] = field(default_factory=set)
    parts: list[Part] = field(default_factory=list)

    def items(self) -> dict[str, list[Item[Any]]]:
        """Field -> its items."""
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name not in _BESIDES}


_BESIDES = frozenset({"broken", "lost", "unreadable", "parts"})


def _by_id(value: Any) -> Hashable:
    return str(value.id)


# What makes two definitions the same one. Dated kinds (places, levels, grades) share a key between
# their versions, and an overlay replaces all versions together.
IDENTITY: dict[str, Callable[[Any], Hashable]] = {
    "geometry": lambda layer: (layer.level, layer.prefix),
    "geocodes": lambda scheme: (scheme.scheme, scheme.validity),
    "warning_levels": lambda entry: entry.level,
    "response_levels": lambda entry: entry.level,
    "grades": lambda band: (band.hazard, band.grade, band.metric),
    "powers": lambda power: (
        power.organ,
        power.act,
        power.basis,
        power.hazards,
        power.levels,
        power.validity,
    ),
    "records": lambda record: record.rule,
    "users": lambda user: user.name,
    # several values of one name may stand side by side; an upper pack replaces them together
    "cap_codes": lambda one: (
        one.element,
        one.value_name,
        one.hazard,
        one.level,
        one.organ,
        one.place,
    ),
}
DATED = frozenset({"places", "warning_levels", "response_levels", "grades"})


def identity(target: str) -> Callable[[Any], Hashable]:
    """How definitions of that field are told apart."""
    return IDENTITY.get(target, _by_id)


@dataclass(frozen=True, slots=True)
class Replacement:
    """A definition of a lower pack that an upper one replaced."""

    target: str
    old: Item[Any]
    new: Item[Any]


@dataclass(frozen=True, slots=True)
class Resolved:
    """A pack with its overlays applied, and what the checks need besides: where everything stands,
    and what was replaced."""

    pack: Pack
    items: Definitions
    replaced: tuple[Replacement, ...]

    def knows(self, target: str, id: str) -> bool:
        """True when the pack defines `id`, readable or not, or may do so in a file that cannot be read."""
        return id in getattr(self.pack, target) or not self.certain(target, id)

    def certain(self, target: str, id: str) -> bool:
        """True when all that the pack says of `id` could be read."""
        return target not in self.items.lost and id not in self.items.broken.get(target, ())


def overlay(layers: Sequence[Definitions]) -> tuple[Definitions, tuple[Replacement, ...]]:
    """Lowest first: a later layer adds, or replaces what has the same identity, all versions of it."""
    result = Definitions()
    replaced: list[Replacement] = []
    for layer in layers:
        for target, items in layer.items().items():
            if target == "manifest":
                result.manifest = items
                continue
            key = identity(target)
            new = {key(item.value): item for item in items}
            present: list[Item[Any]] = getattr(result, target)
            kept: list[Item[Any]] = []
            for item in present:
                winner = new.get(key(item.value))
                if winner is None:
                    kept.append(item)
                else:
                    replaced.append(Replacement(target, item, winner))
            setattr(result, target, [*kept, *items])
        for target, ids in layer.broken.items():
            result.broken.setdefault(target, set()).update(ids)
        result.lost |= layer.lost
        result.unreadable |= layer.unreadable
        result.parts += layer.parts
    return result, tuple(replaced)


def duplicates(layer: Definitions) -> list[Fault]:
    """Definitions that stand twice in one pack; versions of a dated kind are judged by their dates."""
    faults: list[Fault] = []
    for target, items in layer.items().items():
        if target in DATED or target in ("manifest", "cap_codes"):
            continue
        key = identity(target)
        seen: dict[Hashable, Item[Any]] = {}
        for item in items:
            first = seen.setdefault(key(item.value), item)
            if first is not item:
                there = first.origin.fault("")
                name = getattr(item.value, "id", None) or getattr(item.value, "name", None)
                faults.append(
                    item.origin.fault(
                        "defined twice in one pack",
                        found=str(name or key(item.value)),
                        expected=f"one definition; the first stands in {there.file}, {there.where}",
                    )
                )
    return faults
