"""Ways to forecast a panel of counts with intervals; which is best is for the past to say (`choose`).

Every candidate takes `history` [n_series, n_times], NaN where missing, and gives quantiles
[n_series, horizon, n_levels], never below zero; NaN for a series whose newest value is missing or whose
history is too short for the method.

    persistence     the newest value; spread from the differences of the past taken both ways, added up over
                    the horizon: the baseline of the FluSight hub (Cramer et al. 2022, PNAS 119:e2113561119)
    damped_trend    the newest growth on the log scale, fading by `phi` a step (Gardner and McKenzie 1985);
                    spread conformal
    seasonal_growth the growth of the same weeks of earlier years, mean over all series; spread conformal
    ets, theta,     statsforecast's AutoETS, AutoTheta, AutoARIMA on the log scale, series by series, their
    arima           own intervals

Conformal: the past errors of the very method, made on the history at hand, all series pooled, on the log
scale (Vovk, Gammerman, Shafer 2005; Stankeviciute, Alaa, van der Schaar 2021, NeurIPS 34).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Floats = NDArray[np.float64]
#: (history, horizon, levels, season) -> quantiles
Candidate: TypeAlias = Callable[[Floats, int, Floats, int], Floats]

#: past origins from which a conformal method draws its errors
ORIGINS = 26
#: values that a series needs before its models are fitted
SHORTEST = 20
_DRAWS = 2000


def persistence(history: Floats, horizon: int, levels: Floats, season: int) -> Floats:
    """The newest value with the spread of past differences, symmetric, added up over the steps. Draws are
    those of one fixed seed, the same for every series, so that no series depends on the others."""
    del season
    found = np.full((len(history), horizon, len(levels)), np.nan)
    pick = np.random.default_rng(20220201).random((horizon, _DRAWS))
    for n, row in enumerate(history):
        steps = np.diff(row)
        steps = steps[~np.isnan(steps)]
        if np.isnan(row[-1]) or len(steps) < 2:
            continue
        both = np.sort(np.concatenate([steps, -steps]))
        walk = np.quantile(both, pick).cumsum(axis=0)
        around = walk - np.median(walk, axis=1, keepdims=True)
        found[n] = np.quantile(row[-1] + around, levels, axis=1).T
    return np.asarray(np.maximum(found, 0.0))


def damped_trend(phi: float) -> Candidate:
    """The candidate with growth that fades by `phi` a step."""

    def forecast(history: Floats, horizon: int, levels: Floats, season: int) -> Floats:
        del season

        def point(past: Floats) -> Floats:
            growth = past[:, -1] - past[:, -2]
            fading = np.cumsum(phi ** np.arange(1, horizon + 1))
            return np.asarray(past[:, -1:] + growth[:, np.newaxis] * fading)

        return _conformal(history, horizon, levels, point, 2)

    return forecast


def seasonal_growth(history: Floats, horizon: int, levels: Floats, season: int) -> Floats:
    """The newest value times the growth that the same weeks of earlier years brought, mean over all series
    and years; NaN throughout where there is no earlier year."""

    def point(past: Floats) -> Floats:
        now = past.shape[1] - 1
        years = [now - season * k for k in range(1, now // season + 1) if now - season * k >= 0]
        if not years:
            return np.full((len(past), horizon), np.nan)
        growth = []
        for h in range(1, horizon + 1):
            seen = [past[:, t + h + w] - past[:, t + w] for t in years for w in (-1, 0, 1) if t + w >= 0]
            growth.append(float(np.nanmean(np.concatenate(seen))))
        return np.asarray(past[:, -1:] + np.array(growth))

    return _conformal(history, horizon, levels, point, season + 1)


def _conformal(
    history: Floats, horizon: int, levels: Floats, point: Callable[[Floats], Floats], shortest: int
) -> Floats:
    """The point forecasts on the log scale, with the quantiles of the method's own past errors."""
    log = np.log1p(history)
    n = log.shape[1]
    errors: list[list[Floats]] = [[] for _ in range(horizon)]
    for origin in range(max(shortest, n - ORIGINS - horizon), n):
        if origin < shortest:
            continue
        ahead = point(log[:, :origin])
        for h in range(min(horizon, n - origin)):
            errors[h].append(log[:, origin + h] - ahead[:, h])
    found = np.full((len(history), horizon, len(levels)), np.nan)
    if n < shortest:
        return found
    ahead = point(log)
    for h in range(horizon):
        past = np.concatenate(errors[h]) if errors[h] else np.empty(0)
        past = past[~np.isnan(past)]
        if len(past) >= SHORTEST:
            found[:, h, :] = ahead[:, h : h + 1] + np.quantile(past, levels)
    return np.asarray(np.maximum(np.expm1(found), 0.0))


def by_statsforecast(name: str) -> Candidate:
    """The candidate that fits one of `ets`, `theta`, `arima` to every series by itself; gaps within a
    history are bridged by a straight line for the fit alone. ValueError for another name."""
    names = {"ets": "AutoETS", "theta": "AutoTheta", "arima": "AutoARIMA"}
    if name not in names:
        raise ValueError(f"name must be one of {', '.join(names)}, found {name!r}")

    def forecast(history: Floats, horizon: int, levels: Floats, season: int) -> Floats:
        del season
        from statsforecast import models  # seconds to import, so only where it is used

        found = np.full((len(history), horizon, len(levels)), np.nan)
        for n, row in enumerate(history):
            log = _bridged(np.log1p(row))
            if np.isnan(row[-1]) or len(log) < SHORTEST:
                continue
            if log.std() == 0:
                found[n] = log[-1]
                continue
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model: Any = getattr(models, names[name])(season_length=1)
                told = model.forecast(y=log, h=horizon, level=[95])
            mean = np.asarray(told["mean"], dtype=np.float64)
            spread = (np.asarray(told["hi-95"], dtype=np.float64) - mean) / ndtri(0.975)
            found[n] = mean[:, np.newaxis] + spread[:, np.newaxis] * ndtri(levels)
        return np.asarray(np.maximum(np.expm1(np.minimum(found, 700.0)), 0.0))

    return forecast


def _bridged(row: Floats) -> Floats:
    """The series from its first known value on, gaps within it on a straight line."""
    known = np.flatnonzero(~np.isnan(row))
    if not len(known):
        return np.empty(0)
    index = np.arange(known[0], known[-1] + 1)
    return np.interp(index, known, row[known])


CANDIDATES: dict[str, Candidate] = {
    "persistence": persistence,
    "damped_trend_0.5": damped_trend(0.5),
    "damped_trend_0.8": damped_trend(0.8),
    "seasonal_growth": seasonal_growth,
    "ets": by_statsforecast("ets"),
    "theta": by_statsforecast("theta"),
    "arima": by_statsforecast("arima"),
}
