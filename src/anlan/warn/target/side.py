"""Compiled code: on which side of a line a point lies, exactly.

The sign of an area decides. Where rounding could turn it, it is computed exactly with the expansions of
Shewchuk (1997), "Adaptive precision floating-point arithmetic and fast robust geometric predicates", Discrete
Comput Geom 18:305-363, sections 2 and 4.2: exact unless products of coordinates underflow, which differences
of degrees above 1e-150 do not.
"""

# the arguments of compiled functions are Numba's, whose types mypy cannot see
# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"

from __future__ import annotations

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
