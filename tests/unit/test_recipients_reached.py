"""The index of recipients: what it refuses, what an empty one says, and who is told of a warning."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import shapely

from anlan.model.errors import InvalidValue, NotFound
from anlan.model.pack import GeometryLayer, Pack
from anlan.model.place import Point
from anlan.model.warning import Recipient
from anlan.packs.drawing import Circle
from anlan.warn.target.areas import Areas
from anlan.warn.target.points import Points
from anlan.warn.target.recipients import indexed, recipients_of, warned_ground
from bulletins import warning as bulletin
from chain_pack import T0, both, chain_pack

BOX = shapely.box(0, 0, 1, 1)
SENT = bulletin("w", 2, ("x/a",))


def test_points_off_the_globe_or_not_in_pairs_are_refused_by_their_place() -> None:
    with pytest.raises(InvalidValue, match=r"points\[1\]"):
        Points([0.0, 181.0], [0.0, 0.0])
    with pytest.raises(InvalidValue, match=r"points\[0\]"):
        Points([np.nan], [0.0])
    with pytest.raises(InvalidValue, match="as many longitudes as latitudes"):
        Points([0.0], [0.0, 1.0])


def test_an_area_that_is_none_is_refused_by_its_place() -> None:
    index = Points([0.5], [0.5])
    with pytest.raises(InvalidValue, match=r"areas\[1\]"):
        index.within_each([BOX, shapely.Point(0, 0)])
    bow = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    with pytest.raises(InvalidValue, match="Self-intersection"):
        index.within(bow)
    with pytest.raises(InvalidValue, match=r"recipients\[0\]"):
        Areas([bow])


def test_a_key_that_is_not_there_changes_nothing() -> None:
    index = Points([0.5, 0.6], [0.5, 0.6])
    with pytest.raises(NotFound):
        index.remove([0, 7])
    with pytest.raises(InvalidValue, match="twice"):
        index.move([1, 1], [0.0, 0.0], [0.0, 0.0])
    assert sorted(index.within(BOX).tolist()) == [0, 1]
    index.remove([0])
    with pytest.raises(NotFound):
        index.move([0], [0.0], [0.0])


def test_an_empty_index_and_an_empty_area_find_nobody() -> None:
    assert Points().within(BOX).size == 0
    assert Points([0.5], [0.5]).within(shapely.MultiPolygon()).size == 0
    assert Points().within_each([]).keys.size == 0
    emptied = Points([0.5], [0.5])
    emptied.remove([0])
    assert emptied.within(BOX).size == 0
    assert len(emptied) == 0
    assert emptied.add([0.2], [0.2]).tolist() == [1]
    assert emptied.within(BOX).tolist() == [1]


def test_matches_are_given_by_area() -> None:
    found = Points([0.5, 5.5], [0.5, 5.5]).within_each(
        [BOX, shapely.box(5, 5, 6, 6), shapely.box(8, 8, 9, 9)]
    )
    assert [found[k].tolist() for k in range(len(found))] == [[0], [1], []]
    assert found.counts.tolist() == [1, 1, 0]
    with pytest.raises(IndexError):
        found[3]


def test_a_circle_misses_no_recipient_with_an_area_within_its_radius() -> None:
    squares = [shapely.box(x, 60, x + 0.1, 60.1) for x in np.arange(0, 6, 0.1)]
    found = Areas(squares).within_each([Circle(3.0, 60.0, 60.0)])[0]
    # 60 km are 1.079 degrees of longitude at 60 north
    assert set(range(20, 40)) <= set(found.tolist()) <= set(range(18, 42))


def with_ground(tmp_path: Path, *recipients: Recipient) -> Pack:
    """The pack of the chain, with outlines for x/a and x/b side by side."""
    document = {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {"code": id},
                "geometry": json.loads(shapely.to_geojson(shapely.box(west, 0, west + 1, 1))),
            }
            for id, west in (("a", 0), ("b", 1))
        ],
    }
    path = tmp_path / "ab.json"
    path.write_text(json.dumps(document))
    layer = GeometryLayer(str(path), "province", "code", "x/", "CC0-1.0", "drawn for a test")
    return replace(chain_pack(), geometry=(layer,), recipients={one.id: one for one in recipients})


def told(id: str, **more: object) -> Recipient:
    return Recipient(id, both(id), "mail", f"{id}@x.invalid", more.pop("places", ()), **more)  # type: ignore[arg-type]


def test_those_are_told_whose_ground_or_places_the_warning_meets_and_whose_hazard_it_is(
    tmp_path: Path,
) -> None:
    sent = SENT
    assert sent.places == ("x/a",)
    pack = with_ground(
        tmp_path,
        told("inside", point=Point(0.5, 0.5)),
        told("beside", point=Point(1.5, 0.5)),
        told("beside.near", point=Point(1.1, 0.5), radius_km=20.0),
        told("place", places=("x/a/1",)),
        told("whole", places=("x",)),
        told("neighbour", places=("x/b",)),
        told("other", places=("x",), hazards=("another",)),
        told("same", places=("x",), hazards=(sent.hazard,)),
    )
    assert recipients_of(sent, pack, T0) == ("inside", "beside.near", "place", "whole", "same")


def test_a_drawn_warning_reaches_by_its_ground_and_not_by_the_places_it_touches(tmp_path: Path) -> None:
    ring = ((0.0, 0.0), (0.4, 0.0), (0.4, 1.0), (0.0, 1.0), (0.0, 0.0))
    sent = replace(SENT, rings=(ring,))
    pack = with_ground(
        tmp_path,
        told("in", point=Point(0.2, 0.5)),
        told("out", point=Point(0.6, 0.5)),
        told("place", places=("x/a",)),
        told("neighbour", places=("x/b",)),
    )
    assert warned_ground(sent, pack, T0).equals(shapely.box(0, 0, 0.4, 1))
    assert recipients_of(sent, pack, T0) == ("in", "place")


def test_recipients_are_indexed_once() -> None:
    held = [told("a", point=Point(0, 0)), told("b", places=("x",))]
    assert indexed(held) is indexed(list(held))
    assert indexed([replace(held[0], point=Point(1, 1)), held[1]]) is not indexed(held)
