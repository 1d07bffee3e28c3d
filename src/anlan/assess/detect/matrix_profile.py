"""A stretch like none before: left matrix profile.

Yeh et al. (2016), "Matrix profile I", ICDM 2016:1317-1322: the distance of the stretch of `length` readings
that ends now to its nearest neighbour, both in units of their own mean and spread,

    d^2 = 2 m (1 - (x . y - m mean(x) mean(y)) / (m sd(x) sd(y)))

among the stretches that ended in the `memory` periods before, a quarter of a length apart at least. The left
profile knows the past alone: what comes later never changes an answer. `stumpy` computes the profile of
a whole series at once; here the memory is bounded, so that the answer at a time does not depend on how much
of the past was at hand. A flat stretch is at distance 0 from a flat one and sqrt(m) from any other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numba import njit

from anlan.assess.detect.conformal import CALIBRATION, check_calibration, conformal
from anlan.assess.detect.panel import Detection, Floats, Panel, Reason, Test, decide, detection
from anlan.assess.detect.spec import Param, Spec
from anlan.assess.detect.subsequences import carried


def matrix_profile(
    panel: Panel,
    test: Test,
    *,
    length: int = 12,
    memory: int = 156,
    calibration: int = 100,
    alpha: float = 0.01,
) -> Detection:
    """Test `panel` at `test`. `score` is the distance over the bound that the last `calibration` distances
    give: alarm above 1 (p-value at most `alpha`, and no past distance equalled it where alpha is as small
    as can be). Unknown where the tested value, or more than a quarter of the stretch, is missing."""
    check_calibration(alpha, calibration)
    if length < 4:
        raise ValueError(f"length must be at least 4 periods, found {length}")
    if memory < 2 * length:
        raise ValueError(f"memory must be at least two lengths ({2 * length}), found {memory}")
    at = panel.test_indexes(test)
    shape = (panel.n_series, len(at))
    bound, p_value, distance = (np.full(shape, np.nan) for _ in range(3))
    if at.size:
        begin = max(0, int(at.min()) - calibration - memory - length)
        end = int(at.max()) + 1
        values = carried(panel.counts[:, begin:end], length)
        lead = max(0, int(at.min()) - begin - calibration)
        profile = left_profile(values, length, memory, lead)
        first = int(at.min()) - begin
        bounds, ranks = conformal(profile, first, calibration, alpha)
        bound, p_value = bounds[:, at - begin - first], ranks[:, at - begin - first]
        distance = profile[:, at - begin]
    return judged(panel, test, distance, bound, p_value)


def judged(panel: Panel, test: Test, stat: Floats, bound: Floats, p_value: Floats) -> Detection:
    """The detection of a statistic above its conformal bound."""
    at = panel.test_indexes(test)
    y = panel.counts[:, at]
    reason = np.full(y.shape, Reason.OK, dtype=np.int16)
    reason[np.isnan(stat)] = Reason.TOO_FEW_HISTORY
    reason[np.isnan(bound)] = Reason.TOO_FEW_HISTORY
    reason[np.isnan(y)] = Reason.MISSING_VALUE
    with np.errstate(divide="ignore", invalid="ignore"):
        score = stat / bound
    score[(bound == 0) & (stat == 0)] = 0.0
    return detection(
        at,
        score=np.where(np.isnan(y), np.nan, score),
        p_value=np.where(np.isnan(y), np.nan, p_value),
        alarm=decide(stat > bound, reason, [Reason.MISSING_VALUE, Reason.TOO_FEW_HISTORY]),
        reason=reason,
    )


def left_profile(values: Floats, length: int, memory: int, begin: int = 0) -> Floats:
    """Distance of the stretch that ends at each time from `begin` on to its nearest among the stretches
    that end in the `memory` periods before, [n_series, n_time]; NaN where there is none, or a hole in it."""
    profile = np.full(values.shape, np.nan)
    _profile_panel(values, length, memory, max(begin, length - 1), profile)
    return profile


@njit(cache=True, nogil=True)
def _profile(values, length, memory, begin, profile):  # type: ignore[no-untyped-def]
    apart = math.ceil(length / 4)
    for row in range(len(values)):
        y = values[row]
        mean = np.full(len(y), np.nan)
        sd = np.full(len(y), np.nan)
        for t in range(length - 1, len(y)):
            part = y[t - length + 1 : t + 1]
            mean[t] = part.mean()
            sd[t] = part.std()
            if sd[t] <= 1e-12 * abs(mean[t]):  # what rounding leaves of no spread
                sd[t] = 0.0
        for t in range(begin, len(y)):
            if np.isnan(mean[t]):
                continue
            best = np.inf
            for s in range(max(length - 1, t - memory), t - apart):
                if np.isnan(mean[s]):
                    continue
                if sd[t] == 0.0 or sd[s] == 0.0:
                    square = 0.0 if sd[t] == sd[s] else float(length)
                else:
                    dot = 0.0
                    for i in range(length):
                        dot += (y[t - i] - mean[t]) * (y[s - i] - mean[s])
                    square = 2 * length * max(0.0, 1 - dot / (length * sd[t] * sd[s]))
                best = min(best, square)
            if best < np.inf:
                profile[row, t] = math.sqrt(best)


#: the compiled kernel, whose arguments mypy cannot see
_profile_panel: Callable[..., None] = _profile


def _history(params: Mapping[str, Any], freq: int) -> int:
    """The calibration, each of its stretches with the memory it is compared with."""
    del freq
    return int(params["calibration"]) + int(params["memory"]) + int(params["length"])


SPECS = (
    Spec(
        "matrix_profile",
        matrix_profile,
        (
            Param("length", "int", 12, "readings in a stretch: about a cycle"),
            Param("memory", "int", 156, "past periods in which a like stretch is looked for"),
            *CALIBRATION,
        ),
        title="stretch like none before (left matrix profile)",
        source="Yeh et al. 2016, ICDM 2016:1317-1322",
        history=_history,
        values="reading",
    ),
)
