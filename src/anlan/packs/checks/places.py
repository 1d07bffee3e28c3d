"""The place tree: levels, parents, dates, circles."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from anlan.model.errors import Fault, UnknownPlace
from anlan.model.place import Place
from anlan.model.time import Validity
from anlan.packs.citations import spell
from anlan.packs.definitions import Resolved
from anlan.packs.documents import Item


def place_levels(resolved: Resolved) -> Iterator[Fault]:
    """Every place and layer is of a known level; a place lies under one of a higher rank."""
    levels = resolved.pack.place_levels
    expected = f"one of {', '.join(levels)}" if levels else "a level of places/levels.toml"
    for item in resolved.items.places:
        place = item.value
        if place.level not in levels:
            if not resolved.knows("place_levels", place.level):
                yield item.origin.fault("no such level", "level", found=repr(place.level), expected=expected)
            continue
        for parent in resolved.pack.places.get(place.parent or "", ()):
            above = levels.get(parent.level)
            if above and above.rank >= levels[place.level].rank and parent.validity.overlaps(place.validity):
                yield item.origin.fault(
                    "the parent is not of a higher level",
                    "parent",
                    found=f"{place.level} under {parent.id} ({parent.level})",
                    expected="a level of lower rank number",
                )
                break
    for layer in resolved.items.geometry:
        if not resolved.knows("place_levels", layer.value.level):
            yield layer.origin.fault(
                "no such level", "level", found=repr(layer.value.level), expected=expected
            )


def place_versions(resolved: Resolved) -> Iterator[Fault]:
    """No two versions of a place are in force on one day."""
    groups: dict[str, list[Item[Place]]] = {}
    for item in resolved.items.places:
        groups.setdefault(item.value.id, []).append(item)
    for id, items in groups.items():
        ordered = sorted(items, key=lambda item: item.value.validity.since or date.min)
        longest = ordered[0]
        for later in ordered[1:]:
            if longest.value.validity.overlaps(later.value.validity):
                there = longest.origin.fault("")
                yield later.origin.fault(
                    "two versions of one place at the same time",
                    "from",
                    found=f"{id} {spell(later.value.validity)} beside {spell(longest.value.validity)}",
                    expected=f"dates apart from {there.file}, {there.where}",
                )
            if (later.value.validity.until or date.max) > (longest.value.validity.until or date.max):
                longest = later


def place_parents(resolved: Resolved) -> Iterator[Fault]:
    """Every parent exists, for all of the child's time."""
    places = resolved.pack.places
    for item in resolved.items.places:
        place = item.value
        if place.parent is None:
            continue
        versions = places.get(place.parent)
        if versions is None:
            if not resolved.knows("places", place.parent):
                yield item.origin.fault(
                    "no such parent", "parent", found=repr(place.parent), expected="the id of a place"
                )
            continue
        gap = uncovered(place.validity, [version.validity for version in versions])
        if gap is not None and resolved.certain("places", place.parent):
            yield item.origin.fault(
                "the parent does not exist for all of the time of the place",
                "parent",
                found=f"no {place.parent} on {gap}; {place.id} is in force {spell(place.validity)}",
                expected="a parent in force throughout, or a dated version of the place per parent",
            )


def uncovered(wanted: Validity, offered: list[Validity]) -> str | None:
    """The first day of `wanted` that none of `offered` covers, or None."""
    day = wanted.since or date.min
    end = wanted.until or date.max
    for validity in sorted(offered, key=lambda one: one.since or date.min):
        if (validity.since or date.min) > day:
            break
        if validity.until is None:
            return None
        day = max(day, validity.until)
        if day >= end and wanted.until is not None:
            return None
    return "a day before all records" if day == date.min else day.isoformat()


def place_circles(resolved: Resolved) -> Iterator[Fault]:
    """No place lies below itself, on any day. A circle needs all its versions in force at once, and
    then it is there on the first day of one of them: those days are tried."""
    pack = resolved.pack
    told: set[frozenset[str]] = set()
    for item in resolved.items.places:
        day = item.value.validity.since or date.min
        chain = [item.value.id]
        parent = item.value.parent
        while parent is not None and parent not in chain:
            chain.append(parent)
            try:
                parent = pack.place(parent, day).parent
            except UnknownPlace:
                break
        else:
            if parent is not None:
                circle = chain[chain.index(parent) :]
                if frozenset(circle) not in told:
                    told.add(frozenset(circle))
                    yield item.origin.fault(
                        "places lie below each other in a circle",
                        "parent",
                        found=" -> ".join((*circle, parent)),
                        expected="a tree",
                    )


def event_places(resolved: Resolved) -> Iterator[Fault]:
    """Known events name a hazard, a source that says so, and a place that existed when they began."""
    for item in resolved.items.events:
        event = item.value
        if not resolved.knows("hazards", event.hazard):
            yield item.origin.fault(
                "no such hazard", "hazard", found=repr(event.hazard), expected="an id of categories.toml"
            )
        if not resolved.knows("places", event.place):
            yield item.origin.fault(
                "no such place", "place", found=repr(event.place), expected="an id of places/*.csv"
            )
        elif event.place in resolved.pack.places:
            versions = resolved.pack.places[event.place]
            known = resolved.certain("places", event.place)
            if known and not any(version.validity.covers(event.start.date()) for version in versions):
                yield item.origin.fault(
                    "the place did not exist when the event began",
                    "place",
                    found=f"{event.place} on {event.start.date()}",
                    expected=", ".join(spell(version.validity) for version in versions),
                )
