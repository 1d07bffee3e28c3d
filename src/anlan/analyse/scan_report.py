"""The report of a scan as one HTML file that needs nothing else: the clusters on a plain map, and a table."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np

from anlan import __version__
from anlan.analyse.report import environment
from anlan.analyse.scanned import Scanned, circle
from anlan.analyse.words import shown
from anlan.assess.scan import Cluster, Points, ScanParams

WIDTH = 1000.0  # of the map, in its own units
#: at this p-value and below a cluster is drawn in full
SIGNIFICANT = 0.05


@dataclass(frozen=True, slots=True)
class Dot:
    x: float
    y: float
    place: str
    rank: int | None
    weak: bool


@dataclass(frozen=True, slots=True)
class Outline:
    path: str
    x: float
    y: float
    rank: int
    weak: bool


@dataclass(frozen=True, slots=True)
class Map:
    """Places and clusters in a frame `width` by `height`."""

    width: float
    height: float
    dots: tuple[Dot, ...]
    outlines: tuple[Outline, ...]


def report(found: Scanned, source: str) -> str:
    """The whole file as text."""
    defaults = ScanParams()
    return (
        environment()
        .get_template("scan.html")
        .render(
            source=source,
            title="scan",
            version=__version__,
            found=found,
            result=found.result,
            map=_map(found),
            params=[
                (field.name, getattr(found.result.params, field.name))
                for field in fields(ScanParams)
                if getattr(found.result.params, field.name) != getattr(defaults, field.name)
            ],
            shown=lambda value: "–" if value is None else shown(float(value)),
        )
    )


def _map(found: Scanned) -> Map | None:
    points = found.data.geography
    if not isinstance(points, Points):
        return None
    rows = np.flatnonzero(np.isfinite(points.coordinates).all(axis=1))
    if not len(rows):
        return None
    latlon = points.kind == "latlon"
    xy = points.coordinates[rows][:, ::-1] if latlon else points.coordinates[rows]
    stretch = math.cos(math.radians(float(xy[:, 1].mean()))) if latlon else 1.0
    low, high = xy.min(axis=0), xy.max(axis=0)
    margin = 0.06 * max((high - low).max(), 1e-9)
    low, high = low - margin, high + margin
    scale = WIDTH / max((high[0] - low[0]) * stretch, 1e-9)

    def place(x: float, y: float) -> tuple[float, float]:
        return round((x - low[0]) * stretch * scale, 1), round((high[1] - y) * scale, 1)

    weak = {c.rank for c in found.clusters if _weak(c)}
    of: dict[str, int] = {}
    for c in reversed(found.clusters):
        of.update(dict.fromkeys(c.members, c.rank))
    names = [found.data.places[row] for row in rows]
    dots = tuple(
        Dot(*place(x, y), n, of.get(n), of.get(n) in weak)
        for n, (x, y) in zip(names, xy.tolist(), strict=True)
    )
    at = dict(zip(names, xy.tolist(), strict=True))
    outlines = []
    for c in found.clusters:
        if c.centre not in at or c.radius is None or c.ratio not in (None, 1.0):
            continue
        x, y = at[c.centre]
        if latlon:
            ring = circle(y, x, c.radius)
        else:
            turn = 2 * np.pi * np.arange(65) / 64
            ring = np.column_stack([x + c.radius * np.cos(turn), y + c.radius * np.sin(turn)]).tolist()
        path = "M" + "L".join(f"{px},{py}" for px, py in (place(*corner) for corner in ring)) + "Z"
        outlines.append(Outline(path, *place(x, y), c.rank, _weak(c)))
    return Map(WIDTH, round((high[1] - low[1]) * scale, 1), dots, tuple(outlines))


def _weak(cluster: Cluster) -> bool:
    return cluster.p_value is not None and cluster.p_value > SIGNIFICANT
