"""Scan statistics: published ratios, planted clusters, and what becomes of data that cannot be used."""

from __future__ import annotations

import dataclasses
import re
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anlan.assess.scan import (
    Graph,
    Points,
    ScanData,
    ScanParams,
    ScanReason,
    ScanState,
    Sets,
    Values,
    one_period,
    periods,
    scan,
)
from anlan.assess.scan.expected import fitted_trend, log_linear_time, person_time, standardised
from anlan.assess.scan.gini import coefficient
from anlan.assess.scan.montecarlo import gumbel, p_value
from anlan.assess.scan.sampling import alias_table, multinomial, permuted, without_replacement
from anlan.assess.scan.statistic import BERNOULLI, POISSON, ratio
from anlan.assess.scan.tables import from_rows
from anlan.assess.scan.windows import Windows
from anlan.assess.scan.zones import EARTH_RADIUS
from anlan.formats.scan_tables import read_counts, read_points
from anlan.model.errors import Unreadable

YEAR = one_period(date(2000, 1, 1), date(2000, 12, 31))


def grid(side: int = 6, t: int = 1, seed: int = 1, mean: float = 4.0) -> ScanData:
    """A square of places with 100 people each and cases at random."""
    random = np.random.default_rng(seed)
    n = side * side
    spots = np.array([(x, y) for x in range(side) for y in range(side)], dtype=float)
    axis = periods(date(2020, 1, 1), date(2020, 1, t), "day") if t > 1 else YEAR
    return ScanData(
        tuple(f"p{i:03}" for i in range(n)),
        Points(spots, "plane"),
        axis,
        cases=random.poisson(mean, (n, t)).astype(float),
        population=np.full((n, t), 100.0 / t),
    )


def test_ratios_of_published_clusters() -> None:
    # North Carolina 1974-78 (Cressie 1993, Statistics for Spatial Data): Anson county, 15 deaths of 1570
    # births; 667 of 329,962 in all. SaTScan 10.3.2 gives 11.577076.
    anson = 1570 * 667 / 329_962
    assert ratio(POISSON, 15.0, anson, 667.0, 667.0) == pytest.approx(11.577076, abs=5e-7)
    # North Humberside (Cuzick, Edwards 1990): 4 of 4 children are cases, 62 of 203 in all: 4.836516
    assert ratio(BERNOULLI, 4.0, 4.0, 62.0, 203.0) == pytest.approx(4.836516, abs=5e-7)
    assert ratio(BERNOULLI, 0.0, 14.0, 62.0, 203.0) == pytest.approx(5.327243, abs=5e-7)


def test_a_planted_cluster_is_found_where_and_when_it_is() -> None:
    data = grid(8, 14)
    assert data.cases is not None
    hot = [18, 10, 17, 19, 26]  # a place and the four about it
    data.cases[hot, 9:12] += 12
    found = scan(data, analysis="space_time", max_periods=5)
    first = found.clusters[0]
    assert set(first.members) == {data.places[i] for i in hot}
    assert (first.start, first.end) == (date(2020, 1, 10), date(2020, 1, 12))
    assert first.p_value == 1 / 1000
    assert first.gumbel is not None
    assert first.gumbel < 1e-6
    assert first.relative_risk is not None
    assert first.relative_risk > 3
    late = scan(data, analysis="space_time", timing="prospective", max_periods=5)
    assert all(one.end == date(2020, 1, 14) for one in late.clusters)
    assert late.clusters[0].recurrence_days is not None


def test_the_strongest_cluster_is_reported_however_weak() -> None:
    found = scan(grid(3, seed=1), replications=9, seed=3)
    assert found.clusters[0].rank == 1
    assert all(one.p_value is not None and one.p_value < 1 for one in found.clusters[1:])


def test_prospective_is_the_retrospective_search_of_the_last_windows() -> None:
    data = grid(6, 12, seed=3)
    late = scan(data, analysis="space_time", timing="prospective", max_periods=4, replications=0)
    everything = scan(data, analysis="space_time", max_periods=4, replications=0, overlap="any").clusters
    wanted = {(c.centre, round(c.statistic, 9)) for c in everything if c.end == date(2020, 1, 12)}
    assert {(c.centre, round(c.statistic, 9)) for c in late.clusters} <= wanted


def test_under_the_null_p_values_are_uniform() -> None:
    below = 0
    for seed in range(60):
        found = scan(grid(5, seed=seed), replications=39, seed=seed)
        p = found.clusters[0].p_value if found.clusters else 1.0
        below += p is not None and p <= 0.25
    assert 6 <= below <= 25  # 15 expected, standard deviation 3.4


def test_an_early_stop_gives_the_p_value_of_the_data_sets_drawn() -> None:
    data = grid(6, seed=2)
    assert data.cases is not None
    data.cases[14, 0] = 9
    full = scan(data, replications=600)
    early = scan(data, replications=600, stop_after=5)
    assert early.stopped_early
    assert len(early.maxima) < 600
    np.testing.assert_array_equal(early.maxima, full.maxima[: len(early.maxima)])
    assert early.clusters[0].p_value == 5 / len(early.maxima)
    assert early.critical_value(0.05) is None
    two = scan(data, replications=600, stop_after=5, threads=2)
    np.testing.assert_array_equal(two.maxima, early.maxima)


def test_clusters_reported_together_share_no_place_unless_asked() -> None:
    data = grid(7, seed=5)
    assert data.cases is not None
    data.cases[[8, 9], 0] += 20
    strict, loose = scan(data, replications=0), scan(data, replications=0, overlap="any")
    seen: set[str] = set()
    for one in strict.clusters:
        assert not seen & set(one.members)
        seen |= set(one.members)
    assert len(loose.clusters) > len(strict.clusters)
    for rule in ("no_centre_in_other", "no_centre_in_stronger", "no_centre_in_weaker", "no_mutual_centres"):
        some = scan(data, replications=0, overlap=rule)
        assert len(some.clusters) <= len(loose.clusters)
        assert some.clusters[0] == strict.clusters[0]


def test_flexible_zones_follow_a_river_that_no_circle_can() -> None:
    side = 7
    data = grid(side, seed=4)
    assert data.cases is not None
    river = [3 * side + x for x in range(1, 6)]
    data.cases[river, 0] += 9
    touch = [
        tuple(j for j in range(side * side) if abs(i // side - j // side) + abs(i % side - j % side) == 1)
        for i in range(side * side)
    ]
    found = scan(
        dataclasses.replace(data, geography=Graph(tuple(touch))), flexible_places=13, replications=19
    )
    assert set(found.clusters[0].members) == {data.places[i] for i in river}
    assert found.clusters[0].statistic > scan(data, replications=0).clusters[0].statistic
    assert found.clusters[0].radius is None


def test_zones_written_out_are_scanned_as_they_are() -> None:
    data = grid(3, seed=4)
    assert data.cases is not None
    data.cases[[0, 8], 0] += 10
    listed = dataclasses.replace(data, geography=Sets(((0, 8), (1,), (2, 3))))
    found = scan(listed, replications=19)
    assert found.clusters[0].members == (data.places[0], data.places[8])
    assert found.zones == 3


def test_places_on_one_spot_join_together() -> None:
    data = grid(4, seed=6)
    assert isinstance(data.geography, Points)
    assert data.cases is not None
    spots = data.geography.coordinates.copy()
    spots[1] = spots[0]
    data.cases[0, 0] += 40
    found = scan(dataclasses.replace(data, geography=Points(spots, "plane")), replications=0, overlap="any")
    for one in found.clusters:
        assert ("p000" in one.members) == ("p001" in one.members)


def test_gini_prefers_two_small_clusters_to_one_that_swallows_both() -> None:
    data = grid(9, seed=7, mean=5.0)
    assert data.cases is not None
    data.cases[[10, 11, 14, 15], 0] += 20
    plain, gini = scan(data, replications=199), scan(data, replications=199, gini=True)
    assert any(one.gini for one in gini.clusters)
    assert not any(one.gini for one in plain.clusters)
    assert {one.members for one in plain.clusters} <= {one.members for one in gini.clusters}
    assert coefficient(np.array([50.0]), np.array([25.0]), 100.0) == pytest.approx(0.25)


def test_a_missing_count_leaves_its_cell_out_and_is_told() -> None:
    data = grid(5, 6, seed=8)
    assert data.cases is not None
    data.cases[3, 2] = np.nan
    found = scan(data, analysis="space_time", replications=0, overlap="any")
    assert found.state == ScanState.KNOWN
    assert found.missing == 1
    touched = [
        one for one in found.clusters if "p003" in one.members and one.start <= date(2020, 1, 3) <= one.end
    ]
    assert touched
    assert all(one.missing == 1 for one in touched)
    refused = scan(data, model="permutation", analysis="space_time")
    assert (refused.state, refused.reason) == (ScanState.UNKNOWN, ScanReason.MISSING_COUNTS)


def emptied(data: ScanData) -> ScanData:
    assert data.cases is not None
    return dataclasses.replace(data, cases=np.zeros_like(data.cases))


def without_people(data: ScanData) -> ScanData:
    assert data.population is not None
    population = data.population.copy()
    population[0] = 0
    assert data.cases is not None
    cases = data.cases.copy()
    cases[0] = 3
    return dataclasses.replace(data, population=population, cases=cases)


def nowhere(data: ScanData) -> ScanData:
    assert isinstance(data.geography, Points)
    spots = data.geography.coordinates.copy()
    spots[4] = np.nan
    return dataclasses.replace(data, geography=Points(spots, "plane"))


def unpopulated(data: ScanData) -> ScanData:
    assert data.population is not None
    return dataclasses.replace(data, population=data.population * np.nan)


@pytest.mark.parametrize(
    ("spoil", "params", "reason"),
    [
        (emptied, {}, ScanReason.NO_CASES),
        (without_people, {}, ScanReason.CASES_WITHOUT_POPULATION),
        (nowhere, {}, ScanReason.MISSING_COORDINATES),
        (unpopulated, {}, ScanReason.MISSING_POPULATION),
        (lambda data: data, {"population_share": 0.001}, ScanReason.NO_ZONES),
        (
            lambda data: data,
            {"analysis": "space_time", "time_share": 0.1, "min_periods": 2},
            ScanReason.NO_WINDOWS,
        ),
        (lambda data: data, {"model": "multinomial"}, ScanReason.NO_CONTRAST),
    ],
)
def test_what_cannot_be_scanned_is_unknown_with_its_reason(
    spoil: Any, params: dict[str, Any], reason: ScanReason
) -> None:
    found = scan(spoil(grid(4, 5, seed=9)), replications=9, **params)
    assert (found.state, found.reason) == (ScanState.UNKNOWN, reason)
    assert found.detail
    assert found.clusters == ()


def test_equal_values_have_no_contrast() -> None:
    place = np.arange(16)
    values = Values(place, np.zeros(16, np.int64), np.full(16, 3.0))
    data = dataclasses.replace(grid(4), cases=None, population=None, values=values)
    assert scan(data, model="normal").reason == ScanReason.NO_CONTRAST


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"model": "gauss"}, "model must be one of poisson"),
        ({"population_share": 1.5}, "population_share must lie above 0"),
        ({"max_distance": -1}, "max_distance must be above 0"),
        ({"model": "permutation"}, "needs analysis 'space_time'"),
        ({"trend": "fitted", "model": "bernoulli"}, "poisson"),
        ({"replications": -1}, "replications must be 0 or more"),
        ({"gini": True, "analysis": "space_time"}, "gini needs"),
    ],
)
def test_parameters_that_cannot_be_meant_are_refused(params: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ScanParams(**params)


def test_data_that_do_not_fit_together_are_refused() -> None:
    data = grid(3)
    with pytest.raises(ValueError, match="found twice: p000"):
        dataclasses.replace(data, places=("p000",) * 9)
    with pytest.raises(ValueError, match="0 or more"):
        dataclasses.replace(data, cases=np.full((9, 1), -1.0))
    with pytest.raises(ValueError, match="whole numbers"):
        dataclasses.replace(data, cases=np.full((9, 1), 0.5))
    with pytest.raises(ValueError, match="found shape"):
        dataclasses.replace(data, population=np.ones((8, 1)))
    with pytest.raises(ValueError, match="within 90 and 180"):
        Points(np.array([[91.0, 0.0]]))


def test_population_runs_in_straight_lines_between_censuses() -> None:
    years = periods(date(2001, 1, 1), date(2004, 12, 31), "year")
    census = np.array(["2002-07-01", "2003-07-01"], dtype="datetime64[D]")
    found = person_time(census, np.array([100.0, 200.0]), years)
    days = years.days
    assert found.sum() == pytest.approx((found * days.sum() / days * days).sum() / days.sum())
    level = found * days.sum() / days
    assert level[0] == pytest.approx(100)
    assert level[3] == pytest.approx(200)
    assert 100 < level[1] < level[2] < 200


def test_periods_are_counted_back_from_the_end() -> None:
    three = periods(date(2000, 1, 1), date(2007, 12, 31), "year", 3)
    assert [three.first_day(i) for i in range(3)] == [date(2000, 1, 1), date(2002, 1, 1), date(2005, 1, 1)]
    months = periods(date(2000, 1, 31), date(2000, 4, 30), "month")
    assert months.first_day(1) == date(2000, 2, 1)
    assert len(periods(date(2020, 12, 28), date(2021, 1, 10), "week")) == 2
    assert periods(date(2000, 1, 1), date(2019, 12, 31), "year").count == 20


def test_windows_in_groups_are_all_windows_once() -> None:
    for alive, whole in ((False, False), (True, False), (False, True), (True, True)):
        windows = Windows(13, 2, 7, alive, whole)
        for cases in (0.5, 50.0, 1e6):
            found = [
                (s, t)
                for from0, from1, to0, to1 in windows.groups(cases).tolist()
                for s in range(from0, from1 + 1)
                for t in range(to0, to1 + 1)
                if windows.holds(s, t)
            ]
            assert sorted(set(found)) == sorted(windows.spans())
            assert len(found) <= len(set(found)) + whole  # the whole period may stand in two groups


def test_draws_keep_what_the_null_holds_fixed() -> None:
    out = np.zeros((6, 50), dtype=np.int64)
    weights = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 0.0])
    multinomial(200, weights, 1)(range(50), out)
    assert (out.sum(axis=0) == 200).all()
    assert (out[[0, 5]] == 0).all()
    assert out.mean(axis=1)[1:5] == pytest.approx([20, 40, 60, 80], rel=0.1)
    keep, alias = alias_table(weights)
    chance = np.zeros(6)
    for cell in range(6):
        chance[cell] += float(keep[cell]) / 2**32 / 6
        chance[alias[cell]] += (1 - float(keep[cell]) / 2**32) / 6
    assert chance == pytest.approx(weights / 10, abs=1e-9)
    people = np.array([3, 0, 5, 2])
    some = np.zeros((4, 40), dtype=np.int64)
    without_replacement(4, people, 2)(range(40), some)
    assert (some.sum(axis=0) == 4).all()
    assert (some <= people[:, None]).all()
    place, period = np.array([0, 0, 1, 2, 2, 2]), np.array([0, 1, 1, 0, 1, 2])
    dealt = np.zeros((9, 30), dtype=np.int64)
    permuted(place, period, np.zeros(6, np.int64), 3, 3)(range(30), dealt)
    cube = dealt.reshape(3, 3, 30)
    assert (cube.sum(axis=1) == np.array([2, 1, 3])[:, None]).all()
    assert (cube.sum(axis=0) == np.array([2, 3, 1])[:, None]).all()


def test_expected_cases_add_up_to_the_cases_of_each_stratum() -> None:
    random = np.random.default_rng(1)
    person = random.random((5, 3, 4))
    cases = random.integers(0, 9, (5, 3, 4)).astype(float)
    assert standardised(cases, person).sum() == pytest.approx(cases.sum())
    person[:, :, 2] = 0
    with pytest.raises(ValueError, match="stratum 2"):
        standardised(cases, person)


def test_a_trend_is_fitted_as_it_was_made() -> None:
    years = periods(date(2000, 1, 1), date(2009, 12, 31), "year")
    flat = np.full((3, 10), 50.0)
    rising = log_linear_time(flat, 7.0, years)
    assert rising.sum() == pytest.approx(flat.sum())
    assert fitted_trend(rising, flat, years) == pytest.approx(7.0, abs=1e-6)


def test_p_values_and_the_gumbel_law() -> None:
    drawn = np.array([1.0, 2.0, 3.0, 4.0])
    assert p_value(2.5, drawn, None) == 3 / 5
    assert p_value(9.0, drawn, None) == 1 / 5
    assert p_value(2.5, drawn, 2) == 2 / 4
    random = np.random.default_rng(1)
    sample = 3.0 + 0.8 * random.gumbel(size=20_000)
    assert gumbel(6.0, sample) == pytest.approx(1 - np.exp(-np.exp(-3 / 0.8)), rel=0.05)
    assert gumbel(60.0, sample) == pytest.approx(np.exp(-57 / 0.8), rel=1.0)
    assert gumbel(1.0, drawn) is None


def test_distances_on_the_globe_are_great_circles() -> None:
    quarter = Points(np.array([[0.0, 0.0], [0.0, 90.0], [90.0, 0.0]]))
    assert quarter.distance(0, np.array([1, 2])) == pytest.approx([EARTH_RADIUS * np.pi / 2] * 2)


def test_the_example_in_the_documentation_runs_and_finds_its_outbreak(root: Path) -> None:
    page = (root / "docs/howto/scan-for-clusters.md").read_text("utf-8")
    code = re.search(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert code is not None
    names: dict[str, Any] = {"print": lambda *_: None}
    exec(code.group(1), names)
    assert names["strongest"].p_value == 1 / 1000
    assert names["strongest"].start == date(2025, 12, 8)


def test_every_parameter_and_reason_is_described(root: Path) -> None:
    page = (root / "docs/reference/scan.md").read_text("utf-8")
    for field in dataclasses.fields(ScanParams):
        assert f"| `{field.name}` | " in page, field.name
    for reason in ScanReason:
        assert reason == ScanReason.OK or f"| `{reason.name}` | " in page, reason


CASES = "place,n,day,sex\na,2,2020-01-01,f\nb,1,2020/1/2,m\na,1,2020-01-02,m\n"
POINTS = "place,x,y\na,0,0\nb,1,0\n"


def test_tables_become_counts() -> None:
    rows = read_counts(CASES, "place", "n", "day", ["sex"])
    spots = read_points(POINTS, "place", "x", "y")
    data = from_rows(rows, spots, periods(date(2020, 1, 1), date(2020, 1, 2), "day"), kind="plane")
    assert data.cases is not None
    assert data.cases.sum(axis=2).tolist() == [[2, 1], [0, 1]]
    assert data.cases.shape[2] == 2


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("place,n\na,2\n", "columns are missing"),
        ("place,n,day,sex\na,two,2020-01-01,f\n", "cannot read n"),
        ("place,n,day,sex\na,2,2020-13-01,f\n", "cannot read day"),
        ("place,n,day,sex\na,-2,2020-01-01,f\n", "cannot read n"),
        ("place,n,day,sex\na,2,2020-01-01\n", "another number of cells"),
    ],
)
def test_a_fault_in_a_table_is_named_with_its_line(text: str, fault: str) -> None:
    with pytest.raises(Unreadable, match=fault) as raised:
        read_counts(text, "place", "n", "day", ["sex"], where="cases.csv")
    assert "cases.csv" in str(raised.value)


def test_a_place_without_coordinates_is_refused() -> None:
    rows = read_counts("place,n\nz,1\n", "place", "n")
    with pytest.raises(ValueError, match="line 2: z has no coordinates"):
        from_rows(rows, read_points(POINTS, "place", "x", "y"), YEAR)
