"""Bayesian online change point detection: how likely is it that a new regime has begun.

Adams, MacKay (2007), "Bayesian online changepoint detection", arXiv:0710.3742: the run length r (readings
since the last change) has a posterior that each reading updates,

    P(r+1, x) = P(r) p(x | run) (1 - H)        P(0, x) = sum_r P(r) p(x | run) H        H = 1 / mean_run

with normal readings of unknown mean and variance (normal-inverse-gamma prior, Student predictive; Murphy
2007, "Conjugate Bayesian analysis of the Gaussian distribution"). In units of a calm baseline the prior is
mean 0 with the weight of one reading, variance about 1. P(0) alone is always H; what tells is the
probability of a run of at most `lag` readings. Runs beyond `max_run` readings are taken together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numba import njit
from scipy.special import gammaln

from anlan.assess.detect.panel import Detection, Panel, Reason, Test, decide, detection
from anlan.assess.detect.reference_run import RUN, check_run, reference_run
from anlan.assess.detect.spec import Param, Spec

#: prior: weight of the mean in readings, shape and rate of the precision
KAPPA, ALPHA, BETA = 1.0, 1.0, 1.0


def bocpd(
    panel: Panel,
    test: Test,
    *,
    mean_run: float = 200.0,
    lag: int = 5,
    limit: float = 0.5,
    max_run: int = 300,
    baseline: int = 52,
    run_in: int = 104,
) -> Detection:
    """Test `panel` at contiguous `test`. Alarm where the posterior probability that a change came with
    one of the last `lag` readings is above `limit`; `score` is that probability over `limit`; `expected`
    the mean predicted before the reading. Unknown for the first 2 `lag` readings of a run."""
    check_run(baseline, run_in)
    if mean_run <= 1 or lag < 1 or not 0 < limit < 1 or max_run <= 2 * lag:
        raise ValueError(
            "mean_run must be above 1, lag at least 1, limit between 0 and 1 and max_run above 2 lag, "
            f"found {mean_run}, {lag}, {limit} and {max_run}"
        )
    at = panel.test_indexes(test)
    run = reference_run(panel, at, baseline, run_in)
    recent, mean = np.full(run.z.shape, np.nan), np.full(run.z.shape, np.nan)
    _posterior_panel(run.z, 1.0 / mean_run, lag, _constants(max_run), recent, mean)
    recent, mean = recent[:, run.lead :], mean[:, run.lead :]
    reason = run.reason.copy()
    reason[np.isnan(recent) & (reason != Reason.MISSING_VALUE)] = Reason.TOO_FEW_HISTORY
    return detection(
        at,
        expected=run.centre[:, None] + run.scale[:, None] * mean,
        score=recent / limit,
        alarm=decide(recent > limit, reason, [Reason.MISSING_VALUE, Reason.TOO_FEW_HISTORY]),
        reason=reason,
    )


def _constants(max_run: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """log of the Student density's factor that depends on the run's length alone, [max_run + 1]."""
    shape = ALPHA + np.arange(max_run + 1) / 2
    found: np.ndarray[Any, np.dtype[np.float64]] = (
        gammaln(shape + 0.5) - gammaln(shape) - 0.5 * np.log(2 * np.pi * shape)
    )
    return found


@njit(cache=True, nogil=True)
def _posterior(z, hazard, lag, constant, recent, expected):  # type: ignore[no-untyped-def]
    """Probability of a run of fewer than `lag` whole readings after each known one, and the predicted
    mean before it. Run r has seen r readings; `constant` belongs to r."""
    most = len(constant) - 1
    p = np.empty(most + 1)
    mu = np.empty(most + 1)
    kappa = np.empty(most + 1)
    alpha = np.empty(most + 1)
    beta = np.empty(most + 1)
    for row in range(len(z)):
        runs, seen = 1, 0
        p[0], mu[0], kappa[0], alpha[0], beta[0] = 1.0, 0.0, KAPPA, ALPHA, BETA
        for t in range(z.shape[1]):
            x = z[row, t]
            mean = 0.0
            for r in range(runs):
                mean += p[r] * mu[r]
            expected[row, t] = mean
            if np.isnan(x):
                continue
            seen += 1
            top = -np.inf
            log = np.empty(runs)
            for r in range(runs):
                spread = beta[r] * (kappa[r] + 1) / (alpha[r] * kappa[r])
                log[r] = (
                    constant[r]
                    - 0.5 * np.log(spread)
                    - (alpha[r] + 0.5) * np.log1p((x - mu[r]) ** 2 / (2 * alpha[r] * spread))
                )
                top = max(top, log[r])
            change = 0.0
            total = 0.0
            for r in range(runs):
                w = p[r] * np.exp(log[r] - top)
                change += w * hazard
                total += w
                p[r] = w * (1 - hazard)
            # every run grows by the reading; what outgrows the table counts as of its longest run
            if runs == most + 1:
                p[most - 1] += p[most]
            for r in range(min(runs, most) - 1, -1, -1):
                mu[r + 1] = (kappa[r] * mu[r] + x) / (kappa[r] + 1)
                beta[r + 1] = beta[r] + kappa[r] * (x - mu[r]) ** 2 / (2 * (kappa[r] + 1))
                kappa[r + 1] = kappa[r] + 1
                alpha[r + 1] = alpha[r] + 0.5
                p[r + 1] = p[r]
            p[0], mu[0], kappa[0], alpha[0], beta[0] = change, 0.0, KAPPA, ALPHA, BETA
            runs = min(runs + 1, most + 1)
            for r in range(runs):
                p[r] /= total
            if seen > 2 * lag:
                near = 0.0
                for r in range(min(lag, runs - 1) + 1):
                    near += p[r]
                recent[row, t] = near


#: the compiled kernel, whose arguments mypy cannot see
_posterior_panel: Callable[..., None] = _posterior


def _history(params: Mapping[str, Any], freq: int) -> int:
    """Baseline and run-in."""
    del freq
    return int(params["baseline"]) + int(params["run_in"])


SPECS = (
    Spec(
        "bocpd",
        bocpd,
        (
            Param("mean_run", "float", 200.0, "readings between changes, expected"),
            Param("lag", "int", 5, "a change with one of so many last readings is news"),
            Param("limit", "float", 0.5, "probability above which it is an alarm"),
            Param("max_run", "int", 300, "runs longer than this many readings are taken together"),
            *RUN,
        ),
        title="Bayesian online change points",
        source="Adams, MacKay 2007, arXiv:0710.3742",
        history=_history,
        values="reading",
        sequential=True,
    ),
)
