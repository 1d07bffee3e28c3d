"""Mean and standard deviation of the periods before each tested one: all that EARS works out."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numba import njit

from anlan.assess.detect.panel import Floats, Ints


def baselines(
    counts: Floats, at: Ints, gap: int, length: int, least: float
) -> tuple[Floats, Floats, Floats, Floats]:
    """(value at `at`, mean, standard deviation (n - 1) but at least `least`, (value - mean) / standard
    deviation), each [n_series, n_test], over the `length` periods that end `gap` periods before `at`.
    Over a flat baseline the last is 0 on the mean and +-inf off it. NaN where anything is missing."""
    shape = (len(counts), len(at))
    y, mean, sd, score = np.empty(shape), np.empty(shape), np.empty(shape), np.empty(shape)
    _kernel(counts, (at - gap - length + 1).astype(np.uint32), at, length, least, y, mean, sd, score)
    return y, mean, sd, score


@njit(cache=True, nogil=True, error_model="numpy")
def _baselines(counts, first, at, length, least, y, mean, sd, score):  # type: ignore[no-untyped-def]
    for s in range(len(counts)):
        series = counts[s]
        for j in range(len(at)):
            total = 0.0
            for i in range(length):
                total += series[first[j] + np.uint32(i)]
            centre = total / length
            squares = 0.0
            for i in range(length):
                away = series[first[j] + np.uint32(i)] - centre
                squares += away * away
            spread = math.sqrt(squares / (length - 1))
            spread = max(spread, least)
            value = series[at[j]]
            y[s, j], mean[s, j], sd[s, j] = value, centre, spread
            scaled = (value - centre) / spread
            score[s, j] = 0.0 if spread == 0.0 and value == centre else scaled


#: the compiled kernel, whose arguments mypy cannot see
_kernel: Callable[..., None] = _baselines
