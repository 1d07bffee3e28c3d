"""Laws of what happens before detection: no place notices another, and nothing unknown becomes calm."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from anlan.assess.definitions import marks
from anlan.assess.evaluate import evaluate
from anlan.assess.grid import lay
from anlan.assess.screen import Why, screen
from anlan.formats.values import to_json
from anlan.model.finding import Finding
from anlan.model.indicator import Definition
from anlan.model.pack import Pack
from anlan.model.state import State
from anlan.model.text import Text
from anlan.model.time import Validity
from chain_pack import DAY, GAUGE, T0, MemoryLake, chain_pack, stage

VALUES = st.lists(
    st.one_of(st.none(), st.sampled_from([0.0, 1.0, 3.5, 5.0, 6.5, 99.0])), min_size=3, max_size=14
)
DEFINITIONS = st.lists(
    st.builds(
        lambda first, length, mixed, places, factor: Definition(
            Text("changed", "变更"),
            "act-2010#5",
            Validity((T0 + first * DAY).date(), (T0 + (first + length) * DAY).date() if length else None),
            places,
            mixed * DAY,
            factor,
            "measured" if factor else "",
        ),
        st.integers(-2, 12),
        st.sampled_from([0, 3, 6]),
        st.integers(0, 3),
        st.sampled_from([(), ("x/a",), ("x/b",), ("x",)]),
        st.sampled_from([None, 2.0, 0.5]),
    ),
    max_size=3,
)


def pack_with(definitions: list[Definition], frozen: int | None) -> Pack:
    pack = chain_pack()
    gauge = replace(
        pack.indicators["stage"],
        definitions=tuple(definitions),
        maximum=50.0,
        frozen_after=None if frozen is None else frozen * DAY,
    )
    return replace(pack, indicators={**pack.indicators, "stage": gauge}, rules={"gauge": GAUGE})


def findings(pack: Pack, rows: dict[str, list[float | None]], place: str) -> list[bytes]:
    lake, state, found = MemoryLake(), State(), []
    days = max(len(values) for values in rows.values())
    for day in range(days):
        for name, values in rows.items():
            if day < len(values):
                lake.append([stage(day, values[day], name)])
        now = T0 + day * DAY + timedelta(hours=31)
        for one in evaluate(pack.rules["gauge"], pack, lake, state, now):  # type: ignore[arg-type]
            state.put(one.id, one)
            found.append(one)
    return [to_json(one) for one in found if isinstance(one, Finding) and one.place == place]


@given(VALUES, VALUES, DEFINITIONS, st.sampled_from([None, 3]))
@settings(max_examples=20, deadline=None)
def test_another_place_changes_no_finding(
    mine: list[float | None], others: list[float | None], definitions: list[Definition], frozen: int | None
) -> None:
    pack = pack_with(definitions, frozen)
    others = (others * 14)[: len(mine)]
    here = [0.0, *mine]  # both begin on one day, so that they share the axis
    alone = findings(pack, {"x/a": here}, "x/a")
    assert findings(pack, {"x/a": here, "x/b": [0.0, *others]}, "x/a") == alone


@given(VALUES, DEFINITIONS, st.sampled_from([None, 3]))
@settings(max_examples=30, deadline=None)
def test_screening_takes_values_away_and_never_makes_or_changes_one(
    values: list[float | None], definitions: list[Definition], frozen: int | None
) -> None:
    pack, lake = pack_with(definitions, frozen), MemoryLake()
    lake.append([stage(day, value) for day, value in enumerate(values)])
    grid = lay(lake.read("stage", known=T0 + 99 * DAY), DAY)
    found = screen(grid, pack.indicators["stage"], pack, DAY)
    kept = ~np.isnan(found.values)
    assert (found.values[kept] == grid.values[kept]).all()
    assert (kept == (found.why == Why.USABLE)).all()
    assert not kept[np.isnan(grid.values)].any()
    assert not kept[grid.values > 50].any()


@given(DEFINITIONS, st.integers(0, 19))
@settings(max_examples=60, deadline=None)
def test_comparing_is_the_same_from_both_sides(definitions: list[Definition], test: int) -> None:
    times = np.datetime64("2020-05-30", "us") + np.arange(20) * np.timedelta64(1, "D")
    pack = pack_with(definitions, None)
    found = marks(pack.indicators["stage"], pack, ["x/a", "x/b", "x/a/1"], times, DAY)
    scale = found.scale(test)
    assert (scale[:, test] == 1).all()
    for other in range(20):
        back = found.scale(other)[:, test]
        both = scale[:, other] * back
        assert np.allclose(both[~np.isnan(both)], 1.0)
        assert (np.isnan(scale[:, other]) == np.isnan(back)).all()


@given(VALUES, DEFINITIONS)
@settings(max_examples=20, deadline=None)
def test_what_cannot_be_used_never_ends_a_level(
    values: list[float | None], definitions: list[Definition]
) -> None:
    """A level that stands falls only on days with values that can be used."""
    pack, state = pack_with(definitions, None), State()
    lake = MemoryLake()
    for day, value in enumerate([6.5, *values]):
        lake.append([stage(day, value)])
        now = T0 + day * DAY + timedelta(hours=31)
        for one in evaluate(pack.rules["gauge"], pack, lake, state, now):  # type: ignore[arg-type]
            if one.change in ("ended", "lowered"):
                grid = lay(lake.read("stage", known=now), DAY)
                why = screen(grid, pack.indicators["stage"], pack, DAY).why[0]
                assert (why[-3:] == Why.USABLE).any()
            state.put(one.id, one)
