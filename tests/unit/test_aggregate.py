"""Sums up the place tree: what is missing is named, what does not agree is shown."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from anlan.model.errors import InvalidValue
from anlan.model.indicator import Indicator
from anlan.model.pack import Pack
from anlan.model.place import Place
from anlan.model.time import Validity
from anlan.monitor.aggregate import Aggregate, Whole, aggregate
from chain_pack import DAY, T0, MemoryLake, both, chain_pack, stage

CASES = Indicator("stage", both("cases"), "water", "m", "count", "up", "", DAY, sum_to_parent=True)


def country(**dates: Validity) -> Pack:
    """x > x/a > x/a/1, x/a/2 and x > x/b."""
    names = {"x": None, "x/a": "x", "x/b": "x", "x/a/1": "x/a", "x/a/2": "x/a"}
    places = {
        name: (Place(name, both(name.upper()), "l", parent, dates.get(name.replace("/", "_"), Validity())),)
        for name, parent in names.items()
    }
    return chain_pack(places=places)


def summed(pack: Pack, rows: dict[str, list[float | None]], **options: bool) -> dict[str, Aggregate]:
    lake = MemoryLake()
    lake.append([stage(t, value, place) for place, row in rows.items() for t, value in enumerate(row)])
    slice = lake.read("stage", known=T0 + 99 * DAY)
    n = max(len(row) for row in rows.values())
    return dict(aggregate(slice, pack, CASES, "x", T0, DAY, n, **options))  # type: ignore[arg-type]


def test_members_that_are_missing_are_named_and_the_sum_is_partial() -> None:
    found = summed(country(), {"x/a": [1, 1, None], "x/b": [2, None, None]})["x"]
    assert found.whole.tolist() == [Whole.KNOWN, Whole.PARTIAL, Whole.UNKNOWN]
    assert found.total[:2].tolist() == [3, 1] and np.isnan(found.total[2])
    assert [found.missing(t) for t in range(3)] == [(), ("x/b",), ("x/a", "x/b")]
    text = found.sentence(1, country(), T0, "cases")
    assert text.en == "1 of 2 members: 1 cases without X/B."
    assert text.zh == "2个下级中的1个合计 1 cases，缺X/B。"


def test_a_member_without_a_value_of_its_own_is_the_sum_of_its_members() -> None:
    found = summed(country(), {"x/a/1": [1, 1], "x/a/2": [2, None], "x/b": [5, 5]})
    assert found["x/a"].whole.tolist() == [Whole.KNOWN, Whole.PARTIAL]
    assert found["x"].total.tolist() == [8, 6]
    # partly known below is partly known above, and the member to blame is named
    assert found["x"].whole.tolist() == [Whole.KNOWN, Whole.PARTIAL]
    assert found["x"].missing(1) == ("x/a",)


def test_a_parent_keeps_its_own_value_and_the_difference_is_shown() -> None:
    found = summed(country(), {"x": [10, 8, None], "x/a": [4, 4, 4], "x/b": [4, 4, 4]})["x"]
    assert found.value.tolist() == [10, 8, 8]
    assert found.difference[:2].tolist() == [2, 0] and np.isnan(found.difference[2])
    assert found.sentence(0, country(), T0, "m").en == (
        "Its own 10 m differ from the 8 of its 2 members by +2."
    )
    assert "相差 +2" in found.sentence(0, country(), T0, "m").zh
    assert "add up to its own 8" in found.sentence(1, country(), T0, "m").en
    assert found.sentence(2, country(), T0, "m").en == "The 2 members add up to 8 m."


def test_nothing_known_below_is_unknown_and_never_zero() -> None:
    found = summed(country(), {"x/a": [None], "x/b": [None]})["x"]
    assert found.status.tolist() == [Whole.UNKNOWN] and np.isnan(found.value).all()
    assert found.sentence(0, country(), T0, "m").en == "No member has a value: unknown."


def test_before_its_first_case_a_series_is_zero_only_where_the_source_says_so() -> None:
    rows: dict[str, list[float | None]] = {"x/a": [None, 3], "x/b": [1, 1]}
    assert summed(country(), rows)["x"].whole.tolist() == [Whole.PARTIAL, Whole.KNOWN]
    found = summed(country(), rows, zero_before_first=True)["x"]
    assert found.whole.tolist() == [Whole.KNOWN, Whole.KNOWN]
    assert found.total.tolist() == [1, 4]
    # a series without any value has no first case: nothing is said of it
    never = summed(country(), {"x/a": [None, None], "x/b": [1, 1]}, zero_before_first=True)["x"]
    assert never.whole.tolist() == [Whole.PARTIAL, Whole.PARTIAL]


def test_a_place_counts_as_a_member_only_while_it_is_in_force() -> None:
    pack = country(x_b=Validity(None, date(2020, 6, 2)))
    found = summed(pack, {"x/a": [1, 1], "x/b": [2, None]})["x"]
    assert found.whole.tolist() == [Whole.KNOWN, Whole.KNOWN]
    assert found.total.tolist() == [3, 1]


def test_what_does_not_add_up_is_refused() -> None:
    empty = MemoryLake().read("stage", known=T0)
    with pytest.raises(InvalidValue, match="does not add up"):
        aggregate(empty, country(), replace(CASES, sum_to_parent=False), "x", T0, DAY, 1)
