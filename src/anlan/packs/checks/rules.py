"""Rules: what they name, their condition, their detector, their dated bands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from anlan.model.errors import Fault
from anlan.model.indicator import Band, Rule, SeverityBand
from anlan.packs.checks.references import one
from anlan.packs.citations import check_basis, covers, spell
from anlan.packs.conditions import examine
from anlan.packs.decode import describe
from anlan.packs.definitions import Resolved
from anlan.packs.documents import Origin

Detectors = Mapping[str, Mapping[str, str]]
#: detector -> kinds of indicator that it reads
Demands = Mapping[str, tuple[str, ...]]


def rule_references(resolved: Resolved) -> Iterator[Fault]:
    """Indicator, hazard, places; `level:<id>` in places names a place level."""
    for item in resolved.items.rules:
        rule, origin = item.value, item.origin
        yield from one(resolved, "indicators", rule.indicator, origin, "indicator")
        yield from one(resolved, "hazards", rule.hazard, origin, "hazard")
        yield from check_basis(resolved, origin, ("basis",), rule.basis)
        for place, name in enumerate(rule.places):
            head, colon, level = name.partition(":")
            if colon and head == "level":
                if not resolved.knows("place_levels", level):
                    yield origin.fault(
                        "no such level",
                        "places",
                        place,
                        found=repr(name),
                        expected=", ".join(f"level:{id}" for id in resolved.pack.place_levels),
                    )
            else:
                yield from one(resolved, "places", name, origin, "places", place)


def bands(resolved: Resolved) -> Iterator[Fault]:
    """Every band has a date and a basis in force; one band per level at a time, within the rule's."""
    for item in resolved.items.rules:
        rule, origin = item.value, item.origin
        if not rule.bands and not rule.matrix:
            yield origin.fault("no band, so it never gives a level", "band", expected="[[rule.band]]")
        for place, band in enumerate(rule.bands):
            yield from dated_step(resolved, rule, origin, "band", place, band)
            for earlier, other in enumerate(rule.bands[:place]):
                if other.level == band.level and other.validity.overlaps(band.validity):
                    yield origin.fault(
                        "two bands of one level at the same time",
                        "band",
                        place,
                        "from",
                        found=f"level {band.level}, {spell(band.validity)}",
                        expected=f"dates apart from band[{earlier}], {spell(other.validity)}",
                    )


def levels_named(resolved: Resolved) -> Iterator[Fault]:
    """Every level that a band gives has a colour at some time of the band: a finding has to name it."""
    known = resolved.pack.warning_levels
    for item in resolved.items.rules:
        for place, band in enumerate(item.value.bands):
            if any(w.level == band.level and w.validity.overlaps(band.validity) for w in known):
                continue
            if resolved.certain("warning_levels", str(band.level)):
                yield item.origin.fault(
                    "no warning level of that number is in force",
                    "band",
                    place,
                    "level",
                    found=f"{band.level}, {spell(band.validity)}",
                    expected="a [[warning_level]] in levels.toml, here or in a pack that this one extends",
                )


def dated_step(
    resolved: Resolved, rule: Rule, origin: Origin, key: str, place: int, step: Band | SeverityBand
) -> Iterator[Fault]:
    """A band or a severity of a rule has a date and a basis in force, within the dates of its rule."""
    if step.validity.since is None:
        yield origin.fault(
            "no date from which it is in force", key, place, "from", expected="such as 2024-11-01"
        )
    yield from check_basis(resolved, origin, (key, place, "basis"), step.basis, step.validity)
    if not rule.validity.overlaps(step.validity):
        yield origin.fault(
            f"the {key} is never in force together with its rule",
            key,
            place,
            "from",
            found=spell(step.validity),
            expected=spell(rule.validity),
        )


def conditions(resolved: Resolved) -> Iterator[Fault]:
    """`when` is CEL over a detection and gives yes or no."""
    for item in resolved.items.rules:
        for problem in examine(item.value.when):
            if problem.grave:
                yield item.origin.fault(
                    problem.message, "when", found=problem.found, expected=problem.expected
                )


def doubtful_conditions(resolved: Resolved) -> Iterator[Fault]:
    """Conditions that run but may never hold: for a person to look at."""
    for item in resolved.items.rules:
        for problem in examine(item.value.when):
            if not problem.grave:
                yield item.origin.fault(
                    problem.message, "when", found=problem.found, expected=problem.expected
                )


def detectors(resolved: Resolved, known: Detectors) -> Iterator[Fault]:
    """Detector and parameters exist and fit. `known` maps a detector's name to its parameters, each
    with its type: int, float, bool, str, `a | b` for words, `(int, int)` for a list, with `or none`
    or `required` behind."""
    for item in resolved.items.rules:
        rule, origin = item.value, item.origin
        params = known.get(rule.detector)
        if params is None:
            yield origin.fault(
                "no such detector", "detector", found=repr(rule.detector), expected=", ".join(sorted(known))
            )
            continue
        for name, value in rule.params.items():
            if name not in params:
                yield origin.fault(
                    f"{rule.detector} has no such parameter",
                    "params",
                    name,
                    found=repr(name),
                    expected=", ".join(sorted(params)) or "none",
                )
            elif not fits(value, params[name]):
                yield origin.fault(
                    "wrong type of parameter", "params", name, found=describe(value), expected=params[name]
                )
            elif (table := _NAMED.get(params[name].split()[0])) is not None:
                yield from one(resolved, table, value, origin, params[name].split()[0], "params", name)
        for name, kind in params.items():
            if kind.endswith(" required") and name not in rule.params:
                yield origin.fault(f"{rule.detector} needs a parameter", "params", name, expected=kind)


def demanded(resolved: Resolved, demands: Demands) -> Iterator[Fault]:
    """What a rule's detector asks of its indicator."""
    for item in resolved.items.rules:
        rule, origin = item.value, item.origin
        indicator = resolved.pack.indicators.get(rule.indicator)
        if rule.detector not in demands or indicator is None:
            continue
        kinds = demands[rule.detector]
        if indicator.kind not in kinds:
            yield origin.fault(
                f"{rule.detector} reads other indicators",
                "indicator",
                found=f"{indicator.id}, {indicator.kind}",
                expected=f"an indicator of kind {' or '.join(kinds)}",
            )


#: types of parameters that name something of the pack
_NAMED = {"indicator": "indicators", "place": "places"}


def fits(value: Any, kind: str) -> bool:
    """Whether a TOML value is of a type as the detectors describe theirs; unknown types fit."""
    kind = kind.removesuffix(" required").removesuffix(" or none").strip()
    if "|" in kind:
        return value in [word.strip(" '\"") for word in kind.split("|")]
    if kind.startswith("(") and kind.endswith(")"):
        parts = [part for part in kind[1:-1].split(",") if part.strip()]
        return (
            isinstance(value, list)
            and len(value) == len(parts)
            and all(fits(one, part.strip()) for one, part in zip(value, parts, strict=True))
        )
    if kind in ("int", "float") and isinstance(value, bool):
        return False
    types: dict[str, tuple[type, ...]] = {
        "int": (int,),
        "float": (int, float),
        "bool": (bool,),
        "str": (str,),
        "list": (list,),
        "indicator": (str,),
        "place": (str,),
    }
    return isinstance(value, types[kind]) if kind in types else True


def loose_ends(resolved: Resolved) -> Iterator[Fault]:
    """What is allowed but deserves a look: bands outside their rule's dates."""
    for item in resolved.items.rules:
        for place, band in enumerate(item.value.bands):
            if item.value.validity.since and not covers(item.value.validity, band.validity):
                yield _outside(item.origin, place, spell(band.validity), spell(item.value.validity))


def _outside(origin: Origin, place: int, band: str, rule: str) -> Fault:
    return origin.fault(
        "the band reaches beyond its rule's dates", "band", place, "from", found=band, expected=rule
    )
