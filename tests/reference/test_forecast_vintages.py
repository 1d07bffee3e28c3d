"""Influenza admissions as they were published: forecasts made from what was known, scored on the end."""

from __future__ import annotations

import csv
import gzip
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest

from anlan.assess.forecast.candidates import CANDIDATES
from anlan.assess.forecast.choose import Record, mixed
from anlan.assess.forecast.reconcile import constraints, reconcile
from anlan.assess.forecast.scores import coverage, weighted_interval_score

LEVELS = np.array([0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975])


@pytest.fixture(scope="module")
def published(shared: Path) -> tuple[list[str], dict[str, np.ndarray]]:
    """(places, by day of publication what was known then [n_places, n_weeks])."""
    file = shared / "data/flu-us-vintages/hospital_admissions_vintages.csv.gz"
    with gzip.open(file, "rt", encoding="utf-8") as text:
        rows = sorted(csv.DictReader(text), key=lambda row: row["as_of"])
    places = sorted({row["location"] for row in rows})
    first = min(np.datetime64(row["week_end"]) for row in rows)
    last = max(np.datetime64(row["week_end"]) for row in rows)
    known = np.full((len(places), int((last - first).astype(int)) // 7 + 1), np.nan)
    found = {}
    for day, changes in groupby(rows, key=lambda row: row["as_of"]):
        known = known.copy()
        for row in changes:
            week = int((np.datetime64(row["week_end"]) - first).astype(int)) // 7
            known[places.index(row["location"]), week] = float(row["admissions"] or "nan")
        found[day] = known
    return places, found


def weeks_known(then: np.ndarray) -> int:
    return int(np.flatnonzero(~np.isnan(then).all(axis=0)).max()) + 1


def test_forecasts_as_known_then_beat_the_hubs_baseline_and_hold_what_they_say(
    published: tuple[list[str], dict[str, np.ndarray]],
) -> None:
    _, by_day = published
    days = sorted(by_day)
    truth = by_day[days[-1]]
    names = ("persistence", "damped_trend_0.5", "seasonal_growth")
    record, scores, hits = Record(LEVELS), {"persistence": [], "mixed": []}, []  # type: ignore[var-annotated]
    for day in days[::4]:
        past = by_day[day][:, : weeks_known(by_day[day])]
        now = past.shape[1]
        made = {name: CANDIDATES[name](past, 4, LEVELS, 52) for name in names}
        made["mixed"] = mixed([made[name] for name in record.best(past, 2) or names])
        for name in names:
            record.keep(name, now, made[name])
        for h in range(min(4, truth.shape[1] - now)):
            y = truth[:, now + h]
            for name, kept in scores.items():
                kept.append(weighted_interval_score(np.log1p(y), np.log1p(made[name][:, h]), LEVELS))
            hits.append(coverage(y, made["mixed"][:, h], LEVELS, 0.95))
    mean = {name: float(np.nanmean(np.concatenate(kept))) for name, kept in scores.items()}
    assert mean["mixed"] < 0.95 * mean["persistence"]
    assert np.mean(hits) > 0.85


def test_who_takes_the_final_counts_for_those_of_the_day_forecasts_something_else(
    published: tuple[list[str], dict[str, np.ndarray]],
) -> None:
    _, by_day = published
    day = "2024-01-06"
    then, later = by_day[day], by_day[max(by_day)]
    now = weeks_known(then)
    made = CANDIDATES["seasonal_growth"](then[:, :now], 4, LEVELS, 52)
    revised = CANDIDATES["seasonal_growth"](later[:, :now], 4, LEVELS, 52)
    # the same weeks were revised afterwards, so a forecast from the end would have been another one
    assert not np.allclose(made, revised, equal_nan=True)


def test_the_states_forecasts_are_made_to_add_up_to_the_nations(
    published: tuple[list[str], dict[str, np.ndarray]],
) -> None:
    places, by_day = published
    then = by_day[max(day for day in by_day if day <= "2025-01-31")]
    past = then[:, : weeks_known(then)]
    order = [places.index("US"), *(n for n, place in enumerate(places) if place != "US")]
    parents = (-1, *([0] * (len(places) - 1)))
    middle = CANDIDATES["damped_trend_0.5"](past, 4, LEVELS, 52)[order, :, 3]
    found = reconcile(middle, parents, "wls_struct")
    assert np.abs(constraints(parents) @ middle).max() > 50
    assert np.abs(constraints(parents) @ found).max() < 1e-6
