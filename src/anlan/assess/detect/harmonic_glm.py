"""Expected counts from a seasonal regression: level, trend and annual harmonics, log link.

    log mu_t = a + c t + sum_s (g_s cos(2 pi s t / freq) + d_s sin(2 pi s t / freq)),  s = 1 ... S

Poisson, or negative binomial with variance mu + alpha mu^2 and alpha given or estimated. Iteratively
reweighted least squares (McCullagh, Nelder 1989, section 2.5) with the starts and the stopping rule of
R's `glm.fit`; alpha by maximum likelihood in turn with the mean (Venables, Ripley 2002, "Modern Applied
Statistics with S", section 7.4), with the steps and stopping rule of `MASS::glm.nb`. The stopping rules
decide the ninth digit.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from anlan.assess.detect.exponential import exponential
from anlan.assess.detect.panel import Floats

MAX_STEPS = 25
TOLERANCE = 1e-8
#: the smallest mean, the floor of R's inverse log link
FLOOR = 2.0**-52
LOG_FLOOR = math.log(FLOOR)
#: sums may be added up in any order: only so do they become vector instructions
_ANY_ORDER = {"reassoc", "contract"}
#: relative change at which the search for alpha stops: fourth root of the machine precision
_THETA_TOLERANCE = FLOOR**0.25


def harmonic_design(n_time: int, freq: int, harmonics: int, trend: bool) -> Floats:
    """Columns of the regression at every time of the axis, [n_time, 1 + trend + 2 harmonics]. The time
    is counted from 1 and scaled, which changes no fitted mean."""
    t = np.arange(1, n_time + 1, dtype=np.float64)
    columns = [np.ones(n_time)]
    if trend:
        columns.append((t - t.mean()) / max(t.std(), 1.0))
    for s in range(1, harmonics + 1):
        columns += [np.cos(2 * np.pi * s * t / freq), np.sin(2 * np.pi * s * t / freq)]
    return np.column_stack(columns)


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_ANY_ORDER)
def irls(x, y, n, theta, mu, coef):  # type: ignore[no-untyped-def]
    """Fit rows 0 ... n of x [.., p] and y; `theta` = 1 / alpha, 0 for Poisson. `mu` [>= n] holds the means
    to start from and gets the fitted ones, `coef` [p] the coefficients. Gives whether it converged."""
    p = x.shape[1]
    columns, target = np.empty((p, n)), np.empty(n)
    across = np.empty((p, n))
    eta = np.empty(n)
    log_y, log_more = np.empty(n), np.empty(n)
    for i in range(n):
        eta[i] = math.log(mu[i])
        log_y[i] = math.log(y[i]) if y[i] > 0.0 else 0.0
        log_more[i] = math.log(y[i] + theta) if theta > 0.0 else 0.0
        for a in range(p):
            across[a, i] = x[i, a]
    dev_old = deviance(y, log_y, log_more, theta, mu, eta)
    for _ in range(MAX_STEPS):
        for i in range(n):
            root = math.sqrt(mu[i] if theta == 0.0 else mu[i] / (1.0 + mu[i] / theta))
            target[i] = root * (eta[i] + (y[i] - mu[i]) / mu[i])
            columns[0, i] = root
        for a in range(p - 1, -1, -1):
            for i in range(n):
                columns[a, i] = columns[0, i] * across[a, i]
        if not least_squares(columns, target, coef):
            return False
        for i in range(n):
            eta[i] = across[0, i] * coef[0]
        for a in range(1, p):
            for i in range(n):
                eta[i] += across[a, i] * coef[a]
        for i in range(n):
            mu[i] = max(exponential(eta[i]), FLOOR)
        dev = deviance(y, log_y, log_more, theta, mu, eta)
        if not math.isfinite(dev):
            return False
        if abs(dev - dev_old) / (abs(dev) + 0.1) < TOLERANCE:
            return True
        dev_old = dev
    return False


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_ANY_ORDER)
def deviance(y, log_y, log_more, theta, mu, eta):  # type: ignore[no-untyped-def]
    """Poisson (theta 0) or negative binomial deviance of means `mu` with logarithms `eta` (below that of
    FLOOR: of FLOOR). `log_y` [n]: of the counts, 0 for none; `log_more` [n]: of the counts and theta."""
    total = 0.0
    for i in range(len(log_y)):
        total += y[i] * (log_y[i] - max(eta[i], LOG_FLOOR))
    if theta == 0.0:
        for i in range(len(log_y)):
            total -= y[i] - mu[i]
    else:
        for i in range(len(log_y)):
            total -= (y[i] + theta) * (log_more[i] - math.log(mu[i] + theta))
    return 2.0 * total


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_ANY_ORDER)
def least_squares(columns, target, out):  # type: ignore[no-untyped-def]
    """Write the coefficients of `target` [n] on `columns` [p, n] (both overwritten) by modified
    Gram-Schmidt on the two together (Bjoerck 1967, BIT 7:1-21): weights differ by many powers of ten where
    a season has no cases, and normal equations would square that. Gives whether the rank is full."""
    p, n = columns.shape
    r, d = np.zeros((p, p)), np.empty(p)
    for a in range(p):
        full = 0.0
        for b in range(a):
            full += r[b, a] * r[b, a]
        size = 0.0
        for i in range(n):
            size += columns[a, i] * columns[a, i]
        r[a, a] = math.sqrt(size)
        if not r[a, a] > 1e-11 * math.sqrt(full + size):
            return False
        for i in range(n):
            columns[a, i] /= r[a, a]
        d[a] = 0.0
        for i in range(n):
            d[a] += columns[a, i] * target[i]
        for i in range(n):
            target[i] -= d[a] * columns[a, i]
        for c in range(a + 1, p):
            dot = 0.0
            for i in range(n):
                dot += columns[a, i] * columns[c, i]
            r[a, c] = dot
            for i in range(n):
                columns[c, i] -= dot * columns[a, i]
    for a in range(p - 1, -1, -1):
        s = d[a]
        for c in range(a + 1, p):
            s -= r[a, c] * out[c]
        out[a] = s / r[a, a]
    return True


@njit(cache=True, nogil=True, error_model="numpy")
def fit_seasonal(x, counts, n_train, alpha, coef):  # type: ignore[no-untyped-def]
    """Fit the first `n_train` periods of `counts` [n_time], missing ones left out. `alpha` 0 = Poisson,
    above 0 given, NaN = to be estimated. With fewer known periods than columns only as many columns are
    used, as R's pivoting does. Writes `coef` [p]; gives (converged, alpha, known cases, known periods)."""
    p = x.shape[1]
    rows, y = np.empty((n_train, p)), np.empty(n_train)
    n, cases = np.int64(0), 0.0  # a constant 0 would be a type of its own, and `irls` be compiled for it too
    for t in range(n_train):
        if not math.isnan(counts[t]):
            for a in range(p):
                rows[n, a] = x[t, a]
            y[n] = counts[t]
            cases += y[n]
            n += 1
    mu = np.empty(n)
    coef[:] = 0.0
    if n == 0:
        return False, alpha, cases, n
    if n < p:
        p = n
        rows = np.ascontiguousarray(rows[:, :p])
        coef = coef[:p]
    poisson_start = math.isnan(alpha) or alpha == 0.0
    for i in range(n):
        mu[i] = y[i] + 0.1 if poisson_start else (y[i] if y[i] > 0.0 else 1.0 / 6.0)
    if not math.isnan(alpha):
        return irls(rows, y, n, 0.0 if alpha == 0.0 else 1.0 / alpha, mu, coef), alpha, cases, n
    converged = irls(rows, y, n, 0.0, mu, coef)
    above = counts_above(y, n)
    theta = likeliest_theta(y, mu, n, above)
    scale = math.sqrt(2.0 * max(1, n - p))
    change = 1.0
    level = log_likelihood(y, mu, n, theta)
    was = level + 2.0 * scale
    for _ in range(MAX_STEPS):
        if not abs(was - level) / scale + abs(change) > TOLERANCE:
            break
        theta_was = theta
        theta = likeliest_theta(y, mu, n, above)  # given the means of the step before
        converged = irls(rows, y, n, theta_was, mu, coef)
        change = theta_was - theta
        was = level
        level = log_likelihood(y, mu, n, theta)
    return converged, 1.0 / theta, cases, n


@njit(cache=True, nogil=True, error_model="numpy")
def likeliest_theta(y, mu, n, above):  # type: ignore[no-untyped-def]
    """Newton's steps to the theta of largest likelihood, given the means; `above` as `counts_above` gives."""
    spread = 0.0
    for i in range(n):
        spread += (y[i] / mu[i] - 1.0) ** 2
    theta = n / spread
    change = 1.0
    for _ in range(MAX_STEPS - 1):
        if not abs(change) > _THETA_TOLERANCE:
            break
        theta = abs(theta)
        score, info = of_gammas(y, n, theta, above)
        score += n * (math.log(theta) + 1.0) - of_logs(mu, n, theta)
        info -= n / theta
        for i in range(n):
            whole, ratio = theta + mu[i], (y[i] + theta) / (theta + mu[i])
            score -= ratio
            info += (2.0 - ratio) / whole
        change = score / info
        theta += change
    return max(theta, 0.0)


@njit(cache=True, nogil=True, error_model="numpy")
def counts_above(y, n):  # type: ignore[no-untyped-def]
    """How many of the counts lie above 0, 1, 2 ...; empty where they are not whole or too large for it."""
    most = 0.0
    for i in range(n):
        if y[i] != math.floor(y[i]):
            return np.empty(0)
        most = max(most, y[i])
    if most > 20.0 * n:
        return np.empty(0)
    above = np.zeros(int(most))
    for i in range(n):
        if y[i] > 0.0:
            above[int(y[i]) - 1] += 1.0
    for j in range(len(above) - 2, -1, -1):
        above[j] += above[j + 1]
    return above


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_ANY_ORDER)
def of_gammas(y, n, theta, above):  # type: ignore[no-untyped-def]
    """Sums of digamma(theta + y) - digamma(theta) and of trigamma(theta) - trigamma(theta + y): with whole
    counts those of 1 / (theta + j) and 1 / (theta + j)^2 over j below the count (Abramowitz, Stegun 1964,
    6.3.6 and 6.4.6)."""
    first, second = 0.0, 0.0
    for j in range(len(above)):
        part = 1.0 / (theta + j)
        first += above[j] * part
        second += above[j] * part * part
    if len(above) == 0:
        for i in range(n):
            if y[i] > 0.0:
                first += digamma(theta + y[i]) - digamma(theta)
                second += trigamma(theta) - trigamma(theta + y[i])
    return first, second


@njit(cache=True, nogil=True, error_model="numpy")
def of_logs(mu, n, theta):  # type: ignore[no-untyped-def]
    """The sum of log(theta + mu), a logarithm for as many factors as their product stays in range."""
    total, product = 0.0, 1.0
    for i in range(n):
        product *= theta + mu[i]
        if not 1e-100 < product < 1e100:
            total += math.log(product)
            product = 1.0
    return total + math.log(product)


@njit(cache=True, nogil=True, error_model="numpy")
def log_likelihood(y, mu, n, theta):  # type: ignore[no-untyped-def]
    """Negative binomial log likelihood."""
    total = 0.0
    for i in range(n):
        total += (
            math.lgamma(theta + y[i])
            - math.lgamma(theta)
            - math.lgamma(y[i] + 1.0)
            + theta * math.log(theta)
            - (theta + y[i]) * math.log(theta + mu[i])
        )
        if y[i] > 0.0:
            total += y[i] * math.log(mu[i])
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def digamma(x):  # type: ignore[no-untyped-def]
    """Derivative of log gamma, x > 0 (Abramowitz, Stegun 1964, 6.3.5 and 6.3.18)."""
    found = 0.0
    while x < 12.0:
        found -= 1.0 / x
        x += 1.0
    r = 1.0 / (x * x)
    tail = r * (1 / 12 - r * (1 / 120 - r * (1 / 252 - r * (1 / 240 - r * (1 / 132 - r * 691 / 32760)))))
    return found + math.log(x) - 0.5 / x - tail


@njit(cache=True, nogil=True, error_model="numpy")
def trigamma(x):  # type: ignore[no-untyped-def]
    """Second derivative of log gamma, x > 0 (Abramowitz, Stegun 1964, 6.4.6 and 6.4.12)."""
    found = 0.0
    while x < 12.0:
        found += 1.0 / (x * x)
        x += 1.0
    r = 1.0 / (x * x)
    tail = r * (1 / 6 - r * (1 / 30 - r * (1 / 42 - r * (1 / 30 - r * (5 / 66 - r * 691 / 2730)))))
    return found + 1.0 / x + 0.5 * r + tail / x


@njit(cache=True, nogil=True, error_model="numpy")
def predict(x, coef, t):  # type: ignore[no-untyped-def]
    """The mean at time index t."""
    e = 0.0
    for a in range(x.shape[1]):
        e += x[t, a] * coef[a]
    return max(math.exp(e), FLOOR)


@njit(cache=True, nogil=True, error_model="numpy")
def seasonal_means(x, counts, at, alpha, means, code):  # type: ignore[no-untyped-def]
    """Write the means [n_series, n_test] at `at` of a fit to everything before at[0], and a code per
    series: 0, or 1 where the fit did not converge, 2 where there were fewer known periods than columns."""
    coef = np.empty(x.shape[1])
    for s in range(counts.shape[0]):
        converged, _, _, n = fit_seasonal(x, counts[s], at[0], alpha, coef)
        code[s] = 0 if converged else 1
        if n < x.shape[1]:
            code[s] = 2
        for j in range(len(at)):
            means[s, j] = predict(x, coef, at[j]) if n > 0 else np.nan
