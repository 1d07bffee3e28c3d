"""Whether events come faster or slower than before.

`poisson_change` compares two windows exactly: given the sum, the count of the later one is binomial with
its share of the time (Przyborowski and Wilenski 1940, Biometrika 31:313-323). `beta_statistic` is the
measure of seismology (Matthews and Reasenberg 1988, Pure Appl Geophys 126:357-372): the surplus over the
expected count in its standard deviations. Both take events as independent, which aftershocks are not: on a
catalogue that clusters use the residuals of a fitted ETAS model, `etas.residual_change`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.stats import binom


@dataclass(frozen=True, slots=True)
class RateChange:
    """`ratio` of the later rate to the earlier one (inf, or NaN, where the earlier count is 0); `p_faster`
    and `p_slower` one-sided probabilities of a count this far up or down without a change."""

    ratio: float
    p_faster: float
    p_slower: float


def poisson_change(before: int, days_before: float, after: int, days_after: float) -> RateChange:
    """Compare `after` events in `days_after` with `before` in `days_before`. ValueError for negative
    counts or spans that are none."""
    if before < 0 or after < 0:
        raise ValueError(f"counts must not be negative, found {before} and {after}")
    if not (days_before > 0 and days_after > 0):
        raise ValueError(f"spans must be longer than 0 days, found {days_before} and {days_after}")
    share = days_after / (days_before + days_after)
    rate_before, rate_after = before / days_before, after / days_after
    ratio = rate_after / rate_before if before else (math.inf if after else math.nan)
    faster = float(binom.sf(after - 1, before + after, share))
    return RateChange(ratio, faster, float(binom.cdf(after, before + after, share)))


def beta_statistic(after: int, days_after: float, total: int, days_total: float) -> float:
    """(after - total f) / sqrt(total f (1 - f)) with f the window's share of the whole span; NaN for an
    empty catalogue. ValueError for a window that is not part of the span."""
    if not 0 < days_after < days_total:
        raise ValueError(f"the window must be shorter than the span, found {days_after} of {days_total} days")
    if not 0 <= after <= total:
        raise ValueError(f"the window's events must be among all, found {after} of {total}")
    share = days_after / days_total
    return (after - total * share) / math.sqrt(total * share * (1 - share)) if total else math.nan
