"""A forecast of a panel by whichever method did best on the panel's own past.

Where every publication is kept, `choose.Record` compares methods on forecasts as they were made. Where only
the newest counts are there, the past is cut off at earlier origins and forecast from there: no value after
an origin is seen by what is forecast at it. Revisions of old counts are then taken as if they had been known,
which flatters every method alike; say so where it matters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anlan.assess.forecast.candidates import CANDIDATES, SHORTEST, Candidate
from anlan.assess.forecast.choose import Record

Floats = NDArray[np.float64]

#: without fits series by series: a second for a thousand series
QUICK = ("persistence", "damped_trend_0.5", "damped_trend_0.8", "seasonal_growth")


@dataclass(frozen=True, slots=True)
class Forecast:
    """`quantiles` [n_series, horizon, n_levels] at `levels`, NaN for a series that is unknown now; `method`
    that made them; `scores` of all methods on the past origins, mean weighted interval score of log1p."""

    quantiles: Floats
    levels: Floats
    method: str
    scores: Mapping[str, float]


def forecast(
    history: Floats,
    horizon: int,
    levels: Floats,
    season: int,
    methods: tuple[str, ...] = QUICK,
    origins: int = 12,
) -> Forecast:
    """Forecast `history` [n_series, n_times] for `horizon` periods by the best of `methods` over so many past
    origins, one `horizon` apart at most. ValueError for a method that there is none of, levels that are
    not symmetric about one half, or a horizon below 1. With too short a past the first method is taken."""
    unknown = [name for name in methods if name not in CANDIDATES]
    if unknown or not methods:
        raise ValueError(f"methods must be some of {', '.join(CANDIDATES)}, found {list(methods)}")
    if horizon < 1:
        raise ValueError(f"horizon must be 1 or more periods, found {horizon}")
    if (np.diff(levels) <= 0).any() or not np.allclose(levels + levels[::-1], 1.0):
        raise ValueError("levels must ascend and be symmetric about 0.5")
    chosen: dict[str, Candidate] = {name: CANDIDATES[name] for name in methods}
    record, n = Record(levels), history.shape[1]
    if len(chosen) > 1:
        for back in range(1, origins + 1):
            origin = n - back
            if origin < SHORTEST:
                break
            for name, method in chosen.items():
                record.keep(name, origin, method(history[:, :origin], horizon, levels, season))
    scores = record.scores(history)
    best = min(scores, key=lambda name: (scores[name], name)) if scores else methods[0]
    return Forecast(chosen[best](history, horizon, levels, season), levels, best, scores)
