"""Targeting: the index answers as the textbook does, on edges and vertices too, whatever has changed."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry.base import BaseGeometry

from anlan.packs.drawing import Circle
from anlan.warn.ground import EARTH_KM, around, around_each
from anlan.warn.target import plain, side
from anlan.warn.target.points import Points

# coarse coordinates make points on edges, on vertices and on one line common
COARSE = st.integers(-8, 8).map(float)
TENTHS = st.integers(-80, 80).map(lambda k: k / 10)
FINE = st.floats(-8, 8, allow_subnormal=False).filter(lambda x: x == 0 or abs(x) > 1e-100)


@st.composite
def areas(draw: st.DrawFn, numbers: st.SearchStrategy[float] = TENTHS) -> BaseGeometry:
    """A valid polygon or multipolygon, often with holes."""
    rings = []
    for _ in range(draw(st.integers(1, 3))):
        ring = draw(st.lists(st.tuples(numbers, numbers), min_size=3, max_size=9, unique=True))
        rings.append(shapely.make_valid(shapely.Polygon(ring), method="structure", keep_collapsed=False))
    shape = rings[0]
    for ring in rings[1:]:
        shape = shapely.symmetric_difference(shape, ring) if draw(st.booleans()) else shape.union(ring)
    polygons = [one for one in shapely.get_parts(shape) if one.geom_type == "Polygon"]
    return shapely.MultiPolygon(polygons)


def points_near(shape: BaseGeometry, drawn: list[tuple[float, float]]) -> np.ndarray:  # type: ignore[type-arg]
    """The points drawn, and the vertices and middles of the edges."""
    own = shapely.get_coordinates(shape)
    middles = (own[1:] + own[:-1]) / 2 if len(own) else own
    return np.concatenate([np.array(drawn, dtype=float).reshape(-1, 2), own, middles])


def keys_in(points: np.ndarray, shape: BaseGeometry | Circle) -> list[int]:  # type: ignore[type-arg]
    return [k for k, (x, y) in enumerate(points) if plain.in_shape(float(x), float(y), shape)]


@settings(max_examples=60, deadline=None)
@given(st.one_of(areas(COARSE), areas(), areas(FINE)), st.data())
def test_the_index_finds_what_exact_arithmetic_finds(shape: BaseGeometry, data: st.DataObject) -> None:
    drawn = data.draw(st.lists(st.tuples(st.one_of(COARSE, TENTHS, FINE), TENTHS), max_size=40))
    points = points_near(shape, drawn)
    found = Points(points[:, 0], points[:, 1]).within(shape)
    assert sorted(found.tolist()) == keys_in(points, shape)


@settings(max_examples=40, deadline=None)
@given(st.one_of(areas(COARSE), areas()), st.data())
def test_the_index_finds_what_shapely_finds(shape: BaseGeometry, data: st.DataObject) -> None:
    drawn = data.draw(st.lists(st.tuples(TENTHS, TENTHS), max_size=60))
    points = points_near(shape, drawn)
    found = np.sort(Points(points[:, 0], points[:, 1]).within(shape))
    assert np.array_equal(found, np.flatnonzero(shapely.intersects_xy(shape, points[:, 0], points[:, 1])))


@settings(max_examples=60, deadline=None)
@given(
    st.floats(-180, 180),
    st.floats(-90, 90),
    st.floats(0.1, 9000),
    st.lists(st.tuples(st.floats(-180, 180), st.floats(-90, 90)), max_size=60),
)
def test_circles_hold_the_places_within_their_radius_also_across_the_antimeridian_and_the_poles(
    lon: float, lat: float, km: float, drawn: list[tuple[float, float]]
) -> None:
    circle = Circle(lon, lat, km)
    points = np.array([*drawn, (lon, lat), (-180.0, lat), (180.0, lat)])
    found = Points(points[:, 0], points[:, 1]).within(circle)
    assert sorted(found.tolist()) == keys_in(points, circle)


@settings(max_examples=60, deadline=None)
@given(
    st.floats(-180, 180),
    st.floats(-90, 90),
    st.one_of(st.floats(0.1, 300), st.floats(300, 10_000)),
    st.lists(st.tuples(st.floats(0, 360), st.floats(0, 0.9999)), min_size=1, max_size=60),
)
def test_the_polygon_that_stands_for_a_circle_covers_it(
    lon: float, lat: float, km: float, drawn: list[tuple[float, float]]
) -> None:
    circle = Circle(lon, lat, km)
    shape = around(circle)
    assert shape.is_valid
    also = around_each([circle])[0]
    assert also.is_valid
    for bearing, share in drawn:
        # the place at a bearing and distance from the centre
        turn, far, phi = math.radians(bearing), share * km / EARTH_KM, math.radians(lat)
        y = math.asin(
            max(-1, min(1, math.sin(phi) * math.cos(far) + math.cos(phi) * math.sin(far) * math.cos(turn)))
        )
        x = math.atan2(
            math.sin(turn) * math.sin(far) * math.cos(phi), math.cos(far) - math.sin(phi) * math.sin(y)
        )
        east = (lon + math.degrees(x) + 180.0) % 360.0 - 180.0
        assert shapely.dwithin(shape, shapely.Point(east, math.degrees(y)), 1e-9)
        assert shapely.dwithin(also, shapely.Point(east, math.degrees(y)), 1e-9)


PLACES = st.lists(st.tuples(TENTHS, TENTHS), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(
    PLACES,
    st.lists(st.tuples(st.sampled_from(["add", "move", "remove", "ask"]), PLACES), max_size=12),
    st.data(),
)
def test_after_any_changes_the_index_answers_as_one_built_anew(
    first: list[tuple[float, float]],
    changes: list[tuple[str, list[tuple[float, float]]]],
    data: st.DataObject,
) -> None:
    index = Points(*np.array(first).T)
    held = dict(enumerate(first))
    box = shapely.box(-3.0, -3.0, 2.5, 4.0)
    for kind, places in changes:
        known = sorted(held)
        if kind == "add":
            held.update(zip(index.add(*np.array(places).T).tolist(), places, strict=True))
        elif kind == "ask" or not known:
            index.within(box)
        else:
            chosen = known[: len(places)] if data.draw(st.booleans()) else known[-len(places) :]
            if kind == "remove":
                index.remove(chosen)
                held = {key: place for key, place in held.items() if key not in set(chosen)}
            else:
                index.move(chosen, *np.array(places[: len(chosen)]).T)
                held.update(zip(chosen, places, strict=False))
        keys = sorted(held)
        fresh = Points(*np.array([held[key] for key in keys]).reshape(-1, 2).T)
        for area in (box, Circle(0.0, 0.0, 400.0)):
            expected = [keys[k] for k in sorted(fresh.within(area).tolist())]
            assert sorted(index.within(area).tolist()) == expected
        assert len(index) == len(held)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(FINE, TENTHS, COARSE), min_size=6, max_size=6), st.integers(-3, 3))
def test_the_side_of_an_edge_is_that_of_exact_arithmetic(numbers: list[float], ulps: int) -> None:
    ax, ay, bx, by, cx, cy = numbers
    # c on the line of a and b as nearly as doubles go, and a few steps beside
    cx, cy = (ax + bx) / 2, (ay + by) / 2
    for _ in range(abs(ulps)):
        cy = float(np.nextafter(cy, np.inf if ulps > 0 else -np.inf))
    if 0 < abs(cy) < 1e-100:
        return
    a, b, c, d, e, f = map(Fraction, (ax, ay, bx, by, cx, cy))
    exact = (a - e) * (d - f) - (b - f) * (c - e)
    assert np.sign(side.orient(ax, ay, bx, by, cx, cy)) == (exact > 0) - (exact < 0)


def test_a_point_on_the_edge_of_two_areas_is_in_both() -> None:
    west, east = shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)
    found = Points([1.0, 0.5, 1.5], [0.5, 1.0, 0.0]).within_each([west, east])
    assert [sorted(found[k].tolist()) for k in range(2)] == [[0, 1], [0, 2]]


@pytest.mark.parametrize("seed", range(3))
def test_crowded_points_are_found_as_by_shapely(seed: int) -> None:
    """Points in heaps, areas of hundreds of vertices with edges through the heaps."""
    draw = np.random.default_rng(seed)
    heaps = draw.uniform(-20, 20, (30, 2))
    points = heaps[draw.integers(0, 30, 20_000)] + draw.normal(0, 0.3, (20_000, 2))
    index = Points(points[:, 0], points[:, 1])
    angles = np.sort(draw.uniform(0, 2 * np.pi, 400))
    for centre in heaps[:10]:
        far = draw.uniform(0.1, 6.0, 400)
        ring = centre + np.column_stack([far * np.cos(angles), far * np.sin(angles)])
        shape = shapely.make_valid(shapely.Polygon(ring))
        found = np.sort(index.within(shape))
        assert np.array_equal(found, np.flatnonzero(shapely.intersects_xy(shape, *points.T)))
