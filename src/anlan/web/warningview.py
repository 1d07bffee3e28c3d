"""What an approver must see before a warning goes out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from anlan.model.assessment import Assessment
from anlan.model.errors import UnknownPlace
from anlan.model.mute import Mute
from anlan.model.pack import Pack
from anlan.model.state import State
from anlan.model.warning import Delivery, Warning
from anlan.warn.decide import PENDING


@dataclass(frozen=True, slots=True)
class Reach:
    """People in the warned places by the pack's tables. `unknown` are the places without a figure:
    they are not counted as zero, so the sum is a lower bound when there are any."""

    population: int
    years: tuple[int, ...]
    counted: tuple[str, ...]
    unknown: tuple[str, ...]


def reach(places: Iterable[str], pack: Pack, at: datetime) -> Reach:
    """Population reached; a place that lies within another warned place is not counted twice."""
    warned = sorted(set(places))
    total, years, counted, unknown = 0, set[int](), list[str](), list[str]()
    for id in warned:
        try:
            place = pack.place(id, at)
            if any(area in warned for area in pack.ancestry(id, at)[1:]):
                continue
        except UnknownPlace:
            unknown.append(id)
            continue
        if place.population is None:
            unknown.append(id)
            continue
        total += place.population
        counted.append(id)
        if place.population_year is not None:
            years.add(place.population_year)
    return Reach(total, tuple(sorted(years)), tuple(counted), tuple(unknown))


def chain(warning: Warning, state: State) -> list[Warning]:
    """Every message of the same risk, oldest first."""
    same = [w for w in state.warnings.values() if w.risk == warning.risk]
    return sorted(same, key=lambda w: (w.sent or w.drafted, w.id))


def open_draft(risk: str, state: State, besides: str = "") -> Warning | None:
    """The message of the risk that is not sent yet, other than `besides`: it holds up every other draft."""
    return next((w for w in state.warnings.values() if pending(w, risk) and w.id != besides), None)


def pending(warning: Warning, risk: str) -> bool:
    """A draft of the risk, at whatever stage before it is sent."""
    return warning.risk == risk and warning.status in PENDING


def mutes_of(
    warning: Warning, state: State, visible: Callable[[str], bool]
) -> list[tuple[Assessment, int, Mute]]:
    """What the message keeps quiet now: each risk, how many of its findings, and one of the mutes."""
    found: dict[str, list[Mute]] = {}
    for one in state.mutes.values():
        if one.status == "on" and one.cause == warning.id and visible(one.place):
            found.setdefault(one.risk, []).append(one)
    return [
        (state.assessments[risk], len(own), own[-1])
        for risk, own in found.items()
        if risk in state.assessments
    ]


def deliveries(warning: Warning, state: State) -> list[Delivery]:
    """The deliveries of one message, by rung and time."""
    own = [state.deliveries[id] for id in state.copies.get(warning.id, ())]
    return sorted(own, key=lambda d: (d.rung, d.due, d.recipient))
