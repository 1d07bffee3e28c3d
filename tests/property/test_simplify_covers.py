"""Simplified areas: always covering, always within the budget, always valid, always on the decimal grid."""

from __future__ import annotations

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry.base import BaseGeometry

from anlan.packs.antimeridian import split
from anlan.warn.budgets import Budget
from anlan.warn.ground import points
from anlan.warn.simplify import Simplified, simplify

CENTRES = st.tuples(st.floats(-170, 170), st.floats(-70, 70))


@st.composite
def stars(draw: st.DrawFn, most: int = 60) -> BaseGeometry:
    """A ring of spikes, with coordinates of any number of decimals."""
    count = draw(st.integers(3, most))
    lon, lat = draw(CENTRES)
    radius = draw(st.sampled_from([0.02, 0.5, 6.0]))
    seed = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    angles = np.sort(seed.uniform(0, 2 * np.pi, count))
    far = radius * seed.uniform(draw(st.sampled_from([0.05, 0.6, 0.95])), 1.0, count)
    ring = np.column_stack([lon + far * np.cos(angles), lat + far * np.sin(angles)])
    if draw(st.booleans()):
        ring = np.round(ring, 4)
    whole = shapely.make_valid(shapely.Polygon(ring), method="structure", keep_collapsed=False)
    return whole.buffer(1e-3) if whole.is_empty else whole


@st.composite
def areas(draw: st.DrawFn) -> BaseGeometry:
    """Stars, several of them, some with holes."""
    shape = shapely.union_all(draw(st.lists(stars(), min_size=1, max_size=5)))
    if draw(st.booleans()):
        middle = shapely.point_on_surface(shape)
        holed = shapely.difference(shape, shapely.buffer(middle, 0.005, quad_segs=2))
        shape = shape if holed.is_empty else holed
    return shapely.MultiPolygon([one for one in shapely.get_parts(shape) if one.geom_type == "Polygon"])


BUDGETS = st.builds(
    Budget,
    st.integers(5, 80),
    st.one_of(st.none(), st.integers(1, 4)),
    st.sampled_from([2, 3, 4, 5]),
)


def holds(found: Simplified, given_: BaseGeometry, budget: Budget) -> None:
    shape = found.shape
    assert shape.is_valid
    assert found.covers
    assert shapely.covers(shape, given_)
    assert points(shape) == found.after <= budget.points
    assert found.polygons_after <= (budget.polygons or found.polygons_after)
    xy = shapely.get_coordinates(shape)
    assert np.array_equal(np.round(xy, budget.digits), xy)
    assert np.all(np.abs(xy) <= [180.0, 90.0])
    assert found.added_km2 >= 0


@settings(max_examples=40, deadline=None)
@given(areas(), BUDGETS)
def test_what_was_chosen_stays_covered_within_any_budget(shape: BaseGeometry, budget: Budget) -> None:
    if shape.is_empty:
        return
    found = simplify(shape, budget)
    holds(found, shape, budget)
    assert not any(shapely.get_num_interior_rings(part) for part in shapely.get_parts(found.shape))


@settings(max_examples=25, deadline=None)
@given(areas(), BUDGETS)
def test_holes_that_are_kept_only_shrink(shape: BaseGeometry, budget: Budget) -> None:
    if not shape.is_empty:
        holds(simplify(shape, budget, holes=True), shape, budget)


@settings(max_examples=25, deadline=None)
@given(stars(30), st.floats(-3, 3), st.integers(10, 60))
def test_an_area_across_the_antimeridian_stays_covered_on_both_sides(
    shape: BaseGeometry, shift: float, most: int
) -> None:
    west, _, east, _ = shape.bounds
    moved = shapely.transform(shape, lambda xy: xy + np.array([180.0 + shift - (west + east) / 2, 0.0]))
    whole = split(moved)
    budget = Budget(most, 2 if whole.geom_type == "Polygon" or len(whole.geoms) == 2 else None)
    holds(simplify(whole, budget), whole, budget)


@settings(max_examples=40, deadline=None)
@given(areas(), st.integers(10, 60))
def test_no_more_ground_is_added_than_by_the_convex_hull_with_its_own_points(
    shape: BaseGeometry, most: int
) -> None:
    if shape.is_empty:
        return
    hull = shapely.convex_hull(shape)
    found = simplify(shape, Budget(most, None, 5))
    if points(hull) <= most:
        assert found.shape.area <= hull.buffer(1e-4, join_style="mitre").area * (1 + 1e-9)
