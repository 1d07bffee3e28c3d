"""The readable twin of `glm` and `farrington_fit`: one cell, a design matrix, a QR decomposition.

It is the oracle of the fast form and never runs in service. Same formulas, no shortcut: rows in
time order, dummy variables, hat values from Q, weights by the formula.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from anlan.assess.detect.farrington_fit import WILD
from anlan.assess.detect.glm import MAX_STEPS, TOLERANCE
from anlan.assess.detect.panel import Floats


@dataclass(frozen=True, slots=True)
class PlainFit:
    """`coef` [columns of x], last-step working weights `work` [n], fitted `mu` [n]."""

    coef: Floats
    work: Floats
    mu: Floats
    converged: bool


@dataclass(frozen=True, slots=True)
class PlainCell:
    """As one cell of `farrington_fits.Fits`; `converged` false where no fit converged."""

    mu: float
    se_log: float
    phi: float
    slope: float
    kept: bool
    converged: bool


def glm(x: Floats, y: Floats, offset: Floats, omega: Floats) -> PlainFit:
    """Quasi-Poisson regression of y [n] on x [n, p] with log link, by IRLS with R's stopping rule
    (McCullagh, Nelder 1989, section 2.5)."""
    mu = y + 0.1
    eta = np.log(mu)
    old = _deviance(y, mu, omega)
    coef, work = np.zeros(x.shape[1]), omega * mu
    for _ in range(MAX_STEPS):
        if not (mu > 0).all():
            break  # a mean that has run off to 0: there is no next step
        work = omega * mu
        root = np.sqrt(work)
        q, r = np.linalg.qr(x * root[:, None])
        coef = np.linalg.solve(r, q.T @ (root * (eta - offset + (y - mu) / mu)))
        eta = x @ coef + offset
        mu = np.exp(eta)
        now = _deviance(y, mu, omega)
        if abs(now - old) / (abs(now) + 0.1) < TOLERANCE:
            return PlainFit(coef, work, mu, True)
        old = now
    return PlainFit(coef, work, mu, False)


def _deviance(y: Floats, mu: Floats, omega: Floats) -> float:
    logs = np.log(np.where(y > 0, y, 1) / np.where(y > 0, mu, 1))
    return 2 * float((omega * (y * logs - (y - mu))).sum())


def anscombe(x: Floats, y: Floats, fit: PlainFit, phi: float) -> Floats:
    """Standardised Anscombe residuals [n] (Farrington et al. 1996, equation (4))."""
    q, _ = np.linalg.qr(x * np.sqrt(fit.work)[:, None])
    free = 1 - (q**2).sum(axis=1)
    raw = 1.5 * (y ** (2 / 3) * fit.mu ** (-1 / 6) - np.sqrt(fit.mu))
    return np.where(free > 1e-14, raw / np.sqrt(phi * np.maximum(free, 1e-14)), 0.0)


def weights(s: Floats, threshold: float) -> Floats:
    """Weights [n] summing to n: proportional to 1 where s <= threshold, to s^-2 above."""
    raw = np.where(s > threshold, 1 / np.where(s > threshold, s, 1) ** 2, 1.0)
    scaled: Floats = raw * (len(s) / raw.sum())
    return scaled


def cell(
    y: Floats,
    time: Floats,
    season: npt.NDArray[np.int64],
    time_now: float,
    season_now: int,
    critical_t: Floats,
    *,
    offset: Floats | None = None,
    offset_now: float = 0.0,
    trend: bool = True,
    reweight: bool = True,
    weights_threshold: float = 2.58,
    as_package: bool = False,
) -> PlainCell:
    """Fit the reference counts y [n] and predict the mean at (`time_now`, `season_now`). Rows with
    missing counts are to be left out by the caller."""
    log_pop = np.zeros(len(y)) if offset is None else offset
    present = np.unique(season)
    levels = (season[:, None] == present).astype(np.float64)
    here = (present == season_now).astype(np.float64)
    lost = PlainCell(math.nan, math.nan, math.nan, math.nan, False, False)

    for sloped in (True, False) if trend else (False,):
        x = np.column_stack([levels, time]) if sloped else levels
        point = np.append(here, time_now) if sloped else here
        freedom = len(y) - x.shape[1]
        omega = np.ones(len(y))
        fit = glm(x, y, log_pop, omega)
        if not fit.converged:
            continue
        phi = _pearson(y, fit, freedom)
        if reweight:
            omega = weights(anscombe(x, y, fit, max(phi, 1.0)), weights_threshold)
            fit = glm(x, y, log_pop, omega)
            phi = _pearson(y, fit, freedom)
        scale = max(phi, 1.0)
        if as_package:  # the package has overwritten the working weights with omega by now
            residual = (y - fit.mu) / fit.mu
            scale = float((omega * residual**2).sum()) / freedom if reweight else phi
        _, r = np.linalg.qr(x * np.sqrt(fit.work)[:, None])
        inverse = np.linalg.inv(r)
        covariance = scale * inverse @ inverse.T
        mu_now = math.exp(float(point @ fit.coef) + offset_now)
        slope = math.nan
        se_log = math.sqrt(float(point @ covariance @ point))
        if sloped:
            slope = float(fit.coef[-1])
            t = abs(slope) / math.sqrt(covariance[-1, -1])
            if not (t > critical_t[freedom] and mu_now <= y.max()):
                continue
            if not as_package and se_log > WILD:
                continue
        return PlainCell(mu_now, se_log, max(phi, 1.0), slope, sloped, True)
    return lost


def _pearson(y: Floats, fit: PlainFit, freedom: int) -> float:
    """Pearson dispersion, sum of working weight * working residual^2 over degrees of freedom."""
    return float((fit.work * ((y - fit.mu) / fit.mu) ** 2).sum()) / freedom
