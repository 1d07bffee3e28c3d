"""Data sets under the null, a number of them side by side.

Every replication has its own generator, started from (seed, number of the replication): it is the same
data set whatever runs beside it, in whatever order and on however many threads. Generators are
SplitMix64 (Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators", OOPSLA); cells are
drawn by the alias method (Walker 1977; Vose 1991, IEEE Trans Softw Eng 17(9):972-975).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from numba import njit

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
#: fill(replications, out [n_cells, lanes]): one data set of cell counts per lane, `out` zero before
Fill: TypeAlias = Callable[[range, npt.NDArray[np.signedinteger]], None]

#: above so many cases a cell the counts are drawn cell by cell, below case by case
CASE_BY_CASE = 16
#: so many people at most are shuffled one by one
SHUFFLED = 5_000_000

_GAMMA = np.uint64(0x9E3779B97F4A7C15)


@njit(cache=True, nogil=True, inline="always")
def _mixed(state):  # type: ignore[no-untyped-def]
    z = state
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@njit(cache=True, nogil=True, inline="always")
def _started(seed, replication):  # type: ignore[no-untyped-def]
    return _mixed(_mixed(np.uint64(seed) + _GAMMA) ^ (np.uint64(replication) * np.uint64(0xD1342543DE82EF95)))


@njit(cache=True, nogil=True, inline="always")
def _below(word, n):  # type: ignore[no-untyped-def]
    """A whole number below n from the upper half of a word; n below 2^31."""
    return ((word >> np.uint64(32)) * np.uint64(n)) >> np.uint64(32)


def alias_table(weights: Floats) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint32]]:
    """Vose's tables: keep the cell where the lower half of the word is below `keep`, else its alias."""
    keep, alias = _shared_out(weights, weights / weights.sum() * len(weights))
    return np.minimum(keep * 2.0**32, 2.0**32).astype(np.uint64), alias.astype(np.uint32)


@njit(cache=True, nogil=True)
def _shared_out(weights, scaled):  # type: ignore[no-untyped-def]
    """What cells [n_cells] of less than a mean weight keep of theirs, and which heavier one has the rest;
    `scaled`, the weights with mean 1, is used up."""
    n = len(scaled)
    keep = np.full(n, 1.0)
    alias = np.arange(n)
    small = np.flatnonzero(scaled < 1.0)
    large = np.flatnonzero(scaled >= 1.0)
    smalls, larges = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
    smalls[: len(small)], larges[: len(large)] = small, large
    n_small, n_large = len(small), len(large)
    while n_small > 0 and n_large > 0:
        n_small -= 1
        n_large -= 1
        less, more = smalls[n_small], larges[n_large]
        keep[less], alias[less] = scaled[less], more
        scaled[more] -= 1.0 - scaled[less]
        if scaled[more] < 1.0:
            smalls[n_small] = more
            n_small += 1
        else:
            larges[n_large] = more
            n_large += 1
    for i in range(n_small):  # only rounding leaves one here
        rest = smalls[i]
        keep[rest] = 1.0 if weights[rest] > 0 else 0.0
        if weights[rest] <= 0:
            alias[rest] = np.argmax(weights)
    return keep, alias


@njit(cache=True, nogil=True)
def _cells(seed, begin, count, total, keep, alias, out):  # type: ignore[no-untyped-def]
    n = len(keep)
    for lane in range(count):
        state = _started(seed, begin + lane)
        for _ in range(total):
            state += _GAMMA
            word = _mixed(state)
            cell = _below(word, n)
            if (word & np.uint64(0xFFFFFFFF)) >= keep[cell]:
                cell = np.uint64(alias[cell])
            out[cell, lane] += 1


@njit(cache=True, nogil=True)
def _shuffled(seed, begin, count, place, period, n_periods, out):  # type: ignore[no-untyped-def]
    """Periods dealt anew to the cases: `place`, `period` [n_cases]."""
    n = len(place)
    mixed = np.empty_like(period)
    for lane in range(count):
        state = _started(seed, begin + lane)
        for i in range(n):
            mixed[i] = period[i]
        for i in range(n - 1, -1, -1):
            state += _GAMMA
            j = np.int64(_below(_mixed(state), i + 1))
            dealt = mixed[j]
            mixed[j] = mixed[i]
            out[place[i] * n_periods + dealt, lane] += 1


@njit(cache=True, nogil=True)
def _chosen(seed, begin, count, total, cell, out):  # type: ignore[no-untyped-def]
    """`total` of the people drawn without replacement: `cell` [n_people] in which each lives."""
    n = len(cell)
    mixed = np.empty_like(cell)
    for lane in range(count):
        state = _started(seed, begin + lane)
        for i in range(n):
            mixed[i] = cell[i]
        for i in range(n - 1, n - 1 - total, -1):
            state += _GAMMA
            j = np.int64(_below(_mixed(state), i + 1))
            drawn = mixed[j]
            mixed[j] = mixed[i]
            out[drawn, lane] += 1


@njit(cache=True, nogil=True)
def shuffled_values(seed, replication, values, out):  # type: ignore[no-untyped-def]
    """`values` in a random order into `out`."""
    state = _started(seed, replication)
    for i in range(len(values)):
        out[i] = values[i]
    for i in range(len(values) - 1, 0, -1):
        state += _GAMMA
        j = np.int64(_below(_mixed(state), i + 1))
        out[i], out[j] = out[j], out[i]


def generator(seed: int, replication: int) -> np.random.Generator:
    """NumPy's generator of one replication, for the laws it has and the kernels here have not."""
    return np.random.default_rng([seed, replication])


@dataclass(frozen=True, slots=True, eq=False)
class ByCase:
    """`total` cases, each dropped into a cell by the tables of `alias_table`."""

    seed: int
    total: int
    keep: npt.NDArray[np.uint64]
    alias: npt.NDArray[np.uint32]

    def __call__(self, replications: range, out: npt.NDArray[np.signedinteger]) -> None:
        _cells(self.seed, replications.start, len(replications), self.total, self.keep, self.alias, out)


@dataclass(frozen=True, slots=True, eq=False)
class Permuted:
    """The periods of cases [n_cases] at `place` in `period` dealt anew within each of `strata`, each the
    numbers of its cases."""

    seed: int
    place: Ints
    period: Ints
    strata: tuple[Ints, ...]
    n_periods: int

    def keyed(self) -> list[tuple[int, Ints, Ints]]:
        """Of each stratum the seed, and place and period of its cases."""
        return [
            (self.seed + 0x10001 * number, self.place[rows], self.period[rows])
            for number, rows in enumerate(self.strata)
        ]

    def __call__(self, replications: range, out: npt.NDArray[np.signedinteger]) -> None:
        for key, place, period in self.keyed():
            _shuffled(key, replications.start, len(replications), place, period, self.n_periods, out)


def multinomial(total: int, weights: Floats, seed: int) -> Fill:
    """`total` cases over cells in proportion to `weights` [n_cells]."""
    if total <= CASE_BY_CASE * len(weights):
        return ByCase(seed, total, *alias_table(weights))
    share = weights / weights.sum()

    def by_cell(replications: range, out: npt.NDArray[np.signedinteger]) -> None:
        for lane, replication in enumerate(replications):
            out[:, lane] = generator(seed, replication).multinomial(total, share)

    return by_cell


def within_periods(totals: Ints, weights: Floats, seed: int) -> Fill:
    """`totals` [n_periods] cases, each period's over the places in proportion to `weights` [n_places,
    n_periods]; cells run over periods first."""
    share = weights / np.where(weights.sum(axis=0) > 0, weights.sum(axis=0), 1.0)

    def fill(replications: range, out: npt.NDArray[np.signedinteger]) -> None:
        for lane, replication in enumerate(replications):
            draw = generator(seed, replication).multinomial(totals, share.T)  # [n_periods, n_places]
            out[:, lane] = draw.T.ravel()

    return fill


def permuted(place: Ints, period: Ints, stratum: Ints, n_periods: int, seed: int) -> Permuted:
    """The periods of the cases dealt anew within each stratum: arrays [n_cases]."""
    strata = tuple(np.flatnonzero(stratum == one) for one in np.unique(stratum))
    return Permuted(seed, place, period, strata, n_periods)


def without_replacement(total: int, people: Ints, seed: int) -> Fill:
    """`total` cases among `people` [n_cells]."""
    if people.sum() <= SHUFFLED:
        cell = np.repeat(np.arange(len(people)), people)

        def by_person(replications: range, out: npt.NDArray[np.signedinteger]) -> None:
            _chosen(seed, replications.start, len(replications), total, cell, out)

        return by_person

    def by_cell(replications: range, out: npt.NDArray[np.signedinteger]) -> None:
        for lane, replication in enumerate(replications):
            draw = generator(seed, replication).multivariate_hypergeometric(people, total, method="marginals")
            out[:, lane] = draw

    return by_cell
