"""Detectors by name, with the description of their parameters that packs are checked against."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from anlan.assess.detect.ears import Method, ears
from anlan.assess.detect.farrington_flexible import farrington_flexible
from anlan.assess.detect.panel import Detection, Panel, Test
from anlan.assess.detect.threshold import threshold


class Detector(Protocol):
    """Test `panel` at `test` (slice or indexes) with named parameters."""

    def __call__(self, panel: Panel, test: Test, **params: Any) -> Detection: ...


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter: `type` in words a pack author knows, `default` (`REQUIRED` where there is
    none), `choices` where only these are allowed."""

    name: str
    type: str
    default: Any
    meaning: str
    choices: tuple[str, ...] = ()


class _Required:
    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED = _Required()

_EARS = (
    Param("baseline", "int", 7, "number of past periods the mean and spread are taken from, >= 3"),
    Param("min_sigma", "float", 0.0, "floor under the standard deviation, cases"),
)


def _ears_alpha(default: float) -> Param:
    return Param("alpha", "float", default, "one-sided level of the normal quantile")


PARAMS: dict[str, tuple[Param, ...]] = {
    "threshold": (
        Param("limit", "float", REQUIRED, "the limit, in the unit of the series"),
        Param(
            "direction",
            "str",
            "at_least",
            "alarm at or above the limit, or at or below it",
            ("at_least", "at_most"),
        ),
    ),
    "ears_c1": (*_EARS, _ears_alpha(0.001)),
    "ears_c2": (*_EARS, _ears_alpha(0.001)),
    "ears_c3": (
        *_EARS,
        _ears_alpha(0.025),
        Param(
            "c3_rule",
            "str",
            "surveillance",
            "the R package's bound (today's count has no say) or the published sum of three",
            ("surveillance", "published"),
        ),
    ),
    "farrington_flexible": (
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
}


def _ears_as(method: Method) -> Detector:
    def run(panel: Panel, test: Test, **params: Any) -> Detection:
        return ears(panel, test, method=method, **params)

    return run


_RUN: dict[str, Callable[..., Detection]] = {
    "threshold": threshold,
    "ears_c1": _ears_as("C1"),
    "ears_c2": _ears_as("C2"),
    "ears_c3": _ears_as("C3"),
    "farrington_flexible": farrington_flexible,
}

NAMES = tuple(PARAMS)


def check_params(name: str, params: dict[str, Any]) -> None:
    """Raise ValueError, naming what was found and expected, where `params` do not fit the detector:
    unknown or missing names, values outside the choices."""
    known = {p.name: p for p in _params(name)}
    for given in params:
        if given not in known:
            near = difflib.get_close_matches(given, known, n=1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            raise ValueError(
                f"detector {name} has no parameter {given!r}{hint}; expected some of: {', '.join(known)}"
            )
    for p in known.values():
        if p.default is REQUIRED and p.name not in params:
            raise ValueError(f"detector {name} needs the parameter {p.name!r}: {p.meaning}")
        if p.choices and p.name in params and params[p.name] not in p.choices:
            raise ValueError(
                f"detector {name}: {p.name} must be one of {', '.join(p.choices)}; found {params[p.name]!r}"
            )


def detector(name: str) -> Detector:
    """The detector called `name`: (panel, test, **params) -> Detection."""
    _params(name)
    run = _RUN[name]

    def checked(panel: Panel, test: Test, **params: Any) -> Detection:
        check_params(name, params)
        return run(panel, test, **params)

    checked.__name__ = name
    checked.__doc__ = inspect.getdoc(run)
    return checked


def _params(name: str) -> tuple[Param, ...]:
    if name not in PARAMS:
        raise ValueError(f"no detector is called {name!r}; expected one of: {', '.join(NAMES)}")
    return PARAMS[name]
