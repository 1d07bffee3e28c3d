"""A frozen sensor: readings that do not move. The persistence test of weather services.

Zahumensky (2004), "Guidelines on quality control procedures for data from automatic weather stations", WMO
CIMO, section on the minimum required variability: a sensor whose last `n` readings lie within `tolerance`
of each other is stuck. This is a detector of quality, not of danger: its alarm says that the reading is not
to be believed. A rule on the same series should treat the value as unknown, never as calm.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numba import njit

from anlan.assess.detect.panel import Detection, Panel, Reason, Test, decide, detection
from anlan.assess.detect.spec import Param, Spec


def flat_line(
    panel: Panel, test: Test, *, n: int = 6, tolerance: float = 0.0, natural: float | None = None
) -> Detection:
    """Alarm where the last `n` known readings, the tested one among them, within the last 2 n periods
    differ by at most `tolerance`. Readings that stay at `natural` (a dry rain gauge at 0) are never
    stuck. `score` is the number of readings without movement over `n`: alarm from 1 on; `expected` the
    value at which they stand. Unknown where the tested value is missing, or where too few readings are
    known and none of them moved."""
    if n < 2:
        raise ValueError(f"n must be at least 2 readings, found {n}")
    if not (np.isfinite(tolerance) and tolerance >= 0):
        raise ValueError(f"tolerance must be a number, not negative, found {tolerance}")
    at = panel.test_indexes(test)
    shape = (panel.n_series, len(at))
    still, moved = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.bool_)
    # 3.1 - 3.0 is a little more than 0.1
    _still_panel(panel.counts, at, n, tolerance * (1 + 1e-9), still, moved)
    y = panel.counts[:, at]
    with np.errstate(invalid="ignore"):
        normal = np.zeros(shape, np.bool_) if natural is None else np.abs(y - natural) <= tolerance
    reason = np.full(shape, Reason.OK, dtype=np.int16)
    reason[(still < n) & ~moved & ~normal] = Reason.TOO_FEW_HISTORY
    reason[np.isnan(y)] = Reason.MISSING_VALUE
    return detection(
        at,
        expected=y.copy(),
        score=np.where(normal, 0.0, still / n),
        alarm=decide((still >= n) & ~normal, reason, [Reason.MISSING_VALUE, Reason.TOO_FEW_HISTORY]),
        reason=reason,
    )


@njit(cache=True, nogil=True)
def _still(counts, at, n, tolerance, still, moved):  # type: ignore[no-untyped-def]
    """Readings at the end of each tested stretch that lie within `tolerance` of each other, at most
    `n`, and whether one before them broke the line; both [n_series, n_test]."""
    for row in range(len(counts)):
        y = counts[row]
        for j in range(len(at)):
            low = high = y[at[j]]
            if np.isnan(low):
                continue
            run = 1
            for t in range(at[j] - 1, max(-1, at[j] - 2 * n), -1):
                if run == n:
                    break
                if np.isnan(y[t]):
                    continue
                low, high = min(low, y[t]), max(high, y[t])
                if high - low > tolerance:
                    moved[row, j] = True
                    break
                run += 1
            still[row, j] = run


#: the compiled kernel, whose arguments mypy cannot see
_still_panel: Callable[..., None] = _still


def _history(params: Mapping[str, Any], freq: int) -> int:
    """Room for as many missing readings as known ones."""
    del freq
    return 2 * int(params["n"])


SPECS = (
    Spec(
        "flat_line",
        flat_line,
        (
            Param("n", "int", 6, "readings without movement that make a stuck sensor"),
            Param("tolerance", "float", 0.0, "largest movement that counts as none, unit of the series"),
            Param("natural", "float or none", None, "a value at which readings may stand, as dry is 0 mm"),
        ),
        title="stuck sensor (quality: the reading is not to be believed)",
        source="Zahumensky 2004, WMO guidelines on quality control of automatic weather stations",
        history=_history,
        values="reading",
    ),
)
