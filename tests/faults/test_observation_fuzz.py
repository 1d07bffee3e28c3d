"""The readers of observations against input made to break them: every input is read, or refused by the error
that its reader promises; no item is said to have broken its reader."""

from __future__ import annotations

import io
import json
import os
import random
from collections.abc import Callable
from datetime import UTC, date, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from anlan.formats.pushed import Refused, read_pushed
from anlan.formats.table import read_csv, read_parquet
from anlan.formats.usgs import read_quakes
from anlan.model.errors import BadInput
from cap_fuzz import mutated

SEED = int(os.environ.get("ANLAN_FUZZ_SEED", "20261126"))
RECEIVED = datetime(2026, 1, 1, tzinfo=UTC)
QUAKE = {
    "id": "us1",
    "type": "Feature",
    "properties": {"mag": 4.5, "time": 1_700_000_000_000, "updated": 1_700_000_001_000, "ids": ",us1,"},
    "geometry": {"type": "Point", "coordinates": [100.1, 30.2, 10.0]},
}
ITEM = {
    "indicator": "rain",
    "place": "p",
    "value": 1.5,
    "unit": "mm",
    "at": "2025-12-31T00:00:00Z",
    "known": "2025-12-31T01:00:00Z",
}


def _arrow() -> bytes:
    table = pa.table({name: [value] for name, value in ITEM.items()})
    out = io.BytesIO()
    with pa.ipc.new_stream(out, table.schema) as writer:
        writer.write_table(table)
    return out.getvalue()


def _parquet() -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table({"day": [date(2024, 1, 1), None], "place": ["a", "b"], "x": [1.5, 2.0]}), out)
    return out.getvalue()


def _pushed(raw: bytes) -> None:
    for one in read_pushed(raw, "f", RECEIVED, "source", "0" * 64):
        assert not isinstance(one, Refused) or "its reader failed" not in str(one.error), one.error


READERS: dict[str, tuple[list[bytes], Callable[[bytes], object]]] = {
    "quakes": ([json.dumps({"type": "FeatureCollection", "features": [QUAKE] * 2}).encode()],
               lambda raw: read_quakes(raw, "f")),
    "pushed": ([json.dumps([ITEM] * 2).encode(), json.dumps({"observations": [ITEM]}).encode()], _pushed),
    "arrow": ([_arrow()], _pushed),
    "parquet": ([_parquet()], lambda raw: list(read_parquet(raw, "f").records)),
    "csv": ([b'date,place,value\n2024-01-01,a,1\n2024-01-02,"b\nc",2\n', "日期\n1\n".encode("utf-8-sig")],
            lambda raw: list(read_csv(raw, "f").records)),
}  # fmt: skip


def tried(count: int, seed: int) -> dict[str, int]:
    """How many inputs each reader took."""
    read = dict.fromkeys(READERS, 0)
    for number in range(count):
        choice = random.Random(f"{seed}:{number}")
        name = list(READERS)[number % len(READERS)]
        kept, reader = READERS[name]
        raw = mutated(choice.choice(kept), choice)
        try:
            reader(raw)
        except BadInput:
            continue
        except Exception as error:
            pytest.fail(f"{name}: {error!r}; seed {seed}, number {number}: {raw[:200]!r}")
        read[name] += 1
    return read


def test_a_few_thousand_broken_observations_are_read_or_refused() -> None:
    read = tried(4_000, SEED)
    assert all(read.values()), read  # some of what was broken can still be read


@pytest.mark.soak
def test_many_broken_observations_are_read_or_refused() -> None:
    tried(int(os.environ.get("ANLAN_FUZZ_INPUTS", "1000000")), SEED)
