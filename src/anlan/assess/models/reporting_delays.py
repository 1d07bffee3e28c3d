"""Reporting delays of many series, learnt from all of them and from each.

With what was known of every period at every delay, q_x is the part of what is known at delay x + 1 that was
known at x, F_x = prod_{y >= x} q_y the part of the final count known at x (chain ladder: Mack 1993, ASTIN
Bull 23:213-225; reverse hazards: Lawless 1994, Can J Stat 22:15-31). `learn_delays` keeps what all series say
together; with it each series' own F is found from that series alone, so that a nation can be worked through
in parts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from anlan.assess.detect.panel import Floats

Bools: TypeAlias = npt.NDArray[np.bool_]
Revisions: TypeAlias = Literal["growing", "both"]

_ERRORS_ENOUGH = 10  # expected beyond the interval before quantiles of past errors are used
_SEEN_ENOUGH = 0.02  # below this part known, a past nowcast says nothing of the delays' spread


@dataclass(frozen=True, slots=True)
class CommonDelays:
    """What all series say of the delays, and how it was learnt.

    `part` [max_delay]: q; `learnt` [max_delay + 1]: whether enough was seen from that delay on; `miss`
    [max_delay + 1]: relative variance by which counts at that delay, divided by F, missed the final count
    beyond what chance explains; `low`, `high` [max_delay + 1]: alpha/2 and 1 - alpha/2 quantiles of the
    errors in units of their spread. `window`: periods of reports looked at (None: all); `shrink`: weight of
    the common part in each series' own, in cases."""

    part: Floats
    learnt: Bools
    miss: Floats
    low: Floats
    high: Floats
    window: int | None
    alpha: float
    shrink: float
    revisions: Revisions


def usable_counts(known: Floats) -> Floats:
    """`known` with what is no count (negative, infinite) as not known; ValueError for a wrong shape."""
    if known.ndim != 3 or known.shape[2] < 2:
        raise ValueError(f"known must be [n_series, n_periods, 2 or more delays], found {known.shape}")
    if known.shape[1] < known.shape[2]:
        raise ValueError(f"delays of {known.shape[2] - 1} periods need more periods, found {known.shape[1]}")
    return np.where((known < 0) | np.isinf(known), np.nan, known)


def learn_delays(
    known: Floats,
    *,
    window: int | None = None,
    alpha: float = 0.05,
    shrink: float = 20.0,
    revisions: Revisions = "growing",
    min_history: int = 3,
) -> CommonDelays:
    """Learn from `known` [n_series, n_periods, max_delay + 1], NaN = not seen (yet), the last column final.
    `min_history`: periods that must have been seen at two successive delays, over all series."""
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must lie between 0 and 1, found {alpha}")
    if shrink < 0:
        raise ValueError(f"shrink must be 0 cases or more, found {shrink}")
    if window is not None and window < 1:
        raise ValueError(f"window must be at least 1 period, found {window}")
    if revisions not in ("growing", "both"):
        raise ValueError(f"revisions must be 'growing' or 'both', found {revisions!r}")
    known = usable_counts(known)
    earlier, later, seen = _pairs(known, window)
    if revisions == "both":
        part = _median(earlier.sum(axis=0), later.sum(axis=0), axis=0)
    else:
        total = later.sum(axis=(0, 1))
        part = np.divide(earlier.sum(axis=(0, 1)), total, out=np.ones_like(total), where=total > 0)
    enough = seen.sum(axis=(0, 1)) >= min_history
    learnt = np.append(np.logical_and.accumulate(enough[::-1])[::-1], True)
    z = np.full(known.shape[2], ndtri(1 - alpha / 2))
    common = CommonDelays(part, learnt, np.zeros(z.shape), -z, z, window, alpha, shrink, revisions)

    past = _past_errors(known, own_shares(known, common)[0], window)
    excess, weight = _excess(*past)
    total = weight.sum(axis=0)
    miss = np.divide(excess.sum(axis=0), total, out=np.zeros_like(total), where=total > 0)
    common = replace(common, miss=np.maximum(miss, 0.0))
    return _with_tails(common, *past) if revisions == "both" else common


def own_shares(known: Floats, common: CommonDelays) -> tuple[Floats, Floats]:
    """F [n_series, max_delay + 1] of each series and the variance of its logarithm."""
    earlier, later, _ = _pairs(known, common.window)
    weight = later.sum(axis=1)
    if common.revisions == "both":
        own = _median(earlier, later, axis=1)
    else:
        own = np.divide(earlier.sum(axis=1), weight, out=np.ones_like(weight), where=weight > 0)
    heavy = weight + common.shrink
    q = np.divide(own * weight + common.shrink * common.part, heavy, out=np.ones_like(heavy), where=heavy > 0)
    each = np.abs(1 - q) / np.maximum(q * heavy, 1e-300)
    ones = np.ones((len(known), 1))
    share = np.concatenate([np.cumprod(q[:, ::-1], axis=1)[:, ::-1], ones], axis=1)
    spread = np.concatenate([np.cumsum(each[:, ::-1], axis=1)[:, ::-1], 0 * ones], axis=1)
    return share, np.minimum(spread, 1.0)


def own_misses(known: Floats, share: Floats, common: CommonDelays) -> Floats:
    """Relative variance [n_series, max_delay + 1] of past nowcasts of each series beyond chance; series with
    few cases take that of all."""
    return _mixed(*_excess(*_past_errors(known, share, common.window)), common)


def _pairs(known: Floats, window: int | None) -> tuple[Floats, Floats, Bools]:
    """Counts at delay x and x + 1 [n_series, n_periods, max_delay] where both are known and the later one
    was reported in the window, else 0; and where that is."""
    n_periods, delays = known.shape[1:]
    seen = np.isfinite(known[:, :, 1:]) & np.isfinite(known[:, :, :-1])
    if window is not None:
        seen &= np.arange(n_periods)[:, None] + np.arange(1, delays) > n_periods - 1 - window
    return np.where(seen, known[:, :, :-1], 0.0), np.where(seen, known[:, :, 1:], 0.0), seen


def _median(earlier: Floats, later: Floats, axis: int) -> Floats:
    """Median over periods of the part known earlier, where there is something to know; else 1."""
    part = np.divide(earlier, later, out=np.full(later.shape, np.nan), where=later > 0)
    nothing = np.isnan(part).all(axis=axis)
    part = np.where(np.expand_dims(nothing, axis), 1.0, part)
    return np.asarray(np.nanmedian(part, axis=axis), dtype=np.float64)


def _past_errors(known: Floats, share: Floats, window: int | None) -> tuple[Floats, Floats, Floats]:
    """For past periods with a final count [n_series, n_past, max_delay + 1]: final minus predicted count, the
    predicted one (0 where none could be made), and the variance by chance."""
    n_periods, delays = known.shape[1:]
    first = 0 if window is None else max(0, n_periods - delays - window)
    past = known[:, first : n_periods - delays + 1]
    final = past[:, :, -1:]
    part = share[:, None, :]
    usable = np.isfinite(past) & np.isfinite(final) & (past > 0) & (part > _SEEN_ENOUGH)
    safe = np.where(usable, part, 1.0)
    predicted = np.where(usable, past, 0.0) / safe
    chance = predicted * np.maximum(1 - safe, 0.0) / safe
    return np.where(usable, final - predicted, 0.0), predicted, chance


def _excess(error: Floats, predicted: Floats, chance: Floats) -> tuple[Floats, Floats]:
    """Sums over periods of the squared errors beyond chance, relative to and weighted by the prediction."""
    each = np.divide(error**2 - chance, predicted, out=np.zeros_like(error), where=predicted > 0)
    return each.sum(axis=1), predicted.sum(axis=1)


def _mixed(excess: Floats, weight: Floats, common: CommonDelays) -> Floats:
    heavy = 10 * common.shrink + 1e-9  # a variance takes more cases to tell than a mean
    return np.maximum((excess + heavy * common.miss) / (weight + heavy), 0.0)


def _with_tails(common: CommonDelays, error: Floats, predicted: Floats, chance: Floats) -> CommonDelays:
    """`common` with the quantiles of past errors in place of the normal law's, where there are enough."""
    relative = _mixed(*_excess(error, predicted, chance), common)
    spread = np.sqrt(np.maximum(chance + relative[:, None, :] * predicted**2, predicted))
    low, high = common.low.copy(), common.high.copy()
    for d in range(error.shape[2] - 1):
        made = predicted[:, :, d] > 0
        units = error[:, :, d][made] / spread[:, :, d][made]
        if units.size >= _ERRORS_ENOUGH / common.alpha:
            low[d], high[d] = np.quantile(units, (common.alpha / 2, 1 - common.alpha / 2))
    return replace(common, low=low, high=high)
