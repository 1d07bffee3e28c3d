"""Who may warn: the competent issuer for a hazard, a level and every place, each with its article."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from anlan.model.errors import NotAllowed, UnknownPlace
from anlan.model.law import Power
from anlan.model.pack import Pack
from anlan.model.reason import Reason
from anlan.model.text import Text
from anlan.packs.resolve import competent

SCOPES = ("Public", "Restricted")


@dataclass(frozen=True, slots=True)
class Issuing:
    """`powers`: place -> the organ's power to warn there, one that reaches the public where it has one.
    `refusals`: why places are not among them, each naming who else could warn there."""

    organ: str
    powers: dict[str, Power]
    refusals: tuple[Reason, ...] = ()

    @property
    def whole(self) -> bool:
        """Every place asked for is within the power."""
        return not self.refusals and bool(self.powers)

    @property
    def scope(self) -> str:
        """Public where every power reaches the public, else Restricted."""
        return "Public" if all(power.scope == "Public" for power in self.powers.values()) else "Restricted"

    @property
    def basis(self) -> str:
        """The articles, each once."""
        return "; ".join(sorted({power.basis for power in self.powers.values()}))


def issuing(organ: str, hazard: str, level: int, places: Iterable[str], pack: Pack, now: datetime) -> Issuing:
    """What `organ` may warn of, place by place."""
    powers: dict[str, Power] = {}
    refusals: list[Reason] = []
    for place in places:
        try:
            powers[place] = power_of(organ, hazard, level, place, pack, now)
        except (NotAllowed, UnknownPlace) as error:
            basis = error.basis if isinstance(error, NotAllowed) else ""
            other = _other(organ, hazard, level, place, pack, now)
            also = f"; {other.organ} may [{other.basis}]" if other else ""
            also_zh = f"；{other.organ} 有权发布[{other.basis}]" if other else ""
            text = Text(
                f"no competent issuer: {place}: {error.message}{also}",
                f"无有权发布机关：{place}：{error.message}{also_zh}",
            )
            refusals.append(Reason("no_power", text, basis))
    return Issuing(organ, powers, tuple(refusals))


def power_of(organ: str, hazard: str, level: int, place: str, pack: Pack, now: datetime) -> Power:
    """The organ's power to warn there; NotAllowed, with the articles that come nearest."""
    try:
        return competent(pack, "warn", organ, hazard, level, place, now, SCOPES[0])
    except NotAllowed:
        return competent(pack, "warn", organ, hazard, level, place, now, SCOPES[1])


def nearest_issuer(hazard: str, level: int, place: str, pack: Pack, now: datetime) -> Power | None:
    """The power of the organ whose area lies nearest above the place; None where no organ has one."""
    for scope in SCOPES:
        try:
            return competent(pack, "warn", None, hazard, level, place, now, scope)
        except (NotAllowed, UnknownPlace):
            continue
    return None


def _other(organ: str, hazard: str, level: int, place: str, pack: Pack, now: datetime) -> Power | None:
    found = nearest_issuer(hazard, level, place, pack, now)
    return found if found is not None and found.organ != organ else None
