"""RKI: a count beyond a confidence bound about the mean of its reference values.

The rule of the Robert Koch Institute as written by Hoehle (2007), "surveillance: An R package for the
monitoring of infectious diseases", Comput Stat 22:571-582, section 2.2. With m and s the mean and
standard deviation of the reference values, the bound is m + 2 s where m is above 20; below, it is the
upper 95 % confidence limit of a Poisson mean for the whole part of m, from Crow, Gardner (1959),
"Confidence intervals for the expectation of a Poisson variable", Biometrika 46:441-453, table 1.

`compat="surveillance"` gives the numbers of `surveillance::algo.rki`. By default three flaws are mended:

* missing reference values are left out; the package stops at the first one, and with it the whole run;
* a panel with dates is compared by dates; the package counts back whole years of `freq` periods, and is
  a week off after each year with 53 weeks;
* w = 0 with `act_y` takes no value of this year; the package takes the tested value itself and the one
  before it.
"""

from __future__ import annotations

import numpy as np

from anlan.assess.detect.bayes import (
    STRICTNESS,
    Compat,
    ShortHistory,
    check_windows,
    exceedance,
    moments,
    too_short,
    window_params,
    windows_history,
)
from anlan.assess.detect.panel import Detection, Panel, Reason, Test, decide, detection
from anlan.assess.detect.past_windows import past_rows
from anlan.assess.detect.spec import Spec

#: Crow, Gardner (1959): upper 95 % confidence limits of a Poisson mean for counts 0 ... 20
UPPER = np.array(
    [
        3.285,
        5.323,
        6.686,
        8.102,
        9.598,
        11.177,
        12.817,
        13.765,
        14.921,
        16.768,
        17.633,
        19.050,
        20.335,
        21.364,
        22.945,
        23.762,
        25.400,
        26.306,
        27.735,
        28.966,
        30.017,
    ]
)


def rki(
    panel: Panel,
    test: Test,
    *,
    b: int = 2,
    w: int = 4,
    act_y: bool = False,
    compat: Compat = "mended",
    short_history: ShortHistory = "raise",
) -> Detection:
    """Test `panel` at `test`; what each parameter means stands in `SPECS`. `variance` is s^2 above a mean
    of 20, else the mean. A rule without a stated law: no p-value."""
    check_windows(panel, b, w, compat, short_history)
    if b == 0 and not act_y:
        raise ValueError("b = 0 without act_y leaves no reference values: take past years or act_y")
    at = panel.test_indexes(test)
    short = too_short(at, panel.freq, b, w, short_history)
    as_package = compat == "surveillance"
    known, total, squares = moments(panel, at, b=b, w=w, act_y=act_y, as_package=as_package)
    y = panel.counts[:, at]
    reason = np.full(y.shape, Reason.OK, dtype=np.int16)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = total / known
        many = mean > 20
        variance = np.where(many, squares / (known - 1), mean)
        step = np.where(many | np.isnan(mean), 0, np.floor(mean)).astype(np.int64)
        bound = np.where(many, mean + 2 * np.sqrt(variance), UPPER[np.maximum(step, 0)])
    bound[np.isnan(mean)] = np.nan
    reason[np.isnan(bound)] = Reason.NO_BOUND  # one reference value above 20 has no spread
    reason[known == 0] = Reason.TOO_FEW_HISTORY
    if as_package:
        asked = np.diff(past_rows(panel, at, b=b, w=w, act_y=act_y, as_package=True)[1])
        reason[known < asked] = Reason.MISSING_VALUE
    reason[:, short] = Reason.TOO_FEW_HISTORY
    reason[np.isnan(y)] = Reason.MISSING_VALUE
    blind = [Reason.NO_BOUND, Reason.TOO_FEW_HISTORY, Reason.MISSING_VALUE]
    return detection(
        at,
        expected=mean,
        threshold=bound,
        score=exceedance(y, mean, bound),
        variance=variance,
        alarm=decide(y > bound, reason, blind),
        reason=reason,
    )


SPECS = (
    Spec(
        "rki",
        rki,
        (*window_params(2, 4, False), *STRICTNESS),
        title="RKI: mean of past windows and two standard deviations",
        source="Hoehle 2007, Comput Stat 22:571-582; Crow, Gardner 1959, Biometrika 46:441-453",
        history=windows_history,
        live={"short_history": "unknown"},
    ),
)
