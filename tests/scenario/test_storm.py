"""A storm with a thousand gusts through the whole flow, on a clock of its own: one card, one warning, nothing
lost, and everything heard again when the storm is over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from anlan import flow
from anlan.model.domain import Hazard
from anlan.model.indicator import SourceDef
from anlan.model.observation import Observation
from anlan.model.pack import Pack
from anlan.model.place import Place
from anlan.model.plan import Plan
from anlan.model.provenance import Provenance
from anlan.model.route import Inhibit
from anlan.model.state import State, fold
from anlan.warn.group import cards
from anlan.warn.mute import muted, quiet
from chain_pack import ADA, BEN, DAY, HOUR, MINUTE, PLAN, QUAKE, T0, Room, around, both, chain_pack, stage

COUNTIES = 40
GUSTS = 1000
STORM = T0 + 2 * DAY
TYPHOON = Inhibit(
    "storm-over-gusts", both("gusts of the storm"), 1, "act-2010#5", by_hazard="flood", hazards=("gale",)
)
GUST = replace(
    QUAKE,
    id="gust",
    indicator="gusts",
    hazard="gale",
    keep=10 * DAY,
    params={"limit": 17.2},
    bands=tuple(
        replace(band, at_least=at) for band, at in zip(QUAKE.bands, (17.2, 20.8, 24.5, 32.7), strict=True)
    ),
)


def storm_pack() -> Pack:
    """The storm itself is the red of the "flood" rule; gusts are single events at forty counties."""
    pack = chain_pack()
    counties = [
        Place(f"x/a/{n:02}", both(f"County {n}"), "county", "x/a", **around(3)) for n in range(COUNTIES)
    ]
    gusts = replace(pack.indicators["magnitude"], id="gusts", unit="m/s")
    words = replace(PLAN.template, matters=both("Strong wind."))
    gale: Plan = replace(PLAN, id="gale-plan", hazards=("gale",), template=words, warn_at=3)
    return replace(
        pack,
        places=pack.places | {p.id: (p,) for p in counties},
        hazards=pack.hazards | {"gale": Hazard("gale", both("gale"), "natural", "water", "Met")},
        indicators=pack.indicators | {"gusts": gusts},
        sources=pack.sources
        | {
            "stations": SourceDef(
                "stations",
                both("stations"),
                "push",
                "CC0-1.0",
                both("board"),
                20 * DAY,
                30 * DAY,
                indicators=("gusts",),
            )
        },
        rules={"gauge": pack.rules["gauge"], "gust": GUST},
        plans={"flood-plan": PLAN, "gale-plan": gale},
        inhibits={TYPHOON.id: TYPHOON},
    )


def gust(number: int, at: timedelta, speed: float) -> Observation:
    when = STORM + at
    place = f"x/a/{number % COUNTIES:02}"
    return Observation("gusts", place, when, when, speed, "m/s", Provenance("stations", "t"), f"g-{number}")


def speed(number: int) -> float:
    return (18.0, 22.0, 26.0, 21.0)[number % 4]


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    """A hundred gusts, then the red storm warning, then nine hundred more."""
    room = Room(Path(tmp_path_factory.mktemp("storm")), storm_pack())
    first = [gust(n, n * timedelta(seconds=1), speed(n)) for n in range(100)]
    room.turn(STORM + 5 * MINUTE, *first, source="stations")
    room.learn(stage(0, 6.5, "x/a", known=STORM + HOUR))
    (red,) = [w for w in room.pending() if w.hazard == "flood"]
    room.act(STORM + 2 * HOUR, ADA, "warning.submit", red.id)
    room.act(STORM + 2 * HOUR + MINUTE, BEN, "warning.approve", red.id)
    for part in range(9):
        numbers = range(100 + part * 100, 200 + part * 100)
        items = [gust(n, (3 + part) * HOUR + (n % 100) * timedelta(seconds=1), speed(n)) for n in numbers]
        room.turn(STORM + (3 + part) * HOUR + 5 * MINUTE, *items, source="stations")
    yield room
    room.close()


def gales(state: State) -> list[str]:
    return [risk.id for risk in state.assessments.values() if risk.hazard == "gale"]


def test_a_thousand_gusts_are_one_card_and_every_one_of_them_is_on_it(room: Room) -> None:
    state = room.state
    now = STORM + 12 * HOUR
    live = [risk for risk in state.assessments.values() if risk.verdict == "open"]
    found = cards(live, state, room.pack, now)
    assert [(card.hazard, card.area, card.level) for card in found] == [
        ("flood", "x/a", 1),
        ("gale", "x/a", 2),
    ]
    gale = found[1]
    assert gale.findings == GUSTS
    assert len(gale.places) == COUNTIES
    reached = {id for risk in gale.risks for id in state.assessments[risk].findings}
    assert len([id for id in reached if state.findings[id].rule == "gust"]) == GUSTS


def test_all_of_them_are_muted_by_the_storm_warning_and_keep_their_levels(room: Room) -> None:
    state = room.state
    head = next(w for w in state.warnings.values() if w.hazard == "flood" and w.status == "approved")
    on = [mute for mute in state.mutes.values() if mute.status == "on"]
    assert len(on) == GUSTS
    assert {mute.cause for mute in on} == {head.id}
    assert Counter(state.findings[mute.finding].level for mute in on) == {4: 250, 3: 500, 2: 250}
    hushed = quiet(state)
    assert all(muted(state.assessments[id], state, hushed) for id in gales(state))


def test_after_the_storm_warning_no_gust_asks_for_a_warning_of_its_own(room: Room) -> None:
    drafted = [entry for entry in room.journal.read() if entry.kind == "warning.drafted"]
    later = [e for e in drafted if e.at > STORM + 2 * HOUR and getattr(e.value, "hazard", "") == "gale"]
    # those that had a draft before go on with it; no county gets its first
    before = {e.risk for e in drafted if e.at <= STORM + 2 * HOUR}
    assert {e.risk for e in later} <= before


def test_the_journal_says_the_same_after_a_restart(room: Room) -> None:
    again = fold(room.journal.read())
    assert again.mutes == room.state.mutes
    assert again.assessments == room.state.assessments
    assert again.notices == room.state.notices


def test_when_the_storm_warning_is_lifted_everything_is_heard_again(room: Room) -> None:
    state = room.state
    before = {id: state.assessments[id].level for id in gales(state)}
    head = next(w for w in state.warnings.values() if w.hazard == "flood" and w.status == "approved")
    at = STORM + DAY
    room.act(at, ADA, "warning.cancel", head.id, reason="the storm has passed")
    (lift,) = [w for w in room.pending() if w.change == "cancel"]
    room.act(at + MINUTE, ADA, "warning.submit", lift.id)
    room.act(at + 2 * MINUTE, BEN, "warning.approve", lift.id)
    assert all(mute.status == "off" for mute in room.state.mutes.values())
    assert all(mute.reasons[-1].code == "cause_over" for mute in room.state.mutes.values())
    assert {id: room.state.assessments[id].level for id in gales(room.state)} == before
    waiting = {w.risk for w in room.pending() if w.hazard == "gale"}
    asks = {id for id in before if (before[id] or 5) <= 3}
    assert asks <= waiting
    assert flow.next_due(room) is not None  # type: ignore[arg-type]
