"""Whatever comes later, and whoever else is in the panel, an answer once given stands."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anlan.assess.detect.panel import Alarm, Detection, Floats, Panel, Reason
from anlan.assess.detect.registry import detector

#: small enough to begin answering within eighty periods
DETECTORS: dict[str, dict[str, Any]] = {
    "ewma": {"b": 14},
    "adaptive_regression": {"b": 21},
    "switch": {"b": 21},
    "cidars": {"years": 3, "min_years": 2, "block": 2},
    "rate_of_change": {"baseline": 20},
    "flat_line": {"n": 3},
    "seasonal_z": {"season": 7, "cycles": 4},
    "decomposition": {"season": 7, "rests": 14},
    "cusum_reset": {"baseline": 20, "run_in": 20},
    "page_hinkley": {"baseline": 20, "run_in": 20},
    "surprise": {"baseline": 20, "run_in": 20, "alpha": 0.05},
    "bocpd": {"baseline": 20, "run_in": 20, "lag": 3, "max_run": 30},
    "return_level": {"return_period": 3.0, "quantile": 0.7, "min_peaks": 5},
    "matrix_profile": {"length": 4, "memory": 20, "calibration": 20, "alpha": 0.05},
    "sub_pca": {"length": 4, "window": 20, "calibration": 20, "alpha": 0.05},
}
N_TIME, FIRST = 80, 60

readings = st.lists(
    st.one_of(
        st.integers(0, 12).map(float),
        st.just(5.0),
        st.floats(-50, 50, width=32),
        st.just(float("nan")),
        st.sampled_from([1e6, -1e6, float("inf")]),
    ),
    min_size=N_TIME,
    max_size=N_TIME,
)


def answer(name: str, counts: Floats, until: int) -> Detection:
    return detector(name)(Panel(counts, 20), slice(FIRST, until), **DETECTORS[name])


def same(one: Detection, other: Detection, rows: slice, columns: slice) -> None:
    for field in fields(Detection):
        if field.name != "test":
            a, b = getattr(one, field.name)[rows, columns], getattr(other, field.name)[rows, columns]
            assert np.array_equal(a, b, equal_nan=a.dtype == np.float64), field.name


@pytest.mark.parametrize("name", DETECTORS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(series=readings, later=readings, cut=st.integers(FIRST + 1, N_TIME - 1))
def test_later_values_never_change_an_earlier_answer(
    name: str, series: list[float], later: list[float], cut: int
) -> None:
    counts = np.array([series])
    changed = counts.copy()
    changed[0, cut:] = later[cut:]
    known = slice(0, cut - FIRST)
    one, other = answer(name, counts, N_TIME), answer(name, changed, N_TIME)
    same(one, other, slice(None), known)
    same(one, answer(name, counts[:, :cut], cut), slice(None), known)


@pytest.mark.parametrize("name", [n for n in DETECTORS if n not in ("adaptive_regression", "switch")])
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(series=readings, other=readings)
def test_another_series_changes_nothing(name: str, series: list[float], other: list[float]) -> None:
    alone = answer(name, np.array([series]), N_TIME)
    same(answer(name, np.array([other, series, series]), N_TIME), _twice(alone), slice(1, 3), slice(None))


def _twice(found: Detection) -> Detection:
    parts = {f.name: np.repeat(getattr(found, f.name), 3, axis=0) for f in fields(found) if f.name != "test"}
    return Detection(test=found.test, **parts)


@pytest.mark.parametrize("name", DETECTORS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(series=readings)
def test_what_is_missing_is_unknown_and_unknown_has_a_reason(name: str, series: list[float]) -> None:
    found = answer(name, np.array([series]), N_TIME)
    values = np.array(series[FIRST:])
    with np.errstate(invalid="ignore"):
        gone = ~np.isfinite(values) | ((values < 0) & (name == "cidars"))
    assert (found.alarm[0][gone] == Alarm.UNKNOWN).all()
    assert (found.reason[0][found.alarm[0] == Alarm.UNKNOWN] != Reason.OK).all()
