"""Tables laid on an axis: the order of rows never matters, and nothing is dropped without a word."""

from __future__ import annotations

import math
from datetime import date, timedelta
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from anlan.analyse.table import Manner, Row, table

#: a comma among points is no number, where the point is said to be the sign
POINTS = Manner(decimal=".")
MONDAY = date(2008, 12, 1)
CELLS = st.one_of(
    st.integers(0, 50).map(str),
    st.floats(-5, 5, allow_nan=False).map(repr),
    st.sampled_from(["", "NA", "nan", "n/a", "many", "1,5", "1_0", "0x1", "--"]),
)


@st.composite
def wide(draw: Any) -> tuple[list[str], list[Row]]:
    """Weeks with gaps, in any order, and one to three series with any cells."""
    weeks = draw(st.lists(st.integers(0, 60), min_size=2, max_size=12, unique=True))
    names = ["a", "b", "c"][: draw(st.integers(1, 3))]
    rows = [
        (n + 2, [str(MONDAY + timedelta(7 * week)), *(draw(CELLS) for _ in names)])
        for n, week in enumerate(weeks)
    ]
    if all(row[1][1 + s] in ("many", "1,5", "1_0", "0x1", "--") for s in range(len(names)) for row in rows):
        rows[0][1][1:] = ["1"] * len(names)
    for s in range(len(names)):
        rows[0][1][1 + s] = "1"  # a column without any number is refused
    return ["date", *names], rows


@settings(deadline=None)
@given(wide(), st.randoms(use_true_random=False))
def test_the_order_of_rows_never_matters(sheet: tuple[list[str], list[Row]], chance: Any) -> None:
    columns, rows = sheet
    mixed = list(rows)
    chance.shuffle(mixed)
    one, other = (table(columns, given, "t", 52, manner=POINTS) for given in (rows, mixed))
    assert_array_equal(one.panel.counts, other.panel.counts)
    assert one.held == other.held
    assert_array_equal(one.axis.dates, other.axis.dates)


@settings(deadline=None)
@given(wide())
def test_a_wide_and_a_long_table_say_the_same(sheet: tuple[list[str], list[Row]]) -> None:
    columns, rows = sheet
    long: list[Row] = [
        (line, [cells[0], name, cells[1 + s]]) for line, cells in rows for s, name in enumerate(columns[1:])
    ]
    one = table(columns, rows, "t", 52, manner=POINTS)
    other = table(["date", "series", "value"], long, "t", 52, manner=POINTS)
    assert one.series == other.series
    assert_array_equal(one.panel.counts, other.panel.counts)
    assert [(h.line, h.found) for h in one.held] == [(h.line, h.found) for h in other.held]


@settings(deadline=None)
@given(wide())
def test_every_cell_is_a_value_missing_or_listed(sheet: tuple[list[str], list[Row]]) -> None:
    columns, rows = sheet
    laid = table(columns, rows, "t", 52, manner=POINTS)
    listed = {(h.line, h.column) for h in laid.held}
    assert laid.axis.dates is not None
    for line, cells in rows:
        at = int(np.searchsorted(laid.axis.dates, np.datetime64(cells[0])))
        for s, name in enumerate(columns[1:]):
            value, text = laid.panel.counts[s, at], cells[1 + s]
            if (line, name) in listed or text in ("", "NA", "nan", "n/a"):
                assert math.isnan(value)
            else:
                assert value == float(text)
    gaps = laid.axis.n_time - len(rows)
    assert len(laid.axis.gaps) == gaps
    assert np.isnan(laid.panel.counts[:, laid.axis.gaps]).all()
