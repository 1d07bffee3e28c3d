"""A place that reports nothing is the sum of those below it, and says who is missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from anlan.assess.evaluate import evaluate
from anlan.formats.values import to_json
from anlan.model.finding import Finding
from anlan.model.indicator import Definition, Rule
from anlan.model.pack import Pack
from anlan.model.state import State
from anlan.model.text import Text
from anlan.model.time import Validity
from chain_pack import DAY, GAUGE, T0, MemoryLake, chain_pack, stage

LAND = replace(GAUGE, places=("level:nation",), keep=timedelta(0))
ROWS: dict[str, list[float | None]] = {"x/a": [1, 1, 2, 2], "x/b": [1, 1, 1, 3]}


def counted(**changes: Any) -> Pack:
    """The chain pack without x/old, `stage` as counts that add up."""
    pack = chain_pack()
    own = replace(pack.indicators["stage"], kind="count", sum_to_parent=True, **changes)
    places = {id: versions for id, versions in pack.places.items() if id != "x/old"}
    return replace(pack, indicators={**pack.indicators, "stage": own}, places=places)


def run(
    rows: Mapping[str, list[float | None]], rule: Rule = LAND, pack: Pack | None = None
) -> tuple[list[Finding], State, MemoryLake, Pack]:
    pack = replace(pack or counted(), rules={rule.id: rule})
    lake, state, found = MemoryLake(), State(), []
    for day in range(max(len(row) for row in rows.values())):
        lake.append([stage(day, row[day], place) for place, row in rows.items() if day < len(row)])
        for one in evaluate(rule, pack, lake, state, T0 + day * DAY + timedelta(hours=31)):  # type: ignore[arg-type]
            state.put(one.id, one)
            found.append(one)
    return found, state, lake, pack


def told(found: list[Finding]) -> list[str]:
    return [
        f"{(f.at - T0).days}:{f.place}:{f.change}:{f.level}:{f.value:g}:{','.join(r.code for r in f.reasons)}"
        for f in found
    ]


def test_the_sum_of_the_children_is_tested_where_the_parent_reports_nothing() -> None:
    found, *_ = run(ROWS)
    assert told(found) == ["2:x:raised:4:3:", "3:x:raised:2:5:"]
    assert found[0].evidence.observations == 6  # those of both children


def test_a_parent_with_a_value_of_its_own_keeps_it() -> None:
    found, *_ = run({**ROWS, "x": [0, 0, 0, 6]})
    # six of its own, five of its children: both kept, the difference shown
    assert told(found) == ["3:x:raised:1:6:children_differ"]
    assert "Its own 6 differ from the 5 of the 2 places below it by +1" in found[0].reasons[0].text.en
    assert "相差 +1" in found[0].reasons[0].text.zh
    agreed, *_ = run({**ROWS, "x": [0, 0, 0, 5]})
    assert told(agreed) == ["3:x:raised:2:5:"]
    lacking, *_ = run({**ROWS, "x/b": [1, 1, 1, None], "x": [0, 0, 0, 6]})
    assert told(lacking) == ["3:x:raised:1:6:"]


def test_a_missing_child_makes_the_sum_unknown_and_is_named() -> None:
    found, *_ = run({"x/a": [2, 2, 1], "x/b": [2, None, 2]})
    assert told(found) == ["0:x:raised:3:4:", "1:x:unknown:3:2:members_missing", "2:x:lowered:4:3:"]
    unknown = found[1]
    assert (unknown.change, unknown.state, unknown.level) == ("unknown", "unknown", 3)
    assert [reason.code for reason in unknown.reasons] == ["members_missing"]
    assert "1 of 2 members, without Beta" in unknown.sentence.en
    assert "缺Beta" in unknown.sentence.zh


def test_what_those_that_are_there_reach_is_reached_whoever_is_missing() -> None:
    found, *_ = run({"x/a": [1, 5], "x/b": [1, None]})
    (raised,) = found
    assert (raised.change, raised.level, raised.state) == ("raised", 2, "known")
    assert [reason.code for reason in raised.reasons] == ["members_missing"]
    # but what they do not reach is not known to be unreached: nothing is said, and nothing ended
    assert run({"x/a": [1, 1], "x/b": [1, None]})[0] == []


def test_a_child_that_never_reports_keeps_the_sum_partial() -> None:
    found, *_ = run({"x/a": [1, 4]})
    assert told(found) == ["1:x:raised:3:4:members_missing"]


def test_a_sum_of_sums_counts_what_is_two_levels_below() -> None:
    found, *_ = run({"x/a/1": [1, 2], "x/b": [1, 2]})
    assert told(found) == ["1:x:raised:3:4:"]


def test_readings_do_not_add_up_and_their_parts_are_no_bound() -> None:
    pack = counted()
    reading = replace(pack.indicators["stage"], kind="measure")
    pack = replace(pack, indicators={**pack.indicators, "stage": reading})
    assert run({"x/a": [1, 9], "x/b": [1, None]}, pack=pack)[0] == []
    alone = replace(reading, sum_to_parent=False)
    assert run(ROWS, pack=replace(pack, indicators={**pack.indicators, "stage": alone}))[0] == []


def test_a_rule_that_names_no_places_looks_where_something_is_observed() -> None:
    found, *_ = run(ROWS, rule=replace(LAND, places=()))
    assert {f.place for f in found} == {"x/b"}


def test_a_finding_beside_its_children_can_be_computed_again() -> None:
    found, _, lake, pack = run({**ROWS, "x": [0, 0, 0, 6]})
    again = evaluate(pack.rules["gauge"], pack, lake, State(), found[0].known, only="x")  # type: ignore[arg-type]
    assert [to_json(one) for one in again] == [to_json(found[0])]


def test_a_finding_about_a_sum_can_be_computed_again() -> None:
    found, state, lake, pack = run({"x/a": [1, 5], "x/b": [1, None]})
    again = evaluate(pack.rules["gauge"], pack, lake, State(), found[0].known, only="x")  # type: ignore[arg-type]
    assert [to_json(one) for one in again] == [to_json(found[0])]
    assert state.findings[found[0].id] == found[0]


@pytest.mark.parametrize(("factor", "places", "code"), [(2.0, ("x/a",), "changed"), (2.0, (), "rescaled")])
def test_a_factor_that_fits_a_part_of_the_sum_does_not_fit_the_sum(
    factor: float, places: tuple[str, ...], code: str
) -> None:
    change = Definition(
        Text("wider", "扩大"),
        "act-2010#5",
        Validity(date(2020, 6, 11)),
        places,
        timedelta(0),
        factor,
        "measured",
    )
    ears = replace(
        LAND, detector="ears_c1", params={"min_sigma": 0.5}, bands=(replace(GAUGE.bands[0], at_least=0.0),)
    )
    steady: list[float | None] = [4.0, 5.0, 4.0, 6.0, 5.0] * 3
    rows = {"x/a": [*steady, 5.0, 40.0], "x/b": [*steady, 5.0, 40.0]}
    found, *_ = run(rows, rule=ears, pack=counted(definitions=(change,)))
    codes = {reason.code for one in found for reason in one.reasons}
    assert codes <= {f"definition_{code}"}
    if places:
        assert not [one for one in found if (one.at - T0).days < 13]
