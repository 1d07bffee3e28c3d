"""GLR and LR charts: a change in the mean of counts, its time unknown and its size unknown or known.

Hoehle, Paul (2008), "Count data regression charts for the monitoring of surveillance time series",
Comput Stat Data Anal 52:4357-4368; Hoehle (2006), "Poisson regression charts for the monitoring of
surveillance time series", SFB 386 discussion paper 500. `glr_statistics` holds the statistics. The
in-control mean is given, or a regression with annual harmonics on the periods before the first tested
one. An alarm is a statistic of at least `c_arl` (above it where `theta` is given, and for the Poisson
epidemic chart); after an alarm the chart begins anew with the next period.

`score` is statistic / `c_arl`, `expected` the in-control mean, `variance` mean + alpha mean^2.
`threshold` is worked out with `ret="cases"` (slower): where an increase is looked for the largest count
without an alarm; where a decrease is, the smallest without one, and a count below it is the alarm.

`compat="surveillance"` gives the numbers of `surveillance::algo.glrpois` and `algo.glrnb`, where the
column is the statistic (`ret="value"`) or a number of cases. By default their flaws are mended:

* a missing count is unknown and says nothing; the package stops at the first one;
* looking for a decrease, a silence (no case since the change) counts with its full likelihood; in the
  package's Poisson chart it is not a number and is passed over, so that no silence is ever an alarm (on
  the 100 simulated series of the reference data 384 alarms in place of 293);
* the epidemic chart of negative binomial counts looks for the likeliest lambda; the package puts the
  likeliest change of the intercept in its place, and its statistic is too small, often negative (on the
  simulated series 1,886 alarms in place of 604, alpha = 0.2);
* the epidemic chart takes the count before the first tested period from the series, not as 0;
* `mtilde` is the least number of periods since the change in every chart; the package's Poisson chart
  ignores it without a window and asks for one period more with one;
* the search for the likeliest change is bracketed; the package's steps may run away and leave a statistic
  that is no maximum;
* no case before the first tested period, or a regression that does not converge: the mean with half a
  case stands in, reasons `NO_CASES_IN_SEASON`, `NO_CONVERGENCE`; the package goes on with means of 1e-10;
* the bound of the negative binomial chart is found for every count; the package steps from the observed
  one by ones and gives 1e99 where that is 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from anlan.assess.detect.glr_charts import charts
from anlan.assess.detect.glr_statistics import EPI, GLR, LR
from anlan.assess.detect.harmonic_glm import harmonic_design
from anlan.assess.detect.panel import Detection, Floats, Ints, Panel, Reason, Test, decide, detection
from anlan.assess.detect.spec import Param, Spec

Change: TypeAlias = Literal["intercept", "epi"]
Direction: TypeAlias = Literal["inc", "dec"]
Ret: TypeAlias = Literal["value", "cases"]
Compat: TypeAlias = Literal["mended", "surveillance"]
Means: TypeAlias = float | Sequence[float] | None


@dataclass(frozen=True, slots=True)
class Chart:
    """What the chart gave, arrays [n_series, n_test]: the statistic, the in-control mean, the bound (NaN
    unless asked for), code as `Reason`; `alpha` [n_series]; `late` whether the last period had an alarm."""

    value: Floats
    mean: Floats
    bound: Floats
    code: Ints
    alpha: Floats
    late: bool


def glrpois(
    panel: Panel,
    test: Test,
    *,
    c_arl: float = 5,
    mu0: Means = None,
    s: int = 1,
    trend: bool = False,
    refit: bool = False,
    mtilde: int = 1,
    m: int = -1,
    change: Change = "intercept",
    theta: float | None = None,
    dir: Direction = "inc",
    ret: Ret = "value",
    x_max: int = 10_000,
    compat: Compat = "mended",
) -> Detection:
    """Test `panel` at `test` (contiguous, in order; the chart begins there) as Poisson counts; what each
    parameter means stands in `SPECS`."""
    return glrnb(
        panel,
        test,
        c_arl=c_arl,
        mu0=mu0,
        s=s,
        trend=trend,
        refit=refit,
        alpha=0.0,
        mtilde=mtilde,
        m=m,
        change=change,
        theta=theta,
        dir=dir,
        ret=ret,
        x_max=x_max,
        compat=compat,
    )


def glrnb(
    panel: Panel,
    test: Test,
    *,
    c_arl: float = 5,
    mu0: Means = None,
    s: int = 1,
    trend: bool = False,
    refit: bool = False,
    alpha: float | None = None,
    mtilde: int = 1,
    m: int = -1,
    change: Change = "intercept",
    theta: float | None = None,
    dir: Direction = "inc",
    ret: Ret = "value",
    x_max: int = 10_000,
    compat: Compat = "mended",
) -> Detection:
    """Test `panel` at `test` (contiguous, in order; the chart begins there) as negative binomial counts;
    `alpha` None is estimated with the mean. What each parameter means stands in `SPECS`."""
    _check(c_arl, mu0, s, alpha, mtilde, m, change, theta, dir, ret, x_max, compat)
    at = panel.test_indexes(test)
    chart = run_chart(
        panel,
        at,
        c_arl=c_arl,
        mu0=mu0,
        harmonics=s,
        trend=trend,
        refit=refit,
        alpha=math.nan if alpha is None else float(alpha),
        least=mtilde,
        window=m,
        kind=EPI if change == "epi" else (GLR if theta is None else LR),
        sign=1 if dir == "inc" else -1,
        theta=theta or 0.0,
        cases=ret == "cases",
        most=x_max,
        as_package=compat == "surveillance",
    )
    y = panel.counts[:, at]
    reason = chart.code.astype(np.int16)
    missing = np.isnan(y)
    if compat == "surveillance":
        missing = missing.cumsum(axis=1) > 0
    reason[missing] = Reason.MISSING_VALUE
    reason[~missing & np.isnan(chart.value) & (reason != Reason.TOO_FEW_HISTORY)] = Reason.NO_BOUND
    blind = [Reason.MISSING_VALUE, Reason.TOO_FEW_HISTORY, Reason.NO_BOUND]
    strict = theta is not None or (change == "epi" and alpha == 0)
    above = chart.value > c_arl if strict else chart.value >= c_arl
    shows_value = compat == "surveillance" and ret == "value"
    return detection(
        at,
        expected=chart.mean,
        threshold=np.maximum(chart.value, 0.0) if shows_value else chart.bound,
        score=np.where(missing, np.nan, chart.value / c_arl),
        variance=chart.mean + chart.alpha[:, None] * chart.mean**2,
        alarm=decide(above, reason, blind),
        reason=reason,
    )


def run_chart(
    panel: Panel,
    at: Ints,
    *,
    c_arl: float,
    mu0: Means,
    harmonics: int,
    trend: bool,
    refit: bool,
    alpha: float,
    least: int,
    window: int,
    kind: int,
    sign: int,
    theta: float,
    cases: bool,
    most: int,
    as_package: bool,
) -> Chart:
    """Run the chart over the tested periods of every series."""
    shape = (panel.n_series, len(at))
    mean, value, bound = np.full(shape, np.nan), np.full(shape, np.nan), np.full(shape, np.nan)
    code, alphas = np.zeros(shape, dtype=np.int64), np.full(panel.n_series, alpha)
    fitted = mu0 is None
    if not fitted:
        given = np.asarray(mu0, dtype=np.float64)
        if given.ndim > 1 or given.size not in (1, len(at)):
            raise ValueError(
                f"mu0 must be one number or one per tested period ({len(at)}), found {given.size} numbers"
            )
        if not (given > 0).all():
            raise ValueError("mu0 must hold means above 0, found another or a missing one")
        mean[:] = given.ravel()
    late = np.zeros(panel.n_series, dtype=np.bool_)
    if at.size:
        _charts(
            panel.counts,
            harmonic_design(panel.n_time, panel.freq, harmonics, trend),
            at,
            fitted,
            refit,
            c_arl,
            least,
            window,
            kind,
            sign,
            theta,
            cases,
            float(most),
            as_package,
            alphas,
            mean,
            value,
            bound,
            code,
            late,
        )
    return Chart(value, mean, bound, code, alphas, bool(late.any()))


#: the compiled kernel, whose arguments mypy cannot see
_charts: Callable[..., None] = charts


def _check(
    c_arl: float,
    mu0: Means,
    s: int,
    alpha: float | None,
    mtilde: int,
    m: int,
    change: str,
    theta: float | None,
    direction: str,
    ret: str,
    x_max: int,
    compat: str,
) -> None:
    for name, found, expected in (
        ("change", change, ("intercept", "epi")),
        ("dir", direction, ("inc", "dec")),
        ("ret", ret, ("value", "cases")),
        ("compat", compat, ("mended", "surveillance")),
    ):
        if found not in expected:
            raise ValueError(f"{name} must be one of {', '.join(expected)}; found {found!r}")
    if not c_arl > 0:
        raise ValueError(f"c_arl must be above 0, found {c_arl}")
    if s < 0:
        raise ValueError(f"s must be at least 0 harmonics, found {s}")
    if alpha is not None and not alpha >= 0:
        raise ValueError(f"alpha must be at least 0, found {alpha}")
    if alpha is None and mu0 is not None:
        raise ValueError("alpha is estimated together with the mean: give alpha with mu0")
    if mtilde < 1:
        raise ValueError(f"mtilde must be at least 1 period, found {mtilde}")
    if m != -1 and m < (0 if compat == "surveillance" else mtilde):
        raise ValueError(f"m must be -1 (no window) or at least mtilde ({mtilde}), found {m}")
    if theta is not None and (theta == 0 or not np.isfinite(theta)):
        raise ValueError(f"theta must be a number other than 0, found {theta}")
    if change == "epi" and compat == "mended" and direction == "dec":
        raise ValueError("the epidemic chart looks for an increase alone: dir must be inc, found 'dec'")
    if change == "epi" and compat == "surveillance" and ret == "cases":
        raise ValueError("the package's epidemic chart gives no cases: ret must be value, found 'cases'")
    if x_max < 1:
        raise ValueError(f"x_max must be at least 1, found {x_max}")


def _history(params: Mapping[str, Any], freq: int) -> int:
    """Three years for the regression; one period where the mean is given."""
    return 3 * freq if params["mu0"] is None else 1


def _params(*alpha: Param) -> tuple[Param, ...]:
    return (
        Param("c_arl", "float", 5, "statistic at which there is an alarm"),
        Param(
            "mu0",
            "float, list or none",
            None,
            "in-control mean, a number or one per tested period; none = regression on the periods before",
        ),
        Param("s", "int", 1, "annual harmonics of the regression"),
        Param("trend", "bool", False, "linear trend in the regression"),
        Param("refit", "bool", False, "fit the regression anew after an alarm"),
        *alpha,
        Param("mtilde", "int", 1, "least number of periods since the change"),
        Param("m", "int", -1, "largest number of periods since the change; -1 = no limit"),
        Param(
            "change",
            "str",
            "intercept",
            "what changes: the level, or a share of the last count is added",
            ("intercept", "epi"),
        ),
        Param("theta", "float or none", None, "known change of the log mean; none = the likeliest"),
        Param("dir", "str", "inc", "look for an increase or a decrease", ("inc", "dec")),
        Param(
            "ret", "str", "value", "work out the statistic alone, or the bound in cases", ("value", "cases")
        ),
        Param("x_max", "int", 10_000, "count up to which the package looks for a bound (compat only)"),
        Param(
            "compat",
            "str",
            "mended",
            "the R package's numbers with its flaws, or the mended ones",
            ("mended", "surveillance"),
        ),
    )


_SOURCE = "Hoehle, Paul 2008, Comput Stat Data Anal 52:4357-4368"

SPECS = (
    Spec(
        "glrpois",
        glrpois,
        _params(),
        title="GLR chart of Poisson counts",
        source=_SOURCE,
        history=_history,
        sequential=True,
        live={"ret": "cases"},
    ),
    Spec(
        "glrnb",
        glrnb,
        _params(
            Param(
                "alpha",
                "float or none",
                None,
                "overdispersion, variance = mean + alpha mean^2; none = estimated with the mean",
            )
        ),
        title="GLR chart of negative binomial counts",
        source=_SOURCE,
        history=_history,
        sequential=True,
        live={"ret": "cases"},
    ),
)
