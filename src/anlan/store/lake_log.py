"""The Delta table on disk: which files count, and commits that are durable when they return.

The Delta library does not flush what it writes, so a power cut could leave a committed entry that
points at a file with nothing in it. Here the order is fixed: data files are written and flushed,
then the log entry is written under a name that does not count and flushed, then it is given its
name by a hard link (which fails if another writer took the number), then the folder is flushed.
A process killed between two of these steps leaves files that nobody reads; `sweep` removes them.
The format is the open Delta protocol (reader version 1, writer version 2), so that any Delta reader
can open the table.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import io
import json
import os
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import polars as pl
from deltalake import DeltaTable, Field, Schema
from deltalake.exceptions import DeltaError, TableNotFoundError
from deltalake.schema import PrimitiveType

from anlan.model.errors import StoreUnavailable
from anlan.store.lake_rows import COLUMNS, INSTANT, PARTITIONS, instant, micros

CHECKPOINT_EVERY = 100
_KINDS: dict[pl.DataType, str] = {
    pl.Binary(): "binary",
    pl.String(): "string",
    pl.Int32(): "integer",
    pl.Int64(): "long",
    pl.Float64(): "double",
    INSTANT: "timestamp",
}
_REQUIRED = ("key", "indicator", "year", "place", "event", "at", "known", "unit")


@dataclass(frozen=True, slots=True)
class DataFile:
    """One Parquet file of the table. `first` and `last` are the smallest and largest `at` in it,
    microseconds since 1970."""

    path: str
    indicator: str
    year: int
    rows: int
    size: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Change:
    """What a commit changed. `content` False when rows were only moved (compaction)."""

    added: tuple[DataFile, ...]
    removed: tuple[str, ...]
    content: bool


def unavailable(error: Exception, folder: Path, doing: str) -> StoreUnavailable:
    """The operating system's refusal as a sentence a person can act on."""
    code = getattr(error, "errno", None)
    if code in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        message, mend = "the disk is full", "free space; nothing acknowledged is lost"
    elif code in (errno.EROFS, errno.EACCES, errno.EPERM):
        message, mend = "the folder cannot be written", "check its owner and how it is mounted"
    else:
        message, mend = "the store cannot be reached", "check the disk"
    return StoreUnavailable(f"{message} ({doing})", where=str(folder), found=str(error), mend=mend)


def flush_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_durably(path: Path, raw: bytes) -> None:
    """Write and flush a file; a file that could not be written whole is removed."""
    try:
        with path.open("wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
        raise


class DeltaLog:
    """The transaction log of one table in a local folder. `files` is what counts at `version`."""

    def __init__(self, folder: Path, *, wait_s: float = 10.0, create: bool = True) -> None:
        """`create` False: a table that is not there is read as an empty one, and nothing is made."""
        self.folder = folder
        self.wait_s = wait_s
        self.version = -1
        self.files: dict[str, DataFile] = {}
        self._log = folder / "_delta_log"
        self._threads = threading.RLock()
        self._held = 0
        if not create and not self._log.is_dir():
            return
        try:
            if not create:
                self._open()
                return
            folder.mkdir(parents=True, exist_ok=True)
            with self.lock():
                self._open()
        except OSError as error:
            raise unavailable(error, folder, "opening the lake") from error

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """One writer at a time, over processes and threads; the lock falls when its holder dies."""
        with self._threads:
            if self._held:
                self._held += 1
                try:
                    yield
                finally:
                    self._held -= 1
                return
            with (self.folder.parent / f".{self.folder.name}.lock").open("a") as file:
                end = time.monotonic() + self.wait_s
                while True:
                    try:
                        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        break
                    except BlockingIOError:
                        if time.monotonic() >= end:
                            raise StoreUnavailable(
                                "another process is writing to the lake",
                                where=str(self.folder),
                                found=f"locked for more than {self.wait_s:g} s",
                                mend="stop the other process, or wait for it",
                            ) from None
                        time.sleep(0.005)
                self._held = 1
                try:
                    yield
                finally:
                    self._held = 0

    def _entry(self, version: int) -> Path:
        return self._log / f"{version:020d}.json"

    def _open(self) -> None:
        try:
            table = self._load()
        except TableNotFoundError:
            DeltaTable.create(
                self.folder,
                schema=Schema(
                    [
                        Field(name, PrimitiveType(_KINDS[kind]), nullable=name not in _REQUIRED)
                        for name, kind in COLUMNS.items()
                    ]
                ),
                partition_by=list(PARTITIONS),
                name="observations",
                configuration={"delta.enableExpiredLogCleanup": "false"},
            )
            with self._entry(0).open("rb") as file:
                os.fsync(file.fileno())
            flush_folder(self._log)
            flush_folder(self.folder)
            table = self._load()
        self.version = table.version()
        adds: pl.DataFrame = pl.DataFrame(table.get_add_actions(flatten=True))
        self.files = {}
        for row in adds.iter_rows(named=True) if adds.height else ():
            path = unquote(row["path"])
            self.files[path] = DataFile(
                path=path,
                indicator=row["partition.indicator"],
                year=row["partition.year"],
                rows=row["num_records"],
                size=row["size_bytes"],
                first=micros(row["min.at"]),
                last=micros(row["max.at"]),
            )

    def _load(self) -> DeltaTable:
        try:
            return DeltaTable(self.folder)
        except TableNotFoundError:
            raise
        except (DeltaError, OSError):
            # A checkpoint is a copy of the log; one torn by a power cut is thrown away and the log read.
            torn = [path for path in self._log.glob("*.checkpoint*.parquet") if not _readable(path)]
            if not torn:
                raise
            for path in torn:
                path.unlink()
            (self._log / "_last_checkpoint").unlink(missing_ok=True)
            return DeltaTable(self.folder)

    def refresh(self) -> list[Change]:
        """Take in what other processes committed since; costs one look at the folder when nothing was."""
        changes = []
        while self._entry(self.version + 1).exists():
            changes.append(self._apply(self._entry(self.version + 1).read_bytes()))
            self.version += 1
        return changes

    def _apply(self, raw: bytes) -> Change:
        added: list[DataFile] = []
        removed: list[str] = []
        content = False
        for line in raw.splitlines():
            action = json.loads(line)
            if "add" in action:
                add = action["add"]
                stats = json.loads(add["stats"])
                added.append(
                    DataFile(
                        path=unquote(add["path"]),
                        indicator=add["partitionValues"]["indicator"],
                        year=int(add["partitionValues"]["year"]),
                        rows=stats["numRecords"],
                        size=add["size"],
                        first=_micros_of(stats["minValues"]["at"]),
                        last=_micros_of(stats["maxValues"]["at"]),
                    )
                )
                content = content or add["dataChange"]
            elif "remove" in action:
                removed.append(unquote(action["remove"]["path"]))
                content = content or action["remove"]["dataChange"]
        for path in removed:
            self.files.pop(path, None)
        self.files.update({file.path: file for file in added})
        return Change(tuple(added), tuple(removed), content)

    def write_file(self, frame: pl.DataFrame, indicator: str, year: int, name: str) -> DataFile:
        """One Parquet file of one partition, durable, but not yet part of the table."""
        relative = f"indicator={quote(indicator, safe='')}/year={year}/{name}.parquet"
        path = self.folder / relative
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True, exist_ok=True)
            flush_folder(path.parent.parent)
            flush_folder(self.folder)
        write_durably(path, _parquet(frame))
        flush_folder(path.parent)
        at = frame["at"].to_physical()
        return DataFile(
            relative, indicator, year, frame.height, path.stat().st_size, _int(at.min()), _int(at.max())
        )

    def commit(
        self,
        added: Sequence[DataFile],
        removed: Sequence[str] = (),
        *,
        content: bool,
        operation: str,
        at: int = 0,
    ) -> None:
        """Make files part of the table, and others not, in one step. The caller holds the lock and
        has refreshed. `at` is milliseconds since 1970, 0 where the caller has no clock."""
        actions: list[dict[str, Any]] = [
            {"commitInfo": {"timestamp": at, "operation": operation, "engineInfo": "anlan"}}
        ]
        actions += [
            {
                "remove": {
                    "path": quote(path, safe="/="),
                    "deletionTimestamp": at,
                    "dataChange": content,
                    "extendedFileMetadata": True,
                    "partitionValues": _partition(self.files[path]),
                    "size": self.files[path].size,
                }
            }
            for path in removed
        ]
        actions += [
            {
                "add": {
                    "path": quote(file.path, safe="/="),
                    "partitionValues": _partition(file),
                    "size": file.size,
                    "modificationTime": at,
                    "dataChange": content,
                    "stats": json.dumps(
                        {
                            "numRecords": file.rows,
                            "minValues": {"at": _iso(file.first)},
                            "maxValues": {"at": _iso(file.last)},
                            "nullCount": {"at": 0},
                        }
                    ),
                }
            }
            for file in added
        ]
        raw = "".join(json.dumps(action, separators=(",", ":")) + "\n" for action in actions).encode()
        entry = self._entry(self.version + 1)
        draft = self._log / f".{entry.name}.draft"
        write_durably(draft, raw)
        try:
            os.link(draft, entry)
        finally:
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)
        self._apply(raw)
        self.version += 1
        flush_folder(self._log)
        if self.version % CHECKPOINT_EVERY == 0:
            self.checkpoint()

    def checkpoint(self) -> None:
        """Sum the log up in one file so that opening stays fast. Failing to is no loss."""
        with contextlib.suppress(DeltaError, OSError):
            DeltaTable(self.folder).create_checkpoint()
            for path in (
                self._log / f"{self.version:020d}.checkpoint.parquet",
                self._log / "_last_checkpoint",
            ):
                with path.open("rb") as file:
                    os.fsync(file.fileno())
            flush_folder(self._log)

    def sweep(self, keep_hours: int) -> list[str]:
        """Remove files that no version of the last `keep_hours` needs, and leavings of killed writers."""
        gone: list[str] = DeltaTable(self.folder).vacuum(
            retention_hours=keep_hours, dry_run=False, enforce_retention_duration=False, full=True
        )
        self.refresh()
        return gone


def _readable(path: Path) -> bool:
    try:
        pl.read_parquet_schema(path)
    except (pl.exceptions.PolarsError, OSError):
        return False
    return True


def _partition(file: DataFile) -> dict[str, str]:
    return {"indicator": file.indicator, "year": str(file.year)}


def _parquet(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.drop(*PARTITIONS).write_parquet(
        buffer, compression="zstd", compression_level=1, row_group_size=65_536
    )
    return buffer.getvalue()


def _int(value: Any) -> int:
    return int(value)


def _iso(microseconds: int) -> str:
    return instant(microseconds).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _micros_of(text: str) -> int:
    return micros(datetime.fromisoformat(text))
