"""Reference values k and decision intervals h of a count CUSUM for a wanted in-control run length.

Rogerson, Yamada (2004), "Approaches to syndromic surveillance when data consist of small regional counts",
MMWR 53 Suppl:79-85; Hawkins, Olwell (1998), "Cumulative Sum Charts and Charting for Quality Improvement".
k is the one that is best against a shift of `s` standard deviations (Poisson) or an odds ratio `s`
(binomial); h is found on the grid of `digits` decimals by interpolating log run lengths.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from anlan.assess.models.run_length import (
    LAWS,
    CountLaw,
    Floats,
    arl_cusum,
    common_denominator,
)

_MOST_STEPS = 10_000


@dataclass(frozen=True, slots=True)
class CusumDesign:
    """One row of a design table: in-control parameter, `h`, `k`, run length reached, its relative error."""

    theta0: float
    h: float
    k: float
    arl: float
    relative_error: float


def shifted(theta0: float, s: float, law: CountLaw = "poisson") -> float:
    """The out-of-control parameter: theta0 + s sqrt(theta0) (Poisson), odds times s (binomial)."""
    if law == "poisson":
        return theta0 + s * math.sqrt(theta0)
    return s * theta0 / (1 - theta0 + s * theta0)


def reference_value(
    theta0: float,
    theta1: float,
    *,
    law: CountLaw = "poisson",
    n: float = 1,
    round_k: bool = True,
    digits: int = 1,
) -> float:
    """The k that separates theta0 from theta1 best (likelihood ratio). Rounded, it is kept off whole and
    half numbers, where the chain of CUSUM values would be coarser."""
    if law not in LAWS:
        raise ValueError(f"distribution must be one of {LAWS}, found {law!r}")
    if theta1 == theta0:
        raise ValueError(f"the parameter out of control must differ from the one in control: {theta0}")
    if law == "poisson":
        k = (theta1 - theta0) / (math.log(theta1) - math.log(theta0))
    else:
        k = -n * (math.log(1 - theta1) - math.log(1 - theta0))
        k /= math.log(theta1 * (1 - theta0)) - math.log(theta0 * (1 - theta1))
    if not round_k:
        return k
    if round(k, digits) % 1 in (0.0, 0.5):
        beyond = ((k - math.floor(k)) * 10**digits) % 1
        k += (0.5 if beyond < 0.5 else -0.5) * 10**-digits
    return round(k, digits)


def decision_interval(
    theta0: float,
    arl0: float,
    *,
    s: float = 1.0,
    rel_tol: float = 0.02,
    law: CountLaw = "poisson",
    n: float = 1,
    round_k: bool = True,
    digits: int = 1,
    fast_initial_response: bool = False,
) -> CusumDesign:
    """The design whose in-control run length comes within `rel_tol` of `arl0` periods or, where the grid
    is too coarse for that, the first one beyond it."""
    if arl0 <= 1:
        raise ValueError(f"ARL0 must be above one period, found {arl0}")
    k = reference_value(theta0, shifted(theta0, s, law), law=law, n=n, round_k=round_k, digits=digits)

    def run_length(h: float) -> float:
        found = arl_cusum(h, k, theta0, law=law, n=n, digits=digits)
        return found.fast_initial_response if fast_initial_response else found.arl

    def design(h: float, arl: float) -> CusumDesign:
        return CusumDesign(theta0, h, k, arl, abs((arl - arl0) / arl0))

    first = min(12.0, 4 * k)
    arl1 = run_length(first)
    while arl1 < 100:
        first *= 2
        arl1 = run_length(first)
    second = first * 2.0 ** float(np.sign(arl0 - arl1))
    arl2 = run_length(second)
    slope = (second - first) / (math.log(arl2) - math.log(arl1))
    h = round(first + slope * (math.log(arl0) - math.log(arl1)), digits)
    best = design(h, run_length(h))
    if best.relative_error < rel_tol:
        return best
    step = 1 / common_denominator(1, k, digits)
    for _ in range(_MOST_STEPS):
        h = round(best.h + float(np.sign(arl0 - best.arl)) * step, digits)
        following = design(h, run_length(h))
        if following.relative_error < rel_tol:
            return following
        if np.sign(arl0 - best.arl) * np.sign(arl0 - following.arl) <= 0:  # the two lie on either side
            return following if following.arl > arl0 else best
        best = following
    raise ValueError(f"no decision interval found for theta0 = {theta0}, ARL0 = {arl0}")


def design_table(
    theta0: Floats,
    arl0: float,
    *,
    s: float = 1.0,
    rel_tol: float = 0.02,
    law: CountLaw = "poisson",
    n: float = 1,
    round_k: bool = True,
    digits: int = 1,
    fast_initial_response: bool = False,
) -> tuple[CusumDesign, ...]:
    """One design for each in-control parameter in `theta0`."""
    return tuple(
        decision_interval(
            float(theta),
            arl0,
            s=s,
            rel_tol=rel_tol,
            law=law,
            n=n,
            round_k=round_k,
            digits=digits,
            fast_initial_response=fast_initial_response,
        )
        for theta in np.atleast_1d(theta0)
    )
