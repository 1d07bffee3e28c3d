# mypy: disable-error-code="attr-defined, no-untyped-call, untyped-decorator"
"""What one thread of a GPU does in a scan: one chain, one span, one data set.

Apart from `gpu`, because Numba's CUDA target is imported only where somebody asks for a GPU.
"""

from __future__ import annotations

import math

from numba import cuda

from anlan.assess.scan import statistic
from anlan.assess.scan.thresholds import BINS, LEVELS, STEP

ratio = cuda.jit(device=True)(getattr(statistic.ratio, "py_func", statistic.ratio))


@cuda.jit
def search(  # type: ignore[no-untyped-def]
    ptr, first, places, stop, spans, factor, running, measure, total_cases, total_measure, kind, high, low,
    minimum, enough, few, best,
):  # fmt: skip
    chain = cuda.blockIdx.x // len(spans)
    span = cuda.blockIdx.x % len(spans)
    lane = cuda.blockIdx.y * cuda.blockDim.x + cuda.threadIdx.x
    start, end = spans[span, 0], spans[span, 1]
    # what another thread has found may be seen late: the table then asks for less than it could
    top = best[lane]
    level = min(int(top / factor[chain] / STEP), LEVELS - 1)
    count = 0
    inside = 0.0
    begin = ptr[chain] + first[chain]
    for i in range(ptr[chain], ptr[chain + 1]):
        p = places[i]
        count += running[p, end, lane] - running[p, start, lane]
        inside += measure[p, end] - measure[p, start]
        if i < begin or not stop[i]:
            continue
        is_high = high and count >= minimum and count * total_measure > total_cases * inside
        is_low = low and count * total_measure < total_cases * inside
        if not (is_high or is_low):
            continue
        b = min(int(math.sqrt(max(inside, 0.0) / total_measure) * BINS), BINS - 1)
        if (is_high and count < enough[level, b]) or (is_low and count > few[level, b]):
            continue
        value = factor[chain] * ratio(kind, float(count), inside, total_cases, total_measure)
        if value > top:
            top = value
            level = min(int(top / factor[chain] / STEP), LEVELS - 1)
    if top > 0.0:
        cuda.atomic.max(best, lane, top)
