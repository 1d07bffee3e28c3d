"""Tables as people have them, laid on a regular axis: nothing is dropped without being named."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from anlan.analyse import csv_file
from anlan.analyse.laid import Laid, chosen, with_population
from anlan.analyse.span import indexes
from anlan.analyse.words import shown
from anlan.model.errors import InvalidValue, NotFound, Unreadable

NAN = float("nan")


def read(tmp_path: Path, text: str, freq: int | None = None, **more: object) -> Laid:
    path = tmp_path / "cases.csv"
    path.write_bytes(text.encode(str(more.get("encoding", "utf-8"))))
    return csv_file.read(path, freq, **more)  # type: ignore[arg-type]


def dates(laid: Laid) -> list[str]:
    assert laid.axis.dates is not None
    return [str(day) for day in laid.axis.dates]


def test_a_wide_table_of_weeks_has_one_row_per_series(tmp_path: Path) -> None:
    laid = read(tmp_path, "date,north,south\n2020-01-06,1,2\n2020-01-13,3,NA\n2020-01-20,,5\n")
    assert laid.series == ("north", "south")
    assert laid.panel.freq == 52
    assert_array_equal(laid.panel.counts, [[1, 3, NAN], [2, NAN, 5]])
    assert laid.held == ()


def test_a_long_table_gives_the_same_panel_in_any_order_of_rows(tmp_path: Path) -> None:
    wide = read(tmp_path, "date,north,south\n2020-01-06,1,2\n2020-01-13,3,NA\n2020-01-20,NA,5\n")
    long = read(
        tmp_path,
        "series,date,value\nnorth,2020-01-13,3\nsouth,2020-01-20,5\nnorth,2020-01-06,1\nsouth,2020-01-06,2\n",
    )
    assert long.series == wide.series
    assert_array_equal(long.panel.counts, wide.panel.counts)
    assert dates(long) == dates(wide)


def test_columns_may_be_named_on_the_command(tmp_path: Path) -> None:
    roles = {"date": "week_start", "series": "place", "value": "cases"}
    laid = read(tmp_path, "week_start,place,cases,by\n2020-01-06,de,1,x\n2020-01-13,de,2,y\n", roles=roles)
    assert laid.series == ("de",)
    assert_array_equal(laid.panel.counts, [[1, 2]])
    with pytest.raises(InvalidValue, match="no such column for the date; found 'week'"):
        read(tmp_path, "week_start,a\n2020-01-06,1\n", roles={"date": "week"})


def test_a_gap_in_the_axis_is_missing_and_said_so(tmp_path: Path) -> None:
    laid = read(tmp_path, "date,a\n2020-01-06,1\n2020-01-27,4\n2020-02-03,5\n")
    assert_array_equal(laid.panel.counts, [[1, NAN, NAN, 4, 5]])
    assert any("2 time(s) without a row" in note.en and "2020-01-13" in note.en for note in laid.notes)
    assert all(note.zh for note in laid.notes)


def test_years_of_53_weeks_keep_their_week(tmp_path: Path) -> None:
    weeks = ["2009-W52", "2009-W53", "2010-W01", "2010-W02"]
    laid = read(tmp_path, "date,a\n" + "".join(f"{week},{i}\n" for i, week in enumerate(weeks)))
    assert dates(laid) == ["2009-12-21", "2009-12-28", "2010-01-04", "2010-01-11"]
    assert any("53 weeks in 2009" in note.en for note in laid.notes)


def test_a_week_that_the_calendar_does_not_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        InvalidValue, match=r"line 3, column date: .*found '2010-W53' \(2010 has 52 ISO weeks\)"
    ):
        read(tmp_path, "date,a\n2010-W52,1\n2010-W53,2\n2011-W01,3\n")


def test_months_are_moved_to_their_first_day(tmp_path: Path) -> None:
    laid = read(tmp_path, "date,a\n2020-01-31,1\n2020-02-29,2\n2020-04-30,4\n")
    assert laid.panel.freq == 12
    assert dates(laid) == ["2020-01-01", "2020-02-01", "2020-03-01", "2020-04-01"]
    assert_array_equal(laid.panel.counts, [[1, 2, NAN, 4]])
    assert any("first day" in note.en for note in laid.notes)


def test_days_are_daily_and_numbers_need_a_frequency(tmp_path: Path) -> None:
    assert read(tmp_path, "date,a\n2020/1/1,1\n2020/1/2,2\n").panel.freq == 365
    laid = read(tmp_path, "k,a\n3,1\n5,2\n", 52)
    assert laid.axis.k.tolist() == [3, 4, 5]
    assert laid.panel.dates is None
    with pytest.raises(InvalidValue, match="--freq 52"):
        read(tmp_path, "k,a\n3,1\n5,2\n")


def test_a_cell_that_is_no_number_is_missing_and_listed_with_its_line(tmp_path: Path) -> None:
    laid = read(tmp_path, 'date,a,b\n2020-01-06,1,2\n2020-01-13,"1,234",3\n2020-01-20,2_0,4\n')
    assert_array_equal(laid.panel.counts, [[1, NAN, NAN], [2, 3, 4]])
    assert [(h.line, h.column, h.found, h.code) for h in laid.held] == [
        (3, "a", "1,234", "not_a_number"),
        (4, "a", "2_0", "not_a_number"),
    ]


def test_a_row_that_falls_apart_is_listed_and_the_others_stay(tmp_path: Path) -> None:
    laid = read(tmp_path, "date,a,b\n2020-01-06,1,2\n2020-01-13,3\n2020-01-20,5,6\n")
    assert_array_equal(laid.panel.counts, [[1, NAN, 5], [2, NAN, 6]])
    assert [(h.line, h.code) for h in laid.held] == [(3, "not_a_record")]


def test_a_value_told_twice_is_missing_for_its_series_alone(tmp_path: Path) -> None:
    laid = read(
        tmp_path,
        "date,series,value\n2020-01-06,a,1\n2020-01-06,a,2\n2020-01-06,b,7\n2020-01-13,b,8\n2020-01-13,b,8\n"
        "someday,a,5\n2020-01-13,a,3\n",
    )
    assert_array_equal(laid.panel.counts, [[NAN, 3], [7, 8]])
    assert [(h.line, h.code) for h in laid.held] == [(3, "told_twice"), (6, "repeated"), (7, "not_a_time")]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "date,a\n2020-01-06,1\n2020-01-06,1\n",
            r"line 3, column date: a time that comes twice; found the time of line 2",
        ),
        (
            "date,a\n2020-01-06,1\n2020-01-14,1\n2020-01-20,1\n2020-01-27,1\n",
            r"line 3, .*2020-01-14 \(Tuesday\)",
        ),
        (
            "date,a\n2020-01-06,1\nsoon,1\n2020-01-20,1\n",
            r"line 3, column date: .*found 'soon'; expected a date",
        ),
        ("week,a\n2020-01-06,1\n", r"line 1: no column of times; found week, a"),
        ("date\n2020-01-06\n2020-01-13\n", "no series"),
        ("date,a\n2021-02-28,1\n2021-02-29,2\n", "'2021-02-29' .no such day in the calendar"),
        ("date;a\n2020-01-06;3,5\n2020-01-13;4,5\n", "found '3,5'; expected numbers with a decimal point"),
        ("date,place,a\n2020-01-06,x,1\n2020-01-13,y,1\n", r"column place: a column without any number"),
        ("date,a\n2020-01-06,1\n2020-01-13,1\n20200-01-20,1\n", "a time that cannot be read"),
        ("date,a\n2020-01-06,1\n9999-12-27,1\n2020-01-20,1\n", r"line 3, .*makes an axis of \d+ periods"),
        ("date,a\n2020-01-06,1\n", "one time alone does not tell"),
        ("date,a\n", "no rows"),
    ],
)
def test_what_makes_no_axis_is_refused_with_file_line_and_column(
    tmp_path: Path, text: str, says: str
) -> None:
    with pytest.raises(InvalidValue, match=says) as refused:
        read(tmp_path, text)
    assert "cases.csv" in refused.value.where or refused.value.where == "freq"


def test_semicolons_gzip_and_other_encodings_are_read(tmp_path: Path) -> None:
    laid = read(tmp_path, "日期;北京\n2020年1月6日;1\n2020年1月13日;2\n", encoding="gb18030")
    assert laid.series == ("北京",)
    path = tmp_path / "cases.csv.gz"
    path.write_bytes(gzip.compress(b"date\ta\n20200106\t1\n20200113\t2\n"))
    assert_array_equal(csv_file.read(path).panel.counts, [[1, 2]])
    with pytest.raises(Unreadable, match="--encoding gb18030"):
        (tmp_path / "x.csv").write_bytes("日期,甲\n2020-01-06,1\n".encode("gb18030"))
        csv_file.read(tmp_path / "x.csv")
    with pytest.raises(NotFound, match=r"nowhere\.csv"):
        csv_file.read(tmp_path / "nowhere.csv")


def test_population_is_matched_by_series_and_time(tmp_path: Path) -> None:
    counts = read(tmp_path, "date,a,b\n2020-01-06,1,2\n2020-01-13,3,4\n")
    people = read(tmp_path, "date,b,a\n2020-01-13,40,30\n2020-01-20,400,300\n")
    both = with_population(counts, people)
    assert both.panel.population is not None
    assert_array_equal(both.panel.population, [[NAN, 30], [NAN, 40]])
    assert any("without a population" in note.en for note in both.notes)
    lacking = read(tmp_path, "date,c,d\n2020-01-06,1,2\n2020-01-13,3,4\n")
    with pytest.raises(InvalidValue, match="no column 'a'"):
        with_population(counts, lacking)


def test_series_are_chosen_by_name(tmp_path: Path) -> None:
    laid = read(tmp_path, "date,a,b\n2020-01-06,1,2\n2020-01-13,3,4\n")
    assert_array_equal(chosen(laid, ["b"]).panel.counts, [[2, 4]])
    with pytest.raises(InvalidValue, match="found 'c'; expected some of: a, b"):
        chosen(laid, ["c"])
    # a wide table of which only some columns are series
    only = read(tmp_path, "date,place,a\n2020-01-06,x,1\n2020-01-13,y,1\n", series=["a"])
    assert only.series == ("a",)


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("last 2", [3, 4]),
        ("2020-01-20..", [2, 3, 4]),
        ("..2020-01-13", [0, 1]),
        ("2020-01..2020-01", [0, 1, 2, 3]),
        ("2020-W04", [2]),
        ("2:3", [1, 2]),
        ("2020..", [0, 1, 2, 3, 4]),
        ("", [3, 4]),
    ],
)
def test_tested_times_are_named_in_words(tmp_path: Path, said: str, wanted: list[int]) -> None:
    weeks = ["2020-01-06", "2020-01-13", "2020-01-20", "2020-01-27", "2020-02-03"]
    laid = read(tmp_path, "date,a\n" + "".join(f"{week},1\n" for week in weeks))
    assert indexes(said, laid.axis).tolist() == wanted


@pytest.mark.parametrize("said", ["last 0", "2021..", "9:12", "soon", "2020-01-06..soon"])
def test_times_that_are_not_there_are_refused(tmp_path: Path, said: str) -> None:
    laid = read(tmp_path, "date,a\n2020-01-06,1\n2020-01-13,1\n")
    with pytest.raises(InvalidValue, match="test: "):
        indexes(said, laid.axis)
    assert np.isfinite(laid.panel.counts).all()


def test_large_numbers_are_shown_in_full_so_that_a_threshold_differs_from_its_value() -> None:
    assert [shown(v) for v in (1_000_000.0, 1_002_831.4, 2.5e13, 12.3456, 0.00001, NAN)] == [
        "1000000", "1002831", "2.5e+13", "12.346", "1e-05", "–"
    ]  # fmt: skip
