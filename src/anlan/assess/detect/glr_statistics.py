"""Likelihood ratio statistics of a change in the mean of counts, since each possible time of change.

Hoehle, Paul (2008), "Count data regression charts for the monitoring of surveillance time series",
Comput Stat Data Anal 52:4357-4368. With in-control means mu and counts x, Poisson (alpha 0) or negative
binomial (variance mu + alpha mu^2), and log likelihood ratio l of the mean after the change against mu:

    intercept   mean e^kappa mu after the change        (section 2.1)
    epi         mean mu + lambda x of the period before (section 2.4)

a statistic is the largest over times of change k of sum_{t = k..n} l_t at the likeliest kappa or lambda
(GLR), or the recursion S_n = max(0, S_{n-1} + l_n) for a kappa known in advance (LR, section 2.2).

Two forms of each: the package's steps (`as_package`), which decide its digits where a search breaks off,
and a safe search for the maximum. A missing period is one with mu = 0 and x = 0: it says nothing.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

#: what is looked for: change in the intercept with kappa estimated or known, or a term in the last count
GLR, LR, EPI = 0, 1, 2

#: let sums be re-ordered so that they vectorise; NaN and infinity keep their meaning
_SUMS = {"reassoc", "contract"}
_NOTHING = -1e99
_SMALLEST = -18.0
_STEP = 1e-6


@njit(cache=True, nogil=True, error_model="numpy")
def statistic(  # type: ignore[no-untyped-def]
    kind, x, mu, last, alpha, sign, theta, begin, n, window, least, as_package, so_far
):
    """The statistic at n of a chart that began at `begin`. `last` is x of the period before; `sign` +1
    looks for increase, -1 for decrease; `window` > 0 limits how far back a change may be, `least` is the
    smallest number of periods after it; `so_far` the LR statistic before n. A statistic below zero means
    that nothing could be worked out."""
    if kind == LR:
        return max(0.0, so_far + ratio(theta, x[n], mu[n], alpha))
    endless = window < 0 or (window == 0 and kind == GLR and alpha == 0.0)
    low = begin if endless else max(begin, n - window)
    high = n - least + 1
    if as_package and kind == GLR and alpha == 0.0:
        # without a window the smallest number of periods only delays the start; with one it is one more
        high = n if window <= 0 else n - least
        if window <= 0 and n - begin < least - 1:
            return 0.0
        if window > 0 and n - begin < least:
            return 0.0
    if high < low:
        return _NOTHING if as_package and n - begin >= least - 1 else 0.0
    if kind == GLR and alpha == 0.0:
        return poisson_level(x, mu, sign, low, high, n, as_package)
    if as_package:
        if kind == GLR:
            return package_level(x, mu, alpha, sign, low, high, n)
        if alpha == 0.0:
            return package_epidemic(x, mu, last, low, high, n)
        return package_epidemic_nb(x, mu, last, alpha, low, high, n)
    if kind == GLR:
        return safe_level(x, mu, alpha, sign, low, high, n)
    return safe_epidemic(x, mu, last, alpha, low, high, n)


@njit(cache=True, nogil=True, error_model="numpy")
def ratio(kappa, x, mu, alpha):  # type: ignore[no-untyped-def]
    """Log likelihood ratio of one count, mean e^kappa mu against mu."""
    if alpha == 0.0:
        return kappa * x + (1.0 - math.exp(kappa)) * mu
    return kappa * x + (x + 1.0 / alpha) * math.log((1.0 + alpha * mu) / (1.0 + alpha * mu * math.exp(kappa)))


@njit(cache=True, nogil=True, error_model="numpy")
def poisson_level(x, mu, sign, low, high, n, as_package):  # type: ignore[no-untyped-def]
    """GLR of a Poisson intercept: the likeliest kappa is log(cases / expected)."""
    cases, expected = 0.0, 0.0
    best = _NOTHING
    for k in range(n, low - 1, -1):
        cases += x[k]
        expected += mu[k]
        if k > high:
            continue
        found = 0.0
        away = cases - expected
        # log r <= r - 1, so the statistic is at most away^2 / expected: most logarithms are not needed
        if not as_package and away * away <= best * expected * (1.0 - 1e-9):
            continue
        if sign > 0 and cases > expected:
            found = cases * math.log(cases / expected) - (cases - expected)
        elif sign < 0 and cases < expected:
            if cases > 0.0:
                found = cases * math.log(cases / expected) - (cases - expected)
            else:
                # minus infinity times nothing: the package does not see a silence
                found = _NOTHING if as_package else expected
        best = max(best, found)
    return best


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_SUMS)
def slope_and_bend(kappa, x, mu, alpha, k, n):  # type: ignore[no-untyped-def]
    """First derivative of the negative binomial log likelihood in kappa, and minus the second."""
    rate = math.exp(kappa)
    slope, bend = 0.0, 0.0
    for i in range(k, n + 1):
        part = 1.0 + alpha * rate * mu[i]
        slope += (x[i] - rate * mu[i]) / part
        bend += mu[i] * (alpha * x[i] + 1.0) / (part * part)
    return slope, rate * bend


@njit(cache=True, nogil=True, error_model="numpy")
def level_sum(kappa, x, mu, alpha, k, n):  # type: ignore[no-untyped-def]
    """Sum of the negative binomial log likelihood ratios at kappa."""
    rate = math.exp(kappa)
    total = 0.0
    for i in range(k, n + 1):
        total += kappa * x[i] + (x[i] + 1.0 / alpha) * math.log(
            (1.0 + alpha * mu[i]) / (1.0 + alpha * mu[i] * rate)
        )
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def package_search(start, x, mu, alpha, k, n):  # type: ignore[no-untyped-def]
    """Newton's steps to the likeliest kappa as the package takes them."""
    old, new = 0.4, start
    for _ in range(1000):
        if not (new > _SMALLEST and abs(new - old) > _STEP):
            break
        old = new
        slope, bend = slope_and_bend(old, x, mu, alpha, k, n)
        new = old + slope / bend
    return new


@njit(cache=True, nogil=True, error_model="numpy")
def package_level(x, mu, alpha, sign, low, high, n):  # type: ignore[no-untyped-def]
    """GLR of a negative binomial intercept by the package's search, each from where the last ended."""
    best, kappa = _NOTHING, 0.5
    for k in range(low, high + 1):
        new = package_search(kappa, x, mu, alpha, k, n)
        kappa = sign * (sign * new if sign * new > 0.0 else 0.0)
        found = level_sum(kappa, x, mu, alpha, k, n)
        if found > best:  # noqa: PLR1730 - not a number is passed over
            best = found
    return best


@njit(cache=True, nogil=True, error_model="numpy")
def package_epidemic(x, mu, last, low, high, n):  # type: ignore[no-untyped-def]
    """GLR of the Poisson epidemic term by the package's search on log(lambda)."""
    best, rate = _NOTHING, 0.5
    for k in range(low, high + 1):
        old, new = 2.0, math.log(rate)
        for _ in range(1000):
            if not (new > _SMALLEST and abs(math.exp(new) - math.exp(old)) > _STEP):
                break
            old = new
            at = math.exp(old)
            first, second = 0.0, 0.0
            for i in range(k, n + 1):
                mean = at * last[i] + mu[i]
                first += (x[i] * last[i]) / mean - last[i]
                second += (x[i] * (last[i] * last[i])) / (mean * mean)
            slope = at * first
            new = old + slope / (-slope + math.exp(2.0 * old) * second)
        rate = math.exp(new)
        found = 0.0
        for i in range(k, n + 1):
            found += x[i] * math.log(rate * last[i] / mu[i] + 1.0) - rate * last[i]
        if found > best:  # noqa: PLR1730 - not a number is passed over
            best = found
    return best


@njit(cache=True, nogil=True, error_model="numpy")
def epidemic_sum(rate, x, mu, last, alpha, k, n):  # type: ignore[no-untyped-def]
    """Sum of the log likelihood ratios of an epidemic term."""
    total = 0.0
    for i in range(k, n + 1):
        more = rate * last[i]
        if more == 0.0:
            continue
        mean = mu[i] + more
        if alpha == 0.0:
            total += x[i] * math.log(mean / mu[i]) - more
        else:
            shrink = math.log((1.0 + alpha * mu[i]) / (1.0 + alpha * mean))
            total += x[i] * (math.log(mean / mu[i]) + shrink) + shrink / alpha
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def package_epidemic_nb(x, mu, last, alpha, low, high, n):  # type: ignore[no-untyped-def]
    """The package's negative binomial epidemic statistic: it searches the likeliest change of the
    intercept and puts that in place of log(lambda)."""
    best, found = _NOTHING, 0.5
    for k in range(low, high + 1):
        found = package_search(found, x, mu, alpha, k, n)
        value = epidemic_sum(math.exp(found), x, mu, last, alpha, k, n)
        if value > best:  # noqa: PLR1730 - not a number is passed over
            best = value
    return best


@njit(cache=True, nogil=True, error_model="numpy")
def safe_level(x, mu, alpha, sign, low, high, n):  # type: ignore[no-untyped-def]
    """GLR of a negative binomial intercept. The log likelihood is concave in kappa and 0 at 0, so with
    slope s there it is at most s kappa: a time of change whose likeliest kappa lies below best / s cannot
    be better, and one look at the slope there tells."""
    best, kappa, slope = 0.0, 0.0, 0.0
    cases, expected = 0.0, 0.0
    for k in range(n, low - 1, -1):
        slope += (x[k] - mu[k]) / (1.0 + alpha * mu[k])
        cases += x[k]
        expected += mu[k]
        if k > high or not sign * slope > 0.0:
            continue
        if cases == 0.0:
            silence = 0.0
            for i in range(k, n + 1):
                silence += math.log(1.0 + alpha * mu[i]) / alpha
            best = max(best, silence)
            continue
        if best > 0.0:
            at, _ = slope_and_bend(best / slope, x, mu, alpha, k, n)
            if not sign * at > 0.0:
                continue
        kappa = likeliest_level(kappa, cases / expected, x, mu, alpha, sign, k, n)
        best = max(best, level_sum(kappa, x, mu, alpha, k, n))
    return best


@njit(cache=True, nogil=True, error_model="numpy")
def likeliest_level(start, relative, x, mu, alpha, sign, k, n):  # type: ignore[no-untyped-def]
    """The kappa of the wanted sign with the largest likelihood, its slope at 0 having that sign: Newton's
    steps within a bracket, from `start` or from the log of the relative risk."""
    low, high = (0.0, 50.0) if sign > 0 else (-50.0, 0.0)
    kappa = start
    if not low < kappa < high:
        kappa = math.log(relative)
    if not low < kappa < high:
        kappa = 0.1 * sign
    for _ in range(100):
        slope, bend = slope_and_bend(kappa, x, mu, alpha, k, n)
        if slope > 0.0:
            low = kappa
        else:
            high = kappa
        step = slope / bend
        kappa += step
        if not low <= kappa <= high:
            kappa = 0.5 * (low + high)
        elif abs(step) < 1e-7:  # what is left is its square
            break
        if high - low < 1e-12:
            break
    return kappa


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_SUMS)
def epidemic_slope(rate, x, mu, last, alpha, k, n):  # type: ignore[no-untyped-def]
    """First derivative of the log likelihood in lambda."""
    slope = 0.0
    for i in range(k, n + 1):
        # a missing period has mu = 0 and no count before it
        mean = mu[i] + rate * last[i] + (1.0 if last[i] == 0.0 else 0.0)
        slope += last[i] * (x[i] - mean) / (mean * (1.0 + alpha * mean))
    return slope


@njit(cache=True, nogil=True, error_model="numpy")
def safe_epidemic(x, mu, last, alpha, low, high, n):  # type: ignore[no-untyped-def]
    """GLR of an epidemic term. The Poisson log likelihood is concave in lambda, see `safe_level`."""
    best, slope = 0.0, 0.0
    for k in range(n, low - 1, -1):
        if last[k] > 0.0:
            slope += last[k] * (x[k] - mu[k]) / (mu[k] * (1.0 + alpha * mu[k]))
        if k > high or not slope > 0.0:
            continue
        if alpha == 0.0 and best > 0.0 and not epidemic_slope(best / slope, x, mu, last, alpha, k, n) > 0.0:
            continue
        best = max(best, likeliest_epidemic(slope, x, mu, last, alpha, k, n))
    return best


@njit(cache=True, nogil=True, error_model="numpy")
def likeliest_epidemic(at_low, x, mu, last, alpha, k, n):  # type: ignore[no-untyped-def]
    """Largest sum of log likelihood ratios over lambda of at least 0, `at_low` > 0 the slope at 0: beyond
    the largest ratio of a count to the one before the likelihood falls; the bracket is cut by false
    position (Illinois rule)."""
    high = 0.0
    for i in range(k, n + 1):
        if last[i] > 0.0:
            high = max(high, x[i] / last[i])
    low = 0.0
    at_high = epidemic_slope(high, x, mu, last, alpha, k, n)
    side = 0
    rate = high
    for _ in range(200):
        if at_high >= 0.0 or high - low <= 1e-9 * (1.0 + high):
            break
        rate = (low * at_high - high * at_low) / (at_high - at_low)
        at = epidemic_slope(rate, x, mu, last, alpha, k, n)
        if at > 0.0:
            low, at_low = rate, at
            if side == 1:
                at_high *= 0.5
            side = 1
        elif at < 0.0:
            high, at_high = rate, at
            if side == -1:
                at_low *= 0.5
            side = -1
        else:
            break
    return epidemic_sum(rate, x, mu, last, alpha, k, n)


@njit(cache=True, nogil=True, error_model="numpy")
def boundary(  # type: ignore[no-untyped-def]
    kind,
    x,
    mu,
    last,
    alpha,
    up,
    sign,
    theta,
    begin,
    n,
    window,
    least,
    as_package,
    so_far,
    limit,
    strict,
    most,
):
    """Where the answer at n turns: the smallest count with an alarm where more cases raise it (`up`), else
    the smallest without one. NaN where no count up to `most` does. The statistic never falls (`up`) or
    never rises as the count grows."""
    held = x[n]
    low, high = -1.0, 0.0
    step = 1.0
    turned = False
    while True:
        x[n] = high
        value = statistic(kind, x, mu, last, alpha, sign, theta, begin, n, window, least, as_package, so_far)
        alarmed = value > limit if strict else value >= limit
        turned = alarmed == up
        if turned or high >= most:
            break
        low = high
        high = min(high + step, most)
        step *= 2.0
    while turned and high - low > 1.0:
        middle = low + math.floor(0.5 * (high - low))
        x[n] = middle
        value = statistic(kind, x, mu, last, alpha, sign, theta, begin, n, window, least, as_package, so_far)
        alarmed = value > limit if strict else value >= limit
        if alarmed == up:
            high = middle
        else:
            low = middle
    x[n] = held
    return high if turned else np.nan
