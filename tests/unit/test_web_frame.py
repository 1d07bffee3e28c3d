"""Maps that fit the places they show: frames around them, outlines cut without stray lines."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anlan.model.errors import InvalidValue
from anlan.model.pack import GeometryLayer
from anlan.web.framed import TURN, around, frame, placed, read_frame, within
from anlan.web.geometry import POLE, outlines

Ring = list[list[float]]
#: a land on either side of the antimeridian, drawn with a jump over it as map packages do
EAST_AND_WEST: Ring = [[170, 60], [-170, 60], [-170, 70], [170, 70], [170, 60]]
#: a coast around the South Pole that begins at Greenwich
AROUND_THE_POLE: Ring = [[0, -70], [90, -66], [179, -80], [-179, -82], [-90, -64], [0, -70]]
RIM: Ring = [[-180, -89.999], [-60, -89.999], [60, -89.999], [-180, -89.999]]
SQUARE: Ring = [[5, 47], [15, 47], [15, 55], [5, 55], [5, 47]]


def layer(folder: Path, **places: list[Ring]) -> GeometryLayer:
    """Each place one polygon of some rings."""
    features = [
        {
            "type": "Feature",
            "properties": {"code": code},
            "geometry": {"type": "Polygon", "coordinates": rings},
        }
        for code, rings in places.items()
    ]
    file = folder / "outlines.json"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return GeometryLayer(str(file), "country", "code", "", "own", "own")


def polygons(document: dict[str, Any], place: str) -> list[list[Ring]]:
    (one,) = [f for f in document["features"] if f["properties"]["place"] == place]
    found: list[list[Ring]] = one["geometry"]["coordinates"]
    return found if one["geometry"]["type"] == "MultiPolygon" else [one["geometry"]["coordinates"]]


def steps(rings: list[Ring]) -> list[float]:
    """Widths of the strokes of an outline that do not run along the edge of the map."""
    return [
        abs(a[0] - b[0]) for ring in rings for a, b in pairwise(ring) if not abs(a[1]) == abs(b[1]) == POLE
    ]


def test_the_frame_holds_the_places_with_a_little_margin(tmp_path: Path) -> None:
    here = layer(tmp_path, de=[SQUARE], far=[[[100, 0], [110, 0], [110, 9], [100, 0]]])
    assert placed(here) == {"de", "far"}
    west, south, east, north = frame(here, ["de", "nowhere"]) or (0, 0, 0, 0)
    assert 3 < west < 5 and 15 < east < 17
    assert 46 < south < 47 and 55 < north < 56
    assert frame(here, ["nowhere"]) is None
    assert (frame(here, ["de"], [(25.0, 50.0)]) or (0, 0, 0, 0))[2] > 25


def test_a_point_has_a_frame_too(tmp_path: Path) -> None:
    west, south, east, north = frame(layer(tmp_path), [], [(116.4, 39.9)]) or (0, 0, 0, 0)
    assert west < 116.4 < east and south < 39.9 < north
    assert east - west < 1.5


def test_places_on_both_sides_of_the_antimeridian_are_near_each_other(tmp_path: Path) -> None:
    here = layer(tmp_path, ru=[EAST_AND_WEST])
    west, _, east, _ = frame(here, ["ru"], [(-178.0, 65.0), (175.0, 65.0)]) or (0, 0, 0, 0)
    assert (west, east) == pytest.approx((170, 190), abs=2.5)


def test_all_of_the_world_is_cut_in_the_bering_strait() -> None:
    west, south, east, north = around([(-170, -80, -60, 70), (-20, -30, 60, 70), (65, -40, 178, 70)])
    assert (west, east) == (-169.0, 191.0)
    assert -POLE <= south < north <= POLE


@given(
    st.lists(
        st.tuples(st.floats(-180, 180), st.floats(-80, 80), st.floats(0, 40), st.floats(0, 5)),
        min_size=1,
        max_size=8,
    )
)
def test_every_place_lies_in_its_frame_wherever_it_is(boxes: list[tuple[float, float, float, float]]) -> None:
    west, south, east, north = around([(w, s, w + dx, s + dy) for w, s, dx, dy in boxes])
    assert west < east <= west + TURN
    for w, s, dx, dy in boxes:
        whole = east - west == TURN
        assert whole or any(west - 1e-6 <= w + k and w + dx + k <= east + 1e-6 for k in (-TURN, 0.0, TURN))
        assert south <= s and s + dy <= north


def test_the_neighbours_are_cut_around_the_frame_and_what_is_far_is_left_out(tmp_path: Path) -> None:
    wide: Ring = [[-60, 40], [80, 40], [80, 60], [-60, 60], [-60, 40]]
    far: Ring = [[100, -20], [110, -20], [110, -9], [100, -20]]
    here = layer(tmp_path, de=[SQUARE], wide=[wide], far=[far])
    box = frame(here, ["de"])
    assert box is not None
    drawn = within(here, box)
    assert drawn["frame"] == list(box)
    assert {f["properties"]["place"] for f in drawn["features"]} == {"de", "wide"}
    lons = [lon for part in polygons(drawn, "wide") for lon, _ in part[0]]
    # past the frame on either side, so that the edge of the cut is out of sight in a wide window
    assert -60 < min(lons) < box[0] - 2 and box[2] + 2 < max(lons) < 80
    assert polygons(drawn, "de") == [[SQUARE]]


def test_an_outline_over_the_antimeridian_is_drawn_in_one_piece_where_the_frame_is(tmp_path: Path) -> None:
    here = layer(tmp_path, ru=[EAST_AND_WEST], us=[[[-168, 60], [-150, 60], [-150, 70], [-168, 60]]])
    box = frame(here, ["ru"])
    assert box is not None
    drawn = within(here, box)
    (land,) = polygons(drawn, "ru")
    assert sorted({lon for lon, _ in land[0]}) == [170, 190]  # no seam at 180
    assert min(lon for part in polygons(drawn, "us") for lon, _ in part[0]) == 192
    world = within(here, (-169.0, -85.0, 191.0, 85.0))
    for place in ("ru", "us"):
        assert all(max(steps(part)) <= 20 for part in polygons(world, place))


@pytest.mark.parametrize("start", range(5))
@pytest.mark.parametrize("turn", [1, -1])
def test_a_coast_around_a_pole_is_closed_along_the_edge_of_the_map(
    tmp_path: Path, start: int, turn: int
) -> None:
    coast = AROUND_THE_POLE[:-1][start:] + AROUND_THE_POLE[:-1][:start]
    ring = [*coast, coast[0]][::turn]
    here = layer(tmp_path, aq=[RIM, ring])
    (land,) = polygons(outlines(here), "aq")
    (drawn,) = land  # the pole itself is no outline
    assert drawn[0] == drawn[-1]
    assert (min(lon for lon, _ in drawn), max(lon for lon, _ in drawn)) == (-180, 180)
    assert {tuple(at) for at in drawn} >= {(90.0, -66.0), (-90.0, -64.0), (180.0, -POLE), (-180.0, -POLE)}
    assert max(steps([drawn])) <= 91
    # both ends of the cut are at one latitude: that of the coast there
    (lat,) = {lat for lon, lat in drawn if abs(lon) == 180 and lat != -POLE}
    assert lat == pytest.approx(-81.0)
    for part in polygons(within(here, (-169.0, -85.0, 191.0, 85.0)), "aq"):
        assert max(steps(part)) <= 91
        assert all(-169 <= lon <= 191 for ring in part for lon, _ in ring)


@pytest.mark.parametrize(
    "text", ["", "1,2,3", "a,b,c,d", "nan,0,1,1", "10,0,5,1", "0,5,1,5", "0,0,999,1", "0,0,1,91"]
)
def test_a_frame_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue, match="no such frame"):
        read_frame(text)


def test_the_frame_of_an_address_is_read() -> None:
    assert read_frame("5.11,46.81,15.77,55.53") == (5.11, 46.81, 15.77, 55.53)


def test_a_file_of_outlines_that_is_replaced_is_drawn_anew(tmp_path: Path) -> None:
    here = layer(tmp_path, de=[SQUARE])
    box = (0.0, 40.0, 30.0, 60.0)
    assert placed(here) == {"de"}
    assert {f["properties"]["place"] for f in within(here, box)["features"]} == {"de"}
    assert layer(tmp_path, de=[SQUARE], fr=[[[x - 12, y] for x, y in SQUARE]]) == here
    assert placed(here) == {"de", "fr"}
    assert {f["properties"]["place"] for f in outlines(here)["features"]} == {"de", "fr"}
    assert {f["properties"]["place"] for f in within(here, box)["features"]} == {"de", "fr"}
