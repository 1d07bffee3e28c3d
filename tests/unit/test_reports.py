"""A place that reports nothing any more, or stands still, is seen on duty while the others report on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar.testing import TestClient

from anlan.api.routes import openapi, router
from anlan.app.clock import VirtualClock
from anlan.app.desk import RunningDesk
from anlan.app.house import RunningHouse
from anlan.assess.screen import frozen
from anlan.monitor.reports import Reports, newest, renewed, stopped, stuck
from anlan.ports.desk import Unreported
from anlan.ports.lake import Slice
from anlan.web.site import site
from served import PASSWORD, pack, quick_workspace

JSON = "application/json"
HOUR = timedelta(hours=1)
BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
ORIGIN = np.datetime64("2026-03-02", "us")


def cells(*rows: tuple[str, int, float | None, int]) -> Slice:
    """A slice of (place, hour, value or gap, hour in which it was known), in canonical order."""
    ordered = sorted(rows, key=lambda row: row[:2])
    place, at, value, known = zip(*ordered, strict=True) if ordered else ((), (), (), ())
    blank = np.full(len(ordered), np.nan)
    hours = [np.array(h, dtype=np.int64) * np.timedelta64(HOUR) + ORIGIN for h in (at, known)]
    values = np.array([np.nan if v is None else v for v in value], dtype=float)
    names = np.array(place, dtype=object)
    return Slice(names, np.full(len(ordered), "", dtype=object), hours[0], hours[1], values, blank, blank)


def said(reports: Reports) -> dict[str, tuple[Any, ...]]:
    columns = (reports.at, reports.since, reports.value, reports.same)
    return {place: tuple(column[n] for column in columns) for n, place in enumerate(reports.places)}


values = st.lists(st.one_of(st.none(), st.sampled_from([1.0, 2.0])), min_size=1, max_size=30)


@given(values, st.integers(1, 12))
def test_a_place_stands_still_exactly_where_its_newest_value_is_screened_as_frozen(
    told: list[float | None], limit: int
) -> None:
    reports = newest(cells(*(("x", hour, value, hour) for hour, value in enumerate(told))))
    row = np.array([[np.nan if value is None else value for value in told]])
    wanted = frozen(row, HOUR, limit * HOUR)[0][~np.isnan(row[0])]
    assert stuck(reports, HOUR, limit * HOUR).tolist() == wanted[-1:].tolist()


@given(st.lists(values, min_size=1, max_size=3), st.integers(0, 29), st.integers(1, 8))
def test_what_is_heard_bit_by_bit_is_what_one_reading_tells(
    told: list[list[float | None]], cut: int, limit: int
) -> None:
    rows = [(f"x/{n}", hour, value, hour) for n, each in enumerate(told) for hour, value in enumerate(each)]
    whole = newest(cells(*rows))
    before = newest(cells(*(row for row in rows if row[1] < cut)))
    # from the oldest newest period back for as long as decides whether a place stands still
    known = [int((at - ORIGIN) / np.timedelta64(HOUR)) for at in before.at]
    since = min(known) - limit if len(known) == len(told) else 0
    after = renewed(before, newest(cells(*(row for row in rows if row[1] >= since))))
    assert said(after) == said(whole)


def test_the_same_period_again_is_no_later_report_and_a_gap_is_none() -> None:
    before = newest(cells(("x", 0, 1.0, 0), ("y", 0, 1.0, 0)))
    after = renewed(before, newest(cells(("x", 0, 2.0, 9), ("y", 0, 1.0, 0), ("y", 1, None, 9))))
    assert stopped(after, ORIGIN + np.timedelta64(9 * HOUR), 8 * HOUR).tolist() == [True, True]
    assert after.value.tolist() == [2.0, 1.0]
    assert renewed(before, newest(cells())).places == ("x", "y")
    assert renewed(newest(cells()), before).places == ("x", "y")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[RunningDesk]:
    files = pack()
    indicators = "domains/water/indicators.toml"
    files[indicators] = files[indicators].replace(
        'frequency = "PT1H"', 'frequency = "PT1H"\nfrozen_after = "PT10H"', 1
    )
    home, _ = quick_workspace(tmp_path, files)
    made = RunningDesk(RunningHouse(home, VirtualClock(BEGIN)))
    yield made
    made.close()


def hours(desk: RunningDesk, begin: int, end: int, **places: float | None) -> None:
    """Each hour what the places say; None moves on from 1, hour by hour."""
    for hour in range(begin, end):
        clock: Any = desk.clock
        clock.set(BEGIN + (hour + 1) * HOUR)
        at = (BEGIN + hour * HOUR).strftime("%Y-%m-%dT%H:%M:%SZ")
        rows = [
            {
                "indicator": "stage",
                "place": f"x/{place}",
                "at": at,
                "value": 1 + hour % 7 / 10 if value is None else value,
                "unit": "m",
            }
            for place, value in places.items()
        ]
        assert desk.ingest(json.dumps(rows).encode(), JSON, "gauges").accepted == len(rows)
        desk.tick()


def lists(one: Unreported) -> tuple[list[str], list[str]]:
    return [r.place for r in one.silent], [r.place for r in one.stuck]


def on_the_duty_page(desk: RunningDesk) -> None:
    """One row for the silent, one for the stuck, each with a way to its series."""
    with TestClient(site(desk, [router()], openapi=openapi())) as client:
        proof = re.search(r'name="csrf" value="(\w+)"', client.get("/sign-in").text)
        assert proof
        client.post("/sign-in", data={"name": "ada", "password": PASSWORD, "csrf": proof[1], "next": "/"})
        english = client.get("/prefs?lang=en&back=/").text
        chinese = client.get("/prefs?lang=zh&back=/").text
    assert "nothing new from 1 of 3 places that report" in english
    assert (
        '<a href="/series/stage/x/b">Beta</a>' in english
        and '<a href="/series/stage/x/c">Gamma</a>' in english
    )
    assert "(1.25 m since 2026-03-02 03:00 UTC)" in english
    assert "3 个报送地点中有 1 个未再报送" in chinese and "</a>（最近 " in chinese


def test_one_place_of_many_that_stops_or_stands_still_is_on_the_duty_page_until_it_reports_again(
    desk: RunningDesk,
) -> None:
    hours(desk, 0, 3, a=None, b=None, c=None)
    assert desk.unreported() == ()
    hours(desk, 3, 12, a=None, c=1.25)
    (one,) = desk.unreported()
    assert lists(one) == (["x/b"], []) and one.places == ("x/a", "x/b", "x/c")
    assert (one.silent[0].at, one.silent[0].since) == (BEGIN + 2 * HOUR, BEGIN + 3 * HOUR)
    hours(desk, 12, 14, a=None, c=1.25)
    (one,) = desk.unreported()
    assert lists(one) == (["x/b"], ["x/c"])
    assert (one.stuck[0].value, one.stuck[0].same) == (1.25, BEGIN + 3 * HOUR)
    # no rule has a level there: there is nothing else by which it would be seen
    assert not desk.state().findings
    on_the_duty_page(desk)
    # a new start knows the same, as soon as the lake can be read; until then the rest of the page stands
    again = RunningDesk(RunningHouse(desk.house.workspace, desk.clock))
    files = desk.house.workspace / "lake" / "observations" / "indicator=stage"
    files.rename(files.with_name("away"))
    assert again.unreported() == ()
    files.with_name("away").rename(files)
    assert again.unreported() == (one,)
    again.close()
    hours(desk, 14, 15, a=None, b=None, c=None)
    assert desk.unreported() == ()
    # a source that is silent altogether is told by itself
    clock: Any = desk.clock
    clock.set(BEGIN + timedelta(days=9))
    desk.tick()
    assert desk.state().sources["gauges"].status in ("late", "dead")
    assert desk.unreported() == ()
