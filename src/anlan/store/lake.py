"""The lake of observations: a Delta table with both times of every value, read as known then."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anlan.formats.values import canonical
from anlan.model.errors import WrongUnit
from anlan.model.observation import Observation
from anlan.model.quarantine import Quarantined
from anlan.ports.lake import Appended, Slice
from anlan.store.lake_log import DataFile, DeltaLog, unavailable
from anlan.store.lake_rows import ORDER, instant, micros, to_frame, to_observations
from anlan.store.lake_scan import as_known, scan
from anlan.store.lake_view import IndicatorView
from anlan.store.quarantine import QuarantineTable


@dataclass(frozen=True, slots=True)
class Compacted:
    """What a compaction did: small `files` merged into `into`, `swept` old files removed from disk."""

    files: int
    into: int
    swept: int


class DeltaLake:
    """Implements anlan.ports.lake.Lake in a local folder.

    `view_rows`: how many rows may be kept in memory, over all indicators; an indicator with more is
    read from its files every time. `wait_s`: how long to wait for another writer before
    StoreUnavailable. Several processes may have the lake open; each sees the others' commits.
    """

    def __init__(
        self,
        folder: Path,
        quarantine: QuarantineTable,
        *,
        view_rows: int = 4_000_000,
        wait_s: float = 10.0,
        create: bool = True,
    ) -> None:
        self.folder = folder
        self._log = DeltaLog(folder / "observations", wait_s=wait_s, create=create)
        self._quarantine = quarantine
        self._view_rows = view_rows
        self._views: OrderedDict[str, IndicatorView] = OrderedDict()
        self._units: dict[str, str] = {}
        self._removals = 0
        self._lock = threading.RLock()

    @classmethod
    def open(
        cls, workspace: Path, *, view_rows: int = 4_000_000, wait_s: float = 10.0, create: bool = True
    ) -> DeltaLake:
        """The lake of a workspace: `lake/` and `quarantine.sqlite` in its folder, made if missing
        (`create` False: read as empty, for those who only read)."""
        return cls(
            workspace / "lake",
            QuarantineTable(workspace / "quarantine.sqlite", create=create),
            view_rows=view_rows,
            wait_s=wait_s,
            create=create,
        )

    # -- writing ------------------------------------------------------------------------------------

    def append(self, observations: Iterable[Observation]) -> Appended:
        """Durable when it returns: all of the rows or, on an error, none. WrongUnit when an indicator
        comes in another unit than it is kept in; StoreUnavailable when the disk is full or another
        process holds the lake."""
        frame = to_frame(observations)
        if not frame.height:
            return Appended(0, 0)
        with self._lock, self._log.lock():
            self._refresh()
            try:
                return self._append(frame)
            except OSError as error:
                raise unavailable(error, self.folder, "appending observations") from error

    def _append(self, frame: pl.DataFrame) -> Appended:
        files: list[DataFile] = []
        try:
            return self._append_as(frame, files)
        except OSError:
            # Give the space of half a batch back: files that no commit points at. A commit that was made
            # but could not be flushed counts though it is not acknowledged: read everything again.
            self._views.clear()
            for file in files:
                if file.path not in self._log.files:
                    with contextlib.suppress(OSError):
                        (self._log.folder / file.path).unlink(missing_ok=True)
            raise

    def _append_as(self, frame: pl.DataFrame, files: list[DataFile]) -> Appended:
        total = frame.height
        fresh: dict[str, pl.DataFrame] = {}
        for (indicator,), part in frame.unique("key", keep="first", maintain_order=True).group_by(
            "indicator", maintain_order=True
        ):
            new = self._without_held(str(indicator), part)
            if not new.height:
                continue
            fresh[str(indicator)] = new
            for (year,), rows in new.group_by("year", maintain_order=True):
                ordered = rows.sort(ORDER)
                name = f"{self._log.version + 1:010d}-{len(files)}"
                files.append(self._log.write_file(ordered, str(indicator), _year(year), name))
        if files:
            self._log.commit(files, content=True, operation="WRITE")
        for indicator, new in fresh.items():
            self._units.setdefault(indicator, new["unit"][0])
            view = self._views.get(indicator)
            if view is not None:
                view.add(new)
        new_rows = sum(new.height for new in fresh.values())
        return Appended(new_rows, total - new_rows)

    def _without_held(self, indicator: str, part: pl.DataFrame) -> pl.DataFrame:
        """The rows that the lake does not hold yet, after a check of the unit."""
        kept_in = self._unit(indicator) or part["unit"][0]
        other = part.filter(pl.col("unit") != kept_in)
        if other.height:
            raise WrongUnit(
                "an indicator is kept in one unit",
                where=f"observations of {indicator}",
                found=other["unit"][0],
                expected=kept_in,
                mend="convert before appending, or give the indicator of the new unit another id",
            )
        at = part["at"].to_physical()
        first, last = int(at.min()), int(at.max())  # type: ignore[arg-type]
        near = [file for file in self._files(indicator) if file.last >= first and file.first <= last]
        if not near:
            return part
        view = self._view(indicator)
        if view is not None:
            return part.filter(~pl.Series(view.held(part["key"].to_list(), first, last)))
        held = scan(self._log.folder, near).filter(pl.col("at").is_between(instant(first), instant(last)))
        return part.join(held.select("key").collect(), on="key", how="anti", maintain_order="left")

    # -- reading ------------------------------------------------------------------------------------

    def read(
        self,
        indicator: str,
        *,
        known: datetime,
        places: Sequence[str] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Slice:
        """As anlan.ports.lake.Lake.read; from memory where the indicator fits there."""
        with self._lock:
            self._refresh()
            view = self._view(indicator)
            if view is None:
                return self._read_files(indicator, known, places, since, until)
            return view.read(
                micros(known),
                places,
                None if since is None else micros(since),
                None if until is None else micros(until),
            )

    def read_files(
        self,
        indicator: str,
        *,
        known: datetime,
        places: Sequence[str] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Slice:
        """The same as `read`, always from the files."""
        with self._lock:
            self._refresh()
            return self._read_files(indicator, known, places, since, until)

    def _read_files(
        self,
        indicator: str,
        known: datetime,
        places: Sequence[str] | None,
        since: datetime | None,
        until: datetime | None,
    ) -> Slice:
        first = None if since is None else micros(since)
        last = None if until is None else micros(until)
        files = [
            file
            for file in self._files(indicator)
            if (first is None or file.last >= first) and (last is None or file.first < last)
        ]
        try:
            return as_known(scan(self._log.folder, files), known, places, since, until)
        except OSError as error:
            raise unavailable(error, self.folder, "reading observations") from error

    def revisions(
        self, indicator: str, *, place: str | None = None, at: datetime | None = None, event: str = ""
    ) -> tuple[Observation, ...]:
        """Every kept revision with its provenance, in canonical order, narrowed to a place, an instant
        of `at`, an event."""
        with self._lock:
            self._refresh()
            rows = scan(self._log.folder, self._files(indicator))
            if place is not None:
                rows = rows.filter(pl.col("place") == place)
            if at is not None:
                rows = rows.filter(pl.col("at") == at)
            if event:
                rows = rows.filter(pl.col("event") == event)
            return to_observations(rows.sort(ORDER).collect(), indicator)

    def learnt(self, indicator: str, place: str) -> NDArray[np.datetime64]:
        """The instants (UTC) at which anything of a series was learnt, each once, in order."""
        with self._lock:
            self._refresh()
            view = self._view(indicator)
            if view is not None:
                return view.learnt(place)
            rows = scan(self._log.folder, self._files(indicator)).filter(pl.col("place") == place)
            known = rows.select(pl.col("known").unique().sort()).collect()["known"]
            return known.to_physical().to_numpy().view("datetime64[us]")

    def version(self) -> int:
        """The number of the newest commit, those of other processes included: while it is the same, every
        read answers the same."""
        with self._lock:
            self._refresh()
            return self._log.version

    def stamp(self, indicator: str, known: datetime) -> Hashable:
        """As anlan.ports.lake.Stamped. Rows are only ever added, so as many known then are the same ones; of
        an indicator that is not in memory any commit at all makes another stamp."""
        with self._lock:
            self._refresh()
            view = self._view(indicator)
            if view is None:
                return "version", self._log.version
            return "revisions", self._removals, view.count(micros(known))

    def event(self, indicator: str, ids: Sequence[str]) -> tuple[str, str, datetime] | None:
        """Under which (event, place, at) an event with any of these ids was last kept, or None."""
        with self._lock:
            self._refresh()
            view = self._view(indicator)
            if view is not None:
                found = view.newest_of(ids)
                return None if found is None else (found[0], found[1], instant(found[2]))
            rows = (
                scan(self._log.folder, self._files(indicator))
                .filter(pl.col("event").is_in(list(ids)) & pl.col("value").is_not_null())
                .sort("known", "at")
                .tail(1)
                .collect()
            )
            row = rows.to_dicts()
            return (row[0]["event"], row[0]["place"], row[0]["at"]) if row else None

    def indicators(self) -> dict[str, int]:
        """Rows kept, by indicator."""
        with self._lock:
            self._refresh()
            rows: dict[str, int] = {}
            for file in self._log.files.values():
                rows[file.indicator] = rows.get(file.indicator, 0) + file.rows
            return dict(sorted(rows.items()))

    def sources(self) -> dict[str, tuple[int, datetime]]:
        """Rows kept and the newest `known` among them, by source."""
        with self._lock:
            self._refresh()
            rows = (
                scan(self._log.folder, list(self._log.files.values()))
                .group_by("source")
                .agg(pl.len().alias("rows"), pl.col("known").max())
                .sort("source")
                .collect()
            )
            return {row["source"]: (row["rows"], row["known"]) for row in rows.to_dicts()}

    def digest(self, slice: Slice) -> str:
        """SHA-256 over the slice: its strings as canonical JSON, its arrays as little-endian bytes,
        every NaN the same."""
        parts = hashlib.sha256(canonical([slice.place.tolist(), slice.event.tolist()]))
        for instants in (slice.at, slice.known):
            parts.update(instants.astype("datetime64[us]").astype("<i8").tobytes())
        for numbers in (slice.value, slice.lon, slice.lat):
            parts.update(np.where(np.isnan(numbers), np.nan, numbers + 0.0).astype("<f8").tobytes())
        return parts.hexdigest()

    # -- quarantine ---------------------------------------------------------------------------------

    def quarantine(self, items: Iterable[Quarantined]) -> int:
        """As anlan.ports.lake.Lake.quarantine."""
        return self._quarantine.keep(items)

    def quarantined(self, status: str | None = None) -> list[Quarantined]:
        """As anlan.ports.lake.Lake.quarantined."""
        return self._quarantine.list(status)

    def held(self, id: str) -> Quarantined:
        """One quarantined item, whatever its status; NotFound."""
        return self._quarantine.show(id)

    def mark_retried(self, id: str) -> Quarantined:
        """As QuarantineTable.retried."""
        return self._quarantine.retried(id)

    def mark_released(self, id: str) -> Quarantined:
        """As QuarantineTable.released."""
        return self._quarantine.released(id)

    # -- upkeep -------------------------------------------------------------------------------------

    def fragments(self) -> int:
        """How many files more than one there are for each indicator and year: what `compact` merges."""
        with self._lock:
            self._refresh()
            return len(self._log.files) - len({(f.indicator, f.year) for f in self._log.files.values()})

    def compact(self, now: datetime, *, keep: timedelta = timedelta(days=7)) -> Compacted:
        """Merge the files of each indicator and year into one, rows sorted by place, event and time.
        No row changes. Files merged away stay on disk for `keep`, for readers that have them open."""
        with self._lock, self._log.lock():
            self._refresh()
            groups: dict[tuple[str, int], list[DataFile]] = {}
            for file in self._log.files.values():
                groups.setdefault((file.indicator, file.year), []).append(file)
            merged = into = 0
            try:
                for (indicator, year), files in sorted(groups.items()):
                    if len(files) < 2:
                        continue
                    rows = scan(self._log.folder, files).sort(ORDER).collect()
                    rows = rows.with_columns(indicator=pl.lit(indicator), year=pl.lit(year, pl.Int32))
                    name = f"{self._log.version + 1:010d}-merged"
                    one = self._log.write_file(rows, indicator, year, name)
                    self._log.commit(
                        [one],
                        [file.path for file in files],
                        content=False,
                        operation="OPTIMIZE",
                        at=micros(now) // 1000,
                    )
                    merged, into = merged + len(files), into + 1
                self._log.checkpoint()
                swept = self._log.sweep(int(keep.total_seconds() // 3600))
            except OSError as error:
                raise unavailable(error, self.folder, "compacting the lake") from error
            return Compacted(merged, into, len(swept))

    def close(self) -> None:
        """Let go of memory and the quarantine's connection. Everything kept is already durable."""
        with self._lock:
            self._views.clear()
            self._quarantine.close()

    # -- the part in memory ---------------------------------------------------------------------------

    def _files(self, indicator: str) -> list[DataFile]:
        return [file for file in self._log.files.values() if file.indicator == indicator]

    def _refresh(self) -> None:
        """Bring views up to date with what other processes committed."""
        for change in self._log.refresh():
            if not change.content:
                continue
            if change.removed:
                self._removals += 1
                self._views.clear()
                continue
            for file in change.added:
                view = self._views.get(file.indicator)
                if view is not None:
                    view.add(scan(self._log.folder, [file]).collect())

    def _view(self, indicator: str) -> IndicatorView | None:
        view = self._views.get(indicator)
        if view is not None:
            if len(view) > self._view_rows:
                del self._views[indicator]
                return None
            self._views.move_to_end(indicator)
            return view
        files = self._files(indicator)
        if sum(file.rows for file in files) > self._view_rows:
            return None
        view = IndicatorView(scan(self._log.folder, files).collect())
        self._views[indicator] = view
        while sum(map(len, self._views.values())) > self._view_rows and len(self._views) > 1:
            self._views.popitem(last=False)
        return view

    def _unit(self, indicator: str) -> str:
        if indicator not in self._units:
            files = self._files(indicator)[:1]
            if files:
                self._units[indicator] = scan(self._log.folder, files).select("unit").head(1).collect().item()
        return self._units.get(indicator, "")


def _year(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError(f"a year must be an int, not {value!r}")
    return value
