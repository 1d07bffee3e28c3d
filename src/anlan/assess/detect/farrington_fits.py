"""Farrington's model fitted to every series of a panel at every tested period.

By sums over stretches where that gives the same digits (`farrington_stretches`), else row by row
(`farrington_fit`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import stdtrit

from anlan.assess.detect.farrington_fit import DEFERRED, fit_panel
from anlan.assess.detect.farrington_stretches import fit_stretches
from anlan.assess.detect.panel import Bytes, Floats, Ints, Panel, Shorts
from anlan.assess.detect.seasons import ReferenceRows
from anlan.assess.detect.stretches import LANES, cut

#: the compiled kernels, whose arguments mypy cannot see
_fit_panel: Callable[..., None] = fit_panel
_fit_stretches: Callable[..., None] = fit_stretches


@dataclass(frozen=True, slots=True)
class Fits:
    """One fitted model per cell, arrays [n_series, n_test]: mean and standard error of its log at
    the tested period, dispersion, slope per period (NaN = none), trend kept, reason."""

    mu: Floats
    se_log: Floats
    phi: Floats
    slope: Floats
    kept: Bytes
    reason: Shorts


def fit_all(
    panel: Panel,
    at: Ints,
    reference: ReferenceRows,
    *,
    trend: bool,
    p_threshold_trend: float,
    reweight: bool,
    weights_threshold: float,
    population_offset: bool,
    as_package: bool,
    fast: bool = True,
) -> Fits:
    """Fit every series at every tested period. `fast` false takes the row-by-row form throughout."""
    shape = (panel.n_series, len(at))
    mu, se_log, phi, slope = (np.empty(shape) for _ in range(4))
    kept, code = np.empty(shape, dtype=np.int8), np.full(shape, DEFERRED, dtype=np.int16)
    none = np.zeros((0, 0))
    population = panel.population if population_offset and panel.population is not None else none
    most = int((reference.bounds[:, -1] - reference.bounds[:, 0]).max(initial=0))
    critical = critical_t(p_threshold_trend, most)
    if fast and not population.size and reference.bounds.shape[1] <= LANES + 1:
        shared = cut(reference)
        _fit_stretches(
            panel.counts,
            len(at),
            shared.pattern,
            shared.origin,
            shared.shift,
            shared.clock,
            shared.unit,
            shared.first_row,
            shared.first_run,
            shared.seasons,
            shared.reach,
            shared.moments,
            shared.offset,
            shared.time,
            shared.season,
            shared.run_row,
            shared.run_offset,
            shared.run_time,
            shared.run_season,
            reference.tick_now,
            np.unique(reference.rows).astype(np.uint32),
            trend,
            critical,
            reweight,
            weights_threshold,
            as_package,
            panel.dates is not None,
            mu,
            se_log,
            phi,
            slope,
            kept,
            code,
        )
    if not (code == DEFERRED).any():
        return Fits(mu, se_log, phi, slope, kept, code)
    _fit_panel(
        panel.counts,
        population,
        at,
        reference.rows.astype(np.uint64),
        reference.tick.astype(np.uint64),
        reference.unit,
        reference.bounds,
        reference.tick_now,
        reference.short,
        trend,
        critical,
        reweight,
        weights_threshold,
        as_package,
        panel.dates is not None,
        mu,
        se_log,
        phi,
        slope,
        kept,
        code,
    )
    return Fits(mu, se_log, phi, slope, kept, code)


@lru_cache(maxsize=64)
def critical_t(p_threshold: float, most: int) -> Floats:
    """|t| above which a two-sided t test has p < `p_threshold`, for 0 ... `most` degrees of
    freedom. Slopes are tested against this table so that the kernel needs no t distribution. Not to be
    written to."""
    if p_threshold > 1:
        return np.full(most + 1, -1.0)  # also a slope of exactly 0
    if p_threshold <= 0:
        return np.full(most + 1, np.inf)
    freedom = np.arange(most + 1, dtype=np.float64)
    table = np.full(most + 1, np.inf)
    table[1:] = np.abs(stdtrit(freedom[1:], p_threshold / 2))
    return table
