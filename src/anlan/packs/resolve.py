"""By date and place: which bands are in force, who may do what, who owes which report."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from anlan.model.errors import NotAllowed
from anlan.model.indicator import Band, Rule
from anlan.model.law import Organ, Power, ReportingDuty
from anlan.model.pack import Pack


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
    sieves: Sequence[tuple[str, list[Power]]] = (
        (f"does not cover the hazard {hazard}", [p for p in left if not p.hazards or hazard in p.hazards]),
        (
            f"does not reach level {level}",
            [p for p in left if level is None or not p.levels or level in p.levels],
        ),
        (
            f"does not reach the scope {scope}",
            [p for p in left if act != "warn" or p.scope in ("Public", scope)],
        ),
        (f"is not in force on {day}", [p for p in left if _in_force(pack, p, day)]),
        (f"does not extend to {place}", [p for p in left if _area(pack, p) in chain]),
    )
    for lack, kept in sieves:
        passing = [power for power in left if power in kept]
        if not passing:
            raise NotAllowed(
                f"the power of {who} to {act} {lack}",
                basis=_cite(left),
                where=organ or place,
                mend=_mend(left, pack),
            )
        left = passing
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
    return "; ".join(sorted({power.basis for power in powers}))


def _mend(powers: Sequence[Power], pack: Pack) -> str:
    spelled = sorted(
        {
            f"{power.organ} may {power.act} "
            f"hazards {', '.join(power.hazards) or 'all'}, levels {', '.join(map(str, power.levels)) or 'all'}, "
            f"scope {power.scope}, at {_area(pack, power) or 'nowhere'} ({power.basis})"
            for power in powers
        }
    )
    return "; ".join(spelled[:5]) + (f"; and {len(spelled) - 5} more" if len(spelled) > 5 else "")
