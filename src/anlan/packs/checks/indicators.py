"""Indicators: their dated definitions, what is a value of theirs, what their events announce."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from anlan.model.errors import Fault
from anlan.model.time import format_duration
from anlan.packs.checks.references import named
from anlan.packs.citations import check_basis
from anlan.packs.definitions import Resolved


def definitions(resolved: Resolved) -> Iterator[Fault]:
    """Every change of definition has a date, a basis and places that exist; a factor has its own basis."""
    for item in resolved.items.indicators:
        indicator, origin = item.value, item.origin
        if indicator.definitions and indicator.kind == "event":
            yield origin.fault(
                "single events have no series to mark", "definition", found="event", expected="another kind"
            )
        for n, one in enumerate(indicator.definitions):
            if one.validity.since is None:
                yield origin.fault(
                    "no date from which it counts", "definition", n, "from", expected="such as 2020-02-12"
                )
            yield from check_basis(resolved, origin, ("definition", n, "basis"), one.basis)
            yield from named(resolved, "places", one.places, origin, "definition", n, "places")
            if one.factor is not None:
                yield from check_basis(resolved, origin, ("definition", n, "factor_basis"), one.factor_basis)
            elif one.factor_basis:
                yield origin.fault("the basis of no factor", "definition", n, "factor_basis")


def bounds(resolved: Resolved) -> Iterator[Fault]:
    """The lowest possible value lies below the highest; a sensor is stuck only after some time."""
    for item in resolved.items.indicators:
        one, origin = item.value, item.origin
        if one.minimum is not None and one.maximum is not None and one.minimum >= one.maximum:
            yield origin.fault(
                "no value is possible", "minimum", found=f"{one.minimum:g}", expected=f"below {one.maximum:g}"
            )
        if one.frozen_after is not None and one.frozen_after <= (one.frequency or timedelta(0)):
            yield origin.fault(
                "every value would be a stuck one",
                "frozen_after",
                expected="a duration longer than the indicator's frequency",
            )


def settlings(resolved: Resolved) -> Iterator[Fault]:
    """Only counts of a period go on growing, and not for ever."""
    for item in resolved.items.indicators:
        one = item.value
        if one.settles is None:
            continue
        if one.kind != "count" or not one.frequency:
            yield item.origin.fault(
                "only counts of a period are settled later",
                "settles",
                found=f"{one.kind}, {format_duration(one.frequency) if one.frequency else 'no frequency'}",
            )
        elif not timedelta(0) < one.settles <= 60 * one.frequency:
            yield item.origin.fault(
                "no time in which a count is settled",
                "settles",
                found=format_duration(one.settles),
                expected="more than none, and at most 60 of the indicator's periods",
            )


def calendars(resolved: Resolved) -> Iterator[Fault]:
    """Only daily counts know weekdays and holidays."""
    for item in resolved.items.indicators:
        one = item.value
        if one.calendar and (one.kind != "count" or one.frequency != timedelta(days=1)):
            yield item.origin.fault(
                "a calendar is for daily counts",
                "calendar",
                found=f"{one.kind}, {format_duration(one.frequency) if one.frequency else 'no frequency'}",
                expected="kind count, frequency P1D",
            )


def outlooks(resolved: Resolved) -> Iterator[Fault]:
    """Only earthquakes have aftershocks."""
    for item in resolved.items.rules:
        indicator = resolved.pack.indicators.get(item.value.indicator)
        if not item.value.outlook or indicator is None:
            continue
        if indicator.kind != "event" or indicator.unit != "{magnitude}":
            yield item.origin.fault(
                "aftershocks follow single earthquakes",
                "outlook",
                found=f"{indicator.kind}, {indicator.unit}",
                expected="an indicator of kind event, unit {magnitude}",
            )
