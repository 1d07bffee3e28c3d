"""Whatever is sent as a drawing is read as a valid area, or refused by the path where it is wrong."""

from __future__ import annotations

from typing import Any

import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st

from anlan.model.errors import InvalidValue
from anlan.packs.antimeridian import split
from anlan.packs.drawing import read_drawing
from anlan.warn.ground import around

NUMBERS = st.one_of(
    st.integers(-400, 400),
    st.floats(-200, 200),
    st.floats(),
    st.sampled_from([10**400, None, True, "1", [], 180.0, -180.0, 90.0]),
)
POSITIONS = st.one_of(st.lists(NUMBERS, max_size=4), st.none())
GOOD = st.tuples(st.floats(-190, 190), st.floats(-90, 90)).map(list)


def closed(ring: list[Any]) -> list[Any]:
    return [*ring, ring[0]] if ring else ring


RINGS = st.one_of(st.lists(GOOD, min_size=3, max_size=8).map(closed), st.lists(POSITIONS, max_size=6))
KINDS = [
    "Polygon",
    "MultiPolygon",
    "Circle",
    "Feature",
    "FeatureCollection",
    "GeometryCollection",
    "Point",
    7,
]


def nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(
        {"type": st.sampled_from(KINDS)},
        optional={
            "coordinates": st.one_of(
                st.lists(RINGS, max_size=3), st.lists(st.lists(RINGS, max_size=2), max_size=2), NUMBERS
            ),
            "geometry": st.one_of(inner, st.none()),
            "geometries": st.one_of(st.lists(inner, max_size=3), st.none()),
            "features": st.lists(inner, max_size=3),
            "center": POSITIONS,
            "radius_km": NUMBERS,
            "properties": st.one_of(st.none(), st.fixed_dictionaries({"radius_km": NUMBERS})),
        },
    )


DRAWINGS = st.recursive(nested(st.none()), nested, max_leaves=4)


@settings(max_examples=150, deadline=None)
@given(DRAWINGS)
@example({"type": "Circle", "center": [10**400, 0], "radius_km": 1})
@example({"type": "Circle", "center": [0, 0], "radius_km": 10**400})
@example({"type": "Polygon", "coordinates": [[[float("nan"), 0], [1, 0], [1, 1], [0, 0]]]})
@example({"type": "Circle", "center": [180, 90], "radius_km": 10_007})
@example({"type": "Circle", "center": [179.9, 0], "radius_km": 9_000})
def test_a_drawing_is_read_as_a_valid_area_or_refused(drawing: Any) -> None:
    try:
        polygons, circles = read_drawing(drawing)
    except InvalidValue as error:
        assert error.where
        return
    for shape in [*map(split, polygons), *map(around, circles)]:
        assert shape.is_valid
        assert shape.area > 0
        west, south, east, north = shape.bounds
        assert -180 <= west <= east <= 180
        assert -90 <= south <= north <= 90
        assert {one.geom_type for one in shapely.get_parts(shape)} == {"Polygon"}


@settings(max_examples=80, deadline=None)
@given(st.lists(RINGS, min_size=1, max_size=3))
def test_a_polygon_is_read_as_drawn_or_refused(rings: list[Any]) -> None:
    try:
        [polygon], _ = read_drawing({"type": "Polygon", "coordinates": rings})
    except InvalidValue:
        return
    assert shapely.get_num_interior_rings(polygon) == len(rings) - 1
    assert shapely.get_num_coordinates(polygon) == sum(map(len, rings))
