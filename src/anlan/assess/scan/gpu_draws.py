# mypy: disable-error-code="attr-defined, no-untyped-call, untyped-decorator"
"""Data sets under the null, drawn on a GPU: the same as `sampling` draws, from the same generators.

Apart from `gpu`, because Numba's CUDA target is imported only where somebody asks for a GPU. Cells are
[n_cells, n_sets]; a thread is a data set.
"""

from __future__ import annotations

import numpy as np
from numba import cuda

from anlan.assess.scan import sampling
from anlan.assess.scan.gpu import CASES

_GAMMA = np.uint64(sampling._GAMMA)
_mixed = cuda.jit(device=True)(getattr(sampling._mixed, "py_func", sampling._mixed))
_below = cuda.jit(device=True)(getattr(sampling._below, "py_func", sampling._below))


@cuda.jit(device=True)
def _started(seed, replication):  # type: ignore[no-untyped-def]
    """As `sampling._started`, with the mixing of this device."""
    return _mixed(_mixed(seed + _GAMMA) ^ (replication * np.uint64(0xD1342543DE82EF95)))


@cuda.jit
def empty(cells):  # type: ignore[no-untyped-def]
    """Set to 0: a block has CASES of the cells."""
    lane = cuda.blockIdx.y * cuda.blockDim.x + cuda.threadIdx.x
    first = cuda.blockIdx.x * CASES
    for cell in range(first, min(first + CASES, len(cells))):
        cells[cell, lane] = 0


@cuda.jit
def by_case(seed, begin, count, total, keep, alias, cells):  # type: ignore[no-untyped-def]
    """As `sampling._cells`: a block drops CASES of the cases, a thread is a data set. The state of the
    generator before a case is known without those before."""
    lane = cuda.blockIdx.y * cuda.blockDim.x + cuda.threadIdx.x
    if lane >= count:
        return
    first = cuda.blockIdx.x * CASES
    state = _started(seed, begin + np.uint64(lane)) + np.uint64(first) * _GAMMA
    n = np.uint64(len(keep))
    for _ in range(first, min(first + CASES, total)):
        state += _GAMMA
        word = _mixed(state)
        cell = _below(word, n)
        if (word & np.uint64(0xFFFFFFFF)) >= keep[cell]:
            cell = np.uint64(alias[cell])
        cuda.atomic.add(cells, (np.int64(cell), lane), 1)


@cuda.jit
def permuted(seed, begin, count, place, period, n_periods, mixed, cells):  # type: ignore[no-untyped-def]
    """As `sampling._shuffled`; `mixed` [n_cases, n_sets] is used up."""
    lane = cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x
    if lane >= count:
        return
    n = len(place)
    state = _started(seed, begin + np.uint64(lane))
    for i in range(n):
        mixed[i, lane] = period[i]
    for i in range(n - 1, -1, -1):
        state += _GAMMA
        j = np.int64(_below(_mixed(state), np.uint64(i + 1)))
        dealt = mixed[j, lane]
        mixed[j, lane] = mixed[i, lane]
        cells[place[i] * n_periods + dealt, lane] += 1


@cuda.jit
def running(cells, sums):  # type: ignore[no-untyped-def]
    """`sums` [n_places, n_periods + 1, n_sets] over the periods from 0: a block is a place."""
    place = cuda.blockIdx.x
    lane = cuda.blockIdx.y * cuda.blockDim.x + cuda.threadIdx.x
    n_periods = sums.shape[1] - 1
    held = 0
    sums[place, 0, lane] = 0
    for t in range(n_periods):
        held += cells[place * n_periods + t, lane]
        sums[place, t + 1, lane] = held
