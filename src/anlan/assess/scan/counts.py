"""Models whose statistic is a function of cases and one measure: poisson, bernoulli, permutation."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from anlan.assess.scan import gpu
from anlan.assess.scan.alive import Alive
from anlan.assess.scan.each import best_by_end, search_each
from anlan.assess.scan.engine import Best, Floats, Ints
from anlan.assess.scan.sampling import Fill, multinomial, permuted, without_replacement
from anlan.assess.scan.search import LANES, search_space, search_spacetime
from anlan.assess.scan.statistic import BERNOULLI, POISSON, ratio
from anlan.assess.scan.thresholds import BINS, LEVELS, needed_high, needed_low, position_bins
from anlan.assess.scan.windows import Windows
from anlan.assess.scan.zones import Zones

#: above so many cases the counts of one window might not fit 16 bits
SHORT = 32_000


class CountEngine:
    """`cases` and `measure` [n_places, n_periods]; `measure` are expected cases (`kind` POISSON) or
    people (BERNOULLI). `at_risk` [n_places]; `fill` draws the cells of data sets under the null."""

    block = LANES

    def __init__(
        self,
        kind: int,
        cases: Ints,
        measure: Floats,
        at_risk: Floats,
        fill: Fill,
        *,
        high: bool,
        low: bool,
        min_cases: int,
        device: str = "cpu",
        threads: int = 1,
    ) -> None:
        self.kind = kind
        self.cases = cases
        self.measure = measure
        self.at_risk = at_risk
        self.fill = fill
        self.high = high
        self.low = low
        self.min_cases = min_cases
        self.total_cases = int(cases.sum())
        self.total_measure = float(measure.sum())
        self.dtype = np.int16 if self.total_cases <= SHORT else np.int32
        beyond = 32_767 if self.dtype == np.int16 else 2**30
        self.enough = np.zeros((LEVELS, BINS), dtype=np.int32)
        self.few = np.full((LEVELS, BINS), -1, dtype=np.int32)
        known = (self.total_cases, self.total_measure)
        if high:
            _tabled(needed_high, self.enough, threads, kind, *known, max(min_cases, 1), beyond)
        if low:
            _tabled(needed_low, self.few, threads, kind, *known)
        self.threads = threads
        self._spans: dict[tuple[Windows, float], tuple[Ints, Ints, Floats]] = {}
        self._bins: tuple[Zones, Ints] | None = None
        self._strongest: tuple[Zones, Windows, Floats, Ints] | None = None
        self.device = device
        self._on_gpu: tuple[Zones, Windows, gpu.Search] | None = None
        if device == "gpu":
            gpu.require()
            self.block = gpu.lanes(cases.shape[0], cases.shape[1], np.dtype(self.dtype).itemsize)
        self._alive: tuple[Zones, Windows, Alive | None] | None = None

    def strongest(self, zones: Zones, windows: Windows) -> float:
        return float(self._each(zones, windows)[0].max())

    def observed(self, zones: Zones, windows: Windows, floor: float) -> Best:
        if self._spatial(windows):
            value, where = self._each(zones, windows)
            chain = np.flatnonzero(value >= floor)
            return Best(chain, value[chain], where[chain])
        n = len(zones.centre)
        value = np.zeros((n, windows.periods + 1))
        where = np.zeros((n, windows.periods + 1, 2), dtype=np.int64)
        self._by_threads(best_by_end, zones, windows, floor, value, where)
        chain, end = np.nonzero(value)
        position, start = where[chain, end].T
        return Best(chain, value[chain, end], np.column_stack([zones.ptr[chain] + position, start, end]))

    def _each(self, zones: Zones, windows: Windows) -> tuple[Floats, Ints]:
        """The best window of each chain in the data: its value, and position, from, to."""
        if self._strongest is None or self._strongest[0] is not zones or self._strongest[1] != windows:
            value = np.zeros(len(zones.centre))
            where = np.zeros((len(zones.centre), 3), dtype=np.int64)
            self._by_threads(search_each, zones, windows, value, where)
            self._strongest = (zones, windows, value, where)
        return self._strongest[2:]

    def _by_threads(self, search: Any, zones: Zones, windows: Windows, *rest: Any) -> None:
        """Run a search of `each` over the chains; arrays among `rest` have a row for each chain."""
        groups, cases, measure = self._groups(windows), _running(self.cases), _running(self.measure)
        n = len(zones.centre)
        several = -(-n // self.threads)

        def some(begin: int) -> None:
            part = slice(begin, begin + several)
            search(
                zones.ptr[begin : begin + several + 1], zones.first[part], zones.places, zones.stop,
                *groups, windows.shortest, windows.longest, windows.whole, zones.factor[part], cases,
                measure, (float(self.total_cases), self.total_measure), self.kind, self.high, self.low,
                float(self.min_cases), self.enough, self.few,
                *(one[part] if isinstance(one, np.ndarray) else one for one in rest),
            )  # fmt: skip

        with ThreadPoolExecutor(self.threads) as pool:
            list(pool.map(some, range(0, n, several)))

    def prepare(self, zones: Zones, windows: Windows) -> None:
        """Work out what all replications share, before threads start."""
        if self.device == "gpu":
            if self._on_gpu is None or self._on_gpu[0] is not zones or self._on_gpu[1] != windows:
                search = gpu.Search(
                    zones, windows, _running(self.measure), self.kind,
                    (float(self.total_cases), self.total_measure), self.min_cases,
                    self.enough if self.high else None, self.few if self.low else None,
                )  # fmt: skip
                self._on_gpu = (zones, windows, search)
            return
        if self._spatial(windows):
            self._position_bins(zones)
        elif self._going_on(zones, windows) is None:
            self._groups(windows)

    def maxima(self, zones: Zones, windows: Windows, replications: range) -> Floats:
        n_places, n_periods = self.cases.shape
        if self.device == "gpu":
            self.prepare(zones, windows)
            assert self._on_gpu is not None
            running = gpu.drawn(self.fill, replications, (n_places, n_periods), np.dtype(self.dtype))
            return self._on_gpu[2].maxima(running)[: len(replications)]
        best = np.zeros(LANES)
        where = np.zeros((LANES, 3), dtype=np.int64)
        drawn = np.zeros((n_places * n_periods, LANES), dtype=self.dtype)
        self.fill(replications, drawn)
        totals = (float(self.total_cases), self.total_measure)
        alive = None if self._spatial(windows) else self._going_on(zones, windows)
        if alive is not None:
            cells = drawn.reshape(n_places, n_periods, LANES)
            best = alive.maxima(zones, cells, self.kind, totals, self.min_cases, self.enough)
        elif self._spatial(windows):
            search_space(
                zones.ptr, zones.first, zones.places, zones.stop, self._position_bins(zones), zones.factor,
                drawn, self.measure[:, 0], totals, self.kind, self.high, self.low, float(self.min_cases),
                self.enough, self.few, best, where,
            )  # fmt: skip
        else:
            running = _running(drawn.reshape(n_places, n_periods, LANES))
            search_spacetime(
                zones.ptr, zones.first, zones.places, zones.stop, *self._groups(windows), windows.shortest,
                windows.longest, windows.whole, zones.factor, running, _running(self.measure), totals,
                self.kind, self.high, self.low, float(self.min_cases), self.enough, self.few, best, where,
            )  # fmt: skip
        return best[: len(replications)]

    def describe(self, members: Ints, start: int, end: int) -> dict[str, Any]:
        cases = float(self.cases[members, start:end].sum())
        measure = float(self.measure[members, start:end].sum())
        expected = measure * self.total_cases / self.total_measure
        found: dict[str, Any] = {
            "observed": cases,
            "expected": expected,
            "ode": cases / expected if expected > 0 else None,
            "relative_risk": _relative_risk(cases, expected, float(self.total_cases)),
            "high": cases > expected,
            "llr": float(ratio(self.kind, cases, measure, float(self.total_cases), self.total_measure)),
        }
        if self.kind == BERNOULLI:
            found["population"] = measure
        return found

    def _spatial(self, windows: Windows) -> bool:
        return self.cases.shape[1] == 1 and windows.holds(0, 1)

    def _going_on(self, zones: Zones, windows: Windows) -> Alive | None:
        """The search of windows that all end with the last period, where it can be used."""
        if self._alive is None or self._alive[0] is not zones or self._alive[1] != windows:
            totals = (float(self.total_cases), self.total_measure)
            found = None if self.low else Alive.of(zones, windows, self.measure, totals)
            self._alive = (zones, windows, found)
        return self._alive[2]

    def _groups(self, windows: Windows) -> tuple[Ints, Ints, Floats]:
        key = (windows, self.total_measure)
        if key not in self._spans:
            groups, offset, limits = windows.grains(self.total_cases)
            fineness = np.array(limits) * (self.total_measure / max(self.total_cases, 1))
            self._spans[key] = (groups, offset, fineness)
        return self._spans[key]

    def _position_bins(self, zones: Zones) -> Ints:
        if self._bins is None or self._bins[0] is not zones:
            bins = position_bins(zones.ptr, zones.places, self.measure[:, 0], self.total_measure)
            self._bins = (zones, bins)
        return self._bins[1]


def _tabled(fill: Any, table: npt.NDArray[np.int32], threads: int, *known: Any) -> None:
    """Fill a table of `thresholds` by levels on several threads."""
    several = -(-LEVELS // threads)
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda k: fill(*known, k, table[k : k + several]), range(0, LEVELS, several)))


def _running(cells: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Sums over the periods, axis 1, from the first on, with a leading 0."""
    sums = np.zeros((cells.shape[0], cells.shape[1] + 1, *cells.shape[2:]), dtype=cells.dtype)
    np.cumsum(cells, axis=1, out=sums[:, 1:], dtype=cells.dtype)
    return sums


def _relative_risk(cases: float, expected: float, total: float) -> float | None:
    """(c / e) / ((C - c) / (C - e)); infinite where every case lies inside, None where nothing is left."""
    if expected <= 0 or total - expected <= 0:
        return None
    if total == cases:
        return float("inf")
    return (cases / expected) / ((total - cases) / (total - expected))


def poisson(cases: Ints, expected: Floats, seed: int, **options: Any) -> CountEngine:
    """Cases [n_places, n_periods] with known expected ones, scaled to the same total."""
    total = int(cases.sum())
    whole = float(expected.sum())
    # where the totals are equal but for rounding, another rounding would only move the last digits
    scaled = expected if abs(whole - total) <= 1e-9 * total else expected * (total / whole)
    fill = multinomial(total, scaled.ravel(), seed)
    return CountEngine(POISSON, cases, scaled, scaled.sum(axis=1), fill, **options)


def bernoulli(cases: Ints, controls: Ints, seed: int, **options: Any) -> CountEngine:
    """Cases and controls [n_places, n_periods]."""
    people = cases + controls
    fill = without_replacement(int(cases.sum()), people.ravel(), seed)
    measure = people.astype(np.float64)
    return CountEngine(BERNOULLI, cases, measure, measure.sum(axis=1), fill, **options)


def permutation(place: Ints, period: Ints, stratum: Ints, shape: tuple[int, int], seed: int,
                **options: Any) -> CountEngine:  # fmt: skip
    """Cases one by one [n_cases]: expected is, in each stratum, the cases of the place times the cases of
    the period over all cases of the stratum. `shape` (n_places, n_periods)."""
    cases = np.zeros(shape, dtype=np.int64)
    np.add.at(cases, (place, period), 1)
    expected = np.zeros(shape)
    for one in np.unique(stratum):
        rows = stratum == one
        by_place = np.bincount(place[rows], minlength=shape[0])
        by_period = np.bincount(period[rows], minlength=shape[1])
        expected += np.outer(by_place, by_period) / rows.sum()
    fill = permuted(place, period, stratum, shape[1], seed)
    return CountEngine(POISSON, cases, expected, expected.sum(axis=1), fill, **options)
