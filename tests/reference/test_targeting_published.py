"""Targeting on real data: the alert-hub matrix against its subscriptions, and outlines that packs ship."""

from __future__ import annotations

import csv
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from anlan.packs.geometry import outlines
from anlan.packs.load import load_pack
from anlan.warn.budgets import BUDGETS
from anlan.warn.ground import points
from anlan.warn.simplify import simplify
from anlan.warn.target.areas import Areas
from anlan.warn.target.points import Points


def alert_areas(shared: Path) -> list[Any]:
    found = []
    with zipfile.ZipFile(shared / "corpus/cap/alerthub-matrix/areas.zip") as held:
        for name in sorted(held.namelist()):
            for text in re.findall(r"<cap:polygon>([^<]+)<", held.read(name).decode()):
                pairs = [tuple(map(float, pair.split(","))) for pair in text.split()]
                found.append(shapely.Polygon([(lon, lat) for lat, lon in pairs]))
    return found


def subscriptions(shared: Path) -> list[Any]:
    with (shared / "reference/cap/alerthub_subscriptions.csv").open(encoding="utf-8") as file:
        rows = [row["polygon_lon_lat"] for row in csv.DictReader(file) if row["polygon_lon_lat"]]
    return [shapely.Polygon([tuple(map(float, pair.split(","))) for pair in row.split()]) for row in rows]


def test_950_alert_areas_meet_the_subscriptions_that_every_pair_asked_by_itself_finds(shared: Path) -> None:
    alerts, asked = alert_areas(shared), subscriptions(shared)
    assert (len(alerts), len(asked)) == (950, 2124)
    whole = [k for k, one in enumerate(asked) if one.is_valid]
    # seven have no area: they are one point, four times
    flat = [k for k, one in enumerate(asked) if not one.is_valid]
    assert len(flat) == 7
    by_area = Areas([asked[k] for k in whole]).within_each(alerts)
    corners = np.array([asked[k].exterior.coords[0] for k in flat])
    by_point = Points(corners[:, 0], corners[:, 1]).within_each(alerts)
    held = np.array(asked, dtype=object)
    held[flat] = shapely.points(corners)
    for k, alert in enumerate(alerts):
        found = sorted([whole[key] for key in by_area[k]] + [flat[key] for key in by_point[k]])
        assert found == np.flatnonzero(shapely.intersects(alert, held)).tolist()


@pytest.mark.parametrize("channel", ["wea", "cap"])
def test_provinces_and_islands_stay_covered_within_the_budget(channel: str, root: Path) -> None:
    china = load_pack(root / "packs/cn")
    world = load_pack(root / "packs/world")
    shapes = {id: shape for layer in china.geometry[:1] for id, shape in outlines(layer).shapes.items()}
    shapes |= outlines(world.geometry[0]).shapes
    budget = BUDGETS[channel]
    for id in ("cn/110000", "cn/460000", "fj", "nz", "va"):
        found = simplify(shapes[id], budget)
        assert found.covers, id
        assert found.shape.is_valid, id
        assert points(found.shape) <= budget.points, id
        assert found.polygons_after <= (budget.polygons or found.polygons_after), id
    beijing = simplify(shapes["cn/110000"], budget)
    assert beijing.added_share < 0.02  # the convex hull adds 30 %
