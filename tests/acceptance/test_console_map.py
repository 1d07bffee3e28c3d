"""Outlines for the map: what the pack's files say, drawn without a line across the world."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from deskpack import NOW, outlines, pack

from anlan.model.errors import Unreadable
from anlan.model.pack import GeometryLayer
from anlan.web import geometry
from anlan.web.mapview import layer_of, shading


def layer(path: Path, document: dict[str, Any]) -> GeometryLayer:
    file = path / "outlines.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    return GeometryLayer(str(file), "province", "code", "cn/", "own", "own")


def test_topojson_arcs_are_joined_reversed_and_scaled(tmp_path: Path) -> None:
    drawn = geometry.outlines(
        layer(
            tmp_path,
            {
                "type": "Topology",
                "transform": {"scale": [0.5, 0.5], "translate": [100, 30]},
                "arcs": [[[0, 0], [4, 0], [0, 4]], [[0, 0], [0, 4], [4, 0]]],
                "objects": {
                    "x": {
                        "type": "GeometryCollection",
                        "geometries": [{"type": "Polygon", "arcs": [[0, -2]], "properties": {"code": "1"}}],
                    }
                },
            },
        )
    )
    feature = drawn["features"][0]
    assert feature["properties"] == {"place": "cn/1"}
    assert feature["geometry"]["coordinates"] == [
        [[100.0, 30.0], [102.0, 30.0], [102.0, 32.0], [100.0, 32.0], [100.0, 30.0]]
    ]


@pytest.mark.parametrize(
    ("ring", "east"),
    [
        ([[170, 60], [-170, 60], [-170, 70], [170, 70], [170, 60]], 190.0),
        ([[-180, -70], [0, -65], [179, -70], [-180, -70]], 180.0),
    ],
)
def test_no_line_is_drawn_across_the_world(tmp_path: Path, ring: list[list[int]], east: float) -> None:
    geojson = {
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
        ],
    }
    drawn = geometry.outlines(layer(tmp_path, geojson))["features"][0]["geometry"]["coordinates"][0]
    assert drawn[0] == drawn[-1]
    assert max(lon for lon, _ in drawn) == east
    steps = [abs(a[0] - b[0]) for a, b in pairwise(drawn) if a[1] != -85 or b[1] != -85]
    assert max(steps) <= 180


def test_a_file_that_is_no_outline_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="not outlines"):
        geometry.outlines(layer(tmp_path, {"type": "Nonsense"}))


def test_a_place_takes_the_level_of_the_warned_place_above_it(tmp_path: Path) -> None:
    found = pack(outlines(tmp_path))
    ids = ["cn/110000", "cn/110106", "cn/650000", ""]
    assert shading(ids, {"cn/110000": 2}, found, NOW) == {"cn/110000": 2, "cn/110106": 2}
    assert shading(ids, {}, found, NOW) == {}
    assert layer_of(found, ["cn/110106", "cn/650000"], NOW) == 0
