"""Hostile and broken input: held with its reason, in bounded memory, and the rest goes on."""

from __future__ import annotations

import gzip
import io
import json
import resource
import struct
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from anlan.ports.source import Batch, Source
from anlan.sources import registry
from anlan.store.lake import DeltaLake
from anlan.testing.check_source import hostile_inputs
from anlan.testing.drill_pack import drill_pack, drill_source

NOW = datetime(2017, 9, 14, 6, tzinfo=UTC)
OPTIONS: dict[str, dict[str, Any]] = {
    "table": {"file": "t.csv", "place": "place", "at": "day", "at_format": "date", "value": "n"},
    "usgs": {"file": "f.json", "outside": "xx"},
    "cap": {"file": "f.xml", "place": "xx"},
    "push": {},
    "mqtt": {"host": "h", "subscribe": ["#"]},
}


def source(kind: str, **options: Any) -> Source:
    indicators = ("cases",) if kind == "table" else ()
    return registry.build(drill_source(kind, indicators, **OPTIONS[kind], **options))


def parse(kind: str, raw: bytes, **options: Any) -> Batch:
    return source(kind, **options).parse(raw, "input", NOW, drill_pack())


@pytest.mark.parametrize("kind", OPTIONS)
@pytest.mark.parametrize("name", hostile_inputs(b"place,day,n\nxx,2011-05-02,1\n"))
def test_no_source_stumbles_over_a_hostile_document_and_each_is_kept_in_quarantine(
    kind: str, name: str, tmp_path: Path
) -> None:
    raw = hostile_inputs(b"place,day,n\nxx,2011-05-02,1\n")[name]
    batch = parse(kind, raw)
    lake = DeltaLake.open(tmp_path)
    lake.append(batch.observations)
    assert lake.quarantine(batch.quarantined) == len(batch.quarantined)
    assert lake.quarantine(batch.quarantined) == 0
    lake.close()


@pytest.mark.parametrize("kind", ["usgs", "push", "mqtt"])
@pytest.mark.parametrize("raw", [b"", b"<html></html>", b"{", b'"text"', b'{"features": 1}'])
def test_a_feed_that_is_not_json_of_its_form_is_held_whole(kind: str, raw: bytes) -> None:
    (held,) = parse(kind, raw).quarantined
    assert held.code == "unreadable" and held.raw == raw and held.line is None


@pytest.mark.parametrize(("kind", "line"), [("usgs", None), ("push", 1), ("mqtt", 1)])
def test_a_number_that_is_none_is_held_as_it_came(kind: str, line: int | None) -> None:
    (held,) = parse(kind, b"[NaN]").quarantined
    assert (held.code, held.line) == ("unreadable", line)
    assert held.raw == (b"[NaN]" if line is None else b"NaN")


@pytest.mark.parametrize("kind", ["usgs", "push", "mqtt"])
def test_json_nested_without_end_is_hostile(kind: str) -> None:
    raw = b'{"features":' * 50_000
    (held,) = parse(kind, raw).quarantined
    assert (held.code, held.raw) == ("hostile", raw)


@pytest.mark.parametrize("raw", [b"", b"{}", b"<feed>", b"<rss></rss><rss></rss>"])
def test_a_feed_that_is_not_xml_is_held_whole(raw: bytes) -> None:
    (held,) = parse("cap", raw).quarantined
    assert held.code in ("unreadable", "not_cap") and held.raw == raw


@pytest.mark.parametrize(
    "bomb",
    [
        b'<!DOCTYPE a [<!ENTITY b "' + b"b" * 1000 + b'">' +
        b"".join(f'<!ENTITY c{n} "{f"&c{n - 1};" * 10 if n else "&b;" * 10}">'.encode() for n in range(9)) +
        b"]><alert>&c8;</alert>",
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><alert/>',
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "http://127.0.0.1:1/">]><alert>&x;</alert>',
        '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE a []><alert/>'.encode("utf-16"),
    ],
)  # fmt: skip
def test_an_entity_bomb_is_hostile_and_costs_nothing(bomb: bytes) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (held,) = parse("cap", bomb).quarantined
    assert held.code == "hostile"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


@pytest.mark.parametrize("kind", ["table", "usgs", "cap"])
def test_a_gzip_file_cut_short_is_held_whole(kind: str) -> None:
    raw = gzip.compress(bytes(range(256)) * 100)[:-9]
    (held,) = parse(kind, raw).quarantined
    assert held.code == "unreadable" and "cut short" in held.sentence and held.raw == raw
    (damaged,) = parse(kind, raw[:40] + b"\xff" * 40 + raw[80:]).quarantined
    assert damaged.code == "unreadable"


@pytest.mark.parametrize("kind", ["table", "usgs", "cap"])
def test_a_gigabyte_packed_into_a_megabyte_is_refused_without_unpacking_it(kind: str) -> None:
    packed = gzip.compress(bytes(10_000_000)) * 110
    assert len(packed) < 1_200_000
    options = {"limit_mb": 64} if kind == "table" else {}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (held,) = parse(kind, packed, **options).quarantined
    assert held.code == "hostile" and "expected at most 64000000 bytes" in held.sentence
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000


def test_a_file_over_the_limit_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with (tmp_path / "t.csv").open("wb") as file:
        file.truncate(3_000_000_000)
    (held,) = source("table").fetch(NOW, drill_pack(str(tmp_path))).quarantined
    assert held.code == "hostile" and "3000000000 bytes" in held.sentence


def test_a_parquet_file_that_claims_too_much_or_is_damaged_is_held() -> None:
    buffer = io.BytesIO()
    frame = pl.DataFrame({"place": ["xx"] * 300_000, "day": ["2011-05-02"] * 300_000, "n": range(300_000)})
    frame.write_parquet(buffer, compression="zstd", use_pyarrow=False, row_group_size=1000)
    raw = buffer.getvalue()
    built = source("table", format="parquet", limit_mb=1)
    small = built.parse(raw, "t.parquet", NOW, drill_pack())
    assert small.quarantined[0].code == "hostile"
    for broken in (raw[:-100], b"PAR1" + bytes(100) + b"PAR1", raw[:-8] + struct.pack("<I", 2**31) + b"PAR1"):
        (held,) = source("table", format="parquet").parse(broken, "t.parquet", NOW, drill_pack()).quarantined
        assert held.code in ("unreadable", "hostile")


def test_an_arrow_stream_that_claims_a_terabyte_is_held() -> None:
    raw = b"\xff\xff\xff\xff" + struct.pack("<I", 2**31 - 8) + bytes(100)
    (held,) = parse("push", raw).quarantined
    assert held.code in ("unreadable", "hostile")


def test_a_csv_quote_that_is_never_closed_holds_the_rest_and_keeps_what_came_before() -> None:
    raw = b'place,day,n\nxx,2011-05-02,1\nxx,2011-05-03,"2\nxx,2011-05-04,3\n'
    batch = parse("table", raw)
    assert [item.value for item in batch.observations] == [1.0]
    (held,) = batch.quarantined
    assert (held.line, held.code) == (3, "unreadable")
    assert held.raw == b'place,day,n\nxx,2011-05-03,"2\nxx,2011-05-04,3\n'


def test_a_field_of_a_megabyte_holds_its_row_only() -> None:
    raw = b"place,day,n\nxx,2011-05-02," + b"9" * 1_000_000 + b"\nxx,2011-05-03,1\n"
    batch = parse("table", raw)
    assert [item.value for item in batch.observations] == [1.0]
    assert [item.line for item in batch.quarantined] == [2]


def test_a_million_bad_items_do_not_hide_a_good_one() -> None:
    good = {"indicator": "rain", "place": "xx", "at": "2017-09-14T02:00:00Z", "value": 1, "unit": "mm"}
    batch = parse("push", json.dumps([{}] * 2000 + [good]).encode())
    assert len(batch.observations) == 1 and len(batch.quarantined) == 2000
    assert len({item.id for item in batch.quarantined}) == 2000
