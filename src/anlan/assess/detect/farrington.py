"""Farrington: the original quasi-Poisson detector for counts with years of history.

Farrington, Andrews, Beale, Catchpole (1996), "A statistical algorithm for the early detection of
outbreaks of infectious disease", J R Stat Soc A 159:547-563. Parameters carry the names of
`surveillance::algo.farrington`, written with underscores. The bound is the upper end of a two-sided
prediction interval of level 1 - `alpha`, that is the 1 - `alpha` / 2 quantile; a trend needs p < 0.05,
three years and no prediction above every count of the windows.

`compat="surveillance"` gives that package's numbers, flaws included. By default they are mended:

* too few recent cases (limit54): no bound (not a bound of 0 below every count), and the score is kept;
* missing values in the windows are left out; the package stops, or drops them without reweighting;
* a missing tested value is unknown; missing values among the last `limit54[1]` periods leave the known
  cases to decide, or the answer is unknown; the package gives nothing;
* no case in the windows: half a case stands in (Jeffreys' prior), reason `NO_CASES_IN_SEASON`; in the
  package the level and so the bound depend on when the steps of the fit stop;
* no convergence: a pooled rate with half a case, reason `NO_CONVERGENCE`; the package goes on with the
  fit as it stood (`fit_fun="fast"`) or gives up the whole series (`"glm"`, `"population_offset"`);
* dispersion: at least 1 in the trend test as in the bound; the package tests the trend with a
  dispersion below 1 where counts are smooth, and keeps trends that chance explains;
* a trend that leaves the mean unknown by more than a factor e is refused;
* a monthly axis that stands on the 29th to 31st is compared with the same months; R's dates run over
  into the next month and give one month twice and another not at all.

Together they change 2-4 % of the trend decisions and 0.03 % of the answers on Salmonella Newport in 16
German states (2009-2014), 0.2 % on the 100 simulated series of the reference data, none on
campylobacteriosis or rotavirus (b = 4, other parameters as by default).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from scipy.special import ndtr, stdtrit

from anlan.assess.detect.bounds import POWERS, delta_bound
from anlan.assess.detect.farrington_flexible import recent_cases
from anlan.assess.detect.farrington_original_fit import fit_windows
from anlan.assess.detect.farrington_windows import window_rows
from anlan.assess.detect.panel import (
    Bytes,
    Detection,
    Floats,
    Ints,
    Known,
    Panel,
    Reason,
    Shorts,
    Test,
    decide,
)
from anlan.assess.detect.seasons import DATED
from anlan.assess.detect.spec import Param, Spec

#: the compiled kernel, whose arguments mypy cannot see
_fit_windows: Callable[..., None] = fit_windows

PowerTrans: TypeAlias = Literal["2/3", "1/2", "none"]
FitFun: TypeAlias = Literal["fast", "glm", "population_offset"]
Compat: TypeAlias = Literal["mended", "surveillance"]

#: a trend is kept where its p-value is below this
_P_TREND = 0.05


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


def farrington(
    panel: Panel,
    test: Test,
    *,
    b: int = 5,
    w: int = 3,
    reweight: bool = True,
    alpha: float = 0.05,
    trend: bool = True,
    limit54: tuple[int, int] = (5, 4),
    powertrans: PowerTrans = "2/3",
    fit_fun: FitFun = "fast",
    compat: Compat = "mended",
) -> Detection:
    """Test `panel` at `test`; what each parameter means stands in `SPECS`. Years that are not on the
    axis are left out; with fewer than two known counts more than the model needs the answer is unknown,
    `TOO_FEW_HISTORY`. `variance` is that of one value about `expected`, the error of the mean included."""
    _check(panel, b, w, alpha, limit54, powertrans, fit_fun, compat)
    at = panel.test_indexes(test)
    fits = _fit(panel, at, b=b, w=w, trend=trend, reweight=reweight, fit_fun=fit_fun, compat=compat)
    y = panel.counts[:, at]
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        bound, p_value = delta_bound(y, fits.mu, fits.se_log, fits.phi, alpha / 2, powertrans)
        above = y > bound
        score = (y - fits.mu) / (bound - fits.mu)
        variance = fits.mu * (fits.phi + fits.mu * fits.se_log**2)
    cases, hidden = recent_cases(panel.counts, at, limit54[1])
    enough = cases >= limit54[0]
    reason = fits.reason.copy()
    threshold = bound
    if compat == "surveillance":
        alarmed = (score > 1) & enough
        threshold = np.where(hidden, np.nan, np.where(enough, bound, 0.0))
        score = np.where(hidden, np.nan, np.where(enough, score, 0.0))
        reason[~enough & (reason == Reason.OK)] = Reason.TOO_FEW_CASES
        reason[enough & (reason == Reason.OK) & np.isnan(bound)] = Reason.NO_BOUND
        reason[hidden] = Reason.MISSING_VALUE
        blind = [Reason.MISSING_VALUE, Reason.NO_BOUND, Reason.TOO_FEW_HISTORY, Reason.NO_CONVERGENCE]
    else:
        alarmed = above & enough & (y > 0)
        perhaps = ~enough & hidden
        threshold = np.where(enough | perhaps, bound, np.nan)
        reason[~enough & ~(perhaps & above)] = Reason.TOO_FEW_CASES
        reason[perhaps & above] = Reason.MISSING_VALUE
        no_bound = np.isnan(bound)
        reason[no_bound] = Reason.NO_BOUND
        if fit_fun == "population_offset" and panel.population is not None:
            with np.errstate(invalid="ignore"):
                reason[no_bound & ~(panel.population[:, at] > 0)] = Reason.NO_POPULATION
        reason[fits.reason == Reason.TOO_FEW_HISTORY] = Reason.TOO_FEW_HISTORY
        blind = [Reason.MISSING_VALUE, Reason.NO_BOUND, Reason.TOO_FEW_HISTORY, Reason.NO_POPULATION]
        reason[np.isnan(y)] = Reason.MISSING_VALUE
    alarm = decide(alarmed, reason, blind)
    return Detection(
        test=at,
        expected=fits.mu,
        threshold=threshold,
        score=score,
        p_value=p_value,
        variance=variance,
        phi=fits.phi,
        trend_coef=fits.slope,
        alarm=alarm,
        state=np.where(np.isin(reason, blind), Known.UNKNOWN, Known.KNOWN).astype(np.int8),
        reason=reason,
        trend=fits.kept,
    )


def quantile_of_value(y: Floats, found: Detection, powertrans: PowerTrans) -> Floats:
    """Probability under no outbreak of a value below y, [n_series, n_test] as the detection `found` by
    `farrington` with this `powertrans`."""
    power = POWERS[powertrans]
    with np.errstate(invalid="ignore", divide="ignore"):
        sd = power * found.expected ** (power - 1) * np.sqrt(found.variance)
        below: Floats = ndtr((y**power - found.expected**power) / sd)
    return below


def _fit(
    panel: Panel,
    at: Ints,
    *,
    b: int,
    w: int,
    trend: bool,
    reweight: bool,
    fit_fun: FitFun,
    compat: Compat,
) -> Fits:
    """Fit every series at every tested period."""
    as_package = compat == "surveillance"
    rows, bounds = window_rows(
        at, n_time=panel.n_time, freq=panel.freq, dates=panel.dates, b=b, w=w, as_package=as_package
    )
    shape = (panel.n_series, len(at))
    mu, se_log, phi, slope = (np.empty(shape) for _ in range(4))
    kept, code = np.empty(shape, dtype=np.int8), np.empty(shape, dtype=np.int16)
    with_population = fit_fun == "population_offset" and panel.population is not None
    _fit_windows(
        panel.counts,
        panel.population if with_population else np.zeros((0, 0)),
        at,
        rows,
        bounds,
        trend and b >= 3,  # a trend over fewer years is always refused
        _critical_t(b * (2 * w + 1)),
        reweight,
        as_package,
        fit_fun == "fast",
        mu,
        se_log,
        phi,
        slope,
        kept,
        code,
    )
    return Fits(mu, se_log, phi, slope, kept, code)


def _critical_t(most: int) -> Floats:
    """|t| above which the two-sided p-value of a slope is below `_P_TREND`, for 0 ... `most` degrees of
    freedom."""
    table = np.full(most + 1, np.inf)
    table[1:] = np.abs(stdtrit(np.arange(1, most + 1, dtype=np.float64), _P_TREND / 2))
    return table


def _check(
    panel: Panel,
    b: int,
    w: int,
    alpha: float,
    limit54: tuple[int, int],
    powertrans: str,
    fit_fun: str,
    compat: str,
) -> None:
    for name, found, expected in (
        ("powertrans", powertrans, tuple(POWERS)),
        ("fit_fun", fit_fun, ("fast", "glm", "population_offset")),
        ("compat", compat, ("mended", "surveillance")),
    ):
        if found not in expected:
            raise ValueError(f"{name} must be one of {', '.join(expected)}; found {found!r}")
    if fit_fun == "population_offset" and panel.population is None:
        raise ValueError("fit_fun population_offset needs a panel with population, found none")
    if panel.dates is not None and panel.freq not in DATED:
        raise ValueError(
            "a dated panel must be weekly (52), monthly (12) or daily (365), "
            f"found freq {panel.freq}: leave the dates out"
        )
    if b < 1:
        raise ValueError(f"b must be at least 1 year, found {b}")
    if w < 0 or (w >= panel.freq and compat != "surveillance"):
        raise ValueError(f"w must be at least 0 and below a year ({panel.freq} periods), found {w}")
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must lie between 0 and 1, found {alpha}")
    if len(limit54) != 2 or limit54[0] < 0 or limit54[1] < 1:
        raise ValueError("limit54 must be (cases >= 0, periods >= 1), found " + repr(tuple(limit54)))


def _history(params: Mapping[str, Any], freq: int) -> int:
    """The years asked for and the window of the first one."""
    return math.ceil(freq * int(params["b"]) * 366 / 365) + int(params["w"]) + 1


SPECS = (
    Spec(
        "farrington",
        farrington,
        (
            Param("b", "int", 5, "years to go back"),
            Param("w", "int", 3, "half-width of the window about the same date in past years, periods"),
            Param("reweight", "bool", True, "give past outbreaks less weight"),
            Param("alpha", "float", 0.05, "two-sided level of the prediction interval"),
            Param("trend", "bool", True, "fit a linear trend where three conditions hold"),
            Param(
                "limit54",
                "(int, int)",
                (5, 4),
                "no alarm with fewer than this many cases in this many last periods",
            ),
            Param("powertrans", "str", "2/3", "power transform of counts", tuple(POWERS)),
            Param(
                "fit_fun",
                "str",
                "fast",
                "the regression used: counts (two forms that differ only under compat), or rates with log "
                "population as offset",
                ("fast", "glm", "population_offset"),
            ),
            Param(
                "compat",
                "str",
                "mended",
                "the R package's numbers with its flaws, or the mended ones",
                ("mended", "surveillance"),
            ),
        ),
        title="Farrington (original)",
        source="Farrington et al. 1996, J R Stat Soc A 159:547-563",
        history=_history,
    ),
)
