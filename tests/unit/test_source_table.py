"""A table brings what its mapping says, holds the rest with file, line and column, and loses nothing."""

from __future__ import annotations

import gzip
import io
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from anlan.model.errors import InvalidValue, NotFound, WrongState
from anlan.ports.source import Batch, Source
from anlan.sources import registry
from anlan.testing.check_source import check_history
from anlan.testing.drill_pack import drill_pack, drill_source

KNOWN = datetime(2012, 1, 1, tzinfo=UTC)


def table(**options: Any) -> Source:
    given = {"file": "t.csv", "place": "place", "at": "day", "at_format": "date", "value": "n", **options}
    return registry.build(
        drill_source("table", ("cases",), **{k: v for k, v in given.items() if v is not None})
    )


def parse(text: str | bytes, source: Source | None = None, **options: Any) -> Batch:
    raw = text.encode() if isinstance(text, str) else text
    return (source or table(**options)).parse(raw, "t.csv", KNOWN, drill_pack())


def codes(batch: Batch) -> list[tuple[int | None, str]]:
    return [(item.line, item.code) for item in batch.quarantined]


def test_a_row_keeps_its_line_and_the_digest_of_its_file() -> None:
    (item,) = parse("place,day,n\nxx/1,2011-05-02,3\n").observations
    assert (item.indicator, item.place, item.value, item.unit) == ("cases", "xx/1", 3.0, "{case}")
    assert item.at == datetime(2011, 5, 2, tzinfo=UTC) and item.known == KNOWN
    assert item.provenance.line == 2 and len(item.provenance.digest) == 64


def test_where_each_row_is_one_case_every_row_has_the_value_that_the_source_states() -> None:
    batch = parse("place,day\nxx/1,2011-05-02\nxx/1,2011-05-03\n", value="=1")
    assert [item.value for item in batch.observations] == [1.0, 1.0]
    assert codes(parse("place,day\nxx/1,2011-05-02\n", value="=many")) == [(2, "not_a_number")]


def test_an_empty_cell_is_a_gap_that_the_source_reports() -> None:
    batch = parse("place,day,n\nxx/1,2011-05-02,\nxx/1,2011-05-03,NA\n", missing=["", "NA"])
    assert [item.value for item in batch.observations] == [None, None]
    assert not batch.quarantined


def test_bad_rows_are_held_one_by_one_and_the_rest_goes_on() -> None:
    batch = parse(
        "place,day,n\n"
        "xx/1,2011-05-02,3\n"
        "xx/1,2011-05-03,-1\n"
        "xx/1,2011-05-04,nan\n"
        "xx/1,2011-05-05,1_000\n"
        "xx/1,2011-05-06,٣\n"
        "xx/1,2011-13-07,1\n"
        "nowhere,2011-05-08,1\n"
        "xx/2,2009-05-08,1\n"
        "xx/1,2011-05-09\n"
        'xx/1,"2011-05-10"x,1\n'
        "xx/1,2011-05-11,5\n"
    )
    assert [item.value for item in batch.observations] == [3.0, 5.0]
    assert codes(batch) == [
        (3, "out_of_bounds"),
        (4, "not_finite"),
        (5, "not_a_number"),
        (6, "not_a_number"),
        (7, "bad_time"),
        (8, "unknown_place"),
        (9, "unknown_place"),
        (10, "unreadable"),
        (11, "unreadable"),
    ]
    held = batch.quarantined[1]
    assert held.sentence == (
        "t.csv: line 4, column n: not a finite number; found 'nan'; expected a finite number"
    )
    assert held.raw == b"place,day,n\nxx/1,2011-05-04,nan\n"


def test_a_row_that_says_the_same_twice_passes_and_rows_that_contradict_are_both_held() -> None:
    batch = parse("place,day,n\nxx/1,2011-05-02,3\nxx/1,2011-05-02,3\nxx,2011-05-02,3\nxx,2011-05-02,4\n")
    assert [(item.place, item.value) for item in batch.observations] == [("xx/1", 3.0), ("xx/1", 3.0)]
    assert codes(batch) == [(4, "conflicting_duplicate"), (5, "conflicting_duplicate")]
    assert "lines 4, 5" in batch.quarantined[0].sentence


def test_revisions_in_one_file_are_no_duplicates() -> None:
    batch = parse("place,day,k,n\nxx,2011-05-02,2011-05-09,3\nxx,2011-05-02,2011-05-16,4\n", known="k")
    assert [(item.known.day, item.value) for item in batch.observations] == [(9, 3.0), (16, 4.0)]


def test_a_time_without_a_zone_is_held_unless_the_source_names_one() -> None:
    text = "place,day,n\nxx,2011-05-02T06:00:00,1\nxx,2011-05-02T07:00:00+08:00,1\n"
    batch = parse(text, at_format="rfc3339")
    assert codes(batch) == [(2, "naive_time")]
    assert batch.observations[0].at == datetime(2011, 5, 1, 23, tzinfo=UTC)
    local = parse(text, at_format="rfc3339", timezone="Asia/Shanghai")
    assert local.observations[0].at == datetime(2011, 5, 1, 22, tzinfo=UTC)


def test_a_local_time_that_a_clock_change_skips_is_held() -> None:
    batch = parse(
        "place,day,n\nxx,2011-03-27 02:30,1\nxx,2011-03-27 03:30,1\n",
        at_format="%Y-%m-%d %H:%M",
        timezone="Europe/Berlin",
    )
    assert codes(batch) == [(2, "bad_time")]
    assert batch.observations[0].at == datetime(2011, 3, 27, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("form", "cell", "expected"),
    [
        ("epoch_ms", "1304294400000", datetime(2011, 5, 2, tzinfo=UTC)),
        ("epoch_s", "1304294400", datetime(2011, 5, 2, tzinfo=UTC)),
        ("%Y-%m", "2011-05", datetime(2011, 5, 1, tzinfo=UTC)),
        ("%G-W%V-%u", "2011-W18-1", datetime(2011, 5, 2, tzinfo=UTC)),
    ],
)
def test_instants_are_read_in_the_form_that_the_source_states(
    form: str, cell: str, expected: datetime
) -> None:
    assert parse(f"place,day,n\nxx,{cell},1\n", at_format=form).observations[0].at == expected


def test_a_column_that_names_the_end_of_a_week_is_taken_back_to_its_start() -> None:
    batch = parse("place,day,n\nxx,2011-05-08,1\n", at_back="P6D", known_lag="P9D")
    assert batch.observations[0].at == datetime(2011, 5, 2, tzinfo=UTC)
    assert batch.observations[0].known == datetime(2011, 5, 11, tzinfo=UTC)


def test_units_are_converted_to_the_indicators_own() -> None:
    series = [{"column": "n", "indicator": "rain", "unit": "[in_i]"}]
    (item,) = parse("place,day,n\nxx,2011-05-02,1\n", value=None, series=series).observations
    assert item.unit == "mm" and item.value == pytest.approx(25.4)


def test_a_unit_that_does_not_fit_and_an_unknown_indicator_hold_their_column_only() -> None:
    series = [
        {"column": "n", "indicator": "rain", "unit": "Cel"},
        {"column": "n", "indicator": "none"},
        {"column": "n", "indicator": "cases"},
    ]
    batch = parse("place,day,n\nxx,2011-05-02,1\n", value=None, series=series)
    assert [item.indicator for item in batch.observations] == ["cases"]
    assert {item.code for item in batch.quarantined} == {"wrong_unit", "unknown_indicator"}


def test_places_come_through_a_map_or_a_prefix_or_a_constant() -> None:
    text = "place,day,n\nNorth,2011-05-02,1\n2,2011-05-02,1\n"
    batch = parse(text, place_map={"North": "xx/1"}, place_prefix="xx/")
    assert [item.place for item in batch.observations] == ["xx/1", "xx/2"]
    assert parse("place,day,n\n,2011-05-02,1\n").quarantined[0].code == "unknown_place"
    assert parse("day,n\n2011-05-02,1\n", place="=xx").observations[0].place == "xx"


def test_points_and_events_come_with_the_value() -> None:
    text = "day,n,id,x,y,z\n2011-05-02,1,e1,103.4,31.0,19\n2011-05-02,1,e2,200,31,\n2011-05-02,1,e3,1,2,\n"
    batch = parse(text, place="=xx", event="id", lon="x", lat="y", depth="z")
    assert [(item.event, item.point and item.point.depth_km) for item in batch.observations] == [
        ("e1", 19.0),
        ("e3", None),
    ]
    assert codes(batch) == [(3, "invalid_point")]


def test_a_byte_order_mark_is_no_part_of_the_first_column() -> None:
    text = "place,day,n\nxx,2011-05-02,1\n"
    for raw in (text.encode("utf-8-sig"), text.encode("utf-16")):
        assert len(parse(raw).observations) == 1


def test_bytes_of_another_encoding_hold_their_own_row() -> None:
    raw = "place,day,n,note\nxx,2011-05-02,1,北京\nxx,2011-05-03,1,\n".encode("gb18030")
    assert codes(parse(raw)) == [(2, "unreadable")]
    assert len(parse(raw, encoding="gb18030").observations) == 2
    header = "地点,day,n\nxx,2011-05-02,1\n".encode("gb18030")
    (held,) = parse(header).quarantined
    assert held.raw == header and "set the source's option `encoding`" in held.sentence


def test_a_missing_column_holds_the_whole_file_and_names_it() -> None:
    (held,) = parse("place,date,n\nxx,2011-05-02,1\n").quarantined
    assert held.code == "missing_column" and held.line is None
    assert held.sentence == ("t.csv: a table without needed columns; found place, date, n; expected day")


def test_quoted_line_breaks_do_not_shift_the_line_numbers() -> None:
    batch = parse('place,day,n,note\nxx,2011-05-02,1,"a\nb"\nxx,2011-05-03,z,\n')
    assert batch.observations[0].provenance.line == 2
    assert codes(batch) == [(4, "not_a_number")]


def test_gzip_in_several_members_reads_as_one_file() -> None:
    raw = gzip.compress(b"place,day,n\nxx,2011-05-02,1\n") + gzip.compress(b"xx,2011-05-03,2\n")
    assert [item.value for item in parse(raw).observations] == [1.0, 2.0]


def test_an_instant_beyond_all_calendars_costs_its_own_row_of_parquet_alone() -> None:
    day = pl.Series([0, 2**31 - 1, 1], dtype=pl.Int32).cast(pl.Date)
    buffer = io.BytesIO()
    pl.DataFrame({"place": ["xx/1"] * 3, "day": day, "n": [1.0, 2.0, 3.0]}).write_parquet(buffer)
    batch = table(format="parquet").parse(buffer.getvalue(), "t.parquet", KNOWN, drill_pack())
    assert [item.value for item in batch.observations] == [1.0, 3.0]
    (held,) = batch.quarantined
    assert held.line == 2 and "2147483647" in held.sentence, held.sentence


def test_parquet_brings_typed_cells_as_csv_brings_text() -> None:
    frame = pl.DataFrame(
        {
            "place": ["xx/1", "xx/1", "xx/1", None],
            "day": pl.Series(
                [datetime(2011, 5, day, tzinfo=UTC) for day in (2, 3, 4, 5)]
            ).dt.replace_time_zone(None),
            "n": [3.0, None, float("nan"), 1.0],
            "unused": [1, 2, 3, 4],
        }
    )
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    source = table(format="parquet", timezone="Asia/Shanghai")
    batch = source.parse(buffer.getvalue(), "t.parquet", KNOWN, drill_pack())
    assert [item.value for item in batch.observations] == [3.0, None]
    assert batch.observations[0].at == datetime(2011, 5, 1, 16, tzinfo=UTC)
    assert codes(batch) == [(3, "not_finite"), (4, "unknown_place")]


def test_history_gives_one_batch_for_each_instant_of_known(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(
        "place,day,n\nxx,2011-05-09,2\nxx,2011-05-02,1\nxx/1,2011-05-02,1\nxx,2011-05-09,x\nxx,bad,1\n"
    )
    batches = check_history(table(known_lag="P9D"), drill_pack(str(tmp_path)))
    assert [len(batch.observations) for batch in batches] == [0, 2, 1]
    assert [len(batch.quarantined) for batch in batches] == [1, 0, 1]
    assert batches[1].known == datetime(2011, 5, 11, tzinfo=UTC)


def test_a_table_that_does_not_tell_when_it_was_known_has_no_history(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("place,day,n\n")
    with pytest.raises(InvalidValue, match="expected known or known_lag"):
        list(table().history(drill_pack(str(tmp_path))))


def test_a_later_overlay_replaces_a_file_of_the_pack(tmp_path: Path) -> None:
    for folder, value in (("base", 1), ("over", 2)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "t.csv").write_text(f"place,day,n\nxx,2011-05-02,{value}\n")
    pack = drill_pack(str(tmp_path / "base"), str(tmp_path / "over"))
    assert table().fetch(KNOWN, pack).observations[0].value == 2.0
    with pytest.raises(NotFound, match=r"found gone\.csv"):
        table(file="gone.csv").fetch(KNOWN, pack)


def test_a_fetch_brings_what_has_become_known_since_the_one_before(tmp_path: Path) -> None:
    pack = drill_pack(str(tmp_path))
    (tmp_path / "t.csv").write_text("place,day,n\nxx,2011-05-02,1\nxx,2011-05-09,2\nxx,2011-05-10,x\n")
    source = table(known_lag="P1D")
    first = source.fetch(datetime(2011, 5, 5, tzinfo=UTC), pack)
    assert [item.value for item in first.observations] == [1.0] and len(first.quarantined) == 1
    assert source.fetch(datetime(2011, 5, 6, tzinfo=UTC), pack).unchanged
    later = source.fetch(datetime(2011, 5, 10, tzinfo=UTC), pack)
    assert [item.value for item in later.observations] == [2.0] and not later.quarantined


def test_a_file_read_again_brings_only_rows_that_say_something_else(tmp_path: Path) -> None:
    pack = drill_pack(str(tmp_path))
    path = tmp_path / "t.csv"
    path.write_text("place,day,n\nxx,2011-05-02,1\nxx,2011-05-03,2\n")
    source = table()
    assert len(source.fetch(KNOWN, pack).observations) == 2
    path.write_text("place,day,n\nxx,2011-05-02,1\nxx,2011-05-03,3\n")
    changed = source.fetch(KNOWN + timedelta(days=1), pack)
    assert [(item.value, item.known.day) for item in changed.observations] == [(3.0, 2)]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_held_row_can_be_tried_again_alone_when_the_pack_knows_its_place(mark: bytes) -> None:
    built = table()
    raw = mark + b"place,day,n\nxx/1,2011-05-02,1\nxx/9,2011-05-03,2\n"
    (held,) = parse(raw, built).quarantined
    pack = drill_pack()
    pack = replace(pack, places={**pack.places, "xx/9": (replace(pack.places["xx/1"][0], id="xx/9"),)})
    again = built.parse(built.whole(held), held.ref, held.known, pack)  # type: ignore[attr-defined]
    assert [(item.place, item.value) for item in again.observations] == [("xx/9", 2.0)]


def test_a_held_row_of_parquet_is_not_tried_alone() -> None:
    built = table(format="parquet")
    buffer = io.BytesIO()
    pl.DataFrame({"place": ["xx"], "day": ["soon"], "n": [1]}).write_parquet(buffer)
    (held,) = built.parse(buffer.getvalue(), "t.parquet", KNOWN, drill_pack()).quarantined
    with pytest.raises(WrongState, match="read it again"):
        built.whole(held)  # type: ignore[attr-defined]


def mondays(batch: Batch) -> list[tuple[str, float | None]]:
    return [(f"{item.at:%Y-%m-%d %H:%M}", item.value) for item in batch.observations]


@pytest.mark.parametrize(
    ("header", "cells", "options"),
    [
        ("year,week", ("2015,52", "2015,53", "2016,1"), {"at": "year,week"}),
        ("week,year", ("W52,2015.0", "W53,2015.0", "W01,2016.0"), {"at": "week,year"}),
        ("年份,周次", ("2015,第52周", "2015,第53周", "2016,第1周"), {"at": "年份,周次"}),
        ("y,w", ("2015,KW52", "2015,53", "2016,01"), {"at": "y,w", "at_format": "iso_week"}),
        ("w", ("2015-W52", "2015-53", "201601"), {"at": "w", "at_format": "iso_week"}),
    ],
)
def test_a_year_and_a_week_are_the_monday_of_that_week_years_of_53_weeks_included(
    header: str, cells: tuple[str, ...], options: dict[str, str]
) -> None:
    text = f"place,{header},n\n" + "".join(f"xx/1,{cell},{n}\n" for n, cell in enumerate(cells))
    batch = parse(text, **{"at_format": None, **options})
    assert mondays(batch) == [("2015-12-21 00:00", 0.0), ("2015-12-28 00:00", 1.0), ("2016-01-04 00:00", 2.0)]
    assert not batch.quarantined
    assert [item.provenance.line for item in batch.observations] == [2, 3, 4]


def test_a_week_that_the_year_does_not_have_is_held_with_its_line_and_why() -> None:
    batch = parse(
        "place,year,week,n\nxx/1,2016,52,1\nxx/1,2016,53,2\nxx/1,2016,0,3\nxx/1,2016,,4\nxx/1,x,5,5\n"
        "xx/1,0000,1,6\nxx/1,9999,52,7\nxx/1,2017,1,8\n",
        at="year,week",
        at_format=None,
    )
    assert mondays(batch) == [("2016-12-26 00:00", 1.0), ("2017-01-02 00:00", 8.0)]
    assert codes(batch) == [(line, "bad_time") for line in (3, 4, 5, 6, 7, 8)]
    assert batch.quarantined[0].sentence == (
        "t.csv: line 3, column year,week: no such week: 2016 has 52 ISO weeks; found '2016-W53'; "
        "expected a week that the year has, as 2012-W05"
    )
    assert "not a week; found '2016' and ''" in batch.quarantined[2].sentence
    assert batch.quarantined[0].raw == b"place,year,week,n\nxx/1,2016,53,2\n"


def test_weeks_of_the_american_calendar_begin_on_sunday_where_their_names_or_the_source_say_so() -> None:
    text = "place,mmwr_year,mmwr_week,n\nxx/1,2014,53,1\nxx/1,2015,1,2\n"
    named = parse(text, at="mmwr_year,mmwr_week", at_format=None)
    assert mondays(named) == [("2014-12-28 00:00", 1.0), ("2015-01-04 00:00", 2.0)]
    stated = parse(text.replace("mmwr_", ""), at="year,week", at_format="mmwr_week")
    assert mondays(stated) == mondays(named)
    iso = parse(text.replace("mmwr_", ""), at="year,week", at_format=None)
    assert "2014 has 52 ISO weeks; 53 MMWR weeks" in iso.quarantined[0].sentence


def test_weeks_begin_at_midnight_of_the_source_and_their_publication_has_a_day() -> None:
    batch = parse(
        "place,year,week,out,n\nxx/1,2015,53,2016-01-05,1\n",
        at="year,week",
        at_format=None,
        known="out",
        timezone="Asia/Shanghai",
    )
    (item,) = batch.observations
    assert item.at == datetime(2015, 12, 27, 16, tzinfo=UTC)
    assert item.known == datetime(2016, 1, 4, 16, tzinfo=UTC)


def test_a_year_and_a_month_are_the_first_of_the_month() -> None:
    text = "place,year,month,n\nxx/1,2015,2,1\nxx/1,2015,13,2\n"
    batch = parse(text, at="year,month", at_format=None)
    assert mondays(batch) == [("2015-02-01 00:00", 1.0)]
    assert codes(batch) == [(3, "bad_time")] and "not a month" in batch.quarantined[0].sentence
    one = parse("place,m,n\nxx/1,201502,1\nxx/1,2015-W02,2\n", at="m", at_format="month")
    assert mondays(one) == [("2015-02-01 00:00", 1.0)] and codes(one) == [(3, "bad_time")]


def test_a_source_and_the_command_read_the_same_weeks_and_refuse_the_same(tmp_path: Path) -> None:
    from anlan.analyse.csv_file import read

    rows = [(year, week) for year in range(2014, 2022) for week in (1, 26, 52, 53)]
    text = "place,year,week,series,value\n" + "".join(
        f"xx/1,{year},{week},a,{n}\n" for n, (year, week) in enumerate(rows)
    )
    path = tmp_path / "t.csv"
    path.write_text(text, encoding="utf-8")
    laid = read(path, 52)
    batch = parse(text, at="year,week", at_format=None, value="value")
    assert laid.axis.dates is not None
    told = {
        str(day): value
        for day, value in zip(laid.axis.dates.tolist(), laid.panel.counts[0].tolist(), strict=True)
        if not math.isnan(value)
    }
    assert {f"{item.at:%Y-%m-%d}": item.value for item in batch.observations} == told
    assert [item.line for item in batch.quarantined] == [one.line for one in laid.held]
    assert len(batch.quarantined) == 6  # two of these years have 53 weeks


def test_two_columns_that_are_no_year_and_week_are_asked_for_by_name() -> None:
    batch = parse("place,year,n\nxx/1,2015,3\n", at="year,week", at_format=None)
    assert batch.quarantined[0].code == "missing_column" and "expected week" in batch.quarantined[0].sentence
    with pytest.raises(InvalidValue, match="not two columns"):
        table(at="a,b,c", at_format="iso_week")
    with pytest.raises(InvalidValue, match="iso_week, mmwr_week, month"):
        table(at="week", at_format="weekly")


def test_years_and_weeks_of_a_parquet_file_are_numbers(tmp_path: Path) -> None:
    held = io.BytesIO()
    pl.DataFrame({"place": ["xx/1"] * 2, "year": [2015, 2016], "week": [53, 53], "n": [1, 2]}).write_parquet(
        held
    )
    batch = parse(held.getvalue(), at="year,week", at_format=None, file="t.parquet")
    assert mondays(batch) == [("2015-12-28 00:00", 1.0)] and codes(batch)[0][1] == "bad_time"
