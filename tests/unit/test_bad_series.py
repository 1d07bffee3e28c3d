"""Whatever a series holds, every detector answers: a value, or unknown with a reason; the others go on."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import polars as pl
import pytest

import anlan
from anlan.assess.detect import registry
from anlan.assess.detect.panel import Alarm, Floats, Panel, Reason
from anlan.model.errors import InvalidValue

NAN, N = float("nan"), 8 * 52
#: detectors of days
DAILY = ("adaptive_regression", "switch")
GOOD = np.random.default_rng(1).poisson(6, N).astype(np.float64)
NEEDED: dict[str, dict[str, Any]] = {
    "threshold": {"limit": 5.0},
    "rate_of_change": {"limit": 5.0},
    "rogerson": {},
    "ensemble": {"members": ["ears_c1", "farrington_scan"]},
}


def axis(name: str) -> tuple[int, Any]:
    """Periods a year, and the first days of N periods."""
    daily = name in DAILY
    return (365 if daily else 52), np.datetime64("2018-01-01") + np.arange(N) * (1 if daily else 7)


def put(**cells: float) -> Floats:
    y = GOOD.copy()
    for at, value in cells.items():
        y[int(at.removeprefix("at").replace("last", str(N - 1)))] = value
    return y


def tail(*values: float) -> Floats:
    return np.r_[np.full(N - len(values), NAN), values]


#: name -> (series, reasons for unknown at its last period; none: it must have an answer)
SERIES: dict[str, tuple[Floats, set[Reason]]] = {
    "all zero": (np.zeros(N), {Reason.NO_BOUND, Reason.NO_SPREAD, Reason.TOO_FEW_HISTORY}),
    "one case": (
        np.where(np.arange(N) == 200, 1.0, 0.0),
        {Reason.NO_BOUND, Reason.NO_SPREAD, Reason.TOO_FEW_HISTORY},
    ),
    "constant": (np.full(N, 5.0), {Reason.NO_BOUND, Reason.NO_SPREAD, Reason.TOO_FEW_HISTORY}),
    "all missing": (np.full(N, NAN), set(Reason)),
    "one value": (tail(4.0), set(Reason)),
    "short": (tail(4.0, 3.0, 5.0, 9.0), set(Reason)),
    "gaps": (np.where((np.arange(N) > 300) & (np.arange(N) < 330), NAN, GOOD), set(Reason)),
    "last missing": (put(atlast=NAN), set(Reason)),
    "negative": (put(at250=-1.0, atlast=-3.0), {Reason.INVALID_VALUE, Reason.TOO_FEW_HISTORY}),
    "a million": (put(at260=1e6, atlast=1e6), {Reason.TOO_FEW_HISTORY, Reason.NO_CONVERGENCE}),
    "beyond any count": (put(at260=1e300, atlast=1e18), {Reason.TOO_FEW_HISTORY, Reason.NO_CONVERGENCE}),
    "infinite": (put(atlast=np.inf), {Reason.INVALID_VALUE}),
    "beyond all": (put(atlast=1e200), {Reason.INVALID_VALUE}),
}


@pytest.mark.parametrize("name", registry.names())
def test_every_detector_answers_for_every_series_and_quietly(name: str) -> None:
    one = registry.spec(name)
    params = {**one.live, **NEEDED.get(name, {})}
    counts = np.vstack([GOOD, *(y for y, _ in SERIES.values())])
    freq, days = axis(name)
    test = np.arange(N - 3, N)
    for dates, population in (
        (days, None),
        (None, np.zeros(counts.shape)),
        (days, np.full(counts.shape, 1e3)),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = registry.detector(name)(Panel(counts, freq, population, dates), test, **params)
            alone = registry.detector(name)(
                Panel(counts[:1], freq, None if population is None else population[:1], dates), test, **params
            )
        unknown = found.alarm == Alarm.UNKNOWN
        assert (found.reason[unknown] != Reason.OK).all()
        assert np.isin(found.alarm, [int(a) for a in Alarm]).all()
        for row, (which, (_, allowed)) in enumerate(SERIES.items(), start=1):
            if found.alarm[row, -1] == Alarm.UNKNOWN:
                assert Reason(int(found.reason[row, -1])) in allowed | {Reason.NO_POPULATION}, which
        missing = 1 + list(SERIES).index("last missing")
        assert found.alarm[missing, -1] == Alarm.UNKNOWN
        # the sound series does not notice the others
        np.testing.assert_array_equal(found.alarm[0], alone.alarm[0])
        np.testing.assert_allclose(found.threshold[0], alone.threshold[0], rtol=1e-9)


@pytest.mark.parametrize(
    ("name", "step"),
    [
        *(
            (name, "1w")
            for name in ("ears_c1", "ears_c2", "ears_c3", "farrington_flexible", "cdc", "ensemble")
        ),
        *((name, "1mo") for name in ("ears_c1", "farrington_flexible")),
    ],
)
def test_a_table_shorter_than_the_history_is_unknown_and_no_error(name: str, step: str) -> None:
    last = pl.date(2020, 2, 5) if step == "1w" else pl.date(2020, 6, 1)
    days = pl.date_range(pl.date(2020, 1, 1), last, step, eager=True)
    assert len(days) == 6
    params = {"members": ["ears_c1", "ears_c2"]} if name == "ensemble" else {}
    found = anlan.detect(pl.DataFrame({"date": days, "a": [1, 0, 2, 1, 1, 9]}), name, test="last 2", **params)
    assert (found.alarm == Alarm.UNKNOWN).all()
    if name != "ensemble":
        assert (found.reason == Reason.TOO_FEW_HISTORY).all()
    assert found.test.tolist() == [4, 5]
    assert found.frame()["date"].to_list() == days.to_list()[-2:]


@pytest.mark.parametrize("slip", [1e3, 1e5, 1e6, 1e12])
def test_a_slip_of_the_pen_in_the_past_is_no_reason_for_alarms_ever_after(slip: float) -> None:
    y = np.vstack([GOOD, put(at260=slip)])
    test = np.arange(N - 30, N)
    found = registry.detector("farrington_scan")(Panel(y, 52), test)
    assert found.alarm[1].sum() <= found.alarm[0].sum()
    y[1, N - 25] = 1e4  # half a year from the season of the slip
    assert registry.detector("farrington_scan")(Panel(y, 52), test).alarm[1, 5] == Alarm.YES


def test_denominators_of_zero_are_unknown_where_they_count() -> None:
    population = np.full((1, N), 1000.0)
    population[0, -1] = 0
    for name, switch in (
        ("farrington_flexible", {"population_offset": True}),
        ("farrington_scan", {"population_offset": True}),
        ("farrington", {"fit_fun": "population_offset"}),
    ):
        found = registry.detector(name)(Panel(GOOD[None], 52, population), [N - 2, N - 1], **switch)
        assert found.alarm[0].tolist() == [Alarm.NO, Alarm.UNKNOWN], name


def test_dates_that_come_twice_and_tests_with_holes_are_refused_by_name() -> None:
    _, days = axis("farrington")
    days[100] = days[99]
    with pytest.raises(ValueError, match="dates must be known and strictly increasing"):
        Panel(GOOD[None], 52, None, days)
    for name in registry.names():
        one = registry.spec(name)
        params = {**one.live, **NEEDED.get(name, {})}
        if one.sequential:
            with pytest.raises(ValueError, match="test must be contiguous and in order"):
                registry.detector(name)(Panel(GOOD[None], 52), [N - 9, N - 5], **params)
        else:
            found = registry.detector(name)(Panel(GOOD[None], 52), [N - 9, N - 5], **params)
            each = registry.detector(name)(Panel(GOOD[None], 52), [N - 5], **params)
            assert found.alarm[0, 1] == each.alarm[0, 0], name


def test_a_list_is_a_list() -> None:
    with pytest.raises(ValueError, match=r"ensemble: members must be list, found 5\.0"):
        registry.detector("ensemble")(Panel(GOOD[None], 52), [N - 1], members=5.0)
    with pytest.raises((InvalidValue, ValueError), match="weights must be list or none"):
        registry.detector("ensemble")(Panel(GOOD[None], 52), [N - 1], members=["ears_c1"], weights=1)
