"""CUSUM: counts, made nearly normal, add up beyond a reference value until they reach a limit.

Rossi, Lampugnani, Marchi (1999), "An approximate CUSUM procedure for surveillance of health events",
Stat Med 18:2111-2122; Page (1954), Biometrika 41:100-115. With z the transformed count,

    S_t = max(0, S_{t-1} + z_t - k),   S_0 = 0,   alarm where S_t >= h

    standard        (y - m) / sqrt(m)
    rossi           (y - 3 m + 2 sqrt(y m)) / (2 sqrt(m))
    anscombe        3/2 (y^(2/3) - m^(2/3)) / m^(1/6)
    anscombe2nd     (y^(2/3) - (m^(2/3) - m^(-1/3) / 9)) / (2/3 m^(1/6))
    pearsonNegBin   (y - m) / sqrt(m + alpha m^2)
    anscombeNegBin  (A(y) - A(m)) / (m + alpha m^2)^(1/6),  A(x) = 3/2 x^(2/3) F(1/3, 2/3; 5/3; -alpha x)
    none            y

`m` is the mean before the first tested period, a number, a list with one per tested period, or "glm":
a Poisson regression with one annual harmonic on the periods before. `score` is S / h: at 1 and above
there is an alarm. `expected` is m. `reset`: after an alarm the sum begins anew (release 1.25 of the
package).

`compat="surveillance"` gives the numbers of `surveillance::algo.cusum`. By default its flaws are mended:

* `threshold` is the largest count without an alarm for every transform; the package gives the count
  needed, rounded up or not, for some transforms (for anscombe2nd of another transform than the one
  summed: m^(1/3) in place of m^(-1/3)), and h - S for anscombeNegBin and none;
* a missing count is unknown and the sum waits; in the package everything after it is lost, and the bounds
  become 0;
* missing counts before the first tested period are left out of the mean; the package loses the series;
* no case before the first tested period: half a case stands in, reason `NO_CASES_IN_SEASON`, and a
  regression that does not converge gives way to the mean, reason `NO_CONVERGENCE`; in the package a mean
  of 0 divides by nothing and no alarm can be raised;
* F is exact; the package looks it up in a table with steps of 0.01 (1 below -10), good to three digits,
  that ends where alpha times a count is 100: of campylobacteriosis in Germany it answers no week, where
  the exact form gives 87 alarms in 222 weeks (h = 4, alpha = 0.1).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
from numba import njit
from scipy.special import hyp2f1

from anlan.assess.detect.harmonic_glm import harmonic_design, seasonal_means
from anlan.assess.detect.panel import Detection, Floats, Ints, Panel, Reason, Shorts, Test, decide, detection
from anlan.assess.detect.spec import Param, Spec

Trans: TypeAlias = Literal[
    "standard", "rossi", "anscombe", "anscombe2nd", "pearsonNegBin", "anscombeNegBin", "none"
]
Compat: TypeAlias = Literal["mended", "surveillance"]
Means: TypeAlias = float | Sequence[float] | Literal["glm"] | None

TRANSFORMS = ("standard", "rossi", "anscombe", "anscombe2nd", "pearsonNegBin", "anscombeNegBin", "none")

#: the compiled kernel, whose arguments mypy cannot see
_seasonal_means: Callable[..., None] = seasonal_means


def cusum(
    panel: Panel,
    test: Test,
    *,
    k: float = 1.04,
    h: float = 2.26,
    m: Means = None,
    trans: Trans = "standard",
    alpha: float = 0.1,
    reset: bool = False,
    compat: Compat = "mended",
) -> Detection:
    """Test `panel` at `test` (contiguous, in order; the sum begins there); what each parameter means
    stands in `SPECS`."""
    for name, found, expected in (
        ("trans", trans, TRANSFORMS),
        ("compat", compat, ("mended", "surveillance")),
    ):
        if found not in expected:
            raise ValueError(f"{name} must be one of {', '.join(expected)}; found {found!r}")
    if not h > 0:
        raise ValueError(f"h must be above 0, found {h}")
    if not np.isfinite(k):
        raise ValueError(f"k must be a finite number, found {k}")
    if not alpha >= 0:
        raise ValueError(f"alpha must be at least 0, found {alpha}")
    at = panel.test_indexes(test)
    as_package = compat == "surveillance"
    mean, reason = in_control(panel, at, m, as_package)
    y = panel.counts[:, at]
    z = transformed(y, mean, trans, alpha, tabled=as_package)
    before, sums = np.empty(y.shape), np.empty(y.shape)
    _accumulate(z, k, h, reset, as_package, before, sums)
    with np.errstate(invalid="ignore"):
        if as_package:
            bound = _package_bound(mean, h, k, before, sums, trans, alpha)
        else:
            bound = _largest_without(mean, h, k, before, trans, alpha)
    reason[np.isnan(sums) & (reason != Reason.TOO_FEW_HISTORY)] = Reason.NO_BOUND
    if as_package:
        reason[np.isnan(y).cumsum(axis=1) > 0] = Reason.MISSING_VALUE
    reason[np.isnan(y)] = Reason.MISSING_VALUE
    lost = np.isnan(y) & (not as_package)
    blind = [Reason.NO_BOUND, Reason.MISSING_VALUE, Reason.TOO_FEW_HISTORY]
    negative_binomial = trans in ("pearsonNegBin", "anscombeNegBin")
    return detection(
        at,
        expected=mean,
        threshold=bound,
        score=np.where(lost, np.nan, sums) / h,
        variance=mean + alpha * mean**2 if negative_binomial else mean,
        alarm=decide(sums >= h, reason, blind),
        reason=reason,
    )


def in_control(panel: Panel, at: Ints, m: Means, as_package: bool) -> tuple[Floats, Shorts]:
    """(mean without an outbreak, reason), [n_series, n_test]."""
    shape = (panel.n_series, len(at))
    reason = np.full(shape, Reason.OK, dtype=np.int16)
    if m is not None and m != "glm":
        given = np.asarray(m, dtype=np.float64)
        if given.ndim > 1 or given.size not in (1, len(at)):
            raise ValueError(
                f"m must be one number or one per tested period ({len(at)}), found {given.size} numbers"
            )
        if not (given >= 0).all():
            raise ValueError("m must hold means of at least 0, found a negative or missing one")
        return np.broadcast_to(given.ravel(), shape).copy(), reason
    if not at.size:
        return np.full(shape, np.nan), reason
    past = panel.counts[:, : at[0]]
    if as_package and at[0] == 0:  # R counts 1:0 as the rows 1 and 0
        past = panel.counts[:, :1]
    known = (~np.isnan(past)).sum(axis=1)
    cases = np.nansum(past, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        if as_package:
            plain = past.mean(axis=1) if past.shape[1] else np.full(len(past), np.nan)
        else:
            plain = (cases + np.where(cases == 0, 0.5, 0.0)) / known
    mean = np.repeat(plain[:, None], len(at), axis=1)
    if m == "glm":
        fitted, code = np.empty(shape), np.empty(len(past), dtype=np.int64)
        if as_package and at[0] == 0:  # the rows 1 and 0 are one value, taken twice
            twice = np.concatenate([past, past, np.zeros(shape)], axis=1)
            _seasonal_means(np.ones((twice.shape[1], 1)), twice, at + 2, 0.0, fitted, code)
        else:
            design = harmonic_design(panel.n_time, panel.freq, 1, False)
            _seasonal_means(design, panel.counts, at, 0.0, fitted, code)
        if as_package:
            mean = fitted
        else:
            good = (code == 0) & (cases > 0)
            mean[good] = fitted[good]
            reason[code != 0] = Reason.NO_CONVERGENCE
    if not as_package:
        reason[cases == 0] = Reason.NO_CASES_IN_SEASON
    reason[known == 0] = Reason.TOO_FEW_HISTORY
    return mean, reason


def transformed(y: Floats, m: Floats, trans: Trans, alpha: float, *, tabled: bool = False) -> Floats:
    """Counts made nearly standard normal under the mean m; `tabled` as the package looks F up."""
    with np.errstate(divide="ignore", invalid="ignore"):
        if trans == "none":
            return y.copy()
        if trans == "rossi":
            z = (y - 3 * m + 2 * np.sqrt(y * m)) / (2 * np.sqrt(m))
        elif trans == "standard":
            z = (y - m) / np.sqrt(m)
        elif trans == "anscombe":
            z = 1.5 * (y ** (2 / 3) - m ** (2 / 3)) / m ** (1 / 6)
        elif trans == "anscombe2nd":
            z = (y ** (2 / 3) - (m ** (2 / 3) - m ** (-1 / 3) / 9)) / (2 / 3 * m ** (1 / 6))
        elif trans == "pearsonNegBin":
            z = (y - m) / np.sqrt(m + alpha * m**2)
        else:
            z = (_stable(y, alpha, tabled) - _stable(m, alpha, tabled)) / (m + alpha * m**2) ** (1 / 6)
    found: Floats = z
    return found


def _stable(x: Floats, alpha: float, tabled: bool) -> Floats:
    """A(x), the integral of (x + alpha x^2)^(-1/3)."""
    at, back = np.unique(-alpha * x, return_inverse=True)
    f = _tabled(at) if tabled else _f(at)
    stable: Floats = 1.5 * x ** (2 / 3) * f[back].reshape(x.shape)
    return stable


def _f(z: Floats) -> Floats:
    """F(1/3, 2/3; 5/3; z)."""
    f: Floats = hyp2f1(1 / 3, 2 / 3, 5 / 3, z)
    return f


def _tabled(z: Floats) -> Floats:
    """F as the package reads it: the nearest of 0, -0.01 ... -10, between whole numbers down to -100
    linearly, nothing below."""
    nearest = -np.ceil(-z * 100 - 0.5) / 100
    low = np.floor(z)
    with np.errstate(invalid="ignore"):
        between = _f(low) + (_f(low + 1) - _f(low)) * (z - low)
        f: Floats = np.where(z >= -10, _f(nearest), np.where(low < -100, np.nan, between))
    return f


def _package_bound(
    m: Floats, h: float, k: float, before: Floats, sums: Floats, trans: Trans, alpha: float
) -> Floats:
    """The package's bound; 0 where it is negative or not a number."""
    need = h + k - before
    root = np.sqrt(m)
    with np.errstate(invalid="ignore", divide="ignore"):
        if trans in ("anscombeNegBin", "none"):
            bound = h - sums
        elif trans == "pearsonNegBin":
            bound = np.sqrt(m + alpha * m**2) * need + m
        elif trans == "standard":
            bound = np.ceil(root * need + m)
        elif trans == "rossi":
            bound = 2 * root * need + 5 * m - 2 * np.sqrt(4 * m**2 + 2 * m**1.5 * need)
        else:
            centre = m ** (2 / 3) - (m ** (1 / 3) / 9 if trans == "anscombe2nd" else 0)
            power = 2 / 3 * m ** (1 / 6) * need + centre
            bound = np.where(power < 0, 0, np.abs(power) ** 1.5)
    return np.where(bound >= 0, bound, 0.0)


def _largest_without(m: Floats, h: float, k: float, before: Floats, trans: Trans, alpha: float) -> Floats:
    """The largest whole count without an alarm, -1 where none is without."""
    need = h + k - before

    def alarms(count: Floats) -> Any:
        return (count >= 0) & (before + (transformed(np.maximum(count, 0.0), m, trans, alpha) - k) >= h)

    root = np.sqrt(m)
    with np.errstate(invalid="ignore", divide="ignore"):
        if trans == "none":
            x = need.copy()
        elif trans == "standard":
            x = root * need + m
        elif trans == "rossi":
            x = np.maximum(np.sqrt(np.maximum(4 * m + 2 * root * need, 0.0)) - root, 0.0) ** 2
        elif trans == "pearsonNegBin":
            x = np.sqrt(m + alpha * m**2) * need + m
        elif trans == "anscombeNegBin":
            x = _unstable(_stable(m, alpha, False) + need * (m + alpha * m**2) ** (1 / 6), alpha)
        else:
            centre = m ** (2 / 3) - (m ** (-1 / 3) / 9 if trans == "anscombe2nd" else 0)
            x = np.maximum(2 / 3 * m ** (1 / 6) * need + centre, 0.0) ** 1.5
        count = np.maximum(np.ceil(x) - 1, -1.0)
        # the inverse may be off by a rounding error at whole numbers: the transform itself decides
        count = np.where(alarms(count + 1), count, count + 1)
        largest: Floats = np.where(alarms(count), count - 1, count)
    return largest


def _unstable(a: Floats, alpha: float) -> Floats:
    """The x of at least 0 with A(x) = a, by Newton's steps on x^(2/3)."""
    wanted = np.maximum(a, 0.0)
    power = wanted / 1.5
    for _ in range(60):
        x = power**1.5
        change = (_stable(x, alpha, False) - wanted) / (1.5 * (1 + alpha * x) ** (-1 / 3))
        power = np.maximum(power - change, 0.0)
        if not (np.abs(change) > 1e-13 * (1 + power)).any():
            break
    found: Floats = power**1.5
    return found


@njit(cache=True, nogil=True)
def accumulate(z, k, h, reset, as_package, before, sums):  # type: ignore[no-untyped-def]
    """Write the sum before and after each period. A missing one is passed over, or ends the sum."""
    for s in range(z.shape[0]):
        now = 0.0
        for t in range(z.shape[1]):
            before[s, t] = now
            if np.isnan(z[s, t]) and not as_package:
                sums[s, t] = now
                continue
            if not np.isnan(now):
                now += z[s, t] - k
                now = max(now, 0.0) if not np.isnan(now) else now
            sums[s, t] = now
            if reset and now >= h:
                now = 0.0


#: the compiled kernel, whose arguments mypy cannot see
_accumulate: Callable[..., None] = accumulate


def _history(params: Mapping[str, Any], freq: int) -> int:
    """Two years for a mean or a season; none where the mean is given."""
    return 2 * freq if params["m"] is None or params["m"] == "glm" else 0


SPECS = (
    Spec(
        "cusum",
        cusum,
        (
            Param("k", "float", 1.04, "reference value: half the shift to be found, standard deviations"),
            Param("h", "float", 2.26, "sum at which there is an alarm"),
            Param(
                "m",
                "float, list, glm or none",
                None,
                "mean without an outbreak: a number, one per tested period, glm (a Poisson regression with "
                "an annual harmonic); none = mean before the first tested period",
            ),
            Param("trans", "str", "standard", "how counts are made nearly normal", TRANSFORMS),
            Param("alpha", "float", 0.1, "overdispersion of the negative binomial transforms"),
            Param("reset", "bool", False, "begin anew after an alarm"),
            Param(
                "compat",
                "str",
                "mended",
                "the R package's numbers with its flaws, or the mended ones",
                ("mended", "surveillance"),
            ),
        ),
        title="CUSUM of transformed counts",
        source="Rossi, Lampugnani, Marchi 1999, Stat Med 18:2111-2122",
        history=_history,
        sequential=True,
    ),
)
