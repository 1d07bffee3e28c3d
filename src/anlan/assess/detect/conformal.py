"""A statistic judged by its own past: how many of the last values were as high.

    p(t) = (1 + #{s in the last n : stat(s) >= stat(t)}) / (1 + n)

Conformal anomaly detection (Laxhammar, Falkman 2014, "Online learning and sequential anomaly detection in
trajectories", IEEE Trans Pattern Anal Mach Intell 36:1158-1173): where past and present are exchangeable
p <= alpha comes with probability at most alpha, whatever the law of the statistic. No p-value is below
1 / (1 + n), so n must be at least 1 / alpha - 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numba import njit

from anlan.assess.detect.panel import Floats
from anlan.assess.detect.spec import Param


def check_calibration(alpha: float, calibration: int) -> None:
    """ValueError where so few past values can never give an alarm."""
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must lie between 0 and 1, found {alpha}")
    if calibration < least(alpha):
        raise ValueError(
            f"calibration must be at least 1 / alpha - 1 = {least(alpha)} periods, found {calibration}"
        )


def least(alpha: float) -> int:
    """Fewest past values with which a p-value can reach `alpha`."""
    return math.ceil(round(1 / alpha - 1, 9))


def conformal(stat: Floats, lead: int, calibration: int, alpha: float) -> tuple[Floats, Floats]:
    """Bound (the statistic above which p <= alpha) and p-value of each column of `stat` [n_series, time]
    from `lead` on, by the known values among the `calibration` columns before it; NaN where these are too
    few."""
    shape = (len(stat), stat.shape[1] - lead)
    bound, p_value = np.full(shape, np.nan), np.full(shape, np.nan)
    _rank_panel(stat, lead, calibration, alpha, least(alpha), bound, p_value)
    return bound, p_value


@njit(cache=True, nogil=True)
def _rank(stat, lead, calibration, alpha, least, bound, p_value):  # type: ignore[no-untyped-def]
    for row in range(len(stat)):
        for j in range(bound.shape[1]):
            t = lead + j
            past = stat[row, max(0, t - calibration) : t]
            past = past[~np.isnan(past)]
            n = len(past)
            if n < least:
                continue
            # p <= alpha: at most alpha (n + 1) - 1 past values as high
            may = math.floor(alpha * (n + 1) * (1 + 1e-12)) - 1
            bound[row, j] = np.sort(past)[n - 1 - may]
            if not np.isnan(stat[row, t]):
                p_value[row, j] = (1 + (past >= stat[row, t]).sum()) / (1 + n)


#: the compiled kernel, whose arguments mypy cannot see
_rank_panel: Callable[..., None] = _rank

CALIBRATION = (
    Param("calibration", "int", 100, "past periods whose statistics the tested one is ranked among"),
    Param("alpha", "float", 0.01, "alarm where so small a part of them was as high"),
)
