"""From the long form of a slice to the arrays that detectors read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from anlan.model.time import MONTH
from anlan.ports.lake import Slice


@dataclass(frozen=True, slots=True)
class Grid:
    """`values` [n_places, n_times], NaN where nothing is known; `known` the instant at which each was
    learnt, NaT where nothing ever came (a value NaN with a `known` is a gap that the source reported);
    `times` datetime64[us], regular."""

    places: tuple[str, ...]
    times: NDArray[np.datetime64]
    values: NDArray[np.float64]
    known: NDArray[np.datetime64]

    def row(self, place: str) -> Grid:
        """One place alone, on the same time axis; no rows where it has none."""
        rows = [i for i, name in enumerate(self.places) if name == place]
        return Grid(
            tuple(self.places[i] for i in rows), self.times, self.values[rows, :], self.known[rows, :]
        )


def instant64(instant: datetime) -> np.datetime64:
    """A UTC instant as numpy knows it (which has no zones)."""
    return np.datetime64(instant.astimezone(UTC).replace(tzinfo=None), "us")


def instant(value: np.datetime64) -> datetime:
    """Back from numpy to zone-aware UTC."""
    plain: datetime = value.astype("datetime64[us]").astype(datetime)
    return plain.replace(tzinfo=UTC)


def lay(slice: Slice, step: timedelta) -> Grid:
    """The slice on a regular grid from its earliest to its latest `at`, one row a place. A value
    belongs to the grid point nearest to it, so that an hour of summer time does not move a day to its
    neighbour; of two that fall to one point the later `at` stands. With a `step` of MONTH the points are
    calendar months apart. Empty slices give an empty grid."""
    if len(slice.at) == 0:
        empty = np.empty((0, 0), "datetime64[us]")
        return Grid((), np.empty(0, "datetime64[us]"), np.empty((0, 0)), empty)
    begins, names = _places(slice)
    if any(after <= name for name, after in pairwise(names)):
        slice = _by_place(slice)
        begins, names = _places(slice)
    width = np.timedelta64(step // timedelta(microseconds=1), "us")
    half = np.timedelta64(step // timedelta(microseconds=2), "us")
    first = slice.at.min()
    columns = ((slice.at - first + half) // width).astype(np.int64)
    shape = (len(names), int(columns.max()) + 1)
    values = np.full(shape, np.nan)
    known = np.full(shape, np.datetime64("NaT"), dtype="datetime64[us]")
    rows = np.repeat(np.arange(len(names)), np.diff(np.append(begins, len(slice.at))))
    later = slice.at[1:] >= slice.at[:-1]
    later[begins[1:] - 1] = True
    # with events one place may have times out of order, and the later one is to stand
    order = np.arange(len(rows)) if later.all() else np.argsort(slice.at, kind="stable")
    values[rows[order], columns[order]] = slice.value[order]
    known[rows[order], columns[order]] = slice.known[order]
    times = first + width * np.arange(shape[1]) if step != MONTH else _months(first, shape[1])
    return Grid(names, times, values, known)


def _months(first: np.datetime64, count: int) -> NDArray[np.datetime64]:
    """The same instant of so many months, whose own months are counted from a day later: months that begin
    at midnight in the east begin on the last day of the one before in UTC."""
    month = (first + np.timedelta64(1, "D")).astype("datetime64[M]")
    into = first - month.astype("datetime64[us]")
    found: NDArray[np.datetime64] = (month + np.arange(count)).astype("datetime64[us]") + into
    return found


def _places(slice: Slice) -> tuple[NDArray[np.intp], tuple[str, ...]]:
    """Where the rows of each place begin, and their names: in canonical order they stand together."""
    begins = np.flatnonzero(np.concatenate([[True], slice.place[1:] != slice.place[:-1]]))
    return begins, tuple(slice.place[begins].tolist())


def _by_place(slice: Slice) -> Slice:
    order = np.argsort(slice.place, kind="stable")
    return Slice(
        slice.place[order],
        slice.event[order],
        slice.at[order],
        slice.known[order],
        slice.value[order],
        slice.lon[order],
        slice.lat[order],
    )
