"""CUSUM of counts designed for a wanted run length, each series for its own mean.

Rogerson, Yamada (2004), MMWR 53 Suppl:79-85, as `anlan.assess.models.rogerson`, with what a series needs and
a panel does not say: the in-control mean is that of the baseline before the first tested time, the decision
interval comes from exact run lengths (Brook, Evans 1972) for that mean, rounded to half a unit of its second
digit. Above 30 cases, where the chain of values grows long, it is that of 30, its part above one case growing
with the square root of the mean (run lengths for 35 to 400 cases: 499 to 528 where 500 are asked for).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from anlan.assess.detect.panel import (
    Alarm,
    Detection,
    Floats,
    Panel,
    Reason,
    Test,
    detection,
)
from anlan.assess.detect.spec import Param, Spec
from anlan.assess.models.cusum_design import CusumDesign, decision_interval
from anlan.assess.models.rogerson import rogerson

_LEAST, _MOST = 0.1, 30.0  # means that designs are worked out for, cases


def rogerson_panel(
    panel: Panel,
    test: Test,
    *,
    arl0: float = 500.0,
    s: float = 1.0,
    baseline: int = 104,
    fast_initial_response: bool = False,
    limit: float | None = 0.5,
) -> Detection:
    """Test `panel` at `test`, contiguous and in order. `arl0`: periods between false alarms; `s`: shift to
    be found, standard deviations; `baseline` periods before the first tested time give the mean (at least
    half of them known, else unknown; a mean below 0.1 counts as 0.1); `limit`: part of the decision
    interval the sum is cut back to after an alarm, None for not at all."""
    if baseline < 2:
        raise ValueError(f"baseline must be at least 2 periods, found {baseline}")
    if not (arl0 > 1 and math.isfinite(arl0)):
        raise ValueError(f"arl0 must be above one period, found {arl0}")
    if s <= 0:
        raise ValueError(f"s must be above 0 standard deviations, found {s}")
    if limit is not None and not 0 <= limit <= 1:
        raise ValueError(f"limit must lie between 0 and 1, or be none, found {limit}")
    at = panel.test_indexes(test)
    if at.size == 0 or panel.n_series == 0:
        shape = (panel.n_series, at.size)
        return detection(at, alarm=np.zeros(shape, dtype=np.int8), reason=np.zeros(shape, dtype=np.int16))
    mean, enough = _means(panel, int(at[0]), baseline)
    table = [_design(float(theta), arl0, s) for theta in np.unique(mean)]
    found = rogerson(
        panel,
        at,
        theta0=np.repeat(mean[:, None], at.size, axis=1),
        table=table,
        s=s,
        fast_initial_response=fast_initial_response,
        limit=limit,
    )
    short = ~enough[:, None] & (found.reason == Reason.OK)
    reason = np.where(short, Reason.TOO_FEW_HISTORY, found.reason).astype(np.int16)
    unknown = reason != Reason.OK
    blank = ~enough[:, None] & np.ones(found.alarm.shape, dtype=np.bool_)
    return detection(
        at,
        alarm=np.where(unknown, Alarm.UNKNOWN, found.alarm).astype(np.int8),
        reason=reason,
        expected=np.where(blank, np.nan, found.expected),
        threshold=np.where(blank, np.nan, found.threshold),
        score=np.where(blank, np.nan, found.score),
        variance=np.where(blank, np.nan, found.variance),
    )


def _means(panel: Panel, first: int, baseline: int) -> tuple[Floats, np.ndarray[Any, np.dtype[np.bool_]]]:
    """Mean of each series over the baseline, rounded, and whether enough of it is known."""
    past = panel.counts[:, max(0, first - baseline) : first]
    known = np.isfinite(past).sum(axis=1)
    total = np.where(np.isfinite(past), past, 0.0).sum(axis=1)
    mean = np.maximum(np.divide(total, known, out=np.zeros(len(past)), where=known > 0), _LEAST)
    unit = 10.0 ** np.floor(np.log10(mean)) / 20
    return np.round(mean / unit) * unit, known >= baseline / 2


@lru_cache(maxsize=4096)
def _design(theta: float, arl0: float, s: float) -> CusumDesign:
    if theta <= _MOST:
        return decision_interval(theta, arl0, s=s)
    near = _design(_MOST, arl0, s)
    return CusumDesign(
        theta, 1 + (near.h - 1) * math.sqrt(theta / _MOST), near.k, near.arl, near.relative_error
    )


def _history(params: Mapping[str, Any], freq: int) -> int:
    del freq
    return int(params["baseline"])


SPECS = (
    Spec(
        "rogerson",
        rogerson_panel,
        (
            Param("arl0", "float", 500.0, "periods between two false alarms"),
            Param("s", "float", 1.0, "shift to be found, standard deviations"),
            Param("baseline", "int", 104, "periods before the first tested one that give the mean"),
            Param("fast_initial_response", "bool", False, "begin at half the decision interval"),
            Param("limit", "float or none", 0.5, "after an alarm go on from this part of the interval"),
        ),
        title="CUSUM of counts designed for a wanted run length",
        source="Rogerson, Yamada 2004, MMWR 53 Suppl:79-85",
        history=_history,
        sequential=True,
    ),
)
