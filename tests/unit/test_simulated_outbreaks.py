"""The simulated series follow the published protocol."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from anlan.testing.outbreaks import SCENARIOS, simulate


def test_the_scenarios_are_the_published_ones(shared: Path) -> None:
    with (shared / "reference" / "detect" / "bench" / "noufaily_scenarios.csv").open() as file:
        published = list(csv.DictReader(file))
    assert len(published) == len(SCENARIOS) == 28
    for row, ours in zip(published, SCENARIOS, strict=True):
        assert int(row["scenario"]) == ours.number
        for name in ("theta", "phi", "beta", "gamma1", "gamma2"):
            assert float(row[name]) == getattr(ours, name), (ours.number, name)


def test_counts_have_the_mean_and_the_variance_of_their_scenario() -> None:
    study = simulate(20, 1)
    for one in SCENARIOS:
        counts = study.clean[study.scenario == one.number]
        mean = one.mean()
        error = np.sqrt(one.phi * mean.sum() / len(counts)) / mean.sum()
        assert abs(counts.mean(axis=0).sum() / mean.sum() - 1) < 5 * error
        pearson = ((counts - mean) ** 2 / mean).mean()
        assert_allclose(pearson, one.phi, rtol=0.15)


def test_outbreaks_only_add_cases_and_only_where_they_are() -> None:
    study = simulate(10, 2)
    added = study.hit - study.clean
    assert (added >= 0).all()
    assert_array_equal(added[:, :312], 0)
    first, last = study.current.T
    week = np.arange(1, 625)
    tested = (week >= 576) & ((week < first[:, None]) | (week > last[:, None]))
    past = added[:, 575:] * tested[:, 575:]
    # an outbreak of the baseline may reach a few weeks into the tested ones, never far
    assert past[:, 8:].sum() == 0
    assert (study.size == np.tile(np.arange(1, 11), 28)).all()


def test_the_same_seed_gives_the_same_series() -> None:
    assert_array_equal(simulate(2, 7).hit, simulate(2, 7).hit)
