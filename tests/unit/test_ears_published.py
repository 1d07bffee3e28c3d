"""EARS on numbers that stand here: no file is needed.

Source of the series: Salmonella Agona, UK, weekly cases 1990 (first 22 weeks), as shipped with the R
package surveillance (`salmonella.agona`); source of the bounds: `earsC` of surveillance 1.20.3 with
baseline 7 and its default levels.
"""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from anlan.assess.detect.ears import ears
from anlan.assess.detect.panel import Alarm, Panel, Reason

AGONA = np.array([1, 0, 5, 2, 1, 2, 0, 4, 0, 0, 0, 3, 1, 1, 0, 0, 2, 2, 0, 2, 6, 3], dtype=np.float64)

BOUNDS = {
    "C1": ([3.637534290731327, 4.090232306167813, 8.321480305840154], [0, 1, 0]),
    "C2": ([4.56829290764893, 4.724207368988136, 3.637534290731327], [0, 1, 0]),
    "C3": ([4.083623236541612, 8.180846595531273, 1.8511774371279464], [0, 0, 1]),
}


@pytest.mark.parametrize("method", ["C1", "C2", "C3"])
def test_bounds_and_alarms_are_those_of_the_package(method: str) -> None:
    found = ears(Panel(AGONA[None], 52), slice(19, 22), method=method)  # type: ignore[arg-type]
    bounds, alarms = BOUNDS[method]
    assert_allclose(found.threshold[0], bounds, rtol=1e-12)
    assert found.alarm[0].tolist() == alarms


def test_c1_is_mean_plus_z_standard_deviations_by_hand() -> None:
    # baseline 1 ... 7: mean 4, variance 28 / 6; z(0.025) = 1.959963984540054
    found = ears(Panel(np.array([[1.0, 2, 3, 4, 5, 6, 7, 8]]), 365), [7], alpha=0.025)
    assert_allclose(found.expected, 4)
    assert_allclose(found.threshold, 4 + 1.959963984540054 * np.sqrt(28 / 6), rtol=1e-14)
    assert_allclose(found.score, 4 / np.sqrt(28 / 6), rtol=1e-14)


def test_published_c3_listens_to_today_and_the_packages_does_not() -> None:
    days = Panel(np.array([[4.0, 6, 4, 6, 4, 6, 5, 5, 5, 5, 5, 90]]), 365)
    package = ears(days, [11], method="C3")
    published = ears(days, [11], method="C3", c3_rule="published")
    assert package.alarm.tolist() == [[Alarm.NO]]
    assert published.alarm.tolist() == [[Alarm.YES]]


def test_a_hole_in_the_baseline_is_unknown_until_it_has_passed() -> None:
    counts = np.ones((1, 20))
    counts[0, 5] = np.nan
    found = ears(Panel(counts, 52), slice(7, 20))
    assert found.alarm[0].tolist() == [-1] * 6 + [0] * 7
    assert found.reason[0].tolist() == [Reason.MISSING_VALUE] * 6 + [Reason.OK] * 7


def test_a_flat_baseline_has_no_c3_bound_by_the_packages_rule() -> None:
    flat = Panel(np.zeros((1, 20)), 365)
    assert ears(flat, [15], method="C3").reason.tolist() == [[Reason.NO_BOUND]]
    assert ears(flat, [15], method="C3", min_sigma=0.5).alarm.tolist() == [[Alarm.NO]]


def test_too_short_a_baseline_is_refused() -> None:
    with pytest.raises(ValueError, match="needs 11 periods before the first tested one, found 10"):
        ears(Panel(np.zeros((1, 20)), 365), [10], method="C3")
