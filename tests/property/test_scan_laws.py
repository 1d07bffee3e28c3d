"""Laws of the scan statistics: the fast search is the plain one; order, threads, extra data are nothing."""

from __future__ import annotations

import dataclasses
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anlan.assess.scan import Graph, Points, ScanData, Values, one_period, periods, scan
from anlan.assess.scan import counts as count_models
from anlan.assess.scan.categories import categorical_ratio
from anlan.assess.scan.flexible import connected, nearest, symmetric
from anlan.assess.scan.plain import (
    best_window,
    best_windows,
    connected_sets,
    multinomial_ratio,
    ordinal_ratio,
)
from anlan.assess.scan.windows import Windows
from anlan.assess.scan.zones import growing, shapes_of

FEW = settings(max_examples=25, deadline=None)


def problem(seed: int, n: int, t: int, mean: float) -> tuple[Any, Any, Any]:
    """Cases, expected and points of a small area, with a raised corner now and then."""
    random = np.random.default_rng(seed)
    expected = random.gamma(1.0, mean, (n, t)) + 1e-3
    raised = np.where(np.arange(n)[:, None] < n // 4, 2.0, 1.0)
    cases = random.poisson(expected * raised)
    cases[0, 0] += 2
    return (
        cases,
        expected * cases.sum() / expected.sum(),
        Points(random.integers(0, 7, (n, 2)) * 1.0, "plane"),
    )


@FEW
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(3, 14),
    t=st.integers(1, 9),
    mean=st.sampled_from([0.2, 2.0, 40.0, 4000.0]),
    rates=st.sampled_from([(True, False), (False, True), (True, True)]),
    alive=st.booleans(),
    whole=st.booleans(),
    ellipse=st.booleans(),
    bernoulli=st.booleans(),
)
def test_the_fast_search_finds_what_the_plain_one_finds(
    seed: int, n: int, t: int, mean: float, rates: tuple[bool, bool], alive: bool, whole: bool, ellipse: bool,
    bernoulli: bool,
) -> None:  # fmt: skip
    cases, expected, points = problem(seed, n, t, mean)
    shapes = shapes_of([2.0, 4.0], [3, 5]) if ellipse else shapes_of([], [])
    windows = Windows(t, 1, max(1, (t + 1) // 2), alive, whole)
    options = {"high": rates[0], "low": rates[1], "min_cases": 2}
    if bernoulli:
        controls = np.random.default_rng(seed + 1).poisson(expected * 2) + 1
        engine = count_models.bernoulli(cases, controls, 5, **options)
    else:
        engine = count_models.poisson(cases, expected, 5, **options)
    zones = growing(points, engine.at_risk, 0.5, None, shapes, 0.5)
    if not zones.stop.any():
        return
    plain = best_windows(cases, engine.measure, zones, windows, bernoulli=bernoulli, **options)
    fast, where = engine._each(zones, windows)
    for chain in range(len(zones.centre)):
        if chain in plain:
            assert fast[chain] == pytest.approx(plain[chain][0], abs=1e-8)
            assert tuple(where[chain]) == plain[chain][1:]
        else:
            assert fast[chain] == 0
    engine.prepare(zones, windows)
    drawn = np.zeros((n * t, engine.block), dtype=np.int64)
    engine.fill(range(engine.block), drawn)
    maxima = engine.maxima(zones, windows, range(engine.block))
    for lane in range(0, engine.block, 17):
        data = drawn[:, lane].reshape(n, t)
        assert data.sum() == cases.sum()
        wanted = best_window(data, engine.measure, zones, windows, bernoulli=bernoulli, **options)
        assert maxima[lane] == pytest.approx(wanted, abs=1e-8)


@FEW
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=2, max_size=6))
def test_pooling_categories_gives_the_best_of_all_ways_to_pool(pairs: list[tuple[int, int]]) -> None:
    inside = np.array([a for a, _ in pairs], dtype=float)
    total = inside + np.array([b for _, b in pairs], dtype=float)
    if not 0 < inside.sum() < total.sum():
        return
    pooled = np.zeros(len(pairs), dtype=np.int64)
    assert categorical_ratio(inside, total, 0, pooled) == pytest.approx(
        multinomial_ratio(inside, total), abs=1e-9
    )
    assert categorical_ratio(inside, total, 1, pooled) == pytest.approx(
        ordinal_ratio(inside, total), abs=1e-9
    )
    low = categorical_ratio(inside, total, -1, pooled)
    assert low == pytest.approx(ordinal_ratio(inside[::-1], total[::-1]), abs=1e-9)


@FEW
@given(st.integers(0, 10_000), st.integers(2, 9), st.integers(1, 6))
def test_flexible_zones_are_all_the_connected_sets_each_once(seed: int, n: int, most: int) -> None:
    random = np.random.default_rng(seed)
    touch = random.random((n, n)) < 0.35
    graph = Graph(tuple(tuple(np.flatnonzero(row).tolist()) for row in touch))
    neighbours = symmetric(graph)
    for centre in range(n):
        allowed = nearest(neighbours, centre, most)
        found = [frozenset(members) for members in connected(neighbours, centre, allowed)]
        assert len(found) == len(set(found))
        assert set(found) == connected_sets(neighbours, centre, allowed)


def sample(seed: int, n: int = 25, t: int = 8) -> ScanData:
    random = np.random.default_rng(seed)
    people = random.integers(500, 5000, (n, 1)).astype(float)
    cases = random.poisson(people / people.mean() * 1.5, (n, t)).astype(float)
    cases[:4, 5:7] += 4
    return ScanData(
        tuple(f"p{i:02}" for i in range(n)),
        Points(random.random((n, 2)) * 10, "plane"),
        periods(date(2020, 1, 1), date(2020, 1, t), "day"),
        cases=cases,
        population=np.repeat(people / t, t, axis=1),
    )


MODELS: list[dict[str, Any]] = [
    {"analysis": "space_time"},
    {"analysis": "space_time", "timing": "prospective"},
    {"analysis": "space_time", "rates": "both", "with_temporal": True, "with_spatial": True},
    {"analysis": "space_time", "trend": "stratified"},
    {"analysis": "trends"},
    {"model": "permutation", "analysis": "space_time"},
    {"shape": "ellipse", "ellipse_ratios": (2.0,), "ellipse_angles": (4,)},
    {"analysis": "temporal"},
]


def same(one: Any, other: Any) -> None:
    assert one.clusters == other.clusters
    np.testing.assert_array_equal(one.maxima, other.maxima)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: " ".join(str(v) for v in model.values()))
def test_neither_the_order_of_places_nor_threads_change_a_result(model: dict[str, Any]) -> None:
    data = sample(1)
    found = scan(data, replications=150, **model)
    assert found.clusters
    same(found, dataclasses.replace(scan(data, replications=150, threads=2, **model), params=found.params))
    order = np.random.default_rng(9).permutation(len(data.places))
    assert data.cases is not None
    assert data.population is not None
    assert isinstance(data.geography, Points)
    moved = ScanData(
        tuple(data.places[i] for i in order),
        Points(data.geography.coordinates[order], "plane"),
        data.periods,
        data.cases[order],
        data.population[order],
    )
    same(found, scan(moved, replications=150, **model))


def test_the_first_replications_are_the_same_however_many_follow() -> None:
    few, many = scan(sample(2), replications=70), scan(sample(2), replications=200)
    np.testing.assert_array_equal(few.maxima, many.maxima[:70])


def test_moving_the_map_and_the_calendar_moves_the_clusters_with_them() -> None:
    data = sample(3)
    assert isinstance(data.geography, Points)
    moved = dataclasses.replace(
        data,
        geography=Points(data.geography.coordinates * 4 - 64, "plane"),
        periods=periods(date(2024, 2, 1), date(2024, 2, 8), "day"),
    )
    here, there = scan(data, analysis="space_time"), scan(moved, analysis="space_time")
    for one, other in zip(here.clusters, there.clusters, strict=True):
        assert one.members == other.members
        assert (other.start - one.start).days == (date(2024, 2, 1) - date(2020, 1, 1)).days
        assert (one.statistic, one.p_value) == (other.statistic, other.p_value)


def test_a_place_without_anybody_changes_nothing() -> None:
    data = sample(4)
    assert data.cases is not None
    assert data.population is not None
    assert isinstance(data.geography, Points)
    more = ScanData(
        (*data.places, "zz"),
        Points(np.vstack([data.geography.coordinates, [[5.0, 5.0]]]), "plane"),
        data.periods,
        np.concatenate([data.cases, np.zeros((1, 8, 1))]),
        np.concatenate([data.population, np.zeros((1, 8, 1))]),
    )
    here, there = scan(data, replications=0), scan(more, replications=0)
    assert [c.statistic for c in here.clusters] == pytest.approx(
        [c.statistic for c in there.clusters], abs=1e-9
    )


def test_values_are_scanned_whatever_their_unit() -> None:
    random = np.random.default_rng(5)
    n = 20
    place = np.repeat(np.arange(n), 6)
    value = random.normal(size=len(place)) + np.where(place < 4, 2.0, 0.0)
    data = ScanData(
        tuple(f"p{i:02}" for i in range(n)),
        Points(random.random((n, 2)), "plane"),
        one_period(date(2020, 1, 1), date(2020, 12, 31)),
        values=Values(place, np.zeros_like(place), value),
    )
    scaled = dataclasses.replace(data, values=Values(place, np.zeros_like(place), value * 1024 + 4096))
    here, there = scan(data, model="normal"), scan(scaled, model="normal")
    assert [c.members for c in here.clusters] == [c.members for c in there.clusters]
    assert here.maxima == pytest.approx(there.maxima, abs=1e-8)
