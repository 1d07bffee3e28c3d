"""The charts themselves: period after period, the statistic, the mean it is held against, the bound.

`glr` is what callers see; `glr_statistics` holds the statistics.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from anlan.assess.detect.glr_statistics import EPI, LR, boundary, statistic
from anlan.assess.detect.harmonic_glm import fit_seasonal, predict

#: an estimated alpha below this is a Poisson chart
POISSON = 1e-8


@njit(cache=True, nogil=True, error_model="numpy")
def charts(  # type: ignore[no-untyped-def]
    counts,
    design,
    at,
    fitted,
    refit,
    limit,
    least,
    window,
    kind,
    sign,
    theta,
    cases,
    most,
    as_package,
    alphas,
    mean,
    value,
    bound,
    code,
    late,
):
    """Write `mean` (where `fitted`), `value`, `bound`, `code` [n_series, n_test], `alphas` and `late`
    [n_series]."""
    n_test = len(at)
    x, mu, last = np.empty(n_test), np.empty(n_test), np.empty(n_test)
    coef = np.empty(design.shape[1])
    if kind == LR:
        sign = 1 if theta > 0.0 else -1
    up = sign > 0
    # written as constants these would be types of their own, and what is called be compiled for each
    start, no = np.int64(0), np.bool_(False)
    for s in range(counts.shape[0]):
        if fitted:
            alphas[s] = means_from(
                counts[s], design, at, start, alphas[s], as_package, coef, mean[s], code[s]
            )
        alpha = alphas[s]
        if not as_package and (not alpha > POISSON):
            alpha = 0.0
        strict = kind == LR or (kind == EPI and alphas[s] == 0.0)
        for j in range(n_test):
            here = counts[s, at[j]]
            before = counts[s, at[j] - 1] if at[j] > 0 else 0.0
            if as_package:
                x[j] = np.trunc(here)
                last[j] = x[j - 1] if j > 0 else 0.0
                mu[j] = mean[s, j]
            else:
                gone = math.isnan(here) or (kind == EPI and math.isnan(before))
                x[j] = 0.0 if gone else here
                last[j] = 0.0 if gone else before
                mu[j] = 0.0 if gone else mean[s, j]
        begin = start
        so_far = 0.0
        for j in range(n_test):
            if math.isnan(x[j]):  # the package has stopped
                break
            if math.isnan(mean[s, j]):
                continue
            now = statistic(
                kind, x, mu, last, alpha, sign, theta, begin, j, window, least, as_package, so_far
            )
            value[s, j] = now
            alarmed = now > limit if strict else now >= limit
            missing = math.isnan(counts[s, at[j]])
            if missing:
                alarmed = False
            if cases and not missing:
                if not as_package:
                    bound[s, j] = boundary(
                        kind, x, mu, last, alpha, up, sign, theta, begin, j, window, least, as_package,
                        so_far, limit, strict, 1e15,
                    )  # fmt: skip
                    if up:
                        bound[s, j] = np.inf if math.isnan(bound[s, j]) else bound[s, j] - 1.0
                elif kind == LR:
                    bound[s, j] = max(0.0, package_count(theta, mu[j], alpha, so_far, limit))
                elif alpha == 0.0:
                    waits = j - begin < (least if window > 0 else least - 1)
                    found = 0.0
                    if not waits:
                        found = boundary(
                            kind, x, mu, last, alpha, up, sign, theta, begin, j, window, least, as_package,
                            so_far, limit, no, 1e9,
                        )  # fmt: skip
                    bound[s, j] = 0.0 if math.isnan(found) else found
                else:
                    bound[s, j] = package_steps(
                        kind, x, mu, last, alpha, sign, theta, begin, j, window, least, limit, alarmed, most
                    )  # fmt: skip
            so_far = now if kind == LR else 0.0
            if alarmed:
                begin, so_far = np.int64(j + 1), 0.0
                late[s] = late[s] or j == n_test - 1
                if fitted and refit and j + 1 < n_test:
                    means_from(counts[s], design, at, j + 1, alphas[s], as_package, coef, mean[s], code[s])
                    for i in range(j + 1, n_test):
                        if as_package or mu[i] > 0.0:
                            mu[i] = mean[s, i]


@njit(cache=True, nogil=True, error_model="numpy")
def package_steps(  # type: ignore[no-untyped-def]
    kind, x, mu, last, alpha, sign, theta, begin, n, window, least, limit, alarmed, most
):
    """The count at which the answer at n turns, stepped to by ones from the observed one as the package
    does: its search for kappa may run away at some counts, so the statistic is no monotone function. 0
    where an alarm stays, 1e99 where none comes."""
    held, yes = x[n], np.bool_(True)
    step = -1.0 if alarmed else 1.0
    found = 0.0 if alarmed else 1e99
    while 1.0 <= x[n] <= most:
        x[n] += step
        value = statistic(kind, x, mu, last, alpha, sign, theta, begin, n, window, least, yes, 0.0)
        if (value >= limit) != alarmed:
            found = x[n] + 1.0 if alarmed else x[n]
            break
    x[n] = held
    return found


@njit(cache=True, nogil=True, error_model="numpy")
def package_count(theta, mu, alpha, so_far, limit):  # type: ignore[no-untyped-def]
    """The count at which the LR statistic is `limit`."""
    if alpha == 0.0:
        return (limit - so_far + mu * (math.exp(theta) - 1.0)) / theta
    shrink = math.log((1.0 + alpha * mu) / (1.0 + alpha * mu * math.exp(theta)))
    return (limit * alpha - so_far * alpha - shrink) / alpha / (theta + shrink)


@njit(cache=True, nogil=True, error_model="numpy")
def means_from(counts, design, at, first, alpha, as_package, coef, mean, code):  # type: ignore[no-untyped-def]
    """Fit the periods before at[first] and write the means and codes from there on; gives alpha."""
    converged, found, total, known = fit_seasonal(design, counts, at[first], alpha, coef)
    fine = converged and total > 0.0 and known >= design.shape[1]
    for j in range(first, len(at)):
        code[j] = 0
        if known == 0:
            mean[j], code[j] = np.nan, 2
        elif as_package or fine:
            mean[j] = predict(design, coef, at[j])
        else:
            mean[j] = (total + (0.5 if total == 0.0 else 0.0)) / known
            code[j] = 5 if total == 0.0 else 4
    if not as_package and not (fine and found > 0.0 and math.isfinite(found)):
        return alpha if not math.isnan(alpha) else 0.0
    return found
