"""A value outside what a forecasting model expected one period ahead.

The models are those of the library `statsforecast`: seasonal naive (the value a season ago), AutoETS
(exponential smoothing chosen by information criterion; Hyndman, Koehler, Ord, Snyder 2008, "Forecasting
with Exponential Smoothing") and MSTL (Bandara, Hyndman, Bergmeir 2021, arXiv:2107.13462). The interval is
the model's own normal one, or, with `conformal` windows, made of that many past errors of it (Stankeviciute,
Alaa, van der Schaar 2021, NeurIPS 34), which does not trust the model.

At each tested time the model is fitted anew to the `window` periods before, so nothing looks ahead. Missing
values there are filled with the last value of the same season, else the last known one; a series of which
less than `min_known` of the window is known has no answer.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from importlib import import_module
from typing import Any, Literal, TypeAlias

import numpy as np
import polars as pl
from scipy.special import ndtri

from anlan.assess.detect.panel import Detection, Floats, Panel, Reason, Test, decide, detection
from anlan.assess.detect.robust import SIDES, Sides, check_sides, normal_tail, on_sides
from anlan.assess.detect.spec import Param, Spec

Model: TypeAlias = Literal["seasonal_naive", "auto_ets", "mstl"]

#: the longest season that exponential smoothing takes
_LONGEST_ETS = 24


def prediction_interval(
    panel: Panel,
    test: Test,
    *,
    model: Model = "seasonal_naive",
    season: int | None = None,
    window: int = 208,
    coverage: float = 0.99,
    conformal: int = 0,
    sides: Sides = "both",
    min_known: float = 0.7,
) -> Detection:
    """Test `panel` at `test`. `expected` is the forecast, `threshold` the end of the interval that counts
    (its lower end for sides "down", else the upper), `score` the distance from the forecast over that of
    the interval's end: alarm above 1. `coverage` is two-sided; `p_value` that of a normal error of the
    same interval."""
    check_sides(sides)
    cycle = panel.freq if season is None else season
    if model not in ("seasonal_naive", "auto_ets", "mstl"):
        raise ValueError(f"model must be one of seasonal_naive, auto_ets, mstl, found {model!r}")
    if not 0 < coverage < 1 or not 0 < min_known <= 1 or conformal < 0 or conformal == 1:
        raise ValueError(
            "coverage and min_known must lie between 0 and 1 and conformal be 0 or at least 2 windows, "
            f"found {coverage}, {min_known} and {conformal}"
        )
    if cycle < 1 or window < 2 * cycle + 2 + conformal:
        raise ValueError(
            f"season must be at least 1 and window hold two of them and the conformal windows, "
            f"found {cycle} and {window}"
        )
    at = panel.test_indexes(test)
    y = panel.counts[:, at]
    expected, low, high = (np.full(y.shape, np.nan) for _ in range(3))
    forecaster = _forecaster(model, cycle, conformal)
    for j, t in enumerate(at.tolist()):
        past = panel.counts[:, max(0, t - window) : t]
        able = (~np.isnan(past)).sum(axis=1) >= max(min_known * window, 2 * cycle + 2 + conformal)
        if able.any():
            filled = _filled(past[able], cycle)
            expected[able, j], low[able, j], high[able, j] = _forecast(forecaster, filled, coverage)
    reason = np.full(y.shape, Reason.OK, dtype=np.int16)
    reason[np.isnan(high) | np.isnan(low)] = Reason.TOO_FEW_HISTORY
    reason[high == low] = Reason.NO_SPREAD
    reason[np.isnan(y)] = Reason.MISSING_VALUE
    with np.errstate(divide="ignore", invalid="ignore"):
        width = np.where(y >= expected, high - expected, expected - low)
        away = (y - expected) / width
    away[(width == 0) & (y == expected)] = 0.0
    score = on_sides(away, sides)
    return detection(
        at,
        expected=expected,
        threshold=low if sides == "down" else high,
        score=score,
        p_value=normal_tail(away * ndtri((1 + coverage) / 2), sides),
        variance=((high - low) / (2 * ndtri((1 + coverage) / 2))) ** 2,
        alarm=decide(score > 1, reason, [Reason.MISSING_VALUE, Reason.TOO_FEW_HISTORY]),
        reason=reason,
    )


def _forecaster(model: Model, cycle: int, conformal: int) -> Any:
    """The library's model with a simple one behind it, for series on which it cannot be fitted."""
    models = import_module("statsforecast.models")
    engine = import_module("statsforecast").StatsForecast
    intervals = import_module("statsforecast.utils").ConformalIntervals
    given = {"prediction_intervals": intervals(n_windows=conformal, h=1) if conformal else None}
    naive = models.SeasonalNaive(cycle, **given, alias="model")
    if model == "auto_ets":
        # a longer season than smoothing can hold is left to the level and the trend
        chosen = models.AutoETS(cycle if cycle <= _LONGEST_ETS else 1, **given, alias="model")
    elif model == "mstl":
        chosen = models.MSTL(cycle, **given, alias="model")
    else:
        chosen = naive
    return engine(models=[chosen], freq=1, fallback_model=naive, n_jobs=1)


def _forecast(forecaster: Any, past: Floats, coverage: float) -> tuple[Floats, Floats, Floats]:
    """Forecast and ends of the interval one period ahead of `past` [n, periods], [n] each. A series that
    never varied is forecast as it is: models of variation fail on it."""
    expected, low, high = (past[:, -1].copy() for _ in range(3))
    varied = past.min(axis=1) < past.max(axis=1)
    n, periods = int(varied.sum()), past.shape[1]
    if n:
        frame = pl.DataFrame(
            {
                "unique_id": np.repeat(np.arange(n), periods),
                "ds": np.tile(np.arange(periods), n),
                "y": past[varied].ravel(),
            }
        )
        level = 100 * coverage
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # of single series' fits
            found = forecaster.forecast(df=frame, h=1, level=[level]).sort("unique_id")
        name = next(c for c in found.columns if c.startswith("model-lo-")).removeprefix("model-lo-")
        for ends, column in ((expected, "model"), (low, f"model-lo-{name}"), (high, f"model-hi-{name}")):
            ends[varied] = found[column].to_numpy()
    return expected, low, high


def _filled(past: Floats, cycle: int) -> Floats:
    """`past` [n, periods] without gaps: the last value of the same season, else the last known one, else
    the first known one."""
    filled = past.copy()
    for t in range(cycle, past.shape[1]):
        gap = np.isnan(filled[:, t])
        filled[gap, t] = filled[gap, t - cycle]
    gap = np.isnan(filled)
    last = np.maximum.accumulate(np.where(gap, 0, np.arange(past.shape[1])), axis=1)
    filled = np.take_along_axis(filled, last, axis=1)
    first = np.take_along_axis(past, (~np.isnan(past)).argmax(axis=1)[:, None], axis=1)
    return np.where(np.isnan(filled), first, filled)


def _history(params: Mapping[str, Any], freq: int) -> int:
    """The window the model is fitted to."""
    del freq
    return int(params["window"])


SPECS = (
    Spec(
        "prediction_interval",
        prediction_interval,
        (
            Param(
                "model",
                "str",
                "seasonal_naive",
                "the forecasting model",
                ("seasonal_naive", "auto_ets", "mstl"),
            ),
            Param("season", "int or none", None, "periods of a cycle; none = a year"),
            Param("window", "int", 208, "past periods the model is fitted to"),
            Param("coverage", "float", 0.99, "part of values the interval is to hold, both sides"),
            Param("conformal", "int", 0, "past errors the interval is made of; 0 = the model's own interval"),
            Param("sides", "str", "both", "too high, too low, or both", SIDES),
            Param("min_known", "float", 0.7, "part of the window that must be known"),
        ),
        title="outside the interval of a forecast one period ahead",
        source="Hyndman et al. 2008, Forecasting with Exponential Smoothing; statsforecast",
        history=_history,
        values="reading",
    ),
)
