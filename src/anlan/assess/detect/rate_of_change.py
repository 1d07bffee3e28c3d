"""A reading that changes faster than it should: the step test of weather services.

Zahumensky (2004), "Guidelines on quality control procedures for data from automatic weather stations", WMO
CIMO, section on the time consistency test: |y(t) - y(t - over)| against a limit per parameter. Without a
limit given, the limit is `times` the spread (see `robust`) of the changes in the `baseline` periods before,
so that a rule can begin where no table says what is too fast.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from anlan.assess.detect.panel import Detection, Panel, Reason, Test, decide, detection
from anlan.assess.detect.robust import SIDES, Sides, check_sides, location_scale, on_sides
from anlan.assess.detect.spec import Param, Spec

#: fewest changes a spread is taken from
_LEAST = 8


def rate_of_change(
    panel: Panel,
    test: Test,
    *,
    limit: float | None = None,
    over: int = 1,
    sides: Sides = "both",
    times: float = 6.0,
    baseline: int = 52,
) -> Detection:
    """Compare the change over `over` periods with `limit` (unit of the series). `expected` is the value
    then, `threshold` the value at which the rise is too fast (the fall, for sides "down"), `score` the
    change in units of the limit: alarm above 1. Unknown where either value is missing."""
    check_sides(sides)
    if over < 1:
        raise ValueError(f"over must be at least 1 period, found {over}")
    if limit is not None and not (np.isfinite(limit) and limit > 0):
        raise ValueError(f"limit must be a number above 0, found {limit}")
    if limit is None and (times <= 0 or baseline < _LEAST):
        raise ValueError(
            f"times must be above 0 and baseline at least {_LEAST}, found {times} and {baseline}"
        )
    at = panel.test_indexes(test)
    y = panel.counts
    change = np.full(y.shape, np.nan)
    change[:, over:] = y[:, over:] - y[:, : y.shape[1] - over]
    then = y[:, at] - change[:, at]
    most = np.full((len(y), len(at)), np.nan)
    reason = np.full(most.shape, Reason.OK, dtype=np.int16)
    if limit is not None:
        most[:] = limit
    else:
        for j, t in enumerate(at.tolist()):
            past = change[:, max(0, t - baseline) : t]
            _, scale, n = location_scale(past)
            most[:, j] = np.where(n >= _LEAST, times * scale, np.nan)
            reason[n < _LEAST, j] = Reason.TOO_FEW_HISTORY
        reason[most == 0] = Reason.NO_SPREAD
    reason[:, at < over] = Reason.TOO_FEW_HISTORY
    reason[np.isnan(change[:, at]) & (at >= over)] = Reason.MISSING_VALUE
    reason[np.isnan(y[:, at])] = Reason.MISSING_VALUE
    far = on_sides(change[:, at], sides)
    with np.errstate(divide="ignore", invalid="ignore"):
        score = far / most
    score[(far <= 0) & (most == 0)] = 0.0
    return detection(
        at,
        expected=then,
        threshold=then - most if sides == "down" else then + most,
        score=score,
        alarm=decide(far > most, reason, [Reason.MISSING_VALUE, Reason.TOO_FEW_HISTORY]),
        reason=reason,
    )


def _history(params: Mapping[str, Any], freq: int) -> int:
    """The value before, and without a limit the changes before that."""
    del freq
    return int(params["over"]) + (int(params["baseline"]) if params["limit"] is None else 0)


SPECS = (
    Spec(
        "rate_of_change",
        rate_of_change,
        (
            Param("limit", "float or none", None, "largest change, unit of the series; none = learnt"),
            Param("over", "int", 1, "periods over which the change is taken"),
            Param("sides", "str", "both", "rises, falls, or both", SIDES),
            Param("times", "float", 6.0, "limit in spreads of past changes, where none is given"),
            Param("baseline", "int", 52, "past periods whose changes are looked at, where no limit is given"),
        ),
        title="change faster than a limit",
        source="Zahumensky 2004, WMO guidelines on quality control of automatic weather stations",
        history=_history,
        values="reading",
    ),
)
