"""Reading the lake from its files: the plain way, and the check on the fast one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl

from anlan.ports.lake import Slice
from anlan.store.lake_log import DataFile
from anlan.store.lake_rows import COLUMNS, ORDER, PARTITIONS

_STORED = {name: kind for name, kind in COLUMNS.items() if name not in PARTITIONS}


def scan(folder: Path, files: Iterable[DataFile]) -> pl.LazyFrame:
    """All rows of the files, lazily."""
    paths = [folder / file.path for file in files]
    if not paths:
        return pl.LazyFrame(schema=_STORED)
    return pl.scan_parquet(paths, hive_partitioning=False, glob=False)


def as_known(
    rows: pl.LazyFrame,
    known: datetime,
    places: Sequence[str] | None,
    since: datetime | None,
    until: datetime | None,
) -> Slice:
    """As anlan.ports.lake.Lake.read: filter, sort, keep the last of each (place, event, at)."""
    rows = rows.filter(pl.col("known") <= known)
    if places is not None:
        rows = rows.filter(pl.col("place").is_in(list(places)))
    if since is not None:
        rows = rows.filter(pl.col("at") >= since)
    if until is not None:
        rows = rows.filter(pl.col("at") < until)
    newest = (
        rows.select("place", "event", "at", "known", "key", "value", "lon", "lat")
        .sort(ORDER)
        .unique(subset=["place", "event", "at"], keep="last", maintain_order=True)
        .collect()
    )
    return to_slice(newest)


def to_slice(frame: pl.DataFrame) -> Slice:
    """Rows, one for each (place, event, at), as arrays."""
    return Slice(
        place=np.array(frame["place"].to_list(), dtype=object),
        event=np.array(frame["event"].to_list(), dtype=object),
        at=frame["at"].to_physical().to_numpy().astype("datetime64[us]"),
        known=frame["known"].to_physical().to_numpy().astype("datetime64[us]"),
        value=_floats(frame["value"]),
        lon=_floats(frame["lon"]),
        lat=_floats(frame["lat"]),
    )


def _floats(column: pl.Series) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    values: np.ndarray[tuple[int], np.dtype[np.float64]] = (
        column.cast(pl.Float64).fill_null(float("nan")).to_numpy().astype(np.float64)
    )
    return values
