"""Many risks as few cards."""

from __future__ import annotations

from dataclasses import replace

from anlan.model.assessment import Assessment
from anlan.model.domain import PlaceLevel
from anlan.model.pack import Pack
from anlan.model.place import Place
from anlan.model.state import State
from anlan.warn.group import card_id, cards
from chain_pack import DAY, T0, both, chain_pack, finding

NOW = T0 + 2 * DAY


def pack_of(*extra: Place, ranks: dict[str, int] | None = None) -> Pack:
    pack = chain_pack()
    levels = {id: PlaceLevel(id, both(id), rank) for id, rank in (ranks or {}).items()}
    return replace(pack, places=pack.places | {p.id: (p,) for p in extra}, place_levels=levels)


def state_of(*specs: tuple[str, str, str, int | None]) -> State:
    """(risk, hazard, place, level) with one finding each."""
    state = State()
    for number, (id, hazard, place, level) in enumerate(specs):
        one = finding(f"F-{id}", level or 4, place=place, hazard=hazard, rule=f"r-{number}")
        state.put(one.id, one)
        risk = Assessment(
            id, hazard, "water", place, both(id), T0, T0 + number * DAY / 100, "automatic", "open",
            "known" if level else "unknown", level, level, (one.id,),
        )  # fmt: skip
        state.put(id, risk)
    return state


def test_one_hazard_in_one_province_is_one_card_with_its_worst_level() -> None:
    state = state_of(
        ("a", "flood", "x/a", 3),
        ("b", "flood", "x/a/1", 2),
        ("c", "flood", "x/b", 4),
        ("d", "quake", "x/a", 1),
    )
    found = cards(state.assessments.values(), state, pack_of(), NOW)
    assert [(card.hazard, card.area, card.level, card.risks) for card in found] == [
        ("quake", "x/a", 1, ("d",)),
        ("flood", "x/a", 2, ("b", "a")),
        ("flood", "x/b", 4, ("c",)),
    ]
    (alpha,) = [card for card in found if card.id == card_id("flood", "x/a")]
    assert (alpha.findings, alpha.places, alpha.count) == (2, ("x/a/1", "x/a"), 2)
    assert alpha.newest == state.assessments["b"].updated


def test_a_risk_of_the_whole_takes_in_those_of_its_parts() -> None:
    state = state_of(("all", "flood", "x", 4), ("a", "flood", "x/a", 2), ("b", "flood", "x/b", 3))
    (card,) = cards(state.assessments.values(), state, pack_of(), NOW)
    assert (card.area, card.level, card.count) == ("x", 2, 3)


def test_ranks_decide_where_the_pack_gives_them() -> None:
    village = Place("x/a/1/v", both("village"), "village", "x/a/1")
    ranks = {"nation": 0, "province": 1, "county": 2, "village": 3}
    state = state_of(("v", "flood", "x/a/1/v", 3), ("c", "flood", "x/a/1", 3), ("p", "quake", "x/a", 3))
    found = cards(state.assessments.values(), state, pack_of(village, ranks=ranks), NOW)
    # the second rank is the county here; what lies above it stands by itself
    assert {(card.hazard, card.area, card.count) for card in found} == {
        ("flood", "x/a/1", 2),
        ("quake", "x/a", 1),
    }


def test_unknown_is_shown_and_every_member_is_in_exactly_one_card() -> None:
    state = state_of(
        *((f"r{n}", "flood", ("x/a", "x/a/1", "x/b")[n % 3], (1, 2, 3, None)[n % 4]) for n in range(60))
    )
    found = cards(state.assessments.values(), state, pack_of(), NOW, frozenset(("r1",)))
    members = [risk for card in found for risk in card.risks]
    assert sorted(members) == sorted(state.assessments)
    assert all(card.unknown for card in found)
    assert {risk for card in found for risk in card.muted} == {"r1"}


def test_a_place_that_is_gone_still_has_its_card() -> None:
    state = state_of(("old", "flood", "x/gone", 3))
    (card,) = cards(state.assessments.values(), state, pack_of(), NOW)
    assert card.area == "x/gone"
