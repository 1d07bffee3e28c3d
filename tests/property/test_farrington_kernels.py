"""The fast kernels of Farrington Flexible against their readable twins, on whatever panel comes up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit
from numpy.testing import assert_allclose, assert_array_equal

from anlan.assess.detect.bounds import by_special_functions, count_bound
from anlan.assess.detect.exponential import exponential
from anlan.assess.detect.farrington_fits import Fits, critical_t, fit_all
from anlan.assess.detect.farrington_flexible import farrington_flexible
from anlan.assess.detect.farrington_plain import cell
from anlan.assess.detect.panel import Detection, Panel, Reason
from anlan.assess.detect.seasons import reference_rows

YEAR = 52
CONTINUOUS = ("expected", "threshold", "score", "p_value", "variance", "phi", "trend_coef")
WHOLE = ("alarm", "state", "reason", "trend")

#: mean, dispersion, slope per year, seasonal swing, share missing, share of outbreak weeks
SERIES = st.tuples(
    st.floats(-3, 7),
    st.floats(1, 8),
    st.floats(-0.4, 0.4),
    st.floats(0, 1),
    st.sampled_from([0.0, 0.0, 0.02, 0.3]),
    st.sampled_from([0.0, 0.01, 0.05]),
)
DESIGN = st.fixed_dictionaries(
    {
        "b": st.integers(3, 6),
        "w": st.integers(1, 4),
        "no_periods": st.sampled_from([1, 2, 5, 10, 15]),
        "past_weeks_not_included": st.sampled_from([3, 26]),
    }
)


def panel_of(series: list[tuple[float, ...]], seed: int, weeks: int = 7 * YEAR) -> Panel:
    rng = np.random.default_rng(seed)
    time = np.arange(weeks)
    rows = []
    for log_mean, phi, slope, swing, missing, outbreaks in series:
        mean = np.exp(log_mean + slope * (time / YEAR - 3) + swing * np.sin(2 * np.pi * time / YEAR))
        size = mean / max(phi - 1, 1e-3)
        y = rng.negative_binomial(size, size / (size + mean)).astype(np.float64)
        hit = rng.random(weeks) < outbreaks
        y[hit] += np.ceil(5 * np.sqrt(phi * mean[hit]))
        y[rng.random(weeks) < missing] = np.nan
        rows.append(y)
    return Panel(np.array(rows), YEAR)


def fits_of(panel: Panel, at: Any, fast: bool, as_package: bool, **design: int) -> Fits:
    reference = reference_rows(
        at,
        panel.n_time,
        freq=YEAR,
        dates=None,
        b=design["b"],
        w=design["w"],
        no_periods=design["no_periods"],
        past_not_included=design["past_weeks_not_included"],
    )
    return fit_all(
        panel,
        at,
        reference,
        trend=True,
        p_threshold_trend=0.05,
        reweight=True,
        weights_threshold=2.58,
        population_offset=False,
        as_package=as_package,
        fast=fast,
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(SERIES, min_size=1, max_size=4), st.integers(0, 2**32 - 1), DESIGN, st.booleans())
def test_steps_that_touch_no_rows_give_what_steps_over_rows_give(
    series: list[tuple[float, ...]], seed: int, design: dict[str, int], as_package: bool
) -> None:
    panel = panel_of(series, seed)
    at = np.arange(6 * YEAR + 10, 7 * YEAR, 7)
    ours, rows = (fits_of(panel, at, fast, as_package, **design) for fast in (True, False))
    assert_array_equal(ours.reason, rows.reason)
    assert_array_equal(ours.kept, rows.kept)
    for name in ("mu", "se_log", "phi", "slope"):
        assert_allclose(getattr(ours, name), getattr(rows, name), rtol=1e-10, atol=1e-14, err_msg=name)


@settings(max_examples=25, deadline=None)
@given(SERIES, st.integers(0, 2**32 - 1), DESIGN, st.booleans())
def test_the_kernel_gives_what_a_design_matrix_and_qr_give(
    series: tuple[float, ...], seed: int, design: dict[str, int], as_package: bool
) -> None:
    panel = panel_of([series], seed)
    at = np.array([6 * YEAR + 17, 7 * YEAR - 1])
    found = fits_of(panel, at, True, as_package, **design)
    reference = reference_rows(
        at,
        panel.n_time,
        freq=YEAR,
        dates=None,
        b=design["b"],
        w=design["w"],
        no_periods=design["no_periods"],
        past_not_included=design["past_weeks_not_included"],
    )
    for j in range(len(at)):
        begin, end = reference.bounds[j, 0], reference.bounds[j, -1]
        y = panel.counts[0, reference.rows[begin:end]]
        season = np.repeat(np.arange(design["no_periods"]), np.diff(reference.bounds[j]))
        known = ~np.isnan(y)
        if found.reason[0, j] != Reason.OK or y[known].min() == y[known].max():
            continue
        if any(y[known & (season == g)].sum() == 0 for g in np.unique(season[known])):
            continue  # a level that runs off to minus infinity has no digits to compare
        ticks = reference.tick[begin:end][known]
        if np.isin(ticks[y[known] > 0], (ticks.min(), ticks.max())).all():
            continue  # nor has a slope that runs off, where cases stand at an end alone
        plain = cell(
            y[known],
            reference.tick[begin:end][known].astype(np.float64),
            season[known],
            float(reference.tick_now[j]),
            design["no_periods"] - 1,
            critical_t(0.05, len(y)),
            as_package=as_package,
        )
        assert plain.converged
        assert found.kept[0, j] == plain.kept
        assert_allclose(found.mu[0, j], plain.mu, rtol=1e-8)
        assert_allclose(found.se_log[0, j], plain.se_log, rtol=1e-8)
        assert_allclose(found.phi[0, j], plain.phi, rtol=1e-8)


@settings(max_examples=200, deadline=None)
@given(
    st.floats(-8, 8),
    st.one_of(st.just(1.0), st.floats(1.0, 40.0, exclude_min=True)),
    st.floats(-4, 8),
    st.sampled_from([0.05, 0.005, 1e-6]),
)
def test_adding_up_probabilities_gives_what_beta_and_gamma_functions_give(
    log_mean: float, phi: float, above: float, alpha: float
) -> None:
    phi = 1.0 if phi < 1.01 else phi  # nearer to 1 the peers' 1 - 1 / phi loses the digits
    mean = float(np.exp(log_mean))
    y = max(0.0, float(np.floor(mean + above * np.sqrt(phi * mean))))
    cells = [np.array([value]) for value in (y, mean, phi)]
    upper, p_value = count_bound(*cells, alpha)  # type: ignore[call-arg, arg-type]
    upper_too, p_value_too = by_special_functions(*cells, alpha)  # type: ignore[call-arg, arg-type]
    assert upper == upper_too
    assert_allclose(p_value, p_value_too, rtol=1e-10, atol=1e-300)


def test_the_branchless_exponential_is_exact_to_two_units_in_the_last_place() -> None:
    @njit  # type: ignore[untyped-decorator, unused-ignore]
    def over(x, out):  # type: ignore[no-untyped-def]
        for i in range(len(x)):
            out[i] = exponential(x[i])

    x = np.random.default_rng(1).uniform(-700, 700, 20_000)
    x[:3] = [0.0, -1e-300, 1e-12]
    found = np.empty_like(x)
    over(x, found)
    assert_allclose(found, np.exp(x), rtol=2 * 2.3e-16, atol=0)
    assert found[0] == 1.0


@pytest.fixture(scope="module")
def run() -> Callable[..., Detection]:
    def detect(counts: Any, at: Any, **params: Any) -> Detection:
        return farrington_flexible(
            Panel(counts, YEAR),
            at,
            no_periods=10,
            past_weeks_not_included=26,
            alpha=0.005,
            threshold_method="nb_plugin",
            short_history="unknown",
            **params,
        )

    return detect


@settings(max_examples=10, deadline=None)
@given(st.lists(SERIES, min_size=2, max_size=5), st.integers(0, 2**32 - 1), st.integers(1, 30))
def test_time_before_the_history_in_use_changes_nothing_but_rounding(
    run: Callable[..., Detection], series: list[tuple[float, ...]], seed: int, more: int
) -> None:
    """A panel that begins `more` weeks earlier, or by any number of weeks: alarms are the same, the rest
    to rounding (time is counted from the middle of the axis)."""
    counts = panel_of(series, seed).counts
    at = np.arange(6 * YEAR, 7 * YEAR, 9)
    longer = np.concatenate([np.full((len(counts), more), 7.0), counts], axis=1)
    one, two = run(counts, at), run(longer, at + more)
    for name in WHOLE:
        assert_array_equal(getattr(one, name), getattr(two, name))
    for name in CONTINUOUS:
        assert_allclose(getattr(one, name), getattr(two, name), rtol=1e-9, atol=1e-12, err_msg=name)
