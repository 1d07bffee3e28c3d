"""Taking vertices off polygons so that ground is only ever added, the least first.

Rings run with the polygon on their left (outer rings anticlockwise, holes clockwise), so that two steps do
for both:

* a vertex that points inward, or lies on a straight line, is passed over: the triangle it cuts out is added;
* an edge between two vertices that point outward goes, and the edges beside it are drawn out until they meet.

Either takes one vertex away. A hole of three vertices goes as a whole. Every new vertex lies on the decimal
grid, on that corner of its cell that adds the least and cuts nothing off, by an exact predicate; a step
that would touch any other edge is not taken, so the rings stay simple and apart. Compare Visvalingam and
Whyatt (1993), "Line generalisation by repeated elimination of points", Cartogr J 30:46-51, whose order by
area this is; theirs cuts both ways.
"""

from __future__ import annotations

import heapq
import math

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from anlan.warn.ground import parts
from anlan.warn.target import cuts, side

Floats = NDArray[np.float64]


class Rings:
    """The rings of a shape whose coordinates lie on the grid of `digits` decimals, as linked vertices."""

    def __init__(self, shape: BaseGeometry, digits: int, west: float, east: float) -> None:
        """`west` and `east`: the longitudes that no vertex may pass."""
        self.digits = digits
        self.bounds = (west, -90.0, east, 90.0)
        xs: list[Floats] = []
        self.before: list[int] = []
        after: list[int] = []
        self.ring: list[int] = []
        self.size: list[int] = []
        self.start: list[int] = []  # of every ring; -1 where it has gone
        self.holes: list[list[int]] = []  # of every part, its rings, the outer first
        at = 0
        for part in parts(shape):
            turned = shapely.orient_polygons(part)
            own = []
            for ring in (turned.exterior, *turned.interiors):
                xy = shapely.get_coordinates(ring)[:-1]
                n = len(xy)
                xs.append(xy)
                after += [at + (k + 1) % n for k in range(n)]
                self.before += [at + (k - 1) % n for k in range(n)]
                self.ring += [len(self.size)] * n
                own.append(len(self.size))
                self.size.append(n)
                self.start.append(at)
                at += n
            self.holes.append(own)
        xy = np.concatenate(xs)
        self.x, self.y = np.ascontiguousarray(xy[:, 0]), np.ascontiguousarray(xy[:, 1])
        self.after = np.array(after, dtype=np.int64)
        self.alive = np.ones(at, dtype=np.bool_)
        self.outer = {own[0] for own in self.holes}
        self.version = [0] * at
        self.heap: list[tuple[float, int, int, str]] = []
        self._weigh_all()

    def points(self) -> int:
        """Coordinate pairs, closing pairs included."""
        return sum(size + 1 for size, start in zip(self.size, self.start, strict=True) if start >= 0)

    def reduce(self, budget: int) -> None:
        """Steps until no more than `budget` points are left, or none can be taken."""
        left = since = self.points()
        while left > budget:
            if not self.heap:
                if left == since:
                    return
                # a step that was not free may be by now
                since = left
                self._weigh_all()
                continue
            _, v, version, kind = heapq.heappop(self.heap)
            if not self.alive[v] or self.version[v] != version:
                continue
            taken = {"cut": self._cut, "reach": self._reach, "fill": self._fill}[kind](v)
            left -= taken

    def shape(self) -> BaseGeometry:
        """The polygons that are left."""
        found = []
        for own in self.holes:
            rings = [self._ring(r) for r in own if self.start[r] >= 0]
            found.append(Polygon(rings[0], rings[1:]))
        return found[0] if len(found) == 1 else MultiPolygon(found)

    def _ring(self, r: int) -> list[tuple[float, float]]:
        first = v = self.start[r]
        ring = []
        while True:
            ring.append((float(self.x[v]), float(self.y[v])))
            v = int(self.after[v])
            if v == first:
                return ring

    # ── what each step would add ─────────────────────────────────────────────────────────────────

    def _turn(self, a: int, b: int, c: int) -> float:
        x, y = self.x, self.y
        return float(side.orient(x[a], y[a], x[b], y[b], x[c], y[c]))

    def _weigh(self, v: int) -> None:
        """The steps at vertex v and at the edge from it, by what they add."""
        r = self.ring[v]
        hole = r not in self.outer
        a, c = self.before[v], int(self.after[v])
        if self.size[r] <= 3:
            if hole:
                self._offer(self._triangle(a, v, c), v, "fill")
            return
        if self._turn(a, v, c) <= 0:
            self._offer(self._triangle(a, v, c), v, "cut")
            return
        d = int(self.after[c])
        meeting = self._meeting(a, v, c, d)
        if meeting is not None:
            self._offer(meeting[2], v, "reach")

    def _offer(self, added: float, v: int, kind: str) -> None:
        heapq.heappush(self.heap, (added * math.cos(math.radians(self.y[v])), v, self.version[v], kind))

    def _triangle(self, a: int, b: int, c: int) -> float:
        x, y = self.x, self.y
        return float(abs((x[b] - x[a]) * (y[c] - y[a]) - (x[c] - x[a]) * (y[b] - y[a])) / 2)

    def _meeting(self, a: int, b: int, c: int, d: int) -> tuple[float, float, float] | None:
        """Where the edges before b and after c meet beyond the edge between them, on the grid, and the ground
        added; None where they do not, or off the map."""
        if d == a or self._turn(b, c, d) <= 0:
            return None
        found, qx, qy, added = cuts.meeting(self.x, self.y, a, b, c, d, 10.0**self.digits, *self.bounds)
        return (qx, qy, added) if found else None

    # ── the steps ────────────────────────────────────────────────────────────────────────────────

    def _cut(self, b: int) -> int:
        a, c = self.before[b], int(self.after[b])
        if not cuts.free_to_cut(self.x, self.y, self.after, self.alive, a, b, c):
            return 0
        self._unlink(b)
        self._again(a, c)
        return 1

    def _reach(self, b: int) -> int:
        a, c = self.before[b], int(self.after[b])
        d = int(self.after[c])
        meeting = self._meeting(a, b, c, d)
        if meeting is None:
            return 0
        qx, qy, _ = meeting
        if not cuts.free_to_reach(self.x, self.y, self.after, self.alive, a, b, c, d, qx, qy):
            return 0
        self.x[b], self.y[b] = qx, qy
        self._unlink(c)
        self._again(a, d)
        return 1

    def _fill(self, v: int) -> int:
        r = self.ring[v]
        for one in (v, self.before[v], int(self.after[v])):
            self.alive[one] = False
        self.start[r] = -1
        return 4

    def _weigh_all(self) -> None:
        for v in np.flatnonzero(self.alive).tolist():
            self.version[v] += 1
            self._weigh(v)

    def _unlink(self, v: int) -> None:
        a, c = self.before[v], int(self.after[v])
        self.after[a] = c
        self.before[c] = a
        self.alive[v] = False
        r = self.ring[v]
        self.size[r] -= 1
        if self.start[r] == v:
            self.start[r] = c

    def _again(self, a: int, c: int) -> None:
        """The steps around a change, weighed anew."""
        for v in dict.fromkeys(
            (self.before[self.before[a]], self.before[a], a, int(self.after[a]), c, int(self.after[c]))
        ):
            self.version[v] += 1
            self._weigh(v)
