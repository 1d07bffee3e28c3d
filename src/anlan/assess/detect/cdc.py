"""CDC: cases of the last four weeks beyond what the same months of past years gave.

Stroup, Williamson, Herndon, Karon (1989), "Detection of aberrations in the occurrence of notifiable
diseases surveillance data", Stat Med 8:323-329, as computed by `surveillance::algo.cdc`. The last four
weeks are compared with the sums of four weeks each in the same month and `m` months to either side, in
`b` past years: (2 m + 1) b values with mean M and standard deviation s, bound
M + z s sqrt(1 + 1 / n), z the 1 - `alpha` / 2 quantile of the standard normal. All of `expected`,
`threshold` and `variance` are of four-week sums.

`compat="surveillance"` gives that package's numbers. By default its flaws are mended:

* a month with a missing week is left out of the baseline; the package gives no bound;
* with a missing week among the last four, cases beyond the bound in the known weeks are an alarm, else
  the answer is unknown;
* a panel with dates is compared by dates; the package counts back 52 weeks, and is a week off after each
  year with 53 (0.7 % of the answers on Salmonella Newport in 16 German states change);
* sums are not cut to whole numbers below 2^31; the package loses larger ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit
from scipy.special import ndtr, ndtri

from anlan.assess.detect.bayes import STRICTNESS, Compat, ShortHistory, exceedance
from anlan.assess.detect.farrington_windows import window_rows
from anlan.assess.detect.panel import Detection, Floats, Ints, Panel, Reason, Test, decide, detection
from anlan.assess.detect.spec import Param, Spec

#: weeks in a month of this method
MONTH = 4
#: weeks in a year of this method
WEEKS = 52


def cdc(
    panel: Panel,
    test: Test,
    *,
    b: int = 5,
    m: int = 1,
    alpha: float = 0.025,
    compat: Compat = "mended",
    short_history: ShortHistory = "raise",
) -> Detection:
    """Test `panel` (weekly) at `test`; what each parameter means stands in `SPECS`."""
    _check(panel, b, m, alpha, compat, short_history)
    as_package = compat == "surveillance"
    at = panel.test_indexes(test)
    before = MONTH * m + MONTH - 1
    short = (at - b * panel.freq - before < 0) | (at < MONTH - 1)
    if short_history == "raise" and short.any():
        raise ValueError(
            f"the series is too short: {b} year(s) back and {before} week(s) more are not on the axis for "
            f"test index {at[short][0]}; lower b or m, or test later (or take short_history='unknown')"
        )
    known, mean, variance = _baseline(panel, at, b, m, as_package)
    sums, hidden = last_month(panel.counts, at)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(variance * (1 + 1 / known))
        bound = mean + ndtri(1 - alpha / 2) * error
        score = exceedance(sums, mean, bound)
        p_value = ndtr((mean - sums) / error)
    above = sums > bound
    reason = np.full(sums.shape, Reason.OK, dtype=np.int16)
    reason[np.isnan(bound)] = Reason.NO_BOUND
    reason[known < 2] = Reason.TOO_FEW_HISTORY
    reason[:, short] = Reason.TOO_FEW_HISTORY
    # the known weeks alone may already be too many
    reason[hidden & (as_package | ~above | (reason != Reason.OK))] = Reason.MISSING_VALUE
    lost = hidden & (reason == Reason.MISSING_VALUE)
    blind = [Reason.NO_BOUND, Reason.TOO_FEW_HISTORY, Reason.MISSING_VALUE]
    return detection(
        at,
        expected=mean,
        threshold=bound,
        score=np.where(lost, np.nan, score),
        p_value=np.where(lost, np.nan, p_value),
        variance=error**2,
        alarm=decide(above, reason, blind),
        reason=reason,
    )


def last_month(counts: Floats, at: Ints) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """(known cases of the four weeks up to `at`, whether one of them is missing or before the axis)."""
    weeks = at[:, None] - np.arange(MONTH)
    values = counts[:, np.maximum(weeks, 0)]
    hidden = np.isnan(values) | (weeks < 0)
    return np.where(hidden, 0.0, values).sum(axis=2), np.asarray(hidden.any(axis=2), dtype=np.bool_)


def _baseline(panel: Panel, at: Ints, b: int, m: int, as_package: bool) -> tuple[Floats, Floats, Floats]:
    """(number, mean, variance) of the known months of past years, [n_series, n_test]."""
    dates = None if as_package else panel.dates
    same_week, bounds = window_rows(
        at, n_time=panel.n_time, freq=panel.freq, dates=dates, b=b, w=0, as_package=False
    )
    centre = np.full((len(at), b), -1, dtype=np.int64)
    centre[np.arange(b) < np.diff(bounds)[:, None]] = same_week
    weeks = centre[:, :, None] + np.arange(-MONTH * m - MONTH + 1, MONTH * m + 1)
    weeks[centre < 0] = -1
    found = tuple(np.empty((panel.n_series, len(at))) for _ in range(3))
    months = weeks.reshape(len(at), weeks.shape[1] * weeks.shape[2] // MONTH, MONTH)
    _month_moments(panel.counts, months, as_package, *found)
    return found[0], found[1], found[2]


@njit(cache=True, nogil=True, error_model="numpy")
def month_moments(counts, weeks, as_package, known, mean, variance):  # type: ignore[no-untyped-def]
    """Write number, mean and variance (n - 1) of the sums over `weeks` [n_test, months, 4], indexes into
    the time axis, negative = not on it."""
    sums = np.empty(weeks.shape[1])
    for s in range(counts.shape[0]):
        for j in range(weeks.shape[0]):
            n, total = 0, 0.0
            for k in range(weeks.shape[1]):
                month = 0.0
                for i in range(weeks.shape[2]):
                    at = weeks[j, k, i]
                    month += counts[s, at] if at >= 0 else np.nan
                if as_package:
                    month = np.trunc(month) if abs(month) < 2147483648.0 else np.nan
                elif math.isnan(month):
                    continue
                sums[n] = month
                total += month
                n += 1
            known[s, j] = n
            mean[s, j] = total / n
            squares = 0.0
            for k in range(n):
                squares += (sums[k] - mean[s, j]) ** 2
            variance[s, j] = squares / (n - 1) if n > 1 else np.nan


#: the compiled kernel, whose arguments mypy cannot see
_month_moments: Callable[..., None] = month_moments


def _check(panel: Panel, b: int, m: int, alpha: float, compat: str, short_history: str) -> None:
    if panel.freq != WEEKS:
        raise ValueError(f"the CDC method needs a weekly panel (freq {WEEKS}), found freq {panel.freq}")
    if b < 1:
        raise ValueError(f"b must be at least 1 year, found {b}")
    if m < 0 or 2 * MONTH * m + MONTH > WEEKS:
        raise ValueError(f"m must be 0 to 6 months, so that windows do not overlap, found {m}")
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must lie between 0 and 1, found {alpha}")
    for name, found, expected in (
        ("compat", compat, ("mended", "surveillance")),
        ("short_history", short_history, ("raise", "unknown")),
    ):
        if found not in expected:
            raise ValueError(f"{name} must be one of {', '.join(expected)}; found {found!r}")


def _history(params: Mapping[str, Any], freq: int) -> int:
    """The years asked for and the months before the first one."""
    return math.ceil(freq * int(params["b"]) * 366 / 365) + MONTH * int(params["m"]) + MONTH


SPECS = (
    Spec(
        "cdc",
        cdc,
        (
            Param("b", "int", 5, "years to go back"),
            Param("m", "int", 1, "months of four weeks to either side, 0 to 6"),
            Param("alpha", "float", 0.025, "two-sided level of the normal quantile"),
            *STRICTNESS,
        ),
        title="CDC: last four weeks against the same months",
        source="Stroup et al. 1989, Stat Med 8:323-329",
        history=_history,
        live={"short_history": "unknown"},
    ),
)
