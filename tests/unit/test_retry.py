"""A held item tried again: read as it came, under a source of whatever kind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from anlan.app.clock import WallClock
from anlan.app.desk import RunningDesk
from anlan.app.house import RunningHouse
from anlan.app.retry import retry
from anlan.app.workspace import init
from anlan.formats.pushed import ARROW, JSON
from anlan.model.time import parse_instant
from sample_pack import FILES, write
from served import pack, stage

DROPS = "".join(
    f'\n[[channel]]\nid = "{id}"\nkind = "file"\noptions = {{ folder = "{id}" }}\n' for id in ("mail", "hook")
)
SOURCES = "domains/water/sources.toml"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    # a table that is read from a file; partners push under it all the same
    write(tmp_path / "tiny", {**pack(sources=FILES[SOURCES]), "data/stage.csv": FILES["data/stage.csv"]})
    init(tmp_path / "site", str(tmp_path / "tiny"), sender="office@tiny.invalid", more=DROPS)
    return tmp_path / "site"


def opened(home: Path) -> RunningDesk:
    return RunningDesk(RunningHouse(home, WallClock()))


@pytest.fixture
def desk(home: Path) -> Iterator[RunningDesk]:
    made = opened(home)
    yield made
    made.close()


def test_what_was_pushed_under_a_table_is_used_once_the_pack_knows_its_place(
    home: Path, desk: RunningDesk
) -> None:
    found = desk.ingest(json.dumps([stage(2.0, "x/d"), stage(2.5)]).encode(), JSON, "gauges")
    assert (found.accepted, len(found.quarantined)) == (1, 1)
    (held,) = desk.quarantined()
    assert (held.code, held.content_type) == ("unknown_place", JSON)
    assert retry(desk, held.id)[0] == 0
    desk.close()
    places = home.parent / "tiny" / "places" / "all.csv"
    places.write_text(places.read_text("utf-8") + "x/d,Delta,丁,province,x,,,,\n", "utf-8")
    again = opened(home)
    try:
        assert retry(again, held.id) == (1, "")
        assert again.house.lake.held(held.id).status == "released"
        assert [value for _, value in again.series("stage", "x/d")] == [2.0]
    finally:
        again.close()


@pytest.mark.parametrize(("content_type", "words"), [(JSON, "not JSON"), (ARROW, "not an Arrow stream")])
def test_a_body_that_nobody_can_read_says_the_same_again(
    desk: RunningDesk, content_type: str, words: str
) -> None:
    desk.ingest(b"no body of any kind", content_type, "gauges")
    (held,) = desk.quarantined()
    assert held.content_type == content_type
    assert words in held.sentence
    accepted, sentence = retry(desk, held.id)
    assert accepted == 0
    assert words in sentence


def test_an_arrow_stream_with_a_nan_is_taken_but_for_that(desk: RunningDesk) -> None:
    rows = [stage(2.0, back=2), stage(float("nan"), back=1)]
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    table = pa.table({**columns, "at": [parse_instant(row["at"]) for row in rows]})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    found = desk.ingest(bytes(sink.getvalue()), ARROW, "gauges")
    assert (found.accepted, len(found.quarantined)) == (1, 1)
    (held,) = desk.quarantined()
    assert (held.code, held.line, held.content_type) == ("invalid_value", 2, JSON)
    # tried again it is refused for the same reason, and kept
    assert "not finite" in retry(desk, held.id)[1]
    assert desk.house.lake.held(held.id).status == "retried"
