"""OutbreakP: has the level begun to rise? A likelihood ratio without a baseline.

Frisen, Andersson, Schioeler (2009), "Robust outbreak surveillance of epidemics in Sweden", Stat Med
28:476-493; Frisen, Andersson (2009), "Semiparametric surveillance of monotonic changes", Sequential
Analysis 28:434-454. Counts are Poisson; the mean is constant before the outbreak and never falls once it
has begun. With the counts y of all periods up to the tested one, their mean m, and the isotonic
(monotone) fit f by pooling adjacent violators, the statistic is the product of (f / m)^y; an alarm is a
statistic above `k`. It looks at everything on the axis before the tested period, so let the axis begin in
the quiet time before a season.

`score` is log(statistic) / log(k): above 1 is an alarm. `expected` is m.

`compat="surveillance"` gives the numbers of `surveillance::algo.outbreakP`. By default its flaws are
mended:

* logarithms are summed; the package multiplies powers, which overflow to infinity or "not a number" in
  counts of some hundreds, and then answers nothing;
* missing counts are left out; the package stops at the first one;
* `threshold` is the largest whole count without an alarm, however large, found from both sides; the
  package (`ret="cases"`) gives the smallest count with one, steps up to it by ones and gives up at
  `max_upperbound_cases`, and steps down to no less than 1; with `ret="value"` it gives the statistic in
  place of a bound.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias

import numpy as np
from numba import njit

from anlan.assess.detect.panel import Detection, Floats, Ints, Panel, Reason, Test, decide, detection
from anlan.assess.detect.spec import Param, Spec

#: a statistic that is `k` up to the rounding of logarithms is not above it
TIE = 1e-12

Ret: TypeAlias = Literal["cases", "value"]
Compat: TypeAlias = Literal["mended", "surveillance"]


def outbreak_p(
    panel: Panel,
    test: Test,
    *,
    k: float = 100,
    ret: Ret = "cases",
    max_upperbound_cases: int = 100_000,
    compat: Compat = "mended",
) -> Detection:
    """Test `panel` at `test`; what each parameter means stands in `SPECS`."""
    if not k > 0:
        raise ValueError(f"k must be above 0, found {k}")
    if max_upperbound_cases < 1:
        raise ValueError(f"max_upperbound_cases must be at least 1, found {max_upperbound_cases}")
    for name, found, expected in (
        ("ret", ret, ("cases", "value")),
        ("compat", compat, ("mended", "surveillance")),
    ):
        if found not in expected:
            raise ValueError(f"{name} must be one of {', '.join(expected)}; found {found!r}")
    at = panel.test_indexes(test)
    as_package = compat == "surveillance"
    logs, products, means, bound = outbreak_statistics(
        panel.counts, at, k, max_upperbound_cases, as_package=as_package, bounds=ret == "cases"
    )
    y = panel.counts[:, at]
    above = products > k if as_package else logs > math.log(k) + TIE
    reason = np.full(y.shape, Reason.OK, dtype=np.int16)
    if as_package:
        gone = np.isnan(panel.counts).cumsum(axis=1)[:, at] > 0
        reason[np.isnan(products)] = Reason.NO_BOUND
        reason[gone] = Reason.MISSING_VALUE
        if ret == "value":
            bound = np.where(gone, np.nan, products)
    reason[np.isnan(y)] = Reason.MISSING_VALUE
    with np.errstate(divide="ignore", over="ignore"):
        score = logs / math.log(k) if k > 1 else np.exp(logs) / k
    return detection(
        at,
        expected=means,
        threshold=bound,
        score=np.where(np.isnan(y), np.nan, score),
        alarm=decide(above, reason, [Reason.MISSING_VALUE, Reason.NO_BOUND]),
        reason=reason,
    )


def outbreak_statistics(
    counts: Floats, at: Ints, k: float, most: int, *, as_package: bool, bounds: bool
) -> tuple[Floats, Floats, Floats, Floats]:
    """(log of the statistic, the statistic as the package multiplies it (NaN unless `as_package`), mean of
    the known counts, bound), [n_series, n_test] each; the bound is NaN unless `bounds`."""
    logs, products, means, bound = (np.full((len(counts), len(at)), np.nan) for _ in range(4))
    _isotonic(counts, at, math.log(k) + TIE, k, float(most), as_package, bounds, logs, products, means, bound)
    return logs, products, means, bound


@njit(cache=True, nogil=True, error_model="numpy")
def log_with(y, before, sums, weights, cumulated, blocks):  # type: ignore[no-untyped-def]
    """Log of the statistic where a count `y` follows `blocks` pooled blocks (`sums`, `weights`, and
    `cumulated` sums of sum * log(mean)) of `before` cases."""
    total, weight = y, 1.0
    top = blocks
    while top > 0 and total * weights[top - 1] <= sums[top - 1] * weight:
        top -= 1
        total += sums[top]
        weight += weights[top]
    periods = weight
    for b in range(top):
        periods += weights[b]
    found = total * math.log(total / weight) if total > 0.0 else 0.0
    if top > 0:
        found += cumulated[top - 1]
    everything = before + y
    if everything > 0.0:
        found -= everything * math.log(everything / periods)
    return found


@njit(cache=True, nogil=True, error_model="numpy")
def product_of(y, sums, weights, blocks, mean):  # type: ignore[no-untyped-def]
    """The statistic of the counts y as one long product of powers."""
    found = 1.0
    at = 0
    for b in range(blocks):
        fit = sums[b] / weights[b]
        ratio = 1.0 if fit == 0.0 and mean == 0.0 else fit / mean
        for _ in range(int(weights[b])):
            found *= ratio ** y[at]
            at += 1
    return found


@njit(cache=True, nogil=True, error_model="numpy")
def isotonic(  # type: ignore[no-untyped-def]
    counts, at, log_k, k, most, as_package, bounds, logs, products, means, bound
):
    """Pool adjacent violators along each series once, and write what is asked at each tested time."""
    n_time = counts.shape[1]
    sums, weights, cumulated = np.empty(n_time), np.empty(n_time), np.empty(n_time)
    known = np.empty(n_time)
    wanted = np.full(n_time, -1, dtype=np.int64)
    for j in range(len(at)):
        wanted[at[j]] = j
    for s in range(counts.shape[0]):
        blocks, n = 0, 0
        before, mean = 0.0, 0.0
        for t in range(n_time):
            y = counts[s, t]
            j = wanted[t]
            if math.isnan(y):
                continue
            n += 1
            if j >= 0 and bounds:
                has = log_with(y, before, sums, weights, cumulated, blocks) > log_k
                bound[s, j] = smallest(
                    y, has, n, before, sums, weights, cumulated, blocks, log_k, k, most, as_package
                )
            known[n - 1] = y
            total, weight = y, 1.0
            while blocks > 0 and total * weights[blocks - 1] <= sums[blocks - 1] * weight:
                blocks -= 1
                total += sums[blocks]
                weight += weights[blocks]
            sums[blocks], weights[blocks] = total, weight
            cumulated[blocks] = total * math.log(total / weight) if total > 0.0 else 0.0
            if blocks > 0:
                cumulated[blocks] += cumulated[blocks - 1]
            blocks += 1
            before += y
            mean += (y - mean) / n
            if j >= 0:
                means[s, j] = mean
                logs[s, j] = cumulated[blocks - 1]
                if before > 0.0:
                    logs[s, j] -= before * math.log(before / n)
                if as_package:
                    products[s, j] = product_of(known, sums, weights, blocks, mean)
                    if math.isnan(products[s, j]):
                        bound[s, j] = np.nan
        # the same time asked twice
        for j in range(len(at)):
            i = wanted[at[j]]
            if i != j:
                logs[s, j], products[s, j] = logs[s, i], products[s, i]
                means[s, j], bound[s, j] = means[s, i], bound[s, i]


@njit(cache=True, nogil=True, error_model="numpy")
def smallest(  # type: ignore[no-untyped-def]
    y, has, n, before, sums, weights, cumulated, blocks, log_k, k, most, as_package
):
    """The smallest count with an alarm, in whole steps from y, NaN where there is none up to `most`
    (`as_package`), or the largest whole count without one. The statistic never falls as the last count
    grows: its derivative is log(last fitted mean / overall mean)."""
    if n == 1:  # a single count always has the statistic 1
        if as_package:
            return np.nan if k >= 1.0 else 0.0
        return np.inf if k >= 1.0 else -1.0
    start = y if as_package else 0.0
    low, high = start, start  # no alarm at low, alarm at high
    if as_package and has:
        low = y - math.ceil(y)  # the last step down
        if y <= 0.0 or log_with(low, before, sums, weights, cumulated, blocks) > log_k:
            return np.nan
    else:
        if not as_package and log_with(0.0, before, sums, weights, cumulated, blocks) > log_k:
            return -1.0
        step = 1.0
        while True:
            high = low + step
            if as_package and high >= most:
                high = y + math.ceil(most - y)
                if y >= most or not log_with(high, before, sums, weights, cumulated, blocks) > log_k:
                    return np.nan
                break
            if log_with(high, before, sums, weights, cumulated, blocks) > log_k:
                break
            if high > 1e15:
                return np.inf
            low = high
            step *= 2.0
    while high - low > 1.0:
        middle = low + math.floor(0.5 * (high - low))
        if log_with(middle, before, sums, weights, cumulated, blocks) > log_k:
            high = middle
        else:
            low = middle
    return high if as_package else low


#: the compiled kernel, whose arguments mypy cannot see
_isotonic: Callable[..., None] = isotonic


def _history(params: Mapping[str, Any], freq: int) -> int:
    """A year: longer and the last season's peak is part of the constant level."""
    del params
    return freq


SPECS = (
    Spec(
        "outbreak_p",
        outbreak_p,
        (
            Param("k", "float", 100, "statistic above which there is an alarm"),
            Param(
                "ret",
                "str",
                "cases",
                "what the bound is worked out as: cases, or (under compat) the statistic itself",
                ("cases", "value"),
            ),
            Param(
                "max_upperbound_cases",
                "int",
                100_000,
                "count up to which the package looks for the bound (compat only)",
            ),
            Param(
                "compat",
                "str",
                "mended",
                "the R package's numbers with its flaws, or the mended ones",
                ("mended", "surveillance"),
            ),
        ),
        title="OutbreakP: rise from a constant level",
        source="Frisen, Andersson, Schioeler 2009, Stat Med 28:476-493",
        history=_history,
    ),
)
