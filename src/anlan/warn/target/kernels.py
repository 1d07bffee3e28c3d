"""Compiled code: which of many sorted points lie in a polygon or in a circle.

All of it stands in one file, because Numba keeps machine code by the file it comes from.

The sign of an area decides on which side of an edge a point lies. Where rounding could turn it, it is
computed exactly with the expansions of Shewchuk (1997), "Adaptive precision floating-point arithmetic and
fast robust geometric predicates", Discrete Comput Geom 18:305-363, sections 2 and 4.2: exact unless
products of coordinates underflow, which differences of degrees above 1e-150 do not.
"""

# the arguments of compiled functions are Numba's, whose types mypy cannot see
# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"

from __future__ import annotations

import math

import numpy as np
from numba import njit

#: (3 + 16 eps) eps with eps = 2^-53: above it the rounded sign is the right one
_BOUND = 3.3306690738754716e-16
_SPLITTER = 134217729.0  # 2^27 + 1


@njit(cache=True, nogil=True, inline="always")
def _two_sum(a, b):
    s = a + b
    v = s - a
    return s, (a - (s - v)) + (b - v)


@njit(cache=True, nogil=True, inline="always")
def _two_product(a, b):
    p = a * b
    c = _SPLITTER * a
    ah = c - (c - a)
    al = a - ah
    c = _SPLITTER * b
    bh = c - (c - b)
    bl = b - bh
    return p, al * bl - (((p - ah * bh) - al * bh) - ah * bl)


@njit(cache=True, nogil=True)
def _orient_exactly(ax, ay, bx, by, cx, cy):
    """The sign of the twelve parts of ax by - ax cy - cx by - ay bx + ay cx + cy bx, summed exactly."""
    parts = np.zeros(12)
    size = 0
    for k in range(6):
        if k == 0:
            p, e = _two_product(ax, by)
        elif k == 1:
            p, e = _two_product(-ax, cy)
        elif k == 2:
            p, e = _two_product(-cx, by)
        elif k == 3:
            p, e = _two_product(-ay, bx)
        elif k == 4:
            p, e = _two_product(ay, cx)
        else:
            p, e = _two_product(cy, bx)
        for part in (e, p):
            rest = part
            for i in range(size):
                rest, parts[i] = _two_sum(rest, parts[i])
            parts[size] = rest
            size += 1
    for i in range(size - 1, -1, -1):
        if parts[i] != 0.0:
            return parts[i]
    return 0.0


@njit(cache=True, nogil=True)
def orient(ax, ay, bx, by, cx, cy):
    """Above 0 where a, b, c turn left, below 0 where they turn right, 0 where they lie on one line: the
    sign is exact."""
    left = (ax - cx) * (by - cy)
    right = (ay - cy) * (bx - cx)
    area = left - right
    if left > 0.0:
        if right <= 0.0:
            return area
        total = left + right
    elif left < 0.0:
        if right >= 0.0:
            return area
        total = -left - right
    else:
        return area
    if abs(area) >= _BOUND * total:
        return area
    return _orient_exactly(ax, ay, bx, by, cx, cy)


@njit(cache=True, nogil=True)
def _first_from(values, begin, end, bound):
    """The first place from `begin` whose value is `bound` or more."""
    while begin < end:
        middle = (begin + end) >> 1
        if values[middle] < bound:
            begin = middle + 1
        else:
            end = middle
    return begin


@njit(cache=True, nogil=True)
def _first_beyond(values, begin, end, bound):
    """The first place from `begin` whose value is more than `bound`."""
    while begin < end:
        middle = (begin + end) >> 1
        if values[middle] <= bound:
            begin = middle + 1
        else:
            end = middle
    return begin


@njit(cache=True, nogil=True)
def _side(px, py, x1, y1, x2, y2):
    """Of an edge and the ray from a point to the west: 2 where the point lies on the edge, 1 where the ray
    crosses it, 0 where not."""
    if (y1 > py) != (y2 > py):
        if px > x1 and px > x2:
            return 1
        if px < x1 and px < x2:
            return 0
        turn = orient(x1, y1, x2, y2, px, py)
        if turn == 0.0:
            return 2
        return 1 if (turn < 0.0) == (y2 > y1) else 0
    if (px == x1 and py == y1) or (px == x2 and py == y2):
        return 2
    if y1 == py and y2 == py and min(x1, x2) <= px <= max(x1, x2):
        return 2
    return 0


@njit(cache=True, nogil=True)
def _grown(held, size):
    more = np.empty(2 * size + 64, np.int64)
    more[:size] = held[:size]
    return more


@njit(cache=True, nogil=True)
def in_polygon(x, y, starts, low, high, edges):
    """Points in a polygon, its boundary included.

    `x`, `y`: points in strips, strip s from `starts[s]` to `starts[s + 1]` with latitudes from `low[s]` to
    `high[s]`, sorted by x within it. `edges`: rows of x1, y1, x2, y2, all rings. The answer is (runs, count,
    hits, count): rows of begin and end of runs of points inside, and places of single points.

    In a strip every edge takes up a stretch of x. Between two stretches all points lie on the same side, so
    that they are one run; the points of a stretch (stretches that overlap count as one) are asked one by
    one, of its own edges only, from what holds to the west of it."""
    strips = low.size
    count = edges.shape[0]
    first = np.empty(count, np.int64)
    last = np.empty(count, np.int64)
    most = 0
    s0, s1 = strips, -1
    for e in range(count):
        y1, y2 = edges[e, 1], edges[e, 3]
        a = _first_from(high, 0, strips, min(y1, y2))
        b = _first_beyond(low, 0, strips, max(y1, y2)) - 1
        first[e], last[e] = a, b
        if a <= b:
            s0, s1 = min(s0, a), max(s1, b)
            most += b - a + 1
    runs = np.empty((most + 1, 2), np.int64)
    hits = np.empty(256, np.int64)
    n_runs, n_hits = 0, 0
    if s1 < s0:
        return runs, n_runs, hits, n_hits
    # the edges of every strip, one strip after the other
    places = np.zeros(s1 - s0 + 2, np.int64)
    for e in range(count):
        for s in range(first[e], last[e] + 1):
            places[s - s0 + 1] += 1
    widest = 0
    for s in range(s1 - s0 + 1):
        widest = max(widest, places[s + 1])
        places[s + 1] += places[s]
    filled = places[:-1].copy()
    listed = np.empty(most, np.int64)
    for e in range(count):
        for s in range(first[e], last[e] + 1):
            listed[filled[s - s0]] = e
            filled[s - s0] += 1
    west = np.empty(widest)
    east = np.empty(widest)
    own = np.empty(widest, np.int64)
    for s in range(s0, s1 + 1):
        size = places[s - s0 + 1] - places[s - s0]
        if size == 0:
            continue
        bottom, top = low[s], high[s]
        for k in range(size):
            e = listed[places[s - s0] + k]
            a, b = _stretch(edges[e, 0], edges[e, 1], edges[e, 2], edges[e, 3], bottom, top)
            own[k], west[k], east[k] = e, a, b
        if size <= 40:
            for k in range(1, size):
                a, b, e = west[k], east[k], own[k]
                j = k - 1
                while j >= 0 and west[j] > a:
                    west[j + 1], east[j + 1], own[j + 1] = west[j], east[j], own[j]
                    j -= 1
                west[j + 1], east[j + 1], own[j + 1] = a, b, e
        else:
            order = np.argsort(west[:size])
            west[:size] = west[:size][order]
            east[:size] = east[:size][order]
            own[:size] = own[:size][order]
        inside = False
        at, end = starts[s], starts[s + 1]
        k = 0
        while k < size and at < end:
            far = east[k]
            m = k + 1
            while m < size and west[m] <= far:
                far = max(far, east[m])
                m += 1
            a = _first_from(x, at, end, west[k])
            if inside and a > at:
                runs[n_runs, 0], runs[n_runs, 1] = at, a
                n_runs += 1
            b = _first_beyond(x, a, end, far)
            for p in range(a, b):
                px, py = x[p], y[p]
                within = inside
                for j in range(k, m):
                    e = own[j]
                    side = _side(px, py, edges[e, 0], edges[e, 1], edges[e, 2], edges[e, 3])
                    if side == 2:
                        within = True
                        break
                    if side == 1:
                        within = not within
                if within:
                    if n_hits == hits.size:
                        hits = _grown(hits, n_hits)
                    hits[n_hits] = p
                    n_hits += 1
            for j in range(k, m):
                e = own[j]
                if (edges[e, 1] > bottom) != (edges[e, 3] > bottom):
                    inside = not inside
            at = b
            k = m
    return runs, n_runs, hits, n_hits


@njit(cache=True, nogil=True)
def _stretch(x1, y1, x2, y2, bottom, top):
    """West and east end of what an edge takes up between two latitudes, rounded outward."""
    west, east = min(x1, x2), max(x1, x2)
    if y1 > y2:
        x1, y1, x2, y2 = x2, y2, x1, y1
    if y1 >= bottom and y2 <= top:
        return west, east
    # y2 > y1 here: a level edge that meets the strip lies within it
    a, b = x1, x2
    if y1 < bottom:
        a = x1 + min(1.0, (bottom - y1) / (y2 - y1)) * (x2 - x1)
    if y2 > top:
        b = x1 + min(1.0, (top - y1) / (y2 - y1)) * (x2 - x1)
    # each of the five roundings is 2^-53 of numbers no greater than these
    slack = 2e-15 * (abs(x1) + abs(x2)) + 1e-300
    return max(west, min(a, b) - slack), min(east, max(a, b) + slack)


@njit(cache=True, nogil=True)
def chord(lon, lat, lon0, lat0):
    """sin² of half the angle between two places in degrees (haversine)."""
    a, b = math.radians(lat), math.radians(lat0)
    u = math.sin((a - b) / 2.0)
    v = math.sin(math.radians(lon - lon0) / 2.0)
    return u * u + math.cos(a) * math.cos(b) * (v * v)


@njit(cache=True, nogil=True)
def in_circle(x, y, starts, low, high, lon0, lat0, angle):
    """Points within `angle` radians of a place, in the form of `in_polygon`: those whose `chord` is at most
    sin²(angle / 2). In a strip the circle is narrowest at one of its two latitudes (or outside it), so what
    is narrower than that needs no test."""
    bound = math.sin(angle / 2.0) ** 2
    reach = math.degrees(angle) + 1e-9
    polar = abs(lat0) + reach >= 90.0
    wide = 180.0
    if not polar:
        wide = math.degrees(math.asin(min(1.0, math.sin(angle) / math.cos(math.radians(lat0))))) + 1e-9
    strips = low.size
    s0 = _first_from(high, 0, strips, lat0 - reach)
    s1 = _first_beyond(low, 0, strips, lat0 + reach)
    runs = np.empty((3 * max(0, s1 - s0) + 1, 2), np.int64)
    hits = np.empty(256, np.int64)
    n_runs, n_hits = 0, 0
    for s in range(s0, s1):
        sure = 0.0
        if not polar and abs(low[s] - lat0) < reach and abs(high[s] - lat0) < reach:
            sure = min(_half(low[s], lat0, bound), _half(high[s], lat0, bound)) - 1e-9
        for turn in range(-1, 2):
            centre = lon0 + 360.0 * turn
            if polar:
                if turn != 0:
                    continue
                begin, end = starts[s], starts[s + 1]
            else:
                begin = _first_from(x, starts[s], starts[s + 1], centre - wide)
                end = _first_beyond(x, begin, starts[s + 1], centre + wide)
            a, b = end, end
            if sure > 0.0:
                a = _first_from(x, begin, end, centre - sure)
                b = _first_beyond(x, a, end, centre + sure)
                if b > a:
                    runs[n_runs, 0], runs[n_runs, 1] = a, b
                    n_runs += 1
            for p in range(begin, end):
                if a <= p < b:
                    continue
                if chord(x[p], y[p], lon0, lat0) <= bound:
                    if n_hits == hits.size:
                        hits = _grown(hits, n_hits)
                    hits[n_hits] = p
                    n_hits += 1
    return runs, n_runs, hits, n_hits


@njit(cache=True, nogil=True)
def _half(lat, lat0, bound):
    """Half the width in degrees of a circle at a latitude, 0 outside it."""
    a, b = math.radians(lat), math.radians(lat0)
    rest = bound - math.sin((a - b) / 2.0) ** 2
    if rest <= 0.0:
        return 0.0
    return math.degrees(2.0 * math.asin(math.sqrt(min(1.0, rest / (math.cos(a) * math.cos(b))))))


@njit(cache=True, nogil=True)
def spread(numbers, runs, n_runs, hits, n_hits, out, at):
    """Writes the numbers of all points of an answer to `out` from `at` on; where it ends."""
    for k in range(n_runs):
        a, b = runs[k, 0], runs[k, 1]
        for p in range(a, b):
            out[at + p - a] = numbers[p]
        at += b - a
    for k in range(n_hits):
        out[at] = numbers[hits[k]]
        at += 1
    return at


@njit(cache=True, nogil=True)
def spread_alive(numbers, alive, runs, n_runs, hits, n_hits, out, at):
    """The same, without those that are gone."""
    for k in range(n_runs):
        for p in range(runs[k, 0], runs[k, 1]):
            number = numbers[p]
            out[at] = number
            at += alive[number]
    for k in range(n_hits):
        number = numbers[hits[k]]
        out[at] = number
        at += alive[number]
    return at


@njit(cache=True, nogil=True)
def run_length(runs, n_runs):
    """Points in all runs."""
    total = 0
    for k in range(n_runs):
        total += runs[k, 1] - runs[k, 0]
    return total


@njit(cache=True, nogil=True)
def sort_strips(x, order, starts):
    """Sorts the numbers of each strip by x, in place; those of equal x stay as they are, so that an index
    does not depend on the machine."""
    for s in range(starts.size - 1):
        a, b = starts[s], starts[s + 1]
        part = order[a:b].copy()
        order[a:b] = part[np.argsort(x[part], kind="mergesort")]


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
