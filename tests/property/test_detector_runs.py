"""However a panel is cut, spread and put together, each series gets the answer that it gets alone."""

from __future__ import annotations

from dataclasses import fields
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from anlan.assess.detect.panel import Detection, Panel
from anlan.assess.detect.registry import detector
from anlan.assess.detect.run import cut, joined, over_chunks, over_panel, over_partitions

YEAR, WEEKS = 52, 7 * 52
AT = np.arange(WEEKS - 4, WEEKS)
RECOMMENDED: dict[str, Any] = {"no_periods": 10, "past_weeks_not_included": 26, "alpha": 0.005}
CASES: list[tuple[str, dict[str, Any]]] = [
    ("farrington_flexible", {**RECOMMENDED, "threshold_method": "nb_plugin"}),
    ("farrington_flexible", {**RECOMMENDED, "threshold_method": "delta", "compat": "surveillance"}),
    ("farrington_flexible", {}),
    ("ears_c1", {}),
    ("ears_c3", {}),
    ("bayes", {"b": 1}),
    ("cdc", {}),
]


def counts_of(seed: int, series: int) -> Any:
    """Rare and common, even and uneven, with outbreaks and gaps."""
    rng = np.random.default_rng(seed)
    mean = np.exp(rng.uniform(-3, 6, (series, 1))) * (1 + 0.5 * np.sin(np.arange(WEEKS) * 2 * np.pi / YEAR))
    phi = rng.uniform(1.05, 5, (series, 1))
    y = rng.negative_binomial(mean / (phi - 1), 1 / phi).astype(np.float64)
    y[rng.random(y.shape) < 0.01] *= 8
    y[rng.random(y.shape) < 0.02 * (rng.random((series, 1)) < 0.3)] = np.nan
    y[:1] = 0.0
    return y


def assert_same(found: Detection, expected: Detection, rows: Any = slice(None)) -> None:
    for field in fields(Detection):
        one, two = getattr(found, field.name), getattr(expected, field.name)
        assert_array_equal(one, two if field.name == "test" else two[rows], err_msg=field.name)


def partition(seed: int, series: int, begin: int, end: int) -> Panel:
    """What a worker of a cluster loads."""
    return Panel(counts_of(seed, series)[begin:end], YEAR)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(CASES), st.data())
def test_permuting_or_leaving_out_series_changes_nothing_bit_for_bit(
    seed: int, case: tuple[str, dict[str, Any]], data: st.DataObject
) -> None:
    name, params = case
    counts = counts_of(seed, 12)
    order = data.draw(st.permutations(range(12)))
    rows = order[: data.draw(st.integers(1, 12))]
    run = detector(name)
    whole = run(Panel(counts, YEAR), AT, **params)
    assert_same(run(Panel(counts[rows], YEAR), AT, **params), whole, rows)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(CASES), st.integers(1, 14), st.integers(1, 4))
def test_chunks_and_threads_give_what_one_call_gives_bit_for_bit(
    seed: int, case: tuple[str, dict[str, Any]], chunk: int, threads: int
) -> None:
    name, params = case
    panel = Panel(counts_of(seed, 13), YEAR)
    whole = detector(name)(panel, AT, **params)
    assert_same(over_panel(name, panel, AT, chunk=chunk, threads=threads, **params), whole)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(CASES), st.integers(0, 3))
def test_one_tested_time_gets_the_answer_that_it_gets_among_others(
    seed: int, case: tuple[str, dict[str, Any]], which: int
) -> None:
    name, params = case
    panel = Panel(counts_of(seed, 6), YEAR)
    whole, one = (detector(name)(panel, at, **params) for at in (AT, AT[which : which + 1]))
    for field in fields(Detection):
        if field.name != "test":
            assert_array_equal(getattr(one, field.name)[:, 0], getattr(whole, field.name)[:, which])


def test_population_and_dates_go_with_their_series() -> None:
    rng = np.random.default_rng(3)
    dates = np.datetime64("2016-01-04") + 7 * np.arange(WEEKS)
    panel = Panel(counts_of(1, 7), YEAR, rng.uniform(1e4, 1e6, (7, WEEKS)), dates)
    name, params = "farrington_flexible", {**RECOMMENDED, "population_offset": True}
    assert_same(over_panel(name, panel, AT, chunk=2, **params), detector(name)(panel, AT, **params))


def test_chunks_are_taken_only_when_their_turn_is_near() -> None:
    taken = []

    def chunks() -> Any:
        for number in range(20):
            taken.append(number)
            yield Panel(counts_of(number, 2), YEAR)

    results = over_chunks("ears_c1", chunks(), AT, threads=2)
    for done, _ in enumerate(results):
        assert len(taken) <= done + 1 + 2
    assert taken == list(range(20))


def test_a_bad_parameter_is_named_however_the_panel_is_run() -> None:
    panel = Panel(counts_of(1, 4), YEAR)
    for threads in (1, 2):
        with pytest.raises(ValueError, match="alpha must lie between 0 and 1, found 2"):
            over_panel("ears_c1", panel, AT, chunk=1, threads=threads, alpha=2)
    with pytest.raises(ValueError, match="chunk must be at least 1 series, found 0"):
        over_panel("ears_c1", panel, AT, chunk=0)
    with pytest.raises(ValueError, match="threads must be at least 1, found 0"):
        over_panel("ears_c1", panel, AT, chunk=1, threads=0)
    with pytest.raises(ValueError, match="nothing to join"):
        joined([])


def test_parts_of_a_panel_share_its_memory() -> None:
    panel = Panel(counts_of(1, 5), YEAR)
    assert all(np.shares_memory(part.counts, panel.counts) for part in cut(panel, 2))


def test_two_workers_of_a_cluster_give_what_one_call_gives_bit_for_bit() -> None:
    distributed = pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    name, params = CASES[0]
    series = 30
    loads = [partial(partition, 5, series, begin, begin + 10) for begin in range(0, series, 10)]
    whole = detector(name)(partition(5, series, 0, series), AT, **params)
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        parts = over_partitions(name, loads, AT, client=client, **params)
        workers = len(client.scheduler_info()["workers"])
    assert workers == 2
    assert_same(joined(parts), whole)
    assert_same(joined(over_partitions(name, loads, AT, **params)), whole)
