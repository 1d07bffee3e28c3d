"""The moving percentile method as China's CIDARS describes it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from anlan.assess.detect.panel import Alarm, Floats, Panel, Reason
from anlan.assess.detect.registry import detector, spec

cidars = detector("cidars")


def plain_daily(
    y: dict[dt.date, float], today: dt.date, percentile: float, years: int
) -> tuple[float, float]:
    """Current seven-day sum and the percentile of the past blocks, read off a calendar."""

    def block(end: dt.date) -> float:
        return sum(y[end - dt.timedelta(days=n)] for n in range(7))

    past = [
        block(today.replace(year=today.year - back) + dt.timedelta(days=7 * about))
        for back in range(1, years + 1)
        for about in (-2, -1, 0, 1, 2)
    ]
    return block(today), float(np.quantile(past, percentile))


def daily(n_series: int = 3) -> Panel:
    dates = np.arange("2010-01-01", "2016-07-01", dtype="datetime64[D]")
    season = 3 + 2 * np.cos(2 * np.pi * np.arange(len(dates)) / 365.25)
    counts = np.random.default_rng(1).poisson(season, (n_series, len(dates))).astype(np.float64)
    return Panel(counts, 365, dates=dates)


@pytest.mark.parametrize(("percentile", "years"), [(0.8, 5), (0.9, 3), (0.5, 5)])
def test_a_day_is_judged_by_its_week_against_five_blocks_of_each_past_year(
    percentile: float, years: int
) -> None:
    panel = daily()
    assert panel.dates is not None
    tested = [panel.n_time - 1, panel.n_time - 40, panel.n_time - 170]
    found = cidars(panel, tested, percentile=percentile, years=years)
    calendar = [d.item() for d in panel.dates]
    for row in range(3):
        y = dict(zip(calendar, panel.counts[row].tolist(), strict=True))
        for column, t in enumerate(tested):
            now, bound = plain_daily(y, calendar[t], percentile, years)
            assert_allclose(found.threshold[row, column], bound)
            assert found.alarm[row, column] == (now > bound)


def test_weeks_are_compared_with_five_weeks_of_five_years() -> None:
    counts = np.random.default_rng(2).poisson(9.0, (2, 312)).astype(np.float64)
    found = cidars(Panel(counts, 52), [300])
    rows = [300 - 52 * back + about for back in range(1, 6) for about in range(-2, 3)]
    assert_allclose(found.threshold[:, 0], np.quantile(counts[:, rows], 0.8, axis=1))
    assert_allclose(found.expected[:, 0], np.median(counts[:, rows], axis=1))


def test_the_rank_is_the_p_value() -> None:
    counts = np.tile(np.arange(52.0), (1, 6))
    counts[0, 300] = 1e6
    found = cidars(Panel(counts, 52), [300])
    assert_allclose(found.p_value, 1 / 26)
    assert found.alarm[0, 0] == Alarm.YES


def test_a_dated_weekly_axis_with_53_week_years_compares_the_nearest_weeks() -> None:
    dates = np.arange("2008-01-07", "2016-12-31", 7, dtype="datetime64[D]")
    counts = np.arange(len(dates), dtype=np.float64)[None, :]
    t = int(np.searchsorted(dates, np.datetime64("2016-01-04")))
    found = cidars(Panel(counts, 52, dates=dates), [t], years=1, min_years=1, percentile=0.5)
    nearest = int(np.abs((dates - np.datetime64("2015-01-04")).astype(int)).argmin())
    assert found.expected[0, 0] == nearest


def test_one_case_of_a_grave_disease_is_a_signal_whatever_the_history() -> None:
    counts = np.array([[0.0, 1.0, np.nan], [50.0, 0.0, 2.0]])
    found = cidars(Panel(counts, 365), slice(None), fixed_threshold=1)
    assert found.alarm.tolist() == [[0, 1, -1], [1, 0, 1]]
    assert spec("cidars").history({**spec("cidars").complete({}), "fixed_threshold": 1}, 365) == 0


def holed(days: list[int], value: float | None = None) -> tuple[Panel, int]:
    panel = daily(1)
    t = panel.n_time - 1
    counts = panel.counts.copy()
    counts[0, [t - d for d in days]] = np.nan
    if value is not None:
        counts[0, t] = value
    return Panel(counts, 365, dates=panel.dates), t


@pytest.mark.parametrize(
    ("days", "value", "alarm", "reason"),
    [
        ([3], None, Alarm.UNKNOWN, Reason.MISSING_VALUE),  # the missing day might have brought a signal
        ([3], 500.0, Alarm.YES, Reason.OK),  # cases are never taken back
        ([0], None, Alarm.UNKNOWN, Reason.MISSING_VALUE),
        ([365], None, Alarm.NO, Reason.OK),  # a past block stands on its other days
        (list(range(20, 2000)), None, Alarm.UNKNOWN, Reason.TOO_FEW_HISTORY),
    ],
)
def test_gaps_never_look_like_calm(
    days: list[int], value: float | None, alarm: Alarm, reason: Reason
) -> None:
    panel, t = holed(days, value)
    found = cidars(panel, [t], percentile=0.99)
    assert (found.alarm[0, 0], found.reason[0, 0]) == (alarm, reason)


def test_a_day_that_is_not_on_the_axis_is_a_missing_day() -> None:
    panel, t = holed([365, 366, 3])
    assert panel.dates is not None
    keep = np.setdiff1d(np.arange(panel.n_time), [t - 365, t - 366, t - 3])
    cut = Panel(panel.counts[:, keep], 365, dates=panel.dates[keep])
    whole, short = cidars(panel, [t]), cidars(cut, [-1])
    assert_allclose(short.threshold, whole.threshold)
    assert short.alarm[0, 0] == whole.alarm[0, 0] == Alarm.UNKNOWN


def test_two_years_of_history_are_too_few_unless_asked_for() -> None:
    counts: Floats = np.ones((1, 140))
    assert cidars(Panel(counts, 52), [139]).reason[0, 0] == Reason.TOO_FEW_HISTORY
    assert cidars(Panel(counts, 52), [139], min_years=2).alarm[0, 0] == Alarm.NO


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"percentile": 80}, "percentile must lie between 0 and 1, found 80"),
        ({"min_years": 6}, "min_years must lie between 1 and years, found 6 and 5"),
        ({"block": 0}, "block must be at least 1 period, found 0"),
        ({"fixed_threshold": 0}, "fixed_threshold must be at least 1 case, found 0"),
    ],
)
def test_a_parameter_out_of_range_is_refused(params: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        cidars(Panel(np.ones((1, 10)), 52), [9], **params)
