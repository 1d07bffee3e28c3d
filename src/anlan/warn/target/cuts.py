"""Compiled code: whether a vertex of a polygon can be cut off, and where two edges drawn out meet.

The steps that ask are those of `anlan.warn.outward`.
"""

# the arguments of compiled functions are Numba's, whose types mypy cannot see
# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"

from __future__ import annotations

import numpy as np
from numba import njit

from anlan.warn.target.side import orient


@njit(cache=True, nogil=True)
def _in_triangle(px, py, ax, ay, bx, by, cx, cy):
    """In a closed triangle, whichever way round it is given, a flat one included."""
    if px < min(ax, bx, cx) or px > max(ax, bx, cx) or py < min(ay, by, cy) or py > max(ay, by, cy):
        return False
    u = orient(ax, ay, bx, by, px, py)
    v = orient(bx, by, cx, cy, px, py)
    w = orient(cx, cy, ax, ay, px, py)
    return (u >= 0.0 and v >= 0.0 and w >= 0.0) or (u <= 0.0 and v <= 0.0 and w <= 0.0)


@njit(cache=True, nogil=True)
def _meet(ax, ay, bx, by, cx, cy, dx, dy):
    """Two closed segments have a point in common."""
    if max(ax, bx) < min(cx, dx) or max(cx, dx) < min(ax, bx):
        return False
    if max(ay, by) < min(cy, dy) or max(cy, dy) < min(ay, by):
        return False
    u, v = orient(ax, ay, bx, by, cx, cy), orient(ax, ay, bx, by, dx, dy)
    if (u > 0.0 and v > 0.0) or (u < 0.0 and v < 0.0):
        return False
    u, v = orient(cx, cy, dx, dy, ax, ay), orient(cx, cy, dx, dy, bx, by)
    return not ((u > 0.0 and v > 0.0) or (u < 0.0 and v < 0.0))


@njit(cache=True, nogil=True)
def free_to_cut(x, y, after, alive, a, b, c):
    """Whether the triangle between vertex b and the straight line from a to c holds nothing else: no other
    vertex, and no edge across the line. Vertices are linked by `after`."""
    for v in range(x.size):
        if not alive[v] or v in (a, b):
            continue
        if v != c and _in_triangle(x[v], y[v], x[a], y[a], x[b], y[b], x[c], y[c]):
            return False
        w = after[v]
        if v != c and w != a and _meet(x[a], y[a], x[c], y[c], x[v], y[v], x[w], y[w]):
            return False
    return True


@njit(cache=True, nogil=True)
def free_to_reach(x, y, after, alive, a, b, c, d, qx, qy):
    """Whether the ground between the edges a b c d and the two from a over (qx, qy) to d holds nothing
    else."""
    for v in range(x.size):
        if not alive[v] or v in (b, c):
            continue
        px, py = x[v], y[v]
        if v not in (a, d) and (
            _in_triangle(px, py, x[a], y[a], qx, qy, x[b], y[b])
            or _in_triangle(px, py, x[b], y[b], qx, qy, x[c], y[c])
            or _in_triangle(px, py, x[c], y[c], qx, qy, x[d], y[d])
        ):
            return False
        if v == a:
            continue
        w = after[v]
        if w != a and _meet(x[a], y[a], qx, qy, px, py, x[w], y[w]):
            return False
        if v != d and _meet(qx, qy, x[d], y[d], px, py, x[w], y[w]):
            return False
    return True


@njit(cache=True, nogil=True)
def _loop_area(ax, ay, bx, by, cx, cy, dx, dy, ex, ey):
    """Signed area of five corners, from the first one, so that little is rounded away."""
    area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
    area += (cx - ax) * (dy - ay) - (dx - ax) * (cy - ay)
    area += (dx - ax) * (ey - ay) - (ex - ax) * (dy - ay)
    return area / 2.0


@njit(cache=True, nogil=True)
def meeting(x, y, a, b, c, d, scale, west, south, east, north):
    """Where the edges before b and after c, drawn out, meet beyond the edge between them, on the grid of
    `scale` steps to a degree: (found, x, y, ground added). Of the grid's corners around the meeting point
    the one that adds the least, from which b and c still lie inside."""
    ux, uy = x[b] - x[a], y[b] - y[a]
    wx, wy = x[d] - x[c], y[d] - y[c]
    across = ux * wy - uy * wx
    if across <= 0.0:
        return False, 0.0, 0.0, 0.0
    t = ((x[c] - x[b]) * wy - (y[c] - y[b]) * wx) / across
    if not 0.0 <= t < 1e6:
        return False, 0.0, 0.0, 0.0
    i, j = np.rint((x[b] + t * ux) * scale), np.rint((y[b] + t * uy) * scale)
    found, bx, by, least = False, 0.0, 0.0, 0.0
    for di in range(-1, 2):
        for dj in range(-1, 2):
            qx, qy = (i + di) / scale, (j + dj) / scale
            if qx < west or qx > east or qy < south or qy > north:
                continue
            if orient(x[a], y[a], qx, qy, x[b], y[b]) < 0.0:
                continue
            if orient(qx, qy, x[d], y[d], x[c], y[c]) < 0.0:
                continue
            added = _loop_area(x[a], y[a], qx, qy, x[d], y[d], x[c], y[c], x[b], y[b])
            if added >= 0.0 and (not found or added < least):
                found, bx, by, least = True, qx, qy, added
    return found, bx, by, least
