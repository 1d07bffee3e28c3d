"""Tables as people have them, laid on a regular axis: nothing is dropped without being named."""

from __future__ import annotations

import gzip
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from anlan.analyse import csv_file
from anlan.analyse.laid import Laid, chosen, with_population
from anlan.analyse.span import indexes
from anlan.analyse.table import Manner
from anlan.analyse.words import shown
from anlan.formats.weeks import begins, count, week_of
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
        ("date;a\n2020-01-06;3 5\n2020-01-13;4 5\n", "found '3 5'; expected numbers as 1234.5"),
        (
            "date;a\n2020-01-06;1,250\n2020-01-13;4\n",
            r"line 2, column a: a comma that may part thousands or decimals; found '1,250'.*--decimal ,",
        ),
        (
            "date;a;b\n2020-01-06;1,25;7\n2020-01-13;4;2.5\n",
            r"line 2, column a: decimals with a comma and with a point.*'2.5' in line 3, column b",
        ),
        ("date;a,b\n2020-01-06;1,2\n", r"line 1: two signs may part the cells.*--separator"),
        (
            "date,a\n202005,1\n202006,2\n",
            r"line 2, column date: a number that may be a month or a week; found '202005'.*--weeks iso",
        ),
        ("date,a\n2020-12,1\n2020-13,2\n", r"line 3, .*'2020-13' .no such month; a week is written 2012-W05"),
        (
            "year,week,a\n2014,52,1\n2014,53,2\n",
            r"line 3, column year,week: .*2014-W53' .2014 has 52 ISO weeks; 53 MMWR weeks",
        ),
        (
            "year,week,a\n2015,52,1\n2016,1,2\n",
            r"line 2, .*2015 has 53 ISO weeks and 52 MMWR weeks, and no week 53 is told",
        ),
        ("year,week,a\n2020,5,1\n,6,2\n", r"line 3, column year,week: .*found \"'' and '6'\""),
        ("year,week,a\n2020,5,1\n2020,5,2\n", r"line 3, .*a time that comes twice"),
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


# ── weeks, decimals and separators of spreadsheets ───────────────────────────────────────────────


@pytest.mark.parametrize(
    "text",
    [
        "year,week,a\n2020,52,1\n2020,53,2\n2021,1,3\n",
        "Jahr;KW;a\n2020;52;1\n2020;53;2\n2021;01;3\n",
        "年份,周次,a\n2020,第52周,1\n2020,第53周,2\n2021,第1周,3\n",
        "week,year,a\nW52,2020.0,1\nW53,2020.0,2\nW1,2021.0,3\n",
        "date,a\n2020-W52,1\n2020W53,2\n2021 W01,3\n",
        "date,a\n2020-KW52,1\n2020KW53,2\n2021 KW01,3\n",
        "year,week,series,value\n2021,1,a,3\n2020,53,a,2\n2020,52,a,1\n",
    ],
)
def test_weeks_of_a_year_are_iso_weeks_and_it_is_said(tmp_path: Path, text: str) -> None:
    laid = read(tmp_path, text)
    assert laid.series == ("a",)
    assert dates(laid) == ["2020-12-21", "2020-12-28", "2021-01-04"]
    assert_array_equal(laid.panel.counts, [[1, 2, 3]])
    assert laid.held == ()
    said = " ".join(note.en for note in laid.notes)
    assert "53 weeks in 2020" in said and "numbers of weeks are ISO weeks; each stands at its Monday" in said


@pytest.mark.parametrize(
    ("text", "weeks"),
    [
        ("year,week,a\n2014,52,1\n2014,53,2\n2015,1,3\n", "mmwr"),
        ("mmwr_year,mmwr_week,a\n2014,52,1\n2014,53,2\n2015,1,3\n", ""),
        ("date,a\n201452,1\n201453,2\n201501,3\n", "mmwr"),
        ("date,a\n2014-52,1\n2014-53,2\n2015-01,3\n", "mmwr"),
        ("date,a\n2014-W52,1\n2014-W53,2\n2015-W01,3\n", "mmwr"),
    ],
)
def test_mmwr_weeks_begin_on_sunday(tmp_path: Path, text: str, weeks: str) -> None:
    laid = read(tmp_path, text, manner=Manner(weeks))
    assert dates(laid) == ["2014-12-21", "2014-12-28", "2015-01-04"]
    said = " ".join(note.en for note in laid.notes)
    assert "53 weeks in 2014" in said and "MMWR weeks; each stands at its Sunday" in said
    assert indexes("2014-W53..", laid.axis).tolist() == [1, 2]


def test_six_digits_are_weeks_or_months_as_somebody_says(tmp_path: Path) -> None:
    text = "date,a\n202005,1\n202006,2\n202007,3\n"
    assert dates(read(tmp_path, text, manner=Manner("iso"))) == ["2020-01-27", "2020-02-03", "2020-02-10"]
    assert dates(read(tmp_path, text, 12)) == ["2020-05-01", "2020-06-01", "2020-07-01"]
    assert_array_equal(read(tmp_path, text.replace("date", "k"), 52).axis.k, [202005, 202006, 202007])
    with pytest.raises(InvalidValue, match=r"line 3, .*'202060' .2020 has 53 ISO weeks"):
        read(tmp_path, "date,a\n202005,1\n202060,2\n202007,3\n", manner=Manner("iso"))
    with pytest.raises(InvalidValue, match="no such weeks; found 'epi'"):
        read(tmp_path, text, manner=Manner("epi"))


def test_a_year_and_a_month_are_months(tmp_path: Path) -> None:
    laid = read(tmp_path, "year,month,a\n2020,11,1\n2020,12,2\n2021,1,3\n")
    assert dates(laid) == ["2020-11-01", "2020-12-01", "2021-01-01"] and laid.panel.freq == 12


def test_other_names_of_the_two_columns_are_named_together(tmp_path: Path) -> None:
    laid = read(tmp_path, "J,W,a\n2020,5,1\n2020,6,2\n", roles={"date": "J,W"})
    assert dates(laid) == ["2020-01-27", "2020-02-03"] and laid.series == ("a",)


def test_a_year_and_a_week_beside_a_date_are_no_series(tmp_path: Path) -> None:
    laid = read(tmp_path, "date,year,week,a\n2020-01-06,2020,2,1\n2020-01-13,2020,3,2\n")
    assert laid.series == ("a",)
    assert "no series: year, week" in " ".join(note.en for note in laid.notes)


def test_a_year_that_cannot_be_read_is_one_row_of_a_long_table(tmp_path: Path) -> None:
    laid = read(tmp_path, "year,week,series,value\n2020,5,a,1\n20,6,a,2\n2020,7,a,3\n")
    assert_array_equal(laid.panel.counts, [[1, NAN, 3]])
    assert [(h.line, h.column, h.code) for h in laid.held] == [(3, "year,week", "not_a_time")]


def test_a_decimal_comma_is_read_where_a_cell_proves_it_or_somebody_says_so(tmp_path: Path) -> None:
    laid = read(tmp_path, "date;a;b\n2020-01-06;3,5;1,250\n2020-01-13;0,125;12\n2020-01-20;,5;1e3\n")
    assert_array_equal(laid.panel.counts, [[3.5, 0.125, 0.5], [1.25, 12, 1000]])
    assert "the comma is the decimal sign" in " ".join(note.en for note in laid.notes)
    quoted = read(tmp_path, 'date,a\n2020-01-06,"3,5"\n2020-01-13,4\n')
    assert_array_equal(quoted.panel.counts, [[3.5, 4]])
    text = "date;a\n2020-01-06;1,250\n2020-01-13;1.250\n2020-01-20;3\n"
    comma = read(tmp_path, text, manner=Manner(decimal=","))
    assert_array_equal(comma.panel.counts, [[1.25, NAN, 3]])
    assert [(h.line, h.found) for h in comma.held] == [(3, "1.250")] and "comma" in comma.held[0].say.en
    point = read(tmp_path, text, manner=Manner(decimal="."))
    assert_array_equal(point.panel.counts, [[NAN, 1.25, 3]])


def test_a_comma_in_a_name_does_not_part_the_cells_of_a_table_with_semicolons(tmp_path: Path) -> None:
    laid = read(tmp_path, "date;Bremen, Stadt, Land, Fluss;b\n2020-01-06;1;2\n2020-01-13;3;4\n")
    assert laid.series == ("Bremen, Stadt, Land, Fluss", "b")
    tied = "date;a,b\n2020-01-06;1,2\n2020-01-13;3,2\n"
    assert read(tmp_path, tied, manner=Manner(separator=";")).series == ("a,b",)


def test_every_week_number_of_two_centuries_is_that_of_the_calendar() -> None:
    day = date(1900, 1, 1)
    while day.year < 2101:
        year, week, _ = day.isocalendar()
        assert week_of(day, "iso") == (year, week)
        assert begins(year, week, "iso") <= day < begins(year, week, "iso") + timedelta(7)
        y, w = week_of(day, "mmwr")
        assert begins(y, w, "mmwr") <= day < begins(y, w, "mmwr") + timedelta(7)
        assert begins(y, w, "mmwr").isoweekday() == 7
        day += timedelta(5)
    # CDC, MMWR weeks: week 1 of these years, and the years with 53 weeks
    assert [begins(y, 1, "mmwr").isoformat() for y in (2014, 2015, 2020, 2021)] == [
        "2013-12-29",
        "2015-01-04",
        "2019-12-29",
        "2021-01-03",
    ]
    assert [y for y in range(2000, 2026) if count(y, "mmwr") == 53] == [2003, 2008, 2014, 2020, 2025]
