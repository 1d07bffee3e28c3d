"""The search for the largest statistic under the null on a GPU: all data sets of a launch at once.

A block of threads is one chain and one span, a thread one data set: it walks along the chain, adds the cases
of the span place by place and works the statistic out where the count reaches the one that `thresholds`
gives. The data sets are those of the CPU, drawn by the same generators, so that the maxima are the same to
rounding (logarithms of a GPU may differ in their last digit). `search.search_spacetime` is the twin.

Numba's CUDA target runs it; with NUMBA_ENABLE_CUDASIM=1 in the environment the same code runs, slowly, on
any machine.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from anlan.assess.scan.engine import Floats
from anlan.assess.scan.search import LANES
from anlan.assess.scan.windows import Windows
from anlan.assess.scan.zones import Zones

#: counts of one launch in the memory of the GPU, at most (bytes)
ROOM = 4 * 2**30
#: data sets of one launch, at most
MOST = 8 * LANES


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
    one = n_places * (n_periods + 1) * itemsize * LANES
    return LANES * max(1, min(MOST // LANES, ROOM // one))


def maxima(
    zones: Zones,
    windows: Windows,
    running: npt.NDArray[np.signedinteger],
    measure: Floats,
    kind: int,
    totals: tuple[float, float],
    sides: tuple[bool, bool],
    minimum: int,
    tables: tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]],
) -> Floats:
    """The largest statistic of each data set. `running` [n_places, n_periods + 1, n_sets] and `measure`
    [n_places, n_periods + 1]: sums over the periods, from 0; n_sets a multiple of LANES. `sides`: high, low;
    `tables`: `enough` and `few` of `thresholds`."""
    from numba import cuda

    from anlan.assess.scan.gpu_kernel import search

    spans = windows.span_array()
    sets = running.shape[2]
    best = cuda.to_device(np.zeros(sets))
    arrays = [
        cuda.to_device(np.ascontiguousarray(one))
        for one in (zones.ptr, zones.first, zones.places, zones.stop, spans, zones.factor, running, measure)
    ]
    blocks = (int(len(zones.centre) * len(spans)), int(sets // LANES))
    search[blocks, LANES](
        *arrays, totals[0], totals[1], kind, sides[0], sides[1], float(minimum),
        cuda.to_device(tables[0]), cuda.to_device(tables[1]), best,
    )  # fmt: skip
    found: Floats = best.copy_to_host()
    return found
