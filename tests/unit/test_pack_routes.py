"""What `pack check` says of the tables that mute and route."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from anlan.model.errors import InvalidValue
from anlan.model.pack import Pack
from anlan.model.route import Hours, Inhibit, Route
from anlan.packs.checks import routes
from anlan.packs.definitions import Definitions, Resolved
from anlan.packs.documents import Document, Item, Origin
from chain_pack import QUAKE, both, chain_pack


def resolved(pack: Pack, *values: Any) -> Resolved:
    items = Definitions()
    for number, value in enumerate(values):
        name = "inhibit" if isinstance(value, Inhibit) else "route"
        origin = Origin(Document(f"{name}s.toml", ""), (name, number))
        (items.inhibits if isinstance(value, Inhibit) else items.routes).append(Item(value, origin))
    return Resolved(pack, items, ())


def inhibit(id: str, **fields: Any) -> Inhibit:
    return Inhibit(id, both(id), 1, "", **fields)


def loops(*rules: Inhibit) -> list[str]:
    pack = chain_pack(rules={rule.id: rule for rule in (QUAKE, replace(QUAKE, id="tremor"))})
    return [fault.found for fault in routes.inhibit_loops(resolved(pack, *rules))]


def test_a_rule_that_mutes_its_own_cause_is_refused() -> None:
    assert loops(inhibit("a", by_hazard="flood", hazards=("flood",))) == ["a -> a"]
    assert loops(inhibit("a", by_rule="quake", rules=("quake",))) == ["a -> a"]


def test_rules_that_mute_each_other_are_refused_with_the_way_round() -> None:
    found = loops(
        inhibit("a", by_hazard="flood", hazards=("drought",)),
        inhibit("b", by_hazard="drought", hazards=("quake",)),
        inhibit("c", by_rule="tremor", hazards=("flood",)),
    )
    assert found == ["a -> b -> c -> a", "b -> c -> a -> b", "c -> a -> b -> c"]


def test_muting_a_rule_counts_as_muting_what_rests_on_its_hazard() -> None:
    # a message about earthquakes rests on what the muted rule finds
    found = loops(
        inhibit("a", by_hazard="flood", rules=("quake",)), inhibit("b", by_hazard="quake", hazards=("flood",))
    )
    assert found == ["a -> b -> a", "b -> a -> b"]


def test_a_chain_without_a_way_back_is_fine() -> None:
    rules = (
        inhibit("a", by_hazard="flood", hazards=("drought",)),
        inhibit("b", by_hazard="drought", rules=("quake",)),
        inhibit("c", by_rule="quake", rules=("tremor",)),
    )
    assert loops(*rules) == []


def test_a_cause_is_one_and_something_is_muted_by_it() -> None:
    pack = chain_pack()
    faults = list(
        routes.inhibits(
            resolved(
                pack,
                inhibit("both", by_hazard="flood", by_rule="gauge", hazards=("drought",)),
                inhibit("nothing", by_hazard="flood"),
                inhibit("unknown", by_hazard="flod", rules=("gauje",)),
            )
        )
    )
    assert [(fault.message, fault.found) for fault in faults] == [
        ("one cause is needed", "both"),
        ("names nothing that it mutes", ""),
        ("no such hazard", "'flod'"),
        ("no such rule", "'gauje'"),
    ]


def test_a_route_names_somebody_who_exists() -> None:
    pack = chain_pack()
    faults = list(
        routes.routes(
            resolved(
                pack,
                Route("nobody", both("n")),
                Route("wrong", both("w"), ("dess",), ("chiefs",), ("flod",), ("x/q",)),
                Route("days", both("d"), ("desk",), hours=(Hours(days=()),)),
            )
        )
    )
    assert [fault.message for fault in faults] == [
        "a route for nobody",
        "no such recipient",
        "no such hazard",
        "no such place",
        "no recipient has this role",
        "hours on no day",
    ]


def test_a_limit_on_somebody_who_must_answer_is_pointed_out() -> None:
    found = list(routes.idle_routes(resolved(chain_pack(), Route("r", both("r"), ("desk", "feed"), most=2))))
    assert [fault.found for fault in found] == ["desk"]


@dataclass
class Case:
    build: Any
    says: str


@pytest.mark.parametrize(
    "case",
    [
        Case(lambda: Hours("24:30"), "24:30"),
        Case(lambda: Hours(end="7"), "HH:MM"),
        Case(lambda: Route("r", both("r"), zone="Mars/Olympus"), "Mars/Olympus"),
        Case(lambda: Route("r", both("r"), least=5), "least"),
        Case(lambda: Route("r", both("r"), most=-1), "most"),
        Case(lambda: Route("r", both("r"), digest=timedelta(0)), "above zero"),
    ],
    ids=lambda case: case.says,
)
def test_values_out_of_their_bounds_are_named(case: Case) -> None:
    with pytest.raises(InvalidValue, match=case.says):
        case.build()
