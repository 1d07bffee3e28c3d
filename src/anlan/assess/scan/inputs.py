"""What a scan reads: places, where they are, and what was counted there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from anlan.assess.scan.periods import Periods
from anlan.assess.scan.zones import Geography, Graph, Points, Sets

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Values:
    """Measured values, one each: index of its `place`, index of its `period`, and `value`; [n]."""

    place: Ints
    period: Ints
    value: Floats


@dataclass(frozen=True, slots=True)
class ScanData:
    """Counts of n_places places in n_periods periods.

    `places` ids, each once. `geography` points, a graph of neighbours or zones written out. `cases`
    [n_places, n_periods] or [.., n_strata] (for `ordinal` and `multinomial` the last axis is the
    category), NaN = missing. `population` the same shape, the share of the mean population that each
    period stands for (`expected.person_time`; for one period simply the population), for `poisson`.
    `controls` [n_places, n_periods] for `bernoulli`. `values` for `normal`, with `cases` left out.
    """

    places: tuple[str, ...]
    geography: Geography
    periods: Periods
    cases: Floats | None = None
    population: Floats | None = None
    controls: Floats | None = None
    values: Values | None = None

    def __post_init__(self) -> None:
        n, t = len(self.places), len(self.periods)
        if len(set(self.places)) != n:
            twice = sorted({one for one in self.places if self.places.count(one) > 1})
            raise ValueError(f"places must be named once each, found twice: {', '.join(twice[:5])}")
        if (self.cases is None) == (self.values is None):
            raise ValueError("a scan needs either cases or values")
        for name in ("cases", "population", "controls"):
            given = getattr(self, name)
            if given is None:
                continue
            array = np.asarray(given, dtype=np.float64)
            if array.ndim == 1 and t == 1:
                array = array[:, None]
            if array.ndim == 2:
                array = array[:, :, None]
            if array.ndim != 3 or array.shape[:2] != (n, t):
                raise ValueError(f"{name} must be [{n}, {t}] or [{n}, {t}, ...], found shape {array.shape}")
            if np.isinf(array).any() or (array < 0).any():
                bad = array[np.isinf(array) | (array < 0)][0]
                raise ValueError(f"{name} must be 0 or more and finite (NaN = missing), found {bad}")
            object.__setattr__(self, name, array)
        if self.cases is not None:
            known = self.cases[~np.isnan(self.cases)]
            if (known != np.floor(known)).any():
                raise ValueError(f"cases must be whole numbers, found {known[known != np.floor(known)][0]}")
        if (
            self.population is not None
            and self.cases is not None
            and self.population.shape != self.cases.shape
        ):
            raise ValueError(
                f"population must have the shape of cases {self.cases.shape}, found {self.population.shape}"
            )
        size = _size(self.geography)
        if size is not None and size != n:
            raise ValueError(f"geography must have the {n} places, found {size}")
        if self.values is not None:
            value = np.asarray(self.values.value, dtype=np.float64)
            place = np.asarray(self.values.place, dtype=np.int64)
            period = np.asarray(self.values.period, dtype=np.int64)
            if not value.shape == place.shape == period.shape or value.ndim != 1:
                raise ValueError("value, place and period of the values must be of one length")
            if len(value) and not ((place >= 0) & (place < n) & (period >= 0) & (period < t)).all():
                raise ValueError(f"values must lie in {n} places and {t} periods")
            object.__setattr__(self, "values", Values(place, period, value))

    def in_order(self) -> tuple[ScanData, Ints]:
        """The same data with places sorted by id, and the order: results then hang on no other one."""
        order = np.array(sorted(range(len(self.places)), key=self.places.__getitem__), dtype=np.int64)
        rank = np.empty_like(order)
        rank[order] = np.arange(len(order))
        geography: Geography
        if isinstance(self.geography, Points):
            geography = Points(self.geography.coordinates[order], self.geography.kind)
        elif isinstance(self.geography, Graph):
            geography = Graph(
                tuple(
                    tuple(sorted(int(rank[other]) for other in self.geography.neighbours[place]))
                    for place in order
                )
            )
        else:
            geography = Sets(
                tuple(tuple(int(rank[p]) for p in members) for members in self.geography.members)
            )

        def moved(array: Floats | None) -> Floats | None:
            return None if array is None else array[order]

        values = self.values
        if values is not None:
            values = Values(rank[values.place], values.period, values.value)
        return (
            ScanData(
                tuple(self.places[i] for i in order),
                geography,
                self.periods,
                moved(self.cases),
                moved(self.population),
                moved(self.controls),
                values,
            ),
            order,
        )


def _size(geography: Geography) -> int | None:
    if isinstance(geography, Points):
        return len(geography.coordinates)
    if isinstance(geography, Graph):
        return len(geography.neighbours)
    return None


def case_lists(cases: Floats) -> tuple[Ints, Ints, Ints]:
    """Place, period and stratum of every case, from counts [n_places, n_periods, n_strata]."""
    counts = cases.astype(np.int64)
    place, period, stratum = np.nonzero(counts)
    times: Sequence[int] | Ints = counts[place, period, stratum]
    return np.repeat(place, times), np.repeat(period, times), np.repeat(stratum, times)
