"""Series: a slice of the lake as a dense array on a regular grid of time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from anlan.model.errors import InvalidValue
from anlan.model.time import utc
from anlan.ports.lake import Slice


def panel(
    slice: Slice, start: datetime, step: timedelta, n: int, places: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(values, missing), both of shape (len(places), n). Cell (i, j) is the value of `places[i]` whose
    `at` lies nearest to `start + j * step` (so that an hour of summer time does not move a week to its
    neighbour); NaN and missing True where there is none, or where the source reported a gap.
    Observations of other places or outside the grid are left out. InvalidValue where two observations
    fall in one cell: aggregate events first."""
    if step <= timedelta(0) or n < 0:
        raise InvalidValue(
            "no such grid", where="panel", found=f"step {step}, n {n}", expected="step > 0, n >= 0"
        )
    values = np.full((len(places), n), np.nan)
    if not len(slice.at) or not n or not len(places):
        return values, np.ones((len(places), n), dtype=bool)
    row_of = {place: row for row, place in enumerate(places)}
    rows = np.array([row_of.get(place, -1) for place in slice.place.tolist()], dtype=np.int64)
    origin = np.datetime64(utc(start, "panel.start").astimezone(UTC).replace(tzinfo=None), "us").astype(
        np.int64
    )
    width = step // timedelta(microseconds=1)
    columns = (slice.at.astype("datetime64[us]").astype(np.int64) - origin + width // 2) // width
    inside = (rows >= 0) & (columns >= 0) & (columns < n)
    cells = rows[inside] * n + columns[inside]
    counted = np.bincount(cells, minlength=0)
    if len(counted) and counted.max() > 1:
        row, column = divmod(int(counted.argmax()), n)
        raise InvalidValue(
            "two observations in one cell of the grid",
            where=f"panel of {places[row]}",
            found=f"{counted.max()} at {(start + column * step).isoformat()}",
            expected="one for each place and step",
        )
    values.reshape(-1)[cells] = slice.value[inside]
    return values, np.isnan(values)
