"""A nowcast of many series at once: chain ladder with shrinkage, in array operations only.

How the delays are learnt stands in `reporting_delays`: each series' own are drawn towards those of all by
`shrink` cases, so that a county with five cases borrows the nation's delays and one with thousands keeps
its own.

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

import numpy as np

from anlan.assess.detect.panel import Floats, Reason, Shorts
from anlan.assess.models.reporting_delays import (
    CommonDelays,
    Revisions,
    learn_delays,
    own_misses,
    own_shares,
    usable_counts,
)


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
    delays: CommonDelays | None = None,
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
    seen (yet); the last column is taken as final. `delays`: as learnt from these or other series before,
    with their settings; else they are learnt here with `window` (periods of reports), `alpha` (1 - coverage),
    `shrink` (weight of the common delays, in cases), `revisions`, `min_history` (see `learn_delays`).
    `prior_size`: r above, weight of the recent level; `level_periods`: how many periods make the level."""
    if prior_size <= 0:
        raise ValueError(f"prior_size must be above 0, found {prior_size}")
    if level_periods < 1:
        raise ValueError(f"level_periods must be at least 1, found {level_periods}")
    invalid = known < 0
    known = usable_counts(known)
    if delays is None:
        delays = learn_delays(
            known,
            window=window,
            alpha=alpha,
            shrink=shrink,
            revisions=revisions,
            min_history=min_history,
        )
    n_periods, longest = known.shape[1], known.shape[2] - 1
    if delays.part.size != longest:
        raise ValueError(f"delays are learnt up to {delays.part.size} periods, found counts up to {longest}")
    alpha = delays.alpha
    share, spread = own_shares(known, delays)
    level = _level(known, share, level_periods)[:, None]

    ages = np.arange(longest - 1, -1, -1)
    count = known[:, n_periods - 1 - ages, ages]
    part = share[:, ages]
    rate = prior_size / level
    to_come = (count + prior_size) * (1 - part) / (part + rate)
    mean = count + to_come
    success = np.minimum((part + rate) / (1 + rate), 1.0)
    miss = own_misses(known, share, delays)
    variance = np.maximum(to_come, 0.0) / success + (miss + spread)[:, ages] * mean**2
    if delays.revisions == "growing":
        to_come = np.maximum(to_come, 0.0)
        mean = count + to_come
        median, lower, upper = (
            count + _quantile(to_come, variance, p) for p in (0.5, alpha / 2, 1 - alpha / 2)
        )
    else:
        spread_now = np.sqrt(np.maximum(variance, mean))
        median = mean
        lower, upper = (
            np.maximum(mean + delays.low[ages] * spread_now, 0.0),
            mean + delays.high[ages] * spread_now,
        )
    reason = np.full(count.shape, Reason.OK, dtype=np.int16)
    reason[:, ~delays.learnt[ages]] = Reason.TOO_FEW_HISTORY
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


def _quantile(mean: Floats, variance: Floats, p: float) -> Floats:
    """Quantile of the negative binomial with that mean and variance (Poisson where it is not above it)."""
    # the import takes a second, and the stage is loaded by processes that never nowcast
    from scipy.stats import nbinom

    clean_mean = np.where(np.isfinite(mean), np.maximum(mean, 0.0), 0.0)
    extra = np.maximum(np.where(np.isfinite(variance), variance, 0.0) - clean_mean, 1e-9 * clean_mean + 1e-12)
    size = np.maximum(clean_mean**2 / extra, 1e-9)
    success = size / (size + clean_mean)
    return np.where(clean_mean > 0, nbinom.ppf(p, size, np.minimum(success, 1.0)), 0.0)
