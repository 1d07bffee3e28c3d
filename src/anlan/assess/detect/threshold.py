"""A fixed limit: an alarm is a value that reaches it from below or from above."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np

from anlan.assess.detect.panel import (
    Detection,
    Known,
    Panel,
    Reason,
    Test,
    Trend,
    decide,
)

Direction: TypeAlias = Literal["at_least", "at_most"]


def threshold(panel: Panel, test: Test, *, limit: float, direction: Direction = "at_least") -> Detection:
    """Compare each tested value with `limit` (unit of the counts): alarm at value >= limit
    ("at_least") or value <= limit ("at_most"). A missing value is unknown. `score` is the distance
    past the limit in the unit of the counts, 0 on it; there is no expectation and no p-value."""
    if direction not in ("at_least", "at_most"):
        raise ValueError(f"direction must be 'at_least' or 'at_most', found {direction!r}")
    if not np.isfinite(limit):
        raise ValueError(f"limit must be a finite number, found {limit}")
    at = panel.test_indexes(test)
    y = panel.counts[:, at]
    missing = np.isnan(y)
    reason = np.where(missing, Reason.MISSING_VALUE, Reason.OK).astype(np.int16)
    score = y - limit if direction == "at_least" else limit - y
    nothing = np.full(y.shape, np.nan)
    return Detection(
        test=at,
        expected=nothing,
        threshold=np.full(y.shape, float(limit)),
        score=score,
        p_value=nothing,
        variance=nothing,
        phi=nothing,
        trend_coef=nothing,
        alarm=decide(score >= 0, reason, [Reason.MISSING_VALUE]),
        state=np.where(missing, Known.UNKNOWN, Known.KNOWN).astype(np.int8),
        reason=reason,
        trend=np.full(y.shape, Trend.NOT_KEPT, dtype=np.int8),
    )
