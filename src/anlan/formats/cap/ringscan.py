"""Polygons looked at in bulk by compiled code: which of them are certainly without fault.

The verdict is a screen: it says that a ring is sound only where no side comes near another, and leaves
everything else to `anlan.formats.cap.geometry`, whose words decide.
"""

# the arguments of compiled functions are Numba's, whose types mypy cannot see
# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

#: more points than that are left to the geometry library, whose time does not grow with their square
MOST = 1024
UNDECIDED, SOUND, OUTSIDE = 0, 1, 2

_COMMA, _PLUS, _MINUS, _POINT, _ZERO, _NINE = 44, 43, 45, 46, 48, 57
_POWERS = 10.0 ** np.arange(18)
#: sides that are passed over together where all of them lie aside
_RUN = 8
#: of the products in a cross product: rounding stays far below
_NEAR = 1e-12


@njit(cache=True, nogil=True, inline="always")
def _blank(byte: int) -> bool:
    return byte == 32 or byte == 10 or byte == 9 or byte == 13  # noqa: PLR1714


@njit(cache=True, nogil=True)
def _number(data: npt.NDArray[np.uint8], at: int, end: int) -> tuple[float, int]:
    """The decimal number that begins at `at`, to within a rounding, and where it ends; -1 where there is
    none, or one of more digits than it can have."""
    negative = False
    if at < end and (data[at] == _PLUS or data[at] == _MINUS):
        negative = data[at] == _MINUS
        at += 1
    whole, digits, places, point = 0, 0, 0, False
    while at < end:
        byte = data[at]
        if _ZERO <= byte <= _NINE:
            digits += 1
            # digits past the seventeenth are below what a double tells apart
            if digits <= 17:
                whole = whole * 10 + (byte - _ZERO)
                if point:
                    places += 1
            elif not point:
                return 0.0, -1
        elif byte == _POINT and not point:
            point = True
        else:
            break
        at += 1
    if digits == 0:
        return 0.0, -1
    value = whole / _POWERS[places]
    return (-value if negative else value), at


@njit(cache=True, nogil=True)
def _apart(
    xs: npt.NDArray[np.float64], ys: npt.NDArray[np.float64], count: int, boxes: npt.NDArray[np.float64]
) -> bool:
    """True where no side of a closed ring of `count` points touches one that is not its neighbour, and
    neighbours do not fold onto each other. `boxes` is room for the bounds of every run of sides."""
    sides = count - 1
    for run in range((sides + _RUN - 1) // _RUN):
        start = run * _RUN
        left, right, low, high = xs[start], xs[start], ys[start], ys[start]
        for at in range(start + 1, min(start + _RUN, sides) + 1):
            left, right = min(left, xs[at]), max(right, xs[at])
            low, high = min(low, ys[at]), max(high, ys[at])
        boxes[run, 0], boxes[run, 1], boxes[run, 2], boxes[run, 3] = left, right, low, high
    for i in range(sides):
        ax, ay, bx, by = xs[i], ys[i], xs[i + 1], ys[i + 1]
        ux, uy = bx - ax, by - ay
        if ux == 0 and uy == 0:
            return False
        low_x, high_x = min(ax, bx), max(ax, bx)
        low_y, high_y = min(ay, by), max(ay, by)
        # the neighbour behind; the last side's is the first
        k = i + 1 if i + 1 < sides else 0
        vx, vy = xs[k + 1] - xs[k], ys[k + 1] - ys[k]
        cross = ux * vy - uy * vx
        if abs(cross) <= _NEAR * (abs(ux * vy) + abs(uy * vx)) and ux * vx + uy * vy <= 0:
            return False
        j = i + 1
        # the first and the last side are neighbours
        end = sides - 1 if i == 0 else sides
        while j + 1 < end:
            j += 1
            if j % _RUN == 0 or j == i + 2:
                run = j // _RUN
                if (
                    boxes[run, 1] < low_x
                    or boxes[run, 0] > high_x
                    or boxes[run, 3] < low_y
                    or boxes[run, 2] > high_y
                ):
                    j = run * _RUN + _RUN - 1
                    continue
            cx, cy, dx, dy = xs[j], ys[j], xs[j + 1], ys[j + 1]
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


@njit(cache=True, nogil=True)
def _verdict(
    data: npt.NDArray[np.uint8],
    start: int,
    end: int,
    lats: npt.NDArray[np.float64],
    lons: npt.NDArray[np.float64],
    boxes: npt.NDArray[np.float64],
) -> int:
    at, count = start, 0
    first_from, first_to, last_from, last_to = 0, 0, 0, 0
    while True:
        while at < end and _blank(data[at]):
            at += 1
        if at == end:
            break
        if count == MOST:
            return UNDECIDED
        last_from = at
        lat, at = _number(data, at, end)
        if at < 0 or at == end or data[at] != _COMMA:
            return UNDECIDED
        lon, at = _number(data, at + 1, end)
        if at < 0 or (at < end and not _blank(data[at])):
            return UNDECIDED
        last_to = at
        if count == 0:
            first_from, first_to = last_from, last_to
        # the same point twice in a row is no side
        if count == 0 or lats[count - 1] != lat or lons[count - 1] != lon:
            lats[count], lons[count] = lat, lon
            count += 1
    # the first and the last pair as text: 21.28 and 21.280 are told, and that is not done here
    if count < 4 or first_to - first_from != last_to - last_from:
        return UNDECIDED
    for place in range(first_to - first_from):
        if data[first_from + place] != data[last_from + place]:
            return UNDECIDED
    south, north = lats[:count].min(), lats[:count].max()
    west, east = lons[:count].min(), lons[:count].max()
    if east - west > 180 or not _apart(lats, lons, count, boxes):
        return UNDECIDED
    return SOUND if south >= -90 and north <= 90 and west >= -180 and east <= 180 else OUTSIDE


@njit(cache=True, nogil=True)
def _scan(data: npt.NDArray[np.uint8], found: npt.NDArray[np.int64]) -> None:
    lats, lons, boxes = np.empty(MOST), np.empty(MOST), np.empty((MOST // _RUN, 4))
    start = 0
    for place in range(found.size):
        end = start
        while end < data.size and data[end] != 0:
            end += 1
        found[place] = _verdict(data, start, end, lats, lons, boxes)
        start = end + 1


@njit(cache=True, nogil=True)
def _scan_one(data: npt.NDArray[np.uint8]) -> int:
    return _verdict(data, 0, data.size, np.empty(MOST), np.empty(MOST), np.empty((MOST // _RUN, 4)))


def scan(texts: list[str]) -> list[int]:
    """UNDECIDED, SOUND or OUTSIDE (sound but for places that are not on the earth) for each polygon."""
    # no text of XML has the character that stands between them
    joined = "\0".join(texts)
    if not joined.isascii() or joined.count("\0") != len(texts) - 1:
        return [UNDECIDED] * len(texts)
    data = np.frombuffer(joined.encode("ascii"), np.uint8)
    if len(texts) == 1:
        return [_scan_one(data)]
    found = np.zeros(len(texts), np.int64)
    _scan(data, found)
    verdicts: list[int] = found.tolist()
    return verdicts
