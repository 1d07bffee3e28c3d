"""Mean and standard deviation of the periods before each tested one: all that EARS works out."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

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


def baselines_in(
    xp: Any, counts: Floats, at: Ints, gap: int, length: int, least: float
) -> tuple[Floats, Floats, Floats, Floats]:
    """`baselines` through the array module `xp`: NumPy, or CuPy for a GPU. The same operations in the
    same order; a GPU may round a product and a sum at once, so there it agrees to rounding."""
    first = int(at.min(initial=0)) - gap - length + 1
    near = xp.asarray(counts[:, max(first, 0) : int(at.max(initial=-1)) + 1])  # no more than is read
    at = at - max(first, 0)
    total = xp.zeros((len(counts), len(at)))
    windows = [near[:, xp.asarray(at - gap - back)] for back in range(length - 1, -1, -1)]
    for window in windows:
        total = total + window
    mean = total / length
    squares = xp.zeros_like(total)
    for window in windows:
        squares = squares + (window - mean) ** 2
    sd = xp.sqrt(squares / (length - 1))
    sd = xp.where(sd < least, least, sd)
    y = near[:, xp.asarray(at)]
    with np.errstate(divide="ignore", invalid="ignore"):
        score = xp.where((sd == 0) & (y == mean), 0.0, (y - mean) / sd)
    y, mean, sd, score = (np.asarray(a.get() if hasattr(a, "get") else a) for a in (y, mean, sd, score))
    return y, mean, sd, score


def gpu() -> Any:
    """CuPy, where it and a GPU are there. ImportError and RuntimeError say what is missing."""
    try:
        import cupy  # type: ignore[import-not-found, unused-ignore]
    except ImportError as missing:
        raise ImportError("running on a GPU needs CuPy: install anlan[gpu]") from missing
    try:
        cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError as missing:
        raise RuntimeError(f"no GPU can be used: {missing}") from missing
    return cupy


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
