"""References that many kinds share: does the pack define what is named, and is a word one of the known."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from typing import Any

from anlan.model.errors import Fault
from anlan.packs.definitions import DATED, Resolved, identity
from anlan.packs.documents import Item, Origin
from anlan.packs.tables import (
    ALIASES,
    LEVEL_FIELDS,
    LEVEL_NUMBERS,
    VOCABULARY,
    hints,
    key_of,
    required,
)

KINDS = {
    "places": ("place", "places/*.csv"),
    "hazards": ("hazard", "categories.toml"),
    "categories": ("category", "categories.toml"),
    "domains": ("domain", "domains/*/domain.toml"),
    "indicators": ("indicator", "domains/*/indicators.toml"),
    "rules": ("rule", "domains/*/rules.toml"),
    "organs": ("organ", "organs.toml"),
    "recipients": ("recipient", "recipients.toml"),
    "laws": ("law", "laws/*.toml"),
}


def named(
    resolved: Resolved, target: str, names: Iterable[str], origin: Origin, *keys: str | int, many: bool = True
) -> Iterator[Fault]:
    """A fault for every name that the pack does not define. `many`: the names stand in a list."""
    kind, file = KINDS[target]
    for place, name in enumerate(names):
        if not resolved.knows(target, name):
            near = difflib.get_close_matches(name, list(getattr(resolved.pack, target)), n=1)
            yield origin.fault(
                f"no such {kind}",
                *keys,
                *((place,) if many else ()),
                found=repr(name),
                expected=f"{near[0]} perhaps" if near else f"an id of {file}",
            )


def one(resolved: Resolved, target: str, name: str, origin: Origin, *keys: str | int) -> Iterator[Fault]:
    """A fault when the pack does not define `name`."""
    return named(resolved, target, (name,), origin, *keys, many=False)


def simple_references(resolved: Resolved) -> Iterator[Fault]:
    """Hazards, indicators, sources, organs, recipients and users name things that exist."""
    items = resolved.items
    for hazard in items.hazards:
        yield from one(resolved, "categories", hazard.value.category, hazard.origin, "category")
        yield from one(resolved, "domains", hazard.value.domain, hazard.origin, "domain")
    for indicator in items.indicators:
        yield from one(resolved, "domains", indicator.value.domain, indicator.origin, "domain")
    for source in items.sources:
        yield from named(resolved, "indicators", source.value.indicators, source.origin, "indicators")
    for organ in items.organs:
        yield from one(resolved, "places", organ.value.place, organ.origin, "place")
        if organ.value.parent is not None:
            yield from one(resolved, "organs", organ.value.parent, organ.origin, "parent")
    for recipient in items.recipients:
        yield from named(resolved, "places", recipient.value.places, recipient.origin, "places")
        yield from named(resolved, "hazards", recipient.value.hazards, recipient.origin, "hazards")
    for watch in items.watches:
        yield from one(resolved, "places", watch.value.place, watch.origin, "place")
        if not watch.value.ahead:
            yield watch.origin.fault("looks no time ahead", "ahead", expected="a duration above zero")
    for user in items.users:
        yield from one(resolved, "organs", user.value.organ, user.origin, "organ")
        for place, grant in enumerate(user.value.grants):
            yield from one(resolved, "places", grant.place, user.origin, "grant", place, "place")
    for band in items.grades:
        yield from one(resolved, "hazards", band.value.hazard, band.origin, "hazard")
    for code in items.cap_codes:
        for target, column in (("hazards", "hazard"), ("organs", "organ"), ("places", "place")):
            if named_there := getattr(code.value, column):
                yield from one(resolved, target, named_there, code.origin, column)


def organ_circles(resolved: Resolved) -> Iterator[Fault]:
    """No organ reports to itself by way of others."""
    organs = resolved.pack.organs
    told: set[str] = set()
    for item in resolved.items.organs:
        chain = [item.value.id]
        parent = item.value.parent
        while parent in organs and parent not in chain:
            chain.append(parent)
            parent = organs[parent].parent
        if parent in chain and parent not in told:
            told.update(chain)
            yield item.origin.fault(
                "organs report to each other in a circle", "parent", found=" -> ".join((*chain, str(parent)))
            )


def vocabulary(resolved: Resolved) -> Iterator[Fault]:
    """Words of which only some have a meaning, and levels from 1 to 4."""
    for items in resolved.items.items().values():
        for item in items:
            yield from _words(item.value, item.origin, ())


def _words(value: Any, origin: Origin, keys: tuple[str | int, ...]) -> Iterator[Fault]:
    kind = type(value)
    for field in hints(kind) if kind in _SPOKEN else ():
        content = getattr(value, field)
        path = (*keys, key_of(kind, field))
        if words := VOCABULARY.get((kind, field)):
            for place, word in enumerate(content if isinstance(content, tuple) else (content,)):
                if word not in words:
                    where = (*path, place) if isinstance(content, tuple) else path
                    yield origin.fault("no such word", *where, found=repr(word), expected=", ".join(words))
        if (kind, field) in LEVEL_FIELDS and isinstance(content, tuple):
            for place, number in enumerate(content):
                if number not in LEVEL_NUMBERS:
                    yield origin.fault(
                        "no such level", *path, place, found=str(number), expected="1, 2, 3 or 4"
                    )
        if field in ALIASES.get(kind, {}) and isinstance(content, tuple):
            for place, part in enumerate(content):
                yield from _words(part, origin, (*path, place))


_SPOKEN = {kind for kind, _ in (*VOCABULARY, *LEVEL_FIELDS)} | set(ALIASES)


def blanks(resolved: Resolved) -> Iterator[Fault]:
    """Ids without blanks in them, and no empty text where the class asks for one."""
    for target, items in resolved.items.items().items():
        if target in ("places", "events", "grades", "cap_codes"):  # the CSV reader has looked
            continue
        for item in items:
            kind = type(item.value)
            for field, hint in hints(kind).items():
                if hint is not str:
                    continue
                text = getattr(item.value, field)
                if field in ("id", "name") and text.split() != [text]:
                    yield item.origin.fault(
                        "an id without blanks is needed",
                        field,
                        found=repr(text),
                        expected="such as flood-beijing",
                    )
                elif not text.strip() and field in required(kind) and field not in ("basis", "prefix"):
                    yield item.origin.fault("must not be empty", key_of(kind, field))


def dated_twice(resolved: Resolved) -> Iterator[Fault]:
    """No two versions of a warning level, response level or grade band at one time."""
    for target in sorted(DATED - {"places"}):
        groups: dict[Any, list[Item[Any]]] = {}
        key = identity(target)
        for item in getattr(resolved.items, target):
            groups.setdefault(key(item.value), []).append(item)
        for group in groups.values():
            for place, later in enumerate(group):
                clash = next((one for one in group[:place] if _clash(target, one.value, later.value)), None)
                if clash is not None:
                    there = clash.origin.fault("")
                    yield later.origin.fault(
                        "two versions at the same time",
                        "from",
                        found=str(key(later.value)),
                        expected=f"dates apart from {there.file}, {there.where}",
                    )


def _clash(target: str, one: Any, other: Any) -> bool:
    if not one.validity.overlaps(other.validity):
        return False
    # A grade may be reached by several limits of one metric under different notes or units.
    return target != "grades" or (one.unit, one.note) == (other.unit, other.note)
