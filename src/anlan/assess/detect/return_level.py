"""A value that comes once in so many years: return levels from extreme value fits.

`pot`: peaks over a high quantile of the history, one for each spell (spells end after `gap` calm periods),
follow a generalised Pareto law (Pickands 1975); with `rate` spells a year

    level(T) = u + sigma ((rate T)^xi - 1) / xi

`gev`: the highest of each year follows the generalised extreme value law,

    level(T) = mu + sigma ((-log(1 - 1/T))^-xi - 1) / xi

Coles (2001), "An Introduction to Statistical Modeling of Extreme Values", chapters 3 and 4. `fit` is by
L-moments (Hosking, Wallis 1987, Technometrics 29:339-349; Hosking 1990, J R Stat Soc B 52:105-124): closed
form, and steadier than likelihood on the few decades that there are; or by maximum likelihood (`mle`,
`extreme_fits`), which is unknown where it has no regular maximum. How far the level may be off is said by
its interval by profile likelihood (Coles 2001, 3.3.3): `bound` lower or upper takes an end of it for the
threshold, so that a value above the upper end is beyond the level even if that was taken too low.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Literal, TypeAlias

import numpy as np
from numba import njit
from scipy.special import gamma

from anlan.assess.detect.extreme_fits import (
    ExtremeFit,
    fit_gev,
    fit_gpd,
    gev_newton,
    gev_start,
    gpd_likeliest,
)
from anlan.assess.detect.panel import Detection, Floats, Panel, Reason, Test, decide, detection
from anlan.assess.detect.spec import Param, Spec
from anlan.model.text import Text

Method: TypeAlias = Literal["pot", "gev"]
Fit: TypeAlias = Literal["l_moments", "mle"]
Bound: TypeAlias = Literal["level", "lower", "upper"]

#: cells with a law that varies, each with the fit that gives its interval, made when it is asked for
Fits: TypeAlias = Iterator[tuple[int, int, Callable[[], ExtremeFit]]]

#: a year counts with this part of its periods known
_KNOWN_PART = 0.8
#: |shape| below this is the exponential (Gumbel) case
_FLAT = 1e-7


def return_level(
    panel: Panel,
    test: Test,
    *,
    return_period: float = 10.0,
    method: Method = "pot",
    fit: Fit = "l_moments",
    sides: Literal["up", "down"] = "up",
    years: int = 30,
    quantile: float = 0.9,
    gap: int = 1,
    min_peaks: int = 8,
    bound: Bound = "level",
    confidence: float = 0.95,
) -> Detection:
    """Test `panel` at `test` against the level of `return_period` years, fitted to the `years` years before
    each (as many as there are). `expected` is the median of the peaks, `threshold` the level, `score` the
    distance from the median in units of the level's: alarm above 1; `p_value` the probability that the
    highest value of a year is as high. Unknown with fewer than `min_peaks` peaks (gev: years), and where the
    likelihood (`fit` mle) has no regular maximum. `bound`: the threshold is the level itself, or the lower or
    upper end of its interval, `confidence` sure (needs `fit` mle; a search for each tested value); unknown
    where the data give no such end. Of a low level (`sides` down) the lower end is the lower one too."""
    if method not in ("pot", "gev"):
        raise ValueError(f"method must be 'pot' or 'gev', found {method!r}")
    if fit not in ("l_moments", "mle"):
        raise ValueError(f"fit must be 'l_moments' or 'mle', found {fit!r}")
    if sides not in ("up", "down"):
        raise ValueError(f"sides must be 'up' or 'down', found {sides!r}")
    if return_period <= 1 or years < 1 or gap < 1 or min_peaks < 5 or not 0 < quantile < 1:
        raise ValueError(
            "return_period must be above 1, years and gap at least 1, min_peaks at least 5 and quantile "
            f"between 0 and 1, found {return_period}, {years}, {gap}, {min_peaks} and {quantile}"
        )
    if bound not in ("level", "lower", "upper"):
        raise ValueError(f"bound must be 'level', 'lower' or 'upper', found {bound!r}")
    if bound != "level" and fit != "mle":
        raise ValueError(f"bound {bound!r} needs fit 'mle', found {fit!r}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, found {confidence}")
    at = panel.test_indexes(test)
    sign = -1.0 if sides == "down" else 1.0
    counts = sign * panel.counts
    y = counts[:, at]
    shape = y.shape
    if method == "pot":
        loc, l1, l2, rate, middle = (np.full(shape, np.nan) for _ in range(5))
        reach = years * panel.freq
        _peaks_panel(counts, at, reach, panel.freq, quantile, gap, min_peaks, loc, l1, l2, rate, middle)
        enough = ~np.isnan(l1)
        if fit == "mle":
            scale, xi = _pareto_likeliest(counts, at, reach, gap, loc, l2)
        else:
            scale, xi = gpd_l_moments(l1, l2)
        level = loc + _grown(scale, xi, rate * return_period)
        fits = _pareto_fits(counts, at, reach, gap, loc, scale, rate)
        above = np.maximum(y - loc, 0.0)
        p_value = -np.expm1(-rate * _gpd_tail(above, scale, xi))
    else:
        maxima = _year_maxima(counts, at, panel.freq, years, min_peaks)
        l1, l2, t3, _ = l_moments(maxima)
        enough = ~np.isnan(l1)
        middle = _middle(maxima)
        loc, scale, xi = _gev_likeliest(maxima, l2) if fit == "mle" else gev_l_moments(l1, l2, t3)
        level = gev_level(loc, scale, xi, return_period)
        fits = _gev_fits(maxima, scale)
        p_value = _gev_tail(y, loc, scale, xi)
    reason = np.full(shape, Reason.OK, dtype=np.int16)
    reason[np.isnan(level)] = Reason.NO_CONVERGENCE
    if bound != "level":
        level = _ends(level, fits, return_period, 1 - confidence, (bound == "upper") != (sides == "down"))
        reason[~np.isfinite(level) & (reason == Reason.OK)] = Reason.NO_BOUND
        level[np.isinf(level)] = np.nan
    reason[~enough] = Reason.TOO_FEW_HISTORY
    reason[scale == 0] = Reason.NO_SPREAD
    reason[np.isnan(y)] = Reason.MISSING_VALUE
    with np.errstate(divide="ignore", invalid="ignore"):
        score = (y - middle) / (level - middle)
    score[(level == middle) & (y == middle)] = 0.0
    return detection(
        at,
        expected=sign * middle,
        threshold=sign * level,
        score=score,
        p_value=np.where(np.isnan(y), np.nan, p_value),
        alarm=decide(
            y > level,
            reason,
            [Reason.MISSING_VALUE, Reason.TOO_FEW_HISTORY, Reason.NO_CONVERGENCE, Reason.NO_BOUND],
        ),
        reason=reason,
    )


def _ends(level: Floats, fits: Fits, years: float, alpha: float, upper: bool) -> Floats:
    """An end of the interval of each level [n_series, n_test]; the level itself where nothing varied, NaN
    where there is none, infinite where the data do not give that end."""
    found = level.copy()
    for row, column, fit in fits:
        try:
            found[row, column] = fit().interval(years, alpha)[int(upper)]
        except ValueError:  # no regular maximum
            found[row, column] = np.nan
    return found


def _gev_fits(maxima: Floats, scale: Floats) -> Fits:
    """(series, test, fit) of the cells whose maxima vary."""
    for row, column in np.argwhere(scale > 0).tolist():
        yield row, column, partial(fit_gev, maxima[row, column])


def _pareto_fits(
    counts: Floats, at: Any, reach: int, gap: int, loc: Floats, scale: Floats, rate: Floats
) -> Fits:
    """(series, test, fit) of the cells whose peaks vary."""
    for row, column in np.argwhere(scale > 0).tolist():
        past, u = counts[row, max(0, at[column] - reach) : at[column]], float(loc[row, column])
        peaks = _spells_of(past, u, gap) - u
        yield row, column, partial(fit_gpd, peaks, loc=u, rate=float(rate[row, column]))


def gpd_l_moments(l1: Floats, l2: Floats) -> tuple[Floats, Floats]:
    """Scale and shape of the generalised Pareto law of excesses with these L-moments; scale 0 where all
    excesses are equal or there is none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        k = l1 / l2 - 2
    return np.where(l2 == 0, 0.0, (1 + k) * l1), np.where(l2 == 0, 0.0, -k)


def gev_l_moments(l1: Floats, l2: Floats, t3: Floats) -> tuple[Floats, Floats, Floats]:
    """Location, scale and shape of the extreme value law with these L-moments (t3 = l3 / l2): Hosking's
    approximation of the shape, made exact by Newton's method."""
    t3 = np.where(l2 == 0, 0.1699250, t3)  # all maxima equal: the shape says nothing
    c = 2 / (3 + t3) - np.log(2) / np.log(3)
    k = 7.8590 * c + 2.9554 * c**2
    k = np.where(np.abs(k) < _FLAT, _FLAT, k)
    for _ in range(6):
        top, low = -np.expm1(-k * np.log(3)), -np.expm1(-k * np.log(2))
        slope = 2 * (np.log(3) * (1 - top) * low - top * np.log(2) * (1 - low)) / low**2
        k = k - (2 * top / low - 3 - t3) / slope
        k = np.where(np.abs(k) < _FLAT, _FLAT, k)
    k = np.maximum(k, -0.999)
    g = gamma(1 + k)
    scale = l2 * k / (-np.expm1(-k * np.log(2)) * g)
    return l1 - scale * (1 - g) / k, scale, -k


def gev_level(loc: Floats, scale: Floats, xi: Floats, years: float) -> Floats:
    """The level exceeded in one year of so many."""
    return loc + _grown(scale, xi, np.full(np.shape(loc), -1 / np.log1p(-1 / years)))


def _grown(scale: Floats, xi: Floats, times: Floats) -> Floats:
    """scale (times^xi - 1) / xi, its limit where xi is 0."""
    flat = np.abs(xi) < _FLAT
    safe = np.where(flat, 1.0, xi)
    with np.errstate(invalid="ignore", divide="ignore"):
        log = np.log(times)
        grown: Floats = scale * np.where(flat, log, np.expm1(safe * log) / safe)
    return grown


def _gpd_tail(x: Floats, scale: Floats, xi: Floats) -> Floats:
    """P(excess >= x)."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        z = np.where(scale == 0, np.where(x > 0, np.inf, 0.0), x / scale)
        flat = np.abs(xi) < _FLAT
        safe = np.where(flat, 1.0, xi)
        inside = np.maximum(1 + safe * z, 0.0)
        tail: Floats = np.where(flat, np.exp(-z), inside ** (-1 / safe))
    return tail


def _gev_tail(y: Floats, loc: Floats, scale: Floats, xi: Floats) -> Floats:
    """P(highest of a year >= y)."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        away = y - loc
        z = np.where(scale == 0, np.where(away > 0, np.inf, -np.inf), away / scale)
        flat = np.abs(xi) < _FLAT
        safe = np.where(flat, 1.0, xi)
        inside = np.maximum(1 + safe * z, 0.0)
        tail: Floats = -np.expm1(-np.where(flat, np.exp(-z), inside ** (-1 / safe)))
    return tail


def l_moments(values: Floats) -> tuple[Floats, Floats, Floats, np.ndarray[Any, np.dtype[np.int64]]]:
    """First and second sample L-moment, L-skewness and number of the known values along the last axis."""
    ordered = np.sort(values, axis=-1)
    n = (~np.isnan(values)).sum(axis=-1)
    i = np.arange(values.shape[-1])
    x = np.where(np.isnan(ordered), 0.0, ordered)
    with np.errstate(divide="ignore", invalid="ignore"):
        b0 = x.sum(axis=-1) / n
        b1 = (x * i).sum(axis=-1) / (n * (n - 1))
        b2 = (x * i * (i - 1)).sum(axis=-1) / (n * (n - 1) * (n - 2))
        l2 = 2 * b1 - b0
        l2 = np.where(l2 <= 1e-14 * np.abs(b0), 0.0, l2)
        t3 = (6 * b2 - 6 * b1 + b0) / l2
    return b0, l2, t3, n


def _year_maxima(counts: Floats, at: Any, freq: int, years: int, least: int) -> Floats:
    """The yearly maxima [n_series, n_test, n_years] before each tested time, the years counted back from it;
    NaN for a year of which too little is known, all of them NaN where there are fewer than `least`."""
    found = np.full((len(counts), len(at), years), np.nan)
    for j, t in enumerate(at.tolist()):
        whole = min(years, t // freq)
        if whole < least:
            continue
        blocks = counts[:, t - whole * freq : t].reshape(len(counts), whole, freq)
        known = (~np.isnan(blocks)).sum(axis=2) >= np.ceil(_KNOWN_PART * freq)
        maxima = np.where(np.isnan(blocks), -np.inf, blocks).max(axis=2)
        maxima[~known] = np.nan
        maxima[known.sum(axis=1) < least] = np.nan
        found[:, j, :whole] = maxima
    return found


def _middle(maxima: Floats) -> Floats:
    """The median of the known ones, NaN where there is none."""
    middle = np.full(maxima.shape[:2], np.nan)
    some = ~np.isnan(maxima).all(axis=2)
    middle[some] = np.nanmedian(maxima[some], axis=1)
    return middle


def _gev_likeliest(maxima: Floats, l2: Floats) -> tuple[Floats, Floats, Floats]:
    """Location, scale, shape [n_series, n_test] by maximum likelihood; scale 0 where all are equal."""
    loc, scale, xi = (np.full(l2.shape, np.nan) for _ in range(3))
    theta = np.empty(3)
    for row, j in np.argwhere(~np.isnan(l2)).tolist():
        values = maxima[row, j]
        values = values[~np.isnan(values)]
        if l2[row, j] == 0:
            loc[row, j], scale[row, j], xi[row, j] = values[0], 0.0, 0.0
        elif gev_newton(values, *gev_start(values), theta):
            loc[row, j], scale[row, j], xi[row, j] = theta
    return loc, scale, xi


@njit(cache=True, nogil=True)
def _spells(past, u, gap):  # type: ignore[no-untyped-def]
    """The peaks of the spells above u, in order of time."""
    peaks = np.empty(len(past))
    n, calm = 0, gap
    for i in range(len(past)):
        if np.isnan(past[i]):
            continue
        if past[i] > u:
            if calm >= gap:
                peaks[n] = past[i]
                n += 1
            elif past[i] > peaks[n - 1]:
                peaks[n - 1] = past[i]
            calm = 0
        else:
            calm += 1
    return peaks[:n]


@njit(cache=True, nogil=True)
def _peaks(counts, at, reach, freq, q, gap, least, loc, l1, l2, rate, middle):  # type: ignore[no-untyped-def]
    """Bound u, L-moments of the excesses, spells a year and median peak before each tested time."""
    for row in range(len(counts)):
        for j in range(len(at)):
            past = counts[row, max(0, at[j] - reach) : at[j]]
            known = past[~np.isnan(past)]
            if len(known) < freq:
                continue
            place = q * (len(known) - 1)
            ordered = np.sort(known)
            k = int(place)
            u = ordered[k] + (place - k) * (ordered[min(k + 1, len(known) - 1)] - ordered[k])
            peaks = _spells(past, u, gap)
            n = len(peaks)
            if n == 0 and ordered[0] == ordered[-1]:  # never varied: the level is that value
                loc[row, j] = u
                middle[row, j] = u
                l1[row, j], l2[row, j], rate[row, j] = 0.0, 0.0, freq / len(known)
                continue
            if n < least:
                continue
            x = np.sort(peaks)
            mean, second = 0.0, 0.0
            for i in range(n):
                mean += (x[i] - u) / n
                second += (2 * i - n + 1) * (x[i] - u) / (n * (n - 1))
            loc[row, j] = u
            l1[row, j] = mean
            l2[row, j] = second if second > 1e-14 * abs(u) else 0.0
            rate[row, j] = n * freq / len(known)
            middle[row, j] = x[(n - 1) // 2] + (x[n // 2] - x[(n - 1) // 2]) / 2
            if l2[row, j] == 0.0:  # all peaks equal
                loc[row, j] = u + mean


#: the compiled kernel, whose arguments mypy cannot see
_peaks_panel: Callable[..., None] = _peaks
_spells_of: Callable[..., Floats] = _spells


def _pareto_likeliest(
    counts: Floats, at: Any, reach: int, gap: int, loc: Floats, l2: Floats
) -> tuple[Floats, Floats]:
    """Scale and shape [n_series, n_test] by maximum likelihood; scale 0 where all peaks are equal."""
    scale, xi = (np.where(l2 == 0, 0.0, np.nan) for _ in range(2))
    for row, j in np.argwhere(l2 > 0).tolist():
        past = counts[row, max(0, at[j] - reach) : at[j]]
        scale[row, j], xi[row, j] = gpd_likeliest(_spells_of(past, loc[row, j], gap) - loc[row, j])
    return scale, xi


def _words(params: Mapping[str, Any]) -> Text:
    """Which law, of what, fitted how."""
    high = params["sides"] == "up"
    law, law_zh = "generalised Pareto law of peaks", "峰值的广义帕累托分布"
    if params["method"] == "gev":
        law = f"generalised extreme value law of yearly {'maxima' if high else 'minima'}"
        law_zh = f"年最{'大' if high else '小'}值的广义极值分布"
    by, by_zh = "L-moments", "线性矩法"
    if params["fit"] == "mle":
        by, by_zh = "maximum likelihood", "最大似然法"
    end, end_zh = "", ""
    if params["bound"] != "level":
        sure = f"{100 * params['confidence']:g} %"
        end = f"the {params['bound']} end of the {sure} interval of "
        end_zh = f"的 {sure} 区间{'上' if params['bound'] == 'upper' else '下'}限"
    return Text(
        f"The threshold is {end}the level of {params['return_period']:g} years by the {law}, fitted by {by} "
        f"to up to {params['years']} years before.",
        f"阈值为 {params['return_period']:g} 年一遇水平{end_zh},"
        f"由此前至多 {params['years']} 年{law_zh}以{by_zh}拟合。",
    )


def _history(params: Mapping[str, Any], freq: int) -> int:
    """The years asked for."""
    return int(params["years"]) * freq


SPECS = (
    Spec(
        "return_level",
        return_level,
        (
            Param("return_period", "float", 10.0, "years in which such a value comes once"),
            Param("method", "str", "pot", "peaks over a quantile, or yearly maxima", ("pot", "gev")),
            Param("fit", "str", "l_moments", "how the law is fitted", ("l_moments", "mle")),
            Param("sides", "str", "up", "too high, or too low", ("up", "down")),
            Param("years", "int", 30, "past years fitted, as many as there are"),
            Param("quantile", "float", 0.9, "quantile of the history above which values are peaks (pot)"),
            Param("gap", "int", 1, "calm periods that end a spell (pot)"),
            Param("min_peaks", "int", 8, "fewest peaks (gev: years) a law is fitted to"),
            Param(
                "bound",
                "str",
                "level",
                "the threshold: the level itself, or an end of its interval (needs fit mle)",
                ("level", "lower", "upper"),
            ),
            Param("confidence", "float", 0.95, "how sure the interval is"),
        ),
        title="return level from an extreme value fit",
        source="Coles 2001, An Introduction to Statistical Modeling of Extreme Values",
        history=_history,
        values="reading",
        words=_words,
        yearly=True,
    ),
)
