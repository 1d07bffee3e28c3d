"""Observations into the lake: rows per second, durable when acknowledged.

Ours: batches of 50,000 observations appended to the Delta lake: every row keyed by its content, checked
against what is there, sorted, written, flushed and committed. The peers start from columns and do less:
they write the same columns of the same rows without keys, checks or a log. polars and pyarrow: one
Parquet file for each batch, flushed. sqlite: executemany into one table, one durable transaction for
each batch. Rows and sums are compared before times are.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from anlan.model.observation import Observation
from anlan.model.provenance import Provenance
from anlan.store.lake import DeltaLake

BATCH = 50_000
PLACES = 1_000
START = datetime(2000, 1, 1, tzinfo=UTC)
LATE = datetime(2100, 1, 1, tzinfo=UTC)
PROVENANCE = Provenance("bench", "bench.csv", 1, "0" * 64)


def batches(rows: int) -> Iterator[list[Observation]]:
    """Daily values of 1,000 places, day after day: the same in every run."""
    values = np.random.default_rng(1).poisson(20, rows).astype(float).tolist()
    places = [f"cn/{110_000 + place}" for place in range(PLACES)]
    for first in range(0, rows, BATCH):
        yield [
            Observation(
                "cases",
                places[number % PLACES],
                at := START + timedelta(days=number // PLACES),
                at + timedelta(days=9),
                values[number],
                "{case}",
                PROVENANCE,
            )
            for number in range(first, min(first + BATCH, rows))
        ]


def frames(rows: int) -> Iterator[pl.DataFrame]:
    """What the peers write: the same rows in columns."""
    for batch in batches(rows):
        yield pl.DataFrame(
            {
                "indicator": [item.indicator for item in batch],
                "place": [item.place for item in batch],
                "at": [item.at for item in batch],
                "known": [item.known for item in batch],
                "value": [item.value for item in batch],
                "unit": [item.unit for item in batch],
                "source": [item.provenance.source for item in batch],
                "ref": [item.provenance.ref for item in batch],
                "line": [item.provenance.line for item in batch],
                "digest": [item.provenance.digest for item in batch],
            }
        )


def flush(path: Path) -> None:
    for target in (path, path.parent):
        handle = os.open(target, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)


def ours(folder: Path, rows: int) -> tuple[dict[str, float], int, float]:
    lake = DeltaLake.open(folder)
    spent = 0.0
    for batch in batches(rows):
        begun = time.perf_counter()
        lake.append(batch)
        spent += time.perf_counter() - begun
    times = {"append_s": spent}
    again = next(batches(rows))
    begun = time.perf_counter()
    repeated = lake.append(again).repeated
    times["repeat_a_batch_s"] = time.perf_counter() - begun
    fresh = DeltaLake.open(folder)
    read = fresh.read("cases", known=LATE)
    places = ["cn/110000"]
    begun = time.perf_counter()
    fresh.read("cases", known=LATE, places=places)
    times["read_one_place_s"] = time.perf_counter() - begun
    few = [
        Observation("few", f"p{number % 100}", START + timedelta(days=number // 100),
                    START + timedelta(days=number // 100), 1.0, "1", PROVENANCE)
        for number in range(10_000)
    ]  # fmt: skip
    lake.append(few)
    lake.read("few", known=LATE)
    reads, appends = [], []
    for day in range(100, 150):
        at = START + timedelta(days=day)
        begun = time.perf_counter()
        lake.append([Observation("few", f"p{place}", at, at, 2.0, "1", PROVENANCE) for place in range(10)])
        appends.append(time.perf_counter() - begun)
        begun = time.perf_counter()
        lake.read("few", known=at)
        reads.append(time.perf_counter() - begun)
    times["append_10_rows_s"] = float(np.median(appends))
    times["read_10000_rows_s"] = float(np.median(reads))
    begun = time.perf_counter()
    lake.compact(LATE)
    times["compact_s"] = time.perf_counter() - begun
    if repeated != len(again):
        raise SystemExit(f"a repeated batch was kept again: {len(again) - repeated} rows")
    lake.close()
    fresh.close()
    return times, len(read.value), float(read.value.sum())


def polars_peer(folder: Path, rows: int) -> tuple[float, int, float]:
    spent = 0.0
    for number, frame in enumerate(frames(rows)):
        begun = time.perf_counter()
        path = folder / f"{number}.parquet"
        frame.write_parquet(path)
        flush(path)
        spent += time.perf_counter() - begun
    back = pl.read_parquet(folder / "*.parquet", columns=["value"])
    return spent, back.height, float(back["value"].sum())


def pyarrow_peer(folder: Path, rows: int) -> tuple[float, int, float]:
    spent = 0.0
    for number, frame in enumerate(frames(rows)):
        table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
        begun = time.perf_counter()
        path = folder / f"{number}.parquet"
        pq.write_table(table, path)
        flush(path)
        spent += time.perf_counter() - begun
    back = pa.concat_tables(pq.read_table(path, columns=["value"]) for path in folder.glob("*.parquet"))
    return spent, back.num_rows, float(back["value"].to_numpy().sum())


def sqlite_peer(folder: Path, rows: int) -> tuple[float, int, float]:
    connection = sqlite3.connect(folder / "rows.sqlite", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(
        "CREATE TABLE observations (indicator, place, at, known, value, unit, source, ref, line, digest)"
    )
    spent = 0.0
    for frame in frames(rows):
        tuples = frame.with_columns(pl.col("at", "known").to_physical()).rows()
        begun = time.perf_counter()
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO observations VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", tuples)
        connection.execute("COMMIT")
        spent += time.perf_counter() - begun
    count, total = connection.execute("SELECT count(*), sum(value) FROM observations").fetchone()
    connection.close()
    return spent, count, total


def main(small: bool) -> None:
    rows = 100_000 if small else 1_000_000
    root = Path(tempfile.mkdtemp(prefix="ingest-"))
    try:
        folders = {name: root / name for name in ("ours", "polars", "pyarrow", "sqlite")}
        for folder in folders.values():
            folder.mkdir()
        times, count, total = ours(folders["ours"], rows)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        gc.collect()
        peers, agree = {}, count == rows
        for name, run in (("polars", polars_peer), ("pyarrow", pyarrow_peer), ("sqlite", sqlite_peer)):
            spent, peer_count, peer_total = run(folders[name], rows)
            peers[name] = {"append_s": round(spent, 4)}
            agree = agree and (peer_count, peer_total) == (count, total)
            print(f"{name:8} {rows / spent:12,.0f} rows/s", file=sys.stderr)
    finally:
        shutil.rmtree(root)
    print(f"ours     {rows / times['append_s']:12,.0f} rows/s, keyed, checked, committed", file=sys.stderr)
    result = {
        "name": "ingest",
        "work": f"{rows} rows in batches of {BATCH}, durable after each",
        "ours": {name: round(value, 5) for name, value in times.items()},
        "peers": peers,
        "ratio": {name: round(peer["append_s"] / times["append_s"], 3) for name, peer in peers.items()},
        "agree": agree,
        "peak_mb": round(peak),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main("--small" in sys.argv[1:])
