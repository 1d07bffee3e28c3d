"""How surprising a reading is: off its level for long or by much, and come there fast.

Two statistics that need no model: the two-sided CUSUM of the reading in units of a calm baseline, begun anew
above h (`cusum_reset`), and the size of its change over `over` periods. Each is ranked among all its values
since the run began,

    surprise = -log10((1 + #{s before t : stat(s) >= stat(t)}) / (1 + #{s before t}))

and the surprises are added, that of the change with `weight`. Ranks need no law and let the bound of a noisy
sensor widen by itself (Laxhammar, Falkman 2014, IEEE Trans Pattern Anal Mach Intell 36:1158-1173). Were the
two independent and past and present alike, the sum S of two exponential surprises had, with
l = log 10 and w = `weight`,

    P(S >= s) = (exp(-l s) - w exp(-l s / w)) / (1 - w)        ((1 + l s) exp(-l s) for w = 1)

which is the p-value. Neither part is new; of the methods here their sum stood highest on the files of the
Numenta benchmark (benchmarks/nab.py). A drift so slow that no change is large is left to `cusum_reset`. An
event may raise several alarms: let a rule's `keep` make them one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numba import njit
from scipy.optimize import brentq

from anlan.assess.detect.panel import Detection, Floats, Panel, Reason, Test, decide, detection
from anlan.assess.detect.reference_run import RUN, check_run, reference_run
from anlan.assess.detect.spec import Param, Spec

#: fewest values that a rank is worth anything among
LEAST = 8


def surprise(
    panel: Panel,
    test: Test,
    *,
    alpha: float = 0.001,
    over: int = 2,
    weight: float = 0.75,
    k: float = 0.5,
    h: float = 5.0,
    baseline: int = 104,
    run_in: int = 104,
) -> Detection:
    """Test `panel` at contiguous `test`. `score` is the surprise over that of p-value `alpha`: alarm above
    1. With too few values to rank among (about 110 for the defaults) nothing is that surprising.
    `expected` is the level of the baseline. Unknown before eight readings of the run are known; a change
    over a gap adds nothing."""
    check_run(baseline, run_in)
    if not 0 < alpha < 1 or over < 1 or weight < 0 or k < 0 or h <= 0:
        raise ValueError(
            "alpha must lie between 0 and 1, over be at least 1, weight and k not negative and h above 0, "
            f"found {alpha}, {over}, {weight}, {k} and {h}"
        )
    at = panel.test_indexes(test)
    run = reference_run(panel, at, baseline, run_in)
    total = np.full(run.z.shape, np.nan)
    if at.size:
        begin = int(at[0]) - run.lead
        first = max(0, begin - baseline)
        y = panel.counts[:, first : int(at[-1]) + 1]
        change = np.full(y.shape, np.nan)
        change[:, over:] = np.abs(y[:, over:] - y[:, : max(0, y.shape[1] - over)])
        _add_panel(run.z, change, begin - first, k, h, weight, total)
    total = total[:, run.lead :]
    reason = run.reason.copy()
    reason[np.isnan(total) & (reason != Reason.MISSING_VALUE)] = Reason.TOO_FEW_HISTORY
    bound = of_p_value(alpha, weight)
    return detection(
        at,
        expected=np.broadcast_to(run.centre[:, None], total.shape).copy(),
        score=total / bound,
        p_value=tail(total, weight),
        variance=np.broadcast_to(run.scale[:, None] ** 2, total.shape).copy(),
        alarm=decide(total > bound, reason, [Reason.MISSING_VALUE, Reason.TOO_FEW_HISTORY]),
        reason=reason,
    )


def tail(s: Floats, weight: float) -> Floats:
    """P(S >= s) for a surprise and one with `weight`, independent."""
    rate = math.log(10)
    alone: Floats = np.exp(-rate * s)
    if weight == 0:
        return alone
    if abs(weight - 1) < 1e-6:
        return (1 + rate * s) * alone
    found: Floats = (alone - weight * np.exp(-rate * s / weight)) / (1 - weight)
    return np.clip(found, 0.0, 1.0)


def of_p_value(alpha: float, weight: float) -> float:
    """The surprise whose `tail` is `alpha`."""
    return float(brentq(lambda s: float(tail(np.array(s), weight)) - alpha, 0.0, 400.0 * (1 + weight)))


@njit(cache=True, nogil=True)
def _ranked(past, n, value):  # type: ignore[no-untyped-def]
    """Surprise of `value` among the sorted `past[:n]`, into which it is put."""
    place = np.searchsorted(past[:n], value)
    for i in range(n, place, -1):
        past[i] = past[i - 1]
    past[place] = value
    return -math.log10((1 + n - place) / (1 + n))


@njit(cache=True, nogil=True)
def _add(z, change, lead, k, h, weight, total):  # type: ignore[no-untyped-def]
    """Sum of surprises after each known reading of the run, which begins `lead` periods into `change`."""
    sums = np.empty(z.shape[1])
    steps = np.empty(change.shape[1])
    for row in range(len(z)):
        n_sums, n_steps = 0, 0
        high, low = 0.0, 0.0
        for t in range(change.shape[1]):
            step = 0.0
            if not np.isnan(change[row, t]):
                step = _ranked(steps, n_steps, change[row, t])
                n_steps += 1
            if t < lead or np.isnan(z[row, t - lead]):
                continue
            high = max(0.0, high + z[row, t - lead] - k)
            low = max(0.0, low - z[row, t - lead] - k)
            worst = max(high, low)
            level = _ranked(sums, n_sums, worst)
            n_sums += 1
            if n_sums > LEAST:
                total[row, t - lead] = level + weight * step
            if worst > h:
                high, low = 0.0, 0.0


#: the compiled kernel, whose arguments mypy cannot see
_add_panel: Callable[..., None] = _add


def _history(params: Mapping[str, Any], freq: int) -> int:
    """Baseline and run-in."""
    del freq
    return int(params["baseline"]) + int(params["run_in"])


SPECS = (
    Spec(
        "surprise",
        surprise,
        (
            Param("alpha", "float", 0.001, "alarm below this p-value of the summed surprise"),
            Param("over", "int", 2, "periods over which the change is taken"),
            Param("weight", "float", 0.75, "weight of the change beside the CUSUM"),
            Param("k", "float", 0.5, "allowance of the CUSUM, standard deviations"),
            Param("h", "float", 5.0, "sum above which the CUSUM begins anew, standard deviations"),
            *(replace(p, default=104) for p in RUN),
        ),
        title="surprise of level and change together",
        source="Page 1954, Biometrika 41:100-115; Laxhammar, Falkman 2014, IEEE TPAMI 36:1158-1173",
        history=_history,
        values="reading",
        sequential=True,
    ),
)
