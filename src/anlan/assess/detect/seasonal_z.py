"""A value against the same time in past cycles: robust seasonal z-score.

    z(t) = (y(t) - median) / (1.4826 MAD)

over the values at the same place of the cycle, and `w` places to either side, in the `cycles` cycles before.
Iglewicz, Hoaglin (1993), "How to detect and handle outliers" (modified z-score; they cut at 3.5). A past
event moves neither median nor spread by much, so nothing need be cut out of the history by hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from anlan.assess.detect.panel import Detection, Panel, Reason, Test, decide, detection
from anlan.assess.detect.robust import (
    SIDES,
    Sides,
    check_sides,
    location_scale,
    normal_tail,
    on_sides,
    standardise,
)
from anlan.assess.detect.spec import Param, Spec


def seasonal_z(
    panel: Panel,
    test: Test,
    *,
    season: int | None = None,
    cycles: int = 5,
    w: int = 2,
    limit: float = 3.5,
    sides: Sides = "up",
    min_values: int = 8,
    min_scale: float = 0.0,
) -> Detection:
    """Test `panel` at `test`. `season` in periods (24 for hours of a day), by default the year; `score` is
    z on the side that counts, alarm above `limit`; `min_scale` a floor under the spread, unit of the
    series. A history that never varied has spread 0: any other value is an alarm, reason `NO_SPREAD`."""
    check_sides(sides)
    cycle = panel.freq if season is None else season
    if cycle < 1 or cycles < 1 or not 0 <= w <= cycle:
        raise ValueError(
            f"season and cycles must be at least 1 and w between 0 and season, "
            f"found {cycle}, {cycles} and {w}"
        )
    if limit <= 0 or min_scale < 0 or min_values < 2:
        raise ValueError(
            f"limit must be above 0, min_scale not negative and min_values at least 2, "
            f"found {limit}, {min_scale} and {min_values}"
        )
    at = panel.test_indexes(test)
    y = panel.counts[:, at]
    offsets = np.array([-cycle * back + about for back in range(1, cycles + 1) for about in range(-w, w + 1)])
    offsets = np.unique(offsets[offsets < 0])
    expected, scale = np.full(y.shape, np.nan), np.full(y.shape, np.nan)
    reason = np.full(y.shape, Reason.OK, dtype=np.int16)
    for j, t in enumerate(at.tolist()):
        rows = t + offsets
        centre, spread, n = location_scale(panel.counts[:, rows[rows >= 0]])
        few = n < min_values
        expected[:, j] = np.where(few, np.nan, centre)
        scale[:, j] = np.where(few, np.nan, np.maximum(spread, min_scale))
        reason[few, j] = Reason.TOO_FEW_HISTORY
    reason[scale == 0] = Reason.NO_SPREAD
    reason[np.isnan(y)] = Reason.MISSING_VALUE
    z = standardise(y, expected, scale)
    score = on_sides(z, sides)
    return detection(
        at,
        expected=expected,
        threshold=expected + (-limit if sides == "down" else limit) * scale,
        score=score,
        p_value=normal_tail(z, sides),
        variance=scale**2,
        alarm=decide(score > limit, reason, [Reason.MISSING_VALUE, Reason.TOO_FEW_HISTORY]),
        reason=reason,
    )


def _history(params: Mapping[str, Any], freq: int) -> int:
    """The cycles asked for."""
    season = freq if params["season"] is None else int(params["season"])
    return season * int(params["cycles"]) + int(params["w"])


SPECS = (
    Spec(
        "seasonal_z",
        seasonal_z,
        (
            Param("season", "int or none", None, "periods of a cycle; none = a year"),
            Param("cycles", "int", 5, "past cycles looked at"),
            Param("w", "int", 2, "places to either side of the same place in the cycle"),
            Param("limit", "float", 3.5, "robust standard deviations above which a value is an alarm"),
            Param("sides", "str", "up", "too high, too low, or both", SIDES),
            Param("min_values", "int", 8, "fewest known values a spread is taken from"),
            Param("min_scale", "float", 0.0, "floor under the spread, unit of the series"),
        ),
        title="robust z-score against the same season",
        source="Iglewicz, Hoaglin 1993, How to detect and handle outliers",
        history=_history,
        values="reading",
    ),
)
