"""What the writer of a register may leave out, or write as null, or with gaps.

The numbers are those of R `surveillance` 1.20.3 on the counts (7 k) mod 11, k = 1 ... 120.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from anlan.assess.detect import peer_names
from anlan.assess.detect.panel import Panel


def rows(detector: str, **control: Any) -> list[dict[str, Any]]:
    k = np.arange(1, 121)
    panel = Panel((7 * k % 11)[None, :].astype(np.float64), 52)
    case = {"detector": detector, "series": "x", "control": control}
    return peer_names.rows(case, panel, peer_names.tested_rows(case, panel))


def bounds(found: list[dict[str, Any]]) -> list[float]:
    return [row["upperbound"] for row in found]


@pytest.mark.parametrize(
    ("method", "first", "two"),
    [
        ("C1", 8, [15.097397583158315, 15.762436668002561]),
        ("C2", 10, [15.097397583158315, 15.762436668002561]),
        ("C3", 12, [13.7354138259124436, 8.7699777393576142]),
    ],
)
def test_ears_without_a_range_begins_as_early_as_its_method_can(
    method: str, first: int, two: list[float]
) -> None:
    found = rows("earsC", method=method)
    assert [found[0]["k"], found[-1]["k"]] == [first, 120]
    assert bounds(found)[:2] == pytest.approx(two, rel=1e-12)


def test_a_range_with_gaps_is_answered_where_every_period_is_tested_alone() -> None:
    found = rows("earsC", method="C2", range=[20, 40, 41])
    assert [row["k"] for row in found] == [20, 40, 41]
    wanted = [16.808909167955488, 15.809964954494733, 14.952822097351875]
    assert bounds(found) == pytest.approx(wanted, rel=1e-12)
    assert bounds(rows("outbreakP", range=[5, 9])) == pytest.approx(
        [1.1146994686021858, 1.6853018325194775], rel=1e-9
    )
    assert bounds(rows("rki", range=[60, 90], b=1, w=3, actY=True)) == pytest.approx([9.598, 9.598])
    for detector, control in (("earsC", {"method": "C3"}), ("farringtonFlexible", {"b": 1})):
        with pytest.raises(ValueError, match="range must be contiguous and in order"):
            rows(detector, range=[100, 110], **control)
    with pytest.raises(ValueError, match="range must be contiguous and in order"):
        rows("earsC", range=[100, 99])


def test_a_parameter_of_null_is_the_default_where_the_package_takes_it_so() -> None:
    nothing = {"b": None, "w": None, "actY": None, "alpha": None}
    assert rows("bayes", range=[118, 119, 120], **nothing) == rows("bayes", range=[118, 119, 120])
    window = {"b": 1, "range": [110, 111]}
    given = {"pastWeeksNotIncluded": None, "fitFun": None}
    assert rows("farringtonFlexible", **window, **given) == rows("farringtonFlexible", **window)
    with pytest.raises(ValueError, match="farringtonFlexible stops where alpha is NULL"):
        rows("farringtonFlexible", **window, alpha=None)
    fitted = {"range": [110, 111], "c.ARL": None}
    assert rows("glrpois", **fitted, mu0=[]) == rows("glrpois", **fitted)


def test_the_oldest_window_may_begin_one_period_before_the_axis() -> None:
    found = rows("farringtonFlexible", range=[56, 57], b=1, w=4)
    assert bounds(found) == pytest.approx([11.604286393539565, 11.661623847757804], rel=1e-12)
    assert found[0]["expected"] == pytest.approx(5.375, rel=1e-12)
    with pytest.raises(ValueError, match="some reference times do not exist"):
        rows("farringtonFlexible", range=[55, 56], b=1, w=4)


def test_an_offset_without_a_population_takes_equal_shares() -> None:
    control = {"b": 2, "w": 4, "noPeriods": 3, "populationOffset": True, "thresholdMethod": "nbPlugin"}
    found = rows("farringtonFlexible", range=[108, 109], **control)
    assert bounds(found) == [11, 12]
    expected = [row["expected"] for row in found]
    assert expected == pytest.approx([4.9411764705882453, 5.5555555555555394], rel=1e-12)


def test_a_single_reference_count_stops_the_case_as_it_stops_the_package() -> None:
    with pytest.raises(ValueError, match="too few reference counts"):
        rows("farringtonFlexible", range=[104, 105], b=1, w=0, trend=False, pastWeeksNotIncluded=0)
    assert None not in bounds(
        rows("farringtonFlexible", range=[108, 109], b=2, w=0, trend=False, pastWeeksNotIncluded=0)
    )


@pytest.mark.parametrize(
    ("detector", "name", "value"),
    [
        ("farringtonFlexible", "b", "abc"),
        ("farringtonFlexible", "w", [1, 2]),
        ("farringtonFlexible", "w", 2.5),
        ("farringtonFlexible", "limit54", -7),
        ("farringtonFlexible", "reweight", "maybe"),
        ("earsC", "baseline", "abc"),
        ("cusum", "h", [1, 2, 3]),
        ("glrnb", "c.ARL", "abc"),
        ("rki", "actY", "abc"),
    ],
)
def test_a_parameter_of_another_type_is_named_by_the_packages_name(
    detector: str, name: str, value: object
) -> None:
    with pytest.raises(
        ValueError, match=rf"{detector}: {re.escape(name)} must be .*, found {re.escape(repr(value))}"
    ):
        peer_names.translated(detector, {name: value})
