"""CUSUM of counts with a mean that changes in time, each deviation rescaled to one decision interval.

Rogerson, Yamada (2004), "Approaches to syndromic surveillance when data consist of small regional counts",
MMWR 53 Suppl:79-85, and "Monitoring change in spatial patterns of disease", Stat Med 23:2195-2214. With
reference value k_t and interval h_t designed for today's mean theta_t, and h for the mean over the test,

    S_t = max(0, S_t-1 + (h / h_t) (y_t - k_t)),   alarm when S_t >= h

`surveillance::algo.rogerson`. Fast initial response starts at S = h/2 and, as `limit`, cuts the statistic
back to that part of h after an alarm; without a limit it goes on from where it is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from anlan.assess.detect.panel import (
    Detection,
    Floats,
    Ints,
    Known,
    Panel,
    Reason,
    Test,
    Trend,
    decide,
)
from anlan.assess.models.cusum_design import CusumDesign, reference_value, shifted
from anlan.assess.models.run_length import LAWS, CountLaw


def rogerson(
    panel: Panel,
    test: Test,
    *,
    theta0: Floats,
    table: Sequence[CusumDesign],
    s: float = 1.0,
    law: CountLaw = "poisson",
    n: Floats | None = None,
    fast_initial_response: bool = False,
    limit: float | None = None,
    digits: int = 1,
) -> Detection:
    """Test `panel` at `test`. `theta0` [n_test] or [n_series, n_test]: in-control mean (cases), or
    probability out of `n` [n_test] (binomial). `table`: designs for the run length wanted, for the values
    `theta0` takes (to the nearest; see `design_table`). A missing value is unknown and leaves the statistic
    as it was. `threshold` is the count that would give an alarm; `score` is S_t / h."""
    if law not in LAWS:
        raise ValueError(f"distribution must be one of {LAWS}, found {law!r}")
    if not table:
        raise ValueError("the table of designs is empty")
    if law == "binomial" and n is None:
        raise ValueError("binomial counts need n")
    at = panel.test_indexes(test)
    y = panel.counts[:, at]
    means = np.asarray(theta0, dtype=np.float64)
    if means.shape not in ((at.size,), y.shape):
        raise ValueError(f"theta0 must have shape {(at.size,)} or {y.shape}, found {means.shape}")
    if not np.isfinite(means).all() or (means <= 0).any():
        raise ValueError("theta0 must be above 0 and known at every tested time")
    sizes = np.ones(at.size) if n is None else np.broadcast_to(np.asarray(n, dtype=np.float64), at.shape)
    means = np.broadcast_to(means, y.shape)
    thetas = np.array([row.theta0 for row in table])
    intervals = np.array([row.h for row in table])
    h = intervals[_nearest(thetas, means.mean(axis=1))] if at.size else np.ones(len(y))
    rescale = h[:, None] / intervals[_nearest(thetas, means)]
    k = _references(means, sizes, s, law, digits)

    back = 0.5 if fast_initial_response else limit
    value = h / 2 if fast_initial_response else np.zeros(len(y))
    alarmed = np.zeros(len(y), dtype=np.bool_)
    statistic, threshold = np.empty(y.shape), np.empty(y.shape)
    above = np.zeros(y.shape, dtype=np.bool_)
    for t in range(at.size):
        before = np.where(alarmed, np.minimum(value, back * h), value) if back is not None else value
        threshold[:, t] = np.maximum(0.0, np.ceil((h - before) / rescale[:, t] + k[:, t]))
        value = np.maximum(0.0, before + rescale[:, t] * (y[:, t] - k[:, t]))
        missing = np.isnan(value)
        value = np.where(missing, before, value)
        alarmed = ~missing & (value >= h)
        statistic[:, t] = np.where(missing, np.nan, value)
        above[:, t] = alarmed
    unknown = np.isnan(y)
    reason = np.where(unknown, Reason.MISSING_VALUE, Reason.OK).astype(np.int16)
    blank = np.full(y.shape, np.nan)
    return Detection(
        test=at,
        expected=means * sizes if law == "binomial" else means.copy(),
        threshold=threshold,
        score=statistic / h[:, None],
        p_value=blank,
        variance=means * sizes * (1 - means) if law == "binomial" else means.copy(),
        phi=np.ones(y.shape),
        trend_coef=blank.copy(),
        alarm=decide(above, reason, [Reason.MISSING_VALUE]),
        state=np.where(unknown, Known.UNKNOWN, Known.KNOWN).astype(np.int8),
        reason=reason,
        trend=np.full(y.shape, Trend.NOT_KEPT, dtype=np.int8),
    )


def _nearest(thetas: Floats, means: Floats) -> Ints:
    """Index [same shape as `means`] of the first value of `thetas` nearest to each."""
    each, back = np.unique(means, return_inverse=True)
    found = np.array([np.abs(thetas - mean).argmin() for mean in each], dtype=np.int64)
    return np.asarray(found[back].reshape(means.shape), dtype=np.int64)


def _references(means: Floats, sizes: Floats, s: float, law: CountLaw, digits: int) -> Floats:
    """k of each series and time; worked out once for each mean and size that occurs."""
    found: dict[tuple[float, float], float] = {}
    k = np.empty(means.shape)
    for (i, t), theta in np.ndenumerate(means):
        key = (float(theta), float(sizes[t]))
        if key not in found:
            other = shifted(key[0], s, law)
            found[key] = reference_value(key[0], other, law=law, n=key[1], digits=digits)
        k[i, t] = found[key]
    if not math.isfinite(float(k.sum())):
        raise ValueError("no reference value exists for some theta0")
    return k
