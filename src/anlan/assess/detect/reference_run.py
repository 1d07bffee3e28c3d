"""A series in units of its own calm past, from which a statistic that adds up over time is run.

    |---- baseline: median and spread ----|---- run-in: the statistic builds up ----|-- tested --|

The run begins `run_in` periods before the first tested one, so that a slow drift that began earlier is seen
also where only the newest value is tested. Where the axis is too short, the run-in gives way first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from anlan.assess.detect.panel import Floats, Ints, Panel, Reason, Shorts
from anlan.assess.detect.robust import location_scale, standardise
from anlan.assess.detect.spec import Param

#: fewest known values a baseline needs
LEAST = 8
#: beyond this many standard deviations more is no more; also where the baseline never varied
_FAR = 1e9


@dataclass(frozen=True, slots=True)
class Run:
    """`z` [n_series, run-in and tested], NaN = missing; `centre`, `scale` [n_series]; `reason`
    [n_series, n_test] with what is already known of the tested times; `lead` periods of the run-in."""

    z: Floats
    centre: Floats
    scale: Floats
    reason: Shorts
    lead: int


def check_run(baseline: int, run_in: int) -> None:
    """ValueError where the lengths make no sense."""
    if baseline < LEAST:
        raise ValueError(f"baseline must be at least {LEAST} periods, found {baseline}")
    if run_in < 0:
        raise ValueError(f"run_in must not be negative, found {run_in}")


def reference_run(panel: Panel, at: Ints, baseline: int, run_in: int) -> Run:
    """The run that ends with the tested times `at`, contiguous."""
    if not at.size:
        nothing = np.zeros((panel.n_series, 0))
        flat = np.full(panel.n_series, np.nan)
        return Run(nothing, flat, flat, nothing.astype(np.int16), 0)
    first = int(at[0])
    begin = max(min(baseline, first), first - run_in)
    centre, scale, n = location_scale(panel.counts[:, max(0, begin - baseline) : begin])
    few = n < LEAST
    centre, scale = np.where(few, np.nan, centre), np.where(few, np.nan, scale)
    z = standardise(panel.counts[:, begin : int(at[-1]) + 1], centre[:, None], scale[:, None])
    reason = np.full((panel.n_series, len(at)), Reason.OK, dtype=np.int16)
    reason[scale == 0] = Reason.NO_SPREAD
    reason[few] = Reason.TOO_FEW_HISTORY
    reason[np.isnan(panel.counts[:, at])] = Reason.MISSING_VALUE
    return Run(np.clip(z, -_FAR, _FAR), centre, scale, reason, first - begin)


RUN = (
    Param("baseline", "int", 52, "calm past periods that give level and spread, before the run-in"),
    Param("run_in", "int", 104, "periods before the first tested one over which the statistic builds up"),
)
