"""What holds of the models whatever the data: nowcasts keep what is reported, order and company of series do
not matter, charts run longer behind a higher limit."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal

from anlan.assess.models.back_projection import back_project
from anlan.assess.models.endemic_epidemic import fit_endemic_epidemic
from anlan.assess.models.epidemic_component import Component, intercept, lagged
from anlan.assess.models.nowcast import METHODS, PoissonGamma, nowcast
from anlan.assess.models.nowcast_many import cumulated, nowcast_many
from anlan.assess.models.r_expression import deparse, parse
from anlan.assess.models.reporting_delays import learn_delays
from anlan.assess.models.reporting_triangle import ReportingTriangle
from anlan.assess.models.run_length import arl_cusum
from anlan.assess.models.space_time_points import detect_point_cluster

FEW = settings(max_examples=25, deadline=None)


def unseen(periods: int, delays: int) -> np.ndarray:
    return np.arange(periods)[:, None] + np.arange(delays) > periods - 1


new_cases = arrays(np.float64, (12, 4), elements=st.integers(0, 15).map(float))


@FEW
@given(new_cases, st.sampled_from(METHODS), st.sampled_from(["mended", "surveillance"]))
def test_a_nowcast_is_never_below_what_has_been_reported(
    counts: np.ndarray, method: str, compat: str
) -> None:
    counts[unseen(12, 4)] = np.nan
    triangle = ReportingTriangle(counts, 0)
    prior = PoissonGamma(20, 300)
    found = nowcast(triangle, method=method, prior=prior, max_cases=900, compat=compat)  # type: ignore[arg-type]
    known = triangle.reported()
    for bound in (found.lower, found.median, found.upper):
        told = ~np.isnan(bound)
        # the peer's normal law can run out of the numbers it considers, and then says 0
        if compat == "surveillance" and method == "lawless":
            told &= (bound > 0) | (known == 0)
        assert (bound >= known)[told].all()
    assert_array_equal(found.median[:9] if method != "unif" else known[:9], known[:9])


panels = arrays(np.float64, (6, 15, 4), elements=st.integers(0, 40).map(float))


@FEW
@given(panels, st.permutations(range(6)))
def test_nowcasts_of_many_series_do_not_hang_on_their_order(new: np.ndarray, order: list[int]) -> None:
    known = cumulated(new)
    known[:, unseen(15, 4)] = np.nan
    found, moved = nowcast_many(known), nowcast_many(known[order])
    for name in ("mean", "lower", "upper", "share"):
        assert_allclose(getattr(moved, name), getattr(found, name)[order], rtol=1e-9, atol=1e-9)
    assert (found.lower >= found.known).all()
    assert (found.upper >= found.median).all()


@FEW
@given(panels)
def test_without_borrowing_a_series_is_nowcast_as_if_alone(new: np.ndarray) -> None:
    known = cumulated(new)
    known[:, unseen(15, 4)] = np.nan
    together, alone = nowcast_many(known, shrink=0), nowcast_many(known[:1], shrink=0)
    assert_allclose(together.share[0], alone.share[0], rtol=1e-12)
    assert_allclose(together.mean[0], alone.mean[0], rtol=1e-12)


@FEW
@given(panels, st.sampled_from(["growing", "both"]), st.integers(1, 5))
def test_with_delays_learnt_once_chunks_give_what_the_whole_gives(
    new: np.ndarray, revisions: str, cut: int
) -> None:
    known = cumulated(new)
    known[:, unseen(15, 4)] = np.nan
    delays = learn_delays(known, revisions=revisions, window=8)  # type: ignore[arg-type]
    whole = nowcast_many(known, delays=delays)
    again = nowcast_many(known, revisions=revisions, window=8)  # type: ignore[arg-type]
    parts = [nowcast_many(known[rows], delays=delays) for rows in (slice(0, cut), slice(cut, 6))]
    for name in ("mean", "median", "lower", "upper", "share", "reason"):
        together = np.concatenate([getattr(part, name) for part in parts])
        assert_array_equal(together, getattr(whole, name))
        assert_array_equal(getattr(again, name), getattr(whole, name))


@FEW
@given(st.integers(2, 40), st.integers(4, 30), st.integers(3, 40))
def test_a_chart_with_a_higher_limit_runs_longer(h: int, k: int, theta: int) -> None:
    low, high = (arl_cusum(limit / 5, k / 10, theta / 10).arl for limit in (h, h + 1))
    if not np.isnan([low, high]).any():
        assert high >= low * (1 - 1e-9)
        assert low >= 1 - 1e-9


@FEW
@given(arrays(np.float64, 20, elements=st.integers(0, 30).map(float)), st.integers(1, 50))
def test_back_projection_scales_with_the_cases(cases: np.ndarray, factor: int) -> None:
    law = np.array([0.2, 0.5, 0.3])
    one = back_project(cases, law, eps=0, max_steps=20)
    more = back_project(factor * cases, law, eps=0, max_steps=20)
    assert (one.infections >= 0).all()
    assert_allclose(more.infections, factor * one.infections, rtol=1e-9, atol=1e-9)


@FEW
@given(st.permutations(range(4)), st.integers(0, 1000))
def test_the_endemic_epidemic_model_does_not_hang_on_the_order_of_units(order: list[int], seed: int) -> None:
    y = np.random.default_rng(seed).poisson(5, (4, 30)).astype(float)

    def fit(counts: np.ndarray) -> np.ndarray:
        ar = Component("ar", (intercept(4, 30),), lagged(counts, 1))
        end = Component("end", (intercept(4, 30),), np.ones(counts.shape))
        found = fit_endemic_epidemic(counts, [ar, end])
        assert found.loglik <= 0
        return np.append(np.exp(found.theta), found.loglik)

    assert_allclose(fit(y[order]), fit(y), rtol=1e-5, atol=1e-5)


@FEW
@given(arrays(np.float64, (2, 15), elements=st.floats(0, 50)), st.floats(1, 20), st.floats(-100, 100))
def test_a_cluster_stays_where_the_map_is_moved(xy: np.ndarray, radius: float, shift: float) -> None:
    xy = np.round(xy * 4) / 4  # distances in quarters, and none at the very edge of the circle
    t = np.arange(15.0)
    given_radius = np.floor(radius) + 0.137
    here = detect_point_cluster(*xy, t, radius=given_radius, epsilon=0.5, threshold=5)
    moved = np.round(shift) + xy
    there = detect_point_cluster(*moved, t + 7, radius=given_radius, epsilon=0.5, threshold=5)
    assert_allclose(there.statistic, here.statistic, rtol=1e-12)
    assert there.first_alarm == here.first_alarm


names = st.sampled_from(["t", "x", "sin(t)", "fe(1, which = c(TRUE, FALSE))", "2", "0.5", '"a"', "~1"])
trees = st.recursive(
    names,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "^", ":", "=="]), inner).map(
            lambda p: f"({p[0]} {p[1]} {p[2]})"
        ),
        inner.map(lambda one: f"list(f = {one}, -({one}))"),
    ),
    max_leaves=8,
)


@FEW
@given(trees)
def test_what_is_printed_reads_back_as_the_same(text: str) -> None:
    tree = parse(text)
    assert parse(deparse(tree)) == tree
