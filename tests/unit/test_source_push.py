"""What partners push: taken item by item, as JSON or as an Arrow stream."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

from anlan.formats.pushed import ARROW
from anlan.ports.source import Batch
from anlan.sources import registry
from anlan.sources.push.source import pushed
from anlan.testing.drill_pack import drill_pack, drill_source

NOW = datetime(2017, 9, 14, 6, tzinfo=UTC)
GOOD = {"indicator": "rain", "place": "xx/1", "at": "2017-09-14T02:00:00Z", "value": 12.5, "unit": "mm"}


def push(body: Any, indicators: tuple[str, ...] = ()) -> Batch:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return registry.build(drill_source("push", indicators)).parse(raw, "POST", NOW, drill_pack())


def test_a_list_and_an_object_of_observations_are_the_same() -> None:
    assert push([GOOD]).observations[0].value == push({"observations": [GOOD]}).observations[0].value == 12.5
    assert push([GOOD]).observations[0].known == NOW


def test_provenance_is_ours_and_known_is_the_partners_if_it_is_past() -> None:
    given = {
        **GOOD,
        "known": "2017-09-14T03:00:00Z",
        "provenance": {"source": "forged", "ref": "x", "line": 1, "digest": ""},
    }
    (item,) = push([given]).observations
    assert item.provenance.source == "drill" and item.provenance.line == 1
    assert item.known == datetime(2017, 9, 14, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        ({"value": "12.5"}, "unreadable", "value: not a number; found '12.5'"),
        ({"value": True}, "unreadable", "value: not a number"),
        ({"value": -1}, "out_of_bounds", "found -1 mm; expected at least 0"),
        ({"unit": "Cel"}, "wrong_unit", "units do not convert"),
        ({"unit": "furlong"}, "wrong_unit", "unknown unit"),
        ({"at": "2017-09-14T02:00:00"}, "naive_time", "needs a time zone"),
        ({"at": 1505354400}, "unreadable", "at: not a text"),
        ({"at": "yesterday"}, "unreadable", "at: not an instant"),
        ({"place": "nowhere"}, "unknown_place", "no such place"),
        ({"indicator": "none"}, "unknown_indicator", "no such indicator"),
        ({"known": "2017-09-15T00:00:00Z"}, "future_known", "known later than received"),
        ({"colour": "red"}, "unreadable", "colour: unknown field"),
        ({"point": {"lon": 181, "lat": 0}}, "invalid_value", "longitude out of range"),
        ({"point": {"lon": 1}}, "unreadable", "not a point"),
        ({"indicator": "cases", "unit": "{case}"}, "other_indicator", "expected rain"),
    ],
)
def test_an_item_that_cannot_be_used_is_held_and_the_next_is_taken(
    change: dict[str, Any], code: str, said: str
) -> None:
    batch = push([{**GOOD, **change}, GOOD], ("rain",))
    assert len(batch.observations) == 1
    (held,) = batch.quarantined
    assert (held.code, held.line) == (code, 1)
    assert said in held.sentence and held.sentence.startswith("POST: item 1: ")


def test_a_missing_field_is_named_and_a_null_value_is_a_gap() -> None:
    bare = {key: value for key, value in GOOD.items() if key != "value"}
    batch = push([bare, {**GOOD, "value": None}])
    assert [item.value for item in batch.observations] == [None]
    assert "value: a missing field" in batch.quarantined[0].sentence


def stream(frame: pl.DataFrame) -> bytes:
    table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def test_an_arrow_stream_brings_the_same_as_json() -> None:
    at = pl.Series([NOW.replace(hour=2), NOW.replace(hour=3)])
    frame = pl.DataFrame(
        {
            "indicator": ["rain"] * 2,
            "place": ["xx/1", "gone"],
            "at": at,
            "value": [12.5, None],
            "unit": ["mm"] * 2,
        }
    )
    batch = push(stream(frame))
    want = push([GOOD]).observations[0]
    got = batch.observations[0]
    assert (got.indicator, got.place, got.at, got.value, got.unit) == (
        want.indicator, want.place, want.at, want.value, want.unit,
    )  # fmt: skip
    assert [item.code for item in batch.quarantined] == ["unknown_place"]
    pointed = frame.head(1).with_columns(lon=pl.lit(103.4), lat=pl.lit(31.0))
    point = push(stream(pointed)).observations[0].point
    assert point is not None and point.depth_km is None


def test_an_arrow_stream_of_naive_times_or_missing_columns_is_held() -> None:
    frame = pl.DataFrame(
        {
            "indicator": ["rain"],
            "place": ["xx"],
            "at": pl.Series([NOW]).dt.replace_time_zone(None),
            "value": [1.0],
            "unit": ["mm"],
        }
    )
    assert push(stream(frame)).quarantined[0].code == "naive_time"
    assert "expected unit" in push(stream(frame.drop("unit"))).quarantined[0].sentence
    assert "unknown columns" in push(stream(frame.with_columns(x=1))).quarantined[0].sentence
    assert push(stream(frame)[:200]).quarantined[0].code in ("unreadable", "naive_time")


def test_a_held_item_can_be_tried_again_alone() -> None:
    source = registry.build(drill_source("push"))
    (held,) = push([{**GOOD, "place": "xx/9"}]).quarantined
    again = source.parse(source.whole(held), held.ref, held.known, drill_pack())  # type: ignore[attr-defined]
    assert again.quarantined[0].code == "unknown_place"
    (broken,) = push(b"{").quarantined
    assert source.whole(broken) == b"{"  # type: ignore[attr-defined]


@pytest.mark.parametrize("written", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_number_that_is_none_costs_its_item_and_not_its_neighbours(written: str) -> None:
    bad = json.dumps({**GOOD, "value": "?"}).replace('"?"', written)
    batch = push(f"[{json.dumps(GOOD)},{bad}]".encode())
    assert [item.value for item in batch.observations] == [12.5]
    (held,) = batch.quarantined
    assert (held.code, held.line) == ("invalid_value", 2)
    assert "value: not finite" in held.sentence
    assert json.loads(held.raw)["place"] == GOOD["place"]


def test_an_arrow_stream_with_a_nan_brings_the_rest() -> None:
    at = pl.Series([NOW.replace(hour=2), NOW.replace(hour=3)])
    frame = pl.DataFrame(
        {"indicator": "rain", "place": "xx/1", "at": at, "value": [float("nan"), 3.5], "unit": "mm"}
    )
    batch = push(stream(frame.with_columns(pl.col("at").dt.replace_time_zone("UTC"))))
    assert [item.value for item in batch.observations] == [3.5]
    (held,) = batch.quarantined
    assert (held.code, held.line) == ("invalid_value", 1)
    # tried again alone it says the same, of the same content
    source = registry.build(drill_source("push"))
    again = source.parse(source.whole(held), "POST", NOW, drill_pack())
    assert [item.code for item in again.quarantined] == ["invalid_value"]


def test_half_a_character_costs_its_item_only() -> None:
    bad = json.dumps({**GOOD, "event": "?"}).replace('"?"', '"\\ud83d"')
    batch = push(f"[{bad},{json.dumps(GOOD)}]".encode())
    assert len(batch.observations) == 1
    (held,) = batch.quarantined
    assert "event: half of a character" in held.sentence
    assert b"\\ud83d" in held.raw


def test_a_reader_that_fails_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from anlan.sources.push import source as module

    def failing(*_: object) -> Any:
        raise KeyError("a defect of ours")

    raw = json.dumps([GOOD]).encode()
    monkeypatch.setattr(module, "read_pushed", failing)
    (held,) = push(raw).quarantined
    assert (held.code, held.raw) == ("unreadable", raw)
    assert "its reader failed; found KeyError" in held.sentence


def test_one_item_that_breaks_the_reader_costs_itself_only(monkeypatch: pytest.MonkeyPatch) -> None:
    from anlan.formats import pushed as module

    real = module.parse_instant

    def picky(text: str, where: str = "") -> datetime:
        if text.startswith("2017-09-13"):
            raise ZeroDivisionError("a defect of ours")
        return real(text, where)

    monkeypatch.setattr(module, "parse_instant", picky)
    batch = push([{**GOOD, "at": "2017-09-13T02:00:00Z"}, GOOD])
    assert len(batch.observations) == 1
    assert "item 1: its reader failed; found ZeroDivisionError" in batch.quarantined[0].sentence


def test_a_body_that_is_called_arrow_and_is_none_is_told_so() -> None:
    (held,) = pushed(drill_source("push")).read(b"not arrow", "POST", NOW, drill_pack(), ARROW).quarantined
    assert held.sentence.startswith("POST: not an Arrow stream")
    assert "expected an Arrow IPC stream" in held.sentence and "JSON" not in held.sentence
    assert (held.content_type, held.raw) == (ARROW, b"not arrow")


def test_a_hostile_body_is_kept_whole_or_says_how_much_of_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    from anlan.sources import batches

    deep = b"[" * 200_000
    (held,) = push(deep).quarantined
    assert (held.code, held.raw) == ("hostile", deep)
    assert "are kept" not in held.sentence
    monkeypatch.setattr(batches, "MOST_KEPT", 1000)
    (cut,) = push(deep).quarantined
    assert cut.raw == deep[:1000]
    assert cut.sentence.endswith("; the first 1000 of its 200000 bytes are kept")
