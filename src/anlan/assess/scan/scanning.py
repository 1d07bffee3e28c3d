"""Spatial, temporal and space-time scan statistics: from counts to clusters."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from anlan.assess.scan import counts
from anlan.assess.scan.categories import CategoryEngine
from anlan.assess.scan.engine import Engine
from anlan.assess.scan.expected import fitted_trend, log_linear_time, nonparametric_time, standardised
from anlan.assess.scan.flexible import flexible
from anlan.assess.scan.gini import best_share
from anlan.assess.scan.inputs import ScanData, Values, case_lists
from anlan.assess.scan.montecarlo import gumbel, maxima, p_value
from anlan.assess.scan.normal import NormalEngine
from anlan.assess.scan.params import PENALTY_POWER, ScanParams
from anlan.assess.scan.periods import Periods
from anlan.assess.scan.result import Cluster, ScanReason, ScanResult, ScanState
from anlan.assess.scan.secondary import LEAST, Candidate, candidates, without_overlap
from anlan.assess.scan.stratified import StratifiedEngine
from anlan.assess.scan.trends import TrendEngine
from anlan.assess.scan.windows import Windows
from anlan.assess.scan.zones import Graph, Points, Zones, all_places, growing, sets_as_zones, shapes_of

Floats: TypeAlias = npt.NDArray[np.float64]


class _Unusable(Exception):
    def __init__(self, reason: ScanReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def scan(data: ScanData, params: ScanParams | None = None, /, **changes: Any) -> ScanResult:
    """Find clusters in `data`.

    `params`, or the fields of `ScanParams` by name: ``scan(data, model="poisson", max_distance=40)``.
    Parameters that cannot be meant raise ValueError; data that cannot be scanned give a result that is
    unknown, with its reason. Results hang neither on the order of the places nor on the threads.
    """
    if params is not None and changes:
        raise ValueError(f"give params or their fields by name, not both; found {', '.join(changes)}")
    chosen = params if params is not None else ScanParams(**changes)
    ordered, _ = data.in_order()
    try:
        return _scan(ordered, chosen)
    except _Unusable as cause:
        return ScanResult(
            chosen, ScanState.UNKNOWN, cause.reason, cause.detail, places=len(data.places)
        )  # fmt: skip


def _scan(data: ScanData, params: ScanParams) -> ScanResult:
    missing = np.zeros((len(data.places), len(data.periods)), dtype=np.bool_)
    if data.cases is not None:
        missing = _missing(data, params)
    axis = _Axis.of(data.periods, params)
    engine, population, trend = _engine(data, params, missing, axis)
    zones = _zones(data, params, engine.at_risk)
    windows = axis.windows
    strongest = engine.strongest(zones, windows)
    drawn = maxima(
        engine, zones, windows, params.replications, 1 if params.device == "gpu" else params.threads,
        strongest, params.stop_after,
    )  # fmt: skip
    # what no data set under the null falls short of has p = 1 and is not reported, but for the strongest
    floor = min(max(LEAST, float(drawn.min(initial=np.inf)) if len(drawn) else LEAST), strongest)
    ordered = candidates(engine.observed(zones, windows, floor), zones)
    kept = without_overlap(ordered, params.overlap)
    marked: set[int] = set()
    if params.gini:
        kept, marked = best_share(engine, zones, windows, params, kept, drawn)
    clusters: list[Cluster] = []
    for number, one in enumerate(kept):
        cluster = _cluster(
            len(clusters) + 1, one, zones, data, params, engine, axis, population, missing, drawn,
            number in marked,
        )  # fmt: skip
        if number == 0 or cluster.p_value is None or cluster.p_value < 1.0:
            clusters.append(cluster)
    total = data.cases[~np.isnan(data.cases)].sum() if data.cases is not None else len(_values(data).value)
    return ScanResult(
        params,
        ScanState.KNOWN,
        ScanReason.OK,
        "",
        tuple(clusters),
        places=len(data.places),
        cases=float(total),
        population=None if population is None else float(population.sum()),
        zones=zones.count(),
        windows=len(windows.spans()),
        missing=int(missing.sum()),
        trend_percent=trend,
        stopped_early=len(drawn) < params.replications,
        maxima=drawn,
    )  # fmt: skip


class _Axis:
    """The periods as the search sees them: one for a spatial scan, and for a prospective one those from
    which no window starts drawn together."""

    def __init__(self, periods: Periods, merge: list[int], windows: Windows) -> None:
        self.periods = periods
        self.merge = np.array(merge, dtype=np.int64)  # first period of each one of the search
        self.windows = windows

    @classmethod
    def of(cls, periods: Periods, params: ScanParams) -> _Axis:
        n = len(periods)
        if params.analysis in ("spatial", "trends"):
            if params.analysis == "trends" and n < 3:
                raise _Unusable(ScanReason.NO_WINDOWS, f"a trend needs 3 periods or more, found {n}")
            if params.analysis == "trends":
                return cls(periods, list(range(n)), Windows(n, n, n))
            return cls(periods, [0], Windows(1, 1, 1))
        longest = params.max_periods
        if longest is None:
            longest = int(params.time_share * periods.count + 1e-9)
        longest = min(longest, n)
        alive = params.timing == "prospective"
        with_spatial = params.with_spatial and params.analysis == "space_time"
        if longest < params.min_periods and not with_spatial:
            raise _Unusable(
                ScanReason.NO_WINDOWS,
                f"the longest window is {longest} of {n} periods, the shortest {params.min_periods}",
            )
        if alive and n - longest > 1:
            merge = [0, *range(n - longest, n)]
            return cls(periods, merge, Windows(longest + 1, params.min_periods, longest, True, with_spatial))
        return cls(periods, list(range(n)), Windows(n, params.min_periods, longest, alive, with_spatial))

    def merged(self, cells: Any) -> Any:
        """Cells [n_places, n_periods, ...] with periods drawn together."""
        return np.add.reduceat(cells, self.merge, axis=1)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Periods of the data for periods [start, end) of the search."""
        if len(self.merge) == 1:
            return 0, len(self.periods)
        last = len(self.periods) if end == len(self.merge) else int(self.merge[end])
        return int(self.merge[start]), last

    def index(self, period: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """The period of the search for each period of the data."""
        return (np.searchsorted(self.merge, period, side="right") - 1).astype(np.int64)


def _missing(data: ScanData, params: ScanParams) -> npt.NDArray[np.bool_]:
    """Cells of place and period without a usable count."""
    assert data.cases is not None
    missing: npt.NDArray[np.bool_] = np.asarray(np.isnan(data.cases).any(axis=2))
    if params.model == "bernoulli" and data.controls is not None:
        missing = np.logical_or(missing, np.isnan(data.controls).any(axis=2))
    if missing.any() and params.model == "permutation":
        raise _Unusable(
            ScanReason.MISSING_COUNTS,
            f"{int(missing.sum())} counts of places and periods are missing; the permutation model has no "
            "population to take out with them",
        )
    return missing


def _engine(
    data: ScanData, params: ScanParams, missing: npt.NDArray[np.bool_], axis: _Axis
) -> tuple[Engine, Floats | None, float | None]:
    """The model with its data; population of each place; the yearly trend taken out, in percent."""
    high, low = params.rates in ("high", "both"), params.rates in ("low", "both")
    temporal = params.analysis == "temporal"
    options: dict[str, Any] = {"high": high, "low": low, "min_cases": params.min_cases}
    if params.device == "gpu":
        options["device"] = "gpu"

    counting = options | {"threads": params.threads}

    def cells(array: Floats) -> Any:
        merged = axis.merged(array)
        return merged.sum(axis=0, keepdims=True) if temporal else merged

    if params.model == "normal":
        values = _values(data)
        if not np.isfinite(values.value).all():
            raise _Unusable(ScanReason.MISSING_COUNTS, "values are missing")
        if len(values.value) < 2:
            raise _Unusable(ScanReason.NO_CASES, f"{len(values.value)} values")
        if (values.value == values.value[0]).all():
            raise _Unusable(ScanReason.NO_CONTRAST, f"all {len(values.value)} values are equal")
        place = np.zeros_like(values.place) if temporal else values.place
        shape = (1 if temporal else len(data.places), len(axis.merge))
        found: Engine = NormalEngine(
            place, axis.index(values.period), values.value, shape, params.seed, **options
        )  # fmt: skip
        return found, None, None
    if data.cases is None:
        raise ValueError(f"model {params.model!r} needs cases, found values")
    cases = np.where(missing[:, :, None], 0.0, np.nan_to_num(data.cases))
    total = int(cases.sum())
    if total == 0:
        raise _Unusable(ScanReason.NO_CASES, "no case in the study area and period")
    if params.model in ("ordinal", "multinomial"):
        if (cases.sum(axis=(0, 1)) > 0).sum() < 2:
            raise _Unusable(ScanReason.NO_CONTRAST, "all cases are of one category")
        counted = cells(cases).astype(np.int64)
        return (
            CategoryEngine(counted, params.seed, ordinal=params.model == "ordinal", high=high, low=low),
            None,
            None,
        )
    if params.model == "permutation":
        place, period, stratum = case_lists(cases)
        shape = (len(data.places), len(axis.merge))
        return (
            counts.permutation(place, axis.index(period), stratum, shape, params.seed, **counting),
            None,
            None,
        )
    whole = cells(cases.sum(axis=2)).astype(np.int64)
    if params.model == "bernoulli":
        if data.controls is None:
            raise ValueError("model 'bernoulli' needs controls")
        controls = np.where(missing, 0.0, np.nan_to_num(data.controls.sum(axis=2)))
        if controls.sum() == 0:
            raise _Unusable(ScanReason.NO_CONTRAST, "no controls: everybody is a case")
        return counts.bernoulli(whole, cells(controls).astype(np.int64), params.seed, **counting), None, None
    return _poisson(data, params, missing, axis, cases, options)


def _poisson(
    data: ScanData,
    params: ScanParams,
    missing: npt.NDArray[np.bool_],
    axis: _Axis,
    cases: Floats,
    options: dict[str, Any],
) -> tuple[Engine, Floats | None, float | None]:
    if data.population is None:
        raise ValueError("model 'poisson' needs a population")
    if np.isnan(data.population).any():
        where = np.argwhere(np.isnan(data.population))[0]
        raise _Unusable(
            ScanReason.MISSING_POPULATION, f"the population of {data.places[where[0]]} is missing"
        )  # fmt: skip
    population = data.population.sum(axis=(1, 2))
    at_risk = np.where(missing[:, :, None], 0.0, data.population)
    if at_risk.sum() <= 0:
        raise _Unusable(ScanReason.MISSING_POPULATION, "the population at risk is 0 everywhere")
    try:
        expected = standardised(cases, at_risk)
    except ValueError as cause:
        raise _Unusable(ScanReason.CASES_WITHOUT_POPULATION, str(cause)) from cause
    by_cell = cases.sum(axis=2)
    bad = np.argwhere((by_cell > 0) & (expected <= 0))
    if len(bad):
        raise _Unusable(
            ScanReason.CASES_WITHOUT_POPULATION,
            f"{data.places[bad[0][0]]} has {by_cell[tuple(bad[0])]:g} cases in period {bad[0][1]} and "
            "nobody at risk",
        )
    trend: float | None = None
    if params.trend == "fixed":
        trend = params.trend_percent
    elif params.trend == "fitted":
        trend = fitted_trend(by_cell, expected, data.periods)
    if trend is not None:
        expected = log_linear_time(expected, trend, data.periods)
    elif params.trend == "by_period":
        expected = nonparametric_time(by_cell, expected)
    counted, thought = axis.merged(by_cell).astype(np.int64), axis.merged(expected)
    if params.analysis == "temporal":
        counted, thought = counted.sum(axis=0, keepdims=True), thought.sum(axis=0, keepdims=True)
    engine: Engine
    if params.analysis == "trends":
        engine = TrendEngine(counted, thought, data.periods.mean_years, params.seed, **options)
    elif params.trend == "stratified":
        engine = StratifiedEngine(counted, thought, params.seed, **options)
    else:
        engine = counts.poisson(counted, thought, params.seed, **options, threads=params.threads)
    return engine, population, trend


def _values(data: ScanData) -> Values:
    if data.values is None:
        raise ValueError("model 'normal' needs values, found cases")
    return data.values


def _zones(data: ScanData, params: ScanParams, at_risk: Floats) -> Zones:
    n = len(data.places)
    if params.analysis == "temporal":
        return all_places(1)
    if isinstance(data.geography, Points):
        lost = np.flatnonzero(np.isnan(data.geography.coordinates).any(axis=1))
        if len(lost):
            names = ", ".join(data.places[i] for i in lost[:5])
            raise _Unusable(
                ScanReason.MISSING_COORDINATES, f"{len(lost)} places have no coordinates: {names}"
            )  # fmt: skip
        ellipse = params.shape == "ellipse"
        shapes = shapes_of(
            params.ellipse_ratios if ellipse else (), params.ellipse_angles if ellipse else ()
        )  # fmt: skip
        zones = growing(
            data.geography, at_risk, params.population_share, params.max_distance, shapes,
            PENALTY_POWER[params.penalty] if ellipse else 0.0, params.threads,
        )  # fmt: skip
    elif isinstance(data.geography, Graph):
        zones = flexible(data.geography, at_risk, params.population_share, params.flexible_places)
    else:
        limit = params.population_share * at_risk.sum() * (1 + 1e-12)
        sets = [m for m in data.geography.members if float(at_risk[list(m)].sum()) <= limit]
        zones = sets_as_zones(sets, n)
    if not zones.stop.any():
        raise _Unusable(
            ScanReason.NO_ZONES,
            f"no zone holds {params.population_share:.0%} of the population at risk or less",
        )
    if params.with_temporal and params.analysis == "space_time":
        zones = zones.with_all(n)
    return zones


def _cluster(
    rank: int,
    one: Candidate,
    zones: Zones,
    data: ScanData,
    params: ScanParams,
    engine: Engine,
    axis: _Axis,
    population: Floats | None,
    missing: npt.NDArray[np.bool_],
    drawn: Floats,
    gini: bool,
) -> Cluster:
    everywhere = one.centre < 0
    start, end = axis.span(one.start, one.end)
    known = engine.describe(one.members, one.start, one.end)
    if params.analysis == "temporal":
        members: tuple[str, ...] = ()
        touched = int(missing[:, start:end].sum())
    else:
        members = () if everywhere else tuple(data.places[i] for i in one.members)
        touched = int(missing[one.members, start:end].sum())
    if population is not None and not everywhere:
        known["population"] = float(population[one.members].sum())
    p = p_value(one.statistic, drawn, params.stop_after) if len(drawn) else None
    shape: dict[str, Any] = {}
    if isinstance(data.geography, Points) and not everywhere:
        shape["radius"] = zones.reach(data.geography, one.chain, one.position)
        if params.shape == "ellipse":
            ratio, angle = zones.shapes[zones.shape[one.chain]]
            degrees = float(np.degrees(angle))
            shape |= {"ratio": float(ratio), "angle": degrees - 180 if degrees > 90 else degrees}
    else:
        shape["radius"] = None
    return Cluster(
        rank=rank,
        centre=None if everywhere else data.places[one.centre],
        members=members,
        start=data.periods.first_day(start),
        end=data.periods.last_day(end - 1),
        statistic=one.statistic,
        p_value=p,
        gumbel=gumbel(one.statistic, drawn) if params.rates == "high" else None,
        recurrence_days=(
            data.periods.mean_days / p if p is not None and params.timing == "prospective" else None
        ),
        missing=touched,
        gini=gini,
        **shape,
        **known,
    )
