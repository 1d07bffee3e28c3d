"""Farrington Flexible: the improved quasi-Poisson detector for counts with years of history.

Noufaily, Enki, Farrington, Garthwaite, Andrews, Charlett (2013), "An improved algorithm for
outbreak detection in multiple surveillance systems", Stat Med 32(7):1206-1222,
doi:10.1002/sim.5595, after Farrington, Andrews, Beale, Catchpole (1996), J R Stat Soc A
159:547-563. Parameters carry the names of `surveillance::farringtonFlexible` (Salmon, Schumacher,
Hoehle 2016, J Stat Softw 70(10)), written with underscores.

`compat="surveillance"` gives that package's numbers, flaws included. By default they are mended:

* dispersion: the trend test and the error of the prediction use the Pearson dispersion (at least
  1); the package, after reweighting, uses a residual sum without the factor mu;
* no convergence (no cases in the history): a pooled rate with half a case stands in, reason
  `NO_CONVERGENCE`, and an alarm can be raised; the package gives up;
* a season without any case: half a case stands in, reason `NO_CASES_IN_SEASON`; the package's level
  depends on when the steps stop and `muan` thresholds reach 1e21;
* a trend that leaves the mean unknown by more than a factor e (standard error of its log above 1)
  is refused; the package keeps it with `p_threshold_trend` 1 and `muan` thresholds reach 1e100;
* a missing tested value is unknown; the package says "no alarm". With missing values among the last
  `limit54[1]` periods the known cases decide, or the answer is unknown;
* score: on the response scale for every method; the package mixes log mean and counts for
  `nb_plugin` and `muan`;
* a dated series that begins with missing values is predicted at its own time, not a shifted one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from anlan.assess.detect.bounds import POWERS, count_bound, delta_bound
from anlan.assess.detect.farrington_fits import Fits, fit_all
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
from anlan.assess.detect.seasons import DATED, reference_rows
from anlan.assess.detect.spec import Param, Spec

ThresholdMethod: TypeAlias = Literal["delta", "nb_plugin", "muan"]
PowerTrans: TypeAlias = Literal["2/3", "1/2", "none"]
Compat: TypeAlias = Literal["mended", "surveillance"]
ShortHistory: TypeAlias = Literal["raise", "unknown"]


def farrington_flexible(
    panel: Panel,
    test: Test,
    *,
    b: int = 5,
    w: int = 3,
    reweight: bool = True,
    weights_threshold: float = 2.58,
    alpha: float = 0.05,
    trend: bool = True,
    p_threshold_trend: float = 0.05,
    limit54: tuple[int, int] = (5, 4),
    powertrans: PowerTrans = "2/3",
    fit_fun: str = "flexible",
    population_offset: bool = False,
    no_periods: int = 1,
    past_weeks_not_included: int | None = None,
    threshold_method: ThresholdMethod = "delta",
    compat: Compat = "mended",
    short_history: ShortHistory = "raise",
) -> Detection:
    """Test `panel` at `test`; what each parameter means stands in `SPECS`."""
    settings = (b, w, weights_threshold, alpha, limit54, no_periods, past_weeks_not_included)
    check_settings(panel, *settings, overlapping=compat == "surveillance")
    _one_of("powertrans", powertrans, tuple(POWERS))
    _one_of("fit_fun", fit_fun, ("flexible",))
    _one_of("threshold_method", threshold_method, ("delta", "nb_plugin", "muan"))
    _one_of("compat", compat, ("mended", "surveillance"))
    _one_of("short_history", short_history, ("raise", "unknown"))
    if population_offset and panel.population is None:
        raise ValueError("population_offset needs a panel with population, found none")

    at = panel.test_indexes(test)
    past = w if past_weeks_not_included is None else past_weeks_not_included
    reference = reference_rows(
        at,
        panel.n_time,
        freq=panel.freq,
        dates=panel.dates,
        b=b,
        w=w,
        no_periods=no_periods,
        past_not_included=past,
        as_package=compat == "surveillance",
    )
    if short_history == "raise" and reference.short.any():
        raise ValueError(
            f"some reference times do not exist: {b} year(s) back and {w} period(s) more are not "
            f"on the axis for test index {at[reference.short][0]}; lower b or test later "
            "(or take short_history='unknown')"
        )
    fits = fit_all(
        panel,
        at,
        reference,
        trend=trend and b >= 3,  # a trend over fewer years is always refused
        p_threshold_trend=p_threshold_trend,
        reweight=reweight,
        weights_threshold=weights_threshold,
        population_offset=population_offset,
        as_package=compat == "surveillance",
    )
    y = panel.counts[:, at]
    # R's laws of counts take the whole part of a number, beyond 1e-7 of the next
    counted = np.floor(y + 1e-7) if compat == "surveillance" and threshold_method != "delta" else y
    threshold, p_value = _bound(counted, fits, threshold_method, powertrans, alpha)
    cases, hidden = recent_cases(panel.counts, at, limit54[1])
    if compat == "surveillance":
        return _as_package(at, y, fits, threshold, p_value, threshold_method, cases, hidden, limit54)
    return _mended(at, y, fits, threshold, p_value, cases, hidden, limit54)


def _bound(
    y: Floats, fits: Fits, method: ThresholdMethod, powertrans: PowerTrans, alpha: float
) -> tuple[Floats, Floats]:
    """(threshold, p-value) of each cell."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        if method == "delta":
            return delta_bound(y, fits.mu, fits.se_log, fits.phi, alpha, powertrans)
        mean = fits.mu
        if method == "muan":
            mean = np.exp(np.log(fits.mu) + ndtri(1 - alpha) * fits.se_log)
        return count_bound(y, mean, fits.phi, alpha)


def recent_cases(counts: Floats, at: Ints, periods: int) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """(known cases in the last `periods` periods up to `at`, whether any of them is missing)."""
    cases = np.zeros((len(counts), len(at)))
    hidden = np.zeros(cases.shape, dtype=np.bool_)
    for back in range(periods):
        there = at >= back
        value = counts[:, np.maximum(at - back, 0)]
        missing = np.isnan(value) & there
        cases += np.where(missing | ~there, 0.0, value)
        hidden |= missing
    return cases, hidden


def _as_package(
    at: Ints,
    y: Floats,
    fits: Fits,
    bound: Floats,
    p_value: Floats,
    method: ThresholdMethod,
    cases: Floats,
    hidden: npt.NDArray[np.bool_],
    limit54: tuple[int, int],
) -> Detection:
    """The package's outputs: no bound and "no alarm" with too few or partly missing recent cases,
    nothing at all (expected 0) where no fit converged."""
    enough = ~hidden & (cases >= limit54[0])
    lost = fits.reason == Reason.NO_CONVERGENCE
    with np.errstate(divide="ignore", invalid="ignore"):
        centre = fits.mu if method == "delta" else np.log(fits.mu)
        score = (y - centre) / (bound - centre)
        above = enough & (score > 1) & (y != 0)
    reason = np.where(enough | (fits.reason != Reason.OK), fits.reason, Reason.TOO_FEW_CASES)
    reason = np.where((reason == Reason.OK) & np.isnan(bound), Reason.NO_BOUND, reason)
    reason = np.where(~lost & (np.isnan(y) | hidden), Reason.MISSING_VALUE, reason).astype(np.int16)
    expected = np.where(enough & ~np.isnan(bound), fits.mu, np.nan)
    blind = [Reason.NO_CONVERGENCE, Reason.TOO_FEW_HISTORY]
    return Detection(
        test=at,
        expected=np.where(lost, 0.0, expected),
        threshold=np.where(enough & ~lost, bound, np.nan),
        score=score,
        p_value=p_value,
        variance=fits.phi * fits.mu,
        phi=fits.phi,
        trend_coef=fits.slope,
        alarm=decide(above, reason, blind),
        state=_state(reason),
        reason=reason,
        trend=fits.kept,
    )


def _mended(
    at: Ints,
    y: Floats,
    fits: Fits,
    bound: Floats,
    p_value: Floats,
    cases: Floats,
    hidden: npt.NDArray[np.bool_],
    limit54: tuple[int, int],
) -> Detection:
    """Outputs by default. An alarm is a count above the bound with enough recent cases; whether
    they are enough may be unknown, but matters only to a count above the bound."""
    with np.errstate(invalid="ignore"):
        above = (y > bound) & (y > 0)
    enough = cases >= limit54[0]
    perhaps = ~enough & hidden
    reason = fits.reason.copy()
    reason[~enough & ~(perhaps & above)] = Reason.TOO_FEW_CASES
    reason[perhaps & above] = Reason.MISSING_VALUE
    # what could not be worked out outranks what was found too small
    reason[np.isnan(bound)] = Reason.NO_BOUND
    few = fits.reason == Reason.TOO_FEW_HISTORY
    reason[few] = Reason.TOO_FEW_HISTORY
    reason[np.isnan(y)] = Reason.MISSING_VALUE
    blind = [Reason.MISSING_VALUE, Reason.TOO_FEW_HISTORY, Reason.NO_BOUND]
    return Detection(
        test=at,
        expected=fits.mu,
        threshold=np.where(enough | perhaps, bound, np.nan),
        score=exceedance(y, fits.mu, bound),
        p_value=p_value,
        variance=fits.phi * fits.mu,
        phi=fits.phi,
        trend_coef=fits.slope,
        alarm=decide(above & enough, reason, blind),
        state=_state(reason),
        reason=reason,
        trend=fits.kept,
    )


def exceedance(y: Floats, mu: Floats, bound: Floats) -> Floats:
    """(y - mu) / (bound - mu); where a whole-number bound does not lie above the mean (rare or very
    uneven counts) (y + 1) / (bound + 1), so that above 1 always means above the bound."""
    with np.errstate(divide="ignore", invalid="ignore"):
        score: Floats = np.where(bound > mu, (y - mu) / (bound - mu), (y + 1) / (bound + 1))
    return score


def _state(reason: Shorts) -> Bytes:
    unknown = np.isin(
        reason,
        [Reason.MISSING_VALUE, Reason.TOO_FEW_HISTORY, Reason.NO_BOUND],
    )
    return np.where(unknown, Known.UNKNOWN, Known.KNOWN).astype(np.int8)


def _one_of(name: str, found: str, expected: tuple[str, ...]) -> None:
    if found not in expected:
        raise ValueError(f"{name} must be one of {', '.join(expected)}; found {found!r}")


def check_settings(
    panel: Panel,
    b: int,
    w: int,
    weights_threshold: float,
    alpha: float,
    limit54: tuple[int, int],
    no_periods: int,
    past: int | None,
    overlapping: bool = False,
) -> None:
    """ValueError for settings that cannot be; `overlapping`: windows may reach into those of the next year
    (each period counts once), as the package lets them."""
    if panel.dates is not None and panel.freq not in DATED:
        raise ValueError(
            "a dated panel must be weekly (52), monthly (12) or daily (365), "
            f"found freq {panel.freq}: leave the dates out"
        )
    if b < 1:
        raise ValueError(f"b must be at least 1 year, found {b}")
    if w < 0 or (2 * w + 1 > panel.freq and not overlapping):
        raise ValueError(
            f"w must be at least 0 and its window no longer than a year ({panel.freq} periods), found {w}"
        )
    if no_periods < 1:
        raise ValueError(f"no_periods must be at least 1, found {no_periods}")
    if past is not None and past < 0:
        raise ValueError(f"past_weeks_not_included must not be negative, found {past}")
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must lie between 0 and 1, found {alpha}")
    if not weights_threshold >= 0:
        raise ValueError(f"weights_threshold must be at least 0, found {weights_threshold}")
    if len(limit54) != 2 or limit54[0] < 0 or limit54[1] < 1:
        raise ValueError("limit54 must be (cases >= 0, periods >= 1), found " + repr(tuple(limit54)))


def _history(params: Mapping[str, Any], freq: int) -> int:
    """The years asked for, one more for the season's window and the part left out."""
    return math.ceil(freq * (int(params["b"]) + 1) * 366 / 365)


SPECS = (
    Spec(
        "farrington_flexible",
        farrington_flexible,
        (
            Param("b", "int", 5, "years to go back"),
            Param("w", "int", 3, "half-width of the window about the same date in past years, periods"),
            Param("reweight", "bool", True, "give past outbreaks less weight"),
            Param(
                "weights_threshold",
                "float",
                2.58,
                "standardised Anscombe residual above which a past count gets less weight",
            ),
            Param("alpha", "float", 0.05, "one-sided level of the upper bound"),
            Param("trend", "bool", True, "fit a linear trend where three conditions hold"),
            Param(
                "p_threshold_trend",
                "float",
                0.05,
                "keep a trend only where its p-value is below this; 1 keeps any",
            ),
            Param(
                "limit54",
                "(int, int)",
                (5, 4),
                "no alarm with fewer than this many cases in this many last periods",
            ),
            Param(
                "powertrans",
                "str",
                "2/3",
                "power transform of counts for threshold_method delta",
                ("2/3", "1/2", "none"),
            ),
            Param("fit_fun", "str", "flexible", "the regression used", ("flexible",)),
            Param("population_offset", "bool", False, "model rates: log population as offset"),
            Param("no_periods", "int", 1, "seasons a year is cut into; 1 uses the windows alone"),
            Param(
                "past_weeks_not_included",
                "int or none",
                None,
                "last periods left out of the history, so that it does not learn an outbreak; none = w",
            ),
            Param(
                "threshold_method",
                "str",
                "delta",
                "how the bound is worked out: transformed normal, negative binomial, or negative "
                "binomial at the upper quantile of the mean",
                ("delta", "nb_plugin", "muan"),
            ),
            Param(
                "compat",
                "str",
                "mended",
                "the R package's numbers with its flaws, or the mended ones",
                ("mended", "surveillance"),
            ),
            Param(
                "short_history",
                "str",
                "raise",
                "when the years asked for are not on the time axis: refuse, or answer unknown",
                ("raise", "unknown"),
            ),
        ),
        title="Farrington Flexible",
        source="Noufaily et al. 2013, Stat Med 32:1206-1222",
        history=_history,
        live={"short_history": "unknown"},
    ),
)
