"""EARS C1, C2, C3: short-memory aberration detection for a series without years of history.

Hutwagner, Thompson, Seeman, Treadwell (2003), "The bioterrorism preparedness and response Early
Aberration Reporting System (EARS)", J Urban Health 80(2 Suppl 1):i89-i96; bounds as written by
Salmon, Schumacher, Hoehle (2016), J Stat Softw 70(10), section 3.2.1, and as computed by
`surveillance::earsC`. With m and s the mean and standard deviation of the baseline:

    C1(t) = (y(t) - m1) / s1        baseline t-B ... t-1           U1 = m1 + z s1
    C2(t) = (y(t) - m2) / s2        baseline t-B-2 ... t-3         U2 = m2 + z s2
    C3(t) = sum_{i=t-2..t} max(0, C2(i) - 1)                       U3 = m2 + s2 (z - excess)
            excess = sum_{i=t-2..t-1} max(0, C2(i) - 1)            floored at 0

z is the (1 - alpha) quantile of the standard normal distribution. C3 adds up a slow rise.
The package's C3 puts y(t) where m2 stands in U3, so its alarm asks only whether the excess of the
two periods before is above z: today's count has no say, and a flat baseline has no bound. That is
`c3_rule="surveillance"`; `c3_rule="published"` is the rule as written above.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from anlan.assess.detect.ears_baseline import baselines, baselines_in
from anlan.assess.detect.panel import (
    Alarm,
    Detection,
    Floats,
    Ints,
    Known,
    Panel,
    Reason,
    Test,
    Trend,
)
from anlan.assess.detect.spec import Param, Spec

Method: TypeAlias = Literal["C1", "C2", "C3"]
C3Rule: TypeAlias = Literal["surveillance", "published"]

_GAP = {"C1": 1, "C2": 3, "C3": 3}


def ears(
    panel: Panel,
    test: Test,
    *,
    method: Method = "C1",
    baseline: int = 7,
    alpha: float | None = None,
    min_sigma: float = 0.0,
    c3_rule: C3Rule = "surveillance",
    arrays: Any = None,
) -> Detection:
    """Test `panel` at `test`. `baseline` in periods, `min_sigma` in cases (a floor under s, so a
    flat baseline does not alarm at one case); `alpha` one-sided, by default 0.001 (C1, C2) or
    0.025 (C3). A missing value in the baseline or at the tested time makes the answer unknown.
    `arrays` an array module that works out the baselines, such as `ears_baseline.gpu()`; by default a
    compiled kernel does."""
    if method not in _GAP:
        raise ValueError(f"method must be one of {sorted(_GAP)}, found {method!r}")
    if c3_rule not in ("surveillance", "published"):
        raise ValueError(f"c3_rule must be 'surveillance' or 'published', found {c3_rule!r}")
    if baseline < 3:
        raise ValueError(f"baseline must be at least 3 periods, found {baseline}")
    if min_sigma < 0:
        raise ValueError(f"min_sigma must not be negative, found {min_sigma}")
    level = alpha if alpha is not None else (0.025 if method == "C3" else 0.001)
    if not 0 < level < 1:
        raise ValueError(f"alpha must lie between 0 and 1, found {level}")
    at = panel.test_indexes(test)
    need = baseline + _GAP[method] - 1 + (2 if method == "C3" else 0)
    if at.size and at.min() < need:
        raise ValueError(
            f"EARS {method} with a baseline of {baseline} needs {need} periods before the first "
            f"tested one, found {at.min()}: postpone the test or shorten the baseline"
        )

    z = float(ndtri(1 - level))
    over = baselines if arrays is None else partial(baselines_in, arrays)
    y, mean, sd, score = over(panel.counts, at, _GAP[method], baseline, min_sigma)
    if method == "C3":
        excess = np.zeros_like(y)
        for back in (1, 2):
            _, _, past_sd, past = over(panel.counts, at - back, 3, baseline, min_sigma)
            if c3_rule == "surveillance":  # 0 / 0 over a flat baseline stays without a bound
                past[(past_sd == 0) & (past == 0)] = np.nan
            excess += np.maximum(0.0, past - 1.0)
        centre = y if c3_rule == "surveillance" else mean
        with np.errstate(invalid="ignore"):  # 0 * inf: flat now, a jump off a flat baseline before
            threshold = np.maximum(0.0, centre + sd * (z - excess))
            if c3_rule == "published":
                threshold[(sd == 0) & np.isposinf(excess)] = 0.0
        score = np.maximum(0.0, score - 1.0) + excess
        p_value = np.full_like(y, np.nan)  # C3 is a sum of truncated normals: no stated law
    else:
        threshold = mean + sd * z
        p_value = ndtr(-score)

    reason = np.full(y.shape, Reason.OK, dtype=np.int16)
    unknown = np.isnan(threshold) | np.isnan(y)
    state = np.full(y.shape, Known.KNOWN, dtype=np.int8)
    alarm = (y > threshold).astype(np.int8)
    if unknown.any():
        missing = np.isnan(y) | _touches_missing(panel.counts, at, need)
        reason[unknown] = np.where(missing, Reason.MISSING_VALUE, Reason.NO_BOUND)[unknown]
        state[unknown], alarm[unknown] = Known.UNKNOWN, Alarm.UNKNOWN
    return Detection(
        test=at,
        expected=mean,
        threshold=threshold,
        score=score,
        p_value=p_value,
        variance=sd**2,
        phi=np.full_like(y, np.nan),
        trend_coef=np.full_like(y, np.nan),
        alarm=alarm,
        state=state,
        reason=reason,
        trend=np.full(y.shape, Trend.NOT_KEPT, dtype=np.int8),
    )


def _touches_missing(counts: Floats, at: Ints, need: int) -> npt.NDArray[np.bool_]:
    """Whether any of the `need` periods before `at` is missing, [n_series, n_test]."""
    seen = np.concatenate([np.zeros((len(counts), 1)), np.isnan(counts).cumsum(axis=1)], axis=1)
    touched: npt.NDArray[np.bool_] = seen[:, at] > seen[:, at - need]
    return touched


_EARS = (
    Param("baseline", "int", 7, "number of past periods the mean and spread are taken from, >= 3"),
    Param("min_sigma", "float", 0.0, "floor under the standard deviation, cases"),
)


def _alpha(default: float) -> Param:
    return Param("alpha", "float", default, "one-sided level of the normal quantile")


def _history(params: Mapping[str, Any], freq: int) -> int:
    """Baseline, its gap of two periods, and for C3 two periods more."""
    del freq
    return int(params["baseline"]) + 4


def _as(method: Method, title: str, *params: Param) -> Spec:
    def run(panel: Panel, test: Test, **given: Any) -> Detection:
        return ears(panel, test, method=method, **given)

    run.__doc__ = ears.__doc__
    return Spec(
        f"ears_{method.lower()}",
        run,
        (*_EARS, *params),
        title=title,
        source="Hutwagner et al. 2003, J Urban Health 80:i89-i96",
        history=_history,
        needs_history=True,
    )


SPECS = (
    _as("C1", "EARS C1: last seven periods", _alpha(0.001)),
    _as("C2", "EARS C2: seven periods, two before the tested one left out", _alpha(0.001)),
    _as(
        "C3",
        "EARS C3: excess of three periods",
        _alpha(0.025),
        Param(
            "c3_rule",
            "str",
            "surveillance",
            "the R package's bound (today's count has no say) or the published sum of three",
            ("surveillance", "published"),
        ),
    ),
)
