"""Compiled code: which polygons are certainly without fault.

The verdict is a screen: it says that a ring is sound only where no side comes near another, and leaves
everything else to `anlan.formats.cap.geometry`, whose words decide. Compiled as part of
`anlan.formats.cap.kernels`.
"""

# the arguments of compiled functions are Numba's, whose types mypy cannot see
# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"
# what reads shorter takes longer to compile

from __future__ import annotations

import numpy as np

from anlan.formats.cap.columns import MOST, OUTSIDE, SOUND, SWAPPED, TURNED, UNDECIDED
from anlan.formats.cap.inner import inner
from anlan.formats.cap.limits import MAX_POINTS
from anlan.formats.cap.literals import EXACT, is_blank, number

_COMMA = 44
#: sides that are passed over together where all of them lie aside
RUN = 8
#: of the products in a cross product: rounding stays far below
_NEAR = 1e-12
#: degrees: nearer to a bound than that, only exact numbers decide
_CLOSE = 1e-6


@inner
def _apart(room, count):
    """True where no side of a closed ring of `count` points touches one that is not its neighbour, and
    neighbours do not fold onto each other."""
    sides = count - 1
    for run in range((sides + RUN - 1) // RUN):
        start = run * RUN
        left, right, low, high = room[0, start], room[0, start], room[1, start], room[1, start]
        for at in range(start + 1, min(start + RUN, sides) + 1):
            left, right = min(left, room[0, at]), max(right, room[0, at])
            low, high = min(low, room[1, at]), max(high, room[1, at])
        room[2, run], room[3, run], room[4, run], room[5, run] = left, right, low, high
    for i in range(sides):
        ax, ay, bx, by = room[0, i], room[1, i], room[0, i + 1], room[1, i + 1]
        ux, uy = bx - ax, by - ay
        if ux == 0 and uy == 0:
            return False
        low_x, high_x = min(ax, bx), max(ax, bx)
        low_y, high_y = min(ay, by), max(ay, by)
        # the neighbour behind; the last side's is the first
        k = i + 1 if i + 1 < sides else 0
        vx, vy = room[0, k + 1] - room[0, k], room[1, k + 1] - room[1, k]
        cross = ux * vy - uy * vx
        if abs(cross) <= _NEAR * (abs(ux * vy) + abs(uy * vx)) and ux * vx + uy * vy <= 0:
            return False
        j = i + 1
        # the first and the last side are neighbours
        end = sides - 1 if i == 0 else sides
        while j + 1 < end:
            j += 1
            if j % RUN == 0 or j == i + 2:
                run = j // RUN
                if (
                    room[3, run] < low_x
                    or room[2, run] > high_x
                    or room[5, run] < low_y
                    or room[4, run] > high_y
                ):
                    j = run * RUN + RUN - 1
                    continue
            cx, cy, dx, dy = room[0, j], room[1, j], room[0, j + 1], room[1, j + 1]
            if max(cx, dx) < low_x or min(cx, dx) > high_x or max(cy, dy) < low_y or min(cy, dy) > high_y:
                continue
            p, q = ux * (cy - ay), uy * (cx - ax)
            r, s = ux * (dy - ay), uy * (dx - ax)
            first, second = p - q, r - s
            if (first > _NEAR * (abs(p) + abs(q)) and second > _NEAR * (abs(r) + abs(s))) or (
                first < -_NEAR * (abs(p) + abs(q)) and second < -_NEAR * (abs(r) + abs(s))
            ):
                continue
            wx, wy = dx - cx, dy - cy
            p, q = wx * (ay - cy), wy * (ax - cx)
            r, s = wx * (by - cy), wy * (bx - cx)
            first, second = p - q, r - s
            if (first > _NEAR * (abs(p) + abs(q)) and second > _NEAR * (abs(r) + abs(s))) or (
                first < -_NEAR * (abs(p) + abs(q)) and second < -_NEAR * (abs(r) + abs(s))
            ):
                continue
            return False
    return True


@inner
def _close(value, bound):
    return abs(abs(value) - bound) < _CLOSE


@inner
def verdict_on(data, start, end, room, outside, column):
    """The verdict on the polygon written there. `room` has ROWS rows of MOST. What is OUTSIDE is told in
    `outside` from `column` on: the offset of the first pair that is no place on the earth, how many there
    are, and TURNED where longitudes alone are past their bounds, and by less than a turn, SWAPPED where all
    would be places on the earth the other way round, within half of it, else 0."""
    at, count, pairs, past = max(start, 0), np.int64(0), 0, 0
    first_from, first_to, last_from, last_to = 0, 0, 0, 0
    rounded = False
    before_lat, before_lon = 0.0, 0.0
    south, north, west, east = 1e300, -1e300, 1e300, -1e300
    while True:
        while at < end and is_blank(data[at]):
            at += 1
        if at == end:
            break
        pairs += 1
        if count == MOST or pairs > MAX_POINTS:
            return UNDECIDED
        last_from = at
        lat, at, digits = number(data, at, end)
        if at < 0 or at == end or data[at] != _COMMA:
            return UNDECIDED
        if digits > EXACT:
            rounded = True
            if _close(lat, 90.0):
                return UNDECIDED
        lon, at, digits = number(data, at + 1, end)
        if at < 0 or (at < end and not is_blank(data[at])):
            return UNDECIDED
        if digits > EXACT:
            rounded = True
            if _close(lon, 180.0) or _close(lon, 360.0):
                return UNDECIDED
        last_to = at
        if count == 0:
            first_from, first_to = last_from, last_to
        if not (-90 <= lat <= 90 and -180 <= lon <= 180):
            if past == 0:
                outside[column] = last_from
            past += 1
        south, north, west, east = min(south, lat), max(north, lat), min(west, lon), max(east, lon)
        # the same point twice in a row is no side
        if count == 0 or lat != before_lat or lon != before_lon:
            room[0, count], room[1, count] = lat, lon
            before_lat, before_lon = lat, lon
            count += 1
    # the first and the last pair as text: 21.28 and 21.280 are told, and that is not done here
    if count < 4 or first_to - first_from != last_to - last_from:
        return UNDECIDED
    for place in range(first_to - first_from):
        if data[first_from + place] != data[last_from + place]:
            return UNDECIDED
    if east - west > 180 or (rounded and _close(east - west, 180.0)) or not _apart(room, count):
        return UNDECIDED
    outside[column + 1], outside[column + 2] = past, 0
    if south >= -90 and north <= 90 and west >= -360 and east <= 360:
        outside[column + 2] = TURNED
    elif west >= -90 and east <= 90 and south >= -180 and north <= 180 and north - south <= 180:
        outside[column + 2] = 0 if rounded else SWAPPED
    return OUTSIDE if past else SOUND
