"""Zones: which sets of places are scanned, as chains of places that join one after another.

Circles and ellipses grow from a centre by distance (Kulldorff 1997; Kulldorff, Huang, Pickle, Duczmal
2006, "An elliptic spatial scan statistic", Stat Med 25:3929-3943). Flexible zones are the connected sets
about a centre in an adjacency graph (Tango, Takahashi 2005, Int J Health Geogr 4:11). Any other list of
sets can be given as it is.

Where two places are equally far, the one with the lesser first coordinate comes first, then the lesser
second; places on one and the same spot join together. A chain ends before the place with which it would
hold more than the largest share of the population at risk, or reach farther than the largest distance.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from numba import njit

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]

#: km, as the reference program has it
EARTH_RADIUS = 6367.0
_CHUNK = 4_000_000


@dataclass(frozen=True, slots=True)
class Points:
    """One point for each place. `coordinates` [n_places, 2]: latitude and longitude in degrees
    (`latlon`, distances in km along great circles), or x and y (`plane`, in their own unit)."""

    coordinates: Floats
    kind: Literal["latlon", "plane"] = "latlon"

    def __post_init__(self) -> None:
        coordinates = np.ascontiguousarray(self.coordinates, dtype=np.float64)
        if coordinates.ndim != 2 or coordinates.shape[1] != 2:
            raise ValueError(f"coordinates must be [n_places, 2], found shape {coordinates.shape}")
        if self.kind not in ("latlon", "plane"):
            raise ValueError(f"kind must be 'latlon' or 'plane', found {self.kind!r}")
        if self.kind == "latlon":
            known = ~np.isnan(coordinates).any(axis=1)
            bad = known & ((np.abs(coordinates[:, 0]) > 90) | (np.abs(coordinates[:, 1]) > 180))
            if bad.any():
                raise ValueError(
                    f"latitude and longitude must lie within 90 and 180 degrees, found "
                    f"{coordinates[bad][0].tolist()}"
                )
        object.__setattr__(self, "coordinates", coordinates)

    def distance(self, one: int, others: Ints) -> Floats:
        """Distance from one place to others, along the great circle (km) or straight."""
        chord = np.sqrt(((self._embedded()[others] - self._embedded()[one]) ** 2).sum(axis=-1))
        return self.arc(chord) if self.kind == "latlon" else chord

    def arc(self, chord: Floats) -> Floats:
        """Great-circle distance of a straight one through the globe."""
        found: Floats = 2 * EARTH_RADIUS * np.arcsin(np.minimum(chord / (2 * EARTH_RADIUS), 1.0))
        return found

    def _embedded(self) -> Floats:
        if self.kind == "plane":
            return self.coordinates
        lat, lon = np.radians(self.coordinates).T
        return EARTH_RADIUS * np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], 1)


@dataclass(frozen=True, slots=True)
class Graph:
    """Which places touch which: `neighbours[i]` are the indexes of the places next to place i."""

    neighbours: tuple[tuple[int, ...], ...]

    def __post_init__(self) -> None:
        n = len(self.neighbours)
        for place, others in enumerate(self.neighbours):
            for other in others:
                if not 0 <= other < n:
                    raise ValueError(f"place {place} names neighbour {other}; there are {n} places")


@dataclass(frozen=True, slots=True)
class Sets:
    """Zones written out: each is a list of indexes of places, the first one its centre."""

    members: tuple[tuple[int, ...], ...]


Geography: TypeAlias = Points | Graph | Sets


@dataclass(frozen=True, slots=True)
class Zones:
    """Chain k holds `places[ptr[k] : ptr[k + 1]]`; its positions from `first[k]` on where `stop` is true
    are zones. `centre` [n_chains], -1 for the zone of all places; `shape` [n_chains] an index into
    `shapes` [n_shapes, 2] (axis ratio, angle in radians), shape 0 being the circle; `factor` [n_chains]
    by which the statistic of its shape is multiplied."""

    ptr: Ints
    first: Ints
    places: npt.NDArray[np.int32]
    stop: npt.NDArray[np.bool_]
    centre: Ints
    shape: Ints
    shapes: Floats
    factor: Floats

    def members(self, chain: int, position: int) -> Ints:
        """Places of the zone at an absolute `position`, in the order in which they joined."""
        return self.places[self.ptr[chain] : position + 1].astype(np.int64)

    def count(self) -> int:
        """How many zones there are."""
        begin, end = self.ptr[:-1] + self.first, self.ptr[1:]
        return sum(int(np.count_nonzero(self.stop[a:b])) for a, b in zip(begin, end, strict=True))

    def reach(self, points: Points, chain: int, position: int) -> float:
        """Distance from the centre to the last place of a zone; in an ellipse along its short axis."""
        ratio, angle = self.shapes[self.shape[chain]]
        centre, last = int(self.centre[chain]), int(self.places[position])
        if ratio > 1:
            pair = _squeezed(points.coordinates[[centre, last]], ratio, angle)
            return float(np.sqrt(((pair[1] - pair[0]) ** 2).sum()))
        return float(points.distance(centre, np.array([last]))[0])

    def with_all(self, n_places: int) -> Zones:
        """These zones and the zone of all places (purely temporal)."""
        return Zones(
            ptr=np.append(self.ptr, self.ptr[-1] + n_places),
            first=np.append(self.first, n_places - 1),
            places=np.concatenate([self.places, np.arange(n_places, dtype=np.int32)]),
            stop=np.concatenate([self.stop, np.arange(n_places) == n_places - 1]),
            centre=np.append(self.centre, -1),
            shape=np.append(self.shape, 0),
            shapes=self.shapes,
            factor=np.append(self.factor, 1.0),
        )


def all_places(n_places: int) -> Zones:
    """Only the zone of all places."""
    return sets_as_zones([], n_places).with_all(n_places)


def penalty(ratio: Floats, power: float) -> Floats:
    """(4 s / (s + 1)^2)^power for axis ratio s: 1 for the circle, less the longer the ellipse."""
    found: Floats = (4.0 * ratio / (ratio + 1.0) ** 2) ** power
    return found


def shapes_of(ratios: Sequence[float], angles: Sequence[int]) -> Floats:
    """The circle, then for each axis ratio so many angles, equally spaced over half a turn."""
    if len(ratios) != len(angles):
        raise ValueError(f"each axis ratio needs a number of angles, found {len(ratios)} and {len(angles)}")
    found = [(1.0, 0.0)]
    for ratio, count in zip(ratios, angles, strict=True):
        if ratio <= 1 or count < 1:
            raise ValueError(f"axis ratios must exceed 1 with 1 angle or more, found {ratio} and {count}")
        found += [(float(ratio), np.pi * k / count) for k in range(count)]
    return np.array(found)


def growing(
    points: Points,
    at_risk: Floats,
    share: float,
    distance: float | None,
    shapes: Floats,
    power: float,
    threads: int = 1,
) -> Zones:
    """Zones that grow from each place: `at_risk` [n_places] and the largest `share` of it, the largest
    `distance` (none: any), `shapes` as from `shapes_of` and the `power` of their penalty."""
    n = len(at_risk)
    embedded = points._embedded()
    limit = share * at_risk.sum() * (1 + 1e-12)
    if points.kind == "latlon" and len(shapes) > 1:
        raise ValueError("ellipses need coordinates on a plane, found latitude and longitude")
    reach = np.inf if distance is None else float(distance)
    if points.kind == "latlon" and np.isfinite(reach):
        reach = 2 * EARTH_RADIUS * np.sin(min(reach / (2 * EARTH_RADIUS), np.pi / 2))
    rank = np.lexsort(embedded.T[::-1])  # places by coordinates: the order of ties
    spot = _spots(embedded)[rank]
    risk = at_risk[rank]
    rows = max(1, min(_CHUNK // max(n, 1), -(-n // threads)))

    def grown(moved: Floats, begin: int) -> tuple[Ints, npt.NDArray[np.int32], npt.NDArray[np.bool_]]:
        """Of some centres how many places join, which, and whether the next is on another spot."""
        centres = np.arange(begin, min(begin + rows, n))
        placed = moved[rank]
        # squares are added one coordinate after the other: the order in which ties are exact
        gaps = np.zeros((len(centres), n))
        for axis in range(placed.shape[1]):
            gaps += (placed[None, :, axis] - moved[centres, axis, None]) ** 2
        np.sqrt(gaps, out=gaps)
        order = np.argsort(gaps, axis=1)
        chain = np.empty((len(centres), n), dtype=np.int32)
        apart = np.empty((len(centres), n), dtype=np.bool_)
        count = np.zeros(len(centres), dtype=np.int64)
        _join_in_order(gaps, order, risk, spot, rank, limit, reach, chain, apart, count)
        within = np.arange(n) < count[:, None]
        return count, chain[within], apart[within]

    moved = [_squeezed(embedded, ratio, angle) if ratio > 1 else embedded for ratio, angle in shapes]
    work = [(one, begin) for one in moved for begin in range(0, n, rows)]
    with ThreadPoolExecutor(threads) as pool:
        found = list(pool.map(lambda one: grown(*one), work))
    lengths, chains, spots = zip(*found, strict=True)
    return Zones(
        ptr=np.concatenate([[0], np.cumsum(np.concatenate(lengths))]).astype(np.int64),
        first=np.zeros(n * len(shapes), dtype=np.int64),
        places=np.concatenate(chains),
        stop=np.concatenate(spots),
        centre=np.tile(np.arange(n), len(shapes)),
        shape=np.repeat(np.arange(len(shapes)), n),
        shapes=shapes,
        factor=np.repeat(penalty(shapes[:, 0], power), n),
    )


def _spots(embedded: Floats) -> Ints:
    """A number for each place, the same for places with the same coordinates."""
    return np.unique(embedded, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)


@njit(cache=True, nogil=True)
def _join_in_order(gaps, order, risk, spot, rank, limit, reach, chain, apart, count):  # type: ignore[no-untyped-def]
    """Places in the order in which they join each centre: `gaps` [n_centres, n_places] to places in the
    order of ties, `order` sorts them, but for ties; `risk`, `spot`, `rank` (index of the place) [n_places]
    in that same order. Fills `chain`, `apart` (the next place is on another spot) and `count`."""
    n = gaps.shape[1]
    for row in range(len(gaps)):
        held = 0.0
        size = 0
        i = 0
        full = False
        while i < n and not full:
            gap = gaps[row, order[row, i]]
            j = i + 1
            while j < n and gaps[row, order[row, j]] == gap:
                j += 1
            if j - i > 1:
                order[row, i:j] = np.sort(order[row, i:j])
            for q in range(i, j):
                o = order[row, q]
                if held + risk[o] > limit or gap > reach:
                    full = True
                    # a spot that fits only in part stays out
                    while size > 0 and spot[order[row, size - 1]] == spot[o]:
                        size -= 1
                    break
                held += risk[o]
                chain[row, size] = rank[o]
                size += 1
            i = j
        for q in range(size):
            apart[row, q] = q + 1 == size or spot[order[row, q]] != spot[order[row, q + 1]]
        count[row] = size


def _squeezed(plane: Floats, ratio: float, angle: float) -> Floats:
    """Coordinates in which ellipses with their long axis at `angle` are circles whose radius is the
    short half-axis: lengths along the long axis are divided by `ratio`. The program of reference holds
    angle and ratio in single precision, which decides ties on a grid; so do we."""
    turned = np.float32(angle)
    weight = np.float64(np.float32(1.0) / np.float32(ratio))
    x, y = plane.T
    if turned == 0:
        return np.stack([x * weight, y], axis=1)
    slope = np.float64(np.float32(-np.cos(np.float64(turned)) / np.sin(np.float64(turned))))
    across = (x + slope * y) / (1 + slope * slope)
    return np.stack([x * weight + across * (1 - weight), y * weight + slope * across * (1 - weight)], axis=1)


def sets_as_zones(sets: Sequence[Sequence[int]], n_places: int) -> Zones:
    """Zones written out, one chain each."""
    for number, members in enumerate(sets):
        if not members or len(set(members)) != len(members) or not all(0 <= p < n_places for p in members):
            raise ValueError(f"zone {number} must name places 0 to {n_places - 1} once each, found {members}")
    lengths = [len(members) for members in sets]
    ptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    stop = np.zeros(int(ptr[-1]), dtype=np.bool_)
    stop[ptr[1:] - 1] = True
    return Zones(
        ptr=ptr,
        first=np.array([max(length - 1, 0) for length in lengths], dtype=np.int64),
        places=np.array([p for members in sets for p in members], dtype=np.int32),
        stop=stop,
        centre=np.array([members[0] for members in sets], dtype=np.int64),
        shape=np.zeros(len(lengths), dtype=np.int64),
        shapes=np.array([[1.0, 0.0]]),
        factor=np.ones(len(lengths)),
    )
