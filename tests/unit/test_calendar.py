"""Weekdays and Chinese holidays: what a count says about the day it was counted on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from anlan.assess.calendar import HOLIDAY, MAKE_UP, UNKNOWN, adjusted, day_kinds, effects, evened, weekdays
from anlan.assess.detect.panel import Panel
from anlan.assess.detect.registry import detector
from anlan.assess.evaluate import evaluate
from anlan.model.indicator import Definition
from anlan.model.state import State
from anlan.model.time import Validity
from chain_pack import DAY, GAUGE, HOUR, T0, MemoryLake, both, chain_pack, stage

TRUE = np.array([1.3, 1.2, 1.1, 1.1, 1.0, 0.8, 0.5, 0.4, 1.25])  # Monday to Sunday, holiday, make-up day


def days(first: str, n: int) -> np.ndarray:
    return np.datetime64(first, "D") + np.arange(n)


def kind(day: str) -> int:
    return int(day_kinds(days(day, 1))[0])


def test_holidays_and_the_weekends_worked_for_them_are_those_the_state_council_announced() -> None:
    # General Office of the State Council, notices for 2020 and 2024; the Spring Festival of 2020 was extended
    assert {kind(f"2020-01-{day}") for day in (24, 27, 30, 31)} == {HOLIDAY}
    assert {kind(f"2020-02-0{day}") for day in (1, 2)} == {HOLIDAY}
    assert kind("2020-02-03") == 0
    assert {kind(day) for day in ("2020-01-19", "2024-02-04", "2024-02-18", "2024-10-12")} == {MAKE_UP}
    assert kind("2024-02-10") == HOLIDAY
    assert kind("2024-03-02") == 5


def test_a_year_without_a_calendar_has_no_kinds_and_no_adjusted_values() -> None:
    kinds = day_kinds(days("2003-12-25", 14))
    assert (kinds[:7] == UNKNOWN).all() and (kinds[7:] != UNKNOWN).all()
    values, _ = adjusted(np.full((1, 14), 5.0), kinds, 14)
    assert np.isnan(values[0, :7]).all() and not np.isnan(values[0, 7:]).any()


def test_the_factors_of_a_made_up_series_are_found_again() -> None:
    when = days("2016-01-01", 4 * 365)
    kinds = day_kinds(when)
    level = 200 * np.exp(0.5 * np.sin(2 * np.pi * np.arange(len(when)) / 365.25))
    exact = (level * TRUE[kinds])[np.newaxis, :]
    scale = TRUE[:7].mean()
    assert effects(exact, kinds).factor[0] == pytest.approx(TRUE / scale, rel=0.01)
    counted = np.random.default_rng(1).poisson(exact).astype(float)
    assert effects(counted, kinds).factor[0] == pytest.approx(TRUE / scale, rel=0.03)


def test_an_adjusted_series_no_longer_knows_its_days() -> None:
    when = days("2018-01-01", 3 * 365)
    kinds = day_kinds(when)
    counted = np.random.default_rng(2).poisson(100 * TRUE[kinds])[np.newaxis, :].astype(float)
    values, _ = adjusted(counted, kinds, 2 * 365)
    late = slice(2 * 365, None)
    means = [values[0, late][kinds[late] == k].mean() for k in range(9)]
    assert max(means) / min(means) < 1.08
    raw = [counted[0, late][kinds[late] == k].mean() for k in range(9)]
    assert max(raw) / min(raw) > 2.5


def test_tested_days_have_no_say_in_how_they_are_adjusted() -> None:
    kinds = day_kinds(days("2019-01-01", 500))
    values = np.random.default_rng(3).poisson(50 * TRUE[kinds], (3, 500)).astype(float)
    _, before = adjusted(values, kinds, 400)
    values[:, 400:] *= 20
    _, after = adjusted(values, kinds, 400)
    assert (before.factor == after.factor).all()


def test_series_do_not_notice_each_other_and_missing_days_are_left_out() -> None:
    kinds = day_kinds(days("2019-01-01", 500))
    values = np.random.default_rng(4).poisson(50 * TRUE[kinds], (3, 500)).astype(float)
    values[1, ::3] = np.nan
    whole = effects(values, kinds)
    for row in range(3):
        assert (effects(values[row : row + 1], kinds).factor[0] == whole.factor[row]).all()
    assert whole.factor[1] == pytest.approx(TRUE / TRUE[:7].mean(), rel=0.1)


def test_odd_series_have_defined_factors() -> None:
    kinds = day_kinds(days("2019-01-01", 500))
    nothing = effects(np.zeros((1, 500)), kinds)
    assert (nothing.factor == 1).all()
    unseen = effects(np.full((1, 500), np.nan), kinds)
    assert (unseen.factor == 1).all() and unseen.borrowed.all()
    short = effects(np.full((1, 10), 7.0), kinds[:10])
    assert (short.factor == 1).all() and short.borrowed.all()
    # a clinic that never counts on Sundays: its zeros there say nothing
    closed = np.where(kinds == 6, 0.0, 20.0)[np.newaxis, :]
    found = effects(closed, kinds)
    assert np.isnan(found.factor[0, 6]) and found.factor[0, 0] == pytest.approx(7 / 6, rel=0.02)
    huge = effects(np.full((1, 500), 1e6), kinds)
    assert huge.factor == pytest.approx(np.ones((1, 9)))


def test_holidays_raise_no_more_false_alarms_than_other_days() -> None:
    kinds = day_kinds(days("2017-01-01", 3 * 365))
    level = np.random.default_rng(7).gamma(5, 8, (300, 1))
    counted = np.random.default_rng(8).poisson(level * TRUE[kinds]).astype(float)
    tests = np.arange(2 * 365, 3 * 365)
    over, found = adjusted(counted, kinds, int(tests[0]))
    even = evened(counted, found.of(kinds))

    def rates(values: np.ndarray) -> list[float]:
        alarm = detector("ears_c2")(Panel(values, 365), tests, baseline=28).alarm == 1
        return [float(alarm[:, kinds[tests] == kind].mean()) for kind in range(8)]

    # over the factor alone the quiet days cross a bound taken from all days, by Poisson's law
    assert rates(over)[HOLIDAY] > 0.02 and rates(over)[HOLIDAY] > 10 * min(rates(over))
    assert max(rates(even.values)) < 0.008 and max(rates(even.values)) < 3 * min(rates(even.values))


def test_a_bound_in_the_counts_of_the_day_itself_parts_the_same_days() -> None:
    kinds = day_kinds(days("2018-01-01", 2 * 365))
    counted = np.random.default_rng(9).poisson(30 * TRUE[kinds], (40, 730)).astype(float)
    counted[::2, 640] = np.nan
    tests = np.arange(600, 730)
    even = evened(counted, effects(counted[:, :600], kinds[:600]).of(kinds))
    seen = detector("ears_c2")(Panel(even.values, 365), tests, baseline=14)
    known = ~np.isnan(counted[:, tests]) & (even.values[:, tests] > 0)
    own = even.own(seen.threshold, tests)
    assert ((counted[:, tests] > own) == (seen.alarm == 1))[known].all()
    # what is expected of a holiday is a holiday's
    holidays = kinds[tests] == HOLIDAY
    expected = even.own(seen.expected, tests)[:, holidays]
    assert np.nanmean(expected) == pytest.approx(30 * TRUE[HOLIDAY], rel=0.1)


def test_later_days_and_the_beginning_of_the_axis_do_not_change_an_evened_day() -> None:
    kinds = day_kinds(days("2018-01-01", 400))
    counted = np.random.default_rng(10).poisson(30 * TRUE[kinds], (3, 400)).astype(float)
    factor = effects(counted, kinds).of(kinds)
    whole = evened(counted, factor)
    changed = counted.copy()
    changed[:, 300:] = 900
    assert (evened(changed, factor).values[:, :300] == whole.values[:, :300]).all()
    assert (evened(counted[:, 100:], factor[:, 100:]).values[:, 28:] == whole.values[:, 128:]).all()
    assert (whole.values[:, :1] == (counted / factor)[:, :1]).all()  # nothing is known before it
    assert (whole.values >= 0).all()


def test_where_no_calendar_is_known_a_day_is_its_weekday() -> None:
    when = days("2024-02-26", 5 * 365)  # a Monday
    assert (weekdays(when) == np.arange(5 * 365) % 7).all()
    assert weekdays(days("1969-12-29", 3)).tolist() == [0, 1, 2]


def test_a_calendar_that_there_is_none_of_is_refused() -> None:
    with pytest.raises(ValueError, match="calendar must be one of cn, found 'mars'"):
        day_kinds(days("2020-01-01", 1), "mars")


def test_a_rule_that_minds_the_calendar_sees_a_sunday_three_times_as_busy_as_sundays_are() -> None:
    pack = chain_pack()
    counts = replace(pack.indicators["stage"], kind="count", calendar="cn")
    rule = replace(
        GAUGE, detector="ears_c1", params={"min_sigma": 1.0}, keep=timedelta(0), measure="excess",
        bands=tuple(replace(band, at_least=-1e9) for band in GAUGE.bands if band.level == 4),
    )  # fmt: skip
    first = T0 - 400 * DAY
    kinds = day_kinds(np.datetime64(first.date(), "D") + np.arange(430))
    usual = np.where(kinds == 0, 60.0, np.where(kinds < 5, 30.0, 10.0))  # long queues on Mondays
    drawn = np.random.default_rng(5).poisson(usual).astype(float)
    drawn[413] = 32.0  # 14 June 2020
    lake = MemoryLake()
    lake.append([stage(day - 400, float(value)) for day, value in enumerate(drawn)])

    def alarms(calendar: str) -> list[tuple[str, float | None]]:
        watched = replace(counts, calendar=calendar)
        own = replace(pack, indicators={**pack.indicators, "stage": watched}, rules={rule.id: rule})
        state, raised = State(), []
        for day in range(30):
            for one in evaluate(rule, own, lake, state, T0 + day * DAY + 30 * HOUR):  # type: ignore[arg-type]
                state.put(one.id, one)
                if one.change == "raised":
                    raised.append((f"{one.at:%a %d}", one.value))
        return raised

    assert alarms("") == []
    assert alarms("cn") == [("Sun 14", 32.0)]


def test_one_absurd_count_does_not_carry_the_days_after_it_away() -> None:
    kinds = day_kinds(days("2018-01-01", 400))
    counted = np.random.default_rng(11).poisson(30 * TRUE[kinds], (1, 400)).astype(float)
    factor = effects(counted[:, :380], kinds[:380]).of(kinds)
    calm = evened(counted, factor).values[0, 391:]
    counted[0, 390] = 99_999
    assert np.abs(evened(counted, factor).values[0, 391:] - calm).max() < 1


def test_the_first_holidays_under_a_new_definition_are_no_fall_and_the_day_after_no_rise() -> None:
    pack = chain_pack()
    first = date(2018, 9, 1)
    begins = date(2019, 9, 1)  # twice as much counts; 1 to 7 October are holidays
    when = days(str(first), 420)
    kinds = day_kinds(when)
    level = np.where(when >= np.datetime64(begins), 120, 60)
    drawn = np.random.default_rng(6).poisson(level * TRUE[kinds]).astype(float)
    new = Definition(both("probable cases count too"), GAUGE.basis, Validity(begins))
    counts = replace(pack.indicators["stage"], kind="count", calendar="cn", definitions=(new,))
    rule = replace(GAUGE, detector="ears_c1", params={"alpha": 1e-4}, keep=3 * DAY, measure="excess",
                   bands=tuple(replace(b, at_least=-1e9) for b in GAUGE.bands if b.level == 4))  # fmt: skip
    own = replace(pack, indicators={**pack.indicators, "stage": counts}, rules={rule.id: rule})
    start = datetime.combine(first, datetime.min.time(), UTC)
    lake = MemoryLake()
    lake.append([stage((start - T0).days + day, float(value)) for day, value in enumerate(drawn)])
    told = []
    for day in range(365, 420):
        now = start + day * DAY + 30 * HOUR
        told += evaluate(rule, own, lake, State(), now)  # type: ignore[arg-type]
    assert [one.sentence.en for one in told if one.at.date() >= date(2019, 9, 30)] == []
