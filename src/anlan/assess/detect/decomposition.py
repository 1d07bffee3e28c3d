"""What is left of a value after level and season: robust decomposition that looks back only.

    level(t)  = median of the cycle before t
    season(t) = median of y - level at the same place of the past `cycles` cycles
    rest(t)   = y(t) - level(t) - season(t),   judged by the spread of the last `rests` rests

After Hochenbaum, Vallis, Kejariwal (2017), "Automatic anomaly detection in the cloud via statistical
learning" (arXiv:1704.07706): a median as trend, a season, median and MAD of the rest. They, like STL
(Cleveland et al. 1990, J Off Stat 6:3-73), smooth with values on both sides; here every part is of the
past, so that the answer given at the time is the one found when looking back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numba import njit

from anlan.assess.detect.panel import Detection, Floats, Panel, Reason, Test, decide, detection
from anlan.assess.detect.robust import (
    SIDES,
    Sides,
    check_sides,
    location_scale,
    normal_tail,
    on_sides,
    standardise,
)
from anlan.assess.detect.spec import Param, Spec


def decomposition(
    panel: Panel,
    test: Test,
    *,
    season: int | None = None,
    cycles: int = 3,
    rests: int = 52,
    limit: float = 4.0,
    sides: Sides = "both",
) -> Detection:
    """Test `panel` at `test`. `season` in periods, by default the year; `expected` is level and season,
    `score` the rest in robust standard deviations, alarm above `limit`. Needs half of a cycle known, two
    past cycles (one where `cycles` is 1) and eight rests. Where the rests never varied any other value is
    an alarm, reason `NO_SPREAD`."""
    check_sides(sides)
    cycle = panel.freq if season is None else season
    if cycle < 2 or cycles < 1 or rests < 8 or limit <= 0:
        raise ValueError(
            "season must be at least 2, cycles 1, rests 8 and limit above 0, "
            f"found {cycle}, {cycles}, {rests} and {limit}"
        )
    at = panel.test_indexes(test)
    y = panel.counts[:, at]
    shape = y.shape
    expected, scale = np.full(shape, np.nan), np.full(shape, np.nan)
    if at.size:
        begin = max(0, int(at.min()) - _reach(cycle, cycles, rests))
        mean = _expected(panel.counts[:, begin : int(at.max()) + 1], cycle, cycles)
        rest = panel.counts[:, begin : int(at.max()) + 1] - mean
        expected = mean[:, at - begin]
        for j, t in enumerate((at - begin).tolist()):
            _, spread, n = location_scale(rest[:, max(0, t - rests) : t])
            scale[:, j] = np.where(n >= 8, spread, np.nan)
    reason = np.full(shape, Reason.OK, dtype=np.int16)
    reason[scale == 0] = Reason.NO_SPREAD
    reason[np.isnan(expected) | np.isnan(scale)] = Reason.TOO_FEW_HISTORY
    reason[np.isnan(y)] = Reason.MISSING_VALUE
    z = standardise(y, expected, scale)
    score = on_sides(z, sides)
    return detection(
        at,
        expected=expected,
        threshold=expected + (-limit if sides == "down" else limit) * scale,
        score=score,
        p_value=normal_tail(z, sides),
        variance=scale**2,
        alarm=decide(score > limit, reason, [Reason.MISSING_VALUE, Reason.TOO_FEW_HISTORY]),
        reason=reason,
    )


def _expected(counts: Floats, cycle: int, cycles: int) -> Floats:
    """Level and season of every time, [n_series, n_time]; NaN where too little is known."""
    level = np.full(counts.shape, np.nan)
    _level_panel(counts, cycle, level)
    above = counts - level
    n_time = counts.shape[1]
    past = np.full((*counts.shape, cycles), np.nan)
    for back in range(1, cycles + 1):
        if back * cycle < n_time:
            past[:, back * cycle :, back - 1] = above[:, : n_time - back * cycle]
    effect, _, n = location_scale(past)
    expected: Floats = level + np.where(n >= min(2, cycles), effect, np.nan)
    return expected


@njit(cache=True, nogil=True)
def _level(counts, cycle, level):  # type: ignore[no-untyped-def]
    """Median of the known values of the `cycle` times before each; at least half of them known."""
    window = np.empty(cycle)
    for row in range(len(counts)):
        y = counts[row]
        n = 0  # the known values before t, in order, stand in window[:n]
        for t in range(len(y)):
            if t > 0 and not np.isnan(y[t - 1]):
                k = n
                while k > 0 and window[k - 1] > y[t - 1]:
                    window[k] = window[k - 1]
                    k -= 1
                window[k] = y[t - 1]
                n += 1
            if 2 * n >= cycle and n > 0:
                level[row, t] = window[(n - 1) // 2] + (window[n // 2] - window[(n - 1) // 2]) / 2
            gone = t - cycle
            if gone >= 0 and not np.isnan(y[gone]):
                k = np.searchsorted(window[:n], y[gone])
                for i in range(k, n - 1):
                    window[i] = window[i + 1]
                n -= 1


#: the compiled kernel, whose arguments mypy cannot see
_level_panel: Callable[..., None] = _level


def _reach(cycle: int, cycles: int, rests: int) -> int:
    return rests + cycle * (cycles + 1)


def _history(params: Mapping[str, Any], freq: int) -> int:
    """The rests that give the spread, each with its own past cycles and the level of the first."""
    season = freq if params["season"] is None else int(params["season"])
    return _reach(season, int(params["cycles"]), int(params["rests"]))


SPECS = (
    Spec(
        "decomposition",
        decomposition,
        (
            Param("season", "int or none", None, "periods of a cycle; none = a year"),
            Param("cycles", "int", 3, "past cycles that give the season"),
            Param("rests", "int", 52, "past periods whose rests give the spread"),
            Param("limit", "float", 4.0, "robust standard deviations beyond which a rest is an alarm"),
            Param("sides", "str", "both", "too high, too low, or both", SIDES),
        ),
        title="rest after level and season",
        source="Hochenbaum, Vallis, Kejariwal 2017, arXiv:1704.07706",
        history=_history,
        values="reading",
    ),
)
