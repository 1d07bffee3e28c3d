"""Recipients at points, indexed once and changed as they come and go.

Points stand in strips of equally many, from south to north, and by longitude within a strip: dense towns get
thin strips. An alert area then is a handful of runs per strip, read off by binary search, and single tests
only where one of its edges passes.

Changes follow the logarithmic method of Bentley and Saxe (1980), "Decomposable searching problems I",
J Algorithms 1:301-358: new points make small indexes of their own, which are put together as they grow; one
that is gone is struck out, and what is struck out goes when an index is built anew. An answer is the same as
that of a fresh index.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from shapely.geometry.base import BaseGeometry

from anlan.model.errors import InvalidValue, NotFound
from anlan.packs.drawing import Circle
from anlan.warn.ground import EARTH_KM
from anlan.warn.target import within

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Ints = NDArray[np.int32]

#: points to a strip, for a million of them; fewer strips for few points
_GROWTH = 4
_MOST = 2**31 - 1
_NO_EDGES = np.empty((0, 4))


@dataclass(frozen=True, slots=True)
class Level:
    """One index that does not change. `slots[k]` is the number of the k-th point in its order."""

    x: Floats
    y: Floats
    slots: Ints
    starts: Longs
    low: Floats
    high: Floats

    @classmethod
    def of(cls, x: Floats, y: Floats, slots: Ints) -> Level:
        """Sorted: about as many strips as there are points in one."""
        size = x.size
        strips = max(1, round(math.sqrt(size)))
        starts = np.linspace(0, size, strips + 1).astype(np.int64)
        order = np.argsort(y, kind="stable").astype(np.int64)
        tall = y[order]
        low = tall[np.minimum(starts[:-1], max(size - 1, 0))] if size else np.full(1, np.inf)
        high = tall[starts[1:] - 1] if size else np.full(1, -np.inf)
        del tall
        within.sort_strips(x, order, starts)
        return cls(x[order], y[order], slots[order], starts, low, high)

    @property
    def size(self) -> int:
        return int(self.x.size)

    def find(self, target: Floats | Circle) -> tuple[Longs, int, Longs, int]:
        """Runs and hits of the edges of a polygon, or of a circle."""
        held = (self.x, self.y, self.starts, self.low, self.high)
        if isinstance(target, Circle):
            found = within.in_circle(*held, float(target.lon), float(target.lat), float(target.km) / EARTH_KM)
        else:
            found = within.in_polygon(*held, target)
        return found  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Matches:
    """Keys of the points in each area: those of area k are `keys[begins[k]:begins[k + 1]]`, in no order."""

    begins: Longs
    keys: Ints

    def __len__(self) -> int:
        return int(self.begins.size - 1)

    def __getitem__(self, area: int) -> Ints:
        if not 0 <= area < len(self):
            raise IndexError(area)
        return self.keys[self.begins[area] : self.begins[area + 1]]

    @property
    def counts(self) -> Longs:
        return np.diff(self.begins)


class _Roll:
    """A growing array: adding to it moves what is there only now and then."""

    def __init__(self, held: NDArray[Any]) -> None:
        self._room = held
        self.size = held.size

    @property
    def held(self) -> NDArray[Any]:
        return self._room[: self.size]

    def add(self, more: NDArray[Any]) -> None:
        if self.size + more.size > self._room.size:
            room = np.empty(self.size + max(more.size, self.size // 8), self._room.dtype)
            room[: self.size] = self.held
            self._room = room
        self._room[self.size : self.size + more.size] = more
        self.size += more.size


class Points:
    """Recipients at points. The key of a recipient is its place in the order in which they were added, from
    0, and stays when it moves."""

    def __init__(self, lon: ArrayLike = (), lat: ArrayLike = ()) -> None:
        """InvalidValue where the two differ in length or one is not on the globe."""
        x, y = _pair(lon, lat)
        numbers = np.arange(x.size, dtype=np.int32)
        self._levels = [Level.of(x, y, numbers)] if x.size else []
        self._slot_of = _Roll(numbers.copy())  # key -> slot, -1 where removed
        self._key_of: _Roll | None = None  # slot -> key, None while they are the same
        self._alive = _Roll(np.ones(x.size, np.uint8))
        self._count = x.size
        self._dead = 0
        self._new: list[tuple[Floats, Floats, Ints]] = []

    def __len__(self) -> int:
        """Recipients, those removed not counted."""
        return int(self._count)

    # ── changes ──────────────────────────────────────────────────────────────────────────────────

    def add(self, lon: ArrayLike, lat: ArrayLike) -> Longs:
        """The keys of new recipients."""
        x, y = _pair(lon, lat)
        keys = np.arange(self._slot_of.size, self._slot_of.size + x.size)
        self._slot_of.add(self._take(x, y, keys).astype(np.int32))
        self._count += x.size
        return keys

    def move(self, keys: ArrayLike, lon: ArrayLike, lat: ArrayLike) -> None:
        """Recipients at other points. NotFound for a key that is not there."""
        wanted, (x, y) = self._known(keys), _pair(lon, lat)
        if wanted.size != x.size:
            raise InvalidValue(
                "not a point for each", where="move", found=f"{wanted.size} keys, {x.size} points"
            )
        self._strike(wanted)
        self._slot_of.held[wanted] = self._take(x, y, wanted)

    def remove(self, keys: ArrayLike) -> None:
        """Recipients no longer there. NotFound for a key that is not there."""
        wanted = self._known(keys)
        self._strike(wanted)
        self._slot_of.held[wanted] = -1
        self._count -= wanted.size

    def _known(self, keys: ArrayLike) -> Longs:
        wanted = np.atleast_1d(np.asarray(keys, dtype=np.int64))
        there = (wanted >= 0) & (wanted < self._slot_of.size)
        there[there] = self._slot_of.held[wanted[there]] >= 0
        if not there.all():
            raise NotFound("no such recipient", where="points", found=str(wanted[~there][0]))
        if np.unique(wanted).size != wanted.size:
            raise InvalidValue("one recipient twice in one change", where="points")
        return wanted

    def _take(self, x: Floats, y: Floats, keys: Longs) -> Longs:
        begin = self._alive.size
        if begin + x.size > _MOST:
            raise InvalidValue("too many points", where="points", expected=f"at most {_MOST}")
        slots = np.arange(begin, begin + x.size)
        if self._key_of is None and not np.array_equal(slots, keys):
            self._key_of = _Roll(np.arange(begin, dtype=np.int32))
        if self._key_of is not None:
            self._key_of.add(keys.astype(np.int32))
        self._alive.add(np.ones(x.size, np.uint8))
        if x.size:
            self._new.append((x, y, slots.astype(np.int32)))
        return slots

    def _strike(self, keys: Longs) -> None:
        self._alive.held[self._slot_of.held[keys]] = 0
        self._dead += keys.size

    def _settle(self) -> None:
        """What has been added since becomes an index, put together with those that are not much larger."""
        if self._new:
            x, y, slots = (np.concatenate(part) for part in zip(*self._new, strict=True))
            self._new.clear()
            while self._levels and self._levels[-1].size < _GROWTH * x.size:
                last = self._levels.pop()
                x, y = np.concatenate([last.x, x]), np.concatenate([last.y, y])
                slots = np.concatenate([last.slots, slots])
            there = self._alive.held[slots] == 1
            self._dead -= int(np.count_nonzero(~there))
            if there.any():
                self._levels.append(Level.of(x[there], y[there], slots[there]))
        if 2 * self._dead > sum(level.size for level in self._levels):
            x = np.concatenate([level.x for level in self._levels])
            y = np.concatenate([level.y for level in self._levels])
            slots = np.concatenate([level.slots for level in self._levels])
            there = self._alive.held[slots] == 1
            self._levels = [Level.of(x[there], y[there], slots[there])] if there.any() else []
            self._dead = 0

    # ── questions ────────────────────────────────────────────────────────────────────────────────

    def within(self, area: BaseGeometry | Circle) -> Ints:
        """Keys of the recipients in the area, its boundary included, in no order."""
        return self.within_each([area]).keys

    def within_each(self, areas: Sequence[BaseGeometry | Circle]) -> Matches:
        """The same of many areas. InvalidValue for one that is neither a circle nor a valid polygon or
        multipolygon."""
        self._settle()
        targets = edges_of(areas)
        found = [[(level, level.find(target)) for level in self._levels] for target in targets]
        room = sum(within.run_length(one[0], one[1]) + one[3] for row in found for _, one in row)
        out = np.empty(room + 1, np.int32)  # one more: what is struck out is written before it is passed over
        begins = np.zeros(len(targets) + 1, np.int64)
        at = 0
        for k, row in enumerate(found):
            for level, one in row:
                if self._dead:
                    at = within.spread_alive(level.slots, self._alive.held, *one, out, at)
                else:
                    at = within.spread(level.slots, *one, out, at)
            begins[k + 1] = at
        keys = out[:at]
        return Matches(begins, keys if self._key_of is None else self._key_of.held[keys])


def edges_of(areas: Sequence[BaseGeometry | Circle]) -> list[Floats | Circle]:
    """Rows x1, y1, x2, y2 of the edges of all rings of each area, those without length left out. InvalidValue
    as for `Points.within_each`."""
    targets: list[Floats | Circle] = [one if isinstance(one, Circle) else _NO_EDGES for one in areas]
    places = [k for k, one in enumerate(areas) if not isinstance(one, Circle)]
    shapes = checked([areas[k] for k in places], "areas")
    if not places or shapely.is_empty(shapes).all():
        return targets
    _, xy, offsets = shapely.to_ragged_array(shapes)
    rings, polygons = offsets[0], offsets[1]
    ends = rings[polygons[offsets[2]]] if len(offsets) == 3 else rings[polygons]
    rows = np.column_stack([xy[:-1, :2], xy[1:, :2]])
    keep = (rows[:, 0] != rows[:, 2]) | (rows[:, 1] != rows[:, 3])
    keep[rings[1:-1] - 1] = False  # from the end of one ring to the start of the next
    before = np.concatenate([[0], np.cumsum(keep)])[np.minimum(ends, len(keep))]
    rows = rows[keep]
    for k, begin, end in zip(places, before[:-1], before[1:], strict=True):
        targets[k] = rows[begin:end]
    return targets


def checked(shapes: Sequence[BaseGeometry], where: str) -> NDArray[Any]:
    """The shapes as an array. InvalidValue, naming the place, for one that is no valid polygon or
    multipolygon."""
    held = np.empty(len(shapes), dtype=object)
    held[:] = list(shapes)
    kinds = shapely.get_type_id(held)
    wrong = ~np.isin(kinds, (3, 6)) | ~shapely.is_valid(held)
    if wrong.any():
        k = int(np.flatnonzero(wrong)[0])
        raise InvalidValue(
            "not a valid area",
            where=f"{where}[{k}]",
            found=shapely.is_valid_reason(held[k])[:120] if kinds[k] in (3, 6) else str(held[k])[:60],
            expected="a valid polygon or multipolygon",
        )
    return held


def _pair(lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    x = np.atleast_1d(np.asarray(lon, dtype=np.float64))
    y = np.atleast_1d(np.asarray(lat, dtype=np.float64))
    if x.shape != y.shape or x.ndim != 1:
        raise InvalidValue(
            "not as many longitudes as latitudes", where="points", found=f"{x.shape} and {y.shape}"
        )
    fine = (x >= -180.0) & (x <= 180.0) & (y >= -90.0) & (y <= 90.0)
    if not fine.all():
        k = int(np.flatnonzero(~fine)[0])
        raise InvalidValue(
            "not on the globe",
            where=f"points[{k}]",
            found=f"{x[k]}, {y[k]}",
            expected="longitude -180 to 180, latitude -90 to 90",
        )
    return x, y
