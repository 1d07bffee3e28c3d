"""Powers, duties, levels and grades rest on articles that exist and are in force."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from anlan.model.domain import Domain, EventCategory, Hazard, PlaceLevel, ResponseLevel, WarningLevel
from anlan.model.errors import Fault
from anlan.model.indicator import Indicator
from anlan.model.time import Validity
from anlan.packs.checks.references import named, one
from anlan.packs.citations import check_basis, covers, spell
from anlan.packs.definitions import Resolved
from anlan.packs.documents import Item, Origin


def _from(validity: Validity, origin: Origin, *keys: str | int) -> Iterator[Fault]:
    if validity.since is None:
        yield origin.fault(
            "no date from which it is in force", *keys, "from", expected="a date such as 2024-11-01"
        )


def powers(resolved: Resolved) -> Iterator[Fault]:
    """Every power has an organ, known hazards, a date and an article in force."""
    for item in resolved.items.powers:
        power, origin = item.value, item.origin
        yield from one(resolved, "organs", power.organ, origin, "organ")
        yield from named(resolved, "hazards", power.hazards, origin, "hazards")
        yield from _from(power.validity, origin)
        yield from check_basis(resolved, origin, ("basis",), power.basis, power.validity, must_cite=True)


def duties(resolved: Resolved) -> Iterator[Fault]:
    """Every reporting duty names known hazards, places and a date, rests on an article, has a limit."""
    for item in resolved.items.duties:
        duty, origin = item.value, item.origin
        yield from named(resolved, "hazards", duty.hazards, origin, "hazards")
        yield from named(resolved, "places", duty.places, origin, "places")
        yield from _from(duty.validity, origin)
        yield from check_basis(resolved, origin, ("basis",), duty.basis, duty.validity, must_cite=True)
        if duty.every is not None and not duty.every:
            yield origin.fault("repeats without a pause", "every", expected="a duration above zero")


def levels_and_grades(resolved: Resolved) -> Iterator[Fault]:
    """Warning levels, response levels and grade bands have a date and an article; limits in order."""
    entries: list[Item[WarningLevel] | Item[ResponseLevel]] = [
        *resolved.items.warning_levels,
        *resolved.items.response_levels,
    ]
    for entry in entries:
        yield from _from(entry.value.validity, entry.origin)
        yield from check_basis(
            resolved, entry.origin, ("basis",), entry.value.basis, entry.value.validity, must_cite=True
        )
    for item in resolved.items.grades:
        band, origin = item.value, item.origin
        yield from _from(band.validity, origin)
        yield from check_basis(resolved, origin, ("basis",), band.basis, band.validity, must_cite=True)
        if band.grade not in (1, 2, 3, 4):
            yield origin.fault("no such grade", "grade", found=str(band.grade), expected="1, 2, 3 or 4")
        if band.lower is not None and band.upper is not None and band.lower > band.upper:
            yield origin.fault(
                "the lower limit is above the upper", "lower", found=f"{band.lower:g} to {band.upper:g}"
            )


def other_bases(resolved: Resolved) -> Iterator[Fault]:
    """What domains, categories, hazards, place levels and indicators cite, if they cite, exists."""
    items = resolved.items
    needed: list[Item[Domain] | Item[EventCategory] | Item[Indicator]] = [
        *items.domains,
        *items.categories,
        *items.indicators,
    ]
    for item in needed:
        yield from check_basis(resolved, item.origin, ("basis",), item.value.basis)
    wanted: list[Item[Hazard] | Item[PlaceLevel]] = [*items.hazards, *items.place_levels]
    for optional in wanted:
        if optional.value.basis:
            yield from check_basis(resolved, optional.origin, ("basis",), optional.value.basis)


def articles(resolved: Resolved) -> Iterator[Fault]:
    """A law stands in the file of its id and lists each article once."""
    for item in resolved.items.laws:
        law = item.value
        stem = item.origin.document.file.rpartition("/")[2].removesuffix(".toml")
        if law.id != stem:
            yield item.origin.fault(
                "the id is not the name of the file", "id", found=repr(law.id), expected=repr(stem)
            )
        counts = Counter(article.number for article in law.articles)
        for place, article in enumerate(law.articles):
            if not article.number.strip():
                yield item.origin.fault("must not be empty", "article", place, "number")
            elif counts[article.number] > 1:
                counts[article.number] = 0  # told once
                yield item.origin.fault(
                    "the article stands twice", "article", place, "number", found=repr(article.number)
                )


def organs_in_time(resolved: Resolved) -> Iterator[Fault]:
    """A power is not held longer than its organ exists."""
    for item in resolved.items.powers:
        organ = resolved.pack.organs.get(item.value.organ)
        if (
            organ is not None
            and item.value.validity.since
            and not covers(organ.validity, item.value.validity)
        ):
            yield item.origin.fault(
                "the organ does not exist throughout",
                "organ",
                found=f"{spell(item.value.validity)}, held by {organ.id} ({spell(organ.validity)})",
                expected="dates within those of the organ",
            )
