"""A fixed limit: an alarm is a value that reaches it from below or from above."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np

from anlan.assess.detect.panel import Detection, Panel, Reason, Test, decide, detection
from anlan.assess.detect.spec import REQUIRED, Param, Spec

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
    return detection(
        at,
        threshold=np.full(y.shape, float(limit)),
        score=score,
        alarm=decide(score >= 0, reason, [Reason.MISSING_VALUE]),
        reason=reason,
    )


SPECS = (
    Spec(
        "threshold",
        threshold,
        (
            Param("limit", "float", REQUIRED, "the limit, in the unit of the series"),
            Param(
                "direction",
                "str",
                "at_least",
                "alarm at or above the limit, or at or below it",
                ("at_least", "at_most"),
            ),
        ),
        title="fixed limit",
        source="the limit's own basis",
        values="reading",
    ),
)
