"""Tabular CUSUM of standardised readings, begun anew after each alarm, with a fast initial response.

    C+(t) = max(0, C+(t-1) + z(t) - k)      C-(t) = max(0, C-(t-1) - z(t) - k)      alarm above h

Page (1954), "Continuous inspection schemes", Biometrika 41:100-115; Lucas, Crosier (1982), "Fast initial
response for CUSUM quality-control schemes", Technometrics 24:199-205: with a head start of h / 2 a process
that is off from the beginning is found sooner. k = 0.5 and h = 5 find a shift of one standard deviation in
about ten periods, with a false alarm in about 465 (both sides). Level and spread are the median and the
robust spread of a calm baseline, unless given. A missing reading leaves the sums as they were.
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


def cusum_reset(
    panel: Panel,
    test: Test,
    *,
    k: float = 0.5,
    h: float = 5.0,
    fir: float = 0.0,
    reset: bool = True,
    sides: Sides = "both",
    baseline: int = 52,
    run_in: int = 104,
) -> Detection:
    """Test `panel` at contiguous `test`. `score` is the larger sum over h, alarm above 1; `expected` the
    level; `threshold` the reading that would bring an alarm now (from above; from below for sides
    "down"). `fir` is the head start as a part of h."""
    check_sides(sides)
    check_run(baseline, run_in)
    if k < 0 or h <= 0 or not 0 <= fir < 1:
        raise ValueError(
            f"k must not be negative, h above 0 and fir between 0 and 1, found {k}, {h} and {fir}"
        )
    at = panel.test_indexes(test)
    run = reference_run(panel, at, baseline, run_in)
    up, down = np.full(run.z.shape, np.nan), np.full(run.z.shape, np.nan)
    room = np.full((2, *run.z.shape), np.nan)
    _sums_panel(run.z, k, h, fir * h, reset, sides != "down", sides != "up", up, down, room)
    with np.errstate(invalid="ignore"):
        score = np.fmax(up, down)[:, run.lead :] / h
    centre, scale = run.centre[:, None], run.scale[:, None]
    ahead = room[1 if sides == "down" else 0, :, run.lead :]
    return detection(
        at,
        expected=np.broadcast_to(centre, score.shape).copy(),
        threshold=centre - scale * ahead if sides == "down" else centre + scale * ahead,
        score=score,
        variance=np.broadcast_to(scale**2, score.shape).copy(),
        alarm=decide(score > 1, run.reason, [Reason.MISSING_VALUE, Reason.TOO_FEW_HISTORY]),
        reason=run.reason,
    )


@njit(cache=True, nogil=True)
def _sums(z, k, h, head, reset, upward, downward, up, down, room):  # type: ignore[no-untyped-def]
    """Both sums after each known reading, and what a reading may reach before it is an alarm."""
    for row in range(len(z)):
        high, low = head, head
        for t in range(z.shape[1]):
            room[0, row, t] = h + k - high
            room[1, row, t] = h + k - low
            if np.isnan(z[row, t]):
                continue
            high = max(0.0, high + z[row, t] - k)
            low = max(0.0, low - z[row, t] - k)
            up[row, t] = high if upward else 0.0
            down[row, t] = low if downward else 0.0
            if reset and ((upward and high > h) or (downward and low > h)):
                high, low = head, head


#: the compiled kernel, whose arguments mypy cannot see
_sums_panel: Callable[..., None] = _sums


def _history(params: Mapping[str, Any], freq: int) -> int:
    """Baseline and run-in."""
    del freq
    return int(params["baseline"]) + int(params["run_in"])


SPECS = (
    Spec(
        "cusum_reset",
        cusum_reset,
        (
            Param("k", "float", 0.5, "allowance, standard deviations: half of the shift to be found"),
            Param("h", "float", 5.0, "decision interval, standard deviations"),
            Param("fir", "float", 0.0, "head start as a part of h (0.5: fast initial response)"),
            Param("reset", "bool", True, "begin anew after an alarm"),
            Param("sides", "str", "both", "too high, too low, or both", SIDES),
            *RUN,
        ),
        title="tabular CUSUM with reset and fast initial response",
        source="Lucas, Crosier 1982, Technometrics 24:199-205",
        history=_history,
        values="reading",
        sequential=True,
    ),
)
