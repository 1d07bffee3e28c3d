"""By date and place: which bands are in force, who may do what, who owes which report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime

from anlan.model.errors import NotAllowed
from anlan.model.indicator import Band, Rule
from anlan.model.law import Organ, Power, ReportingDuty
from anlan.model.pack import Pack

_NAMED = 5  # powers and articles that a refusal names


def _day(at: datetime | date) -> date:
    return at.date() if isinstance(at, datetime) else at


def bands_at(rule: Rule, at: datetime | date) -> tuple[Band, ...]:
    """The bands of a rule in force at that date, most severe level first; at most one per level in a
    pack that passed its checks. None at all when the rule itself is not in force."""
    day = _day(at)
    if not rule.validity.covers(day):
        return ()
    return tuple(
        sorted((band for band in rule.bands if band.validity.covers(day)), key=lambda band: band.level)
    )


def rules_at(pack: Pack, at: datetime | date) -> tuple[Rule, ...]:
    """The rules in force at that date, by id."""
    day = _day(at)
    return tuple(pack.rules[id] for id in sorted(pack.rules) if pack.rules[id].validity.covers(day))


def duties_for(
    pack: Pack, hazard: str, level: int, place: str, at: datetime | date
) -> tuple[ReportingDuty, ...]:
    """The reports owed for an incident of that hazard and response level at that place, by id.
    UnknownPlace when the place does not exist at that date."""
    day = _day(at)
    chain = pack.ancestry(place, at)
    return tuple(
        duty
        for _, duty in sorted(pack.duties.items())
        if duty.validity.covers(day)
        and (not duty.hazards or hazard in duty.hazards)
        and (not duty.levels or level in duty.levels)
        and (not duty.places or any(area in chain for area in duty.places))
    )


def competent(
    pack: Pack,
    act: str,
    organ: str | None,
    hazard: str,
    level: int | None,
    place: str,
    at: datetime | date,
    scope: str = "Public",
) -> Power:
    """The power on which `organ` may do `act` (warn, respond) for a hazard and level at a place.

    `organ` None asks for any organ: the one whose area lies nearest above the place answers. `level`
    None stands for an act that has none. A power that reaches the public reaches restricted scope
    too, not the other way round; for `respond` the scope plays no part. NotAllowed says what is
    missing and cites the articles of the powers that come nearest; UnknownPlace when the place does
    not exist at that date."""
    day = _day(at)
    chain = pack.ancestry(place, at)
    if organ is not None and organ not in pack.organs:
        raise NotAllowed("no such organ", where=organ, mend="organs.toml lists the organs")
    # Each sieve with what its failure means, from the most general to the most particular.
    left: list[Power] = [
        power for power in pack.powers if power.act == act and (organ is None or power.organ == organ)
    ]
    who = pack.organs[organ].name.en if organ is not None else "any organ"
    if not left:
        raise NotAllowed(f"no article gives {who} the power to {act}", where=organ or place)
    sieves: tuple[tuple[str, Callable[[Power], bool]], ...] = (
        (f"is not in force on {day}", lambda power: _in_force(pack, power, day)),
        (f"does not extend to {place}", lambda power: _area(pack, power) in chain),
        (f"does not cover the hazard {hazard}", lambda power: not power.hazards or hazard in power.hazards),
        (
            f"does not reach level {level}",
            lambda power: level is None or not power.levels or level in power.levels,
        ),
        (
            f"does not reach the scope {scope}",
            lambda power: act != "warn" or power.scope in ("Public", scope),
        ),
    )
    for lack, passes in sieves:
        kept = [power for power in left if passes(power)]
        if not kept:
            raise NotAllowed(
                f"the power of {who} to {act} {lack}",
                basis=_cite(left),
                where=organ or place,
                mend=_mend(left, pack),
            )
        left = kept
    return min(left, key=lambda power: (chain.index(_area(pack, power)), power.organ, power.basis))


def powers_of(pack: Pack, organ: str, at: datetime | date) -> tuple[Power, ...]:
    """Every power of an organ in force at that date."""
    day = _day(at)
    return tuple(power for power in pack.powers if power.organ == organ and _in_force(pack, power, day))


def _organ(pack: Pack, power: Power) -> Organ | None:
    return pack.organs.get(power.organ)


def _in_force(pack: Pack, power: Power, day: date) -> bool:
    organ = _organ(pack, power)
    return organ is not None and organ.validity.covers(day) and power.validity.covers(day)


def _area(pack: Pack, power: Power) -> str:
    organ = _organ(pack, power)
    return organ.place if organ is not None else ""


def _cite(powers: Sequence[Power]) -> str:
    bases = sorted({power.basis for power in powers})
    return "; ".join(bases[:_NAMED]) + (f"; and {len(bases) - _NAMED} more" if len(bases) > _NAMED else "")


def _mend(powers: Sequence[Power], pack: Pack) -> str:
    spelled = sorted({_spell(power, _area(pack, power)) for power in powers})
    rest = f"; and {len(spelled) - _NAMED} more" if len(spelled) > _NAMED else ""
    return "; ".join(spelled[:_NAMED]) + rest


def _spell(power: Power, area: str) -> str:
    hazards = ", ".join(power.hazards) or "all"
    levels = ", ".join(map(str, power.levels)) or "all"
    return (
        f"{power.organ} may {power.act} at {area or 'nowhere'}: hazards {hazards}, levels {levels}, "
        f"scope {power.scope} ({power.basis})"
    )
