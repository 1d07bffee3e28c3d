"""Page-Hinkley test: a lasting change of the mean, found without knowing the mean.

    m(T) = sum_{t <= T} (z(t) - mean(z, t) - delta),      PH(T) = m(T) - min_{t <= T} m(t)      alarm above h

Page (1954), Biometrika 41:100-115; Hinkley (1971), "Inference about the change-point from cumulative sum
tests", Biometrika 58:509-523; as used on streams by Gama, Sebastiao, Rodrigues (2013), Mach Learn
90:317-346. The mean is that of the readings since the run began or the last alarm; z is in units of a calm
baseline's spread. A missing reading leaves the sums as they were.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numba import njit

from anlan.assess.detect.panel import Detection, Panel, Reason, Test, decide, detection
from anlan.assess.detect.reference_run import RUN, check_run, reference_run
from anlan.assess.detect.robust import SIDES, Sides, check_sides
from anlan.assess.detect.spec import Param, Spec


def page_hinkley(
    panel: Panel,
    test: Test,
    *,
    delta: float = 0.25,
    h: float = 12.0,
    min_values: int = 10,
    sides: Sides = "both",
    baseline: int = 52,
    run_in: int = 104,
) -> Detection:
    """Test `panel` at contiguous `test`. `score` is PH over `h`, alarm above 1, after which the sums and
    the mean begin anew; no alarm before `min_values` readings. `expected` is the mean before the tested
    reading."""
    check_sides(sides)
    check_run(baseline, run_in)
    if delta < 0 or h <= 0 or min_values < 1:
        raise ValueError(
            "delta must not be negative, h above 0 and min_values at least 1, "
            f"found {delta}, {h} and {min_values}"
        )
    at = panel.test_indexes(test)
    run = reference_run(panel, at, baseline, run_in)
    score, mean = np.full(run.z.shape, np.nan), np.full(run.z.shape, np.nan)
    _walk_panel(run.z, delta, h, min_values, sides != "down", sides != "up", score, mean)
    score, mean = score[:, run.lead :] / h, mean[:, run.lead :]
    centre, scale = run.centre[:, None], run.scale[:, None]
    return detection(
        at,
        expected=centre + scale * mean,
        score=score,
        variance=np.broadcast_to(scale**2, score.shape).copy(),
        alarm=decide(score > 1, run.reason, [Reason.MISSING_VALUE, Reason.TOO_FEW_HISTORY]),
        reason=run.reason,
    )


@njit(cache=True, nogil=True)
def _walk(z, delta, h, least, upward, downward, score, before):  # type: ignore[no-untyped-def]
    """PH after each known reading (0 before `least` of them) and the mean before it."""
    for row in range(len(z)):
        n, mean, rise, fall = 0, 0.0, 0.0, 0.0
        for t in range(z.shape[1]):
            before[row, t] = mean if n > 0 else 0.0
            if np.isnan(z[row, t]):
                continue
            n += 1
            mean += (z[row, t] - mean) / n
            # m - min m walks like a sum that never falls below zero
            rise = max(0.0, rise + z[row, t] - mean - delta)
            fall = max(0.0, fall - z[row, t] + mean - delta)
            worst = max(rise if upward else 0.0, fall if downward else 0.0)
            score[row, t] = worst if n >= least else 0.0
            if n >= least and worst > h:
                n, mean, rise, fall = 0, 0.0, 0.0, 0.0


#: the compiled kernel, whose arguments mypy cannot see
_walk_panel: Callable[..., None] = _walk


def _history(params: Mapping[str, Any], freq: int) -> int:
    """Baseline and run-in."""
    del freq
    return int(params["baseline"]) + int(params["run_in"])


SPECS = (
    Spec(
        "page_hinkley",
        page_hinkley,
        (
            Param("delta", "float", 0.25, "change of the mean that is allowed, standard deviations"),
            Param("h", "float", 12.0, "bound of the sum, standard deviations"),
            Param("min_values", "int", 10, "readings before an alarm can be raised"),
            Param("sides", "str", "both", "rises, falls, or both", SIDES),
            *RUN,
        ),
        title="lasting change of the mean (Page-Hinkley)",
        source="Hinkley 1971, Biometrika 58:509-523",
        history=_history,
        values="reading",
        sequential=True,
    ),
)
