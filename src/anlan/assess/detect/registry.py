"""Detectors by name, with the description of their parameters that packs are checked against.

A further detector needs its `Spec` and one line here; one of another distribution an entry point of the
group `anlan.detectors` that loads its `Spec`. A built-in detector cannot be replaced.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

import numpy as np

from anlan.assess.detect.panel import Alarm, Detection, Known, Panel, Reason, Test
from anlan.assess.detect.spec import REQUIRED, Detector, Param, Spec

GROUP = "anlan.detectors"

#: modules with a tuple `SPECS`, in the order in which detectors are listed
BUILT_IN = (
    "threshold",
    "ears",
    "farrington_flexible",
    "farrington_scan",
    "ensemble",
    "ewma",
    "adaptive_regression",
    "cidars",
    "rate_of_change",
    "flat_line",
    "seasonal_z",
    "decomposition",
    "cusum_reset",
    "page_hinkley",
    "bocpd",
    "surprise",
    "return_level",
    "matrix_profile",
    "sub_pca",
    "prediction_interval",
    "farrington",
    "bayes",
    "rki",
    "cdc",
    "outbreak_p",
    "cusum",
    "rogerson",
    "glr",
)

__all__ = [
    "REQUIRED",
    "Param",
    "Spec",
    "check_params",
    "described",
    "detector",
    "guarded",
    "names",
    "spec",
    "specs",
]


@cache
def specs() -> dict[str, Spec]:
    """Every detector there is, by name."""
    found = {s.name: s for module in BUILT_IN for s in import_module(f"anlan.assess.detect.{module}").SPECS}
    for entry in entry_points(group=GROUP):
        if entry.name not in found:
            found[entry.name] = entry.load()
    return found


def names() -> tuple[str, ...]:
    """Names of all detectors."""
    return tuple(specs())


def spec(name: str) -> Spec:
    """What the detector called `name` says of itself; ValueError where there is none."""
    try:
        return specs()[name]
    except KeyError:
        raise ValueError(f"no detector is called {name!r}; expected one of: {', '.join(specs())}") from None


def described() -> dict[str, dict[str, str]]:
    """Every detector's parameters with their types in words, as the linter of packs takes them:
    `int`, `a | b` for words, `required` behind where there is no default."""
    return {
        name: {
            p.name: (" | ".join(p.choices) or p.type) + (" required" if p.default is REQUIRED else "")
            for p in one.params
        }
        for name, one in specs().items()
    }


def check_params(name: str, params: Mapping[str, Any]) -> None:
    """Raise ValueError where `params` do not fit the detector."""
    spec(name).check(params)


def detector(name: str) -> Detector:
    """The detector called `name`, guarded (see `guarded`)."""
    return guarded(spec(name))


def guarded(one: Spec) -> Detector:
    """The detector of a description: (panel, test, **params) -> Detection. Values that it cannot take
    (not finite, or a negative count) are unknown where tested, `INVALID_VALUE`, and missing elsewhere;
    the other series of the panel do not notice."""

    def checked(panel: Panel, test: Test, **params: Any) -> Detection:
        one.check(params)
        at = panel.test_indexes(test)
        if one.sequential and at.size and (np.diff(at) != 1).any():
            raise ValueError(
                f"detector {one.name} goes on from period to period: test must be contiguous and in order, "
                f"found indexes {at.tolist()[:8]}"
            )
        clean, refused = panel.screened(one.values)
        found = one.run(clean, at, **params)
        return found if refused is None else _refused(found, refused[:, at])

    checked.__name__ = one.name
    checked.__doc__ = inspect.getdoc(one.run)
    return checked


def _refused(found: Detection, where: np.ndarray[Any, np.dtype[np.bool_]]) -> Detection:
    """The detection with the cells of refused values unknown."""
    return replace(
        found,
        alarm=np.where(where, np.int8(Alarm.UNKNOWN), found.alarm),
        state=np.where(where, np.int8(Known.UNKNOWN), found.state),
        reason=np.where(where, np.int16(Reason.INVALID_VALUE), found.reason),
    )
