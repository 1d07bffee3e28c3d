"""A nowcast of many series at once: chain ladder with shrinkage, in array operations only.

The reporting triangle of each series holds what was known of a period d periods after it. With q_x the
part of what is known at delay x + 1 that was known at x, F_x = prod_{y >= x} q_y is the part of the final
count known at delay x (Mack 1993, "Distribution-free calculation of the standard error of chain ladder
reserve estimates", ASTIN Bull 23:213-225; reverse hazards of Lawless 1994, Can J Stat 22:15-31). Each
series' q is drawn towards that of all series by `shrink` cases, so that a county with five cases borrows
the nation's delays and one with thousands keeps its own.

The count N of a period has a gamma-Poisson prior with the recent level of its series as mean. Given C known
so far, what is still to come is negative binomial (Höhle, an der Heiden 2014, Biometrics 70:993-1002, for F
known), with

    mean  (C + r) (1 - F) / (F + r / level),   widened by how far past nowcasts of that delay missed

Delays change; so they are learnt from the reports of the last `window` periods, whichever period they speak
of (the moving window of Lawless), not from the last periods' reports, which hold no long delay yet.

Where counts are also revised downwards (`revisions="both"`), now and then by a jump, q_x is a median over
report dates instead of a quotient of sums, the nowcast may lie under what is known now, and the interval
takes the quantiles of past errors, all series together, in units of their spread.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri
from scipy.stats import nbinom

from anlan.assess.detect.panel import Floats, Reason, Shorts

Revisions: TypeAlias = Literal["growing", "both"]

_ERRORS_ENOUGH = 10  # expected beyond the interval before quantiles of past errors are used
_SEEN_ENOUGH = 0.02  # below this part known, a past nowcast says nothing of the delays' spread


@dataclass(frozen=True, slots=True)
class NowcastMany:
    """Nowcasts of the latest periods, newest last: arrays [n_series, max_delay], NaN where unknown.

    `known`: count so far; `mean`, `median`, `lower`, `upper` of the final count; `share` [n_series,
    max_delay + 1]: part of the final count known at each delay; `reason`: `Reason` of the panel detectors."""

    known: Floats
    mean: Floats
    median: Floats
    lower: Floats
    upper: Floats
    share: Floats
    reason: Shorts


def cumulated(new: Floats) -> Floats:
    """Counts known at each delay from counts newly reported at each delay, [..., max_delay + 1]."""
    return np.cumsum(new, axis=-1)


def nowcast_many(
    known: Floats,
    *,
    window: int | None = None,
    alpha: float = 0.05,
    shrink: float = 20.0,
    prior_size: float = 1.0,
    level_periods: int = 8,
    revisions: Revisions = "growing",
    min_history: int = 3,
) -> NowcastMany:
    """Nowcast the last max_delay periods of every series.

    `known` [n_series, n_periods, max_delay + 1]: count of each period as known d periods later, NaN = not
    seen (yet); the last column is taken as final. `window`: periods of reports from which delays are learnt;
    `alpha`: 1 - coverage; `shrink`: weight of the common delays, in cases; `prior_size`: r above, weight of
    the recent level; `level_periods`: how many periods make the level; `min_history`: periods that must
    have been seen at two successive delays, over all series, for a delay to be learnt."""
    if known.ndim != 3 or known.shape[2] < 2:
        raise ValueError(f"known must be [n_series, n_periods, 2 or more delays], found {known.shape}")
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must lie between 0 and 1, found {alpha}")
    if shrink < 0 or prior_size <= 0:
        raise ValueError(f"shrink must be 0 or more and prior_size above 0, found {shrink}, {prior_size}")
    n_periods, delays = known.shape[1:]
    longest = delays - 1
    if n_periods <= longest:
        raise ValueError(f"delays of {longest} periods cannot be learnt from {n_periods} periods")
    invalid = known < 0
    known = np.where(invalid | np.isinf(known), np.nan, known)
    if revisions not in ("growing", "both"):
        raise ValueError(f"revisions must be 'growing' or 'both', found {revisions!r}")
    back = n_periods if window is None else window
    share, spread, learnt = _shares(known, back, shrink, min_history, robust=revisions == "both")
    level = _level(known, share, level_periods)[:, None]

    ages = np.arange(longest - 1, -1, -1)
    count = known[:, n_periods - 1 - ages, ages]
    part = share[:, ages]
    rate = prior_size / level
    to_come = (count + prior_size) * (1 - part) / (part + rate)
    mean = count + to_come
    success = np.minimum((part + rate) / (1 + rate), 1.0)
    miss, low, high = _misses(known, share, back, shrink, alpha, tails=revisions == "both")
    variance = np.maximum(to_come, 0.0) / success + (miss + spread)[:, ages] * mean**2
    if revisions == "growing":
        to_come = np.maximum(to_come, 0.0)
        mean = count + to_come
        median, lower, upper = (
            count + _quantile(to_come, variance, p) for p in (0.5, alpha / 2, 1 - alpha / 2)
        )
    else:
        spread_now = np.sqrt(np.maximum(variance, mean))
        median = mean
        lower, upper = np.maximum(mean + low[ages] * spread_now, 0.0), mean + high[ages] * spread_now
    reason = np.full(count.shape, Reason.OK, dtype=np.int16)
    reason[:, ~learnt[ages]] = Reason.TOO_FEW_HISTORY
    reason[np.isnan(level[:, 0])] = Reason.TOO_FEW_HISTORY
    reason[np.isnan(count)] = Reason.MISSING_VALUE
    reason[invalid[:, n_periods - 1 - ages, ages]] = Reason.INVALID_VALUE
    unknown = reason != Reason.OK

    def shown(values: Floats) -> Floats:
        return np.where(unknown, np.nan, values)

    return NowcastMany(
        known=count,
        mean=shown(mean),
        median=shown(median),
        lower=shown(lower),
        upper=shown(upper),
        share=share,
        reason=reason,
    )


def _shares(
    known: Floats, back: int, shrink: float, min_history: int, *, robust: bool
) -> tuple[Floats, Floats, npt.NDArray[np.bool_]]:
    """F [n_series, max_delay + 1], the variance of its logarithm, and for which delays it is learnt."""
    n_periods, delays = known.shape[1:]
    recent = np.arange(n_periods)[:, None] + np.arange(1, delays) > n_periods - 1 - back
    both = np.isfinite(known[:, :, 1:]) & np.isfinite(known[:, :, :-1]) & recent
    later = np.where(both, known[:, :, 1:], 0.0)
    earlier = np.where(both, known[:, :, :-1], 0.0)
    weight = later.sum(axis=1)
    if robust:
        common = _median(earlier.sum(axis=0), later.sum(axis=0), axis=0)
        own = _median(earlier, later, axis=1)
    else:
        total = weight.sum(axis=0)
        common = np.divide(earlier.sum(axis=(0, 1)), total, out=np.ones_like(total), where=total > 0)
        own = np.divide(earlier.sum(axis=1), weight, out=np.ones_like(weight), where=weight > 0)
    heavy = weight + shrink
    q = np.divide(own * weight + shrink * common, heavy, out=np.ones_like(heavy), where=heavy > 0)
    with np.errstate(divide="ignore"):
        each = np.abs(1 - q) / np.maximum(q * heavy, 1e-300)
    ones = np.ones((len(known), 1))
    share = np.concatenate([np.cumprod(q[:, ::-1], axis=1)[:, ::-1], ones], axis=1)
    spread = np.concatenate([np.cumsum(each[:, ::-1], axis=1)[:, ::-1], 0 * ones], axis=1)
    seen = both.sum(axis=(0, 1)) >= min_history
    learnt = np.append(np.logical_and.accumulate(seen[::-1])[::-1], True)
    return share, np.minimum(spread, 1.0), learnt


def _median(earlier: Floats, later: Floats, axis: int) -> Floats:
    """Median over periods of the part known earlier, where there is something to know; else 1."""
    part = np.divide(earlier, later, out=np.full(later.shape, np.nan), where=later > 0)
    nothing = np.isnan(part).all(axis=axis)
    part = np.where(np.expand_dims(nothing, axis), 1.0, part)
    return np.asarray(np.nanmedian(part, axis=axis), dtype=np.float64)


def _level(known: Floats, share: Floats, periods: int) -> Floats:
    """Recent count per period of each series: what is known of the last periods over the part that should
    be, at least half a case; NaN where nothing is known."""
    n_periods, longest = known.shape[1], known.shape[2] - 1
    back = np.arange(min(periods, n_periods))
    at = np.minimum(back, longest)
    counts = known[:, n_periods - 1 - back, at]
    exposure = np.where(np.isfinite(counts), share[:, at], 0.0)
    exposed = exposure.sum(axis=1)
    cases = np.where(np.isfinite(counts), counts, 0.0).sum(axis=1)
    level: Floats = np.divide(cases, exposed, out=np.full(len(known), np.nan), where=exposed > 0)
    return np.maximum(level, 0.5)


def _misses(
    known: Floats, share: Floats, back: int, shrink: float, alpha: float, *, tails: bool
) -> tuple[Floats, Floats, Floats]:
    """How past counts at each delay, divided by F, missed the final count: the relative variance beyond what
    chance explains [n_series, max_delay + 1] (series with few cases take that of all), and the alpha/2 and
    1 - alpha/2 quantiles [max_delay + 1] of all errors in units of their spread (normal without `tails`)."""
    past = known[:, max(0, known.shape[1] - known.shape[2] - back) :]
    final = past[:, :, -1:]
    part = share[:, None, :]
    usable = np.isfinite(past) & np.isfinite(final) & (past > 0) & (part > _SEEN_ENOUGH)
    safe = np.where(usable, part, 1.0)
    predicted = np.where(usable, past, 0.0) / safe
    chance = predicted * np.maximum(1 - safe, 0.0) / safe
    error = np.where(usable, final - predicted, 0.0)
    excess = np.divide(error**2 - chance, predicted, out=np.zeros_like(error), where=predicted > 0)
    own, weight = excess.sum(axis=1), predicted.sum(axis=1)
    total = weight.sum(axis=0)
    common = np.divide(own.sum(axis=0), total, out=np.zeros_like(total), where=total > 0)
    heavy = 10 * shrink + 1e-9  # a variance takes more cases to tell than a mean
    relative = np.maximum((own + heavy * np.maximum(common, 0.0)) / (weight + heavy), 0.0)

    z = ndtri(1 - alpha / 2)
    low, high = np.full(known.shape[2], -z), np.full(known.shape[2], z)
    if not tails:
        return relative, low, high
    spread = np.sqrt(np.maximum(chance + relative[:, None, :] * predicted**2, predicted))
    for d in range(known.shape[2] - 1):
        units = (error[:, :, d] / np.where(usable, spread, 1.0)[:, :, d])[usable[:, :, d]]
        if units.size >= _ERRORS_ENOUGH / alpha:
            low[d], high[d] = np.quantile(units, (alpha / 2, 1 - alpha / 2))
    return relative, low, high


def _quantile(mean: Floats, variance: Floats, p: float) -> Floats:
    """Quantile of the negative binomial with that mean and variance (Poisson where it is not above it)."""
    clean_mean = np.where(np.isfinite(mean), np.maximum(mean, 0.0), 0.0)
    extra = np.maximum(np.where(np.isfinite(variance), variance, 0.0) - clean_mean, 1e-9 * clean_mean + 1e-12)
    size = np.maximum(clean_mean**2 / extra, 1e-9)
    success = size / (size + clean_mean)
    return np.where(clean_mean > 0, nbinom.ppf(p, size, np.minimum(success, 1.0)), 0.0)
