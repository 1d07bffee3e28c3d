# mypy: disable-error-code="attr-defined, no-untyped-call, untyped-decorator"
"""What a block of threads of a GPU does in a scan: one chain, one tile of spans, LANES data sets.

Apart from `gpu`, because Numba's CUDA target is imported only where somebody asks for a GPU.

The measure of a window is the same in all data sets: a chunk of the chain at a time, the threads of the block
work out together which bin of the tables it falls into, and then each walks along the chunk with the cases of
its own data set.
"""

from __future__ import annotations

import functools
import math
from typing import Any

from numba import cuda, float64, int32, uint32, uint64

from anlan.assess.scan import statistic
from anlan.assess.scan.search import LANES
from anlan.assess.scan.thresholds import BINS, LEVELS, STEP

ratio = cuda.jit(device=True)(getattr(statistic.ratio, "py_func", statistic.ratio))
_LEVELS = LEVELS


@functools.cache
def kernel(high: bool, low: bool, tile_size: int) -> Any:
    """The search for high rates, low ones or both, `tile_size` spans at most in a block, in one of `every`
    chains. `enough` and `few` [BINS + 1, LEVELS] and `running` [n_places, n_periods + 1, n_sets] are given
    flat, `measure` [n_places, n_periods + 1]; raises `best` [n_sets]. Indexes without a sign spare the
    test for one that counts from the end."""

    @cuda.jit
    def search(  # type: ignore[no-untyped-def]
        ptr, first, places, stop, tiles, factors, measure, enough, few, total_cases, total_measure, kind,
        minimum, every, running, best,
    ):  # fmt: skip
        inside = cuda.shared.array((tile_size, LANES), float64)
        bins = cuda.shared.array((LANES, tile_size), uint32)
        carried = cuda.shared.array(tile_size, float64)
        rows = cuda.shared.array(LANES, uint64)
        counts = cuda.local.array(tile_size, int32)
        ahead = cuda.local.array(tile_size, uint64)
        held_back = cuda.local.array(tile_size, int32)
        me = cuda.threadIdx.x
        turn = cuda.blockIdx.x // len(tiles)
        tile = cuda.blockIdx.x - turn * len(tiles)
        chain = turn * every
        lane = cuda.blockIdx.y * LANES + me
        bound, other, wide, sense = tiles[tile, 0], tiles[tile, 1], tiles[tile, 2], tiles[tile, 3]
        factor = factors[chain]
        zone = ptr[chain] + first[chain]
        end = ptr[chain + 1]
        top = 0.0
        sets = uint64(len(best))
        row_size = sets * uint64(measure.shape[1])
        at_bound = uint64(bound) * sets
        here = uint64(lane)
        for k in range(tile_size):
            counts[k] = 0
            ahead[k] = uint64(other + min(k, wide - 1)) * sets
        if me < tile_size:
            carried[me] = 0.0
        begin = ptr[chain]
        while begin < end:
            size = min(LANES, end - begin)
            cuda.syncthreads()
            if me < size:
                p = places[begin + me]
                rows[me] = uint64(p)
                for k in range(tile_size):
                    of = other + min(k, wide - 1)
                    if sense > 0:
                        inside[k, me] = measure[p, of] - measure[p, bound]
                    else:
                        inside[k, me] = measure[p, bound] - measure[p, of]
            cuda.syncthreads()
            if me < tile_size:
                held = carried[me]
                for i in range(size):
                    held += inside[me, i]
                    inside[me, i] = held
                carried[me] = held
            cuda.syncthreads()
            if me < size:
                is_zone = begin + me >= zone and stop[begin + me]
                for k in range(tile_size):
                    b = min(int(math.sqrt(max(inside[k, me], 0.0) / total_measure) * BINS), BINS - 1)
                    bins[me, k] = uint32(b if is_zone else BINS) * uint32(_LEVELS)
            cuda.syncthreads()
            # what another block has found may be seen late: the table then asks for less than it could
            top = max(top, best[lane])
            level = uint32(min(int(top / factor / STEP), _LEVELS - 1))
            for i in range(size):
                row = rows[i] * row_size + here
                shared = int32(running[row + at_bound])
                for k in range(tile_size):
                    counts[k] += sense * (int32(running[row + ahead[k]]) - shared)
                hits = 0
                for k in range(tile_size):
                    if high and counts[k] >= enough[bins[i, k] + level]:
                        hits |= 1 << k
                    if low and counts[k] <= few[bins[i, k] + level]:
                        hits |= 1 << k
                if hits:
                    for k in range(tile_size):
                        held_back[k] = counts[k]
                while hits:
                    k = cuda.ffs(hits) - 1
                    hits &= hits - 1
                    count = held_back[k]
                    m = inside[k, i]
                    is_high = high and count >= minimum and count * total_measure > total_cases * m
                    is_low = low and count * total_measure < total_cases * m
                    if is_high or is_low:
                        value = factor * ratio(kind, float(count), m, total_cases, total_measure)
                        if value > top:
                            top = value
                            level = uint32(min(int(top / factor / STEP), _LEVELS - 1))
            begin += size
        if top > 0.0:
            cuda.atomic.max(best, lane, top)

    return search
