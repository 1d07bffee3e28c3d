"""An overlay may add and tighten. What it loosens must cite the article that lets it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from anlan.model.errors import Fault
from anlan.model.indicator import Indicator, Rule
from anlan.model.plan import Plan
from anlan.packs.citations import cites_article, covers
from anlan.packs.definitions import Resolved


def loosening(resolved: Resolved) -> Iterator[Fault]:
    """Replaced rules and plans that ask for less than what they replace, and indicators of which fewer
    values count, need a basis that cites a law of the pack and is not the one of the replaced definition."""
    for change in resolved.replaced:
        old, new = change.old.value, change.new.value
        if isinstance(old, Rule) and isinstance(new, Rule):
            falling = resolved.pack.indicators.get(new.indicator)
            loosened = list(looser_rule(old, new, falling.direction if falling else "up"))
            bases = {band.basis for band in new.bands} - {band.basis for band in old.bands}
        elif isinstance(old, Indicator) and isinstance(new, Indicator):
            loosened = list(looser_indicator(old, new))
            bases = {one.basis for one in new.definitions} - {one.basis for one in old.definitions}
        elif isinstance(old, Plan) and isinstance(new, Plan):
            loosened = list(looser_plan(old, new))
            bases = set()
        else:
            continue
        bases |= {new.basis} - {old.basis}
        if loosened and not any(cites_article(resolved, basis) for basis in bases):
            yield change.new.origin.fault(
                f"loosens {old.id} of {change.old.origin.document.file} without a basis of its own",
                "basis",
                found="; ".join(loosened),
                expected="a basis <law id>#<article> that allows it",
            )


def looser_indicator(old: Indicator, new: Indicator) -> Iterator[str]:
    """In what an indicator lets fewer values count: what is unknown raises no level."""
    for one in new.definitions:
        if one not in old.definitions:
            yield f"a change of definition is new, {one.title.en}"
    if new.minimum is not None and (old.minimum is None or new.minimum > old.minimum):
        yield f"minimum is {new.minimum:g}"
    if new.maximum is not None and (old.maximum is None or new.maximum < old.maximum):
        yield f"maximum is {new.maximum:g}"
    if new.frozen_after is not None and (old.frozen_after is None or new.frozen_after < old.frozen_after):
        yield "a value counts as stuck sooner"


def looser_rule(old: Rule, new: Rule, direction: str) -> Iterator[str]:
    """In what a rule asks for less: a later alarm, a narrower reach, or something not comparable."""
    for name in ("indicator", "hazard", "detector", "when", "measure", "params", "matrix", "certainty"):
        if getattr(old, name) != getattr(new, name):
            yield f"{name} is another"
    # A lower limit is the stricter one, except where falling values are the danger.
    sign = -1 if direction == "down" else 1
    for day in _days(old, new):
        if not old.validity.covers(day):
            continue
        for level in sorted({band.level for band in old.bands}):
            before, after = _limit(old, level, day, sign), _limit(new, level, day, sign)
            if before is None:
                continue
            if after is None:
                yield f"level {level} is gone on {day}"
            elif after > before:
                yield f"level {level} from {sign * before:g} to {sign * after:g} on {day}"
        steps = _amounts(new, day, sign)
        for column, before in _amounts(old, day, sign).items():
            if column not in steps:
                yield f"severity {column} is gone on {day}"
            elif steps[column] > before:
                yield f"severity {column} from {sign * before:g} to {sign * steps[column]:g} on {day}"
    if new.hold > old.hold:
        yield "hold is longer"
    if new.keep < old.keep:
        yield "keep is shorter"
    if old.if_missing == "hold" and new.if_missing != "hold":
        yield "if_missing no longer holds the level"
    yield from _fewer("places", old.places, new.places)


def _limit(rule: Rule, level: int, day: date, sign: int) -> float | None:
    """The limit at which the rule gives this level or a more severe one on that day."""
    if not rule.validity.covers(day):
        return None
    limits = [
        sign * band.at_least for band in rule.bands if band.level <= level and band.validity.covers(day)
    ]
    return min(limits, default=None)


def _amounts(rule: Rule, day: date, sign: int) -> dict[str, float]:
    """The amount at which each severity of the rule's matrix begins on that day."""
    if not rule.validity.covers(day):
        return {}
    return {one.column: sign * one.at_least for one in rule.severities if one.validity.covers(day)}


def _days(*rules: Rule) -> list[date]:
    """Every day on which one of the rules or bands begins or ends, and the one before all."""
    days = {date.min}
    for rule in rules:
        dated = [*(band.validity for band in rule.bands), *(one.validity for one in rule.severities)]
        for validity in (rule.validity, *dated):
            days |= {day for day in (validity.since, validity.until) if day is not None}
    return sorted(days)


def looser_plan(old: Plan, new: Plan) -> Iterator[str]:
    """In what a plan does less, later, for fewer."""
    for name in ("warn_at", "opens_at"):
        if getattr(new, name) < getattr(old, name):
            yield f"{name} from {getattr(old, name)} to {getattr(new, name)}"
    for warning, level in old.response.items():
        after = new.response.get(warning)
        if after is None:
            yield f"no response to warning level {warning}"
        elif after > level:
            yield f"response to warning level {warning} from {level} to {after}"
    for name in ("hazards", "places", "recipients"):
        yield from _fewer(name, getattr(old, name), getattr(new, name), empty_is_all=False)
    tasks = {task.id: task for task in new.tasks}
    for task in old.tasks:
        kept = tasks.get(task.id)
        if kept is None:
            yield f"task {task.id} is gone"
        elif kept.within > task.within:
            yield f"task {task.id} has more time"
        elif not _reaches(task.levels, kept.levels):
            yield f"task {task.id} applies at fewer levels"
    if old.ladder and (not new.ladder or new.ladder[0].after > old.ladder[0].after):
        yield "the ladder begins later or is gone"
    told = {id for rung in new.ladder for id in rung.recipients}
    yield from _fewer(
        "recipients of the ladder",
        sorted({id for rung in old.ladder for id in rung.recipients}),
        sorted(told),
        empty_is_all=False,
    )
    if new.stand_down_after < old.stand_down_after:
        yield "stand_down_after is shorter"
    if new.valid < old.valid:
        yield "valid is shorter"
    if not covers(new.validity, old.validity):
        yield "it is in force for less time"


def _reaches(old: tuple[int, ...], new: tuple[int, ...]) -> bool:
    return not new or (bool(old) and set(old) <= set(new))


def _fewer(name: str, old: Iterable[Any], new: Iterable[Any], *, empty_is_all: bool = True) -> Iterator[str]:
    before, after = set(old), set(new)
    if empty_is_all and not after:
        return
    if empty_is_all and not before:
        yield f"{name} are no longer all"
    elif lost := before - after:
        yield f"{name} without {', '.join(sorted(map(str, lost)))}"
