"""The R package `surveillance` and anlan side by side: names of detectors, parameters, columns.

A register of cases (`cases.json`) names a detector, an input, the rows to test and the control list of
the R call. `rows` runs such a case under `compat="surveillance"` and gives the long table that the
package's own output makes: `series, k` (1-based row of the input) and the detector's columns, None where
the package has NA. Where the package stops, ours raises a ValueError that says why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np

from anlan.assess.detect.bayes import bayes
from anlan.assess.detect.cdc import cdc, last_month
from anlan.assess.detect.cusum import cusum
from anlan.assess.detect.ears import ears
from anlan.assess.detect.farrington import farrington, quantile_of_value
from anlan.assess.detect.farrington_flexible import farrington_flexible
from anlan.assess.detect.farrington_mu0 import mu0, package_rows
from anlan.assess.detect.farrington_windows import window_rows
from anlan.assess.detect.glr import glrnb
from anlan.assess.detect.outbreak_p import outbreak_p
from anlan.assess.detect.panel import Alarm, Detection, Floats, Ints, Panel, Reason, Trend
from anlan.assess.detect.past_windows import past_rows
from anlan.assess.detect.registry import spec
from anlan.assess.detect.rki import rki

Row: TypeAlias = dict[str, Any]
Columns: TypeAlias = dict[str, Floats]
Control: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PeerDetector:
    """One detector of the package.

    `ours` is its name here; `params` the control parameters with our names; `values` words that are
    called otherwise here; `columns(panel, at, params)` gives the columns of its output,
    [n_series, n_test] each, in the package's order; `first_k(control, freq)` the first row tested where
    the control has no range (None: the package needs one); `words` what a parameter may be, where the
    package takes the beginning of one for it."""

    ours: str
    params: Mapping[str, str]
    columns: Callable[[Panel, Ints, Mapping[str, Any]], Columns]
    values: Mapping[str, Any] = field(default_factory=dict)
    first_k: Callable[[Control, int], int] | None = None
    no_null: frozenset[str] = frozenset()
    each_alone: bool = False
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def in_full(self, control: Control) -> dict[str, Any]:
        """`control` with words that are the beginning of one of `words` alone written out, as R does."""
        return {name: _in_full(value, self.words.get(name, ())) for name, value in control.items()}


def _in_full(value: Any, words: tuple[str, ...]) -> Any:
    if not isinstance(value, str) or value in words or not value:
        return value
    meant = [word for word in words if word.startswith(value)]
    return meant[0] if len(meant) == 1 else value


def translated(detector: str, control: Control) -> dict[str, Any]:
    """The parameters of our detector for a control list of the package; ValueError for a detector or a
    parameter that is not known."""
    peer = named(detector)
    control = peer.in_full(control)
    unknown = set(control) - set(peer.params) - _ASIDE
    if unknown:
        raise ValueError(
            f"{detector} has no parameter {', '.join(sorted(unknown))}; expected some of: "
            f"{', '.join(peer.params)}"
        )
    ours = {p.name: p for p in spec(peer.ours.partition(",")[0]).params}
    params = {}
    for theirs, value in control.items():
        if (param := ours.get(peer.params.get(theirs, ""))) is not None:
            replace(param, name=theirs).check(detector, value)
        if value is None and theirs in peer.no_null:
            raise ValueError(f"{detector} stops where {theirs} is NULL; expected a value or none at all")
        if theirs not in _ASIDE and value is not None:
            params[peer.params[theirs]] = peer.values.get(value, value) if isinstance(value, str) else value
    return params


def named(detector: str) -> PeerDetector:
    """The package's detector of that name; ValueError where there is none."""
    if detector not in PEER:
        raise ValueError(f"no detector of the package is called {detector!r}; expected: {', '.join(PEER)}")
    return PEER[detector]


def tested_rows(case: Mapping[str, Any], panel: Panel) -> list[int]:
    """The rows (1-based) that a case tests: its range, {from, to} or a list, or the detector's default."""
    control = {name: value for name, value in (case.get("control") or {}).items() if value is not None}
    chosen = control.get("range")
    if isinstance(chosen, Mapping):
        return list(range(int(chosen["from"]), int(chosen["to"]) + 1))
    if chosen is not None:
        return [int(k) for k in (chosen if isinstance(chosen, Sequence) else [chosen])]
    first = named(case["detector"]).first_k
    if first is None:
        raise ValueError(f"{case['detector']} needs a range of rows to test, found none")
    return list(range(first(control, panel.freq), panel.n_time + 1))


def rows(case: Mapping[str, Any], panel: Panel, ks: Sequence[int]) -> list[Row]:
    """The package's output for `case` on `panel` (series in the order of the case) at the 1-based rows
    `ks`: one row per series and k. Raises ValueError where the package stops."""
    peer = named(case["detector"])
    control = peer.in_full(case.get("control") or {})
    if not isinstance(control.get("method", ""), str):
        raise ValueError(f"{case['detector']}: method must be a word, found {control['method']!r}")
    at = np.asarray(ks, dtype=np.int64) - 1
    alone = peer.each_alone and control.get("method") != "C3"
    if at.size and (np.diff(at) < 1 if alone else np.diff(at) != 1).any():
        raise ValueError(f"range must be contiguous and in order, found rows {list(ks)[:8]}")
    if at.size and (at[0] < 0 or at[-1] >= panel.n_time):
        raise ValueError(f"range must lie within rows 1 to {panel.n_time}, found {ks[0]} to {ks[-1]}")
    table = peer.columns(panel, at, translated(case["detector"], control))
    series = case["series"] if isinstance(case["series"], list) else [case["series"]]
    return [
        {"series": name, "k": int(k), **{c: _written(c, v[s, j]) for c, v in table.items()}}
        for s, name in enumerate(series)
        for j, k in enumerate(ks)
    ]


def _written(column: str, value: float) -> float | int | None:
    if np.isnan(value):
        return None
    return int(value) if column in ("alarm", "trend") else float(value)


#: control parameters that change no number
_ASIDE = frozenset({"range", "verbose", "plot", "glmWarnings"})


def _alarm(found: Detection) -> Floats:
    return np.where(found.alarm == Alarm.UNKNOWN, np.nan, found.alarm).astype(np.float64)


def _trend(found: Detection) -> Floats:
    return np.where(found.trend == Trend.UNKNOWN, np.nan, found.trend).astype(np.float64)


def _flexible(panel: Panel, at: Ints, params: Mapping[str, Any]) -> Columns:
    if params.get("population_offset") and panel.population is None:  # the package takes equal shares
        panel = replace(panel, population=np.full(panel.counts.shape, 1 / panel.n_series))
    found = farrington_flexible(panel, at, compat="surveillance", **params)
    reweight, offset = params.get("reweight", True), params.get("population_offset", False)
    _check_reference(panel, np.unique(package_rows(panel, at, params).rows), offset, reweight)
    if reweight and (found.reason == Reason.TOO_FEW_HISTORY).any():
        raise ValueError("too few reference counts: the package stops there")
    return {
        "upperbound": found.threshold,
        "alarm": _alarm(found),
        "expected": found.expected,
        "score": found.score,
        "pvalue": found.p_value,
        "mu0": mu0(panel, at, params),
        "phi": found.phi,
        "trend": _trend(found),
        "trend_coef": found.trend_coef,
    }


def _check_reference(panel: Panel, rows: Ints, offset: bool, missing: bool) -> None:
    """ValueError where the package's regression stops at a reference value: a negative count, or, with a
    population as `offset`, one that is 0 or, where `missing`, not known."""
    if (panel.counts[:, rows] < 0).any():
        raise ValueError("a reference count is negative: the package stops there")
    if not offset or panel.population is None:
        return
    population = panel.population[:, rows]
    # the logarithm of a negative population is a missing value to it
    if (population == 0).any() or (missing and not (population > 0).all()):
        raise ValueError("a reference population is missing or not above 0: the package stops there")


def _farrington(panel: Panel, at: Ints, params: Mapping[str, Any]) -> Columns:
    if panel.population is None:  # the package takes 1
        panel = replace(panel, population=np.ones(panel.counts.shape))
    given = {"b": 5, "w": 3, "reweight": True, "trend": True, "fit_fun": "fast", **params}
    found = farrington(panel, at, compat="surveillance", **params)
    used, bounds = window_rows(
        at,
        n_time=panel.n_time,
        freq=panel.freq,
        dates=panel.dates,
        b=given["b"],
        w=given["w"],
        as_package=True,
    )
    if (
        used.size
        and np.isnan(panel.counts[:, used]).any()
        and (given["reweight"] or given["fit_fun"] == "fast")
    ):
        raise ValueError("a reference count is missing: the package stops there")
    _check_reference(panel, used, given["fit_fun"] == "population_offset", True)
    shortest = int(np.diff(bounds).min(initial=len(used)))
    # the package fits the trend first, also where fewer than three years refuse it
    bare = at.size > 0 and given["trend"] and shortest <= (2 if given["reweight"] else 1)
    if bare or (found.reason == Reason.TOO_FEW_HISTORY).any():
        raise ValueError(
            f"too few reference counts: {shortest} where the model needs more than it has coefficients"
        )
    if (found.reason == Reason.NO_CONVERGENCE).any():
        raise ValueError("the fit did not converge: the package gives nothing for such a series")
    return {
        "upperbound": found.threshold,
        "alarm": _alarm(found),
        "trend": _trend(found),
        "q": quantile_of_value(panel.counts[:, at], found, params.get("powertrans", "2/3")),
        "median": found.expected,
    }


def _ears(panel: Panel, at: Ints, params: Mapping[str, Any]) -> Columns:
    if params.get("method") == "C3" and at.size == 1:
        raise ValueError("C3 needs more than one tested row: the package stops at one")
    found = ears(panel, at, **params)
    return {"upperbound": found.threshold, "alarm": _alarm(found)}


def _bayes(panel: Panel, at: Ints, params: Mapping[str, Any]) -> Columns:
    found = bayes(panel, at, compat="surveillance", **params)
    return {"upperbound": found.threshold, "alarm": _alarm(found)}


def _rki(panel: Panel, at: Ints, params: Mapping[str, Any]) -> Columns:
    found = rki(panel, at, compat="surveillance", **params)
    given = {"b": 2, "w": 4, "act_y": False, **params}
    windows = {name: given[name] for name in ("b", "w", "act_y")}
    used, _ = past_rows(panel, at, **windows, as_package=True)
    ahead = at.size and given["b"] > 0 and at[-1] - panel.freq + given["w"] >= panel.n_time
    if ahead or np.isnan(panel.counts[:, used]).any():
        raise ValueError("a reference value is missing: the package stops there")
    return {"upperbound": found.threshold, "alarm": _alarm(found)}


def _cdc(panel: Panel, at: Ints, params: Mapping[str, Any]) -> Columns:
    found = cdc(panel, at, compat="surveillance", **params)
    sums, hidden = last_month(panel.counts, at)
    return {
        "upperbound": found.threshold,
        "alarm": _alarm(found),
        "aggregate4": np.where(hidden, np.nan, sums),
    }


def _cusum(panel: Panel, at: Ints, params: Mapping[str, Any]) -> Columns:
    # a control of NULL is the default
    given = {name: value for name, value in params.items() if value is not None}
    one_mean = "m" not in given or (given["m"] != "glm" and np.size(given["m"]) == 1)
    if given.get("trans") == "anscombeNegBin" and not one_mean and at.size > 1:
        raise ValueError("trans anscombeNegBin takes one mean: the package stops at a mean per period")
    found = cusum(panel, at, compat="surveillance", **given)
    columns = {
        "upperbound": found.threshold,
        "alarm": _alarm(found),
        "cusum": found.score * given.get("h", 2.26),
    }
    return {**columns, "m": found.expected} if given.get("m") == "glm" else columns


def _outbreak_p(panel: Panel, at: Ints, params: Mapping[str, Any]) -> Columns:
    if at.size and np.isnan(panel.counts[:, : at[-1] + 1]).any():
        raise ValueError("a value up to the last tested one is missing: the package stops there")
    found = outbreak_p(panel, at, compat="surveillance", **{"ret": "value", **params})
    return {"upperbound": found.threshold, "alarm": _alarm(found)}


def _glr(panel: Panel, at: Ints, params: Mapping[str, Any]) -> Columns:
    given = {name: value for name, value in params.items() if value is not None}
    mu0 = given.pop("mu0", None)
    if mu0 == []:  # an empty list of R
        mu0 = {}
    if isinstance(mu0, Mapping):
        named = {"S": "s", "trend": "trend", "refit": "refit"}
        given |= {named[name]: value for name, value in mu0.items() if value is not None}
    elif mu0 is not None:
        given["mu0"] = mu0
    if at.size and np.isnan(panel.counts[:, at]).any():
        raise ValueError("a tested value is missing: the package stops there")
    if at.size and "alpha" not in given:
        past = panel.counts[:, : at[0]]
        gone = np.isnan(past)
        least = np.where(gone, np.inf, past).min(axis=1, initial=np.inf)
        if (np.where(gone, -np.inf, past).max(axis=1, initial=-np.inf) <= least).any():
            raise ValueError("counts before the first tested period do not vary: alpha cannot be estimated")
    if given.get("theta") == 1:
        raise ValueError("theta = 1 is refused by the package")
    found = glrnb(panel, at, compat="surveillance", **given)
    if given.get("refit") and (found.alarm[:, -1:] == Alarm.YES).any():
        raise ValueError("refit after an alarm in the last tested period: the package has nothing to fit")
    return {"upperbound": found.threshold, "alarm": _alarm(found), "mu0": found.expected}


def _glrpois(panel: Panel, at: Ints, params: Mapping[str, Any]) -> Columns:
    if params.get("alpha"):
        raise ValueError(f"glrpois has alpha 0, found {params['alpha']}")
    return _glr(panel, at, {**params, "alpha": 0})


_SAME = {name: name for name in ("b", "w", "reweight", "alpha", "trend", "limit54", "powertrans")}

_GLR = {
    "c.ARL": "c_arl",
    "mu0": "mu0",
    "alpha": "alpha",
    "Mtilde": "mtilde",
    "M": "m",
    "change": "change",
    "theta": "theta",
    "dir": "dir",
    "ret": "ret",
    "xMax": "x_max",
}

_GLR_WORDS = {"dir": ("inc", "dec"), "ret": ("value", "cases")}

#: the package's detectors by their names in `cases.json`
PEER: dict[str, PeerDetector] = {
    "farringtonFlexible": PeerDetector(
        "farrington_flexible",
        {
            **_SAME,
            "weightsThreshold": "weights_threshold",
            "pThresholdTrend": "p_threshold_trend",
            "fitFun": "fit_fun",
            "populationOffset": "population_offset",
            "noPeriods": "no_periods",
            "pastWeeksNotIncluded": "past_weeks_not_included",
            "thresholdMethod": "threshold_method",
        },
        _flexible,
        {"nbPlugin": "nb_plugin", "algo.farrington.fitGLM.flexible": "flexible"},
        lambda control, freq: freq * int(control.get("b", 5)) + int(control.get("w", 3)) + 1,
        no_null=frozenset(
            {
                *_SAME,
                "weightsThreshold",
                "pThresholdTrend",
                "populationOffset",
                "noPeriods",
                "thresholdMethod",
            }
        ),
        words={
            "fitFun": ("algo.farrington.fitGLM.flexible",),
        },
    ),
    "farrington": PeerDetector(
        "farrington",
        {**_SAME, "fitFun": "fit_fun"},
        _farrington,
        {
            "algo.farrington.fitGLM.fast": "fast",
            "algo.farrington.fitGLM": "glm",
            "algo.farrington.fitGLM.populationOffset": "population_offset",
        },
        lambda control, freq: freq * int(control.get("b", 5)) - int(control.get("w", 3)),
        no_null=frozenset(_SAME),
        words={
            "fitFun": (
                "algo.farrington.fitGLM.fast",
                "algo.farrington.fitGLM",
                "algo.farrington.fitGLM.populationOffset",
            )
        },
    ),
    "earsC": PeerDetector(
        "ears_c1, ears_c2, ears_c3",
        {"method": "method", "baseline": "baseline", "minSigma": "min_sigma", "alpha": "alpha"},
        _ears,
        first_k=lambda control, _: (
            int(control.get("baseline", 7)) + {"C2": 3, "C3": 5}.get(str(control.get("method")), 1)
        ),
        each_alone=True,
    ),
    "bayes": PeerDetector(
        "bayes", {"b": "b", "w": "w", "actY": "act_y", "alpha": "alpha"}, _bayes, each_alone=True
    ),
    "rki": PeerDetector("rki", {"b": "b", "w": "w", "actY": "act_y"}, _rki, each_alone=True),
    "cdc": PeerDetector(
        "cdc",
        {"b": "b", "m": "m", "alpha": "alpha"},
        _cdc,
        first_k=lambda control, freq: freq * int(control.get("b", 5)) - int(control.get("m", 1)),
        each_alone=True,
    ),
    "outbreakP": PeerDetector(
        "outbreak_p",
        {"k": "k", "ret": "ret", "maxUpperboundCases": "max_upperbound_cases"},
        _outbreak_p,
        each_alone=True,
        words={"ret": ("value", "cases")},
    ),
    "cusum": PeerDetector(
        "cusum",
        {name: name for name in ("k", "h", "m", "trans", "alpha", "reset")},
        _cusum,
    ),
    "glrpois": PeerDetector("glrpois", _GLR, _glrpois, words=_GLR_WORDS),
    "glrnb": PeerDetector("glrnb", _GLR, _glr, words=_GLR_WORDS),
}
