"""Floods on their way down a river."""

from __future__ import annotations

import numpy as np
import pytest

from anlan.assess.forecast.routing import Muskingum, fit_muskingum, travel_time


def test_the_classical_worked_reach_is_given_back() -> None:
    # K = 2 h, X = 0.2, step 1 h: coefficients by hand, and they add up to one
    reach = Muskingum(2.0, 0.2, 1.0)
    c0, c1, c2 = reach.coefficients
    assert (c0, c1, c2) == pytest.approx((0.1 / 2.1, 0.9 / 2.1, 1.1 / 2.1))
    assert c0 + c1 + c2 == pytest.approx(1.0)
    out = reach.route(np.array([10.0, 20.0]))
    assert out == pytest.approx([10.0, c0 * 20 + c1 * 10 + c2 * 10])


def flood() -> np.ndarray:
    return np.concatenate([np.full(10, 50.0), [80.0, 200, 350, 300, 220, 150, 100, 70], np.full(200, 50.0)])


def test_water_is_kept_and_the_peak_comes_later_and_lower() -> None:
    inflow = flood()
    out = Muskingum(3.0, 0.2, 1.0).route(inflow)
    assert (out - 50).sum() == pytest.approx((inflow - 50).sum(), rel=1e-6)
    assert out.max() < inflow.max() and out.argmax() - inflow.argmax() in (2, 3)
    centre = [((x - 50) * np.arange(len(x))).sum() / (x - 50).sum() for x in (inflow, out)]
    assert centre[1] - centre[0] == pytest.approx(3.0, rel=1e-4)  # K is the travel time of the centre


def test_parameters_are_found_again() -> None:
    rng = np.random.default_rng(1)
    inflow = 100 + np.convolve(rng.gamma(0.3, 200.0, 400), np.exp(-np.arange(20) / 4), mode="same")
    reach = Muskingum(2.5, 0.15, 1.0, gain=1.3)
    found = fit_muskingum(inflow, reach.route(inflow), 1.0)
    assert (found.k, found.x, found.gain) == pytest.approx((2.5, 0.15, 1.3), rel=0.02)


def test_the_lag_is_the_travel_time() -> None:
    rng = np.random.default_rng(2)
    up = 100 + np.convolve(rng.gamma(0.3, 200.0, 400), np.exp(-np.arange(20) / 4), mode="same")
    down = np.concatenate([np.full(4, 100.0), up[:-4]]) + rng.normal(0, 1, 400)
    down[50:60] = np.nan
    found = travel_time(up, down, 10)
    assert found.lag == 4 and found.correlation > 0.9 and found.pairs < 396


def test_a_missing_inflow_is_unknown_and_begins_again_in_balance() -> None:
    inflow = np.array([10.0, 10.0, np.nan, 30.0, 30.0])
    out = Muskingum(2.0, 0.2, 1.0).route(inflow)
    assert out[:2] == pytest.approx([10, 10]) and np.isnan(out[2]) and out[3:] == pytest.approx([30, 30])


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match=r"x within 0 to 0\.5"):
        Muskingum(1.0, 0.7, 1.0)
    with pytest.raises(ValueError, match="no lag has 30 pairs"):
        travel_time(np.zeros(100), np.zeros(100), 5)
    with pytest.raises(ValueError, match="at least 30 known pairs"):
        fit_muskingum(np.ones(5), np.ones(5), 1.0)
