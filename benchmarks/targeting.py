"""Targeting beside Shapely: the same recipients first, then how long it took. One core, process time.

`targeting.py [--small]`:

- points: 10 million recipients, most in 2,000 towns, the rest anywhere, and some exactly on vertices and on
  the middles of edges; 100 alert areas of 6 to 1,000 vertices (every tenth with a hole, one across the
  antimeridian) of 0.2 to 12 degrees radius. Ours gives the keys of the recipients of each area. Every point
  is compared with a plain loop over all edges of each area (exact where rounding could decide), and with
  Shapely.
- change: recipients of that index move, come and go, and the areas are asked again; compared with an index
  built anew.
- areas: 950 alert areas of the alert-hub matrix against its 2,124 subscription polygons (shared data; those
  that are no polygon but a point count as recipients at a point), compared with every pair by itself.

Peers, in the same run: `shapely.intersects_xy` after `prepare` on every point; the same on the points in the
bounds of the area; `STRtree.query(predicate="intersects")` over the points (in trees of a million, for
memory).
"""

from __future__ import annotations

import csv
import json
import os
import platform
import re
import resource
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from numba import njit

from anlan.warn.target import side, within
from anlan.warn.target.areas import Areas
from anlan.warn.target.points import Matches, Points, edges_of

Floats = npt.NDArray[np.float64]
SHARED = Path(os.environ.get("ANLAN_SHARED", Path(__file__).parents[2] / "shared"))
CHUNK = 1_000_000
orient = side.orient
_side = within._side


def peak_mb() -> int:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def best(run: Callable[[], Any], times: int) -> tuple[float, Any]:
    """Least process time of so many runs, and what the last one gave."""
    least, found = float("inf"), None
    for _ in range(times):
        begun = time.process_time()
        found = run()
        least = min(least, time.process_time() - begun)
    return least, found


def note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


# ── the work ─────────────────────────────────────────────────────────────────────────────────────


def alert_areas(draw: np.random.Generator, towns: Floats, count: int) -> list[Any]:
    """Stars around towns; sizes and vertices from small to large."""
    found = []
    for k in range(count):
        vertices = int(np.linspace(6, 1000, count)[k])
        radius = float(np.geomspace(0.2, 12.0, count)[(k * 37) % count])
        angles = np.linspace(0, 2 * np.pi, vertices, endpoint=False)
        far = radius * draw.uniform(0.6, 1.0, vertices)
        turn = np.column_stack([np.cos(angles), np.sin(angles)])
        centre = towns[k] if k else np.array([179.0, -17.0])
        holes = [centre + (0.3 * radius * turn)[::-1]] if k % 10 == 1 else []
        shape = shapely.Polygon(centre + far[:, None] * turn, holes)
        if k == 0:
            east = shapely.intersection(shape, shapely.box(-180, -90, 180, 90))
            beyond = shapely.intersection(shape, shapely.box(180, -90, 540, 90))
            west = shapely.transform(beyond, lambda xy: xy - np.array([360.0, 0.0]))
            shape = shapely.union_all([east, west])
        shape = shapely.intersection(shape, shapely.box(-180, -90, 180, 90))
        assert shape.is_valid and shape.geom_type in ("Polygon", "MultiPolygon")
        found.append(shape)
    return found


def recipients(draw: np.random.Generator, towns: Floats, areas: list[Any], count: int) -> Floats:
    """Seven of ten in towns of many sizes, the rest anywhere, some of them on the boundaries."""
    spread = draw.lognormal(-1.5, 1.0, len(towns))
    town = draw.integers(0, len(towns), count)
    points = towns[town] + draw.normal(size=(count, 2)) * spread[town][:, None]
    anywhere = draw.random(count) < 0.3
    points[anywhere] = draw.uniform([-180, -60], [180, 75], (int(anywhere.sum()), 2))
    vertices = np.concatenate([shapely.get_coordinates(area) for area in areas])
    exact = np.concatenate([vertices, (vertices[1:] + vertices[:-1]) / 2])[: count // 4]
    points[draw.choice(count, len(exact), replace=False)] = exact
    return np.clip(points, [-180, -90], [180, 90])


# ── brute force and peers ────────────────────────────────────────────────────────────────────────


@njit(nogil=True)
def _plain(x, y, edges, bounds, inside):  # type: ignore[no-untyped-def]
    """Every point against every edge, bounds first."""
    for p in range(x.size):
        px, py = x[p], y[p]
        inside[p] = False
        if px < bounds[0] or py < bounds[1] or px > bounds[2] or py > bounds[3]:
            continue
        odd, on = False, False
        for e in range(edges.shape[0]):
            side = _side(px, py, edges[e, 0], edges[e, 1], edges[e, 2], edges[e, 3])
            if side == 2:
                on = True
                break
            if side == 1:
                odd = not odd
        inside[p] = on or odd


def differences(found: Matches, area: int, inside: npt.NDArray[np.bool_]) -> int:
    """Points on which the two differ."""
    mine = np.zeros(inside.size, bool)
    mine[found[area]] = True
    return int(np.count_nonzero(mine != inside)) + (len(found[area]) - int(np.count_nonzero(mine)))


def in_bounds(points: Floats, area: Any) -> npt.NDArray[np.int64]:
    west, south, east, north = area.bounds
    x, y = points[:, 0], points[:, 1]
    near = np.flatnonzero((x >= west) & (x <= east) & (y >= south) & (y <= north))
    held: npt.NDArray[np.int64] = near[shapely.intersects_xy(area, x[near], y[near])]
    return held


def points_part(count: int, polygons: int) -> dict[str, Any]:
    draw = np.random.default_rng(4)
    towns = draw.uniform([-165, -50], [165, 65], (2000, 2))
    areas = alert_areas(draw, towns, polygons)
    points = recipients(draw, towns, areas, count)
    x, y = np.ascontiguousarray(points[:, 0]), np.ascontiguousarray(points[:, 1])
    Points(x[:1000], y[:1000]).within_each(areas)  # compiled before any time is taken
    before_mb = peak_mb()
    index_s, index = best(lambda: Points(x, y), 1)
    query_s, found = best(lambda: index.within_each(areas), 5)
    index_mb = peak_mb()
    vertices = sum(int(np.shape(edges)[0]) for edges in edges_of(areas))
    note(f"ours       index {index_s:.2f} s, {polygons} areas of {vertices:,} edges {query_s:.4f} s, ")
    note(f"           {len(found.keys):,} recipients found, peak {before_mb} -> {index_mb} MB")

    wrong = 0
    inside = np.zeros(count, bool)
    _plain(x[:10], y[:10], edges_of(areas[:1])[0], np.array(areas[0].bounds), inside[:10])
    begun = time.process_time()
    for k, area in enumerate(areas):
        _plain(x, y, edges_of([area])[0], np.array(area.bounds), inside)
        wrong += differences(found, k, inside)
    plain_s = time.process_time() - begun
    note(f"plain loop {plain_s:.2f} s, {wrong} differences")

    peers: dict[str, float] = {}
    shapely.prepare(areas)
    begun = time.process_time()
    taken = 0.0
    for k, area in enumerate(areas):
        begun = time.process_time()
        said = shapely.intersects_xy(area, x, y)
        taken += time.process_time() - begun
        wrong += differences(found, k, said)
    peers["intersects_xy prepared"] = taken
    begun = time.process_time()
    near = [in_bounds(points, area) for area in areas]
    peers["bounds, then intersects_xy prepared"] = time.process_time() - begun
    wrong += sum(not np.array_equal(np.sort(found[k]), near[k]) for k in range(polygons))
    build = query = 0.0
    keys: list[list[npt.NDArray[np.int64]]] = [[] for _ in areas]
    for begin in range(0, count, CHUNK):
        begun = time.process_time()
        tree = shapely.STRtree(shapely.points(points[begin : begin + CHUNK]))
        tree.query(shapely.Point(0, 0))  # the tree is built at the first question
        build += time.process_time() - begun
        begun = time.process_time()
        which, hit = tree.query(areas, predicate="intersects")
        query += time.process_time() - begun
        for k in range(polygons):
            keys[k].append(hit[which == k] + begin)
        del tree
    peers["STRtree.query(intersects)"] = query
    wrong += sum(
        not np.array_equal(np.sort(found[k]), np.sort(np.concatenate(keys[k]))) for k in range(polygons)
    )
    for name, seconds in peers.items():
        note(f"{name:36} {seconds:8.3f} s, {seconds / query_s:,.0f} x ours")
    note(f"STRtree built in {build:.1f} s; differences in all {wrong}")
    return {
        "recipients": count,
        "polygons": polygons,
        "edges": vertices,
        "found": len(found.keys),
        "index_s": round(index_s, 3),
        "query_s": round(query_s, 4),
        "plain_s": round(plain_s, 2),
        "peers": {name: round(seconds, 3) for name, seconds in peers.items()},
        "strtree_index_s": round(build, 2),
        "differences": wrong,
        "index_peak_mb": index_mb,
        "change": change_part(index, areas, x, y),
    }


def change_part(index: Points, areas: list[Any], x: Floats, y: Floats) -> dict[str, Any]:
    """A thousandth of the recipients move, as many leave, as many come."""
    draw = np.random.default_rng(5)
    some = max(100, x.size // 1000)
    chosen = draw.choice(x.size, 2 * some, replace=False)
    moved, left = chosen[:some], chosen[some:]
    to = draw.uniform([-180, -60], [180, 75], (2 * some, 2))
    begun = time.process_time()
    index.move(moved, *to[:some].T)
    index.remove(left)
    came = index.add(*to[some:].T)
    change_s = time.process_time() - begun
    first_s, found = best(lambda: index.within_each(areas), 1)
    again_s, found = best(lambda: index.within_each(areas), 5)
    begun = time.process_time()
    index.move(moved[:1], [0.0], [0.0])
    index.within_each(areas[:1])
    one_s = time.process_time() - begun
    index.move(moved[:1], *to[:1].T)
    keys = np.setdiff1d(np.concatenate([np.arange(x.size), came]), left)
    nx, ny = np.concatenate([x, to[some:, 0]]), np.concatenate([y, to[some:, 1]])
    nx[moved], ny[moved] = to[:some, 0], to[:some, 1]
    fresh_s, fresh = best(lambda: Points(nx[keys], ny[keys]), 1)
    expected = fresh.within_each(areas)
    wrong = sum(not np.array_equal(np.sort(found[k]), np.sort(keys[expected[k]])) for k in range(len(areas)))
    note(
        f"change     {3 * some:,} changes {change_s:.4f} s, first question {first_s:.4f} s, then "
        f"{again_s:.4f} s; one change and one area {one_s:.5f} s; anew {fresh_s:.2f} s; {wrong} areas differ"
    )
    return {
        "changes": 3 * some,
        "change_s": round(change_s, 4),
        "first_question_s": round(first_s, 4),
        "question_s": round(again_s, 4),
        "one_change_one_area_s": round(one_s, 6),
        "index_anew_s": round(fresh_s, 3),
        "areas_that_differ": wrong,
    }


# ── subscriptions ────────────────────────────────────────────────────────────────────────────────


def read_matrix() -> list[Any]:
    """The polygons of the 950 messages, as they stand in them."""
    found = []
    with zipfile.ZipFile(SHARED / "corpus/cap/alerthub-matrix/areas.zip") as held:
        for name in sorted(held.namelist()):
            for text in re.findall(r"<cap:polygon>([^<]+)<", held.read(name).decode()):
                pairs = [tuple(map(float, pair.split(","))) for pair in text.split()]
                found.append(shapely.Polygon([(lon, lat) for lat, lon in pairs]))
    return found


def read_subscriptions() -> list[Any]:
    path = SHARED / "reference/cap/alerthub_subscriptions.csv"
    with path.open(encoding="utf-8") as file:
        rows = [row["polygon_lon_lat"] for row in csv.DictReader(file) if row["polygon_lon_lat"]]
    return [shapely.Polygon([tuple(map(float, pair.split(","))) for pair in row.split()]) for row in rows]


def areas_part() -> dict[str, Any] | None:
    if not (SHARED / "corpus/cap/alerthub-matrix").is_dir():
        note(f"areas      no shared data at {SHARED}: left out")
        return None
    alerts, subscriptions = read_matrix(), read_subscriptions()
    mended = [one if one.is_valid else shapely.make_valid(one) for one in subscriptions]
    assert all(one.is_valid for one in alerts)
    flat = np.flatnonzero([one.geom_type == "Point" for one in mended])
    whole = np.flatnonzero([one.geom_type != "Point" for one in mended])

    def indexed() -> tuple[Areas, Points]:
        places = shapely.get_coordinates([mended[k] for k in flat])
        return Areas([mended[k] for k in whole]), Points(*places.T)

    def asked() -> set[tuple[int, int]]:
        by_area, by_point = areas.within_each(alerts), points.within_each(alerts)
        pairs = {(k, int(whole[key])) for k in range(len(alerts)) for key in by_area[k]}
        return pairs | {(k, int(flat[key])) for k in range(len(alerts)) for key in by_point[k]}

    index_s, (areas, points) = best(indexed, 5)
    query_s, found = best(asked, 5)
    tree = shapely.STRtree(mended)
    tree_s, _ = best(lambda: tree.query(alerts, predicate="intersects"), 5)
    shapely.prepare(alerts)
    held = np.array(mended, dtype=object)
    pair_s, each = best(lambda: [np.flatnonzero(shapely.intersects(one, held)) for one in alerts], 1)
    expected = {(k, int(key)) for k, keys in enumerate(each) for key in keys}
    note(
        f"areas      {len(alerts)} x {len(mended)} ({len(flat)} of them points): index {index_s:.4f} s, ours "
        f"{query_s:.4f} s, STRtree {tree_s:.4f} s, every pair {pair_s:.3f} s; {len(found):,} pairs, "
        f"{len(found ^ expected)} differences"
    )
    return {
        "alerts": len(alerts),
        "subscriptions": len(mended),
        "made_valid": int(sum(not one.is_valid for one in subscriptions)),
        "of_these_points": len(flat),
        "pairs": len(found),
        "index_s": round(index_s, 4),
        "query_s": round(query_s, 4),
        "strtree_s": round(tree_s, 4),
        "every_pair_s": round(pair_s, 3),
        "differences": len(found ^ expected),
    }


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return next((line.split(": ")[1] for line in lines if line.startswith("model name")), platform.machine())


def main(small: bool) -> None:
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    count, polygons = (200_000, 100) if small else (10_000_000, 100)
    points = points_part(count, polygons)
    areas = areas_part()
    agree = not points["differences"] and not points["change"]["areas_that_differ"]
    agree = agree and (areas is None or not areas["differences"])
    peers: dict[str, Any] = {name: {"query_s": seconds} for name, seconds in points["peers"].items()}
    peers["STRtree.query(intersects)"]["index_s"] = points["strtree_index_s"]
    result = {
        "name": "targeting",
        "machine": f"on one core of {processor()}, load {load:.1f} before the start",
        "work": f"{count:,} recipients x {polygons} areas of 6 to 1,000 vertices; keys of each area; "
        "950 alert areas x 2,124 subscriptions",
        "ours": {
            "index_s": points["index_s"],
            "query_s": points["query_s"],
            "change_s": points["change"]["change_s"],
            "question_after_change_s": points["change"]["first_question_s"],
            **({"subscriptions_s": areas["query_s"]} if areas else {}),
        },
        "peers": peers,
        "ratio": {name: round(seconds / points["query_s"], 1) for name, seconds in points["peers"].items()},
        "agree": bool(agree),
        "peak_mb": points["index_peak_mb"],
        "points": points,
        "areas": areas or f"no shared data at {SHARED}",
        "peak_with_peers_mb": peak_mb(),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main("--small" in sys.argv[1:])
