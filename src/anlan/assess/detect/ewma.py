"""EWMA as the syndromic surveillance system ESSENCE of the US CDC runs it every day.

Two exponentially weighted means, one slow (`w1`, gradual events) and one fast (`w2`, sudden ones), each
against the mean of a baseline of `b` days that ends a guard band of `g` days before the tested one:

    z(t) = w y(t) + (1 - w) z(t-1)          T = (z(t) - mean) / sigma,   t distribution, n - 1 degrees
    sigma = max(least, s sqrt(w/(2-w) + 1/n - 2 (1-w)^(g+1) (1 - (1-w)^n) / n) + constant)

The larger statistic counts; after a statistic beyond the 1 % bound z is set back to the bound, so that
one spike does not linger. Burkom, Elbert, Magruder, Najmi, Peter, Thompson (2008), "Developments in the
roles, features, and evaluation of alerting algorithms for disease outbreak monitoring", Johns Hopkins
APL Technical Digest 27:313-331; constants as computed by CDC's package `pynssp` 0.1.0. A p-value below
0.01 is that system's red alert, below 0.05 its yellow one (`colours`). The p-value is the smaller of
two and is not corrected for that, as there.

`compat="pynssp"` gives that package's numbers. By default these are mended:

* the baseline has `b` days; the package's full one has `b` + 1 = 29, and at least ten;
* a missing value leaves z as it was and the baseline without that day; the package has no answer for the
  rest of the series;
* p-values in the far tail are computed there, not as 1 minus almost 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from numba import njit
from scipy.special import stdtr, stdtrit

from anlan.assess.detect.panel import Detection, Floats, Ints, Panel, Reason, Shorts, Test, decide, detection
from anlan.assess.detect.spec import Param, Spec

Compat: TypeAlias = Literal["mended", "pynssp"]

#: fewest days that make a baseline
LEAST = 11
#: weight of what is forgotten when history ends
_FORGOTTEN = 1e-12


@dataclass(frozen=True, slots=True)
class Smoothed:
    """What the recursion gives at the tested times, arrays [n_series, n_test]: baseline mean, its
    standard deviation, statistics of the slow and the fast mean, the value above which one of them
    passes its bound, days in the baseline."""

    expected: Floats
    sd: Floats
    slow: Floats
    fast: Floats
    bound: Floats
    days: Ints


def ewma(
    panel: Panel,
    test: Test,
    *,
    b: int = 28,
    g: int = 2,
    w1: float = 0.4,
    w2: float = 0.9,
    alpha: float = 0.01,
    compat: Compat = "mended",
) -> Detection:
    """Test `panel`, daily, at `test`. `score` is the larger of the two statistics, in standard
    deviations; alarm where the p-value is below `alpha`; `threshold` the count that reaches it. A missing
    tested value is unknown, so is one with fewer than eleven known days in the baseline."""
    check(b, g, alpha, compat)
    for name, w in (("w1", w1), ("w2", w2)):
        if not 0 < w < 1:
            raise ValueError(f"{name} must lie between 0 and 1, found {w}")
    at = panel.test_indexes(test)
    s = smooth(panel.counts, at, b, g, w1, w2, alpha, compat)
    degrees = np.maximum(s.days - 1, 1).astype(np.float64)
    score, p_value = larger(s.slow, s.fast, degrees, compat)
    y = panel.counts[:, at]
    reason = reasons(y, s.expected, score)
    return detection(
        at,
        expected=s.expected,
        threshold=s.bound,
        score=score,
        p_value=p_value,
        variance=s.sd**2,
        alarm=decide(p_value < alpha, reason, [Reason.MISSING_VALUE, Reason.TOO_FEW_HISTORY]),
        reason=reason,
    )


def check(b: int, g: int, alpha: float, compat: str) -> None:
    """ValueError where what the detectors of this family share is out of range."""
    if b < 7:
        raise ValueError(f"b must be at least 7 days, found {b}")
    if g < 0:
        raise ValueError(f"g must not be negative, found {g}")
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must lie between 0 and 1, found {alpha}")
    if compat not in ("mended", "pynssp"):
        raise ValueError(f"compat must be 'mended' or 'pynssp', found {compat!r}")


def reasons(y: Floats, expected: Floats, score: Floats) -> Shorts:
    """Why there is no answer: the value is missing, or the baseline is too short."""
    reason = np.full(y.shape, Reason.OK, dtype=np.int16)
    reason[np.isnan(score)] = Reason.MISSING_VALUE
    reason[np.isnan(expected)] = Reason.TOO_FEW_HISTORY
    reason[np.isnan(y)] = Reason.MISSING_VALUE
    return reason


def larger(slow: Floats, fast: Floats, degrees: Floats, compat: Compat) -> tuple[Floats, Floats]:
    """The statistic that counts and its p-value, arrays of one shape; NaN where there is none."""
    if compat == "pynssp":  # equal p-values, as in the far tail, leave the fast one
        p_slow, p_fast = 1 - stdtr(degrees, slow), 1 - stdtr(degrees, fast)
        first = p_slow < p_fast
        return np.where(first, slow, fast), np.where(first, p_slow, p_fast)
    score = np.maximum(slow, fast)
    return score, stdtr(degrees, -score)


def colours(found: Detection) -> npt.NDArray[np.str_]:
    """The alert colours of NSSP, [n_series, n_test]: red p < 0.01, yellow p < 0.05, blue otherwise, grey
    where there is no answer. They are that system's, not the levels of a warning."""
    p = found.p_value
    return np.select([np.isnan(p), p < 0.01, p < 0.05], ["grey", "red", "yellow"], "blue")


def smooth(
    counts: Floats, at: Ints, b: int, g: int, w1: float, w2: float, alpha: float, compat: Compat
) -> Smoothed:
    """Run both means over `counts` [n_series, n_time] up to the last of `at`."""
    tested, where = np.unique(at, return_inverse=True)
    shape = (len(counts), len(tested))
    expected, sd, slow, fast, bound = (np.full(shape, np.nan) for _ in range(5))
    days = np.zeros(shape, dtype=np.int64)
    if tested.size:
        column = np.full(int(tested[-1]) + 1, -1, dtype=np.int64)
        column[tested] = np.arange(len(tested))
        as_package = compat == "pynssp"
        full = max(b, LEAST - 2) + 1 if as_package else b
        degrees = np.arange(1.0, full + 1)
        _smooth_panel(
            counts, column, full, 1 if as_package else min(full, LEAST), g, w1, w2, as_package,
            np.concatenate([[np.nan], np.round(stdtrit(degrees, 1 - 0.01), 5)]),
            np.concatenate([[np.nan], np.round(stdtrit(degrees, 1 - 0.025), 5)]),
            np.concatenate([[np.nan], stdtrit(degrees, 1 - alpha)]),
            expected, sd, slow, fast, bound, days,
        )  # fmt: skip
    return Smoothed(
        expected[:, where], sd[:, where], slow[:, where], fast[:, where], bound[:, where], days[:, where]
    )


@njit(cache=True, nogil=True)
def _smooth(  # type: ignore[no-untyped-def]
    counts,
    column,
    days_full,
    least_days,
    g,
    w1,
    w2,
    stops,
    alert,
    warning,
    quantile,
    expected,
    sd,
    slow,
    fast,
    bound,
    days,
):
    """One row for each series; `column` [n_time] where the answer for a time goes, -1 = nowhere;
    `alert`, `warning`, `quantile` by degrees of freedom; `stops`: a missing value
    ends the answers, as in the package."""
    n_time = len(column)
    w = np.array([w1, w2])
    stat = np.empty(2)
    top = np.empty(2)
    for row in range(len(counts)):
        y = counts[row]
        z = np.array([np.nan, np.nan])
        for t in range(n_time):
            known = not math.isnan(y[t])
            here = column[t]
            n, mean, s = 0, np.nan, np.nan
            last = t - g - 1
            first = max(0, last - days_full + 1)
            if last + 1 >= LEAST:
                total = 0.0
                for i in range(first, last + 1):
                    if not math.isnan(y[i]):
                        n += 1
                        total += y[i]
                if n >= least_days:
                    mean = total / n
                    squares = 0.0
                    for i in range(first, last + 1):
                        if not math.isnan(y[i]):
                            squares += (y[i] - mean) ** 2
                    s = math.sqrt(squares / max(n - 1, 1))
            for j in range(2):
                before = z[j]
                if known or stops:
                    z[j] = w[j] * y[t] + (1 - w[j]) * before
                    if math.isnan(before) and (not stops or t == 0):
                        z[j] = y[t]
                stat[j], top[j] = np.nan, np.nan
                if math.isnan(mean):
                    continue
                u = 1 - w[j]
                spread = math.sqrt(w[j] / (2 - w[j]) + 1 / n - 2 * u ** (g + 1) * ((1 - u**n) / n))
                unit = w[j] / warning[n - 1]
                least = unit * (1 + 0.5 * u**2)
                constant = (0.1289 - (0.2414 - 0.1826 * u**4) * math.log(10 * 0.05)) * unit
                sigma = max(least, s * spread + constant)
                carried = u * before if not math.isnan(before) else np.nan
                top[j] = (mean + quantile[n - 1] * sigma - carried) / w[j]
                if known:
                    stat[j] = (z[j] - mean) / sigma
                    if abs(stat[j]) > alert[n - 1]:
                        z[j] = mean + math.copysign(alert[n - 1] * sigma, stat[j])
            if here >= 0 and not math.isnan(mean):
                expected[row, here] = mean
                sd[row, here] = s
                slow[row, here] = stat[0]
                fast[row, here] = stat[1]
                bound[row, here] = min(top[0], top[1])
                days[row, here] = n


#: the compiled kernel, whose arguments mypy cannot see
_smooth_panel: Callable[..., None] = _smooth


def remembered(w1: float, w2: float) -> int:
    """Days after which a value's weight in the slower mean is below 1e-12."""
    return math.ceil(math.log(_FORGOTTEN) / math.log1p(-min(w1, w2)))


def _history(params: Mapping[str, Any], freq: int) -> int:
    """Baseline and guard band of the days that the slower mean remembers."""
    del freq
    return int(params["b"]) + int(params["g"]) + 1 + remembered(params["w1"], params["w2"])


BASELINE = (
    Param("b", "int", 28, "days in the baseline"),
    Param("g", "int", 2, "days between the baseline and the tested day"),
)
WEIGHTS = (
    Param("w1", "float", 0.4, "weight of the newest day in the slow mean, for gradual events"),
    Param("w2", "float", 0.9, "weight of the newest day in the fast mean, for sudden events"),
)
LEVEL = (
    Param("alpha", "float", 0.01, "alarm below this p-value; the system's red is 0.01, its yellow 0.05"),
    Param(
        "compat",
        "str",
        "mended",
        "the Python package's numbers with its flaws, or the mended ones",
        ("mended", "pynssp"),
    ),
)

SPECS = (
    Spec(
        "ewma",
        ewma,
        (*BASELINE, *WEIGHTS, *LEVEL),
        title="exponentially weighted means against a baseline of four weeks (NSSP/ESSENCE)",
        source="Burkom et al. 2008, Johns Hopkins APL Tech Dig 27:313-331",
        history=_history,
        values="reading",
    ),
)
