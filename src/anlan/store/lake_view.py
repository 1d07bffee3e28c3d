"""One indicator in memory: every revision, sorted, so that a read as known then is a few array steps."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anlan.ports.lake import Slice
from anlan.store.lake_rows import ORDER

FEW = 256
KEY = "S32"
WANTED = ("place", "event", "at", "known", "key", "value", "lon", "lat")


class IndicatorView:
    """Rows in the order (place, event, at, known, key). `rank` numbers the (place, event) pairs in
    their order; `at` and `known` are microseconds since 1970."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._set(frame.select(WANTED))

    def __len__(self) -> int:
        return len(self.at)

    def _set(self, frame: pl.DataFrame) -> None:
        frame = frame.sort(ORDER)
        first = (
            (frame["place"] != frame["place"].shift(1)) | (frame["event"] != frame["event"].shift(1))
        ).fill_null(True)
        heads = frame.filter(first)
        self._names: list[tuple[str, str]] = list(zip(heads["place"], heads["event"], strict=True))
        self._name_arrays()
        self.rank: NDArray[np.int64] = np.cumsum(first.to_numpy()).astype(np.int64) - 1
        self.at: NDArray[np.int64] = frame["at"].to_physical().to_numpy().copy()
        self.known: NDArray[np.int64] = frame["known"].to_physical().to_numpy().copy()
        self.key: NDArray[np.bytes_] = np.array(frame["key"].to_list(), dtype=KEY)
        self.value, self.lon, self.lat = (_floats(frame[name]) for name in ("value", "lon", "lat"))
        self._in_order: NDArray[np.int64] | None = None

    def _name_arrays(self) -> None:
        self._places: NDArray[np.object_] = np.array([place for place, _ in self._names], dtype=object)
        self._events: NDArray[np.object_] = np.array([event for _, event in self._names], dtype=object)

    def held(self, keys: Sequence[bytes], first: int, last: int) -> NDArray[np.bool_]:
        """Which of `keys` are here already; only rows with `first` <= at <= `last` are looked at."""
        near = self.key[(self.at >= first) & (self.at <= last)]
        return np.isin(np.array(keys, dtype=KEY), near)

    def add(self, frame: pl.DataFrame) -> None:
        """Take in rows that are not here yet."""
        frame = frame.select(WANTED)
        if frame.height > FEW:
            self._set(pl.concat([self._frame(), frame]))
            return
        for row in frame.sort(ORDER).with_columns(pl.col("at", "known").to_physical()).iter_rows():
            self._insert(*row)

    def _insert(
        self,
        place: str,
        event: str,
        at: int,
        known: int,
        key: bytes,
        value: float | None,
        lon: float | None,
        lat: float | None,
    ) -> None:
        name = (place, event)
        rank = bisect_left(self._names, name)
        if rank == len(self._names) or self._names[rank] != name:
            self._names.insert(rank, name)
            self.rank[np.searchsorted(self.rank, rank) :] += 1
            self._places = np.insert(self._places, rank, place)
            self._events = np.insert(self._events, rank, event)
        low, high = _span(self.rank, 0, len(self), rank)
        low, high = _span(self.at, low, high, at)
        low, high = _span(self.known, low, high, known)
        spot = low + int(np.searchsorted(self.key[low:high], np.array([key], dtype=KEY))[0])
        self.rank = np.insert(self.rank, spot, rank)
        self.at = np.insert(self.at, spot, at)
        self.known = np.insert(self.known, spot, known)
        self._in_order = None
        self.key = np.insert(self.key, spot, np.array([key], dtype=KEY))
        self.value = np.insert(self.value, spot, np.nan if value is None else value)
        self.lon = np.insert(self.lon, spot, np.nan if lon is None else lon)
        self.lat = np.insert(self.lat, spot, np.nan if lat is None else lat)

    def _frame(self) -> pl.DataFrame:
        instants = {
            name: pl.Series(values).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
            for name, values in (("at", self.at), ("known", self.known))
        }
        return pl.DataFrame(
            {
                "place": pl.Series(self._places[self.rank].tolist(), dtype=pl.String),
                "event": pl.Series(self._events[self.rank].tolist(), dtype=pl.String),
                **instants,
                # numpy drops trailing zero bytes when it hands a string out
                "key": pl.Series([key.ljust(32, b"\0") for key in self.key.tolist()], dtype=pl.Binary),
                "value": pl.Series(self.value).fill_nan(None),
                "lon": pl.Series(self.lon).fill_nan(None),
                "lat": pl.Series(self.lat).fill_nan(None),
            }
        ).select(WANTED)

    def read(self, known: int, places: Sequence[str] | None, since: int | None, until: int | None) -> Slice:
        """As anlan.ports.lake.Lake.read."""
        rows = slice(0, len(self)) if places is None else self._rows_of(places)
        wanted = self.known[rows] <= known
        if since is not None:
            wanted &= self.at[rows] >= since
        if until is not None:
            wanted &= self.at[rows] < until
        found = np.flatnonzero(wanted) if isinstance(rows, slice) else rows[wanted]
        rank, at = self.rank[found], self.at[found]
        newest = np.ones(len(found), dtype=bool)
        newest[:-1] = (rank[1:] != rank[:-1]) | (at[1:] != at[:-1])
        found, rank, at = found[newest], rank[newest], at[newest]
        return Slice(
            place=self._places[rank],
            event=self._events[rank],
            at=at.view("datetime64[us]"),
            known=self.known[found].view("datetime64[us]"),
            value=self.value[found],
            lon=self.lon[found],
            lat=self.lat[found],
        )

    def _rows_of(self, places: Sequence[str]) -> NDArray[np.int64]:
        spans = []
        for place in sorted(set(places)):
            low = bisect_left(self._names, place, key=lambda name: name[0])
            high = bisect_right(self._names, place, key=lambda name: name[0])
            spans.append(np.arange(np.searchsorted(self.rank, low), np.searchsorted(self.rank, high)))
        return np.concatenate(spans) if spans else np.empty(0, dtype=np.int64)

    def learnt(self, place: str) -> NDArray[np.datetime64]:
        """As anlan.store.lake.DeltaLake.learnt."""
        return np.unique(self.known[self._rows_of([place])]).view("datetime64[us]")

    def count(self, known: int) -> int:
        """How many revisions were known at or before `known`."""
        if self._in_order is None:
            self._in_order = np.sort(self.known)
        return int(np.searchsorted(self._in_order, known, "right"))

    def newest_of(self, events: Sequence[str]) -> tuple[str, str, int] | None:
        """(event, place, at) of the row known last among those of the events that hold a value, or
        None."""
        wanted = set(events)
        ranks = [rank for rank, (_, event) in enumerate(self._names) if event in wanted]
        rows = np.flatnonzero(np.isin(self.rank, ranks) & ~np.isnan(self.value))
        if not len(rows):
            return None
        row = rows[np.lexsort((self.at[rows], self.known[rows]))[-1]]
        return self._events[self.rank[row]], self._places[self.rank[row]], int(self.at[row])


def _span(values: NDArray[np.int64], low: int, high: int, wanted: int) -> tuple[int, int]:
    part = values[low:high]
    return (
        low + int(np.searchsorted(part, wanted, "left")),
        low + int(np.searchsorted(part, wanted, "right")),
    )


def _floats(column: pl.Series) -> NDArray[np.float64]:
    return column.cast(pl.Float64).fill_null(float("nan")).to_numpy().astype(np.float64)
