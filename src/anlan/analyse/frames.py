"""Arrays and data frames as a panel: what a Python user has at hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import polars as pl

from anlan.analyse import csv_file
from anlan.analyse.axis import Axis
from anlan.analyse.laid import Laid, with_population
from anlan.analyse.table import Manner, table
from anlan.assess.detect.panel import Panel
from anlan.formats.told_in_two import found_in
from anlan.model.errors import InvalidValue

Data: TypeAlias = Panel | np.ndarray[Any, Any] | pl.DataFrame | str | Path | Any
"""A `Panel`; an array [n_series, n_time] or [n_time]; a polars or pandas frame, wide or long; the path of
a CSV file."""


def laid(
    data: Data,
    *,
    freq: int | None = None,
    series: Sequence[str] | None = None,
    manner: Manner = Manner(),  # noqa: B008 - a frozen value
) -> Laid:
    """`data` on its time axis. `freq` periods per year, needed where there are no dates to tell it;
    `series` names for the rows of a panel or an array; `manner` how a table is written."""
    if isinstance(data, Laid):
        return data
    if isinstance(data, Panel):
        if freq is not None and freq != data.freq:
            raise InvalidValue(
                "the panel has another freq", where="freq", found=str(freq), expected=str(data.freq)
            )
        return _of_panel(data, series)
    if isinstance(data, np.ndarray):
        if freq is None:
            raise InvalidValue(
                "an array does not tell its periods per year",
                where="freq",
                found="none",
                expected="52 for weeks, 12 for months, 365 for days",
            )
        return _of_panel(Panel(np.atleast_2d(data), freq), series)
    if isinstance(data, str | Path):
        return csv_file.read(Path(data), freq, manner=manner)
    frame = polars_frame(data)
    rows = [(number, cells) for number, cells in enumerate(frame.rows(), start=1)]
    return table(frame.columns, rows, "frame", freq, manner=manner)


def combined(
    data: Data,
    population: Data | None,
    *,
    freq: int | None = None,
    series: Sequence[str] | None = None,
    manner: Manner = Manner(),  # noqa: B008 - a frozen value
) -> Laid:
    """`data` with the denominators of `population`, which comes in any of the same forms."""
    counts = laid(data, freq=freq, series=series, manner=manner)
    if population is None:
        return counts
    if isinstance(population, np.ndarray):
        values = np.broadcast_to(np.atleast_2d(population), counts.panel.counts.shape)
        return replace(counts, panel=replace(counts.panel, population=values))
    return with_population(counts, laid(population, freq=counts.axis.freq, manner=manner))


def _of_panel(panel: Panel, series: Sequence[str] | None) -> Laid:
    names = tuple(series) if series is not None else tuple(str(i + 1) for i in range(panel.n_series))
    if len(names) != panel.n_series or len(set(names)) != len(names):
        raise InvalidValue(
            "names do not fit the panel",
            where="series",
            found=f"{len(names)} name(s), {len(set(names))} different",
            expected=f"{panel.n_series} different names, one per row",
        )
    none = np.zeros(0, dtype=np.int64)
    return Laid(panel, names, Axis(panel.freq, panel.dates, np.arange(1, panel.n_time + 1), none))


def polars_frame(frame: Any) -> pl.DataFrame:
    """A polars or pandas frame as a polars one; InvalidValue for anything else."""
    if isinstance(frame, pl.DataFrame):
        return frame
    if isinstance(frame, pl.LazyFrame):
        return frame.collect()
    if hasattr(frame, "iloc") and hasattr(frame, "reset_index"):  # pandas, which need not be installed
        names = [str(column) for column in frame.columns]
        timed = any(name.lower() in ("date", "k", "日期") for name in names) or found_in(names) is not None
        if not timed:
            frame = frame.rename_axis("date" if "date" in type(frame.index).__name__.lower() else "k")
            frame = frame.reset_index()
        columns = {str(name): [_cell(v) for v in frame[name].tolist()] for name in frame.columns}
        return pl.DataFrame(columns, strict=False)
    raise InvalidValue(
        "data of a kind that cannot be read",
        where="data",
        found=type(frame).__name__,
        expected="a Panel, a numpy array, a polars or pandas frame, or the path of a CSV file",
    )


def _cell(value: Any) -> Any:
    """pandas' own missing values and times as what polars knows."""
    if value is None or (isinstance(value, float) and np.isnan(value)) or type(value).__name__ == "NAType":
        return None
    return value if isinstance(value, int | float | str) else str(value)
