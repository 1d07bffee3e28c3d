"""Stretches of a series that end at each time, with small gaps closed by the last value known."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from anlan.assess.detect.panel import Floats

#: part of a stretch that may be missing
_GAPS = 0.25


def carried(counts: Floats, length: int) -> Floats:
    """`counts` [n_series, n_time] with missing values as the last one known before them; missing still
    where more than a quarter of the `length` values up to a time is missing."""
    missing = np.isnan(counts)
    n_time = counts.shape[1]
    last = np.where(missing, 0, np.arange(n_time))
    last = np.maximum.accumulate(last, axis=1)
    filled: Floats = np.take_along_axis(counts, last, axis=1)
    holes = np.concatenate([np.zeros((len(counts), 1)), missing.cumsum(axis=1)], axis=1)
    low = np.maximum(np.arange(n_time) + 1 - length, 0)
    filled[holes[:, 1:] - holes[:, low] > _GAPS * length] = np.nan
    return filled


def stretches(values: Floats, length: int) -> Floats:
    """View [n_series, n_time - length + 1, length]: stretch i ends at time i + length - 1."""
    return sliding_window_view(values, length, axis=1)
