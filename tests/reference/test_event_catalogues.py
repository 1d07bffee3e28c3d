"""Real catalogues: Gorkha 2015, the exploited vulnerabilities to 2024, Typhoon Hato 2017."""

from __future__ import annotations

import csv
import gzip
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from anlan.assess.events.aftershocks import GENERIC_CALIFORNIA, productivity
from anlan.assess.events.deadlines import Deadline, counts, due_items
from anlan.assess.events.magnitudes import completeness, gutenberg_richter
from anlan.assess.events.omori import fit_omori
from anlan.assess.events.rates import poisson_change
from anlan.assess.events.storms import Fix, approach


def rows(file: Path) -> list[dict[str, str]]:
    with gzip.open(file, "rt", encoding="utf-8") as text:
        return list(csv.DictReader(text))


@pytest.fixture(scope="module")
def gorkha(shared: Path) -> tuple[np.ndarray, np.ndarray]:
    """(days after the main shock, magnitudes) of 26.5-29.5 N, 83.5-87.5 E, after the main shock."""
    main = datetime(2015, 4, 25, 6, 11, 25, tzinfo=UTC)
    here = [
        ((datetime.fromisoformat(row["time"]) - main) / timedelta(days=1), float(row["mag"]))
        for row in rows(shared / "data/earthquakes/world_m3_2015_jan_aug.csv.gz")
        if 26.5 <= float(row["lat"]) <= 29.5 and 83.5 <= float(row["lon"]) <= 87.5
    ]
    days, magnitudes = (np.array(column) for column in zip(*sorted(here), strict=True))
    return days[days > 1e-3], magnitudes[days > 1e-3]


def test_gorkha_is_complete_from_about_four_and_a_half_and_its_b_is_near_one(
    gorkha: tuple[np.ndarray, np.ndarray],
) -> None:
    _, magnitudes = gorkha
    assert completeness(magnitudes) == pytest.approx(4.2)
    fit = gutenberg_richter(magnitudes, 4.5)
    assert fit.b == pytest.approx(0.99, abs=0.02)
    assert abs(fit.b - 1.0) < 2 * fit.error


def test_gorkha_dies_away_until_its_largest_aftershock_begins_anew(
    gorkha: tuple[np.ndarray, np.ndarray],
) -> None:
    days, magnitudes = gorkha
    times = days[magnitudes >= 4.3]
    # 12 May 2015, magnitude 7.3, is day 17
    fit = fit_omori(times, 0.05, 17.0)
    assert 0.9 < fit.p < 1.5 and not fit.at_bound
    after = int(((times > 17.0) & (times <= 27.0)).sum())
    before = int(((times > 7.0) & (times <= 17.0)).sum())
    assert after > 10 * fit.expected(17.0, 27.0)
    assert poisson_change(before, 10, after, 10).p_faster < 1e-9


def test_gorkha_was_less_productive_than_california_and_its_first_day_tells(
    gorkha: tuple[np.ndarray, np.ndarray],
) -> None:
    days, magnitudes = gorkha
    large = days[magnitudes >= 5.0]
    first_day = int((large <= 1).sum())
    week = int(((large > 1) & (large <= 8)).sum())
    assert GENERIC_CALIFORNIA.expected(7.8, 5.0, 0.0, 1.0) > first_day
    own = productivity(GENERIC_CALIFORNIA, large, 7.8, 5.0, 0.0, 1.0)
    generic = GENERIC_CALIFORNIA.expected(7.8, 5.0, 1.0, 8.0)
    assert abs(own.expected(7.8, 5.0, 1.0, 8.0) - week) < abs(generic - week)


def test_exploited_vulnerabilities_are_due_as_of_a_date(shared: Path) -> None:
    entries = [
        Deadline(
            row["cveID"],
            date.fromisoformat(row["dateAdded"]),
            date.fromisoformat(row["dueDate"]),
            row["vulnerabilityName"],
        )
        for row in rows(shared / "data/cyber-kev/kev_until_2024.csv.gz")
    ]
    items = due_items(entries, date(2021, 11, 3))
    assert sum(bool(item.reasons) for item in items) == 15  # due before they were added
    assert not [item for item in items if item.state == "overdue"]
    end = due_items(entries, date(2024, 12, 31))
    assert len(end) == len(entries) == 1239
    found = counts(end)
    assert sum(found.values()) == 1239
    assert found["overdue"] == sum(max(one.due, one.added) < date(2024, 12, 31) for one in entries)


def test_hato_enters_the_zone_of_zhuhai_half_a_day_before_it_is_there(shared: Path) -> None:
    track = [
        Fix(datetime.fromisoformat(row["time_utc"]), float(row["lon"]), float(row["lat"]))
        for row in rows(shared / "data/typhoon-wnp/jma_best_track_2015_2019.csv.gz")
        if row["storm_id"] == "201713"
    ]
    found = approach(track, 113.57, 22.27, 300.0)
    # landfall at Zhuhai on 23 August 2017, 12:50 in Beijing (04:50 UTC)
    assert abs(found.nearest_at - datetime(2017, 8, 23, 4, 50, tzinfo=UTC)) < timedelta(hours=2)
    assert found.nearest_km < 60
    assert found.entry is not None and timedelta(hours=9) < found.nearest_at - found.entry < timedelta(
        hours=15
    )
