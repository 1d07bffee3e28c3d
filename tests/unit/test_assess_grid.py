"""From rows to a regular grid, nothing moved and nothing made up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from anlan.assess.grid import Grid, instant, instant64, lay
from anlan.model.time import MONTH
from anlan.ports.lake import Slice
from chain_pack import DAY, HOUR, T0, MemoryLake, stage


def rows(*observations: object) -> Slice:
    lake = MemoryLake()
    lake.append(observations)  # type: ignore[arg-type]
    return lake.read("stage", known=T0 + 400 * DAY)


def test_what_was_not_reported_differs_from_what_was_reported_missing() -> None:
    grid = lay(rows(stage(0, 1.0), stage(1, None), stage(3, 4.0), stage(3, 7.0, "x/b")), DAY)
    assert grid.places == ("x/a", "x/b")
    np.testing.assert_array_equal(grid.values, [[1, np.nan, np.nan, 4], [np.nan, np.nan, np.nan, 7]])
    assert np.isnat(grid.known[0]).tolist() == [False, False, True, False]
    assert [instant(t) for t in grid.times] == [T0 + n * DAY for n in range(4)]


def test_a_day_of_23_hours_and_one_of_25_are_days() -> None:
    hour = HOUR / DAY
    grid = lay(rows(stage(0, 1.0), stage(1 - hour, 2.0), stage(2 - hour, 3.0), stage(3, 4.0)), DAY)
    np.testing.assert_array_equal(grid.values, [[1, 2, 3, 4]])


def test_of_two_values_of_one_period_the_later_stands() -> None:
    grid = lay(rows(stage(0, 1.0), stage(0.25, 2.0), stage(1, 3.0)), DAY)
    np.testing.assert_array_equal(grid.values, [[2, 3]])


@pytest.mark.parametrize(("day", "hour"), [(1, 0), (1, -8), (15, 6), (28, 0)])
def test_months_of_any_length_follow_one_another_without_a_gap(day: int, hour: int) -> None:
    begins = [datetime(2019 + n // 12, n % 12 + 1, day, tzinfo=UTC) + hour * HOUR for n in range(72)]
    offset = [(begin - T0) / DAY for begin in begins]
    kept = [n for n in range(72) if n not in (13, 14)]
    lake = MemoryLake()
    lake.append([stage(offset[n], float(n)) for n in kept])
    grid = lay(lake.read("stage", known=T0 + 4000 * DAY), MONTH)
    assert [instant(t) for t in grid.times] == begins
    assert np.flatnonzero(np.isnan(grid.values[0])).tolist() == [13, 14]
    assert grid.values[0, kept].tolist() == kept


def test_one_row_alone_keeps_the_common_time_axis() -> None:
    grid = lay(rows(stage(0, 1.0), stage(5, 2.0, "x/b")), DAY)
    alone = grid.row("x/a")
    assert (alone.places, len(alone.times), alone.values.shape) == (("x/a",), 6, (1, 6))
    assert grid.row("nowhere").places == ()


def test_nothing_gives_an_empty_grid() -> None:
    grid = lay(rows(), timedelta(days=1))
    assert isinstance(grid, Grid)
    assert (grid.places, len(grid.times)) == ((), 0)
    assert instant(instant64(T0)) == T0
