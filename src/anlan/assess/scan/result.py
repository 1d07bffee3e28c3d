"""What a scan found."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from anlan.assess.scan.params import ScanParams


class ScanState(IntEnum):
    """Whether the scan could be carried out. Unknown is an answer: never read it as no cluster."""

    UNKNOWN = 0
    KNOWN = 1


class ScanReason(IntEnum):
    """Why a scan is known or not. The numbers are stable and may be stored."""

    OK = 0
    #: no case, or no value, in the study area and period
    NO_CASES = 1
    #: cases where nobody is at risk: population, controls or their strata are wrong
    CASES_WITHOUT_POPULATION = 2
    #: counts are missing in a model that cannot leave a place and period out
    MISSING_COUNTS = 3
    #: no zone is small enough for the largest share, distance or number of places
    NO_ZONES = 4
    #: no span of periods is as short as the longest window
    NO_WINDOWS = 5
    #: one category alone, or all values equal: there is nothing to compare
    NO_CONTRAST = 6
    #: places without coordinates
    MISSING_COORDINATES = 7
    #: nobody is at risk anywhere, or a population is missing
    MISSING_POPULATION = 8


@dataclass(frozen=True, slots=True)
class Cluster:
    """One cluster, a zone and a span of days.

    `rank` 1 for the strongest. `centre` and `members` (in the order of their distance) are ids of places;
    a purely temporal cluster has no centre and no members: it is everywhere. `radius` in km or the unit
    of the plane; of an ellipse the short half-axis, with `ratio` of long to short and `angle` of the long
    one to the x axis in degrees above -90 and up to 90. `statistic` is `llr` times the penalty of the
    shape. `ode` observed / expected, `relative_risk` rate inside / rate outside; None where the model has
    none. `p_value` by rank, `gumbel` from the fitted law (high rates only); None without replications.
    `recurrence_days`: as often would one so strong come about by chance (prospective only).
    `missing` cells of place and period in the window had no count and were left out.
    """

    rank: int
    centre: str | None
    members: tuple[str, ...]
    radius: float | None
    start: date
    end: date
    llr: float
    statistic: float
    observed: float
    expected: float | None
    ode: float | None
    relative_risk: float | None
    high: bool | None
    population: float | None = None
    p_value: float | None = None
    gumbel: float | None = None
    recurrence_days: float | None = None
    ratio: float | None = None
    angle: float | None = None
    mean_inside: float | None = None
    mean_outside: float | None = None
    variance: float | None = None
    trend_inside: float | None = None
    trend_outside: float | None = None
    missing: int = 0
    gini: bool = False
    #: observed and expected by category, and which categories were pooled, for the categorical models
    categories: tuple[tuple[float, float], ...] = ()
    pooled: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class ScanResult:
    """Clusters by strength (the strongest always, weaker ones with p below 1), and what they were weighed
    against. `maxima` [n_done]: the largest statistic of every data set drawn under the null, in the order
    of the replications."""

    params: ScanParams
    state: ScanState
    reason: ScanReason
    detail: str
    clusters: tuple[Cluster, ...] = ()
    places: int = 0
    cases: float = 0.0
    expected: float | None = None
    population: float | None = None
    zones: int = 0
    windows: int = 0
    missing: int = 0
    trend_percent: float | None = None
    stopped_early: bool = False
    maxima: npt.NDArray[np.float64] = field(default_factory=lambda: np.empty(0))

    def critical_value(self, level: float) -> float | None:
        """The least statistic that is significant at `level`; None with too few replications."""
        rank = int(level * (len(self.maxima) + 1) + 1e-9)
        if rank < 1 or self.stopped_early:
            return None
        return float(np.sort(self.maxima)[::-1][rank - 1])
