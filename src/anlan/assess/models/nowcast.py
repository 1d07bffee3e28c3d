"""Nowcasts: how many cases of the last periods there are, when only part of them has been reported.

Lawless (1994), "Adjustments for reporting delays and the prediction of occurred but not reported events",
Can J Stat 22:15-31 (reverse-time hazards, normal interval); Höhle, an der Heiden (2014), "Bayesian nowcasting
during the STEC O104:H4 outbreak in Germany, 2011", Biometrics 70:993-1002: the delay distribution has a
generalised Dirichlet posterior, the number of cases a Poisson-gamma prior (`bayes.trunc`, corrected for
truncation; `bayes.notrunc`, not), or, in closed form, a beta-negative-binomial law (`bayes.notrunc.bnb`).

The peer averages the posterior over thousands of simulated delay distributions. Here that average is an
integral: the reported part F of a period is a product of independent beta variables, so -log F is a sum,
and its law follows by convolution on a fine grid. No random numbers: the same data, the same answer.

`compat="surveillance"` repeats what the peer computes for `lawless`: a variance without the uncertainty of
the estimated delays, and a normal law divided by its upper tail where it should be cut off; by default the
full variance (Lawless 1994, eq. 2.8) and the truncated normal law are used.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from scipy.signal import fftconvolve
from scipy.special import betainc, gammaln, ndtr
from scipy.stats import nbinom

from anlan.assess.models.reporting_triangle import Floats, MovingWindow, ReportingTriangle

Method: TypeAlias = Literal["lawless", "bayes.trunc", "bayes.notrunc", "bayes.notrunc.bnb", "unif"]

METHODS = ("lawless", "bayes.trunc", "bayes.notrunc", "bayes.notrunc.bnb", "unif")
_STEP = 0.002  # of -log F: a quarter of a percent at most of the reported part
_MOST_CASES = 50_000
_POINTS = 1500  # in which the law of F is taken
_AT_ONCE = 512  # values of F, so that memory stays small
_REACH = 40.0  # exp(-40) reported is as good as nothing


@dataclass(frozen=True, slots=True)
class PoissonGamma:
    """Prior of the cases in a period: Poisson with a gamma mean of this `mean` and `variance`."""

    mean: float
    variance: float

    @property
    def size(self) -> float:
        """Of the negative binomial it amounts to: the variance given is that of the cases."""
        if not self.variance > self.mean > 0:
            raise ValueError(f"variance must be above the mean, found {self.variance} and {self.mean}")
        return self.mean**2 / (self.variance - self.mean)


@dataclass(frozen=True, slots=True)
class Nowcast:
    """Per period of the triangle: `reported` so far; `median`, `lower`, `upper` of the cases there are (NaN =
    unknown: no delay this short was ever seen); `pmf` [n_periods, max_cases + 1]; `delay_cdf`
    [max_delay + 1], probability of each delay or less."""

    reported: Floats
    median: Floats
    lower: Floats
    upper: Floats
    pmf: Floats
    delay_cdf: Floats


def nowcast(
    triangle: ReportingTriangle,
    *,
    method: Method = "bayes.trunc",
    m: int | None = None,
    m_form: MovingWindow = "hoehle_anderheiden2014",
    alpha: float = 0.05,
    prior: PoissonGamma | None = None,
    max_cases: int | None = None,
    kappa: float = 0.1,
    compat: Literal["mended", "surveillance"] = "mended",
) -> Nowcast:
    """Nowcast every period of `triangle`. `m`: periods back from which delays are learnt (all by default);
    `alpha`: 1 - coverage of the interval; `prior` for the two simulated methods of the peer; `max_cases`:
    greatest number considered, by default well above what the delays lead to expect (the peer: 300);
    `kappa`: prior cases per delay."""
    if method not in METHODS:
        raise ValueError(f"method must be one of {METHODS}, found {method!r}")
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must lie between 0 and 1, found {alpha}")
    if method != "lawless" and m_form == "lawless1994":
        raise ValueError("only the method 'lawless' works with m as in Lawless (1994)")
    reported = triangle.reported()
    if compat == "surveillance" and method.startswith("bayes") and m is not None and m < triangle.max_delay:
        raise ValueError(
            f"m must be at least the longest delay {triangle.max_delay} (the package stops), found {m}"
        )
    n, total = triangle.window_sums(m, m_form)
    if max_cases is None:
        max_cases = (
            300
            if compat == "surveillance"
            else _enough_cases(triangle, n, total, prior if method.startswith("bayes") else None)
        )
    if reported.max(initial=0) > max_cases:
        raise ValueError(f"max_cases must be at least the {int(reported.max())} reported, found {max_cases}")
    support = np.arange(max_cases + 1, dtype=np.float64)
    if method == "lawless":
        pmf, cdf = _lawless(triangle, n, total, support, compat)
    elif method == "unif":
        pmf = np.where(support >= reported[:, None], 1.0, 0.0)
        pmf /= pmf.sum(axis=1, keepdims=True)
        cdf = np.full(triangle.max_delay + 1, np.nan)
    else:
        a, b = _stick_breaks(n, total, kappa, truncated=method == "bayes.trunc")
        cdf = np.append(np.cumprod((b / (a + b))[:0:-1])[::-1], 1.0)
        if method == "bayes.notrunc.bnb":
            pmf = _beta_negative_binomial(triangle, n, kappa, support)
        elif prior is None:
            raise ValueError(f"{method} needs a Poisson-gamma prior with mean and variance")
        else:
            pmf = _mixed_posterior(triangle, a, b, prior, support)
    below = np.cumsum(pmf, axis=1)
    return Nowcast(
        reported=reported,
        median=_quantile(below, 0.5),
        lower=_quantile(below, alpha / 2),
        upper=_quantile(below, 1 - alpha / 2),
        pmf=pmf,
        delay_cdf=cdf,
    )


def _enough_cases(triangle: ReportingTriangle, n: Floats, total: Floats, prior: PoissonGamma | None) -> int:
    """A number of cases that no period comes near, given the delays seen or the prior."""
    reported = float(triangle.reported().max())
    if prior is not None:
        law = nbinom(prior.size, prior.size / (prior.size + prior.mean))
        enough = max(4 * reported, float(law.isf(1e-9))) + 50
    else:
        later = np.divide(total - n, total, out=np.ones_like(n), where=total > n)
        share = np.append(np.cumprod(later[:0:-1])[::-1], 1.0)
        age = np.minimum(triangle.last - np.arange(triangle.last + 1), triangle.max_delay)
        enough = 4 * float(((triangle.reported() + 10) / np.maximum(share[age], 0.01)).max()) + 50
    if enough > _MOST_CASES:
        raise ValueError(
            f"up to {enough:.0f} cases to consider in a period: use nowcast_many for such counts"
        )
    return int(enough)


def _quantile(below: Floats, p: float) -> Floats:
    """First number with more than `p` below or at it; 0 where there is none within the support, NaN where
    the law is unknown."""
    first = np.asarray((below > p).argmax(axis=1), dtype=np.float64)
    return np.where(np.isnan(below[:, -1]), np.nan, first)


def _lawless(
    triangle: ReportingTriangle, n: Floats, total: Floats, support: Floats, compat: str
) -> tuple[Floats, Floats]:
    hazard = np.divide(n, total, out=np.zeros_like(n), where=total > 0)
    hazard[0] = 1.0
    # W at age x: product over later delays of (1 - hazard)
    share = np.append(np.cumprod((1 - hazard)[:0:-1])[::-1], 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        each = hazard / (total * (1 - hazard))
    each[np.isnan(each)] = 0.0
    with np.errstate(invalid="ignore"):  # 0 * inf: nothing was ever reported so early
        spread = share**2 * np.append(np.cumsum(each[:0:-1])[::-1], 0.0)
    reported = triangle.reported()
    age = np.minimum(triangle.last - np.arange(triangle.last + 1), triangle.max_delay)
    w, var_w = share[age], spread[age]
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = reported / w
        variance = reported * (1 - w) / w**2
        if compat == "mended":
            variance = variance + reported * (reported + 1) / w**4 * var_w
    pmf = np.zeros((len(reported), support.size))
    for t, (centre, var, seen) in enumerate(zip(mean, variance, reported, strict=True)):
        if compat == "mended" and not math.isfinite(centre):
            pmf[t] = math.nan  # no case was ever reported so early: nothing can be said
            continue
        if not (var > 0 and math.isfinite(centre)):
            pmf[t] = support == centre
            continue
        sd = math.sqrt(var)
        under = ndtr((support - centre) / sd)
        at = ndtr((seen - centre) / sd)
        if compat == "surveillance":
            below = np.where(support < seen, 0.0, under / (1 - at))
        else:  # whole numbers: half a case on either side, nothing under what is reported
            floor = ndtr((seen - 0.5 - centre) / sd)
            below = np.where(support < seen, 0.0, (ndtr((support + 0.5 - centre) / sd) - floor) / (1 - floor))
        pmf[t] = np.diff(below, prepend=0.0)
    return pmf, share


def _stick_breaks(n: Floats, total: Floats, kappa: float, *, truncated: bool) -> tuple[Floats, Floats]:
    """Posterior beta parameters [max_delay + 1] of the share of delay x among delays up to x; those of
    delay 0 are not used. Prior: a Dirichlet with `kappa` for every delay."""
    x = np.arange(len(n))
    a = kappa + n
    earlier = total - n if truncated else np.concatenate([[0.0], np.cumsum(n)[:-1]])
    return a, kappa * np.maximum(x, 1) + earlier


def _mixed_posterior(
    triangle: ReportingTriangle, a: Floats, b: Floats, prior: PoissonGamma, support: Floats
) -> Floats:
    reported = triangle.reported()
    pmf = np.zeros((len(reported), support.size))
    at_most = triangle.last - triangle.max_delay
    rows = np.arange(at_most + 1)
    pmf[rows, reported[rows].astype(np.int64)] = 1.0  # every delay has been seen
    law = np.ones(1)
    for x in range(triangle.max_delay - 1, -1, -1):  # F at age x takes one more beta factor
        law = _convolve(law, _beta_on_grid(b[x + 1], a[x + 1]))
        kept = np.flatnonzero(law > 1e-9)
        t = triangle.last - x
        # a law that spreads wide is taken in fewer points: neighbours go together, at their mean
        first = np.arange(0, kept.size, 1 + kept.size // _POINTS)
        mass = np.add.reduceat(law[kept], first)
        f = np.add.reduceat(law[kept] * np.exp(-_STEP * kept), first) / mass
        for some in np.array_split(np.arange(mass.size), 1 + mass.size // _AT_ONCE):
            pmf[t] += mass[some] @ _posterior(reported[t], f[some], prior, support)
        pmf[t] /= pmf[t].sum()
    return pmf


def _beta_on_grid(a: float, b: float) -> Floats:
    """Law of -log of a Beta(a, b) variable on the grid, each point with the mass nearest to it."""
    edges = np.exp(-_STEP * (np.arange(round(_REACH / _STEP)) + 0.5))
    beyond = betainc(a, b, edges)  # P(-log F > edge)
    return -np.diff(np.concatenate([[1.0], beyond, [0.0]]))


def _convolve(law: Floats, other: Floats) -> Floats:
    """Law of the sum, what lies beyond the grid put at its end."""
    total = np.maximum(fftconvolve(law, other), 0.0)
    out = total[: len(other)].copy()
    out[-1] += total[len(other) :].sum()
    normalised: Floats = out / out.sum()
    return normalised


def _posterior(reported: float, f: Floats, prior: PoissonGamma, support: Floats) -> Floats:
    """P(N | reported, F) [n_f, n_support] under the negative binomial prior, each row summing to 1."""
    size = prior.size
    n = support[support >= reported]
    missing = n - reported
    fixed = gammaln(n + size) - gammaln(missing + 1) + n * math.log(prior.mean / (prior.mean + size))
    log = fixed + missing * np.log1p(-np.minimum(f, 1 - 1e-15))[:, None]
    weight = np.exp(log - log.max(axis=1, keepdims=True))
    posterior = np.zeros((len(f), support.size))
    posterior[:, support.size - n.size :] = weight / weight.sum(axis=1, keepdims=True)
    return posterior


def _beta_negative_binomial(triangle: ReportingTriangle, n: Floats, kappa: float, support: Floats) -> Floats:
    dirichlet = kappa + n
    reported = triangle.reported()
    pmf = np.zeros((len(reported), support.size))
    for t, seen in enumerate(reported):
        age = triangle.last - t
        if age >= triangle.max_delay:
            pmf[t, int(seen)] = 1.0
            continue
        a = dirichlet[: age + 1].sum()
        b = dirichlet[age + 1 :].sum()
        r = seen + 1
        k = support[support >= seen] - seen
        log = (
            gammaln(r + a)
            + gammaln(k + b)
            + gammaln(r + k)
            + gammaln(a + b)
            - gammaln(r + k + a + b)
            - gammaln(r)
            - gammaln(k + 1)
            - gammaln(a)
            - gammaln(b)
        )
        pmf[t, int(seen) :] = np.exp(log)
    return pmf
