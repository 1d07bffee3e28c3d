"""Bayes: a count beyond the posterior predictive quantile of its reference values.

Hoehle (2007), "surveillance: An R package for the monitoring of infectious diseases", Comput Stat
22:571-582, section 2.3; Riebler (2004), "Empirischer Vergleich von statistischen Methoden zur
Ausbruchserkennung bei Surveillance Daten" (thesis, LMU Munich). With n reference values that sum to S,
a Poisson rate and Jeffreys' prior, the next count is negative binomial with size S + 1/2 and probability
n / (n + 1); the bound is its 1 - `alpha` quantile. No season but by the choice of windows, no trend, and
counts taken as Poisson: overdispersed series alarm more often than `alpha`.

`compat="surveillance"` gives the numbers of `surveillance::algo.bayes`. By default two flaws are mended:

* a panel with dates is compared by dates; the package counts back whole years of `freq` periods, and is
  a week off after each year with 53 weeks;
* w = 0 with `act_y` takes no value of this year; the package takes the tested value itself and the one
  before it.

In both, missing reference values are left out, and without any the answer is unknown.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias

import numpy as np

from anlan.assess.detect.bounds import count_bound
from anlan.assess.detect.panel import Detection, Floats, Ints, Panel, Reason, Test, decide, detection
from anlan.assess.detect.past_windows import past_rows, window_moments
from anlan.assess.detect.spec import Param, Spec

#: the compiled kernel, whose arguments mypy cannot see
_window_moments: Callable[..., None] = window_moments

Compat: TypeAlias = Literal["mended", "surveillance"]
ShortHistory: TypeAlias = Literal["raise", "unknown"]


def bayes(
    panel: Panel,
    test: Test,
    *,
    b: int = 0,
    w: int = 6,
    act_y: bool = True,
    alpha: float = 0.05,
    compat: Compat = "mended",
    short_history: ShortHistory = "raise",
) -> Detection:
    """Test `panel` at `test`; what each parameter means stands in `SPECS`. `expected` and `variance` are
    those of the predictive distribution, `p_value` its probability of a count this high."""
    check_windows(panel, b, w, compat, short_history)
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must lie between 0 and 1, found {alpha}")
    at = panel.test_indexes(test)
    short = too_short(at, panel.freq, b, w, short_history)
    known, total, _ = moments(panel, at, b=b, w=w, act_y=act_y, as_package=compat == "surveillance")
    y = panel.counts[:, at]
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(known > 0, (total + 0.5) / known, np.nan)
        phi = np.where(known > 0, 1 + 1 / known, np.nan)
    bound, p_value = count_bound(y, mean, phi, alpha)
    reason = np.full(y.shape, Reason.OK, dtype=np.int16)
    reason[np.isnan(bound)] = Reason.NO_BOUND
    reason[known == 0] = Reason.TOO_FEW_HISTORY
    reason[:, short] = Reason.TOO_FEW_HISTORY
    reason[np.isnan(y)] = Reason.MISSING_VALUE
    blind = [Reason.NO_BOUND, Reason.TOO_FEW_HISTORY, Reason.MISSING_VALUE]
    return detection(
        at,
        expected=mean,
        threshold=bound,
        score=exceedance(y, mean, bound),
        p_value=p_value,
        variance=mean * phi,
        phi=phi,
        alarm=decide(y > bound, reason, blind),
        reason=reason,
    )


def moments(
    panel: Panel, at: Ints, *, b: int, w: int, act_y: bool, as_package: bool
) -> tuple[Floats, Floats, Floats]:
    """(number, sum, sum of squares about the mean) of the known reference values, [n_series, n_test]."""
    rows, bounds = past_rows(panel, at, b=b, w=w, act_y=act_y, as_package=as_package)
    known, total, squares = (np.empty((panel.n_series, len(at))) for _ in range(3))
    _window_moments(panel.counts, rows, bounds, known, total, squares)
    return known, total, squares


def exceedance(y: Floats, mean: Floats, bound: Floats) -> Floats:
    """(y - mean) / (bound - mean); where a whole-number bound does not lie above the mean
    (y + 1) / (bound + 1), so that above 1 always means above the bound."""
    with np.errstate(divide="ignore", invalid="ignore"):
        score: Floats = np.where(bound > mean, (y - mean) / (bound - mean), (y + 1) / (bound + 1))
    return score


def too_short(at: Ints, freq: int, b: int, w: int, short_history: str) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which tested periods have not all of their reference times on the axis; ValueError where that is
    to be refused."""
    short = at - b * freq - w < 0
    if short_history == "raise" and short.any():
        raise ValueError(
            f"the series is too short: {b} year(s) back and {w} period(s) more are not on the axis for test "
            f"index {at[short][0]}; lower b or w, or test later (or take short_history='unknown')"
        )
    return short


def check_windows(panel: Panel, b: int, w: int, compat: str, short_history: str) -> None:
    """Refuse windows that make no sense."""
    if b < 0:
        raise ValueError(f"b must be at least 0 years, found {b}")
    if w < 0 or (w >= panel.freq and compat != "surveillance"):
        raise ValueError(f"w must be at least 0 and below a year ({panel.freq} periods), found {w}")
    for name, found, expected in (
        ("compat", compat, ("mended", "surveillance")),
        ("short_history", short_history, ("raise", "unknown")),
    ):
        if found not in expected:
            raise ValueError(f"{name} must be one of {', '.join(expected)}; found {found!r}")


def windows_history(params: Mapping[str, Any], freq: int) -> int:
    """The years asked for and the window of the first one."""
    return math.ceil(freq * int(params["b"]) * 366 / 365) + int(params["w"]) + 1


def window_params(b: int, w: int, act_y: bool) -> tuple[Param, ...]:
    """The parameters of the reference windows, with their defaults."""
    return (
        Param("b", "int", b, "years to go back"),
        Param("w", "int", w, "half-width of the window about the same time in past years, periods"),
        Param("act_y", "bool", act_y, "take the last w periods of this year, too"),
    )


#: the parameters that say how strictly
STRICTNESS = (
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
        "when the times asked for are not on the time axis: refuse, or answer unknown",
        ("raise", "unknown"),
    ),
)

SPECS = (
    Spec(
        "bayes",
        bayes,
        (
            *window_params(0, 6, True),
            Param("alpha", "float", 0.05, "one-sided level of the predictive quantile"),
            *STRICTNESS,
        ),
        title="Bayes: predictive quantile of Poisson counts",
        source="Hoehle 2007, Comput Stat 22:571-582",
        history=windows_history,
        live={"short_history": "unknown"},
    ),
)
