"""From the long form of a slice to the arrays that detectors read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from anlan.ports.lake import Slice


@dataclass(frozen=True, slots=True)
class Grid:
    """`values` [n_places, n_times], NaN where nothing is known; `times` datetime64[us], regular."""

    places: tuple[str, ...]
    times: NDArray[np.datetime64]
    values: NDArray[np.float64]


def instant64(instant: datetime) -> np.datetime64:
    """A UTC instant as numpy knows it (which has no zones)."""
    return np.datetime64(instant.astimezone(UTC).replace(tzinfo=None), "us")


def instant(value: np.datetime64) -> datetime:
    """Back from numpy to zone-aware UTC."""
    plain: datetime = value.astype("datetime64[us]").astype(datetime)
    return plain.replace(tzinfo=UTC)


def lay(slice: Slice, step: timedelta, places: tuple[str, ...] | None = None) -> Grid:
    """The slice on a regular grid from its earliest to its latest `at`, one row a place. Values that
    fall between grid points belong to the period they fall in. Empty slices give an empty grid."""
    if len(slice.at) == 0:
        return Grid((), np.empty(0, "datetime64[us]"), np.empty((0, 0)))
    names = places or tuple(sorted(set(slice.place.tolist())))
    row = {name: i for i, name in enumerate(names)}
    width = np.timedelta64(int(step.total_seconds() * 1e6), "us")
    first = slice.at.min()
    count = int((slice.at.max() - first) // width) + 1
    values = np.full((len(names), count), np.nan)
    inside = np.array([name in row for name in slice.place.tolist()])
    rows = np.array([row[name] for name in slice.place[inside].tolist()], dtype=np.int64)
    columns = ((slice.at[inside] - first) // width).astype(np.int64)
    values[rows, columns] = slice.value[inside]
    return Grid(names, first + width * np.arange(count), values)
