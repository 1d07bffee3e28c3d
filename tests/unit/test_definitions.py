"""A change of definition is a mark on a series and not a jump; values that cannot be used say why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from anlan.assess.definitions import marks
from anlan.assess.evaluate import evaluate
from anlan.assess.screen import frozen
from anlan.model.errors import InvalidValue
from anlan.model.finding import Finding
from anlan.model.indicator import Definition, Rule
from anlan.model.pack import Pack
from anlan.model.state import State
from anlan.model.text import Text
from anlan.model.time import Validity
from chain_pack import DAY, GAUGE, T0, MemoryLake, chain_pack, stage

CHANGE = date(2020, 6, 21)  # day 20
TESTED = Text("cases without a test count too", "计入未检测病例")
EARS = replace(
    GAUGE, detector="ears_c1", params={"min_sigma": 0.5}, keep=timedelta(0), when="alarm",
    bands=tuple(replace(band, at_least=-1e9) for band in GAUGE.bands if band.level == 3),
)  # fmt: skip


def marked(*definitions: Definition, **changes: Any) -> Pack:
    """The chain pack whose indicator `stage` has these definitions."""
    pack = chain_pack()
    stage = replace(pack.indicators["stage"], definitions=definitions, **changes)
    return replace(pack, indicators={**pack.indicators, "stage": stage})


def wider(**changes: Any) -> Definition:
    return replace(Definition(TESTED, "act-2010#5", Validity(CHANGE)), **changes)


def run(pack: Pack, rule: Rule, values: Sequence[float | None], place: str = "x/a") -> list[Finding]:
    """One value a day, the rule looked at after each."""
    lake, state, found = MemoryLake(), State(), []
    pack = replace(pack, rules={rule.id: rule})
    for day, value in enumerate(values):
        one = stage(day, value, place)
        lake.append([one])
        for finding in evaluate(rule, pack, lake, state, one.known):  # type: ignore[arg-type]
            state.put(finding.id, finding)
            found.append(finding)
    return found


def told(findings: list[Finding]) -> list[str]:
    return [f"{(f.at - T0).days}:{f.change}:{','.join(r.code for r in f.reasons)}" for f in findings]


STEP = [10.0, 11.0, 9.0, 10.0, 12.0] * 4 + [30.0, 31.0, 29.0, 30.0, 32.0] * 3


def test_without_a_mark_a_new_definition_reads_as_an_outbreak() -> None:
    assert told(run(marked(), EARS, STEP))[0] == "20:raised:"


def test_a_marked_change_of_definition_raises_nothing() -> None:
    assert run(marked(wider()), EARS, STEP) == []


def test_a_real_outbreak_after_the_mark_is_found_on_the_new_history_and_says_so() -> None:
    (found,) = run(marked(wider()), EARS, [*STEP[:25], 30.0, 31.0, 90.0])
    assert told([found]) == ["27:raised:definition_changed"]
    assert found.sentence.en.endswith(
        "What is counted changed on 2020-06-21 (cases without a test count too): values on the other side "
        "are not compared."
    )
    assert found.reasons[0].basis == "act-2010#5"
    (far,) = run(marked(wider()), EARS, [*STEP, 90.0])
    assert told([far]) == ["35:raised:"]


def test_history_across_the_mark_is_rescaled_where_the_pack_gives_the_factor() -> None:
    pack = marked(wider(factor=3.0, factor_basis="counted both ways for a week, bulletin 12"))
    assert [f for f in run(pack, EARS, STEP) if (f.at - T0).days < 24] == []
    (found, *_) = run(pack, EARS, [*STEP[:22], 90.0])
    assert told([found]) == ["22:raised:definition_rescaled"]
    # days 15 to 19 as 30, 33, 27, 30, 36 and days 20, 21 as they are
    assert found.expected == pytest.approx((30 + 33 + 27 + 30 + 36 + 30 + 31) / 7)
    assert "rescaled by 3 (counted both ways for a week, bulletin 12)" in found.sentence.en
    assert "按系数 3 换算" in found.sentence.zh


def test_values_that_hold_both_definitions_are_unknown_and_hold_the_level() -> None:
    pack = marked(wider(mixed=3 * DAY))
    found = run(pack, GAUGE, [1.0] * 18 + [5.0, 5.0, 9.0, 9.0, 9.0, 5.0])
    assert told(found) == ["18:raised:", "20:unknown:definition_mixed", "23:known:"]
    assert [f.level for f in found] == [2, 2, 2]
    assert "this value holds something of both definitions and is unknown" in found[1].sentence.en
    assert "混有两种口径" in found[1].sentence.zh


def test_a_definition_that_ends_parts_the_series_twice_and_joins_what_was_counted_alike() -> None:
    until = replace(wider(), validity=Validity(CHANGE, date(2020, 6, 26)))
    values = [*STEP[:25], 10.0, 11.0, 9.0, 10.0, 12.0, 10.0, 11.0, 30.0]
    assert told(run(marked(until), EARS, values)) == ["32:raised:definition_changed"]
    times = np.datetime64("2020-06-01", "us") + np.arange(30) * np.timedelta64(1, "D")
    found = marks(marked(until).indicators["stage"], chain_pack(), ["x/a"], times, DAY)
    scale = found.scale(29)[0]
    assert np.isnan(scale[20:25]).all()
    assert (scale[:20] == 1).all() and (scale[25:] == 1).all()


def test_a_definition_of_one_place_concerns_what_lies_below_it_and_no_other() -> None:
    pack = marked(wider(places=("x/a",)))
    for place, first in (("x/a", None), ("x/a/1", None), ("x/b", "20:raised:")):
        found = told(run(pack, EARS, STEP, place))
        assert (found[0] if found else None) == first, place


def test_a_day_belongs_to_its_civil_date_whatever_the_zone() -> None:
    indicator = marked(wider()).indicators["stage"]
    for shift in (-11, -8, 0, 8, 12):  # hours of UTC at which the day begins there
        at = np.datetime64("2020-06-21T00", "us") + np.timedelta64(shift, "h")
        times = np.array([at - np.timedelta64(1, "D"), at])
        expected = [False, True] if shift != 12 else [True, True]
        assert marks(indicator, chain_pack(), ["x/a"], times, DAY).active[0].tolist() == expected, shift


def test_a_week_that_the_change_runs_through_is_of_neither_definition() -> None:
    indicator = marked(wider()).indicators["stage"]
    times = np.datetime64("2020-06-08", "us") + np.arange(4) * np.timedelta64(7, "D")  # 21 June is a Sunday
    found = marks(indicator, chain_pack(), ["x/a"], times, 7 * DAY)
    assert found.blur()[0].tolist() == [False, True, False, False]


@pytest.mark.parametrize("factor", [0.0, -2.0])
def test_a_factor_that_is_none_is_refused(factor: float) -> None:
    with pytest.raises(InvalidValue, match="no such factor"):
        wider(factor=factor)


def test_a_stuck_sensor_is_unknown_from_when_it_has_stood_still_for_too_long() -> None:
    pack = marked(frozen_after=4 * DAY)
    found = run(pack, GAUGE, [1.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.1])
    assert told(found) == ["1:raised:", "4:unknown:series_frozen", "6:known:"]
    assert "stood still" in found[1].reasons[0].text.en


def test_a_run_goes_on_over_a_gap_and_ends_with_another_value() -> None:
    nan = float("nan")
    values = np.array([[2, 2, nan, 2, 3, 3], [nan, nan, nan, nan, nan, nan], [1, 1, 1, 1, 1, 1]])
    assert frozen(values, DAY, 4 * DAY).astype(int).tolist() == [
        [0, 0, 0, 1, 0, 0],
        [0, 0, 0, 0, 0, 0],
        [0, 0, 0, 1, 1, 1],
    ]


def test_a_value_outside_the_bounds_that_hold_now_is_unknown_and_says_so() -> None:
    # taken in before the pack knew its bounds: the lake holds it, the rule does not use it
    pack = marked(maximum=10.0)
    found = run(pack, GAUGE, [5.0, 5.0, 99.0, 5.0])
    assert told(found) == ["0:raised:", "2:unknown:value_impossible", "3:known:"]
    assert [f.level for f in found] == [2, 2, 2]
