"""Outlines come from TopoJSON and GeoJSON as drawn, valid, and with a record of what was mended."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import shapely
from shapely.geometry import shape

from anlan.model.errors import Unreadable
from anlan.model.pack import GeometryLayer
from anlan.packs.geometry import as_geojson, outlines
from sample_pack import TOPOLOGY


def layer(path: Path, objects: str = "", key: str = "code") -> GeometryLayer:
    return GeometryLayer(str(path), "province", key, "x/", "MIT", "test", None, objects)


@pytest.fixture
def topology(tmp_path: Path) -> Path:
    path = tmp_path / "t.json"
    path.write_text(json.dumps(TOPOLOGY))
    return path


def test_shared_arcs_give_neighbours_that_touch(topology: Path) -> None:
    shapes = outlines(layer(topology)).shapes
    assert shapes["x/a"].bounds == pytest.approx((100.0, 30.0, 101.0, 31.0))
    assert shapes["x/b"].bounds == pytest.approx((101.0, 30.0, 102.0, 31.0))
    assert shapes["x/a"].area == shapes["x/b"].area == pytest.approx(1.0)
    assert shapes["x/a"].touches(shapes["x/b"])


def test_a_crossing_outline_is_mended_and_named(topology: Path) -> None:
    drawn = outlines(layer(topology))
    assert drawn.repaired == ("x/c",)
    assert all(one.is_valid for one in drawn.shapes.values())


def test_geojson_reads_as_topojson_does(topology: Path, tmp_path: Path) -> None:
    document = as_geojson(layer(topology))
    document["features"] = [
        {**feature, "properties": {"code": feature["id"].removeprefix("x/")}}
        for feature in document["features"]
    ]
    path = tmp_path / "g.json"
    path.write_text(json.dumps(document))
    first, second = outlines(layer(topology)).shapes, outlines(layer(path)).shapes
    assert list(first) == list(second)
    assert all(first[id].symmetric_difference(second[id]).area < 1e-3 for id in first)


def test_features_of_one_place_are_united_and_others_counted(tmp_path: Path) -> None:
    def square(code: str | None, west: float) -> dict[str, object]:
        ring = [[west, 0], [west + 1, 0], [west + 1, 1], [west, 1], [west, 0]]
        return {
            "type": "Feature",
            "properties": {"code": code},
            "geometry": {"type": "Polygon", "coordinates": [ring]},
        }

    path = tmp_path / "g.json"
    features = [square("a", 0), square("a", 1), square(None, 5), {**square("n", 0), "geometry": None}]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    drawn = outlines(layer(path))
    assert drawn.shapes["x/a"].area == 2
    assert drawn.without_id == 1
    assert drawn.empty == ("x/n",)


def test_the_browser_gets_only_what_it_asks_for(topology: Path) -> None:
    document = as_geojson(layer(topology), ["x/b", "x/nowhere"], digits=1)
    assert [feature["id"] for feature in document["features"]] == ["x/b"]
    geometry = document["features"][0]["geometry"]
    assert shape(geometry).exterior.is_ccw
    assert all(round(number, 1) == number for point in geometry["coordinates"][0] for number in point)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "null",
        '{"type": "Topology"}',
        '{"type": "FeatureCollection", "features": [1]}',
        "1e999",
    ],
)
def test_what_is_no_geometry_is_unreadable(text: str, tmp_path: Path) -> None:
    path = tmp_path / "g.json"
    path.write_text(text)
    with pytest.raises(Unreadable):
        outlines(layer(path))


def test_a_missing_file_or_object_is_unreadable(topology: Path, tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="provinces"):
        outlines(layer(topology, "counties"))
    with pytest.raises(Unreadable, match="no geometry file there"):
        outlines(layer(tmp_path / "gone.json"))


def test_the_counties_of_china_can_all_be_drawn(shared: Path) -> None:
    drawn = outlines(layer(shared / "data/geo-china/counties.topo.json"))
    assert len(drawn.shapes) > 2700
    assert all(one.is_valid and one.area > 0 for one in drawn.shapes.values())
    west, south, east, north = drawn.shapes["x/110105"].bounds
    assert 116 < west < east < 117
    assert 39 < south < north < 41


def test_outlines_across_the_antimeridian_do_not_run_around_the_globe(root: Path) -> None:
    drawn = outlines(
        GeometryLayer(
            str(root / "packs/world/places/countries-50m.topo.json"),
            "country",
            "code",
            "",
            "ISC",
            "a test",
            objects="countries",
        )
    )
    assert not {"ru", "fj"} & set(drawn.repaired)
    assert not shapely.intersects_xy(drawn.shapes["ru"], -100.0, 66.0)
    assert shapely.intersects_xy(drawn.shapes["ru"], -175.0, 66.5)
    assert shapely.intersects_xy(drawn.shapes["ru"], 100.0, 60.0)
    assert shapely.intersects_xy(drawn.shapes["aq"], 0.0, -89.9)
    assert all(one.bounds[2] - one.bounds[0] < 20 for one in shapely.get_parts(drawn.shapes["fj"]))
