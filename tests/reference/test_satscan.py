"""Every case of SaTScan 10.3.2 on public data (shared/reference/scan): clusters, members, dates, ratios.

p-values come from fewer replications than the peer's 9,999 (or 999), so they must agree within 4.5
standard errors of both runs, the peer's printed digits allowed for.
"""

from __future__ import annotations

import json
import math
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from anlan.assess.scan import Periods, ScanData, ScanParams, ScanResult, ScanState, one_period, periods, scan
from anlan.assess.scan.expected import nonparametric_time, standardised
from anlan.assess.scan.tables import from_rows, values_from_rows
from anlan.formats.scan_tables import CountRow, read_counts, read_points, read_values

#: replications drawn here, by model where one takes long
REPLICATIONS = {"default": 512, "trends": 40, "ellipse": 192, "categories": 64}
#: the peer prints the expected cases of a time-stratified window up to the end of the study period
FLAWED_EXPECTED = {"nm/spacetime_retro_nonparam_time"}


@pytest.fixture(scope="module")
def folder(shared: Path) -> Path:
    return shared / "reference" / "scan"


@pytest.fixture(scope="module")
def register(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((folder / "satscan_results.json").read_text())["cases"]
    return found


def day(text: str) -> date:
    year, month, dom = (int(part) for part in text.split("/"))
    return date(year, month, dom)


def axis(parameters: dict[str, Any], dated: bool) -> Periods:
    start, end = day(parameters["StartDate"]), day(parameters["EndDate"])
    unit = {1: "year", 2: "month", 3: "day"}.get(parameters["TimeAggregationUnits"])
    if unit is None or not dated:
        return one_period(start, end)
    return periods(start, end, unit, parameters["TimeAggregationLength"])  # type: ignore[arg-type]


def crude(rows: list[CountRow]) -> list[CountRow]:
    return [CountRow(r.place, r.count, r.when, r.precision, (), r.line) for r in rows]


def data(folder: Path, case: dict[str, Any]) -> ScanData:
    parameters, name = case["parameters"], case["dataset"]
    inputs = folder / "inputs"
    kind: Any = "latlon" if parameters["CoordinatesType"] == 1 else "plane"

    def text(file: str) -> str:
        return (inputs / file).read_text("utf-8")

    if name in ("nm", "nm0"):
        strata = ["age_group", "sex"]
        cases = read_counts(text("nm_cases.csv"), "location", "cases", "year", strata)
        population = read_counts(text("nm_population.csv"), "location", "population", "year", strata)
        if name == "nm0":
            cases, population = crude(cases), crude(population)
        if parameters["ModelType"] == 2:
            population = []
        points = read_points(text("nm_coords.csv"), "location", "lat", "lon")
        return from_rows(cases, points, axis(parameters, True), population=population, kind=kind)
    if name == "nyc":
        cases = read_counts(text("nycfever_cases.csv"), "location", "cases", "date")
        points = read_points(text("nycfever_coords.csv"), "location", "lat", "lon")
        return from_rows(cases, points, axis(parameters, True), kind=kind)
    span = axis(parameters, False)
    if name == "nh":
        cases = read_counts(text("nhumberside_cases.csv"), "location", "cases")
        controls = read_counts(text("nhumberside_controls.csv"), "location", "controls")
        points = read_points(text("nhumberside_coords.csv"), "location", "x", "y")
        return from_rows(cases, points, span, controls=controls, kind=kind)
    if name == "md":
        cases = read_counts(text("maryland_cases.csv"), "location", "cases", strata=["category"])
        points = read_points(text("maryland_coords.csv"), "location", "lat", "lon")
        return from_rows(cases, points, span, kind=kind, categorical=True)
    if name == "normal":
        values = read_values(text("normal_cases.csv"), "location", "value", "cases")
        return values_from_rows(
            values, read_points(text("normal_coords.csv"), "location", "x", "y"), span, kind
        )
    file, place, count, people, xy, strata = {
        "sids74": ("nc_sids.csv", "county", "sids74", "births74", ("lat", "lon"), []),
        "sids79": ("nc_sids.csv", "county", "sids79", "births79", ("lat", "lon"), []),
        "ny": ("ny_leukaemia.csv", "tract", "cases", "population", ("lat", "lon"), []),
        "ny_xy": ("ny_leukaemia.csv", "tract", "cases", "population", ("lat", "lon"), []),
        "penn": ("penn_lung.csv", "county", "cases", "population", ("lat", "lon"), ["race", "gender", "age"]),
        "penn0": ("penn_lung.csv", "county", "cases", "population", ("lat", "lon"), []),
        "scot": ("scotland_lip.csv", "district", "cases", "expected", ("x_km", "y_km"), []),
    }[name]
    cases = read_counts(text(file), place, count, strata=strata)
    population = read_counts(text(file), place, people, strata=strata)
    points = read_points(text("penn_coords.csv" if file.startswith("penn") else file), place, *xy)
    return from_rows(cases, points, span, population=population, kind=kind)


def params(parameters: dict[str, Any], **changes: Any) -> ScanParams:
    """The peer's parameters in our words."""
    share = parameters["MaxTemporalSize"]
    in_units = parameters["MaxTemporalSizeInterpretation"] == 1
    given: dict[str, Any] = {
        "model": {
            0: "poisson",
            1: "bernoulli",
            2: "permutation",
            3: "ordinal",
            5: "normal",
            7: "multinomial",
        }[parameters["ModelType"]],
        "analysis": {
            1: "spatial",
            2: "temporal",
            3: "space_time",
            4: "space_time",
            5: "trends",
            6: "temporal",
        }[parameters["AnalysisType"]],
        "timing": "prospective" if parameters["AnalysisType"] in (4, 6) else "retrospective",
        "rates": {1: "high", 2: "low", 3: "both"}[parameters["ScanAreas"]],
        "population_share": parameters["MaxSpatialSizeInPopulationAtRisk"] / 100,
        "time_share": 0.5 if in_units else share / 100,
        "max_periods": share if in_units else None,
        "with_spatial": parameters["IncludePurelySpatial"] == "y",
        "with_temporal": parameters["IncludePurelyTemporal"] == "y",
        "min_cases": parameters["MinimumCasesInHighRateClusters"],
        "trend": {0: "none", 1: "by_period", 2: "fixed", 3: "fitted", 4: "stratified"}[
            parameters.get("TimeTrendAdjustmentType", 0)
        ],
    }
    if parameters.get("UseDistanceFromCenterOption") == "y":
        given["max_distance"] = parameters["MaxSpatialSizeInDistanceFromCenter"]
    if parameters["SpatialWindowShapeType"] == 1:
        given["shape"] = "ellipse"
        given["ellipse_ratios"] = tuple(float(x) for x in parameters["EllipseShapes"].split(","))
        given["ellipse_angles"] = tuple(int(x) for x in parameters["EllipseAngles"].split(","))
        given["penalty"] = {0: "none", 1: "medium", 2: "strong"}[parameters["NonCompactnessPenalty"]]
    return ScanParams(**given | changes)


def replications(case: dict[str, Any]) -> int:
    parameters = case["parameters"]
    if parameters["AnalysisType"] == 5:
        return REPLICATIONS["trends"]
    if parameters["ModelType"] in (3, 7):
        return REPLICATIONS["categories"]
    if parameters["SpatialWindowShapeType"] == 1:
        return REPLICATIONS["ellipse"]
    return REPLICATIONS["default"]


@pytest.fixture(scope="module")
def results(folder: Path, register: list[dict[str, Any]]) -> dict[str, ScanResult]:
    """Every case, scanned once."""
    return {
        case["id"]: scan(
            data(folder, case), params(case["parameters"], replications=replications(case), threads=2)
        )
        for case in register
    }


def pairs(register: list[dict[str, Any]], results: dict[str, ScanResult]) -> list[tuple[str, Any, Any]]:
    """(case, our cluster, the peer's), where the peer has one."""
    return [
        (case["id"], ours, theirs)
        for case in register
        for ours, theirs in zip(results[case["id"]].clusters, case["clusters"], strict=False)
    ]


def printed(theirs: dict[str, str], name: str) -> tuple[float, float] | None:
    """A number the peer printed, and half a unit of its last digit; None where it printed none."""
    text = theirs.get(name, "n/a")
    if text in ("n/a", "infinity", ""):
        return None
    decimals = len(text.partition(".")[2])
    return float(text), 0.5000001 * 10.0**-decimals


def clear(case: dict[str, Any]) -> list[dict[str, str]]:
    """The peer's clusters that a run with fewer data sets must report too: not those near p = 1."""
    limit = 1 - 8 / replications(case)
    return [one for one in case["clusters"] if float(one["P_VALUE"]) < limit]


def test_every_case_is_scanned_and_reports_the_peers_clusters(
    register: list[dict[str, Any]], results: dict[str, ScanResult]
) -> None:
    assert len(register) == 51
    for case in register:
        found = results[case["id"]]
        assert found.state == ScanState.KNOWN, (case["id"], found.detail)
        assert len(found.clusters) >= len(clear(case)), case["id"]
        # what we report beyond the peer's list is as weak as its weakest may be
        for extra in found.clusters[len(case["clusters"]) :]:
            assert extra.p_value is not None and extra.p_value > 0.97, (case["id"], extra)


def test_every_statistic_is_the_peers_to_six_decimals(
    register: list[dict[str, Any]], results: dict[str, ScanResult]
) -> None:
    compared = 0
    for case, ours, theirs in pairs(register, results):
        for name, value in (("LLR", ours.llr), ("TEST_STAT", ours.statistic)):
            if (number := printed(theirs, name)) is not None:
                assert abs(value - number[0]) <= number[1], (case, name, value, number)
                compared += 1
    assert compared >= 230


def test_every_cluster_has_the_peers_members_in_order_and_its_dates(
    register: list[dict[str, Any]], results: dict[str, ScanResult]
) -> None:
    for case, ours, theirs in pairs(register, results):
        assert list(ours.members) == theirs["members"], case
        if theirs["members"]:
            assert ours.centre == theirs["LOC_ID"], case
            assert (ours.start, ours.end) == (day(theirs["START_DATE"]), day(theirs["END_DATE"])), case
        else:  # a purely temporal cluster is printed by year
            assert ours.centre is None
            assert (ours.start.year, ours.end.year) == (int(theirs["START_DATE"]), int(theirs["END_DATE"])), (
                case
            )


def test_what_describes_a_cluster_is_the_peers_as_printed(
    register: list[dict[str, Any]], results: dict[str, ScanResult]
) -> None:
    fields = {
        "OBSERVED": "observed", "EXPECTED": "expected", "ODE": "ode", "REL_RISK": "relative_risk",
        "RADIUS": "radius", "E_MINOR": "radius", "E_ANGLE": "angle", "E_SHAPE": "ratio",
        "POPULATION": "population", "MEAN_IN": "mean_inside", "MEAN_OUT": "mean_outside",
        "VARIANCE": "variance", "IN_TREND": "trend_inside", "OUT_TREND": "trend_outside",
    }  # fmt: skip
    compared = 0
    for case, ours, theirs in pairs(register, results):
        for name, field in fields.items():
            if case in FLAWED_EXPECTED and name in ("EXPECTED", "ODE"):
                continue
            if (number := printed(theirs, name)) is not None:
                assert abs(getattr(ours, field) - number[0]) <= number[1], (case, name, ours, number)
                compared += 1
    assert compared >= 1200


def test_the_peers_expected_cases_of_a_stratified_window_run_on_to_the_end(
    folder: Path, register: list[dict[str, Any]], results: dict[str, ScanResult]
) -> None:
    """The one disagreement: the peer's figure is that of a window without an end, ours of the window."""
    case = next(case for case in register if case["id"] in FLAWED_EXPECTED)
    source = data(folder, case)
    assert source.cases is not None and source.population is not None
    cases = source.cases.sum(axis=2)
    expected = nonparametric_time(cases, standardised(source.cases, source.population))
    for ours, theirs in zip(results[case["id"]].clusters, case["clusters"], strict=False):
        rows = [source.places.index(one) for one in ours.members]
        first, last = ours.start.year - 1973, ours.end.year - 1973
        number = printed(theirs, "EXPECTED")
        assert number is not None
        assert abs(expected[rows, first:].sum() - number[0]) <= number[1]
        assert ours.expected == pytest.approx(expected[rows, first : last + 1].sum(), rel=1e-9)


def test_p_values_agree_within_monte_carlo_error(
    register: list[dict[str, Any]], results: dict[str, ScanResult]
) -> None:
    for case in register:
        drawn = len(results[case["id"]].maxima)
        assert drawn == replications(case)
        for ours, theirs in zip(results[case["id"]].clusters, case["clusters"], strict=False):
            p = float(theirs["P_VALUE"])
            both = 1 / drawn + 1 / case["parameters"]["MonteCarloReps"]
            spread = math.sqrt(max(p * (1 - p), 1 / drawn) * both)
            assert abs(ours.p_value - p) <= 4.5 * spread + 1 / drawn, (case["id"], ours.p_value, p)
            if (number := printed(theirs, "GBL_PVALUE")) is not None and 0.001 < number[0] < 0.999:
                # the fit by moments spreads more than a rank: about half as much again
                assert abs(ours.gumbel - number[0]) <= 7 * spread + 0.01, (case["id"], ours.gumbel, number)
            if (days := printed(theirs, "RECURR_INT")) is not None:
                assert ours.recurrence_days is not None
                # printed in whole days, from a p-value printed to four digits
                gap = abs(ours.recurrence_days * ours.p_value - days[0] * p)
                assert gap <= days[1] * p + 0.005 * days[0] * p, (case["id"], ours.recurrence_days, days)


def test_critical_values_agree_within_monte_carlo_error(
    register: list[dict[str, Any]], results: dict[str, ScanResult]
) -> None:
    for case in register:
        found = results[case["id"]]
        for line in case["critical_values_text"]:
            level, value = (float(part) for part in line.strip(". ").split(":"))
            if level < 0.05:
                continue
            # the peer's critical value must lie where so many of our maxima lie above it
            above = float((found.maxima >= value).mean())
            spread = math.sqrt(level * (1 - level) / len(found.maxima))
            assert abs(above - level) <= 4.5 * spread + 1 / len(found.maxima), (case["id"], level, above)
