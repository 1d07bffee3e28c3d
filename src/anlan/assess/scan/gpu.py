"""The largest statistic under the null on a GPU: all data sets of a launch at once.

A block of threads is one chain and a few spans that share a start or an end, a thread one data set: it walks
along the chain, adds the cases of those spans place by place and works a statistic out where the count
reaches the one that `thresholds` gives. The data sets are those of the CPU: cases that `sampling` drops or
deals one by one are dropped or dealt on the GPU by the same generators, others are drawn on the CPU. So the
maxima are the same to rounding (logarithms of a GPU may differ in their last digit).
`search.search_spacetime` is the twin.

Numba's CUDA target runs it; with NUMBA_ENABLE_CUDASIM=1 in the environment the same code runs, slowly, on
any machine.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from anlan.assess.scan.engine import Floats
from anlan.assess.scan.sampling import ByCase, Fill, Permuted
from anlan.assess.scan.search import LANES
from anlan.assess.scan.thresholds import LEVELS
from anlan.assess.scan.windows import Windows
from anlan.assess.scan.zones import Zones

#: cells and sums of one launch in the memory of the GPU, at most (bytes)
ROOM = 4 * 2**30
#: data sets of one launch, at most
MOST = 8 * LANES
#: spans of a block, at most
TILE = 8
#: one chain of so many is searched before all
SAMPLE = 32
#: so many cases are drawn, or cells emptied, by one thread
CASES = 64


def require() -> None:
    """ImportError or RuntimeError that say what is missing for a scan on a GPU."""
    try:
        from numba import cuda
    except ImportError as missing:
        raise ImportError("a scan on a GPU needs Numba's CUDA target: install anlan[gpu]") from missing
    if not cuda.is_available():  # type: ignore[no-untyped-call]
        raise RuntimeError("no GPU can be used: Numba's CUDA target finds none (install anlan[gpu])")


def lanes(n_places: int, n_periods: int, itemsize: int) -> int:
    """How many data sets go side by side: as many whole blocks of LANES as fit."""
    one = n_places * (n_periods + 1) * (4 + itemsize) * LANES
    return LANES * max(1, min(MOST // LANES, ROOM // one))


def tiles(windows: Windows) -> npt.NDArray[np.int32]:
    """The spans in tiles of TILE or fewer that share a start or an end, [n_tiles, 4]: the bound they share,
    the first of the others, how many follow one another from there, and 1 where the start is shared, -1
    where the end is."""
    spans = windows.span_array()
    shared = 1 if windows.alive else 0  # windows that are going on differ in their start
    order = np.lexsort((spans[:, 1 - shared], spans[:, shared]))
    found: list[list[int]] = []
    for pair in spans[order].tolist():
        bound, other = pair[shared], pair[1 - shared]
        last = found[-1] if found else None
        if last is not None and last[0] == bound and last[1] + last[2] == other and last[2] < TILE:
            last[2] += 1
        else:
            found.append([bound, other, 1, -1 if shared else 1])
    return np.array(found, dtype=np.int32).reshape(-1, 4)


def drawn(fill: Fill, replications: range, shape: tuple[int, int], dtype: np.dtype[Any]) -> Any:
    """Data sets under the null as running sums over the periods from 0, on the GPU: [n_places, n_periods + 1,
    n_sets] of `dtype`, n_sets the next multiple of LANES, the sets beyond `replications` empty."""
    from numba import cuda

    from anlan.assess.scan import gpu_draws

    n_places, n_periods = shape
    count = len(replications)
    sets = -(-count // LANES) * LANES
    blocks = sets // LANES
    if isinstance(fill, ByCase | Permuted):
        cells = cuda.device_array((n_places * n_periods, sets), np.int32)
        gpu_draws.empty[(-(-len(cells) // CASES), blocks), LANES](cells)
        if isinstance(fill, ByCase):
            gpu_draws.by_case[(-(-fill.total // CASES), blocks), LANES](
                np.uint64(fill.seed), np.uint64(replications.start), count, fill.total,
                cuda.to_device(fill.keep), cuda.to_device(fill.alias), cells,
            )  # fmt: skip
        else:
            for seed, place, period in fill.keyed():
                mixed = cuda.device_array((len(place), sets), np.int32)
                gpu_draws.permuted[blocks, LANES](
                    np.uint64(seed), np.uint64(replications.start), count, cuda.to_device(place),
                    cuda.to_device(period), n_periods, mixed, cells,
                )  # fmt: skip
    else:
        on_cpu = np.zeros((n_places * n_periods, sets), dtype=dtype)
        fill(replications, on_cpu)
        cells = cuda.to_device(on_cpu)
    running = cuda.device_array((n_places, n_periods + 1, sets), dtype)
    gpu_draws.running[(n_places, blocks), LANES](cells, running)
    return running


class Search:
    """Zones, windows and `measure` [n_places, n_periods + 1] (running sums over the periods, from 0) on the
    GPU. `enough` and `few`: the tables of `thresholds` for high and for low rates; None: not looked for."""

    def __init__(
        self,
        zones: Zones,
        windows: Windows,
        measure: Floats,
        kind: int,
        totals: tuple[float, float],
        minimum: int,
        enough: npt.NDArray[np.int32] | None,
        few: npt.NDArray[np.int32] | None,
    ) -> None:
        from numba import cuda

        from anlan.assess.scan.gpu_kernel import kernel

        tiled = tiles(windows)
        self.search = kernel(enough is not None, few is not None, int(tiled[:, 2].max()))
        self.chains, self.tiles = len(zones.centre), len(tiled)
        # one column more, for positions that are no zone: no count is enough or few enough there
        tables = [
            np.concatenate([table, np.full((LEVELS, 1), never, np.int32)], axis=1).T.ravel()
            if table is not None
            else np.zeros(0, np.int32)
            for table, never in ((enough, 2**30), (few, -1))
        ]
        self.arrays = [
            cuda.to_device(np.ascontiguousarray(one))
            for one in (
                zones.ptr,
                zones.first,
                zones.places,
                zones.stop,
                tiled,
                zones.factor,
                measure,
                *tables,
            )
        ]
        self.numbers = (totals[0], totals[1], kind, float(minimum))

    def maxima(self, running: Any) -> Floats:
        """The largest statistic of each data set; `running` as `drawn` gives it."""
        from numba import cuda

        sets = running.shape[2]
        best = cuda.to_device(np.zeros(sets))
        for every in (SAMPLE, 1):  # a few chains first, so that the others start where little can win
            blocks = -(-self.chains // every) * self.tiles
            self.search[(blocks, sets // LANES), LANES](
                *self.arrays, *self.numbers, every, running.ravel(), best
            )
        found: Floats = best.copy_to_host()
        return found
