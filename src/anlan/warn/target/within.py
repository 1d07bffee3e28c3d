"""Compiled code: which of many sorted points lie in a polygon or in a circle."""

# the arguments of compiled functions are Numba's, whose types mypy cannot see
# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"

from __future__ import annotations

import math

import numpy as np
from numba import njit

from anlan.warn.target.side import orient


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
